//! What a run is to do.

use super::messages::{Form, Messages};
use super::outbox::GATHERED;
use plainws::net::error::Error;
use plainws::net::url::Url;
use plainws::protocol::handshake::{InvalidHeader, Opening};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A server to load.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As it was given.
    pub(crate) name: String,
    url: Url,
    is_websocket: bool,
    asked: Asked,
}

/// What a handshake asks for, beside its URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
}

impl Target {
    /// Takes a URL with ws: or tcp:.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for people.
    pub(crate) fn new(name: &str, asked: Asked) -> Result<Self, String> {
        let tcp = name
            .split_once("://")
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("tcp"));
        let url = match tcp {
            Some((_, authority)) if !is_host_and_port(authority) => {
                return Err("a tcp:// URL is tcp://host:port".into());
            }
            Some((_, authority)) => Url::parse(&format!("ws://{authority}")),
            None => Url::parse(name),
        }
        .map_err(in_words)?;
        let target = Self {
            name: name.into(),
            url,
            is_websocket: tcp.is_none(),
            asked,
        };
        // Whatever a request must not hold is found now.
        target.opening([0; 16]).map_err(|error| error.to_string())?;
        Ok(target)
    }

    pub(crate) const fn is_websocket(&self) -> bool {
        self.is_websocket
    }

    /// How echoes come back.
    pub(crate) const fn echo(&self) -> Form {
        if self.is_websocket {
            Form::Payload
        } else {
            Form::Frame
        }
    }

    /// # Errors
    ///
    /// The name has no address, in words for people.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        self.url.addresses().map_err(in_words)
    }

    pub(crate) fn opening(&self, nonce: [u8; 16]) -> Result<Opening, InvalidHeader> {
        let mut opening = Opening::new(self.url.host(), self.url.target(), nonce)?;
        for (name, value) in &self.asked.headers {
            opening.add_header(name, value)?;
        }
        for name in &self.asked.subprotocols {
            opening.offer_subprotocol(name)?;
        }
        Ok(opening)
    }
}

fn is_host_and_port(authority: &str) -> bool {
    let is_more = authority.contains(['/', '?', '#', '@']);
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    !is_more && port.is_some_and(|port| !port.is_empty() && is_number(port))
}

fn in_words(error: Error) -> String {
    error.to_string()
}

/// How a server is to be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Connections that send.
    pub(crate) connections: u32,
    /// Connections beside them that do not.
    pub(crate) idle: u32,
    /// Messages that each of the former has on their way.
    pub(crate) in_flight: usize,
    pub(crate) messages: Arc<Messages>,
    pub(crate) threads: u32,
    /// How long connecting, an answer and an echo may take.
    pub(crate) patience: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
}

impl Load {
    /// The same load for a shorter time, one of so many parts.
    pub(crate) fn part(&self, parts: u32) -> Self {
        Self {
            time: self.time / parts,
            warm_up: self.warm_up / parts,
            ..self.clone()
        }
    }

    /// About how many bytes the messages take that are on their way at a time: what is gathered of each,
    /// and when it was sent.
    pub(crate) fn memory(&self) -> u128 {
        let each = self.messages.length(Form::Frame).min(GATHERED) + 128;
        u128::from(self.connections) * self.in_flight as u128 * each as u128
    }

    pub(crate) const fn all_connections(&self) -> u32 {
        self.connections.saturating_add(self.idle)
    }
}
