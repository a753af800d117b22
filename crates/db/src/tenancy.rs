//! Orgs, libraries and knowledge bases, as the operator keeps them. Connect as `autri_admin`.

use autri_domain::{KnowledgeBaseId, LibraryId, OrgId};
use chrono::{DateTime, Utc};

use crate::{Database, DbError};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// What people call it.
    pub name: String,
    /// Whether it belongs to one person.
    pub is_personal: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Its id.
    pub id: LibraryId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Its name, unique in the org.
    pub name: String,
    /// Its embedding model; `none` for lexical search only.
    pub embedding_model: String,
    /// Its knowledge bases.
    pub knowledge_base_ids: Vec<KnowledgeBaseId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

struct LibraryRow {
    id: LibraryId,
    org_id: OrgId,
    name: String,
    embedding_model: String,
    knowledge_base_ids: Vec<uuid::Uuid>,
    created_at: DateTime<Utc>,
}

/// A knowledge base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeBase {
    /// Its id.
    pub id: KnowledgeBaseId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Its name, unique in the org.
    pub name: String,
    /// Its embedding model.
    pub embedding_model: String,
    /// How many documents it holds.
    pub document_count: i64,
    /// How many chunks they make.
    pub chunk_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Makes an org.
pub async fn insert_org(database: &Database, name: &str) -> Result<Org, DbError> {
    let row = sqlx::query_as!(
        Org,
        r#"INSERT INTO orgs (id, name) VALUES ($1, $2)
           RETURNING id, name, personal_user IS NOT NULL AS "is_personal!", created_at"#,
        OrgId::new().as_uuid(),
        name,
    )
    .fetch_one(&mut *database.acquire().await?)
    .await?;
    Ok(row)
}

/// All orgs, oldest first.
pub async fn list_orgs(database: &Database) -> Result<Vec<Org>, DbError> {
    let rows = sqlx::query_as!(
        Org,
        r#"SELECT id, name, personal_user IS NOT NULL AS "is_personal!", created_at FROM orgs ORDER BY created_at, id"#
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows)
}

/// Deletes an org with all that it has; whether there was one. Connect as `autri_admin`. This is a single statement: of an
/// org with much content delete the documents first, in pieces ([`crate::documents::delete_some`]). The rows of its audit
/// log stay.
pub async fn delete_org(database: &Database, id: OrgId) -> Result<bool, DbError> {
    let deleted = sqlx::query!("DELETE FROM orgs WHERE id = $1", id.as_uuid())
        .execute(&mut *database.acquire().await?)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Makes a model known, so that libraries may have it. Nothing happens if it is.
///
/// # Errors
/// The rules `embedding_models_pkey` when the id is known with other dimensions, and `embedding_models_dimensions_range` or
/// `embedding_models_none_has_no_dimensions` when no model can have so many.
pub async fn upsert_embedding_model(database: &Database, id: &str, dimensions: u32) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO embedding_models (id, dimensions) VALUES ($1, $2) ON CONFLICT (id, dimensions) DO NOTHING",
        id,
        i32::try_from(dimensions).unwrap_or(i32::MAX),
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(())
}

/// Makes a library.
///
/// # Errors
/// The rules `libraries_org_fkey` (no such org), `libraries_org_name_key` (the name is taken) and
/// `libraries_embedding_model_fkey` (the model is not known).
pub async fn insert_library(
    database: &Database,
    org_id: OrgId,
    name: &str,
    embedding_model: &str,
) -> Result<Library, DbError> {
    let row = sqlx::query_as!(
        LibraryRow,
        r#"INSERT INTO libraries (id, org_id, name, embedding_model) VALUES ($1, $2, $3, $4)
           RETURNING id, org_id, name, embedding_model, '{}'::uuid[] AS "knowledge_base_ids!", created_at"#,
        LibraryId::new().as_uuid(),
        org_id.as_uuid(),
        name,
        embedding_model,
    )
    .fetch_one(&mut *database.acquire().await?)
    .await?;
    Ok(row.into())
}

/// All libraries, of one org if that is given, oldest first.
pub async fn list_libraries(database: &Database, org_id: Option<OrgId>) -> Result<Vec<Library>, DbError> {
    let rows = sqlx::query_as!(
        LibraryRow,
        r#"SELECT l.id, l.org_id, l.name, l.embedding_model, l.created_at,
                  ARRAY(SELECT k.knowledge_base_id FROM library_kbs k WHERE k.library_id = l.id ORDER BY 1) AS "knowledge_base_ids!"
           FROM libraries l
           WHERE $1::uuid IS NULL OR l.org_id = $1
           ORDER BY l.created_at, l.id"#,
        org_id.map(OrgId::as_uuid),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Makes a knowledge base and attaches it to a library, whose org and embedding model it takes; `None` when there is
/// no such library.
///
/// # Errors
/// The rule `knowledge_bases_org_name_key` when the name is taken.
pub async fn insert_knowledge_base(
    database: &Database,
    library_id: LibraryId,
    name: &str,
) -> Result<Option<KnowledgeBase>, DbError> {
    let row = sqlx::query_as!(
        KnowledgeBase,
        r#"WITH made AS (
               INSERT INTO knowledge_bases (id, org_id, name, embedding_model)
               SELECT $1, l.org_id, $3, l.embedding_model FROM libraries l WHERE l.id = $2
               RETURNING id, org_id, name, embedding_model, created_at
           ), attached AS (
               INSERT INTO library_kbs (library_id, knowledge_base_id, org_id, embedding_model)
               SELECT $2, id, org_id, embedding_model FROM made
           )
           SELECT id, org_id, name, embedding_model, created_at, 0::bigint AS "document_count!", 0::bigint AS "chunk_count!"
           FROM made"#,
        KnowledgeBaseId::new().as_uuid(),
        library_id.as_uuid(),
        name,
    )
    .fetch_optional(&mut *database.acquire().await?)
    .await?;
    Ok(row)
}

/// All knowledge bases, of one library if that is given, oldest first.
pub async fn list_knowledge_bases(
    database: &Database,
    library_id: Option<LibraryId>,
) -> Result<Vec<KnowledgeBase>, DbError> {
    let rows = sqlx::query_as!(
        KnowledgeBase,
        r#"SELECT k.id, k.org_id, k.name, k.embedding_model, k.chunk_count, k.created_at,
                  (SELECT count(*) FROM documents d WHERE d.knowledge_base_id = k.id) AS "document_count!"
           FROM knowledge_bases k
           WHERE $1::uuid IS NULL
              OR EXISTS (SELECT FROM library_kbs l WHERE l.knowledge_base_id = k.id AND l.library_id = $1)
           ORDER BY k.created_at, k.id"#,
        library_id.map(LibraryId::as_uuid),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows)
}

/// What became of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// The library has the knowledge base from now on.
    Attached,
    /// It had it already. Nothing was changed.
    AlreadyAttached,
    /// There is no such library.
    NoLibrary,
    /// There is no such knowledge base.
    NoKnowledgeBase,
}

/// Attaches a knowledge base to a library: its documents are found through the library's connectors from the next search on.
///
/// # Errors
/// The rule `library_kbs_knowledge_base_same_org_and_model` when the two are not of one org and one embedding model.
pub async fn attach(
    database: &Database,
    library_id: LibraryId,
    knowledge_base_id: KnowledgeBaseId,
) -> Result<Attachment, DbError> {
    // With the library's org and model, so that the foreign key to the base says whether it has the same.
    let row = sqlx::query!(
        r#"WITH attached AS (
               INSERT INTO library_kbs (library_id, knowledge_base_id, org_id, embedding_model)
               SELECT l.id, k.id, l.org_id, l.embedding_model
               FROM libraries l CROSS JOIN knowledge_bases k
               WHERE l.id = $1 AND k.id = $2
               ON CONFLICT ON CONSTRAINT library_kbs_pkey DO NOTHING
               RETURNING library_id
           )
           SELECT EXISTS (SELECT FROM attached) AS "is_new!",
                  EXISTS (SELECT FROM libraries WHERE id = $1) AS "has_library!",
                  EXISTS (SELECT FROM knowledge_bases WHERE id = $2) AS "has_base!""#,
        library_id.as_uuid(),
        knowledge_base_id.as_uuid(),
    )
    .fetch_one(&mut *database.acquire().await?)
    .await?;
    Ok(match (row.has_library, row.has_base, row.is_new) {
        (false, _, _) => Attachment::NoLibrary,
        (_, false, _) => Attachment::NoKnowledgeBase,
        (_, _, true) => Attachment::Attached,
        (_, _, false) => Attachment::AlreadyAttached,
    })
}

/// Detaches a knowledge base from a library: its documents are not found there from the next search on. The base and its
/// documents stay. Whether it was attached.
pub async fn detach(
    database: &Database,
    library_id: LibraryId,
    knowledge_base_id: KnowledgeBaseId,
) -> Result<bool, DbError> {
    let detached = sqlx::query!(
        "DELETE FROM library_kbs WHERE library_id = $1 AND knowledge_base_id = $2",
        library_id.as_uuid(),
        knowledge_base_id.as_uuid(),
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(detached.rows_affected() > 0)
}

/// One knowledge base, and the libraries that have it.
pub async fn find_knowledge_base(
    database: &Database,
    id: KnowledgeBaseId,
) -> Result<Option<(KnowledgeBase, Vec<LibraryId>)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT k.id, k.org_id, k.name, k.embedding_model, k.chunk_count, k.created_at,
                  (SELECT count(*) FROM documents d WHERE d.knowledge_base_id = k.id) AS "document_count!",
                  ARRAY(SELECT l.library_id FROM library_kbs l WHERE l.knowledge_base_id = k.id ORDER BY 1) AS "library_ids!"
           FROM knowledge_bases k WHERE k.id = $1"#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *database.acquire().await?)
    .await?;
    Ok(row.map(|row| {
        let base = KnowledgeBase {
            id: row.id.into(),
            org_id: row.org_id.into(),
            name: row.name,
            embedding_model: row.embedding_model,
            document_count: row.document_count,
            chunk_count: row.chunk_count,
            created_at: row.created_at,
        };
        (base, row.library_ids.into_iter().map(LibraryId::from).collect())
    }))
}

impl From<LibraryRow> for Library {
    fn from(row: LibraryRow) -> Self {
        Self {
            id: row.id,
            org_id: row.org_id,
            name: row.name,
            embedding_model: row.embedding_model,
            knowledge_base_ids: row.knowledge_base_ids.into_iter().map(KnowledgeBaseId::from).collect(),
            created_at: row.created_at,
        }
    }
}
