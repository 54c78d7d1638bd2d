//! What must be right in an HTTP request of any kind.

use crate::support::bytes::decode_head;
use plainws::protocol::head::{self, Version};
use plainws::protocol::request::{Form, Request, split_authority};
use plainws::{Role, Rule};

fn request(lines: &[&str]) -> Result<Request, Rule> {
    let text = lines.join("\r\n") + "\r\n\r\n";
    let head = decode_head(Role::Client, head::Limits::default(), text.as_bytes())?;
    Request::new(head.expect("the head is complete").0)
}

mod rfc_9112_s3_2_request_target {
    use super::*;

    #[test]
    fn is_a_path_a_star_or_a_whole_uri() {
        // target, path, query, host
        #[rustfmt::skip]
        let rows: &[(&str, &str, Option<&str>, &str)] = &[
            ("/",                          "/",       None,                  "example.com"),
            ("/chat",                      "/chat",   None,                  "example.com"),
            ("/chat?",                     "/chat",   Some(""),              "example.com"),
            ("/chat?a=b?c&d",              "/chat",   Some("a=b?c&d"),       "example.com"),
            ("/%2e%2E/a",                  "/%2e%2E/a", None,                "example.com"),
            ("//chat",                     "//chat",  None,                  "example.com"),
            ("/chat?to=ws://other/",       "/chat",   Some("to=ws://other/"), "example.com"),
            ("/ws://other/",               "/ws://other/", None,             "example.com"),
            ("*",                          "*",       None,                  "example.com"),
            ("http://other",               "/",       None,                  "other"),
            ("http://other/",              "/",       None,                  "other"),
            ("http://other:81/chat?q",     "/chat",   Some("q"),             "other:81"),
            ("https://other?q=/",          "/",       Some("q=/"),           "other"),
            ("ws://other/chat",            "/chat",   None,                  "other"),
            ("WSS://[::1]:443/chat",       "/chat",   None,                  "[::1]:443"),
            ("HTTP://other/a?http://x/",   "/a",      Some("http://x/"),     "other"),
        ];
        for &(target, path, query, host) in rows {
            // RFC 9112 §3.2.4: the star is for OPTIONS alone.
            let method = if target == "*" { "OPTIONS" } else { "GET" };
            let line = format!("{method} {target} HTTP/1.1");
            let request = request(&[&line, "Host: example.com"]).unwrap();
            assert_eq!(request.target(), target);
            let form = match target {
                "*" => Form::Asterisk,
                _ if target.starts_with('/') => Form::Origin,
                _ => Form::Absolute,
            };
            assert_eq!(request.form(), form, "{target}");
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
            assert_eq!(request.host(), Some(host), "{target}");
        }
    }

    #[test]
    fn of_another_form_is_malformed() {
        for target in [
            "chat",
            "example.com:80",
            "?q",
            "**",
            "ftp://a/",
            "://a/",
            "http:/a",
            "http:a",
            "-",
            "a/http://b",
        ] {
            let line = format!("GET {target} HTTP/1.1");
            let verdict = request(&[&line, "Host: example.com"]);
            assert_eq!(verdict, Err(Rule::RequestLineMalformed), "{target}");
        }
    }

    #[test]
    fn of_absolute_form_names_a_right_host_and_does_without_no_header() {
        fn verdict(line: &str, hosts: &[&str]) -> Result<(), Rule> {
            request(&[&[line], hosts].concat()).map(drop)
        }
        for target in [
            "http://",
            "http:///chat",
            "http://user@a/",
            "http://a:b/",
            "http://a:99999/",
            "ws://[::1/",
            "ws://?q",
        ] {
            let line = format!("GET {target} HTTP/1.1");
            assert_eq!(
                verdict(&line, &["Host: a"]),
                Err(Rule::HostInvalid),
                "{target}"
            );
        }
        assert_eq!(
            verdict("GET http://a/ HTTP/1.1", &[]),
            Err(Rule::HostInvalid)
        );
        assert_eq!(
            verdict("GET http://a/ HTTP/1.1", &["Host: a b"]),
            Err(Rule::HostInvalid)
        );
    }
}

mod rfc_9112_s3_2_host {
    use super::*;

    #[test]
    fn is_a_name_or_an_address_and_a_port_if_need_be() {
        for host in [
            "a",
            "example.com",
            "EXAMPLE.com.",
            "a:80",
            "a:",
            "a:0",
            "a:65535",
            "127.0.0.1:8000",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]:8000",
            "a_b",
            "%41",
            "a%C3%bc",
            "[2001:db8::a:1]",
            "xn--bcher-kva.example",
            " \t a:80 \t",
        ] {
            let request = request(&["GET / HTTP/1.1", &format!("Host: {host}")]).unwrap();
            assert_eq!(request.host(), Some(host.trim()));
        }
    }

    #[test]
    fn of_another_form_is_refused() {
        for host in [
            "",
            " ",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "user@a",
            "http://a",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:-1",
            "a:+1",
            "a: 80",
            ":80",
            "[]",
            "[::1",
            "::1",
            "[::1]80",
            "[::1]:x",
            "[a%b]",
            "[[::1]]",
            "[1]",
            "[.:]",
            "[127.0.0.1]",
            "[1::2::3]",
            "[::12345]",
            "[::1%25eth0]",
            "a%",
            "a%4",
            "a%zz",
            "%4%41",
            "a\\b",
            "<a>",
            "a\"",
            "b\u{FC}cher.example",
        ] {
            let verdict = request(&["GET / HTTP/1.1", &format!("Host: {host}")]);
            assert_eq!(verdict, Err(Rule::HostInvalid), "{host}");
        }
    }

    #[test]
    fn stands_once() {
        let line = "GET / HTTP/1.1";
        assert_eq!(request(&[line]), Err(Rule::HostInvalid));
        assert_eq!(
            request(&[line, "Host: a", "Host: a"]),
            Err(Rule::HostInvalid)
        );
        assert_eq!(
            request(&[line, "Host: a", "X: y", "hOST: b"]),
            Err(Rule::HostInvalid)
        );
        assert!(request(&[line, "X: y", "hOST: a"]).is_ok());
    }

    #[test]
    fn may_be_missing_only_before_http_1_1() {
        assert_eq!(request(&["GET / HTTP/1.0"]).unwrap().host(), None);
        assert_eq!(request(&["GET / HTTP/0.9"]).unwrap().host(), None);
        assert_eq!(request(&["GET / HTTP/1.2"]), Err(Rule::HostInvalid));
        assert_eq!(
            request(&["PRI * HTTP/1.1", "Host: a"]),
            Err(Rule::RequestLineMalformed)
        );
        assert_eq!(
            request(&["GET / HTTP/1.0", "Host: a", "Host: b"]),
            Err(Rule::HostInvalid)
        );
        assert_eq!(
            request(&["GET / HTTP/1.0", "Host: a b"]),
            Err(Rule::HostInvalid)
        );
    }
}

mod rfc_3986_s3_2_authority {
    use super::*;

    #[test]
    fn is_split_into_host_and_port() {
        for (authority, host, port) in [
            ("a", "a", None),
            ("a:80", "a", Some("80")),
            ("a:", "a", Some("")),
            (":80", "", Some("80")),
            ("", "", None),
            ("[::1]", "[::1]", None),
            ("[::1]:80", "[::1]", Some("80")),
            ("[::1]:", "[::1]", Some("")),
        ] {
            assert_eq!(split_authority(authority), (host, port), "{authority}");
        }
    }
}

mod rfc_9110_s2_5_version {
    use super::*;

    #[test]
    fn a_higher_minor_one_is_as_good_as_1_1() {
        for (version, is_1_1) in [
            ("0.9", false),
            ("1.0", false),
            ("1.1", true),
            ("1.2", true),
            ("1.9", true),
        ] {
            let request = request(&[&format!("GET / HTTP/{version}"), "Host: a"]).unwrap();
            assert_eq!(request.is_http_1_1(), is_1_1, "{version}");
            let Version { major, minor } = request.version();
            assert_eq!(format!("{major}.{minor}"), version);
            assert_eq!(request.version().to_string(), format!("HTTP/{version}"));
        }
    }
}

mod rfc_9110_s9_1_method {
    use super::*;

    #[test]
    fn keeps_its_case() {
        for method in ["GET", "get", "HEAD", "M-SEARCH", "!"] {
            let request = request(&[&format!("{method} / HTTP/1.1"), "Host: a"]).unwrap();
            assert_eq!(request.method(), method);
        }
    }
}

mod looking_up {
    use super::*;

    #[test]
    fn a_header_takes_its_first_line_in_any_case() {
        let request = request(&[
            "GET / HTTP/1.1",
            "Host: a",
            "ORIGIN: http://a",
            "x: 1",
            "X: 2",
        ])
        .unwrap();
        assert_eq!(
            (request.header("X"), request.header("y")),
            (Some("1"), None)
        );
        assert_eq!(request.origin(), Some("http://a"));
        assert_eq!(request.head().values("x").count(), 2);
    }

    #[test]
    fn a_header_that_is_not_utf8_is_found_in_the_head() {
        let text = b"GET / HTTP/1.1\r\nHost: a\r\nx: \xFF\r\n\r\n";
        let head = decode_head(Role::Client, head::Limits::default(), text)
            .unwrap()
            .unwrap()
            .0;
        let request = Request::new(head).unwrap();
        assert_eq!(request.header("x"), None);
        assert_eq!(request.head().values("x").next(), Some(&b"\xFF"[..]));
    }
}
