//! The one document that is made instead of committed: long enough for any client to have to page through it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// `entries` in `e2e/expectations.json`.
const ENTRIES: u32 = 3000;

/// Writes `docs/station-log.md` into the cache; the same bytes each time, so that a second ingest finds nothing new.
pub(crate) fn write_long_document(cache: &Path) -> anyhow::Result<()> {
    let folder = cache.join("docs");
    let path = folder.join("station-log.md");
    fs::create_dir_all(folder)?;
    fs::write(&path, station_log()).with_context(|| format!("write {}", path.display()))
}

fn station_log() -> String {
    let mut text = String::from("# Station log of the Skerrow gauge\n");
    for entry in 1..=ENTRIES {
        let level = 1000 + entry * 7919 % 2500;
        let battery = 115 + entry % 17;
        write!(text, "\nEntry {entry}: level {level} mm, battery {}.{} V.\n", battery / 10, battery % 10)
            .expect("writing to a string succeeds");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_expect_as_many_entries_as_there_are() {
        let expectations = include_str!("../../../e2e/expectations.json");
        let expectations: serde_json::Value = serde_json::from_str(expectations).unwrap();
        assert_eq!(expectations["long_document"]["entries"], ENTRIES);
        assert_eq!(station_log().matches("\nEntry ").count(), 3000);
    }
}
