//! What a reader should know of a search's results.

/// The most characters of what was left out that a note repeats.
const MAX_NAMED_CHARS: usize = 200;

/// Why results may not be what was looked for.
#[derive(Debug)]
pub(super) struct Note<'a> {
    /// How the question was searched for.
    pub(super) question: Option<&'a str>,
    /// What no result may have.
    pub(super) excluded: &'a [String],
    /// Whether passages were found, and none that has a word of the question.
    pub(super) is_without_words: bool,
    /// Whether there are results.
    pub(super) has_results: bool,
}

impl Note<'_> {
    /// None where there is nothing to say.
    pub(super) fn text(&self) -> Option<String> {
        let mut notes: Vec<String> = self.question.map(str::to_owned).into_iter().collect();
        if !self.excluded.is_empty() {
            notes.push(left_out(self.excluded));
        }
        if self.is_without_words {
            notes.push(
                if self.has_results {
                    "none of the best passages has a word of the question: they are near it in meaning at most, and may not \
                     answer it"
                } else {
                    "no passage that was searched has a word of the question or is near it in meaning"
                }
                .to_owned(),
            );
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// Names only what the caller wrote.
fn left_out(excluded: &[String]) -> String {
    let all = excluded.iter().map(|words| format!("\"{words}\"")).collect::<Vec<_>>().join(", ");
    let mut named: String = all.chars().take(MAX_NAMED_CHARS).collect();
    if named.len() < all.len() {
        named.push('…');
    }
    format!(
        "passages with {named} were left out, because of the dash before it; to look for a word that begins with a dash, put it \
         in quotation marks"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_all_there_is_to_know() {
        let nothing = Note { question: None, excluded: &[], is_without_words: false, has_results: true };
        assert_eq!(nothing.text(), None);
        let excluded = ["car".to_owned(), "used dealer".to_owned()];
        let all =
            Note { question: Some("by words alone"), excluded: &excluded, is_without_words: true, ..nothing };
        let text = all.text().unwrap();
        assert!(
            text.starts_with("by words alone; passages with \"car\", \"used dealer\" were left out"),
            "{text}"
        );
        assert!(text.contains("; none of the best passages"), "{text}");
        let text = Note { has_results: false, ..all }.text().unwrap();
        assert!(
            text.ends_with(
                "; no passage that was searched has a word of the question or is near it in meaning"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_note_is_short() {
        let excluded = ["石".repeat(1_900)];
        let note = Note { question: None, excluded: &excluded, is_without_words: false, has_results: true };
        assert!(note.text().unwrap().chars().count() < MAX_NAMED_CHARS + 200);
    }
}
