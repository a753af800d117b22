//! One module a command.

pub(crate) mod audit;
pub(crate) mod connector;
pub(crate) mod db;
#[cfg(feature = "dev-auth")]
pub(crate) mod dev;
pub(crate) mod document;
pub(crate) mod eval;
pub(crate) mod ingest;
pub(crate) mod knowledge_base;
pub(crate) mod library;
pub(crate) mod model;
pub(crate) mod notification;
pub(crate) mod org;
pub(crate) mod parse_worker;
#[cfg(feature = "dev-auth")]
pub(crate) mod token;
#[cfg(feature = "aws")]
pub(crate) mod user;
