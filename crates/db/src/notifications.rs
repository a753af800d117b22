//! What people are told in the web app, as the operator sees it. Connect as `autri_admin`.

use autri_domain::{NotificationId, UserId};
use chrono::{DateTime, Utc};

use crate::{Database, DbError};

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// Whose it is.
    pub user_id: UserId,
    /// That person's address.
    pub email: String,
    /// What it is about: `welcome`.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// A path in the web app, or a URL.
    pub link: Option<String>,
    /// When it was read, if it was.
    pub read_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// All notifications, of one person if that is given, oldest first.
pub async fn list(database: &Database, user_id: Option<UserId>) -> Result<Vec<Notification>, DbError> {
    let rows = sqlx::query_as!(
        Notification,
        r#"SELECT n.id, n.user_id, u.email, n.type AS kind, n.title, n.body, n.link, n.read_at, n.created_at
           FROM notifications n JOIN users u ON u.id = n.user_id
           WHERE $1::uuid IS NULL OR n.user_id = $1
           ORDER BY n.created_at, n.id"#,
        user_id.map(UserId::as_uuid),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows)
}
