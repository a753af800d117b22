//! Changing the allowlist's text, and nothing of it but the entry: comments, order and form stay.

use autri_aws::ParameterKind;

use crate::Entry;
use crate::allowlist::{NOBODY, items, trimmed};

/// The longest value of a standard parameter, in bytes
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>).
pub(crate) const MAX_LIST_BYTES: usize = 4_096;

/// What an edit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The list says so already.
    Unchanged,
    /// The list's new text.
    Changed(String),
}

impl Edit {
    fn applied_to(self, text: String) -> String {
        match self {
            Self::Unchanged => text,
            Self::Changed(changed) => changed,
        }
    }
}

/// A list that would not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the list would take {bytes} bytes and a standard parameter holds {MAX_LIST_BYTES}: \
     list whole domains (*@example.com), or remove entries that are no longer needed"
)]
pub struct ListTooLong {
    /// How long it would be.
    pub bytes: usize,
}

/// Adds an entry at the end, unless the very entry is there. A `StringList` is one line of items with commas between
/// them and has no comments.
///
/// # Errors
/// [`ListTooLong`] when the new text takes more than 4,096 bytes.
pub fn add_entry(text: &str, kind: ParameterKind, entry: &Entry) -> Result<Edit, ListTooLong> {
    if items(text).any(|item| is(item, entry)) {
        return Ok(Edit::Unchanged);
    }
    let added = if matches!(trimmed(text), "" | NOBODY) {
        entry.to_string()
    } else {
        match kind {
            ParameterKind::StringList => add_item(text, entry),
            ParameterKind::String | ParameterKind::SecureString if is_one_line_of_items(text) => {
                add_item(text, entry)
            }
            ParameterKind::String | ParameterKind::SecureString => add_line(text, entry),
        }
    };
    if added.len() > MAX_LIST_BYTES {
        return Err(ListTooLong { bytes: added.len() });
    }
    Ok(Edit::Changed(added))
}

/// Removes an entry wherever it stands, and its line if nothing else is on it. A list without any entry left says
/// `none`, because a parameter cannot be empty. An address may still be let in by its domain.
#[must_use]
pub fn remove_entry(text: &str, entry: &Entry) -> Edit {
    if !items(text).any(|item| is(item, entry)) {
        return Edit::Unchanged;
    }
    let mut kept = String::new();
    for (content, line_break) in lines(text) {
        match without_entry(content, entry) {
            Some(rest) => kept.extend([rest.as_str(), line_break]),
            // The last line has no break of its own: the one before it goes with it.
            None if line_break.is_empty() => kept.truncate(without_last_break(&kept).len()),
            None => {}
        }
    }
    let is_blank = items(&kept).next().is_none() && !kept.contains('#');
    Edit::Changed(if is_blank { NOBODY.to_owned() } else { kept })
}

/// What is left of a line, `None` if that is nothing.
fn without_entry(line: &str, entry: &Entry) -> Option<String> {
    let comment_at = line.find('#').unwrap_or(line.len());
    let (list, comment) = line.split_at(comment_at);
    let kept: Vec<&str> = list.split(',').filter(|item| !is(trimmed(item), entry)).collect();
    if kept.len() == list.split(',').count() {
        return Some(line.to_owned());
    }
    let rest = kept.join(",");
    if trimmed(&rest).is_empty() {
        return (!comment.is_empty()).then(|| comment.to_owned());
    }
    // White space that stood between two items is none at the beginning of a line.
    let rest = if list.starts_with(char::is_whitespace) { rest.as_str() } else { rest.trim_start() };
    Some(format!("{rest}{comment}"))
}

/// The lines, each with its break; the last one's may be empty.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let next = if rest[end..].starts_with("\r\n") { end + 2 } else { rest.len().min(end + 1) };
        let line = (!rest.is_empty()).then(|| (&rest[..end], &rest[end..next]));
        rest = &rest[next..];
        line
    })
}

fn without_last_break(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(text)
}

fn is(item: &str, entry: &Entry) -> bool {
    item.parse::<Entry>().is_ok_and(|item| item == *entry)
}

fn is_one_line_of_items(text: &str) -> bool {
    text.contains(',') && !text.contains(['\n', '\r', '#'])
}

fn add_item(text: &str, entry: &Entry) -> String {
    if text.contains('#') {
        // No StringList should have a comment, and this one's would swallow whatever follows it.
        return format!("{entry},{text}");
    }
    let text = text.trim_end();
    let separator = if text.ends_with(',') { "" } else { "," };
    format!("{text}{separator}{entry}")
}

fn add_line(text: &str, entry: &Entry) -> String {
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if text.ends_with(['\n', '\r']) {
        format!("{text}{entry}{line_break}")
    } else {
        format!("{text}{line_break}{entry}")
    }
}

/// The list's entries, in their order.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    items(text).filter_map(|item| item.parse().ok()).collect()
}

/// The text, with these entries and no others.
///
/// # Errors
/// [`ListTooLong`] when they do not fit.
pub(crate) fn with_entries(text: &str, kind: ParameterKind, wanted: &[Entry]) -> Result<String, ListTooLong> {
    let present = entries(text);
    let mut changed = text.to_owned();
    for removed in present.iter().filter(|entry| !wanted.contains(entry)) {
        changed = remove_entry(&changed, removed).applied_to(changed);
    }
    for added in wanted.iter().filter(|entry| !present.contains(entry)) {
        changed = add_entry(&changed, kind, added)?.applied_to(changed);
    }
    Ok(changed)
}

/// Whether two texts differ in the order of their entries and comments alone. Two writers who mend each other's list would
/// otherwise never agree on one.
pub(crate) fn has_same_parts(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| {
        let mut parts: Vec<&str> = text.split(['\n', '\r', ',']).map(trimmed).collect();
        parts.retain(|part| !part.is_empty());
        parts.sort_unstable();
        parts
    });
    one == other
}

#[cfg(test)]
mod tests;
