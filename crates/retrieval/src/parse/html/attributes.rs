//! How many attributes a tag has that the tokenizer is still in the middle of.
//!
//! html5ever compares each attribute of a tag with all before it, and says nothing of them until the tag has ended: two
//! million in one tag ask for hours. So they are counted beside it, from the text alone.
//!
//! Where a tag begins only html5ever knows (not in a comment, not in a script), but from its `<` on nothing else decides
//! what it reads until the tag's `>`: <https://html.spec.whatwg.org/multipage/parsing.html#tag-open-state>. Each `<` is
//! therefore followed as if a tag began there, all of them at once: of two that have come to the same place in their tags,
//! what follows does the same to both, and the one with more attributes stands for both. As soon as html5ever gives a
//! token, whatever was open before is not a tag any more; so scripts and texts, which come as tokens all the time, are
//! never taken for one.

/// What html5ever has been fed since it last gave a token.
pub(super) struct Unfinished<'a> {
    /// The piece during which it gave one: what is open now began in it, or later.
    began_in: &'a str,
    tags: Option<PossibleTags>,
}

impl<'a> Unfinished<'a> {
    pub(super) fn new() -> Self {
        Self { began_in: "", tags: None }
    }

    /// The most attributes that an open tag may have after the piece.
    ///
    /// It is none while pieces give tokens, which nearly all do: then nothing is counted. A tag within two pieces is small.
    pub(super) fn attributes_after(&mut self, piece: &'a str, gave_token: bool) -> usize {
        if gave_token {
            *self = Self { began_in: piece, tags: None };
            return 0;
        }
        let tags = self.tags.get_or_insert_with(|| {
            let mut tags = PossibleTags::default();
            tags.read(self.began_in);
            tags
        });
        tags.read(piece);
        tags.most_attributes()
    }
}

/// Where in a tag the tokenizer is: the states of the standard, sections 13.2.5.6 to 13.2.5.40.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Open,
    EndOpen,
    Name,
    BeforeAttribute,
    Attribute,
    AfterAttribute,
    BeforeValue,
    DoubleQuoted,
    SingleQuoted,
    Unquoted,
    AfterQuoted,
    Slash,
}

impl Place {
    /// The place after the byte; none if the tag has ended there, or was no tag.
    fn after(self, byte: u8) -> Option<Self> {
        // A lone carriage return is a line feed too (section 13.2.3.5).
        let is_space = matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
        Some(match (self, byte) {
            (Self::Open, b'/') => Self::EndOpen,
            (Self::Open | Self::EndOpen, _) if byte.is_ascii_alphabetic() => Self::Name,
            (Self::DoubleQuoted, b'"') | (Self::SingleQuoted, b'\'') => Self::AfterQuoted,
            (Self::DoubleQuoted | Self::SingleQuoted, _) => self,
            (Self::Open | Self::EndOpen, _) | (_, b'>') => return None,
            (Self::BeforeValue, b'"') => Self::DoubleQuoted,
            (Self::BeforeValue, b'\'') => Self::SingleQuoted,
            (Self::Attribute | Self::AfterAttribute, b'=') => Self::BeforeValue,
            (Self::Attribute, _) if is_space => Self::AfterAttribute,
            (Self::AfterAttribute | Self::BeforeValue, _) if is_space => self,
            (_, _) if is_space => Self::BeforeAttribute,
            (Self::BeforeValue | Self::Unquoted, _) => Self::Unquoted,
            (_, b'/') => Self::Slash,
            (Self::Name | Self::Attribute, _) => self,
            (Self::BeforeAttribute | Self::AfterAttribute | Self::AfterQuoted | Self::Slash, _) => {
                Self::Attribute
            }
        })
    }
}

/// The tags that may be open, one for each place that any of them has come to.
#[derive(Debug, Default)]
struct PossibleTags {
    tags: Vec<PossibleTag>,
    /// Its room is used again and again.
    before: Vec<PossibleTag>,
}

#[derive(Debug, Clone, Copy)]
struct PossibleTag {
    place: Place,
    attributes: usize,
}

impl PossibleTags {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            std::mem::swap(&mut self.tags, &mut self.before);
            self.tags.clear();
            for index in 0..self.before.len() {
                let PossibleTag { place, attributes } = self.before[index];
                if let Some(after) = place.after(byte) {
                    let begins = after == Place::Attribute && place != Place::Attribute;
                    self.add(after, attributes + usize::from(begins));
                }
            }
            if byte == b'<' {
                self.add(Place::Open, 0);
            }
        }
    }

    fn add(&mut self, place: Place, attributes: usize) {
        match self.tags.iter_mut().find(|tag| tag.place == place) {
            Some(tag) => tag.attributes = tag.attributes.max(attributes),
            None => self.tags.push(PossibleTag { place, attributes }),
        }
    }

    fn most_attributes(&self) -> usize {
        self.tags.iter().map(|tag| tag.attributes).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::PossibleTags;

    fn attributes(text: &str) -> usize {
        let mut tags = PossibleTags::default();
        tags.read(text);
        tags.most_attributes()
    }

    #[test]
    fn attributes_of_the_open_tag_are_counted_as_the_standard_reads_them() {
        for (text, expected) in [
            ("text a b c", 0),
            ("a < b c d", 0),
            ("<p", 0),
            ("<p a b=1 c = 2 d='e f' g=\"h i\" j", 6),
            ("</p a b", 2),
            ("<p/a/b/c", 3),
            ("<p a=\"1\"b='2'c", 3),
            ("<p\ta\nb\rc\x0cd", 4),
            ("<p =a ==b", 1),
            ("<p a=/b/c d", 2),
            ("<p a='> b c d", 1),
            ("<p a b> c d", 0),
            ("<p a <b c d", 4),
            ("<p a=\"<i b c d", 3),
            ("<p a=\"<i b c d\" e", 4),
        ] {
            assert_eq!(attributes(text), expected, "{text}");
        }
    }
}
