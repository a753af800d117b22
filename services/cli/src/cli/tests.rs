use clap::CommandFactory as _;

use super::*;

#[cfg(all(feature = "aws", feature = "dev-auth"))]
mod documentation;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

/// The command and all below it that people see.
fn all_below(command: &clap::Command) -> Vec<&clap::Command> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set()).flat_map(all_below);
    std::iter::once(command).chain(below).collect()
}

/// What stands below `Examples` in the command's help, each on a line.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let below = help.split_once("Examples").and_then(|(_, heading)| heading.split_once(":\n"));
    let (_, below) = below.unwrap_or_default();
    let lines = below.replace("\\\n", " ");
    lines.lines().take_while(|line| line.starts_with("  ")).map(str::to_owned).collect()
}

#[test]
fn every_command_says_what_it_does_and_the_upper_ones_show_it() {
    let root = Cli::command();
    let commands = all_below(&root);
    assert!(commands.len() > 30, "{}", commands.len());
    for command in commands {
        assert!(command.get_about().is_some(), "{command}");
    }
    for command in root.get_subcommands().filter(|command| !command.is_hide_set()) {
        assert_ne!(examples(command), [""; 0], "{command} has no examples");
    }
}
