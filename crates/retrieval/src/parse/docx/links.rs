//! Where links lead: a part's relationships, and fields.

use std::collections::HashMap;
use std::rc::Rc;

use super::namespaces::Space;
use super::xml::{Item, Part};
use crate::limits::Deadline;
use crate::parse::{ParseError, link};

/// The longest instruction of a field that is read, in bytes.
pub(super) const MAX_INSTRUCTION_BYTES: usize = 4096;

/// What a part's links lead to, by the ids of its relationships.
#[derive(Debug, Default)]
pub(super) struct Links {
    by_id: HashMap<String, String>,
}

impl Links {
    /// Reads the relationships (ECMA-376 part 2, §6.5.3) that are links out of the package. None of them is followed.
    pub(super) fn read(xml: &str, deadline: Deadline) -> Result<Self, ParseError> {
        let mut links = Self::default();
        let mut part = Part::new(xml, deadline);
        while let Some(item) = part.next()? {
            let Item::Open(element) = item else { continue };
            let is_link = element.space() == Space::Relationships
                && element.plain_attribute("Type").is_some_and(|kind| kind.ends_with("/hyperlink"))
                && element.plain_attribute("TargetMode").as_deref() == Some("External");
            if let Some((id, target)) =
                element.plain_attribute("Id").zip(element.plain_attribute("Target")).filter(|_| is_link)
            {
                links.by_id.insert(id, target);
            }
        }
        Ok(links)
    }

    /// Where a link of that relationship leads, at that place in it.
    pub(super) fn target(&self, id: &str, place: Option<&str>) -> Option<Rc<str>> {
        told(self.by_id.get(id)?, place)
    }
}

fn told(target: &str, place: Option<&str>) -> Option<Rc<str>> {
    let place = place.filter(|place| !place.is_empty() && !target.contains('#'));
    let target = place.map_or_else(|| target.to_owned(), |place| format!("{target}#{place}"));
    link::target(&target).map(Rc::from)
}

/// Where the result of a field leads: `HYPERLINK "https://example.com/" \l "place" \o "what is told who points at it"`
/// (ECMA-376 part 1, §17.16.5.25).
pub(super) fn of_field(instruction: &str) -> Option<Rc<str>> {
    let (kind, mut rest) = instruction.trim_start().split_once(char::is_whitespace)?;
    if !kind.eq_ignore_ascii_case("HYPERLINK") {
        return None;
    }
    let (mut target, mut place, mut switch) = (None, None, "");
    while let Some((word, after)) = first_word(rest) {
        rest = after;
        match switch {
            "" if word.starts_with('\\') => {
                // These two stand alone.
                switch = if matches!(word, "\\n" | "\\m") { "" } else { word };
                continue;
            }
            "" => target = target.or(Some(word)),
            "\\l" => place = Some(word),
            _ => {}
        }
        switch = "";
    }
    told(target?, place)
}

/// The first argument, without its quotes, and what follows it.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('"') {
        return Some(quoted.split_once('"').unwrap_or((quoted, "")));
    }
    let end = text.find(|char: char| char.is_whitespace() || char == '"').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lead_where_they_say() {
        for (instruction, expected) in [
            (" HYPERLINK \"https://example.com/a\" ", Some("https://example.com/a")),
            ("hyperlink https://example.com/a", Some("https://example.com/a")),
            ("HYPERLINK \"https://example.com/a\" \\l \"b\" \\o \"UNSEEN\"", Some("https://example.com/a#b")),
            ("HYPERLINK \\n \\t \"_blank\" \"https://example.com/a\"", Some("https://example.com/a")),
            ("HYPERLINK \\o \"https://example.com/UNSEEN\"", None),
            ("HYPERLINK \\l \"_Toc1\"", None),
            ("HYPERLINK \"file:///etc/passwd\"", None),
            ("HYPERLINK", None),
            ("INCLUDEPICTURE \"https://example.com/a\"", None),
            ("HYPERLINK \"https://example.com/a", Some("https://example.com/a")),
            ("HYPERLINK \"\"", None),
        ] {
            assert_eq!(of_field(instruction).as_deref(), expected, "{instruction}");
        }
    }
}
