//! What it says of itself.

use crate::program::autri;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["db"],
    &["db", "bootstrap"],
    &["db", "migrate"],
    &["db", "status"],
    &["ingest"],
    &["org"],
    &["org", "member"],
    &["library"],
    &["library", "create"],
    &["library", "grant"],
    &["library", "revoke-access"],
    &["org", "delete"],
    &["org", "export"],
    &["library", "attach"],
    &["library", "detach"],
    &["knowledge-base"],
    &["knowledge-base", "reembed"],
    &["document"],
    &["document", "delete"],
    &["document", "list"],
    &["connector"],
    &["connector", "create"],
    &["connector", "revoke"],
    &["notification"],
    #[cfg(feature = "aws")]
    &["connector", "rotate-secret"],
    #[cfg(feature = "aws")]
    &["user"],
    #[cfg(feature = "aws")]
    &["user", "invite"],
    #[cfg(feature = "aws")]
    &["user", "uninvite"],
    #[cfg(feature = "aws")]
    &["user", "list"],
    #[cfg(feature = "aws")]
    &["user", "provision"],
    #[cfg(feature = "aws")]
    &["user", "delete"],
    #[cfg(feature = "aws")]
    &["user", "reconcile"],
    &["audit"],
    &["eval"],
    &["model"],
];

#[test]
fn every_command_has_help_and_the_upper_ones_examples() {
    for command in COMMANDS {
        let help = autri(command.iter().copied().chain(["--help"])).answer();
        assert!(help.contains("Usage: autri"), "{command:?}: {help}");
        assert!(command.len() != 1 || help.contains("autri "), "{command:?} has no example: {help}");
        assert!(command.len() != 1 || help.contains("Example"), "{command:?} has no example: {help}");
    }
}

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
