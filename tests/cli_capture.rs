//! `plainws decode` of captures: of real traffic, put into packets here, and of what may become of those on their way.

use crate::support::packets::*;
use crate::support::run::{Run, check_fit_for_a_terminal, run_with};
use crate::support::{server, skip};
use plainws::Message;
use serde_json::Value;
use std::process::Command;
use std::sync::OnceLock;

/// What passes between a client of the library and its server: a handshake, an echo of two messages, a Close.
fn traffic() -> Vec<Piece> {
    static TRAFFIC: OnceLock<Vec<Piece>> = OnceLock::new();
    let record = || {
        let address = server::start(|server| {
            server.route("/", |ws| {
                while let Some(message) = ws.receive()? {
                    ws.send(message)?;
                }
                plainws::Result::Ok(())
            })
        });
        record(address, |address| {
            let ws =
                plainws::net::client::connect(&format!("ws://{address}/")).expect("it answers");
            for text in ["Hello", "Gruß"] {
                ws.send(text).expect("it is open");
                assert_eq!(ws.receive().expect("an echo"), Some(Message::from(text)));
            }
            ws.close(plainws::CloseCode::NORMAL, "")
                .expect("it is open");
            assert_eq!(ws.receive().expect("an end"), None);
        })
    };
    TRAFFIC.get_or_init(record).clone()
}

fn decode(file: &[u8], options: &[&str]) -> Run {
    run_with(&[&["decode"], options].concat(), file)
}

/// One object for each connection.
fn in_json(file: &[u8], options: &[&str]) -> Vec<Value> {
    let run = decode(file, &[&["--json"], options].concat());
    let objects = serde_json::Deserializer::from_str(&run.stdout).into_iter();
    objects.map(|object| object.expect("it is JSON")).collect()
}

/// Of each direction the texts, and the verdict.
fn directions(connection: &Value) -> Vec<(Vec<String>, String)> {
    let streams = connection["streams"].as_array().expect("a list");
    let texts = |stream: &Value| {
        let frames = stream["frames"].as_array().expect("a list").clone();
        let texts = frames
            .iter()
            .filter_map(|frame| frame["payload.text"].as_str());
        texts.map(str::to_owned).collect()
    };
    let verdict = |stream: &Value| stream["verdict"].as_str().expect("text").to_owned();
    streams
        .iter()
        .map(|stream| (texts(stream), verdict(stream)))
        .collect()
}

/// What the whole traffic comes to.
fn whole() -> Vec<(Vec<String>, String)> {
    let direction = (
        vec!["Hello".to_owned(), "Gruß".to_owned()],
        "legal".to_owned(),
    );
    vec![direction.clone(), direction]
}

fn check_whole(file: &[u8]) {
    let connections = in_json(file, &[]);
    assert_eq!(connections.len(), 1);
    assert_eq!(directions(&connections[0]), whole());
}

fn raw(segments: &[Segment]) -> Vec<u8> {
    pcap(Link::Raw, segments, usize::MAX)
}

mod real_traffic {
    use super::*;

    #[test]
    fn is_found_behind_every_link_in_either_kind_of_file() {
        let segments = segments(40_000, 7, &traffic());
        for link in Link::ALL {
            for file in [
                pcap(link, &segments, usize::MAX),
                pcapng(link, &segments, Order::Little),
                pcapng(link, &segments, Order::Big),
            ] {
                check_whole(&file);
                assert_eq!(decode(&file, &[]).code, 0);
            }
        }
    }

    #[test]
    fn is_shown_in_both_directions_with_packets_and_times() {
        let file = raw(&segments(40_000, 7, &traffic()));
        let run = decode(&file, &[]);
        check_fit_for_a_terminal(&run.stdout);
        assert_eq!((run.code, &*run.stderr), (0, ""));
        let lines = [
            "connection 0  127.0.0.1:40000 to 127.0.0.1:8000",
            "--- packet 3  +0.00 ms",
            "request  bytes 0..",
            "--- packet 4  +1.00 ms",
            "response  bytes 0..",
            "client to server  text, final  \"Hello\"",
            "server to client  text, final  \"Hello\"",
            "client to server  text, final  \"Gruß\"",
            "server to client  text, final  \"Gruß\"",
            "client to server  close 1000",
            "client to server\nlegal: a handshake, 3 frames, 2 messages, closed with 1000 normal",
            "server to client\nlegal: a handshake, 3 frames, 2 messages, closed with 1000 normal",
        ];
        let mut rest = &*run.stdout;
        for line in lines {
            let at = rest
                .find(line)
                .unwrap_or_else(|| panic!("{line:?} is not in {rest}"));
            rest = &rest[at + line.len()..];
        }
        let json = &in_json(&file, &[])[0];
        let frame = &json["streams"][0]["frames"][0];
        assert_eq!(
            (&frame["packet"], &frame["time"]),
            (&5.into(), &0.002.into())
        );
    }

    #[test]
    fn has_the_same_times_in_every_kind_of_file() {
        let segments = segments(40_000, 7, &traffic());
        let shown = decode(&raw(&segments), &[]).stdout;
        let pcap = |kind, order| pcap_of(kind, order, Link::Raw, &segments, usize::MAX);
        let mut files = vec![pcap(Pcap::Modified, Order::Little)];
        for order in [Order::Little, Order::Big] {
            files.extend([Pcap::Microseconds, Pcap::Nanoseconds].map(|kind| pcap(kind, order)));
            let units = [None, Some(3), Some(6), Some(9)];
            files.extend(units.map(|unit| pcapng_in(unit, order, Link::Raw, &segments)));
        }
        for (i, file) in files.iter().enumerate() {
            assert_eq!(decode(file, &[]).stdout, shown, "file {i}");
        }
    }

    #[test]
    fn is_found_in_blocks_without_times_and_after_a_second_section() {
        let segments = segments(40_000, 7, &traffic());
        for order in [Order::Little, Order::Big] {
            let simple = pcapng_simple(order, Link::Ethernet, &segments);
            check_whole(&simple);
            assert!(!decode(&simple, &[]).stdout.contains(" ms\n"));
        }
        // Each section has its own order of bytes and its own link.
        let (first, second) = segments.split_at(5);
        let first = pcapng(Link::Ethernet, first, Order::Big);
        check_whole(&[first, pcapng(Link::Raw, second, Order::Little)].concat());
    }

    #[test]
    fn may_be_in_a_file_or_come_from_a_pipe() {
        let file = pcapng(
            Link::Ethernet,
            &segments(40_000, 7, &traffic()),
            Order::Little,
        );
        let path = std::env::temp_dir().join(format!("plainws-capture-{}", std::process::id()));
        std::fs::write(&path, &file).expect("it can be written");
        let by_file = decode(b"", &["--file", path.to_str().expect("a path in UTF-8")]);
        std::fs::remove_file(&path).expect("it can be removed");
        assert_eq!(by_file.stdout, decode(&file, &[]).stdout);
        // As bytes it is no frame.
        assert_eq!(decode(&file, &["--raw"]).code, 1);
    }

    #[test]
    fn is_judged_by_the_request() {
        let mut pieces = traffic();
        let response = pieces
            .iter_mut()
            .find(|(is_client, _)| !is_client)
            .expect("a response");
        let text = String::from_utf8_lossy(&response.1).into_owned();
        let chosen = text.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
        response.1 = chosen.into();
        let run = decode(&raw(&segments(40_000, 7, &pieces)), &[]);
        assert_eq!(run.code, 1);
        assert!(
            run.stdout.contains("(subprotocol-not-offered)"),
            "{}",
            run.stdout
        );
    }

    #[test]
    fn that_is_compressed_is_inflated_in_both_directions() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        );
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
            Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
        let pieces = [
            (true, request.into_bytes()),
            (false, response.into()),
            (true, [b"\xc1\x87\0\0\0\0", &hello[..]].concat()),
            (
                false,
                [b"\xc1\x07", &hello[..], b"\xc1\x05\xf2\x00\x11\x00\x00"].concat(),
            ),
        ];
        let file = raw(&segments(40_000, 7, &pieces));
        let texts = |direction: &(Vec<String>, String)| direction.0.clone();
        let found: Vec<_> = directions(&in_json(&file, &[])[0])
            .iter()
            .map(texts)
            .collect();
        assert_eq!(found, [vec!["Hello"], vec!["Hello", "Hello"]]);
        // It was the response that agreed to it.
        let streams = &in_json(&file, &[])[0]["streams"];
        assert_eq!(streams[0]["notes"], Value::Null);
        let note = streams[1]["notes"][0].as_str().unwrap_or_default();
        assert!(note.contains("would not have agreed"), "{note}");
    }
}

mod segments_that {
    use super::*;

    #[test]
    fn are_reordered_repeated_and_overlapping_give_the_same() {
        // Numbers begin again at 0 in the middle.
        for first in [7, u32::MAX - 100] {
            let clean = segments(40_000, first, &traffic());
            check_whole(&raw(&clean));

            let mut swapped = clean.clone();
            for i in (2..clean.len() - 3).step_by(2) {
                swapped.swap(i, i + 1);
            }
            check_whole(&raw(&swapped));

            let twice: Vec<_> = clean
                .iter()
                .flat_map(|segment| [segment.clone(), segment.clone()])
                .collect();
            check_whole(&raw(&twice));

            // Each segment also has what its side sent before.
            let mut overlapping = clean.clone();
            for i in 2..clean.len() {
                let mut before = clean[2..i].iter().rev();
                let before = before.find(|other| other.is_client == clean[i].is_client);
                if let Some(before) = before.filter(|_| !clean[i].payload.is_empty()) {
                    overlapping[i].payload = [&before.payload[..], &clean[i].payload].concat();
                    overlapping[i].sequence = before.sequence;
                }
            }
            check_whole(&raw(&overlapping));

            // Cut into single bytes, the last one first.
            let single = |segment: &Segment| {
                let bytes = segment.payload.iter().enumerate().rev();
                let bytes = bytes.map(|(i, &byte)| Segment {
                    sequence: segment
                        .sequence
                        .wrapping_add(u32::try_from(i).expect("short")),
                    payload: vec![byte],
                    ..segment.clone()
                });
                bytes.collect::<Vec<_>>()
            };
            let singles: Vec<_> = clean[2..].iter().flat_map(single).collect();
            check_whole(&raw(&[&clean[..2], &singles].concat()));
        }
    }

    #[test]
    fn are_missing_are_told_and_nothing_after_them_is_judged() {
        let clean = segments(40_000, 7, &traffic());
        let data: Vec<_> = (2..clean.len())
            .filter(|&i| !clean[i].payload.is_empty())
            .collect();
        // Neither half of the handshake, or it would not be found; and not the last of a side.
        let first_frame = data[2];
        let missing = clean[first_frame].payload.len();
        let mut cut = clean.clone();
        cut.remove(first_frame);
        let run = decode(&raw(&cut), &[]);
        assert_eq!(run.code, 3, "{}", run.stdout);
        check_fit_for_a_terminal(&run.stdout);
        let told = format!("incomplete: the capture lacks the next {missing} bytes");
        assert!(run.stdout.contains(&told), "{}", run.stdout);
        let found = directions(&in_json(&raw(&cut), &[])[0]);
        assert_eq!(found[0], (vec![], "incomplete".into()));
        assert_eq!(found[1], whole()[1]);
    }

    #[test]
    fn were_captured_in_part_are_told_too() {
        let clean = segments(
            40_000,
            7,
            &[traffic(), vec![(true, vec![0x82; 400])]].concat(),
        );
        // The heads have their bytes, a later one has not.
        let longest = traffic()
            .iter()
            .map(|(_, bytes)| bytes.len())
            .max()
            .expect("some");
        let mut clean = clean;
        let fin = clean.len() - 2;
        let close = clean[..fin]
            .iter()
            .rposition(|segment| segment.is_client && segment.payload.len() < 20);
        // A long frame in place of the Close.
        clean.truncate(close.expect("a Close"));
        let sent: usize = clean
            .iter()
            .filter(|segment| segment.is_client)
            .map(|segment| segment.payload.len())
            .sum();
        clean.push(Segment {
            is_client: true,
            sequence: 8 + u32::try_from(sent).expect("short"),
            flags: ACK,
            payload: [&b"\x82\xFE\x03\xE8\0\0\0\0"[..], &[7; 1000]].concat(),
            client_port: 40_000,
        });
        let file = pcap(Link::Raw, &clean, 40 + longest);
        let run = decode(&file, &[]);
        assert_eq!(run.code, 3, "{}", run.stdout);
        let told = format!(
            "incomplete: the capture lacks the next {} bytes",
            1008 - longest
        );
        assert!(run.stdout.contains(&told), "{}", run.stdout);
    }

    #[test]
    fn lack_the_end_of_their_tcp_headers_are_counted() {
        let all = segments(40_000, 7, &traffic());
        for captured in [30, 39] {
            let run = decode(&pcap(Link::Raw, &all, captured), &[]);
            let told = format!(
                "captured only in part (tcpdump -s 0 takes packets whole): {} packets",
                all.len()
            );
            assert_eq!(run.code, 2, "{}", run.stdout);
            assert!(run.stderr.contains(&told), "{captured}: {}", run.stderr);
        }
    }

    #[test]
    fn are_cut_off_by_the_end_of_the_file_are_remarked() {
        let file = raw(&segments(40_000, 7, &traffic()));
        let run = decode(&file[..file.len() - 3], &[]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert_eq!(
            run.stderr,
            "plainws: the capture ends in the middle of a packet\n"
        );
    }
}

mod a_connection_that {
    use super::*;

    #[test]
    fn began_before_the_capture_is_shown_by_its_port() {
        let all = segments(40_000, 7, &traffic());
        let middle = &all[4..];
        let run = decode(&raw(middle), &[]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("--port"), "{}", run.stderr);
        let found = in_json(&raw(middle), &["--port", "8000"]);
        assert_eq!(directions(&found[0]), whole());
        let run = decode(&raw(middle), &["--port", "8000"]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        check_fit_for_a_terminal(&run.stdout);
        assert!(run.stdout.contains("it began before the capture did"));
        assert_eq!(decode(&raw(middle), &["--port", "9"]).code, 2);
    }

    #[test]
    fn is_named_by_the_port_of_its_client_has_its_roles_by_its_bytes() {
        let all = segments(40_000, 7, &traffic());
        for part in [&all[..], &all[4..]] {
            let found = in_json(&raw(part), &["--port", "40000"]);
            assert_eq!(directions(&found[0]), whole());
        }
    }

    #[test]
    fn is_reset_with_a_reason_has_that_not_in_its_stream() {
        let mut all = segments(40_000, 7, &traffic());
        let mut reset = all
            .iter()
            .rfind(|segment| segment.is_client)
            .expect("one")
            .clone();
        reset.sequence = reset.sequence.wrapping_add(1);
        reset.flags = RST | ACK;
        reset.payload = b"reason".to_vec();
        all.retain(|segment| segment.flags & FIN == 0);
        all.push(reset);
        check_whole(&raw(&all));
    }

    #[test]
    fn begins_inside_a_frame_is_shown_from_the_next_one_on() {
        let key = b"\x37\xfa\x21\x3d";
        let masked = b"\x7f\x9f\x4d\x51\x58"; // "Hello"
        let pieces = [
            (true, masked.to_vec()),
            (false, b"lo".to_vec()),
            (true, [b"\x81\x85", &key[..], masked].concat()),
            (false, b"\x81\x05Hello".to_vec()),
        ];
        let middle = segments(40_000, 7, &pieces);
        let found = in_json(&raw(&middle[2..]), &["--port", "8000"]);
        let one = (vec!["Hello".to_owned()], "legal".to_owned());
        assert_eq!(directions(&found[0]), [one.clone(), one]);
        let run = decode(&raw(&middle[2..]), &["--port", "8000"]);
        check_fit_for_a_terminal(&run.stdout);
        assert!(
            run.stdout.contains("the first 5 bytes captured"),
            "{}",
            run.stdout
        );
        // Nowhere is there a frame.
        let nothing = segments(40_000, 7, &[(true, b"\xff\xff\xff\xff".to_vec())]);
        let run = decode(&raw(&nothing), &["--port", "8000"]);
        assert_eq!(run.code, 1);
        assert!(
            run.stdout.contains("perhaps in the middle"),
            "{}",
            run.stdout
        );
    }

    #[test]
    fn takes_the_ports_of_an_earlier_one_is_another() {
        let (first, second) = (
            segments(40_000, 7, &traffic()),
            segments(40_000, 5000, &traffic()),
        );
        let other = segments(40_001, 7, &[(true, b"\x00not for us".to_vec())]);
        let file = raw(&[first, other, second].concat());
        let names = |options: &[&str]| {
            let names = in_json(&file, options);
            let name = |connection: &Value| {
                connection["connection"]
                    .as_str()
                    .expect("a name")
                    .to_owned()
            };
            names.iter().map(name).collect::<Vec<_>>()
        };
        let zero = "0  127.0.0.1:40000 to 127.0.0.1:8000";
        let two = "2  127.0.0.1:40000 to 127.0.0.1:8000";
        assert_eq!(names(&[]), [zero, two]);
        assert_eq!(names(&["--stream", "2"]), [two]);
        for wrong in ["1", "3"] {
            let run = decode(&file, &["--stream", wrong]);
            assert_eq!(run.code, 2, "{wrong}");
        }
        for connection in in_json(&file, &[]) {
            assert_eq!(directions(&connection), whole());
        }
    }

    #[test]
    fn is_answered_with_another_number_is_the_same() {
        let mut all = segments(40_000, 7, &traffic());
        // The answer to a call that nobody made; only the caller begins another connection.
        let answer = Segment {
            sequence: all[1].sequence.wrapping_add(1_000_000),
            ..all[1].clone()
        };
        all.insert(4, answer);
        check_whole(&raw(&all));
    }

    #[test]
    fn asks_again_after_a_refusal_is_judged_by_its_last_try() {
        let refused = [
            (
                true,
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n".to_vec(),
            ),
            (
                false,
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
        ];
        let other = [
            (true, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
            (
                false,
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(),
            ),
        ];
        let pieces = [&other[..], &refused, &traffic()].concat();
        check_whole(&raw(&segments(40_000, 7, &pieces)));
        let file = raw(&segments(40_000, 7, &[&other[..], &refused].concat()));
        let run = decode(&file, &[]);
        assert!(run.stdout.contains("(status-not-101)"), "{}", run.stdout);
    }

    #[test]
    fn is_one_of_many_is_told_of_by_its_verdict_alone() {
        let many: Vec<_> = (0..6)
            .flat_map(|i| segments(40_000 + i, 7, &traffic()))
            .collect();
        let run = decode(&raw(&many), &[]);
        assert_eq!(run.code, 0);
        check_fit_for_a_terminal(&run.stdout);
        assert_eq!(run.stdout.matches("connection ").count(), 6);
        assert_eq!(run.stdout.matches("request  bytes").count(), 4);
        assert_eq!(run.stdout.matches("legal: a handshake").count(), 12);
        assert_eq!(
            decode(&raw(&many), &["--all"])
                .stdout
                .matches("request  bytes")
                .count(),
            6
        );
        let one = decode(&raw(&many), &["--stream", "5"]);
        assert_eq!(
            one.stdout.matches("connection 5  127.0.0.1:40005").count(),
            1
        );
        assert_eq!(one.stdout.matches("request  bytes").count(), 1);
    }

    #[test]
    fn is_encrypted_or_not_there_is_refused_with_the_reason() {
        let tls = segments(40_000, 7, &[(true, b"\x16\x03\x01\x00\x05hello".to_vec())]);
        let run = decode(&raw(&tls), &[]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("TLS"), "{}", run.stderr);
        let none = decode(&raw(&[]), &[]);
        assert_eq!(none.code, 2);
        assert!(
            none.stderr.contains("no WebSocket connection"),
            "{}",
            none.stderr
        );
    }
}

mod a_file_that {
    use super::*;

    #[test]
    fn was_printed_as_text_is_read_as_a_capture() {
        let file = raw(&segments(40_000, 7, &traffic()));
        let rows = file.chunks(16).zip((0..).step_by(16)).map(|(row, at)| {
            let cells: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{at:08x}: {}\n", cells.join(" "))
        });
        let text: String = rows.collect();
        check_whole(text.as_bytes());
        // As bytes it is no frame.
        assert_eq!(decode(text.as_bytes(), &["--input", "dump"]).code, 1);
    }

    #[test]
    fn is_damaged_at_its_end_is_read_up_to_there() {
        let mut file = raw(&segments(40_000, 7, &traffic()));
        file.extend([0xFF; 64]);
        check_whole(&file);
        let run = decode(&file, &[]);
        assert!(
            run.stderr.contains(": nothing after packet "),
            "{}",
            run.stderr
        );
    }

    #[test]
    fn is_damaged_before_its_first_packet_is_refused() {
        let file = [raw(&[]), vec![0xFF; 64]].concat();
        let run = decode(&file, &[]);
        assert_eq!((run.code, &*run.stdout), (2, ""));
        let why = "a packet of the capture is larger than 1 MiB";
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }

    #[test]
    fn is_packed_is_refused_with_the_way_out() {
        for (magic, program) in [
            (&b"\x1f\x8b\x08\x00"[..], "gzip -dc"),
            (b"\x28\xb5\x2f\xfd", "zstd -dc"),
            (b"\xfd7zXZ", "xz -dc"),
        ] {
            let run = decode(magic, &[]);
            assert_eq!(run.code, 2);
            assert!(run.stderr.contains(program), "{}", run.stderr);
        }
    }

    #[test]
    fn is_damaged_ends_with_a_message_and_never_in_a_panic() {
        let segments = segments(40_000, 7, &traffic());
        for file in [
            raw(&segments),
            pcapng(Link::Ethernet, &segments, Order::Little),
        ] {
            let mut state = 1_usize;
            for _ in 0..25 {
                let mut damaged = file.clone();
                for _ in 0..3 {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    let at = 4 + (state >> 33) % (file.len() - 4);
                    damaged[at] = state.to_be_bytes()[0];
                }
                let run = decode(&damaged, &[]);
                assert!((0..=3).contains(&run.code), "{}", run.stderr);
                assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn is_larger_than_memory_is_read_packet_by_packet() {
        let other = (0..90)
            .cycle()
            .take(900)
            .map(|byte: u8| (true, vec![byte; 60_000]));
        let mut all = segments(40_001, 7, &other.collect::<Vec<_>>());
        all.extend(segments(40_000, 7, &traffic()));
        let file = raw(&all);
        assert!(file.len() > 50_000_000);
        let path = std::env::temp_dir().join(format!("plainws-large-{}", std::process::id()));
        std::fs::write(&path, &file).expect("it can be written");
        let program = env!("CARGO_BIN_EXE_plainws");
        let status = Command::new("sh")
            .args([
                "-c",
                "ulimit -v 40000 && exec \"$0\" decode --file \"$1\" >/dev/null",
                program,
            ])
            .arg(&path)
            .status();
        std::fs::remove_file(&path).expect("it can be removed");
        assert_eq!(status.expect("there is a shell").code(), Some(0));
    }
}

mod what_tcpdump_captures {
    use super::*;
    use crate::support::raw::PATIENCE;
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Child, Stdio};
    use std::time::Instant;

    /// Ends with the test.
    struct Tcpdump(Child);

    impl Drop for Tcpdump {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn is_understood() {
        let address = server::start(|server| {
            server.route("/", |ws| {
                while let Some(message) = ws.receive()? {
                    ws.send(message)?;
                }
                plainws::Result::Ok(())
            })
        });
        let filter = format!("tcp port {}", address.port());
        let path = std::env::temp_dir().join(format!("plainws-tcpdump-{}", std::process::id()));
        let child = Command::new("tcpdump")
            .args(["-i", "lo", "-U", "-Z", "root", "-w"])
            .arg(&path)
            .arg(&filter)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            return skip(
                "of what tcpdump captures",
                "there is no tcpdump",
                "PLAINWS_TCPDUMP",
            );
        };
        let mut tcpdump = Tcpdump(child);
        let mut said = BufReader::new(tcpdump.0.stderr.take().expect("it is piped"));
        let mut line = String::new();
        let _ = said.read_line(&mut line);
        if !line.contains("listening on") {
            let _ = said.read_to_string(&mut line);
            let why = format!("tcpdump may not capture here: {}", line.trim());
            return skip("of what tcpdump captures", &why, "PLAINWS_TCPDUMP");
        }
        let ws = plainws::net::client::connect(&format!("ws://{address}/")).expect("it answers");
        ws.send("Hello").expect("it is open");
        assert_eq!(ws.receive().expect("an echo"), Some(Message::from("Hello")));
        ws.close(plainws::CloseCode::NORMAL, "")
            .expect("it is open");
        assert_eq!(ws.receive().expect("an end"), None);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let file = std::fs::read(&path).unwrap_or_default();
            let connections = in_json(&file, &[]);
            let expected = (vec!["Hello".to_owned()], "legal".to_owned());
            let found = connections.first().map(directions);
            if found == Some(vec![expected.clone(), expected])
                && decode(&file, &[]).stdout.matches("close 1000").count() == 2
            {
                break;
            }
            assert!(Instant::now() < deadline, "{found:?}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        std::fs::remove_file(&path).expect("it can be removed");
    }
}
