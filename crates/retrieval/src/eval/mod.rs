//! How good a search is, on a collection with known answers.

pub mod beir;
mod metrics;
mod split;

pub use metrics::{Judgements, Measure, evaluate};
pub use split::Half;
