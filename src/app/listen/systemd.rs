//! The sockets that systemd has opened before it started this program, and passes to it (sd_listen_fds(3)).

pub(crate) use system::Passed;

#[cfg(target_os = "linux")]
mod system {
    use super::super::place::Place;
    use super::super::tcp::TcpPlace;
    use super::super::unix::{Name, UnixPlace};
    use listenfd::ListenFd;
    use plainws::net::listener::Listener;
    use std::env;
    use std::io;
    use std::net::TcpListener;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::UnixListener;
    use std::process;

    /// What systemd has passed, as far as nobody has taken it.
    #[derive(Debug, Default)]
    pub(crate) struct Passed {
        sockets: Vec<(String, Option<(Listener, Place)>)>,
        /// Why there is none, if so.
        missing: String,
    }

    impl Passed {
        /// Takes what is there: once, and before this program opens anything itself, so that a wrong number in the
        /// environment cannot stand for what it has opened.
        ///
        /// # Errors
        ///
        /// What was passed that cannot be listened on.
        pub(crate) fn take_all() -> Result<Self, String> {
            let missing = missing(
                env::var("LISTEN_FDS").ok().as_deref(),
                env::var("LISTEN_PID").ok().as_deref(),
            );
            let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
            let mut names = names.split(':');
            let mut passed = ListenFd::from_env();
            let sockets = (0..passed.len()).map(|at| {
                let name = names.next().filter(|name| !name.is_empty());
                let name = name.unwrap_or("unknown").to_owned();
                let socket = socket(&mut passed, at);
                let problem =
                    |error| format!("socket {} that systemd passed, {name}: {error}", at + 1);
                match socket {
                    Ok(socket) => Ok((name, Some(socket))),
                    Err(error) => Err(problem(error)),
                }
            });
            Ok(Self {
                sockets: sockets.collect::<Result<_, _>>()?,
                missing,
            })
        }

        /// Those of a name, or all.
        pub(in super::super) fn take(
            &mut self,
            name: Option<&str>,
        ) -> Result<Vec<(Listener, Place)>, String> {
            if self.sockets.is_empty() {
                return Err(self.missing.clone());
            }
            let names: Vec<_> = self.sockets.iter().map(|(name, _)| name.clone()).collect();
            let wanted = self.sockets.iter_mut();
            let wanted: Vec<_> = wanted
                .filter(|(its, _)| name.is_none_or(|name| name == its))
                .collect();
            if wanted.is_empty() {
                return Err(format!(
                    "systemd has passed no socket of that name, but {}. \
                     FileDescriptorName= in the socket unit gives one its name",
                    names.join(", ")
                ));
            }
            let taken = wanted.into_iter().map(|(name, socket)| {
                let twice =
                    || format!("{name} is named by another --addr too: leave one of them out");
                socket.take().ok_or_else(twice)
            });
            taken.collect()
        }
    }

    /// What to say if no socket was passed.
    fn missing(count: Option<&str>, process: Option<&str>) -> String {
        let why = match (count, process) {
            (Some(count), Some(pid)) if count != "0" && pid != process::id().to_string() => format!(
                "the sockets are for process {pid} (LISTEN_PID), and this is {}: \
                 ExecStart= must start plainws itself, or a shell that says exec",
                process::id()
            ),
            (Some(_), _) => "systemd has passed no socket (LISTEN_FDS)".into(),
            (None, _) => "systemd has passed no socket (LISTEN_FDS is not set): \
                 it does if a socket unit of the same name is started, plainws.socket for plainws.service"
                .into(),
        };
        format!("{why}. To try it: systemd-socket-activate -l 8000 plainws --addr systemd")
    }

    fn socket(passed: &mut ListenFd, at: usize) -> Result<(Listener, Place), String> {
        let place_of_tcp = |listener: &TcpListener| {
            listener.local_addr().map(|address| {
                Place::Tcp(TcpPlace {
                    address,
                    others: Vec::new(),
                })
            })
        };
        if let Ok(Some(listener)) = passed.take_tcp_listener(at) {
            check_it_listens(&listener)?;
            let place = place_of_tcp(&listener).map_err(in_words)?;
            return Ok((Listener::from(listener).shared(), place));
        }
        if let Ok(Some(listener)) = passed.take_unix_listener(at) {
            check_it_listens(&listener)?;
            let place = Place::Unix(UnixPlace::passed(name(&listener).map_err(in_words)?));
            return Ok((Listener::from(listener).shared(), place));
        }
        Err("it is neither a TCP socket nor a Unix stream socket (ListenStream=)".into())
    }

    fn check_it_listens(socket: &impl std::os::fd::AsFd) -> Result<(), String> {
        match rustix::net::sockopt::socket_acceptconn(socket) {
            Ok(true) => Ok(()),
            Ok(false) => Err("it does not listen: the socket unit must not say Accept=yes".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn name(listener: &UnixListener) -> io::Result<Name> {
        let address = listener.local_addr()?;
        Ok(match (address.as_pathname(), address.as_abstract_name()) {
            (Some(path), _) => Name::Path(path.to_owned()),
            (None, name) => {
                Name::Abstract(String::from_utf8_lossy(name.unwrap_or_default()).into_owned())
            }
        })
    }

    fn in_words(error: io::Error) -> String {
        error.to_string()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_missing_is_told() {
            let ours = process::id().to_string();
            for (count, process, why) in [
                (None, None, "LISTEN_FDS is not set"),
                (
                    Some("0"),
                    Some("1"),
                    "systemd has passed no socket (LISTEN_FDS)",
                ),
                (
                    Some("x"),
                    Some(ours.as_str()),
                    "systemd has passed no socket (LISTEN_FDS)",
                ),
                (Some("1"), Some("1"), "are for process 1 (LISTEN_PID)"),
            ] {
                let told = missing(count, process);
                assert!(told.contains(why), "{count:?}, {process:?}: {told}");
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::super::place::Place;
    use plainws::net::listener::Listener;

    /// Nothing.
    #[derive(Debug, Default)]
    pub(crate) struct Passed;

    impl Passed {
        /// # Errors
        ///
        /// Always: no flag asks for it here.
        pub(crate) fn take_all() -> Result<Self, String> {
            Err("there is no systemd on this system".into())
        }

        pub(in super::super) fn take(
            &mut self,
            _: Option<&str>,
        ) -> Result<Vec<(Listener, Place)>, String> {
            Err("there is no systemd on this system".into())
        }
    }
}
