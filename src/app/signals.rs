//! The signals that end what runs until it is told: SIGINT, SIGTERM and SIGHUP, or what stands for them on other systems.
//!
//! One that is ignored when the program begins stays ignored: `nohup` ignores SIGHUP for it, and a shell
//! that runs a script does so with SIGINT for what the script starts in the background.

pub(crate) use system::on_each;

#[cfg(unix)]
mod system {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use std::io;
    use std::{fs, thread};

    /// Calls `act` at each signal, in a thread of its own.
    ///
    /// # Errors
    ///
    /// The system has no descriptor or no thread for it.
    pub(crate) fn on_each(mut act: impl FnMut() + Send + 'static) -> io::Result<()> {
        // Where there is no such file none counts as ignored: std tells no other way to ask.
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter();
        let mut signals = Signals::new(heeded.filter(|&signal| !is_ignored(signal, &status)))?;
        let thread = thread::Builder::new().name("plainws signals".into());
        let started = thread.spawn(move || signals.forever().for_each(|_| act()));
        started.map(drop)
    }

    /// Whether a process ignores a signal, by what Linux tells of it: `SigIgn` is a hexadecimal number
    /// whose lowest bit stands for signal 1.
    fn is_ignored(signal: i32, status: &str) -> bool {
        let mut lines = status.lines();
        let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_signal_is_ignored_if_its_bit_of_the_mask_says_so() {
            let status = "Name:\tplainws\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001003\n\
                          SigCgt:\tffffffffffffffff\n";
            for (signal, ignored) in [(SIGHUP, true), (SIGINT, true), (SIGTERM, false), (13, true)]
            {
                assert_eq!(is_ignored(signal, status), ignored, "{signal}");
            }
            assert!(is_ignored(SIGTERM, "SigIgn:\t0000000000004000\n"));
        }

        #[test]
        fn none_is_ignored_where_nothing_is_told() {
            for status in ["", "SigIgn:\n", "SigIgn:\tnonsense\n", "SigCgt:\tffff\n"] {
                assert!(!is_ignored(SIGHUP, status), "{status:?}");
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    /// Calls `act` at each Ctrl-C and the like, in a thread of its own.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub(crate) fn on_each(act: impl FnMut() + Send + 'static) -> io::Result<()> {
        ctrlc::set_handler(act).map_err(io::Error::other)
    }
}
