//! What a server's processes cost together: a program of several is not judged by one of them.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// The processes of a server: the one that was started, and all that it has started.
pub(super) struct Processes(Vec<u32>);

/// Nanoseconds by thread.
#[derive(Default)]
pub(super) struct Cpu(HashMap<u32, u64>);

impl Cpu {
    /// What the threads have used since then, in their own code and in the kernel's. A thread that
    /// has ended since then has done so after seconds of idleness, and is left out.
    pub(super) fn since(&self, before: &Self) -> Duration {
        let used = |(thread, now): (&u32, &u64)| now - before.0.get(thread).unwrap_or(&0);
        Duration::from_nanos(self.0.iter().map(used).sum())
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

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

    /// The processor time that each of their threads has used.
    pub(super) fn cpu(&self) -> Cpu {
        Cpu(self.0.iter().flat_map(|id| threads(*id)).collect())
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

/// The threads of a process, with what each has used of the processors.
fn threads(id: u32) -> Vec<(u32, u64)> {
    let names = fs::read_dir(format!("/proc/{id}/task")).expect("it runs").flatten();
    let ids = names.filter_map(|name| name.file_name().to_str()?.parse().ok());
    let used = |thread: u32| {
        // The times in proc(5) are hundredths of a second, too coarse for short rounds.
        let told = fs::read_to_string(format!("/proc/{id}/task/{thread}/schedstat")).ok()?;
        Some((thread, told.split(' ').next()?.parse().ok()?))
    };
    ids.filter_map(used).collect()
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
