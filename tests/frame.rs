//! Frame headers and masking: bytes in, a header or a rule out, and bytes again.

use crate::support::bytes::{KEY, bits, xor};
use plainws::Rule;
use plainws::protocol::frame::{self, Header, MAX_HEADER, MaskingKey, Opcode};

/// Decodes `bytes` cut at each place, whole, and with more bytes after it; then encodes `header` again.
fn check(name: &str, bytes: &[u8], header: Header) {
    for cut in 0..bytes.len() {
        assert_eq!(
            Header::decode(&bytes[..cut]),
            Ok(None),
            "{name}, cut at {cut}"
        );
    }
    assert_eq!(Header::decode(bytes), Ok(Some((header, &[][..]))), "{name}");

    let after = b"\xFF\x00behind";
    let stream = [bytes, after].concat();
    assert_eq!(
        Header::decode(&stream),
        Ok(Some((header, &after[..]))),
        "{name}"
    );

    let mut encoded = b"before".to_vec();
    header.encode(&mut encoded);
    assert_eq!(encoded, [b"before", bytes].concat(), "{name}, encoded");
}

mod s5_2_base_framing {
    use super::*;

    // name, the header without a key, its length, fin, opcode
    #[rustfmt::skip]
    const LEGAL: &[(&str, &str, u64, bool, Opcode)] = &[
        //                      F RSV op   M length
        ("continuation",       "0 000 0000 0 0000000", 0, false, Opcode::Continuation),
        ("last continuation",  "1 000 0000 0 0000000", 0, true,  Opcode::Continuation),
        ("begin of a text",    "0 000 0001 0 0000000", 0, false, Opcode::Text),
        ("text",               "1 000 0001 0 0000000", 0, true,  Opcode::Text),
        ("begin of a binary",  "0 000 0010 0 0000000", 0, false, Opcode::Binary),
        ("binary",             "1 000 0010 0 0000000", 0, true,  Opcode::Binary),
        ("close",              "1 000 1000 0 0000000", 0, true,  Opcode::Close),
        ("ping",               "1 000 1001 0 0000000", 0, true,  Opcode::Ping),
        ("pong",               "1 000 1010 0 0000000", 0, true,  Opcode::Pong),

        ("one byte",           "1 000 0001 0 0000001", 1, true, Opcode::Text),
        ("largest 7-bit",      "1 000 0001 0 1111101", 125, true, Opcode::Text),
        ("smallest 16-bit",    "1 000 0001 0 1111110 00000000 01111110", 126, true, Opcode::Text),
        ("126 and one",        "1 000 0001 0 1111110 00000000 01111111", 127, true, Opcode::Text),
        ("largest low byte",   "1 000 0001 0 1111110 00000000 11111111", 255, true, Opcode::Text),
        ("smallest high byte", "1 000 0001 0 1111110 00000001 00000000", 256, true, Opcode::Text),
        ("largest 16-bit",     "1 000 0001 0 1111110 11111111 11111111", 65_535, true, Opcode::Text),
        ("smallest 64-bit",    "1 000 0010 0 1111111 \
          00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000", 65_536, true, Opcode::Binary),
        ("more than 32 bits",  "1 000 0010 0 1111111 \
          00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000000", 1 << 32, true, Opcode::Binary),
        ("each byte in place", "1 000 0010 0 1111111 \
          00000001 00000010 00000011 00000100 00000101 00000110 00000111 00001000", 0x0102_0304_0506_0708, true, Opcode::Binary),
        ("largest of all",     "0 000 0010 0 1111111 \
          01111111 11111111 11111111 11111111 11111111 11111111 11111111 11111111", (1 << 63) - 1, false, Opcode::Binary),
        ("largest control",    "1 000 1001 0 1111101", 125, true, Opcode::Ping),
    ];

    #[test]
    fn each_legal_header_is_read_and_written_without_a_key() {
        for &(name, row, payload_length, fin, opcode) in LEGAL {
            let masking_key = None;
            check(
                name,
                &bits(row),
                Header {
                    fin,
                    rsv: 0,
                    opcode,
                    masking_key,
                    payload_length,
                },
            );
        }
    }

    #[test]
    fn each_legal_header_is_read_and_written_with_a_key() {
        for &(name, row, payload_length, fin, opcode) in LEGAL {
            let mut bytes = bits(row);
            bytes[1] |= 0b1000_0000;
            bytes.extend(KEY);
            let masking_key = Some(KEY);
            check(
                name,
                &bytes,
                Header {
                    fin,
                    rsv: 0,
                    opcode,
                    masking_key,
                    payload_length,
                },
            );
        }
    }

    #[test]
    fn the_longest_header_has_a_64_bit_length_and_a_key() {
        let mut bytes = Vec::new();
        let header = Header {
            fin: true,
            rsv: 0,
            opcode: Opcode::Binary,
            masking_key: Some(KEY),
            payload_length: u64::MAX >> 1,
        };
        header.encode(&mut bytes);
        assert_eq!(bytes.len(), MAX_HEADER);
    }

    #[test]
    fn a_length_takes_the_shortest_form() {
        for (lengths, size) in [(0..=125, 2), (126..=0xFFFF, 4), (0x1_0000..=0x1_0100, 10)] {
            for payload_length in lengths {
                let (fin, opcode, masking_key) = (true, Opcode::Binary, None);
                let header = Header {
                    fin,
                    rsv: 0,
                    opcode,
                    masking_key,
                    payload_length,
                };
                let mut bytes = Vec::new();
                header.encode(&mut bytes);
                assert_eq!(bytes.len(), size, "{payload_length}");
                assert_eq!(Header::decode(&bytes), Ok(Some((header, &[][..]))));
            }
        }
    }

    #[test]
    fn the_reserved_bits_are_read_and_written_and_not_judged() {
        for rsv in 0..8 {
            for (fin, opcode) in [(false, Opcode::Continuation), (true, Opcode::Ping)] {
                let header = Header {
                    fin,
                    rsv,
                    opcode,
                    masking_key: None,
                    payload_length: 5,
                };
                let byte0 = u8::from(fin) << 7 | rsv << 4 | opcode as u8;
                check("reserved bits", &[byte0, 5], header);
            }
        }
    }

    /// The first two bytes judged by the letter of §5.2 and §5.5: how long the header is, or what is wrong.
    fn judge(byte0: u8, byte1: u8) -> Result<usize, Rule> {
        let (fin, opcode) = (byte0 / 128, byte0 % 16);
        let (mask, length) = (byte1 / 128, byte1 % 128);
        match (opcode, fin, length) {
            (3..=7 | 11.., _, _) => Err(Rule::OpcodeReserved),
            (8.., 0, _) => Err(Rule::ControlFragmented),
            (8.., 1.., 126..) => Err(Rule::ControlTooLong),
            (_, _, 127) => Ok(10 + usize::from(mask) * 4),
            (_, _, 126) => Ok(4 + usize::from(mask) * 4),
            _ => Ok(2 + usize::from(mask) * 4),
        }
    }

    #[test]
    fn all_65536_pairs_of_first_bytes_are_judged_by_the_letter() {
        for pair in 0..=u16::MAX {
            let [byte0, byte1] = pair.to_be_bytes();
            // 0101 and 0101010101010101 are minimal lengths of their forms.
            let mut bytes = [1; MAX_HEADER];
            [bytes[0], bytes[1]] = [byte0, byte1];
            match judge(byte0, byte1) {
                Err(rule) => {
                    let is_seen_in_byte0 = rule != Rule::ControlTooLong;
                    let after_byte0 = if is_seen_in_byte0 {
                        Err(rule)
                    } else {
                        Ok(None)
                    };
                    assert_eq!(Header::decode(&bytes[..1]), after_byte0, "{pair:016b}");
                    assert_eq!(Header::decode(&bytes[..2]), Err(rule), "{pair:016b}");
                    assert_eq!(Header::decode(&bytes), Err(rule), "{pair:016b}");
                }
                Ok(size) => {
                    assert_eq!(Header::decode(&bytes[..size - 1]), Ok(None), "{pair:016b}");
                    let (header, rest) = Header::decode(&bytes).unwrap().unwrap();
                    assert_eq!(rest.len(), MAX_HEADER - size, "{pair:016b}");
                    assert_eq!(header.fin, byte0 >= 128, "{pair:016b}");
                    assert_eq!(header.rsv, byte0 / 16 % 8, "{pair:016b}");
                    assert_eq!(header.opcode as u8, byte0 % 16, "{pair:016b}");
                    assert_eq!(
                        header.masking_key,
                        (byte1 >= 128).then_some([1; 4]),
                        "{pair:016b}"
                    );
                    let length = match byte1 % 128 {
                        126 => 0x0101,
                        127 => 0x0101_0101_0101_0101,
                        short => short.into(),
                    };
                    assert_eq!(header.payload_length, length, "{pair:016b}");
                }
            }
        }
    }
}

mod s5_2_violations {
    use super::*;

    /// A row ends with the byte that proves the rule broken.
    fn check(rows: &[(&str, &str)], rule: Rule) {
        for (name, row) in rows {
            let bytes = bits(row);
            let before = &bytes[..bytes.len() - 1];
            for cut in 0..=before.len() {
                assert_eq!(
                    Header::decode(&before[..cut]),
                    Ok(None),
                    "{name}, cut at {cut}"
                );
            }
            for after in [&[][..], &[0x00; 14], &[0x7F; 14], &[0xFF; 14]] {
                let stream = [&bytes, after].concat();
                assert_eq!(Header::decode(&stream), Err(rule), "{name}");
            }
        }
    }

    #[test]
    fn a_reserved_opcode_is_seen_in_the_first_byte() {
        #[rustfmt::skip]
        check(&[
            //         F RSV op
            ("3",     "1 000 0011"), ("3 ...",  "0 000 0011"),
            ("4",     "1 000 0100"), ("4 ...",  "0 000 0100"),
            ("5",     "1 000 0101"), ("5 ...",  "0 000 0101"),
            ("6",     "1 000 0110"), ("6 ...",  "0 000 0110"),
            ("7",     "1 000 0111"), ("7 ...",  "0 000 0111"),
            ("11",    "1 000 1011"), ("11 ...", "0 000 1011"),
            ("12",    "1 000 1100"), ("12 ...", "0 000 1100"),
            ("13",    "1 000 1101"), ("13 ...", "0 000 1101"),
            ("14",    "1 000 1110"), ("14 ...", "0 000 1110"),
            ("15",    "1 000 1111"), ("15 ...", "0 000 1111"),
        ], Rule::OpcodeReserved);
    }

    #[test]
    fn a_length_in_a_longer_form_than_needed_is_seen_as_soon_as_it_must_be_too_small() {
        #[rustfmt::skip]
        check(&[
            //                           F RSV op   M length
            ("0 in 16 bits",            "1 000 0001 0 1111110 00000000 00000000"),
            ("125 in 16 bits",          "1 000 0001 0 1111110 00000000 01111101"),
            ("125 in 16 bits, masked",  "1 000 0001 1 1111110 00000000 01111101"),
            ("below 65536 in 64 bits",  "1 000 0010 0 1111111 00000000 00000000 00000000 00000000 00000000 00000000"),
            ("the same, masked",        "1 000 0010 1 1111111 00000000 00000000 00000000 00000000 00000000 00000000"),
        ], Rule::LengthNotMinimal);
    }

    #[test]
    fn the_top_bit_of_a_64_bit_length_is_seen_in_its_first_byte() {
        #[rustfmt::skip]
        check(&[
            //                F RSV op   M length
            ("2^63",         "1 000 0010 0 1111111 10000000"),
            ("2^64 - 1",     "1 000 0010 0 1111111 11111111"),
            ("masked",       "1 000 0010 1 1111111 10000000"),
            ("continuation", "1 000 0000 1 1111111 10000000"),
        ], Rule::LengthTopBitSet);
    }

    mod s5_5_control_frames {
        use super::*;

        #[test]
        fn a_fragmented_one_is_seen_in_the_first_byte() {
            #[rustfmt::skip]
            check(&[
                //         F RSV op
                ("close", "0 000 1000"),
                ("ping",  "0 000 1001"),
                ("pong",  "0 000 1010"),
            ], Rule::ControlFragmented);
        }

        #[test]
        fn one_longer_than_125_bytes_is_seen_in_the_second_byte() {
            #[rustfmt::skip]
            check(&[
                //                        F RSV op   M length
                ("close of 16 bits",     "1 000 1000 0 1111110"),
                ("close of 64 bits",     "1 000 1000 0 1111111"),
                ("ping of 16 bits",      "1 000 1001 0 1111110"),
                ("ping of 64 bits",      "1 000 1001 0 1111111"),
                ("pong of 16 bits",      "1 000 1010 0 1111110"),
                ("pong of 64 bits",      "1 000 1010 0 1111111"),
                ("masked ping",          "1 000 1001 1 1111110"),
            ], Rule::ControlTooLong);
        }
    }
}

mod s5_3_masking {
    use super::*;

    const KEYS: [MaskingKey; 3] = [KEY, [0; 4], [0xFF, 0, 0x80, 1]];

    fn payload(length: usize) -> Vec<u8> {
        (0..=u8::MAX).cycle().take(length).collect()
    }

    #[test]
    fn byte_i_is_xored_with_byte_i_mod_4_of_the_key() {
        for (length, key) in (0..200).flat_map(|length| KEYS.map(|key| (length, key))) {
            let mut masked = payload(length);
            frame::mask(&mut masked, key, 0);
            assert_eq!(masked, xor(&payload(length), key), "{length} bytes");
        }
    }

    #[test]
    fn a_payload_in_two_pieces_is_masked_as_in_one() {
        for (length, cut) in (0..100).flat_map(|length| (0..=length).map(move |cut| (length, cut)))
        {
            let mut masked = payload(length);
            let (first, second) = masked.split_at_mut(cut);
            frame::mask(first, KEY, 0);
            frame::mask(second, KEY, cut as u64);
            assert_eq!(
                masked,
                xor(&payload(length), KEY),
                "{length} bytes, cut at {cut}"
            );
        }
    }

    #[test]
    fn offsets_beyond_32_bits_count() {
        for offset in [(1 << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 63) - 2] {
            let mut byte = [0];
            frame::mask(&mut byte, KEY, offset);
            assert_eq!(
                byte,
                [KEY[usize::try_from(offset % 4).unwrap()]],
                "{offset}"
            );
        }
    }

    #[test]
    fn masking_twice_gives_the_payload_back() {
        let mut bytes = payload(1000);
        frame::mask(&mut bytes, KEY, 3);
        assert_ne!(bytes, payload(1000));
        frame::mask(&mut bytes, KEY, 3);
        assert_eq!(bytes, payload(1000));
    }
}

mod s5_7_examples {
    use super::*;

    const fn header(fin: bool, opcode: Opcode, key: Option<MaskingKey>, length: u64) -> Header {
        Header {
            fin,
            rsv: 0,
            opcode,
            masking_key: key,
            payload_length: length,
        }
    }

    #[rustfmt::skip]
    const EXAMPLES: &[(&str, &[u8], Header)] = &[
        ("unmasked text",       b"\x81\x05",                 header(true,  Opcode::Text,         None,      5)),
        ("masked text",         b"\x81\x85\x37\xfa\x21\x3d", header(true,  Opcode::Text,         Some(KEY), 5)),
        ("first fragment",      b"\x01\x03",                 header(false, Opcode::Text,         None,      3)),
        ("last fragment",       b"\x80\x02",                 header(true,  Opcode::Continuation, None,      2)),
        ("unmasked ping",       b"\x89\x05",                 header(true,  Opcode::Ping,         None,      5)),
        ("masked pong",         b"\x8a\x85\x37\xfa\x21\x3d", header(true,  Opcode::Pong,         Some(KEY), 5)),
        ("256 bytes of binary", b"\x82\x7E\x01\x00",         header(true,  Opcode::Binary,       None,      256)),
        ("64 KiB of binary",    b"\x82\x7F\0\0\0\0\0\x01\0\0", header(true,  Opcode::Binary,     None,      65_536)),
    ];

    #[test]
    fn each_header_is_read_and_written() {
        for &(name, bytes, header) in EXAMPLES {
            check(name, bytes, header);
        }
    }
}
