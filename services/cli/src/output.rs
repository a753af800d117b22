//! The one place that writes to the terminal: answers on stdout, everything else on stderr.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use autri_retrieval::sanitize::is_invisible;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::advice;

/// Width of the first column of [`field`].
const LABEL_WIDTH: usize = 12;
/// Width of the first column of [`entry`].
const ENTRY_WIDTH: usize = 16;

/// Writes a line of the answer, or several.
pub(crate) fn line(text: impl Display) {
    styled(harmless(&text.to_string()));
}

/// Writes lines of the answer that are ours to the last character, colours and all.
pub(crate) fn styled(text: impl Display) {
    // Whoever reads may have seen enough (`autri audit list | head`): nothing is left to do then.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line that is not part of the answer, or several.
pub(crate) fn note(text: impl Display) {
    relayed(harmless(&text.to_string()));
}

/// Writes on, as it is, what a program says that we trust with the terminal.
pub(crate) fn relayed(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes a line that is not part of the answer: a label and, aligned with those above and below, a text.
pub(crate) fn field(label: &str, text: impl Display) {
    note(format_args!("{label:LABEL_WIDTH$}{text}"));
}

/// Writes a line of the answer: a label and, aligned with those above and below, a text.
pub(crate) fn entry(label: &str, text: impl Display) {
    line(format_args!("{label:ENTRY_WIDTH$}{text}"));
}

/// Where a long answer goes. Who writes it learns when nobody reads any more: half of it is no answer.
pub(crate) fn stream() -> impl std::io::Write {
    std::io::stdout()
}

/// A name that people chose, within a sentence: what is not printable in it is spelt out.
pub(crate) fn quoted(name: &str) -> String {
    format!("{name:?}")
}

/// A name that people chose, as one word of a command for pasting: whatever is in it, a shell runs none of it. `None` for one
/// that would paste other than it reads.
pub(crate) fn shell_word(name: &str) -> Option<Cow<'_, str>> {
    shlex::try_quote(name).ok().filter(|_| !name.chars().any(is_hidden))
}

/// Writes the answer as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(spelt_out(serde_json::to_string_pretty(value)?));
    Ok(())
}

/// One line of JSON, without its end.
pub(crate) fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(spelt_out)
}

/// The same JSON with characters that would not be seen, or would change how others are seen, written as `\uXXXX`. JSON writes
/// those below U+0020 so itself, and outside of texts there are none of the others: <https://www.rfc-editor.org/rfc/rfc8259#section-7>.
fn spelt_out(json: String) -> String {
    let must_be_spelt =
        |character: char| !character.is_ascii_control() && is_hidden(character) || character == '\u{7f}';
    if !json.contains(must_be_spelt) {
        return json;
    }
    let mut spelt = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if !must_be_spelt(character) {
            spelt.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String does not fail.
            let _ = write!(spelt, "\\u{unit:04x}");
        }
    }
    spelt
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

/// Names come from people: a control character in one must not steer the terminal, nor a bidirectional or invisible one show
/// another name.
fn printable(text: &str) -> String {
    text.chars().map(|character| if is_hidden(character) { '\u{fffd}' } else { character }).collect()
}

/// The text with all that could steer the terminal spelt out, but for line ends: whatever is in a sentence, a name of a file or
/// what a service answers, was somebody else's to choose.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| is_hidden(character) && character != '\n';
    if !text.contains(is_harmful) {
        return text.into();
    }
    let mut spelt = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_harmful(character) {
            spelt.extend(character.escape_default());
        } else {
            spelt.push(character);
        }
    }
    spelt.into()
}

/// What documents are cleaned of, and every line end: in a table or a line of JSON there is none.
fn is_hidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') || is_invisible(character)
}

/// Says on stderr why the command failed and what to do about it.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    note(format_args!("error: {}", indented(&format!("{error:#}"))));
    if let Some(advice) = advice::for_error(error) {
        note(format_args!("hint: {advice}"));
    }
    ExitCode::FAILURE
}

/// Says how the command line is wrong, or shows the help that was asked for, and ends the process.
pub(crate) fn usage(error: &clap::Error) -> ! {
    if !quotes_hidden(error) {
        error.exit();
    }
    // Without colours: they cannot be told from what was typed, or what a pattern of the shell named.
    note(error.to_string().trim_end());
    std::process::exit(error.exit_code())
}

fn quotes_hidden(error: &clap::Error) -> bool {
    let quoted = error.context().map(|(_, value)| value.to_string());
    let cause = std::error::Error::source(error).map(ToString::to_string);
    quoted.chain(cause).any(|text| text.contains(is_hidden))
}

/// The text, each line after the first moved to the right: a line end in a file's name makes no line that seems to be ours.
fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

/// `1 chunk`, `2 chunks`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// How many there are in a second, as a whole number; none before a second is over, or of nothing.
pub(crate) fn rate(count: u64, elapsed: Duration) -> Option<u64> {
    let millis = u64::try_from(elapsed.as_millis()).ok().filter(|millis| *millis >= 1_000)?;
    (count > 0).then(|| count.saturating_mul(1_000) / millis)
}

/// How often what is shown moves.
const TICK: Duration = Duration::from_millis(100);

/// Something that takes a while: a bar on a terminal, otherwise one line when it begins.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Counts up to `total` of something, with a [remark](Self::set_remark) on how it goes.
    pub(crate) fn counting(label: &str, total: u64) -> Self {
        Self::start(label, total, "{prefix:12}[{bar:24}] {pos}/{len} {wide_msg}")
    }

    /// Counts up to `total` bytes.
    pub(crate) fn bytes(label: &str, total: u64) -> Self {
        Self::start(label, total, "{prefix:12}[{bar:32}] {bytes}/{total_bytes}")
    }

    fn start(label: &str, total: u64, template: &str) -> Self {
        if !Self::is_shown() {
            note(format_args!("{label} …"));
            return Self { bar: ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()) };
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar =
            ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_prefix(label.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    /// Counts what nobody knows the total of; only on a terminal.
    pub(crate) fn open_ended(label: &str) -> Self {
        if !Self::is_shown() {
            return Self { bar: ProgressBar::hidden() };
        }
        let style = ProgressStyle::with_template("{msg:12}{pos}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::no_length().with_style(style).with_message(label.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    /// Whether there is a terminal to show it on.
    pub(crate) fn is_shown() -> bool {
        std::io::stderr().is_terminal()
    }

    /// Shows this at the line's end, as much of it as the terminal's width leaves room for, in place of what was there.
    pub(crate) fn set_remark(&self, text: String) {
        self.bar.set_message(text);
    }

    /// It is over, and leaves nothing behind.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// So far it is `done`.
    pub(crate) fn at(&self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
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
        let rows = [["exe.\u{202e}fdp\u{200b}".to_owned()]];
        assert_eq!(aligned(["NAME"], &rows)[1], "exe.\u{fffd}fdp\u{fffd}");
        // Fillers, joiners, selectors, noncharacters; line ends.
        for hidden in "\u{3164}\u{180e}\u{34f}\u{fe0f}\u{e0100}\u{fffe}\u{2028}\u{85}".chars() {
            assert_eq!(printable(&format!("a{hidden}b")), "a\u{fffd}b", "{hidden:?}");
            assert!(json_line(&hidden).unwrap().is_ascii(), "{hidden:?}");
        }
        let name = "a\n\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}Ü\\u009b\"";
        let json = json_line(&name).unwrap();
        assert_eq!(json, r#""a\n\u001b\u007f\u009b\u202e\udb40\udc41Ü\\u009b\"""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), name, "the same value");
        assert_eq!(json_line(&"Übung").unwrap(), "\"Übung\"");
        assert_eq!(quoted("a\u{202e}\u{1b}\"b"), r#""a\u{202e}\u{1b}\"b""#);
    }

    #[test]
    fn what_is_in_a_sentence_cannot_steer_the_terminal() {
        let said = harmless("nope\u{1b}[31m\r\u{9b}\u{202e}x.md does not exist\nhint: Übung");
        assert_eq!(said, "nope\\u{1b}[31m\\r\\u{9b}\\u{202e}x.md does not exist\nhint: Übung");
        assert_eq!(indented("no a\nhint: b does not exist"), "no a\n  hint: b does not exist");
    }

    #[test]
    fn what_is_wrong_with_a_command_line_is_told_from_what_steers_the_terminal() {
        let error = |argument: &'static str| {
            let command =
                clap::Command::new("autri").arg(clap::Arg::new("n").long("n").value_parser(["one"]));
            command.try_get_matches_from(["autri", argument]).unwrap_err()
        };
        for (shown, hidden) in
            [("nope", "no\u{1b}[2Jpe"), ("--nope", "--no\u{9b}pe"), ("--n=nope", "--n=\u{1b}]0;x")]
        {
            assert!(!quotes_hidden(&error(shown)), "{shown}");
            assert!(quotes_hidden(&error(hidden)), "{hidden:?}");
        }
    }

    #[test]
    fn what_is_pasted_is_one_word_that_reads_as_it_is() {
        for name in ["docs/a.md", "", "two words", "it's", "$(id)`id`\"!*", "~", "Übung", "-rf"] {
            let word = shell_word(name).unwrap();
            assert_eq!(shlex::split(&word), Some(vec![name.to_owned()]), "{word}");
        }
        for name in ["\0", "a\nb", "a\u{1b}[2J", "exe.\u{202e}fdp", "a\u{200b}b"] {
            assert_eq!(shell_word(name), None, "{name:?}");
        }
    }
}
