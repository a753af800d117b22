//! Another embedding model for knowledge bases that are searched meanwhile: the new vectors stand beside the old ones, and
//! one transaction switches.
//!
//! A library has one model, and its knowledge bases have the same: the database refuses anything else. So all that hang
//! together, bases by the libraries that have them and libraries by their bases, switch together.

use autri_domain::{DocumentId, KnowledgeBaseId, LibraryId, OrgId};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::ingest::{begin, vector_literal};
use crate::{Database, DbError};

/// The first key of the lock that a change of model takes on its org. (`provision_person` has 6.)
const LOCK: i32 = 8;
/// How many vectors one transaction deletes.
const DELETE_BATCH: i64 = 5_000;

/// Knowledge bases and libraries that can only have one model together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelGroup {
    /// Whose they are.
    pub org_id: OrgId,
    /// The model they have.
    pub embedding_model: String,
    /// The knowledge bases, by id.
    pub knowledge_bases: Vec<(KnowledgeBaseId, String)>,
    /// The libraries that have them, by id. None when no library has the base.
    pub libraries: Vec<(LibraryId, String)>,
}

/// Keeps a second change of model away from an org's knowledge bases until it is dropped.
#[derive(Debug)]
pub struct OrgLock {
    /// Closed when it is dropped, and the lock with it.
    connection: PoolConnection<Postgres>,
}

impl OrgLock {
    /// Gives it up, and returns when it is given up.
    pub async fn release(self) {
        // A connection that is gone has no lock.
        let _ = self.connection.close().await;
    }
}

/// A model whose vectors are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetModel {
    /// Its id; `none` for no vectors.
    pub id: String,
    /// The length of its vectors; 0 for `none`.
    pub dimensions: u32,
}

/// What has no vector of the model yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missing {
    /// Chunks.
    pub chunks: i64,
    /// The length of what is to be embedded of them, in bytes; about, since headings are joined otherwise.
    pub bytes: i64,
}

/// Chunks of a document that have no vector of the model yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingOf {
    /// The document.
    pub document_id: DocumentId,
    /// How many.
    pub chunks: i64,
}

/// A chunk to embed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnembeddedChunk {
    /// Its id in the database.
    pub id: i64,
    /// Its document's title.
    pub title: String,
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Its text.
    pub body: String,
}

/// A chunk's vector to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVector {
    /// The chunk's id in the database.
    pub chunk_id: i64,
    /// Of the model's dimensions.
    pub values: Vec<f32>,
}

impl ModelGroup {
    /// Those that hang together with a knowledge base; `None` when there is no such base.
    pub async fn find(database: &Database, id: KnowledgeBaseId) -> Result<Option<Self>, DbError> {
        find_group(&mut *database.acquire().await?, id).await
    }

    /// Locks the org; `None` when somebody else has it locked.
    pub async fn lock(&self, database: &Database) -> Result<Option<OrgLock>, DbError> {
        let mut connection = database.lend().await?;
        let locked = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock($1, hashtext($2)) AS "locked!""#,
            LOCK,
            self.org_id.to_string()
        )
        .fetch_one(&mut *connection)
        .await?;
        Ok(locked.then_some(OrgLock { connection }))
    }

    fn base_ids(&self) -> Vec<Uuid> {
        self.knowledge_bases.iter().map(|(id, _)| id.as_uuid()).collect()
    }

    fn library_ids(&self) -> Vec<Uuid> {
        self.libraries.iter().map(|(id, _)| id.as_uuid()).collect()
    }
}

/// The vectors of one model in one knowledge base, each step in a transaction of its own that reaches no other base.
#[derive(Debug)]
pub struct BaseVectors<'a> {
    database: &'a Database,
    base: KnowledgeBaseId,
    model: &'a TargetModel,
}

impl<'a> BaseVectors<'a> {
    /// Those of the base.
    #[must_use]
    pub const fn new(database: &'a Database, base: KnowledgeBaseId, model: &'a TargetModel) -> Self {
        Self { database, base, model }
    }

    /// How much has none.
    pub async fn count_missing(&self) -> Result<Missing, DbError> {
        let mut tx = begin(self.database, self.base).await?;
        let missing = sqlx::query_as!(
            Missing,
            r#"SELECT count(*) AS "chunks!",
                      coalesce(sum(octet_length(c.body) + octet_length(d.title)
                                   + octet_length(array_to_string(c.heading_path, ' > ')) + 2), 0)::bigint AS "bytes!"
               FROM chunks c JOIN documents d ON d.id = c.document_id
               WHERE c.knowledge_base_id = $1 AND d.knowledge_base_id = $1
                 AND NOT EXISTS (SELECT FROM chunk_embeddings e
                                 WHERE e.knowledge_base_id = $1 AND e.embedding_model = $2 AND e.chunk_id = c.id)"#,
            self.base.as_uuid(),
            self.model.id,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(missing)
    }

    /// The documents that have chunks without one.
    pub async fn list_missing(&self) -> Result<Vec<MissingOf>, DbError> {
        let mut tx = begin(self.database, self.base).await?;
        let missing = list_missing(&mut tx, self.base, self.model).await?;
        tx.commit().await?;
        Ok(missing)
    }

    /// The chunks of these documents that have none, in order.
    pub async fn list_chunks(&self, documents: &[MissingOf]) -> Result<Vec<UnembeddedChunk>, DbError> {
        let mut tx = begin(self.database, self.base).await?;
        let chunks = list_chunks(&mut tx, self.base, self.model, documents).await?;
        tx.commit().await?;
        Ok(chunks)
    }

    /// Stores vectors. Chunks that are gone by now, or have a vector of the model by now, are passed over.
    pub async fn insert(&self, vectors: &[NewVector]) -> Result<(), DbError> {
        let mut tx = begin(self.database, self.base).await?;
        let chunks: Vec<i64> = vectors.iter().map(|vector| vector.chunk_id).collect();
        // Who replaces or deletes a document locks its row before its chunks: none of these is gone by the time that its
        // vector's foreign key is checked.
        sqlx::query!(
            "SELECT d.id FROM documents d
             WHERE d.knowledge_base_id = $1
               AND d.id IN (SELECT c.document_id FROM chunks c WHERE c.knowledge_base_id = $1 AND c.id = ANY($2))
             ORDER BY d.id FOR SHARE",
            self.base.as_uuid(),
            &chunks,
        )
        .fetch_all(&mut *tx)
        .await?;
        insert(&mut tx, self.base, self.model, vectors).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes some of the vectors that are of another model than the base's own; how many. Call it until there are none.
    pub async fn delete_others(&self) -> Result<u64, DbError> {
        let mut tx = begin(self.database, self.base).await?;
        // Model by model: each is a range of the index, and the vectors in use, which may be millions, are not read.
        let deleted = sqlx::query!(
            "DELETE FROM chunk_embeddings
             WHERE knowledge_base_id = $1
               AND embedding_model <> (SELECT k.embedding_model FROM knowledge_bases k WHERE k.id = $1)
               AND chunk_id = ANY (ARRAY(
                   SELECT e.chunk_id
                   FROM knowledge_bases k CROSS JOIN embedding_models m
                   CROSS JOIN LATERAL (SELECT e.chunk_id FROM chunk_embeddings e
                                       WHERE e.knowledge_base_id = $1 AND e.embedding_model = m.id LIMIT $2) e
                   WHERE k.id = $1 AND m.id <> k.embedding_model LIMIT $2))",
            self.base.as_uuid(),
            DELETE_BATCH,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected())
    }
}

/// The transaction that switches. While it is open nobody stores or deletes content in the group's knowledge bases; they
/// are searched as before. Dropped, it leaves the vectors that were stored before it began, and the old model.
#[derive(Debug)]
pub struct Switch<'a> {
    tx: Transaction<'static, Postgres>,
    group: &'a ModelGroup,
    model: &'a TargetModel,
}

impl<'a> Switch<'a> {
    /// Waits for everybody who is storing content in these knowledge bases, and keeps others out. `None` when the group
    /// is not what it was: another library has one of the bases by now, or one fewer.
    pub async fn begin(
        database: &Database,
        group: &'a ModelGroup,
        model: &'a TargetModel,
    ) -> Result<Option<Self>, DbError> {
        let mut tx = database.begin().await?;
        // Libraries first and each by id: in the order in which an attachment's foreign keys are checked.
        sqlx::query!(
            "SELECT id FROM libraries WHERE id = ANY($1) ORDER BY id FOR UPDATE",
            &group.library_ids()
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!(
            "SELECT id FROM knowledge_bases WHERE id = ANY($1) ORDER BY id FOR UPDATE",
            &group.base_ids()
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some((first, _)) = group.knowledge_bases.first() else { return Ok(None) };
        let now = find_group(&mut tx, *first).await?;
        let is_same = now.is_some_and(|now| {
            now.base_ids() == group.base_ids()
                && now.library_ids() == group.library_ids()
                && now.embedding_model == group.embedding_model
        });
        Ok(is_same.then_some(Self { tx, group, model }))
    }

    /// The documents of a base that have chunks without a vector.
    pub async fn list_missing(&mut self, base: KnowledgeBaseId) -> Result<Vec<MissingOf>, DbError> {
        list_missing(&mut self.tx, base, self.model).await
    }

    /// The chunks of these documents that have no vector, in order.
    pub async fn list_chunks(
        &mut self,
        base: KnowledgeBaseId,
        documents: &[MissingOf],
    ) -> Result<Vec<UnembeddedChunk>, DbError> {
        list_chunks(&mut self.tx, base, self.model, documents).await
    }

    /// Stores vectors of a base, as the role that may.
    pub async fn insert(&mut self, base: KnowledgeBaseId, vectors: &[NewVector]) -> Result<(), DbError> {
        sqlx::query!(
            "SELECT set_config('role', 'autri_ingest', true) AS role,
                    set_config('autri.ingest_knowledge_base_id', $1, true) AS id",
            base.to_string(),
        )
        .fetch_one(&mut *self.tx)
        .await?;
        insert(&mut self.tx, base, self.model, vectors).await?;
        sqlx::query!("SELECT set_config('role', 'none', true) AS role").fetch_one(&mut *self.tx).await?;
        Ok(())
    }

    /// Switches all at once. In one statement, since the foreign keys that keep a library and its bases at one model are
    /// checked after each (<https://www.postgresql.org/docs/16/sql-createtable.html>, NOT DEFERRABLE): they hold
    /// throughout.
    pub async fn commit(mut self) -> Result<(), DbError> {
        sqlx::query!(
            "WITH switched AS (UPDATE libraries SET embedding_model = $3 WHERE id = ANY($2) AND embedding_model <> $3)
             UPDATE knowledge_bases SET embedding_model = $3 WHERE id = ANY($1) AND embedding_model <> $3",
            &self.group.base_ids(),
            &self.group.library_ids(),
            self.model.id,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(self.tx.commit().await?)
    }
}

async fn find_group(
    connection: &mut PgConnection,
    id: KnowledgeBaseId,
) -> Result<Option<ModelGroup>, DbError> {
    let bases = sqlx::query!(
        r#"WITH RECURSIVE found (id) AS (
               SELECT id FROM knowledge_bases WHERE id = $1
               UNION
               SELECT other.knowledge_base_id
               FROM found JOIN library_kbs own ON own.knowledge_base_id = found.id
               JOIN library_kbs other ON other.library_id = own.library_id
           )
           SELECT k.id, k.org_id, k.name, k.embedding_model
           FROM found JOIN knowledge_bases k ON k.id = found.id
           ORDER BY k.id"#,
        id.as_uuid(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let Some(first) = bases.first() else { return Ok(None) };
    let base_ids: Vec<Uuid> = bases.iter().map(|base| base.id).collect();
    let libraries = sqlx::query!(
        "SELECT l.id, l.name FROM libraries l
         WHERE EXISTS (SELECT FROM library_kbs k WHERE k.library_id = l.id AND k.knowledge_base_id = ANY($1))
         ORDER BY l.id",
        &base_ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(Some(ModelGroup {
        org_id: first.org_id.into(),
        embedding_model: first.embedding_model.clone(),
        knowledge_bases: bases.iter().map(|base| (base.id.into(), base.name.clone())).collect(),
        libraries: libraries.into_iter().map(|library| (library.id.into(), library.name)).collect(),
    }))
}

async fn list_missing(
    connection: &mut PgConnection,
    base: KnowledgeBaseId,
    model: &TargetModel,
) -> Result<Vec<MissingOf>, DbError> {
    let rows = sqlx::query_as!(
        MissingOf,
        r#"SELECT c.document_id, count(*) AS "chunks!"
           FROM chunks c
           WHERE c.knowledge_base_id = $1
             AND NOT EXISTS (SELECT FROM chunk_embeddings e
                             WHERE e.knowledge_base_id = $1 AND e.embedding_model = $2 AND e.chunk_id = c.id)
           GROUP BY c.document_id
           ORDER BY c.document_id"#,
        base.as_uuid(),
        model.id,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

async fn list_chunks(
    connection: &mut PgConnection,
    base: KnowledgeBaseId,
    model: &TargetModel,
    documents: &[MissingOf],
) -> Result<Vec<UnembeddedChunk>, DbError> {
    let documents: Vec<Uuid> = documents.iter().map(|document| document.document_id.as_uuid()).collect();
    let rows = sqlx::query_as!(
        UnembeddedChunk,
        "SELECT c.id, d.title, c.heading_path, c.body
         FROM chunks c JOIN documents d ON d.id = c.document_id
         WHERE c.document_id = ANY($3) AND c.knowledge_base_id = $1 AND d.knowledge_base_id = $1
           AND NOT EXISTS (SELECT FROM chunk_embeddings e
                           WHERE e.chunk_id = c.id AND e.embedding_model = $2 AND e.knowledge_base_id = $1)
         ORDER BY c.document_id, c.ordinal",
        base.as_uuid(),
        model.id,
        &documents,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

async fn insert(
    connection: &mut PgConnection,
    base: KnowledgeBaseId,
    model: &TargetModel,
    vectors: &[NewVector],
) -> Result<(), DbError> {
    let (ids, vectors): (Vec<i64>, Vec<String>) =
        vectors.iter().map(|vector| (vector.chunk_id, vector_literal(&vector.values))).unzip();
    sqlx::query!(
        "INSERT INTO chunk_embeddings (chunk_id, knowledge_base_id, embedding_model, dimensions, embedding)
         SELECT c.id, $1, $2, $3, g.embedding::halfvec
         FROM unnest($4::bigint[], $5::text[]) AS g (chunk_id, embedding)
         JOIN chunks c ON c.id = g.chunk_id AND c.knowledge_base_id = $1
         ON CONFLICT ON CONSTRAINT chunk_embeddings_pkey DO NOTHING",
        base.as_uuid(),
        model.id,
        i32::try_from(model.dimensions).unwrap_or(i32::MAX),
        &ids,
        &vectors,
    )
    .execute(connection)
    .await?;
    Ok(())
}
