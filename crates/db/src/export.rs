//! All that an org has, as of one moment, record by record. Connect as `autri_admin`.
//!
//! One read-only transaction sees it all at the moment it began. What grows with use is read in pages by key, so that
//! memory stays small. The transaction lasts as long as its reader takes, and vacuum keeps what it may still see:
//! <https://www.postgresql.org/docs/16/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY>.

use std::collections::VecDeque;

use autri_domain::{ConnectorId, DocumentId, KnowledgeBaseId, LibraryId, OrgId, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::{Database, DbError};

/// The form of the records. A reader refuses a version that it does not know; a new kind of record or a new key is no new
/// version.
pub const FORMAT_VERSION: u32 = 1;

/// How many rows of a table that grows are read at once.
const PAGE_ROWS: i64 = 500;
/// How many bytes of text are read at once, unless a single document has more.
const PAGE_BYTES: i64 = 4 * 1024 * 1024;

/// A line of an export. Ids, names and texts are as they are stored; no secret is, and vectors are left out, since they can
/// be made again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The first.
    Export {
        /// [`FORMAT_VERSION`].
        format_version: u32,
        /// The moment of all that follows, by the database's clock.
        exported_at: DateTime<Utc>,
        /// Whose it is.
        org_id: OrgId,
    },
    /// The org.
    Org {
        /// Its id.
        id: OrgId,
        /// What people call it.
        name: String,
        /// The person whose personal org it is.
        personal_user_id: Option<UserId>,
        /// When it was made.
        created_at: DateTime<Utc>,
    },
    /// A member.
    Member {
        /// The person.
        user_id: UserId,
        /// Their address.
        email: String,
        /// `owner`, `admin` or `member`.
        role: String,
        /// Since when.
        created_at: DateTime<Utc>,
    },
    /// A library.
    Library {
        /// Its id.
        id: LibraryId,
        /// Its name.
        name: String,
        /// Its embedding model.
        embedding_model: String,
        /// When it was made.
        created_at: DateTime<Utc>,
    },
    /// A knowledge base.
    KnowledgeBase {
        /// Its id.
        id: KnowledgeBaseId,
        /// Its name.
        name: String,
        /// Its embedding model.
        embedding_model: String,
        /// When it was made.
        created_at: DateTime<Utc>,
    },
    /// A library has a knowledge base.
    LibraryKnowledgeBase {
        /// The library.
        library_id: LibraryId,
        /// The knowledge base.
        knowledge_base_id: KnowledgeBaseId,
        /// Since when.
        created_at: DateTime<Utc>,
    },
    /// A person may use a library. Not only members may.
    LibraryAccess {
        /// The library.
        library_id: LibraryId,
        /// The person.
        user_id: UserId,
        /// Their address.
        email: String,
        /// Since when.
        created_at: DateTime<Utc>,
    },
    /// A connector. Its client's secret is Cognito's.
    Connector {
        /// Its id.
        id: ConnectorId,
        /// The library that it opens.
        library_id: LibraryId,
        /// `machine` or `interactive`.
        kind: String,
        /// Its app client.
        oauth_client_id: String,
        /// What people call it.
        name: String,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it was revoked, if it was.
        revoked_at: Option<DateTime<Utc>>,
    },
    /// A document with its text.
    Document {
        /// Its id.
        id: DocumentId,
        /// The knowledge base that it is in.
        knowledge_base_id: KnowledgeBaseId,
        /// Where it came from.
        source_key: String,
        /// Its title.
        title: String,
        /// Where people can read it.
        source_url: Option<String>,
        /// SHA-256 of what made it, in hex.
        content_hash: String,
        /// When its source last changed.
        updated_at: DateTime<Utc>,
        /// When it was stored.
        ingested_at: DateTime<Utc>,
        /// Its cleaned text: its chunks, which follow each other without gap or overlap.
        text: String,
    },
    /// A question that was asked in the web app.
    ChatQuery {
        /// Its id.
        id: Uuid,
        /// Who asked.
        user_id: UserId,
        /// Of which library.
        library_id: LibraryId,
        /// What.
        question: String,
        /// The answer, if there was one.
        answer: Option<String>,
        /// When.
        created_at: DateTime<Utc>,
    },
    /// A row of the audit log.
    AuditRow {
        /// Its id.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
        /// The connector that was called.
        connector_id: ConnectorId,
        /// The OAuth client.
        client_id: String,
        /// The subject.
        sub: String,
        /// The tool.
        tool: String,
        /// The arguments' keyed digest, in hex.
        arguments_digest: String,
        /// Which key made it.
        digest_key_id: String,
        /// The arguments in clear, where they were kept so.
        arguments: Option<serde_json::Value>,
        /// How many results went out.
        result_count: i32,
        /// The outcome.
        status: String,
        /// Milliseconds.
        latency_ms: f64,
        /// The request's id.
        request_id: String,
    },
    /// The last: without it, the export is not whole.
    End {
        /// How many records there are, this one and the first included.
        record_count: u64,
    },
}

/// What is read next.
#[derive(Debug, Clone)]
enum Section {
    Tenancy,
    /// Documents whose source keys come after this one.
    Documents(KnowledgeBaseId, String),
    /// Questions after this one.
    ChatQueries(Uuid),
    /// Audit rows after this one.
    AuditRows(DateTime<Utc>, Uuid),
    End,
    Over,
}

/// An export that goes on.
#[derive(Debug)]
pub struct OrgExport {
    tx: Transaction<'static, Postgres>,
    org_id: OrgId,
    section: Section,
    /// Knowledge bases whose documents are still to come.
    bases: VecDeque<KnowledgeBaseId>,
    record_count: u64,
}

impl OrgExport {
    /// Begins one; `None` when there is no such org.
    pub async fn begin(database: &Database, org_id: OrgId) -> Result<Option<Self>, DbError> {
        let mut tx = database.begin().await?;
        sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
        let found = sqlx::query_scalar!("SELECT id FROM orgs WHERE id = $1", org_id.as_uuid())
            .fetch_optional(&mut *tx)
            .await?;
        let bases = VecDeque::new();
        Ok(found.map(|_| Self { tx, org_id, section: Section::Tenancy, bases, record_count: 0 }))
    }

    /// The next records, a few megabytes at most unless a single document has more; `None` after the last.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Record>>, DbError> {
        loop {
            let page = match self.section.clone() {
                Section::Tenancy => self.tenancy().await?,
                Section::Documents(base, after) => self.documents(base, &after).await?,
                Section::ChatQueries(after) => self.chat_queries(after).await?,
                Section::AuditRows(at, after) => self.audit_rows(at, after).await?,
                Section::End => {
                    self.section = Section::Over;
                    vec![Record::End { record_count: self.record_count + 1 }]
                }
                Section::Over => return Ok(None),
            };
            if !page.is_empty() {
                self.record_count += page.len() as u64;
                return Ok(Some(page));
            }
        }
    }

    /// All that does not grow with use.
    async fn tenancy(&mut self) -> Result<Vec<Record>, DbError> {
        let mut records = self.org().await?;
        records.extend(self.members().await?);
        records.extend(self.libraries().await?);
        records.extend(self.knowledge_bases().await?);
        records.extend(self.library_knowledge_bases().await?);
        records.extend(self.library_access().await?);
        records.extend(self.connectors().await?);
        self.next_base();
        Ok(records)
    }

    fn next_base(&mut self) {
        self.section = match self.bases.pop_front() {
            Some(base) => Section::Documents(base, String::new()),
            None => Section::ChatQueries(Uuid::nil()),
        };
    }

    async fn org(&mut self) -> Result<Vec<Record>, DbError> {
        let row = sqlx::query!(
            r#"SELECT id, name, personal_user, created_at, now() AS "now!" FROM orgs WHERE id = $1"#,
            self.org_id.as_uuid()
        )
        .fetch_one(&mut *self.tx)
        .await?;
        let begin =
            Record::Export { format_version: FORMAT_VERSION, exported_at: row.now, org_id: self.org_id };
        let org = Record::Org {
            id: row.id.into(),
            name: row.name,
            personal_user_id: row.personal_user.map(UserId::from),
            created_at: row.created_at,
        };
        Ok(vec![begin, org])
    }

    async fn members(&mut self) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT m.user_id, u.email, m.role, m.created_at
             FROM org_members m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1 ORDER BY m.user_id",
            self.org_id.as_uuid()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let records = rows.into_iter().map(|row| Record::Member {
            user_id: row.user_id.into(),
            email: row.email,
            role: row.role,
            created_at: row.created_at,
        });
        Ok(records.collect())
    }

    async fn libraries(&mut self) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT id, name, embedding_model, created_at FROM libraries WHERE org_id = $1 ORDER BY id",
            self.org_id.as_uuid()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let records = rows.into_iter().map(|row| Record::Library {
            id: row.id.into(),
            name: row.name,
            embedding_model: row.embedding_model,
            created_at: row.created_at,
        });
        Ok(records.collect())
    }

    async fn knowledge_bases(&mut self) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT id, name, embedding_model, created_at FROM knowledge_bases WHERE org_id = $1 ORDER BY id",
            self.org_id.as_uuid()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.bases = rows.iter().map(|row| row.id.into()).collect();
        let records = rows.into_iter().map(|row| Record::KnowledgeBase {
            id: row.id.into(),
            name: row.name,
            embedding_model: row.embedding_model,
            created_at: row.created_at,
        });
        Ok(records.collect())
    }

    async fn library_knowledge_bases(&mut self) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT library_id, knowledge_base_id, created_at FROM library_kbs WHERE org_id = $1
             ORDER BY library_id, knowledge_base_id",
            self.org_id.as_uuid()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let records = rows.into_iter().map(|row| Record::LibraryKnowledgeBase {
            library_id: row.library_id.into(),
            knowledge_base_id: row.knowledge_base_id.into(),
            created_at: row.created_at,
        });
        Ok(records.collect())
    }

    async fn library_access(&mut self) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT a.library_id, a.user_id, u.email, a.created_at
             FROM library_access a JOIN libraries l ON l.id = a.library_id JOIN users u ON u.id = a.user_id
             WHERE l.org_id = $1 ORDER BY a.library_id, a.user_id",
            self.org_id.as_uuid()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let records = rows.into_iter().map(|row| Record::LibraryAccess {
            library_id: row.library_id.into(),
            user_id: row.user_id.into(),
            email: row.email,
            created_at: row.created_at,
        });
        Ok(records.collect())
    }

    async fn connectors(&mut self) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT id, library_id, kind, oauth_client_id, name, created_at, revoked_at
             FROM connectors WHERE org_id = $1 ORDER BY id",
            self.org_id.as_uuid()
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let records = rows.into_iter().map(|row| Record::Connector {
            id: row.id.into(),
            library_id: row.library_id.into(),
            kind: row.kind,
            oauth_client_id: row.oauth_client_id,
            name: row.name,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        });
        Ok(records.collect())
    }

    async fn documents(&mut self, base: KnowledgeBaseId, after: &str) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            r#"SELECT d.id, d.source_key, d.title, d.source_url, encode(d.content_hash, 'hex') AS "content_hash!",
                      d.updated_at, d.ingested_at,
                      coalesce((SELECT string_agg(c.body, '' ORDER BY c.ordinal) FROM chunks c
                                WHERE c.document_id = d.id AND c.knowledge_base_id = $1), '') AS "text!"
               FROM (
                   SELECT *, sum(byte_count) OVER (ORDER BY source_key COLLATE "C") - byte_count AS bytes_before
                   FROM (SELECT * FROM documents WHERE knowledge_base_id = $1 AND source_key COLLATE "C" > $2
                         ORDER BY source_key COLLATE "C" LIMIT $3) first
               ) d
               WHERE d.bytes_before < $4::bigint
               ORDER BY d.source_key COLLATE "C""#,
            base.as_uuid(),
            after,
            PAGE_ROWS,
            PAGE_BYTES,
        )
        .fetch_all(&mut *self.tx)
        .await?;
        match rows.last() {
            Some(last) => self.section = Section::Documents(base, last.source_key.clone()),
            None => self.next_base(),
        }
        let records = rows.into_iter().map(|row| Record::Document {
            id: row.id.into(),
            knowledge_base_id: base,
            source_key: row.source_key,
            title: row.title,
            source_url: row.source_url,
            content_hash: row.content_hash,
            updated_at: row.updated_at,
            ingested_at: row.ingested_at,
            text: row.text,
        });
        Ok(records.collect())
    }

    async fn chat_queries(&mut self, after: Uuid) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            "SELECT id, user_id, library_id, question, answer, created_at FROM chat_queries
             WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            self.org_id.as_uuid(),
            after,
            PAGE_ROWS,
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.section = match rows.last() {
            Some(last) => Section::ChatQueries(last.id),
            None => Section::AuditRows(DateTime::UNIX_EPOCH, Uuid::nil()),
        };
        let records = rows.into_iter().map(|row| Record::ChatQuery {
            id: row.id,
            user_id: row.user_id.into(),
            library_id: row.library_id.into(),
            question: row.question,
            answer: row.answer,
            created_at: row.created_at,
        });
        Ok(records.collect())
    }

    async fn audit_rows(&mut self, at: DateTime<Utc>, after: Uuid) -> Result<Vec<Record>, DbError> {
        let rows = sqlx::query!(
            r#"SELECT id, at, connector_id, client_id, sub, tool, encode(arguments_digest, 'hex') AS "arguments_digest!",
                      digest_key_id, arguments, result_count, status, latency_ms, request_id
               FROM mcp_audit_log
               WHERE org_id = $1 AND (at, id) > ($2, $3) ORDER BY at, id LIMIT $4"#,
            self.org_id.as_uuid(),
            at,
            after,
            PAGE_ROWS,
        )
        .fetch_all(&mut *self.tx)
        .await?;
        self.section = match rows.last() {
            Some(last) => Section::AuditRows(last.at, last.id),
            None => Section::End,
        };
        let records = rows.into_iter().map(|row| Record::AuditRow {
            id: row.id,
            at: row.at,
            connector_id: row.connector_id.into(),
            client_id: row.client_id,
            sub: row.sub,
            tool: row.tool,
            arguments_digest: row.arguments_digest,
            digest_key_id: row.digest_key_id,
            arguments: row.arguments,
            result_count: row.result_count,
            status: row.status,
            latency_ms: row.latency_ms,
            request_id: row.request_id,
        });
        Ok(records.collect())
    }
}
