//! The parent's side: children that are started when needed, used again, and replaced.

use std::io;
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::confine::MEMORY_BYTES;
use super::thread::patience;
use super::wire::{NoAnswer, question_head, read_answer};
use super::{DocumentInput, PreparedDocument, WorkerCommand};
use crate::format::DocumentFormat;
use crate::limits::Limits;
use crate::parse::ParseError;

/// How many documents a child parses. Then another takes its place, so that what a library keeps does not add up.
const MAX_SERVED: u32 = 256;

/// How long a child that will not answer any more is waited for before it is killed.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is kept of a child's diagnostics, in bytes from their end.
const MAX_SAID_BYTES: usize = 4 * 1024;

/// Children that wait, and the right to have one.
#[derive(Debug)]
pub(super) struct Children {
    command: WorkerCommand,
    permits: Semaphore,
    /// Those that may be asked next.
    idle: Mutex<Vec<Worker>>,
}

impl Children {
    pub(super) fn new(command: WorkerCommand, count: NonZeroUsize) -> Arc<Self> {
        let count = count.get().min(Semaphore::MAX_PERMITS);
        Arc::new(Self { command, permits: Semaphore::new(count), idle: Mutex::default() })
    }

    /// A child is taken from the pool for as long as it works, and put back only when it has answered. Whatever ends this
    /// future before that, the caller's loss of interest included, ends the child: no answer can be left over in a pipe.
    pub(super) async fn prepare(
        &self,
        document: DocumentInput,
        limits: Limits,
    ) -> Result<PreparedDocument, ParseError> {
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|closed| ParseError::NotStarted(io::Error::other(closed)))?;
        if let Some(worker) = self.take_idle() {
            match self.ask(worker, &document, limits).await {
                // It may have died of what it did before, or while it waited.
                Err(ParseError::TooMuchMemory { .. } | ParseError::ParserDied { .. }) => {}
                outcome => return outcome,
            }
        }
        let worker = Worker::start(&self.command).map_err(ParseError::NotStarted)?;
        self.ask(worker, &document, limits).await
    }

    fn take_idle(&self) -> Option<Worker> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn ask(
        &self,
        mut worker: Worker,
        document: &DocumentInput,
        limits: Limits,
    ) -> Result<PreparedDocument, ParseError> {
        let format = document.format;
        let limit = limits.max_parse_time;
        match timeout(patience(&limits), worker.ask(document, limits)).await {
            Ok(Ok(outcome)) => {
                if worker.served < MAX_SERVED {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                }
                outcome
            }
            Ok(Err(NoAnswer::Gone)) => Err(worker.death(format, limit).await),
            Ok(Err(NoAnswer::Unsound)) => Err(ParseError::UnsoundAnswer(format)),
            // Dropped with what it works on, and so killed.
            Err(_) => Err(ParseError::TookTooLong { limit_secs: limit.as_secs() }),
        }
    }
}

/// A child. Killed when dropped.
#[derive(Debug)]
struct Worker {
    child: Child,
    questions: ChildStdin,
    answers: ChildStdout,
    /// The end of its diagnostics, once it has ended.
    said: JoinHandle<Vec<u8>>,
    served: u32,
}

impl Worker {
    fn start(command: &WorkerCommand) -> io::Result<Self> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .env_clear()
            // glibc reserves 64 MiB of address space for each thread that allocates, and address space is limited.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C is for the command, which lets the children finish: they end when their input does.
            .process_group(0)
            .spawn()?;
        let missing = || io::Error::other("a child without a pipe");
        let questions = child.stdin.take().ok_or_else(missing)?;
        let answers = child.stdout.take().ok_or_else(missing)?;
        let said = tokio::spawn(last_bytes(child.stderr.take().ok_or_else(missing)?));
        Ok(Self { child, questions, answers, said, served: 0 })
    }

    async fn ask(
        &mut self,
        document: &DocumentInput,
        limits: Limits,
    ) -> Result<Result<PreparedDocument, ParseError>, NoAnswer> {
        self.served += 1;
        let number = u64::from(self.served);
        let head = question_head(number, document, limits)?;
        self.questions.write_all(&head).await?;
        self.questions.write_all(&document.bytes).await?;
        self.questions.flush().await?;
        read_answer(&mut self.answers, number, document.source_url.as_deref(), &limits).await
    }

    /// What ended the child.
    async fn death(mut self, format: DocumentFormat, limit: Duration) -> ParseError {
        drop(self.questions);
        let Ok(Ok(status)) = timeout(LAST_WORDS, self.child.wait()).await else {
            // It closed its end and lives on; dropped, it is killed.
            return ParseError::UnsoundAnswer(format);
        };
        let said = timeout(LAST_WORDS, self.said).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        cause_of_death(status, &String::from_utf8_lossy(&said), format, limit)
    }
}

/// What the operating system and the child's last words say. The words only choose among fixed texts: they may be those
/// of a hostile file.
fn cause_of_death(status: ExitStatus, said: &str, format: DocumentFormat, limit: Duration) -> ParseError {
    let signal = status.signal().and_then(|signal| Signal::try_from(signal).ok());
    match signal {
        // The words of Rust's standard library when it aborts.
        Some(Signal::SIGABRT) if said.contains("memory allocation of") => {
            ParseError::TooMuchMemory { limit_mib: MEMORY_BYTES / (1024 * 1024) }
        }
        Some(Signal::SIGABRT | Signal::SIGSEGV) if said.contains("has overflowed its stack") => {
            ParseError::StackOverflow(format)
        }
        Some(Signal::SIGXCPU) => ParseError::TookTooLong { limit_secs: limit.as_secs() },
        _ => ParseError::ParserDied { format, how: status.to_string() },
    }
}

/// Reads to the end and keeps the last bytes. A child whose diagnostics nobody read would stall.
async fn last_bytes(mut stderr: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = [0; MAX_SAID_BYTES];
    while let Ok(read @ 1..) = stderr.read(&mut piece).await {
        kept.extend_from_slice(&piece[..read]);
        let excess = kept.len().saturating_sub(MAX_SAID_BYTES);
        kept.drain(..excess);
    }
    kept
}
