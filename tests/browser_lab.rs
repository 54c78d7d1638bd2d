//! The lab in a real browser: what it shows is what passed, however one looks at it and moves through it.
//!
//! Needs Chromium, as the other pages' tests do.

use crate::browser::{assert_clean, visit};
use crate::devtools::Page;
use crate::support::program::Program;
use crate::support::run::run_with;
use plainws::{Role, Rule};
use serde_json::{Value, json};

/// The lab at this fragment, with a session.
fn lab(fragment: &str) -> Option<(Program, Page)> {
    let (program, mut page) = visit(&format!("/lab{fragment}"), &[])?;
    begin(&mut page);
    Some((program, page))
}

/// Waits for a session, and for the connection that the form sends on.
#[track_caller]
fn begin(page: &mut Page) {
    page.evaluate("import('/lab/session.js').then((it) => { globalThis.session = it.session; })");
    page.evaluate(
        "import('/lab/selection.js').then((it) => { globalThis.selection = it.selection; })",
    );
    page.wait_for(
        "session.state === 'open' && session.main().socket.readyState === WebSocket.OPEN",
    );
}

/// Presses the button with this text.
#[track_caller]
fn press(page: &mut Page, within: &str, text: &str) {
    let found = page.evaluate(&format!(
        "{{
            const found = [...document.querySelectorAll('{within} button')].filter((it) => it.innerText.trim() === {text:?});
            if (found.length === 1) found[0].click();
            found.length
        }}"
    ));
    assert_eq!(found, 1, "buttons {text:?} in {within}");
}

/// The frames that the records tell of, from one side, with this opcode.
fn frames(page: &mut Page, sender: &str, opcode: &str) -> Vec<Value> {
    let of = format!("{sender:?} === it.sender && it.frame?.opcode_name === {opcode:?}");
    let found = page.evaluate(&format!(
        "session.records.filter((it) => {of}).map((it) => it.frame)"
    ));
    found.as_array().expect("a list of frames").clone()
}

/// Waits until there are so many of them.
#[track_caller]
fn wait_for_frames(page: &mut Page, sender: &str, opcode: &str, count: usize) -> Vec<Value> {
    let of = format!("{sender:?} === it.sender && it.frame?.opcode_name === {opcode:?}");
    page.wait_for(&format!(
        "session.records.filter((it) => {of}).length >= {count}"
    ));
    frames(page, sender, opcode)
}

/// What the browser's script got on the main connection from now on.
fn listen(page: &mut Page) {
    page.evaluate(
        "globalThis.got = []; session.main().socket.addEventListener('message', ({ data }) => got.push(data)); 0",
    );
}

fn hex(value: &Value) -> &str {
    value.as_str().expect("hex is text")
}

mod watch {
    use super::*;

    #[test]
    fn is_one_click_from_the_start_page_and_shows_a_live_frame() {
        let Some((program, mut page)) = visit("/", &[]) else {
            return;
        };
        page.follow("main a[href=\"lab\"]");
        page.wait_for("document.querySelector('article.frame .byte')");
        begin(&mut page);
        let sent = wait_for_frames(&mut page, "client", "text", 1);
        let shown = page.evaluate(
            "[...document.querySelectorAll('article.frame .byte')].map((it) => it.textContent).join('')",
        );
        assert_eq!(shown, sent[0]["wire"]);
        assert_clean(&program, &mut page);
    }

    #[test]
    fn shows_that_the_same_word_is_masked_with_another_key_each_time() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        press(&mut page, "#wire", "Send");
        press(&mut page, "#wire", "Send");
        let sent = wait_for_frames(&mut page, "client", "text", 3);
        let [one, two] = [&sent[1], &sent[2]];
        assert_eq!(hex(&one["wire"])[..4], hex(&two["wire"])[..4]);
        assert_eq!(one["payload.text"], "Hello");
        assert_eq!(one["payload"], two["payload"]);
        assert_ne!(one["masking_key"], two["masking_key"]);
        page.wait_for(
            "/of 11: the key is new/.test(document.querySelector('.question').innerText)",
        );
    }

    #[test]
    fn shows_that_the_browser_answers_a_ping_with_the_same_payload_masked() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        press(&mut page, "#wire", "Ping me");
        let ping = wait_for_frames(&mut page, "server", "ping", 1).remove(0);
        let pong = wait_for_frames(&mut page, "client", "pong", 1).remove(0);
        assert_eq!(ping["payload"], pong["payload"]);
        assert_eq!(pong["mask"], true);
        // Zeros: what is seen is the key, twice.
        assert_eq!(pong["payload"], "0000000000000000");
        assert_eq!(pong["masked_payload"], hex(&pong["masking_key"]).repeat(2));
    }

    #[test]
    fn shows_how_a_browser_cuts_a_large_message() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        press(&mut page, "#wire", "300 kB");
        page.wait_for("session.records.some((it) => it.sender === 'server' && it.frame?.payload_length_ext_64 === 300000
            || it.sender === 'server' && it.frame?.length > 300000)");
        let sent = page.evaluate(
            "session.records.filter((it) => it.sender === 'client' && it.frame?.fragment?.of === 'text' && !(it.frame.fin && it.frame.fragment.index === 0))
                .map(({ frame }) => [frame.opcode, frame.fin, frame.spans.at(-1).bits / 8, frame.wire.length / 2])",
        );
        let sent = sent.as_array().expect("frames");
        let sum: u64 = sent
            .iter()
            .map(|frame| frame[2].as_u64().expect("a length"))
            .sum();
        assert_eq!(sum, 300_000, "{sent:?}");
        for (i, frame) in sent.iter().enumerate() {
            assert_eq!(frame[0], u64::from(i == 0), "{sent:?}");
            assert_eq!(frame[1], i + 1 == sent.len(), "{sent:?}");
            // What is kept of it.
            assert!(frame[3].as_u64() <= Some(256), "{sent:?}");
        }
    }

    #[test]
    fn sends_a_text_cut_inside_a_character_with_a_ping_between_and_it_arrives_whole() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        listen(&mut page);
        page.evaluate("document.querySelector('#text').value = 'Grüße'");
        press(&mut page, "#wire", "In fragments");
        page.wait_for("got.includes('Grüße')");
        page.evaluate("session.ask('send', { c: session.main().c, kind: 'text', payload: '61c3a9', fragments: [2, 1], ping_between: '00' })");
        page.wait_for("got.includes('aé')");
        let first = wait_for_frames(&mut page, "server", "text", 2)
            .pop()
            .expect("two");
        assert_eq!(first["payload"], "61c3");
        assert_eq!(first["fin"], false);
        assert_eq!(frames(&mut page, "server", "ping").len(), 2);
    }

    #[test]
    fn shows_what_could_be_markup_or_turn_text_round_as_text() {
        let Some((program, mut page)) = lab("") else {
            return;
        };
        for text in [
            "<img src=x onerror=alert(1)>",
            "a\u{202e}b\u{2066}c",
            "</bdi><b>x",
        ] {
            let text = Value::from(text);
            page.evaluate(&format!("session.main().socket.send({text})"));
            page.wait_for(&format!(
                "session.records.filter((it) => it.frame?.['payload.text'] === {text}).length === 2"
            ));
        }
        page.wait_for("/<img src=x/.test(document.querySelector('#wire').innerText)");
        assert_eq!(
            page.evaluate("document.querySelector('#wire img, main img')"),
            Value::Null
        );
        let shown = page.evaluate("document.querySelector('#wire').textContent + document.querySelector('main').textContent");
        let shown = shown.as_str().expect("text");
        assert!(shown.contains("⟨U+202E⟩"), "{shown}");
        assert!(!shown.contains(['\u{202e}', '\u{2066}']), "{shown}");
        assert_clean(&program, &mut page);
    }

    /// The head counts, also where the token that it names is kept secret.
    #[test]
    fn saves_a_session_of_which_decode_counts_the_bytes_alike() {
        let Some((program, mut page)) = lab("") else {
            return;
        };
        let text = wait_for_frames(&mut page, "client", "text", 1).remove(0);
        let saved =
            page.evaluate("import('/lab/saved.js').then(({ saved }) => saved(session.records))");
        let run = run_with(&["decode"], saved.as_str().expect("text").as_bytes());
        let (from, length) = (&text["offset"], &text["length"]);
        let to = from.as_u64().expect("a number") + length.as_u64().expect("a number");
        let expected = format!("frame 0  bytes {from}..{to}  client to server");
        assert!(run.stdout.contains(&expected), "{expected}\n{}", run.stdout);
        assert_clean(&program, &mut page);
    }
}

mod the_selection {
    use super::*;

    /// What is selected in the frame, the reading, the wire and the address.
    const SHOWN: &str = "({
        value: [selection.value?.start, selection.value?.end, selection.value?.name],
        bytes: [...document.querySelectorAll('article.frame .byte.selected')].map((it) => Number(it.dataset.start) / 8),
        bits: document.querySelectorAll('article.frame .bit.selected').length,
        row: document.querySelector('article.frame .reading tr.selected')?.dataset.name ?? null,
        cells: [...document.querySelectorAll('#wire .cell.selected')].map((it) => Number(it.dataset.start) / 8),
        address: location.hash.replace(/^#watch.\\d+/, ''),
    })";

    /// The lab with a text of the browser's shown.
    fn with_a_frame() -> Option<(Program, Page)> {
        let (program, mut page) = lab("")?;
        press(&mut page, "#wire", "Send");
        wait_for_frames(&mut page, "client", "text", 1);
        page.evaluate(
            "selection.record(session.records.find((it) => it.sender === 'client' && it.frame)); 0",
        );
        page.wait_for("document.querySelector('article.frame .byte')");
        Some((program, page))
    }

    #[test]
    fn is_the_same_whether_a_bit_a_byte_a_row_or_a_cell_sets_it() {
        let Some((program, mut page)) = with_a_frame() else {
            return;
        };
        let key = json!({
            "value": [16, 48, "masking_key"], "bytes": [2, 3, 4, 5], "bits": 0, "row": "masking_key",
            "cells": [2, 3, 4, 5], "address": ".masking_key",
        });
        page.evaluate(
            "document.querySelector('.reading tr[data-name=\"masking_key\"] button').click()",
        );
        assert_eq!(page.evaluate(SHOWN), key);
        let third = json!({
            "value": [24, 32, "masking_key"], "bytes": [3], "bits": 0, "row": null, "cells": [3], "address": ".masking_key",
        });
        let by_byte = "document.querySelector('article.frame .byte[data-start=\"24\"]').click()";
        let by_cell =
            "document.querySelector('#wire [aria-current] .cell[data-start=\"24\"]').click()";
        for press in [by_byte, by_cell] {
            page.evaluate("selection.record(selection.value.record); 0");
            page.evaluate(press);
            assert_eq!(page.evaluate(SHOWN), third, "{press}");
        }
        // A byte of two fields, and then its bit.
        page.evaluate("document.querySelector('article.frame .byte[data-start=\"8\"]').click()");
        assert_eq!(
            page.evaluate("[selection.value.start, selection.value.end]"),
            json!([8, 16])
        );
        let said = page.text("live");
        assert!(said.contains("byte 1"), "{said}");
        page.evaluate("document.querySelector('article.frame .bit[data-start=\"8\"]').click()");
        let mask = page.evaluate(SHOWN);
        assert_eq!(mask["value"], json!([8, 9, "mask"]));
        assert_eq!((&mask["bits"], &mask["row"]), (&json!(1), &json!("mask")));
        assert_clean(&program, &mut page);
    }

    #[test]
    fn moves_by_the_keyboard_alone_and_the_focus_is_never_lost() {
        let Some((_program, mut page)) = with_a_frame() else {
            return;
        };
        page.evaluate("document.querySelector('article.frame .byte').focus()");
        let place = "[selection.value?.start, selection.value?.end]";
        for (key, expected) in [
            ("ArrowRight", json!([0, 8])),
            ("ArrowRight", json!([8, 16])),
            ("ArrowRight", json!([16, 24])),
            ("ArrowLeft", json!([8, 16])),
            ("End", json!([9, 16])),
            ("End", json!([16, 48])),
            ("End", json!([48, 88])),
            ("Home", json!([16, 48])),
        ] {
            page.press(key);
            assert_eq!(page.evaluate(place), expected, "{key}");
            let focused = page.evaluate(
                "document.activeElement?.dataset?.kind ?? document.activeElement?.localName",
            );
            assert_eq!(focused, "byte", "{key}");
        }
        let said = page.text("live");
        assert!(said.contains("masking key, bytes 2 to 5"), "{said}");
        // Frames that come meanwhile take it away neither.
        page.evaluate("session.main().socket.send('more'); session.main().socket.send('more')");
        wait_for_frames(&mut page, "client", "text", 3);
        assert_eq!(page.evaluate("document.activeElement.dataset.kind"), "byte");
        page.press("ArrowDown");
        assert_eq!(page.evaluate("document.activeElement.dataset.kind"), "byte");
        page.press("b");
        page.wait_for("location.hash.startsWith('#break')");
        assert_ne!(page.evaluate("document.activeElement.localName"), "html");
    }

    /// A letter by itself is an order only where the focus says what it is about (WCAG 2.1.4).
    #[test]
    fn takes_letters_only_on_the_wire_and_in_the_frame() {
        let Some((program, mut page)) = with_a_frame() else {
            return;
        };
        for (focus, is_paused) in [
            ("document.activeElement.blur()", "false"),
            ("document.querySelector('#benches a').focus()", "false"),
            ("document.querySelector('#text').focus()", "false"),
            (
                "document.querySelector('article.frame .byte').focus()",
                "true",
            ),
            (
                "document.querySelector('#wire .row[aria-current]').focus()",
                "false",
            ),
        ] {
            page.evaluate(focus);
            page.press("p");
            let pause = "document.querySelector('.wire-heading [aria-pressed]').ariaPressed";
            assert_eq!(page.evaluate(pause), is_paused, "{focus}");
        }
        assert_clean(&program, &mut page);
    }
}

mod an_address {
    use super::*;

    #[test]
    fn that_leads_nowhere_leads_to_a_bench_and_says_what_is_not_there() {
        let Some((program, mut page)) = lab("#nothing") else {
            return;
        };
        assert_eq!(page.evaluate("location.hash.split('/')[0]"), "#watch");
        for (address, bench, said) in [
            ("#break/%E0%A4%A", "Break it", ""),
            ("#watch/99999", "Watch", "This session has no record 99999."),
            ("#break/nothing", "Break it", "There is no rule “nothing”"),
            ("#break/frame/99999", "Break it", "Record 99999 holds no"),
        ] {
            page.evaluate(&format!("location.hash = {address:?}"));
            page.wait_for(&format!(
                "document.querySelector('#benches [aria-current]').innerText === {bench:?} && document.body.innerText.includes({said:?})"
            ));
        }
        assert_clean(&program, &mut page);
    }
}

mod break_it {
    use super::*;

    /// Waits until the bench has judged what it was told to send, and tells what it says: rule, offset, answer.
    #[track_caller]
    fn verdict(page: &mut Page) -> Value {
        page.wait_for("document.querySelector('#break-verdict')");
        page.evaluate("(({ rule, offset, answer }) => [rule, Number(offset), answer])(document.querySelector('.break-outcome').dataset)")
    }

    #[test]
    fn has_each_rule_for_each_side_and_says_of_it_what_decode_says() {
        let Some((program, mut page)) = lab("#break") else {
            return;
        };
        page.wait_for("document.querySelectorAll('#break-preset option').length > 10");
        let mut tried = 0;
        for rule in Rule::ALL {
            for (role, side) in [(Role::Client, ""), (Role::Server, "/to-client")] {
                let Some(bytes) = rule.example(role) else {
                    continue;
                };
                let key = "dGhlIHNhbXBsZSBub25jZQ==";
                let mut arguments = vec!["decode", "--raw", "--json", "--role", role.name()];
                arguments.extend(["--key", key, "--subprotocols", "", "--extensions", ""]);
                let run = run_with(&arguments, bytes);
                let decoded: Value = serde_json::from_str(&run.stdout).expect("JSON");
                let violation = &decoded["violation"];
                assert_eq!(violation["rule"], rule.id());
                if bytes.len() > 16 * 1024 {
                    // More than a field to type in should hold: told as such, and the examples of limits only.
                    continue;
                }
                page.evaluate(&format!("location.hash = '#break/{}{side}'", rule.id()));
                page.wait_for(&format!(
                    "document.querySelector('#break-preset').value === {:?} && document.querySelector('.ask-line .question')",
                    rule.id()
                ));
                page.evaluate("document.querySelector('#break-send').click()");
                let expected = json!([violation["rule"], violation["offset"], violation["answer"]]);
                assert_eq!(
                    verdict(&mut page),
                    expected,
                    "{} from a {}",
                    rule.id(),
                    role.name()
                );
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried} are not all");
        assert_clean(&program, &mut page);
    }

    #[test]
    fn tells_what_the_browser_tells_the_server_and_what_the_page_is_told() {
        let Some((_program, mut page)) = lab("#break/mask-present/server") else {
            return;
        };
        page.wait_for("document.querySelector('.ask-line .question')");
        page.evaluate("document.querySelector('#break-send').click()");
        page.wait_for("document.querySelectorAll('.browser-said .told').length === 2");
        let told = page.evaluate(
            "[...document.querySelectorAll('.browser-said .told')].map((it) => it.innerText)",
        );
        let [server, script] = [&told[0], &told[1]].map(|text| text.as_str().expect("text"));
        assert!(
            server.contains("1002") && server.contains("Masked"),
            "{server}"
        );
        assert!(
            script.contains("1006") && script.contains("no reason"),
            "{script}"
        );
    }

    #[test]
    fn runs_every_rule_that_binds_a_server_against_the_browser() {
        let Some((_program, mut page)) = lab("#break/mask-present/server") else {
            return;
        };
        page.wait_for(
            "!document.querySelector('.all-rules').hidden && document.querySelector('#break-all')",
        );
        page.evaluate("document.querySelector('#break-all').click()");
        page.wait_for("document.querySelector('.all-rules').dataset.done");
        let results = page.evaluate("[...document.querySelectorAll('.browser-rules tbody tr')].map((it) => it.dataset.result)");
        let results = results.as_array().expect("rows");
        assert!(results.len() >= 12, "{results:?}");
        // What a browser does is its own affair; that each was tried is ours.
        assert!(
            results
                .iter()
                .all(|result| result.as_str().is_some_and(|it| !it.is_empty())),
            "{results:?}"
        );
        let closed = page
            .evaluate("document.querySelector('.browser-rules').innerText.match(/1002/g).length");
        assert!(closed.as_u64() > Some(5), "{closed}");
    }

    #[test]
    fn refuses_what_is_no_hex_and_goes_on() {
        let Some((program, mut page)) = lab("#break/mask-missing") else {
            return;
        };
        page.wait_for("document.querySelector('.ask-line .question')");
        page.evaluate("{ const hex = document.querySelector('#break-hex'); hex.value = '81 0g'; hex.dispatchEvent(new Event('input', { bubbles: true })); }");
        page.evaluate("document.querySelector('#break-send').click()");
        page.wait_for("document.querySelector('.break-outcome .problem') || document.querySelector('#break-problem').textContent");
        page.evaluate("{ const hex = document.querySelector('#break-hex'); hex.value = '81 80 00 00 00 00'; hex.dispatchEvent(new Event('input', { bubbles: true })); }");
        page.wait_for("document.querySelector('.ask-line .question')");
        page.evaluate("document.querySelector('#break-send').click()");
        page.wait_for("document.querySelector('#break-verdict.is-legal')");
        assert_clean(&program, &mut page);
    }
}

mod cut_it {
    use super::*;

    const EVENTS: &str =
        "[...document.querySelectorAll('#cut-events li')].map((it) => it.innerText)";

    const IS_JUDGED: &str = "!document.querySelector('#cut-events').ariaBusy";
    const IS_SAME: &str = "!document.querySelector('#cut-events').ariaBusy
        && /same events/.test(document.querySelector('#cut-same').innerText)";
    const PLACE: &str = "document.activeElement.getAttribute('aria-valuetext')";

    #[test]
    fn shows_the_same_events_wherever_the_keyboard_puts_the_cuts() {
        let Some((program, mut page)) = lab("#cut") else {
            return;
        };
        for (stream, events) in [
            ("hello", 1),
            ("two", 2),
            ("ping", 3),
            ("accent", 1),
            ("handshake", 1),
        ] {
            page.evaluate(&format!("location.hash = '#cut/{stream}'"));
            page.wait_for(&format!(
                "document.querySelector('#cut-preset').value === '{stream}'"
            ));
            press(&mut page, ".bench-cut", "Uncut");
            page.wait_for(IS_JUDGED);
            let uncut = page.evaluate(EVENTS);
            assert_eq!(uncut.as_array().map(Vec::len), Some(events), "{uncut}");
            press(&mut page, ".bench-cut", "One cut more");
            page.evaluate("document.querySelector('.slit').focus()");
            for (key, moves) in [
                ("Home", None),
                ("ArrowRight", Some(true)),
                ("ArrowRight", Some(true)),
                ("ArrowLeft", Some(true)),
                ("End", None),
                ("ArrowRight", Some(false)),
            ] {
                let before = page.evaluate(PLACE);
                page.press(key);
                let after = page.evaluate(PLACE);
                assert!(after.is_string(), "{key} keeps the focus on the cut");
                if let Some(moves) = moves {
                    assert_eq!(before != after, moves, "{key} from {before}");
                }
                page.wait_for(IS_SAME);
                assert_eq!(page.evaluate(EVENTS), uncut, "{key}");
            }
            press(&mut page, ".bench-cut", "Every byte");
            page.wait_for("document.querySelectorAll('.slit').length > 3");
            page.wait_for(IS_SAME);
            assert_eq!(page.evaluate(EVENTS), uncut);
        }
        assert_clean(&program, &mut page);
    }
}

mod close {
    use super::*;

    #[test]
    fn shows_ten_ends_and_how_few_of_them_the_page_learns() {
        let Some((_program, mut page)) = lab("#close") else {
            return;
        };
        page.wait_for("document.querySelector('.bench-close .strong')");
        page.evaluate("document.querySelector('.bench-close .close-do .strong').click()");
        page.wait_for("[...document.querySelectorAll('.bench-close tbody:not([hidden]) .close-tcp')].every((it) => it.innerText.trim())");
        let told = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.bench-close tbody[id^=close-]:not([hidden])')].map((it) => [it.id.slice(6), it.querySelector('.close-event').innerText.replace(/\\s+/g, ' ')]))",
        );
        for (cause, code, is_clean) in [
            ("1000", 1000, true),
            ("4000", 4000, true),
            ("no-code", 1005, true),
            ("server-1001", 1001, true),
            ("server-no-code", 1005, true),
            ("cut", 1006, false),
            ("1006", 1006, false),
            ("masked", 1006, false),
            ("not-utf8", 1006, false),
            ("no-websocket", 1006, false),
        ] {
            let told = told[cause]
                .as_str()
                .unwrap_or_else(|| panic!("{cause} in {told}"));
            assert!(told.contains(&code.to_string()), "{cause}: {told}");
            assert!(
                told.contains(&format!(
                    "wasClean {} {is_clean}",
                    if is_clean { "✓" } else { "✗" }
                )),
                "{cause}: {told}"
            );
        }
    }
}

mod every_bench {
    use super::*;

    const BENCHES: &[&str] = &[
        "watch",
        "handshake",
        "break",
        "break/mask-present/server",
        "cut",
        "close",
        "cost",
        "build",
        "rules",
        "rules/mask-missing",
        "questions",
        "questions/17",
        "tour/3",
    ];

    /// The same with something done there: what to do, and when it is done.
    const IN_USE: &[(&str, &str, &str)] = &[
        (
            "break/mask-missing",
            "setTimeout(() => document.querySelector('#break-send').click(), 300)",
            "document.querySelector('#break-verdict')",
        ),
        (
            "close",
            "document.querySelector('.close-do .strong').click()",
            "document.querySelectorAll('.close-after').length === 11",
        ),
        (
            "cut",
            "[...document.querySelectorAll('.bench-cut button')].find((it) => it.innerText === 'Every byte').click()",
            "document.querySelectorAll('.slit').length > 3",
        ),
        (
            "cost",
            "[...document.querySelectorAll('.bench-cost button')].find((it) => it.innerText === 'Start').click()",
            "/\\d/.test(document.querySelector('.cost-up').innerText)",
        ),
    ];

    #[test]
    fn can_be_read_and_reached_in_every_size_and_colour() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        press(&mut page, "#wire", "Send");
        press(&mut page, "#wire", "300 kB");
        wait_for_frames(&mut page, "server", "text", 2);
        let mut problems = Vec::new();
        let benches = BENCHES.iter().map(|bench| (*bench, "0", "true"));
        for (bench, act, is_done) in benches.chain(IN_USE.iter().copied()) {
            page.evaluate(&format!("location.hash = '#{bench}'"));
            page.evaluate(act);
            page.wait_for(is_done);
            for (width, height, zoom, scheme) in [
                (320, 640, 1, "light"),
                (390, 844, 1, "dark"),
                (1280, 900, 1, "light"),
                (1280, 900, 2, "dark"),
                (2560, 1440, 1, "light"),
            ] {
                page.look(width, height, zoom, scheme);
                problems.extend(page.audit().iter().map(|problem| {
                    format!("#{bench}, {width} px, {zoom} times, {scheme}: {problem}")
                }));
            }
        }
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn has_a_heading_and_names_for_a_screen_reader() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        for bench in BENCHES {
            page.evaluate(&format!("location.hash = '#{bench}'"));
            page.wait_for("[...document.querySelectorAll('main > section')].filter((it) => !it.hidden).length === 1");
            // Bits get their names with their meanings.
            page.wait_for("[...document.querySelectorAll('.switch')].every((it) => it.ariaLabel || it.closest('[hidden]'))");
            let spoken = page.spoken();
            let has = |role: &str| {
                spoken
                    .iter()
                    .any(|(it, name)| it == role && !name.is_empty())
            };
            for role in ["navigation", "heading", "main", "complementary", "button"] {
                assert!(
                    has(role) || role == "main" && spoken.iter().any(|(it, _)| it == role),
                    "{bench} has no {role}: {spoken:?}"
                );
            }
            let nameless: Vec<_> = spoken
                .iter()
                .filter(|(role, name)| {
                    [
                        "button", "link", "textbox", "slider", "combobox", "checkbox", "radio",
                        "table",
                    ]
                    .contains(&role.as_str())
                        && name.trim().is_empty()
                })
                .collect();
            assert!(nameless.is_empty(), "{bench}: {nameless:?}");
        }
    }

    #[test]
    fn is_led_to_by_the_links_of_every_answer() {
        let Some((program, mut page)) = lab("#questions") else {
            return;
        };
        let links = page.evaluate(
            "fetch('lab/questions.json').then((it) => it.json()).then(({ questions }) => questions.flatMap((it) => it.links.map((link) => [it.n, link.to])))",
        );
        let links = links.as_array().expect("links");
        assert!(links.len() > 40, "{links:?}");
        for link in links {
            let to = link[1].as_str().expect("an address");
            page.evaluate(&format!("location.hash = {to:?}"));
            let bench = to
                .trim_start_matches('#')
                .split('/')
                .next()
                .expect("a first part");
            page.wait_for(&format!(
                "{bench:?} === 'tour' || document.querySelector('main > section:not([hidden])')?.className.includes('bench-{bench}')"
            ));
            page.evaluate("new Promise((done) => setTimeout(done, 0))");
            let problem = page.evaluate("[...document.querySelectorAll('main > section:not([hidden]) .problem')].map((it) => it.innerText.trim()).filter((it) => it)");
            assert_eq!(problem, json!([]), "{link}");
        }
        assert_clean(&program, &mut page);
    }
}
