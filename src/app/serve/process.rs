//! What a process takes of the system, under the names that Prometheus' own libraries give it.

use super::exposition::Exposition;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// This process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    /// When it began, since 1970.
    started: Duration,
}

impl Process {
    /// To be called when it begins.
    pub(super) fn begun() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: started.unwrap_or_default(),
        }
    }

    /// Adds what Linux tells. Elsewhere, and of what it does not tell just now, there is nothing.
    pub(super) fn add_to(self, text: &mut Exposition) {
        #[cfg(target_os = "linux")]
        linux::add_to(text, self.started);
        #[cfg(not(target_os = "linux"))]
        let _ = (text, self.started);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use crate::app::serve::exposition::{Exposition, Kind};
    use rustix::process::{Resource, getrlimit};
    use rustix::time::{ClockId, clock_gettime};
    use std::fs;
    use std::time::Duration;

    pub(super) fn add_to(text: &mut Exposition, started: Duration) {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let used = Duration::try_from(used).unwrap_or_default();
        text.one(
            "process_cpu_seconds_total",
            Kind::Counter,
            "Processor time used, of user and system.",
            used.as_secs_f64(),
        );
        text.one(
            "process_start_time_seconds",
            Kind::Gauge,
            "When the process began, in seconds since 1970.",
            started.as_secs_f64(),
        );
        let mut gauge = |name: &str, help: &str, value: Option<u64>| {
            if let Some(value) = value {
                text.one(name, Kind::Gauge, help, value);
            }
        };
        gauge(
            "process_open_fds",
            "Descriptors that are open.",
            open_descriptors(),
        );
        // Without a limit there is none to tell.
        gauge(
            "process_max_fds",
            "Descriptors that may be open (ulimit -n).",
            getrlimit(Resource::Nofile).current,
        );
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |field| number(&status, field).map(|kibibytes| kibibytes * 1024);
        gauge(
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM.",
            bytes("VmRSS:"),
        );
        gauge(
            "process_virtual_memory_bytes",
            "Addresses of the process, most of them of stacks that are not used.",
            bytes("VmSize:"),
        );
        gauge(
            "process_threads",
            "Threads, one for each connection and a few more.",
            number(&status, "Threads:"),
        );
    }

    /// Since Linux 6.2 the folder's length is their number; before, it is 0. To list it takes a descriptor, which does
    /// not count.
    fn open_descriptors() -> Option<u64> {
        const FOLDER: &str = "/proc/self/fd";
        let length = fs::metadata(FOLDER).ok()?.len();
        if length > 0 {
            return Some(length);
        }
        let listed = fs::read_dir(FOLDER).ok()?.count();
        Some(listed.saturating_sub(1) as u64)
    }

    /// A number of `/proc/self/status`.
    fn number(status: &str, field: &str) -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.split_whitespace().next()?.parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn numbers_are_found_by_their_field() {
            let status =
                "Name:\tThreads: 9\nVmSize:\t  123456 kB\nThreads:\t7\nCapBnd:\t000001ff\n";
            assert_eq!(number(status, "VmSize:"), Some(123_456));
            assert_eq!(number(status, "Threads:"), Some(7));
            assert_eq!(number(status, "VmRSS:"), None);
            assert_eq!(number("VmRSS:\n", "VmRSS:"), None);
        }

        #[test]
        fn descriptors_are_counted_as_they_are_opened() {
            // Other tests open some at the same time: more than they may.
            let few = open_descriptors().expect("Linux tells");
            let opened: Vec<_> = (0..500)
                .map(|_| fs::File::open("/dev/null").expect("it is there"))
                .collect();
            let many = open_descriptors().expect("Linux tells");
            drop(opened);
            assert!(many >= few + 400, "{few} {many}");
        }
    }
}
