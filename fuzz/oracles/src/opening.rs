//! The oracle that watches what a client asks for.

use crate::reference;
use crate::streams::choices::Choices;
use crate::subject::{Subject, Wish};
use crate::words;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The request that a client sends has every item of §4.1, says what was asked for, and nothing else; what
/// cannot be said in a request is refused, and nothing else is.
///
/// # Errors
///
/// The request.
pub fn request_sent(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let mut choices = Choices(input);
    let is_legal = choices.once_in(2);
    let wish = wish(is_legal, &mut choices);
    match subject.request(&wish) {
        Some(Err(refused)) if is_legal => Err(format!("{}: {refused}", told(&wish))),
        Some(Ok(request)) => says(&request, &wish)
            .map_err(|what| format!("{} is sent as {request:?}: {what}", told(&wish))),
        _ => Ok(()),
    }
}

fn told(wish: &Wish) -> String {
    let Wish {
        host,
        target,
        nonce,
        subprotocols,
        headers,
    } = wish;
    let nonce = words::hex(nonce);
    format!(
        "{host:?} {target:?}, nonce {nonce}, subprotocols {subprotocols:?}, headers {headers:?}"
    )
}

/// Something to ask for; with `is_legal`, something that a request can say.
fn wish(is_legal: bool, choices: &mut Choices<'_>) -> Wish {
    const HOSTS: &[&str] = &[
        "a",
        "example.com:8000",
        "[::1]:80",
        "",
        "a b",
        "a/b",
        "a\r\nX: y",
        "a:b",
    ];
    const TARGETS: &[&str] = &[
        "/",
        "/a?b=c",
        "/%23",
        "",
        "a",
        "/a b",
        "/\r\nX: y",
        "/#a",
        "/\u{e9}",
        "*",
    ];
    const NAMES: &[&str] = &[
        "chat",
        "superchat",
        "v1.x",
        "",
        "a b",
        "a,b",
        "a\r\nX: y",
        "caf\u{e9}",
    ];
    const HEADERS: &[(&str, &str)] = &[
        ("Cookie", "a=b; c"),
        ("Origin", "https://example.com"),
        ("X", "a\tb"),
        ("", "y"),
        ("a b", "y"),
        ("X", "y\r\nZ: z"),
        ("X", "\0"),
        ("X", " caf\u{e9} "),
        ("X\r\nZ", "y"),
        ("origin", "https://caf\u{e9}.example"),
        ("host", "b"),
        ("Connection", "close"),
        ("Content-Length", "5"),
        ("Sec-WebSocket-Extensions", "a"),
    ];
    // The first three of each table are legal.
    let end = |all: usize| if is_legal { 3 } else { all };
    // One of four is anything, and most are right, so that one wrong part does not hide another.
    let text = |all: &[&str], choices: &mut Choices<'_>| match choices.below(4) {
        0 if !is_legal => String::from_utf8_lossy(choices.take(4)).into_owned(),
        1 => choices.one(&all[..end(all.len())]).to_owned(),
        _ => choices.one(&all[..3]).to_owned(),
    };
    let host = text(HOSTS, choices);
    let target = text(TARGETS, choices);
    let mut nonce = [0; 16];
    nonce.fill_with(|| choices.byte());
    let mut subprotocols: Vec<_> = (0..choices.below(3))
        .map(|_| text(NAMES, choices))
        .collect();
    let mut headers: Vec<_> = (0..choices.below(3))
        .map(|_| choices.one(&HEADERS[..end(HEADERS.len())]))
        .collect();
    if is_legal {
        // Neither may be repeated.
        subprotocols.dedup();
        headers.dedup();
    }
    Wish {
        host,
        target,
        nonce,
        subprotocols,
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    }
}

/// Whether a request says all of a wish and nothing else.
///
/// # Errors
///
/// What is wrong.
pub fn says(request: &str, wish: &Wish) -> Result<(), String> {
    let (lines, rest) = reference::head(request.as_bytes()).ok_or("it does not end")?;
    if !rest.is_empty() {
        return Err(format!("{} comes after it", words::hex(rest)));
    }
    if let Some(item) = reference::request_lacks(&lines) {
        return Err(format!("it lacks {item}"));
    }
    let own = [
        ("Host", wish.host.clone()),
        ("Upgrade", "websocket".into()),
        ("Connection", "Upgrade".into()),
        ("Sec-WebSocket-Key", STANDARD.encode(wish.nonce)),
        ("Sec-WebSocket-Version", "13".into()),
        ("Sec-WebSocket-Protocol", wish.subprotocols.join(", ")),
    ];
    let own = own.iter().map(|(name, value)| (*name, value.as_str()));
    let own = own.filter(|(_, value)| !value.is_empty());
    let asked = wish
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.trim_ascii()));
    let mut expected: Vec<String> = own
        .chain(asked)
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let lines = lines.iter().map(|line| String::from_utf8_lossy(line));
    let mut lines: Vec<String> = lines.map(|line| line.trim_ascii().to_owned()).collect();
    let start = lines.remove(0);
    // Blanks around values and in the list do not count.
    for lines in [&mut expected, &mut lines] {
        *lines = lines
            .iter()
            .map(|line| line.replace([' ', '\t'], ""))
            .collect();
        lines.sort();
    }
    if start == format!("GET {} HTTP/1.1", wish.target) && lines == expected {
        Ok(())
    } else {
        Err("it says something else".into())
    }
}
