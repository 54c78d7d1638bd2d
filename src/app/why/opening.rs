//! Questions about the opening handshake, and about who may connect.

use super::question::Topic::{Handshake, WhoMayConnect};
use super::question::{Question, row, to};

pub(super) const ALL: &[Question] = &[
    row(
        1,
        Handshake,
        "What is the magic string for, and why this one?",
        "1.3",
        "The server puts it after the key and hashes both together. Only a server that knows this protocol knows \
         the string, so the right hash shows that the answer was made for a WebSocket handshake, and not by \
         something else that happens to listen there. The string itself means nothing: it is a GUID, made up once so \
         that nothing else uses it, and it is the same for every connection. It is no secret.",
    )
    .seen(&[to("#handshake/key", "From key to accept, in four steps")])
    .at("src/protocol/handshake/accept.rs", "digest")
    .tried("plainws handshake", 0),
    row(
        2,
        Handshake,
        "Why not just answer 101? What is the key for?",
        "1.3",
        "A 101 alone shows little: something that repeats an old answer, or sends back what it gets, could produce \
         one. The key is random and new for each connection, and only a server that has read this very request can \
         hash it, so the client knows that its own question was answered. It also protects servers: scripts and \
         forms cannot set headers that begin with Sec-, so no ordinary request of theirs passes for a handshake.",
    )
    .seen(&[
        to("#handshake/key", "From key to accept, in four steps"),
        to("#break/accept-wrong", "An answer to another key"),
    ])
    .at("src/protocol/handshake/client.rs", "judge")
    .tried("plainws rules accept-wrong", 0),
    row(
        3,
        Handshake,
        "Why a hash? Is SHA-1 unsafe here, and is this authentication?",
        "10.8",
        "The hash makes the answer differ from the question: a server that only sent the key back would not have \
         shown that it knows the protocol. It keeps nobody out, since key and string are there for all to read; \
         who you are is a matter for TLS, cookies and tokens. SHA-1 is weak because two texts with the same hash can \
         be made, and here that would gain nobody anything.",
    )
    .seen(&[to("#handshake/key", "From key to accept, in four steps")])
    .at("src/protocol/handshake/accept.rs", "digest")
    .tried(
        "plainws handshake dGhlIHNhbXBsZSBub25jZQ== --check c8qeCxwB8sJPxkSckeL76bKL7f642+KYzDiR7EbKyTY=",
        1,
    ),
    row(
        4,
        Handshake,
        "Why is my accept value 56 characters long, where 28 are due?",
        "4.2.2",
        "Many libraries print a hash as 40 hexadecimal digits, and those digits were encoded instead of the 20 bytes \
         that they stand for. 20 bytes make 28 characters of base64, 40 digits make 56. Ask your library for the \
         bytes: digest() rather than hexdigest(), or whatever it calls the binary form.",
    )
    .seen(&[to("#handshake/mistake", "Find the mistake in an accept value")])
    .at("src/app/judge/mistakes.rs", "find")
    .tried(
        "plainws handshake dGhlIHNhbXBsZSBub25jZQ== --check YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ==",
        1,
    ),
    row(
        5,
        Handshake,
        "Can I decode Sec-WebSocket-Accept to get the key back?",
        "4.2.2",
        "No. Its base64 decodes to the 20 bytes of a hash, which is why they look like noise, and a hash cannot be \
         turned back. Nobody needs to: the client computes the same value from the key that it sent, and compares the \
         two texts. The server does not decode the key either; it hashes the 24 characters as they came.",
    )
    .seen(&[to("#handshake/key", "From key to accept, in four steps")])
    .at("src/protocol/handshake/accept.rs", "accept_value")
    .tried("plainws handshake dGhlIHNhbXBsZSBub25jZQ==", 0),
    row(
        6,
        Handshake,
        "I copied the GUID from a tutorial. Why is my accept value still wrong?",
        "1.3",
        "Compare it letter by letter with 258EAFA5-E914-47DA-95CA-C5AB0DC85B11. There are documents that misprint its \
         last part as 5BAB11DC85B6, and a single wrong digit changes the whole hash. It is written in capitals, and \
         follows the key directly: no blank, no line end between them. The mistake finder knows these slips, and \
         names the one that leads to your value.",
    )
    .seen(&[to("#handshake/mistake", "Find the mistake in an accept value")])
    .at("src/app/judge/mistakes.rs", "find")
    .tried(
        "plainws handshake dGhlIHNhbXBsZSBub25jZQ== --check xi594u34epCyRUevAXoTvQaUoCk=",
        1,
    ),
    row(
        7,
        Handshake,
        "I sent my 101, and the client still waits. What is missing?",
        "RFC 9112 2.1",
        "Most likely the empty line. A head ends with CR LF CR LF: the first pair ends the last header, the second \
         is an empty line. Until that has come the client waits for more headers, and takes your first frame for \
         part of the head. The line ends have to be CR LF; LF alone is not enough for a strict peer.",
    )
    .seen(&[
        to("#handshake/lines", "Both heads, line by line"),
        to("#break/head-line-ending", "A line that ends with LF alone"),
    ])
    .at("src/protocol/head.rs", "end_line")
    .tried(
        "printf 'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n' | plainws decode",
        3,
    ),
    row(
        8,
        Handshake,
        "Is \"Connection: keep-alive, Upgrade\" a valid handshake?",
        "4.2.1",
        "Yes. Connection is a list: words with commas between them, in any order, in capitals or not. Firefox sends \
         just this one. A server that compares the whole value with \"Upgrade\" turns Firefox away; it has to look \
         for the word in the list.",
    )
    .seen(&[
        to("#handshake/lines", "Both heads, line by line"),
        to("#break/connection-upgrade-missing", "A list without the word"),
    ])
    .at("src/protocol/head.rs", "lists")
    .tried("plainws check --list connection-with-keep-alive", 0),
    row(
        9,
        Handshake,
        "I offered a subprotocol and the server names none. Is that an error?",
        "4.2.2",
        "Not for the protocol: a server chooses one of those offered or none, and to choose none it leaves the header \
         out. An empty header is wrong, and so is a name that was not offered; a client has to leave then. Browsers \
         demand more: in Chromium the connection of a page that asked for subprotocols fails if none is chosen.",
    )
    .seen(&[
        to("#break/subprotocol-not-offered", "A subprotocol that nobody offered"),
        to("#handshake/lines", "Both heads, line by line"),
    ])
    .at("src/protocol/handshake/client.rs", "judge")
    .tried("plainws rules subprotocol-not-offered", 0),
    row(
        10,
        WhoMayConnect,
        "Why does the handshake fail as soon as nginx stands in front?",
        "RFC 9110 7.8",
        "Upgrade and Connection are meant for one hop, so a proxy does not pass them on unless it is told to. Your \
         server then sees an ordinary GET and answers with 400, 426 or a page. nginx needs three lines: \
         proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; \
         and examples/deploy/nginx.conf of this project has them in place.",
    )
    .seen(&[to("#break/upgrade-missing", "A handshake without Upgrade")])
    .at("src/protocol/handshake/server.rs", "judge")
    .tried("plainws rules upgrade-missing", 0),
    row(
        11,
        Handshake,
        "I get 426 Upgrade Required. How do I make a handshake by hand?",
        "4.1",
        "There is a WebSocket at that address, and your request did not ask for one. Beside Host it needs Upgrade: \
         websocket, Connection: Upgrade, Sec-WebSocket-Version: 13, and a Sec-WebSocket-Key of 16 bytes in base64, \
         which is 24 characters that end in ==. Given these by -H, curl -v shows a 101 and then just waits, because \
         frames mean nothing to it. connect makes the same handshake, shows it, and goes on to talk.",
    )
    .seen(&[
        to("#handshake/lines", "Both heads, line by line"),
        to("#break/key-invalid", "A key of the wrong length"),
    ])
    .at("src/protocol/handshake/server.rs", "judge")
    .tried("echo Hello | plainws connect :8000/echo --trace=full", 0),
    row(
        12,
        WhoMayConnect,
        "It works in a native client, but not in the browser. Why?",
        "10.2",
        "A browser has rules of its own. It sends Origin, which the server may refuse with 403. A page that came by \
         https may not open ws:, only wss:, except to the machine it runs on. Subprotocols that it asks for have to be \
         answered. The page is told nothing but 1006; the reason stands in the browser's console.",
    )
    .seen(&[to("#close/no-websocket", "A path without WebSocket, as the page sees it")])
    .at("src/net/origin.rs", "permits")
    .tried(
        "plainws connect :8000/echo -n -H 'Origin: https://example.com'",
        3,
    ),
    row(
        13,
        WhoMayConnect,
        "Why may any web page open a WebSocket to my localhost?",
        "10.2",
        "The rule that keeps one site's scripts from reading another site's answers does not cover WebSocket. The \
         browser connects to wherever a page says, and tells the server in Origin whose page it is; the server has to \
         look, and to refuse with 403 what it does not expect. This one lets in pages of its own host, and of those \
         that --allow-origin names. It guards people with browsers only: a program sends whatever Origin it likes.",
    )
    .seen(&[to("#handshake/lines", "Origin, among the other headers")])
    .at("src/net/origin.rs", "permits")
    .tried(
        "plainws connect :8000/echo -n -H 'Origin: https://example.com'",
        3,
    ),
    row(
        14,
        Handshake,
        "Why is the first frame lost?",
        "4.2.2",
        "The bytes after the empty line are frames already, and nothing keeps the first of them from arriving together \
         with the end of the head: a server may send right after its 101. Code that reads the head into a buffer, and \
         then reads frames from the socket, forgets what was left in that buffer. Whoever parses the head has to hand \
         the rest over.",
    )
    .seen(&[
        to("#cut/handshake", "A handshake with a frame right behind it"),
        to("#build/4", "Stage 4: a stream, not packets"),
    ])
    .at("src/protocol/head.rs", "receive")
    .tried("plainws check :8000/echo --only frame-with-the-head", 0),
    row(
        15,
        Handshake,
        "Where is the 101 over HTTP/2?",
        "RFC 8441 5",
        "There is none: HTTP/2 has no Upgrade. RFC 8441 opens a WebSocket inside one stream of an HTTP/2 connection, \
         by CONNECT with :protocol websocket, which is answered with 200; key and accept are left out. The frames \
         are the same, masks included. A client may do so only after the server has announced it; this server \
         speaks HTTP/1.1 and nothing else.",
    )
    .seen(&[to("#break/http-version-too-high", "A head of HTTP/2")])
    .at("src/protocol/head.rs", "parse")
    .tried("plainws rules http-version-too-high", 0),
    row(
        55,
        WhoMayConnect,
        "How do I send an Authorization header from JavaScript?",
        "10.5",
        "Not at all: new WebSocket takes an address and subprotocols, nothing else. What does work: a cookie, which the \
         browser adds by itself where the cookie's rules allow it (then look at Origin too); a token in the address, \
         short-lived, since addresses end up in logs; or a token as the first message, with no answer to anything \
         before it. Clients that are no browsers send any header.",
    )
    .seen(&[to("#handshake/lines", "What a browser sends")])
    .at("src/protocol/handshake/client.rs", "add_header")
    .tried(
        "echo Hello | plainws connect :8000/echo -H 'Authorization: Bearer x'",
        0,
    ),
    row(
        58,
        WhoMayConnect,
        "\"Unexpected response code: 200\", or 404: why?",
        "4.1",
        "The server answered with ordinary HTTP where 101 was due. 200 means that something else was there: a file, \
         a web app's page for unknown paths, or a proxy that did not pass Upgrade on. 404 is a wrong path, 403 mostly \
         Origin, 400 and 426 a handshake that is broken or none, 502 a proxy that reached nobody. The sentence \
         is Chromium's and stands in its console; the page itself sees 1006.",
    )
    .seen(&[to("#close/no-websocket", "A path without WebSocket")])
    .at("src/net/session.rs", "upgrade")
    .tried("plainws connect :8000/nothing -n", 3),
];
