//! A line while it is typed, and those typed before.

use super::keys::Key;
use crate::app::text::turns_text;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Lines that are remembered: in memory only, since some may be secret.
const HISTORY: usize = 1000;

/// What a key has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Going,
    Line(String),
    Interrupt,
    Suspend,
    EndOfInput,
}

/// The line, and where in it the cursor is. What one sees as a character is one, of however many code points.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: String,
    /// In bytes.
    cursor: usize,
    history: Vec<String>,
    /// How far back in the history it is, and what was typed before it went there.
    back: usize,
    draft: String,
}

impl Line {
    /// Does what a key does. `words` can be completed at the beginning of the line.
    pub(super) fn press(&mut self, key: Key, words: &[&str]) -> Outcome {
        let (before, after) = self.text.split_at(self.cursor);
        match key {
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => self.insert(text.strip_suffix('\n').unwrap_or(&text)),
            Key::Tab => match completed(before, words) {
                Some(rest) => self.insert(&rest),
                None if before.starts_with('/') && !words.is_empty() => {}
                None => self.insert("\t"),
            },
            Key::Left => self.cursor -= last(before),
            Key::Right => self.cursor += first(after),
            Key::WordLeft => self.cursor -= last_word(before),
            Key::WordRight => self.cursor += first_word(after),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.text.len(),
            Key::Up => self.go_to(self.back + 1),
            Key::Down => {
                if let Some(back) = self.back.checked_sub(1) {
                    self.go_to(back);
                }
            }
            Key::Backspace => self.delete_before(last(before)),
            Key::DeleteWord => self.delete_before(last_word(before)),
            Key::DeleteToStart => self.delete_before(self.cursor),
            Key::DeleteToEnd => self.text.truncate(self.cursor),
            Key::EndOfInput if self.text.is_empty() => return Outcome::EndOfInput,
            Key::Delete | Key::EndOfInput => {
                let end = self.cursor + first(after);
                self.text.drain(self.cursor..end);
            }
            Key::Return => return Outcome::Line(self.take()),
            Key::Interrupt => return Outcome::Interrupt,
            Key::Suspend => return Outcome::Suspend,
            Key::Redraw | Key::Other => {}
        }
        Outcome::Going
    }

    fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    fn delete_before(&mut self, length: usize) {
        self.text.drain(self.cursor - length..self.cursor);
        self.cursor -= length;
    }

    /// Shows the line that was typed so many lines ago.
    fn go_to(&mut self, back: usize) {
        if back > self.history.len() {
            return;
        }
        if self.back == 0 {
            self.draft.clone_from(&self.text);
        }
        self.text = match back {
            0 => std::mem::take(&mut self.draft),
            back => self.history[self.history.len() - back].clone(),
        };
        self.back = back;
        self.cursor = self.text.len();
    }

    /// The line that is complete; another one begins.
    fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        (self.cursor, self.back) = (0, 0);
        if !text.is_empty() && self.history.last() != Some(&text) {
            if self.history.len() == HISTORY {
                self.history.remove(0);
            }
            self.history.push(text.clone());
        }
        text
    }

    /// What fits into so many columns of the line, around the cursor: whether something before it does not, the
    /// text, and the column of the cursor.
    pub(super) fn shown(&self, columns: usize) -> (bool, String, usize) {
        let (before, after) = self.text.split_at(self.cursor);
        let mut start = before.len();
        let mut at = 0;
        for character in before.graphemes(true).rev() {
            let width = shown(character).width();
            if at + width >= columns {
                break;
            }
            at += width;
            start -= character.len();
        }
        let mut text: String = before[start..].graphemes(true).map(shown).collect();
        let mut end = at;
        for character in after.graphemes(true).map(shown) {
            end += character.width();
            if end > columns {
                break;
            }
            text += &character;
        }
        (start > 0, text, at)
    }
}

/// Without anything that a terminal obeys: control characters have pictures.
fn shown(character: &str) -> String {
    let shown = |c: char| match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(' '),
        c if c.is_control() => '\u{2421}',
        c if turns_text(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    character.chars().map(shown).collect()
}

/// What is missing of the only word that begins so, or of all those that do.
fn completed(begun: &str, words: &[&str]) -> Option<String> {
    let mut rests = words.iter().filter_map(|word| word.strip_prefix(begun));
    let first = rests.next().filter(|_| begun.starts_with('/'))?;
    let mut common = format!("{first} ");
    for rest in rests {
        let equal = common.bytes().zip(rest.bytes()).take_while(|(a, b)| a == b);
        common.truncate(equal.count());
    }
    Some(common).filter(|common| !common.is_empty())
}

fn first(text: &str) -> usize {
    text.graphemes(true).next().map_or(0, str::len)
}

fn last(text: &str) -> usize {
    text.graphemes(true).next_back().map_or(0, str::len)
}

/// Up to the end of the first word.
fn first_word(text: &str) -> usize {
    let word = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    text.len() - word.trim_start_matches(char::is_alphanumeric).len()
}

/// From the beginning of the last word on.
fn last_word(text: &str) -> usize {
    let word = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    text.len() - word.trim_end_matches(char::is_alphanumeric).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &["/ping", "/binary", "/raw", "/close"];

    /// Presses keys, for which letters stand: l and r for left and right, and so on; others are typed.
    fn typed(line: &mut Line, keys: &str) {
        for c in keys.chars() {
            let key = match c {
                '←' => Key::Left,
                '→' => Key::Right,
                '⇐' => Key::WordLeft,
                '⇒' => Key::WordRight,
                '↑' => Key::Up,
                '↓' => Key::Down,
                '⌂' => Key::Home,
                '⌫' => Key::Backspace,
                '⌦' => Key::Delete,
                '⇤' => Key::DeleteToStart,
                '⇥' => Key::DeleteToEnd,
                '⊗' => Key::DeleteWord,
                '\t' => Key::Tab,
                '\n' => Key::Return,
                c => Key::Char(c),
            };
            line.press(key, WORDS);
        }
    }

    #[test]
    fn keys_edit_it() {
        for (keys, text, cursor) in [
            ("", "", 0),
            ("abc", "abc", 3),
            ("ab←c", "acb", 2),
            ("ab←←←c→d", "cadb", 3),
            ("ab⌂⌫⌦", "b", 0),
            ("a👩‍👩‍👧b←⌫", "ab", 1),
            ("ae\u{301}⌫", "a", 1),
            ("äö⌂→⌦", "ä", 2),
            ("one two, three⇐⇐x", "one xtwo, three", 5),
            ("one two⌂⇒x⇒y", "onex twoy", 9),
            ("one two, ⊗x", "one x", 5),
            ("abcd←←⇤", "cd", 0),
            ("abcd←←⇥", "ab", 2),
            ("a\tb", "a\tb", 3),
            ("/p\t", "/ping ", 6),
            ("/\t", "/", 1),
            ("x /p\t", "x /p\t", 5),
            ("/zz\t", "/zz", 3),
        ] {
            let mut line = Line::default();
            typed(&mut line, keys);
            assert_eq!((&*line.text, line.cursor), (text, cursor), "{keys}");
        }
    }

    #[test]
    fn earlier_ones_come_back_and_the_one_begun_is_not_lost() {
        let mut line = Line::default();
        typed(&mut line, "one\ntwo\ntwo\n\nthr");
        for (key, text) in [
            ("↑", "two"),
            ("↑", "one"),
            ("↑", "one"),
            ("↓", "two"),
            ("↓", "thr"),
            ("↓", "thr"),
        ] {
            typed(&mut line, key);
            assert_eq!(line.text, text);
        }
        typed(&mut line, "↑!");
        assert_eq!(line.press(Key::Return, WORDS), Outcome::Line("two!".into()));
        typed(&mut line, "↑↑");
        assert_eq!(line.text, "two");
        for number in 0..2 * HISTORY {
            typed(&mut line, &format!("⇤{number}\n"));
        }
        assert_eq!(line.history.len(), HISTORY);
    }

    #[test]
    fn ctrl_d_ends_the_input_only_where_no_line_is_begun() {
        let mut line = Line::default();
        assert_eq!(line.press(Key::EndOfInput, WORDS), Outcome::EndOfInput);
        typed(&mut line, "ab←");
        assert_eq!(line.press(Key::EndOfInput, WORDS), Outcome::Going);
        assert_eq!(line.text, "a");
    }

    #[test]
    fn what_is_pasted_is_one_line_also_with_line_ends_in_it() {
        let mut line = Line::default();
        line.press(Key::Paste("{\n\t1\n}\n".into()), WORDS);
        assert_eq!(line.shown(20), (false, "{␊␉1␊}".into(), 6));
        assert_eq!(
            line.press(Key::Return, WORDS),
            Outcome::Line("{\n\t1\n}".into())
        );
    }

    #[test]
    fn as_much_is_shown_as_fits_and_the_cursor_always() {
        for (keys, shown) in [
            ("abcd", (false, "abcd", 4)),
            ("abcde", (true, "bcde", 4)),
            ("abcdefgh←←", (true, "cdefg", 4)),
            ("abcdefgh⌂", (false, "abcde", 0)),
            ("a\u{202e}\u{9b}", (false, "a\u{fffd}␡", 3)),
            ("日本語", (true, "本語", 4)),
            ("日本語⌂", (false, "日本", 0)),
            ("👩‍👩‍👧👩‍👩‍👧", (false, "👩‍👩‍👧👩‍👩‍👧", 4)),
        ] {
            let mut line = Line::default();
            typed(&mut line, keys);
            let (is_cut, text, at) = line.shown(5);
            assert_eq!((is_cut, &*text, at), shown, "{keys}");
        }
    }
}
