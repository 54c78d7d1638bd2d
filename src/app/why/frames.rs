//! Questions about masking, and about the bits and lengths of a header.

use super::question::Topic::{Header, Masking};
use super::question::{Question, row, to};

pub(super) const ALL: &[Question] = &[
    row(
        16,
        Masking,
        "Why do I get random bytes instead of my text?",
        "5.3",
        "All that a client sends is masked: each byte of the payload is combined by XOR with one of the four bytes of \
         a key, which stands in the same frame just before the payload. Byte i of the text is byte i of the payload \
         XOR byte i mod 4 of the key. Each frame has a key of its own, so do it for each.",
    )
    .seen(&[to("#watch/masking_key", "The key of the latest frame, and its sum")])
    .at("src/protocol/frame.rs", "mask")
    .tried("plainws decode 81 85 37 fa 21 3d 7f 9f 4d 51 58", 0),
    row(
        17,
        Masking,
        "Why mask, and why only from client to server?",
        "10.3",
        "So that no script decides what stands on the wire. While the protocol was made, an experiment sent bytes that \
         looked like HTTP requests through connections like these; some proxies took them for requests, and kept the \
         forged answers in a cache that others used. With a new key for each frame, which the browser draws and the \
         page never sees, no page can write such bytes. To fool a proxy one has to forge a request first, and those go \
         from client to server, so the other direction needs no mask. It hides nothing: the key travels along.",
    )
    .seen(&[
        to("#watch/masking_key", "The key of the latest frame"),
        to("#break/mask-missing", "A client that does not mask"),
    ])
    .at("src/protocol/frame.rs", "mask")
    .tried("plainws rules mask-missing", 0),
    row(
        18,
        Masking,
        "Must an empty ping carry a mask?",
        "5.1",
        "Yes, if a client sends it. A client masks every frame, whatever its kind and however short: MASK is set, four \
         bytes of key follow, and then there is nothing to mask. So its empty ping is six bytes, 89 80 and a key, and a \
         server's is two, 89 00. A server has to end the connection of a client that leaves the mask out.",
    )
    .seen(&[to("#break/mask-missing", "A client that does not mask")])
    .at("src/protocol/connection.rs", "begin_frame")
    .tried("plainws decode 89 80 37 fa 21 3d", 0),
    row(
        19,
        Masking,
        "My server masks too. Why does Chrome close?",
        "5.1",
        "Because a client must end a connection on which a masked frame comes. Chromium tells the server why, in a Close \
         with 1002, and tells the page nothing but 1006. Usually the code that writes a client's frames was used for \
         the server as well. Leave MASK at 0 and the key out; the payload goes as it is.",
    )
    .seen(&[to("#close/masked", "A masked frame, and what the page learns")])
    .at("src/protocol/connection.rs", "begin_frame")
    .tried("plainws rules mask-present", 0),
    row(
        20,
        Masking,
        "May one key serve the whole connection? Does key 0 mean unmasked?",
        "5.3",
        "No: each frame needs a new key that nobody can foresee. A page that knows the next key can choose its text so \
         that the masked bytes say what it wants, and that is what masking is there to prevent. A receiver cannot check \
         this; it takes each frame's key as it comes. Four zeros are a key like any other, one that changes nothing: \
         whether a frame is masked is told by the bit MASK alone.",
    )
    .seen(&[
        to("#tour/3", "The same word twice"),
        to("#watch/mask", "The bit MASK"),
    ])
    .at("src/net/random.rs", "bytes")
    .tried("plainws decode 81 85 00 00 00 00 48 65 6c 6c 6f", 0),
    row(
        21,
        Header,
        "What is the most significant bit, and what is network byte order?",
        "5.2",
        "The most significant bit of a number is the one worth most: of a 64-bit length, the first bit of its first \
         byte, worth 2^63. It must be 0, so no length is greater than 2^63 - 1, which a signed number of 64 bits can \
         still hold. Network byte order puts the byte worth most first: 01 2c is 1 × 256 + 44, which is 300.",
    )
    .seen(&[to("#break/length-top-bit-set", "A length with its top bit set")])
    .at("src/protocol/frame.rs", "decode_length")
    .tried("plainws rules length-top-bit-set", 0),
    row(
        22,
        Header,
        "How do two bytes become one length?",
        "5.2",
        "The first counts 256s and the second ones: 01 2c is 1 × 256 + 44, which is 300. In code that is \
         first << 8 | second, once both are numbers from 0 to 255; where bytes have a sign, as in Java, & 0xff makes \
         them so. Eight bytes go the same way: for each, shift what is there by 8 and add it.",
    )
    .seen(&[to("#tour/4", "Three forms of a length")])
    .at("src/protocol/frame.rs", "decode_length")
    .tried("plainws decode 82 7e 01 2c", 3),
    row(
        23,
        Header,
        "Why do I read 8f as length 71?",
        "5.2",
        "8f is 1000 1111. The picture in the RFC counts bits from the left, where the one worth most stands: MASK is \
         the first, 1, and the length is the other seven, 000 1111, which is 15. Whoever takes MASK from the right end \
         is left with 1000 111, and that is 71. In code: MASK is byte & 0x80, the length byte & 0x7f.",
    )
    .seen(&[to("#watch/mask", "The bits of byte 1")])
    .at("src/protocol/frame.rs", "read")
    .tried("plainws decode 81 8f 37 fa 21 3d", 3),
    row(
        24,
        Header,
        "Why do lengths up to 65,535 work, and longer ones not?",
        "5.2",
        "126 in the seven bits says that the length is in the next two bytes; 127 says that it is in the next eight, \
         not four. Only then does the key follow. Code that does not know the third form takes the key and the payload \
         from the wrong place, and every frame after that too. Hold the length in 64 bits, and refuse what is more than \
         you want to take.",
    )
    .seen(&[
        to("#build/3", "Stage 3: three lengths"),
        to("#tour/4", "Three forms of a length"),
    ])
    .at("src/protocol/frame.rs", "extended_length_size")
    .tried("plainws decode 82 7f 00 00 00 00 00 01 00 00", 3),
    row(
        25,
        Header,
        "Why are all lengths from 128 to 255 rejected?",
        "5.2",
        "A byte of the length was read as a number with a sign: c8, which is 200, became -56, and spoiled the sum. It \
         happens whenever the low byte is 80 hex or more, so 200 fails and 300 works. Use an unsigned type, or take each \
         byte & 0xff before you put them together.",
    )
    .seen(&[to("#build/3", "Stage 3: three lengths")])
    .at("src/protocol/frame.rs", "decode_length")
    .tried("plainws decode 82 7e 00 c8", 3),
    row(
        26,
        Header,
        "Why must a length take the fewest bytes?",
        "5.2",
        "The RFC demands it without giving a reason. What it achieves: each length can be written in one way only, \
         so two programs that read the same bytes cannot differ about it. Up to 125 it stands in the seven bits, up to \
         65,535 in two more bytes, and beyond that in eight. A longer form is refused at the byte that makes it certain, \
         without the rest of the frame.",
    )
    .seen(&[to("#break/length-not-minimal", "125 in two bytes")])
    .at("src/protocol/frame.rs", "decode_length")
    .tried("plainws rules length-not-minimal", 0),
    row(
        27,
        Header,
        "A length of 64 bits crashed my server. What should it do?",
        "10.4",
        "Ten bytes of header can announce 2^63 - 1 bytes of payload, and cost their sender nothing. Adding the size of \
         the header to that can overflow, and reserving so much memory fails. Compare the length with a limit as soon \
         as the header is there, before you compute with it, and refuse with Close 1009. Then let memory grow with what \
         arrives, not with what was announced.",
    )
    .seen(&[to("#break/message-too-big", "A frame of 2^63 - 1 bytes")])
    .at("src/protocol/message.rs", "begin_frame")
    .tried("plainws rules message-too-big", 0),
    row(
        28,
        Header,
        "\"One or more reserved bits are on\": what does it mean?",
        "5.2",
        "It is Chromium's way of saying that a byte which it took for the first of a frame has RSV bits set. Hardly \
         ever did somebody set them. Mostly the frame before was longer or shorter than its length said, so that the \
         reader now stands inside a payload; or something came that is no frame, such as an error page: its first \
         letter, the H of HTTP, is 48 hex, which has RSV1 set.",
    )
    .seen(&[to("#break/rsv-not-zero/server", "A reserved bit, to this browser")])
    .at("src/protocol/connection.rs", "decode_header")
    .tried("plainws decode 81 02 48 65 6c 6c 6f", 1),
    row(
        29,
        Header,
        "Compressed messages have RSV1 set. Is that a bug?",
        "RFC 7692 6",
        "Not if compression was agreed on. permessage-deflate marks the first frame of each compressed message by RSV1; \
         for that, the client must have offered it in its request and the server accepted it in its answer. Without \
         both, RSV1 breaks the rule that reserved bits are 0. This server accepts no compression.",
    )
    .seen(&[
        to("#break/rsv-not-zero", "RSV1 that nobody agreed on"),
        to("#handshake/extension", "The extension that is offered, and declined"),
    ])
    .at("src/protocol/connection.rs", "are_accepted")
    .tried("plainws decode c1 80 00 00 00 00", 1),
];
