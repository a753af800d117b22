//! `autri eval`: how good search is, on a collection with known answers.

mod collection;
mod legs;
mod tenant;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use autri_db::Login;
use autri_domain::Clock;
use autri_retrieval::embed::Embedder;
use autri_retrieval::eval::beir::BeirCollection;
use autri_retrieval::eval::{Half, Measure};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::legs::{LegResult, measure_legs};
use self::tenant::EvalTenant;
use crate::context::{Context, NO_DATABASE, connect};
use crate::embedder::{EmbedderKind, EmbeddingArgs};
use crate::stop::StopSignals;
use crate::{model, output, workspace};

#[derive(Debug, Args)]
#[command(after_help = "\
The folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv, as the collections of the BEIR benchmark do. It is \
ingested into an org of its own, which is removed afterwards, and asked as the server would ask. Interrupted (Ctrl-C, \
SIGTERM, the terminal's end), it removes the org and ends with exit code 130, 143 or 129.

--split shows the questions' two fixed halves as well: try out what ranks on `tune`, and believe `held_out`.

Searching needs the role autri_mcp: unless --mcp-database-url says otherwise, it is tried with the password of \
autri_admin, which serves all roles in the database of `cargo dev`.

Examples:
  autri eval --beir datasets/scifact
  autri eval --beir datasets/scifact --embedder none --json
  autri eval --beir datasets/scifact --split --lexical-weight 0.6")]
pub(crate) struct EvalArgs {
    /// The collection's folder
    #[arg(long, value_name = "DIR")]
    beir: PathBuf,
    /// How texts become vectors [default: static if the model is installed]
    #[arg(long, value_enum, env = "AUTRI_EMBEDDER")]
    embedder: Option<EmbedderKind>,
    #[command(flatten)]
    embedding: EmbeddingArgs,
    /// Show the two halves of the questions as well, by a hash of the question's id
    #[arg(long)]
    split: bool,
    /// The words' share of the hybrid score, 0 to 1 [default: the embedder's]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    lexical_weight: Option<f64>,
    /// Postgres as `autri_mcp`, the server's role
    #[arg(long, value_name = "URL", env = "AUTRI_MCP_DATABASE_URL", hide_env_values = true)]
    mcp_database_url: Option<SecretString>,
}

pub(crate) async fn run(args: EvalArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let embedder = embedder(&args, context)?;
    let folder = args.beir;
    let collection = tokio::task::spawn_blocking(move || BeirCollection::read(&folder)).await??;
    let mcp_url = match args.mcp_database_url {
        Some(url) => url,
        None => with_user(&admin_url(context)?, autri_db::roles::MCP)?,
    };
    let admin = context.database()?;
    // Before there is an org, so that none is left when the process is told to end.
    let mut stop = StopSignals::listen()?;
    let tenant = EvalTenant::create(&admin, embedder.as_deref()).await?;
    let measured = tokio::select! {
        measured =
            measure(&tenant, mcp_url, embedder, &collection, args.lexical_weight, context.clock.as_ref()) =>
            Ok(measured),
        told = stop.told() => Err(told),
    };
    if measured.is_err() {
        output::note("stopping when the org made for this evaluation is removed; once more stops at once");
    }
    let removed = tokio::select! {
        removed = tenant.remove() => removed,
        told = stop.told() => {
            output::note(tenant.remains());
            return Ok(told.exit_code());
        }
    };
    // A failure to remove it hides neither a measure nor why there is none.
    if let Err(error) = &removed {
        output::note(format_args!("{}: {error:#}", tenant.remains()));
    }
    let legs = match measured {
        Ok(measured) => measured?,
        Err(told) => return Ok(told.exit_code()),
    };
    if context.json {
        output::json(&legs::as_json(&legs, args.split))?;
    } else {
        show(&legs, args.split);
    }
    Ok(if removed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(
    tenant: &EvalTenant,
    mcp_url: SecretString,
    embedder: Option<Arc<dyn Embedder>>,
    collection: &BeirCollection,
    lexical_weight: Option<f64>,
    clock: &dyn Clock,
) -> anyhow::Result<Vec<LegResult>> {
    // Before the long part: a wrong URL shows at once.
    let mcp = connect(mcp_url)?;
    mcp.ping().await.context("cannot search as autri_mcp; give its URL with --mcp-database-url")?;
    collection::ingest(tenant.content(), embedder.as_deref(), collection, clock.now()).await?;
    measure_legs(&mcp, tenant.principal(), embedder, collection, lexical_weight).await
}

/// What was asked for; without a wish, the static model if there is one.
fn embedder(args: &EvalArgs, context: &Context) -> anyhow::Result<Option<Arc<dyn Embedder>>> {
    let folder = args.embedding.model_dir.clone();
    let folder = folder.unwrap_or_else(|| model::default_dir(&context.environment));
    let kind = args.embedder.unwrap_or_else(|| {
        if model::find_installed(&folder).is_some() {
            return EmbedderKind::Static;
        }
        output::note("no embedding model is installed (`autri model install`): lexical search only");
        EmbedderKind::None
    });
    let choice = args.embedding.choice(kind, &context.environment)?;
    choice.open().context("install it with `autri model install`, or choose --embedder none")
}

fn admin_url(context: &Context) -> anyhow::Result<SecretString> {
    match context.login() {
        Some(Login::Url(url)) => Ok(url.clone()),
        Some(Login::Kept(_)) => bail!("a secret is one role's: give autri_mcp's URL with --mcp-database-url"),
        None => workspace::dev_database(&context.data_dir()).context(NO_DATABASE),
    }
}

/// The same database for another user with the same password, as the local cluster's roles have it.
fn with_user(url: &SecretString, user: &str) -> anyhow::Result<SecretString> {
    // The parser's errors don't repeat the URL, which holds a password.
    let mut url = Url::parse(url.expose_secret()).context("the database URL does not parse")?;
    if url.set_username(user).is_err() {
        anyhow::bail!("the database URL names no host: give the server's with --mcp-database-url");
    }
    Ok(String::from(url).into())
}

fn show(legs: &[LegResult], split: bool) {
    let row = |leg: &LegResult| {
        [
            leg.name.to_owned(),
            format!("{:.4}", leg.measure.ndcg_at_10),
            format!("{:.4}", leg.measure.recall_at_100),
            format!("{:.1}", leg.median_ms),
            format!("{:.1}", leg.p95_ms),
        ]
    };
    let rows: Vec<_> = legs.iter().map(row).collect();
    output::table(["LEG", "NDCG@10", "RECALL@100", "MS A QUERY (MEDIAN)", "(P95)"], &rows);
    if split {
        let half = |leg: &LegResult, (half, measure): &(Half, Measure)| {
            [
                leg.name.to_owned(),
                legs::half_name(*half).to_owned(),
                measure.queries.to_string(),
                format!("{:.4}", measure.ndcg_at_10),
                format!("{:.4}", measure.recall_at_100),
            ]
        };
        let rows: Vec<_> =
            legs.iter().flat_map(|leg| leg.halves.iter().map(|measured| half(leg, measured))).collect();
        output::table(["LEG", "HALF", "QUERIES", "NDCG@10", "RECALL@100"], &rows);
    }
}

/// From 0 to 1.
fn share(given: &str) -> Result<f64, String> {
    let share = given.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "give a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use autri_db::test_support::TestDatabase;
    use autri_db::{DbError, roles, tenancy};
    use autri_domain::ManualClock;

    use super::*;

    const CORPUS: &str = r#"{"_id": "d1", "title": "Vacation", "text": "Ask for leave early."}
{"_id": "d2", "title": "Parking", "text": "The garage is below the house."}
{"_id": "d3", "title": "", "text": ""}
"#;
    const QUERIES: &str = r#"{"_id": "q1", "text": "where is the garage"}
{"_id": "q2", "text": "-leave"}
"#;
    const JUDGEMENTS: &str = "query-id\tcorpus-id\tscore\nq1\td2\t1\nq2\td1\t1\n";

    fn collection() -> BeirCollection {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("qrels")).unwrap();
        for (name, text) in
            [("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES), ("qrels/test.tsv", JUDGEMENTS)]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        BeirCollection::read(folder.path()).unwrap()
    }

    #[tokio::test]
    async fn a_collection_is_measured_and_nothing_stays() {
        let database = TestDatabase::create().await;
        let admin = database.connect(roles::ADMIN);
        let tenant = EvalTenant::create(&admin, None).await.unwrap();
        let clock = ManualClock::at(1_750_000_000);
        let legs =
            measure(&tenant, database.url(roles::MCP), None, &collection(), None, &clock).await.unwrap();
        let [lexical] = legs.as_slice() else { panic!("one leg, without an embedder: {legs:?}") };
        // The one question finds its document first; the other only excludes, and finds nothing.
        assert_eq!(lexical.name, "lexical");
        assert!((lexical.measure.ndcg_at_10 - 0.5).abs() < f64::EPSILON, "{lexical:?}");
        assert!((lexical.measure.recall_at_100 - 0.5).abs() < f64::EPSILON, "{lexical:?}");
        // One question in each half: the one that fails to tune on, the one that succeeds held out.
        for ((half, measure), (expected, ndcg)) in
            lexical.halves.iter().zip([(Half::Tune, 0.0), (Half::HeldOut, 1.0)])
        {
            assert_eq!((*half, measure.queries), (expected, 1));
            assert!((measure.ndcg_at_10 - ndcg).abs() < f64::EPSILON, "{lexical:?}");
        }
        tenant.remove().await.unwrap();
        assert_eq!(tenancy::list_orgs(&admin).await.unwrap(), []);
        assert_eq!(tenancy::list_knowledge_bases(&admin, None).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_login_that_sees_every_tenant_is_refused() {
        let database = TestDatabase::create().await;
        let admin = database.connect(roles::ADMIN);
        let tenant = EvalTenant::create(&admin, None).await.unwrap();
        let clock = ManualClock::at(1_750_000_000);
        // The one whom no policy binds.
        let superuser = Url::parse(database.admin_url().expose_secret()).unwrap();
        let url = database.url(superuser.username());
        let error = measure(&tenant, url, None, &collection(), None, &clock).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(DbError::RowSecurityOff)), "{error:?}");
    }

    /// However large it is: neither one statement for all, which may take longer than a statement may, nor one for each.
    #[tokio::test]
    async fn a_collection_is_removed_in_pieces() {
        let database = TestDatabase::create().await;
        let admin = database.connect(roles::ADMIN);
        let tenant = EvalTenant::create(&admin, None).await.unwrap();
        let now = ManualClock::at(1_750_000_000).now();
        collection::ingest(tenant.content(), None, &collection(), now).await.unwrap();
        let mut session = database.admin_session().await;
        session
            .run(
                "CREATE TABLE deletions (role name, transaction xid8);
                 GRANT INSERT ON deletions TO PUBLIC;
                 CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     INSERT INTO deletions VALUES (current_user, pg_current_xact_id()); RETURN OLD; END $$;
                 CREATE TRIGGER note BEFORE DELETE ON documents FOR EACH ROW EXECUTE FUNCTION note()",
            )
            .await;
        tenant.remove().await.unwrap();
        let of_ingest = "SELECT count(*) FROM deletions WHERE role = 'autri_ingest'";
        assert!(session.number(of_ingest).await > 1, "not by the statement that deletes the org");
        assert_eq!(session.number("SELECT count(DISTINCT transaction) FROM deletions").await, 1);
    }

    #[test]
    fn a_share_is_from_0_to_1() {
        for given in ["0", "0.75", "1"] {
            assert!(share(given).is_ok(), "{given}");
        }
        for given in ["-0.1", "1.1", "NaN", "inf", "", "a lot"] {
            assert!(share(given).is_err(), "{given}");
        }
    }

    #[test]
    fn another_user_of_the_same_database() {
        let admin =
            SecretString::from("postgresql://autri_admin:p%40ss@127.0.0.1:5432/autri?sslmode=disable");
        let url = with_user(&admin, "autri_mcp").unwrap();
        assert_eq!(url.expose_secret(), "postgresql://autri_mcp:p%40ss@127.0.0.1:5432/autri?sslmode=disable");
        let error = with_user(&SecretString::from("p@ssword"), "autri_mcp").unwrap_err();
        assert!(!format!("{error:#}").contains("p@ssword"));
    }
}
