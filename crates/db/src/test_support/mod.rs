//! A migrated database of its own for each test, on one local Postgres for the target folder.
//!
//! The first test that asks starts Postgres (or joins it) and, under a file lock, makes the template that all tests of
//! this schema copy. Copies are dropped when the test ends. Panics where a test cannot go on.

#![expect(clippy::missing_panics_doc, reason = "said above, of all of it")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use autri_local_postgres::{
    Cluster, ClusterOptions, Durability, Installation, ResolveOptions, Silent, default_cache_dir,
};
use fd_lock::RwLock;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::bootstrap::Bootstrap;
use crate::{Database, DatabaseOptions, Tls, migrations, roles};

mod session;
mod tenant;

pub use session::AdminSession;
pub use tenant::{Tenant, new_document, principal};

/// How long Postgres stays after a test process, so that the next one finds it running.
const LINGER: Duration = Duration::from_secs(10);

static SERVER: OnceLock<TestServer> = OnceLock::new();
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(0);

struct TestServer {
    admin_url: SecretString,
    template: String,
    /// Held as long as the process lives; Postgres ends with its last user.
    _cluster: Option<Cluster>,
}

/// A database with the current schema and no rows. Dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    admin_url: SecretString,
}

impl TestDatabase {
    /// Makes one.
    pub async fn create() -> Self {
        let database = Self::reserve().await;
        let template = &server().await.template;
        let sql = format!("CREATE DATABASE {} TEMPLATE {template} OWNER {}", database.name, roles::MIGRATE);
        execute(&database.admin_url, &sql).await;
        database
    }

    /// Makes one that nobody bootstrapped: no extension, no table.
    pub async fn create_empty() -> Self {
        let database = Self::reserve().await;
        let sql = format!("CREATE DATABASE {} TEMPLATE template0 OWNER {}", database.name, roles::MIGRATE);
        execute(&database.admin_url, &sql).await;
        database
    }

    /// A name that no database has yet. Whoever makes it, it is dropped with this value.
    pub async fn reserve() -> Self {
        let admin_url = server().await.admin_url.clone();
        let number = NEXT_DATABASE.fetch_add(1, Ordering::Relaxed);
        let name = format!("autri_test_{}_{number}", std::process::id());
        execute(&admin_url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        Self { name, admin_url }
    }

    /// Its name, for nobody else on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where `role` connects to this database.
    #[must_use]
    pub fn url(&self, role: &str) -> SecretString {
        with_database(&self.admin_url, &self.name, Some(role))
    }

    /// The administrator's URL of the whole server.
    #[must_use]
    pub fn admin_url(&self) -> &SecretString {
        &self.admin_url
    }

    /// Connected as `role`.
    #[must_use]
    pub fn connect(&self, role: &str) -> Database {
        Database::new(&options(self.url(role))).expect("a usable URL")
    }

    /// Vacuums and analyses, so that index-only scans need not look at the tables.
    pub async fn vacuum(&self) {
        execute(&with_database(&self.admin_url, &self.name, None), "VACUUM (ANALYZE)").await;
    }

    /// A single connection as `role`, for statements that no function of this crate makes.
    pub async fn connection(&self, role: &str) -> PgConnection {
        connect(&self.url(role)).await
    }

    /// A single connection as the cluster's administrator.
    pub async fn admin_connection(&self) -> PgConnection {
        connect(&with_database(&self.admin_url, &self.name, None)).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let admin_url = self.admin_url.clone();
        // The test's own runtime may be ending: the drop gets one of its own.
        let dropped = std::thread::spawn(move || runtime().block_on(execute(&admin_url, &sql))).join();
        if !std::thread::panicking() {
            dropped.expect("the test's database to be dropped");
        }
    }
}

async fn server() -> &'static TestServer {
    tokio::task::spawn_blocking(|| SERVER.get_or_init(TestServer::start)).await.expect("a server")
}

impl TestServer {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration of their own")]
    fn start() -> Self {
        let (admin_url, cluster) = if let Ok(url) = std::env::var("DATABASE_URL") {
            (url.into(), None)
        } else {
            let cluster = start_cluster();
            (cluster.admin_url(), Some(cluster))
        };
        let template = template_name();
        std::thread::scope(|scope| {
            scope
                .spawn(|| runtime().block_on(make_template(&admin_url, &template)))
                .join()
                .expect("a template");
        });
        Self { admin_url, template, _cluster: cluster }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration of their own")]
fn start_cluster() -> Cluster {
    let (xdg_cache_home, home) = (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"));
    let cache_dir = default_cache_dir(xdg_cache_home.as_deref(), home.as_deref()).expect("a cache folder");
    let installation = Installation::resolve(&ResolveOptions::new(cache_dir), &Silent)
        .unwrap_or_else(|error| panic!("tests need Postgres 16 with pgvector: {error}"));
    let options = ClusterOptions {
        dir: test_folder().join("cluster"),
        durability: Durability::Throwaway,
        linger: LINGER,
    };
    Cluster::start(&installation, &options, &Silent)
        .unwrap_or_else(|error| panic!("the test cluster could not be started: {error}"))
}

/// `target/test-postgres`, found from the test's own executable.
fn test_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("the test's executable");
    let target =
        executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).expect("a target folder");
    let folder = target.join("test-postgres");
    std::fs::create_dir_all(&folder).expect("a folder for the test cluster");
    folder
}

fn template_name() -> String {
    let mut hash = Sha256::new();
    for (number, checksum) in migrations::checksums() {
        hash.update(number.to_be_bytes());
        hash.update(checksum);
    }
    hash.update(include_str!("../../bootstrap/roles.sql"));
    let hash = u64::from_be_bytes(*hash.finalize().first_chunk().expect("a hash is longer"));
    format!("autri_template_{hash:016x}")
}

async fn make_template(admin_url: &SecretString, template: &str) {
    let file = File::create(test_folder().join("template.lock")).expect("a lock file");
    let mut lock = RwLock::new(file);
    let _held = lock.write().expect("the lock");
    if exists(admin_url, template).await {
        return;
    }
    // Made under another name first: a template that exists is whole.
    let draft = format!("{template}_draft");
    execute(admin_url, &format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
    let bootstrap = Bootstrap {
        admin_url: admin_url.clone(),
        database: draft.clone(),
        passwords: role_passwords(admin_url),
    };
    bootstrap.run().await.expect("a bootstrapped database");
    let migrator =
        Database::new(&options(with_database(admin_url, &draft, Some(roles::MIGRATE)))).expect("a URL");
    migrations::apply(&migrator).await.expect("a migrated database");
    migrator.close().await;
    execute(admin_url, &format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
}

/// The administrator's password serves all roles of a test cluster; without one, nobody is asked for any.
fn role_passwords(admin_url: &SecretString) -> BTreeMap<&'static str, SecretString> {
    let url = url::Url::parse(admin_url.expose_secret()).expect("a URL");
    let password = url.password().map(|password| SecretString::from(password.to_owned()));
    password.map(|password| roles::LOGINS.map(|role| (role, password.clone())).into()).unwrap_or_default()
}

fn with_database(admin_url: &SecretString, database: &str, role: Option<&str>) -> SecretString {
    let mut url = url::Url::parse(admin_url.expose_secret()).expect("a URL");
    url.set_path(database);
    if let Some(role) = role {
        url.set_username(role).expect("a URL that takes a user");
    }
    String::from(url).into()
}

/// How the tests reach a database.
#[must_use]
pub fn options(url: SecretString) -> DatabaseOptions {
    DatabaseOptions {
        login: url.into(),
        max_connections: 4,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_mins(1),
        application_name: "autri-test",
        tls: Tls::AsUrlSays,
        max_idle: None,
    }
}

async fn exists(admin_url: &SecretString, database: &str) -> bool {
    let mut connection = connect(admin_url).await;
    let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(database)
        .fetch_optional(&mut connection)
        .await
        .expect("an answer");
    found.is_some()
}

async fn execute(url: &SecretString, sql: &str) {
    let mut connection = connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the statement to run");
    connection.close().await.expect("the connection to close");
}

async fn connect(url: &SecretString) -> PgConnection {
    let options = PgConnectOptions::from_str(url.expose_secret()).expect("a usable URL");
    options.connect().await.expect("a connection")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
