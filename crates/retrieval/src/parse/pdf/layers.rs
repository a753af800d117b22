//! Layers: parts of a document that can be switched off (ISO 32000-2, §8.11, "optional content").
//!
//! What counts is how a viewer opens the document: by its default configuration. Expressions (`VE`) and states that change
//! with zoom, language or printing (`AS`) are not followed.

use std::collections::HashSet;

use pdf_extract::{Dictionary, Document, Object, ObjectId};

/// The most groups of a membership that are looked at.
const MAX_GROUPS: usize = 1_000;

/// Which layers are off.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// All but these are off, else these are.
    are_off_unless_named: bool,
    named: HashSet<ObjectId>,
}

impl Layers {
    pub(super) fn of(document: &Document) -> Self {
        let dictionary = |holder: &'_ Dictionary, key: &[u8]| {
            holder.get_deref(key, document).and_then(Object::as_dict).ok().cloned()
        };
        let properties = document.catalog().ok().and_then(|catalog| dictionary(catalog, b"OCProperties"));
        let Some(default) = properties.and_then(|properties| dictionary(&properties, b"D")) else {
            return Self::default();
        };
        let base = default.get_deref(b"BaseState", document).and_then(Object::as_name);
        let are_off_unless_named = base.is_ok_and(|base| base == b"OFF");
        let key: &[u8] = if are_off_unless_named { b"ON" } else { b"OFF" };
        let named = default.get_deref(key, document).and_then(Object::as_array);
        let named = named.into_iter().flatten().filter_map(|group| group.as_reference().ok()).collect();
        Self { are_off_unless_named, named }
    }

    /// Whether what belongs to this, by its entry `OC`, is not shown.
    pub(super) fn hide(&self, document: &Document, belongs_to: &Object) -> bool {
        let Ok((id, Object::Dictionary(dictionary))) = document.dereference(belongs_to) else { return false };
        let kind = dictionary.get_deref(b"Type", document).and_then(Object::as_name);
        if kind.is_ok_and(|kind| kind == b"OCMD") {
            self.hide_member(document, dictionary)
        } else {
            id.is_some_and(|id| self.is_off(id))
        }
    }

    /// By the states of several layers together (ISO 32000-2, table 97).
    fn hide_member(&self, document: &Document, membership: &Dictionary) -> bool {
        let Ok(groups) = membership.get(b"OCGs") else { return false };
        let array = document.dereference(groups).ok().and_then(|(_, groups)| groups.as_array().ok());
        let groups = array.map_or(std::slice::from_ref(groups), Vec::as_slice);
        let groups = groups.iter().take(MAX_GROUPS).filter_map(|group| group.as_reference().ok());
        let are_off: Vec<bool> = groups.map(|group| self.is_off(group)).collect();
        if are_off.is_empty() {
            return false;
        }
        let all = |off: bool| are_off.iter().all(|is_off| *is_off == off);
        match membership.get_deref(b"P", document).and_then(Object::as_name) {
            Ok(b"AllOn") => !all(false),
            Ok(b"AnyOff") => all(false),
            Ok(b"AllOff") => !all(true),
            _ => all(true),
        }
    }

    fn is_off(&self, group: ObjectId) -> bool {
        self.named.contains(&group) != self.are_off_unless_named
    }
}
