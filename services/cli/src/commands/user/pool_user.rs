//! People as the user pool knows them.

use anyhow::{Context as _, bail};
use autri_admission::SignUp;
use autri_aws::{PoolUser, UserPool};

use crate::aws_step::AwsStep;

const LIST: &str = "cognito-idp:ListUsers";

/// A user's status who finished signing up: with a password, or by way of an identity provider. (A user of an identity
/// provider is never CONFIRMED.)
const FINISHED: [&str; 2] = ["CONFIRMED", "EXTERNAL_PROVIDER"];

/// All users of the pool.
pub(super) async fn list(pool: &UserPool) -> anyhow::Result<Vec<PoolUser>> {
    pool.list_users().await.with_context(|| AwsStep::new("list the users of the pool", LIST))
}

/// All users with this address, in whatever case: a pool can have several, one for each way of signing in.
pub(super) async fn list_by_email(pool: &UserPool, email: &str) -> anyhow::Result<Vec<PoolUser>> {
    let found = pool.find_users_by_email(email).await;
    found.with_context(|| AwsStep::new("look for the user in the pool", LIST))
}

/// The only user with this address who finished signing up and may sign in.
///
/// # Errors
/// When there is none, or there are several; then they are all named.
pub(super) async fn get_by_email(pool: &UserPool, email: &str) -> anyhow::Result<PoolUser> {
    let mut users = list_by_email(pool, email).await?;
    let found = users.iter().map(describe).collect::<Vec<_>>().join(", ");
    users.retain(can_have_account);
    match (users.pop(), users.is_empty()) {
        (Some(user), true) => Ok(user),
        (Some(_), false) => bail!(
            "several users of the pool have the address {email}: {found}; disable or delete all but the right one"
        ),
        (None, _) if found.is_empty() => bail!("no user of the pool has the address {email}"),
        (None, _) => {
            bail!(
                "no user with the address {email} has finished signing up and is enabled; there is: {found}"
            )
        }
    }
}

/// Whether somebody can sign in as this user.
pub(super) fn can_have_account(user: &PoolUser) -> bool {
    user.is_enabled && FINISHED.contains(&user.status.as_str())
}

/// What the pool says of the address, for the decision who may have an account.
pub(super) fn sign_up(user: &PoolUser) -> SignUp<'_> {
    SignUp {
        email: attribute(user, "email"),
        email_verified: attribute(user, "email_verified"),
        identities: attribute(user, "identities"),
        user_status: Some(&user.status),
    }
}

/// An attribute of a user.
pub(super) fn attribute<'a>(user: &'a PoolUser, name: &str) -> Option<&'a str> {
    user.attributes.get(name).map(String::as_str)
}

/// A user in words.
fn describe(user: &PoolUser) -> String {
    let state = if user.is_enabled { "" } else { ", disabled" };
    format!("{} ({}{state})", user.user_name, user.status)
}
