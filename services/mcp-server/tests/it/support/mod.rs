//! A server under test, and what it is asked.

mod answer;
mod ask;
mod embedders;
mod log;
#[cfg(feature = "aws")]
mod secret;
mod server;
mod severed;
mod tokens;
mod waiting;

pub(crate) use answer::Answer;
pub(crate) use ask::{Ask, ERAS, Era};
pub(crate) use embedders::{PanickingEmbedder, StoppedEmbedder};
pub(crate) use log::CapturedLog;
#[cfg(feature = "aws")]
pub(crate) use secret::{SECRET_ARN, secret_text};
pub(crate) use server::{AUDIT_KEY, PUBLIC_URL, Server, Setup, machine_token, person_token};
pub(crate) use severed::severed_after_a_commit;
pub(crate) use tokens::{FakeKeys, ISSUER, KID, NOW, SCOPE, claims, signer};
pub(crate) use waiting::{PATIENCE, soon, until, until_waiting_for_a_lock};
