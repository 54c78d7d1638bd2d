//! Questions about pings and closing, about many clients, and about what WebSocket is good for.

use super::question::Topic::{Closing, Compared, Control, ManyClients};
use super::question::{Question, row, to};

pub(super) const ALL: &[Question] = &[
    row(
        41,
        Control,
        "TCP has keepalive. What are pings for?",
        "5.5.2",
        "They ask different questions. TCP's keepalive asks the system at the other end of this TCP connection, which may \
         be a proxy, and on Linux not before two hours of silence unless told otherwise. A ping goes through proxies as \
         data and is answered by the program at the far end. It keeps the idle timers on the way from running out, and \
         its pong tells how long the way takes.",
    )
    .seen(&[to("#tour/8", "Ping the browser")])
    .at("src/net/keepalive.rs", "poll")
    .tried("echo /ping hi | plainws connect :8000/echo", 0),
    row(
        42,
        Control,
        "How do I send a ping from JavaScript, and why do I see none?",
        "5.5.2",
        "You cannot: a browser's WebSocket has send and close, and nothing for pings. It answers a server's pings by \
         itself, with a pong that holds the same bytes, and tells the page nothing. So let the server ping. A page that \
         has to notice a dead server sends small messages of its own, and expects an answer to each.",
    )
    .seen(&[to("#watch", "The button Ping me"), to("#tour/8", "Ping the browser")])
    .at("src/protocol/outbox.rs", "push_pong")
    .tried("plainws decode 8a 85 37 fa 21 3d 7f 9f 4d 51 58", 0),
    row(
        43,
        Closing,
        "Who sends 1006?",
        "7.4.1",
        "Nobody: it must never stand on the wire. It is what a program reports when a connection ended without a Close: \
         the line broke, the process died, a proxy lost patience, or the handshake did not even succeed. A Close that \
         carries 1006 is itself an error, and is answered with 1002.",
    )
    .seen(&[
        to("#close/cut", "TCP cut, without a Close"),
        to("#break/close-code-invalid", "A code that must not be sent"),
    ])
    .at("src/protocol/close_code.rs", "is_allowed_on_wire")
    .tried("plainws decode 88 02 03 ee", 1),
    row(
        44,
        Closing,
        "What is the difference between 1000 and 1005?",
        "7.4.1",
        "1000 stands in a Close and says that all is done. 1005 says that a Close came with no code in it; it is never \
         sent, a program just needs some number to report. A page that calls close() without arguments sends such an \
         empty Close, and sees 1005, as a clean end.",
    )
    .seen(&[to("#close/no-code", "A page closes without a code")])
    .at("src/protocol/close.rs", "decode")
    .tried("plainws encode close | plainws decode", 0),
    row(
        45,
        Closing,
        "A reload gives 1001. Must the server answer, and who ends TCP first?",
        "7.1.1",
        "A browser that leaves a page sends Close 1001, going away, and the server answers with a Close, as a rule with \
         the same code; some, as plainws does, repeat the reason too. Then the server ends TCP first: whoever does so \
         has to remember the connection for a while (TIME_WAIT), and that may keep a client from connecting again. The \
         client waits for this, but not for ever.",
    )
    .seen(&[to("#close/1000", "Who ended TCP, for each cause")])
    .at("src/net/link/mod.rs", "finish")
    .tried("echo /close 1001 | plainws connect :8000/echo --trace", 0),
    row(
        46,
        Closing,
        "I close with 1000 and a reason; why does the other side report 1006?",
        "1.4",
        "It saw no valid Close. Often the side that closes ends TCP at once: if it has not read all that had arrived, the \
         system resets the connection, and a reset can destroy what the other has not read yet, the Close included. Or \
         the frame was wrong, with a reason that is not UTF-8, or without the two bytes of the code. Send the Close, read \
         on until the answer comes, then end TCP; and answer a Close that you are sent.",
    )
    .seen(&[to("#close/cut", "TCP cut, without a Close"), to("#build/7", "Stage 7: closing")])
    .at("src/net/link/mod.rs", "finish")
    .tried("plainws decode 88 03 03 e8 ff", 1),
    row(
        47,
        Control,
        "Why does my connection die after a minute of silence?",
        "5.5.2",
        "Something on the way drops what is idle: nginx after 60 seconds (proxy_read_timeout), and other proxies, routers \
         and mobile networks after times of their own. None of them sends a Close, so both ends report 1006, or notice \
         nothing. Ping more often than the shortest of these times. This server does after 20 seconds of silence, and \
         gives up a peer that does not answer.",
    )
    .seen(&[to("#tour/8", "Ping the browser"), to("#close/cut", "TCP cut, without a Close")])
    .at("src/net/keepalive.rs", "poll")
    .tried("plainws serve --help | grep -A 4 ping-after", 0),
    row(
        48,
        Closing,
        "My handler returned and the connection closed. How do I keep it open?",
        "7.3",
        "By not returning. Here, and in many libraries, a connection lives as long as the function that handles it, and \
         is closed with 1000 after that. Loop over the messages, and return when nothing more is to be said. Whatever \
         else wants to send on the connection gets a Sender from ws.sender() before the loop begins.",
    )
    .seen(&[to("#close/server-1001", "The server closes")])
    .at("src/net/session.rs", "handle")
    .tried("echo Hello | plainws connect :8000/echo --trace", 0),
    row(
        49,
        ManyClients,
        "How many clients can a server take that has a thread for each?",
        "10.4",
        "As many as it may have threads and file descriptors. A thread that waits takes no processor, only memory: what \
         it touches of its stack. This server takes 900 connections at once unless told otherwise, or fewer where the \
         system allows fewer, and answers the next with 503. A process for each client costs more; an event loop costs \
         less, and in return nothing in it may ever wait.",
    )
    .seen(&[to("#cost", "Open fifty, and count the threads")])
    .at("src/net/server.rs", "start")
    .tried("plainws serve --help | grep -A 4 max-connections", 0),
    row(
        50,
        ManyClients,
        "Why does one slow client block all others?",
        "10.4",
        "They share one thread, as in an event loop: while one handler computes, waits for a database, or writes to \
         somebody who does not read, nobody else is served. Give each connection a thread, as here, or never wait in \
         a handler. Even with threads, a broadcast that waits for its slowest receiver blocks all the others, so \
         what waits for each must be bounded, and who is too slow must be let go.",
    )
    .seen(&[to("#build/8", "Stage 8: two clients")])
    .at("src/net/server.rs", "start")
    .tried("plainws check :8000/echo --only together", 0),
    row(
        51,
        ManyClients,
        "Why does a broadcast reach only some clients once there are several processes?",
        "4.2",
        "Each process knows its own connections only: the list that you go through is in its memory. With several workers \
         behind one port each client lands in one of them, so messages have to pass from process to process, through \
         a message broker, a database that notifies, or a small server of your own. One process with many threads needs \
         none of that.",
    )
    .seen(&[to("#cost", "One process, a thread for each connection")])
    .at("examples/chat.rs", "say"),
    row(
        52,
        ManyClients,
        "It works on my machine and is cut at once behind nginx and uWSGI. Why?",
        "RFC 9110 7.8",
        "Somewhere on the way HTTP is still spoken. nginx must be told to pass Upgrade on. And a framework calls a view \
         to get a response: once the view returns, it writes one, into a connection that is no longer HTTP. The browser \
         takes that for a frame: the H of HTTP is 48 hex, which has RSV1 set. If the view had closed the socket, the same \
         write fails with \"bad file descriptor\". So the view must not return before the talk is over, and nothing may \
         be written after it.",
    )
    .seen(&[to("#break/rsv-not-zero/server", "A reserved bit, to this browser")])
    .at("src/app/judge/cause.rs", "no_frame")
    .tried(
        "plainws decode --role server 81 02 68 69 48 54 54 50 2f 31 2e 31",
        1,
    ),
    row(
        53,
        Compared,
        "Polling, long polling, SSE, WebSocket: what is the difference?",
        "1.1",
        "Polling asks again and again, mostly for nothing, and hears news half an interval late on average. Long polling \
         lets the request wait until there is news: prompt, but each piece of news costs a request with all its \
         headers. Server-sent events keep one response open and write the news into it, one way only. A WebSocket takes \
         one handshake, then frames with a few bytes of header, both ways. All but polling hold a connection open \
         for each client.",
    )
    .seen(&[to("#cost", "The same news, three ways, counted")])
    .at("src/app/serve/clock.rs", "clock")
    .tried("plainws connect :8000/clock --count 2", 0),
    row(
        54,
        Compared,
        "How is it different from a TCP socket?",
        "1.5",
        "It runs on one and adds little: an address with a path, so that many services share a port; Origin, so that a \
         server can tell whose page connects; messages instead of a stream; and a closing handshake that works through \
         proxies. For that both sides have to agree first, and a client has to mask. A page cannot open a bare TCP \
         connection, and its WebSocket fails where no server answers for this protocol, which is on purpose.",
    )
    .seen(&[to("#handshake/lines", "How both sides agree")])
    .at("src/protocol/connection.rs", "receive")
    .tried("echo Hello | plainws connect :8000/echo --trace=full", 0),
    row(
        56,
        Closing,
        "Always 1006 and no reason. How do I learn why?",
        "7.1.5",
        "Not from the page: browsers tell it no more, or scripts could use the difference to explore a network. Look into \
         the browser's console, which names the status or the broken rule, and into the server's log. Chromium, \
         when it leaves over a broken rule, tells the server why, in a Close. And plainws proxy, between the two, shows \
         every byte and says which side breaks what.",
    )
    .seen(&[
        to("#break/mask-present/server", "What the browser says, and to whom"),
        to("#close/cut", "Many causes, one 1006"),
    ])
    .at("src/protocol/close.rs", "was_cut_off")
    .tried("plainws connect :8000/nothing -n", 3),
    row(
        57,
        Closing,
        "How do I reconnect, and how fast?",
        "7.2.3",
        "A browser never does it by itself: open a new WebSocket when the close event comes. Wait first, a random time of \
         up to some seconds, and longer after each failure up to a limit, so that a server that comes back is not \
         overrun by all its clients at once. Begin with short waits again only after a connection that lasted. Then \
         ask for what you missed, because nobody kept it for you.",
    )
    .seen(&[to("#close/cut", "TCP cut, without a Close")])
    .at("src/app/connect/reconnect.rs", "next")
    .tried("echo Hello | plainws connect :8000/echo --reconnect", 0),
    row(
        59,
        Closing,
        "Which close codes may a page send?",
        "7.4.2",
        "1000, and 3000 to 4999. With any other, close() throws InvalidAccessError: 1001 to 1014 are for browsers and \
         servers, and 1005, 1006 and 1015 are never sent. 4000 to 4999 are for you, 3000 to 3999 for libraries, which \
         register them. A reason has room for 123 bytes of UTF-8, as a Close holds 125 and the code takes two; a longer \
         one throws SyntaxError.",
    )
    .seen(&[to("#close/4000", "A page closes with 4000")])
    .at("src/protocol/close_code.rs", "is_allowed_on_wire")
    .tried("plainws encode close 4000 bye | plainws decode", 0),
    row(
        60,
        Compared,
        "Does my own browser keep the rules?",
        "7.1.7",
        "Let it show you: the lab writes each broken frame to your browser, on a connection of its own, and notes what the \
         browser does and says. Chromium ends the connection for each of them, which is what counts; but it answers \
         text or a reason that is not UTF-8 with 1002, where 1007 is due.",
    )
    .seen(&[to("#break", "All rules that bind a server, to this browser")])
    .at("src/protocol/rule.rs", "example")
    .tried("plainws rules mask-present --raw server | plainws decode --role server", 1),
];
