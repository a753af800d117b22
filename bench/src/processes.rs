//! What processes take, as Linux counts it: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.

use std::collections::HashMap;
use std::fs;

/// Of the times in /proc: a hundred to the second on every processor that Linux runs on, whatever its timer does.
const TICKS_A_SECOND: f64 = 100.0;

/// What a command, its children and the database's processes for it have taken, looked at now and then: what a process
/// took after the last look is not in it.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// Of each process its last count, in ticks, by id.
    command: HashMap<u32, u64>,
    children: HashMap<u32, u64>,
    database: HashMap<u32, u64>,
    /// The most that was resident of the command, in kB.
    pub(crate) peak_kb: u64,
    /// The most that was resident of one of its children, in kB.
    pub(crate) child_peak_kb: u64,
}

struct Process {
    id: u32,
    parent: u32,
    ticks: u64,
    /// Of its children that have ended and were waited for.
    ended_children_ticks: u64,
}

impl Usage {
    /// Looks at the command with this id, and at the processes that serve it in the database of this name.
    pub(crate) fn look(&mut self, command: u32, database: &str) {
        let running: Vec<Process> = running().collect();
        if !running.iter().any(|process| process.id == command) {
            return;
        }
        // Those that have ended are in the command's own count of them.
        self.children.clear();
        for process in running {
            if process.id == command {
                self.command.insert(command, process.ticks);
                self.children.insert(command, process.ended_children_ticks);
                self.peak_kb = self.peak_kb.max(peak_kb(command));
            } else if process.parent == command {
                self.children.insert(process.id, process.ticks);
                self.child_peak_kb = self.child_peak_kb.max(peak_kb(process.id));
            } else if is_of_database(process.id, database) {
                self.database.insert(process.id, process.ticks);
            }
        }
    }

    /// Seconds of the command itself.
    pub(crate) fn command_secs(&self) -> f64 {
        secs(&self.command)
    }

    /// Seconds of its children.
    pub(crate) fn children_secs(&self) -> f64 {
        secs(&self.children)
    }

    /// Seconds of the database's processes that served it.
    pub(crate) fn database_secs(&self) -> f64 {
        secs(&self.database)
    }
}

#[expect(clippy::cast_precision_loss, reason = "ticks are few")]
fn secs(ticks: &HashMap<u32, u64>) -> f64 {
    ticks.values().sum::<u64>() as f64 / TICKS_A_SECOND
}

fn running() -> impl Iterator<Item = Process> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    ids.filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?))
}

fn read(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in parentheses, and may hold some.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Process {
        id,
        parent: number(1)?.try_into().ok()?,
        ticks: number(11)? + number(12)?,
        ended_children_ticks: number(13)? + number(14)?,
    })
}

/// `postgres: autri_admin NAME 127.0.0.1(…) INSERT`
fn is_of_database(id: u32, name: &str) -> bool {
    let title = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let title = String::from_utf8_lossy(&title).replace('\0', " ");
    title.starts_with("postgres:") && title.split(' ').any(|word| word == name)
}

fn peak_kb(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
