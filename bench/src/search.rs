//! Search: latency beside its own SQL, throughput, time to the first answer, memory.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use autri_audit_log::{ArgumentRetention, AuditKey, AuditLog, AuditedCall, AuditedTool, CallEvent, Outcome};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{Database, ScopedTx, TenantScope, roles};
use autri_domain::{Caller, Principal, ScopeSet};
use autri_retrieval::embed::{Embedder, EmbedderChoice};
use autri_retrieval::passages::{Passages, WINDOW};
use autri_retrieval::search::{Leg, Retriever};
use clap::Args;
use serde_json::json;

use crate::corpus;
use crate::issuer::Issuer;
use crate::server::{Client, Server, ServerOptions};
use crate::statistics::Latencies;

const DOCUMENTS: usize = 5_000;
const QUERIES: usize = 400;
const STARTS: usize = 20;
const CONCURRENT: usize = 16;

#[derive(Args)]
pub(crate) struct Options {
    /// The server's release build
    #[arg(long)]
    server: PathBuf,
    /// A static model; without one, search is lexical
    #[arg(long)]
    model_dir: Option<PathBuf>,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let embedder = match &options.model_dir {
        Some(folder) => EmbedderChoice::Static { folder: folder.clone() }.open()?,
        None => None,
    };
    let database = TestDatabase::create().await;
    let tenant = fill(&database, embedder.as_deref()).await?;
    let issuer = Issuer::start().await?;
    let token = issuer.token(tenant.machine, &tenant.machine_client())?;
    let server_options = ServerOptions {
        program: options.server,
        database_url: database.url(roles::MCP),
        issuer: issuer.url(),
        model_dir: options.model_dir,
    };
    println!(
        "{DOCUMENTS} documents, {}",
        embedder.as_ref().map_or("lexical", |embedder| embedder.model_id())
    );
    search_beside_its_sql(&database, &tenant, embedder.clone(), &server_options, &token).await?;
    first_answers(&server_options, &token).await
}

async fn fill(database: &TestDatabase, embedder: Option<&dyn Embedder>) -> Result<Tenant> {
    let (model, dimensions) =
        embedder.map_or(("none", 0), |embedder| (embedder.model_id(), embedder.dimensions()));
    let tenant = Tenant::create_with_model(database, "bench", model, u32::try_from(dimensions)?).await;
    let texts: Vec<String> = corpus::documents(DOCUMENTS).collect();
    let vectors = match embedder {
        Some(embedder) => embedder.embed_documents(&texts).await?,
        None => vec![None; texts.len()],
    };
    let started = Instant::now();
    for (number, (text, vector)) in texts.iter().zip(vectors).enumerate() {
        let title = format!("Document {number}");
        tenant.add_embedded_document(database, &title, &title, &[(text, vector)]).await;
    }
    println!("stored in {:.1} s, a connection a document", started.elapsed().as_secs_f64());
    // As autovacuum would, which may not have come round yet.
    database.vacuum().await;
    Ok(tenant)
}

/// One connection, one request at a time: the server over HTTP against the same work without it, in turn.
async fn search_beside_its_sql(
    database: &TestDatabase,
    tenant: &Tenant,
    embedder: Option<Arc<dyn Embedder>>,
    options: &ServerOptions,
    token: &str,
) -> Result<()> {
    let floor = Floor::new(database, tenant, embedder)?;
    let server = Server::start(options).await?;
    let client = Client::new(&server, token)?;
    let queries: Vec<String> = corpus::queries(QUERIES).collect();
    for query in &queries[..50] {
        floor.search(query).await?;
        client.search(query).await?;
    }
    let (mut over_http, mut in_sql, mut hello) =
        (Latencies::default(), Latencies::default(), Latencies::default());
    for query in &queries {
        let started = Instant::now();
        client.search(query).await?;
        over_http.add(started.elapsed());
        let started = Instant::now();
        floor.search(query).await?;
        in_sql.add(started.elapsed());
        let started = Instant::now();
        client.list_tools().await?;
        hello.add(started.elapsed());
    }
    println!("search over HTTP, 1 connection   {over_http}");
    println!("the same work without the server {in_sql}");
    println!("ratio of medians                 {:.2}", over_http.median_ms() / in_sql.median_ms());
    println!("tools/list                       {hello}");
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..CONCURRENT {
        let (client, queries) = (client.clone(), queries.clone());
        tasks.spawn(async move {
            for query in queries.iter().skip(worker).step_by(CONCURRENT) {
                client.search(query).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(finished) = tasks.join_next().await {
        finished??;
    }
    let per_second = f64::from(u32::try_from(queries.len())?) / started.elapsed().as_secs_f64();
    println!("search, {CONCURRENT} connections           {per_second:.0} a second");
    println!(
        "resident memory                  {:.1} MB, at most {:.1} MB",
        server.resident_mb()?,
        server.peak_mb()?
    );
    server.stop().await
}

/// From the process's start to its first answered `tools/call`, the database being up.
async fn first_answers(options: &ServerOptions, token: &str) -> Result<()> {
    let mut latencies = Latencies::default();
    for query in corpus::queries(STARTS) {
        let started = Instant::now();
        let server = Server::start(options).await?;
        Client::new(&server, token)?.search(&query).await?;
        latencies.add(started.elapsed());
        server.stop().await?;
    }
    println!("process start to first search    {latencies}");
    Ok(())
}

/// What the server makes of a search: so many results, with snippets of so many characters.
const RESULTS: usize = 10;
const SNIPPET_CHARS: usize = 400;

/// What the server does for a search, but for HTTP and tokens.
struct Floor {
    database: Database,
    principal: Principal,
    retriever: Retriever,
    audit: AuditLog,
}

impl Floor {
    fn new(database: &TestDatabase, tenant: &Tenant, embedder: Option<Arc<dyn Embedder>>) -> Result<Self> {
        let client = tenant.machine_client();
        #[expect(clippy::disallowed_methods, reason = "no token is verified where none is sent")]
        let principal = Principal::assert_verified(
            tenant.machine,
            client.clone(),
            client,
            Caller::Machine,
            ScopeSet::default(),
        );
        let key = AuditKey::new("k".repeat(32).into())?;
        Ok(Self {
            database: database.connect(roles::MCP),
            principal,
            retriever: Retriever::new(embedder),
            audit: AuditLog::new(key, ArgumentRetention::DigestOnly),
        })
    }

    async fn search(&self, query: &str) -> Result<()> {
        let scope = TenantScope::find(&self.database, &self.principal).await?.context("a scope")?;
        let mut request = self.retriever.question(&scope, query, Leg::Hybrid).await?.request;
        request.limit = u32::try_from(WINDOW)?;
        let mut tx = ScopedTx::enter(&self.database, &self.principal).await?.context("a scope")?;
        let hits = autri_db::search::search(&mut tx, &request).await?;
        let passages = Passages::of(&hits, &request.words, SNIPPET_CHARS);
        for passage in passages.list().iter().take(RESULTS) {
            black_box(passages.snippet(passage));
        }
        let arguments = json!({ "query": query });
        let event = CallEvent {
            principal: &self.principal,
            call: AuditedCall::Tool(AuditedTool::Search),
            arguments: &arguments,
            request_id: "bench",
        };
        self.audit.row(&event).append(&mut tx, Outcome::Ok, 10, 1.0).await?;
        Ok(tx.commit().await?)
    }
}
