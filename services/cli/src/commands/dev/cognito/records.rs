//! What the database has for the pool: the demo person's records, and the two connectors.

use anyhow::Context as _;
use autri_db::Database;
use autri_db::connectors::{self, ConnectorKind, NewConnector};
use autri_db::{memberships, people};
use autri_domain::{ConnectorId, LibraryId};
use serde_json::json;

use super::api::Emulator;
use super::functions::POST_CONFIRMATION;
use super::kept::Pool;
use super::{PERSON_EMAIL, REGION};
use crate::output;

const MACHINE: &str = "Demo programs";
const INTERACTIVE: &str = "Demo people";

/// The two connectors of the demo library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connectors {
    pub(super) machine: ConnectorId,
    pub(super) interactive: ConnectorId,
}

impl Connectors {
    /// Those of an earlier run, which keep their URLs and get the pool's clients; made if they are not there.
    pub(super) async fn provide(
        database: &Database,
        library: LibraryId,
        pool: &Pool,
    ) -> anyhow::Result<Self> {
        let machine = (ConnectorKind::Machine, MACHINE, pool.machine_client_id.as_str());
        let interactive = (ConnectorKind::Interactive, INTERACTIVE, pool.interactive_client_id.as_str());
        Ok(Self {
            machine: provide_connector(database, library, machine).await?,
            interactive: provide_connector(database, library, interactive).await?,
        })
    }
}

async fn provide_connector(
    database: &Database,
    library_id: LibraryId,
    (kind, name, client_id): (ConnectorKind, &str, &str),
) -> anyhow::Result<ConnectorId> {
    let found = connectors::list(database, Some(library_id)).await?.into_iter().find(|connector| {
        connector.revoked_at.is_none() && connector.kind == kind.as_str() && connector.name == name
    });
    if let Some(connector) = found {
        if connector.oauth_client_id != client_id {
            connectors::replace_client(database, connector.id, client_id).await?;
        }
        return Ok(connector.id);
    }
    let new = NewConnector { id: ConnectorId::new(), library_id, kind, oauth_client_id: client_id, name };
    let made = connectors::insert(database, &new).await?;
    Ok(made.context("the demo library is gone; start again")?.id)
}

/// Has the trigger itself make the demo person's records, as after a sign-up, and gives access to the demo library.
pub(super) async fn provide_person(
    database: &Database,
    library: LibraryId,
    ministack: &Emulator,
    pool: &Pool,
) -> anyhow::Result<()> {
    let sub = &pool.person_sub;
    if let Some(other) = people::find_by_email(database, PERSON_EMAIL).await?
        && other.cognito_sub != *sub
    {
        output::field(
            "Cognito",
            format_args!("{PERSON_EMAIL} is another person now: the records are made anew"),
        );
        people::delete(database, other.id).await?;
    }
    let event = json!({
        "version": "1",
        "region": REGION,
        "userPoolId": pool.id,
        "userName": sub,
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": pool.web_client_id },
        "request": {
            "userAttributes": {
                "sub": sub,
                "email": PERSON_EMAIL,
                "email_verified": "true",
                "cognito:user_status": "CONFIRMED",
            },
        },
        "response": {},
    });
    ministack.invoke(POST_CONFIRMATION, &event).await.context("cannot make the demo person's records")?;
    let person = people::find_by_sub(database, sub).await?;
    let person = person.context("the trigger has made no records for the demo person")?;
    memberships::grant_library(database, library, person.id).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use autri_db::roles;
    use autri_db::test_support::{Tenant, TestDatabase};

    use super::*;

    fn pool(number: u32) -> Pool {
        let named = |name: &str| format!("{name}-{number}");
        Pool {
            id: named("pool"),
            machine_client_id: named("machine"),
            machine_client_secret: named("secret"),
            interactive_client_id: named("interactive"),
            web_client_id: named("web"),
            person_sub: named("sub"),
        }
    }

    #[tokio::test]
    async fn a_new_pools_clients_take_the_place_of_the_old_ones() {
        let database = TestDatabase::create().await;
        let library = Tenant::create(&database, "demo").await.library_id;
        let admin = database.connect(roles::ADMIN);
        let before = connectors::list(&admin, None).await.expect("listed").len();
        let first = Connectors::provide(&admin, library, &pool(1)).await.expect("made");
        for run in [1, 2] {
            assert_eq!(Connectors::provide(&admin, library, &pool(run)).await.expect("found"), first);
        }
        let machine = connectors::find(&admin, first.machine).await.expect("asked").expect("there");
        assert_eq!((machine.oauth_client_id.as_str(), machine.kind.as_str()), ("machine-2", "machine"));
        let interactive = connectors::find(&admin, first.interactive).await.expect("asked").expect("there");
        assert_eq!(interactive.oauth_client_id, "interactive-2");
        assert_eq!(connectors::list(&admin, None).await.expect("listed").len(), before + 2);

        // A revoked one stays revoked: its URL is dead, and another takes its place.
        connectors::revoke(&admin, first.machine).await.expect("revoked");
        let next = Connectors::provide(&admin, library, &pool(3)).await.expect("made");
        assert!(next.machine != first.machine && next.interactive == first.interactive);
    }
}
