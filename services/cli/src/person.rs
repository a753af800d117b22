//! People, as the commands name them: by e-mail address.

use anyhow::Context as _;
use autri_db::Database;
use autri_db::people::{self, Person};

/// The person with this address, or an error that says where to look.
///
/// # Errors
/// When nobody has it, or the database refuses.
pub(crate) async fn get(database: &Database, email: &str) -> anyhow::Result<Person> {
    people::find_by_email(database, email).await?.with_context(|| {
        format!("there are no records of a person with the address {email}; see `autri user list`")
    })
}
