//! The seeds: small inputs that between them reach every rule, event, length form and change of state.
//!
//! They are files only because libFuzzer wants files: the program `oracle seeds` writes them, and a test
//! checks that they are what it would write.

use crate::handshake;
use crate::stream::Stream;
use crate::streams::choices::Random;
use crate::streams::wire::{self, KEY, encode, zero_key};
use plainws::protocol::head;
use plainws::{Role, Rule};

/// An input worth starting from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target it is for.
    pub target: &'static str,
    /// The name of its file.
    pub name: String,
    /// The input.
    pub input: Vec<u8>,
}

/// First byte and payload of each frame.
type Frames = &'static [(u8, &'static [u8])];

const BOTH: [(Role, &str); 2] = [(Role::Client, "client"), (Role::Server, "server")];

/// Every seed.
#[must_use]
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    rules(&mut seeds);
    streams(&mut seeds);
    listings(&mut seeds);
    resources(&mut seeds);
    heads(&mut seeds);
    scripts(&mut seeds);
    pieces(&mut seeds);
    proxies(&mut seeds);
    seeds
}

fn seed(target: &'static str, name: impl Into<String>, input: Vec<u8>) -> Seed {
    Seed {
        target,
        name: name.into(),
        input,
    }
}

/// The bytes of the rule table. Those that exceed a default limit are cut where they already exceed the
/// tiny one.
fn rules(seeds: &mut Vec<Seed>) {
    const LONG_ENOUGH: usize = handshake::TINY.max_bytes + 1;
    for rule in Rule::ALL {
        for (sender, name) in BOTH {
            let Some(bytes) = rule.example(sender) else {
                continue;
            };
            let bytes = &bytes[..bytes.len().min(LONG_ENOUGH)];
            let (target, input) = match (rule.close_code(), sender) {
                (Some(_), _) => ("stream", Stream::to_input(sender, bytes)),
                (None, Role::Client) => (
                    "handshake",
                    handshake::to_input(sender, handshake::TINY, bytes),
                ),
                (None, Role::Server) => (
                    "client",
                    handshake::to_input(sender, handshake::TINY, bytes),
                ),
            };
            seeds.push(seed(target, format!("rule-{}-by-{name}", rule.id()), input));
        }
    }
}

/// The examples of §5.7, and each event in each role, under a key of zeros, which leaves the payload readable
/// for the dictionary.
fn streams(seeds: &mut Vec<Seed>) {
    const STREAMS: &[(&str, Frames)] = &[
        ("text", &[(0x81, b"Hello")]),
        ("fragments", &[(0x01, b"Hel"), (0x80, b"lo")]),
        ("ping-and-pong", &[(0x89, b"Hello"), (0x8A, b"Hello")]),
        ("binary", &[(0x82, &[0xFF; 126])]),
        (
            "ping-between-fragments",
            &[(0x02, b"\xC3"), (0x89, b""), (0x00, b""), (0x80, b"\xA9")],
        ),
        (
            "character-cut",
            &[(0x01, b"\xF0\x9D"), (0x8A, b"x"), (0x80, b"\x84\x9E")],
        ),
        ("close-with-reason", &[(0x88, b"\x03\xE8bye \xE2\x82\xAC")]),
        (
            "close-empty",
            &[(0x81, b""), (0x88, b""), (0x81, b"behind")],
        ),
    ];
    for (name, frames) in STREAMS {
        for (sender, role) in BOTH {
            let frames = frames.iter();
            let wire = frames.flat_map(|(byte0, payload)| wire::frame(sender, *byte0, payload));
            let wire: Vec<u8> = wire.collect();
            seeds.push(seed(
                "stream",
                format!("{name}-by-{role}"),
                Stream::to_input(sender, &wire),
            ));
        }
    }
    let masked = encode(0x81, Some(KEY), b"Hello");
    seeds.push(seed(
        "stream",
        "rfc-5.7-masked-text",
        Stream::to_input(Role::Client, &masked),
    ));
    let cut = [
        &[0x30, 1, 5, 3],
        &masked[..],
        &encode(0x8A, Some(KEY), b"Hello"),
    ]
    .concat();
    seeds.push(seed("stream", "rfc-5.7-in-four-pieces", cut));
    let large = encode(0x82, None, &[0; 256]);
    seeds.push(seed(
        "stream",
        "rfc-5.7-256-bytes",
        Stream::to_input(Role::Server, &large),
    ));
    for number in 0..6 {
        seeds.push(seed(
            "sequence",
            format!("decisions-{number}"),
            Random(number).bytes(60),
        ));
    }
}

/// What is hard to show: fields that are cut, control characters, a reason that breaks off.
fn listings(seeds: &mut Vec<Seed>) {
    let escape = encode(0x81, Some(KEY), b"\x1B[2J\x07");
    let reason = encode(0x88, None, b"\x03\xE8\x1B]0;\xC2\x9B");
    let longest = [&[0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0], &KEY[..], b"a"].concat();
    let inputs = [
        ("control-characters", Role::Client, &escape[..]),
        ("reason-with-control-characters", Role::Server, &reason[..]),
        ("longest-header", Role::Client, &longest[..]),
        ("half-a-length", Role::Client, &longest[..6]),
        ("half-a-key", Role::Client, &longest[..12]),
    ];
    for (name, sender, wire) in inputs {
        seeds.push(seed("dissect", name, Stream::to_input(sender, wire)));
    }
}

/// Lengths that are declared and payloads that do not come, and many frames in few bytes.
fn resources(seeds: &mut Vec<Seed>) {
    for (sender, role) in BOTH {
        let key = zero_key(sender);
        let mask = if key.is_some() { 0x80 } else { 0 };
        for (name, length) in [("64-kib", 0x1_0000_u64), ("16-mib", 0x100_0000)] {
            let header = [&[0x82, mask | 127], &length.to_be_bytes()[..]].concat();
            let wire = [&header[..], key.as_slice().as_flattened(), b"some"].concat();
            seeds.push(seed(
                "resource",
                format!("declared-{name}-by-{role}"),
                Stream::to_input(sender, &wire),
            ));
        }
        let pings = encode(0x89, key, b"ping").repeat(20);
        seeds.push(seed(
            "resource",
            format!("pings-by-{role}"),
            Stream::to_input(sender, &pings),
        ));
        let fragments = [encode(0x01, key, b"a"), encode(0x00, key, b"a").repeat(20)].concat();
        seeds.push(seed(
            "resource",
            format!("fragments-by-{role}"),
            Stream::to_input(sender, &fragments),
        ));
    }
}

/// Handshakes that succeed, with frames after them.
fn heads(seeds: &mut Vec<Seed>) {
    let request = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n\x01\x02";
    let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n\x01\x05Hello";
    let extensions = request.replace(
        "Origin:",
        "Sec-WebSocket-Extensions: a; b=\"c\", d\r\nOrigin:",
    );
    let folded = response
        .replace("Upgrade: ", "Upgrade:\r\n\t")
        .replace("chat\r\n", "chat \r\n \r\n");
    let wide = head::Limits::default();
    let input = |sender, limits, wire: &str| handshake::to_input(sender, limits, wire.as_bytes());
    seeds.push(seed(
        "handshake",
        "rfc-1.2-request",
        input(Role::Client, handshake::TINY, request),
    ));
    seeds.push(seed(
        "handshake",
        "extensions",
        input(Role::Client, wide, &extensions),
    ));
    seeds.push(seed(
        "client",
        "rfc-1.2-response",
        input(Role::Server, handshake::TINY, response),
    ));
    seeds.push(seed(
        "client",
        "folded-response",
        input(Role::Server, handshake::TINY, &folded),
    ));
    for number in 0..3 {
        let decisions = Random(number).bytes(60);
        seeds.push(seed(
            "handshake",
            format!("decisions-{number}"),
            [&[4], &decisions[..]].concat(),
        ));
        seeds.push(seed(
            "client",
            format!("decisions-{number}"),
            [&[5], &decisions[..]].concat(),
        ));
    }
}

/// Scripts for each change of state; the steps are read by `script::play`.
fn scripts(seeds: &mut Vec<Seed>) {
    const CLOSE: &[u8] = &[3, 0, 2];
    const EOF: &[u8] = &[15, 3];
    const WRITE: &[u8] = &[4];
    const SHORT_WRITE: &[u8] = &[6, 3];
    const BREAK: &[u8] = &[14, 3];
    const SEND: &[u8] = &[0, 5];
    const PING_SENT: &[u8] = &[2, b'p', 4];
    for (name, role) in [("server", 0), ("client", 1)] {
        // A server's peer masks: that takes one more decision.
        let key: &[u8] = if role == 0 { &[0] } else { &[] };
        let peer = |step: &[u8], cut: u8| [step, key, &[cut]].concat();
        let peer_close = peer(&[11, 2], 3);
        let peer_ping = peer(&[7, 5, b'x'], 1);
        let peer_fault = peer(&[12, 2], 2);
        let peer_text = peer(&[9], 4);
        let scripts: &[(&str, &[&[u8]])] = &[
            (
                "we-close-peer-closes",
                &[SEND, CLOSE, WRITE, &peer_ping, &peer_close, WRITE],
            ),
            ("we-close-eof", &[CLOSE, SHORT_WRITE, EOF]),
            ("we-close-peer-breaks-a-rule", &[CLOSE, WRITE, &peer_fault]),
            ("peer-closes", &[&peer_text, &peer_close, WRITE, SEND]),
            (
                "peer-breaks-a-rule",
                &[&peer_ping, &peer_fault, &peer_text, WRITE],
            ),
            ("eof", &[PING_SENT, WRITE, EOF, SEND]),
            (
                "wire-breaks",
                &[SEND, SHORT_WRITE, BREAK, SEND, &peer_ping, EOF],
            ),
        ];
        for (what, steps) in scripts {
            let script = [&[role][..], &steps.concat()].concat();
            seeds.push(seed("endpoint", format!("{what}-{name}"), script));
        }
    }
}

fn pieces(seeds: &mut Vec<Seed>) {
    let payload: Vec<u8> = (0..70).collect();
    for (name, offset, cut) in [("whole", 0, 70), ("odd", 3, 33), ("bytes", 1, 1)] {
        seeds.push(seed(
            "mask",
            name,
            [&KEY[..], &[offset, cut], &payload].concat(),
        ));
    }
    let texts: [(&str, &[u8]); 5] = [
        ("each-length", "aé€𝄞".as_bytes()),
        (
            "borders",
            "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}".as_bytes(),
        ),
        ("surrogate", b"\xED\xA0\x80"),
        ("overlong", b"a\xE0\x80\x80"),
        ("too-high", b"\xF4\x90\x80\x80"),
    ];
    let hosts = [
        ("name", "localhost:8000"),
        ("name-below", "a.LocalHost."),
        ("address", "127.0.0.1:80"),
        ("address-in-brackets", "[::1]"),
        ("mapped-address", "[::ffff:7f00:1]:8000"),
        ("another-name", "localhost.example"),
        ("another-address", "127.1"),
    ];
    let urls = [
        ("plain", "ws://example.com/chat?room=1"),
        ("empty-port", "ws://localhost:/"),
        ("address", "ws://[::1]:8000"),
        ("zone", "ws://[fe80::1%25lo]:8000/"),
        ("user", "ws://me:secret@localhost/"),
        ("port-too-large", "WS://a:65536?b"),
    ];
    let paths = [
        ("one", "/room/{id}\n/room/caf%C3%A9"),
        ("rest", "/files/{*rest}\n/files/a/b%2Fc"),
        ("exacter", "/{*all}\n/{a}\n/x\n/x"),
        ("one-before-rest", "/{*all}\n/{a}\n/x"),
        ("bad-code", "/{id}\n/%zz"),
        ("bad-template", "/{*rest}/x\n/a/x"),
        ("same-shape", "/{a}\n/{b}\n/x"),
        ("empty-segment", "/a/{b}/c\n/a//c"),
    ];
    let bodies = [
        ("plain", "5\r\nHello\r\n0\r\n\r\n"),
        (
            "extensions",
            "00A;a=\"b\"\r\n0123456789\r\n1 \r\n!\r\n0\t\r\n\r\n",
        ),
        ("trailer", "0\r\nA: b\r\nC: d\r\n\r\nHTTP/1.1 200 OK"),
        ("largest", "ffffffffffffffff\r\nHello"),
        ("too-large", "10000000000000000\r\nHello"),
        ("line-feed", "5\nHello\n0\n\n"),
        ("too-long", "4\r\nHello\r\n0\r\n\r\n"),
        ("no-line-feed", "5\r\nHello\r00\r\n\r\n"),
        ("sign", "+5\r\nHello\r\n0\r\n\r\n"),
    ];
    for (name, body) in bodies {
        seeds.push(seed("chunks", name, [&[2, 1, 3], body.as_bytes()].concat()));
    }
    for (name, path) in paths {
        seeds.push(seed("path", name, path.as_bytes().to_vec()));
    }
    for (name, url) in urls {
        seeds.push(seed("url", name, url.as_bytes().to_vec()));
    }
    let origins = [
        ("same-host", "null\nws://a.example:80\na.example"),
        (
            "same-host-by-tls",
            "null\nhttps://a.example\nhttps://a.example",
        ),
        ("plain-page", "null\nhttp://a.example\nhttps://a.example"),
        (
            "allowed",
            "HTTPS://A.example:443\nhttps://a.example\nb.example",
        ),
        (
            "under",
            "https://*.a.example\nhttps://c.b.a.example\nb.example",
        ),
        (
            "beside",
            "https://*.a.example\nhttps://ba.example\nb.example",
        ),
        (
            "extension",
            "moz-extension://0c1a43d5\nmoz-extension://0C1A43D5\nb",
        ),
        ("address", "http://[::1]:8000\nhttp://[0:0::1]:8000\n[::1]"),
        (
            "no-entry",
            "https://a.example/\nhttps://a.example\nb.example",
        ),
    ];
    for (name, origin) in origins {
        seeds.push(seed("origin", name, origin.as_bytes().to_vec()));
    }
    for (name, host) in hosts {
        seeds.push(seed("host", name, host.as_bytes().to_vec()));
    }
    for (name, text) in texts {
        seeds.push(seed("utf8", name, [&[3], text].concat()));
    }
}

fn proxies(seeds: &mut Vec<Seed>) {
    let entries = [
        ("address", "192.0.2.1\n::ffff:192.0.2.1"),
        ("network", "10.0.0.0/8\n10.255.255.255"),
        ("beside", "192.0.2.128/25\n192.0.2.127"),
        ("ipv6", "2001:db8::/33\n2001:db8:8000::"),
        ("mapped", "::ffff:10.0.0.0/104\n10.0.0.1"),
        ("unix", "unix\nunix"),
        ("bits-after", "10.1.2.3/8\n10.0.0.1"),
        ("everybody", "::/0\n::1"),
    ];
    for (name, entry) in entries {
        seeds.push(seed("proxy", name, entry.as_bytes().to_vec()));
    }
    // As HAProxy wrote them, each before a request.
    let headers: [(&str, &[u8]); 9] = [
        ("line", b"PROXY TCP4 127.0.0.1 127.0.0.1 42580 57909\r\nGET"),
        (
            "line-ipv6",
            b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 443\r\nGET",
        ),
        ("unknown", b"PROXY UNKNOWN\r\nGET"),
        ("line-feed", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\n"),
        (
            "binary",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x8f\x6e\x89\x85GET",
        ),
        (
            "binary-tls",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x4c\x7f\0\0\x01\x7f\0\0\x01\xb4\xb8\xa1\x91\
              \x03\0\x04\x3e\x98\x9f\x1c\x01\0\x08http/1.1\x05\0\0\
              \x20\0\x28\x01\0\0\0\0\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_256_GCM_SHA384GET",
        ),
        (
            "binary-no-tls",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\x7f\0\0\x01\x7f\0\0\x01\xe8\x1e\xb0\xc9\
              \x20\0\x05\0\0\0\0\0GET",
        ),
        ("binary-local", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0GET"),
        ("too-long", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"),
    ];
    for (name, header) in headers {
        seeds.push(seed("proxy-header", name, [&[0], header].concat()));
    }
    let requests = [
        (
            "x-forwarded",
            "10.0.0.1\nX-Forwarded-For: 127.0.0.1, 192.0.2.1:80, 10.0.0.2\nX-Forwarded-Proto: https",
        ),
        (
            "x-forwarded-lists",
            "unix\nX-Forwarded-For: [2001:db8::1]\nX-Forwarded-For: 10.0.0.2\nX-Forwarded-Host: a, b",
        ),
        (
            "forwarded",
            "10.0.0.1\nForwarded: for=127.0.0.1, for=\"[2001:db8::1]:80\";proto=https;host=a, for=10.0.0.2",
        ),
        (
            "forwarded-hidden",
            "10.0.0.1\nForwarded: for=_a;proto=wss;by=\"b\\\"c\"",
        ),
        (
            "forwarded-open-quotation",
            "10.0.0.1\nForwarded: for=\"127.0.0.1, for=192.0.2.1",
        ),
        ("stranger", "192.0.2.9\nForwarded: for=127.0.0.1"),
        (
            "unclear",
            "10.0.0.1\nForwarded: for=192.0.2.1\nX-Forwarded-For: 192.0.2.2",
        ),
        (
            "agreed",
            "10.0.0.1\nForwarded: for=192.0.2.1;proto=http\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: ws",
        ),
    ];
    for (name, request) in requests {
        seeds.push(seed("forwarded", name, [&[0], request.as_bytes()].concat()));
    }
    let mut random = Random(2);
    for target in ["proxy-header", "forwarded"] {
        for number in 0..4 {
            let decisions = random.bytes(60);
            seeds.push(seed(
                target,
                format!("written-{number}"),
                [&[1], &*decisions].concat(),
            ));
        }
    }
}
