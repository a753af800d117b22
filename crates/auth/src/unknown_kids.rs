//! Key ids that the issuer was asked for and does not list.

use std::collections::VecDeque;

/// How long an absent key id is believed absent, in seconds: a client that keeps sending a token of a retired
/// key costs a fetch a minute and not one a cool-down.
const TTL_SECS: i64 = 60;

/// How many are kept. A flood pushes out the oldest, which costs no more than the cool-down allows.
const CAPACITY: usize = 64;

/// The newest few, oldest first.
#[derive(Debug, Default)]
pub(crate) struct UnknownKids(VecDeque<UnknownKid>);

#[derive(Debug)]
struct UnknownKid {
    kid: String,
    seen_at_secs: i64,
}

impl UnknownKids {
    /// Whether `kid` was found absent less than a minute before `now_secs`.
    pub(crate) fn contains(&self, kid: &str, now_secs: i64) -> bool {
        self.0.iter().any(|entry| entry.kid == kid && entry.is_recent(now_secs))
    }

    /// Remembers that `kid` was absent at `now_secs`.
    pub(crate) fn insert(&mut self, kid: &str, now_secs: i64) {
        self.0.retain(|entry| entry.kid != kid && entry.is_recent(now_secs));
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(UnknownKid { kid: kid.to_owned(), seen_at_secs: now_secs });
    }
}

impl UnknownKid {
    fn is_recent(&self, now_secs: i64) -> bool {
        (0..TTL_SECS).contains(&now_secs.saturating_sub(self.seen_at_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_is_forgotten_after_a_minute() {
        let mut kids = UnknownKids::default();
        kids.insert("a", 1_000);
        assert!(kids.contains("a", 1_059));
        assert!(!kids.contains("a", 1_060));
        assert!(!kids.contains("b", 1_000));
    }

    #[test]
    fn an_absence_in_the_future_is_not_believed() {
        let mut kids = UnknownKids::default();
        kids.insert("a", 1_000);
        assert!(!kids.contains("a", 999), "the clock was set back");
    }

    #[test]
    fn a_flood_does_not_grow_it() {
        let mut kids = UnknownKids::default();
        for n in 0..10 * CAPACITY {
            kids.insert(&n.to_string(), 1_000);
        }
        assert_eq!(kids.0.len(), CAPACITY);
        assert!(kids.contains(&(10 * CAPACITY - 1).to_string(), 1_000));
    }
}
