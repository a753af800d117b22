//! What several writers meant who overwrote each other's list.

use std::collections::BTreeMap;

use crate::Entry;
use crate::edit::entries;

/// The versions of a list since we read it, with some before: whoever wrote since may have read one of those.
pub(crate) struct History {
    /// The version that we read.
    base: i64,
    /// The first version that we wrote.
    ours: i64,
    versions: BTreeMap<i64, Version>,
}

struct Version {
    text: String,
    entries: Vec<Entry>,
    /// Whether it is one of ours.
    is_ours: bool,
}

impl History {
    /// Begins with the version that was read, and the first that was written.
    pub(crate) fn new((base, read): (i64, &str), (ours, written): (i64, &str)) -> Self {
        let mut history = Self { base, ours, versions: BTreeMap::new() };
        history.add(base, read, false);
        history.add(ours, written, true);
        history
    }

    pub(crate) fn has(&self, version: i64) -> bool {
        self.versions.contains_key(&version)
    }

    pub(crate) fn add(&mut self, version: i64, text: &str, is_ours: bool) {
        let version_entries = entries(text);
        self.versions.insert(version, Version { text: text.to_owned(), entries: version_entries, is_ours });
    }

    pub(crate) fn text(&self, version: i64) -> &str {
        self.versions.get(&version).map(|version| version.text.as_str()).unwrap_or_default()
    }

    /// The entries of the version `latest`, with what every writer changed since we read the list made to them as well.
    pub(crate) fn intended(&self, latest: i64) -> Vec<Entry> {
        let mut intended = self.entries(latest).to_vec();
        for (number, version) in self.versions.range(self.base + 1..) {
            // Our later versions repeat what the others changed.
            if *number == self.ours {
                Change::between(self.entries(self.base), &version.entries).apply_to(&mut intended);
            } else if !version.is_ours {
                self.change_of(*number, version).apply_to(&mut intended);
            }
        }
        intended
    }

    /// What a writer changed. They do not say which version they had read; but they changed little, so it is the one that
    /// differs least, and of several the last.
    fn change_of(&self, number: i64, version: &Version) -> Change {
        self.versions
            .range(..number)
            .rev()
            .map(|(_, earlier)| Change::between(&earlier.entries, &version.entries))
            .filter(|change| change.len() > 0)
            .min_by_key(Change::len)
            .unwrap_or_default()
    }

    fn entries(&self, version: i64) -> &[Entry] {
        self.versions.get(&version).map(|version| version.entries.as_slice()).unwrap_or_default()
    }
}

#[derive(Default)]
struct Change {
    added: Vec<Entry>,
    removed: Vec<Entry>,
}

impl Change {
    fn between(before: &[Entry], after: &[Entry]) -> Self {
        let missing =
            |of: &[Entry], from: &[Entry]| of.iter().filter(|entry| !from.contains(entry)).cloned().collect();
        Self { added: missing(after, before), removed: missing(before, after) }
    }

    fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    fn apply_to(&self, list: &mut Vec<Entry>) {
        list.retain(|entry| !self.removed.contains(entry));
        for entry in &self.added {
            if !list.contains(entry) {
                list.push(entry.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is intended when `ours` has overwritten the version before it.
    fn intended(read: &str, (ours, written): (i64, &str), others: &[(i64, &str)]) -> Vec<String> {
        let mut history = History::new((3, read), (ours, written));
        for (version, text) in others {
            history.add(*version, text, false);
        }
        let mut intended: Vec<String> = history.intended(ours - 1).iter().map(ToString::to_string).collect();
        intended.sort_unstable();
        intended
    }

    #[test]
    fn everybodys_change_counts_once() {
        for (read, written, others, expected) in [
            ("a@x,b@x", (5, "a@x"), vec![(4, "a@x,b@x,c@x")], vec!["a@x", "c@x"]),
            ("a@x,b@x", (6, "a@x,b@x,d@x"), vec![(4, "a@x"), (5, "a@x,b@x,c@x")], vec!["a@x", "c@x", "d@x"]),
            ("a@x", (5, "a@x,b@x"), vec![(4, "a@x,b@x")], vec!["a@x", "b@x"]),
            ("a@x", (5, "none"), vec![(4, "none")], vec![]),
        ] {
            assert_eq!(intended(read, written, &others), expected, "{read} {written:?} {others:?}");
        }
    }

    #[test]
    fn what_another_brought_back_by_overwriting_it_is_not_meant() {
        // Somebody removed b with version 3, which we read. Version 4 was made of version 2, by another who will mend that.
        let others = [(2, "a@x,b@x"), (4, "a@x,b@x,c@x")];
        let mut history = History::new((3, "a@x"), (5, "a@x,d@x"));
        for (version, text) in others {
            history.add(version, text, false);
        }
        let last = history.versions.get(&4).unwrap();
        assert_eq!(history.change_of(4, last).added, ["c@x".parse().unwrap()]);
    }
}
