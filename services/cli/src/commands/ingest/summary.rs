//! What a run did, for people and for programs.

use autri_retrieval::RemovedCounts;
use autri_retrieval::ingest::{IngestReport, NotPruned, OTHER_EXTENSIONS, PartlyScanned};
use serde_json::{Value, json};

use crate::output::{self, counted};

/// What a person wants to know of a run's documents, line by line: what is wrong first, since the end of a long list is what
/// stays on a screen.
pub(crate) fn details(report: &IngestReport) -> Vec<String> {
    let mut lines = Vec::new();
    for failure in &report.failures {
        lines.push(format!("failed: {}: {}", failure.name, failure.reason));
    }
    lines.extend(unnamed("failed", report.failed, report.failures.len()));
    lines.extend(report.empty_names.iter().map(|name| format!("without text: {name}")));
    lines.extend(unnamed("without text", report.empty, report.empty_names.len()));
    lines.extend(report.partly_scanned_documents.iter().map(partly_scanned));
    lines.extend(unnamed("partly scanned", report.partly_scanned, report.partly_scanned_documents.len()));
    lines.extend(report.guessed_names.iter().map(|name| {
        format!(
            "read as windows-1252, for it is not UTF-8: {name}; save it as UTF-8 if it is in another encoding"
        )
    }));
    lines.extend(unnamed("read as windows-1252", report.guessed, report.guessed_names.len()));
    lines.extend(report.vanished_names.iter().map(|name| format!("gone before it could be read: {name}")));
    lines.extend(unnamed("gone before it could be read", report.vanished, report.vanished_names.len()));
    if report.removed.undecodable > 0 {
        let characters = counted(report.removed.undecodable, "character");
        lines.push(format!("not decodable, and stored as \u{fffd}: {characters}; is a file not UTF-8?"));
    }
    let removed = removed(&report.removed);
    if !removed.is_empty() {
        lines.push(format!("removed, because people would not see it: {}", removed.join(", ")));
    }
    let passed_over = passed_over(report);
    if !passed_over.is_empty() {
        lines.push(format!("passed over: {}", passed_over.join(", ")));
    }
    for not_pruned in &report.not_pruned {
        let (folder, reason) = not_pruned_reason(not_pruned);
        lines.push(format!("nothing pruned of {folder}: {reason}"));
    }
    if report.interrupted {
        lines.push("interrupted before all was done: run it again to go on".to_owned());
    }
    lines
}

fn partly_scanned(document: &PartlyScanned) -> String {
    let PartlyScanned { name, pages_without_text, pages } = document;
    let pages = counted(*pages, "page");
    format!(
        "partly scanned: {name}: {pages_without_text} of {pages} without text; run OCR to have them found"
    )
}

fn unnamed(what: &str, count: u64, named: usize) -> Option<String> {
    let unnamed = count.saturating_sub(named as u64);
    (unnamed > 0).then(|| format!("{what}: {unnamed} more, which are not named"))
}

/// All of a run in a line: `2 new, 1 failed (9 chunks, 7 embedded) in 1.2 s: 7 chunks/s, 4 documents/s`.
pub(crate) fn counts(report: &IngestReport) -> String {
    let counts = [
        (report.new, "new"),
        (report.updated, "updated"),
        (report.unchanged, "unchanged"),
        (report.pruned, "pruned"),
        (report.empty, "without text"),
        (report.vanished, "gone"),
        (report.failed, "failed"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    let chunks = match (report.chunks, report.embedded_chunks) {
        (0, _) => String::new(),
        (chunks, 0) => format!(" ({})", counted(chunks, "chunk")),
        (chunks, embedded) => format!(" ({}, {embedded} embedded)", counted(chunks, "chunk")),
    };
    let rates = [(report.chunks, "chunks"), (report.documents(), "documents")]
        .map(|(count, what)| output::rate(count, report.elapsed).map(|rate| format!("{rate} {what}/s")));
    let rates: Vec<String> = rates.into_iter().flatten().collect();
    let rates = if rates.is_empty() { String::new() } else { format!(": {}", rates.join(", ")) };
    format!("{counts}{chunks} in {:.1} s{rates}", report.elapsed.as_secs_f64())
}

fn removed(removed: &RemovedCounts) -> Vec<String> {
    let kinds = [
        (removed.hidden_elements, "hidden element"),
        (removed.bidi, "bidirectional control"),
        (removed.zero_width, "zero-width character"),
        (removed.tag, "tag character"),
        (removed.variation, "variation selector"),
        (removed.control, "control character"),
        (removed.comments, "comment"),
    ];
    kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(*count, what)).collect()
}

fn passed_over(report: &IngestReport) -> Vec<String> {
    let files = report.not_documents.iter().map(|(extension, count)| match extension.as_str() {
        "" => format!("{count} without extension"),
        OTHER_EXTENSIONS => format!("{count} with other extensions"),
        extension => format!("{count} .{}", extension.escape_debug()),
    });
    let symlinks = (report.symlinks > 0).then(|| counted(report.symlinks, "symbolic link"));
    files.chain(symlinks).collect()
}

fn not_pruned_reason(not_pruned: &NotPruned) -> (&str, &'static str) {
    match not_pruned {
        NotPruned::NotListed { folder } => (folder, "not all of it could be listed"),
        NotPruned::NothingFound { folder } => (folder, "no document was found in it"),
    }
}

pub(super) fn as_json(report: &IngestReport) -> Value {
    let removed = &report.removed;
    let failures: Vec<Value> = report
        .failures
        .iter()
        .map(|failure| json!({ "name": failure.name, "reason": failure.reason }))
        .collect();
    let partly_scanned: Vec<Value> = report
        .partly_scanned_documents
        .iter()
        .map(|PartlyScanned { name, pages_without_text, pages }| {
            json!({ "name": name, "pages_without_text": pages_without_text, "pages": pages })
        })
        .collect();
    let not_pruned: Vec<Value> = report
        .not_pruned
        .iter()
        .map(not_pruned_reason)
        .map(|(folder, reason)| json!({ "folder": folder, "reason": reason }))
        .collect();
    json!({
        "new": report.new,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "unread": report.unread,
        "pruned": report.pruned,
        "empty": report.empty,
        "failed": report.failed,
        "interrupted": report.interrupted,
        "chunks": report.chunks,
        "embedded_chunks": report.embedded_chunks,
        "removed": {
            "hidden_elements": removed.hidden_elements,
            "bidi": removed.bidi,
            "zero_width": removed.zero_width,
            "tag": removed.tag,
            "variation": removed.variation,
            "control": removed.control,
            "comment": removed.comments,
            "undecodable": removed.undecodable,
        },
        "failures": failures,
        "empty_names": report.empty_names,
        "guessed": report.guessed,
        "guessed_names": report.guessed_names,
        "vanished": report.vanished,
        "vanished_names": report.vanished_names,
        "partly_scanned": report.partly_scanned,
        "partly_scanned_documents": partly_scanned,
        "not_pruned": not_pruned,
        "not_documents": report.not_documents,
        "symlinks": report.symlinks,
        "elapsed_ms": u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use autri_retrieval::ingest::Failure;

    use super::*;

    fn failure() -> Failure {
        Failure { name: "a.epub".to_owned(), reason: "e-book is not supported yet".to_owned() }
    }

    fn scanned() -> PartlyScanned {
        PartlyScanned { name: "b.pdf".to_owned(), pages_without_text: 6, pages: 8 }
    }

    #[test]
    fn programs_are_told_of_pages_without_text() {
        let report = IngestReport {
            partly_scanned: 1,
            partly_scanned_documents: vec![scanned()],
            ..IngestReport::default()
        };
        let told = as_json(&report);
        let document = json!({ "name": "b.pdf", "pages_without_text": 6, "pages": 8 });
        assert_eq!(told["partly_scanned"], 1);
        assert_eq!(told["partly_scanned_documents"], json!([document]));
    }

    #[test]
    fn the_last_line_says_it_all_and_those_before_what_is_wrong() {
        let report = IngestReport {
            new: 2,
            unchanged: 3,
            chunks: 9,
            embedded_chunks: 7,
            removed: RemovedCounts { bidi: 4, undecodable: 1, ..RemovedCounts::default() },
            empty: 1,
            empty_names: vec!["blank.md".to_owned()],
            partly_scanned: 2,
            partly_scanned_documents: vec![scanned()],
            failed: 1,
            failures: vec![failure()],
            not_pruned: vec![NotPruned::NothingFound { folder: "docs".to_owned() }],
            not_documents: BTreeMap::from([("png".to_owned(), 5), (String::new(), 1)]),
            symlinks: 1,
            elapsed: Duration::from_millis(1_250),
            ..IngestReport::default()
        };
        assert_eq!(
            counts(&report),
            "2 new, 3 unchanged, 1 without text, 1 failed (9 chunks, 7 embedded) in 1.2 s: 7 chunks/s, 5 documents/s"
        );
        assert_eq!(
            details(&report),
            [
                "failed: a.epub: e-book is not supported yet",
                "without text: blank.md",
                "partly scanned: b.pdf: 6 of 8 pages without text; run OCR to have them found",
                "partly scanned: 1 more, which are not named",
                "not decodable, and stored as \u{fffd}: 1 character; is a file not UTF-8?",
                "removed, because people would not see it: 4 bidirectional controls",
                "passed over: 1 without extension, 5 .png, 1 symbolic link",
                "nothing pruned of docs: no document was found in it",
            ]
        );
    }

    #[test]
    fn what_somebody_should_look_at_is_named_to_people_and_programs() {
        let report = IngestReport {
            new: 1,
            guessed: 1,
            guessed_names: vec!["koi8.txt".to_owned()],
            vanished: 1,
            vanished_names: vec!["draft.md".to_owned()],
            ..IngestReport::default()
        };
        assert_eq!(
            details(&report),
            [
                "read as windows-1252, for it is not UTF-8: koi8.txt; save it as UTF-8 if it is in another encoding",
                "gone before it could be read: draft.md",
            ]
        );
        assert_eq!(counts(&report), "1 new, 1 gone in 0.0 s");
        let json = as_json(&report);
        assert_eq!((&json["guessed"], &json["guessed_names"]), (&json!(1), &json!(["koi8.txt"])));
        assert_eq!((&json["vanished"], &json["vanished_names"]), (&json!(1), &json!(["draft.md"])));
    }

    #[test]
    fn what_is_not_named_is_counted() {
        let report = IngestReport {
            failed: 3,
            failures: vec![failure()],
            not_documents: BTreeMap::from([(OTHER_EXTENSIONS.to_owned(), 7)]),
            interrupted: true,
            ..IngestReport::default()
        };
        assert_eq!(
            details(&report),
            [
                "failed: a.epub: e-book is not supported yet",
                "failed: 2 more, which are not named",
                "passed over: 7 with other extensions",
                "interrupted before all was done: run it again to go on",
            ]
        );
    }

    #[test]
    fn nothing_to_do_is_said() {
        assert_eq!(counts(&IngestReport::default()), "none in 0.0 s");
        assert_eq!(details(&IngestReport::default()), [""; 0]);
    }
}
