//! The tools of a library, one file each; what they share: the caller's scope, the audit, bounds and cursors.

mod arguments;
mod budget;
mod call;
mod cursor;
mod error;
mod fetch;
mod list_documents;
mod list_knowledge_bases;
mod search;
mod server;

pub use server::LibraryServer;
