//! The lab in a real browser: what it shows is what passed, however one looks at it and moves through it.
//!
//! Needs Chromium, as the other pages' tests do.

use crate::browser::{assert_clean, visit};
use crate::devtools::Page;
use crate::support::program::Program;
use crate::support::run::run_with;
use plainws::{Role, Rule};
use serde_json::{Value, json};
use std::thread;

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
        // So many as really differ, in the first two or in the latest.
        let differing = |pair: &[Value]| {
            let [one, two] = [&pair[0], &pair[1]].map(|it| hex(&it["wire"]).as_bytes().chunks(2));
            one.zip(two).filter(|(one, two)| one != two).count()
        };
        let said = page.evaluate("document.querySelector('.question .outcome').innerText");
        let said = said.as_str().expect("text");
        let is_told = |count| said.starts_with(&format!("{count} of 11:"));
        assert!(sent.windows(2).map(differing).any(is_told), "{said}");
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
        if sent.len() > 1 {
            let heading = format!(
                "one message of 300,000 bytes: the browser made {} frames of it",
                sent.len()
            );
            page.wait_for(&format!(
                "document.querySelector('#wire .group-heading').innerText.startsWith({heading:?})"
            ));
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
    fn writes_the_key_under_the_payload_over_and_over_and_what_comes_out() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        let sent = wait_for_frames(&mut page, "client", "text", 1).remove(0);
        page.wait_for("document.querySelector('article.frame .plain-byte')");
        let line = |page: &mut Page, what: &str| {
            page.evaluate(&format!(
                "[...document.querySelectorAll('article.frame .body-bytes {what}')].map((it) => it.textContent).join('')"
            ))
        };
        let key = hex(&sent["masking_key"]);
        assert_eq!(line(&mut page, ".byte"), sent["masked_payload"]);
        assert_eq!(line(&mut page, ".key-byte"), key.repeat(2)[..10]);
        assert_eq!(line(&mut page, ".plain-byte"), "48656c6c6f");
        assert_eq!(line(&mut page, ".char"), "Hello");
        let command =
            page.evaluate("document.querySelector('article.frame .command code').textContent");
        let spaced = hex(&sent["wire"])
            .as_bytes()
            .chunks(2)
            .map(|it| String::from_utf8_lossy(it));
        let spaced = spaced.collect::<Vec<_>>().join(" ");
        assert_eq!(command, format!("$ plainws decode {spaced}"));
        // To scale: a cell a byte, the header's thick and the payload's thin.
        let cells = "[...document.querySelectorAll('#wire [aria-current] .cell')].map((it) => it.classList.contains('thin'))";
        assert_eq!(
            page.evaluate(cells),
            json!([vec![false; 6], vec![true; 5]].concat())
        );
        // What the server sends has none.
        page.evaluate(
            "selection.record(session.records.find((it) => it.sender === 'server' && it.frame)); 0",
        );
        page.wait_for("document.querySelectorAll('article.frame .byte').length === 7");
        assert_eq!(line(&mut page, ".key-byte"), "");
        assert_eq!(line(&mut page, ".char"), "Hello");
    }

    #[test]
    fn lets_the_records_answer_and_never_the_click() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        wait_for_frames(&mut page, "server", "text", 1);
        page.evaluate("document.querySelector('main .question .choices button').click()");
        let said = |page: &mut Page| {
            page.evaluate("document.querySelector('main .question .outcome').innerText")
        };
        let before = said(&mut page);
        let before = before.as_str().expect("text");
        assert!(
            before.starts_with("You said: none.") && !before.contains("key"),
            "{before}"
        );
        assert_eq!(
            page.evaluate("document.querySelector('main .question s')"),
            Value::Null
        );
        press(&mut page, "#wire", "Send");
        page.wait_for(
            "/of 11: the key is new/.test(document.querySelector('main .question').innerText)",
        );
        assert_eq!(
            page.evaluate("document.querySelector('main .question s').innerText"),
            "You said: none."
        );
    }

    #[test]
    fn keeps_what_comes_while_it_is_paused_and_saves_what_decode_reads() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        wait_for_frames(&mut page, "server", "text", 1);
        page.wait_for("document.querySelectorAll('#wire .row').length === 4");
        page.evaluate("document.querySelector('#wire .row').focus()");
        page.press("p");
        press(&mut page, "#wire", "Send");
        wait_for_frames(&mut page, "server", "text", 2);
        page.wait_for("/Go on .2./.test(document.querySelector('#wire').innerText)");
        assert_eq!(
            page.evaluate("document.querySelectorAll('#wire .row').length"),
            4
        );
        page.press("p");
        page.wait_for("document.querySelectorAll('#wire .row').length === 6");
        assert_eq!(
            page.evaluate("document.activeElement.classList.contains('row')"),
            true
        );

        let saved =
            page.evaluate("import('/lab/saved.js').then(({ saved }) => saved(session.records))");
        let run = run_with(
            &["decode", "--json"],
            saved.as_str().expect("text").as_bytes(),
        );
        let decoded: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let kept = page.evaluate(
            "session.records.filter((it) => it.frame).map((it) => [it.sender, it.frame.wire])",
        );
        let mut read = Vec::new();
        for stream in decoded["streams"].as_array().expect("two directions") {
            assert_eq!(stream["verdict"], "legal", "{stream}");
            for frame in stream["frames"].as_array().expect("frames") {
                read.push(json!([stream["sender"], frame["wire"]]));
            }
        }
        let kept = kept.as_array().expect("frames");
        let of = |sender| kept.iter().filter(move |it| it[0] == sender).cloned();
        assert_eq!(read, Vec::from_iter(of("client").chain(of("server"))));
    }

    #[test]
    fn says_how_many_records_were_dropped_and_opens_another_connection_after_an_end() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        wait_for_frames(&mut page, "server", "text", 1);
        // As if the server had dropped some.
        page.evaluate(
            "{
                const { send } = WebSocket.prototype;
                WebSocket.prototype.send = function (data) {
                    WebSocket.prototype.send = send;
                    this.onmessage({ data: JSON.stringify({ type: 'dropped', records: 3 }) });
                    return send.call(this, data);
                };
                session.ask('time')
            }",
        );
        page.wait_for("/3 records dropped/.test(document.querySelector('#wire').innerText)");
        let before = page.evaluate("session.main().c");
        page.evaluate("session.main().socket.close(1000)");
        page.wait_for("/plainws ended TCP first, close code 1000/.test(document.querySelector('#wire').innerText)");
        press(&mut page, "#wire", "Send");
        wait_for_frames(&mut page, "server", "text", 2);
        assert_ne!(
            page.evaluate("session.records.findLast((it) => it.frame).c"),
            before
        );
    }

    #[test]
    fn says_that_the_session_is_lost_and_keeps_what_was_seen() {
        let Some((program, mut page)) = lab("") else {
            return;
        };
        wait_for_frames(&mut page, "server", "text", 1);
        page.wait_for("document.querySelectorAll('#wire .row').length === 4");
        drop(program);
        page.wait_for("session.state === 'lost'");
        page.wait_for("/Connect again/.test(document.querySelector('#state').innerText)");
        assert!(page.text("state").starts_with("lost"));
        assert_eq!(
            page.evaluate("document.querySelectorAll('#wire .row').length >= 4"),
            true
        );
        let error = page.evaluate("session.ask('time').catch((error) => error.message)");
        assert_eq!(error, "There is no session: connect again first.");
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

    #[test]
    fn keeps_the_focus_on_a_row_of_the_wire_while_others_come() {
        let Some((_program, mut page)) = with_a_frame() else {
            return;
        };
        wait_for_frames(&mut page, "server", "text", 2);
        page.evaluate(
            "globalThis.row = document.querySelector('#wire [aria-current]'); row.focus()",
        );
        let said = page.text("live");
        page.evaluate("for (let i = 0; i < 20; i++) session.main().socket.send(`${i}`)");
        wait_for_frames(&mut page, "server", "text", 22);
        // Nor is each of them spoken.
        assert_eq!(page.text("live"), said);
        assert_eq!(page.evaluate("document.activeElement === row"), true);
        // The rows are one stop for Tab, and the arrows go from one to the next.
        let stops =
            "[...document.querySelectorAll('#wire .row')].filter((it) => it.tabIndex === 0).length";
        assert_eq!(page.evaluate(stops), 1);
        let at = "[...document.querySelectorAll('#wire .row')].indexOf(document.activeElement)";
        let before = page.evaluate(at).as_i64();
        for (key, step) in [("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)] {
            page.press(key);
            assert_eq!(
                page.evaluate(at).as_i64(),
                before.map(|it| it + step),
                "{key}"
            );
            assert_eq!(
                page.evaluate("document.activeElement.ariaCurrent"),
                "true",
                "{key}"
            );
        }
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

    /// Goes to a preset by its link, sends it, and tells of what: the preset in the list, and rule, offset and answer.
    const ATTEMPT: &str = "globalThis.attempt = async (fragment) => {
        const end = performance.now() + 10000;
        const until = async (is) => {
            while (!is()) {
                if (performance.now() > end) throw new Error(fragment + ': ' + document.querySelector('main').innerText);
                await new Promise((done) => setTimeout(done, 5));
            }
        };
        const find = (what) => document.querySelector(what);
        await new Promise((done) => {
            addEventListener('hashchange', done, { once: true });
            location.hash = fragment;
        });
        await until(() => find('.ask-line .question'));
        find('#break-send').click();
        await until(() => find('#break-verdict'));
        const { rule, offset, answer } = find('.break-outcome').dataset;
        return [find('#break-preset').value, rule, Number(offset), answer];
    }; 0";

    /// What `decode` says of the bytes that break a rule.
    fn decoded(rule: Rule, role: Role, bytes: &[u8]) -> Value {
        let mut arguments = vec!["decode", "--raw", "--json", "--role", role.name()];
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        arguments.extend(["--key", key, "--subprotocols", "", "--extensions", ""]);
        let run = run_with(&arguments, bytes);
        let decoded: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let of = &decoded["violation"];
        json!([rule.id(), of["rule"], of["offset"], of["answer"]])
    }

    fn check_presets(role: Role, side: &str, least: usize) {
        // More than that a field to type in should not hold: those are the examples of limits.
        let is_shown = |bytes: &&[u8]| bytes.len() <= 16 * 1024;
        let rules: Vec<_> = Rule::ALL
            .iter()
            .filter_map(|rule| Some((*rule, rule.example(role).filter(is_shown)?)))
            .collect();
        assert!(rules.len() > least, "{} are not all", rules.len());
        // The page is judged twenty times a second: meanwhile there is time to decode.
        thread::scope(|scope| {
            let all = scope.spawn(|| {
                let decode = |(rule, bytes): &(Rule, &[u8])| decoded(*rule, role, bytes);
                rules.iter().map(decode).collect::<Vec<_>>()
            });
            let Some((program, mut page)) = lab("#break") else {
                return;
            };
            page.evaluate(ATTEMPT);
            let shown: Vec<_> = rules
                .iter()
                .map(|(rule, _)| page.evaluate(&format!("attempt('#break/{}{side}')", rule.id())))
                .collect();
            let expected = all.join().expect("decode does not panic");
            assert_eq!(shown, expected, "from a {}", role.name());
            assert_clean(&program, &mut page);
        });
    }

    // Two tests, for each page may ask so often only.

    #[test]
    fn has_each_rule_for_a_client_and_says_of_it_what_decode_says() {
        check_presets(Role::Client, "", 30);
    }

    #[test]
    fn has_each_rule_for_a_server_and_says_of_it_what_decode_says() {
        check_presets(Role::Server, "/to-client", 20);
    }

    #[test]
    fn judges_what_is_changed_by_a_switch_or_a_field_and_breaks_a_frame_of_the_wire() {
        let Some((program, mut page)) = lab("") else {
            return;
        };
        let sent = wait_for_frames(&mut page, "client", "text", 1).remove(0);
        page.wait_for("selection.value?.record");
        page.evaluate("document.querySelector('article.frame .byte').focus()");
        page.press("b");
        page.wait_for("document.querySelector('.ask-line .question')");
        let hex = "document.querySelector('#break-hex').value.replaceAll(' ', '')";
        assert_eq!(page.evaluate(hex), sent["wire"]);
        // RSV3, by keyboard alone.
        page.evaluate("document.querySelector('.switch').focus()");
        for key in ["ArrowRight", "ArrowRight", "ArrowRight", " "] {
            page.press(key);
        }
        let wire = self::hex(&sent["wire"]);
        assert_eq!(page.evaluate(hex), format!("91{}", &wire[2..]));
        page.wait_for("document.querySelector('.ask-line .question')");
        page.evaluate("document.querySelector('#break-send').click()");
        page.wait_for("document.querySelector('.break-outcome').dataset.rule === 'rsv-not-zero'");
        // Back, and another payload: the server makes the frame.
        page.press(" ");
        page.wait_for("document.querySelector('.ask-line .question') && document.querySelector('#break-payload').value === 'Hello'");
        page.evaluate("{ const it = document.querySelector('#break-payload'); it.value = 'hi'; it.dispatchEvent(new Event('input', { bubbles: true })); }");
        page.wait_for(&format!("{hex}.startsWith('8182') && {hex}.length === 16 && document.querySelector('.ask-line .question')"));
        page.evaluate("document.querySelector('#break-send').click()");
        page.wait_for("document.querySelector('#break-verdict.is-legal')");
        assert!(
            page.evaluate("document.querySelector('#break-verdict').innerText")
                .as_str()
                .is_some_and(|said| said.contains("“hi”"))
        );
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
        // What is said of it agrees with what it did.
        let told = page.evaluate(
            "session.table('rules').then((rules) => [...document.querySelectorAll('.browser-rules tbody tr')].map((row) => {
                const told = row.children[1].innerText;
                const due = rules.find(({ id }) => id === row.querySelector('a').innerText).close_code;
                return [row.dataset.result, told, told.startsWith('Close') ? told.includes(`${due}`) : null];
            }))",
        );
        for row in told.as_array().expect("rows") {
            assert_eq!(row[0] == "as due", row[2] == true, "{row}");
            assert_eq!(
                row[0] == "did not leave" || row[0] == "left without Close",
                row[2].is_null(),
                "{row}"
            );
        }
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

    #[test]
    fn would_say_so_if_a_cut_changed_the_events() {
        let Some((_program, mut page)) = lab("#cut/two") else {
            return;
        };
        page.wait_for("document.querySelectorAll('#cut-events li').length === 2");
        // As if the judge lost the last event of a stream in pieces.
        page.evaluate(
            "{
                const { ask } = session;
                session.ask = async (what, fields) => {
                    const result = await ask.call(session, what, fields);
                    if (fields?.pieces?.length > 1) result.events.pop();
                    return result;
                };
            }",
        );
        press(&mut page, ".bench-cut", "One cut more");
        page.wait_for("document.querySelector('#cut-same').classList.contains('broken')");
        assert_eq!(page.evaluate(EVENTS).as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn says_of_each_piece_what_the_judge_says_and_cuts_the_message_too() {
        let Some((program, mut page)) = lab("#cut/ping") else {
            return;
        };
        page.wait_for("document.querySelectorAll('.pieces tbody tr').length === 2");
        let pieces = page.evaluate("[...document.querySelectorAll('.pieces tbody tr')].map((it) => [...it.children].map((it) => it.textContent))");
        let expected = json!([
            [
                "1",
                "01 83 37 fa 21 3d 7f 9f 4d 89 82 37",
                "text “Hel”, not final, then 5 more bytes",
                "0"
            ],
            [
                "2",
                "fa 21 3d 5f 93 80 82 37 fa 21 3d 5b 95",
                "ping “hi”, then continuation “lo”",
                "1, 2"
            ],
        ]);
        assert_eq!(pieces, expected);
        // The other cut: more frames, one message.
        let sum = "document.querySelector('#cut-sum').innerText";
        page.evaluate("document.querySelector('#cut-count').focus()");
        for (key, due) in [
            (
                "End",
                "8 frames, 66 bytes: 48 of header and key for 18 of payload. One message",
            ),
            (
                "Home",
                "1 frame, 24 bytes: 6 of header and key for 18 of payload. One message",
            ),
            (
                "ArrowRight",
                "2 frames, 30 bytes: 12 of header and key for 18 of payload. One message",
            ),
        ] {
            page.press(key);
            page.wait_for(&format!("{sum}.startsWith({due:?})"));
            assert!(
                page.evaluate(sum)
                    .as_str()
                    .is_some_and(|it| it.contains("one message, café"))
            );
        }
        page.evaluate("document.querySelector('#cut-between').click()");
        press(&mut page, ".bench-cut", "plainws sends it so to this tab");
        page.wait_for("/The page got one message, “one message, café”. On the wire, 2 frames/.test(document.querySelector('#cut-real').innerText)");
        let pings = frames(&mut page, "server", "ping");
        assert!(pings.iter().any(|ping| ping["payload"] == "6265747765656e"));
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
        // What each side sent, as far as it is not the browser's own affair.
        let passed = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.bench-close tbody[id^=close-]:not([hidden])')].map((it) => [it.id.slice(6),
                [...it.querySelectorAll('.close-wire .row')].map((it) => `${it.classList.contains('from-client') ? '>' : '<'} ${[...it.querySelector('.what').childNodes].filter((it) => it.className !== 'connection').map((it) => it.textContent).join('').trim()}`).join('; ')]))",
        );
        for (cause, due) in [
            ("1000", "> close 1000; < close 1000"),
            (
                "4000",
                "> close 4000 tea is ready; < close 4000 tea is ready",
            ),
            ("no-code", "> close without a code; < close without a code"),
            (
                "server-1001",
                "< close 1001 plainws goes away; > close 1001 plainws goes away",
            ),
            (
                "server-no-code",
                "< close without a code; > close without a code",
            ),
            ("cut", ""),
            (
                "no-websocket",
                "> GET /lab/nothing, upgrade; < 404 Not Found",
            ),
        ] {
            assert_eq!(passed[cause], due, "{cause}");
        }
        for (cause, due) in [
            ("1006", "< ! close"),
            ("masked", "< ! text"),
            ("not-utf8", "< ! text"),
        ] {
            let passed = passed[cause].as_str().expect("text");
            assert!(passed.starts_with(due), "{cause}: {passed}");
        }
        let tcp = page.evaluate("[...document.querySelectorAll('#close-1000 .close-tcp, #close-cut .close-tcp')].map((it) => it.innerText.trim())");
        assert_eq!(tcp, json!(["plainws", "plainws, by cutting it"]));
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
        let said = page.text("close-4000");
        assert!(
            said.contains("and with the same reason, so it is in the event"),
            "{said}"
        );
    }

    #[test]
    fn lets_a_page_send_the_codes_that_it_may_and_shows_what_the_browser_throws() {
        let Some((_program, mut page)) = lab("#close/own") else {
            return;
        };
        page.wait_for("document.activeElement.closest('.close-own')");
        for (code, is_sent) in [("3000", true), ("1006", false)] {
            page.evaluate("document.activeElement.select()");
            page.type_text(code);
            page.press_enter();
            page.wait_for(&format!(
                "document.querySelector('#close-own').className === 'close-done' && /close.{code}/.test(document.querySelector('#close-own code').innerText)"
            ));
            let said = page.text("close-own");
            assert_eq!(said.contains("InvalidAccessError"), !is_sent, "{said}");
            assert_eq!(said.contains("wasClean ✓ true"), is_sent, "{said}");
        }
    }
}

mod handshake {
    use super::*;

    #[test]
    fn shows_both_heads_line_by_line_and_finds_the_mistake_in_an_answer() {
        let Some((program, mut page)) = lab("#handshake") else {
            return;
        };
        page.wait_for("document.querySelectorAll('.handshake-head').length === 2");
        let lines = page.evaluate("[...document.querySelectorAll('.handshake-head tbody th')].map((it) => it.textContent)");
        let sent = page.evaluate("session.records.filter((it) => it.handshake).slice(0, 2).flatMap((it) => it.handshake.lines.map(({ text }) => text || 'an empty line'))");
        assert_eq!(lines, sent);
        let accept = page.evaluate("session.records[0].handshake.derivation.accept");
        let accept = accept.as_str().expect("text");
        let steps = "document.querySelector('.handshake-steps').innerText";
        page.wait_for(&format!("{steps}.includes({accept:?})"));
        // What was said is settled by the answer that came.
        page.evaluate("document.querySelectorAll('main .question .choices button')[2].click()");
        page.wait_for(&format!(
            "document.querySelector('main .question').innerText.includes({accept:?})"
        ));
        let found = "document.querySelector('.handshake-found').innerText";
        for (preset, due) in [
            ("no GUID", "✗ Wrong: no GUID"),
            ("right", "✓ Right"),
            ("SHA-256", "✗ Wrong: SHA-256"),
        ] {
            press(&mut page, ".handshake-presets", preset);
            page.wait_for(&format!("{found}.startsWith({due:?})"));
        }
        page.evaluate("{ const it = document.querySelector('#handshake-key input'); it.value = 'abc'; it.dispatchEvent(new Event('input')); }");
        page.wait_for(&format!("/This is no key/.test({steps})"));
        press(&mut page, ".bench-handshake", "Open another");
        page.wait_for("document.querySelectorAll('.handshake-new').length > 0");
        let new = page.evaluate("[...document.querySelectorAll('.handshake-new')].map((it) => it.parentElement.textContent.split(':')[0])");
        assert!(
            new.as_array()
                .is_some_and(|new| new.contains(&json!("Sec-WebSocket-Key"))
                    && new.contains(&json!("Sec-WebSocket-Accept"))),
            "{new}"
        );
        assert_clean(&program, &mut page);
    }
}

mod cost {
    use super::*;

    /// Starts the three lanes, and keeps the latest record of each.
    fn start(page: &mut Page) {
        page.evaluate(
            "globalThis.counts = {}; session.on('count', (it) => { counts[it.lane] = it; }); 0",
        );
        // News often, so that there is some soon.
        page.evaluate("{ const it = document.querySelector('#cost-news'); it.value = 0; it.dispatchEvent(new Event('input')); }");
        press(page, ".bench-cost", "Start");
    }

    #[test]
    fn shows_what_the_server_counts_and_what_fifty_connections_hold() {
        let Some((_program, mut page)) = lab("#cost") else {
            return;
        };
        start(&mut page);
        page.wait_for(
            "counts.poll?.requests > 1 && counts.long?.held === 1 && counts.socket?.news > 0",
        );
        page.wait_for(
            "/took .* bytes, a single poll/.test(document.querySelector('.bench-cost').innerText)",
        );
        press(&mut page, ".bench-cost", "Stop");
        page.wait_for("counts.long.held === 0 && counts.socket.held === 0");
        page.wait_for("/^Stopped/.test(document.querySelector('.cost-live').innerText)");
        press(&mut page, ".bench-cost", "Open 50");
        page.wait_for("/50 opened/.test(document.querySelector('.bench-cost').innerText)");
        let figures = page.evaluate("[...document.querySelectorAll('.cost-stats td:nth-of-type(1)')].map((it) => Number(it.textContent))");
        let [before, with] = [&figures[0], &figures[1]].map(|it| it.as_u64().expect("a number"));
        // What the polls were asked on may have ended meanwhile.
        assert!(with >= before + 45, "{figures}");
        page.evaluate("location.hash = '#watch'");
        // Who leaves holds nothing.
        page.evaluate(&format!(
            "(async () => {{ while ((await session.ask('threads')).connections > {before} + 10); }})()"
        ));
    }

    #[test]
    fn shows_in_each_lane_the_figures_of_its_record() {
        let Some((_program, mut page)) = lab("#cost") else {
            return;
        };
        start(&mut page);
        page.wait_for("counts.poll?.news > 0 && counts.long?.news > 0 && counts.socket?.news > 0");
        // At one moment, so that none comes between.
        let told = page.evaluate(
            "['poll', 'long', 'socket'].map((lane, row) => {
                const shown = (what) => document.querySelectorAll('.cost-lanes .cost-' + what)[row].innerText;
                const { requests, up, down, payload, held } = counts[lane];
                const due = (bytes) => bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(bytes < 100000 ? 1 : 0)} kB`;
                return [shown('requests') === `${requests}`, shown('up') === due(up), shown('down') === due(down),
                    Math.abs(parseFloat(shown('share')) - 100 * payload / (up + down)) < 1, shown('held') === (held === 0 ? '–' : lane === 'socket' ? 'thread' : 'request')];
            })",
        );
        assert_eq!(
            told,
            json!([
                [true, true, true, true, true],
                [true, true, true, true, true],
                [true, true, true, true, true]
            ])
        );
    }
}

mod the_tour {
    use super::*;

    #[test]
    fn is_gone_through_by_the_keyboard_and_the_records_settle_each_step() {
        let Some((program, mut page)) = lab("") else {
            return;
        };
        page.evaluate("document.querySelector('#tour button').focus()");
        page.press_enter();
        for step in 1..=10 {
            page.wait_for(&format!(
                "document.querySelector('.tour-title')?.innerText.includes('Tour, {step} of 10')"
            ));
            page.wait_for("document.activeElement.classList.contains('ask')");
            if step == 9 {
                // Which is about a cut.
                assert_clean(&program, &mut page);
            }
            page.press("Tab");
            assert_eq!(
                page.evaluate("document.activeElement.className"),
                "choice",
                "step {step}"
            );
            assert_eq!(
                page.evaluate("document.querySelector('.tour-more').hidden"),
                true,
                "step {step}"
            );
            page.press_enter();
            page.wait_for("!document.querySelector('.tour-more').hidden");
            assert_eq!(
                page.evaluate("document.querySelector('#tour .problem').innerText"),
                "",
                "step {step}"
            );
            // Settled: by what was seen, which names the choice that came true.
            assert_eq!(page.evaluate("document.querySelector('#tour .choices').hidden && document.querySelector('#tour .outcome').innerText.length > 60"), true);
            assert_ne!(
                page.evaluate("document.activeElement.localName"),
                "body",
                "step {step}"
            );
            page.wait_for("!/^Question/.test(document.querySelector('.tour-more a').innerText)");
            let next = if step < 10 { "Next" } else { "Finish" };
            for _ in 0..8 {
                if page.evaluate("document.activeElement.innerText") == next {
                    break;
                }
                page.press("Tab");
            }
            assert_eq!(
                page.evaluate("document.activeElement.innerText"),
                next,
                "step {step}"
            );
            page.press_enter();
        }
        page.wait_for("/Begin the tour/.test(document.querySelector('#tour').innerText)");
        assert_ne!(page.evaluate("document.activeElement.localName"), "body");
    }
}

mod a_step_of_the_tour {
    use super::*;

    #[test]
    fn is_not_settled_by_the_click() {
        let Some((_program, mut page)) = lab("#tour/9") else {
            return;
        };
        page.wait_for("document.querySelector('#tour .choices button')");
        page.evaluate("session.ask = () => Promise.reject(new Error('the server says nothing'))");
        page.evaluate("document.querySelectorAll('#tour .choices button')[2].click()");
        page.wait_for("document.querySelector('#tour .problem').innerText");
        assert_eq!(
            page.evaluate("document.querySelector('#tour .problem').innerText"),
            "the server says nothing"
        );
        assert_eq!(
            page.evaluate("document.querySelector('#tour .outcome').innerText"),
            "You said: 1006. Let us see …"
        );
    }
}

mod the_tables {
    use super::*;

    #[test]
    fn of_rules_and_questions_are_searched_and_the_stages_show_what_is_sent() {
        let Some((program, mut page)) = lab("#rules") else {
            return;
        };
        let search = |page: &mut Page, id: &str, text: &str| {
            page.evaluate(&format!("{{ const it = document.querySelector('{id}'); it.value = {text:?}; it.dispatchEvent(new Event('input')); }}"));
        };
        page.wait_for(&format!(
            "document.querySelectorAll('.rules-table tbody tr').length === {}",
            Rule::ALL.len()
        ));
        search(&mut page, "#rules-sought", "utf-8 1007");
        let found = page.evaluate(
            "[...document.querySelectorAll('.rules-table .rule-id')].map((it) => it.textContent)",
        );
        let due: Vec<_> = Rule::ALL
            .iter()
            .filter(|it| it.id().ends_with("not-utf8"))
            .map(|it| it.id())
            .collect();
        assert_eq!(found, json!(due));
        press(&mut page, ".rules-views", "Map");
        assert_eq!(
            page.evaluate("document.querySelectorAll('.rules-map .rule-id').length"),
            due.len()
        );
        let first = page.evaluate("document.querySelector('.rules-map .rule-id').textContent");
        page.evaluate("document.querySelector('.rules-map .rule-id').click()");
        page.wait_for("document.querySelector('.rule-verdict')");
        assert_eq!(
            page.evaluate("document.querySelector('.rule-detail h1').innerText"),
            first
        );

        page.evaluate("location.hash = '#questions'");
        let questions = crate::cli_why::QUESTIONS;
        page.wait_for(&format!(
            "document.querySelectorAll('.bench-questions details').length === {questions}"
        ));
        search(&mut page, "#questions-sought", "1006");
        let found = page.evaluate(
            "[...document.querySelectorAll('.bench-questions details')].map((it) => it.id)",
        );
        assert!(
            found
                .as_array()
                .is_some_and(|it| it.len() < 30 && it.contains(&json!("question-43"))),
            "{found}"
        );
        page.evaluate("location.hash = '#questions/17'");
        page.wait_for("document.querySelector('#question-17 .answer p')");
        assert_eq!(
            page.evaluate("document.activeElement.closest('details').id"),
            "question-17"
        );

        page.evaluate("location.hash = '#build/2'");
        page.wait_for("document.querySelector('.stage h2')?.innerText.startsWith('Stage 2') && document.querySelector('.stage article.frame .byte')");
        let shown = page.evaluate("[...document.querySelectorAll('.stage article.frame .byte')].map((it) => it.textContent).join('')");
        let sent = page.evaluate("fetch('lab/stages.json').then((it) => it.json()).then((it) => it[1].cases.flatMap((it) => it.sent).flatMap((it) => it.frames)[0].wire)");
        assert_eq!(shown, sent);
        page.evaluate("document.querySelector('#build-done').click()");
        assert_eq!(page.text("build-progress"), "1 of 10 done");
        assert_clean(&program, &mut page);
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

    /// The same with something done there: when it can be, what to do, and when it is done.
    const IN_USE: &[(&str, &str, &str, &str)] = &[
        (
            "break/mask-missing",
            "document.querySelector('.ask-line .question')",
            "document.querySelector('#break-send').click()",
            "document.querySelector('#break-verdict')",
        ),
        (
            "cut",
            "document.querySelector('#cut-events li')",
            "[...document.querySelectorAll('.bench-cut button')].find((it) => it.innerText === 'Every byte').click()",
            "document.querySelectorAll('.slit').length > 3",
        ),
        (
            "cost",
            "true",
            "[...document.querySelectorAll('.bench-cost button')].find((it) => it.innerText === 'Start').click()",
            "/\\d/.test(document.querySelector('.cost-up').innerText)",
        ),
        (
            "close",
            "true",
            "document.querySelector('.close-do .strong').click()",
            "document.querySelectorAll('.close-done').length === 10",
        ),
    ];

    /// Goes to a bench, and waits until it is shown.
    #[track_caller]
    fn go(page: &mut Page, fragment: &str) {
        page.evaluate(&format!(
            "new Promise((done) => {{
                if (location.hash === '#{fragment}') return done();
                addEventListener('hashchange', () => done(), {{ once: true }});
                location.hash = '#{fragment}';
            }})"
        ));
        let bench = fragment.split('/').next().unwrap_or_default();
        page.wait_for(&format!(
            "{bench:?} === 'tour' || document.querySelector('main > section:not([hidden])')?.className.includes('bench-{bench}')"
        ));
    }

    /// What is wrong with a bench in any size or colour.
    fn look_at(page: &mut Page, bench: &str) -> Vec<String> {
        let mut problems = Vec::new();
        for (width, height, zoom, scheme) in [
            (320, 640, 1, "light"),
            (390, 844, 1, "dark"),
            (1280, 900, 1, "light"),
            (1280, 900, 2, "dark"),
            (2560, 1440, 1, "light"),
        ] {
            page.look(width, height, zoom, scheme);
            problems.extend(
                page.audit().iter().map(|problem| {
                    format!("#{bench}, {width} px, {zoom} times, {scheme}: {problem}")
                }),
            );
        }
        problems
    }

    #[test]
    fn can_be_read_and_reached_in_every_size_and_colour() {
        let Some((program, mut page)) = lab("") else {
            return;
        };
        press(&mut page, "#wire", "Send");
        press(&mut page, "#wire", "300 kB");
        wait_for_frames(&mut page, "server", "text", 2);
        let mut problems = Vec::new();
        for bench in BENCHES {
            go(&mut page, bench);
            problems.extend(look_at(&mut page, bench));
        }
        assert_eq!(problems, Vec::<String>::new());
        assert_clean(&program, &mut page);
    }

    #[test]
    fn can_be_read_and_reached_while_it_is_in_use() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        let mut problems = Vec::new();
        for (bench, is_ready, act, is_done) in IN_USE {
            go(&mut page, bench);
            page.wait_for(is_ready);
            page.evaluate(act);
            page.wait_for(is_done);
            problems.extend(look_at(&mut page, bench));
        }
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn has_a_heading_and_names_for_a_screen_reader() {
        let Some((_program, mut page)) = lab("") else {
            return;
        };
        for bench in BENCHES {
            go(&mut page, bench);
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
            go(&mut page, to.trim_start_matches('#'));
            page.evaluate("new Promise((done) => setTimeout(done, 0))");
            let problem = page.evaluate("[...document.querySelectorAll('main > section:not([hidden]) .problem')].map((it) => it.innerText.trim()).filter((it) => it)");
            assert_eq!(problem, json!([]), "{link}");
            let unknown = page.evaluate("/There is no (rule|cause|question) /.test(document.querySelector('main').innerText)");
            assert_eq!(unknown, false, "{link}");
        }
        assert_clean(&program, &mut page);
    }
}
