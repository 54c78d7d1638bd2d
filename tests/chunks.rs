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

    #[test]
    fn after_a_wrong_one_nothing_is_right() {
        let mut chunks = Chunks::new();
        for bytes in [&b"x"[..], b"0\r\n\r\n"] {
            assert_eq!(chunks.receive(bytes, |_| {}), Err(InvalidChunk));
        }
    }
}
