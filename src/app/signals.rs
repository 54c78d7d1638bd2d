//! The signals that end what runs until it is told: SIGINT, SIGTERM and SIGHUP, or what stands for them on other systems.
//!
//! One that is ignored when the program begins stays ignored: `nohup` ignores SIGHUP for it, and a shell
//! that runs a script does so with SIGINT for what the script starts in the background.

#[cfg(feature = "tls")]
pub(crate) use system::Hangups;
pub(crate) use system::{on_each, on_each_but_hangups};

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
    pub(crate) fn on_each(act: impl FnMut() + Send + 'static) -> io::Result<()> {
        call_at(heed(&[SIGINT, SIGTERM, SIGHUP])?, act)
    }

    /// The same, for those to whom SIGHUP says something else.
    ///
    /// # Errors
    ///
    /// As [`on_each`].
    pub(crate) fn on_each_but_hangups(act: impl FnMut() + Send + 'static) -> io::Result<()> {
        call_at(heed(&[SIGINT, SIGTERM])?, act)
    }

    /// SIGHUP, which ends nothing from when this is made.
    #[cfg(feature = "tls")]
    pub(crate) struct Hangups(Signals);

    #[cfg(feature = "tls")]
    impl Hangups {
        /// # Errors
        ///
        /// The system has no descriptor for it.
        pub(crate) fn heed() -> io::Result<Self> {
            heed(&[SIGHUP]).map(Self)
        }

        /// Calls `act` at each, in a thread of its own, and if there was one since this was made.
        ///
        /// # Errors
        ///
        /// The system has no thread for it.
        pub(crate) fn on_each(self, act: impl FnMut() + Send + 'static) -> io::Result<()> {
            call_at(self.0, act)
        }
    }

    /// Those of these signals that are not ignored, from now on.
    fn heed(signals: &[i32]) -> io::Result<Signals> {
        // Where there is no such file none counts as ignored: std tells no other way to ask.
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Signals::new(
            signals
                .iter()
                .filter(|&&signal| !is_ignored(signal, &status)),
        )
    }

    fn call_at(mut signals: Signals, mut act: impl FnMut() + Send + 'static) -> io::Result<()> {
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

    /// The same: here are no hangups.
    ///
    /// # Errors
    ///
    /// As [`on_each`].
    pub(crate) fn on_each_but_hangups(act: impl FnMut() + Send + 'static) -> io::Result<()> {
        on_each(act)
    }

    /// None.
    #[cfg(feature = "tls")]
    pub(crate) struct Hangups;

    #[cfg(feature = "tls")]
    impl Hangups {
        /// # Errors
        ///
        /// Never.
        pub(crate) fn heed() -> io::Result<Self> {
            Ok(Self)
        }

        /// # Errors
        ///
        /// Never.
        pub(crate) fn on_each(self, _: impl FnMut() + Send + 'static) -> io::Result<()> {
            Ok(())
        }
    }
}
