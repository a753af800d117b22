//! The tools of a library, one file each; what they share: arguments, bounds, and how a tool is a call's work.

mod arguments;
pub(crate) mod budget;
mod catalogue;
mod fetch;
mod list_documents;
mod list_knowledge_bases;
mod search;
mod work;

use crate::calls::{self as call, cursor};

pub(crate) use catalogue::TOOLS;
pub(crate) use work::result;

/// A call's error, by the name that the tools use.
mod error {
    pub(super) use crate::calls::CallError as ToolError;
}
