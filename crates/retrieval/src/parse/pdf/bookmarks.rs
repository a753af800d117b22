//! The bookmarks of a file, which name its sections and the pages they begin on.

use std::collections::{HashMap, HashSet};

use pdf_extract::{Dictionary, Document, Object, ObjectId, decode_text_string};

/// The most that are read; a manual of a thousand pages has some thousands.
const MAX_BOOKMARKS: usize = 20_000;

/// The deepest that a name is looked for in the tree of names.
const MAX_NAME_DEPTH: usize = 16;

/// A section's name and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bookmark {
    pub(super) title: String,
    /// From 1, the outermost.
    pub(super) level: u8,
    /// The page, from 0.
    pub(super) page: usize,
}

/// The bookmarks in the order of their pages. Those that lead nowhere, or around in a circle, are left out.
pub(super) fn read(document: &Document, pages: &[ObjectId]) -> Vec<Bookmark> {
    let numbers: HashMap<ObjectId, usize> = pages.iter().copied().zip(0..).collect();
    let reader = Reader { document, numbers, names: names(document) };
    let mut found = reader.all();
    found.sort_by_key(|bookmark| bookmark.page);
    found
}

struct Reader<'a> {
    document: &'a Document,
    numbers: HashMap<ObjectId, usize>,
    names: HashMap<Vec<u8>, &'a Object>,
}

impl<'a> Reader<'a> {
    fn all(&self) -> Vec<Bookmark> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let first = |node: &'a Dictionary| node.get(b"First").and_then(Object::as_reference).ok();
        let outlines =
            self.document.catalog().and_then(|catalog| catalog.get_deref(b"Outlines", self.document));
        let root = outlines.and_then(Object::as_dict).ok().and_then(first);
        let mut pending: Vec<(ObjectId, u8)> = root.into_iter().map(|id| (id, 1)).collect();
        while let Some((id, level)) = pending.pop() {
            if !seen.insert(id) || found.len() >= MAX_BOOKMARKS {
                continue;
            }
            let Ok(node) = self.document.get_dictionary(id) else { continue };
            found.extend(self.bookmark(node, level));
            // The last pushed is the next read: first what is below, then what follows.
            pending.extend(node.get(b"Next").and_then(Object::as_reference).ok().map(|next| (next, level)));
            pending.extend(first(node).map(|below| (below, level.saturating_add(1))));
        }
        found
    }

    fn bookmark(&self, node: &'a Dictionary, level: u8) -> Option<Bookmark> {
        let title = node.get_deref(b"Title", self.document).and_then(decode_text_string).ok()?;
        let destination = node.get_deref(b"Dest", self.document).or_else(|_| {
            let action = node.get_deref(b"A", self.document).and_then(Object::as_dict)?;
            action.get_deref(b"D", self.document)
        });
        let page = self.page(destination.ok()?)?;
        Some(Bookmark { title, level, page })
    }

    /// The page of a destination: an array that begins with it, or a name for one (ISO 32000-2, §12.3.2).
    fn page(&self, destination: &'a Object) -> Option<usize> {
        let mut destination = destination;
        for _ in 0..4 {
            match destination {
                Object::Array(parts) => {
                    return self.numbers.get(&parts.first()?.as_reference().ok()?).copied();
                }
                Object::Dictionary(around) => destination = around.get_deref(b"D", self.document).ok()?,
                Object::String(name, _) | Object::Name(name) => destination = self.names.get(name)?,
                Object::Reference(id) => destination = self.document.get_object(*id).ok()?,
                _ => return None,
            }
        }
        None
    }
}

/// The named destinations: the catalog's `Dests`, and the tree below `Names`.
fn names(document: &Document) -> HashMap<Vec<u8>, &Object> {
    let mut names = HashMap::new();
    let Ok(catalog) = document.catalog() else { return names };
    if let Ok(dests) = catalog.get_deref(b"Dests", document).and_then(Object::as_dict) {
        names.extend(dests.iter().map(|(name, place)| (name.clone(), place)));
    }
    let tree = catalog.get_deref(b"Names", document).and_then(Object::as_dict);
    let tree = tree.and_then(|names| names.get_deref(b"Dests", document)).and_then(Object::as_dict);
    let mut pending: Vec<(&Dictionary, usize)> = tree.ok().map(|tree| (tree, 0)).into_iter().collect();
    // Sixteen nodes, each of which names the next a thousand times, would else be 1000¹⁶.
    let mut seen = HashSet::new();
    while let Some((node, depth)) = pending.pop() {
        if let Ok(pairs) = node.get_deref(b"Names", document).and_then(Object::as_array) {
            for pair in pairs.chunks_exact(2) {
                if let Ok(name) = pair[0].as_str() {
                    names.insert(name.to_vec(), &pair[1]);
                }
            }
        }
        let full =
            names.len() >= MAX_BOOKMARKS * 10 || pending.len() >= MAX_BOOKMARKS || depth >= MAX_NAME_DEPTH;
        if let (false, Ok(kids)) = (full, node.get_deref(b"Kids", document).and_then(Object::as_array)) {
            let kids = kids.iter().filter_map(|kid| kid.as_reference().ok()).filter(|kid| seen.insert(*kid));
            pending
                .extend(kids.filter_map(|kid| document.get_dictionary(kid).ok()).map(|kid| (kid, depth + 1)));
        }
    }
    names
}
