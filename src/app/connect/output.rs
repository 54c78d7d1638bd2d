//! What the server sends, as it is shown: for programs as it is, for people so that a terminal obeys none of it.

use super::command::Action;
use crate::app::show::lines::{Lines, To};
use crate::app::show::{output, paint, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use plainws::{CloseReason, Message};
use serde_json::json;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a binary message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BinaryOut {
    /// The bytes as they are, and nothing after them
    Raw,
    /// A line: "binary", and two digits for each byte
    Hex,
    /// A line of base64
    Base64,
}

/// What a message looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is, and one line end: into a pipe or a file.
    Plain,
    /// An object on a line.
    Json,
    /// With a mark, the time, and nothing that a terminal obeys.
    Marked,
}

pub(super) struct Output {
    lines: Lines,
    form: Form,
    binary_out: BinaryOut,
    /// When the connection was begun. A trace counts from then as well.
    begun: Mutex<Instant>,
}

impl Output {
    pub(super) fn new(lines: Lines, form: Form, binary_out: BinaryOut) -> Self {
        let begun = Mutex::new(Instant::now());
        Self {
            lines,
            form,
            binary_out,
            begun,
        }
    }

    /// Counts the time from now.
    pub(super) fn begin(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Shows a message that came. Waits while the reader does not read.
    pub(super) fn received(&self, message: &Message) {
        let shown = self.form.shown(message, self.binary_out, '<', self.time());
        self.lines.push_bytes(To::Stdout, &shown);
    }

    /// Shows a message that was sent, where it would not be seen otherwise.
    pub(super) fn sent(&self, action: &Action) {
        let message = match action {
            Action::Text(text) => Message::Text(text.clone()),
            Action::Binary(bytes) => Message::Binary(bytes.clone()),
            _ => return,
        };
        if self.form == Form::Marked {
            let shown = self.form.shown(&message, self.binary_out, '>', self.time());
            self.lines.push_bytes(To::Stdout, &shown);
        }
    }

    /// How a line is shown that was typed at a prompt, which then makes room for the next.
    pub(super) fn typed(&self, line: &str) -> Vec<u8> {
        let line = Message::Text(line.into());
        Form::Marked.shown(&line, self.binary_out, '>', self.time())
    }

    /// Shows how the connection ended.
    pub(super) fn closed(&self, reason: &CloseReason) {
        if self.form == Form::Json {
            let (code, reason) = (reason.code.0, &reason.reason);
            let close = json!({"type": "close", "code": code, "reason": reason});
            let line = text::in_ascii(close.to_string()) + "\n";
            self.lines.push(To::Stdout, &line);
        } else {
            self.lines.say(&format!("closed {reason}"));
        }
    }

    fn time(&self) -> Duration {
        let begun = self.begun.lock();
        begun.unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl Form {
    fn shown(self, message: &Message, binary: BinaryOut, mark: char, time: Duration) -> Vec<u8> {
        let mut shown = match self {
            Self::Plain => plain(message, binary),
            Self::Json => json(message, binary).into(),
            Self::Marked => marked(message, binary, mark, time).into(),
        };
        let is_raw = binary == BinaryOut::Raw && matches!(message, Message::Binary(_));
        if !is_raw {
            shown.push(b'\n');
        }
        shown
    }
}

fn plain(message: &Message, binary: BinaryOut) -> Vec<u8> {
    match message {
        Message::Text(text) => text.as_bytes().to_vec(),
        Message::Binary(bytes) => match binary {
            BinaryOut::Raw => bytes.clone(),
            BinaryOut::Hex => format!("binary {}", text::spaced(bytes)).into(),
            BinaryOut::Base64 => STANDARD.encode(bytes).into(),
        },
    }
}

fn json(message: &Message, binary: BinaryOut) -> String {
    let object = match message {
        Message::Text(text) => json!({"type": "text", "data": text}),
        Message::Binary(bytes) if binary == BinaryOut::Base64 => {
            json!({"type": "binary", "base64": STANDARD.encode(bytes)})
        }
        Message::Binary(bytes) => json!({"type": "binary", "hex": text::joined(bytes)}),
    };
    text::in_ascii(object.to_string())
}

/// Lines after the first are indented: none of them can pass for one of ours.
fn marked(message: &Message, binary: BinaryOut, mark: char, time: Duration) -> String {
    let style = if mark == '<' {
        paint::GOOD
    } else {
        paint::STRONG
    };
    let start = format!(
        "{} {}",
        paint::paint(style, &mark.to_string()),
        paint::paint(paint::FAINT, &text::since(time))
    );
    let content = plain(message, binary);
    let content = text::harmless(&String::from_utf8_lossy(&content)).replace('\n', "\n  ");
    output::as_stdout_shows(&format!("{start}  {content}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: Form, message: impl Into<Message>, binary: BinaryOut) -> String {
        let shown = form.shown(&message.into(), binary, '<', Duration::from_millis(12));
        let shown = String::from_utf8(shown).expect("none of these is binary");
        match form {
            // Standard output of tests may be a terminal.
            Form::Marked => anstream::adapter::strip_str(&shown).to_string(),
            Form::Plain | Form::Json => shown,
        }
    }

    #[test]
    fn text_goes_into_a_pipe_as_it_is_with_one_line_end() {
        for text in [
            "",
            "Hello",
            r#"{"a":"x\"y"}"#,
            "two\nlines",
            "\x1b[31m\u{9b}\u{202e}\r",
            "ends\n",
        ] {
            assert_eq!(
                shown(Form::Plain, text, BinaryOut::Hex),
                format!("{text}\n")
            );
        }
    }

    #[test]
    fn on_a_terminal_text_has_a_mark_and_its_lines_cannot_pass_for_ours() {
        for (text, expected) in [
            ("Hello", "< +12.0 ms  Hello\n"),
            (
                "a\n< +13.0 ms  b\nplainws: c",
                "< +12.0 ms  a\n  < +13.0 ms  b\n  plainws: c\n",
            ),
            ("\x1b[2J\x07", "< +12.0 ms  \\x1b[2J\\x07\n"),
            (r#"{"a":"x\"y"}"#, "< +12.0 ms  {\"a\":\"x\\\"y\"}\n"),
        ] {
            assert_eq!(shown(Form::Marked, text, BinaryOut::Hex), expected);
        }
    }

    #[test]
    fn binary_messages_take_the_form_that_is_asked_for() {
        let bytes = vec![0, 0x41, 0x7f];
        for (form, binary, expected) in [
            (Form::Plain, BinaryOut::Hex, "binary 00 41 7f\n"),
            (Form::Plain, BinaryOut::Base64, "AEF/\n"),
            (Form::Plain, BinaryOut::Raw, "\0A\x7f"),
            (
                Form::Marked,
                BinaryOut::Hex,
                "< +12.0 ms  binary 00 41 7f\n",
            ),
            (
                Form::Json,
                BinaryOut::Hex,
                "{\"type\":\"binary\",\"hex\":\"00417f\"}\n",
            ),
            (
                Form::Json,
                BinaryOut::Base64,
                "{\"type\":\"binary\",\"base64\":\"AEF/\"}\n",
            ),
        ] {
            assert_eq!(
                shown(form, bytes.clone(), binary),
                expected,
                "{form:?} {binary:?}"
            );
        }
    }
}
