//! `autri org`, `library`, `knowledge-base` and `connector`.

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::program::{Program, autri, autri_json, text};

#[tokio::test]
async fn a_tenant_is_made_step_by_step() {
    let database = TestDatabase::create().await;
    let run = |arguments: &[&str]| autri_json(&database, arguments.iter().copied()).json();

    let org = run(&["org", "create", "--name", "Acme"]);
    let library = run(&["library", "create", "--org", text(&org, "id"), "--name", "Handbook"]);
    assert_eq!(text(&library, "embedding_model"), "none");
    let base = run(&["knowledge-base", "create", "--library", text(&library, "id"), "--name", "Rules"]);
    let connector = run(&[
        "connector",
        "create",
        "--library",
        text(&library, "id"),
        "--machine",
        "--client-id",
        "4t2k",
        "--name",
        "CI",
        "--public-url",
        "https://mcp.example.com",
    ]);

    assert_eq!(run(&["org", "list"])[0], org);
    assert_eq!(run(&["library", "list", "--org", text(&org, "id")])[0]["knowledge_base_ids"][0], base["id"]);
    assert_eq!(run(&["knowledge-base", "list", "--library", text(&library, "id")])[0], base);
    let listed = run(&["connector", "list", "--public-url", "https://mcp.example.com"]);
    assert_eq!(listed[0], connector);
    assert_eq!(text(&connector, "kind"), "machine");
    let url = format!("https://mcp.example.com/c/{}/mcp", text(&connector, "id"));
    assert_eq!(text(&connector, "url"), url);

    // The same for people: an id to go on with, and tables.
    let operator =
        |arguments: &[&str]| autri(arguments.iter().copied()).logged_in_as(&database, roles::ADMIN).answer();
    let id = operator(&["org", "create", "--name", "Other"]);
    assert_eq!(id.trim().len(), 36, "{id}");
    let table = operator(&["org", "list"]);
    assert!(table.contains("Acme") && table.contains(id.trim()), "{table}");
    let url = operator(&["connector", "url", text(&connector, "id")]);
    assert_eq!(url.trim(), format!("http://127.0.0.1:8000/c/{}/mcp", text(&connector, "id")));
}

#[tokio::test]
async fn a_revoked_connector_stays_listed_and_has_no_url() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    let (machine, interactive) = (tenant.machine.to_string(), tenant.interactive.to_string());
    let run = |arguments: [&str; 3]| {
        autri_json(&database, arguments.map(str::to_owned).iter().map(|s| &**s)).json()
    };

    let first = run(["connector", "revoke", &machine]);
    assert_eq!(run(["connector", "revoke", &machine]), first, "it was revoked once");
    let listed = autri_json(&database, ["connector", "list"]).json();
    let of = |id: &str| find(&listed, id)["revoked_at"].clone();
    assert!(of(&machine).is_string() && of(&interactive).is_null(), "{listed}");
    let said = autri(["connector", "url", &machine]).logged_in_as(&database, roles::ADMIN).failure();
    assert!(said.contains("revoked"), "{said}");
}

fn find<'a>(list: &'a Value, id: &str) -> &'a Value {
    let found = list.as_array().and_then(|list| list.iter().find(|item| item["id"] == id));
    found.unwrap_or_else(|| panic!("no {id} in {list}"))
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_next_step() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    let unknown = "0197f6a2-8c1e-7000-8000-000000000001";
    let (org, library) = (tenant.org_id.to_string(), tenant.library_id.to_string());
    let taken = tenant.machine_client();
    let long = "x".repeat(201);
    let cases: &[(&[&str], &str)] = &[
        (&["org", "create", "--name", ""], "1 to 200 characters"),
        (&["org", "create", "--name", &long], "1 to 200 characters"),
        (&["library", "create", "--org", unknown, "--name", "L"], "autri org list"),
        (&["library", "create", "--org", &org, "--name", "acme library"], "autri library list"),
        (&["knowledge-base", "create", "--library", unknown, "--name", "K"], "autri library list"),
        (
            &["knowledge-base", "create", "--library", &library, "--name", "acme documents"],
            "knowledge-base list",
        ),
        (
            &["connector", "create", "--library", unknown, "--machine", "--client-id", "c", "--name", "N"],
            "library list",
        ),
        (
            &[
                "connector",
                "create",
                "--library",
                &library,
                "--machine",
                "--client-id",
                &taken,
                "--name",
                "N",
            ],
            "connector list",
        ),
        (&["connector", "revoke", unknown], "autri connector list"),
        (&["connector", "url", unknown], "autri connector list"),
    ];
    for (arguments, next_step) in cases {
        let said = operator(&database, arguments).failure();
        assert!(said.starts_with("error: ") && said.contains(next_step), "{arguments:?}: {said}");
    }
}

/// `cargo dev --data-dir …` is found as the checkout's is, and never mistaken for another database.
#[tokio::test]
async fn the_database_of_a_cargo_dev_elsewhere_is_named_by_its_data_folder() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");
    let list = ["org", "list", "--json", "--data-dir", path];
    let said = autri(list).failure();
    assert!(said.contains(path) && said.contains("no `cargo dev` runs"), "{said}");
    let ready = serde_json::json!({ "database_url": database.url(roles::ADMIN).expose_secret() });
    std::fs::write(folder.path().join("ready.json"), ready.to_string()).expect("written");
    assert_eq!(autri(list).json()[0]["id"], tenant.org_id.to_string());
    let said = autri(list).env("DATABASE_URL", "postgresql://autri_admin@production/autri").failure();
    assert!(said.contains("keep one"), "{said}");
}

#[tokio::test]
async fn a_connector_is_for_programs_or_for_people() {
    let database = TestDatabase::create().await;
    let library = Tenant::create(&database, "acme").await.library_id.to_string();
    let create = ["connector", "create", "--library", &library, "--client-id", "c", "--name", "N"];
    for kind in [&[][..], &["--machine", "--interactive"]] {
        let arguments: Vec<_> = create.iter().chain(kind).copied().collect();
        assert_eq!(operator(&database, &arguments).run().code, Some(2), "{kind:?}");
    }
    let arguments: Vec<_> = create.iter().chain(&["--interactive"]).copied().collect();
    assert_eq!(text(&autri_json(&database, arguments).json(), "kind"), "interactive");
}

fn operator(database: &TestDatabase, arguments: &[&str]) -> Program {
    autri(arguments.iter().copied()).logged_in_as(database, roles::ADMIN)
}
