//! The processes of this machine, as `ps` lists them (POSIX), and whose they are.

use std::fmt;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use nix::unistd::Pid;

/// A process that runs, or a zombie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    parent: Pid,
    /// Its program and arguments.
    pub(crate) command: String,
}

impl Process {
    /// Whether it is the same one, though its parent may have ended since. A zombie is called differently.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.command == other.command
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.command)
    }
}

/// All processes.
pub(crate) fn all() -> anyhow::Result<Vec<Process>> {
    let output = Command::new("ps")
        .args(["-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="])
        .stdin(Stdio::null())
        .output()
        .context("run ps")?;
    ensure!(output.status.success(), "ps ended with {}", output.status);
    let listed = String::from_utf8_lossy(&output.stdout);
    // What has line breaks in its arguments takes several lines, of which only the first is like this.
    Ok(listed.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Process> {
    let (pid, rest) = line.trim_start().split_once(' ')?;
    let (parent, command) = rest.trim_start().split_once(' ')?;
    let id = |text: &str| text.parse().ok().map(Pid::from_raw);
    Some(Process { pid: id(pid)?, parent: id(parent)?, command: command.trim().to_owned() })
}

/// Of these processes, what `root` has started, and what these have started, down to the last.
pub(crate) fn descendants(root: Pid, mut others: Vec<Process>) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let (children, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|it| it.parent == parent);
        parents.extend(children.iter().map(|child| child.pid));
        found.extend(children);
        others = rest;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, command: &str) -> Process {
        Process { pid: Pid::from_raw(pid), parent: Pid::from_raw(parent), command: command.to_owned() }
    }

    #[test]
    fn lines_of_ps_are_read() {
        assert_eq!(parse("    7     1 sh -c  exit 1"), Some(process(7, 1, "sh -c  exit 1")));
        assert_eq!(parse("4711 42 [defunct]"), Some(process(4711, 42, "[defunct]")));
        for line in ["", "  rest of a script", "7", "7 1", "7 one sh"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn grandchildren_are_found_and_strangers_are_not() {
        let all = vec![
            process(5, 4, "grandchild"),
            process(4, 2, "child"),
            process(2, 1, "root"),
            process(3, 1, "sibling"),
            process(6, 2, "child"),
        ];
        let mut pids: Vec<i32> =
            descendants(Pid::from_raw(2), all).iter().map(|it| it.pid.as_raw()).collect();
        pids.sort_unstable();
        assert_eq!(pids, [4, 5, 6]);
    }

    #[test]
    fn a_child_of_this_process_is_found() {
        let mut child = Command::new("cat").arg("-").stdin(Stdio::piped()).spawn().unwrap();
        let found = descendants(Pid::this(), all().unwrap());
        let expected = Pid::from_raw(child.id().try_into().unwrap());
        assert!(found.iter().any(|it| it.pid == expected && it.command == "cat -"), "{found:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
