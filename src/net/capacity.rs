//! How many connections the system lets this process hold.
//!
//! A connection takes a descriptor and a thread, and a thread takes maps and addresses. When one of them
//! runs out the system says so late: no connection can be accepted any more, not even to be refused, and
//! a thread that has no map left for its signal stack ends the whole process. So a server asks beforehand.
//! Linux tells; elsewhere nothing is known.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// How many connections the system allows, and what it has no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// Connections at once, beside what is kept back for refusing the rest and for handlers.
    pub connections: usize,
    /// What one more would lack.
    pub limited_by: Resource,
}

/// Something that each connection takes of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// Open files, which sockets are as well.
    Descriptors,
    /// Threads of this user, of its control group, or of the machine.
    Threads,
    /// Ranges of memory of this process.
    Maps,
    /// Addresses of this process.
    Addresses,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Descriptors => "open files (ulimit -n)",
            Self::Threads => {
                "threads (ulimit -u, pids.max of the control group, kernel.threads-max, kernel.pid_max)"
            }
            Self::Maps => "memory maps (vm.max_map_count)",
            Self::Addresses => "address space (ulimit -v)",
        })
    }
}

/// Maps of a thread: its stack and its signal stack, each with a guard; and one for a large message.
const MAPS: u64 = 5;
/// Addresses of a thread beside its stack, for its signal stack and what it allocates.
const ADDRESSES: u64 = 64 * 1024;

/// How a server divides the descriptors that it may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Division {
    pub(super) connections: usize,
    /// For refused peers that read the refusal.
    pub(super) lingering: usize,
    /// For those that get nothing but reserved pages.
    pub(super) reserved: usize,
}

impl Division {
    /// Where there are many descriptors: of 1,024 some 910 are for connections.
    pub(super) const PLENTY: Self = Self {
        connections: usize::MAX,
        lingering: 64,
        reserved: 8,
    };
    /// For those that have to leave a reserved place, for what handlers open, and for the connection that
    /// wakes the server at its end.
    const OTHERS: usize = 32;

    fn of(free: usize) -> Self {
        let lingering = Self::PLENTY.lingering.min(free / 4);
        let reserved = Self::PLENTY.reserved.min(free / 8);
        let others = Self::OTHERS.min(free / 8);
        Self {
            connections: free - lingering - reserved - others,
            lingering,
            reserved,
        }
    }
}

/// What the system told of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    resource: Resource,
    limit: u64,
    used: u64,
}

impl Told {
    fn free(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// For how many connections that is enough, with threads of this stack size.
    fn connections(&self, stack_size: usize) -> usize {
        // What is kept back is for the rest of the process, of which nothing is known here.
        let connections = match self.resource {
            Resource::Descriptors => return self.division().connections,
            Resource::Threads => self.free() - self.free() / 8,
            Resource::Maps => self.free().saturating_sub(self.limit / 16) / MAPS,
            Resource::Addresses => self.free() / 2 / (stack_size as u64 + ADDRESSES),
        };
        usize::try_from(connections).unwrap_or(usize::MAX)
    }

    fn division(&self) -> Division {
        Division::of(usize::try_from(self.free()).unwrap_or(usize::MAX))
    }
}

/// What is scarcest; `None` where the system does not tell.
pub(super) fn capacity(told: &[Told], stack_size: usize) -> Option<Capacity> {
    let capacities = told.iter().map(|told| Capacity {
        // Without any connection it would be no server: one is tried.
        connections: told.connections(stack_size).max(1),
        limited_by: told.resource,
    });
    capacities.min_by_key(|capacity| capacity.connections)
}

pub(super) fn division(told: &[Told]) -> Division {
    let descriptors = told
        .iter()
        .find(|told| told.resource == Resource::Descriptors);
    descriptors.map_or(Division::PLENTY, Told::division)
}

/// Asks the system what this process may have, and what it has already. So many descriptors `more` will be
/// taken before the first connection.
pub(super) fn ask(more: usize) -> Vec<Told> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (limits, status) = (read("/proc/self/limits"), read("/proc/self/status"));
    let threads = field(&status, "Threads:");
    let tell = |resource, limit: Option<u64>, used: Option<u64>| {
        Some(Told {
            resource,
            limit: limit?,
            used: used?,
        })
    };
    let is_bound = is_bound_by_user_limit(&status);
    let of_user = field(&limits, "Max processes").filter(|_| is_bound);
    [
        tell(
            Resource::Descriptors,
            field(&limits, "Max open files"),
            open_descriptors().map(|open| open + more as u64),
        ),
        // Other processes of the user count as well, and are not seen here.
        tell(Resource::Threads, of_user, threads),
        tell(
            Resource::Threads,
            number(&read("/proc/sys/kernel/threads-max")),
            threads_of_machine(&read("/proc/loadavg")),
        ),
        // Each thread has a number of its own, and 32,768 are few of them.
        tell(
            Resource::Threads,
            number(&read("/proc/sys/kernel/pid_max")),
            threads_of_machine(&read("/proc/loadavg")),
        ),
        tell(
            Resource::Maps,
            number(&read("/proc/sys/vm/max_map_count")),
            Some(read("/proc/self/maps").lines().count() as u64),
        ),
        tell(
            Resource::Addresses,
            field(&limits, "Max address space"),
            field(&status, "VmSize:").map(|kilobytes| kilobytes * 1024),
        ),
    ]
    .into_iter()
    .chain(groups(&read("/proc/self/cgroup")).iter().map(|group| {
        let of_group = |name: &str| number(&fs::read_to_string(group.join(name)).ok()?);
        tell(
            Resource::Threads,
            of_group("pids.max"),
            of_group("pids.current"),
        )
    }))
    .flatten()
    .collect()
}

/// The listing itself has one open as well.
fn open_descriptors() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(open.saturating_sub(1) as u64)
}

/// The first number in the line that begins with `name`: in `/proc/self/limits` that is the limit that
/// holds, unless it says `unlimited`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A number alone; `max` is none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// `0.20 0.18 0.12 1/80 11206`: one of 80 threads runs.
fn threads_of_machine(loadavg: &str) -> Option<u64> {
    let (_, all) = loadavg.split_whitespace().nth(3)?.split_once('/')?;
    all.parse().ok()
}

/// Root, and who may exceed limits, is not held to the number of a user's processes.
fn is_bound_by_user_limit(status: &str) -> bool {
    const SYS_ADMIN: u64 = 1 << 21;
    const SYS_RESOURCE: u64 = 1 << 24;

    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let capabilities = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok());
    let is_mighty = capabilities.is_some_and(|all| all & (SYS_ADMIN | SYS_RESOURCE) != 0);
    !is_mighty && field(status, "Uid:") != Some(0)
}

/// The folders of the control groups that count this process, from its own to the root:
/// `0::/system.slice/x.service` in version 2, `8:pids:/x` in version 1.
fn groups(cgroup: &str) -> Vec<PathBuf> {
    let roots = cgroup.lines().filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let root = match number {
            "0" => "/sys/fs/cgroup",
            _ if controllers.split(',').any(|name| name == "pids") => "/sys/fs/cgroup/pids",
            _ => return None,
        };
        Some((Path::new(root), path.trim_start_matches('/')))
    });
    roots
        .flat_map(|(root, path)| {
            let own = root.join(path);
            let groups = own.ancestors().take_while(|group| group.starts_with(root));
            groups.map(Path::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: usize = 512 * 1024;
    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max stack size            8388608              unlimited            bytes     
Max processes             96365                96365                processes 
Max open files            1024                 524288               files     
Max address space         unlimited            unlimited            bytes     
";
    const STATUS: &str = "Name:\tplainws\nUid:\t1000\t1000\t1000\t1000\nVmSize:\t    3060 kB\n\
        Threads:\t2\nCapEff:\t0000000000000000\n";

    fn told(resource: Resource, limit: u64, used: u64) -> Told {
        Told {
            resource,
            limit,
            used,
        }
    }

    #[test]
    fn the_systems_files_are_read() {
        assert_eq!(field(LIMITS, "Max open files"), Some(1024));
        assert_eq!(field(LIMITS, "Max processes"), Some(96365));
        assert_eq!(field(LIMITS, "Max address space"), None, "unlimited");
        assert_eq!(field(LIMITS, "Max nonsense"), None);
        assert_eq!(field(STATUS, "Threads:"), Some(2));
        assert_eq!(field(STATUS, "VmSize:"), Some(3060));
        assert_eq!(field("", "Threads:"), None);
        assert_eq!(number("65530\n"), Some(65530));
        assert_eq!(number("max\n"), None);
        assert_eq!(number(""), None);
        assert_eq!(
            threads_of_machine("3.20 5.04 4.93 5/137 28690\n"),
            Some(137)
        );
        assert_eq!(threads_of_machine(""), None);
    }

    #[test]
    fn root_and_the_mighty_are_not_held_to_a_users_limit() {
        for (uid, capabilities, is_bound) in [
            ("1000", "0000000000000000", true),
            ("1000", "0000000000000400", true),
            ("1000", "0000000001000000", false),
            ("1000", "0000000000200000", false),
            ("0", "0000000000000000", false),
            ("0", "000001fffeffffff", false),
        ] {
            let status = STATUS
                .replace("Uid:\t1000", &format!("Uid:\t{uid}"))
                .replace(
                    "CapEff:\t0000000000000000",
                    &format!("CapEff:\t{capabilities}"),
                );
            let told = is_bound_by_user_limit(&status);
            assert_eq!(told, is_bound, "{uid} {capabilities}");
        }
    }

    #[test]
    fn every_control_group_that_counts_is_asked() {
        assert_eq!(groups("0::/\n"), [Path::new("/sys/fs/cgroup")]);
        assert_eq!(
            groups("0::/system.slice/x.service\n"),
            [
                "/sys/fs/cgroup/system.slice/x.service",
                "/sys/fs/cgroup/system.slice",
                "/sys/fs/cgroup"
            ]
            .map(Path::new)
        );
        assert_eq!(
            groups("9:name=systemd:/a\n8:cpu,pids:/b\n3:cpuset:/c\n"),
            ["/sys/fs/cgroup/pids/b", "/sys/fs/cgroup/pids"].map(Path::new)
        );
        assert_eq!(groups("nonsense\n\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn descriptors_are_divided_so_that_all_can_be_answered() {
        for (free, connections, lingering, reserved) in [
            (0, 0, 0, 0),
            (1, 1, 0, 0),
            (8, 4, 2, 1),
            (60, 31, 15, 7),
            (256, 152, 64, 8),
            (1020, 916, 64, 8),
            (19_996, 19_892, 64, 8),
        ] {
            let division = Division {
                connections,
                lingering,
                reserved,
            };
            assert_eq!(Division::of(free), division, "{free}");
            assert!(connections + lingering + reserved <= free);
        }
    }

    #[test]
    fn the_scarcest_resource_decides() {
        use Resource::{Addresses, Descriptors, Maps, Threads};
        // As Linux is set up by default, with more descriptors: ten thousand fit in.
        let usual = [
            told(Descriptors, 1 << 20, 4),
            told(Threads, 96_365, 2),
            told(Threads, 192_731, 200),
            told(Maps, 65_530, 40),
        ];
        for (scarce, connections) in [
            (told(Descriptors, 1024, 4), 916),
            (told(Descriptors, 64, 4), 31),
            (told(Descriptors, 4, 4), 1),
            (told(Threads, 100, 20), 70),
            (told(Threads, 100, 200), 1),
            (told(Maps, 65_530, 40), 12_279),
            (told(Maps, 1000, 38), 180),
            (told(Addresses, 1 << 30, 4 << 20), 906),
        ] {
            let told = [&usual[..], &[scarce]].concat();
            let expected = Capacity {
                connections,
                limited_by: scarce.resource,
            };
            assert_eq!(capacity(&told, STACK), Some(expected), "{scarce:?}");
        }
        assert_eq!(capacity(&[], STACK), None);
        assert_eq!(division(&[]), Division::PLENTY);
        assert_eq!(division(&[told(Descriptors, 64, 4)]).lingering, 15);
    }

    #[test]
    fn linux_tells() {
        if cfg!(target_os = "linux") {
            let told = ask(0);
            for resource in [Resource::Descriptors, Resource::Threads, Resource::Maps] {
                let found = told.iter().find(|told| told.resource == resource);
                assert!(found.is_some_and(|told| told.used > 0), "{told:?}");
            }
            // The numbers of threads are few enough to decide on some machines.
            for name in ["threads-max", "pid_max"] {
                let text = fs::read_to_string(format!("/proc/sys/kernel/{name}"));
                let limit = number(&text.expect("Linux has it"));
                assert!(told.iter().any(|told| Some(told.limit) == limit), "{name}");
            }
        }
    }
}
