//! Counting what the suites print: lines of the Test Anything Protocol (testanything.org).

use std::fmt::Display;

/// One test of a suite.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Test<'a> {
    pub(crate) name: &'a str,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// `not ok … # TODO`: listed, with its reason, as something that this server is not meant to pass.
    ExpectedFailure,
    /// `ok … # SKIP`: the test found nothing that it applies to.
    Skipped,
}

/// Reads a line; `None` if it is a comment or anything else.
pub(crate) fn parse(line: &str) -> Option<Test<'_>> {
    let (ok, rest) = match line.strip_prefix("not ok - ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok - ")?),
    };
    let (name, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
    let verdict = match (ok, directive.split(' ').next()) {
        (true, Some("SKIP")) => Verdict::Skipped,
        (false, Some("TODO")) => Verdict::ExpectedFailure,
        (true, _) => Verdict::Passed,
        (false, _) => Verdict::Failed,
    };
    Some(Test { name, verdict })
}

/// What a comment line says.
pub(crate) fn note(line: &str) -> Option<&str> {
    line.strip_prefix("# ")
}

/// How many tests ended how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) expected_failures: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// Counts a test of a suite, and prints its line.
    pub(crate) fn count(&mut self, suite: &str, test: &Test<'_>) {
        let (counter, word) = match test.verdict {
            Verdict::Passed => (&mut self.passed, "ok      "),
            Verdict::Failed => (&mut self.failed, "FAILED  "),
            Verdict::ExpectedFailure => (&mut self.expected_failures, "expected"),
            Verdict::Skipped => (&mut self.skipped, "skipped "),
        };
        *counter += 1;
        println!("{word} {suite}: {}", test.name);
    }

    /// Counts a test that this program made itself.
    pub(crate) fn add(&mut self, suite: &str, name: &str, failure: Option<impl Display>) {
        let verdict = if failure.is_some() { Verdict::Failed } else { Verdict::Passed };
        self.count(suite, &Test { name, verdict });
        if let Some(failure) = failure {
            println!("    {failure:#}");
        }
    }

    /// Everything counted, whatever the verdict.
    pub(crate) fn total(&self) -> usize {
        self.passed + self.failed + self.expected_failures + self.skipped
    }

    /// The closing lines, the last of them for scripts: `N passed, N failed`.
    pub(crate) fn print(&self) {
        println!(
            "{} failed as e2e/conformance/README.md expects, {} found nothing to check",
            self.expected_failures, self.skipped
        );
        println!("{} passed, {} failed", self.passed, self.failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        for (line, name, verdict) in [
            ("ok - connects", "connects", Verdict::Passed),
            ("not ok - connects", "connects", Verdict::Failed),
            ("not ok - ping # TODO see the list", "ping", Verdict::ExpectedFailure),
            ("ok - tasks # SKIP not scored", "tasks", Verdict::Skipped),
            // A directive that does not belong to the result changes nothing.
            ("ok - ping # TODO see the list", "ping", Verdict::Passed),
            ("not ok - tasks # SKIP not scored", "tasks", Verdict::Failed),
        ] {
            assert_eq!(parse(line), Some(Test { name, verdict }), "{line}");
        }
        for line in ["", "# ok - quoted", "okay", "    ok - indented", "1..4"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_comment_is_a_note_and_a_test_is_none() {
        assert_eq!(note("# 8 MB compressed"), Some("8 MB compressed"));
        for line in ["", "#", "ok - a # SKIP", "    # indented", "anything"] {
            assert_eq!(note(line), None, "{line}");
        }
    }

    #[test]
    fn only_a_failure_counts_as_failed() {
        let mut tally = Tally::default();
        for line in ["ok - a", "ok - b # SKIP", "not ok - c # TODO", "not ok - d", "ok - e"] {
            tally.count("suite", &parse(line).unwrap());
        }
        tally.add("suite", "f", None::<&str>);
        tally.add("suite", "g", Some("why"));
        assert_eq!(tally, Tally { passed: 3, failed: 2, expected_failures: 1, skipped: 1 });
        assert_eq!(tally.total(), 7);
    }
}
