//! Which token opens which library.

use autri_db::connectors::{self, Connector, ConnectorKind, NewConnector};
use autri_db::test_support::{Tenant, TestDatabase, principal};
use autri_db::{Database, DbError, ScopedTx, TenantScope, roles};
use autri_domain::{ConnectorId, LibraryId};

/// Makes a machine connector whose name is its client's.
async fn insert(
    database: &Database,
    library_id: LibraryId,
    client: &str,
) -> Result<Option<Connector>, DbError> {
    let id = ConnectorId::new();
    let kind = ConnectorKind::Machine;
    let new = NewConnector { id, library_id, kind, oauth_client_id: client, name: client };
    connectors::insert(database, &new).await
}

#[tokio::test]
async fn the_token_must_fit_the_connector() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let admin = database.connect(roles::ADMIN);
    let revoked = insert(&admin, acme.library_id, "old").await.unwrap().unwrap().id;
    connectors::revoke(&admin, revoked).await.unwrap().unwrap();
    let (machine, people) = (acme.machine_client(), acme.interactive_client());
    let other_machine = other.machine_client();

    let cases = [
        ("a machine's own", acme.machine, machine.as_str(), machine.as_str(), true),
        ("a person with access", acme.interactive, &people, &acme.person, true),
        ("unknown", ConnectorId::new(), &machine, &machine, false),
        ("revoked", revoked, "old", "old", false),
        ("another client's", acme.machine, &people, &people, false),
        ("another tenant's client", acme.machine, &other_machine, &other_machine, false),
        ("another tenant's connector", other.machine, &machine, &machine, false),
        ("a machine token at people's", acme.interactive, &people, &people, false),
        ("a person's token at the machine's", acme.machine, &machine, &acme.person, false),
        ("a person without access", acme.interactive, &people, "stranger", false),
        ("a person of another library", acme.interactive, &people, &other.person, false),
        ("no subject", acme.interactive, &people, "", false),
        ("no client", acme.machine, "", "", false),
        ("a client in other letters", acme.machine, "ACME-machine", "ACME-machine", false),
        ("a client with a space", acme.machine, "acme-machine ", "acme-machine ", false),
    ];
    let mcp = database.connect(roles::MCP);
    for (case, connector, client, subject, opens) in cases {
        let principal = principal(connector, client, subject);
        let found = TenantScope::find(&mcp, &principal).await.unwrap();
        let entered = ScopedTx::enter(&mcp, &principal).await.unwrap();
        assert_eq!(found.is_some(), opens, "{case}");
        assert_eq!(entered.as_ref().map(ScopedTx::scope), found.as_ref(), "{case}");
        if let Some(scope) = found {
            assert_eq!((scope.org_id, scope.library_id), (acme.org_id, acme.library_id), "{case}");
            assert_eq!(scope.connector_id, connector);
            assert_eq!(
                (scope.library_name.as_str(), scope.embedding_model.as_str()),
                ("acme library", "none")
            );
        }
    }
}

#[tokio::test]
async fn the_scope_knows_the_librarys_model() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 3).await;
    let scope = TenantScope::find(&database.connect(roles::MCP), &acme.machine_principal()).await;
    let scope = scope.unwrap().unwrap();
    assert_eq!((scope.embedding_model.as_str(), scope.embedding_dimensions), ("tiny", 3));
}

#[tokio::test]
async fn revoking_takes_effect_on_the_next_call_and_once() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let (mcp, admin) = (database.connect(roles::MCP), database.connect(roles::ADMIN));
    assert!(TenantScope::find(&mcp, &acme.machine_principal()).await.unwrap().is_some());
    let first = connectors::revoke(&admin, acme.machine).await.unwrap().unwrap();
    assert_eq!(TenantScope::find(&mcp, &acme.machine_principal()).await.unwrap(), None);
    assert!(TenantScope::find(&mcp, &acme.person_principal()).await.unwrap().is_some(), "the other stays");
    assert_eq!(connectors::revoke(&admin, acme.machine).await.unwrap(), Some(first));
    assert_eq!(connectors::revoke(&admin, ConnectorId::new()).await.unwrap(), None);
    let kept = connectors::find(&admin, acme.machine).await.unwrap().unwrap();
    assert_eq!(kept.revoked_at, Some(first));
}

#[tokio::test]
async fn a_client_has_one_connector() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let admin = database.connect(roles::ADMIN);
    let client = acme.machine_client();
    let again = insert(&admin, other.library_id, &client).await;
    assert_eq!(again.unwrap_err().constraint(), Some("connectors_oauth_client_id_key"));
    assert_eq!(insert(&admin, LibraryId::new(), "new").await.unwrap(), None);
}

#[tokio::test]
async fn a_connector_has_the_id_that_the_caller_chose() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let admin = database.connect(roles::ADMIN);
    let mut new = NewConnector {
        id: ConnectorId::new(),
        library_id: acme.library_id,
        kind: ConnectorKind::Interactive,
        oauth_client_id: "chosen",
        name: "Chosen",
    };
    let made = connectors::insert(&admin, &new).await.unwrap().unwrap();
    assert_eq!((made.id, made.org_id, made.library_id), (new.id, acme.org_id, acme.library_id));
    assert_eq!((made.kind.as_str(), made.name.as_str()), ("interactive", "Chosen"));
    assert_eq!(connectors::find(&admin, new.id).await.unwrap(), Some(made));

    new.oauth_client_id = "another";
    let again = connectors::insert(&admin, &new).await;
    assert_eq!(again.unwrap_err().constraint(), Some("connectors_pkey"));
    (new.id, new.name) = (ConnectorId::new(), "");
    let unnamed = connectors::insert(&admin, &new).await;
    assert_eq!(unnamed.unwrap_err().constraint(), Some("connectors_name_length"));
}

#[tokio::test]
async fn a_connector_moves_to_another_client() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let (mcp, admin) = (database.connect(roles::MCP), database.connect(roles::ADMIN));
    let old = acme.machine_principal();
    let new = principal(acme.machine, "new-client", "new-client");
    assert_eq!(TenantScope::find(&mcp, &new).await.unwrap(), None);
    assert!(connectors::replace_client(&admin, acme.machine, "new-client").await.unwrap());
    assert_eq!(TenantScope::find(&mcp, &old).await.unwrap(), None, "the old client's tokens are refused");
    assert!(TenantScope::find(&mcp, &new).await.unwrap().is_some());

    let taken = connectors::replace_client(&admin, acme.machine, &acme.interactive_client()).await;
    assert_eq!(taken.unwrap_err().constraint(), Some("connectors_oauth_client_id_key"));
    assert!(!connectors::replace_client(&admin, ConnectorId::new(), "nobodys").await.unwrap());
    connectors::revoke(&admin, acme.machine).await.unwrap().unwrap();
    assert!(!connectors::replace_client(&admin, acme.machine, "newer-client").await.unwrap());
    let kept = connectors::find(&admin, acme.machine).await.unwrap().unwrap();
    assert_eq!(kept.oauth_client_id, "new-client", "what was revoked stays so");
}

#[tokio::test]
async fn the_operator_lists_the_connectors_of_a_library() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let admin = database.connect(roles::ADMIN);
    let ids = |list: Vec<Connector>| list.into_iter().map(|found| found.id).collect::<Vec<_>>();
    let of_acme = ids(connectors::list(&admin, Some(acme.library_id)).await.unwrap());
    assert_eq!(of_acme, [acme.machine, acme.interactive]);
    let all = ids(connectors::list(&admin, None).await.unwrap());
    assert_eq!(all, [acme.machine, acme.interactive, other.machine, other.interactive]);
}
