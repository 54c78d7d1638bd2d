//! Heads made from decisions: legal ones in many of the forms that are allowed, and ones with a fault.

use crate::reference;
use crate::streams::choices::Choices;
use crate::subject::OPENING_KEY;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::Role;

/// A legal head with bytes after it.
#[must_use]
pub fn legal(sender: Role, choices: &mut Choices<'_>) -> Vec<u8> {
    Head::legal(sender, choices).encode(choices)
}

/// A head with one fault, or with none.
#[must_use]
pub fn damaged(sender: Role, choices: &mut Choices<'_>) -> Vec<u8> {
    let mut head = Head::legal(sender, choices);
    match choices.below(10) {
        0 => return head.encode(choices),
        1..=4 => head.malform(sender, choices),
        5 => head.repeat(choices),
        6 => head.spoil(choices),
        7 => head.start = choices.one(bad_starts(sender)).to_owned(),
        8 => {
            let many = ("X".to_owned(), "y".to_owned());
            head.headers.extend(vec![many; choices.below(20)]);
        }
        _ => return damaged_bytes(head.encode(choices), choices),
    }
    head.encode(choices)
}

/// A head in its parts.
struct Head {
    start: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn legal(sender: Role, choices: &mut Choices<'_>) -> Self {
        let mut head = match sender {
            Role::Client => Self::request(choices),
            Role::Server => Self::response(choices),
        };
        for _ in 0..choices.below(12) {
            let name = choices.one(&["X", "Via", "a-b!c"]);
            head.add(name, choices.one(&["", "y", "caf\u{e9}", "a\tb"]));
        }
        let first = choices.below(head.headers.len());
        head.headers.rotate_left(first);
        head
    }

    fn request(choices: &mut Choices<'_>) -> Self {
        let target = choices.one(&["/", "/chat", "/a?b=c&d", "http://example.com/x", "/%23"]);
        let mut head = Self::upgrade(format!("GET {target} HTTP/1.1"), choices);
        // A request may name several protocols, a response names the one.
        head.headers[0].1 += choices.one(&["", "", ",,", ", h2c"]);
        head.add(
            "Host",
            choices.one(&["a", "example.com:80", "[::1]:8000", "127.0.0.1", "a%20b:"]),
        );
        let nonce: Vec<u8> = (0..16).map(|_| choices.byte()).collect();
        head.add("Sec-WebSocket-Key", &STANDARD.encode(nonce));
        head.add("Sec-WebSocket-Version", "13");
        const OPTIONAL: [(&str, &str); 6] = [
            ("Origin", "https://example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate; client_max_window_bits, x; a=\"b\"",
            ),
            ("Sec-WebSocket-Extensions", "a; b=\"\\c\" ; d = e,, f"),
            ("Cookie", "a=b; c=\"d\""),
            ("Content-Length", "0"),
        ];
        for (name, value) in OPTIONAL {
            if choices.once_in(3) {
                head.add(name, value);
            }
        }
        head
    }

    /// A response to [`crate::subject::opening`].
    fn response(choices: &mut Choices<'_>) -> Self {
        let start = choices.one(&["HTTP/1.1 101 Switching Protocols", "HTTP/1.1 101 "]);
        let mut head = Self::upgrade(start.into(), choices);
        let accept = reference::accept_value(OPENING_KEY);
        head.add("Sec-WebSocket-Accept", &accept);
        if choices.once_in(2) {
            head.add(
                "Sec-WebSocket-Protocol",
                choices.one(&["chat", "superchat"]),
            );
        }
        head
    }

    /// What both sides send.
    fn upgrade(start: String, choices: &mut Choices<'_>) -> Self {
        let mut head = Self {
            start,
            headers: Vec::new(),
        };
        head.add("Upgrade", choices.one(&["websocket", "WebSocket"]));
        let connection = choices.one(&[
            "Upgrade",
            "upgrade",
            "keep-alive, Upgrade",
            "UPGRADE , x",
            ",upgrade",
        ]);
        head.add("Connection", connection);
        head
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.into(), value.into()));
    }

    /// Gives one header a value that it must not have, whether it was there or not.
    fn malform(&mut self, sender: Role, choices: &mut Choices<'_>) {
        let (name, values) = choices.one(bad_values(sender));
        self.headers.retain(|(other, _)| other != name);
        self.add(name, choices.one(values));
    }

    /// Adds one of the headers a second time, perhaps with another value.
    fn repeat(&mut self, choices: &mut Choices<'_>) {
        // The others may be repeated.
        let own = |name: &str| !["X", "Via", "a-b!c"].contains(&name);
        let own: Vec<_> = self.headers.iter().filter(|(name, _)| own(name)).collect();
        let (name, value) = choices.one(&own).clone();
        let value = choices.one(&[&value[..], "other", ""]).to_owned();
        self.headers.push((name, value));
    }

    /// Drops a header, empties it or changes its case.
    fn spoil(&mut self, choices: &mut Choices<'_>) {
        let at = choices.below(self.headers.len());
        let (_, value) = &mut self.headers[at];
        match choices.below(4) {
            0 => drop(self.headers.remove(at)),
            1 => value.clear(),
            2 => value.make_ascii_lowercase(),
            _ => value.make_ascii_uppercase(),
        }
    }

    fn encode(&self, choices: &mut Choices<'_>) -> Vec<u8> {
        let mut head = choices.one(&["", "", "", "\r\n"]).to_owned() + &self.start + "\r\n";
        for (name, value) in &self.headers {
            let name = match choices.below(4) {
                0 => name.to_ascii_lowercase(),
                1 => name.to_ascii_uppercase(),
                _ => name.clone(),
            };
            let (before, after) = choices.one(&[(" ", ""), ("", ""), ("\t ", " \t")]);
            let line = format!("{name}:{before}{value}{after}");
            head += &match choices.below(4) {
                // RFC 9112 §5.2: where a response has a blank, it may go on with the next line.
                0 if self.start.starts_with("HTTP/") => line.replace(' ', " \r\n\t"),
                _ => line,
            };
            head += "\r\n";
        }
        let after = choices.one(&[
            &b""[..],
            b"\x81\x85\0\0\0\0Hello",
            b"\x81\x05Hello\x89\x00",
            b"\r\n\r\n",
            b"\x89\x80\0\0\0\0\xFF",
        ]);
        [head.as_bytes(), b"\r\n", after].concat()
    }
}

/// What a header of the handshake must not say.
type BadValues = &'static [(&'static str, &'static [&'static str])];

#[rustfmt::skip]
fn bad_values(sender: Role) -> BadValues {
    const REQUEST: BadValues = &[
        ("Host", &["", "a b", "a/b", "a@b", "a:99999", "a:b", "a:1:2", "[::1", "::1", "[]", "[g]", "[1]", "[1::2::]", "a%zz", "%4", "\u{e9}"]),
        ("Upgrade", &["h2c", "websockets", "web socket"]),
        ("Connection", &["close", "upgrades", "keep-alive; upgrade"]),
        // Keys of 15, 17, 18 and 19 bytes; not base64; one padding character too few.
        ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25jZWFh",
            "dGhlIHNhbXBsZSBub25jZWFhYQ==", "dGhlIHNhbXBsZSBub25j*Q==", "dGhlIHNhbXBsZSBub25jZQ="]),
        ("Sec-WebSocket-Version", &["8", "13, 8", "013", "1 3"]),
        ("Sec-WebSocket-Protocol", &["chat, chat", "a b", "a/b", "\"chat\"", ",", "caf\u{e9}"]),
        ("Sec-WebSocket-Extensions", &["a; b=", "a;", ";a", "a b", "a=b", "a; b=\"", "a; b=\"\"", "a; b=\"c d\"",
            "a; b=\"c\\\"", "a; b=\"\\,\"", "a; =b", "a; b=\"c\"d", ",", "caf\u{e9}"]),
        ("Origin", &["https://caf\u{e9}.example"]),
        ("Content-Length", &["5", "10"]),
        ("Transfer-Encoding", &["chunked"]),
    ];
    const RESPONSE: BadValues = &[
        ("Upgrade", &["websocket, h2c", "h2c", "websockets"]),
        ("Connection", &["close", "upgrades", "keep-alive; upgrade"]),
        ("Sec-WebSocket-Accept", &["S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", ""]),
        ("Sec-WebSocket-Protocol", &["other", "Chat", "chat, superchat", "chat,", ""]),
        ("Sec-WebSocket-Extensions", &["x", "permessage-deflate; a=b"]),
        ("Content-Length", &["5", "10"]),
        ("Transfer-Encoding", &["chunked"]),
    ];
    if sender == Role::Client { REQUEST } else { RESPONSE }
}

fn bad_starts(sender: Role) -> &'static [&'static str] {
    const REQUEST: &[&str] = &[
        "POST / HTTP/1.1",
        "get / HTTP/1.1",
        "GET / HTTP/1.0",
        "GET / HTTP/0.9",
        "GET / HTTP/2.0",
        "PRI * HTTP/2.0",
        "GET / HTTP/9.9",
        "GET / HTTP/1",
        "GET  / HTTP/1.1",
        "GET /",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET http://a@b/ HTTP/1.1",
    ];
    const RESPONSE: &[&str] = &[
        "HTTP/1.1 200 OK",
        "HTTP/1.1 1010 x",
        "HTTP/1.1 10 x",
        "HTTP/1.1 101",
        "HTTP/1.0 101 Switching Protocols",
        "HTTP/0.9 101 Switching Protocols",
        "HTTP/2.0 101 Switching Protocols",
        "http/1.1 101 Switching Protocols",
    ];
    if sender == Role::Client {
        REQUEST
    } else {
        RESPONSE
    }
}

/// A fault in the bytes themselves.
fn damaged_bytes(mut wire: Vec<u8>, choices: &mut Choices<'_>) -> Vec<u8> {
    const REPLACEMENTS: [(&str, &str); 5] = [
        (":", " :"),
        (":", " "),
        ("\r\n", "\n"),
        ("\r\n", "\r"),
        // The next line continues this one.
        ("\r\n", "\r\n "),
    ];
    if choices.once_in(2) {
        let at = choices.below(wire.len().min(256));
        wire[at] = choices.byte();
        return wire;
    }
    let (from, to) = choices.one(&REPLACEMENTS);
    let places = wire.windows(from.len()).enumerate();
    let places = places.filter(|(_, window)| *window == from.as_bytes());
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    // Each head has a header and ends of lines.
    let at = choices.one(&places);
    wire.splice(at..at + from.len(), to.bytes());
    wire
}
