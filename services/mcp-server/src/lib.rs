//! The MCP server: one URL, stateless, JSON answers, a library's tools and its documents as resources.
//!
//! A request's way: [`http`] (log, origin, ping, authentication, protocol) → rmcp → `server` → `calls` (time limit,
//! transaction, audit) around `tools` and `resources` → the answer. axum and rmcp types stay in this crate.

pub mod app;
mod calls;
pub mod config;
pub mod database;
pub mod http;
mod listen;
mod resources;
pub mod serve;
mod server;
mod shares;
mod stop;
mod tools;

pub use app::App;
pub use config::Config;
