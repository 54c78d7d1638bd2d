//! What a supervisor such as systemd is told (sd_notify(3)), if it asks for that: `NOTIFY_SOCKET` is set.

use super::access_log::Form;
use crate::app::show::lines::Lines;

/// All is listened on.
pub(super) fn tell_ready(lines: &Lines, form: Form) {
    system::tell(system::State::Ready, lines, form);
}

/// The end has begun.
pub(super) fn tell_stopping(lines: &Lines, form: Form) {
    system::tell(system::State::Stopping, lines, form);
}

#[cfg(target_os = "linux")]
mod system {
    use super::super::access_log;
    use super::{Form, Lines};
    use crate::app::show::lines::To;
    pub(super) use sd_notify::NotifyState as State;

    pub(super) fn tell(state: State<'_>, lines: &Lines, form: Form) {
        if let Err(error) = sd_notify::notify(&[state]) {
            let warning = format!("cannot tell systemd (NOTIFY_SOCKET): {error}");
            lines.push(To::Stderr, &access_log::warning(&warning, form));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Form, Lines};

    pub(super) enum State {
        Ready,
        Stopping,
    }

    /// Nobody asks here.
    pub(super) fn tell(_: State, _: &Lines, _: Form) {}
}
