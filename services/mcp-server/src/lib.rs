//! The MCP server: one URL, stateless, JSON answers, the tools of a library.
//!
//! A request's way: [`http`] (log, origin, ping, authentication, protocol) → rmcp → [`tools`] (arguments, transaction,
//! audit) → the answer. axum and rmcp types stay in this crate.

pub mod app;
pub mod config;
pub mod database;
pub mod http;
mod listen;
pub mod serve;
pub mod tools;

pub use app::App;
pub use config::Config;
