//! What a line of the input asks for: a message, or what a command says.

use crate::app::input::hex;
use crate::app::text;
use plainws::{CloseCode, Sender};

/// The commands, and what each does.
pub(super) const COMMANDS: &[(&str, &str)] = &[
    (
        "/ping [TEXT]",
        "send a ping; its pong is told, with its time",
    ),
    ("/binary HEX", "send a binary message"),
    (
        "/raw HEX",
        "send these bytes without making a frame of them",
    ),
    (
        "/close [CODE [REASON]]",
        "close, with 1000 unless another code is given",
    ),
    ("/help", "list these commands"),
    ("//TEXT", "send a text message that begins with a slash"),
];

/// One thing to do on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Raw(Vec<u8>),
    Close(CloseCode, String),
    Help,
}

/// What pieces of the input are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Text messages, and commands after a slash.
    TextOrCommand,
    Text,
    Binary,
}

impl Meaning {
    /// # Errors
    ///
    /// Why it means nothing, in words for people.
    pub(super) fn of(self, piece: Vec<u8>) -> Result<Action, String> {
        if self == Self::Binary {
            return Ok(Action::Binary(piece));
        }
        let text = String::from_utf8(piece)
            .map_err(|_| "it is not UTF-8, so it was not sent as text; --binary sends any bytes")?;
        match text.strip_prefix('/') {
            Some(command) if self == Self::TextOrCommand => parse(command),
            _ => Ok(Action::Text(text)),
        }
    }
}

/// Reads a command, of which the slash is already off.
fn parse(command: &str) -> Result<Action, String> {
    if command.starts_with('/') {
        return Ok(Action::Text(command.into()));
    }
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    Ok(match name {
        "ping" => Action::Ping(rest.into()),
        "binary" => Action::Binary(hex::parse(rest)?),
        "raw" => Action::Raw(hex::parse(rest)?),
        "close" => close(rest)?,
        "help" => Action::Help,
        _ => {
            let name = text::escaped(name.as_bytes());
            return Err(format!(
                "no such command: /{name}; /help lists them, and a text that begins with a slash needs two"
            ));
        }
    })
}

fn close(rest: &str) -> Result<Action, String> {
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let code = if code.is_empty() {
        Ok(1000)
    } else {
        code.parse()
    };
    let code = code.map_err(|_| "a close code is a number, such as 1001")?;
    Ok(Action::Close(CloseCode(code), reason.into()))
}

impl Action {
    /// # Errors
    ///
    /// As [`Sender::send`].
    pub(super) fn perform(&self, sender: &Sender) -> plainws::Result<()> {
        match self {
            Self::Text(text) => sender.send(text),
            Self::Binary(bytes) => sender.send(bytes),
            Self::Ping(payload) => sender.ping(payload),
            Self::Raw(bytes) => sender.raw().send(bytes),
            Self::Close(code, reason) => sender.close(*code, reason),
            Self::Help => Ok(()),
        }
    }
}

/// The list of the commands, each on a line after `indent`.
pub(super) fn list(indent: &str) -> String {
    let rows = COMMANDS.iter();
    let rows = rows.map(|(command, what)| format!("{indent}{command:<24}{what}"));
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<Action, String> {
        Ok(Action::Text(text.into()))
    }

    #[test]
    fn a_line_is_a_text_or_a_command() {
        let meant = |line: &str| Meaning::TextOrCommand.of(line.into());
        assert_eq!(meant("Hello"), text("Hello"));
        assert_eq!(meant(""), text(""));
        assert_eq!(meant(" /ping"), text(" /ping"));
        assert_eq!(meant("//ping"), text("/ping"));
        assert_eq!(meant("/ping"), Ok(Action::Ping(vec![])));
        assert_eq!(meant("/ping a b"), Ok(Action::Ping(b"a b".to_vec())));
        assert_eq!(meant("/binary 00 fF"), Ok(Action::Binary(vec![0, 255])));
        assert_eq!(meant("/raw 8900"), Ok(Action::Raw(vec![0x89, 0])));
        assert_eq!(meant("/help"), Ok(Action::Help));
        let close = |code, reason: &str| Ok(Action::Close(CloseCode(code), reason.into()));
        assert_eq!(meant("/close"), close(1000, ""));
        assert_eq!(meant("/close 4000"), close(4000, ""));
        assert_eq!(meant("/close 4000 see you"), close(4000, "see you"));
    }

    #[test]
    fn what_means_nothing_is_said() {
        for (line, problem) in [
            (&b"/nope"[..], "no such command: /nope"),
            (b"/", "no such command: /"),
            (b"/\x1b[2J", "no such command: /\\x1b[2J;"),
            (b"/binary \x1b[2J", "\\u{1b}[2J"),
            (b"/binary 8", "odd number"),
            (b"/raw x", "not a hex digit"),
            (b"/close soon", "a close code is a number"),
            (b"/close 70000", "a close code is a number"),
            (b"\xff", "not UTF-8"),
        ] {
            let meant = Meaning::TextOrCommand.of(line.into());
            assert!(
                meant.clone().is_err_and(|said| said.contains(problem)),
                "{meant:?}"
            );
        }
    }

    #[test]
    fn without_commands_anything_is_a_message() {
        assert_eq!(Meaning::Text.of(b"/close".into()), text("/close"));
        assert_eq!(Meaning::Text.of(b"//".into()), text("//"));
        assert!(Meaning::Text.of(b"\xff".into()).is_err());
        for bytes in [&b"/close"[..], b"\xff\n", b""] {
            assert_eq!(
                Meaning::Binary.of(bytes.into()),
                Ok(Action::Binary(bytes.into()))
            );
        }
    }

    #[test]
    fn each_command_of_the_list_is_known() {
        for (command, _) in COMMANDS {
            let name = command.split_once(' ').map_or(*command, |(name, _)| name);
            let meant = Meaning::TextOrCommand.of(name.into());
            assert!(meant.is_ok(), "{name}: {meant:?}");
        }
    }
}
