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

/// All that was found, by kind.
#[derive(Debug, Default)]
struct Found {
    files: Vec<SourceFile>,
    problems: Vec<FileProblem>,
    not_documents: Vec<String>,
    symlinks: u64,
}

fn walk(root: &Path, base_url: Option<&SourceBaseUrl>) -> Found {
    let mut all = Found::default();
    for found in Walk::of(root, base_url).unwrap() {
        match found {
            FoundFile::Document(file) => all.files.push(file),
            FoundFile::Problem(problem) => all.problems.push(problem),
            FoundFile::NotADocument(extension) => all.not_documents.push(extension),
            FoundFile::Symlink => all.symlinks += 1,
        }
    }
    all
}

fn keys(found: &Found) -> Vec<&str> {
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
        ("report.pptx", ""),
        ("manual.pdf", ""),
    ]);
    let found = walk(folder.path(), None);
    assert_eq!(keys(&found), ["a/README", "a/z.html", "b.md", "manual.pdf"]);
    assert_eq!(found.not_documents, ["png"]);
    assert_eq!(found.problems.len(), 1);
    assert_eq!(
        found.problems[0].reason.to_string(),
        "PowerPoint is not supported yet; Markdown, plain text, HTML, PDF and Word (.docx) are"
    );
    assert!(found.files.iter().all(|file| file.modified.is_some() && file.source_url.is_none()));
}

#[test]
fn a_named_file_is_taken_even_if_hidden() {
    let folder = folder(&[(".notes.md", "text"), ("main.rs", "")]);
    let found = walk(&folder.path().join(".notes.md"), None);
    assert_eq!((keys(&found), found.files[0].size), (vec![".notes.md"], 4));
    let found = walk(&folder.path().join("main.rs"), None);
    assert!(matches!(found.problems[0].reason, FileProblemReason::NotADocument));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let (outside, inside) = (folder(&[("secret.md", "x")]), folder(&[("a.md", "")]));
    std::os::unix::fs::symlink(outside.path(), inside.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.md"), inside.path().join("b.md")).unwrap();
    let found = walk(inside.path(), None);
    assert_eq!((keys(&found), found.symlinks), (vec!["a.md"], 2));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_text_have_keys_and_links() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder(&[]);
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9 \xc3\xa9\n.md")), "").unwrap();
    let base: SourceBaseUrl = "https://example.com/docs/".parse().unwrap();
    let found = walk(folder.path(), Some(&base));
    assert_eq!(keys(&found), ["caf%E9 é%0A.md"]);
    assert_eq!(found.files[0].source_url.as_deref(), Some("https://example.com/docs/caf%E9%20%C3%A9%0A.md"));
}

#[test]
fn links_are_below_the_base() {
    let folder = folder(&[("a b/c#d?.md", "")]);
    for base in ["https://example.com/docs", "https://example.com/docs/"] {
        let base: SourceBaseUrl = base.parse().unwrap();
        let found = walk(folder.path(), Some(&base));
        assert_eq!(found.files[0].source_url.as_deref(), Some("https://example.com/docs/a%20b/c%23d%3F.md"));
    }
}

#[test]
fn no_link_leads_out_of_the_base() {
    let base: SourceBaseUrl = "https://example.com/docs".parse().unwrap();
    let join = |path: &str| base.join(path.split('/').map(str::as_bytes));
    assert_eq!(join("a/b.md").as_deref(), Some("https://example.com/docs/a/b.md"));
    for path in ["../a.md", "a/./b.md", "a/.."] {
        assert_eq!(join(path), None, "{path}");
    }
    assert_eq!(join(&"x".repeat(4_000)), None, "longer than a link may be");
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
    for found_in in [None, Some(folder.path())] {
        assert_eq!(read_file(&folder.path().join("a.md"), found_in, 4).unwrap(), b"01234");
    }
}

/// Who may write in a folder must not have files read that lie elsewhere, nor stall the run.
#[test]
fn what_takes_a_files_place_after_it_was_found_is_not_read() {
    let outside = folder(&[("secret.md", "secret"), ("sub/secret.md", "secret")]);
    let inside = folder(&[("a.md", ""), ("sub/secret.md", ""), ("pipe.md", ""), ("folder.md", "")]);
    let found = walk(inside.path(), None).files;
    assert_eq!(found.len(), 4);
    let at = |name: &str| inside.path().join(name);
    for name in ["a.md", "pipe.md", "folder.md"] {
        fs::remove_file(at(name)).unwrap();
    }
    fs::remove_dir_all(at("sub")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.md"), at("a.md")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("sub"), at("sub")).unwrap();
    nix::unistd::mkfifo(&at("pipe.md"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(at("folder.md")).unwrap();
    for file in found {
        let error = read_file(&file.path, file.found_in.as_deref(), 100).unwrap_err();
        let expected = "a link or something else that is no file took its place after it was found";
        assert_eq!(error.to_string(), expected, "{}", file.key);
    }
}

#[test]
fn a_link_that_was_given_is_followed() {
    let outside = folder(&[("docs/a.md", "text")]);
    let links = folder(&[]);
    for (link, target) in [("docs", "docs"), ("named.md", "docs/a.md")] {
        let link = links.path().join(link);
        std::os::unix::fs::symlink(outside.path().join(target), &link).unwrap();
        let found = walk(&link, None);
        let [file] = &found.files[..] else { panic!("{found:?}") };
        assert_eq!(read_file(&file.path, file.found_in.as_deref(), 100).unwrap(), b"text", "{}", file.key);
    }
}

/// What an ignore file names must not come in because the file cannot be read.
#[test]
fn a_folder_with_an_unusable_ignore_file_is_passed_over() {
    // What is walked last, too.
    for bad in ["bad", "very-bad"] {
        an_unusable_ignore_file_in(bad);
    }
}

fn an_unusable_ignore_file_in(bad: &str) {
    let [secret, deep] = ["secret.md", "deep/x.md"].map(|name| format!("{bad}/{name}"));
    let folder = folder(&[("good.md", ""), (&secret, ""), (&deep, "")]);
    let ignore_file = folder.path().join(bad).join(".gitignore");
    let is_passed_over = |why: &str| {
        let found = walk(folder.path(), None);
        assert_eq!(keys(&found), ["good.md"], "{why}");
        let [problem] = found.problems.as_slice() else { panic!("{why}: {:?}", found.problems) };
        assert_eq!(problem.path, ignore_file, "{why}");
        assert!(matches!(problem.reason, FileProblemReason::Unreadable(_)), "{why}");
    };
    fs::write(&ignore_file, b"caf\xe9\nsecret.md\n").unwrap();
    is_passed_over("not UTF-8");
    fs::write(&ignore_file, "a{b\nsecret.md\n").unwrap();
    is_passed_over("no pattern");
    fs::write(&ignore_file, vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    is_passed_over("too large");
    fs::remove_file(&ignore_file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &ignore_file).unwrap();
    is_passed_over("a device without end");

    let root = walk(&folder.path().join(bad), None);
    assert_eq!((keys(&root).len(), root.problems.len()), (0, 1), "the given folder as well");
    fs::remove_file(&ignore_file).unwrap();
    fs::write(&ignore_file, "secret.md\n").unwrap();
    let mut expected = [&*deep, "good.md"];
    expected.sort_unstable();
    assert_eq!(keys(&walk(folder.path(), None)), expected);
}

/// Others may write there, and what is ignored counts as gone.
#[test]
fn ignore_files_above_the_folder_do_not_count() {
    let folder = folder(&[(".gitignore", "*\n"), ("docs/a.md", "")]);
    assert_eq!(keys(&walk(&folder.path().join("docs"), None)), ["a.md"]);
}
