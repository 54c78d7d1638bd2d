//! The three pages in a real browser: what a visitor sees, and what the browser has to say about it.
//!
//! Needs Chromium; without it each test says that it is skipped. See `Browser::shared`.

use crate::devtools::{Browser, Page};
use crate::support::program::Program;
use crate::support::raw::PATIENCE;
use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

/// Serves the program and opens one of its pages, unless there is no browser.
pub(crate) fn visit(path: &str, arguments: &[&str]) -> Option<(Program, Page)> {
    let browser = Browser::shared()?;
    let program = Program::serve(arguments);
    let page = browser.open(&format!("http://{}{path}", program.address));
    Some((program, page))
}

/// What is wrong with a visit.
fn problems(program: &Program, page: &mut Page) -> Vec<String> {
    let own = ["http", "ws"].map(|scheme| format!("{scheme}://{}/", program.address));
    page.problems(&own)
}

#[track_caller]
pub(crate) fn assert_clean(program: &Program, page: &mut Page) {
    assert_eq!(problems(program, page), Vec::<String>::new());
    // Events are seen at all.
    let responses = page.events("Network.responseReceived");
    assert!(responses.iter().any(|event| event["type"] == "Document"));
    assert!(responses.iter().any(|event| event["type"] == "Stylesheet"));
}

const IS_OPEN: &str = "document.body.dataset.state === 'open'";
const IS_LOST: &str = "document.body.dataset.state === 'lost'";
const HAS_TIME: &str = r"/^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d$/.test(
    document.getElementById('time').innerText)";

/// Waits until the clock shows another time than it did.
#[track_caller]
fn wait_for_tick(page: &mut Page) {
    page.wait_for(HAS_TIME);
    let shown = page.text("time");
    page.wait_for(&format!(
        "{HAS_TIME} && document.getElementById('time').innerText > '{shown}'"
    ));
}

/// Waits until the last lines of the echo page are these.
#[track_caller]
fn wait_for_lines(page: &mut Page, lines: &[(&str, &str)]) {
    let lines: Vec<_> = lines
        .iter()
        .map(|(kind, text)| serde_json::json!([kind, text]))
        .collect();
    page.wait_for(&format!(
        "JSON.stringify([...document.querySelectorAll('#lines li')].slice(-{}).map((line) =>
            [line.className, line.querySelector('.text').textContent]
        )) === JSON.stringify({})",
        lines.len(),
        Value::from(lines),
    ));
}

mod the_start_page {
    use super::*;

    #[test]
    fn leads_to_the_clock_and_the_echo() {
        let Some((program, mut page)) = visit("/", &[]) else {
            return;
        };
        let links = page.evaluate("[...document.querySelectorAll('main a')].map((a) => a.href)");
        for path in ["clock", "echo"] {
            let url = format!("http://{}/{path}", program.address);
            let mut links = links.as_array().expect("a list").iter();
            assert!(links.any(|link| *link == url.as_str()), "{links:?}");
        }
        assert_clean(&program, &mut page);
    }
}

mod the_clock_on_the_start_page {
    use super::*;

    /// Bytes of `{"time": "2019.04.24 19:15:40"}`.
    const BODY: u64 = 31;
    const IS_COUNTED: &str = "/^[\\d,]+$/.test(document.getElementById('poll-bytes').innerText)";

    /// A number as the page writes it.
    #[track_caller]
    fn number(page: &mut Page, id: &str) -> u64 {
        let text = page.text(id).replace(',', "");
        text.parse().unwrap_or_else(|_| panic!("{id} is {text:?}"))
    }

    /// The first number of a text such as `1 handshake, 12 messages`, or another one.
    #[track_caller]
    fn count(page: &mut Page, id: &str, which: usize) -> u64 {
        let text = page.text(id);
        let mut words = text.split(' ').filter_map(|word| word.parse().ok());
        words
            .nth(which)
            .unwrap_or_else(|| panic!("{id} is {text:?}"))
    }

    #[test]
    fn ticks_at_once_and_under_a_prefix_and_without_the_lab() {
        for (path, flags) in [("/", &[][..]), ("/md_admin/", &["--prefix", "/md_admin"])] {
            let Some((program, mut page)) = visit(path, flags) else {
                return;
            };
            wait_for_tick(&mut page);
            wait_for_tick(&mut page);
            page.wait_for(IS_OPEN);
            page.wait_for(IS_COUNTED);
            // A proxy may pass nothing but what is under the prefix.
            let sockets = page.events("Network.webSocketCreated");
            let requests = page.events("Network.requestWillBeSent");
            let requests = requests.iter().map(|event| &event["request"]["url"]);
            let urls = sockets.iter().map(|event| &event["url"]).chain(requests);
            for url in urls.map(|url| url.as_str().expect("a text")) {
                let (_, place) = url
                    .split_once(&program.address.to_string())
                    .expect("its own");
                assert!(place.starts_with(path), "{url}");
            }
            assert_clean(&program, &mut page);
        }
    }

    #[test]
    fn counts_what_passed_and_what_polling_would_have_cost() {
        let Some((_program, mut page)) = visit("/", &[]) else {
            return;
        };
        page.wait_for(IS_COUNTED);
        wait_for_tick(&mut page);
        let [asked, answered] = ["asked", "answered"].map(|id| number(&mut page, id));
        // Read at one moment: the numbers tick.
        let counted = page.evaluate(
            "['socket-passed', 'socket-bytes', 'poll-passed', 'poll-bytes']
                .map((id) => document.getElementById(id).innerText.replaceAll(',', '')).join(' ')",
        );
        let counted = counted.as_str().expect("a text").to_owned();
        let numbers: Vec<u64> = counted
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let [handshakes, messages, bytes, requests, polled] = numbers[..] else {
            panic!("{counted}");
        };
        assert_eq!(handshakes, 1);
        assert!(
            (2..100).contains(&messages) && (2..100).contains(&requests),
            "{counted}"
        );
        assert_eq!(polled, requests * (asked + answered));
        // What the browser has to say about the same. It may have heard of a tick more.
        let frames = page.events("Network.webSocketFrameReceived");
        let texts: Vec<_> = frames
            .iter()
            .map(|event| event["response"]["payloadData"].as_str().expect("a text"))
            .collect();
        let first: Value = serde_json::from_str(texts[0]).expect("JSON");
        let heads =
            ["received", "sent"].map(|way| first["handshake"][way].as_u64().expect("a length"));
        assert!(heads.iter().all(|length| *length > 100), "{heads:?}");
        let shown = usize::try_from(messages).expect("they are few");
        let lengths: u64 = texts[..shown]
            .iter()
            .map(|text| 2 + text.len() as u64)
            .sum();
        assert_eq!(bytes, heads.iter().sum::<u64>() + lengths, "{counted}");
        let of = |event: &&Value, url: &str| {
            event["response"]["url"]
                .as_str()
                .is_some_and(|it| it.ends_with(url))
        };
        let responses = page.events("Network.responseReceived");
        let time = responses
            .iter()
            .find(|event| of(event, "/time"))
            .expect("the time was asked for");
        let told = format!("Request-Length: {asked}\r\n").len() as u64;
        assert_eq!(
            time["response"]["encodedDataLength"],
            answered - BODY + told,
            "{time}"
        );
    }

    #[test]
    fn counts_a_polling_request_at_once_and_one_each_second_from_then() {
        let Some((_program, mut page)) = visit("/", &[]) else {
            return;
        };
        // As late as the browser may be to say so.
        page.evaluate(
            "{
                const passed = document.getElementById('poll-passed');
                const due = (now) => Math.floor(now / 1000) + 1;
                new MutationObserver(() => {
                    const [count, now] = [parseInt(passed.textContent), performance.now()];
                    globalThis.isRight = due(now - 100) <= count && count <= due(now);
                }).observe(passed, { childList: true });
                0
            }",
        );
        page.wait_for("globalThis.isRight");
    }

    #[test]
    fn keeps_its_counts_to_itself_and_moves_nothing() {
        let Some((_program, mut page)) = visit("/", &[]) else {
            return;
        };
        page.evaluate(
            "{
                globalThis.shifts = 0;
                new PerformanceObserver((list) => { for (const it of list.getEntries()) shifts += it.value; })
                    .observe({ type: 'layout-shift', buffered: true });
                0
            }",
        );
        page.wait_for(IS_COUNTED);
        wait_for_tick(&mut page);
        wait_for_tick(&mut page);
        let live = page.evaluate(
            "['time', 'socket-passed', 'socket-bytes', 'poll-passed', 'poll-bytes', 'asked', 'answered']
                .filter((id) => document.getElementById(id).closest('[aria-live], [role=status], [role=alert], [role=log]'))",
        );
        assert_eq!(live, serde_json::json!([]));
        let shifts = page.evaluate("shifts").as_f64().expect("a number");
        assert!(shifts < 0.01, "{shifts}");
    }

    #[test]
    fn goes_on_counting_when_the_server_is_back() {
        let Some((program, mut page)) = visit("/", &[]) else {
            return;
        };
        wait_for_tick(&mut page);
        let address = program.address.to_string();
        drop(program);
        page.wait_for(IS_LOST);
        let _again = Program::serve_at(&address, &[]);
        page.wait_for(&format!(
            "{IS_OPEN} || (document.getElementById('reconnect').click(), false)"
        ));
        wait_for_tick(&mut page);
        page.wait_for(
            "document.getElementById('socket-passed').innerText.startsWith('2 handshakes, ')",
        );
        let passed = count(&mut page, "socket-passed", 1);
        assert!(
            passed > 3,
            "{passed} messages: the first of each tells of the handshake"
        );
    }
}

mod the_clock_page {
    use super::*;

    #[test]
    fn keeps_the_reason_of_a_clean_stop_when_an_attempt_fails() {
        let Some((program, mut page)) = visit("/clock", &[]) else {
            return;
        };
        wait_for_tick(&mut page);
        let mut program = program;
        program.process.signal("TERM");
        program.process.wait();
        page.wait_for(IS_LOST);
        let reason = "code 1001 (going away)";
        assert!(
            page.text("state").contains(reason),
            "{}",
            page.text("state")
        );
        page.wait_for(
            "document.body.dataset.state === 'lost' && document.getElementById('state').innerText.includes('Not back yet')
                || (document.getElementById('reconnect').click(), false)",
        );
        let state = page.text("state");
        assert!(
            state.contains(reason) && state.contains("code 1006"),
            "{state}"
        );
    }

    #[test]
    fn ticks() {
        for path in ["/clock", "/test_websocket"] {
            let Some((program, mut page)) = visit(path, &[]) else {
                return;
            };
            wait_for_tick(&mut page);
            wait_for_tick(&mut page);
            page.wait_for(IS_OPEN);
            assert_eq!(page.text("state"), "Connected.");
            assert_clean(&program, &mut page);
        }
    }

    #[test]
    fn ticks_under_a_prefix() {
        let visited = visit("/md_admin/test_websocket", &["--prefix", "/md_admin"]);
        let Some((program, mut page)) = visited else {
            return;
        };
        wait_for_tick(&mut page);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn says_that_the_server_is_gone_and_comes_back_when_it_is() {
        let Some((program, mut page)) = visit("/clock", &[]) else {
            return;
        };
        wait_for_tick(&mut page);
        let address = program.address.to_string();
        drop(program);

        page.wait_for(IS_LOST);
        assert!(page.text("state").starts_with("Connection lost"));
        let last = page.text("time");
        page.wait_for("!document.getElementById('retry').hidden");

        let _again = Program::serve_at(&address, &[]);
        page.click("reconnect");
        // It may have been trying just then, and has no use for the button meanwhile.
        page.wait_for(&format!(
            "{IS_OPEN} || (document.getElementById('reconnect').click(), false)"
        ));
        page.wait_for(&format!(
            "document.getElementById('time').innerText > '{last}'"
        ));
        wait_for_tick(&mut page);
        page.wait_for("document.getElementById('retry').hidden");
    }
}

mod the_echo_page {
    use super::*;

    #[test]
    fn sends_with_enter_and_with_the_button_and_shows_what_comes_back() {
        for path in ["/echo", "/test_socket"] {
            let Some((program, mut page)) = visit(path, &[]) else {
                return;
            };
            page.wait_for(IS_OPEN);
            page.click("message");
            page.type_text("Grüße, 世界 🙂");
            page.press_enter();
            wait_for_lines(
                &mut page,
                &[("sent", "Grüße, 世界 🙂"), ("received", "Grüße, 世界 🙂")],
            );
            page.type_text("by the button");
            page.click("send");
            wait_for_lines(
                &mut page,
                &[("sent", "by the button"), ("received", "by the button")],
            );
            assert_clean(&program, &mut page);
        }
    }

    #[test]
    fn shows_markup_as_text() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        const MARKUP: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";
        page.wait_for(IS_OPEN);
        page.click("message");
        page.type_text(MARKUP);
        page.press_enter();
        wait_for_lines(&mut page, &[("sent", MARKUP), ("received", MARKUP)]);
        let elements =
            page.evaluate("document.querySelectorAll('#lines img, #lines script').length");
        assert_eq!(elements, 0);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn shows_code_and_reason_at_the_end_and_connects_again() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("close");
        page.wait_for(IS_LOST);
        assert!(page.text("state").contains("code 1000"));
        page.click("connect");
        page.wait_for(IS_OPEN);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn shows_1009_when_a_message_is_too_big_for_the_server() {
        let Some((program, mut page)) = visit("/echo", &["--max-message", "10"]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("message");
        page.type_text("more than ten bytes");
        page.press_enter();
        page.wait_for(IS_LOST);
        assert!(page.text("state").contains("code 1009"));
        assert_clean(&program, &mut page);
    }
}

mod the_echo_page_with_bytes {
    use super::*;

    /// The rows of a table of bytes.
    fn rows(page: &mut Page, id: &str) -> Vec<[String; 2]> {
        let rows = page.evaluate(&format!(
            "[...document.querySelectorAll('#{id} tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
        ));
        serde_json::from_value(rows).expect("rows of two cells")
    }

    fn unhexed(hex: &str) -> Vec<u8> {
        let bytes = hex.split(' ').map(|byte| u8::from_str_radix(byte, 16));
        bytes.collect::<Result<_, _>>().expect("hex")
    }

    #[test]
    fn shows_those_of_the_latest_message_mask_included() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("message");
        for text in ["Grüße", "<b>other</b>"] {
            page.type_text(text);
            page.press_enter();
            wait_for_lines(&mut page, &[("sent", text), ("received", text)]);
            page.wait_for(&format!(
                "document.getElementById('received-bytes').innerText.includes({:?})",
                text
            ));
            let [sent, received] = ["sent-bytes", "received-bytes"].map(|id| rows(&mut page, id));
            let [sent, received] = [sent, received].map(|rows| {
                let bytes = rows.iter().map(|[bytes, _]| unhexed(bytes));
                bytes.collect::<Vec<_>>()
            });
            let length = u8::try_from(text.len()).expect("it is short");
            let [head, masked, key, payload] = &sent[..] else {
                panic!("{sent:?}");
            };
            assert_eq!(
                (&head[..], &masked[..]),
                (&[0x81][..], &[0x80 | length][..])
            );
            let key = <[u8; 4]>::try_from(&key[..]).expect("four bytes");
            let unmasked = crate::support::bytes::xor(payload, key);
            assert_eq!(unmasked, text.as_bytes());
            assert_eq!(
                received,
                [vec![0x81], vec![length], text.as_bytes().to_vec()]
            );
        }
        assert_clean(&program, &mut page);
    }

    #[test]
    fn sends_hex_and_a_file_as_bytes_and_says_what_is_no_hex() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.evaluate("document.querySelector('[value=hex]').click()");
        page.click("message");
        page.type_text("00 Ffa");
        page.press_enter();
        page.wait_for(
            "document.getElementById('problem').textContent.includes('two digits a byte')",
        );
        assert_eq!(
            page.evaluate("document.getElementById('message').value"),
            "00 Ffa"
        );
        page.type_text("0");
        page.press_enter();
        wait_for_lines(
            &mut page,
            &[
                ("sent", "00 ff a0 (3 bytes)"),
                ("received", "00 ff a0 (3 bytes)"),
            ],
        );
        assert_eq!(page.text("problem"), "");

        page.type_text("48 6");
        page.evaluate("document.querySelector('[value=file]').click()");
        page.click("send");
        page.wait_for("document.getElementById('problem').textContent.includes('no file')");
        page.evaluate(
            "{
                const chosen = new DataTransfer();
                chosen.items.add(new File([new Uint8Array(70)], 'zeros'));
                document.getElementById('file').files = chosen.files;
                0
            }",
        );
        page.click("send");
        let shown = format!("{} … (70 bytes)", ["00"; 64].join(" "));
        wait_for_lines(&mut page, &[("sent", &shown), ("received", &shown)]);
        page.wait_for(
            "document.getElementById('sent-bytes').innerText.includes('70 bytes, each XOR')",
        );
        // What was entered beside it and is not sent is kept.
        assert_eq!(
            page.evaluate("document.getElementById('message').value"),
            "48 6"
        );
        assert_clean(&program, &mut page);
    }

    #[test]
    fn keeps_what_is_entered_when_the_connection_is_closed_and_offers_to_connect_again() {
        let Some((program, mut page)) = visit("/echo", &[]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("close");
        page.wait_for(IS_LOST);
        page.click("message");
        page.type_text("not lost");
        page.press_enter();
        page.wait_for(
            "document.getElementById('problem').textContent.includes('the connection is closed')",
        );
        assert!(page.text("problem").contains("Connect again"));
        assert_eq!(
            page.evaluate("document.getElementById('message').value"),
            "not lost"
        );
        assert_eq!(
            page.evaluate("document.querySelectorAll('.sent').length"),
            0
        );
        page.click("connect");
        page.wait_for(IS_OPEN);
        assert_eq!(page.text("problem"), "");
        // The keyboard is back where the text is.
        page.press_enter();
        wait_for_lines(&mut page, &[("sent", "not lost"), ("received", "not lost")]);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn shows_the_refusal_at_the_message_that_was_refused() {
        let Some((program, mut page)) = visit("/echo", &["--max-message", "10"]) else {
            return;
        };
        page.wait_for(IS_OPEN);
        page.click("message");
        for text in ["short", "more than ten bytes"] {
            page.type_text(text);
            page.press_enter();
        }
        page.wait_for(IS_LOST);
        let refused = page.evaluate(
            "[...document.querySelectorAll('.sent')].map((line) => line.querySelector('strong')?.textContent ?? '')",
        );
        let refused = refused.as_array().expect("a list").clone();
        assert_eq!(refused[0], "");
        let refusal = refused[1].as_str().expect("a text");
        assert!(
            refusal.contains("not sent back") && refusal.contains("code 1009 (message too big)"),
            "{refusal}"
        );
        assert_clean(&program, &mut page);
    }
}

mod each_page {
    use super::*;

    #[test]
    fn can_be_read_and_reached_in_every_size_and_colour() {
        let mut problems = Vec::new();
        for path in ["/", "/clock", "/echo"] {
            let Some((_program, mut page)) = visit(path, &["--max-message", "10"]) else {
                return;
            };
            page.wait_for(IS_OPEN);
            if path == "/echo" {
                page.click("message");
                for text in ["Hello", "more than ten bytes", "too late"] {
                    page.type_text(text);
                    page.press_enter();
                    page.wait_for("document.querySelector('.received, strong')");
                }
                page.wait_for(IS_LOST);
                page.press_enter();
            }
            for (width, height, zoom, scheme) in [
                (320, 640, 1, "light"),
                (360, 800, 1, "dark"),
                (1280, 900, 2, "dark"),
                (2560, 1440, 1, "light"),
            ] {
                page.look(width, height, zoom, scheme);
                let found = page.audit();
                problems.extend(found.iter().map(|problem| {
                    format!("{path}, {width} px, {zoom} times, {scheme}: {problem}")
                }));
            }
        }
        assert_eq!(problems, Vec::<String>::new());
    }
}

mod a_proxy {
    use super::*;
    use crate::cli_proxy::Proxy;

    #[test]
    fn between_a_page_and_its_server_shows_what_they_say() {
        let Some(browser) = Browser::shared() else {
            return;
        };
        let program = Program::serve(&["--quiet"]);
        let proxy = Proxy::before(program.address, &["--trace"]);
        let mut page = browser.open(&format!("http://{}/echo", proxy.address));
        page.wait_for(IS_OPEN);
        page.click("message");
        page.type_text("through the proxy");
        page.press_enter();
        wait_for_lines(
            &mut page,
            &[
                ("sent", "through the proxy"),
                ("received", "through the proxy"),
            ],
        );
        page.click("close");
        page.wait_for(IS_LOST);
        assert!(page.text("state").contains("code 1000"));
        let (said, _) = proxy.whole();
        for shown in [
            "> GET /echo HTTP/1.1  ",
            "< HTTP/1.1 101 Switching Protocols  ",
            "17 \"through the proxy\"",
            "close 1000, legal",
        ] {
            assert!(said.contains(shown), "no {shown} in:\n{said}");
        }
        assert!(!said.contains("VIOLATION"), "{said}");
    }

    /// Passes all on but the subprotocol that the server agrees to.
    fn without_subprotocols(server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a browser connects");
                let server = TcpStream::connect(server).expect("the server is there");
                let ends = [&client, &server].map(|end| end.try_clone().expect("it is open"));
                let [mut from_client, mut to_server] = ends;
                thread::spawn(move || {
                    let _ = io::copy(&mut from_client, &mut to_server);
                    let _ = to_server.shutdown(Shutdown::Write);
                });
                thread::spawn(move || pass_answers(server, client));
            }
        });
        address
    }

    fn pass_answers(server: TcpStream, mut client: TcpStream) {
        let mut server = BufReader::new(server);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if !matches!(server.read_line(&mut line), Ok(1..)) {
                return;
            }
            if !line.starts_with("Sec-WebSocket-Protocol:") {
                let _ = client.write_all(line.as_bytes());
            }
        }
        let _ = io::copy(&mut server, &mut client);
        let _ = client.shutdown(Shutdown::Write);
    }

    #[test]
    fn that_drops_the_subprotocol_leaves_pages_that_work_and_show_no_bytes() {
        let Some(browser) = Browser::shared() else {
            return;
        };
        let program = Program::serve(&["--quiet"]);
        let address = without_subprotocols(program.address);
        let mut page = browser.open(&format!("http://{address}/"));
        wait_for_tick(&mut page);
        page.wait_for(
            "document.getElementById('socket-passed').innerText.startsWith('1 handshake, ')",
        );
        assert_eq!(page.text("socket-bytes"), "–");

        let mut page = browser.open(&format!("http://{address}/echo"));
        page.wait_for(IS_OPEN);
        page.click("message");
        for text in ["one", "two"] {
            page.type_text(text);
            page.press_enter();
            wait_for_lines(&mut page, &[("sent", text), ("received", text)]);
        }
        assert!(page.text("lines").contains("bytes are not shown"));
        assert!(page.text("wire-title").contains("Hello"));
    }
}

mod the_page_of_an_examination {
    use super::*;
    use crate::support::program::run;
    use std::collections::BTreeMap;

    /// "3 lenient, 60 ok"
    fn counts(told: &str) -> BTreeMap<String, usize> {
        let parts = told
            .trim()
            .split(", ")
            .filter_map(|part| part.split_once(' '));
        let number = |count: &str| count.parse().expect("a number");
        let counts = parts.map(|(count, outcome)| (outcome.to_owned(), number(count)));
        counts.collect()
    }

    #[test]
    fn has_the_browser_play_all_cases_and_shows_what_is_not_ok() {
        let Some(browser) = Browser::shared() else {
            return;
        };
        let only = ["control", "opening", "6.3.*"];
        let only = only.iter().flat_map(|what| ["--only", what]);
        let listen = ["check", "--listen", "127.0.0.1:0", "--exit-after"];
        let arguments: Vec<_> = listen.into_iter().chain(only).collect();
        let mut process = run(&arguments);
        let address = process.stderr.wait_for("address", |text| {
            let (_, url) = text.split_once("http://")?;
            Some(url.split_once('/')?.0.to_owned())
        });
        let mut page = browser.open(&format!("http://{address}/"));
        page.evaluate("document.getElementById('start').focus()");
        page.press_enter();
        page.wait_for("document.getElementById('start').disabled");
        page.wait_for("!document.getElementById('start').disabled");

        let said = page.text("said");
        let (done, shown) = said.split_once(": ").expect("what came of it");
        let shown = counts(shown);
        let count: usize = shown.values().sum();
        assert_eq!(done, format!("Done, {count} cases"), "{said}");
        assert!(count > 80, "{said}");
        let rows = page.evaluate("document.querySelectorAll('tbody tr').length");
        assert_eq!(rows, count - shown["ok"], "{said}");
        assert_eq!(page.evaluate("document.getElementById('bar').value"), count);
        // The worst come first.
        let first = page.evaluate("document.querySelector('tbody tr').innerText");
        let is_failed = first.as_str().is_some_and(|row| row.contains("failed: "));
        assert_eq!(is_failed, shown.contains_key("failed"), "{first}");
        assert_eq!(page.events("Runtime.exceptionThrown"), [Value::Null; 0]);

        // The program says the same.
        let is_bad = ["failed", "timeout"]
            .iter()
            .any(|bad| shown.contains_key(*bad));
        assert_eq!(process.wait().code(), Some(i32::from(is_bad)));
        let told = process.stdout.whole();
        let verdict = if is_bad { "\nfailed: " } else { "\npassed: " };
        let (_, summary) = told.rsplit_once(verdict).expect("a last line");
        let summary = summary.split(" (").next().unwrap_or_default();
        assert_eq!(counts(summary), shown, "{told}");
        let said = process.stderr.whole();
        assert!(said.contains("Chrome/"), "{said}");
        assert!(
            said.contains(&format!("has played {count} of {count} cases")),
            "{said}"
        );
    }
}

mod the_check {
    use super::*;

    #[test]
    fn sees_errors_and_requests_to_elsewhere() {
        for (script, method) in [
            ("console.error('an error')", "Runtime.consoleAPICalled"),
            ("setTimeout(() => { throw 1 })", "Runtime.exceptionThrown"),
            ("fetch('/nothing')", "Network.responseReceived"),
            ("new WebSocket('ws://127.0.0.1:1/')", "Log.entryAdded"),
            (
                "location = 'http://127.0.0.1:1/'",
                "Network.requestWillBeSent",
            ),
        ] {
            let Some((program, mut page)) = visit("/", &[]) else {
                return;
            };
            assert_clean(&program, &mut page);
            page.evaluate(&format!("{{ {script}; 0 }}"));
            let is_seen = |page: &mut Page| {
                let problems = problems(&program, page);
                problems.iter().any(|problem| problem.starts_with(method))
            };
            let deadline = Instant::now() + PATIENCE;
            while !is_seen(&mut page) {
                assert!(Instant::now() < deadline, "{script} is not seen");
            }
        }
    }
}
