//! Opening handshakes that are legal, in all their forms (§4.1, §4.2).

use super::super::script::{ping, text};
use super::head::{request, request_written, response, response_written};
use super::rows::*;
use std::iter;

pub(super) fn cases() -> Vec<Case> {
    let requests = [
        rows(REQUESTS, request),
        rows(MAY_BE_DECLINED, request)
            .into_iter()
            .map(|case| case.declined(&[400, 403, 404]))
            .collect(),
        written_requests(),
        rows(SHOULD, request)
            .into_iter()
            .map(Case::should)
            .collect(),
        long_requests(),
        rows(ADVICE, request)
            .into_iter()
            .map(Case::advice)
            .collect(),
        early_frames(),
    ];
    let requests = requests.concat().into_iter();
    let responses = [
        rows(RESPONSES, response),
        written_responses(),
        late_responses(),
        rows(RESPONSES_THAT_SHOULD, response)
            .into_iter()
            .map(Case::should)
            .collect(),
    ];
    let responses = responses.concat().into_iter();
    requests
        .map(|case| case.only(Role::Server))
        .chain(responses.map(|case| case.only(Role::Client)))
        .map(|case| case.likely_as_in(LIKELY))
        .collect()
}

/// What likely happened in an examinee that fails.
#[rustfmt::skip]
const LIKELY: &[(&[&str], &str)] = &[
    (&["upgrade-in-capitals", "upgrade-as-registered", "connection-in-lower-case", "connection-in-capitals", "response-upgrade-in-capitals", "response-connection-in-lower-case"],
        "the value was compared with its case"),
    (&["connection-with-keep-alive", "connection-upgrade-first", "connection-without-blanks", "connection-names-a-header", "response-connection-list"],
        "Connection was compared whole, not as a list"),
    (&["connection-over-two-lines", "response-connection-over-two-lines"], "of two headers with one name only one was kept"),
    (&["names-in-lower-case", "names-in-capitals", "response-names-in-lower-case", "response-names-in-capitals"], "names were compared with their case"),
    (&["no-blank-after-colon", "response-no-blank-after-colon", "header-empty"], "lines were parted at a colon and a blank"),
    (&["blanks-around-values", "response-blanks-around-values", "key-between-blanks", "version-between-blanks", "response-accept-between-blanks"],
        "blanks around the value were taken for a part of it"),
    (&["target-absolute"], "the whole target was taken for a path"),
    (&["head-byte-by-byte", "head-in-pieces", "head-and-frame-byte-by-byte", "response-byte-by-byte", "response-in-pieces", "response-and-frame-byte-by-byte"],
        "one read was taken for the whole head"),
    (&["frame-with-the-head", "frames-with-the-head", "frame-with-the-response", "frames-with-the-response"], "what was read after the head was dropped"),
    (&["header-in-latin-1", "response-header-in-latin-1", "response-reason-in-latin-1"], "the head was taken for UTF-8"),
    (&["response-after-interim"], "the first response was taken for the last"),
];

/// Id, title, section, the line of the usual head that is changed, and what stands instead of it.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn rows(rows: &[Row], head: fn(&str, &str) -> String) -> Vec<Case> {
    let case = |&(id, title, section, line, instead): &Row| {
        accepted(id, title, section, head(line, instead))
    };
    rows.iter().map(case).collect()
}

/// The connection opens by this head, and works.
fn accepted(
    id: &'static str,
    title: &'static str,
    section: &'static str,
    head: impl Into<Text>,
) -> Case {
    case(Group::Opening, id, title, section).plays([
        Step::Head(head.into(), Vec::new()),
        send([text("Hello")]),
        expect([text_back("Hello")]),
    ])
}

#[rustfmt::skip]
const REQUESTS: &[Row] = &[
    ("handshake-plain", "the request of the RFC opens a connection", "4.2.1", "", ""),
    ("upgrade-in-capitals", "websocket is named in any case", "4.2.1", "Upgrade", "Upgrade: WEBSOCKET"),
    ("upgrade-as-registered", "websocket is named as in the registry", "11.2", "Upgrade", "Upgrade: WebSocket"),
    ("connection-in-lower-case", "upgrade is named in lower case", "4.2.1", "Connection", "Connection: upgrade"),
    ("connection-in-capitals", "upgrade is named in capitals", "4.2.1", "Connection", "Connection: UPGRADE"),
    ("connection-with-keep-alive", "Connection is a list", "4.2.1", "Connection", "Connection: keep-alive, Upgrade"),
    ("connection-upgrade-first", "Connection is a list in any order", "4.2.1", "Connection", "Connection: Upgrade, keep-alive"),
    ("connection-without-blanks", "a list needs no blanks", "RFC 9110 5.6.1", "Connection", "Connection: keep-alive,Upgrade"),
    ("connection-with-tabs", "a list may have tabs around its commas", "RFC 9110 5.6.1", "Connection", "Connection: keep-alive\t,\tUpgrade"),
    ("connection-over-two-lines", "a list goes on in a second header", "RFC 9110 5.3", "Connection", "Connection: keep-alive\r\nConnection: Upgrade"),
    ("connection-with-empty-elements", "empty elements of a list are ignored", "RFC 9110 5.6.1", "Connection", "Connection: , ,Upgrade,"),
    ("connection-names-a-header", "Connection may name other headers", "RFC 9110 7.6.1", "Connection", "Connection: Upgrade, X-Note\r\nX-Note: a"),
    ("target-absolute", "an absolute target is accepted", "RFC 9112 3.2.2", "GET", "GET {scheme}://{host}{target} HTTP/1.1"),
    ("key-of-the-rfc", "the sample key of the RFC is answered", "1.3", "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ("key-of-zeros", "a key of 16 zero bytes is answered", "4.2.1", "Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
    ("key-of-odd-characters", "plus and slash belong to base64", "4.2.1", "Sec-WebSocket-Key", "Sec-WebSocket-Key: +/+/+/+/+/+/+/+/+/+/+w=="),
    ("key-between-blanks", "blanks around a key are no part of it", "RFC 9110 5.5", "Sec-WebSocket-Key", "Sec-WebSocket-Key: \t {key} \t "),
    ("version-between-blanks", "blanks around a version are no part of it", "RFC 9110 5.5", "Sec-WebSocket-Version", "Sec-WebSocket-Version: \t 13 \t "),
    ("host-between-blanks", "blanks around a host are no part of it", "RFC 9110 5.5", "Host", "Host: \t{host} \t"),
    ("headers-unknown", "unknown headers are ignored", "4.2.1", "", "X-Note: a\r\nSec-WebSocket-Note: b"),
    ("headers-alike", "names that resemble known ones are unknown", "4.2.1", "", "Sec-WebSocket-Keys: a\r\nX-Sec-WebSocket-Version: 8\r\nUpgrade-Insecure-Requests: 1\r\nHosts: a"),
    ("header-name-of-odd-characters", "all characters of a token may stand in a name", "RFC 9110 5.6.2", "", "!#$%&'*+-.^_`|~0aZ: x"),
    ("header-empty", "a header may be empty", "RFC 9110 5.5", "", "X-Note:"),
    ("header-of-blanks", "a header may hold nothing but blanks", "RFC 9110 5.5", "", "X-Note: \t "),
    ("header-with-tab", "a tab may stand in a value", "RFC 9110 5.5", "", "X-Note: a\tb"),
    ("header-of-marks", "a value may hold colons, commas and marks", "RFC 9110 5.5", "", "X-Note: a: \"b, c\"; d=\\e, (f)"),
    ("header-repeated-unknown", "unknown headers may be repeated", "RFC 9110 5.3", "", "X-Note: a\r\nX-Note: a\r\nx-note: b"),
    ("cookies", "cookies are let through", "4.2.1", "", "Cookie: a=b; c=\"d\"\r\nCookie: e=f"),
    ("proxies-were-here", "headers of proxies are let through", "4.2.1", "", "Via: 1.1 proxy.example\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=\"[2001:db8::1]\";proto=http"),
    ("content-length-zero", "a body of no bytes is no body", "RFC 9110 8.6", "", "Content-Length: 0"),
    ("as-a-browser", "the headers of a browser are accepted", "4.2.1", "Connection",
        "Connection: keep-alive, Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
         Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: websocket\r\nSec-Fetch-Site: same-origin"),
    ("extension-unknown", "an extension that nobody knows is declined", "9.1", "", "Sec-WebSocket-Extensions: x-unheard-of"),
    ("extension-with-parameters", "parameters of an unknown extension are read over", "9.1", "", "Sec-WebSocket-Extensions: x-unheard-of; a; b=c"),
    ("extension-quoted", "a value in quotation marks is read", "9.1", "", "Sec-WebSocket-Extensions: x-unheard-of; a=\"b\"; c=\"\\d\", x-other"),
    ("extensions-over-two-lines", "extensions go on in a second header", "11.3.2", "", "Sec-WebSocket-Extensions: x-unheard-of; a\r\nSec-WebSocket-Extensions: x-other"),
];

/// What a server may decline for reasons of its own.
#[rustfmt::skip]
const MAY_BE_DECLINED: &[Row] = &[
    ("deflate-with-unknown-parameter", "an offer with an unknown parameter is declined", "RFC 7692 7.1", "", "Sec-WebSocket-Extensions: permessage-deflate; x-unheard-of"),
    ("deflate-with-impossible-window", "an offer with an impossible window is declined", "RFC 7692 7.1.2.1", "", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"),
    ("subprotocol-unknown", "a subprotocol is chosen from the offer, or none", "4.2.2", "", "Sec-WebSocket-Protocol: x-unheard-of"),
    ("subprotocols-several", "of several subprotocols one is chosen, or none", "4.2.2", "", "Sec-WebSocket-Protocol: x-unheard-of, v2.x-unheard-of.example,x3"),
    ("subprotocols-over-two-lines", "subprotocols go on in a second header", "11.3.4", "", "Sec-WebSocket-Protocol: x-unheard-of\r\nSec-WebSocket-Protocol: x-other"),
    ("subprotocol-of-odd-characters", "a subprotocol is any token", "4.1", "", "Sec-WebSocket-Protocol: !#$%&'*+-.^_`|~0aZ"),
    ("origin-own", "a page of the server itself may connect", "10.2", "", "Origin: {scheme}://{host}"),
    ("origin-foreign", "an origin is any site", "10.2", "", "Origin: https://site.example:8443"),
    ("origin-null", "an origin may be null", "RFC 6454 7.3", "", "Origin: null"),
    ("origin-of-another-scheme", "an origin may have another scheme", "RFC 6454 7.3", "", "Origin: x-extension://0123456789abcdef"),
    ("target-with-query", "a target may have a query", "3", "GET", "GET {target}?a=b&c=%C3%A9?/:@!$'()*+,; HTTP/1.1"),
];

#[rustfmt::skip]
const SHOULD: &[Row] = &[
    ("http-1-2", "a later HTTP/1 is understood as HTTP/1.1", "RFC 9110 2.5", "GET", "GET {target} HTTP/1.2"),
    ("empty-line-first", "an empty line before the request is ignored", "RFC 9112 2.2", "GET", "\r\nGET {target} HTTP/1.1"),
    ("header-in-latin-1", "bytes above 7F in a value are let through", "RFC 9110 5.5", "", "X-Note: caf\u{E9}"),
    ("header-in-utf8", "UTF-8 in a value is let through", "RFC 9110 5.5", "", "X-Note: caf\u{C3}\u{A9}"),
];

#[rustfmt::skip]
const ADVICE: &[Row] = &[
    // RFC 4648 §3.5 lets a decoder refuse bits that encode nothing, but the sample of §4.1 has such.
    ("key-with-pad-bits", "bits of a key that encode nothing are ignored", "4.1", "Sec-WebSocket-Key", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC=="),
    // §9.1 allows blanks between all words (RFC 2616 §2.1), as HTTP does no longer.
    ("extension-with-blanks", "blanks may stand between the words of an extension", "9.1", "", "Sec-WebSocket-Extensions: x-unheard-of ; a = b\t;c , x-other"),
    // RFC 9110 §7.8: a server may ignore Upgrade.
    ("upgrade-list", "websocket is found among other protocols", "RFC 9110 7.8", "Upgrade", "Upgrade: x-unheard-of/1, websocket"),
    ("upgrade-over-two-lines", "websocket is found in a second Upgrade", "RFC 9110 5.3", "Upgrade", "Upgrade: x-unheard-of/1\r\nUpgrade: websocket"),
    ("upgrade-with-empty-elements", "empty elements of Upgrade are ignored", "RFC 9110 5.6.1", "Upgrade", "Upgrade: ,websocket ,"),
];

/// Each header of the usual request in another form.
fn written_requests() -> Vec<Case> {
    let (reversed, slivers) = (reversed(&request("", "")), request("", ""));
    let lower = request_written(|name, value| format!("{}: {value}", name.to_lowercase()));
    let upper = request_written(|name, value| format!("{}: {value}", name.to_uppercase()));
    let narrow = request_written(|name, value| format!("{name}:{value}"));
    let wide = request_written(|name, value| format!("{name}: \t  {value}\t  "));
    vec![
        accepted(
            "names-in-lower-case",
            "names of headers may be in lower case",
            "RFC 9110 5.1",
            lower,
        ),
        accepted(
            "names-in-capitals",
            "names of headers may be in capitals",
            "RFC 9110 5.1",
            upper,
        ),
        accepted(
            "no-blank-after-colon",
            "a colon needs no blank after it",
            "RFC 9112 5.1",
            narrow,
        ),
        accepted(
            "blanks-around-values",
            "blanks around a value are no part of it",
            "RFC 9112 5.1",
            wide,
        ),
        accepted(
            "headers-in-reverse",
            "headers may come in any order",
            "4.2.1",
            reversed,
        ),
        pieces(
            "head-byte-by-byte",
            "a head that comes byte by byte is read",
            &slivers,
            1,
        ),
        pieces(
            "head-in-pieces",
            "a head that comes in pieces is read",
            &slivers,
            7,
        ),
    ]
}

fn pieces(id: &'static str, title: &'static str, head: &str, size: usize) -> Case {
    case(Group::Opening, id, title, "1.3").plays([
        Step::HeadPieces(head.to_owned().into(), Vec::new(), vec![size]),
        send([text("Hello")]),
        expect([text_back("Hello")]),
    ])
}

/// A request whose headers come in the reverse order.
fn reversed(request: &str) -> String {
    let (head, more) = request
        .split_once("{more}")
        .expect("there may be more headers");
    let mut lines: Vec<&str> = head.split_inclusive("\r\n").collect();
    lines[1..].reverse();
    lines.concat() + "{more}" + more
}

/// RFC 9110 §5.4: how much is too much is for a server to decide.
fn long_requests() -> Vec<Case> {
    const TOO_MUCH: &[u16] = &[431, 400, 413];
    let long = format!("X-Note: {}", "a".repeat(4000));
    // With those of the handshake, and a few that the server may ask for, not more than 100.
    let many: Vec<String> = (0..90)
        .map(|number| format!("X-Note-{number}: a"))
        .collect();
    let target = format!("GET {{target}}?{} HTTP/1.1", "a".repeat(7900));
    vec![
        accepted(
            "header-of-4000-bytes",
            "a header of 4,000 bytes is accepted",
            "RFC 9110 5.4",
            request("", &long),
        )
        .declined(TOO_MUCH),
        accepted(
            "headers-95",
            "95 headers are accepted",
            "RFC 9110 5.4",
            request("", &many.join("\r\n")),
        )
        .declined(TOO_MUCH),
        accepted(
            "request-line-of-8000-bytes",
            "a request line of nearly 8,000 bytes is accepted",
            "RFC 9112 3",
            request("GET", &target),
        )
        .should()
        .declined(&[404]),
    ]
}

/// A client has to wait for the response (§4.1), but one that does not should be read right.
fn early_frames() -> Vec<Case> {
    let head = request("", "");
    let early = |id, title| case(Group::Opening, id, title, "4.1").advice();
    vec![
        early(
            "frame-with-the-head",
            "a frame that came with the request is read",
        )
        .plays([
            Step::Head(head.clone().into(), vec![text("early")]),
            send([text("late")]),
            expect([text_back("early"), text_back("late")]),
        ]),
        early(
            "frames-with-the-head",
            "several frames that came with the request are read",
        )
        .plays([
            Step::Head(head.clone().into(), vec![ping("hi"), text("early")]),
            expect([pong_back("hi"), text_back("early")]),
        ]),
        early(
            "head-and-frame-byte-by-byte",
            "a request and a frame that come byte by byte are read",
        )
        .plays([
            Step::HeadPieces(head.into(), vec![text("early")], vec![1]),
            expect([text_back("early")]),
        ]),
    ]
}

#[rustfmt::skip]
const RESPONSES: &[Row] = &[
    ("response-plain", "the response of the RFC opens the connection", "4.1", "", ""),
    ("response-with-other-reason", "the reason is for people", "RFC 9112 4", "HTTP", "HTTP/1.1 101 Web Socket Protocol Handshake"),
    ("response-without-reason", "the reason may be empty", "RFC 9112 4", "HTTP", "HTTP/1.1 101 "),
    ("response-upgrade-in-capitals", "websocket is named in any case", "4.1", "Upgrade", "Upgrade: WebSocket"),
    ("response-connection-in-lower-case", "upgrade is named in any case", "4.1", "Connection", "Connection: upgrade"),
    ("response-connection-list", "Connection is a list", "4.1", "Connection", "Connection: keep-alive, Upgrade"),
    ("response-connection-over-two-lines", "a list goes on in a second header", "RFC 9110 5.3", "Connection", "Connection: keep-alive\r\nConnection: Upgrade"),
    ("response-connection-with-empty-elements", "empty elements of a list are ignored", "RFC 9110 5.6.1", "Connection", "Connection: ,Upgrade ,"),
    ("response-accept-between-blanks", "blanks around the accept value are no part of it", "4.1", "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: \t {accept} \t "),
    ("response-with-other-headers", "other headers are ignored", "4.1", "", "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: example\r\nX-Note: a\r\nX-Note:"),
    ("response-with-cookies", "cookies may come with the response", "4.1", "", "Set-Cookie: a=b\r\nSet-Cookie: c=d; Path=/"),
    ("response-header-of-odd-characters", "all characters of a token may stand in a name", "RFC 9110 5.6.2", "", "!#$%&'*+-.^_`|~0aZ: x"),
    ("response-folded", "a folded header of a response is one header", "RFC 9112 5.2", "Connection", "Connection: keep-alive,\r\n Upgrade"),
    ("response-after-interim", "the response may come after an interim one", "RFC 9110 15.2", "HTTP", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 101 Switching Protocols"),
];

#[rustfmt::skip]
const RESPONSES_THAT_SHOULD: &[Row] = &[
    ("response-of-http-1-2", "a later HTTP/1 is understood as HTTP/1.1", "RFC 9110 2.5", "HTTP", "HTTP/1.2 101 Switching Protocols"),
    ("response-header-in-latin-1", "bytes above 7F in a value are let through", "RFC 9110 5.5", "", "X-Note: caf\u{E9}"),
    ("response-reason-in-latin-1", "bytes above 7F in the reason are let through", "RFC 9112 4", "HTTP", "HTTP/1.1 101 Caf\u{E9}"),
];

fn written_responses() -> Vec<Case> {
    let lower = response_written(|name, value| format!("{}: {value}", name.to_lowercase()));
    let upper = response_written(|name, value| format!("{}: {value}", name.to_uppercase()));
    let narrow = response_written(|name, value| format!("{name}:{value}"));
    let wide = response_written(|name, value| format!("{name}: \t  {value}\t  "));
    let many: String = iter::repeat_n("X-Note: a\r\n", 80).collect();
    vec![
        accepted(
            "response-names-in-lower-case",
            "names of headers may be in lower case",
            "RFC 9110 5.1",
            lower,
        ),
        accepted(
            "response-names-in-capitals",
            "names of headers may be in capitals",
            "RFC 9110 5.1",
            upper,
        ),
        accepted(
            "response-no-blank-after-colon",
            "a colon needs no blank after it",
            "RFC 9112 5.1",
            narrow,
        ),
        accepted(
            "response-blanks-around-values",
            "blanks around a value are no part of it",
            "RFC 9112 5.1",
            wide,
        ),
        accepted(
            "response-of-84-headers",
            "a response of 84 headers is accepted",
            "RFC 9110 5.4",
            response("", many.trim_end()),
        )
        .should(),
    ]
}

/// In pieces, and with frames right after it.
fn late_responses() -> Vec<Case> {
    let head = response("", "");
    let case = |id, title| case(Group::Opening, id, title, "4.1");
    vec![
        pieces(
            "response-byte-by-byte",
            "a response that comes byte by byte is read",
            &head,
            1,
        ),
        pieces(
            "response-in-pieces",
            "a response that comes in pieces is read",
            &head,
            7,
        ),
        case(
            "frame-with-the-response",
            "a frame that comes with the response is read",
        )
        .plays([
            Step::Head(head.clone().into(), vec![text("early")]),
            send([text("late")]),
            expect([text_back("early"), text_back("late")]),
        ]),
        case(
            "frames-with-the-response",
            "several frames that come with the response are read",
        )
        .plays([
            Step::Head(head.clone().into(), vec![ping("hi"), text("early")]),
            expect([pong_back("hi"), text_back("early")]),
        ]),
        case(
            "response-and-frame-byte-by-byte",
            "a response and a frame that come byte by byte are read",
        )
        .plays([
            Step::HeadPieces(head.into(), vec![text("early")], vec![1]),
            expect([text_back("early")]),
        ]),
    ]
}
