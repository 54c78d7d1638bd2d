//! Close codes, and the body of a Close frame.

use crate::support::bytes::close_body;
use plainws::protocol::close::{self, MAX_REASON};
use plainws::{CloseCode, CloseReason, Rule};

mod s7_4_status_codes {
    use super::*;

    /// §7.4.1 and the IANA registry (1012-1014); §7.4.2 for 3000-4999. 1004-1006 and 1015 are never sent.
    fn may_be_sent(code: u16) -> bool {
        const PROTOCOL: [u16; 12] = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
        ];
        PROTOCOL.contains(&code) || code / 1000 == 3 || code / 1000 == 4
    }

    #[test]
    fn all_65536_are_accepted_or_refused_as_the_ranges_say() {
        for code in 0..=u16::MAX {
            let verdict = if may_be_sent(code) {
                Ok(CloseReason::new(CloseCode(code)))
            } else {
                Err(Rule::CloseCodeInvalid)
            };
            assert_eq!(CloseReason::decode(&close_body(code, b"")), verdict);
            assert_eq!(
                CloseCode(code).is_allowed_on_wire(),
                verdict.is_ok(),
                "{code}"
            );
        }
    }

    #[test]
    fn a_code_is_shown_with_its_meaning_if_it_has_one() {
        let rows: &[(u16, &str)] = &[
            (1000, "1000 normal closure"),
            (1005, "1005 no status"),
            (1006, "1006 abnormal closure"),
            (1009, "1009 message too big"),
            (1015, "1015 TLS handshake failed"),
            (0, "0"),
            (1004, "1004"),
            (1016, "1016"),
            (4999, "4999"),
        ];
        for &(code, shown) in rows {
            assert_eq!(CloseCode(code).to_string(), shown);
        }
    }
}

mod s5_5_1_the_body {
    use super::*;

    #[test]
    fn may_be_empty_which_is_reported_as_1005() {
        assert_eq!(
            CloseReason::decode(b""),
            Ok(CloseReason::new(CloseCode::NO_STATUS))
        );
    }

    #[test]
    fn of_one_byte_is_half_a_code() {
        for byte in 0..=u8::MAX {
            assert_eq!(CloseReason::decode(&[byte]), Err(Rule::CloseBodyOneByte));
        }
    }

    #[test]
    fn is_judged_as_its_bytes_arrive() {
        /// What is read at the end, or why it never will be.
        type Verdict = Result<(u16, &'static str), Rule>;
        const NORMAL: Verdict = Ok((1000, ""));
        const NOT_UTF8: Verdict = Err(Rule::CloseReasonNotUtf8);
        const CODE: Verdict = Err(Rule::CloseCodeInvalid);

        // body, whether more may come, verdict at the end
        #[rustfmt::skip]
        let rows: &[(&[u8], bool, Verdict)] = &[
            (b"",                     true,  Ok((1005, ""))),
            (b"\x03",                 true,  Err(Rule::CloseBodyOneByte)),
            (b"\xFF",                 true,  Err(Rule::CloseBodyOneByte)),
            (b"\x03\xE8",             true,  NORMAL),
            (b"\x03\xED",             false, CODE),
            (b"\x03\xED\xFF",         false, CODE),
            (b"\x03\xE8ok",           true,  Ok((1000, "ok"))),
            (b"\x03\xE8\xE2\x82\xAC", true,  Ok((1000, "\u{20AC}"))),
            (b"\x03\xE8\xE2",         true,  NOT_UTF8),
            (b"\x03\xE8ok\xE2\x82",   true,  NOT_UTF8),
            (b"\x03\xE8\xF0\x9F\x98", true,  NOT_UTF8),
            (b"\x03\xE8\xFF",         false, NOT_UTF8),
            (b"\x03\xE8\xC0",         false, NOT_UTF8),
            (b"\x03\xE8\xE2\x41",     false, NOT_UTF8),
            (b"\x03\xE8\xED\xA0",     false, NOT_UTF8),
            (b"\x03\xE8ok\xF4\x90",   false, NOT_UTF8),
        ];
        for &(body, may_go_on, at_the_end) in rows {
            let at_the_end = at_the_end.map(|(code, reason)| CloseReason {
                code: CloseCode(code),
                reason: reason.into(),
            });
            let so_far = match &at_the_end {
                Err(rule) if !may_go_on => Err(*rule),
                _ => Ok(None),
            };
            let shown = body.escape_ascii();
            assert_eq!(close::decode(body, false), so_far, "{shown}");
            assert_eq!(close::decode(body, true), at_the_end.map(Some), "{shown}");
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        for reason in ["", "bye", "au revoir, à bientôt", &"x".repeat(MAX_REASON)] {
            let body = close::encode(CloseCode(4000), reason);
            assert_eq!(body, close_body(4000, reason.as_bytes()));
            let reason = reason.to_owned();
            let code = CloseCode(4000);
            assert_eq!(CloseReason::decode(&body), Ok(CloseReason { code, reason }));
        }
    }

    #[test]
    fn that_would_exceed_125_bytes_is_cut_between_two_characters() {
        for (character, size) in [("x", 1), ("é", 2), ("€", 3), ("😀", 4)] {
            for before in 0..size {
                let reason = "x".repeat(before) + &character.repeat(200);
                let body = close::encode(CloseCode::NORMAL, &reason);
                let kept = before + (MAX_REASON - before) / size * size;
                assert_eq!(body, close_body(1000, &reason.as_bytes()[..kept]));
                assert!(body.len() <= 125);
            }
        }
    }

    #[test]
    fn is_shown_without_control_bytes() {
        let reason = "\x1B[31mred\r\n".to_owned();
        let code = CloseCode::NORMAL;
        let shown = CloseReason { code, reason }.to_string();
        assert_eq!(shown, r"1000 normal closure: \u{1b}[31mred\r\n");
        assert_eq!(CloseReason::new(code).to_string(), "1000 normal closure");
    }
}
