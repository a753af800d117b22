//! The people of a Cognito user pool.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::operation::admin_delete_user::AdminDeleteUserError;
use aws_sdk_cognitoidentityprovider::types::UserType;
use chrono::{DateTime, Utc};

use crate::time::utc;
use crate::{AwsConfig, AwsError};

/// A page of `ListUsers`: the most there can be on one, and what it is without a limit.
const PAGE_SIZE: i32 = 60;

/// One user pool.
#[derive(Debug, Clone)]
pub struct UserPool {
    pub(crate) client: Client,
    pub(crate) id: String,
}

/// How a deletion ended: what was to be gone is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It was there.
    Deleted,
    /// It was gone before.
    AlreadyGone,
}

/// A user as the pool has it.
#[derive(Clone, PartialEq, Eq)]
pub struct PoolUser {
    /// The pool's own name of the user.
    pub user_name: String,
    /// The attribute `sub`.
    pub sub: Option<String>,
    /// `CONFIRMED`, `EXTERNAL_PROVIDER`, `UNCONFIRMED`, …
    pub status: String,
    /// Whether the user can sign in.
    pub is_enabled: bool,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// All attributes, `sub` included.
    pub attributes: BTreeMap<String, String>,
}

impl UserPool {
    /// Makes the client, which connects at its first call. `id` is such as `eu-central-1_EXAMPLE`.
    #[must_use]
    pub fn new(config: &AwsConfig, id: impl Into<String>) -> Self {
        Self { client: Client::new(config.sdk()), id: id.into() }
    }

    /// Deletes a user by the pool's name for them.
    ///
    /// # Errors
    /// As any call. That there is no such pool is [`AwsError::NotFound`], not a user who is gone.
    pub async fn delete_user(&self, user_name: &str) -> Result<Deletion, AwsError> {
        let request = self.client.admin_delete_user().user_pool_id(&self.id).username(user_name);
        let deleted = Box::pin(request.send()).await;
        match deleted {
            Ok(_) => Ok(Deletion::Deleted),
            Err(error) => match error.as_service_error() {
                Some(AdminDeleteUserError::UserNotFoundException(_)) => Ok(Deletion::AlreadyGone),
                _ => Err(AwsError::of(error)),
            },
        }
    }

    /// All users, page by page.
    ///
    /// # Errors
    /// As any call; a list that is not whole is never returned.
    pub async fn list_users(&self) -> Result<Vec<PoolUser>, AwsError> {
        self.list(None).await
    }

    /// The users with this address, whatever its case: more than one, if the pool lets a native and a federated user have
    /// the same.
    ///
    /// # Errors
    /// As any call.
    pub async fn find_users_by_email(&self, email: &str) -> Result<Vec<PoolUser>, AwsError> {
        let mut users = self.list(Some(email_filter(email))).await?;
        // How the service reads a filter is its affair; whom we return is ours.
        users.retain(|user| {
            user.attributes.get("email").is_some_and(|found| found.eq_ignore_ascii_case(email))
        });
        Ok(users)
    }

    async fn list(&self, filter: Option<String>) -> Result<Vec<PoolUser>, AwsError> {
        let request = self.client.list_users().user_pool_id(&self.id).set_filter(filter).limit(PAGE_SIZE);
        let mut pages = request.into_paginator().send();
        let mut users = Vec::new();
        while let Some(page) = pages.next().await {
            for user in page.map_err(AwsError::of)?.users.unwrap_or_default() {
                users.push(user.try_into()?);
            }
        }
        Ok(users)
    }
}

/// `email = "…"`, in which a quote and a backslash have a backslash before them:
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html>.
fn email_filter(email: &str) -> String {
    let escaped = email.replace('\\', r"\\").replace('"', r#"\""#);
    format!(r#"email = "{escaped}""#)
}

impl TryFrom<UserType> for PoolUser {
    type Error = AwsError;

    fn try_from(user: UserType) -> Result<Self, AwsError> {
        let attributes: BTreeMap<String, String> = user
            .attributes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|attribute| Some((attribute.name, attribute.value?)))
            .collect();
        Ok(Self {
            user_name: user.username.ok_or_else(|| AwsError::incomplete("Username"))?,
            sub: attributes.get("sub").cloned(),
            status: user.user_status.ok_or_else(|| AwsError::incomplete("UserStatus"))?.as_str().to_owned(),
            is_enabled: user.enabled,
            created_at: user
                .user_create_date
                .as_ref()
                .and_then(utc)
                .ok_or_else(|| AwsError::incomplete("UserCreateDate"))?,
            attributes,
        })
    }
}

impl fmt::Debug for PoolUser {
    /// Without the attributes, which say who it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolUser")
            .field("sub", &self.sub)
            .field("status", &self.status)
            .field("is_enabled", &self.is_enabled)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}
