//! Who belongs to an org, and who may use which library. Connect as `autri_admin`.

use autri_domain::{LibraryId, OrgId, UserId};
use chrono::{DateTime, Utc};

use crate::{Database, DbError};

/// What a member is in an org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgRole {
    /// Whom the org belongs to.
    Owner,
    /// Keeps its libraries and members.
    Admin,
    /// Works with it.
    Member,
}

impl OrgRole {
    const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    /// As the database spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    fn find(spelling: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == spelling)
    }
}

/// A member of an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// What they are in the org.
    pub role: OrgRole,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The membership is gone, and with it all access to the org's libraries.
    LeftOrg {
        /// Whether there was such access.
        had_access: bool,
    },
    /// The person was no member, and had access to libraries of the org, which is gone.
    LostAccess,
    /// There was neither. Nothing was changed.
    NoMember,
    /// There is no such org.
    NoOrg,
    /// The person owns this personal org, which goes with them alone. Nothing was changed.
    PersonalOwner,
}

/// Makes a person a member, or changes what they are. The person whom a personal org belongs to stays its owner, whatever
/// the role. Membership opens no library: see [`grant_library`].
///
/// # Errors
/// The rules `org_members_org_fkey` and `org_members_user_fkey` when there is no such org or person.
pub async fn add_member(
    database: &Database,
    org_id: OrgId,
    user_id: UserId,
    role: OrgRole,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO org_members AS m (org_id, user_id, role) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT org_members_pkey DO UPDATE SET role = excluded.role
         WHERE NOT EXISTS (SELECT FROM orgs o WHERE o.id = m.org_id AND o.personal_user = m.user_id)",
        org_id.as_uuid(),
        user_id.as_uuid(),
        role.as_str(),
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(())
}

/// Ends a membership, and the person's access to all of the org's libraries, in one transaction. Access needs no membership,
/// so it ends for those too who never were members.
pub async fn remove_member(database: &Database, org_id: OrgId, user_id: UserId) -> Result<Removal, DbError> {
    let mut transaction = database.begin().await?;
    let is_owners = sqlx::query_scalar!(
        r#"SELECT personal_user IS NOT DISTINCT FROM $2 AS "is_owners!" FROM orgs WHERE id = $1"#,
        org_id.as_uuid(),
        user_id.as_uuid(),
    )
    .fetch_optional(&mut *transaction)
    .await?;
    match is_owners {
        None => return Ok(Removal::NoOrg),
        Some(true) => return Ok(Removal::PersonalOwner),
        Some(false) => {}
    }
    let removed = sqlx::query!(
        "DELETE FROM org_members WHERE org_id = $1 AND user_id = $2",
        org_id.as_uuid(),
        user_id.as_uuid(),
    )
    .execute(&mut *transaction)
    .await?;
    let closed = sqlx::query!(
        "DELETE FROM library_access WHERE user_id = $2 AND library_id IN (SELECT id FROM libraries WHERE org_id = $1)",
        org_id.as_uuid(),
        user_id.as_uuid(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let had_access = closed.rows_affected() > 0;
    Ok(match (removed.rows_affected() > 0, had_access) {
        (true, _) => Removal::LeftOrg { had_access },
        (false, true) => Removal::LostAccess,
        (false, false) => Removal::NoMember,
    })
}

/// The members of an org, oldest first.
pub async fn list_members(database: &Database, org_id: OrgId) -> Result<Vec<Member>, DbError> {
    let rows = sqlx::query!(
        "SELECT u.id, u.email, m.role, m.created_at
         FROM org_members m JOIN users u ON u.id = m.user_id
         WHERE m.org_id = $1
         ORDER BY m.created_at, u.id",
        org_id.as_uuid(),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    let members = rows.into_iter().map(|row| {
        let role = OrgRole::find(&row.role).ok_or_else(|| DbError::unreadable("org_members.role"))?;
        Ok(Member { user_id: row.id.into(), email: row.email, role, created_at: row.created_at })
    });
    members.collect()
}

/// Lets a person use a library through its interactive connectors; `false` when they could already.
///
/// # Errors
/// The rules `library_access_library_fkey` and `library_access_user_fkey` when there is no such library or person.
pub async fn grant_library(
    database: &Database,
    library_id: LibraryId,
    user_id: UserId,
) -> Result<bool, DbError> {
    let granted = sqlx::query!(
        "INSERT INTO library_access (library_id, user_id) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT library_access_pkey DO NOTHING",
        library_id.as_uuid(),
        user_id.as_uuid(),
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(granted.rows_affected() > 0)
}

/// Takes a library from a person: their next call is refused. `false` when they had no access.
pub async fn revoke_library_access(
    database: &Database,
    library_id: LibraryId,
    user_id: UserId,
) -> Result<bool, DbError> {
    let revoked = sqlx::query!(
        "DELETE FROM library_access WHERE library_id = $1 AND user_id = $2",
        library_id.as_uuid(),
        user_id.as_uuid(),
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(revoked.rows_affected() > 0)
}

/// Takes all libraries from a person: their next call is refused, through whichever connector. Returns from how many.
pub async fn revoke_all_access(database: &Database, user_id: UserId) -> Result<u64, DbError> {
    let revoked = sqlx::query!("DELETE FROM library_access WHERE user_id = $1", user_id.as_uuid())
        .execute(&mut *database.acquire().await?)
        .await?;
    Ok(revoked.rows_affected())
}
