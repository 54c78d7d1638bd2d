//! Where a path leads among templates: an independent reading, and the oracle that compares with it.

use crate::streams::choices::Choices;
use crate::subject::{Led, Subject};
use std::fmt::Write as _;
use std::str;

/// A path leads where an independent reading leads it, with the same values; and values that are written as
/// percent codes are read back.
///
/// The input is lines: templates, and a path in the last one.
///
/// # Errors
///
/// What differs.
pub fn path(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Ok(text) = str::from_utf8(input) else {
        return Ok(());
    };
    let lines: Vec<_> = text.split('\n').collect();
    let Some((path, templates)) = lines.split_last() else {
        return Ok(());
    };
    let expected = led(templates, path);
    let Some(got) = subject.led(templates, path) else {
        return Ok(());
    };
    if got != expected {
        return Err(format!(
            "{path:?} among {templates:?}: {got:?}, not {expected:?}"
        ));
    }
    let Led::To(number, values) = got else {
        return Ok(());
    };
    let template = templates[number];
    let coded = with_codes(template, &values);
    let again = subject.led(&[template], &coded);
    if again.as_ref() == Some(&Led::To(0, values)) {
        return Ok(());
    }
    Err(format!(
        "{coded:?} for {template:?}: {again:?}, which {path:?} was not"
    ))
}

/// The path that has these values, each byte of them as a percent code.
fn with_codes(template: &str, values: &[(String, String)]) -> String {
    let mut values = values.iter();
    let mut segment = |text: &str| {
        if !text.starts_with('{') {
            return text.to_owned();
        }
        let value = values.next().map_or("", |(_, value)| value);
        value.bytes().fold(String::new(), |mut coded, byte| {
            let _ = write!(coded, "%{byte:02x}");
            coded
        })
    };
    let segments: Vec<_> = template.split('/').map(&mut segment).collect();
    segments.join("/")
}

/// What stands in the places of a template, by their names.
type Values<'a> = Vec<(&'a str, String)>;

/// Where a path leads, by trying all templates and comparing how exact they are, digit by digit.
#[must_use]
pub fn led(templates: &[&str], path: &str) -> Led {
    for (number, template) in templates.iter().enumerate() {
        let is_same = |earlier: &&str| shape(earlier) == shape(template) && earlier != template;
        if !is_template(template) || templates[..number].iter().any(is_same) {
            return Led::BadTemplate(number);
        }
    }
    let mut best: Option<(String, usize, Values<'_>)> = None;
    for (number, template) in templates.iter().enumerate() {
        let Some(values) = values(template, path) else {
            continue;
        };
        let exactness = shape(template)
            .split('/')
            .map(|part| match part {
                "{}" => '1',
                "{*}" => '2',
                _ => '0',
            })
            .collect();
        // A template that is named twice is one, known by its later number.
        if best.as_ref().is_none_or(|(there, ..)| exactness <= *there) {
            best = Some((exactness, number, values));
        }
    }
    let Some((_, number, values)) = best else {
        return Led::Nowhere;
    };
    let decoded: Option<Vec<_>> = values
        .iter()
        .map(|(name, value)| Some(((*name).to_owned(), decoded(value)?)))
        .collect();
    decoded.map_or(Led::Unreadable(number), |values| Led::To(number, values))
}

/// A template without the names of its places.
fn shape(template: &str) -> String {
    let parts = template.split('/').map(|part| match place(part) {
        Some((true, _)) => "{*}",
        Some((false, _)) => "{}",
        None => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether a part stands for the rest, and its name, if it is a place.
fn place(part: &str) -> Option<(bool, &str)> {
    let inside = part.strip_prefix('{')?.strip_suffix('}')?;
    let name = inside.trim_start_matches('*');
    let stars = inside.len() - name.len();
    let is_name = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    (stars <= 1 && is_name).then_some((stars == 1, name))
}

fn is_template(template: &str) -> bool {
    let parts: Vec<_> = template.split('/').collect();
    let last = parts.len() - 1;
    let mut names = Vec::new();
    let are_right = parts
        .iter()
        .enumerate()
        .all(|(number, part)| match place(part) {
            Some((is_rest, name)) => {
                names.push(name);
                !is_rest || number == last
            }
            None => !part.contains('{') && !part.contains('}'),
        });
    let are_different = (1..names.len()).all(|end| !names[..end].contains(&names[end]));
    template.starts_with('/') && are_right && are_different
}

/// What stands in the places, if the path fits.
fn values<'a>(template: &'a str, path: &str) -> Option<Values<'a>> {
    let (parts, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let mut values = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let here = *given.get(number)?;
        match place(part) {
            Some((true, name)) => {
                let rest = given[number..].join("/");
                values.push((name, rest));
                return values
                    .last()
                    .is_some_and(|(_, rest)| !rest.is_empty())
                    .then_some(values);
            }
            Some((false, name)) if !here.is_empty() => values.push((name, here.to_owned())),
            None if *part == here => {}
            _ => return None,
        }
    }
    (parts.len() == given.len()).then_some(values)
}

fn decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2)?;
        if digits.starts_with('+') {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(piece.as_bytes().iter().skip(2));
    }
    String::from_utf8(bytes).ok()
}

/// Makes a `path` input: up to three templates, most of them right, and a path that is made of what they are.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    const PLACES: [&str; 16] = [
        "a", "b", "a", "", "{x}", "{y}", "{x}", "{z}", "{*r}", "{*r}", "{*x}", "a%20", "{", "{}",
        "a{x}", "{**r}",
    ];
    const SEGMENTS: [&str; 16] = [
        "a", "b", "a", "", "a%20", "%61", "%2F", "%00", "%c3%a9", "%C3", "%zz", "%", "%+1",
        "\u{e9}", "..", "{x}",
    ];
    let mut lines = Vec::new();
    for number in 0..=1 + choices.below(3) {
        let all = if number == 0 { &SEGMENTS } else { &PLACES };
        let mut line = String::new();
        for _ in 0..=choices.below(3) {
            line.push('/');
            line += choices.one(&all[..]);
        }
        lines.push(line);
    }
    lines.reverse();
    lines.join("\n").into_bytes()
}
