//! The program as a person or a script meets it: arguments in; text, JSON and an exit code out; a real database behind.

mod audit;
mod database;
mod help;
mod program;
mod tenants;
#[cfg(feature = "dev-auth")]
mod tokens;
