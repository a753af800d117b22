//! People, as the commands name them: by e-mail address.

use anyhow::Context as _;
use autri_db::Database;
use autri_db::people::{self, Person};
use autri_domain::OrgId;

use crate::output;

/// The person with this address, or an error that says where to look.
///
/// # Errors
/// When nobody has it, or the database refuses.
pub(crate) async fn get(database: &Database, email: &str) -> anyhow::Result<Person> {
    people::find_by_email(database, email).await?.with_context(|| {
        format!("there are no records of a person with the address {email}; see `autri user list`")
    })
}

/// Why the person's own org does not go alone, and the command that takes both.
pub(crate) fn owns(email: &str, org: OrgId) -> String {
    let command = match output::shell_word(email) {
        Some(word) => format!("`autri user delete {word}`"),
        None => "`autri user delete`, with the address that `autri user list --json` has".to_owned(),
    };
    format!("the org {org} is {email}'s own; it goes with the person: {command}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_pasting_runs_nothing_of_an_address() {
        let said = |email| owns(email, OrgId::new());
        assert!(said("a@example.com").ends_with(": `autri user delete a@example.com`"));
        let hostile = said("a$(id);b@example.com");
        assert!(hostile.ends_with(": `autri user delete 'a$(id);b@example.com'`"), "{hostile}");
        let unseen = said("a\u{1b}[2J@example.com");
        assert!(unseen.contains("`autri user delete`, with"), "{unseen}");
    }
}
