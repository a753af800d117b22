//! Runs a Lambda's `bootstrap` on this machine: the Lambda Runtime API on loopback, and the process that asks it.
//!
//! For tests and benchmarks, in place of the execution environment of AWS. What is served is what `lambda_runtime` uses:
//! the next invocation, its response, its error, and the error of a failed start
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>). One invocation at a time, as there.

mod function;
mod runtime_api;

pub use function::{Function, FunctionOptions, Output};
pub use runtime_api::{Answer, FunctionError};
