//! The schema's life: bootstrap by an administrator, migrations by the owner, and what each says when it cannot.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;

use autri_db::bootstrap::Bootstrap;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{Database, DatabaseOptions, DbError, Tls, migrations, roles};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::raw_sql::{number, run, texts};

async fn bootstrap(admin_url: &SecretString, database: &TestDatabase) -> Result<(), DbError> {
    let admin_url = admin_url.clone();
    Bootstrap { admin_url, database: database.name().to_owned(), passwords: BTreeMap::new() }.run().await
}

/// All messages of an error, outermost first.
fn messages(error: &DbError) -> String {
    let mut all = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        all = format!("{all}: {error}");
        source = error.source();
    }
    all
}

async fn applied(database: &Database) -> Vec<bool> {
    migrations::status(database).await.unwrap().into_iter().map(|migration| migration.applied).collect()
}

#[tokio::test]
async fn a_database_goes_from_nothing_to_current() {
    let database = TestDatabase::reserve().await;
    let owner = database.connect(roles::MIGRATE);
    assert!(migrations::status(&owner).await.is_err(), "there is no database yet");

    bootstrap(database.admin_url(), &database).await.unwrap();
    let known = migrations::status(&owner).await.unwrap();
    assert!(known.is_sorted_by_key(|migration| migration.version));
    assert!(known.iter().all(|migration| !migration.applied && !migration.description.is_empty()));
    assert!(!migrations::are_current(&owner).await.unwrap());

    migrations::apply(&owner).await.unwrap();
    assert_eq!(applied(&owner).await, vec![true; known.len()]);
    assert!(migrations::are_current(&owner).await.unwrap());
    Tenant::create(&database, "acme").await.add_document(&database, "a.md", "A", &["words"]).await;

    let mut admin = database.admin_connection().await;
    let times = "SELECT version || ' ' || installed_on FROM _sqlx_migrations ORDER BY version";
    let before = texts(&mut admin, times).await;
    migrations::apply(&owner).await.unwrap();
    bootstrap(database.admin_url(), &database).await.unwrap();
    assert_eq!(texts(&mut admin, times).await, before, "again is a no-op");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM chunks").await.unwrap(), 1);
    owner.close().await;
}

/// Readiness is asked by the servers' own logins.
#[tokio::test]
async fn the_logins_that_serve_can_ask_for_the_version() {
    let database = TestDatabase::create().await;
    for role in [roles::MCP, roles::ADMIN, roles::INGEST] {
        assert!(migrations::are_current(&database.connect(role)).await.unwrap(), "{role}");
    }
}

#[tokio::test]
async fn without_a_bootstrap_the_error_says_what_to_do() {
    let database = TestDatabase::create_empty().await;
    let owner = database.connect(roles::MIGRATE);
    assert!(!migrations::are_current(&owner).await.unwrap());
    let error = migrations::apply(&owner).await.unwrap_err();
    assert!(matches!(error, DbError::Migration(_)), "{error:?}");
    assert!(messages(&error).contains("run `autri db bootstrap` first"), "{}", messages(&error));
    assert!(!applied(&owner).await.contains(&true));
    owner.close().await;

    bootstrap(database.admin_url(), &database).await.unwrap();
    let owner = database.connect(roles::MIGRATE);
    migrations::apply(&owner).await.unwrap();
    assert!(migrations::are_current(&owner).await.unwrap());
    owner.close().await;
}

#[tokio::test]
async fn only_the_owner_migrates() {
    let database = TestDatabase::reserve().await;
    bootstrap(database.admin_url(), &database).await.unwrap();
    for role in roles::LOGINS.into_iter().filter(|role| *role != roles::MIGRATE) {
        let login = database.connect(role);
        assert!(migrations::apply(&login).await.is_err(), "{role}");
        assert!(!migrations::are_current(&login).await.unwrap(), "{role}");
        login.close().await;
    }
}

#[tokio::test]
async fn a_migration_that_changed_since_is_refused() {
    let database = TestDatabase::create().await;
    let owner = database.connect(roles::MIGRATE);
    let first = migrations::status(&owner).await.unwrap().remove(0).version;
    let change = format!("UPDATE _sqlx_migrations SET checksum = 'other' WHERE version = {first}");
    run(&mut database.connection(roles::MIGRATE).await, &change).await.unwrap();
    assert!(!migrations::are_current(&owner).await.unwrap());
    assert_eq!(applied(&owner).await.iter().filter(|applied| !**applied).count(), 1);
    let error = migrations::apply(&owner).await.unwrap_err();
    assert!(matches!(error, DbError::Migration(_)), "{error:?}");
}

/// Migrations expand before they contract: the running version serves on while the next one is deployed.
#[tokio::test]
async fn a_newer_database_is_current_and_is_not_migrated_by_an_older_build() {
    let database = TestDatabase::create().await;
    let owner = database.connect(roles::MIGRATE);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99999999, 'of the next release', true, 'x', 0)";
    run(&mut database.connection(roles::MIGRATE).await, newer).await.unwrap();
    assert!(migrations::are_current(&owner).await.unwrap());
    assert!(matches!(migrations::apply(&owner).await, Err(DbError::Migration(_))));
}

#[tokio::test]
async fn a_migration_that_failed_halfway_is_not_current() {
    let database = TestDatabase::create().await;
    let owner = database.connect(roles::MIGRATE);
    let failed = "UPDATE _sqlx_migrations SET success = false WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    run(&mut database.connection(roles::MIGRATE).await, failed).await.unwrap();
    assert!(!migrations::are_current(&owner).await.unwrap());
}

#[tokio::test]
async fn a_migration_takes_as_long_as_it_takes() {
    let database = TestDatabase::reserve().await;
    bootstrap(database.admin_url(), &database).await.unwrap();
    let owner = Database::new(&DatabaseOptions {
        login: database.url(roles::MIGRATE).into(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_millis(1),
        application_name: "autri-test",
        tls: Tls::AsUrlSays,
        max_idle: None,
    })
    .unwrap();
    migrations::apply(&owner).await.unwrap();
    owner.close().await;
}

#[tokio::test]
async fn concurrent_bootstraps_do_not_collide() {
    let databases = [TestDatabase::reserve().await, TestDatabase::reserve().await];
    let runs = (0..6).map(|number| bootstrap(databases[0].admin_url(), &databases[number % 2]));
    for outcome in join_all(runs).await {
        outcome.unwrap();
    }
    for database in &databases {
        let owner = database.connect(roles::MIGRATE);
        let migrated = join_all((0..3).map(|_| migrations::apply(&owner))).await;
        assert!(migrated.iter().all(Result::is_ok), "{migrated:?}");
        assert!(migrations::are_current(&owner).await.unwrap());
        owner.close().await;
    }
}

#[tokio::test]
async fn a_bootstrapped_database_is_closed_to_everyone_else() {
    let database = TestDatabase::reserve().await;
    bootstrap(database.admin_url(), &database).await.unwrap();
    let mut admin = database.admin_connection().await;
    let name = database.name();
    let everyone = format!(
        "SELECT count(*) FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a
         WHERE d.datname = '{name}' AND a.grantee = 0"
    );
    assert_eq!(number(&mut admin, &everyone).await.unwrap(), 0);
    for role in roles::LOGINS.into_iter().filter(|role| *role != roles::MIGRATE) {
        let rights = format!(
            "SELECT count(*) FROM unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) AS r (name)
             WHERE has_database_privilege('{role}', '{name}', r.name)"
        );
        assert_eq!(number(&mut admin, &rights).await.unwrap(), 1, "{role}");
    }
    let owner = format!("SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = '{name}'");
    assert_eq!(texts(&mut admin, &owner).await, [roles::MIGRATE]);
}

#[tokio::test]
async fn a_given_password_is_set() {
    // A role of the test's own: the others belong to all tests.
    let database = TestDatabase::reserve().await;
    let role: &str = format!("{}_login", database.name()).leak();
    let mut superuser = admin(&database).await;
    run(&mut superuser, &format!("CREATE ROLE {role} LOGIN")).await.unwrap();
    let password = "it's \\ \"quoted\" and ‘ﬀ’";
    let bootstrap = Bootstrap {
        admin_url: database.admin_url().clone(),
        database: database.name().to_owned(),
        passwords: BTreeMap::from([(role, password.to_owned().into())]),
    };
    bootstrap.run().await.unwrap();
    let admin_options: PgConnectOptions = database.admin_url().expose_secret().parse().unwrap();
    let log_in =
        async |password: &str| admin_options.clone().username(role).password(password).connect().await;
    log_in(password).await.unwrap();
    log_in("another").await.unwrap_err();
    run(&mut superuser, &format!("DROP ROLE {role}")).await.unwrap();
}

#[tokio::test]
async fn a_database_name_that_needs_quoting_is_refused() {
    let database = TestDatabase::create_empty().await;
    let bootstrap = Bootstrap {
        admin_url: database.admin_url().clone(),
        database: "a\"b".to_owned(),
        passwords: BTreeMap::new(),
    };
    assert!(matches!(bootstrap.run().await, Err(DbError::BadUrl(_))));
}

/// An administrator with the rights of RDS's master user: it may make roles and databases, and is no superuser. Its
/// roles are dropped with it.
struct MasterUser {
    name: String,
    url: SecretString,
}

impl MasterUser {
    async fn create(database: &TestDatabase) -> Self {
        let name = format!("{}_master", database.name());
        let mut url = Url::parse(database.admin_url().expose_secret()).unwrap();
        let password = url.password().map(|password| format!("PASSWORD '{password}'")).unwrap_or_default();
        url.set_username(&name).unwrap();
        let sql = format!("CREATE ROLE {name} LOGIN CREATEROLE CREATEDB {password}");
        run(&mut admin(database).await, &sql).await.unwrap();
        Self { name, url: String::from(url).into() }
    }

    async fn connection(&self) -> sqlx::PgConnection {
        use sqlx::Connection;
        sqlx::PgConnection::connect(self.url.expose_secret()).await.unwrap()
    }

    async fn drop(self, database: &TestDatabase, roles: &[String]) {
        let mut admin = admin(database).await;
        for role in roles {
            run(&mut admin, &format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await.unwrap();
        }
        let name = self.name;
        run(&mut admin, &format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}")).await.unwrap();
    }
}

/// The administrator's connection, not to the database of the test, which may not be there yet.
async fn admin(database: &TestDatabase) -> sqlx::PgConnection {
    use sqlx::Connection;
    sqlx::PgConnection::connect(database.admin_url().expose_secret()).await.unwrap()
}

/// The statements as they are, under other names: the cluster of the tests has the real roles already.
#[tokio::test]
async fn a_master_user_without_superuser_makes_the_roles() {
    let database = TestDatabase::reserve().await;
    let master = MasterUser::create(&database).await;
    let prefix = format!("{}_", database.name());
    let script = include_str!("../../bootstrap/roles.sql").replace("autri_", &prefix);
    let mut connection = master.connection().await;
    run(&mut connection, &script).await.unwrap();
    run(&mut connection, &script).await.unwrap();
    let made = texts(
        &mut connection,
        &format!("SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, '{prefix}') AND rolname <> current_user ORDER BY 1"),
    )
    .await;
    let mut expected: Vec<_> = roles::LOGINS.map(|role| role.replacen("autri_", &prefix, 1)).into();
    expected.push(format!("{prefix}definer"));
    expected.sort_unstable();
    assert_eq!(made, expected);
    master.drop(&database, &made).await;
}

/// RDS lets its master user make the extension; an ordinary cluster wants a superuser for it.
#[tokio::test]
async fn a_master_user_without_superuser_bootstraps() {
    let database = TestDatabase::reserve().await;
    let master = MasterUser::create(&database).await;
    let mut admin = admin(&database).await;
    // What a role with CREATEROLE has of the roles that it made itself.
    for role in roles::LOGINS.into_iter().chain(["autri_definer"]) {
        let sql = format!("GRANT {role} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", master.name);
        run(&mut admin, &sql).await.unwrap();
    }
    let error = bootstrap(&master.url, &database).await.unwrap_err();
    assert!(messages(&error).contains("extension \"vector\""), "{}", messages(&error));
    run(&mut database.admin_connection().await, "CREATE EXTENSION vector").await.unwrap();

    bootstrap(&master.url, &database).await.unwrap();
    let owner = database.connect(roles::MIGRATE);
    migrations::apply(&owner).await.unwrap();
    assert!(migrations::are_current(&owner).await.unwrap());
    owner.close().await;
    bootstrap(&master.url, &database).await.unwrap();
    master.drop(&database, &[]).await;
}
