//! What Cognito calls people and things.

/// The longest user name, subject, client id or pool id at Cognito, in characters (its API reference).
const MAX_IDENTIFIER_CHARS: usize = 128;

/// The text, if it is such as Cognito lets ids and names be: it has no white space and no control characters in them. A NUL,
/// which Postgres cannot hold, would otherwise look like a fault of the database.
#[must_use]
pub fn cognito_identifier(text: &str) -> Option<&str> {
    let is_identifier = (1..=MAX_IDENTIFIER_CHARS).contains(&text.chars().count())
        && !text.contains(|c: char| c.is_control() || c.is_whitespace());
    is_identifier.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_one_word_of_at_most_128_characters() {
        let (longest, too_long) = ("ä".repeat(128), "ä".repeat(129));
        for text in ["a", "eu-central-1_EXAMPLE", "google_1082", "ada@example.com", &longest] {
            assert_eq!(cognito_identifier(text), Some(text));
        }
        for text in ["", " ", "a b", "a\n", "a\0b", "a\u{85}", "a\u{a0}b", &too_long] {
            assert_eq!(cognito_identifier(text), None, "{text:?}");
        }
    }
}
