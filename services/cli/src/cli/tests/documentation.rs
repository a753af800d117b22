//! The commands that people are shown, by the project's documentation and by the program's help, which have all of the program's.

use std::fs;
use std::path::Path;

use clap::{CommandFactory as _, Parser as _};

use super::super::Cli;
use super::{all_below, examples};

const AN_ID: &str = "0197f6a2-8c1e-7000-8000-000000000001";

#[test]
fn the_commands_in_the_documentation_are_ones() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = fs::read_dir(checkout.join("docs")).expect("the documentation");
    let pages = docs.map(|page| page.expect("an entry").path());
    let pages = pages.filter(|page| page.extension().is_some_and(|extension| extension == "md"));
    let mut commands = Vec::new();
    for page in pages.chain([checkout.join("README.md")]) {
        let page = fs::read_to_string(page).expect("a page");
        let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
        commands.extend(blocks.flat_map(commands_in));
    }
    assert!(commands.iter().any(|command| command[1..] == ["dev"]), "the README's first: {commands:?}");
    assert_ones(&commands, 20);
}

#[test]
fn the_examples_in_the_help_are_commands() {
    let root = Cli::command();
    let mut commands = Vec::new();
    for command in all_below(&root) {
        for line in examples(command) {
            let shown = commands_in(&line);
            assert_eq!(shown.len(), 1, "{command}: {line}");
            commands.extend(shown);
        }
    }
    assert_ones(&commands, 60);
}

/// One that the program does not take misleads whoever copies it.
fn assert_ones(commands: &[Vec<String>], at_least: usize) {
    assert!(commands.len() >= at_least, "{}: {commands:?}", commands.len());
    for command in commands {
        Cli::try_parse_from(command).unwrap_or_else(|error| panic!("{}: {error}", command.join(" ")));
    }
}

/// The `autri …` and `cargo dev …` lines, as the shell splits them, with an id for `ORG_ID` and its like.
fn commands_in(lines: &str) -> Vec<Vec<String>> {
    let lines = lines.replace("\\\n", " ");
    let commands = lines.lines().filter_map(shlex::split).map(|words| {
        let command = words.into_iter().skip_while(|word| word.contains('=') && !word.starts_with('-'));
        let filled = |word: String| if word.ends_with("_ID") { AN_ID.to_owned() } else { word };
        // What a pipe or a file takes is said behind it.
        command.map(filled).take_while(|word| !matches!(word.as_str(), "|" | ">")).collect::<Vec<_>>()
    });
    let of_the_program = |mut command: Vec<String>| {
        if command.get(..2).is_some_and(|alias| alias == ["cargo", "dev"]) {
            // The alias of `.cargo/config.toml`.
            "autri".clone_into(&mut command[0]);
        }
        command.first().is_some_and(|program| program == "autri").then_some(command)
    };
    commands.filter_map(of_the_program).collect()
}
