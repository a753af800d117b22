//! `autri://document/{id}`, and `autri://document/{id}?from={passage}` for what follows in a long document.

use std::fmt;

use autri_domain::{ChunkRef, DOCUMENT_URI, DocumentId, PublicId};

/// What stands between the id and the passage to begin with.
const FROM: &str = "?from=";

/// What a URI of ours names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceUri {
    /// A document, from a passage on: 0 is its beginning.
    Document { id: DocumentId, from: u32 },
    /// One passage.
    Passage(ChunkRef),
}

impl ResourceUri {
    /// What `text` names, if it is written as we write it. Other spellings that RFC 3986 holds to be the same (percent
    /// encoding, upper case) name nothing: a cache or a log knows a document by one name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(DOCUMENT_URI)?;
        let (id, from) = match rest.split_once(FROM) {
            Some((id, from)) => (id, from.parse().ok()?),
            None => (rest, 0),
        };
        let parsed = match id.parse().ok()? {
            PublicId::Document(id) => Self::Document { id, from },
            PublicId::Chunk(passage) => Self::Passage(passage),
        };
        (parsed.to_string() == text).then_some(parsed)
    }

    /// A whole document.
    pub(crate) const fn of_document(id: DocumentId) -> Self {
        Self::Document { id, from: 0 }
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Document { id, from: 0 } => f.write_str(&PublicId::Document(id).uri()),
            Self::Document { id, from } => write!(f, "{}{FROM}{from}", PublicId::Document(id).uri()),
            Self::Passage(passage) => f.write_str(&PublicId::Chunk(passage).uri()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: &str = "doc_01900000-0000-7000-8000-00000000000a";

    #[test]
    fn a_uri_is_read_as_it_is_written() {
        let id = "01900000-0000-7000-8000-00000000000a".parse().unwrap();
        let passage = ChunkRef { document: id, ordinal: 3, hash_prefix: [0xab, 0x12, 0xcd, 0x34] };
        for (uri, text) in [
            (ResourceUri::of_document(id), format!("autri://document/{DOC}")),
            (ResourceUri::Document { id, from: 64 }, format!("autri://document/{DOC}?from=64")),
            (ResourceUri::Document { id, from: u32::MAX }, format!("autri://document/{DOC}?from=4294967295")),
            (ResourceUri::Passage(passage), format!("autri://document/{DOC}.3.ab12cd34")),
        ] {
            assert_eq!(uri.to_string(), text);
            assert_eq!(ResourceUri::parse(&text), Some(uri), "{text}");
        }
    }

    #[test]
    fn no_other_spelling_is_a_name() {
        let upper = DOC.to_uppercase();
        for bad in [
            "",
            DOC,
            "autri://document/",
            "autri://document",
            &format!("autri:document/{DOC}"),
            &format!("autri:///document/{DOC}"),
            &format!("autri://documents/{DOC}"),
            &format!("AUTRI://document/{DOC}"),
            &format!("autri://Document/{DOC}"),
            &format!("autri://document/{upper}"),
            &format!("autri://document//{DOC}"),
            &format!("autri://document/./{DOC}"),
            &format!("autri://document/x/../{DOC}"),
            &format!("autri://document/{DOC}/"),
            &format!("autri://document/{DOC} "),
            &format!(" autri://document/{DOC}"),
            &format!("autri://document/{DOC}\n"),
            &format!("autri://document/{DOC}\0"),
            &format!("autri://document/%64oc_{}", &DOC[4..]),
            &format!("autri://document/{}", DOC.replace('-', "%2D")),
            &format!("autri://document/{}", DOC.replace('-', "\u{2010}")),
            &format!("autri://user@document/{DOC}"),
            &format!("autri://document:443/{DOC}"),
            &format!("autri://document/{DOC}#top"),
            &format!("autri://document/{DOC}?"),
            &format!("autri://document/{DOC}?from="),
            &format!("autri://document/{DOC}?from=0"),
            &format!("autri://document/{DOC}?from=007"),
            &format!("autri://document/{DOC}?from=+7"),
            &format!("autri://document/{DOC}?from=-7"),
            &format!("autri://document/{DOC}?from=4294967296"),
            &format!("autri://document/{DOC}?from=7?from=8"),
            &format!("autri://document/{DOC}?from=7&from=8"),
            &format!("autri://document/{DOC}?From=7"),
            &format!("autri://document/{DOC}?part=7"),
            &format!("autri://document/{DOC}.3.ab12cd34?from=7"),
            &format!("autri://document/{DOC}.3.AB12CD34"),
            &format!("autri://document/{DOC}.3"),
            &format!("https://document/{DOC}"),
            "file:///etc/passwd",
            "autri://document/{id}",
        ] {
            assert_eq!(ResourceUri::parse(bad), None, "{bad:?}");
        }
    }
}
