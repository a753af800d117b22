//! For which connector a token is minted, and when there is none.

use autri_db::connectors::{self, ConnectorKind, NewConnector};
use autri_db::memberships::{grant_library, revoke_library_access};
use autri_db::test_support::{Tenant, TestDatabase, principal};
use autri_db::token_mint::{Mint, MintRefusal, TokenHolder, resolve};
use autri_db::{TenantScope, roles, tenancy};
use autri_domain::ConnectorId;

use crate::people::{person, provision};
use crate::raw_sql::{run, texts};

const POOL: &str = "eu-central-1_Pool";

/// Two tenants; ada may use acme's library, bea the other's. Their names in the pool are their subjects.
struct World {
    database: TestDatabase,
    acme: Tenant,
    other: Tenant,
}

impl World {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let acme = Tenant::create(&database, "acme").await;
        let other = Tenant::create(&database, "other").await;
        let admin = database.connect(roles::ADMIN);
        for (sub, email, tenant) in [("ada", "ada@example.com", &acme), ("bea", "bea@example.com", &other)] {
            let account = provision(&database, &person(sub, email)).await.unwrap();
            assert!(grant_library(&admin, tenant.library_id, account.user_id).await.unwrap());
        }
        Self { database, acme, other }
    }

    async fn mint(&self, client: &str, holder: TokenHolder<'_>) -> Mint {
        resolve(&self.database.connect(roles::PRE_TOKEN), client, holder).await.unwrap()
    }
}

const fn sub(sub: &str) -> TokenHolder<'_> {
    TokenHolder::Person { sub }
}

const fn name(user_name: &str) -> TokenHolder<'_> {
    TokenHolder::PersonByName { user_pool_id: POOL, user_name }
}

#[tokio::test]
async fn the_holder_must_fit_the_client() {
    let world = World::create().await;
    let (acme, other) = (&world.acme, &world.other);
    let (machine, people) = (acme.machine_client(), acme.interactive_client());
    let shouted = machine.to_uppercase();
    let elsewhere = TokenHolder::PersonByName { user_pool_id: "eu-central-1_Other", user_name: "ada" };
    let nameless = TokenHolder::PersonByName { user_pool_id: "", user_name: "" };
    let refused = Mint::Refused;
    let cases = [
        ("a machine", machine.as_str(), TokenHolder::Machine, Mint::Granted(acme.machine)),
        ("a person by subject", &people, sub("ada"), Mint::Granted(acme.interactive)),
        ("a person by name", &people, name("ada"), Mint::Granted(acme.interactive)),
        ("a person without a pool's name", &people, sub(&acme.person), Mint::Granted(acme.interactive)),
        ("an unknown client", "nobodys", TokenHolder::Machine, refused(MintRefusal::UnknownClient)),
        ("a person of an unknown client", "nobodys", sub("ada"), refused(MintRefusal::UnknownClient)),
        ("no client", "", TokenHolder::Machine, refused(MintRefusal::UnknownClient)),
        ("a client in other letters", &shouted, TokenHolder::Machine, refused(MintRefusal::UnknownClient)),
        ("a machine at people's", &people, TokenHolder::Machine, refused(MintRefusal::MachineOnInteractive)),
        ("a person at a machine's", &machine, sub("ada"), refused(MintRefusal::PersonOnMachine)),
        ("a name at a machine's", &machine, name("ada"), refused(MintRefusal::PersonOnMachine)),
        ("nobody at a machine's", &machine, sub(""), refused(MintRefusal::PersonOnMachine)),
        ("an unknown subject", &people, sub("stranger"), refused(MintRefusal::UnknownPerson)),
        ("no subject", &people, sub(""), refused(MintRefusal::UnknownPerson)),
        ("a subject in other letters", &people, sub("ADA"), refused(MintRefusal::UnknownPerson)),
        ("an unknown name", &people, name("stranger"), refused(MintRefusal::UnknownPerson)),
        ("a name in other letters", &people, name("ADA"), refused(MintRefusal::UnknownPerson)),
        ("a name in another pool", &people, elsewhere, refused(MintRefusal::UnknownPerson)),
        ("no name", &people, nameless, refused(MintRefusal::UnknownPerson)),
        ("another tenant's person", &people, sub("bea"), refused(MintRefusal::NoAccess)),
        ("another tenant's person by name", &people, name("bea"), refused(MintRefusal::NoAccess)),
        ("another tenant's from the start", &people, sub(&other.person), refused(MintRefusal::NoAccess)),
    ];
    for (case, client, holder, expected) in cases {
        assert_eq!(world.mint(client, holder).await, expected, "{case}");
    }
    assert_eq!(world.mint(&other.interactive_client(), sub("bea")).await, Mint::Granted(other.interactive));
}

/// A token that is minted opens the connector at the server, and a refused one would open nothing.
#[tokio::test]
async fn the_server_agrees() {
    let world = World::create().await;
    let mcp = world.database.connect(roles::MCP);
    for tenant in [&world.acme, &world.other] {
        let (machine, people) = (tenant.machine_client(), tenant.interactive_client());
        for client in [&machine, &people] {
            for holder in ["ada", "bea", "stranger", &tenant.person, client] {
                let is_machine = holder == client.as_str();
                let asked = if is_machine { TokenHolder::Machine } else { sub(holder) };
                let minted = world.mint(client, asked).await;
                let connector = if *client == machine { tenant.machine } else { tenant.interactive };
                let scope = TenantScope::find(&mcp, &principal(connector, client, holder)).await.unwrap();
                assert_eq!(minted == Mint::Granted(connector), scope.is_some(), "{client} {holder}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_taken_away_is_refused_at_once() {
    let world = World::create().await;
    let (acme, admin) = (&world.acme, world.database.connect(roles::ADMIN));
    let people = acme.interactive_client();
    let ada = autri_db::people::find_by_sub(&admin, "ada").await.unwrap().unwrap();
    assert!(revoke_library_access(&admin, acme.library_id, ada.id).await.unwrap());
    for holder in [sub("ada"), name("ada")] {
        assert_eq!(world.mint(&people, holder).await, Mint::Refused(MintRefusal::NoAccess));
    }
    assert!(grant_library(&admin, acme.library_id, ada.id).await.unwrap());
    assert!(autri_db::people::delete(&admin, ada.id).await.unwrap());
    for holder in [sub("ada"), name("ada")] {
        assert_eq!(world.mint(&people, holder).await, Mint::Refused(MintRefusal::UnknownPerson));
    }

    for connector in [acme.machine, acme.interactive] {
        connectors::revoke(&admin, connector).await.unwrap().unwrap();
    }
    let revoked = Mint::Refused(MintRefusal::Revoked);
    assert_eq!(world.mint(&acme.machine_client(), TokenHolder::Machine).await, revoked);
    // Whoever asks: a revoked connector tells nobody what kind it was, or who may use it.
    for holder in [TokenHolder::Machine, sub(&acme.person), sub("bea"), sub("stranger")] {
        assert_eq!(world.mint(&people, holder).await, revoked, "{holder:?}");
    }

    assert!(tenancy::delete_org(&admin, world.other.org_id).await.unwrap());
    let unknown = Mint::Refused(MintRefusal::UnknownClient);
    assert_eq!(world.mint(&world.other.machine_client(), TokenHolder::Machine).await, unknown);
}

/// The id in one column or the reason in the other, also for arguments that no [`TokenHolder`] makes.
#[tokio::test]
async fn the_function_answers_with_exactly_one_of_the_two() {
    let world = World::create().await;
    let mut pre_token = world.database.connection(roles::PRE_TOKEN).await;
    let (machine, people) = (world.acme.machine_client(), world.acme.interactive_client());
    let interactive = world.acme.interactive.to_string();
    let cases = [
        (format!("'{people}', 'stranger', '{POOL}', 'ada'"), "unknown_person", "a subject wins over a name"),
        (format!("'{people}', 'ada', '{POOL}', 'stranger'"), interactive.as_str(), "a subject suffices"),
        (format!("'{people}', '', '{POOL}', 'ada'"), "unknown_person", "an empty subject is one"),
        (format!("'{people}', NULL, '{POOL}', NULL"), "unknown_person", "a pool without a name"),
        (format!("'{people}', NULL, NULL, 'ada'"), "unknown_person", "a name without a pool"),
        (format!("'{machine}', NULL, NULL, 'ada'"), "person_on_machine", "any person is no machine"),
        (format!("'{machine}', NULL, '{POOL}', NULL"), "person_on_machine", "any pool is no machine"),
        ("NULL, NULL, NULL, NULL".to_owned(), "unknown_client", "no client"),
        ("NULL, 'ada', NULL, NULL".to_owned(), "unknown_client", "a person of no client"),
    ];
    for (arguments, expected, case) in cases {
        let sql = format!(
            "SELECT num_nonnulls(connector_id, refusal) || ' ' || coalesce(refusal, connector_id::text)
             FROM connector_for_token({arguments})"
        );
        assert_eq!(texts(&mut pre_token, &sql).await, [format!("1 {expected}")], "{case}");
    }
}

/// The server tells a machine by its subject being its client; a person must not pass for one.
#[tokio::test]
async fn a_person_whose_subject_is_a_client_gets_no_token() {
    let world = World::create().await;
    let admin = world.database.connect(roles::ADMIN);
    let people = world.acme.interactive_client();
    let posing = provision(&world.database, &person(&people, "posing@example.com")).await.unwrap();
    assert!(grant_library(&admin, world.acme.library_id, posing.user_id).await.unwrap());
    for holder in [sub(&people), name(&people)] {
        assert_eq!(world.mint(&people, holder).await, Mint::Refused(MintRefusal::UnknownPerson));
    }
    let other = NewConnector {
        id: ConnectorId::new(),
        library_id: world.acme.library_id,
        kind: ConnectorKind::Interactive,
        oauth_client_id: "second-client",
        name: "second",
    };
    connectors::insert(&admin, &other).await.unwrap().unwrap();
    assert_eq!(world.mint("second-client", sub(&people)).await, Mint::Granted(other.id));
}

/// A statement that is slow in planning or reading would take from Cognito's five seconds.
#[tokio::test]
async fn every_lookup_is_by_an_index() {
    let world = World::create().await;
    let mut admin = world.database.admin_connection().await;
    run(&mut admin, "SET enable_seqscan = off").await.unwrap();
    for (lookup, index) in [
        ("connectors WHERE oauth_client_id = 'x'", "connectors_oauth_client_id_key"),
        ("users WHERE cognito_sub = 'x'", "users_cognito_sub_key"),
        ("users WHERE user_pool_id = 'x' AND user_name = 'x'", "users_user_pool_and_name_key"),
        ("users WHERE lower(email COLLATE \"C\") = 'x'", "users_email_key"),
    ] {
        let plan = texts(&mut admin, &format!("EXPLAIN SELECT 1 FROM {lookup}")).await.join("\n");
        assert!(plan.contains(index), "{plan}");
    }
}
