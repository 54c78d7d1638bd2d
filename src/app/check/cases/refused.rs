//! Opening handshakes that must be refused: a server answers with a status that says why (§4.2.1), a client leaves
//! (§4.1).

use super::super::script::text;
use super::head::{request, response};
use super::rows::*;
use std::iter;

pub(super) fn cases() -> Vec<Case> {
    let requests = [
        requests(REQUESTS),
        requests(REQUESTS_OF_HTTP),
        each(requests(SHOULD), Case::should),
        each(requests(ADVICE), Case::advice),
        each(large_requests(), Case::advice),
        each(strangers(), Case::should),
    ];
    let responses = [
        responses(RESPONSES),
        each(responses(RESPONSES_ADVICE), Case::advice),
        responses_of_strangers(),
        each(large_responses(), Case::advice),
    ];
    let requests = each(requests.concat(), |case| case.only(Role::Server));
    let responses = each(responses.concat(), |case| case.only(Role::Client));
    each([requests, responses].concat(), |case| {
        case.likely_as_in(LIKELY)
    })
}

/// What likely happened in an examinee that fails.
#[rustfmt::skip]
const LIKELY: &[(&[&str], &str)] = &[
    (&["http-1-0", "http-0-9", "http-2-0"], "the version in the request line was not looked at"),
    (&["key-of-1-byte", "key-of-15-bytes", "key-of-17-bytes", "key-of-18-bytes", "key-of-16-letters", "key-not-base64"], "the key was not decoded"),
    (&["key-without-padding", "key-with-half-its-padding", "key-with-more-padding", "key-for-urls", "key-with-blank-inside"], "the base64 was read leniently"),
    (&["version-with-zero-first", "version-with-fraction", "version-in-hexadecimal"], "the version was read as any number, not as its digits"),
    (&["version-list"], "the number at the beginning was taken, and the rest was not looked at"),
    (&["upgrade-that-begins-alike", "upgrade-quoted", "connection-that-begins-alike", "response-upgrade-that-begins-alike", "response-connection-that-begins-alike"],
        "the token was looked for anywhere in the value"),
    (&["connection-without-comma", "response-connection-without-comma"], "the list was parted at blanks"),
    (&["host-missing", "host-repeated", "hosts-two"], "Host was not looked at"),
    (&["blank-before-colon", "tab-before-colon", "blank-before-the-colon-of-upgrade"], "blanks around the name were taken off"),
    (&["fold-begins-no-header", "blank-line-begins-no-header"], "blanks around the line were taken off"),
    (&["cr-ends-no-line", "response-cr-ends-no-line"], "lines were parted at CR alone as well"),
];

fn each(cases: Vec<Case>, change: fn(Case) -> Case) -> Vec<Case> {
    cases.into_iter().map(change).collect()
}

/// Id, title, section, rule, the statuses due, the line of the usual head that is changed, and what stands instead of
/// it.
type Request = (
    &'static str,
    &'static str,
    &'static str,
    Rule,
    &'static [u16],
    &'static str,
    &'static str,
);

fn requests(rows: &[Request]) -> Vec<Case> {
    let case = |&(id, title, section, rule, statuses, line, instead): &Request| {
        refused(id, title, section, rule, statuses, request(line, instead))
    };
    rows.iter().map(case).collect()
}

fn refused(
    id: &'static str,
    title: &'static str,
    section: &'static str,
    rule: Rule,
    statuses: &[u16],
    head: impl Into<Text>,
) -> Case {
    case(Group::Refused, id, title, section)
        .plays([Step::Head(head.into(), Vec::new())])
        .refused(rule, statuses)
}

const BAD: &[u16] = &[400];
/// §4.4.
const VERSION: &[u16] = &[426, 400];
/// RFC 9110 §15.5.6.
const METHOD: &[u16] = &[405, 400, 501];
/// What names no upgrade may be taken for a request for a page, whatever the answer to that is.
const PAGE: &[u16] = &[426, 400, 200, 204, 403, 404, 405, 501];
const CODING: &[u16] = &[400, 501];

/// What §4.2.1 demands of a request.
#[rustfmt::skip]
const REQUESTS: &[Request] = &[
    ("method-post", "a POST request opens nothing", "4.2.1", Rule::MethodNotGet, &[405, 400, 404, 411, 426, 501], "GET", "POST {target} HTTP/1.1"),
    ("method-head", "a HEAD request opens nothing", "4.2.1", Rule::MethodNotGet, &[405, 400, 200, 204, 404, 426, 501], "GET", "HEAD {target} HTTP/1.1"),
    ("method-options", "an OPTIONS request opens nothing", "4.2.1", Rule::MethodNotGet, &[405, 400, 200, 204, 404, 426, 501], "GET", "OPTIONS {target} HTTP/1.1"),
    ("method-unknown", "an unknown method opens nothing", "4.2.1", Rule::MethodNotGet, METHOD, "GET", "BREW {target} HTTP/1.1"),
    ("method-in-lower-case", "a method is written in capitals", "RFC 9110 9.1", Rule::MethodNotGet, METHOD, "GET", "get {target} HTTP/1.1"),
    ("http-1-0", "a handshake needs HTTP/1.1", "4.2.1", Rule::HttpVersionTooLow, &[426, 400, 200, 404], "GET", "GET {target} HTTP/1.0"),
    ("http-0-9", "a handshake of HTTP/0.9 is refused", "4.2.1", Rule::HttpVersionTooLow, &[400, 426, 505], "GET", "GET {target} HTTP/0.9"),
    ("upgrade-missing", "a handshake without Upgrade is none", "4.2.1", Rule::UpgradeMissing, PAGE, "Upgrade", ""),
    ("upgrade-empty", "an empty Upgrade names nothing", "4.2.1", Rule::UpgradeMissing, PAGE, "Upgrade", "Upgrade:"),
    ("upgrade-of-another-protocol", "an Upgrade to another protocol is none to this", "4.2.1", Rule::UpgradeMissing, PAGE, "Upgrade", "Upgrade: x-unheard-of"),
    ("upgrade-that-begins-alike", "websockets is another protocol", "4.2.1", Rule::UpgradeMissing, PAGE, "Upgrade", "Upgrade: websockets"),
    ("upgrade-in-two-words", "web socket is no protocol", "4.2.1", Rule::UpgradeMissing, PAGE, "Upgrade", "Upgrade: web socket"),
    ("upgrade-quoted", "a protocol stands in no quotation marks", "4.2.1", Rule::UpgradeMissing, PAGE, "Upgrade", "Upgrade: \"websocket\""),
    ("upgrade-with-nul", "a NUL is not read over", "RFC 9110 5.5", Rule::HeadControlByte, &[400, 426], "Upgrade", "Upgrade: web\0socket"),
    ("connection-missing", "a handshake without Connection is none", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", ""),
    ("connection-empty", "an empty Connection names nothing", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", "Connection:"),
    ("connection-keep-alive", "Connection has to name upgrade", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", "Connection: keep-alive"),
    ("connection-close", "a connection that ends is not upgraded", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", "Connection: close"),
    ("connection-that-begins-alike", "upgrades is another token", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", "Connection: upgrades"),
    ("connection-without-comma", "a list has commas", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", "Connection: keep-alive Upgrade"),
    ("connection-names-websocket", "websocket is no connection option", "4.2.1", Rule::ConnectionUpgradeMissing, PAGE, "Connection", "Connection: websocket"),
    ("key-missing", "a handshake without a key is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", ""),
    ("key-empty", "an empty key is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key:"),
    ("key-of-1-byte", "a key of 1 byte is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: AA=="),
    ("key-of-15-bytes", "a key of 15 bytes is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"),
    ("key-of-17-bytes", "a key of 17 bytes is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXM="),
    ("key-of-18-bytes", "a key of 18 bytes is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXMh"),
    ("key-without-padding", "base64 ends with its padding", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"),
    ("key-with-half-its-padding", "base64 ends with all of its padding", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ="),
    ("key-with-more-padding", "base64 ends with its padding and no more", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==="),
    ("key-for-urls", "the base64 of URLs is another one", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: -_-_-_-_-_-_-_-_-_-_-w=="),
    ("key-not-base64", "a key that is not base64 is refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q=="),
    ("key-of-16-letters", "16 bytes that are not in base64 are refused", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: the sample nonce"),
    ("key-quoted", "a key stands in no quotation marks", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: \"{key}\""),
    ("key-with-blank-inside", "a key has no blank inside", "4.2.1", Rule::KeyInvalid, BAD, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ=="),
    ("key-repeated", "a key stands once", "11.3.1", Rule::HeaderRepeated, BAD, "", "Sec-WebSocket-Key: {key}"),
    ("keys-two", "of two keys none is chosen", "11.3.1", Rule::HeaderRepeated, BAD, "", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ("version-missing", "a handshake without a version is refused", "4.2.1", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", ""),
    ("version-empty", "an empty version is refused", "4.2.1", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version:"),
    ("version-0", "version 0 is refused, and a better one named", "4.4", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 0"),
    ("version-12", "version 12 is refused, and a better one named", "4.4", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 12"),
    ("version-14", "version 14 is refused, and a better one named", "4.4", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 14"),
    ("version-131", "version 131 is refused, and a better one named", "4.4", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 131"),
    ("version-255", "version 255 is refused, and a better one named", "4.4", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 255"),
    ("version-list", "a request names one version, no list", "4.3", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8"),
    ("version-with-zero-first", "a version begins with no zero", "4.3", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 013"),
    ("version-with-fraction", "a version has no fraction", "4.3", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 13.0"),
    ("version-in-hexadecimal", "a version is written in decimal digits", "4.3", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 0xd"),
    ("version-repeated", "a version stands once", "11.3.5", Rule::HeaderRepeated, &[400, 426], "", "Sec-WebSocket-Version: 13"),
    ("versions-two", "of two versions none is chosen", "11.3.5", Rule::HeaderRepeated, &[400, 426], "", "Sec-WebSocket-Version: 14"),
    ("subprotocol-of-two-words", "a subprotocol is a token", "4.3", Rule::SubprotocolsMalformed, BAD, "", "Sec-WebSocket-Protocol: x unheard-of"),
    ("subprotocol-with-slash", "a slash belongs to no token", "4.3", Rule::SubprotocolsMalformed, BAD, "", "Sec-WebSocket-Protocol: x/unheard-of"),
    ("subprotocol-quoted", "a subprotocol stands in no quotation marks", "4.3", Rule::SubprotocolsMalformed, BAD, "", "Sec-WebSocket-Protocol: \"x-unheard-of\""),
    ("extension-of-two-words", "an extension is a token", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: x unheard-of"),
    ("extension-without-parameter", "a semicolon has a parameter after it", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: x-unheard-of;"),
    ("extension-without-name", "an extension has a name", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: ; a=b"),
    ("extension-with-value", "a value belongs to a parameter", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: x-unheard-of=b"),
    ("extension-parameter-without-value", "an equals sign has a value after it", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: x-unheard-of; a="),
    ("extension-quote-unended", "a quotation mark has its second", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: x-unheard-of; a=\"b"),
    ("extension-quoted-blank", "what is in quotation marks is a token", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: x-unheard-of; a=\"b c\""),
];

/// What a server of HTTP must refuse.
#[rustfmt::skip]
const REQUESTS_OF_HTTP: &[Request] = &[
    ("host-missing", "a request without Host is refused", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", ""),
    ("host-repeated", "Host stands once", "RFC 9112 3.2", Rule::HostInvalid, BAD, "", "Host: {host}"),
    ("hosts-two", "of two hosts none is chosen", "RFC 9112 3.2", Rule::HostInvalid, BAD, "", "Host: other.example"),
    ("host-list", "Host is no list", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: {host}, {host}"),
    ("host-with-blank", "a host has no blank inside", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: local host"),
    ("host-with-path", "a host has no path", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: {host}/a"),
    ("host-with-user", "a host has no user", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: user@{host}"),
    ("host-with-named-port", "a port is a number", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: localhost:http"),
    ("host-with-open-bracket", "an address in brackets has both of them", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: [::1"),
    ("host-not-ascii", "a host is written in ASCII", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: caf\u{E9}.example"),
    ("blank-before-colon", "a name has no blank before its colon", "RFC 9112 5.1", Rule::HeaderMalformed, BAD, "", "X-Note : a"),
    ("tab-before-colon", "a name has no tab before its colon", "RFC 9112 5.1", Rule::HeaderMalformed, BAD, "", "X-Note\t: a"),
    ("blank-before-the-colon-of-upgrade", "Upgrade has no blank before its colon", "RFC 9112 5.1", Rule::HeaderMalformed, BAD, "Upgrade", "Upgrade : websocket"),
    ("cr-ends-no-line", "a CR alone ends no line", "RFC 9112 2.2", Rule::HeadLineEnding, BAD, "Upgrade", "Upgrade: websocket\rX-Note: a"),
    ("fold-begins-no-header", "a folded line is no header", "RFC 9112 5.2", Rule::HeaderFolded, &[400, 426], "Sec-WebSocket-Version", "X-Note: a\r\n Sec-WebSocket-Version: 13"),
    ("blank-line-begins-no-header", "a first header that begins with a blank is none", "RFC 9112 2.2", Rule::HeaderFolded, &[400, 426], "Host", " Host: {host}"),
    ("content-length-of-letters", "Content-Length is a number", "RFC 9112 6.3", Rule::BodyAnnounced, BAD, "", "Content-Length: none"),
    ("content-length-negative", "Content-Length is not negative", "RFC 9112 6.3", Rule::BodyAnnounced, BAD, "", "Content-Length: -1"),
    ("content-length-with-sign", "Content-Length has no sign", "RFC 9112 6.3", Rule::BodyAnnounced, BAD, "", "Content-Length: +0"),
    ("content-lengths-two", "of two lengths none is chosen", "RFC 9112 6.3", Rule::HeaderRepeated, BAD, "", "Content-Length: 0\r\nContent-Length: 5"),
    ("transfer-encoding-not-chunked", "a body that is not chunked has no end", "RFC 9112 6.3", Rule::BodyAnnounced, CODING, "", "Transfer-Encoding: gzip"),
];

/// RFC 9112 §2.2, §3: what is no HTTP should be answered with 400.
#[rustfmt::skip]
const SHOULD: &[Request] = &[
    ("header-without-colon", "a header has a colon", "RFC 9112 2.2", Rule::HeaderMalformed, BAD, "", "X-Note"),
    ("header-without-name", "a header has a name", "RFC 9112 2.2", Rule::HeaderMalformed, BAD, "", ": a"),
    ("header-name-of-two-words", "a name is one word", "RFC 9112 2.2", Rule::HeaderMalformed, BAD, "", "X Note: a"),
    ("header-name-with-parentheses", "a name is a token", "RFC 9112 2.2", Rule::HeaderMalformed, BAD, "", "X(Note): a"),
    ("header-name-not-ascii", "a name is written in ASCII", "RFC 9112 2.2", Rule::HeaderMalformed, BAD, "", "X-Caf\u{E9}: a"),
    ("header-name-with-nul", "a name has no NUL", "RFC 9112 2.2", Rule::HeadControlByte, BAD, "", "X-\0Note: a"),
    ("target-with-fragment", "a target has no fragment", "3", Rule::RequestLineMalformed, &[400, 404], "GET", "GET {target}#a HTTP/1.1"),
    ("target-without-slash", "a target begins with a slash", "RFC 9112 3.2", Rule::RequestLineMalformed, &[400, 404], "GET", "GET a{target} HTTP/1.1"),
    ("target-asterisk", "the asterisk is for OPTIONS", "RFC 9112 3.2.4", Rule::RequestLineMalformed, &[400, 404], "GET", "GET * HTTP/1.1"),
    ("target-not-ascii", "a target is written in ASCII", "RFC 9112 3.2", Rule::RequestLineMalformed, &[400, 404], "GET", "GET {target}?caf\u{E9} HTTP/1.1"),
    ("target-with-blank", "a target has no blank inside", "RFC 9112 3", Rule::RequestLineMalformed, &[400, 404], "GET", "GET {target}?a b HTTP/1.1"),
    ("target-with-tab", "a target has no tab inside", "RFC 9112 3", Rule::RequestLineMalformed, &[400, 404], "GET", "GET {target}?a\tb HTTP/1.1"),
    ("target-with-nul", "a target has no NUL inside", "RFC 9112 3", Rule::HeadControlByte, &[400, 404], "GET", "GET {target}?a\0b HTTP/1.1"),
    ("http-version-missing", "a request line ends with a version", "RFC 9112 3", Rule::RequestLineMalformed, &[400, 505], "GET", "GET {target}"),
    ("http-version-in-lower-case", "HTTP is written in capitals", "RFC 9112 2.3", Rule::RequestLineMalformed, &[400, 505], "GET", "GET {target} http/1.1"),
    ("http-version-of-one-digit", "a version has two digits", "RFC 9112 2.3", Rule::RequestLineMalformed, &[400, 505], "GET", "GET {target} HTTP/1"),
    ("http-version-of-three-digits", "a version has no more than two digits", "RFC 9112 2.3", Rule::RequestLineMalformed, &[400, 505], "GET", "GET {target} HTTP/1.10"),
    ("http-version-of-another-protocol", "another protocol is not HTTP", "RFC 9112 2.3", Rule::RequestLineMalformed, &[400, 505], "GET", "GET {target} RTSP/1.0"),
];

/// What may be accepted, but should not.
#[rustfmt::skip]
const ADVICE: &[Request] = &[
    // RFC 9112 §2.2: a recipient may take LF for CR LF.
    ("lf-ends-a-line", "an LF alone is refused", "RFC 9112 2.2", Rule::HeadLineEnding, BAD, "", "X-Note: a\nX-Other: b"),
    // RFC 9112 §2.2: or replaced by a space.
    ("cr-in-a-value", "a CR in a value is refused", "RFC 9112 2.2", Rule::HeadLineEnding, BAD, "", "X-Note: a\rb"),
    // RFC 9110 §5.5: or replaced by a space.
    ("nul-in-a-value", "a NUL in a value is refused", "RFC 9110 5.5", Rule::HeadControlByte, BAD, "", "X-Note: a\0b"),
    ("control-byte-in-a-value", "a control byte in a value is refused", "RFC 9110 5.5", Rule::HeadControlByte, BAD, "", "X-Note: a\x01b"),
    ("delete-in-a-value", "the byte 7F in a value is refused", "RFC 9110 5.5", Rule::HeadControlByte, BAD, "", "X-Note: a\x7Fb"),
    // RFC 9112 §5.2: or unfolded.
    ("header-folded", "a folded header is refused", "RFC 9112 5.2", Rule::HeaderFolded, BAD, "", "X-Note: a\r\n b"),
    ("header-folded-with-tab", "a header folded with a tab is refused", "RFC 9112 5.2", Rule::HeaderFolded, BAD, "", "X-Note: a\r\n\tb"),
    // RFC 9112 §2.2: or read over.
    ("first-header-with-blank", "a first header that begins with a blank is refused", "RFC 9112 2.2", Rule::HeaderFolded, BAD, "Host", " X-Note: a\r\nHost: {host}"),
    // RFC 9112 §3: a recipient may part the line at any blanks.
    ("request-line-with-two-blanks", "one blank parts a request line", "RFC 9112 3", Rule::RequestLineMalformed, BAD, "GET", "GET  {target} HTTP/1.1"),
    ("request-line-with-tab", "a tab parts no request line", "RFC 9112 3", Rule::RequestLineMalformed, BAD, "GET", "GET\t{target} HTTP/1.1"),
    ("request-line-with-blank-at-its-end", "no blank ends a request line", "RFC 9112 3", Rule::RequestLineMalformed, BAD, "GET", "GET {target} HTTP/1.1 "),
    ("request-line-with-blank-first", "no blank begins a request line", "RFC 9112 3", Rule::RequestLineMalformed, BAD, "GET", " GET {target} HTTP/1.1"),
    ("http-2-0", "a version of HTTP that nobody speaks in lines is refused", "RFC 9110 2.5", Rule::HttpVersionTooHigh, &[505, 400, 426], "GET", "GET {target} HTTP/2.0"),
    // §4.2.1 has a target be absolute only for HTTP, but many leave the target to those who use them.
    ("target-of-another-scheme", "an absolute target is one of HTTP", "4.2.1", Rule::RequestLineMalformed, &[400, 404, 421], "GET", "GET ftp://{host}{target} HTTP/1.1"),
    ("host-empty", "an empty host is refused", "4.2.1", Rule::HostInvalid, BAD, "Host", "Host:"),
    ("host-with-large-port", "a port has 16 bits", "RFC 9112 3.2", Rule::HostInvalid, BAD, "Host", "Host: localhost:65536"),
    // Some speak this draft too.
    ("version-8", "version 8, a draft, is refused", "4.4", Rule::VersionNot13, VERSION, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
    ("subprotocol-repeated", "subprotocols differ", "4.1", Rule::SubprotocolsMalformed, BAD, "", "Sec-WebSocket-Protocol: x-unheard-of, x-unheard-of"),
    ("extensions-none", "a list of extensions names one", "9.1", Rule::ExtensionsMalformed, BAD, "", "Sec-WebSocket-Extensions: ,"),
    ("origin-not-ascii", "an origin is written in ASCII", "4.1", Rule::HeaderMalformed, &[400, 403], "", "Origin: http://caf\u{E9}.example"),
    ("origins-two", "Origin stands once", "RFC 6454 7.3", Rule::HeaderRepeated, &[400, 403], "", "Origin: {scheme}://{host}\r\nOrigin: http://other.example"),
    // A body might be waited for: what follows the head would be read as two things.
    ("content-length-5", "a handshake has no body", "RFC 9110 7.8", Rule::BodyAnnounced, &[400, 413], "", "Content-Length: 5"),
    ("transfer-encoding-chunked", "a handshake has no chunked body", "RFC 9110 7.8", Rule::BodyAnnounced, &[400, 411, 413, 501], "", "Transfer-Encoding: chunked"),
    ("body-of-two-lengths", "a body is chunked or has a length", "RFC 9112 6.3", Rule::BodyAnnounced, &[400, 501], "", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
];

/// More than a head can need (RFC 9110 §5.4).
fn large_requests() -> Vec<Case> {
    const TOO_MUCH: &[u16] = &[431, 400, 413];
    const MUCH: usize = 1 << 18;
    let long = format!("X-Note: {}", "a".repeat(MUCH));
    let many: String = iter::repeat_n("X: a\r\n", 10_000).collect();
    let target = format!("GET {{target}}?{} HTTP/1.1", "a".repeat(MUCH));
    vec![
        refused(
            "head-of-256-kib",
            "a head of 256 KiB is refused",
            "RFC 9110 5.4",
            Rule::HeadTooLarge,
            TOO_MUCH,
            request("", &long),
        ),
        refused(
            "headers-10000",
            "10,000 headers are refused",
            "RFC 9110 5.4",
            Rule::TooManyHeaders,
            TOO_MUCH,
            request("", many.trim_end()),
        ),
        refused(
            "request-line-of-256-kib",
            "a request line of 256 KiB is refused",
            "RFC 9112 3",
            Rule::RequestLineTooLong,
            &[414, 400, 404, 431],
            request("GET", &target),
        ),
    ]
}

/// Who does not speak HTTP/1 at all. Each has an empty line somewhere, for those who wait for one.
fn strangers() -> Vec<Case> {
    let hello = tls_hello();
    let refused =
        |id, title, rule, statuses, head| refused(id, title, "RFC 9112 2.2", rule, statuses, head);
    vec![
        refused(
            "tls-hello",
            "a client that speaks TLS is refused",
            Rule::HeadControlByte,
            BAD,
            hello,
        ),
        refused(
            "http-2-preface",
            "a client that speaks HTTP/2 is refused",
            Rule::HttpVersionTooHigh,
            &[505, 400, 426],
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        ),
        refused(
            "frames-without-handshake",
            "frames before the handshake are refused",
            Rule::HeadControlByte,
            BAD,
            "\u{81}\u{84}\0\0\0\0\r\n\r\n".into(),
        ),
        refused(
            "ssh",
            "a client that speaks SSH is refused",
            Rule::RequestLineMalformed,
            BAD,
            "SSH-2.0-OpenSSH_9.9\r\n\r\n".into(),
        ),
        refused(
            "response-instead-of-request",
            "a response is no request",
            Rule::RequestLineMalformed,
            BAD,
            response("Sec-WebSocket-Accept", "Sec-WebSocket-Key: {key}"),
        ),
        refused(
            "header-instead-of-request",
            "a request begins with its line",
            Rule::RequestLineMalformed,
            BAD,
            request("GET", ""),
        ),
    ]
}

/// What a client of TLS 1.2 begins with (RFC 5246 §7.4.1.2), its random bytes two empty lines among letters.
fn tls_hello() -> String {
    let random = format!("{}\r\n\r\n{}", "a".repeat(14), "b".repeat(14));
    let hello = format!("\x03\x03{random}\0\0\x02\0\x2F\x01\0");
    let length = |text: &str| char::from(u8::try_from(text.len()).expect("it is short"));
    let handshake = format!("\x01\0\0{}{hello}", length(&hello));
    format!("\x16\x03\x01\0{}{handshake}", length(&handshake))
}

/// Id, title, section, rule, the line of the usual response that is changed, and what stands instead of it.
type Response = (
    &'static str,
    &'static str,
    &'static str,
    Rule,
    &'static str,
    &'static str,
);

fn responses(rows: &[Response]) -> Vec<Case> {
    let case = |&(id, title, section, rule, line, instead): &Response| {
        left(id, title, section, rule, response(line, instead))
    };
    rows.iter().map(case).collect()
}

/// A text stands after the head: whoever takes the connection for open sends it back.
fn left(
    id: &'static str,
    title: &'static str,
    section: &'static str,
    rule: Rule,
    head: impl Into<Text>,
) -> Case {
    case(Group::Refused, id, title, section)
        .plays([Step::Head(head.into(), vec![text("Hello")])])
        .refused(rule, &[])
}

// A body of no bytes, so that no client waits for the end of one.
#[rustfmt::skip]
const RESPONSES: &[Response] = &[
    ("status-100", "an interim response opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 0"),
    ("status-200", "status 200 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 200 OK\r\nContent-Length: 0"),
    ("status-201", "status 201 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 201 Created\r\nContent-Length: 0"),
    ("status-204", "status 204 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 204 No Content"),
    ("status-304", "status 304 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 304 Not Modified"),
    ("status-400", "status 400 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0"),
    ("status-404", "status 404 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 404 Not Found\r\nContent-Length: 0"),
    ("status-426", "status 426 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0"),
    ("status-500", "status 500 opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0"),
    ("status-999", "a status that nobody knows opens nothing", "4.1", Rule::StatusNot101, "HTTP", "HTTP/1.1 999 Unheard Of\r\nContent-Length: 0"),
    ("status-of-two-digits", "a status has three digits", "RFC 9112 4", Rule::StatusLineMalformed, "HTTP", "HTTP/1.1 10 Switching Protocols"),
    ("status-of-four-digits", "a status has no more than three digits", "RFC 9112 4", Rule::StatusLineMalformed, "HTTP", "HTTP/1.1 1010 Switching Protocols"),
    ("status-with-letter", "a status is a number", "RFC 9112 4", Rule::StatusLineMalformed, "HTTP", "HTTP/1.1 1O1 Switching Protocols"),
    ("status-line-missing", "a response begins with its line", "4.2.2", Rule::StatusLineMalformed, "HTTP", ""),
    ("status-line-of-another-protocol", "another protocol is not HTTP", "4.2.2", Rule::StatusLineMalformed, "HTTP", "RTSP/1.0 101 Switching Protocols"),
    ("response-upgrade-missing", "a response without Upgrade is refused", "4.1", Rule::UpgradeMissing, "Upgrade", ""),
    ("response-upgrade-empty", "an empty Upgrade names nothing", "4.1", Rule::UpgradeMissing, "Upgrade", "Upgrade:"),
    ("response-upgrade-of-another-protocol", "an upgrade to another protocol is none to this", "4.1", Rule::UpgradeMissing, "Upgrade", "Upgrade: x-unheard-of"),
    ("response-upgrade-that-begins-alike", "websockets is another protocol", "4.1", Rule::UpgradeMissing, "Upgrade", "Upgrade: websockets"),
    ("response-upgrade-list", "a response names this protocol alone", "4.1", Rule::UpgradeMissing, "Upgrade", "Upgrade: websocket, x-unheard-of"),
    ("response-connection-missing", "a response without Connection is refused", "4.1", Rule::ConnectionUpgradeMissing, "Connection", ""),
    ("response-connection-empty", "an empty Connection names nothing", "4.1", Rule::ConnectionUpgradeMissing, "Connection", "Connection:"),
    ("response-connection-keep-alive", "Connection has to name upgrade", "4.1", Rule::ConnectionUpgradeMissing, "Connection", "Connection: keep-alive"),
    ("response-connection-that-begins-alike", "upgrades is another token", "4.1", Rule::ConnectionUpgradeMissing, "Connection", "Connection: upgrades"),
    ("response-connection-without-comma", "a list has commas", "4.1", Rule::ConnectionUpgradeMissing, "Connection", "Connection: keep-alive Upgrade"),
    ("accept-missing", "a response without an accept value is refused", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", ""),
    ("accept-empty", "an empty accept value is refused", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept:"),
    ("accept-of-another-key", "an accept value of another key is refused", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("accept-of-zeros", "an accept value of zero bytes is refused", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("accept-with-more", "an accept value with more after it is refused", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: {accept}="),
    ("accept-behind-other", "an accept value after another is refused", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: a, {accept}"),
    ("accept-quoted", "an accept value stands in no quotation marks", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: \"{accept}\""),
    ("accept-under-another-name", "the accept value has its own header", "4.1", Rule::AcceptWrong, "Sec-WebSocket-Accept", "Sec-WebSocket-Key: {accept}"),
    ("accept-twice", "of two accept values none is chosen", "11.3.3", Rule::HeaderRepeated, "", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("extension-not-offered", "an extension that was not offered is refused", "4.1", Rule::ExtensionNotOffered, "", "Sec-WebSocket-Extensions: x-unheard-of"),
    ("extension-not-offered-with-parameters", "an extension with parameters that was not offered is refused", "4.1", Rule::ExtensionNotOffered, "", "Sec-WebSocket-Extensions: x-unheard-of; a=b"),
    ("extension-not-offered-second", "the second extension is judged like the first", "4.1", Rule::ExtensionNotOffered, "", "Sec-WebSocket-Extensions: x-unheard-of, x-other"),
    ("response-extension-malformed", "a malformed list of extensions is refused", "9.1", Rule::ExtensionsMalformed, "", "Sec-WebSocket-Extensions: ; a=b"),
    ("response-subprotocol-not-offered", "a subprotocol that was not offered is refused", "4.1", Rule::SubprotocolNotOffered, "", "Sec-WebSocket-Protocol: x-unheard-of"),
    ("response-subprotocols-two", "a response names one subprotocol", "11.3.4", Rule::HeaderRepeated, "", "Sec-WebSocket-Protocol: x-unheard-of\r\nSec-WebSocket-Protocol: x-other"),
    ("response-subprotocol-list", "a response names no list of subprotocols", "4.2.2", Rule::SubprotocolNotOffered, "", "Sec-WebSocket-Protocol: x-unheard-of, x-other"),
    ("response-cr-ends-no-line", "a CR alone ends no line", "RFC 9112 2.2", Rule::HeadLineEnding, "Upgrade", "Upgrade: websocket\rX-Note: a"),
    ("response-upgrade-with-nul", "a NUL is not read over", "RFC 9110 5.5", Rule::HeadControlByte, "Upgrade", "Upgrade: web\0socket"),
];

#[rustfmt::skip]
const RESPONSES_ADVICE: &[Response] = &[
    ("accept-repeated", "an accept value stands once", "11.3.3", Rule::HeaderRepeated, "", "Sec-WebSocket-Accept: {accept}"),
    ("response-subprotocol-in-other-case", "an offered subprotocol in other case is another", "4.1", Rule::SubprotocolNotOffered, "", "Sec-WebSocket-Protocol: {other case}"),
    ("response-of-http-1-0", "a response of HTTP/1.0 opens nothing", "4.2.2", Rule::HttpVersionTooLow, "HTTP", "HTTP/1.0 101 Switching Protocols"),
    ("response-of-http-2-0", "a response of HTTP/2.0 opens nothing", "RFC 9110 2.5", Rule::HttpVersionTooHigh, "HTTP", "HTTP/2.0 101 Switching Protocols"),
    ("response-in-lower-case", "HTTP is written in capitals", "RFC 9112 2.3", Rule::StatusLineMalformed, "HTTP", "http/1.1 101 Switching Protocols"),
    ("response-with-two-blanks", "one blank parts a status line", "RFC 9112 4", Rule::StatusLineMalformed, "HTTP", "HTTP/1.1  101 Switching Protocols"),
    ("response-without-colon", "a header has a colon", "RFC 9112 5", Rule::HeaderMalformed, "", "X-Note"),
    ("response-without-name", "a header has a name", "RFC 9112 5", Rule::HeaderMalformed, "", ": a"),
    ("response-blank-before-colon", "a name has no blank before its colon", "RFC 9112 5.1", Rule::HeaderMalformed, "", "X-Note : a"),
    ("response-lf-ends-a-line", "an LF alone is refused", "RFC 9112 2.2", Rule::HeadLineEnding, "", "X-Note: a\nX-Other: b"),
    ("response-cr-in-a-value", "a CR in a value is refused", "RFC 9112 2.2", Rule::HeadLineEnding, "", "X-Note: a\rb"),
    ("response-nul-in-a-value", "a NUL in a value is refused", "RFC 9110 5.5", Rule::HeadControlByte, "", "X-Note: a\0b"),
    ("response-control-byte-in-a-value", "a control byte in a value is refused", "RFC 9110 5.5", Rule::HeadControlByte, "", "X-Note: a\x01b"),
    ("response-with-content-length", "a response that opens has no body", "RFC 9110 8.6", Rule::BodyAnnounced, "", "Content-Length: 7"),
    ("response-with-chunked-body", "a response that opens has no chunked body", "RFC 9112 6.1", Rule::BodyAnnounced, "", "Transfer-Encoding: chunked"),
];

fn large_responses() -> Vec<Case> {
    let long = format!("X-Note: {}", "a".repeat(1 << 18));
    let many: String = iter::repeat_n("X: a\r\n", 10_000).collect();
    vec![
        left(
            "response-of-256-kib",
            "a response of 256 KiB is refused",
            "RFC 9110 5.4",
            Rule::HeadTooLarge,
            response("", &long),
        ),
        left(
            "response-of-10000-headers",
            "10,000 headers are refused",
            "RFC 9110 5.4",
            Rule::TooManyHeaders,
            response("", many.trim_end()),
        ),
    ]
}

/// Who is no server of HTTP/1 at all. Each has an empty line somewhere, for those who wait for one.
fn responses_of_strangers() -> Vec<Case> {
    const RULE: Rule = Rule::StatusLineMalformed;
    let left = |id, title, head| left(id, title, "4.2.2", RULE, head);
    vec![
        left(
            "response-of-ssh",
            "a server that speaks SSH is left",
            "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        ),
        left(
            "response-of-html",
            "a page without a head is no response",
            "<!doctype html>\r\n\r\n",
        ),
        left(
            "response-of-tls",
            "a server that speaks TLS is left",
            "\x15\x03\x01\0\x02\x02\x28\r\n\r\n",
        ),
        left(
            "frame-without-response",
            "a frame before the response opens nothing",
            "\u{81}\x04\r\n\r\n",
        ),
        left(
            "request-instead-of-response",
            "a request is no response",
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
    ]
}
