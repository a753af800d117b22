//! People and their accounts. Connect as `autri_admin`; [`provision`] also works as `autri_post_confirmation`.

use autri_domain::{KnowledgeBaseId, LibraryId, NotificationId, OrgId, UserId};
use chrono::{DateTime, Utc};

use crate::database::take_back;
use crate::{Database, DbError, org_end};

/// Somebody who gets an account.
#[derive(Debug, Clone, Copy)]
pub struct NewPerson<'a> {
    /// Cognito's `sub`: who this is. 1 to 200 characters.
    pub cognito_sub: &'a str,
    /// The user pool. 1 to 200 characters.
    pub user_pool_id: &'a str,
    /// The name in that pool. 1 to 200 characters.
    pub user_name: &'a str,
    /// The verified address. 3 to 320 characters.
    pub email: &'a str,
    /// What the identity provider says.
    pub given_name: Option<&'a str>,
    /// What the identity provider says.
    pub family_name: Option<&'a str>,
    /// Where a picture is, as the identity provider says.
    pub picture: Option<&'a str>,
    /// The embedding model of the personal library; `none` for lexical search only.
    pub embedding_model: &'a str,
    /// The notification that greets them.
    pub welcome: Welcome<'a>,
}

/// What the notification of the type `welcome` says.
#[derive(Debug, Clone, Copy)]
pub struct Welcome<'a> {
    /// 1 to 200 characters.
    pub title: &'a str,
    /// The text.
    pub body: &'a str,
    /// A path in the web app, such as `/help/claude-desktop`; no URL.
    pub link: &'a str,
}

/// What a person has who can start working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub user_id: UserId,
    /// Their personal org, which they own.
    pub org_id: OrgId,
    /// Its library `Personal`, which they have access to.
    pub library_id: LibraryId,
    /// That library's knowledge base `Personal`.
    pub knowledge_base_id: KnowledgeBaseId,
    /// Whether the person was not known before.
    pub is_new: bool,
}

/// A person, as the operator sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Cognito's `sub`.
    pub cognito_sub: String,
    /// The address of their sign-up.
    pub email: String,
    /// The user pool they signed up in, where it is known.
    pub user_pool_id: Option<String>,
    /// Their name in that pool, where it is known.
    pub user_name: Option<String>,
    /// Their personal org; nobody who was provisioned lacks it.
    pub personal_org: Option<OrgId>,
    /// Its library `Personal`; nobody who was provisioned lacks it, unless it was renamed or deleted.
    pub personal_library: Option<LibraryId>,
    /// When they became known.
    pub created_at: DateTime<Utc>,
}

struct PersonRow {
    id: UserId,
    cognito_sub: String,
    email: String,
    user_pool_id: Option<String>,
    user_name: Option<String>,
    personal_org: Option<uuid::Uuid>,
    personal_library: Option<uuid::Uuid>,
    created_at: DateTime<Utc>,
}

/// Makes the account, or what is missing of it, in one transaction. May be tried again, and at the same time: what is
/// there stays as it is, the address and the names included. Only a pool and name that were missing are added.
///
/// # Errors
/// The rules `users_email_key` when the address (in any case) is that of a person with another subject,
/// `users_user_pool_and_name_key` when the pool's name is, and `libraries_embedding_model_fkey` when the model is not
/// known. Nothing was made then.
pub async fn provision(database: &Database, person: &NewPerson<'_>) -> Result<Account, DbError> {
    let mut connection = database.lend().await?;
    let answer = sqlx::query!(
        r#"SELECT account_user AS "user_id!", account_org AS "org_id!", account_library AS "library_id!",
                  account_base AS "knowledge_base_id!", is_new AS "is_new!"
           FROM provision_person($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"#,
        UserId::new().as_uuid(),
        OrgId::new().as_uuid(),
        LibraryId::new().as_uuid(),
        KnowledgeBaseId::new().as_uuid(),
        NotificationId::new().as_uuid(),
        person.cognito_sub,
        person.user_pool_id,
        person.user_name,
        person.email,
        person.given_name,
        person.family_name,
        person.picture,
        person.embedding_model,
        person.welcome.title,
        person.welcome.body,
        person.welcome.link,
    )
    .fetch_one(&mut *connection)
    .await;
    take_back(connection).await;
    let row = answer?;
    Ok(Account {
        user_id: row.user_id.into(),
        org_id: row.org_id.into(),
        library_id: row.library_id.into(),
        knowledge_base_id: row.knowledge_base_id.into(),
        is_new: row.is_new,
    })
}

/// The person with this address, in whatever case its ASCII letters are.
pub async fn find_by_email(database: &Database, email: &str) -> Result<Option<Person>, DbError> {
    Ok(select(database, Some(email), None).await?.pop())
}

/// The person whom Cognito knows by this `sub`.
pub async fn find_by_sub(database: &Database, cognito_sub: &str) -> Result<Option<Person>, DbError> {
    Ok(select(database, None, Some(cognito_sub)).await?.pop())
}

/// All people, oldest first.
pub async fn list(database: &Database) -> Result<Vec<Person>, DbError> {
    select(database, None, None).await
}

async fn select(database: &Database, email: Option<&str>, sub: Option<&str>) -> Result<Vec<Person>, DbError> {
    let rows = sqlx::query_as!(
        PersonRow,
        r#"SELECT u.id, u.cognito_sub, u.email, u.user_pool_id, u.user_name, u.created_at,
                  o.id AS "personal_org?", l.id AS "personal_library?"
           FROM users u
           LEFT JOIN orgs o ON o.personal_user = u.id
           LEFT JOIN libraries l ON l.org_id = o.id AND l.name = 'Personal'
           WHERE ($1::text IS NULL OR lower(u.email COLLATE "C") = lower($1 COLLATE "C"))
             AND ($2::text IS NULL OR u.cognito_sub = $2)
           ORDER BY u.created_at, u.id"#,
        email,
        sub,
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Deletes a person's personal org with all its content, and then the person, in one transaction; whether there was one.
/// Orgs that they are a member of stay, even one that nobody else owns, and so do the rows of the audit log, without
/// the arguments of the personal org's calls that were kept in clear. The user at Cognito is not touched.
///
/// The content goes by a single statement: if there is much, delete the documents first, in pieces
/// ([`crate::documents::delete_some`]).
pub async fn delete(database: &Database, id: UserId) -> Result<bool, DbError> {
    let mut transaction = database.begin().await?;
    // Locked first: whoever provisions this person meanwhile waits, and then finds them gone.
    let found = sqlx::query_scalar!("SELECT id FROM users WHERE id = $1 FOR UPDATE", id.as_uuid())
        .fetch_optional(&mut *transaction)
        .await?;
    if found.is_none() {
        return Ok(false);
    }
    let org = sqlx::query_scalar!("DELETE FROM orgs WHERE personal_user = $1 RETURNING id", id.as_uuid())
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(org) = org {
        // In one go, since nobody finds the org again: what one person asked is not much.
        org_end::erase_some_audit_arguments(&mut transaction, org.into(), i32::MAX).await?;
    }
    sqlx::query!("DELETE FROM users WHERE id = $1", id.as_uuid()).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Gives the welcome another text and makes it unread again; whether there was one.
pub async fn set_welcome_body(database: &Database, id: UserId, body: &str) -> Result<bool, DbError> {
    let changed = sqlx::query!(
        "UPDATE notifications SET body = $2, read_at = NULL WHERE user_id = $1 AND type = 'welcome'",
        id.as_uuid(),
        body,
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(changed.rows_affected() > 0)
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        Self {
            id: row.id,
            cognito_sub: row.cognito_sub,
            email: row.email,
            user_pool_id: row.user_pool_id,
            user_name: row.user_name,
            personal_org: row.personal_org.map(Into::into),
            personal_library: row.personal_library.map(Into::into),
            created_at: row.created_at,
        }
    }
}
