//! What a file's streams may unpack to, all together.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use flate2::read::{DeflateDecoder, ZlibDecoder};
use pdf_extract::{Dictionary, Object, Stream};
use weezl::BitOrder;
use weezl::decode::Decoder;

use crate::parse::ParseError;

/// What a stream counts for beside its bytes, so that a million empty ones on each page are not free.
const STREAM_BYTES: u64 = 64;

/// The bits of the symbols that PDF packs by LZW.
const LZW_SYMBOL_BITS: u8 = 8;

/// It is measured by unpacking into nothing, before memory is taken for it.
pub(super) struct Budget {
    left: u64,
    limit: u64,
}

impl Budget {
    pub(super) const fn new(limit: u64) -> Self {
        Self { left: limit, limit }
    }

    /// Takes what the stream unpacks to by each of its filters: each is a size of its own, and may be packed anew to nearly
    /// nothing. What a filter makes is in memory only once it is paid for.
    pub(super) fn take(&mut self, stream: &Stream) -> Result<(), ParseError> {
        self.take_bytes(STREAM_BYTES)?;
        let filters = stream.filters().unwrap_or_default();
        let settings = stream.dict.get(b"DecodeParms").and_then(Object::as_dict).ok();
        let mut packed = Cow::Borrowed(stream.content.as_slice());
        let Some((last, before)) = filters.split_last() else { return self.take_all(&packed) };
        for filter in before {
            self.take_unpacked(&packed, filter, settings)?;
            // What cannot be unpacked is not unpacked further on either.
            let Ok(unpacked) = with_filter(&packed, filter, settings).decompressed_content() else {
                return Ok(());
            };
            packed = Cow::Owned(unpacked);
        }
        self.take_unpacked(&packed, last, settings)
    }

    fn take_unpacked(
        &mut self,
        packed: &[u8],
        filter: &[u8],
        settings: Option<&Dictionary>,
    ) -> Result<(), ParseError> {
        match filter {
            b"FlateDecode" => self.take_bytes(inflated_bytes(packed, self.left)),
            b"LZWDecode" => self.take_bytes(lzw_bytes(packed, settings, self.left)),
            b"ASCII85Decode" => self.take_bytes(ascii85_bytes(packed)),
            // It is not unpacked by others.
            _ => self.take_all(packed),
        }
    }

    fn take_all(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        self.take_bytes(bytes.len() as u64)
    }

    pub(super) fn take_bytes(&mut self, bytes: u64) -> Result<(), ParseError> {
        self.left = self.left.checked_sub(bytes).ok_or(ParseError::UnpacksTooLarge { limit: self.limit })?;
        Ok(())
    }
}

fn with_filter(packed: &[u8], filter: &[u8], settings: Option<&Dictionary>) -> Stream {
    let mut dictionary = Dictionary::new();
    dictionary.set("Filter", Object::Name(filter.to_vec()));
    if let Some(settings) = settings {
        dictionary.set("DecodeParms", settings.clone());
    }
    Stream::new(dictionary, packed.to_vec())
}

/// Counts what LZW writes to it, up to one write beyond `most`.
struct Counter {
    bytes: u64,
    most: u64,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As lopdf does it: what has no sound header of zlib is taken for bare deflate behind one.
fn inflated_bytes(packed: &[u8], most: u64) -> u64 {
    let bytes = read_bytes(ZlibDecoder::new(packed), most);
    match packed.get(2..) {
        Some(bare) if bytes == 0 => read_bytes(DeflateDecoder::new(bare), most),
        _ => bytes,
    }
}

/// How much can be read, up to somewhat more than `most`. What comes before an error counts: lopdf keeps that. Read in small
/// pieces, since the one with the error in it is lost.
fn read_bytes(mut unpacked: impl Read, most: u64) -> u64 {
    let mut piece = [0; 512];
    let mut bytes = 0;
    while bytes <= most {
        match unpacked.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(more) => bytes += more as u64,
        }
    }
    bytes
}

fn lzw_bytes(packed: &[u8], settings: Option<&Dictionary>, most: u64) -> u64 {
    let early_change =
        settings.and_then(|settings| settings.get(b"EarlyChange").and_then(Object::as_i64).ok());
    let mut decoder = if early_change == Some(0) {
        Decoder::new(BitOrder::Msb, LZW_SYMBOL_BITS)
    } else {
        Decoder::with_tiff_size_switch(BitOrder::Msb, LZW_SYMBOL_BITS)
    };
    let mut counter = Counter { bytes: 0, most };
    // What it wrote before it failed counts: lopdf keeps that, too.
    let _ = decoder.into_stream(&mut counter).decode_all(packed);
    counter.bytes
}

/// At most: a `z` is four bytes, and so are five of the others (ISO 32000-2, 7.4.3).
fn ascii85_bytes(packed: &[u8]) -> u64 {
    let packed = packed.strip_suffix(b"~>").unwrap_or(packed);
    let others: usize = packed.split(|byte| *byte == b'z').map(<[u8]>::len).sum();
    (packed.len() - others + others.div_ceil(5)) as u64 * 4
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use weezl::encode::Encoder;

    use super::*;

    const LIMIT: u64 = 1_000_000;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// As lopdf reads it, with a header that is none.
    fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(b"??".to_vec(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn with_wrong_checksum(mut packed: Vec<u8>) -> Vec<u8> {
        *packed.last_mut().unwrap() ^= 1;
        packed
    }

    fn lzw(bytes: &[u8]) -> Vec<u8> {
        Encoder::with_tiff_size_switch(BitOrder::Msb, LZW_SYMBOL_BITS).encode(bytes).unwrap()
    }

    fn late_lzw(bytes: &[u8]) -> Vec<u8> {
        Encoder::new(BitOrder::Msb, LZW_SYMBOL_BITS).encode(bytes).unwrap()
    }

    /// Of zeros alone.
    fn ascii85(zeros: &[u8]) -> Vec<u8> {
        [&b"z".repeat(zeros.len() / 4), &b"~>"[..]].concat()
    }

    fn stream(filters: &[&str], early_change: i64, content: Vec<u8>) -> Stream {
        let mut settings = Dictionary::new();
        settings.set("EarlyChange", early_change);
        let mut dictionary = Dictionary::new();
        let names: Vec<Object> = filters.iter().map(|name| Object::Name(name.as_bytes().to_vec())).collect();
        dictionary.set("Filter", names);
        dictionary.set("DecodeParms", settings);
        Stream::new(dictionary, content)
    }

    /// Each way to pack `bytes`.
    fn packed(bytes: &[u8]) -> Vec<Stream> {
        let (flate, packed_lzw, text) = ("FlateDecode", "LZWDecode", "ASCII85Decode");
        vec![
            stream(&[], 1, bytes.to_vec()),
            stream(&["Crypt"], 1, bytes.to_vec()),
            stream(&[flate], 1, zlib(bytes)),
            stream(&[flate], 1, bare_deflate(bytes)),
            stream(&[flate], 1, with_wrong_checksum(zlib(bytes))),
            stream(&[packed_lzw], 1, lzw(bytes)),
            stream(&[packed_lzw], 0, late_lzw(bytes)),
            stream(&[text], 1, ascii85(bytes)),
            stream(&[flate, flate], 1, zlib(&zlib(bytes))),
            stream(&[flate, packed_lzw], 1, zlib(&lzw(bytes))),
            stream(&[flate, text], 1, zlib(&ascii85(bytes))),
            stream(&[flate, flate, flate], 1, zlib(&zlib(&zlib(bytes)))),
        ]
    }

    #[test]
    fn no_filter_hides_a_bomb() {
        for bomb in packed(&vec![0; 20_000_000]) {
            let refused = Budget::new(LIMIT).take(&bomb);
            let is_refused = matches!(refused, Err(ParseError::UnpacksTooLarge { limit: LIMIT }));
            assert!(is_refused, "{:?}: {refused:?}", bomb.dict);
        }
    }

    #[test]
    fn what_is_taken_is_what_lopdf_makes_of_it() {
        const BYTES: usize = 40_000;
        for packed in packed(&vec![0; BYTES]) {
            let mut budget = Budget::new(LIMIT);
            budget.take(&packed).unwrap();
            let taken = LIMIT - budget.left - STREAM_BYTES;
            let filters = packed.filters().unwrap().len();
            if let Some(unpacked) = packed.decompressed_content().ok().filter(|_| filters == 1) {
                // Of one that ends in an error, the last piece is lost.
                assert!(taken.abs_diff(unpacked.len() as u64) < 10_000, "{:?}: {taken}", packed.dict);
                assert!(taken >= unpacked.len() as u64, "{:?}: {taken}", packed.dict);
            } else {
                assert!(taken >= BYTES as u64, "{:?}: {taken}", packed.dict);
            }
        }
    }

    #[test]
    fn empty_streams_are_not_free() {
        let mut budget = Budget::new(10 * STREAM_BYTES);
        let empty = || stream(&["FlateDecode"], 1, Vec::new());
        assert!((0..10).all(|_| budget.take(&empty()).is_ok()));
        budget.take(&empty()).unwrap_err();
    }
}
