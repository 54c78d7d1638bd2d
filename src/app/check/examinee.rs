//! Who is examined, as far as connections go.

use super::record::Stopped;
use plainws::{Role, Transport};
use std::sync::Arc;
use std::time::Duration;

/// Who is examined: connections come from here.
pub(crate) trait Examinee {
    /// Which end it is.
    fn role(&self) -> Role;

    /// Opens a connection, or takes the next one that a client opens.
    ///
    /// # Errors
    ///
    /// There is none, and why.
    fn connect(&mut self) -> Result<Line, Stopped>;

    /// How long it may be silent.
    fn patience(&self) -> Duration;

    /// Whether TLS comes first.
    fn is_secure(&self) -> bool {
        false
    }
}

/// A new connection, and what its handshake needs. A client has sent its request by then.
pub(crate) struct Line {
    pub(crate) stream: Arc<dyn Transport>,
    /// The head that is usual.
    pub(crate) head: String,
    /// What stands for `{target}` and the like in other heads.
    pub(crate) words: Vec<(&'static str, String)>,
    /// The bytes of a client that came after its request.
    pub(crate) rest: Vec<u8>,
}

impl Line {
    /// The head that a template stands for: each of its characters is one byte, so that it need not be UTF-8.
    pub(crate) fn fill(&self, template: &str) -> Vec<u8> {
        let template = template.replace("{head}", &self.head);
        let words = self.words.iter();
        let head = words.fold(template, |head, (name, value)| {
            let value: String = value.bytes().map(char::from).collect();
            head.replace(name, &value)
        });
        let byte = |c| u8::try_from(c).expect("a template is written in Latin-1");
        head.chars().map(byte).collect()
    }
}
