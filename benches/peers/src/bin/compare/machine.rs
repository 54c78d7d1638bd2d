//! What everything runs on.

use crate::arguments::Arguments;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Debug)]
pub(crate) struct Machine {
    /// The processors for the server and for the load, if they can be kept apart.
    cores: Result<[usize; 2], &'static str>,
    /// How many files a process may have open.
    open_files: usize,
}

impl Machine {
    pub(crate) fn find() -> Self {
        Self {
            cores: two_cores(),
            open_files: open_files().unwrap_or(1024),
        }
    }

    pub(crate) fn on_first_core(&self, program: &Path) -> Command {
        self.on(0, program)
    }

    pub(crate) fn on_second_core(&self, program: &Path) -> Command {
        self.on(1, program)
    }

    fn on(&self, place: usize, program: &Path) -> Command {
        let Ok(cores) = self.cores else {
            return Command::new(program);
        };
        let mut command = Command::new("taskset");
        command.arg("-c").arg(cores[place].to_string()).arg(program);
        command
    }

    /// As many idle ones as the user wants, or as open files allow.
    pub(crate) fn most_connections(&self, arguments: &Arguments) -> usize {
        arguments.idle.min(self.open_files.saturating_sub(100))
    }

    /// How the processors are shared.
    pub(crate) fn pinning(&self) -> String {
        match self.cores {
            Ok([server, load]) => {
                format!("the server on processor {server}, the load on processor {load}")
            }
            Err(problem) => format!(
                "**not pinned, because {problem}**: server and load disturb each other, and the figures mean little"
            ),
        }
    }

    pub(crate) fn processor() -> String {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": "));
        let model = model.map_or(
            "a processor that /proc/cpuinfo does not name",
            |(_, name)| name,
        );
        let s = if count == 1 { "" } else { "s" };
        format!("{model}, {count} processor{s}")
    }

    pub(crate) fn kernel() -> String {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        format!("Linux {}", release.trim())
    }

    pub(crate) fn compiler() -> String {
        let output = Command::new("rustc").arg("--version").output();
        let version =
            output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        version.unwrap_or_else(|_| "unknown rustc".into())
    }
}

/// What the kernel holds for all processes, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KernelMemory {
    /// The stacks of threads.
    pub(crate) stacks: f64,
    pub(crate) page_tables: f64,
    /// What is allocated by the object: sockets, tasks, files, memory maps.
    pub(crate) objects: f64,
}

impl KernelMemory {
    pub(crate) fn now() -> Self {
        let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let of = |name| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or(0.0)
        };
        Self {
            stacks: of("KernelStack:"),
            page_tables: of("PageTables:"),
            objects: of("Slab:"),
        }
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        self.with(before, |now, before| now - before)
    }

    pub(crate) fn for_each(&self, connections: usize) -> Self {
        self.with(&Self::default(), |all, _| all / connections as f64)
    }

    fn with(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            stacks: of(self.stacks, other.stacks),
            page_tables: of(self.page_tables, other.page_tables),
            objects: of(self.objects, other.objects),
        }
    }
}

/// A control group, which counts what the kernel holds for a process and what the process holds itself, and nothing of the
/// other ends of its connections. Root may make one.
#[derive(Debug)]
pub(crate) struct Group {
    folder: PathBuf,
    usage: &'static str,
}

impl Group {
    /// Both versions of control groups: only the first has a folder for memory.
    const KINDS: [(&str, &str); 2] = [
        ("/sys/fs/cgroup/memory", "memory.usage_in_bytes"),
        ("/sys/fs/cgroup", "memory.current"),
    ];

    /// One with this process in it, if that can be.
    pub(crate) fn of(process: u32) -> Option<Self> {
        Self::KINDS.into_iter().find_map(|(root, usage)| {
            let folder = Path::new(root).join(format!("plainws-compare-{process}"));
            fs::create_dir(&folder).ok()?;
            let group = Self { folder, usage };
            fs::write(group.folder.join("cgroup.procs"), process.to_string()).ok()?;
            group.memory().map(|_| group)
        })
    }

    /// In KiB.
    pub(crate) fn memory(&self) -> Option<f64> {
        let bytes = fs::read_to_string(self.folder.join(self.usage)).ok()?;
        Some(bytes.trim().parse::<f64>().ok()? / 1024.0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Can be done only when the process has ended. What is left is an empty folder, gone at the next boot.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn two_cores() -> Result<[usize; 2], &'static str> {
    let taskset = Command::new("taskset")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if !taskset.is_ok_and(|status| status.success()) {
        return Err("there is no `taskset`");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let mut cores = list.unwrap_or_default().trim().split(',').flat_map(range);
    match (cores.next(), cores.next()) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => Err("there is only one processor"),
    }
}

/// The numbers in "3" or "0-7".
fn range(text: &str) -> std::ops::RangeInclusive<usize> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => first..=last,
        #[expect(clippy::reversed_empty_ranges, reason = "it is to be empty")]
        _ => 1..=0,
    }
}

fn open_files() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read() {
        let read = |list: &str| list.split(',').flat_map(range).collect::<Vec<_>>();
        assert_eq!(read("0-2,5"), [0, 1, 2, 5]);
        assert!(read("").is_empty());
    }
}
