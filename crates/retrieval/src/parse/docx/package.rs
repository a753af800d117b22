//! The ZIP archive that a Word document is, and what may come out of it.

use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_8};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::limits::Limits;
use crate::parse::{Flaw, ParseError};

/// The most parts. A long document with a thousand pictures has some two thousand.
const MAX_PARTS: usize = 20_000;

/// How tightly a part may be packed before it is called a bomb. The emptiest table that Word writes comes to about 100 to
/// 1, and deflate cannot do more than 1,032 to 1.
const MAX_RATIO: u64 = 300;

/// Below that many bytes, no ratio matters.
const MIN_BOMB_BYTES: u64 = 4 * 1024 * 1024;

/// A document's parts, read by name. Nothing is ever written to a disk, so a name can lead nowhere.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// What may yet be unpacked, of all parts together.
    left: u64,
    limit: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        let archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|_| ParseError::Broken(Flaw::ZipDirectory))?;
        if archive.len() > MAX_PARTS {
            return Err(ParseError::TooManyParts { limit: MAX_PARTS });
        }
        Ok(Self { archive, left: limits.max_unpacked_bytes, limit: limits.max_unpacked_bytes })
    }

    /// A part's text, if there is such a part.
    pub(super) fn find_text(&mut self, name: &str) -> Result<Option<String>, ParseError> {
        let part = match self.archive.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(_) => return Err(ParseError::Broken(Flaw::ZipEntry)),
        };
        // The directory's sizes are claims. What counts is what comes out.
        let tight = part.compressed_size().saturating_mul(MAX_RATIO).max(MIN_BOMB_BYTES);
        let most = self.left.min(tight);
        let mut bytes = Vec::new();
        let read = part.take(most.saturating_add(1)).read_to_end(&mut bytes);
        let read = read.map_err(|_| ParseError::Broken(Flaw::ZipEntry))? as u64;
        if read > most {
            return Err(if most < self.left {
                ParseError::PackedTooTightly { limit: MAX_RATIO }
            } else {
                ParseError::UnpacksTooLarge { limit: self.limit }
            });
        }
        self.left -= read;
        // XML is UTF-8 or UTF-16 with a byte order mark (ECMA-376 part 2, §8.1.4).
        let (encoding, bom_bytes) = Encoding::for_bom(&bytes).unwrap_or((UTF_8, 0));
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[bom_bytes..]);
        text.map(|text| Some(text.into_owned())).ok_or(ParseError::Broken(Flaw::Xml))
    }
}
