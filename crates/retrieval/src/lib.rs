//! From files to chunks with vectors, and from a question to the chunks that answer it.
//!
//! Owns: which files are documents ([`walk`], [`mod@format`]), their visible text ([`parse`], [`parsers`], [`sanitize`]),
//! chunks ([`chunk`]), vectors ([`embed`]), how they get into a knowledge base ([`ingest`], [`reembed`]), what a question asks
//! for ([`query`], [`search`]), what is shown of its hits ([`passages`]), and the measures of a search ([`eval`]).
//! Must not: hold SQL, or fetch anything that a document refers to.
//!
//! Documents are untrusted. What a person who opens the document would not see must not reach a model either:
//! hidden elements, comments and invisible characters are removed, and counted so that the author can be told.

pub mod chunk;
pub mod decode;
pub mod embed;
pub mod eval;
pub mod format;
pub mod ingest;
pub mod limits;
mod outline;
pub mod parse;
pub mod parsers;
pub mod passages;
pub mod query;
pub mod reembed;
pub mod sanitize;
pub mod search;
mod snippet;
pub mod walk;
mod words;

pub use chunk::{Chunk, Chunker};
pub use embed::{EmbedError, Embedder};
pub use format::DocumentFormat;
pub use limits::Limits;
pub use parse::{ParseError, ParsedDocument, Syntax, parse_document};
pub use sanitize::RemovedCounts;
