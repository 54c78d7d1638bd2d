//! How serving ends: a drain if there is to be one, then a Close for each connection, then a cut.

use super::access_log::{self, Form};
use super::certificate::Certificate;
use super::supervisor;
use crate::app::lab::Lab;
use crate::app::show::lines::{Lines, To};
use crate::app::signals;
use plainws::Handle;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Whether new clients are welcome. They are until the end has begun; a server that is full is ready.
#[derive(Clone, Debug, Default)]
pub(super) struct Readiness {
    is_ending: Arc<AtomicBool>,
}

impl Readiness {
    pub(super) fn is_ready(&self) -> bool {
        !self.is_ending.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }
}

/// What the end of serving needs.
pub(super) struct Ending {
    /// For how long from the first signal on all is still served, while balancers are told to go elsewhere.
    pub(super) drain: Duration,
    pub(super) readiness: Readiness,
    pub(super) servers: Vec<Handle>,
    pub(super) lab: Option<Arc<Lab>>,
    pub(super) lines: Lines,
    pub(super) form: Form,
}

impl Ending {
    /// Goes one step further at each signal, in a thread of its own. If there is a certificate, SIGHUP renews it
    /// instead.
    pub(super) fn at_signals(self, certificate: Option<Certificate>) -> io::Result<()> {
        let (lines, form) = (self.lines.clone(), self.form);
        let (signal, signals) = mpsc::channel();
        let thread = thread::Builder::new().name("plainws end".into());
        thread.spawn(move || self.take_steps_at(&signals))?;
        let step = move || {
            let _ = signal.send(());
        };
        let Some(certificate) = certificate else {
            return signals::on_each(step);
        };
        signals::on_each_but_hangups(step)?;
        certificate.renew_at_hangups(move |outcome| {
            lines.push(To::Stderr, &access_log::renewed(&outcome, form));
        })
    }

    fn take_steps_at(&self, signals: &Receiver<()>) {
        // 1. Serve until the first signal.
        if signals.recv().is_err() {
            return;
        }
        // 2. Go on, but be found not ready, for the time of the drain or until the next signal.
        self.readiness.end();
        supervisor::tell_stopping(&self.lines, self.form);
        if !self.drain.is_zero() {
            let line = access_log::draining(self.drain, self.form);
            self.servers.iter().for_each(Handle::drain);
            self.lines.push(To::Stderr, &line);
            let _ = signals.recv_timeout(self.drain);
        }
        // 3. Close all connections, which their peers may answer until the next signal.
        self.servers.iter().for_each(Handle::shutdown);
        if let Some(lab) = &self.lab {
            lab.stop();
        }
        // 4. Cut those that are left.
        while signals.recv().is_ok() {
            self.servers.iter().for_each(Handle::cut);
        }
    }
}
