//! What it says of itself.

use crate::program::autri;

#[test]
#[cfg(feature = "dev-auth")]
fn the_development_commands_are_there_in_development_builds() {
    let help = autri(["--help"]).answer();
    assert!(help.contains("\n  dev ") && help.contains("\n  token "), "{help}");
    let help = autri(["dev", "--help"]).answer();
    for option in ["--docs", "--port", "--data-dir", "--reset", "--embedder", "--ready-file"] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn secrets_in_the_environment_are_not_shown() {
    let url = "postgresql://autri_admin:hunter2@127.0.0.1/autri";
    let help =
        autri(["db", "bootstrap", "--help"]).env("DATABASE_URL", url).env("AUTRI_ADMIN_URL", url).answer();
    assert!(!help.contains("hunter2"), "{help}");
}

#[test]
fn without_a_database_it_says_how_to_get_one() {
    for arguments in [["org", "list"], ["audit", "list"], ["db", "status"], ["db", "migrate"]] {
        let said = autri(arguments).failure();
        assert!(said.contains("DATABASE_URL"), "{arguments:?}: {said}");
        assert_eq!(said, autri(arguments).env("DATABASE_URL", "").failure(), "empty is none");
    }
}

/// As of a file of such a name that a pattern of the shell names.
#[test]
fn arguments_cannot_steer_the_terminal() {
    let url = "postgresql://autri_admin@127.0.0.1:1/autri";
    let (name, option) = ("nope\u{202e}\u{1b}[31m", "--nope\u{202e}\u{1b}[31m");
    for (arguments, code) in [(&["ingest", name][..], 1), (&[name], 2), (&["ingest", option], 2)] {
        let ended = autri(arguments.iter().copied()).env("DATABASE_URL", url).run();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains("nope\\u{202e}"), "{ended:?}");
        assert!(!ended.stderr.contains(['\u{202e}', '\u{1b}']), "{ended:?}");
    }
}

/// As in files for `docker run --env-file`, where all that can be set stands, and most of it has no value.
#[test]
fn an_empty_variable_counts_as_none() {
    const VARIABLES: [&str; 11] = [
        "AUTRI_EMBEDDER",
        "AUTRI_EMBEDDING_DIMENSIONS",
        "AUTRI_EMBEDDING_DOCUMENT_PREFIX",
        "AUTRI_EMBEDDING_MODEL",
        "AUTRI_EMBEDDING_PRICE",
        "AUTRI_EMBEDDING_QUERY_PREFIX",
        "AUTRI_EMBEDDING_URL",
        "AUTRI_MCP_DATABASE_URL",
        "AUTRI_MODEL_DIR",
        "AUTRI_PUBLIC_URL",
        "DATABASE_SECRET_ARN",
    ];
    let library =
        ["library", "create", "--org", "0197f6a2-8c1e-7000-8000-000000000001", "--name", "Handbook"];
    let connectors = ["connector", "list"];
    let eval = ["eval", "--beir", "/nowhere"];
    for arguments in [&library[..], &connectors, &eval] {
        let without = autri(arguments.iter().copied());
        let with = VARIABLES.iter().fold(autri(arguments.iter().copied()), |with, name| with.env(name, ""));
        assert_eq!(with.failure(), without.failure(), "{arguments:?}");
    }
}

#[test]
fn a_database_that_is_not_reachable_is_said_to_be() {
    // Nobody listens on port 1.
    let url = "postgresql://autri_admin:hunter2@127.0.0.1:1/autri";
    let said = autri(["org", "list"]).env("DATABASE_URL", url).failure();
    assert!(said.contains("not reachable") && said.contains("hint: ") && !said.contains("hunter2"), "{said}");
}

#[test]
fn what_is_no_id_is_refused_before_anything_is_done() {
    let ended = autri(["connector", "revoke", "all"]).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("not a UUID"), "{ended:?}");
}
