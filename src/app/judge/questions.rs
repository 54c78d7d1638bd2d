//! New questions of the ten kinds, made from a number: the same number makes the same questions.

use super::mistakes;
use super::stages::{ALL, Stage};
use plainws::Role;
use plainws::protocol::frame::mask;
use std::borrow::Cow;

/// Ten questions, each with the answer that it was made for.
pub(crate) fn made(seed: u64) -> Vec<(Stage, String)> {
    let mut random = Numbers(seed);
    let makers = [
        opcode, length, masked, fragments, close, missing, long_form, order, text, accept,
    ];
    let made = makers.iter().zip(&ALL).map(|(make, like)| {
        let Made {
            sender,
            bytes,
            question,
            hint,
            answer,
        } = make(&mut random);
        let stage = Stage {
            title: like.title,
            sender,
            bytes: bytes.into(),
            question: question.map_or_else(|| like.question.clone(), Cow::Owned),
            hint: hint.into(),
            answer: like.answer,
        };
        (stage, answer)
    });
    made.collect()
}

struct Made {
    sender: Role,
    bytes: Vec<u8>,
    /// Where it differs from the question that is always asked.
    question: Option<String>,
    hint: &'static str,
    /// As one would type it.
    answer: String,
}

/// SplitMix64 by S. Vigna. Not one of std or of a crate, which may change what a seed makes.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    fn byte(&mut self, least: u8, most: u8) -> u8 {
        let number = self.between(least.into(), most.into());
        u8::try_from(number).unwrap_or(most)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.byte(0, u8::try_from(choices.len() - 1).unwrap_or(0)) as usize]
    }

    fn word(&mut self) -> &'static str {
        self.one_of(&[
            "Hi", "Yes", "tick", "Hello", "bye", "sun", "cat", "four", "blue", "echo",
        ])
    }

    /// Without zeros, so that no byte looks as it is.
    fn key(&mut self) -> [u8; 4] {
        [(); 4].map(|()| self.byte(1, 255))
    }
}

/// A short frame of a server.
fn frame(byte0: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or_default();
    [&[byte0, length], payload].concat()
}

fn opcode(random: &mut Numbers) -> Made {
    let (byte0, name) = random.one_of(&[
        (0x81, "text"),
        (0x82, "binary"),
        (0x88, "close"),
        (0x89, "ping"),
        (0x8A, "pong"),
    ]);
    let payload = match name {
        "close" => &[0x03, 0xE8][..],
        _ => random.word().as_bytes(),
    };
    Made {
        sender: Role::Server,
        bytes: frame(byte0, payload),
        question: None,
        hint: "The opcode is the lower half of the first byte. §5.2 lists the values",
        answer: name.into(),
    }
}

fn length(random: &mut Numbers) -> Made {
    let length = random.between(126, 65_535);
    let [.., high, low] = length.to_be_bytes();
    Made {
        sender: Role::Server,
        bytes: vec![0x82, 0x7E, high, low],
        question: None,
        hint: "126 (7e) is not the length: it says that the next two bytes are, the high one first",
        answer: length.to_string(),
    }
}

fn masked(random: &mut Numbers) -> Made {
    let (word, key) = (random.word(), random.key());
    let mut payload = word.as_bytes().to_vec();
    mask(&mut payload, key, 0);
    let length = u8::try_from(word.len()).unwrap_or_default();
    Made {
        sender: Role::Client,
        bytes: [&[0x81, 0x80 | length], &key[..], &payload].concat(),
        question: None,
        hint: "The key is the four bytes after the length. XOR the payload with it, byte by byte (§5.3)",
        answer: word.into(),
    }
}

fn fragments(random: &mut Numbers) -> Made {
    let messages = random.between(1, 3);
    let mut bytes = Vec::new();
    for _ in 0..messages {
        let word = random.word().as_bytes();
        if random.between(0, 1) == 0 {
            bytes.extend(frame(0x81, word));
            continue;
        }
        let (begin, end) = word.split_at(1);
        bytes.extend(frame(0x01, begin));
        if random.between(0, 1) == 0 {
            bytes.extend(frame(0x89, b""));
        }
        bytes.extend(frame(0x80, end));
    }
    // One more has only begun.
    if random.between(0, 1) == 0 {
        bytes.extend(frame(0x01, b"a"));
    }
    Made {
        sender: Role::Server,
        bytes,
        question: None,
        hint: "A message ends with a data frame that has FIN. A ping is no part of it (§5.4)",
        answer: messages.to_string(),
    }
}

fn close(random: &mut Numbers) -> Made {
    let own = random.between(3000, 4999);
    let code = random.one_of(&[1000, 1001, 1003, 1008, 1009, 1011, own]);
    let [.., high, low] = code.to_be_bytes();
    Made {
        sender: Role::Server,
        bytes: frame(0x88, &[high, low]),
        question: None,
        hint: "The first two bytes of a Close body are a number, the high byte first (§5.5.1)",
        answer: code.to_string(),
    }
}

fn missing(random: &mut Numbers) -> Made {
    let (length, here) = (random.byte(10, 125), random.byte(1, 9));
    let payload: Vec<u8> = (0..here).map(|_| random.byte(1, 255)).collect();
    Made {
        sender: Role::Client,
        // Binary: whatever the key makes of these bytes is legal.
        bytes: [&[0x82, 0x80 | length], &random.key()[..], &payload].concat(),
        question: None,
        hint: "Header and key take 6 bytes, and the length is in the second byte. Count the payload that is here",
        answer: (length - here).to_string(),
    }
}

fn long_form(random: &mut Numbers) -> Made {
    let word = random.word().as_bytes();
    let before = match random.byte(0, 3) {
        0 => Vec::new(),
        length => frame(0x89, &b"abc"[..length.into()]),
    };
    let offset = before.len() + 3;
    let length = u8::try_from(word.len()).unwrap_or_default();
    Made {
        sender: Role::Server,
        bytes: [&before[..], &[0x81, 0x7E, 0x00, length], word].concat(),
        question: None,
        hint: "How many bytes does such a short length take? plainws rules lists the names",
        answer: format!("length-not-minimal {offset}"),
    }
}

fn order(random: &mut Numbers) -> Made {
    let (one, other) = (random.word().as_bytes(), random.word().as_bytes());
    let is_early = random.between(0, 1) == 0;
    let (first, second, rule) = if is_early {
        (
            0x01,
            random.one_of(&[0x01, 0x81, 0x82]),
            "message-interleaved",
        )
    } else {
        (
            0x81,
            random.one_of(&[0x00, 0x80]),
            "continuation-unexpected",
        )
    };
    let mut bytes = frame(first, one);
    if random.between(0, 1) == 0 {
        bytes.extend(frame(0x89, b""));
    }
    let offset = bytes.len() + 1;
    bytes.extend(frame(second, other));
    Made {
        sender: Role::Server,
        bytes,
        question: None,
        hint: "Only the first fragment carries the opcode, and only a message that has begun goes on (§5.4)",
        answer: format!("{rule} {offset}"),
    }
}

fn text(random: &mut Numbers) -> Made {
    let second = random.one_of(&[0xA9, 0xA8, 0xB1, 0xBC]);
    let character = char::from(0x40 + second);
    let lead = random.one_of(&[0xE2, 0xE9, 0xF0]);
    let begin = [random.word().as_bytes(), &[0xC3]].concat();
    let end = [&[second], random.word().as_bytes(), &[lead]].concat();
    let bytes = [frame(0x01, &begin), frame(0x80, &end)].concat();
    let offset = bytes.len() - 1;
    Made {
        sender: Role::Server,
        bytes,
        question: Some(format!(
            "The fragments cut the letter {character} in half, which is legal. What is not, and which byte \
            proves it? (ID OFFSET)"
        )),
        hint: "The last byte begins a character of more bytes, and FIN is set. Count from offset 0",
        answer: format!("text-not-utf8 {offset}"),
    }
}

fn accept(random: &mut Numbers) -> Made {
    let nonce: Vec<u8> = (0..16).map(|_| random.byte(0, 255)).collect();
    let key = mistakes::encoded(&nonce);
    let without = mistakes::ALL.iter().find(|one| one.name == "no GUID");
    let accept = without
        .map(|mistake| mistake.accept(&key))
        .unwrap_or_default();
    Made {
        sender: Role::Server,
        bytes: Vec::new(),
        question: Some(format!(
            "A server answers the key {key} with {accept}. What was left out when it was made? (one word)"
        )),
        hint: "plainws handshake KEY --check ACCEPT finds it",
        answer: "GUID".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stages::Answer;
    use super::*;
    use plainws::Rule;

    #[test]
    fn each_question_has_the_answer_that_it_was_made_for_and_no_other() {
        for seed in 0..2000 {
            for (number, (stage, planned)) in (1..).zip(made(seed)) {
                let context = format!(
                    "seed {seed}, question {number}: {}",
                    stage.bytes.escape_ascii()
                );
                let answer = stage.answer();
                assert_eq!(answer.fault(&planned), None, "{context}");
                // What the decoder says of the bytes is what the maker had in mind.
                let shown = answer.shown().to_lowercase();
                assert_eq!(shown, planned.to_lowercase(), "{context}");
                assert!(answer.fault("none of these").is_some(), "{context}");
                if let Answer::Rule(rule, offset, other) = answer {
                    let right = (0..stage.bytes.len() as u64).filter(|offset| {
                        stage
                            .answer()
                            .fault(&format!("{} {offset}", rule.id()))
                            .is_none()
                    });
                    let right: Vec<_> = right.collect();
                    let is_order =
                        rule == Rule::MessageInterleaved || rule == Rule::ContinuationUnexpected;
                    if is_order {
                        assert_eq!(right, [offset - 1, offset], "{context}");
                    } else {
                        assert_eq!((right, other), (vec![offset], None), "{context}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_seed_makes_the_same_questions_and_another_makes_others() {
        let bytes = |seed| -> Vec<_> {
            made(seed)
                .into_iter()
                .map(|(stage, _)| (stage.bytes, stage.question))
                .collect()
        };
        for seed in 0..100 {
            assert!(bytes(seed) == bytes(seed), "{seed}");
            assert!(bytes(seed) != bytes(seed + 1), "{seed}");
        }
        // A seed that is told in class makes the same next year.
        let answers: Vec<_> = made(7).iter().map(|(_, answer)| answer.clone()).collect();
        assert_eq!(
            answers.join(", "),
            "close, 29780, cat, 1, 1008, 120, length-not-minimal 6, continuation-unexpected 8, \
            text-not-utf8 13, GUID"
        );
    }

    #[test]
    fn what_was_left_out_of_an_accept_value_is_found_by_its_own_path() {
        for seed in 0..50 {
            let made = made(seed);
            let (stage, planned) = made.last().expect("there are ten");
            let words: Vec<_> = stage.question.split([' ', '.']).collect();
            let after = |word: &str| {
                words
                    .iter()
                    .position(|one| *one == word)
                    .map(|at| words[at + 1])
            };
            let (key, accept) = (
                after("key").expect("it is named"),
                after("with").expect("it is named"),
            );
            let mistake = mistakes::find(key, accept).expect("it is one");
            assert!(mistake.name.ends_with(planned), "{seed}: {}", mistake.name);
        }
    }
}
