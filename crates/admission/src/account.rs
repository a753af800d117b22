//! An account for whoever may have one: the same for the trigger and for `autri user provision` and `reconcile`.

use autri_db::people::{self, Account, NewPerson, Welcome};
use autri_db::{Database, DbError};

use crate::EmailAddress;

/// Somebody who may have an account, and how it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Cognito's `sub`.
    pub cognito_sub: &'a str,
    /// The user pool.
    pub user_pool_id: &'a str,
    /// The name in that pool.
    pub user_name: &'a str,
    /// The verified address.
    pub email: &'a EmailAddress,
    /// As the identity provider says; kept if it can be shown and stored.
    pub given_name: Option<&'a str>,
    /// As the identity provider says; kept if it can be shown and stored.
    pub family_name: Option<&'a str>,
    /// As the identity provider says; kept if it is an `https` URL.
    pub picture: Option<&'a str>,
    /// Of the Personal library; known to the database. `none`: search by words alone.
    pub embedding_model: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provisioned {
    /// The account is there, and whole.
    Account(Account),
    /// The address is another person's (`docs/adr/0008-an-address-belongs-to-one-sub.md`). Nothing was made.
    AddressTaken,
    /// The pool's name for this person is another person's: a user was deleted and made again. Nothing was made.
    UserNameTaken,
}

/// Makes the account in one transaction, or completes it. May be called again, also at the same time.
///
/// # Errors
/// As [`people::provision`], less the rules that [`Provisioned`] tells.
pub async fn provision(database: &Database, newcomer: &Newcomer<'_>) -> Result<Provisioned, DbError> {
    let welcome = welcome(None);
    let person = NewPerson {
        cognito_sub: newcomer.cognito_sub,
        user_pool_id: newcomer.user_pool_id,
        user_name: newcomer.user_name,
        email: newcomer.email.as_str(),
        given_name: newcomer.given_name.filter(|name| can_be_shown(name)),
        family_name: newcomer.family_name.filter(|name| can_be_shown(name)),
        picture: newcomer.picture.filter(|url| is_picture(url)),
        embedding_model: newcomer.embedding_model,
        welcome: Welcome { title: welcome.title, body: &welcome.body, link: welcome.link },
    };
    match people::provision(database, &person).await {
        Ok(account) => Ok(Provisioned::Account(account)),
        Err(error) => match error.constraint() {
            Some("users_email_key") => Ok(Provisioned::AddressTaken),
            Some("users_user_pool_and_name_key") => Ok(Provisioned::UserNameTaken),
            _ => Err(error),
        },
    }
}

/// Whether there is something, and no control character in it. (Postgres cannot hold a NUL at all.)
fn can_be_shown(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

/// Whether a page may load it: people choose it themselves.
fn is_picture(url: &str) -> bool {
    can_be_shown(url) && url.starts_with("https://")
}

/// The notification that greets a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WelcomeText {
    /// Its headline.
    pub title: &'static str,
    /// Its text.
    pub body: String,
    /// A path of the web app.
    pub link: &'static str,
}

/// What the welcome says; with the connector's URL when there is one.
#[must_use]
pub fn welcome(connector_url: Option<&str>) -> WelcomeText {
    let body = match connector_url {
        Some(url) => format!(
            "Your library \"Personal\" is ready. Add your documents to it, then connect Claude Desktop or any other MCP \
             client to {url} to search them."
        ),
        None => "Your library \"Personal\" is ready. Add your documents to it, then connect Claude Desktop or any other \
                 MCP client to search them."
            .to_owned(),
    };
    WelcomeText { title: "Welcome to Autri", body, link: "/help/claude-desktop" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_shown_unless_it_is_empty_or_has_control_characters() {
        for name in ["Ada", "Åsa Ödegård", "Анна", " ", &"x".repeat(2_048)] {
            assert!(can_be_shown(name), "{name:?}");
        }
        for name in ["", "\0", "A\0da", "Ada\n", "A\u{7}", "A\u{85}da", "\u{1b}[31mAda"] {
            assert!(!can_be_shown(name), "{name:?}");
        }
    }

    #[test]
    fn a_picture_is_an_https_url_without_control_characters() {
        assert!(is_picture("https://example.com/a.png"));
        for url in [
            "",
            "http://example.com/a.png",
            "//example.com/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            " https://example.com/a.png",
            "HTTPS://example.com/a.png",
            "https://example.com/\0",
            "https://example.com/\n",
        ] {
            assert!(!is_picture(url), "{url:?}");
        }
    }

    #[test]
    fn the_welcome_names_the_connector_when_there_is_one() {
        let url = "https://mcp.autri.ai/c/01890000-0000-7000-8000-000000000000/mcp";
        assert!(
            welcome(Some(url))
                .body
                .contains(&format!("connect Claude Desktop or any other MCP client to {url} "))
        );
        for text in [welcome(Some(url)), welcome(None)] {
            assert_eq!((text.title, text.link), ("Welcome to Autri", "/help/claude-desktop"));
            assert!(!text.body.contains("  ") && text.body.ends_with("search them."), "{}", text.body);
        }
    }
}
