//! `plainws decode` of text: what the tools print is understood, or refused with the place; never taken for other
//! bytes. The samples are printed by the tools that they are named after.

use crate::support::run::{Run, hex, run, run_with};
use serde_json::Value;

/// A whole message, and one under a mask.
const HELLO: &[u8] = b"\x81\x05Hello";
const MASKED: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// A payload of zeros, most of which dumps leave out.
fn zeros() -> Vec<u8> {
    [&b"\x82\x7e\x01\x00"[..], &[0; 256]].concat()
}

fn decode(text: &str, more: &[&str]) -> Run {
    run_with(&[&["decode"], more].concat(), text.as_bytes())
}

/// That a text is read as these bytes.
#[track_caller]
fn is_read_as(name: &str, text: &str, bytes: &[u8]) {
    let by_text = decode(text, &["--all"]);
    let by_bytes = run_with(&["decode", "--all", "--raw"], bytes);
    assert_ne!(by_text.code, 2, "{name}: {}", by_text.stderr);
    assert_eq!(by_text.stdout, by_bytes.stdout, "{name}");
    assert_eq!(by_text.code, by_bytes.code, "{name}");
}

/// That a text is refused, and how.
#[track_caller]
fn is_refused(text: &str, how: &str) {
    let run = decode(text, &[]);
    assert_eq!((run.code, &*run.stdout), (2, ""), "{text}: {}", run.stderr);
    assert!(run.stderr.contains(how), "{text}: {}", run.stderr);
    assert!(run.stderr.starts_with("plainws: "), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

mod a_dump {
    use super::*;

    #[test]
    fn of_each_tool_is_read() {
        for (name, text) in [
            (
                "xxd",
                "00000000: 8105 4865 6c6c 6f                        ..Hello\n",
            ),
            (
                "xxd -g1",
                "00000000: 81 05 48 65 6c 6c 6f                             ..Hello\n",
            ),
            (
                "xxd -g4",
                "00000000: 81054865 6c6c6f                      ..Hello\n",
            ),
            (
                "xxd -c 4",
                "00000000: 8105 4865  ..He\n00000004: 6c6c 6f    llo\n",
            ),
            (
                "xxd -e",
                "00000000: 65480581   6f6c6c                    ..Hello\n",
            ),
            (
                "xxd -e -g2",
                "00000000: 0581 6548 6c6c   6f                      ..Hello\n",
            ),
            (
                "xxd -e -g8",
                "00000000:   6f6c6c65480581                   ..Hello\n",
            ),
            (
                "xxd -b",
                "00000000: 10000001 00000101 01001000 01100101 01101100 01101100  ..Hell\n\
                 00000006: 01101111                                               o\n",
            ),
            (
                "hexdump",
                "0000000 0581 6548 6c6c 006f                    \n0000007\n",
            ),
            (
                "hexdump -C",
                "00000000  81 05 48 65 6c 6c 6f                              |..Hello|\n00000007\n",
            ),
            (
                "hexdump -x",
                "0000000    0581    6548    6c6c    006f                \n0000007\n",
            ),
            (
                "hexdump -b",
                "0000000 201 005 110 145 154 154 157                  \n0000007\n",
            ),
            (
                "hexdump -c",
                "0000000 201 005   H   e   l   l   o                  \n0000007\n",
            ),
            (
                "hexdump -d",
                "0000000   01409   25928   27756   00111              \n0000007\n",
            ),
            (
                "hexdump -o",
                "0000000  002601  062510  066154  000157              \n0000007\n",
            ),
            ("od", "0000000 002601 062510 066154 000157\n0000007\n"),
            ("od -t x1", "0000000 81 05 48 65 6c 6c 6f\n0000007\n"),
            ("od -t x2", "0000000 0581 6548 6c6c 006f\n0000007\n"),
            ("od -t x4", "0000000 65480581 006f6c6c\n0000007\n"),
            ("od -t x8", "0000000 006f6c6c65480581\n0000007\n"),
            ("od -c", "0000000 201 005   H   e   l   l   o\n0000007\n"),
            ("od -b", "0000000 201 005 110 145 154 154 157\n0000007\n"),
            ("od -d", "0000000  1409 25928 27756   111\n0000007\n"),
            ("od -t u1", "0000000 129   5  72 101 108 108 111\n0000007\n"),
            (
                "od -t d1",
                "0000000 -127    5   72  101  108  108  111\n0000007\n",
            ),
            (
                "od -A x -t x1z",
                "000000 81 05 48 65 6c 6c 6f                       >..Hello<\n000007\n",
            ),
            ("od -A n -t x1", " 81 05 48 65 6c 6c 6f\n"),
            (
                "Wireshark",
                "0000   81 05 48 65 6c 6c 6f                              ..Hello\n",
            ),
            ("Wireshark, bytes only", "0000   81 05 48 65 6c 6c 6f\n"),
            ("tcpdump -x", "\t0x0000:  8105 4865 6c6c 6f\n"),
            (
                "Format-Hex of Windows PowerShell 5",
                "\r\n\r\n           Path: C:\\hello.bin\r\n\r\n           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\r\n\r\n\
                 00000000   81 05 48 65 6C 6C 6F                             .Hello\r\n\r\n",
            ),
            (
                "Format-Hex of PowerShell 7",
                "\n   Label: Byte[] (System.Byte[]) <3cbbf3bb>\n\n\
                 \x20         Offset Bytes                                           Ascii\n\
                 \x20                00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\
                 \x20         ------ ----------------------------------------------- -----\n\
                 0000000000000000 81 05 48 65 6C 6C 6F                            \u{FFFD}\u{FFFD}Hello\n\n",
            ),
            (
                "hexyl",
                "┌────────┬─────────────────────────┬─────────────────────────┬────────┬────────┐\n\
                 │00000000│ 81 05 48 65 6c 6c 6f    ┊                         │×•Hello ┊        │\n\
                 └────────┴─────────────────────────┴─────────────────────────┴────────┴────────┘\n",
            ),
            (
                "gdb x/7xb",
                "0x555555558020 <buf>:\t0x81\t0x05\t0x48\t0x65\t0x6c\t0x6c\t0x6f\n",
            ),
            (
                "gdb x/7ub",
                "0x555555558020 <buf>:\t129\t5\t72\t101\t108\t108\t111\n",
            ),
            (
                "gdb x/7db",
                "0x555555558020 <buf>:\t-127\t5\t72\t101\t108\t108\t111\n",
            ),
            (
                "lldb memory read",
                "0x16fdff2a0: 81 05 48 65 6c 6c 6f                             ..Hello\n",
            ),
        ] {
            is_read_as(name, text, HELLO);
        }
    }

    #[test]
    fn of_two_lines_is_read() {
        for (name, text) in [
            (
                "xxd",
                "00000000: 8112 4865 6c6c 6f20 4865 6c6c 6f20 4865  ..Hello Hello He\n\
                 00000010: 6c6c 6f21                                llo!\n",
            ),
            (
                "xxd -e",
                "00000000: 65481281 206f6c6c 6c6c6548 6548206f  ..Hello Hello He\n\
                 00000010: 216f6c6c                             llo!\n",
            ),
            (
                "hexdump -C",
                "00000000  81 12 48 65 6c 6c 6f 20  48 65 6c 6c 6f 20 48 65  |..Hello Hello He|\n\
                 00000010  6c 6c 6f 21                                       |llo!|\n00000014\n",
            ),
            (
                "od",
                "0000000 011201 062510 066154 020157 062510 066154 020157 062510\n\
                 0000020 066154 020557\n0000024\n",
            ),
            (
                "od -c",
                "0000000 201 022   H   e   l   l   o       H   e   l   l   o       H   e\n\
                 0000020   l   l   o   !\n0000024\n",
            ),
            (
                "od -t u1",
                "0000000 129  18  72 101 108 108 111  32  72 101 108 108 111  32  72 101\n\
                 0000020 108 108 111  33\n0000024\n",
            ),
            (
                "od -t x1z",
                "0000000 81 12 48 65 6c 6c 6f 20 48 65 6c 6c 6f 20 48 65  >..Hello Hello He<\n\
                 0000020 6c 6c 6f 21                                      >llo!<\n0000024\n",
            ),
            (
                "od -d",
                "0000000  4737 25928 27756  8303 25928 27756  8303 25928\n0000020 27756  8559\n0000024\n",
            ),
            (
                "hexdump -c",
                "0000000 201 022   H   e   l   l   o       H   e   l   l   o       H   e\n\
                 0000010   l   l   o   !                                                \n0000014\n",
            ),
            (
                "Wireshark",
                "0000   81 12 48 65 6c 6c 6f 20 48 65 6c 6c 6f 20 48 65   ..Hello Hello He\n\
                 0010   6c 6c 6f 21                                       llo!\n",
            ),
            (
                "hexyl",
                "┌────────┬─────────────────────────┬─────────────────────────┬────────┬────────┐\n\
                 │00000000│ 81 12 48 65 6c 6c 6f 20 ┊ 48 65 6c 6c 6f 20 48 65 │×•Hello ┊Hello He│\n\
                 │00000010│ 6c 6c 6f 21             ┊                         │llo!    ┊        │\n",
            ),
            (
                "tcpdump -X",
                "\t0x0000:  8112 4865 6c6c 6f20 4865 6c6c 6f20 4865  ..Hello.Hello.He\n\
                 \t0x0010:  6c6c 6f21                                llo!\n",
            ),
        ] {
            is_read_as(name, text, b"\x81\x12Hello Hello Hello!");
        }
    }

    #[test]
    fn of_hexyl_is_read_whole_in_both_its_halves() {
        for (cells, text, bytes) in [
            (
                "81 05 48 65 6c 6c 6f 20 ┊ 48                     ",
                "×•Hello ┊H       ",
                &b"\x81\x05Hello H"[..],
            ),
            (
                "81 06 48 65 6c 6c 6f 20 ┊                        ",
                "×•Hello ┊        ",
                b"\x81\x06Hello ",
            ),
            (
                "81 0e 48 65 6c 6c 6f 20 ┊ 48 65 6c 6c 6f 20 48 65",
                "×•Hello ┊Hello He",
                b"\x81\x0eHello Hello He",
            ),
        ] {
            let frame =
                "┌────────┬─────────────────────────┬─────────────────────────┬────────┬────────┐";
            is_read_as(
                text,
                &format!("{frame}\n│00000000│ {cells} │{text}│\n"),
                bytes,
            );
        }
    }

    #[test]
    fn of_digits_alone_is_read_by_where_they_stand() {
        for (name, text, bytes) in [
            (
                "od -t x1",
                "0000000 81 10 48 65\n0000004\n",
                &b"\x81\x10He"[..],
            ),
            ("od -t u1", "0000000  88  10\n0000002\n", b"\x58\x0a"),
            ("od -t u1, a 0", "0000000 137   0\n0000002\n", b"\x89\0"),
            ("od -t x2", "0000000 0581 6548\n0000004\n", b"\x81\x05He"),
            (
                "od -t x2, a last byte that is no 0",
                "0000000 0581 016f\n",
                b"\x81\x05o\x01",
            ),
            // No machine has such words.
            (
                "xxd -g16",
                "00000000: 810748656c6c6f2121\n",
                b"\x81\x07Hello!!",
            ),
        ] {
            is_read_as(name, text, bytes);
        }
    }

    #[test]
    fn may_leave_out_repeated_lines() {
        for (name, text) in [
            (
                "xxd -a",
                "00000000: 827e 0100 0000 0000 0000 0000 0000 0000  .~..............\n\
                 00000010: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n*\n\
                 00000100: 0000 0000                                ....\n",
            ),
            (
                "hexdump -C",
                "00000000  82 7e 01 00 00 00 00 00  00 00 00 00 00 00 00 00  |.~..............|\n\
                 00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n\
                 00000100  00 00 00 00                                       |....|\n00000104\n",
            ),
            (
                "hexdump",
                "0000000 7e82 0001 0000 0000 0000 0000 0000 0000\n\
                 0000010 0000 0000 0000 0000 0000 0000 0000 0000\n*\n\
                 0000100 0000 0000                              \n0000104\n",
            ),
            (
                "od",
                "0000000 077202 000001 000000 000000 000000 000000 000000 000000\n\
                 0000020 000000 000000 000000 000000 000000 000000 000000 000000\n*\n\
                 0000400 000000 000000\n0000404\n",
            ),
        ] {
            is_read_as(name, text, &zeros());
        }
    }

    #[test]
    fn that_begins_later_is_read_and_told_to_be_a_part() {
        let text = "00000010: 8105 4865 6c6c 6f                        ..Hello\n";
        is_read_as("a part", text, HELLO);
        assert!(
            decode(text, &[])
                .stderr
                .contains("begins at offset 00000010")
        );
        is_read_as(
            "of lines that are left out",
            "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n\
             00000030  81 00                                             |..|\n00000032\n",
            &[&[0; 32][..], b"\x81\0"].concat(),
        );
        // The address of a debugger says nothing of that kind.
        assert_eq!(decode("0x16fdff2a0: 81 00\n", &[]).stderr, "");
    }

    #[test]
    fn whose_order_of_bytes_nothing_shows_is_refused_until_it_is_said() {
        let text = "00000000: 81060102 03040506                    ........\n";
        is_refused(
            text,
            "81 06 01 02 … as hex in the order of the bytes, or 02 01 06 81 …",
        );
        let stdout = |input| decode(text, &["--input", input]).stdout;
        assert_eq!(stdout("dump"), decode("8106010203040506", &[]).stdout);
        assert_eq!(stdout("words"), decode("0201068106050403", &[]).stdout);
    }

    #[test]
    fn of_words_is_told_to_be_read_as_little_endian() {
        let run = decode("0000000 0481 6548 6c6c\n0000006\n", &[]);
        assert!(
            run.stderr
                .contains("words of 2 bytes, read as little-endian"),
            "{}",
            run.stderr
        );
        assert_eq!(run.code, 0);
    }

    #[test]
    fn that_makes_no_sense_is_refused_where_it_does_not() {
        for (text, how) in [
            (
                "00000000: 8105 4865 6c6c 6f20 4865 6c6c 6f20 4865  ..Hello Hello He\n\
                 00000020: 6c6c 6f20                                llo \n",
                "line 1, column 1: \"00000000: 8105 4865 6c6c…\": the next line's offset does not fit",
            ),
            (
                "00000000: 8105 4865 6c6c 6f                        ..Hello\nand so on\n",
                "line 2, column 1: \"and so on\": a line of a dump begins with an offset, this one does not",
            ),
            (
                "00000000: 8105                                     ..\n...\n",
                "line 2, column 1: \"...\": lines of the dump are left out here",
            ),
            (
                "00000000: zz\n",
                "column 1: \"00000000: zz\": these are no bytes",
            ),
            (
                "0000000 soh enq   H   e   l   l   o\n0000007\n",
                "od -a leaves out the highest bit",
            ),
            (
                "0000000 0581 6548 6c6c 006f\n",
                "is the last byte, 00, one of them, or only there to fill its word?",
            ),
            (
                "00000000  81 00                                             |..|\n00000002\n\
                 00000000  89 00                                             |..|\n00000002\n",
                "another dump begins here; one at a time",
            ),
            (
                "00000000  82 7e 01 00 00 00 00 00  00 00 00 00 00 00 00 00\n*\n00000028  00\n",
                "* stands for lines like the last one",
            ),
            (
                "0000000 000401 000401 000401 000401 000401 000401 000401 000401\n*\n0000060 000401\n0000062\n",
                "line 2, column 1: \"*\": lines are left out up to an offset that may be hex",
            ),
            (
                "0000000 0101 0101 0101 0101 0101 0101 0101 0101\n*\n0000080 0101\n0000082\n",
                "line 2, column 1: \"*\": lines are left out up to an offset that may be hex",
            ),
            (
                "00000000  82 7e 01 00 00 00 00 00  00 00 00 00 00 00 00 00\n*\n10000000  00\n",
                "* stands for lines like the last one",
            ),
            ("000000 81 05 48 65", "an offset, or bytes?"),
            ("8105  48 65 6c 6c 6f", "an offset, or bytes?"),
            (
                "00000000: 8105 486\n",
                "column 1: \"00000000: 8105 486\": these are no bytes",
            ),
            (
                "\t0x0000:  8105 4865 6c6c 6f20 4865\n\t0x0010:  6c6c\n",
                "the next line's offset does not fit",
            ),
            // What fills the last word up is no zero.
            (
                "0000000 0581 6548 6c6c 216f\n0000007\n",
                "the next line's offset does not fit",
            ),
            // Words in the order of the bytes are not filled up.
            (
                "00000000: 8105 4865\n00000003: 6c6c\n",
                "the next line's offset does not fit",
            ),
            // Text begins after a gap.
            (
                "00000000: 8105 4865 ..He\n00000004: 6c6c 6f    llo\n",
                "the next line's offset does not fit",
            ),
        ] {
            is_refused(text, how);
        }
    }

    #[test]
    fn of_words_is_understood_only_if_its_whole_text_shows_these_bytes() {
        let dump = |text| format!("00000000: 65480581   6f6c6c                    {text}\n");
        for text in ["..Hello", ". Hello", "\u{D7}\u{2022}Hello"] {
            is_read_as(text, &dump(text), HELLO);
        }
        for text in ["..Hell", "..H", "..Hellx", "..Hello!", "xxHello", ""] {
            is_refused(
                &dump(text),
                "65 48 05 81 as hex in the order of the bytes, or 81 05 48 65 …",
            );
        }
        // Blanks at the end of a line get lost.
        let blank = "00000000: 20410281                            ..A\n";
        is_read_as("a blank at the end", blank, b"\x81\x02A ");
    }

    #[test]
    fn with_text_that_looks_like_bytes_ends_before_it() {
        for (text, bytes) in [
            // The payload is "abcd abcd abcd", which is printed beside the bytes.
            (
                "00000000: 810e 6162 6364 2061 6263 6420 6162 6364  ..abcd abcd abcd\n",
                &b"\x81\x0eabcd abcd abcd"[..],
            ),
            ("00000000: 61 62 20 61 62 20 61 62  ab ab ab\n", b"ab ab ab"),
            (
                "00000000  61 62 20 61 62 20 61 62  61 62                    |ab ab abab|\n",
                b"ab ab abab",
            ),
        ] {
            is_read_as(text, text, bytes);
        }
    }
}

mod words_without_offsets {
    use super::*;

    #[test]
    fn of_other_digits_are_read() {
        for text in [
            "10000001 00000101 01001000 01100101 01101100 01101100 01101111",
            "[10000001 00000101 01001000 01100101 01101100 01101100 01101111]",
            "0b10000001 0b00000101 0b01001000 0b01100101 0b01101100 0b01101100 0b01101111",
            "0b1000_0001, 0b0000_0101, 0b0100_1000, 0b0110_0101, 0b0110_1100, 0b0110_1100, 0b0110_1111",
            " 201 005 110 145 154 154 157\n",
            " -127    5   72  101  108  108  111\n",
            "81_05_48_65_6c_6c_6f",
            "0x8105_4865_6c6c_6f",
        ] {
            is_read_as(text, text, HELLO);
        }
    }

    #[test]
    fn are_refused_where_another_reading_is_likelier_until_it_is_said() {
        let turned = " 0581 6548 6c6c 016f\n";
        is_refused(
            turned,
            "as words of the machine 81 05 48 65 …; --input hex or words",
        );
        assert_eq!(decode(turned, &["--input", "words"]).code, 3);
        assert_eq!(decode(turned, &["--input", "hex"]).code, 1);
        is_refused(
            "0201 0005 0110 0145 0154",
            "as octal numbers these are the bytes 81 05 48 65 …, as hex 02 01",
        );
        is_refused(
            " 201 205 167 172\n",
            "as octal numbers these are the bytes 81 85 77 7a, as decimal numbers c9",
        );
        is_refused("1000000100000101", "binary digits, or hex?");
        // Where they make a better beginning as they stand, they are what they look like.
        is_read_as("xxd", "8105 4865 6c6c 6f00", b"\x81\x05Hello\0");
    }

    #[test]
    fn that_are_no_bytes_are_refused() {
        is_refused("2024-01-01", "groups of different sizes");
        is_refused(
            "550e8400-e29b-41d4-a716-446655440000",
            "groups of different sizes",
        );
        is_refused("16#81 16#05", "'#' is not a hex digit");
        is_refused("[1] 81 05 48 65 6c 6c 6f", "column 2: \"1\"");
        is_read_as("groups", "8105-4865-6c6c-6f", HELLO);
    }
}

mod a_packet {
    use super::*;

    /// Its IP header, TCP header and payload.
    const PACKET: &str = "4500002f000040004006 3cc7 7f000001 7f000001 9c401f90 00000001 00000001 5018 0200 0000 0000 81054865 6c6c6f";

    #[test]
    fn alone_is_taken_out_of_its_headers() {
        let run = decode(PACKET, &[]);
        assert!(
            run.stdout.contains("\nlegal: 1 frame, 1 message"),
            "{}{}",
            run.stdout,
            run.stderr
        );
        assert!(
            run.stderr
                .contains("one packet, whose headers are not judged"),
            "{}",
            run.stderr
        );
        assert_eq!(decode(PACKET, &["--input", "hex"]).code, 1);
    }

    #[test]
    fn without_its_bytes_is_refused() {
        for text in [
            "11:30:37.502670 IP 127.0.0.1.36386 > 127.0.0.1.44105: Flags [S], length 0\nE..<\n",
            "    1   0.000000    127.0.0.1 → 127.0.0.1    TCP 74 36386 → 44105 [SYN] Seq=0\n",
            "Frame 1: 74 bytes on wire (592 bits), 74 bytes captured (592 bits)\n",
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<pdml/>\n",
        ] {
            is_refused(text, "packets, but not all their bytes; tcpdump -x");
        }
    }
}

mod a_literal {
    use super::*;

    #[test]
    fn of_each_language_is_read() {
        for text in [
            r"b'\x81\x05Hello'",
            r#"b"\x81\x05Hello""#,
            r"bytearray(b'\x81\x05Hello')",
            "(b'\\x81\\x05'\n b'Hello')",
            r#""\x81\x05\x48\x65\x6c\x6c\x6f""#,
            // Wireshark, "as Escaped String".
            "\"\\x81\\x05\\x48\\x65\" \\\n\"\\x6c\\x6c\\x6f\"\n",
            r#"const char *frame = "\x81\x05" "Hello";"#,
            r#""\201\005Hello""#,
            r"$'\x81\x05Hello'",
            r"\x81\x05Hello",
            r"\x81 \x05 \x48 \x65 \x6c \x6c \x6f",
            r#"$1 = "\201\005Hello""#,
            "0x555555558020 <buf>:\t\"\\201\\005Hello\"",
            "“\\x81\\x05Hello”",
            "b‘\\x81\\x05Hello’",
        ] {
            is_read_as(text, text, HELLO);
        }
        let of_zeros = r"$1 = \202~\001\000', '\000' <repeats 256 times>".replace(r"= \", r"= '\");
        is_read_as("gdb", &of_zeros, &zeros());
    }

    #[test]
    fn that_is_cut_or_unclear_is_refused() {
        for (text, how) in [
            (
                r#""\201\005Hel"..."#,
                "column 14: \"...\": the string is cut here",
            ),
            (
                r#""\x81\x05Hel"#,
                "column 1: \"\\\"\\\\x81\\\\x05Hel\": the string has no end",
            ),
            (
                "\"\\x81\\x05Gr\u{fc}n\"",
                "column 12: \"ün\\\"\": outside ASCII a character may be one byte",
            ),
            (
                r#""\u0081\u0005""#,
                "column 2: \"\\\\u0081\\\\u0005\\\"\": names a character",
            ),
            (r"b'810548656c6c6f'", "a string of bytes that is hex itself"),
            (
                r"b'gQVIZWxsbw=='",
                "a string of bytes that is base64 itself",
            ),
            (
                r"\x810548656c6c6f",
                "hex as PostgreSQL prints it? Without \\x it is hex; --input string",
            ),
            (r"'\x810548656c6c6f'", "hex as PostgreSQL prints it?"),
            (
                r#""\129\005Hello""#,
                "with decimal ones, as in Lua, 81 05 48 65",
            ),
            (
                r"\q",
                "column 1: \"\\\\q\": a \\ that begins no known escape",
            ),
            (r"\x8", "\\x needs two hex digits"),
            (r"\400", "above \\377"),
            (r#"print "\x81" x"#, "what is this in front of the string?"),
            (
                r#""\x81" x"#,
                "column 8: \"x\": what is this after the string?",
            ),
        ] {
            is_refused(text, how);
        }
    }
}

mod numbers {
    use super::*;

    #[test]
    fn of_each_language_are_read() {
        for text in [
            "[129, 5, 72, 101, 108, 108, 111]",
            "[-127, 5, 72, 101, 108, 108, 111]",
            "[129 5 72 101 108 108 111]",
            "129 5 72 101 108 108 111",
            "129,5,72,101,108,108,111",
            "Uint8Array(7) [\n  129,   5,  72, 101,\n  108, 108, 111\n]",
            "Int8Array(7) [\n  -127,   5,  72, 101,\n  108, 108, 111\n]",
            "(7) [129, 5, 72, 101, 108, 108, 111]",
            "Uint8Array(7) [129, 5, 72, 101, 108, 108, 111, buffer: ArrayBuffer(7), byteLength: 7, byteOffset: 0, length: 7, \
             Symbol(Symbol.toStringTag): 'Uint8Array']",
            "{\"type\":\"Buffer\",\"data\":[129,5,72,101,108,108,111]}",
            "{\"0\":129,\"1\":5,\"2\":72,\"3\":101,\"4\":108,\"5\":108,\"6\":111}",
            "Some([129, 5, 72, 101, 108, 108, 111])",
            "vec![129, 5, 72, 101, 108, 108, 111]",
            "[81, 05, 48, 65, 6c, 6c, 6f]",
            "[81, 5, 48, 65, 6c, 6c, 6f]",
            "[\n    0x81,\n    0x05,\n    0x48,\n    0x65,\n    0x6c,\n    0x6c,\n    0x6f,\n]",
            "['0x81', '0x5', '0x48', '0x65', '0x6c', '0x6c', '0x6f']",
            "array('B', [129, 5, 72, 101, 108, 108, 111])",
            "new byte[] {(byte) 0x81, 5, 'H', 'e', 'l', 'l', 'o'};",
            "[]byte{0x81, 0x5, 0x48, 0x65, 0x6c, 0x6c, 0x6f}",
            "unsigned char hello[] = {\n  0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f\n};\nunsigned int hello_len = 7;\n",
            "static const uint8_t hello[7] = { /* a message */\n  129, 5, // header\n  'H', 'e', 'l', 'l', 'o' };",
            "$3 = {-127, 5, 72, 101, 108 <repeats 2 times>, 111}",
            "<Buffer 81 05 48 65 6c 6c 6f>",
            "DataView {\n  byteLength: 7,\n  byteOffset: 0,\n  buffer: ArrayBuffer {\n    \
             [Uint8Contents]: <81 05 48 65 6c 6c 6f>,\n    byteLength: 7\n  }\n}",
        ] {
            is_read_as(text, text, HELLO);
        }
        is_read_as("gdb", "$2 = {130, 126, 1, 0 <repeats 257 times>}", &zeros());
    }

    #[test]
    fn that_are_hex_and_decimal_at_once_are_refused_until_it_is_said() {
        for (text, hex, decimal) in [
            ("[10, 20]", "10 20", "0a 14"),
            ("10,20", "10 20", "0a 14"),
            ("[81, 5]", "81 05", "51 05"),
            ("{88 10}", "88 10", "58 0a"),
        ] {
            is_refused(
                text,
                &format!("as hex these are the bytes {hex}, as decimal numbers {decimal}"),
            );
            let stdout = |input| decode(text, &["--input", input]).stdout;
            assert_eq!(stdout("hex"), decode(hex, &[]).stdout, "{text}");
            assert_eq!(stdout("decimal"), decode(decimal, &[]).stdout, "{text}");
        }
        is_read_as("hex", "12345678", b"\x12\x34\x56\x78");
        is_read_as("hex", "10 20", b"\x10\x20");
        is_read_as("the same", "[1, 2]", b"\x01\x02");
    }

    #[test]
    fn that_are_cut_or_no_bytes_are_refused() {
        for (text, how) in [
            (
                "<Buffer 81 7e 00 00 ... 152 more bytes>",
                "column 21: \"... 152 more bytes\": Node.js shows only",
            ),
            (
                "Uint8Array(120) [\n  129, 0, 0,\n  ... 117 more items\n]",
                "line 3, column 3: \"... 117 more items\": the list is cut",
            ),
            (
                "Uint8Array(8) [129, 5, 72]",
                "an array of 8 by its beginning, which holds 3 bytes",
            ),
            (
                "[129, 5, 300]",
                "column 10: \"300\": a byte is a number from 0 to 255",
            ),
            (
                "[129, -5]",
                "column 7: \"-5\": below 0, and another number is above 127",
            ),
            (
                "x = {010, 5}",
                "column 6: \"010\": a number that begins with 0",
            ),
            (
                "char a[] = {1}; char b[] = {2};",
                "another array; one at a time",
            ),
            ("<Buffer 81 05", "the > that ends a buffer is missing"),
            (
                "<Buffer 81 00>\n<Buffer 88 00>",
                "line 2, column 1: \"<Buffer 88 00>\": another buffer follows; one at a time",
            ),
            (
                "[Uint8Contents]: <81 00>, [Uint8Contents]: <88 00>",
                "another buffer follows; one at a time",
            ),
            (
                "<Buffer 81 00> [Uint8Contents]: <88 00>",
                "another buffer follows; one at a time",
            ),
            (
                "[Uint8Contents]: <81 00> <Buffer 88 00>",
                "another buffer follows; one at a time",
            ),
            (
                "<Buffer 81 7e …>",
                "column 15: \"…\": Node.js shows only the beginning",
            ),
            (
                "{\"a\": [1]}",
                "JSON with [\"a\"], which is neither a HAR file nor",
            ),
            ("{\"log\": {\"entries\": [", "the JSON has no end"),
        ] {
            is_refused(text, how);
        }
    }
}

mod hex_digits {
    use super::*;

    #[test]
    fn may_be_set_apart_in_many_ways() {
        for text in [
            "81-05-48-65-6C-6C-6F",
            "81:05:48:65:6c:6c:6f",
            "81 05 48 65 6c 6c 6f # a message",
            "# a message\n81 05\n48 65 6c 6c 6f // Hello\n",
            "# a message\n8105 4865 6c6c 6f\n",
            "8105 4865\n6c6c 6f\n",
            "8105  4865  6c6c6f",
            "81054865\n    6c6c6f\n",
            "\u{FEFF}81 05 48 65 6c 6c 6f",
            "81\u{A0}05\u{A0}48\u{202F}65\u{3000}6c 6c 6f",
            "“81 05 48 65 6c 6c 6f”",
            "81\u{200B}05 48 65 6c 6c 6f\u{200B}",
            "81 05\r\n48 65 6c 6c 6f\r\n",
            "81\u{2011}05\u{2011}48\u{2011}65\u{2011}6c\u{2011}6c\u{2011}6f",
            "\u{1b}[1;32m81\u{1b}[0m 05 48 65 6c 6c 6f",
        ] {
            is_read_as(text, text, HELLO);
        }
        let utf_16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let units = "\u{FEFF}81 05\r\n".encode_utf16();
            units.flat_map(bytes).collect()
        };
        let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
        // Without a mark it can only be the order of Windows.
        for file in [&little, &big, &little[2..]] {
            let run = run_with(&["decode"], file);
            assert_eq!(run.stdout, decode("81 05", &[]).stdout, "{file:02x?}");
        }
        // A blank and quotes as Windows writes them.
        assert_eq!(
            run_with(&["decode"], b"\"81\xa005\x94").stdout,
            decode("81 05", &[]).stdout
        );
        is_read_as("letters alone", "FACE 0548", b"\xFA\xCE\x05\x48");
        // No text begins with what nobody sees: these are the bytes themselves.
        for bytes in [b"\x85 ab", b"\x91 ab", b"\xa0 ab"] {
            let run = run_with(&["decode"], bytes);
            assert_eq!(run.stdout, run_with(&["decode", "--raw"], bytes).stdout);
        }
        let no_text = run_with(&["decode", "--input", "hex"], b"\x81\xff");
        assert_eq!(no_text.code, 2);
        assert!(no_text.stderr.contains("no text"), "{}", no_text.stderr);
    }

    #[test]
    fn are_the_same_in_words_and_in_quotes() {
        for text in [
            "81 05 48 65 6c 6c 6f",
            "[129, 5, 72]",
            r"\x81 \x05",
            "81 8g",
            "[10, 20]",
        ] {
            let words: Vec<_> = ["decode"].into_iter().chain(text.split(' ')).collect();
            let (by_words, by_text) = (run(&words), run(&["decode", text]));
            assert_eq!(by_words.stdout, by_text.stdout);
            assert_eq!(by_words.stderr, by_text.stderr);
            assert_eq!(by_words.code, by_text.code);
        }
    }

    #[test]
    fn that_are_none_are_refused_with_their_place() {
        for (text, how) in [
            ("8", "column 1: \"8\": an odd number of hex digits, 1"),
            ("129", "column 1: \"129\": an odd number of hex digits, 3"),
            ("5 7", "column 1: \"5\": an odd number of hex digits, 1"),
            ("[81, 5, +6]", "column 9: \"+6\": no number"),
            (
                "[81, 5, 005]",
                "column 9: \"005\": a number that begins with 0",
            ),
            (
                "x\t8100\ny\thello\n",
                "column 1: \"x\": 'x' is not a hex digit",
            ),
            (
                "1\t8100\n2\t3\t8100\n",
                "column 1: \"1\": an odd number of hex digits",
            ),
            ("81 8g", "column 4: \"8g\": 'g' is not a hex digit"),
            ("hello", "column 1: \"hello\": 'h' is not a hex digit"),
            ("0x", "0x without digits"),
            (
                "81 O5",
                "column 4: \"O5\": 'O' is not a hex digit: the letter O",
            ),
            ("81 0\u{FF15}", "a full-width character"),
            (
                "81 05 …",
                "column 7: \"…\": '…' is not a hex digit: is the text cut here?",
            ),
            ("81 05...", "is the text cut here?"),
            ("81: 05", "a : or - that is not between two bytes"),
            ("0x8105 0x4865", "the order of the bytes is not known"),
            ("[81 05", "a bracket is not closed"),
            ("81 05]", "a bracket that was not opened"),
            ("81 05\n48 6\n", "line 2, column 4: \"6\": an odd number"),
            (
                "81 05\u{0} 48 65 6c 6c 6f 81 05",
                "column 6: the control character '\\0'",
            ),
            (
                "Cargo.toml",
                "(--file Cargo.toml decodes what is in the file)",
            ),
        ] {
            if text == "Cargo.toml" {
                let run = run(&["decode", text]);
                assert!(run.stderr.contains(how), "{}", run.stderr);
                continue;
            }
            is_refused(text, how);
        }
    }
}

mod base64 {
    use super::*;

    #[test]
    fn is_read_where_hex_is_not_possible_and_a_stream_can_begin_so() {
        is_read_as("base64", "gQVIZWxsbw==", HELLO);
        is_read_as("without padding", "gYU3-iE9f59NUVg", MASKED);
        is_read_as("with padding of its own", "gYU3+iE9f59NUVg=\n", MASKED);
        assert_eq!(
            decode("gQVIZWxsbw==", &[]).stderr,
            "plainws: read as base64\n"
        );
        is_read_as("hex comes first", "8105abcd", b"\x81\x05\xab\xcd");
        is_read_as("the shortest", "gQVIZWw=", b"\x81\x05Hel");
        is_refused("gQVIZWw", "column 1: \"gQVIZWw\": 'g' is not a hex digit");
        // Of a word that could be base64, too.
        is_refused("Websocket123", "'W' is not a hex digit");
        let run = decode("Websocket123", &["--input", "base64"]);
        assert_eq!(run.code, 1);
        // Its first bytes are those of a comment.
        is_refused("/////4EFSGVsbG8=", "a comment, or base64?");
        is_refused("// a comment", "no bytes to decode");
    }
}

mod a_session {
    use super::*;

    const SESSION: &str = "\
#1 > 0.012345 81 85 37 fa 21 3d 7f 9f 4d 51 58
#1 < 0.012811 81 05 48 65 6c 6c 6f
# a comment
#1 > 0.5 88 80 00 00 00 00
";

    #[test]
    fn is_read_in_both_directions_with_its_times() {
        let run = decode(SESSION, &[]);
        assert_eq!((run.code, &*run.stderr), (0, ""), "{}", run.stdout);
        assert!(
            run.stdout.contains("client to server\nlegal: 2 frames"),
            "{}",
            run.stdout
        );
        assert!(
            run.stdout.contains("server to client\nlegal: 1 frame"),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("+0.47 ms"), "{}", run.stdout);
    }

    #[test]
    fn may_be_written_by_hand() {
        let text = "> 81 85 37 fa 21 3d 7f 9f 4d 51 58\n\n< 81 05 48 65 6c 6c 6f\n> 888000000000\n";
        let run = decode(text, &[]);
        assert!(
            run.stdout.contains("client to server\nlegal: 2 frames"),
            "{}",
            run.stdout
        );
        assert!(
            run.stdout.contains("server to client\nlegal: 1 frame"),
            "{}",
            run.stdout
        );
    }

    #[test]
    fn with_offsets_is_refused() {
        is_refused(
            "< 00000000 81 05 48 65 6c 6c 6f   # ..Hello\n",
            "an offset, as nc -o writes it?",
        );
        // Without a comment they are bytes.
        let run = decode("< 00000000 81 05 48 65 6c 6c 6f\n", &["--json"]);
        assert!(run.stdout.contains("\"length\": 11"), "{}", run.stdout);
    }

    #[test]
    fn has_its_connections_apart() {
        let text = SESSION.to_owned() + "#2 < 1.5 88 00\n#2 > 1.6 88 80 00 00 00 00\n";
        let run = decode(&text, &[]);
        assert_eq!(
            run.stdout.matches("client to server\n").count(),
            2,
            "{}",
            run.stdout
        );
    }

    /// A line of a session.
    fn line(connection: u8, mark: char, bytes: &str) -> String {
        let digits: String = bytes.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("#{connection} {mark} {digits}\n")
    }

    #[test]
    fn is_shown_without_the_ordinary_http_beside_it() {
        let page = line(2, '>', "GET / HTTP/1.1\r\nReferer: /websocket\r\n\r\n")
            + &line(2, '<', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let run = decode(&(SESSION.to_owned() + &page), &[]);
        let note = "plainws: 1 connection of ordinary HTTP is left out\n";
        assert_eq!((run.code, &*run.stderr), (0, note), "{}", run.stdout);
        // It is judged where there is nothing else, where a WebSocket follows on the same connection, and
        // where a WebSocket was asked for.
        let upgraded = line(2, '<', "HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let asked = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\n";
        let refused = line(2, '>', asked) + &line(2, '<', "HTTP/1.1 403 Forbidden\r\n\r\n");
        for text in [
            page.clone(),
            format!("{SESSION}{page}{upgraded}"),
            format!("{SESSION}{refused}"),
        ] {
            let run = decode(&text, &[]);
            assert_eq!((run.code, &*run.stderr), (1, ""), "{}", run.stdout);
        }
    }

    #[test]
    fn with_anything_else_is_refused_where_that_is() {
        for (text, how) in [
            (
                "> 81 00\nhello\n",
                "line 2, column 1: \"hello\": a line of a saved session begins with",
            ),
            ("> 81 0x\n", "column 6: \"0x\": after > and <"),
            ("> GET / HTTP/1.1\n", "column 3: \"GET\": after > and <"),
            (
                "#3 < 81 05            TEXT  fin             5 \"Hello\"\n",
                "a line of --trace",
            ),
        ] {
            is_refused(text, how);
        }
    }
}

mod both_directions {
    use super::*;

    const RAW: &str = "
===================================================================
Follow: tcp,raw
Filter: tcp.stream eq 0
Node 0: 127.0.0.1:34012
Node 1: 127.0.0.1:18765
8185d1274ae69942268abe
\t810548656c6c6f
8882d44434abd7ac
\t880203e8
===================================================================
";

    const HEX: &str = "
===================================================================
Follow: tcp,hex
Filter: tcp.stream eq 0
Node 0: 127.0.0.1:34012
Node 1: 127.0.0.1:18765
00000000  81 85 d1 27 4a e6 99 42  26 8a be                 ...'J..B &..
\t00000000  81 05 48 65 6c 6c 6f                              ..Hello
0000000B  88 82 d4 44 34 ab d7 ac                           ...D4...
\t00000007  88 02 03 e8                                       ....
===================================================================
";

    const YAML: &str = "peers:
  - peer: 0
    host: 127.0.0.1
    port: 34012
  - peer: 1
    host: 127.0.0.1
    port: 18765
packets:
  - packet: 8
    peer: 0
    timestamp: 1795686710.480334044
    data: !!binary |
      gYXRJ0rmmUImir4=
  - packet: 9
    peer: 1
    timestamp: 1795686710.480377913
    data: !!binary |
      gQVIZWxsbw==
  - packet: 13
    peer: 0
    timestamp: 1795686710.978768110
    data: !!binary |
      iILURDSr
      16w=
  - packet: 14
    peer: 1
    timestamp: 1795686710.978997946
    data: !!binary |
      iAID6A==
";

    const ARRAYS: &str = "/* Packet 8 */
char peer0_0[] = {
0x81, 0x85, 0xd1, 0x27, 0x4a, 0xe6, 0x99, 0x42,
0x26, 0x8a, 0xbe };
char peer1_0[] = { /* Packet 9 */
0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f };
char peer0_1[] = { /* Packet 13 */
0x88, 0x82, 0xd4, 0x44, 0x34, 0xab, 0xd7, 0xac };
char peer1_1[] = { /* Packet 14 */
0x88, 0x02, 0x03, 0xe8 };
";

    /// Where each piece came from, and when.
    fn borders(stdout: &str) -> Vec<&str> {
        let lines = stdout.lines();
        lines.filter_map(|line| line.strip_prefix("--- ")).collect()
    }

    #[track_caller]
    fn are_read(name: &str, text: &str, from: [&str; 4]) {
        let run = decode(text, &[]);
        assert_eq!(borders(&run.stdout), from, "{name}");
        assert_eq!((run.code, &*run.stderr), (0, ""), "{name}: {}", run.stdout);
        for verdict in [
            "client to server\nlegal: 2 frames, 1 message, closed with 1000 normal closure",
            "server to client\nlegal: 2 frames, 1 message, closed with 1000 normal closure",
        ] {
            assert!(run.stdout.contains(verdict), "{name}: {}", run.stdout);
        }
        // Each end in its turn.
        let order: Vec<_> = run
            .stdout
            .lines()
            .filter(|line| line.starts_with("frame "))
            .collect();
        let senders: Vec<_> = order
            .iter()
            .map(|line| line.contains("client to server"))
            .collect();
        assert_eq!(senders, [true, false, true, false], "{name}");
    }

    #[test]
    fn of_a_connection_that_tshark_or_wireshark_follows_are_read() {
        let without_heading = HEX.lines().skip(6).take(4).collect::<Vec<_>>().join("\n");
        let lines = ["line 7", "line 8", "line 9", "line 10"];
        let times = [
            "packet 8  +0.00 ms",
            "packet 9  +0.04 ms",
            "packet 13  +498 ms",
            "packet 14  +499 ms",
        ];
        for (name, from, text) in [
            ("raw", lines, RAW),
            ("hex", lines, HEX),
            ("yaml", times, YAML),
            (
                "C arrays",
                ["array 1", "array 2", "array 3", "array 4"],
                ARRAYS,
            ),
            (
                "Wireshark's hex dump",
                ["line 1", "line 2", "line 3", "line 4"],
                &without_heading.replace('\t', "    "),
            ),
            (
                "Wireshark's older yaml",
                ["packet 1", "packet 2", "packet 3", "packet 4"],
                "# Packet 8\npeer0_0: !!binary |\n  gYXRJ0rmmUImir4=\n\
                peer1_0: !!binary |\n  gQVIZWxsbw==\npeer0_1: !!binary |\n  iILURDSr16w=\npeer1_1: !!binary |\n  iAID6A==\n",
            ),
        ] {
            are_read(name, text, from);
        }
    }

    #[test]
    fn without_a_sign_of_who_sent_them_are_the_clients_and_then_the_servers() {
        // As in the middle of a frame; the second end comes first.
        let second = packet(80, 4000, 1, 0x18, b"\x7f\x02\xaa\xbb");
        let packets = [
            packet(4000, 80, 1, 0x10, b""),
            second,
            packet(4000, 80, 1, 0x18, b"\x7f\x01"),
        ];
        let packets = packets.map(|packet| dump(&packet, "NNNN", 1)).join("\n");
        let yaml = |name: &str| {
            format!("{name}1\n    data: !!binary fwKquw==\n{name}0\n    data: !!binary fwE=\n")
        };
        for (name, text) in [
            ("raw", "Follow: tcp,raw\n\t7f02aabb\n7f01\n"),
            (
                "hex",
                "Follow: tcp,hex\n\t00000000  7f 02 aa bb\n00000000  7f 01\n",
            ),
            ("yaml", &yaml("  - packet: 1\n    peer: ")),
            (
                "older yaml",
                "peer1_0: !!binary fwKquw==\npeer0_0: !!binary fwE=\n",
            ),
            (
                "C arrays",
                "char peer1_0[] = { 127, 2, 170, 187 }; char peer0_0[] = { 127, 1 };",
            ),
            ("packets", &packets),
        ] {
            let run = decode(text, &["--json"]);
            let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
            let of = |stream: usize| {
                let stream = &json["streams"][stream];
                (stream["sender"].as_str(), stream["length"].as_u64())
            };
            let expected = [(Some("client"), Some(2)), (Some("server"), Some(4))];
            assert_eq!([of(0), of(1)], expected, "{name}");
        }
    }

    #[test]
    fn go_by_what_was_sent_where_the_first_end_is_the_server() {
        let swapped: Vec<_> = RAW
            .lines()
            .map(|line| match line.strip_prefix('\t') {
                Some(first) => first.to_owned(),
                None if line.starts_with('8') => format!("\t{line}"),
                None => line.to_owned(),
            })
            .collect();
        let lines = ["line 7", "line 8", "line 9", "line 10"];
        are_read("swapped", &swapped.join("\n"), lines);
    }

    /// The packet that carries a payload from one port of 127.0.0.1 to another, and its IP header's checksum.
    fn packet(from: u16, to: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(40 + payload.len()).expect("it is short");
        let mut ip = [
            &[0x45, 0][..],
            &length.to_be_bytes(),
            &[0, 1, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1],
        ]
        .concat();
        let sum: u32 = ip
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
            .sum();
        let checksum = u16::try_from((sum & 0xFFFF) + (sum >> 16)).map_or(0, |sum| !sum);
        ip[10..12].copy_from_slice(&checksum.to_be_bytes());
        let tcp = [
            &from.to_be_bytes()[..],
            &to.to_be_bytes(),
            &sequence.to_be_bytes(),
            &[0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0],
        ];
        [&ip, &tcp.concat(), payload].concat()
    }

    /// The conversation of the other formats: SYN, and a frame of each side twice, the first of the client in two
    /// segments that come in the wrong order, the server's first one twice.
    fn packets() -> Vec<Vec<u8>> {
        let (to_server, to_client) = (
            b"\x81\x85\xd1\x27\x4a\xe6\x99\x42\x26\x8a\xbe\x88\x82\xd4\x44\x34\xab\xd7\xac",
            b"\x81\x05Hello\x88\x02\x03\xe8",
        );
        // Its sequence numbers wrap around.
        let client = |from: usize, to: usize| {
            packet(
                4000,
                80,
                (u32::MAX - 2).wrapping_add(u32::try_from(from).expect("short")),
                0x18,
                &to_server[from..to],
            )
        };
        let server = |from: usize, to: usize| {
            packet(
                80,
                4000,
                501 + u32::try_from(from).expect("short"),
                0x18,
                &to_client[from..to],
            )
        };
        vec![
            packet(4000, 80, u32::MAX - 3, 0x02, b""),
            packet(80, 4000, 500, 0x12, b""),
            client(4, 11),
            client(0, 4),
            server(0, 7),
            server(0, 7),
            client(11, 19),
            server(7, 11),
        ]
    }

    fn dump(packet: &[u8], offset: &str, words: usize) -> String {
        let rows = (0..).step_by(16).zip(packet.chunks(16)).map(|(at, row)| {
            let cells: Vec<_> = row
                .chunks(words)
                .map(|cell| hex(cell).replace(' ', ""))
                .collect();
            format!(
                "{}  {}\n",
                offset.replace("NNNN", &format!("{at:04x}")),
                cells.join(" ")
            )
        });
        rows.collect()
    }

    fn tcpdump() -> String {
        let each = (0..).zip(packets()).map(|(at, packet)| {
            // An hour begins meanwhile.
            let time = match at {
                ..4 => "09:59:59.990".to_owned(),
                _ => format!("10:00:00.00{at}"),
            };
            let line = format!("{time} IP 127.0.0.1.4000 > 127.0.0.1.80: Flags [P.], length 7\n");
            line + &dump(&packet, "\t0xNNNN:", 2)
        });
        each.collect()
    }

    fn tshark() -> String {
        let each = packets().into_iter().map(|packet| {
            let framed = [&[0; 12][..], &[8, 0], &packet].concat();
            format!(
                "Frame ({} bytes):\n{}Unmasked data (5 bytes):\n0000  48 65 6c 6c 6f   Hello\n\n",
                framed.len(),
                dump(&framed, "NNNN", 1)
            )
        });
        each.collect()
    }

    fn json(raw: bool) -> String {
        let each = (1..).zip(packets()).map(|(number, packet)| {
            let digits = hex(&packet).replace(' ', "");
            let tcp = &packet[20..];
            let port = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
            let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
            let time = number.max(4);
            let layers = if raw {
                format!(r#""frame_raw": ["{digits}", 0, 1, 0, 1]"#)
            } else {
                format!(
                    r#""frame": {{"frame.number": "{number}", "frame.time_relative": "0.00{time}"}},
                    "ip": {{"ip.src": "127.0.0.1", "ip.dst": "127.0.0.1"}},
                    "tcp": {{"tcp.srcport": "{}", "tcp.dstport": "{}", "tcp.seq_raw": "{sequence}",
                    "tcp.flags": "0x00{:02x}", "tcp.payload": "{}"}}"#,
                    port(0),
                    port(2),
                    tcp[13],
                    hex(&tcp[20..]).replace(' ', ":"),
                )
            };
            format!(r#"{{"_index": "packets", "_source": {{"layers": {{{layers}}}}}}}"#)
        });
        format!("[{}]", each.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn of_packets_are_taken_out_of_their_headers_and_put_in_order() {
        let numbers = ["packet 4", "packet 5", "packet 7", "packet 8"];
        let with = |times: [&str; 4]| {
            let with: Vec<_> = numbers.iter().zip(times).collect();
            with.iter()
                .map(|(number, time)| format!("{number}  +{time} ms"))
                .collect()
        };
        let without: Vec<_> = numbers.map(str::to_owned).into();
        for (name, from, text) in [
            (
                "tcpdump -x",
                with(["0.00", "14.0", "16.0", "17.0"]),
                tcpdump(),
            ),
            ("tshark -x", without.clone(), tshark()),
            (
                "tshark -T json",
                with(["0.00", "1.00", "3.00", "4.00"]),
                json(false),
            ),
            ("tshark -T jsonraw", without, json(true)),
        ] {
            let run = decode(&text, &[]);
            assert_eq!((run.code, &*run.stderr), (0, ""), "{name}: {}", run.stdout);
            assert_eq!(borders(&run.stdout), from, "{name}");
            for sender in ["client to server", "server to client"] {
                let verdict = format!("{sender}\nlegal: 2 frames, 1 message, closed with 1000");
                assert!(run.stdout.contains(&verdict), "{name}: {}", run.stdout);
            }
        }
        // The one that answers a call is the server.
        let answered: String = packets()[1..]
            .iter()
            .map(|packet| dump(packet, "NNNN", 1) + "\n")
            .collect();
        assert_eq!(decode(&answered, &[]).code, 0);
        // One packet, as Wireshark copies it.
        let one = dump(&packets()[4], "NNNN", 1);
        assert!(
            decode(&one, &[])
                .stdout
                .contains("legal: 1 frame, 1 message")
        );
    }

    #[test]
    fn of_packets_that_are_cut_missing_or_others_are_refused() {
        let lost: Vec<_> = packets()
            .into_iter()
            .enumerate()
            .filter(|(at, _)| *at != 3)
            .map(|(_, packet)| packet)
            .collect();
        let text: String = lost
            .iter()
            .map(|packet| dump(packet, "NNNN", 1) + "\n")
            .collect();
        is_refused(
            &text,
            "before packet 3, 4 bytes that 127.0.0.1:4000 sent are missing",
        );
        let mut short = packets().remove(4);
        short.pop();
        is_refused(
            &dump(&short, "NNNN", 1),
            "this packet was not captured whole",
        );
        let udp = tcpdump().replace(" 4006 ", " 4011 ");
        assert_eq!(decode(&udp, &[]).code, 2);
        is_refused(
            "10:00:00.1 IP 127.0.0.1.1 > 127.0.0.1.2: Flags\n\t0x0000:  8105 4865\n",
            "line 2, column 2: \"0x0000:  8105 4865\": this is no IP packet that is whole",
        );
        is_refused(
            r#"[{"_source": {"layers": {"frame": {}, "udp": {}}}}]"#,
            "these packets carry no bytes over TCP",
        );
        is_refused(
            &tcpdump().replace("Flags [P.]", "\nhello"),
            "\"hello, length 7\"",
        );
    }

    #[test]
    fn of_fields_are_told_by_the_others_or_by_whole_lines() {
        const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        let digits = |text: &str| hex(text.as_bytes()).replace(' ', "");
        let payload_alone = format!(
            "\n{}\n\n{}\n8185d1274ae69942268abe\n810548656c6c6f\n8882d44434abd7ac\n880203e8\n",
            digits(REQUEST),
            digits(RESPONSE)
        );
        let run = decode(&payload_alone, &[]);
        assert_eq!((run.code, &*run.stderr), (0, ""), "{}", run.stdout);
        assert_eq!(
            run.stdout.matches("legal: a handshake, 2 frames").count(),
            2,
            "{}",
            run.stdout
        );
        let columns = "1\t0\t4000\t8185d1274ae69942268abe\n2\t0\t80\t81:05:48:65:6c:6c:6f\n3\t0\t4000\t\n\
                       4\t0\t4000\t8882d44434abd7ac\n5\t0\t80\t880203e8\n";
        are_read("columns", columns, ["line 1", "line 2", "line 4", "line 5"]);
        is_refused(
            "8185d1274ae69942268abe\n810548656c6c6f\n",
            "lines of both directions?",
        );
        is_refused(
            &payload_alone.replace("8882d44434abd7ac", "8882d44434ab\nd7ac"),
            "lines of both directions?",
        );
        is_refused(
            &columns.replace("5\t0\t80", "5\t1\t81"),
            "more than two ends",
        );
        // One stream, written over lines.
        is_read_as("lines", "8105\n48656c\n6c6f\n", HELLO);
        is_read_as("frames", "810548656c6c6f\n8900\n", b"\x81\x05Hello\x89\x00");
        let both = "8100898000000000\n898000000000\n";
        is_read_as("both", both, b"\x81\0\x89\x80\0\0\0\0\x89\x80\0\0\0\0");
    }

    #[test]
    fn that_do_not_show_all_bytes_are_refused() {
        is_refused(
            &RAW.replace("tcp,raw", "tcp,ascii"),
            "use follow,tcp,hex or raw or yaml",
        );
        is_refused(
            &RAW.replace("tcp,raw", "websocket,hex"),
            "only follow,tcp shows the frames",
        );
    }

    #[test]
    fn of_a_har_file_are_its_messages_and_told_to_be_no_frames() {
        let har = r#"{"log": {"version": "1.2", "entries": [
            {"request": {"method": "GET", "url": "http://127.0.0.1:8000/"}, "response": {"status": 200}},
            {"request": {"method": "GET", "url": "ws://127.0.0.1:8000/echo?a=b", "headers": [
                {"name": "Host", "value": "127.0.0.1:8000"}, {"name": "Upgrade", "value": "websocket"},
                {"name": "Connection", "value": "Upgrade"}, {"name": "Sec-WebSocket-Version", "value": "13"},
                {"name": "Sec-WebSocket-Key", "value": "dGhlIHNhbXBsZSBub25jZQ=="}]},
             "response": {"status": 101, "statusText": "Switching Protocols", "headers": [
                {"name": "Upgrade", "value": "websocket"}, {"name": "Connection", "value": "Upgrade"},
                {"name": "Sec-WebSocket-Accept", "value": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}]},
             "_webSocketMessages": [
                {"type": "send", "time": 1700000000.1, "opcode": 1, "data": "Hello"},
                {"type": "receive", "time": 1700000000.2, "opcode": 2, "data": "AAE="}]}]}}"#;
        let run = decode(har, &[]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert!(
            run.stderr
                .starts_with("plainws: a HAR file records messages, not frames"),
            "{}",
            run.stderr
        );
        assert!(
            run.stdout.contains("GET /echo?a=b HTTP/1.1"),
            "{}",
            run.stdout
        );
        assert!(
            run.stdout.contains("text, final  \"Hello\""),
            "{}",
            run.stdout
        );
        assert!(
            run.stdout
                .contains("legal: a handshake, 1 frame, 1 message"),
            "{}",
            run.stdout
        );
        is_refused(
            r#"{"log": {"entries": []}}"#,
            "this HAR file holds no messages of a WebSocket",
        );
        let broken = har.replace("\"AAE=\"", "\"A\"");
        is_refused(
            &broken,
            "entry 1, message 2 of the HAR file: its binary data is no base64",
        );
        // Nothing that JSON hides reaches a terminal.
        for (value, hidden, shown) in [
            ("echo?a=b", "\\u202e", "/\\u{202e}"),
            ("\"send\"", "\"\\u009b\"", "Some(\"\\u{9b}\")"),
            (
                "\"opcode\": 1",
                "\"opcode\": \"\\u009b\"",
                "opcode \\\"\\u{9b}\\\" is",
            ),
            ("{\"log\": {", "{\"\\u009b\": {", "JSON with [\"\\u{9b}\"]"),
        ] {
            let run = decode(&har.replace(value, hidden), &[]);
            let all = run.stdout + &run.stderr;
            assert!(all.contains(shown), "{all}");
            assert!(!all.contains(['\u{9b}', '\u{202e}']), "{all}");
        }
    }
}

/// What is refused with hex is named, so that nobody takes it for bytes.
#[test]
fn bytes_in_hex_are_as_before() {
    is_read_as("hex", &hex(MASKED), MASKED);
}
