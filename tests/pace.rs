//! A slow peer is served as long as it keeps the promised pace, however the system tells of it: real
//! sockets, whose buffers hold megabytes. Here the promised pace is high, so that nothing takes long.

use crate::support::bytes::{BINARY, CLOSE, PING, PONG, TEXT, close_body};
use crate::support::hostile::{Visitor, read_slowly};
use crate::support::raw::Raw;
use crate::support::server::{observe_with, start};
use plainws::{CloseCode, Limits, Page};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

const MIB: usize = 1024 * 1024;
/// Less than the system takes at once.
const AT_ONCE: usize = 2 * MIB;

/// The promised pace is 640 KiB/s.
fn limits() -> Limits {
    Limits::default().write_timeout(Duration::from_millis(100))
}

/// The same, with other deadlines that pass long before [`AT_ONCE`] has been taken at that pace.
fn brief() -> Limits {
    let brief = Duration::from_millis(50);
    limits()
        .close_timeout(brief)
        .ping_after(Some(brief))
        .pong_timeout(brief)
}

/// Much longer than the brief deadlines.
fn dawdle() {
    thread::sleep(Duration::from_millis(400));
}

mod a_reader_that_is_faster_than_the_promised_pace {
    use super::*;

    const LENGTH: usize = 6 * MIB;
    const RATE: usize = 3 * MIB;

    fn slow() -> Visitor {
        Visitor::default().window(64 * 1024)
    }

    /// A blocked writer is not woken before a third of a send buffer of up to 4 MiB is free.
    #[test]
    fn gets_all_of_a_message() {
        let (address, observed) = observe_with(limits(), |ws, told| {
            let _ = told.send(ws.send(vec![7; LENGTH]));
            ws.receive().map(drop)
        });
        let mut raw = slow().open(address, "/");
        read_slowly(&mut raw, RATE, LENGTH);
        raw.expect_frame(BINARY, vec![7; LENGTH]);
        observed.next().unwrap();
    }

    /// One write deadline for the whole of it would pass long before its end.
    #[test]
    fn gets_all_of_a_page() {
        let page = Page::new("application/octet-stream", vec![7; LENGTH]);
        let address = start(|server| server.limits(limits()).page("/", page));
        let mut raw = slow().connect(address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        read_slowly(&mut raw, RATE, LENGTH);
        assert!(raw.response().body == vec![7; LENGTH]);
    }
}

mod what_the_system_has_taken {
    use super::*;

    #[test]
    fn delays_the_pong_that_is_waited_for() {
        let (address, observed) = observe_with(brief(), |ws, told| {
            ws.send(vec![7; AT_ONCE])?;
            let _ = told.send(ws.receive());
            Ok(())
        });
        let mut raw = Raw::open(address, "/");
        dawdle();
        raw.expect_frame(BINARY, vec![7; AT_ONCE]);
        let (byte0, payload) = raw.frame();
        assert_eq!(byte0, PING);
        raw.send_frame(PONG, payload);
        raw.send_frame(TEXT, "still here");
        assert_eq!(observed.next().unwrap(), Some("still here".into()));
    }

    /// A peer that reads late, and answers the Close that comes after the message.
    fn close_late(address: SocketAddr) -> Raw {
        let mut raw = Raw::open(address, "/");
        dawdle();
        raw.expect_frame(BINARY, vec![7; AT_ONCE]);
        raw.expect_close(1000);
        raw.send_frame(CLOSE, close_body(4000, b""));
        raw
    }

    #[test]
    fn delays_the_answer_to_a_close() {
        let (address, observed) = observe_with(brief(), |ws, told| {
            ws.send(vec![7; AT_ONCE])?;
            ws.close(CloseCode::NORMAL, "")?;
            let _ = told.send(ws.close_reason());
            Ok(())
        });
        let mut raw = close_late(address);
        raw.expect_fin();
        drop(raw);
        let reason = observed.next().expect("it has ended");
        assert_eq!(reason.code, CloseCode(4000));
    }

    #[test]
    fn delays_the_answer_to_a_senders_close() {
        let (address, observed) = observe_with(brief(), |ws, told| {
            ws.send(vec![7; AT_ONCE])?;
            ws.sender().close(CloseCode::NORMAL, "")?;
            ws.receive()?;
            let _ = told.send(ws.close_reason());
            Ok(())
        });
        let _raw = close_late(address);
        let reason = observed.next().expect("it has ended");
        assert_eq!(reason.code, CloseCode(4000));
    }

    /// If the server's socket were closed already, these bytes would be answered with a reset, which
    /// destroys what was not read yet.
    #[test]
    fn delays_the_end_of_a_connection_that_a_response_ends() {
        let page = Page::new("application/octet-stream", vec![7; AT_ONCE]);
        let address = start(|server| server.limits(brief()).page("/", page));
        let mut raw = Raw::connect(address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        dawdle();
        raw.send("unasked");
        dawdle();
        assert!(raw.response().body == vec![7; AT_ONCE]);
        raw.expect_fin();
    }

    #[test]
    fn delays_the_next_request() {
        let page = Page::new("application/octet-stream", vec![7; AT_ONCE]);
        let limits = brief().head_timeout(Duration::from_millis(200));
        let address = start(|server| server.limits(limits).page("/", page));
        let mut raw = Raw::connect(address);
        for _ in 0..2 {
            raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            dawdle();
            assert!(raw.response().body == vec![7; AT_ONCE]);
        }
    }
}

mod a_peer_that_is_gone {
    use super::*;

    /// The limits of a server that gives what the system has taken little time.
    fn impatient() -> Limits {
        brief().transit_timeout(Duration::from_millis(50))
    }

    #[test]
    fn is_found_by_its_silence_though_the_system_has_taken_much() {
        let (address, observed) = observe_with(impatient(), |ws, told| {
            ws.send(vec![7; AT_ONCE])?;
            let _ = told.send(ws.receive());
            Ok(())
        });
        let _raw = Raw::open(address, "/");
        let error = observed.next().expect_err("nobody answers");
        assert_eq!(error.to_string(), "the peer is silent");
    }

    #[test]
    fn is_found_when_the_system_takes_no_more() {
        let limits = impatient().ping_after(None);
        let (address, observed) = observe_with(limits, |ws, told| {
            let _ = told.send(ws.send(vec![7; 48 * MIB]));
            Ok(())
        });
        let _raw = Visitor::default().window(64 * 1024).open(address, "/");
        let error = observed.next().expect_err("nobody reads");
        let expected = "the peer does not take what is sent to it";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn does_not_hold_a_close_up_for_ever() {
        let (address, observed) = observe_with(impatient(), |ws, told| {
            ws.send(vec![7; AT_ONCE])?;
            ws.close(CloseCode::NORMAL, "")?;
            let _ = told.send(ws.close_reason());
            Ok(())
        });
        let _raw = Raw::open(address, "/");
        let reason = observed.next().expect("it has ended");
        assert!(reason.was_cut_off());
    }
}
