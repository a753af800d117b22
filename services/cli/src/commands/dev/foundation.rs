//! What stands before the server can be opened to a client: the place, the database, the programs.

use anyhow::bail;
use autri_db::roles;
use secrecy::ExposeSecret as _;

use super::super::connector::connector_url;
use super::access::Access;
use super::cognito::{Ground, Installation, POST_CONFIRMATION, PRE_TOKEN};
use super::database::DemoDatabase;
use super::place::Place;
use super::programs::Programs;
use super::ready::Ready;
use super::{DevArgs, documents};
use crate::context::Context;
use crate::workspace;

/// All of it, ready.
#[derive(Debug)]
pub(super) struct Foundation {
    pub(super) place: Place,
    pub(super) database: DemoDatabase,
    pub(super) programs: Programs,
    /// With `--cognito`.
    installation: Option<Installation>,
}

impl Foundation {
    /// Takes the place, and provides everything else at once.
    pub(super) async fn lay(args: DevArgs, context: &Context) -> anyhow::Result<Self> {
        if args.cognito && workspace::root(&context.environment).is_none() {
            bail!(
                "--cognito runs triggers that are built from a checkout: start `cargo dev --cognito` in one"
            );
        }
        let docs = documents::paths(&args.docs, &context.environment)?;
        let place = Place::take(&args, context).await?;
        let programs = provide_programs(args.cognito, context).await?;
        let (database, installation, ()) = tokio::try_join!(
            DemoDatabase::prepare(context, &place.data_dir, docs, args.embedder),
            provide_emulators(args.cognito, context),
            // When there are some, cargo has seldom much to do.
            programs.update(),
        )?;
        Ok(Self { place, database, programs, installation })
    }

    /// Makes a token for the demo library, with what issues it.
    pub(super) async fn open(&self, context: &Context) -> anyhow::Result<Access> {
        let Self { place, database, programs, installation } = self;
        let Some(installation) = installation else {
            return Access::with_development_tokens(&place.data_dir, &database.demo, context);
        };
        let ground = Ground {
            installation,
            data_dir: &place.data_dir,
            lock: &place.lock,
            postgres: &database.postgres,
            programs,
            library: database.demo.library.id,
            embedding_model: &database.demo.library.embedding_model,
        };
        Access::with_cognito(&ground, context).await
    }

    /// What is told when the server answers.
    pub(super) fn ready(&self, access: &Access) -> anyhow::Result<Ready> {
        let public_url = self.place.public_url()?;
        Ok(Ready {
            url: connector_url(&public_url, access.connector),
            token: access.token.token.clone(),
            connector_id: access.connector,
            library_id: self.database.demo.library.id,
            knowledge_base_id: self.database.demo.knowledge_base.id,
            database_url: self.database.postgres.url(roles::ADMIN).expose_secret().to_owned(),
            cognito: access.cognito.as_ref().map(|cognito| cognito.ready(&public_url)),
        })
    }
}

/// The server and, with `--cognito`, the triggers: built, if there are none of an earlier build.
async fn provide_programs(with_triggers: bool, context: &Context) -> anyhow::Result<Programs> {
    let triggers: &[&str] = if with_triggers { &[PRE_TOKEN, POST_CONFIRMATION] } else { &[] };
    let programs = Programs::locate(triggers, &context.environment)?;
    if !programs.exist() {
        programs.update().await?;
    }
    Ok(programs)
}

/// The emulators, if they are asked for, installed first if need be.
async fn provide_emulators(asked_for: bool, context: &Context) -> anyhow::Result<Option<Installation>> {
    if !asked_for {
        return Ok(None);
    }
    let cache = workspace::user_cache(&context.environment);
    Ok(Some(tokio::task::spawn_blocking(move || Installation::provide(&cache)).await??))
}
