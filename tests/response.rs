//! What must be right in an HTTP response of any kind.

use crate::support::bytes::decode_head;
use plainws::protocol::head::{Head, Limits};
use plainws::protocol::request::Request;
use plainws::protocol::response::{Body, Response};
use plainws::{Role, Rule};

fn head(sender: Role, text: &str) -> Head {
    let decoded = decode_head(sender, Limits::default(), text.as_bytes());
    decoded.expect("it is legal").expect("it is complete").0
}

fn response(line: &str) -> Response {
    let head = head(Role::Server, &format!("{line}\r\nA: b\r\n\r\n"));
    Response::new(head).expect("the head of a response")
}

mod rfc_9112_s4_status_line {
    use super::*;

    #[test]
    fn has_a_version_a_status_and_a_reason() {
        #[rustfmt::skip]
        let rows: &[(&str, &str, u16, &[u8])] = &[
            ("HTTP/1.1 101 Switching Protocols", "HTTP/1.1", 101, b"Switching Protocols"),
            ("HTTP/1.1 101 ",                    "HTTP/1.1", 101, b""),
            ("HTTP/1.1 000 ",                    "HTTP/1.1", 0,   b""),
            ("HTTP/1.0 999 x 1",                 "HTTP/1.0", 999, b"x 1"),
            ("HTTP/0.9 042  ",                   "HTTP/0.9", 42,  b" "),
            ("HTTP/1.9 200 \u{E9}",              "HTTP/1.9", 200, "\u{E9}".as_bytes()),
        ];
        for &(line, version, status, reason) in rows {
            let response = response(line);
            assert_eq!(response.version().to_string(), version, "{line}");
            assert_eq!(response.status(), status, "{line}");
            assert_eq!(response.reason(), reason, "{line}");
        }
    }

    #[test]
    fn is_not_that_of_a_request() {
        let request = head(Role::Client, "GET * HTTP/1.1\r\n\r\n");
        assert_eq!(Response::new(request), Err(Rule::StatusLineMalformed));
        let response = head(Role::Server, "HTTP/1.1 101 \r\n\r\n");
        assert_eq!(Request::new(response), Err(Rule::RequestLineMalformed));
    }
}

mod rfc_9110_s15_2_interim_responses {
    use super::*;

    #[test]
    fn are_those_of_1xx_but_101() {
        for status in 0..1000 {
            let response = response(&format!("HTTP/1.1 {status:03} "));
            let is_interim = (100..200).contains(&status) && status != 101;
            assert_eq!(response.is_interim(), is_interim, "{status}");
        }
    }
}

mod rfc_9112_s6_3_a_body {
    use super::*;

    fn body(status: u16, headers: &str) -> Body {
        let head = head(
            Role::Server,
            &format!("HTTP/1.1 {status} \r\n{headers}\r\n"),
        );
        Response::new(head).expect("the head of a response").body()
    }

    #[test]
    fn ends_where_the_head_says() {
        let chunked = "Transfer-Encoding: gzip, Chunked\r\n";
        let length = "content-length: 5\r\n";
        assert_eq!(body(404, length), Body::Length(5));
        assert_eq!(body(404, "Content-Length: 0\r\n"), Body::Length(0));
        assert_eq!(body(404, chunked), Body::Chunked);
        assert_eq!(body(404, &[length, chunked].concat()), Body::Chunked);
        assert_eq!(body(404, ""), Body::UntilEnd);
        for length in ["", "x", "-1", "+1", "5 5", "99999999999999999999"] {
            let header = format!("Content-Length: {length}\r\n");
            assert_eq!(body(404, &header), Body::UntilEnd, "{length}");
        }
        assert_eq!(body(404, &length.repeat(2)), Body::UntilEnd);
    }

    #[test]
    fn is_empty_where_the_status_says() {
        for status in [100, 101, 103, 204, 304] {
            assert_eq!(body(status, "Content-Length: 5\r\n"), Body::Length(0));
        }
    }
}

mod looking_up {
    use super::*;

    #[test]
    fn a_header_takes_its_first_line_in_any_case() {
        let head = head(
            Role::Server,
            "HTTP/1.1 302 \r\nlocation: /a\r\nLocation: /b\r\n\r\n",
        );
        let response = Response::new(head).unwrap();
        assert_eq!(response.header("LOCATION"), Some("/a"));
        assert_eq!(response.header("Server"), None);
    }
}
