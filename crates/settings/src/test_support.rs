//! The documentation of a binary's settings, for its tests to compare. Panics where a test fails.

use std::path::Path;

use crate::{Setting, markdown_table};

const END: &str = "<!-- End of the table. -->\n";

/// Checks that each setting is described once and in one line, and that `docs/configuration.md` has them as `package` describes
/// them; with the variable `UPDATE_DOCS` it renews the table there.
///
/// `manifest_dir` is the package's `CARGO_MANIFEST_DIR`, two folders below the workspace's.
///
/// # Panics
/// When the page cannot be read or has no such table, when its table is stale, and when a description is not usable.
#[expect(clippy::disallowed_methods, reason = "the way to renew what this compares with")]
pub fn check_documentation(package: &str, manifest_dir: &str, settings: &[Setting]) {
    require_one_line_each(settings);
    let file = Path::new(manifest_dir).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(&file).expect("docs/configuration.md");
    let current = with_table(&page, package, settings);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, current).expect("docs/configuration.md to be written");
        return;
    }
    assert!(page == current, "docs/configuration.md is stale; renew it: {}", renewal(package));
}

fn require_one_line_each(settings: &[Setting]) {
    let mut names: Vec<_> = settings.iter().map(|setting| setting.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    for setting in settings {
        let texts = [setting.name, setting.default, setting.meaning];
        assert!(texts.iter().all(|text| !text.is_empty() && !text.contains(['\n', '|'])), "{setting:?}");
    }
}

/// The page, with the package's table as it is to be.
fn with_table(page: &str, package: &str, settings: &[Setting]) -> String {
    let begin = format!("<!-- The table is generated: {} -->\n", renewal(package));
    let (before, rest) = page.split_once(&begin).expect("the line before the table");
    let (_, after) = rest.split_once(END).expect("the line after the table");
    [before, &begin, &markdown_table(settings), END, after].concat()
}

fn renewal(package: &str) -> String {
    format!("UPDATE_DOCS=1 cargo test --package {package} documentation")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Setting = Setting { name: "TEST_HOST", default: "required", meaning: "Where it is." };

    #[test]
    fn the_packages_table_alone_is_renewed() {
        let table = |package: &str, rows: &str| {
            format!(
                "<!-- The table is generated: UPDATE_DOCS=1 cargo test --package {package} documentation -->\n{rows}{END}"
            )
        };
        let page = |rows: &str| ["before\n", &table("one", "1\n"), &table("two", rows), "after\n"].concat();
        let current = page(&markdown_table(&[HOST]));
        assert_eq!(with_table(&page("stale\n"), "two", &[HOST]), current);
        assert_eq!(with_table(&current, "two", &[HOST]), current);
    }

    #[test]
    fn what_would_break_the_table_is_found() {
        let with = |meaning| Setting { meaning, ..HOST };
        for settings in [&[HOST, HOST][..], &[with("")], &[with("a\nb")], &[with("a|b")]] {
            assert!(std::panic::catch_unwind(|| require_one_line_each(settings)).is_err(), "{settings:?}");
        }
    }
}
