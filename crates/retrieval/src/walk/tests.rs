use std::fs;

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn keys(found: &FoundFiles) -> Vec<&str> {
    found.files.iter().map(|file| file.key.as_str()).collect()
}

#[test]
fn a_folder_gives_its_documents_in_order() {
    let folder = folder(&[
        ("b.md", ""),
        ("a/z.html", ""),
        ("a/README", ""),
        (".hidden.md", ""),
        (".git/x.md", ""),
        ("ignored/x.md", ""),
        (".gitignore", "ignored/\n*.tmp.md\n"),
        ("y.tmp.md", ""),
        ("logo.png", ""),
        ("report.pdf", ""),
    ]);
    let found = find_files(&[folder.path().to_owned()], None).unwrap();
    assert_eq!(keys(&found), ["a/README", "a/z.html", "b.md"]);
    assert_eq!(found.not_documents, BTreeMap::from([("png".to_owned(), 1)]));
    assert_eq!(found.problems.len(), 1);
    assert_eq!(
        found.problems[0].reason.to_string(),
        "PDF is not supported yet; Markdown, plain text and HTML are"
    );
    assert!(found.files.iter().all(|file| file.modified.is_some() && file.source_url.is_none()));
}

#[test]
fn a_named_file_is_taken_even_if_hidden() {
    let folder = folder(&[(".notes.md", ""), ("main.rs", "")]);
    let found = find_files(&[folder.path().join(".notes.md"), folder.path().join("main.rs")], None).unwrap();
    assert_eq!(keys(&found), [".notes.md"]);
    assert!(matches!(found.problems[0].reason, FileProblemReason::NotADocument));
}

#[test]
fn a_missing_path_is_named() {
    let error = find_files(&[PathBuf::from("no/such/place")], None).unwrap_err();
    assert_eq!(error.to_string(), "no/such/place does not exist or cannot be read");
}

#[test]
fn two_files_of_one_key_are_reported() {
    let (one, other) = (folder(&[("a.md", "")]), folder(&[("a.md", "")]));
    let found = find_files(&[one.path().to_owned(), other.path().to_owned()], None).unwrap();
    assert_eq!(keys(&found), ["a.md"]);
    assert!(matches!(&found.problems[0].reason, FileProblemReason::SameKey { key, .. } if key == "a.md"));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let (outside, inside) = (folder(&[("secret.md", "x")]), folder(&[("a.md", "")]));
    std::os::unix::fs::symlink(outside.path(), inside.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.md"), inside.path().join("b.md")).unwrap();
    let found = find_files(&[inside.path().to_owned()], None).unwrap();
    assert_eq!((keys(&found), found.symlinks), (vec!["a.md"], 2));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_text_have_keys_and_links() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder(&[]);
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9 \xc3\xa9\n.md")), "").unwrap();
    let base: SourceBaseUrl = "https://example.com/docs/".parse().unwrap();
    let found = find_files(&[folder.path().to_owned()], Some(&base)).unwrap();
    assert_eq!(keys(&found), ["caf%E9 é%0A.md"]);
    assert_eq!(found.files[0].source_url.as_deref(), Some("https://example.com/docs/caf%E9%20%C3%A9%0A.md"));
}

#[test]
fn links_are_below_the_base() {
    let folder = folder(&[("a b/c#d?.md", "")]);
    for base in ["https://example.com/docs", "https://example.com/docs/"] {
        let base: SourceBaseUrl = base.parse().unwrap();
        let found = find_files(&[folder.path().to_owned()], Some(&base)).unwrap();
        assert_eq!(found.files[0].source_url.as_deref(), Some("https://example.com/docs/a%20b/c%23d%3F.md"));
    }
}

#[test]
fn only_plain_web_addresses_are_bases() {
    for bad in [
        "javascript:alert(1)",
        "file:///etc",
        "ftp://example.com",
        "https://user:secret@example.com",
        "https://user@example.com",
        "https://example.com/?q=1",
        "https://example.com/#x",
        "example.com",
        "",
    ] {
        assert!(bad.parse::<SourceBaseUrl>().is_err(), "{bad}");
    }
}

#[test]
fn a_file_is_read_up_to_its_limit() {
    let folder = folder(&[("a.md", "0123456789")]);
    let limits = Limits { max_file_bytes: 4, ..Limits::default() };
    assert_eq!(read_file(&folder.path().join("a.md"), &limits).unwrap(), b"01234");
}
