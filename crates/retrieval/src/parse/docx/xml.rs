//! A part's XML, event by event, within bounds on depth and time.
//!
//! Names are taken without their prefix: in the parts that are read, a local name has one meaning, but for those that
//! their parent tells apart.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::limits::Deadline;
use crate::parse::{Flaw, ParseError};

/// The deepest nesting. A table within a table within a text box takes some thirty levels.
pub(super) const MAX_DEPTH: usize = 512;

/// How many events pass between two looks at the clock.
const EVENTS_BETWEEN_CHECKS: u32 = 4096;

/// What stands next in a part.
pub(super) enum Item<'a> {
    Open(BytesStart<'a>),
    Close,
    Text(Cow<'a, str>),
}

/// A part that is read from its beginning to its end.
pub(super) struct Part<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    events: u32,
    deadline: Deadline,
}

impl<'a> Part<'a> {
    pub(super) fn new(xml: &'a str, deadline: Deadline) -> Self {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0, events: 0, deadline }
    }

    /// The next item, or nothing at the part's end.
    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, ParseError> {
        const FLAW: ParseError = ParseError::Broken(Flaw::Xml);
        loop {
            self.events += 1;
            if self.events.is_multiple_of(EVENTS_BETWEEN_CHECKS) {
                self.deadline.check()?;
            }
            let item = match self.reader.read_event().map_err(|_| FLAW)? {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(ParseError::NestedTooDeeply { limit: MAX_DEPTH });
                    }
                    Item::Open(start)
                }
                Event::End(_) => {
                    self.depth -= 1;
                    Item::Close
                }
                Event::Text(text) => Item::Text(text.into_inner()),
                Event::CData(text) => Item::Text(text.into_inner()),
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref().map_err(|_| FLAW)? {
                        Some(char) => char.to_string(),
                        // Without a document type there are five others (XML 1.0 §4.6).
                        None => predefined(&reference.into_inner()).ok_or(FLAW)?.to_owned(),
                    };
                    Item::Text(resolved.into())
                }
                Event::DocType(_) => return Err(ParseError::Broken(Flaw::Doctype)),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof if self.depth > 0 => return Err(FLAW),
                Event::Eof => return Ok(None),
            };
            return Ok(Some(item));
        }
    }
}

fn predefined(entity: &str) -> Option<&'static str> {
    quick_xml::escape::resolve_xml_entity(entity)
}

/// An element's attribute, by its name without prefix.
pub(super) fn attribute(element: &BytesStart<'_>, wanted: &str) -> Option<String> {
    // Word's own have no duplicates, and looking for them takes time that grows with the square of their number.
    let found = element.attributes().with_checks(false).flatten().find(|attribute| {
        let name = attribute.key.as_ref();
        name.rsplit_once(':').map_or(name, |(_, local)| local) == wanted
    })?;
    quick_xml::escape::unescape(&found.value).ok().map(Cow::into_owned)
}

/// The attribute `val`, which is what most of Word's properties are.
pub(super) fn value(element: &BytesStart<'_>) -> Option<String> {
    attribute(element, "val")
}

/// A property that is on unless it says otherwise (ECMA-376 part 1, §22.9.2.7).
pub(super) fn is_on(element: &BytesStart<'_>) -> bool {
    !matches!(value(element).as_deref(), Some("0" | "false" | "off"))
}
