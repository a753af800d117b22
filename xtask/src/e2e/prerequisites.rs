//! What must be on the machine before anything is installed. All that is missing is named at once.

use std::process::{Command, Stdio};

use anyhow::bail;

/// A program, how to ask for its version, and the lowest that does.
struct Prerequisite {
    name: &'static str,
    /// A command that succeeds only if the program is usable, and prints its version.
    probe: &'static [&'static str],
    lowest: (u32, u32),
    advice: &'static str,
}

const ALL: &[Prerequisite] = &[
    Prerequisite {
        name: "python3 with venv and pip",
        probe: &["python3", "-c", "import ensurepip, sys, venv; print(sys.version)"],
        lowest: (3, 10),
        advice: "on Debian and Ubuntu: apt-get install python3-venv",
    },
    Prerequisite { name: "node", probe: &["node", "--version"], lowest: (20, 0), advice: "see nodejs.org" },
    Prerequisite { name: "npm", probe: &["npm", "--version"], lowest: (9, 0), advice: "it comes with node" },
    Prerequisite { name: "npx", probe: &["npx", "--version"], lowest: (9, 0), advice: "it comes with npm" },
    Prerequisite {
        name: "bash",
        probe: &["bash", "--version"],
        lowest: (3, 2),
        advice: "install the package bash",
    },
    Prerequisite {
        name: "curl",
        probe: &["curl", "--version"],
        lowest: (7, 0),
        advice: "install the package curl",
    },
    Prerequisite {
        name: "ps",
        // Only Linux' own tells its version: what counts is that it lists processes.
        probe: &["sh", "-c", "ps -A -ww -o pid= -o ppid= -o args= >/dev/null && echo 1.0"],
        lowest: (1, 0),
        advice: "on Debian and Ubuntu: apt-get install procps",
    },
];

/// Fails with the list of everything that is missing or too old.
pub(crate) fn check() -> anyhow::Result<()> {
    let missing: Vec<String> = ALL.iter().filter_map(missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("cargo e2e needs what this machine lacks:\n{}", missing.join("\n"));
}

fn missing(wanted: &Prerequisite) -> Option<String> {
    let Prerequisite { name, probe, lowest: (major, minor), advice } = wanted;
    let output = Command::new(probe[0]).args(&probe[1..]).stdin(Stdio::null()).output().ok();
    let found = output.filter(|output| output.status.success());
    let version = found.and_then(|output| first_version(&String::from_utf8_lossy(&output.stdout)));
    match version {
        Some(version) if version >= (*major, *minor) => None,
        Some((old, older)) => {
            Some(format!("  {name} {major}.{minor} or later (this is {old}.{older}); {advice}"))
        }
        None => Some(format!("  {name} {major}.{minor} or later; {advice}")),
    }
}

/// Major and minor of the first thing in `text` that looks like a version.
fn first_version(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text[start..].split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (printed, version) in [
            ("v20.20.2\n", Some((20, 20))),
            ("11.19.1\n", Some((11, 19))),
            ("3.11.7 (main, Jan  1 2026) [GCC 12.2.0]\n", Some((3, 11))),
            ("curl 7.88.1 (x86_64-pc-linux-gnu)\n", Some((7, 88))),
            ("3\n", Some((3, 0))),
            ("no number\n", None),
        ] {
            assert_eq!(first_version(printed), version, "{printed}");
        }
    }

    #[test]
    fn what_is_missing_or_too_old_is_named() {
        let absent =
            Prerequisite { name: "absent", probe: &["autri-no-such-program"], lowest: (1, 2), advice: "a" };
        assert_eq!(missing(&absent).as_deref(), Some("  absent 1.2 or later; a"));
        let old = Prerequisite { name: "old", probe: &["echo", "v1.1"], lowest: (1, 2), advice: "b" };
        assert_eq!(missing(&old).as_deref(), Some("  old 1.2 or later (this is 1.1); b"));
        let broken = Prerequisite { name: "broken", probe: &["false"], lowest: (1, 2), advice: "c" };
        assert!(missing(&broken).is_some());
        let new = Prerequisite { name: "new", probe: &["echo", "v1.10"], lowest: (1, 2), advice: "d" };
        assert_eq!(missing(&new), None);
    }
}
