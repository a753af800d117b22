//! Settings, read once from the environment: all that is missing or wrong is reported together, and no value is repeated.
//!
//! Owns how settings are declared, read and documented. Which ones there are is each binary's own `settings!`.

mod error;
mod reader;
mod setting;
#[cfg(feature = "test-support")]
pub mod test_support;

pub use error::SettingsError;
pub use reader::Reader;
pub use setting::{Setting, markdown_table};
