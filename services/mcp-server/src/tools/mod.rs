//! The tools of a library, one file each; what they share: arguments, bounds, documents in parts, and how a tool is a
//! call's work.

mod arguments;
pub(crate) mod budget;
mod catalogue;
mod fetch;
mod list_documents;
mod list_knowledge_bases;
mod note;
mod part;
mod path;
mod search;
mod work;

pub(crate) use catalogue::TOOLS;
pub(crate) use part::part;
pub(crate) use path::{one_line, shown_path};
pub(crate) use work::result;
