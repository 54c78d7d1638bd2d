use super::*;
use crate::app::judge::mistakes::EXAMPLE_KEY;
use plainws::protocol::dissect::handshake;
use plainws::protocol::handshake::Asked;
use plainws::protocol::head::Limits;
use std::collections::BTreeMap;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn faults(sender: Role, stream: &[u8]) -> Vec<Fault> {
    let dissect = |bytes: &[u8]| match sender {
        Role::Client => handshake::request(bytes, Limits::new().max_bytes(400).max_headers(9)),
        Role::Server => handshake::response(
            bytes,
            Limits::new().max_bytes(400).max_headers(9),
            &Asked::default()
                .key(EXAMPLE_KEY.to_owned())
                .subprotocols(Vec::new())
                .extensions(Vec::new()),
        ),
    };
    of(&dissect(stream), stream, dissect)
}

/// A legal head with its start line, or the header of this line's name, replaced by these lines.
fn with(sender: Role, name: &str, lines: &str) -> Vec<u8> {
    let legal = match sender {
        Role::Client => REQUEST,
        Role::Server => RESPONSE,
    };
    let mut kept = legal.split_inclusive("\r\n").filter(|line| match name {
        "" => !line.contains("HTTP/"),
        name => !line.starts_with(&format!("{name}:")),
    });
    let lines = lines.replace('|', "\r\n");
    let head = match name {
        "" => lines + "\r\n" + &kept.collect::<String>(),
        _ => {
            let start = kept.next().unwrap_or_default().to_owned();
            start + &lines + if lines.is_empty() { "" } else { "\r\n" } + &kept.collect::<String>()
        }
    };
    // ~ is a byte outside UTF-8 here.
    let bytes = head
        .bytes()
        .map(|byte| if byte == b'~' { 0xE9 } else { byte });
    bytes.collect()
}

const CLIENT: Role = Role::Client;
const SERVER: Role = Role::Server;

// One case a line, to be read as a table.
#[rustfmt::skip]
const CASES: &[(Role, &str, &str, Rule, &str)] = &[
    (CLIENT, "", "GET /a\x1bb HTTP/1.1", Rule::HeadControlByte, "a control byte (1b) at offset 6 in the target: no control bytes but tabs stand in a line"),
    (CLIENT, "A", "A: \x7f", Rule::HeadControlByte, "a control byte (7f) at offset 19 in the value of A: no control bytes but tabs stand in a line"),
    (CLIENT, "A", "A: b\nC: d", Rule::HeadLineEnding, "an LF (0a) at offset 20 after the value of A: a CR stands before each LF"),
    (CLIENT, "A", "A: b\rC: d", Rule::HeadLineEnding, "a CR (0d) at offset 20 in the value of A: an LF follows each CR"),

    (CLIENT, "", "GET /a#b HTTP/1.1", Rule::RequestLineMalformed, "\"#\" (23) at offset 6 in the target: it begins a fragment, which is for the client alone and not sent"),
    (CLIENT, "", "GET /ä HTTP/1.1", Rule::RequestLineMalformed, "\"ä\" (c3 a4) at offset 5 in the target: a target is in ASCII, and percent-encodes all else (%C3%A4 for ä)"),
    (CLIENT, "", "GET /~ HTTP/1.1", Rule::RequestLineMalformed, "a byte outside UTF-8 (e9) at offset 5 in the target: a target is in ASCII, and percent-encodes all else (%C3%A4 for ä)"),
    (CLIENT, "", "GET /a\tb HTTP/1.1", Rule::RequestLineMalformed, "a tab (09) at offset 6 in the target: spaces and control bytes are percent-encoded (%20)"),
    (CLIENT, "", "CONNECT a:443 HTTP/1.1", Rule::RequestLineMalformed, "the target \"a:443\" (offset 8): CONNECT names a host and a port, and is meant for proxies; a WebSocket is asked for by GET and a path"),
    (CLIENT, "", "GET chat HTTP/1.1", Rule::RequestLineMalformed, "the target \"chat\" (offset 4): a path begins with /"),
    (CLIENT, "", "GET * HTTP/1.1", Rule::RequestLineMalformed, "\"*\" (2a) at offset 4 in the target: the asterisk is for OPTIONS"),
    (CLIENT, "", "GET ftp://a/ HTTP/1.1", Rule::RequestLineMalformed, "the target \"ftp://a/\" (offset 4): a whole URL begins with http, https, ws or wss"),
    (CLIENT, "", "GET /a b HTTP/1.1", Rule::RequestLineMalformed, "a space (20) at offset 6 after the target: a space inside a target is written %20"),
    (CLIENT, "", "GET  / HTTP/1.1", Rule::RequestLineMalformed, "a space (20) at offset 4 after the method: one space stands before the target"),
    (CLIENT, "", "GET /  HTTP/1.1", Rule::RequestLineMalformed, "a space (20) at offset 6 after the target: one space stands before the version"),
    (CLIENT, "", "GET / HTTP/1.1 ", Rule::RequestLineMalformed, "a space (20) at offset 14 after the version: the line ends after its version"),
    (CLIENT, "", " GET / HTTP/1.1", Rule::RequestLineMalformed, "a space (20) at offset 0 in the head: the line begins with its method"),
    (CLIENT, "", "GET\t/ HTTP/1.1", Rule::RequestLineMalformed, "a tab (09) at offset 3 in the method: it is one word"),
    (CLIENT, "", "GËT / HTTP/1.1", Rule::RequestLineMalformed, "\"Ë\" (c3 8b) at offset 1 in the method: it is written in ASCII"),
    (CLIENT, "", "GET(x) / HTTP/1.1", Rule::RequestLineMalformed, "\"(\" (28) at offset 3 in the method: it is made of letters, digits and !#$%&'*+-.^_`|~"),
    (CLIENT, "", "GET", Rule::RequestLineMalformed, "a target and a version are missing after the method"),
    (CLIENT, "", "GET /", Rule::RequestLineMalformed, "there is no version after the target"),
    (CLIENT, "", "GET HTTP/1.1", Rule::RequestLineMalformed, "there is no target between method and version"),
    (CLIENT, "", "GET / http/1.1", Rule::RequestLineMalformed, "\"h\" (68) at offset 6 in the version: HTTP is written in capitals"),
    (CLIENT, "", "GET / HTTP/1", Rule::RequestLineMalformed, "the version \"HTTP/1\" (offset 6): a version is HTTP/, a digit, a dot and a digit"),
    (CLIENT, "", "GET / HTTP/1.10", Rule::RequestLineMalformed, "\"0\" (30) at offset 14 in the version: a version is HTTP/, a digit, a dot and a digit"),
    (CLIENT, "", "GET / HTTP/1,1", Rule::RequestLineMalformed, "\",\" (2c) at offset 12 in the version: a version is HTTP/, a digit, a dot and a digit"),
    (CLIENT, "", "GET / FTP/1.1", Rule::RequestLineMalformed, "the version \"FTP/1.1\" (offset 6): a version is HTTP/, a digit, a dot and a digit"),
    (SERVER, "", "HTTP/1.1 101", Rule::StatusLineMalformed, "there is no space after the status code; it stands there even without a reason"),
    (SERVER, "", "HTTP/1.1", Rule::StatusLineMalformed, "there is no status code after the version"),
    (SERVER, "", "HTTP/1.1  101 Go", Rule::StatusLineMalformed, "a space (20) at offset 9 after the version: one space stands before the status code"),
    (SERVER, "", "HTTP/1.1 1O1 Go", Rule::StatusLineMalformed, "\"O\" (4f) at offset 10 in the status code: a status code is three digits"),
    (SERVER, "", "HTTP/1.1 1011 Go", Rule::StatusLineMalformed, "the status code \"1011\" (offset 9): a status code is three digits"),
    (SERVER, "", "HTTP/1.x 101 Go", Rule::StatusLineMalformed, "\"x\" (78) at offset 7 in the version: a version is HTTP/, a digit, a dot and a digit"),
    (CLIENT, "", "GET / HTTP/2.0", Rule::HttpVersionTooHigh, "the version \"HTTP/2.0\" (offset 6): a WebSocket is opened with HTTP/1.1"),
    (SERVER, "", "HTTP/3.0 101 Go", Rule::HttpVersionTooHigh, "the version \"HTTP/3.0\" (offset 0): a WebSocket is opened with HTTP/1.1"),
    (CLIENT, "", "GET / HTTP/1.0", Rule::HttpVersionTooLow, "the version \"HTTP/1.0\" (offset 6): a handshake needs HTTP/1.1"),
    (SERVER, "", "HTTP/0.9 101 Go", Rule::HttpVersionTooLow, "the version \"HTTP/0.9\" (offset 0): a handshake needs HTTP/1.1"),
    (CLIENT, "", "POST / HTTP/1.1", Rule::MethodNotGet, "the method \"POST\" (offset 0): a handshake is a GET"),
    (CLIENT, "", "get / HTTP/1.1", Rule::MethodNotGet, "the method \"get\" (offset 0): GET is written in capitals"),
    (SERVER, "", "HTTP/1.1 200 OK", Rule::StatusNot101, "the status code \"200\" (offset 9): a handshake is accepted with 101"),
    (SERVER, "", "HTTP/1.1 404 ", Rule::StatusNot101, "the status code \"404\" (offset 9): a handshake is accepted with 101"),

    (CLIENT, "A", "A: b| c", Rule::HeaderFolded, "a space (20) at offset 22 in the value of A: this line continues the one above; each begins with a name"),
    (CLIENT, "A", "\tA: b", Rule::HeaderFolded, "a tab (09) at offset 16 in the header name: no header begins with a blank"),
    (CLIENT, "Host", "Host : a", Rule::HeaderMalformed, "a space (20) at offset 20 in the header name: the colon directly follows the name"),
    (CLIENT, "Host", "Host a", Rule::HeaderMalformed, "the line \"Host a\" (offset 16): there is no colon in it"),
    (CLIENT, "A", ": a", Rule::HeaderMalformed, "\":\" (3a) at offset 16 after the version: a name stands before the colon"),
    (CLIENT, "A", "Ä: a", Rule::HeaderMalformed, "\"Ä\" (c3 84) at offset 16 in the header name: it is written in ASCII"),
    (CLIENT, "A", "A B: a", Rule::HeaderMalformed, "a space (20) at offset 17 in the header name: it is one word"),
    (CLIENT, "A", "A(B): a", Rule::HeaderMalformed, "\"(\" (28) at offset 17 in the header name: it is made of letters, digits and !#$%&'*+-.^_`|~"),
    (CLIENT, "A", "Origin: http://ü", Rule::HeaderMalformed, "\"ü\" (c3 bc) at offset 31 in the value of Origin: an origin is in ASCII; an international name is sent as xn--…"),
    (SERVER, "A", "A B", Rule::HeaderMalformed, "the line \"A B\" (offset 17): there is no colon in it"),
    (CLIENT, "A", "A:|A:|A:|A:|A:", Rule::TooManyHeaders, "the header name \"Sec-WebSocket-Version\" (offset 131): it is number 10; the limit is 9"),
    (SERVER, "A", "A:|A:|A:|A:|A:|A:|A:|A:|A:", Rule::TooManyHeaders, "the header name \"Upgrade\" (offset 53): it is number 10; the limit is 9"),

    (CLIENT, "Host", "", Rule::HostInvalid, "there is no Host header"),
    (CLIENT, "Host", "Host: a|Host: a", Rule::HostInvalid, "the header name \"Host\" (offset 25): it stands once, and there is one at offset 16 already"),
    (CLIENT, "Host", "Host: bücher.de", Rule::HostInvalid, "\"ü\" (c3 bc) at offset 23 in the value of Host: a host is in ASCII; an international name is sent as xn--…"),
    (CLIENT, "Host", "Host: ~", Rule::HostInvalid, "a byte outside UTF-8 (e9) at offset 22 in the value of Host: a host is in ASCII; an international name is sent as xn--…"),
    (CLIENT, "Host", "Host:", Rule::HostInvalid, "the value of Host is empty (offset 21): a request is for some host"),
    (CLIENT, "Host", "Host: a b", Rule::HostInvalid, "a space (20) at offset 23 in the value of Host: a host is one word"),
    (CLIENT, "Host", "Host: ::1", Rule::HostInvalid, "the value of Host \"::1\" (offset 22): an IPv6 address stands in brackets"),
    (CLIENT, "Host", "Host: [::1", Rule::HostInvalid, "the value of Host \"[::1\" (offset 22): there is no ] after the address"),
    (CLIENT, "Host", "Host: [::1]x", Rule::HostInvalid, "\"x\" (78) at offset 27 in the value of Host: only a port may follow the ]"),
    (CLIENT, "Host", "Host: [::1]:x", Rule::HostInvalid, "\"x\" (78) at offset 28 in the value of Host: a port is a number"),
    (CLIENT, "Host", "Host: [fe80::1%eth0]", Rule::HostInvalid, "\"%eth0\" at offset 30 in the value of Host: a zone is for the client alone and not sent"),
    (CLIENT, "Host", "Host: [1.2.3.4]", Rule::HostInvalid, "\"1.2.3.4\" at offset 23 in the value of Host: no IPv6 address stands in the brackets"),
    (CLIENT, "Host", "Host: a:b", Rule::HostInvalid, "\"b\" (62) at offset 24 in the value of Host: a port is a number"),
    (CLIENT, "Host", "Host: a:65536", Rule::HostInvalid, "\"65536\" at offset 24 in the value of Host: a port is at most 65535"),
    (CLIENT, "Host", "Host: a:80:90", Rule::HostInvalid, "\":\" (3a) at offset 23 in the value of Host: one colon stands before the port"),
    (CLIENT, "Host", "Host: :80", Rule::HostInvalid, "\":\" (3a) at offset 22 in the value of Host: a name stands before the port"),
    (CLIENT, "Host", "Host: http://a/", Rule::HostInvalid, "\"://\" (3a 2f 2f) at offset 26 in the value of Host: a host is no URL: only the name and the port"),
    (CLIENT, "Host", "Host: u@a", Rule::HostInvalid, "\"@\" (40) at offset 23 in the value of Host: user and password are not part of the host"),
    (CLIENT, "Host", "Host: a%zz", Rule::HostInvalid, "\"%\" (25) at offset 23 in the value of Host: two hex digits follow a %"),
    (CLIENT, "Host", "Host: a\"", Rule::HostInvalid, "'\"' (22) at offset 23 in the value of Host: not a character of a host"),
    (CLIENT, "", "GET http:// HTTP/1.1", Rule::HostInvalid, "the target ends at offset 11: a request is for some host"),
    (CLIENT, "", "GET http://a@b/ HTTP/1.1", Rule::HostInvalid, "\"@\" (40) at offset 12 in the target: user and password are not part of the host"),

    (CLIENT, "A", "Origin: a|Origin: a", Rule::HeaderRepeated, "the header name \"Origin\" (offset 27): it stands once, and there is one at offset 16 already"),
    (SERVER, "A", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Rule::HeaderRepeated, "the header name \"Sec-WebSocket-Accept\" (offset 110): it stands once, and there is one at offset 17 already"),
    (CLIENT, "A", "Content-Length: 0|Content-Length: 0", Rule::HeaderRepeated, "the header name \"Content-Length\" (offset 35): it stands once, and there is one at offset 16 already"),
    (CLIENT, "A", "Content-Length: 5", Rule::BodyAnnounced, "the value of Content-Length \"5\" (offset 32): what follows a handshake is frames, not a body"),
    (SERVER, "A", "Transfer-Encoding: chunked", Rule::BodyAnnounced, "the value of Transfer-Encoding \"chunked\" (offset 36): what follows a handshake is frames, not a body"),
    (CLIENT, "Upgrade", "", Rule::UpgradeMissing, "there is no Upgrade header"),
    (CLIENT, "Upgrade", "Upgrade: h2c", Rule::UpgradeMissing, "the value of Upgrade \"h2c\" (offset 25): it does not name websocket"),
    (SERVER, "Upgrade", "Upgrade: websocket, h2c", Rule::UpgradeMissing, "the value of Upgrade \"websocket, h2c\" (offset 26): the answer names websocket and nothing else"),
    (SERVER, "Upgrade", "Upgrade: websocket|Upgrade: websocket", Rule::UpgradeMissing, "the value of Upgrade \"websocket\" (offset 46): the answer names websocket once"),
    (CLIENT, "Connection", "", Rule::ConnectionUpgradeMissing, "there is no Connection header"),
    (SERVER, "Connection", "Connection: close", Rule::ConnectionUpgradeMissing, "the value of Connection \"close\" (offset 29): it does not name upgrade"),
    (CLIENT, "Sec-WebSocket-Version", "", Rule::VersionNot13, "there is no Sec-WebSocket-Version header"),
    (CLIENT, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", Rule::VersionNot13, "the value of Sec-WebSocket-Version \"8\" (offset 39): 13 is the only version"),
    (CLIENT, "Sec-WebSocket-Key", "", Rule::KeyInvalid, "there is no Sec-WebSocket-Key header"),
    (CLIENT, "Sec-WebSocket-Key", "Sec-WebSocket-Key:", Rule::KeyInvalid, "the value of Sec-WebSocket-Key is empty (offset 34): a key is base64 of 16 bytes"),
    (CLIENT, "Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ=", Rule::KeyInvalid, "the value of Sec-WebSocket-Key \"c2hvcnQ=\" (offset 35): 16 bytes are 22 characters of base64 and two =; here are 7 and 1, for 5 bytes"),
    (CLIENT, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", Rule::KeyInvalid, "the value of Sec-WebSocket-Key \"dGhlIHNhbXBsZSBub25jZQ\" (offset 35): two = stand at the end"),
    (CLIENT, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhl-HNhbXBsZSBub25jZQ==", Rule::KeyInvalid, "\"-\" (2d) at offset 39 in the value of Sec-WebSocket-Key: it belongs to the alphabet for URLs; a key has + and / in its place"),
    (CLIENT, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhl=HNhbXBsZSBub25jZQ==", Rule::KeyInvalid, "\"H\" (48) at offset 40 in the value of Sec-WebSocket-Key: nothing follows the = at the end"),
    (CLIENT, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlä", Rule::KeyInvalid, "\"ä\" (c3 a4) at offset 39 in the value of Sec-WebSocket-Key: not a character of base64"),
    (CLIENT, "A", "Sec-WebSocket-Protocol: a, b, a", Rule::SubprotocolsMalformed, "\"a\" (61) at offset 46 in the value of Sec-WebSocket-Protocol: each name stands once"),
    (CLIENT, "A", "Sec-WebSocket-Protocol: a|Sec-WebSocket-Protocol: a", Rule::SubprotocolsMalformed, "the value of Sec-WebSocket-Protocol \"a\" (offset 67): each name stands once"),
    (CLIENT, "A", "Sec-WebSocket-Protocol: a b", Rule::SubprotocolsMalformed, "a space (20) at offset 41 in the value of Sec-WebSocket-Protocol: a name is one word, and a comma stands between two"),
    (CLIENT, "A", "Sec-WebSocket-Protocol: a, ü", Rule::SubprotocolsMalformed, "\"ü\" (c3 bc) at offset 43 in the value of Sec-WebSocket-Protocol: it is written in ASCII"),
    (CLIENT, "A", "Sec-WebSocket-Extensions: ,", Rule::ExtensionsMalformed, "\",\" (2c) at offset 42 in the value of Sec-WebSocket-Extensions: it names at least one"),
    (CLIENT, "A", "Sec-WebSocket-Extensions: a;", Rule::ExtensionsMalformed, "the value of Sec-WebSocket-Extensions ends at offset 44: after ; comes the name of a parameter"),
    (CLIENT, "A", "Sec-WebSocket-Extensions: a; b=\"c", Rule::ExtensionsMalformed, "the value of Sec-WebSocket-Extensions ends at offset 49: after = comes a token, with or without quotation marks"),
    (CLIENT, "A", "Sec-WebSocket-Extensions: a; b=\"\"", Rule::ExtensionsMalformed, "'\"' (22) at offset 47 in the value of Sec-WebSocket-Extensions: after = comes a token, with or without quotation marks"),
    (CLIENT, "A", "Sec-WebSocket-Extensions: a b", Rule::ExtensionsMalformed, "\"b\" (62) at offset 44 in the value of Sec-WebSocket-Extensions: an extension is a name, and parameters after ;"),
    (SERVER, "A", "Sec-WebSocket-Extensions: ;", Rule::ExtensionsMalformed, "\";\" (3b) at offset 43 in the value of Sec-WebSocket-Extensions: an extension is a name, and parameters after ;"),
    (SERVER, "Sec-WebSocket-Accept", "", Rule::AcceptWrong, "there is no Sec-WebSocket-Accept header"),
    (SERVER, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: abc", Rule::AcceptWrong, "the value of Sec-WebSocket-Accept \"abc\" (offset 39): the key is answered by s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    (SERVER, "A", "Sec-WebSocket-Protocol: chat", Rule::SubprotocolNotOffered, "the value of Sec-WebSocket-Protocol \"chat\" (offset 41): it was not offered"),
    (SERVER, "A", "Sec-WebSocket-Protocol:", Rule::SubprotocolNotOffered, "the value of Sec-WebSocket-Protocol is empty (offset 40): it was not offered"),
    (SERVER, "A", "Sec-WebSocket-Extensions: a", Rule::ExtensionNotOffered, "the value of Sec-WebSocket-Extensions \"a\" (offset 43): it was not offered"),
    (SERVER, "A", "Sec-WebSocket-Extensions: a; b=c", Rule::ExtensionNotOffered, "the value of Sec-WebSocket-Extensions \"a; b=c\" (offset 43): it was not offered"),
];

#[test]
fn name_the_part_the_byte_and_the_reason() {
    let mut seen = BTreeMap::new();
    for (sender, name, lines, rule, what) in CASES {
        let stream = with(*sender, name, lines);
        let faults = faults(*sender, &stream);
        let first = faults.first().map(|fault| (fault.rule, &*fault.what));
        assert_eq!(first, Some((*rule, *what)), "{lines:?}");
        *seen.entry(rule.id()).or_insert(0) += 1;
    }
    for rule in Rule::ALL.iter().filter(|rule| rule.close_code().is_none()) {
        let is_long = matches!(rule, Rule::RequestLineTooLong | Rule::HeadTooLarge);
        assert!(
            is_long || seen.get(rule.id()) >= Some(&2),
            "two cases of {}",
            rule.id()
        );
    }
}

#[test]
fn name_the_first_byte_above_a_limit() {
    let long = "b".repeat(500);
    let cases = [
        (
            format!("GET /{long}"),
            Rule::RequestLineTooLong,
            "in the target",
        ),
        (
            long.to_uppercase(),
            Rule::RequestLineTooLong,
            "in the method",
        ),
        (
            format!("GET / HTTP/1.1\r\nA: {long}"),
            Rule::HeadTooLarge,
            "in the value of A",
        ),
        (
            format!("GET / HTTP/1.1\r\n{long}: a"),
            Rule::HeadTooLarge,
            "in the line",
        ),
    ];
    for (stream, rule, place) in cases {
        let fault = faults(CLIENT, stream.as_bytes()).remove(0);
        assert_eq!((fault.rule, fault.bytes), (rule, Some(400..401)));
        let shown = &stream[400..401];
        let what = format!("at offset 400 {place}: there is room for 400 bytes");
        assert!(
            fault.what.starts_with(&format!("{shown:?} (")) && fault.what.ends_with(&what),
            "{}",
            fault.what
        );
    }
}

#[test]
fn are_all_told_also_those_after_the_line_at_which_a_decoder_stops() {
    let rules = |sender, stream: &[u8]| -> Vec<_> {
        let faults = faults(sender, stream).into_iter();
        faults
            .map(|fault| (fault.rule, fault.bytes.map(|bytes| bytes.start)))
            .collect()
    };
    use Rule::*;
    let request = b"PUT /x#y HTTP/1.0\nHost : \xC3\xA4\r\nA\r\nUpgrade: h2c\r\n\tx\r\nB: \x01\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\nGET";
    assert_eq!(
        rules(CLIENT, request),
        [
            (HeadLineEnding, Some(17)),
            (RequestLineMalformed, Some(6)),
            (HeaderMalformed, Some(22)),
            (HeaderFolded, Some(46)),
            (HeadControlByte, Some(53)),
            (HostInvalid, Some(25)),
            (HttpVersionTooLow, Some(9)),
            (MethodNotGet, Some(0)),
            (UpgradeMissing, Some(41)),
            (VersionNot13, Some(100)),
            (KeyInvalid, None),
        ]
    );
    let response = b"HTTP/1.0 101\r\nUpgrade : h2c\r\nConnection: Upgrade\r\n\r\n";
    assert_eq!(
        rules(SERVER, response),
        [
            (StatusLineMalformed, None),
            (HeaderMalformed, Some(21)),
            (HttpVersionTooLow, Some(0)),
            (UpgradeMissing, Some(24)),
            (AcceptWrong, None),
        ]
    );
    // What came is no head, or of a protocol whose heads mean something else.
    assert_eq!(
        rules(CLIENT, b"\x16\x03\x01\r\n\r\n"),
        [(HeadControlByte, Some(0))]
    );
    assert_eq!(
        rules(CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        [(HttpVersionTooHigh, Some(6))]
    );
    assert_eq!(rules(CLIENT, REQUEST.as_bytes()), []);
}

/// However one byte of a legal head is changed, the explanation is about that byte, or the part it is in,
/// or says what has gone missing with it.
#[test]
fn are_at_the_byte_that_was_changed() {
    const ODD: &[&[u8]] = &[
        b"",
        b"\0",
        b"\t",
        b"\n",
        b"\r",
        b" ",
        b"\"",
        b"#",
        b"%",
        b",",
        b":",
        b";",
        b"=",
        b"[",
        b"8",
        b"x",
        b"\x7f",
        b"\xC3\xA4",
        b"\xFF",
        b"\r\n",
        b"\r\n ",
        b"  ",
    ];
    /// In `a, b="c"`, with a comma where a semicolon was, it is the = that cannot be right.
    const NEAR: usize = 3;
    let mut told = 0;
    for (sender, head) in [(CLIENT, REQUEST), (SERVER, RESPONSE)] {
        let more = "Sec-WebSocket-Extensions: a; b=\"c\"\r\nOrigin: a\r\n\r\n";
        let more = if sender == CLIENT { more } else { "\r\n" };
        let head = [head.trim_end(), "\r\n", more].concat().into_bytes();
        for at in 0..head.len() {
            for odd in ODD {
                let stream = [&head[..at], odd, &head[at + 1..]].concat();
                let faults = faults(sender, &stream);
                let Some(first) = faults.first() else {
                    continue;
                };
                let shown = stream.escape_ascii();
                assert!(
                    !first.what.contains(first.rule.clause()),
                    "{shown}: {}",
                    first.what
                );
                told += 1;
                let Some(bytes) = &first.bytes else { continue };
                let changed = at..at + odd.len();
                let is_near =
                    bytes.start <= changed.end + NEAR && changed.start <= bytes.end + NEAR;
                assert!(is_near, "{shown}: {at} {}", first.what);
            }
        }
    }
    assert!(told > 5_000, "{told}");
}
