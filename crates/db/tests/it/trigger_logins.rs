//! What whoever holds the login of a trigger can do with it: call one function, and lead nobody to another's records.

use autri_db::people::{self, NewPerson};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::token_mint::{self, Mint, TokenHolder};
use autri_db::{DbError, ScopedTx, roles};

use crate::people::{all_rows, person, provision};
use crate::raw_sql::{NOT_ALLOWED, refusal, run};

#[tokio::test]
async fn a_trigger_touches_no_table() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let user = "INSERT INTO users (id, cognito_sub, email) VALUES (gen_random_uuid(), 's', 's@example.com')";
    let access = format!(
        "INSERT INTO library_access (library_id, user_id) VALUES ('{}', gen_random_uuid())",
        acme.library_id
    );
    let refused = [
        user,
        &access,
        "SELECT 1 FROM users",
        "SELECT 1 FROM connectors",
        "SELECT 1 FROM library_access",
        "SELECT 1 FROM mcp_audit_log",
        "SELECT 1 FROM _sqlx_migrations",
        "UPDATE users SET email = 'mine@example.com'",
        "UPDATE connectors SET revoked_at = NULL",
        "DELETE FROM users",
        "SELECT enter_scope(gen_random_uuid(), 'c', 's')",
        "SELECT resolve_connector(gen_random_uuid(), 'c', 's')",
        "SET ROLE autri_definer",
        "SET ROLE autri_admin",
        "SET LOCAL row_security = off; SELECT 1 FROM users",
    ];
    for role in [roles::POST_CONFIRMATION, roles::PRE_TOKEN] {
        let mut connection = database.connection(role).await;
        for sql in refused {
            assert_eq!(refusal(&mut connection, sql).await, NOT_ALLOWED, "{role}: {sql}");
        }
    }
}

#[tokio::test]
async fn each_trigger_has_its_own_function_alone() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ada = person("ada-sub", "ada@example.com");
    for role in [roles::PRE_TOKEN, roles::MCP, roles::INGEST, roles::FRONT_DOOR] {
        let refused = people::provision(&database.connect(role), &ada).await;
        assert!(matches!(refused, Err(DbError::Unexpected(_))), "{role}: {refused:?}");
    }
    for role in [roles::POST_CONFIRMATION, roles::ADMIN, roles::MCP, roles::INGEST, roles::FRONT_DOOR] {
        let asked =
            token_mint::resolve(&database.connect(role), &acme.machine_client(), TokenHolder::Machine).await;
        assert!(matches!(asked, Err(DbError::Unexpected(_))), "{role}: {asked:?}");
    }
}

/// The call with ids of the caller's choice: the person's, the org's, the library's, the knowledge base's.
fn call_with_ids(ids: [String; 4], sub: &str, email: &str) -> String {
    let [user, org, library, base] = ids;
    format!(
        "SELECT provision_person('{user}', '{org}', '{library}', '{base}', gen_random_uuid(), '{sub}', 'pool', '{sub}',
             '{email}', NULL, NULL, NULL, 'none', 'Welcome', 'body', '/link')"
    )
}

/// An id that exists is an error, and never taken for the row that is meant.
#[tokio::test]
async fn ids_of_others_lead_nowhere() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let victim = provision(&database, &person("victim", "victim@example.com")).await.unwrap();
    let before = all_rows(&database).await;
    let fresh = || autri_domain::OrgId::new().to_string();
    let taken = [
        ([victim.user_id.to_string(), fresh(), fresh(), fresh()], "users_pkey"),
        ([fresh(), victim.org_id.to_string(), fresh(), fresh()], "orgs_pkey"),
        ([fresh(), acme.org_id.to_string(), fresh(), fresh()], "orgs_pkey"),
        ([fresh(), fresh(), victim.library_id.to_string(), fresh()], "libraries_pkey"),
        ([fresh(), fresh(), acme.library_id.to_string(), fresh()], "libraries_pkey"),
        ([fresh(), fresh(), fresh(), victim.knowledge_base_id.to_string()], "knowledge_bases_pkey"),
        ([fresh(), fresh(), fresh(), acme.knowledge_base_id.to_string()], "knowledge_bases_pkey"),
    ];
    let mut login = database.connection(roles::POST_CONFIRMATION).await;
    for (ids, rule) in taken {
        let sql = call_with_ids(ids, "intruder", "intruder@example.com");
        let refused = DbError::from(run(&mut login, &sql).await.unwrap_err());
        assert_eq!(refused.constraint(), Some(rule));
        assert_eq!(all_rows(&database).await, before, "{rule}");
    }
}

/// Calling again for somebody else adds nothing to their account, and nobody to their library.
#[tokio::test]
async fn a_victims_subject_attaches_nothing_to_them() {
    let database = TestDatabase::create().await;
    let intruder = person("intruder", "intruder@example.com");
    provision(&database, &person("victim", "victim@example.com")).await.unwrap();
    provision(&database, &intruder).await.unwrap();
    let before = all_rows(&database).await;
    let disguised = NewPerson { cognito_sub: "victim", ..intruder };
    assert!(!provision(&database, &disguised).await.unwrap().is_new);
    let renamed = NewPerson { cognito_sub: "victim", user_name: "new", user_pool_id: "new", ..intruder };
    assert!(!provision(&database, &renamed).await.unwrap().is_new);
    assert_eq!(all_rows(&database).await, before);
}

/// The one thing that can be added to somebody else: a name in the pool where none was stored. A token may then be minted
/// for the wrong person's connector, and opens nothing, because the server goes by the token's own subject.
#[tokio::test]
async fn a_name_given_to_a_victim_opens_nothing() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let named = NewPerson { user_name: "intruder", ..person(&acme.person, "x@example.com") };
    provision(&database, &named).await.unwrap();
    let holder = TokenHolder::PersonByName { user_pool_id: named.user_pool_id, user_name: "intruder" };
    let client = acme.interactive_client();
    let minted = token_mint::resolve(&database.connect(roles::PRE_TOKEN), &client, holder).await.unwrap();
    assert_eq!(minted, Mint::Granted(acme.interactive));
    let caller = autri_db::test_support::principal(acme.interactive, &client, "intruder-sub");
    assert!(ScopedTx::enter(&database.connect(roles::MCP), &caller).await.unwrap().is_none());
}
