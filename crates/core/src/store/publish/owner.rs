//! Which process holds a target, told exactly enough that another one on the same machine can
//! prove that it is gone.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// A process, for as long as its machine runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The machine's name, for people.
    pub host: String,
    /// Drawn by the kernel at every start of the machine; empty where it cannot be known.
    pub boot: String,
    /// Containers on one machine each count processes from 1: the same number means the same
    /// process only within one such space.
    pub pid_space: String,
    /// The process.
    pub pid: u32,
    /// When the process started, in ticks since the machine did: numbers of processes return.
    pub started_ticks: String,
}

impl Owner {
    /// The process that calls.
    pub fn of_this_process() -> Self {
        let pid = std::process::id();
        Self {
            host: line("/proc/sys/kernel/hostname"),
            boot: line("/proc/sys/kernel/random/boot_id"),
            pid_space: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
            pid,
            started_ticks: started_ticks(pid).unwrap_or_default(),
        }
    }

    /// Whether this process can be seen to have ended. Only a process of the same machine, start
    /// and process space can be judged; of all others nothing is known, and the answer is no.
    pub fn is_provably_gone(&self) -> bool {
        let here = Self::of_this_process();
        let comparable = !self.boot.is_empty() && !self.pid_space.is_empty() && !self.started_ticks.is_empty();
        comparable
            && self.boot == here.boot
            && self.pid_space == here.pid_space
            && started_ticks(self.pid).as_ref() != Some(&self.started_ticks)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on `{}`", self.pid, self.host)
    }
}

fn line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_string()
}

/// The start of a process that still runs; one that ended and was not yet waited for has none.
fn started_ticks(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may itself hold blanks and brackets.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    // `state` is field 3 of the file, the start is field 22.
    fields.nth(18).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_gone_and_an_ended_one_is() {
        let me = Owner::of_this_process();
        assert!(!me.is_provably_gone());
        if me.boot.is_empty() {
            return;
        }
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Owner { pid: child.id(), started_ticks: started_ticks(child.id()).unwrap(), ..me.clone() };
        assert!(!other.is_provably_gone());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(other.is_provably_gone());
        let elsewhere = Owner { boot: "another".into(), ..other.clone() };
        assert!(!elsewhere.is_provably_gone(), "nothing is known of another machine's processes");
        let reused = Owner { started_ticks: "1".into(), ..me };
        assert!(reused.is_provably_gone(), "the number is in use again by a process that started later");
    }
}
