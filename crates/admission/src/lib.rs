//! Who may have an account: the allowlist, the decision about one person, and the account that follows.
//!
//! Used by the post-confirmation trigger and by the operator's CLI, so that both decide alike. It does not delete anybody
//! and knows neither events nor commands. E-mail addresses never leave it by way of an error or a log line.

mod account;
mod allowlist;
mod cache;
mod edit;
mod eligibility;
mod email;
mod history;
mod parameter_edit;
mod trusted_idps;

pub use account::{Newcomer, Provisioned, WelcomeText, provision, welcome};
pub use allowlist::{Allowlist, DEFAULT_ALLOWLIST_PARAMETER, Entry};
pub use cache::AllowlistCache;
pub use edit::{Edit, ListTooLong, add_entry, remove_entry};
pub use eligibility::{Eligibility, SignUp, assess};
pub use email::{EmailAddress, EmailAddressError};
pub use parameter_edit::{EditedList, IfMissing, ListEditError, edit_allowlist};
pub use trusted_idps::TrustedIdps;
