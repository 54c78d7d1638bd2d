//! What a handshake agreed to beside the protocol itself. plainws speaks no extension; it only shows what
//! others say with permessage-deflate (RFC 7692).

use plainws::Role;
use plainws::protocol::handshake::Extension;

/// The extensions of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Agreed {
    /// There is no handshake to tell.
    #[default]
    Unknown,
    /// There is none, but a message inflates as if permessage-deflate had been agreed to.
    Likely,
    /// These, which may be none.
    To(Extensions),
}

/// Extensions that both ends use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub(crate) deflate: Option<Parameters>,
    /// The names of those that are not known here.
    pub(crate) others: Vec<String>,
    /// What is wrong with what the server chose, in words for people.
    pub(crate) problem: Option<String>,
}

/// How permessage-deflate is to be used (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    server: Side,
    client: Side,
}

/// How one side compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Side {
    /// Whether each of its messages stands for itself.
    has_no_context: bool,
    /// It refers to the 2^n bytes before, at most; 15 unless said.
    window_bits: u8,
}

/// RSV1 marks a compressed message (RFC 7692 §6).
pub(crate) const DEFLATE_BIT: u8 = 0b100;

const DEFLATE: &str = "permessage-deflate";

impl Agreed {
    /// The reserved bits that may be set.
    pub(crate) fn bits(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Likely => DEFLATE_BIT,
            Self::To(extensions) => extensions.bits(),
        }
    }

    /// How messages are compressed, if they are.
    pub(crate) fn deflate(&self) -> Option<Parameters> {
        match self {
            Self::Unknown => None,
            Self::Likely => Some(Parameters::default()),
            Self::To(extensions) => extensions.deflate,
        }
    }

    /// What is wrong with what the server chose.
    pub(crate) fn problem(&self) -> Option<&str> {
        match self {
            Self::To(extensions) => extensions.problem.as_deref(),
            _ => None,
        }
    }
}

impl Extensions {
    /// What a server chose by the values of its `Sec-WebSocket-Extensions` headers. `offered` are those of the
    /// request, if they are known.
    pub(crate) fn chosen(values: &[&[u8]], offered: Option<&[&[u8]]>) -> Self {
        let mut chosen = Self::default();
        for extension in list(values) {
            if extension.name != DEFLATE {
                chosen.others.push(extension.name.to_owned());
                continue;
            }
            if chosen.deflate.is_some() {
                chosen.problem = Some(format!("{DEFLATE} is chosen twice"));
            }
            match Parameters::read(&extension, false) {
                Ok(parameters) => chosen.deflate = Some(parameters),
                Err(problem) => {
                    chosen.deflate = Some(Parameters::default());
                    chosen.problem = Some(problem);
                }
            }
            if chosen.problem.is_none() {
                chosen.problem = offered.and_then(|offered| mismatch(&extension, offered));
            }
        }
        chosen
    }

    /// The reserved bits that they may set. What others do with them is not known here.
    fn bits(&self) -> u8 {
        match (&self.deflate, &*self.others) {
            (_, [_, ..]) => 0b111,
            (Some(_), []) => DEFLATE_BIT,
            (None, []) => 0,
        }
    }
}

/// What is wrong with the offers of permessage-deflate in a request, in words for people: a server declines those
/// (RFC 7692 §7).
pub(crate) fn problem_of_offer(values: &[&[u8]]) -> Option<String> {
    let extensions = list(values);
    let offers = extensions
        .iter()
        .filter(|extension| extension.name == DEFLATE);
    offers
        .filter_map(|offer| Parameters::read(offer, true).err())
        .next()
}

fn list<'a>(values: &[&'a [u8]]) -> Vec<Extension<'a>> {
    let lists = values.iter().filter_map(|value| Extension::list(value));
    lists.flatten().collect()
}

/// A choice that none of the offers allows: RFC 7692 §7.1.2.2 for the window, §7.1.1.1 for the context.
fn mismatch(chosen: &Extension<'_>, offered: &[&[u8]]) -> Option<String> {
    const WINDOW: &str = "client_max_window_bits";
    const CONTEXT: &str = "server_no_context_takeover";
    let offered = list(offered);
    let offers = || offered.iter().filter(|offer| offer.name == DEFLATE);
    let has = |of: &Extension<'_>, name| of.parameters.iter().any(|(key, _)| *key == name);
    if has(chosen, WINDOW) && !offers().any(|offer| has(offer, WINDOW)) {
        return Some(format!("{WINDOW} is chosen, but was not offered"));
    }
    // With several offers, the server may have taken one without it.
    if !has(chosen, CONTEXT)
        && offers().next().is_some()
        && offers().all(|offer| has(offer, CONTEXT))
    {
        return Some(format!("{CONTEXT} was asked for, and is not granted"));
    }
    None
}

impl Parameters {
    fn read(extension: &Extension<'_>, is_offer: bool) -> Result<Self, String> {
        let mut read = Self::default();
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in &extension.parameters {
            if names.contains(name) {
                return Err(format!("{name} stands there twice"));
            }
            names.push(name);
            let value = value.as_deref();
            match (*name, value) {
                ("server_no_context_takeover", None) => read.server.has_no_context = true,
                ("client_no_context_takeover", None) => read.client.has_no_context = true,
                ("server_max_window_bits", Some(bits)) => {
                    read.server.window_bits = window_bits(name, bits)?;
                }
                ("client_max_window_bits", Some(bits)) => {
                    read.client.window_bits = window_bits(name, bits)?;
                }
                // RFC 7692 §7.1.2.2: a client may only hint that it knows this parameter.
                ("client_max_window_bits", None) if is_offer => {}
                ("server_max_window_bits" | "client_max_window_bits", None) => {
                    return Err(format!("{name} has no value"));
                }
                ("server_no_context_takeover" | "client_no_context_takeover", Some(_)) => {
                    return Err(format!("{name} has a value"));
                }
                (unknown, _) => return Err(format!("{unknown} is no parameter of {DEFLATE}")),
            }
        }
        Ok(read)
    }

    /// Whether each message of this sender stands for itself.
    pub(crate) const fn has_no_context(&self, sender: Role) -> bool {
        self.of(sender).has_no_context
    }

    /// How many bytes back this sender may refer.
    pub(crate) const fn window(&self, sender: Role) -> usize {
        1 << self.of(sender).window_bits
    }

    const fn of(&self, sender: Role) -> Side {
        match sender {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        let side = Side {
            has_no_context: false,
            window_bits: 15,
        };
        Self {
            server: side,
            client: side,
        }
    }
}

/// RFC 7692 §7.1.2: a number from 8 to 15, without a zero in front.
fn window_bits(name: &str, text: &str) -> Result<u8, String> {
    let bits = (8..=15).find(|bits: &u8| bits.to_string() == text);
    bits.ok_or_else(|| format!("{name} is {text}, and must be from 8 to 15"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(response: &str, offered: Option<&str>) -> Extensions {
        let offered = offered.map(|offered| [offered.as_bytes()]);
        Extensions::chosen(
            &[response.as_bytes()],
            offered.as_ref().map(|offered| &offered[..]),
        )
    }

    #[test]
    fn parameters_are_those_of_each_side() {
        let all = "permessage-deflate; server_no_context_takeover; client_max_window_bits=9";
        let deflate = chosen(all, None).deflate.expect("it is chosen");
        assert!(deflate.has_no_context(Role::Server));
        assert!(!deflate.has_no_context(Role::Client));
        assert_eq!(deflate.window(Role::Server), 32_768);
        assert_eq!(deflate.window(Role::Client), 512);
        let quoted = "permessage-deflate; server_max_window_bits=\"8\"; client_no_context_takeover";
        let deflate = chosen(quoted, None).deflate.expect("it is chosen");
        assert_eq!(deflate.window(Role::Server), 256);
        assert!(deflate.has_no_context(Role::Client));
    }

    #[test]
    fn bits_are_those_of_the_extensions_that_were_agreed_to() {
        assert_eq!(chosen("", None).bits(), 0);
        assert_eq!(chosen("permessage-deflate", None).bits(), 0b100);
        assert_eq!(chosen("foo", None).bits(), 0b111);
        assert_eq!(chosen("permessage-deflate, foo", None).bits(), 0b111);
    }

    #[test]
    fn what_is_wrong_with_them_is_told() {
        for (response, problem) in [
            ("; server_max_window_bits=8", None),
            ("; server_max_window_bits=15", None),
            (
                "; server_max_window_bits=7",
                Some("server_max_window_bits is 7, and must be from 8 to 15"),
            ),
            (
                "; server_max_window_bits=16",
                Some("server_max_window_bits is 16, and must be from 8 to 15"),
            ),
            (
                "; server_max_window_bits=08",
                Some("server_max_window_bits is 08, and must be from 8 to 15"),
            ),
            (
                "; server_max_window_bits",
                Some("server_max_window_bits has no value"),
            ),
            (
                "; client_max_window_bits",
                Some("client_max_window_bits has no value"),
            ),
            (
                "; client_no_context_takeover=1",
                Some("client_no_context_takeover has a value"),
            ),
            ("; foo", Some("foo is no parameter of permessage-deflate")),
            (
                "; client_no_context_takeover; client_no_context_takeover",
                Some("client_no_context_takeover stands there twice"),
            ),
            (
                ", permessage-deflate",
                Some("permessage-deflate is chosen twice"),
            ),
        ] {
            let chosen = chosen(&format!("permessage-deflate{response}"), None);
            assert_eq!(chosen.problem.as_deref(), problem, "{response}");
            assert!(chosen.deflate.is_some());
        }
    }

    #[test]
    fn a_choice_is_held_against_the_offer_if_that_is_known() {
        let window = Some("client_max_window_bits is chosen, but was not offered");
        let context = Some("server_no_context_takeover was asked for, and is not granted");
        for (response, offered, problem) in [
            ("; client_max_window_bits=10", None, None),
            (
                "; client_max_window_bits=10",
                Some("permessage-deflate"),
                window,
            ),
            (
                "; client_max_window_bits=10",
                Some("permessage-deflate; client_max_window_bits"),
                None,
            ),
            (
                "",
                Some("permessage-deflate; server_no_context_takeover"),
                context,
            ),
            (
                "",
                Some("permessage-deflate; server_no_context_takeover, permessage-deflate"),
                None,
            ),
            (
                "; server_no_context_takeover",
                Some("permessage-deflate; server_no_context_takeover"),
                None,
            ),
            ("", Some("permessage-deflate"), None),
        ] {
            let chosen = chosen(&format!("permessage-deflate{response}"), offered);
            assert_eq!(chosen.problem.as_deref(), problem, "{response} {offered:?}");
        }
    }

    #[test]
    fn an_offer_may_only_hint_at_a_window() {
        assert_eq!(
            problem_of_offer(&[b"permessage-deflate; client_max_window_bits"]),
            None
        );
        let problem = problem_of_offer(&[b"foo; a, permessage-deflate; server_max_window_bits"]);
        assert_eq!(
            problem.as_deref(),
            Some("server_max_window_bits has no value")
        );
    }
}
