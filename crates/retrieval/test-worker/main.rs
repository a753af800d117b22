//! A parsing child for tests: as `autri parse-worker`, but that it does what a document's key asks for. So a test can have
//! a parser hang, die or babble, and what is shipped has no way to.

use std::io::{self, Write as _};
use std::process;

use autri_retrieval::parsers::{DocumentInput, serve_worker_on_trial};

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        // Says what is no answer, and waits for more.
        Some("babble") => {
            io::stdout().write_all(&[0xff; 64])?;
            io::stdout().flush()?;
            io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
        }
        // Begins a frame and does not go on.
        Some("stutter") => {
            io::stdout().write_all(&[8, 0, 0, 0, 0, 0, 0, 0, b'{'])?;
            io::stdout().flush()?;
            io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
        }
        _ => serve_worker_on_trial(trial),
    }
}

fn trial(document: &DocumentInput) {
    match document.key.as_str() {
        "hang" => loop {
            std::thread::park();
        },
        "abort" => process::abort(),
        "exit" => process::exit(0),
        "panic" => panic!("as a parser's bug would"),
        "eat memory" => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(vec![1_u8; 16 * 1024 * 1024]);
            }
        }
        "overflow the stack" => {
            descend(0);
        }
        "open a file" => {
            let opened = std::fs::File::open("/dev/null");
            assert!(opened.is_err(), "a file could be opened");
        }
        "shout" => {
            let words = b"words of a library that prints\n".repeat(100_000);
            let shouted = io::stdout().write_all(&words).and_then(|()| io::stderr().write_all(&words));
            assert!(shouted.is_ok(), "nobody listens");
        }
        _ => {}
    }
}

#[expect(unconditional_recursion, reason = "that is the trial")]
fn descend(depth: u64) -> u64 {
    std::hint::black_box(descend(std::hint::black_box(depth) + 1)) + 1
}
