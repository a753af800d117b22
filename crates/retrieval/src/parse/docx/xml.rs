//! A part's XML, event by event, within bounds on depth and time.
//!
//! What comes out is what Word goes by: of alternatives the one that it takes, and nothing of what it does not understand
//! (ECMA-376 part 3). What is in an ignorable element is left out even where `mc:ProcessContent` would keep it.

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};

use super::namespaces::Space;
use crate::limits::Deadline;
use crate::parse::{Flaw, ParseError};

/// The deepest nesting. A table within a table within a text box takes some thirty levels.
pub(super) const MAX_DEPTH: usize = 512;

/// How many events pass between two looks at the clock.
const EVENTS_BETWEEN_CHECKS: u32 = 4096;

/// The most namespaces that an element and those around it declare: each name is looked for among them. Word declares
/// some forty.
const MAX_NAMESPACES: usize = 256;

const NOT_WELL_FORMED: ParseError = ParseError::Broken(Flaw::Xml);

/// What stands next in a part.
pub(super) enum Item<'a> {
    Open(Element<'a>),
    Close,
    Text(Cow<'a, str>),
}

/// An element's beginning.
pub(super) struct Element<'a> {
    start: BytesStart<'a>,
    space: Space,
    namespaces: &'a NamespaceResolver,
}

/// What an open element is to those within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Element,
    /// Alternatives, and whether one was taken.
    Alternatives {
        is_chosen: bool,
    },
    /// The alternative that was taken. What stands in it stands in place of the alternatives.
    Chosen,
}

/// A part that is read from its beginning to its end.
pub(super) struct Part<'a> {
    reader: NsReader<&'a [u8]>,
    frames: Vec<Frame>,
    /// How many elements are open that are passed over.
    skipped: usize,
    events: u32,
    deadline: Deadline,
}

impl<'a> Part<'a> {
    pub(super) fn new(xml: &'a str, deadline: Deadline) -> Self {
        let mut reader = NsReader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
        Self { reader, frames: Vec::new(), skipped: 0, events: 0, deadline }
    }

    /// The next item, or nothing at the part's end.
    pub(super) fn next(&mut self) -> Result<Option<Item<'_>>, ParseError> {
        loop {
            self.events += 1;
            if self.events.is_multiple_of(EVENTS_BETWEEN_CHECKS) {
                self.deadline.check()?;
            }
            let text = match self.reader.read_event().map_err(|_| NOT_WELL_FORMED)? {
                Event::Start(start) | Event::Empty(start) => match self.open(&start)? {
                    Some(space) => {
                        let namespaces = self.reader.resolver();
                        return Ok(Some(Item::Open(Element { start, space, namespaces })));
                    }
                    None => continue,
                },
                Event::End(_) if self.close() => return Ok(Some(Item::Close)),
                Event::Text(text) => text.into_inner(),
                Event::CData(text) => text.into_inner(),
                Event::GeneralRef(reference) => {
                    match reference.resolve_char_ref().map_err(|_| NOT_WELL_FORMED)? {
                        Some(char) => char.to_string(),
                        // Without a document type there are five others (XML 1.0 §4.6).
                        None => predefined(&reference.into_inner()).ok_or(NOT_WELL_FORMED)?.to_owned(),
                    }
                    .into()
                }
                Event::DocType(_) => return Err(ParseError::Broken(Flaw::Doctype)),
                Event::End(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof if !self.frames.is_empty() || self.skipped > 0 => return Err(NOT_WELL_FORMED),
                Event::Eof => return Ok(None),
            };
            // Between alternatives there is no text.
            let is_between = matches!(self.frames.last(), Some(Frame::Alternatives { .. }));
            if self.skipped == 0 && !is_between {
                return Ok(Some(Item::Text(text)));
            }
        }
    }

    /// Takes an element in, and says of which namespace it is if it is to be read.
    fn open(&mut self, start: &BytesStart<'_>) -> Result<Option<Space>, ParseError> {
        if self.frames.len() + self.skipped >= MAX_DEPTH {
            return Err(ParseError::NestedTooDeeply { limit: MAX_DEPTH });
        }
        if self.skipped > 0 {
            self.skipped += 1;
            return Ok(None);
        }
        let (namespace, name) = self.reader.resolver().resolve_element(start.name());
        let space = space_of(&namespace);
        let frame = match (space, name.into_inner()) {
            (Some(Space::Compatibility), "AlternateContent") => {
                Some(Frame::Alternatives { is_chosen: false })
            }
            (Some(Space::Compatibility), name @ ("Choice" | "Fallback")) => {
                let is_understood = name == "Fallback" || understands(start, self.reader.resolver());
                match self.frames.last_mut() {
                    Some(Frame::Alternatives { is_chosen }) if is_understood && !*is_chosen => {
                        *is_chosen = true;
                        Some(Frame::Chosen)
                    }
                    _ => None,
                }
            }
            (Some(space), _) if space.is_read() => match self.frames.last() {
                Some(Frame::Alternatives { .. }) => None,
                _ => Some(Frame::Element),
            },
            _ => None,
        };
        match frame {
            Some(frame) => self.frames.push(frame),
            None => self.skipped = 1,
        }
        Ok(space.filter(|_| frame == Some(Frame::Element)))
    }

    /// Leaves an element, and says whether it was one that was read.
    fn close(&mut self) -> bool {
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        self.frames.pop() == Some(Frame::Element)
    }
}

/// Whether all namespaces that an alternative requires are known, of which it gives the prefixes (ECMA-376 part 3, Choice).
fn understands(choice: &BytesStart<'_>, namespaces: &NamespaceResolver) -> bool {
    let Some(required) = find(choice, |name| name.as_ref() == "Requires") else { return false };
    let is_known = |prefix: &str| {
        let name = format!("{prefix}:name");
        space_of(&namespaces.resolve_attribute(QName(&name)).0).is_some()
    };
    let mut prefixes = required.split_whitespace().peekable();
    prefixes.peek().is_some() && prefixes.all(is_known)
}

fn space_of(namespace: &ResolveResult<'_>) -> Option<Space> {
    match namespace {
        ResolveResult::Bound(namespace) => Space::of(namespace.into_inner()),
        ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
    }
}

fn predefined(entity: &str) -> Option<&'static str> {
    quick_xml::escape::resolve_xml_entity(entity)
}

fn find(element: &BytesStart<'_>, is_wanted: impl Fn(QName<'_>) -> bool) -> Option<String> {
    // Word's own have no duplicates, and looking for them takes time that grows with the square of their number.
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| is_wanted(attribute.key))?;
    quick_xml::escape::unescape(&found.value).ok().map(Cow::into_owned)
}

impl Element<'_> {
    pub(super) const fn space(&self) -> Space {
        self.space
    }

    /// Its name without the prefix. It means something together with [`Element::space`].
    pub(super) fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// Its name if it is one of Word's own.
    pub(super) fn word_name(&self) -> Option<&str> {
        (self.space == Space::Word).then(|| self.name())
    }

    /// An attribute of Word's own.
    pub(super) fn attribute(&self, wanted: &str) -> Option<String> {
        self.attribute_of(Space::Word, wanted)
    }

    /// The id of the relationship that it refers to.
    pub(super) fn relationship(&self) -> Option<String> {
        self.attribute_of(Space::References, "id")
    }

    fn attribute_of(&self, space: Space, wanted: &str) -> Option<String> {
        find(&self.start, |name| {
            name.local_name().into_inner() == wanted
                && space_of(&self.namespaces.resolve_attribute(name).0) == Some(space)
        })
    }

    /// An attribute without a namespace, as the package's own have none.
    pub(super) fn plain_attribute(&self, wanted: &str) -> Option<String> {
        find(&self.start, |name| name.as_ref() == wanted)
    }

    /// The attribute `val`, which is what most of Word's properties are.
    pub(super) fn value(&self) -> Option<String> {
        self.attribute("val")
    }

    /// Whether a property that is on unless it says otherwise is on (ECMA-376 part 1, §22.9.2.7).
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.value().as_deref(), Some("0" | "false" | "off"))
    }
}
