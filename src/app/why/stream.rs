//! Questions about text, and about what comes in pieces.

use super::question::Topic::{Pieces, Text};
use super::question::{Question, row, to};

pub(super) const ALL: &[Question] = &[
    row(
        30,
        Text,
        "Why do accents and emoji break my frames?",
        "5.2",
        "A length counts bytes, and in UTF-8 a character has up to four of them: Grüße has five letters and seven bytes. \
         If five are announced, the receiver takes five, and reads the other two as the header of the next frame. Turn \
         the text into bytes first, then count.",
    )
    .seen(&[
        to("#break/text-not-utf8", "Text that is not UTF-8"),
        to("#cut/accent", "A cut inside a character"),
    ])
    .at("src/protocol/outbox.rs", "push")
    .tried("plainws encode text Grüße --length 5 | plainws decode", 1),
    row(
        31,
        Text,
        "Why does ASCII work, and Chinese turn into rubbish?",
        "5.6",
        "Each byte was made a character of its own. 漢 is three bytes, e6 bc a2, and none of them says anything by \
         itself. Collect the bytes of the whole message and decode them together; or use a decoder that keeps the \
         beginning of a character until the rest comes, as it must when a frame or a read ends there.",
    )
    .seen(&[to("#cut/accent", "A cut inside a character")])
    .at("src/protocol/utf8.rs", "decode")
    .tried("plainws encode text 漢 --fragments 1+1+1 | plainws decode", 0),
    row(
        32,
        Text,
        "Why does a Blob arrive where I sent text?",
        "5.6",
        "The sender used opcode 2, binary. Nothing else need differ, the bytes may be the same: a browser hands a binary \
         message to the page as a Blob, or as an ArrayBuffer if binaryType says so, and a text message as a string. \
         If it is text, send it with opcode 1; then it has to be valid UTF-8.",
    )
    .seen(&[to("#watch/opcode", "The opcode of the latest frame")])
    .at("src/protocol/frame.rs", "from_bits")
    .tried("plainws decode 82 05 48 65 6c 6c 6f", 0),
    row(
        33,
        Pieces,
        "Is a frame malformed that is split over several TCP packets?",
        "6.2",
        "No. TCP carries a stream of bytes and knows nothing of frames: where it cuts depends on buffers and networks, \
         and even a header may come in halves. A parser keeps what it has and waits for more. Try it one byte at a \
         time: however the bytes are cut, the messages must be the same.",
    )
    .seen(&[to("#cut/hello", "One frame, cut where you like")])
    .at("src/protocol/connection.rs", "complete_header")
    .tried("plainws check :8000/echo --only stream-in-pieces-of-1", 0),
    row(
        34,
        Pieces,
        "Two frames come in one read. Why is only the first handled?",
        "6.2",
        "One read was taken for one frame. A read may bring several frames, or half of one, or the end of one and the \
         beginning of the next. Keep a buffer: after each read, take frames out of it until what is left is not a whole \
         one, and only then read again. Otherwise the second frame lies there until the peer sends something else.",
    )
    .seen(&[
        to("#cut/two", "Two frames in one write"),
        to("#build/4", "Stage 4: a stream, not packets"),
    ])
    .at("src/protocol/connection.rs", "next_event")
    .tried("plainws decode 81 01 41 81 01 42", 0),
    row(
        35,
        Pieces,
        "Is it a stream, or messages? What are \"sticky packets\"?",
        "1.5",
        "Both. TCP below is a stream without any boundaries; WebSocket puts messages on top of it, each in one frame or \
         in several, and each frame says how long it is. \"Sticky packets\" is what a stream looks like to code that \
         takes a read for a message. With a parser in between, your program gets whole messages, however the reads fell.",
    )
    .seen(&[to("#cut/two", "Two frames, cut at random")])
    .at("src/protocol/connection.rs", "receive")
    .tried("echo Hello | plainws connect :8000/echo --trace=full", 0),
    row(
        36,
        Pieces,
        "Why does my server get only the first part of a big message?",
        "5.4",
        "The browser sent the message as several frames; Chromium does so at about 128 KiB. The first has the opcode and \
         FIN 0, the others are continuations with opcode 0, and only the last has FIN 1. A server that takes each frame \
         for a message sees one that stops in the middle, and then an opcode it may not know. Both sides have to take \
         messages in any number of frames.",
    )
    .seen(&[to("#watch", "The button 300 kB"), to("#build/6", "Stage 6: fragments")])
    .at("src/protocol/message.rs", "begin_frame")
    .tried("plainws encode text Hello --fragments 3 | plainws decode", 0),
    row(
        37,
        Pieces,
        "May a frame end inside a character?",
        "5.6",
        "Yes. A text message must be UTF-8 as a whole; where it is cut into frames does not matter, so one frame may end \
         with the first byte of é and the next begin with its second. A receiver therefore cannot check frame by \
         frame. Only at the end of the message every character has to be complete.",
    )
    .seen(&[to("#cut/accent", "A cut inside a character"), to("#tour/7", "UTF-8 across a cut")])
    .at("src/protocol/utf8.rs", "complete_character")
    .tried("plainws encode text é --fragments 1+1 | plainws decode", 0),
    row(
        38,
        Pieces,
        "Why does a ping between two fragments end up in my message?",
        "5.4",
        "Pings, pongs and closes may stand between the frames of a message, so that they need not wait for its end. Code \
         that appends the payload of whatever comes next puts the ping into the message; code with one buffer for both \
         loses what it had. Look at the opcode first: 8 and above is dealt with at once, and the message stays as it is.",
    )
    .seen(&[
        to("#cut/ping", "A ping between two fragments"),
        to("#tour/6", "The same, live"),
        to("#build/6", "Stage 6: fragments"),
    ])
    .at("src/protocol/connection.rs", "end_frame")
    .tried("plainws decode 01 03 48 65 6c 89 02 68 69 80 02 6c 6f", 0),
    row(
        39,
        Pieces,
        "Why may a whole text message not stand between fragments?",
        "5.4",
        "A continuation does not say which message it continues: it goes on with the one that is open. With a second \
         message in between, nobody could tell which of the two the next continuation belongs to. So a message has to end \
         before another begins, and only control frames may stand in it. The two directions do not matter to each other.",
    )
    .seen(&[to("#break/message-interleaved", "A text inside another text")])
    .at("src/protocol/message.rs", "begin_frame")
    .tried("plainws rules message-interleaved", 0),
    row(
        40,
        Pieces,
        "May a ping be fragmented?",
        "5.5",
        "No. Pings, pongs and closes have FIN set and at most 125 bytes, so each can be read with a small buffer and \
         answered at once. If they could be cut, their continuations could not be told from those of the message around \
         them: all continuations have opcode 0.",
    )
    .seen(&[to("#break/control-fragmented", "A ping with FIN 0")])
    .at("src/protocol/frame.rs", "decode")
    .tried("plainws rules control-fragmented", 0),
];
