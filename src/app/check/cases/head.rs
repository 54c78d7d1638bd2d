//! Heads for scripts: the usual one, with something changed.

/// The usual request.
const REQUEST: [&str; 6] = [
    "GET {target} HTTP/1.1",
    "Host: {host}",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: {key}",
    "Sec-WebSocket-Version: 13",
];
/// The usual response.
const RESPONSE: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: {accept}",
];

/// A request with `instead` in place of the line that begins with `line`; without one if `instead` is empty. If `line`
/// is empty, `instead` is added. It may be several lines.
pub(super) fn request(line: &str, instead: &str) -> String {
    changed(&REQUEST, line, instead) + "{more}\r\n"
}

/// The same for a response.
pub(super) fn response(line: &str, instead: &str) -> String {
    changed(&RESPONSE, line, instead) + "\r\n"
}

fn changed(lines: &[&str], line: &str, instead: &str) -> String {
    let is_added = line.is_empty() && !instead.is_empty();
    let changed = lines.iter().map(|usual| {
        let is_it = !line.is_empty() && usual.starts_with(line);
        if is_it { instead } else { usual }
    });
    let lines = changed.chain(is_added.then_some(instead));
    let ended = lines.filter(|line| !line.is_empty());
    ended.map(|line| format!("{line}\r\n")).collect()
}

/// The usual request, each of its headers, name and value, written by `write`.
pub(super) fn request_written(write: impl Fn(&str, &str) -> String) -> String {
    written(&REQUEST, write) + "{more}\r\n"
}

/// The same for the response.
pub(super) fn response_written(write: impl Fn(&str, &str) -> String) -> String {
    written(&RESPONSE, write) + "\r\n"
}

fn written(lines: &[&str], write: impl Fn(&str, &str) -> String) -> String {
    let line = |line: &&str| match line.split_once(": ") {
        Some((name, value)) => write(name, value) + "\r\n",
        None => format!("{line}\r\n"),
    };
    lines.iter().map(line).collect()
}
