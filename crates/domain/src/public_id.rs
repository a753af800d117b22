//! The ids that tools speak: `doc_{uuid}` for a document, `doc_{uuid}.{n}.{8 hex}` for a chunk of it. And the URIs made of them.

use std::fmt;
use std::str::FromStr;

use crate::DocumentId;

/// What stands before the id in a URI of ours.
pub const DOCUMENT_URI: &str = "autri://document/";

/// A document or a chunk, as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicId {
    /// A whole document.
    Document(DocumentId),
    /// A chunk.
    Chunk(ChunkRef),
}

/// A chunk by its place and the beginning of its content hash, so that an id kept from an earlier search never
/// silently names other text: a chunk that changed since is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// The document it is part of.
    pub document: DocumentId,
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// The first four bytes of its SHA-256.
    pub hash_prefix: [u8; 4],
}

/// A text that is no id of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected doc_<uuid> or doc_<uuid>.<n>.<8 hex digits>")]
pub struct PublicIdError;

impl PublicId {
    /// The server's own name for it, where no address is known at which people can read it.
    #[must_use]
    pub fn uri(self) -> String {
        format!("{DOCUMENT_URI}{self}")
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(document) => write!(f, "doc_{document}"),
            Self::Chunk(chunk) => {
                let hash = u32::from_be_bytes(chunk.hash_prefix);
                write!(f, "doc_{}.{}.{hash:08x}", chunk.document, chunk.ordinal)
            }
        }
    }
}

impl FromStr for PublicId {
    type Err = PublicIdError;

    fn from_str(text: &str) -> Result<Self, PublicIdError> {
        let mut parts = text.strip_prefix("doc_").ok_or(PublicIdError)?.split('.');
        let document = parts.next().and_then(|id| id.parse().ok()).ok_or(PublicIdError)?;
        let parsed = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::Document(document),
            (Some(ordinal), Some(hash), None) => Self::Chunk(ChunkRef {
                document,
                ordinal: ordinal.parse().map_err(|_| PublicIdError)?,
                hash_prefix: u32::from_str_radix(hash, 16).map_err(|_| PublicIdError)?.to_be_bytes(),
            }),
            _ => return Err(PublicIdError),
        };
        // One spelling an id: `007`, `+7` and upper-case hex parse as numbers, and are refused here.
        if parsed.to_string() == text { Ok(parsed) } else { Err(PublicIdError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_the_round_trip() {
        let document = DocumentId::new();
        let chunk = PublicId::Chunk(ChunkRef { document, ordinal: 12, hash_prefix: [0, 0xab, 1, 0xff] });
        assert_eq!(chunk.to_string(), format!("doc_{document}.12.00ab01ff"));
        for id in [PublicId::Document(document), chunk] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn a_uri_ends_with_the_id() {
        let id = PublicId::Document("01900000-0000-7000-8000-00000000000a".parse().unwrap());
        assert_eq!(id.uri(), "autri://document/doc_01900000-0000-7000-8000-00000000000a");
    }

    #[test]
    fn other_spellings_are_refused() {
        let document = DocumentId::new();
        for bad in [
            String::new(),
            document.to_string(),
            format!("doc_{document}."),
            format!("doc_{document}.1"),
            format!("doc_{document}.01.00ab01ff"),
            format!("doc_{document}.+1.00ab01ff"),
            format!("doc_{document}.1.00AB01FF"),
            format!("doc_{document}.1.ab01ff"),
            format!("doc_{document}.1.00ab01ff.2"),
            format!("doc_{document}.-1.00ab01ff"),
            format!("doc_{document}.99999999999.00ab01ff"),
        ] {
            assert_eq!(bad.parse::<PublicId>(), Err(PublicIdError), "{bad}");
        }
    }
}
