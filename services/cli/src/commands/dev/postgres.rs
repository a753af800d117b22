//! The database of `autri dev`: an embedded cluster in the data folder, or the one that `DATABASE_URL` names.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use autri_db::bootstrap::Bootstrap;
use autri_db::{migrations, roles};
use autri_local_postgres::{
    Cluster, ClusterOptions, Durability, Installation, ResolveOptions, Source, Step, StopOutcome,
    default_cache_dir,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::data_dir::{DataDir, Secret};
use crate::context::{Context, connect};
use crate::environment::Environment;
use crate::output;

/// The database's name, in whichever cluster.
const DATABASE: &str = "autri_dev";

/// A cluster to work in.
#[derive(Debug)]
pub(super) struct Postgres {
    admin_url: Url,
    passwords: BTreeMap<&'static str, SecretString>,
    /// None for one that others run.
    cluster: Option<Cluster>,
}

impl Postgres {
    /// Takes the cluster of `DATABASE_URL`, else starts the data folder's, fetching Postgres first if need be.
    pub(super) async fn start(context: &Context, data_dir: &DataDir) -> anyhow::Result<Self> {
        if let Some(url) = context.database_url() {
            let admin_url = parse_admin_url(url)?;
            output::field(
                "Postgres",
                format_args!("DATABASE_URL's, on {}", admin_url.host_str().unwrap_or_default()),
            );
            // The administrator's password serves the demo's roles: it is no secret from whoever runs this.
            let password = admin_url.password().map(|password| SecretString::from(password.to_owned()));
            return Ok(Self { admin_url, passwords: for_all_roles(password), cluster: None });
        }
        let options = ClusterOptions {
            dir: data_dir.cluster(),
            durability: Durability::Durable,
            linger: Duration::ZERO,
        };
        let resolve = resolve_options(&context.environment)?;
        let cluster = tokio::task::spawn_blocking(move || start_cluster(&resolve, &options)).await??;
        let admin_url = parse_admin_url(&cluster.admin_url())?;
        let password = data_dir.secret(Secret::Database)?;
        Ok(Self { admin_url, passwords: for_all_roles(Some(password)), cluster: Some(cluster) })
    }

    /// Makes the roles, the database and its schema, as far as they are missing.
    pub(super) async fn prepare(&self) -> anyhow::Result<()> {
        let bootstrap = Bootstrap {
            admin_url: String::from(self.admin_url.clone()).into(),
            database: DATABASE.to_owned(),
            passwords: self.passwords.clone(),
        };
        bootstrap.run().await.context("cannot make the database")?;
        let migrator = connect(self.url(roles::MIGRATE))?;
        let applied = migrations::apply(&migrator).await;
        migrator.close().await;
        applied.context("cannot bring the schema up to date; `cargo dev --reset` makes a new database")
    }

    /// Where `role` connects.
    pub(super) fn url(&self, role: &'static str) -> SecretString {
        let mut url = self.admin_url.clone();
        url.set_path(DATABASE);
        let password = self.passwords.get(role).map(SecretString::expose_secret);
        // Neither fails for a URL with a host, which was checked.
        let _ = url.set_username(role);
        let _ = url.set_password(password);
        String::from(url).into()
    }

    /// Stops the cluster, if it is ours and nobody else uses it, and waits until it has ended.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Some(cluster) = self.cluster else { return Ok(()) };
        if tokio::task::spawn_blocking(move || cluster.stop()).await?? == StopOutcome::StillUsed {
            output::note("Postgres goes on: another process uses it");
        }
        Ok(())
    }
}

/// Throws the data folder's cluster away.
///
/// # Errors
/// When `DATABASE_URL` names one that is not ours to empty, or the cluster is in use.
pub(super) async fn reset(context: &Context, data_dir: &DataDir) -> anyhow::Result<()> {
    if context.database_url().is_some() {
        bail!(
            "--reset empties the data folder's own Postgres, and DATABASE_URL names another: there, drop the database \
             {DATABASE} yourself, or unset DATABASE_URL"
        );
    }
    let dir = data_dir.cluster();
    let resolve = resolve_options(&context.environment)?;
    tokio::task::spawn_blocking(move || {
        let installation = resolve_installation(&resolve)?;
        Ok(Cluster::reset(&installation, &dir)?)
    })
    .await?
}

fn resolve_options(environment: &Environment) -> anyhow::Result<ResolveOptions> {
    let cache = default_cache_dir(environment.xdg_cache_home.as_deref(), environment.home.as_deref());
    Ok(ResolveOptions::new(cache.context("no place to keep Postgres in: set HOME or XDG_CACHE_HOME")?))
}

fn resolve_installation(options: &ResolveOptions) -> anyhow::Result<Installation> {
    let bar = std::cell::OnceCell::new();
    let report = |step: Step<'_>| {
        if let Step::Downloading { done_bytes, total_bytes, .. } = step {
            bar.get_or_init(|| output::Progress::bytes("Postgres", total_bytes)).at(done_bytes);
        }
    };
    Ok(Installation::resolve(options, &report)?)
}

fn start_cluster(resolve: &ResolveOptions, options: &ClusterOptions) -> anyhow::Result<Cluster> {
    let installation = resolve_installation(resolve)?;
    let cluster = Cluster::start(&installation, options, &autri_local_postgres::Silent)?;
    let source = match installation.source() {
        Source::Cached => "",
        Source::System => ", the system's",
        Source::Fetched => ", fetched",
    };
    let place = cluster.moved_from().map(|_| format!(", in {}", cluster.dir().display())).unwrap_or_default();
    output::field(
        "Postgres",
        format_args!("{}{source}, port {}{place}", installation.version(), cluster.port()),
    );
    Ok(cluster)
}

fn for_all_roles(password: Option<SecretString>) -> BTreeMap<&'static str, SecretString> {
    password.map(|password| roles::LOGINS.map(|role| (role, password.clone())).into()).unwrap_or_default()
}

fn parse_admin_url(url: &SecretString) -> anyhow::Result<Url> {
    let expected = || {
        anyhow!(
            "DATABASE_URL must name a host, and log in as the cluster's administrator: \
             postgresql://postgres:PASSWORD@127.0.0.1:5432/postgres"
        )
    };
    // The parser's own words could repeat the password.
    let url = Url::parse(url.expose_secret()).map_err(|_| expected())?;
    let host =
        url.host_str().filter(|_| matches!(url.scheme(), "postgres" | "postgresql")).ok_or_else(expected)?;
    if !is_for_development(host) {
        bail!(
            "DATABASE_URL names {host}: `autri dev` makes roles with the administrator's password, so it works on \
             clusters of this machine alone; unset DATABASE_URL to have one started"
        );
    }
    Ok(url)
}

/// The loopback, or a name without a domain, such as another container's.
fn is_for_development(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or_else(|_| !host.contains('.'), |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(admin_url: &str, password: Option<&str>) -> Postgres {
        let admin_url = parse_admin_url(&admin_url.to_owned().into()).expect("a usable URL");
        Postgres { admin_url, passwords: for_all_roles(password.map(|p| p.to_owned().into())), cluster: None }
    }

    #[test]
    fn each_role_has_its_url() {
        let with =
            postgres("postgresql://postgres:root@127.0.0.1:5433/postgres?sslmode=disable", Some("p@ss"));
        assert_eq!(
            with.url(roles::MCP).expose_secret(),
            "postgresql://autri_mcp:p%40ss@127.0.0.1:5433/autri_dev?sslmode=disable"
        );
        let without = postgres("postgres://postgres@localhost/postgres", None);
        assert_eq!(without.url(roles::ADMIN).expose_secret(), "postgres://autri_admin@localhost/autri_dev");
    }

    #[test]
    fn roles_are_made_on_clusters_for_development_alone() {
        for host in ["127.0.0.1", "[::1]", "localhost", "postgres"] {
            assert!(is_for_development(host), "{host}");
        }
        for host in ["db.example.com", "10.0.0.5", "[2001:db8::1]", "x.rds.amazonaws.com"] {
            assert!(!is_for_development(host), "{host}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_is_not_repeated() {
        for bad in [
            "postgresql:///x?host=/tmp",
            "mysql://root:hunter2@localhost/x",
            "hunter2",
            "postgres://a:hunter2@db.example.com/x",
        ] {
            let error = parse_admin_url(&bad.to_owned().into()).expect_err(bad).to_string();
            assert!(!error.contains("hunter2") && error.contains("DATABASE_URL"), "{error}");
        }
    }
}
