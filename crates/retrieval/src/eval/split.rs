//! Which questions a ranking may be tuned on, and which it is judged by.

use std::collections::HashMap;
use std::hash::BuildHasher;

use sha2::{Digest, Sha256};

use super::Judgements;

/// A half of a collection's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// For choosing among rankings.
    Tune,
    /// For judging what was chosen.
    HeldOut,
}

impl Half {
    /// The half of the question with this id: by the lowest bit of the first byte of its SHA-256, so that it never
    /// depends on who asks, on the other questions or on their order.
    #[must_use]
    pub fn of(id: &str) -> Self {
        if Sha256::digest(id)[0] & 1 == 0 { Self::Tune } else { Self::HeldOut }
    }

    /// The judgements of this half's questions.
    #[must_use]
    pub fn judgements<S: BuildHasher + Default>(
        self,
        all: &HashMap<String, Judgements, S>,
    ) -> HashMap<String, Judgements, S> {
        let mine = all.iter().filter(|(query, _)| Self::of(query) == self);
        mine.map(|(query, judgements)| (query.clone(), judgements.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published figures are by this split: it must stay as it is.
    #[test]
    fn a_questions_half_is_fixed() {
        // SHA-256 of "1" begins with 6b, of "2" with d4, of "4" with 4b, of "5" with ef.
        for (id, half) in
            [("1", Half::HeldOut), ("2", Half::Tune), ("4", Half::HeldOut), ("5", Half::HeldOut)]
        {
            assert_eq!(Half::of(id), half, "{id}");
        }
    }

    #[test]
    fn the_halves_are_all_and_nearly_equal() {
        let all: HashMap<_, _> = (0..1000).map(|id| (id.to_string(), Judgements::new())).collect();
        let (tune, held_out) = (Half::Tune.judgements(&all), Half::HeldOut.judgements(&all));
        assert_eq!(tune.len() + held_out.len(), all.len());
        assert!(tune.keys().all(|id| !held_out.contains_key(id)));
        assert!((450..550).contains(&tune.len()), "{}", tune.len());
    }
}
