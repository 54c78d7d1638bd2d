//! What is said about each field of a frame, by the name that `decode --json` gives its span.

use super::question::Place;
use serde_json::{Map, Value, json};

struct Field {
    /// As in the spans.
    name: &'static str,
    title: &'static str,
    /// As the lab colours it.
    class: &'static str,
    /// What it is, and what it is for.
    text: &'static str,
    note: Option<&'static str>,
    /// By their numbers.
    questions: &'static [u8],
    place: Place,
}

pub(super) fn object() -> Value {
    let entries = ALL.iter().map(|field| {
        let said = json!({
            "title": field.title,
            "class": field.class,
            "text": [field.text],
            "note": field.note,
            "questions": field.questions,
            "place": field.place.object(),
        });
        (field.name.to_owned(), said)
    });
    Value::Object(Map::from_iter(entries))
}

const fn at(file: &'static str, function: &'static str) -> Place {
    Place { file, function }
}

const ALL: &[Field] = &[
    Field {
        name: "fin",
        title: "FIN",
        class: "control",
        text: "1 on the last frame of a message, and so on every message that has only one; 0 when more frames follow. \
               The receiver joins the payloads and hands them over when a frame with FIN 1 ends the message.",
        note: Some(
            "Control frames are never cut: on a ping, pong or close FIN is always 1 (§5.5).",
        ),
        questions: &[36, 38, 40],
        place: at("src/protocol/message.rs", "end_frame"),
    },
    Field {
        name: "rsv",
        title: "reserved bits",
        class: "control",
        text: "Three bits for extensions, which both sides have to agree on in the handshake. permessage-deflate uses \
               the first to mark a compressed message. Nobody agreed on any here, so all three are 0.",
        note: Some(
            "A bit that is set mostly means that the receiver has lost its place in the stream.",
        ),
        questions: &[28, 29],
        place: at("src/protocol/connection.rs", "decode_header"),
    },
    Field {
        name: "opcode",
        title: "opcode",
        class: "control",
        text: "The kind of frame: 1 begins a text, 2 a binary message, 0 continues the message that is open; 8 is close, \
               9 ping, a pong. Its top bit tells control frames, from 8 on, from data.",
        note: Some("3 to 7 and b to f have no meaning yet, and must not be sent."),
        questions: &[32, 36, 39],
        place: at("src/protocol/frame.rs", "from_bits"),
    },
    Field {
        name: "mask",
        title: "MASK",
        class: "key",
        text: "1 when a key follows and the payload is masked with it. It tells the direction: a client masks every \
               frame, a server none, and each has to leave when the other gets it wrong.",
        note: None,
        questions: &[17, 18, 19, 23],
        place: at("src/protocol/connection.rs", "begin_frame"),
    },
    Field {
        name: "payload_length",
        title: "length",
        class: "length",
        text: "Seven bits: up to 125 the number of bytes in the payload itself; 126 says that it stands in the next two \
               bytes, 127 in the next eight. The key does not count.",
        note: Some("Bytes are counted, not characters."),
        questions: &[22, 24, 30],
        place: at("src/protocol/frame.rs", "extended_length_size"),
    },
    Field {
        name: "payload_length_ext_16",
        title: "length, 16 bits",
        class: "length",
        text: "The length of the payload, here because 126 stands in the seven bits before. The byte worth 256 comes \
               first. It is used for 126 to 65,535 bytes, and for nothing that is shorter.",
        note: None,
        questions: &[21, 22, 25, 26],
        place: at("src/protocol/frame.rs", "decode_length"),
    },
    Field {
        name: "payload_length_ext_64",
        title: "length, 64 bits",
        class: "length",
        text: "The length of the payload, here because 127 stands in the seven bits before. The byte worth most comes \
               first, and its top bit is 0. It is used for 65,536 bytes and more.",
        note: Some("A receiver compares it with its limit before it reserves any memory (§10.4)."),
        questions: &[21, 24, 26, 27],
        place: at("src/protocol/frame.rs", "decode_length"),
    },
    Field {
        name: "masking_key",
        title: "masking key",
        class: "key",
        text: "Four bytes that the client draws anew for each frame. Payload byte i is combined by XOR with key byte \
               i mod 4. A page can neither choose nor see them, which is their purpose: no script decides what stands \
               on the wire.",
        note: Some(
            "That a key cannot be foreseen (§5.3) is something no receiver can check, so no rule stands in the table.",
        ),
        questions: &[17, 20, 16],
        place: at("src/protocol/frame.rs", "mask"),
    },
    Field {
        name: "payload",
        title: "payload",
        class: "payload",
        text: "What the frame carries. Of a text message all frames together must be UTF-8; a binary message may hold \
               anything; a pong repeats what its ping held.",
        note: Some("A frame may end inside a character: only the whole message is text (§5.6)."),
        questions: &[16, 31, 32, 37],
        place: at("src/protocol/connection.rs", "payload"),
    },
    Field {
        name: "payload.close.status_code",
        title: "close code",
        class: "code",
        text: "Two bytes that say why the connection ends: 1000 when all is done, 1001 when a page is left or a server \
               stops, 1002 after a broken rule. 4000 to 4999 are free for applications.",
        note: Some(
            "1005, 1006 and 1015 are what programs report when no code came; nobody may send them (§7.4.1).",
        ),
        questions: &[43, 44, 45, 59],
        place: at("src/protocol/close_code.rs", "is_allowed_on_wire"),
    },
    Field {
        name: "payload.close.reason",
        title: "close reason",
        class: "payload",
        text: "A few words for developers and logs, in UTF-8, after the code. It has room for 123 bytes, because a \
               control frame carries 125.",
        note: Some("It is not meant to be shown to people who use the page (§5.5.1)."),
        questions: &[46, 56, 59],
        place: at("src/protocol/close.rs", "decode"),
    },
];
