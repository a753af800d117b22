//! What tells documents of one title apart: where they came from.

use autri_retrieval::sanitize;

/// A document's source key, as a reader may see it: the path below the folder that was ingested, with the folder's name, or an
/// object's address in S3. Ingest makes no other keys; should one have come into the table otherwise that names a place of the
/// operator's machine, it is not shown.
pub(crate) fn shown_path(source_key: &str) -> Option<String> {
    let path = one_line(source_key);
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    let is_absolute = path.starts_with(['/', '\\', '~']) || path.starts_with("file:") || is_drive;
    (!path.is_empty() && !is_absolute).then_some(path)
}

/// A name on one line, without what nobody sees. Ingest has cleaned it; but clients print names into terminals, and what
/// they print must not hang on how a row came into the table.
pub(crate) fn one_line(name: &str) -> String {
    let (cleaned, _) = sanitize::clean(name);
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_line_and_says_nothing_of_the_machine() {
        for (key, shown) in [
            ("handbook/hr/leave.md", Some("handbook/hr/leave.md")),
            ("s3://bucket/hr/leave.md", Some("s3://bucket/hr/leave.md")),
            ("two\nlines/\u{202e}\u{1b}[31ma.md", Some("two lines/[31ma.md")),
            ("/home/ann/leave.md", None),
            (" /home/ann/leave.md", None),
            ("\u{200b}/home/ann/leave.md", None),
            ("~/leave.md", None),
            ("C:\\Users\\ann\\leave.md", None),
            ("\\\\server\\share\\leave.md", None),
            ("file:///home/ann/leave.md", None),
            ("\u{7}", None),
        ] {
            assert_eq!(shown_path(key).as_deref(), shown, "{key:?}");
        }
    }
}
