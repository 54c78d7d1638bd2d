//! What a run is to do.

use super::messages::{Form, Messages};
use super::outbox::GATHERED;
use crate::app::address;
use plainws::net::error::Error;
use plainws::net::url::Url;
use plainws::protocol::handshake::{InvalidHeader, Opening};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A server to load.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its URL, without a password.
    pub(crate) name: String,
    /// What whoever typed it should know.
    pub(crate) notes: Vec<&'static str>,
    url: Url,
    /// Where to connect, if not to the URL's host.
    connect_to: Option<Url>,
    is_websocket: bool,
    asked: Asked,
}

/// What a handshake asks for, beside its URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
    /// The host that is named, if it is not the URL's.
    pub(crate) host: Option<String>,
    /// `host:port` to connect to instead of the URL's.
    pub(crate) connect_to: Option<String>,
}

impl Asked {
    /// Adds the header that user and password of a URL become, unless it was given by hand.
    fn authorize(&mut self, value: Option<String>) {
        let mut headers = self.headers.iter();
        let is_given = headers.any(|(name, _)| name.eq_ignore_ascii_case("Authorization"));
        if let Some(value) = value.filter(|_| !is_given) {
            self.headers.push(("Authorization".into(), value));
        }
    }
}

impl Target {
    /// Takes a URL with tcp:, or what is typed for one with ws:.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for people.
    pub(crate) fn new(typed: &str, mut asked: Asked) -> Result<Self, String> {
        let tcp = typed
            .split_once("://")
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("tcp"));
        let (name, url, notes) = match tcp {
            Some((_, authority)) if !is_host_and_port(authority) => {
                return Err("a tcp:// URL is tcp://host:port".into());
            }
            Some((_, authority)) => (typed.into(), format!("ws://{authority}"), Vec::new()),
            None => {
                let address = address::parse_among(typed, "ws:// or tcp://")?;
                if address.is_secure() {
                    return Err("a load is put on ws:// or tcp:// only, without TLS".into());
                }
                asked.authorize(address.authorization);
                (address.url.clone(), address.url, address.notes)
            }
        };
        let connect_to = asked.connect_to.as_deref().filter(|_| tcp.is_none());
        let connect_to = connect_to.map(|address| match is_host_and_port(address) {
            true => Url::parse(&format!("ws://{address}")).map_err(in_words),
            false => Err("--connect-to takes host:port".into()),
        });
        let target = Self {
            name,
            notes,
            url: Url::parse(&url).map_err(in_words)?,
            connect_to: connect_to.transpose()?,
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
        let url = self.connect_to.as_ref().unwrap_or(&self.url);
        url.addresses().map_err(in_words)
    }

    pub(crate) fn opening(&self, nonce: [u8; 16]) -> Result<Opening, InvalidHeader> {
        let host = self.asked.host.as_deref().unwrap_or(self.url.host());
        let mut opening = Opening::new(host, self.url.target(), nonce)?;
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
