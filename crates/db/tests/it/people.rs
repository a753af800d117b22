//! How an account comes to be, whole or not at all, and how it goes.

use std::time::Duration;

use autri_db::connectors::{self, ConnectorKind, NewConnector};
use autri_db::ingest::KnowledgeBaseContent;
use autri_db::memberships::{self, OrgRole};
use autri_db::people::{self, Account, NewPerson, Welcome};
use autri_db::test_support::{Tenant, TestDatabase, new_document, principal};
use autri_db::token_mint::{self, Mint, TokenHolder};
use autri_db::{Database, DatabaseOptions, DbError, ScopedTx, Tls, content, notifications, roles, tenancy};
use autri_domain::{ConnectorId, LibraryId};

use crate::raw_sql::{number, run, texts};

/// The tables that an account has rows in, one row each.
const ACCOUNT_TABLES: [&str; 8] = [
    "users",
    "orgs",
    "org_members",
    "libraries",
    "knowledge_bases",
    "library_kbs",
    "library_access",
    "notifications",
];

/// Somebody with this subject and address, whose name in the pool is the subject.
pub(crate) fn person<'a>(sub: &'a str, email: &'a str) -> NewPerson<'a> {
    NewPerson {
        cognito_sub: sub,
        user_pool_id: "eu-central-1_Pool",
        user_name: sub,
        email,
        given_name: Some("Ada"),
        family_name: Some("Lovelace"),
        picture: None,
        embedding_model: "none",
        welcome: Welcome { title: "Welcome", body: "Good day.", link: "/help" },
    }
}

/// Provisions as the trigger does, by a pool of its own.
pub(crate) async fn provision(database: &TestDatabase, person: &NewPerson<'_>) -> Result<Account, DbError> {
    people::provision(&database.connect(roles::POST_CONFIRMATION), person).await
}

/// All rows that belong to accounts and tenants.
pub(crate) async fn all_rows(database: &TestDatabase) -> Vec<String> {
    let mut admin = database.admin_connection().await;
    let mut rows = Vec::new();
    for table in ACCOUNT_TABLES.into_iter().chain(["connectors", "documents", "chunks", "postings"]) {
        rows.extend(texts(&mut admin, &format!("SELECT '{table} ' || t FROM {table} t ORDER BY 1")).await);
    }
    rows
}

/// How many rows each of the tables has.
async fn counts(database: &TestDatabase) -> Vec<i64> {
    let mut admin = database.admin_connection().await;
    let mut counts = Vec::new();
    for table in ACCOUNT_TABLES {
        counts.push(number(&mut admin, &format!("SELECT count(*) FROM {table}")).await.unwrap());
    }
    counts
}

pub(crate) async fn interactive_connector(
    database: &TestDatabase,
    library_id: LibraryId,
    client: &str,
) -> ConnectorId {
    let id = ConnectorId::new();
    let kind = ConnectorKind::Interactive;
    let new = NewConnector { id, library_id, kind, oauth_client_id: client, name: client };
    connectors::insert(&database.connect(roles::ADMIN), &new).await.unwrap().unwrap().id
}

/// Stores a document in the account's knowledge base.
pub(crate) async fn add_document(database: &TestDatabase, account: &Account) {
    let admin = database.connect(roles::ADMIN);
    let content = KnowledgeBaseContent::find(&admin, account.knowledge_base_id).await.unwrap().unwrap();
    content.replace_document(&new_document("a.md", "A title", &[("words", None)])).await.unwrap();
}

#[tokio::test]
async fn a_new_person_has_all_that_it_takes() {
    let database = TestDatabase::create().await;
    let ada = person("ada-sub", "Ada@Example.com");
    let account = provision(&database, &ada).await.unwrap();
    assert!(account.is_new);
    assert_eq!(counts(&database).await, [1; 8]);

    let admin = database.connect(roles::ADMIN);
    let known = people::find_by_sub(&admin, "ada-sub").await.unwrap().unwrap();
    assert_eq!((known.id, known.email.as_str()), (account.user_id, "Ada@Example.com"));
    assert_eq!(known.user_pool_id.as_deref(), Some("eu-central-1_Pool"));
    assert_eq!(known.user_name.as_deref(), Some("ada-sub"));
    assert_eq!(
        (known.personal_org, known.personal_library),
        (Some(account.org_id), Some(account.library_id))
    );
    let names = "SELECT concat_ws('|', given_name, family_name, picture) FROM users";
    assert_eq!(texts(&mut database.connection(roles::ADMIN).await, names).await, ["Ada|Lovelace"]);

    let org = tenancy::list_orgs(&admin).await.unwrap().remove(0);
    assert_eq!((org.id, org.name.as_str(), org.is_personal), (account.org_id, "Ada@Example.com", true));
    let member = memberships::list_members(&admin, org.id).await.unwrap().remove(0);
    assert_eq!((member.user_id, member.role), (account.user_id, OrgRole::Owner));
    let library = tenancy::list_libraries(&admin, Some(org.id)).await.unwrap().remove(0);
    assert_eq!((library.id, library.name.as_str()), (account.library_id, "Personal"));
    assert_eq!(library.knowledge_base_ids, [account.knowledge_base_id]);
    let base = tenancy::list_knowledge_bases(&admin, Some(library.id)).await.unwrap().remove(0);
    assert_eq!((base.name.as_str(), base.embedding_model.as_str()), ("Personal", "none"));
    let welcome = notifications::list(&admin, Some(account.user_id)).await.unwrap().remove(0);
    assert_eq!((welcome.kind.as_str(), welcome.title.as_str()), ("welcome", "Welcome"));
    assert_eq!((welcome.body.as_str(), welcome.link.as_deref()), ("Good day.", Some("/help")));
    assert_eq!((welcome.email.as_str(), welcome.read_at), ("Ada@Example.com", None));
}

/// From the account to a document that is found, as the real roles.
#[tokio::test]
async fn the_personal_library_serves_its_person() {
    let database = TestDatabase::create().await;
    let account = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let connector = interactive_connector(&database, account.library_id, "ada-client").await;
    add_document(&database, &account).await;

    let pre_token = database.connect(roles::PRE_TOKEN);
    let minted = token_mint::resolve(&pre_token, "ada-client", TokenHolder::Person { sub: "ada-sub" }).await;
    assert_eq!(minted.unwrap(), Mint::Granted(connector));
    let caller = principal(connector, "ada-client", "ada-sub");
    let mut tx = ScopedTx::enter(&database.connect(roles::MCP), &caller).await.unwrap().unwrap();
    assert_eq!(content::list_documents(&mut tx, None, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_second_time_changes_nothing() {
    let database = TestDatabase::create().await;
    tenancy::upsert_embedding_model(&database.connect(roles::ADMIN), "tiny", 2).await.unwrap();
    let first = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let before = all_rows(&database).await;
    let changed = NewPerson {
        user_pool_id: "another pool",
        user_name: "another name",
        given_name: None,
        embedding_model: "tiny",
        welcome: Welcome { title: "Other", body: "Other", link: "/other" },
        ..person("ada-sub", "other@example.com")
    };
    for login in [roles::POST_CONFIRMATION, roles::ADMIN] {
        let again = people::provision(&database.connect(login), &changed).await.unwrap();
        assert_eq!(again, Account { is_new: false, ..first }, "{login}");
        assert_eq!(all_rows(&database).await, before, "{login}");
    }
}

#[tokio::test]
async fn a_welcome_leads_nowhere_but_into_the_web_app() {
    let database = TestDatabase::create().await;
    for link in ["https://evil.example", "//evil.example", "javascript:x", "help", ""] {
        let welcome = Welcome { title: "Welcome", body: "Good day.", link };
        let lured = NewPerson { welcome, ..person("ada-sub", "ada@example.com") };
        provision(&database, &lured).await.expect_err(link);
    }
    assert_eq!(counts(&database).await, [0; 8]);
}

#[tokio::test]
async fn three_attempts_at_once_make_one_account() {
    let database = TestDatabase::create().await;
    for round in 0..5 {
        let (sub, email) = (format!("sub-{round}"), format!("person{round}@example.com"));
        let person = person(&sub, &email);
        let attempts = tokio::join!(
            provision(&database, &person),
            provision(&database, &person),
            provision(&database, &person)
        );
        let accounts = [attempts.0.unwrap(), attempts.1.unwrap(), attempts.2.unwrap()];
        assert_eq!(accounts.iter().filter(|account| account.is_new).count(), 1);
        for account in accounts {
            assert_eq!(account, Account { is_new: account.is_new, ..accounts[0] });
        }
        assert_eq!(counts(&database).await, [round + 1; 8]);
    }
}

/// Two that met between their looks and their inserts could stumble over each other's address.
#[tokio::test]
async fn attempts_for_one_person_go_one_after_the_other() {
    let database = TestDatabase::create().await;
    let mut attempt = database.connection(roles::POST_CONFIRMATION).await;
    run(&mut attempt, "BEGIN; SELECT pg_advisory_xact_lock(6, hashtext('ada-sub'))").await.unwrap();
    let impatient = Database::new(&DatabaseOptions {
        login: database.url(roles::POST_CONFIRMATION).into(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_millis(100),
        application_name: "autri-test",
        tls: Tls::Verified,
        max_idle: None,
    });
    let waited = people::provision(&impatient.unwrap(), &person("ada-sub", "ada@example.com")).await;
    assert!(matches!(waited, Err(DbError::TimedOut(_))), "{waited:?}");
    assert!(provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap().is_new);
    run(&mut attempt, "ROLLBACK").await.unwrap();
    assert!(provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap().is_new);
}

#[tokio::test]
async fn what_is_missing_of_an_account_is_made() {
    let database = TestDatabase::create().await;
    let ada = person("ada-sub", "ada@example.com");
    let whole = provision(&database, &ada).await.unwrap();
    let mut admin = database.admin_connection().await;
    let nothing_but_the_person = "DELETE FROM orgs; DELETE FROM notifications";
    let losses = ["orgs", "org_members", "libraries", "knowledge_bases", "library_kbs", "library_access"]
        .map(|table| format!("DELETE FROM {table}"));
    let mut account = whole;
    for loss in losses.iter().map(String::as_str).chain(["DELETE FROM notifications", nothing_but_the_person])
    {
        run(&mut admin, loss).await.unwrap();
        assert_ne!(counts(&database).await, [1; 8], "{loss}");
        let repaired = provision(&database, &ada).await.unwrap();
        assert_eq!(counts(&database).await, [1; 8], "{loss}");
        assert!(!repaired.is_new, "{loss}");
        assert_eq!(repaired.user_id, whole.user_id, "{loss}");
        assert_eq!(provision(&database, &ada).await.unwrap(), repaired, "{loss}");
        account = repaired;
    }
    add_document(&database, &account).await;
}

#[tokio::test]
async fn a_repaired_library_keeps_its_model() {
    let database = TestDatabase::create().await;
    let admin = database.connect(roles::ADMIN);
    tenancy::upsert_embedding_model(&admin, "tiny", 2).await.unwrap();
    let tiny = NewPerson { embedding_model: "tiny", ..person("ada-sub", "ada@example.com") };
    let account = provision(&database, &tiny).await.unwrap();
    run(&mut database.admin_connection().await, "DELETE FROM knowledge_bases").await.unwrap();
    provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let base = tenancy::list_knowledge_bases(&admin, Some(account.library_id)).await.unwrap().remove(0);
    assert_eq!(base.embedding_model, "tiny");
}

/// A library and a knowledge base by the same names in another org are somebody else's.
#[tokio::test]
async fn only_the_persons_own_org_counts() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let admin = database.connect(roles::ADMIN);
    let shared = tenancy::insert_library(&admin, acme.org_id, "Personal", "none").await.unwrap();
    tenancy::insert_knowledge_base(&admin, shared.id, "Personal").await.unwrap().unwrap();
    let before = all_rows(&database).await;
    let bea = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap();
    memberships::add_member(&admin, acme.org_id, bea.user_id, OrgRole::Owner).await.unwrap();
    let again = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap();
    assert_eq!(again, Account { is_new: false, ..bea });
    assert!(bea.org_id != acme.org_id && bea.library_id != shared.id);
    assert!(people::delete(&admin, bea.user_id).await.unwrap());
    assert_eq!(all_rows(&database).await, before);
}

#[tokio::test]
async fn an_address_is_one_persons() {
    let database = TestDatabase::create().await;
    provision(&database, &person("ada-sub", "ada@Example.com")).await.unwrap();
    let before = all_rows(&database).await;
    for address in ["ada@Example.com", "ADA@example.COM", "Ada@example.com"] {
        for login in [roles::POST_CONFIRMATION, roles::ADMIN] {
            let other = person("other-sub", address);
            let refused = people::provision(&database.connect(login), &other).await.unwrap_err();
            assert_eq!(refused.constraint(), Some("users_email_key"), "{address}");
            assert_eq!(all_rows(&database).await, before, "{address}");
        }
    }
    // A Kelvin sign is no k, and a dot above is part of the letter.
    for (number, address) in
        ["\u{212a}a@example.com", "ka@example.com", "i\u{307}@example.com"].iter().enumerate()
    {
        provision(&database, &person(&format!("sub-{number}"), address)).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_subjects_with_one_address_one_wins() {
    let database = TestDatabase::create().await;
    for round in 0..5 {
        let (email, shouted) = (format!("p{round}@example.com"), format!("P{round}@EXAMPLE.COM"));
        let (first, second) = (format!("first-{round}"), format!("second-{round}"));
        let (first, second) = (person(&first, &email), person(&second, &shouted));
        let outcomes = tokio::join!(provision(&database, &first), provision(&database, &second));
        let refused = match outcomes {
            (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused.constraint(), Some("users_email_key"));
        assert_eq!(counts(&database).await, [round + 1; 8]);
    }
}

#[tokio::test]
async fn what_breaks_a_rule_leaves_nothing() {
    let database = TestDatabase::create().await;
    provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let before = all_rows(&database).await;
    let good = person("bea-sub", "bea@example.com");
    let long = "a".repeat(201);
    let welcome = Welcome { title: "", ..good.welcome };
    let cases = [
        (NewPerson { embedding_model: "unheard of", ..good }, "libraries_embedding_model_fkey"),
        (NewPerson { user_name: "ada-sub", ..good }, "users_user_pool_and_name_key"),
        (NewPerson { user_name: "ada-sub", email: "ada@example.com", ..good }, "users_email_key"),
        (NewPerson { email: "a@", ..good }, "users_email_length"),
        (NewPerson { cognito_sub: "", ..good }, "users_cognito_sub_length"),
        (NewPerson { cognito_sub: &long, ..good }, "users_cognito_sub_length"),
        (NewPerson { user_pool_id: "", ..good }, "users_user_pool_id_length"),
        (NewPerson { user_name: &long, ..good }, "users_user_name_length"),
        (NewPerson { welcome, ..good }, "notifications_title_length"),
    ];
    for (case, rule) in cases {
        let refused = provision(&database, &case).await.unwrap_err();
        assert_eq!(refused.constraint(), Some(rule));
        assert_eq!(all_rows(&database).await, before, "{rule}");
    }
}

#[tokio::test]
async fn the_longest_address_names_an_org() {
    let database = TestDatabase::create().await;
    let address = format!("{}@example.com", "é".repeat(308));
    provision(&database, &person("ada-sub", &address)).await.unwrap();
    let orgs = tenancy::list_orgs(&database.connect(roles::ADMIN)).await.unwrap();
    assert_eq!(orgs[0].name, "é".repeat(200));
}

#[tokio::test]
async fn a_missing_name_in_the_pool_is_added() {
    let database = TestDatabase::create().await;
    let admin = database.connect(roles::ADMIN);
    Tenant::create(&database, "acme").await;
    let before = people::find_by_sub(&admin, "acme-person").await.unwrap().unwrap();
    assert_eq!((before.user_name.as_deref(), before.personal_org), (None, None));
    let account = provision(&database, &person("acme-person", "else@example.com")).await.unwrap();
    assert!(!account.is_new);
    let after = people::find_by_sub(&admin, "acme-person").await.unwrap().unwrap();
    assert_eq!((after.id, after.email), (before.id, "acme-person@example.com".to_owned()));
    assert_eq!(after.user_name.as_deref(), Some("acme-person"));
    assert_eq!(after.personal_org, Some(account.org_id));
    let half = "UPDATE users SET user_name = NULL";
    let refused = run(&mut database.connection(roles::ADMIN).await, half).await.unwrap_err();
    let rule = DbError::from(refused);
    assert_eq!(rule.constraint(), Some("users_user_pool_and_name_together"));
}
