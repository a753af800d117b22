//! `autri org member`, `library grant` and `revoke-access`, and `notification`.

use autri_db::people::{self, Account, NewPerson, Welcome};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use serde_json::json;

use crate::program::{autri, autri_json, text};

/// Somebody with an account of their own, `{name}@example.com`.
async fn person(database: &TestDatabase, name: &str) -> Account {
    let email = format!("{name}@example.com");
    let person = NewPerson {
        cognito_sub: name,
        user_pool_id: "eu-central-1_EXAMPLE",
        user_name: name,
        email: &email,
        given_name: None,
        family_name: None,
        picture: None,
        embedding_model: "none",
        welcome: Welcome { title: "Welcome to Autri", body: "Hello.", link: "/help/claude-desktop" },
    };
    people::provision(&database.connect(roles::ADMIN), &person).await.expect("an account")
}

#[tokio::test]
async fn a_member_comes_changes_and_goes_with_all_access() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    let ada = person(&database, "ada").await;
    let (org, library) = (tenant.org_id.to_string(), tenant.library_id.to_string());
    let run = |arguments: &[&str]| autri_json(&database, arguments.iter().copied()).json();
    let members = || run(&["org", "member", "list", "--org", &org]);

    let added = run(&["org", "member", "add", "Ada@Example.com", "--org", &org]);
    assert_eq!(added, json!({ "org_id": org, "user_id": ada.user_id, "role": "member" }));
    run(&["org", "member", "add", "ada@example.com", "--org", &org, "--role", "admin"]);
    assert_eq!(
        members(),
        json!([{ "user_id": ada.user_id, "email": "ada@example.com", "role": "admin" }]),
        "the same member, with another role"
    );

    let grant = ["library", "grant", "ada@example.com", "--library", &library];
    assert_eq!(run(&grant)["is_new"], true);
    assert_eq!(run(&grant)["is_new"], false);
    let remove = ["org", "member", "remove", "ada@example.com", "--org", &org];
    let removed = |was_member: bool, had_access: bool| json!({ "org_id": org, "user_id": ada.user_id, "was_member": was_member, "had_access": had_access });
    assert_eq!(run(&remove), removed(true, true));
    assert_eq!(run(&remove), removed(false, false));
    assert_eq!(members(), json!([]));
    assert_eq!(run(&grant)["is_new"], true, "the access went with the membership");
    assert_eq!(run(&remove), removed(false, true), "of somebody who was no member, too");
    run(&grant);
    let said = autri(remove).logged_in_as(&database, roles::ADMIN).answer();
    assert!(said.contains("was no member") && said.contains("any more") && !said.contains("left"), "{said}");
}

#[tokio::test]
async fn nobody_is_thrown_out_of_their_own_org() {
    let database = TestDatabase::create().await;
    let org = person(&database, "ada").await.org_id.to_string();
    let arguments = ["org", "member", "remove", "ada@example.com", "--org", &org];
    let said = autri(arguments).logged_in_as(&database, roles::ADMIN).failure();
    assert!(said.contains("autri user delete"), "{said}");
    let add = ["org", "member", "add", "ada@example.com", "--org", &org, "--role", "member"];
    assert_eq!(text(&autri_json(&database, add).json(), "role"), "owner", "what it says is what is so");
}

#[tokio::test]
async fn access_to_a_library_is_given_and_taken() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    person(&database, "ada").await;
    let library = tenant.library_id.to_string();
    let run = |command: &str| {
        let arguments = ["library", command, "ADA@example.com", "--library", &library];
        autri(arguments).logged_in_as(&database, roles::ADMIN).answer()
    };
    assert!(run("grant").contains("may use"));
    assert!(run("grant").contains("already"));
    assert!(run("revoke-access").contains("any more"));
    assert!(run("revoke-access").contains("had no access"));
}

#[tokio::test]
async fn notifications_are_listed_by_person() {
    let database = TestDatabase::create().await;
    let (ada, _) = (person(&database, "ada").await, person(&database, "bob").await);
    let list = |arguments: &[&str]| {
        let all = ["notification", "list"].into_iter().chain(arguments.iter().copied());
        autri_json(&database, all).json().as_array().expect("a list").clone()
    };
    assert_eq!(list(&[]).len(), 2);
    let hers = list(&["ada@example.com"]);
    assert_eq!((hers.len(), &hers[0]["user_id"]), (1, &json!(ada.user_id)));
    assert_eq!((text(&hers[0], "type"), text(&hers[0], "body")), ("welcome", "Hello."));
    let table = autri(["notification", "list"]).logged_in_as(&database, roles::ADMIN).answer();
    assert!(table.contains("ada@example.com") && table.contains("unread"), "{table}");
}

#[tokio::test]
async fn who_or_what_is_not_known_is_named_with_the_next_step() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    person(&database, "ada").await;
    let unknown = "0197f6a2-8c1e-7000-8000-000000000001";
    let (org, library) = (tenant.org_id.to_string(), tenant.library_id.to_string());
    let cases: &[(&[&str], &str)] = &[
        (&["org", "member", "add", "eve@example.com", "--org", &org], "autri user list"),
        (&["org", "member", "remove", "eve@example.com", "--org", &org], "autri user list"),
        (&["library", "grant", "eve@example.com", "--library", &library], "autri user list"),
        (&["notification", "list", "eve@example.com"], "autri user list"),
        (&["org", "member", "add", "ada@example.com", "--org", unknown], "autri org list"),
        (&["org", "member", "list", "--org", unknown], "autri org list"),
        (&["org", "member", "remove", "ada@example.com", "--org", unknown], "autri org list"),
        (&["library", "grant", "ada@example.com", "--library", unknown], "autri library list"),
    ];
    for (arguments, next_step) in cases {
        let said = autri(arguments.iter().copied()).logged_in_as(&database, roles::ADMIN).failure();
        assert!(said.starts_with("error: ") && said.contains(next_step), "{arguments:?}: {said}");
    }
}
