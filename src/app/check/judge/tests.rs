//! What is judged how, record by record: the frames that came, how TCP ended, and what that amounts to.

use super::{Outcome, Verdict, judge};
use crate::app::check::came::{Came, Ended};
use crate::app::check::case::{Case, End, Group, Level};
use crate::app::check::record::{Record, Side, Stopped};
use crate::app::check::script::{
    self, Answer, Frame, Step, binary, close, close_body, first, last, ping, pong, text,
};
use crate::app::check::talk::Waited;
use plainws::protocol::handshake::accept_value;
use plainws::{Role, Rule};
use std::time::Duration;

use Ended::{Fin, Flood, Reset};
use Outcome::{Failed, Lenient, NotApplicable, Ok, Timeout};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn request() -> String {
    let headers =
        "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13";
    format!("GET / HTTP/1.1\r\n{headers}\r\nSec-WebSocket-Key: {KEY}\r\n\r\n")
}

fn accepted(more: &str) -> String {
    let accept = accept_value(KEY);
    let headers =
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}");
    format!("HTTP/1.1 101 Yes\r\n{headers}\r\n{more}\r\n")
}

fn case(end: End) -> Case {
    Case::new(Group::Closing, "a-case", "does it", "5.5").ends(end)
}

/// A connection on which these bytes came, for all that the script has due.
fn side(case: &Case, examinee: Role, wire: &[u8], end: Option<Ended>) -> Side {
    let mut came = Came::of(examinee);
    came.receive(wire);
    came.end = end.or(came.end);
    let answers = |is_due: bool| {
        let steps = case.script.iter().filter_map(move |step| match step {
            Step::Expect(answers) if is_due => Some(answers),
            Step::Perhaps(answers) if !is_due => Some(answers),
            _ => None,
        });
        steps.flatten().cloned().collect()
    };
    Side {
        head: request().into(),
        usual: request(),
        sent: Vec::new(),
        total_sent: 0,
        due: answers(true),
        perhaps: answers(false),
        is_whole: true,
        came,
    }
}

fn record(examinee: Role, sides: Vec<Side>) -> Record {
    Record {
        examinee,
        sides,
        stopped: None,
        is_late: false,
        time: Duration::ZERO,
    }
}

/// Of a server that has accepted the handshake and sent these frames, and of a client that has sent the same.
#[track_caller]
fn check(case: &Case, came: &[Frame], end: impl Into<Option<Ended>>, outcome: Outcome, why: &str) {
    let end = end.into();
    for role in [Role::Server, Role::Client] {
        let mut wire = script::wire(came, role);
        if role == Role::Server {
            wire.splice(0..0, accepted("").into_bytes());
        }
        let record = record(role, vec![side(case, role, &wire, end)]);
        check_record(case, &record, outcome, why);
    }
}

#[track_caller]
fn check_record(case: &Case, record: &Record, outcome: Outcome, why: &str) {
    let verdict = judge(case, record);
    let told = format!("{:?}: {verdict:?}", record.examinee);
    assert_eq!(verdict.outcome, outcome, "{told}");
    assert!(verdict.why.contains(why), "{why}\n{told}");
    assert_eq!(verdict.why.is_empty(), outcome == Ok, "{told}");
}

mod ends {
    use super::*;

    #[test]
    fn an_answer_has_the_code_that_is_due() {
        for (end, body, outcome, why) in [
            (End::Answered, &b"\x03\xE8"[..], Ok, ""),
            (End::Answered, b"\x03\xE8all is well", Ok, ""),
            (
                End::Answered,
                b"\x03\xE9",
                Lenient,
                "closes with 1001; 1000",
            ),
            (End::Answered, b"", Lenient, "closes with no code; 1000"),
            (End::Closed(vec![3000, 1000]), b"\x0B\xB8", Ok, ""),
            (End::Closed(vec![3000, 1000]), b"\x03\xE8", Ok, ""),
            (
                End::Closed(vec![3000, 1000]),
                b"\x03\xE9",
                Lenient,
                "1001; 3000",
            ),
            (End::Closed(vec![1005, 1000]), b"", Ok, ""),
            (End::Closed(vec![1000]), b"", Lenient, "no code; 1000"),
        ] {
            check(&case(end), &[close_body(body)], Fin, outcome, why);
        }
    }

    #[test]
    fn an_answer_says_of_nothing_that_it_was_wrong() {
        for code in [1002, 1003, 1007, 1008, 1009, 1010, 1011] {
            let why = format!("fails the connection with {code}");
            check(&case(End::Answered), &[close(code, "")], Fin, Failed, &why);
        }
    }

    #[test]
    fn an_answer_is_there() {
        for end in [End::Answered, End::Closed(vec![1000])] {
            let case = case(end);
            check(&case, &[], Fin, Failed, "without a Close that answers");
            check(&case, &[], Reset, Failed, "without a Close that answers");
            check(&case, &[], None, Timeout, "no Close answers");
        }
    }

    #[test]
    fn a_failure_says_why() {
        let case = case(End::Failed(vec![1007, 1002]));
        for (code, outcome, why) in [
            (1007, Ok, ""),
            (1002, Ok, ""),
            (1003, Lenient, "closes with 1003; 1007"),
            (1001, Lenient, "closes with 1001; 1007"),
            (1000, Failed, "as if nothing were wrong; 1007"),
        ] {
            check(&case, &[close(code, "")], Fin, outcome, why);
        }
        check(&case, &[close_body("")], Fin, Lenient, "no code; 1007");
        check(
            &case,
            &[],
            Fin,
            Lenient,
            "ends the connection without a Close",
        );
        check(
            &case,
            &[],
            Reset,
            Lenient,
            "resets the connection, without a Close",
        );
        check(&case, &[], None, Timeout, "neither closes nor ends");
    }

    /// No code is what a Close without one is answered with, and otherwise says nothing.
    #[test]
    fn a_failure_is_no_answer() {
        for (ours, outcome, why) in [
            (close_body("a"), Failed, "with no code as if nothing"),
            (close(1005, ""), Lenient, "with no code; 1002"),
        ] {
            let case = case(End::Failed(vec![1002])).plays([Step::Send(vec![ours])]);
            check(&case, &[close_body("")], Fin, outcome, why);
        }
    }

    #[test]
    fn tcp_ends_too() {
        for (end, frame) in [
            (End::Answered, close(1000, "")),
            (End::Closed(vec![1000]), close(1000, "")),
            (End::Failed(vec![1002]), close(1002, "")),
        ] {
            check(&case(end), &[frame], None, Lenient, "leaves TCP open");
        }
    }

    #[test]
    fn leaving_needs_no_word_and_being_gone_none_either() {
        check(&case(End::Left), &[], Fin, Ok, "");
        check(&case(End::Left), &[], Reset, Ok, "");
        check(&case(End::Left), &[close(1001, "")], Fin, Ok, "");
        check(&case(End::Left), &[], None, Timeout, "leaves TCP open");
        check(&case(End::Unheard), &[], None, Ok, "");
    }

    #[test]
    fn a_close_is_the_last_word() {
        let case = case(End::Closed(vec![1000])).plays([Step::Send(vec![
            ping("before"),
            close(1000, ""),
            ping("behind"),
        ])]);
        let close = || close(1000, "");
        for (came, outcome, why) in [
            (vec![close(), close()], Lenient, "a second Close"),
            (vec![close(), text("a")], Failed, "data after its Close"),
            (vec![close(), binary("a")], Failed, "data after its Close"),
            (vec![close(), first("a")], Failed, "data after its Close"),
            (vec![close(), last("a")], Failed, "data after its Close"),
            (
                vec![close(), text("a").length(100)],
                Failed,
                "data after its Close",
            ),
            (
                vec![close(), pong("before")],
                Lenient,
                "a pong after its Close",
            ),
            (vec![pong("behind"), close()], Lenient, "after our Close"),
            (vec![pong("before"), close()], Ok, ""),
        ] {
            check(&case, &came, Fin, outcome, why);
        }
    }

    /// Who fails the connection has said its last word too, but may have been answering by then.
    #[test]
    fn a_pong_may_cross_a_failure() {
        let case = case(End::Failed(vec![1002]));
        let came = [close(1002, ""), pong("late")];
        check(&case, &came, Fin, Ok, "");
        check(
            &case,
            &[close(1002, ""), text("late")],
            Fin,
            Failed,
            "data after",
        );
    }
}

mod answers {
    use super::*;

    fn due(answers: impl Into<Vec<Answer>>) -> Case {
        case(End::Answered).plays([Step::Expect(answers.into())])
    }

    fn perhaps(answers: impl Into<Vec<Answer>>) -> Case {
        case(End::Failed(vec![1002])).plays([Step::Perhaps(answers.into())])
    }

    fn stopped(case: &Case, came: &[Frame], end: Option<Ended>, stopped: Stopped) -> Verdict {
        let mut wire = accepted("").into_bytes();
        wire.extend(script::wire(came, Role::Server));
        let mut record = record(Role::Server, vec![side(case, Role::Server, &wire, end)]);
        record.stopped = Some(stopped);
        judge(case, &record)
    }

    fn two() -> Vec<Answer> {
        vec![Answer::Text("one".into()), Answer::Binary("two".into())]
    }

    #[test]
    fn messages_are_those_that_are_due_in_their_order() {
        let end = || close(1000, "");
        for (came, outcome, why) in [
            (vec![text("one"), binary("two"), end()], Ok, ""),
            (vec![first("o"), last("ne"), binary("two"), end()], Ok, ""),
            (
                vec![binary("two"), text("one"), end()],
                Failed,
                "text \"one\" is due, and it sends binary",
            ),
            (
                vec![text("one"), text("two"), end()],
                Failed,
                "is due as message 2",
            ),
            (
                vec![text("one!"), binary("two"), end()],
                Failed,
                "text \"one\" is due",
            ),
            (
                vec![text("one"), binary("tw"), end()],
                Failed,
                "is due as message 2",
            ),
            (
                vec![text("one"), binary("two"), text("one"), end()],
                Failed,
                "nothing is due, and it sends text \"one\"",
            ),
            (vec![text("one"), end()], Lenient, "not answered"),
        ] {
            check(&due(two()), &came, Fin, outcome, why);
        }
    }

    #[test]
    fn what_may_come_is_right_or_left_out() {
        let end = || close(1002, "");
        for (came, outcome, why) in [
            (vec![text("one"), binary("two"), end()], Ok, ""),
            (vec![text("one"), end()], Lenient, "not answered"),
            (vec![end()], Lenient, "not answered"),
            (vec![binary("two"), end()], Failed, "text \"one\" is due"),
            (
                vec![text("one"), binary("two"), text("one"), end()],
                Failed,
                "nothing is due",
            ),
        ] {
            check(&perhaps(two()), &came, Fin, outcome, why);
        }
    }

    #[test]
    fn the_latest_ping_has_its_pong() {
        let case = due(["one", "two"].map(|payload| Answer::Pong(payload.into())));
        let end = || close(1000, "");
        for (came, outcome, why) in [
            (vec![pong("one"), pong("two"), end()], Ok, ""),
            (vec![pong("two"), end()], Ok, ""),
            (vec![pong("two"), pong("one"), end()], Ok, ""),
            (vec![pong("unasked"), pong("two"), end()], Ok, ""),
            (vec![pong("one"), end()], Failed, "the latest ping"),
            (vec![pong("two "), end()], Failed, "the latest ping"),
            (vec![pong(""), end()], Failed, "the latest ping"),
        ] {
            check(&case, &came, Fin, outcome, why);
        }
    }

    #[test]
    fn a_pong_of_ours_is_not_sent_back() {
        let case =
            case(End::Answered).plays([Step::Send(vec![pong("ours"), ping("both"), pong("both")])]);
        let end = || close(1000, "");
        check(
            &case,
            &[pong("ours"), end()],
            Fin,
            Lenient,
            "answers a pong",
        );
        check(&case, &[pong("both"), end()], Fin, Ok, "");
        check(&case, &[pong("other"), end()], Fin, Ok, "");
    }

    #[test]
    fn what_did_not_come_is_named() {
        let case = due(two());
        let waiting = |waited| Stopped::Waiting(0, waited);
        for (came, end, stop, outcome, why) in [
            (
                vec![],
                None,
                waiting(Waited::Silent),
                Timeout,
                "text \"one\" did not come",
            ),
            (
                vec![text("one")],
                None,
                waiting(Waited::Silent),
                Timeout,
                "binary 74 77 6f did not come",
            ),
            (
                vec![text("one")],
                Some(Fin),
                waiting(Waited::Over),
                Failed,
                "is due, and it ends the connection",
            ),
            (
                vec![text("one")],
                Some(Reset),
                waiting(Waited::Over),
                Failed,
                "and it resets the connection",
            ),
            (
                vec![close(1002, "")],
                Some(Fin),
                waiting(Waited::Over),
                Failed,
                "text \"one\" is due, and it closes with 1002",
            ),
            (
                vec![close_body("")],
                Some(Fin),
                waiting(Waited::Over),
                Failed,
                "closes without a code",
            ),
            (
                vec![],
                None,
                Stopped::Writing(0),
                Timeout,
                "takes no more bytes",
            ),
            (
                vec![],
                Some(Reset),
                Stopped::Writing(0),
                Failed,
                "and it resets",
            ),
            (vec![], None, Stopped::Open, Timeout, "leaves TCP open"),
            (
                vec![],
                None,
                Stopped::Unopened("none".into()),
                Failed,
                "no connection: none",
            ),
            (
                vec![],
                None,
                Stopped::Unsecured(Waited::Over, "left".into()),
                NotApplicable,
                "no further connection: left",
            ),
            (
                vec![],
                None,
                Stopped::Unsecured(Waited::Silent, "late".into()),
                NotApplicable,
                "one connection at a time",
            ),
        ] {
            let verdict = stopped(&case, &came, end, stop);
            assert_eq!(verdict.outcome, outcome, "{verdict:?}");
            assert!(verdict.why.contains(why), "{why}: {verdict:?}");
        }
        let case = due(["one", "two"].map(|payload| Answer::Pong(payload.into())));
        let verdict = stopped(&case, &[pong("one")], None, waiting(Waited::Silent));
        assert_eq!(verdict.why, "pong \"two\" did not come");
    }

    /// Of the first connection there is nothing else to go by.
    #[test]
    fn a_connection_without_tls_is_none() {
        let case = due(two());
        for (waited, outcome) in [(Waited::Over, Failed), (Waited::Silent, Timeout)] {
            let mut record = record(Role::Server, vec![]);
            record.stopped = Some(Stopped::Unsecured(waited, "why".into()));
            let verdict = judge(&case, &record);
            assert_eq!(verdict.outcome, outcome, "{verdict:?}");
            assert_eq!(verdict.why, "no TLS: why");
        }
    }

    /// A message of many bytes or fragments may be too much for a peer, and then it says so.
    #[test]
    fn a_limit_is_no_fault_where_much_is_sent() {
        let much = || due([Answer::Text(script::Payload::part(true, 0, 65_536))]);
        let less = || due([Answer::Text(script::Payload::part(true, 0, 65_535))]);
        let many = || case(End::Answered).plays([Step::Send(vec![text(""); 65])]);
        let few = || case(End::Answered).plays([Step::Send(vec![text(""); 64])]);
        for code in [1008, 1009] {
            let came = [close(code, "")];
            check(&much(), &came, Fin, NotApplicable, "and says so");
            check(&many(), &came, Fin, NotApplicable, "and says so");
            check(&less(), &came, Fin, Failed, "");
            check(&few(), &came, Fin, Failed, "");
        }
        check(&much(), &[close(1011, "")], Fin, Failed, "");
        let mut broken = many();
        broken.rules = vec![Rule::RsvNotZero];
        check(&broken, &[close(1009, "")], Fin, Failed, "");
    }

    #[test]
    fn keys_differ_where_that_is_asked() {
        let asked = || case(End::Answered).plays([Step::FreshKeys]);
        let keyed = |keys: [u8; 3]| {
            let pongs = keys.map(|key| pong("").key([key; 4]));
            [&pongs[..], &[close(1000, "")]].concat()
        };
        let client = |case: &Case, came: &[Frame]| {
            let wire = script::wire(came, Role::Client);
            let sides = vec![side(case, Role::Client, &wire, Some(Fin))];
            judge(case, &record(Role::Client, sides))
        };
        assert_eq!(client(&asked(), &keyed([1, 1, 1])).outcome, Failed);
        assert_eq!(client(&asked(), &keyed([1, 1, 2])).outcome, Ok);
        assert_eq!(client(&case(End::Answered), &keyed([1, 1, 1])).outcome, Ok);
    }

    #[test]
    fn who_judges_late_is_weak() {
        let case = case(End::Failed(vec![1007]));
        let wire = [
            accepted("").as_bytes(),
            &script::wire(&[close(1007, "")], Role::Server),
        ]
        .concat();
        let mut record = record(
            Role::Server,
            vec![side(&case, Role::Server, &wire, Some(Fin))],
        );
        record.is_late = true;
        check_record(
            &case,
            &record,
            Lenient,
            "only when the whole message is there",
        );
    }
}

mod levels {
    use super::*;

    #[test]
    fn what_need_not_be_done_is_weak_if_it_is_not() {
        for (level, outcome) in [
            (Level::Must, Failed),
            (Level::Should, Lenient),
            (Level::Advice, Lenient),
        ] {
            let case = Case {
                level,
                ..case(End::Answered)
            };
            check(&case, &[], Fin, outcome, "without a Close");
            let outcome = if level == Level::Must {
                Timeout
            } else {
                Lenient
            };
            check(&case, &[], None, outcome, "no Close");
        }
    }

    /// Whatever a case asks for.
    #[test]
    fn what_is_illegal_is_wrong_at_each_level() {
        for level in [Level::Must, Level::Should, Level::Advice] {
            let case = Case {
                level,
                ..case(End::Answered)
            };
            check(&case, &[text("a").rsv(4)], Fin, Failed, "rsv-not-zero");
            check(
                &case,
                &[close(1000, ""), text("a")],
                Fin,
                Failed,
                "data after its Close",
            );
            check(&case, &[text("a").masked_wrong()], Fin, Failed, "mask");
        }
    }

    /// A code that no RFC forbids, given back.
    #[test]
    fn what_is_given_back_is_weak_where_sending_it_is_not_forbidden() {
        let rules = vec![Rule::CloseCodeInvalid];
        for (level, outcome) in [(Level::Should, Failed), (Level::Advice, Lenient)] {
            let end = End::Failed(vec![1002]);
            let case = Case {
                level,
                rules: rules.clone(),
                ..case(end)
            };
            check(
                &case,
                &[close(1016, "")],
                Fin,
                outcome,
                "close-code-invalid",
            );
            check(&case, &[text("a").rsv(4)], Fin, Failed, "rsv-not-zero");
        }
    }

    #[test]
    fn a_flood_is_no_refusal() {
        let case = case(End::Refused(vec![400]));
        let sides = vec![side(&case, Role::Server, b"", Some(Flood))];
        let record = record(Role::Server, sides);
        check_record(&case, &record, Failed, "more than can be due");
    }

    #[test]
    fn a_flood_is_wrong() {
        check(
            &case(End::Answered),
            &[],
            Flood,
            Failed,
            "more than can be due",
        );
        for much in [
            vec![ping([0; 125]); 20_000],
            vec![binary(vec![0; 65_536]); 40],
        ] {
            check(
                &case(End::Left),
                &much,
                None,
                Failed,
                "more than can be due",
            );
        }
    }
}

mod openings {
    use super::*;

    fn server(case: &Case, head: &str, end: Option<Ended>) -> Verdict {
        let sides = vec![side(case, Role::Server, head.as_bytes(), end)];
        judge(case, &record(Role::Server, sides))
    }

    #[track_caller]
    fn check(case: &Case, head: &str, end: Option<Ended>, outcome: Outcome, why: &str) {
        let verdict = server(case, head, end);
        assert_eq!(verdict.outcome, outcome, "{head}{verdict:?}");
        assert!(verdict.why.contains(why), "{why}: {verdict:?}");
    }

    fn status(status: u16, more: &str) -> String {
        format!("HTTP/1.1 {status} No\r\n{more}\r\n")
    }

    #[test]
    fn a_response_is_the_one_that_is_due() {
        let case = case(End::Unheard);
        for (head, outcome, why) in [
            (accepted(""), Ok, ""),
            (status(100, "") + &status(103, "") + &accepted(""), Ok, ""),
            (
                accepted("Sec-WebSocket-Extensions: x\r\n"),
                Failed,
                "an extension that it must decline: x",
            ),
            (
                accepted("Sec-WebSocket-Protocol: x\r\n"),
                Failed,
                "subprotocol-not-offered",
            ),
            (
                accepted("").replace("Upgrade: websocket\r\n", ""),
                Failed,
                "upgrade-missing",
            ),
            (
                accepted("").replace(&accept_value(KEY), &accept_value("")),
                Failed,
                "accept-wrong",
            ),
            (status(404, ""), Failed, "with status 404"),
            (status(302, ""), NotApplicable, "elsewhere"),
            (status(401, ""), NotApplicable, "--header"),
            (status(407, ""), NotApplicable, "--header"),
            (status(429, ""), NotApplicable, "too busy"),
            (status(503, ""), NotApplicable, "too busy"),
            (status(500, ""), Failed, "with status 500"),
        ] {
            check(&case, &head, None, outcome, why);
        }
        check(&case, "", Some(Fin), Failed, "ended the connection instead");
        check(&case, "", None, Timeout, "no response");
        check(
            &case,
            "SSH-2.0\r\n\r\n",
            None,
            Failed,
            "status-line-malformed",
        );
    }

    #[test]
    fn what_may_be_declined_is() {
        let case = Case {
            declined: &[403],
            ..case(End::Unheard)
        };
        check(&case, &status(403, ""), None, NotApplicable, "as it may");
        check(&case, &status(404, ""), None, Failed, "404");
    }

    #[test]
    fn a_refusal_has_the_status_that_is_due() {
        let case = case(End::Refused(vec![426, 405, 400]));
        for (head, outcome, why) in [
            (status(400, ""), Ok, ""),
            (status(426, "Upgrade: websocket\r\n"), Ok, ""),
            (status(426, ""), Lenient, "lacks the Upgrade header"),
            (status(405, "Allow: GET\r\n"), Ok, ""),
            (status(405, ""), Lenient, "lacks the Allow header"),
            (status(500, ""), Lenient, "status 500; 426"),
            (status(503, ""), NotApplicable, "too busy"),
            (accepted(""), Failed, "accepts the handshake"),
            ("SSH-2.0\r\n\r\n".into(), Failed, "status-line-malformed"),
        ] {
            check(&case, &head, None, outcome, why);
        }
        check(&case, "", Some(Fin), Lenient, "without a word; status 426");
        check(&case, "", None, Timeout, "neither refuses nor ends");
    }

    #[test]
    fn a_refusal_of_another_version_names_one() {
        let case = case(End::Refused(vec![400]));
        let judged = |version: &str, refusal: &str| {
            let mut side = side(&case, Role::Server, refusal.as_bytes(), None);
            side.head = request().replace("Version: 13", version).into();
            judge(&case, &record(Role::Server, vec![side])).outcome
        };
        assert_eq!(judged("Version: 14", &status(400, "")), Failed);
        let named = status(400, "Sec-WebSocket-Version: 13\r\n");
        assert_eq!(judged("Version: 14", &named), Ok);
        assert_eq!(judged("Version: 13", &status(400, "")), Ok);
    }

    #[test]
    fn a_client_leaves_without_a_word() {
        let case = case(End::Refused(vec![]));
        for (came, end, outcome, why) in [
            (vec![], Some(Fin), Ok, ""),
            (vec![], Some(Reset), Ok, ""),
            (vec![], None, Timeout, "leaves the connection open"),
            (
                vec![close(1002, "")],
                Some(Fin),
                Lenient,
                "although nothing was open",
            ),
            (
                vec![text("Hello")],
                Some(Fin),
                Failed,
                "takes the connection for open",
            ),
            (
                vec![pong("")],
                Some(Fin),
                Failed,
                "takes the connection for open",
            ),
            (
                vec![ping("")],
                Some(Fin),
                Failed,
                "takes the connection for open",
            ),
            (
                vec![text("Hello").rsv(4)],
                Some(Fin),
                Failed,
                "takes the connection for open",
            ),
            (vec![text("Hello").length(100)], None, Failed, "sends more"),
            (vec![], Some(Flood), Failed, "more than can be due"),
        ] {
            let wire = script::wire(&came, Role::Client);
            let sides = vec![side(&case, Role::Client, &wire, end)];
            check_record(&case, &record(Role::Client, sides), outcome, why);
        }
    }

    #[test]
    fn without_a_connection_nothing_is_judged() {
        let record = record(Role::Client, vec![]);
        check_record(
            &case(End::Answered),
            &record,
            NotApplicable,
            "no connection",
        );
    }
}

mod connections {
    use super::*;

    /// Two connections, the first of which has ended as is due.
    fn two(level: Level, second: &[u8], end: Option<Ended>) -> Verdict {
        let script = [Step::Expect(vec![Answer::Text("a".into())])];
        let case = Case {
            level,
            ..case(End::Answered).plays(script)
        };
        let server = |wire: &[u8], end| side(&case, Role::Server, wire, end);
        let right = wire(&[text("a"), close(1000, "")]);
        judge(
            &case,
            &record(
                Role::Server,
                vec![server(&right, Some(Fin)), server(second, end)],
            ),
        )
    }

    fn wire(frames: &[Frame]) -> Vec<u8> {
        [accepted("").as_bytes(), &script::wire(frames, Role::Server)].concat()
    }

    #[test]
    fn all_of_them_are_right() {
        for (frames, outcome) in [
            (vec![text("a")], Ok),
            (vec![text("b")], Failed),
            (vec![text("a").rsv(1)], Failed),
            (vec![text("a"), text("a")], Failed),
        ] {
            let verdict = two(Level::Must, &wire(&frames), None);
            assert_eq!(verdict.outcome, outcome, "{verdict:?}");
        }
    }

    #[test]
    fn a_second_one_may_have_to_wait() {
        assert_eq!(two(Level::Must, b"", None).outcome, NotApplicable);
        assert_eq!(two(Level::Advice, b"", None).outcome, Lenient);
        assert_eq!(two(Level::Must, b"", Some(Fin)).outcome, Failed);
    }
}
