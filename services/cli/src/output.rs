//! The one place that writes to the terminal: answers on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::advice;

/// Width of the first column of [`field`].
const LABEL_WIDTH: usize = 12;
/// Width of the first column of [`entry`].
#[cfg(feature = "aws")]
const ENTRY_WIDTH: usize = 16;

/// Writes a line of the answer.
pub(crate) fn line(text: impl Display) {
    // Whoever reads may have seen enough (`autri audit list | head`): nothing is left to do then.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line that is not part of the answer.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes a line that is not part of the answer: a label and, aligned with those above and below, a text.
pub(crate) fn field(label: &str, text: impl Display) {
    note(format_args!("{label:LABEL_WIDTH$}{text}"));
}

/// Writes a line of the answer: a label and, aligned with those above and below, a text.
#[cfg(feature = "aws")]
pub(crate) fn entry(label: &str, text: impl Display) {
    line(format_args!("{label:ENTRY_WIDTH$}{text}"));
}

/// Writes the answer as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes rows under headings, in columns as wide as their widest cell.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) {
    for row in aligned(headings, rows) {
        line(row);
    }
}

fn aligned<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let headings = headings.map(str::to_owned);
    let all = || std::iter::once(&headings).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| all().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let format = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{:width$}", printable(cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all().map(format).collect()
}

/// Names come from people: a control character in one must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Says on stderr why the command failed and what to do about it.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    note(format_args!("error: {error:#}"));
    if let Some(advice) = advice::for_error(error) {
        note(format_args!("hint: {advice}"));
    }
    ExitCode::FAILURE
}

/// Something that takes a while: a bar on a terminal, otherwise one line when it begins.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Counts up to `total` of something.
    pub(crate) fn counting(label: &str, total: u64) -> Self {
        Self::start(label, total, "{msg:12}[{bar:32}] {pos}/{len}")
    }

    /// Counts up to `total` bytes.
    pub(crate) fn bytes(label: &str, total: u64) -> Self {
        Self::start(label, total, "{msg:12}[{bar:32}] {bytes}/{total_bytes}")
    }

    fn start(label: &str, total: u64, template: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            note(format_args!("{label} …"));
            return Self { bar: ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()) };
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar =
            ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_message(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// So far it is `done`.
    pub(crate) fn at(&self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_owned(), "Übung".to_owned()], ["22222".to_owned(), "b".to_owned()]];
        assert_eq!(aligned(["ID", "NAME"], &rows), ["ID     NAME", "1      Übung", "22222  b"]);
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        let rows = [["\u{1b}[2Jgone\n".to_owned()]];
        assert_eq!(aligned(["NAME"], &rows)[1], "\u{fffd}[2Jgone\u{fffd}");
    }
}
