//! Colours: one for each kind of field. What they say is always said in words too.

use super::text::{COLUMNS, escaped, width};
use anstyle::{AnsiColor, Style};
use plainws::protocol::rule::Field;

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// The colour of a kind of field.
pub(crate) const fn field(field: Field) -> Style {
    let colour = match field {
        Field::Fin | Field::Rsv | Field::Opcode => AnsiColor::Cyan,
        Field::Mask | Field::MaskingKey => AnsiColor::Magenta,
        Field::PayloadLength => AnsiColor::Yellow,
        Field::Payload | Field::CloseReason => AnsiColor::Green,
        Field::CloseCode => AnsiColor::Blue,
        _ => return Style::new(),
    };
    colour.on_default()
}

/// Text in a style, which does not go on over the spaces that fill its column.
pub(crate) fn paint(style: Style, text: &str) -> String {
    let (text, spaces) = text.split_at(text.trim_end().len());
    if text.is_empty() {
        return spaces.into();
    }
    format!("{style}{text}{style:#}{spaces}")
}

/// A command for a shell. A long one is broken after a `|`, where a shell reads on in the next line.
pub(crate) fn shell_line(shell: &str) -> String {
    let mut lines = String::from("  $");
    let mut at = 3;
    let mut parts = shell.split(" | ").peekable();
    while let Some(part) = parts.next() {
        let bar = if parts.peek().is_some() { " |" } else { "" };
        if at + 1 + width(part) + bar.len() > COLUMNS - 1 {
            lines += "\n   ";
            at = 3;
        }
        lines += &format!(" {part}{bar}");
        at += 1 + width(part) + bar.len();
    }
    paint(FAINT, &lines) + "\n"
}

/// A command behind so many columns; a long one goes on in the next line, as a shell reads it.
pub(crate) fn broken(command: &str, indent: usize) -> String {
    match command.rsplit_once(" --") {
        Some((start, option)) if indent + width(command) >= COLUMNS => {
            format!("{start} \\\n{:indent$}  --{option}", "")
        }
        _ => command.into(),
    }
}

/// Quoted where a shell would not read it as one word otherwise.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.:".contains(&byte);
    if text.bytes().all(is_plain) && !text.is_empty() {
        return text.into();
    }
    if text.chars().any(char::is_control) {
        // bash and zsh know this form; what it shows can be read on any terminal.
        return format!("$'{}'", escaped(text.as_bytes()).replace('\'', "\\'"));
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
