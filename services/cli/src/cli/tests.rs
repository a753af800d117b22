use clap::CommandFactory as _;

use super::*;

#[cfg(all(feature = "aws", feature = "dev-auth"))]
mod documentation;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
