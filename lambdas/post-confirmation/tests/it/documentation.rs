//! docs/configuration.md has every setting, as the binary describes them.

use std::path::Path;

use autri_settings::markdown_table;
use post_confirmation::settings::SETTINGS;

const BEGIN: &str =
    "<!-- The table is generated: UPDATE_DOCS=1 cargo test --package post-confirmation documentation -->\n";
const END: &str = "<!-- End of the table. -->\n";

#[test]
#[expect(clippy::disallowed_methods, reason = "the way to renew what this test compares with")]
fn the_table_of_settings_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the line before the table");
    let (written, after) = rest.split_once(END).expect("the line after the table");
    let table = markdown_table(SETTINGS);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert!(
        written == table,
        "docs/configuration.md is stale; renew it: UPDATE_DOCS=1 cargo test --package post-confirmation documentation"
    );
}

#[test]
fn a_setting_is_described_once_and_in_one_line() {
    let mut names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    for setting in SETTINGS {
        let texts = [setting.name, setting.default, setting.meaning];
        assert!(texts.iter().all(|text| !text.is_empty() && !text.contains(['\n', '|'])), "{setting:?}");
    }
}
