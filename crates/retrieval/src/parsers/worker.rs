//! The child's side: reads questions, parses, answers, until there are no more questions.

use std::fs::File;
use std::io;
use std::process;
use std::sync::mpsc;
use std::thread;

use nix::unistd::{dup, dup2_stdout};

use super::confine::{self, confine};
use super::thread::{STACK_BYTES, patience};
use super::wire::{Question, read_question, write_answer};
use super::{DocumentInput, parse_and_chunk};

/// What the child does: reads questions from stdin and answers on stdout until stdin ends.
///
/// It first takes from itself what parsing does not need: more memory than a limit, files, cores, privileges. For a
/// process that does nothing else.
///
/// # Errors
/// When it cannot so confine itself, and when the parent does not take its answers.
pub fn serve_worker() -> io::Result<()> {
    serve(|_| ())
}

/// As [`serve_worker`], but for what `trial` does with each document before it is parsed: hang, say. For tests.
#[cfg(feature = "test-worker")]
pub fn serve_worker_on_trial(trial: fn(&DocumentInput)) -> io::Result<()> {
    serve(trial)
}

fn serve(before: fn(&DocumentInput)) -> io::Result<()> {
    // A library that prints would break into an answer: its words go where the diagnostics go.
    let mut answers = File::from(dup(io::stdout())?);
    dup2_stdout(io::stderr())?;
    confine()?;
    for (question, bytes) in questions()? {
        let Question { number, key, title, format, limits } = question;
        let document = DocumentInput { key, title, format, source_url: None, bytes };
        confine::limit_cpu(patience(&limits))?;
        let parsing = thread::Builder::new().name("autri-parse".to_owned()).stack_size(STACK_BYTES);
        let parsing = parsing.spawn(move || {
            before(&document);
            parse_and_chunk(&document, &limits)
        })?;
        let outcome = parsing.join().unwrap_or(Err(crate::ParseError::ParserFailed(format)));
        write_answer(&mut answers, number, outcome)?;
    }
    Ok(())
}

/// The questions, read by a thread of its own. So it is noticed at once, in the midst of a document too, when nobody
/// waits for the answer any more: the other end of stdin is closed with the parent, however that ends.
fn questions() -> io::Result<mpsc::Receiver<(Question, Vec<u8>)>> {
    let (sender, questions) = mpsc::sync_channel(0);
    thread::Builder::new().name("autri-questions".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            match read_question(&mut input) {
                Ok(Some(question)) => {
                    if sender.send(question).is_err() {
                        return;
                    }
                }
                Ok(None) => process::exit(0),
                Err(_) => process::exit(1),
            }
        }
    })?;
    Ok(questions)
}
