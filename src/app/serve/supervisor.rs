//! What a supervisor such as systemd is told (sd_notify(3)), if it asks for that: `NOTIFY_SOCKET` is set.

use super::access_log::Form;
use crate::app::show::lines::Lines;

/// All is listened on.
pub(super) fn tell_ready(lines: &Lines, form: Form) {
    system::tell("READY=1\n", lines, form);
}

/// The end has begun.
pub(super) fn tell_stopping(lines: &Lines, form: Form) {
    system::tell("STOPPING=1\n", lines, form);
}

#[cfg(target_os = "linux")]
mod system {
    use super::super::access_log;
    use super::{Form, Lines};
    use crate::app::show::lines::To;
    use std::env;
    use std::ffi::OsStr;
    use std::io;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    pub(super) fn tell(state: &str, lines: &Lines, form: Form) {
        let Some(socket) = env::var_os("NOTIFY_SOCKET") else {
            return;
        };
        if let Err(error) = send(state, &socket) {
            let warning = format!("cannot tell systemd (NOTIFY_SOCKET): {error}");
            lines.push(To::Stderr, &access_log::warning(&warning, form));
        }
    }

    fn send(state: &str, socket: &OsStr) -> io::Result<()> {
        let address = match socket.as_bytes() {
            // A socket without a file.
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(socket)?,
        };
        let sent = UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address);
        sent.map(drop)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Form, Lines};

    /// Nobody asks here.
    pub(super) fn tell(_: &str, _: &Lines, _: Form) {}
}
