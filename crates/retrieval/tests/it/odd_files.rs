//! A corpus of odd files, made here: bombs, cycles, lies, and what a parser's bug would do. Each is one document's named
//! error, or its text and nothing more; and a run over all of them through child processes ends, with the sound files in
//! between all parsed.

mod docx;
mod html;
pub(crate) mod pdf;

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use autri_retrieval::parsers::{DocumentInput, Parsers, PreparedDocument, WorkerCommand};
use autri_retrieval::{DocumentFormat, Limits, ParseError};
use futures_util::FutureExt as _;
use futures_util::future::join_all;

/// An odd file, and what is to come of it.
pub(crate) struct Odd {
    name: &'static str,
    format: DocumentFormat,
    bytes: Vec<u8>,
    expected: Expected,
}

pub(crate) enum Expected {
    /// The error, word for word.
    Error(&'static str),
    /// A part of its text, and what must not be in it.
    Text(&'static str, &'static str),
}

use Expected::{Error, Text};

impl Odd {
    fn docx(name: &'static str, bytes: Vec<u8>, expected: Expected) -> Self {
        Self { name, format: DocumentFormat::Docx, bytes, expected }
    }

    fn pdf(name: &'static str, bytes: Vec<u8>, expected: Expected) -> Self {
        Self { name, format: DocumentFormat::Pdf, bytes, expected }
    }

    fn html(name: &'static str, html: String, expected: Expected) -> Self {
        Self { name, format: DocumentFormat::Html, bytes: html.into_bytes(), expected }
    }

    /// What the test worker does when it sees that key.
    fn trial(name: &'static str, expected: Expected) -> Self {
        Self { name, format: DocumentFormat::Markdown, bytes: b"# Text".to_vec(), expected }
    }

    fn input(&self) -> DocumentInput {
        DocumentInput {
            key: self.name.to_owned(),
            title: None,
            format: self.format,
            source_url: None,
            bytes: self.bytes.clone(),
        }
    }

    fn check(&self, outcome: Result<PreparedDocument, ParseError>) {
        let name = self.name;
        match (&self.expected, outcome) {
            (Error(expected), Err(error)) => assert_eq!(error.to_string(), *expected, "{name}"),
            (Text(part, absent), Ok(document)) => {
                let text: String = document.chunks.iter().map(|chunk| chunk.text.as_str()).collect();
                assert!(text.contains(part), "{name}: {text:.500}");
                assert!(absent.is_empty() || !text.contains(absent), "{name}: {absent} is in it");
            }
            (Error(expected), Ok(document)) => panic!("{name}: not {expected:?} but {:?}", document.title),
            (Text(..), Err(error)) => panic!("{name}: {error}"),
        }
    }
}

/// Small, so that a bomb need not be large. Time is ample for an unoptimised build.
fn limits() -> Limits {
    Limits {
        max_unpacked_bytes: 40 * 1024 * 1024,
        max_pages: 100,
        max_parse_time: Duration::from_mins(5),
        ..Limits::default()
    }
}

/// Made once: some of it takes a while.
static CORPUS: LazyLock<Vec<Odd>> = LazyLock::new(corpus);

fn corpus() -> Vec<Odd> {
    let mut corpus = docx::odd_files();
    corpus.extend(pdf::odd_files());
    corpus.extend(pdf::costly_files());
    corpus.extend(html::odd_files());
    corpus.extend([
        Odd::html(
            "elements 100,000 deep",
            "<div>".repeat(100_000) + "text",
            Error("nested too deeply: more than 512 elements inside each other"),
        ),
        Odd::html("a table 10,000 columns wide", format!("<table><tr>{}", "<td>cell".repeat(10_000)), Text("| cell |", "")),
        Odd {
            name: "a PDF by the name of a Markdown file",
            format: DocumentFormat::Markdown,
            bytes: pdf::one_page("Text"),
            expected: Error("this is PDF, not text; name it .pdf"),
        },
        Odd {
            name: "a Word document by the name of a text",
            format: DocumentFormat::PlainText,
            bytes: docx::document("<w:p/>"),
            expected: Error("this is a Word document, not text; name it .docx"),
        },
        Odd::docx(
            "an old or protected Office file",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".repeat(100),
            Error("this is an Office document that is old or has a password, not a Word document; save it as .docx, without a password"),
        ),
        Odd::pdf("a text by the name of a PDF", b"Just text.".to_vec(), Error("this is something else, not PDF")),
        Odd::pdf("an empty file", Vec::new(), Error("this is something else, not PDF")),
    ]);
    corpus
}

/// What only a child process survives.
fn trials() -> Vec<Odd> {
    vec![
        Odd::trial(
            "abort",
            Error("the Markdown parser was ended by this file (signal: 6 (SIGABRT)); please report it"),
        ),
        Odd::trial(
            "exit",
            Error("the Markdown parser was ended by this file (exit status: 0); please report it"),
        ),
        Odd::trial("panic", Error("the Markdown parser failed on this file; please report it")),
        Odd::trial("overflow the stack", Error("nested too deeply for the Markdown parser")),
        Odd::trial("open a file", Text("Text", "")),
        Odd::trial("shout", Text("Text", "")),
        // macOS does not limit a process's memory.
        #[cfg(target_os = "linux")]
        Odd::trial("eat memory", Error("needed more than 1024 MiB of memory")),
    ]
}

fn worker(arguments: &[&str]) -> WorkerCommand {
    WorkerCommand::new(env!("CARGO_BIN_EXE_autri-test-worker"), arguments)
}

fn children(count: usize) -> Parsers {
    Parsers::in_children(worker(&[]), NonZeroUsize::new(count).unwrap())
}

fn sound() -> DocumentInput {
    DocumentInput {
        key: "sound.md".to_owned(),
        title: None,
        format: DocumentFormat::Markdown,
        source_url: Some("https://wiki.example.com/sound".to_owned()),
        bytes: "# Sound\n\n## Part\n\nWörds\u{200b} of it.\n".into(),
    }
}

#[tokio::test]
async fn each_odd_file_has_its_named_error_or_its_text() {
    let parsers = Parsers::in_process();
    for odd in CORPUS.iter() {
        odd.check(parsers.prepare(odd.input(), limits()).await);
    }
}

#[tokio::test]
async fn a_run_over_all_of_them_in_children_ends_and_loses_no_sound_file() {
    let parsers = children(1);
    let expected = Parsers::in_process().prepare(sound(), limits()).await.unwrap();
    for odd in CORPUS.iter().chain(&trials()) {
        odd.check(parsers.prepare(odd.input(), limits()).await);
        let prepared = parsers.prepare(sound(), limits()).await.unwrap();
        assert_eq!(prepared, expected, "after {}", odd.name);
    }
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_and_replaced() {
    let parsers = children(1);
    let hang = Odd::trial("hang", Error("not parsed within 0 seconds"));
    let impatient = Limits { max_parse_time: Duration::from_millis(200), ..limits() };
    hang.check(parsers.prepare(hang.input(), impatient).await);
    assert_eq!(parsers.prepare(sound(), limits()).await.unwrap().title, "Sound");
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_leaves_no_answer_behind() {
    let parsers = children(1);
    let other = DocumentInput { bytes: b"# Other\n\ntext".repeat(10_000), ..sound() };
    for _ in 0..20 {
        // Polled once: the question is on its way, and then dropped.
        assert!(parsers.prepare(other.clone(), limits()).now_or_never().is_none());
        assert_eq!(parsers.prepare(sound(), limits()).await.unwrap().title, "Sound");
    }
}

#[tokio::test]
async fn what_a_child_should_not_say_is_not_believed() {
    let unsound = "the Markdown parser gave no sound answer; please report it";
    for (argument, expected) in [("babble", unsound), ("stutter", "not parsed within 0 seconds")] {
        let parsers = Parsers::in_children(worker(&[argument]), NonZeroUsize::MIN);
        let impatient = Limits { max_parse_time: Duration::from_millis(500), ..limits() };
        let error = parsers.prepare(sound(), impatient).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{argument}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_or_is_no_worker_is_named() {
    let nowhere = Parsers::in_children(WorkerCommand::new("/nowhere/autri", [""; 0]), NonZeroUsize::MIN);
    let error = nowhere.prepare(sound(), limits()).await.unwrap_err();
    assert_eq!(error.to_string(), "no parser could be started");
    let other = Parsers::in_children(WorkerCommand::new("/bin/sh", ["-c", "exit 3"]), NonZeroUsize::MIN);
    let error = other.prepare(sound(), limits()).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 3"), "{error}");
}

#[tokio::test]
async fn a_child_sees_nothing_of_our_environment() {
    // `env` has no answer, but its diagnostics would be taken for last words; what counts is that it is empty.
    let script =
        "[ -z \"$(env | grep -v -e ^MALLOC_ARENA_MAX= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=)\" ] && exit 41";
    let parsers = Parsers::in_children(WorkerCommand::new("/bin/sh", ["-c", script]), NonZeroUsize::MIN);
    let error = parsers.prepare(sound(), limits()).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 41"), "{error}");
}

#[test]
fn a_child_that_hangs_dies_with_its_parent() {
    let question = serde_json::json!({
        "number": 1, "key": "hang", "title": null, "format": DocumentFormat::Markdown, "limits": limits(),
    });
    let question = question.to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_autri-test-worker"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lengths = [u32::try_from(question.len()).unwrap().to_le_bytes(), [0; 4]];
    stdin.write_all(&[&lengths.concat(), question.as_bytes()].concat()).unwrap();
    // The system closes it when the parent ends, however it does.
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn children_work_side_by_side_and_wear_out() {
    let parsers = children(3);
    let expected = Parsers::in_process().prepare(sound(), limits()).await.unwrap();
    // More than one child parses in its life.
    let all = (0..900).map(|_| parsers.prepare(sound(), limits()));
    for prepared in join_all(all).await {
        assert_eq!(prepared.unwrap(), expected);
    }
}
