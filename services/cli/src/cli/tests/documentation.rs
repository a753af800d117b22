//! The commands of the project's documentation, which has all of the program's.

use std::fs;
use std::path::Path;

use clap::Parser as _;

use super::super::Cli;

const AN_ID: &str = "0197f6a2-8c1e-7000-8000-000000000001";

/// A command that the program does not take misleads whoever copies it.
#[test]
fn the_commands_in_the_documentation_are_ones() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut commands = Vec::new();
    for page in fs::read_dir(docs).expect("the documentation") {
        let page = page.expect("an entry").path();
        if page.extension().is_some_and(|extension| extension == "md") {
            commands.extend(commands_in(&fs::read_to_string(page).expect("a page")));
        }
    }
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        Cli::try_parse_from(&command).unwrap_or_else(|error| panic!("{}: {error}", command.join(" ")));
    }
}

/// The `autri …` lines of the console blocks, as the shell splits them, with an id for `ORG_ID` and its like.
fn commands_in(page: &str) -> Vec<Vec<String>> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.map(|block| block.replace("\\\n", " "));
    let lines: Vec<_> =
        lines.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let words = lines.iter().filter_map(|line| shlex::split(line));
    let commands = words.map(|words| {
        let command = words.into_iter().skip_while(|word| word.contains('=') && !word.starts_with('-'));
        let filled = |word: String| if word.ends_with("_ID") { AN_ID.to_owned() } else { word };
        command.map(filled).collect::<Vec<_>>()
    });
    commands.filter(|command| command.first().is_some_and(|program| program == "autri")).collect()
}
