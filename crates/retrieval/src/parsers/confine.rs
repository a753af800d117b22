//! What a parsing child may not do.
//!
//! It is safe Rust that reads hostile bytes, so the danger is less that a file takes it over than that a file has it
//! take all memory, all time, or the disk. The limits are the operating system's, so no library has to heed them, and
//! they also leave little to someone who did take it over: no file or socket can be opened, none written. System calls
//! are not filtered (seccomp), since a list of those that a libc uses breaks with the next libc.

use std::io;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrusage, rlim_t, setrlimit};

/// What a parser may take beyond what the program takes by itself, in bytes of address space. A file of 50 MiB needs a
/// few times its size.
pub(super) const MEMORY_BYTES: u64 = 1024 * 1024 * 1024;

/// stdin, stdout, stderr, and where the answers go: all that is open, so that nothing else can be.
const MAX_FILES: rlim_t = 4;

pub(super) fn confine() -> io::Result<()> {
    limit_memory()?;
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_no_new_privs()?;
    for (resource, limit) in [
        (Resource::RLIMIT_NOFILE, MAX_FILES),
        // Pipes are not files: answers can be written.
        (Resource::RLIMIT_FSIZE, 0),
        // A core dump would leave a document on the disk.
        (Resource::RLIMIT_CORE, 0),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// Ends the process (SIGXCPU) if it computes for longer than that from now on. The parent's own clock ends it before; this
/// is for a parent that has been stopped.
pub(super) fn limit_cpu(limit: Duration) -> io::Result<()> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let used = usage.user_time().tv_sec() + usage.system_time().tv_sec();
    let used = u64::try_from(used).unwrap_or_default();
    // Rounded up, as the used time was rounded down.
    let soft = used.saturating_add(limit.as_secs()).saturating_add(2);
    Ok(setrlimit(Resource::RLIMIT_CPU, soft, nix::libc::RLIM_INFINITY)?)
}

/// Linux counts address space; what the program has mapped already is not the parser's.
#[cfg(target_os = "linux")]
fn limit_memory() -> io::Result<()> {
    // The first field of statm is the size of the address space in pages (proc_pid_statm(5)).
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').next().and_then(|field| field.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("/proc/self/statm is not as proc_pid_statm(5) says"))?;
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?.unwrap_or(4096);
    let used = pages.saturating_mul(u64::try_from(page_bytes).unwrap_or(4096));
    let limit = used.saturating_add(MEMORY_BYTES);
    Ok(setrlimit(Resource::RLIMIT_AS, limit, limit)?)
}

/// macOS takes the limit and does not keep it. There, time alone bounds what a parser takes.
#[cfg(not(target_os = "linux"))]
fn limit_memory() -> io::Result<()> {
    Ok(())
}
