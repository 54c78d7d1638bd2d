//! What a server speaks that does not speak HTTP, by the first bytes that it sent.

use crate::app::text;

/// Names the protocol of a server's first bytes, which may have broken off anywhere.
pub(crate) fn recognise(bytes: &[u8]) -> Option<String> {
    let told = |what: &str| Some(format!("the server speaks {what}"));
    match bytes {
        // RFC 8446 §5.1: an alert or a handshake, version 3.
        [0x15 | 0x16, 0x03, ..] => told("TLS: its address begins with wss:// or https://"),
        [b'S', b'S', b'H', b'-', ..] => Some(format!("this is an SSH server: {}", greeting(bytes))),
        // RFC 9113 §4.1, §6.5: SETTINGS on stream 0.
        [0, _, _, 4, _, 0, 0, 0, 0, ..] => {
            told("HTTP/2 from its first byte on; a WebSocket is opened with HTTP/1.1")
        }
        [b'2', b'2', b'0', b' ' | b'-', ..] => {
            let greeting = greeting(bytes);
            let kind = match greeting.to_ascii_uppercase() {
                text if text.contains("FTP") => "an FTP",
                text if text.contains("SMTP") => "a mail (SMTP)",
                _ => "a mail (SMTP) or FTP",
            };
            Some(format!("this is {kind} server: {greeting}"))
        }
        [b'+', b'O', b'K', ..] => {
            Some(format!("this is a mail (POP3) server: {}", greeting(bytes)))
        }
        [b'*', b' ', b'O', b'K', ..] => {
            Some(format!("this is a mail (IMAP) server: {}", greeting(bytes)))
        }
        [b'-', b'E' | b'N' | b'D', b'A'..=b'Z', ..] => Some(format!(
            "this seems to be a Redis server: {}",
            greeting(bytes)
        )),
        // A packet of less than 64 KiB, the first: protocol 10, or an error.
        [_, _, 0, 0, 0x0A | 0xFF, ..] => Some("this seems to be a MySQL or MariaDB server".into()),
        [b'E', 0, 0, _, _, b'S', ..] => Some("this seems to be a PostgreSQL server".into()),
        [b'R', b'F', b'B', b' ', ..] => Some(format!("this is a VNC server: {}", greeting(bytes))),
        [b'A', b'M', b'Q', b'P', ..] => Some("this is an AMQP server, such as RabbitMQ".into()),
        [b'G', b'E', b'T', b' ', ..] => {
            Some("the server sends back what it is sent: it echoes bytes, and knows no HTTP".into())
        }
        [b'<', b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
            Some("the server sends a page without a head, as before HTTP/1.0".into())
        }
        _ => None,
    }
}

/// The same for what a client sent to a server without TLS.
pub(crate) fn of_client(bytes: &[u8]) -> Option<String> {
    // RFC 8446 §5.1: a handshake, version 3.
    let is_tls = bytes.starts_with(&[0x16, 0x03]);
    is_tls.then(|| "the client speaks TLS: it was given an address with wss:// or https://".into())
}

/// The same for the body of a refusal: servers of TLS that understand HTTP far enough to say so.
pub(crate) fn in_refusal(status: u16, body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    let says_tls = [
        "https port",
        "https server",
        "ssl-enabled server port",
        "tls port",
    ];
    let is_tls = status == 400 && says_tls.iter().any(|words| body.contains(words));
    is_tls.then(|| "the server speaks TLS: its address begins with wss:// or https://".into())
}

/// The first line, as far as it is worth reading, harmless for a terminal.
fn greeting(bytes: &[u8]) -> String {
    const MOST: usize = 80;
    let mut lines = bytes.split(|&byte| byte == b'\r' || byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let cut = if line.len() > MOST { "…" } else { "" };
    format!("{}{cut}", text::escaped(&line[..line.len().min(MOST)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What servers sent that were asked `GET / HTTP/1.1`, and what must be said of it.
    #[rustfmt::skip]
    const SENT: &[(&[u8], &str)] = &[
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x16", "wss://"),
        (b"\x16\x03\x03", "TLS"),
        (b"SSH-2.0-OpenSSH_9.6p1 Ubuntu\r\n", "this is an SSH server: SSH-2.0-OpenSSH_9.6p1 Ubuntu"),
        (b"SSH-", "SSH"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", "HTTP/2"),
        (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "HTTP/2"),
        (b"220 mail.example ESMTP Postfix\r\n", "a mail (SMTP) server: 220 mail.example ESMTP Postfix"),
        (b"220-FileZilla Server\r\n220 FTP", "220-FileZilla Server"),
        (b"220 (vsFTPd 3.0.5)\r\n", "an FTP server"),
        (b"220 hello\r\n", "a mail (SMTP) or FTP server"),
        (b"+OK Dovecot ready.\r\n", "POP3"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        (b"-ERR wrong number of arguments for 'get' command\r\n", "Redis server: -ERR wrong number of arguments for 'get' command"),
        (b"-NOAUTH Authentication required.\r\n", "Redis"),
        (b"-DENIED Redis is running in protected mode", "Redis"),
        (b"\x4a\x00\x00\x00\x0a8.0.36\x00", "MySQL"),
        (b"\x45\x00\x00\x00\xffj\x04Host", "MySQL"),
        (b"E\x00\x00\x00\x8eSFATAL\x00", "PostgreSQL"),
        (b"RFB 003.008\n", "VNC"),
        (b"AMQP\x00\x00\x09\x01", "AMQP"),
        (b"GET /chat HTTP/1.1\r\n", "echoes bytes"),
        (b"<html>", "without a head"),
        (b"<!DOCTYPE html>", "without a head"),
    ];

    #[test]
    fn a_protocol_is_known_by_its_first_bytes() {
        for (bytes, expected) in SENT {
            let said = recognise(bytes).unwrap_or_default();
            assert!(said.contains(expected), "{}: {said}", bytes.escape_ascii());
            assert!(!said.contains("\\n"), "more than a line: {said}");
        }
    }

    #[test]
    fn what_an_http_server_sends_is_not_taken_for_another() {
        for bytes in [
            &b""[..],
            b"H",
            b"HTTP/1.1 101 Switching Protocols\r\n",
            b"\r\nHTTP/1.1 200 OK\r\n",
            b"http/1.1 200 OK",
            b"\x81\x05Hello",
            b"220",
            b"2200 x",
            b"hello",
        ] {
            assert_eq!(recognise(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_greeting_is_shown_up_to_its_eightieth_byte() {
        for (length, shown) in [(79, "x"), (80, "x"), (81, "…"), (500, "…")] {
            let sent = [b"SSH-".as_slice(), &vec![b'x'; length - 4]].concat();
            let said = recognise(&sent).unwrap_or_default();
            let greeting = said
                .strip_prefix("this is an SSH server: ")
                .unwrap_or_default();
            assert_eq!(
                greeting.chars().count(),
                length.min(80) + usize::from(length > 80),
                "{said}"
            );
            assert!(greeting.ends_with(shown), "{said}");
        }
        // What follows the first line is not of it.
        assert_eq!(greeting(b"SSH-2.0\nand more\r\n"), "SSH-2.0");
    }

    #[test]
    fn what_a_server_says_is_harmless_and_short() {
        let long = [b"SSH-2.0-\x1b[31m".as_slice(), &[b'x'; 500]].concat();
        let said = recognise(&long).unwrap();
        assert!(
            !said.contains('\x1b') && said.chars().count() < 120,
            "{said}"
        );
    }

    #[test]
    fn a_refusal_of_tls_servers_is_known_by_their_words() {
        for (status, body, is_tls) in [
            (
                400,
                "<center>The plain HTTP request was sent to HTTPS port</center>",
                true,
            ),
            (
                400,
                "Client sent an HTTP request to an HTTPS server.\n",
                true,
            ),
            (
                400,
                "You're speaking plain HTTP to an SSL-enabled server port.",
                true,
            ),
            (400, "Bad Request", false),
            (404, "see our HTTPS server", false),
        ] {
            assert_eq!(
                in_refusal(status, body.as_bytes()).is_some(),
                is_tls,
                "{body}"
            );
        }
    }
}
