//! What the page asks for: one JSON object a message.

use crate::app::crafted::{Crafted, Form, any_key};
use plainws::Role;
use plainws::protocol::frame::MaskingKey;
use serde_json::{Map, Value};
use std::time::Duration;

/// Bytes of a command at most: far more than any bench needs.
pub(crate) const MAX_COMMAND: usize = 64 * 1024;

/// Pieces of a stream, or fragments of a message, at most.
const MAX_PIECES: usize = 1024;

/// A command, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Judge {
        sender: Role,
        pieces: Vec<Vec<u8>>,
    },
    Make(Crafted),
    Handshake {
        key: String,
        accept: Option<String>,
    },
    Open {
        text: String,
    },
    Ping {
        c: String,
        payload: Vec<u8>,
    },
    Send {
        c: String,
        is_text: bool,
        payload: Vec<u8>,
        /// The lengths of its fragments, which together are the payload's; at least one.
        fragments: Vec<usize>,
        ping_between: Option<Vec<u8>>,
    },
    Close {
        c: String,
        code: Option<u16>,
        reason: String,
    },
    Cut {
        c: String,
    },
    Raw {
        c: String,
        bytes: Vec<u8>,
    },
    News {
        /// On average; `None` stops them.
        every: Option<Duration>,
    },
    Threads,
    Time,
}

/// Reads a command: its number, to which the answer refers, and what it asks for, or what is wrong with it.
pub(crate) fn parse(text: &str) -> (Option<u64>, Result<Command, String>) {
    if text.len() > MAX_COMMAND {
        let problem = format!("a command has at most {} KiB", MAX_COMMAND / 1024);
        return (None, Err(problem));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => {
            let members = Members(members);
            let number = members.0.get("n").and_then(Value::as_u64);
            (number, members.command())
        }
        Ok(_) => (None, Err("a command is a JSON object".into())),
        Err(error) => (None, Err(format!("not JSON: {error}"))),
    }
}

struct Members(Map<String, Value>);

impl Members {
    fn command(&self) -> Result<Command, String> {
        Ok(match self.text("do")? {
            "judge" => Command::Judge {
                sender: self.sender()?,
                pieces: self.pieces()?,
            },
            "make" => Command::Make(self.crafted()?),
            "handshake" => Command::Handshake {
                key: self.text("key")?.into(),
                accept: self.optional("accept", Self::text)?.map(Into::into),
            },
            "open" => Command::Open {
                text: self.text("text")?.into(),
            },
            "ping" => Command::Ping {
                c: self.c()?,
                payload: self.optional("payload", Self::hex)?.unwrap_or_default(),
            },
            "send" => self.send()?,
            "close" => Command::Close {
                c: self.c()?,
                code: self.optional("code", |of, name| of.number(name, u16::MAX.into()))?,
                reason: self.optional("reason", Self::text)?.unwrap_or("").into(),
            },
            "cut" => Command::Cut { c: self.c()? },
            "raw" => Command::Raw {
                c: self.c()?,
                bytes: self.hex("hex")?,
            },
            "news" => Command::News {
                every: self.every()?,
            },
            "threads" => Command::Threads,
            "time" => Command::Time,
            other => return Err(format!("no such command: {other:?}")),
        })
    }

    fn sender(&self) -> Result<Role, String> {
        match self.text("sender")? {
            "client" => Ok(Role::Client),
            "server" => Ok(Role::Server),
            _ => Err("a sender is \"client\" or \"server\"".into()),
        }
    }

    fn pieces(&self) -> Result<Vec<Vec<u8>>, String> {
        let pieces = self.list("pieces")?.iter();
        let pieces: Result<Vec<_>, String> = pieces
            .map(|piece| bytes(piece.as_str().ok_or("each of the pieces is hex")?))
            .collect();
        pieces
    }

    fn crafted(&self) -> Result<Crafted, String> {
        let fields = match self.0.get("fields") {
            Some(Value::Object(fields)) => Self(fields.clone()),
            _ => return Err("\"fields\" is an object".into()),
        };
        let mask = fields.flag("masked")?;
        let key = fields.optional("key", Self::key)?;
        Ok(Crafted {
            fin: fields.flag("fin")?,
            rsv: fields.number("rsv", 7)?,
            opcode: fields.number("opcode", 15)?,
            mask,
            key: mask.then(|| key.unwrap_or_else(any_key)),
            length: fields.optional("length", |of, name| of.number(name, u64::MAX))?,
            form: fields.optional("form", Self::form)?,
            payload: fields.hex("payload")?,
        })
    }

    fn send(&self) -> Result<Command, String> {
        let is_text = match self.text("kind")? {
            "text" => true,
            "binary" => false,
            _ => return Err("a kind is \"text\" or \"binary\"".into()),
        };
        let payload = self.hex("payload")?;
        let fragments = self.optional("fragments", Self::lengths)?;
        let fragments = fragments.unwrap_or_else(|| vec![payload.len()]);
        let sum = fragments
            .iter()
            .try_fold(0_usize, |sum, length| sum.checked_add(*length));
        if fragments.is_empty() || sum != Some(payload.len()) {
            let length = payload.len();
            return Err(format!(
                "the fragments are not {length} bytes together, as the payload is"
            ));
        }
        Ok(Command::Send {
            c: self.c()?,
            is_text,
            payload,
            fragments,
            ping_between: self.optional("ping_between", Self::hex)?,
        })
    }

    fn every(&self) -> Result<Option<Duration>, String> {
        /// Faster news could not be followed, slower ones would be missed.
        const EVERY: std::ops::RangeInclusive<f64> = 0.2..=10.0;

        let seconds = self.0.get("every").and_then(Value::as_f64);
        match seconds {
            Some(0.0) => Ok(None),
            Some(seconds) if EVERY.contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
            _ => Err("\"every\" is 0.2 to 10 seconds, or 0 to stop".into()),
        }
    }

    // Values of one kind or another.

    /// `null` is as good as nothing.
    fn optional<'a, T>(
        &'a self,
        name: &str,
        read: impl FnOnce(&'a Self, &str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => read(self, name).map(Some),
        }
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        let text = self.0.get(name).and_then(Value::as_str);
        text.ok_or_else(|| format!("{name:?} is a text"))
    }

    fn c(&self) -> Result<String, String> {
        self.text("c").map(Into::into)
    }

    fn hex(&self, name: &str) -> Result<Vec<u8>, String> {
        bytes(self.text(name)?)
    }

    fn key(&self, name: &str) -> Result<MaskingKey, String> {
        let key = MaskingKey::try_from(self.hex(name)?);
        key.map_err(|_| "a key has four bytes".into())
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        let flag = self.0.get(name).and_then(Value::as_bool);
        flag.ok_or_else(|| format!("{name:?} is true or false"))
    }

    fn number<N: TryFrom<u64>>(&self, name: &str, most: u64) -> Result<N, String> {
        let number = self.0.get(name).and_then(Value::as_u64);
        let number = number.filter(|number| *number <= most);
        let number = number.and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| format!("{name:?} is a number from 0 to {most}"))
    }

    fn form(&self, name: &str) -> Result<Form, String> {
        let bits = self.0.get(name).and_then(Value::as_u64);
        let form = bits.and_then(Form::of);
        form.ok_or_else(|| "the forms of a length have 7, 16 or 64 bits".into())
    }

    fn list(&self, name: &str) -> Result<&[Value], String> {
        match self.0.get(name) {
            Some(Value::Array(list)) if list.len() <= MAX_PIECES => Ok(list),
            Some(Value::Array(_)) => Err(format!("{name:?} has at most {MAX_PIECES} items")),
            _ => Err(format!("{name:?} is a list")),
        }
    }

    fn lengths(&self, name: &str) -> Result<Vec<usize>, String> {
        let lengths = self.list(name)?.iter();
        let length = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let lengths: Option<Vec<_>> = lengths.map(length).collect();
        lengths.ok_or_else(|| format!("{name:?} are lengths in bytes"))
    }
}

/// Two digits a byte; blanks between bytes do not count.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let problem = || {
        let shown: String = text.chars().take(40).collect();
        format!("not hex: {shown:?}")
    };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for digits in text.split_ascii_whitespace() {
        for pair in digits.as_bytes().chunks(2) {
            let [high, low] = pair else {
                return Err(problem());
            };
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let byte = digit(*high).zip(digit(*low));
            let byte = byte.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
            bytes.push(byte.ok_or_else(problem)?);
        }
    }
    Ok(bytes)
}
