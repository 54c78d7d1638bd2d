//! Chunked bodies (RFC 9112 §7.1).

use plainws::protocol::chunks::{Chunks, InvalidChunk};

/// What a body holds that comes in pieces of that length: where it ends, if it does.
fn decoded(bytes: &[u8], length: usize) -> Result<(Vec<u8>, Option<usize>), InvalidChunk> {
    let mut chunks = Chunks::new();
    let (mut body, mut used) = (Vec::new(), 0);
    for piece in bytes.chunks(length) {
        used += chunks.receive(piece, |data| body.extend(data))?;
    }
    Ok((body, chunks.has_ended().then_some(used)))
}

mod rfc_9112_s7_1_chunks {
    use super::*;

    #[test]
    fn the_empty_line_after_the_last_one_ends_a_body_however_it_is_cut() {
        for (sent, body, is_whole) in [
            ("0\r\n\r\n", "", true),
            ("5\r\nhello\r\n0\r\n\r\n", "hello", true),
            (
                "A;name=\"0\"\r\n0\r\n\r\n12345\r\n00\r\n\r\n",
                "0\r\n\r\n12345",
                true,
            ),
            ("1 \r\na\r\n0\r\nTrailer: 0\r\nOther: a\r\n\r\n", "a", true),
            ("00000000000000000002\r\nab\r\n0;a\r\n\r\n", "ab", true),
            ("5\r\nhello\r\n0\r\n", "hello", false),
            ("5\r\nhello\r\n0\r\n\r", "hello", false),
            ("ffffffffffffffff\r\nGET /", "GET /", false),
            ("", "", false),
        ] {
            let more = if is_whole { "GET /" } else { "" };
            let bytes = [sent, more].concat();
            for length in 1..=bytes.len().max(1) {
                let expected = (body.into(), is_whole.then_some(sent.len()));
                assert_eq!(decoded(bytes.as_bytes(), length), Ok(expected), "{sent:?}");
            }
        }
    }

    #[test]
    fn what_is_none_is_refused_however_it_is_cut() {
        for sent in [
            "10000000000000000\r\n0\r\n\r\n",
            "\r\n0\r\n\r\n",
            ";a\r\n\r\n",
            "hello\r\n0\r\n\r\n",
            "-1\r\na\r\n",
            "0x1\r\na\r\n",
            "1\na\n0\n\n",
            "1\r\na0\r\n\r\n",
            "1\r\na\n0\r\n\r\n",
            "1\r\na\r0\r\n\r\n",
            "1\r\rna",
            "1\r\nax\n0\r\n\r\n",
            "1;\0\r\na\r\n0\r\n\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\n\n",
            "0\r\nA: b\r\r\n",
        ] {
            for length in 1..=sent.len() {
                assert_eq!(
                    decoded(sent.as_bytes(), length),
                    Err(InvalidChunk),
                    "{sent:?}"
                );
            }
        }
    }

    /// Reads a whole body as its grammar is written, a line at a time: what it holds, and where it ends.
    fn reference(mut bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        fn line<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
            let end = bytes.windows(2).position(|two| two == b"\r\n")?;
            let line = &bytes[..end];
            *bytes = &bytes[end + 2..];
            (!line.iter().any(|byte| b"\r\n".contains(byte))).then_some(line)
        }
        let all = bytes.len();
        let mut body = Vec::new();
        loop {
            let size = line(&mut bytes)?;
            let digits = size.iter().take_while(|byte| byte.is_ascii_hexdigit());
            let (digits, rest) = size.split_at(digits.count());
            if !matches!(rest.first(), None | Some(b';' | b' ')) {
                return None;
            }
            let digits = std::str::from_utf8(digits).ok()?;
            match usize::from_str_radix(digits, 16).ok()? {
                0 => break,
                size => {
                    body.extend(bytes.get(..size)?);
                    bytes = bytes[size..].strip_prefix(b"\r\n")?;
                }
            }
        }
        while !line(&mut bytes)?.is_empty() {}
        Some((body, all - bytes.len()))
    }

    #[test]
    fn every_short_body_is_read_as_its_grammar_says_at_any_cut() {
        const PARTS: [&[u8]; 7] = [b"0", b"1", b"a", b";", b" ", b"\r", b"\n"];
        const LONGEST: usize = 7;
        // These take longer ones to where bodies end.
        const ENDS: [&[u8]; 3] = [b"", b"\r\n0\r\n\r\n", b"0\r\n\r\n"];
        let mut whole = 0;
        for number in 0..PARTS.len().pow(u32::try_from(LONGEST - 1).unwrap()) {
            let mut rest = number;
            let mut begin = Vec::new();
            while rest > 0 {
                begin.extend(PARTS[rest % PARTS.len()]);
                rest /= PARTS.len();
            }
            for end in ENDS {
                let bytes = [&begin[..], end].concat();
                let read = decoded(&bytes, bytes.len().max(1));
                let ended = read.clone().ok().and_then(|(body, end)| Some((body, end?)));
                assert_eq!(ended, reference(&bytes), "{}", bytes.escape_ascii());
                whole += usize::from(ended.is_some());
                assert_eq!(decoded(&bytes, 1), read, "{}", bytes.escape_ascii());
            }
        }
        assert!(whole > 1000, "{whole}");
    }

    #[test]
    fn after_a_wrong_one_nothing_is_right() {
        let mut chunks = Chunks::new();
        for bytes in [&b"x"[..], b"0\r\n\r\n"] {
            assert_eq!(chunks.receive(bytes, |_| {}), Err(InvalidChunk));
        }
    }
}
