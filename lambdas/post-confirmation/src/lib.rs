//! The sign-up triggers of the user pool: whoever is invited ends with a usable account, everyone else with none.
//!
//! One binary serves post confirmation, which makes the account or deletes the user, and pre sign-up, which refuses before
//! there is a user. Only a list that was read and an address that is verified delete anybody; whatever goes wrong before
//! is an error, and the user stays.
//!
//! Must not decide by anything that the caller can choose (`clientMetadata`, `validationData`), confirm or verify anybody,
//! or know SQL. Who may have an account is `autri-admission`'s to say.

pub mod amazon;
mod event;
mod failure;
pub mod settings;
pub mod trigger;
