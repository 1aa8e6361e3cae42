//! What a server's processes cost together: a program of several is not judged by one of them.

use std::fs;
use std::time::Duration;

/// The processes of a server: the one that was started, and all that it has started.
pub(super) struct Processes(Vec<u32>);

impl Processes {
    /// All that descend from this one by now.
    pub(super) fn of(root: u32) -> Self {
        let parents = parents();
        let mut tree = vec![root];
        // The list grows while it is read: children's children follow.
        let mut at = 0;
        while let Some(&parent) = tree.get(at) {
            tree.extend(parents.iter().filter(|(_, it)| *it == parent).map(|(child, _)| child));
            at += 1;
        }
        Self(tree)
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The processor time that they have used, in their own code and in the kernel's.
    pub(super) fn cpu(&self) -> Duration {
        let ticks = |fields: Vec<u64>| fields[11] + fields[12];
        let all: u64 = self.0.iter().map(|id| ticks(stat(*id).expect("it runs"))).sum();
        // Fields 14 and 15 of proc(5), in hundredths of a second.
        Duration::from_millis(10 * all)
    }

    /// The memory that they occupy, in KiB; what several share is counted once.
    pub(super) fn pss(&self) -> u64 {
        self.0.iter().map(|id| pss(*id)).sum()
    }
}

/// Every process of this system, with its parent.
fn parents() -> Vec<(u32, u32)> {
    let names = fs::read_dir("/proc").expect("this is Linux").flatten();
    let ids = names.filter_map(|name| name.file_name().to_str()?.parse().ok());
    // One that has ended meanwhile is nobody's child. Field 4 of proc(5) is the parent.
    ids.filter_map(|id: u32| Some((id, stat(id)?[1] as u32))).collect()
}

/// What the system says of a process, from its state on; words are zero.
fn stat(id: u32) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the name, in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect())
}

fn pss(id: u32) -> u64 {
    let told = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).expect("it runs");
    let kib = told.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Linux tells it");
    kib.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("it is a number")
}
