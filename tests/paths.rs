//! Where the paths of requests lead, over real sockets.

use crate::support::bytes::TEXT;
use crate::support::raw::{PATIENCE, Raw, Response, upgrade_request};
use crate::support::server::start;
use plainws::net::log::Outcome;
use plainws::net::paths::{Paths, Template};
use plainws::{Page, Server, WebSocket};
use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::sync::mpsc;

fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn get(address: SocketAddr, path: &str) -> Response {
    let mut raw = Raw::connect(address);
    raw.send(request("GET", path));
    raw.response()
}

/// Which of these templates serves a path, and the values of its places.
fn led(address: SocketAddr, path: &str) -> String {
    let response = get(address, path);
    match response.status {
        200 => response.text().to_owned(),
        status => status.to_string(),
    }
}

/// Pages that tell their template and its values.
fn telling(server: Server, templates: &[&'static str]) -> Server {
    templates.iter().copied().fold(server, |server, template| {
        server.page_with(template, move |request| {
            let told: Vec<_> = ["a", "b", "rest"]
                .iter()
                .filter_map(|name| Some(format!("{name}={:?}", request.param(name)?)))
                .collect();
            Page::text(
                format!("{template} {}", told.join(" "))
                    .trim_end()
                    .to_owned(),
            )
        })
    })
}

mod a_place {
    use super::*;

    #[test]
    fn stands_for_one_segment_or_for_all_that_follow() {
        let address = start(|server| {
            telling(
                server,
                &[
                    "/one/{a}",
                    "/two/{a}/x/{b}",
                    "/slash/{a}/",
                    "/all/{a}/{*rest}",
                ],
            )
        });
        for (path, what) in [
            ("/one/1", "/one/{a} a=\"1\""),
            ("/one/1?b=2/3", "/one/{a} a=\"1\""),
            ("/one/.", "/one/{a} a=\".\""),
            ("/one/{a}", "/one/{a} a=\"{a}\""),
            ("/one/", "404"),
            ("/one", "404"),
            ("/one//", "404"),
            ("/one/1/", "404"),
            ("/one/1/2", "404"),
            ("//one/1", "404"),
            ("/One/1", "404"),
            ("/%6fne/1", "404"),
            ("/two/1/x/2", "/two/{a}/x/{b} a=\"1\" b=\"2\""),
            ("/two//x/2", "404"),
            ("/two/1/y/2", "404"),
            ("/slash/1/", "/slash/{a}/ a=\"1\""),
            ("/slash/1", "404"),
            ("/slash/1//", "404"),
            ("/all/1/2", "/all/{a}/{*rest} a=\"1\" rest=\"2\""),
            ("/all/1/2/3/", "/all/{a}/{*rest} a=\"1\" rest=\"2/3/\""),
            ("/all/1//", "/all/{a}/{*rest} a=\"1\" rest=\"/\""),
            ("/all/1/../..", "/all/{a}/{*rest} a=\"1\" rest=\"../..\""),
            ("/all/1/", "404"),
            ("/all/1", "404"),
        ] {
            assert_eq!(led(address, path), what, "{path}");
        }
    }

    #[test]
    fn is_percent_decoded_and_a_bad_code_is_400() {
        let (told, reasons) = mpsc::channel();
        let address = start(|server| {
            let server = server.log(move |record| {
                if let Outcome::Response {
                    status: 400,
                    reason,
                    ..
                } = &record.outcome
                {
                    let _ = told.send(reason.map(str::to_owned));
                }
            });
            let server = server.route("/one/{a}", |_| plainws::Result::Ok(()));
            telling(server, &["/one/{a}", "/all/{*rest}", "/zz%zz"])
        });
        for (path, value) in [
            ("/one/a%2Fb", "a/b"),
            ("/one/a%2fb", "a/b"),
            ("/one/%C3%a9", "é"),
            ("/one/a%00b", "a\0b"),
            ("/one/%25zz", "%zz"),
            ("/one/%2525", "%25"),
            ("/one/a+b", "a+b"),
        ] {
            assert_eq!(
                led(address, path),
                format!("/one/{{a}} a={value:?}"),
                "{path}"
            );
        }
        assert_eq!(
            led(address, "/all/a%2Fb/%20"),
            "/all/{*rest} rest=\"a/b/ \""
        );
        // What is text in the template is compared as it is.
        assert_eq!(led(address, "/zz%zz"), "/zz%zz");
        for (path, name) in [
            ("/one/%zz", "a"),
            ("/one/%", "a"),
            ("/one/%4", "a"),
            ("/one/%+1", "a"),
            ("/one/%C3", "a"),
            ("/one/%ff", "a"),
            ("/one/%ed%a0%80", "a"),
            ("/all/x/%c0%af", "rest"),
        ] {
            let reason = format!("the path's {name} is not percent-encoded UTF-8");
            let body = format!("400 Bad Request: {reason}\n");
            let response = get(address, path);
            assert_eq!((response.status, response.text()), (400, &*body), "{path}");
            let logged = reasons.recv_timeout(PATIENCE).expect("a line in time");
            assert_eq!(logged, Some(reason));
        }
        let mut raw = Raw::connect(address);
        raw.send(upgrade_request("/one/%zz"));
        assert_eq!(raw.response().status, 400);
        raw.expect_fin();
    }

    #[test]
    fn is_told_to_handlers_and_to_who_admits() {
        let (told, asked) = mpsc::channel();
        let room = |ws: &mut WebSocket| {
            let request = ws.request();
            ws.send(format!(
                "{:?} {:?}",
                request.param("id"),
                request.param("x")
            ))
        };
        let address = start(|server| {
            server.route("/room/{id}", room).admit(move |applicant| {
                let _ = told.send(applicant.request.param("id").map(str::to_owned));
                Ok(plainws::Admission::default())
            })
        });
        Raw::open(address, "/room/caf%C3%A9").expect_frame(TEXT, "Some(\"café\") None");
        let asked = asked.recv_timeout(PATIENCE).expect("it is asked in time");
        assert_eq!(asked.as_deref(), Some("café"));
    }
}

/// Which of several templates counts.
mod the_exacter_one {
    use super::*;

    const ALL: &[&str] = &[
        "/{*rest}",
        "/{a}",
        "/{a}/{*rest}",
        "/{a}/x",
        "/{a}/{b}",
        "/t/{*rest}",
        "/t/{a}",
        "/t/x",
        "/{a}/x/{b}",
        "/t/{a}/y",
    ];

    const LED: &[(&str, &str)] = &[
        ("/t/x", "/t/x"),
        ("/t/y", "/t/{a} a=\"y\""),
        ("/t/x/z", "/t/{*rest} rest=\"x/z\""),
        ("/t/x/y", "/t/{a}/y a=\"x\""),
        ("/u/x", "/{a}/x a=\"u\""),
        ("/u/y", "/{a}/{b} a=\"u\" b=\"y\""),
        ("/u/x/y", "/{a}/x/{b} a=\"u\" b=\"y\""),
        ("/u/y/x", "/{a}/{*rest} a=\"u\" rest=\"y/x\""),
        ("/u", "/{a} a=\"u\""),
        ("/u/", "/{*rest} rest=\"u/\""),
        ("//u", "/{*rest} rest=\"/u\""),
        ("/", "404"),
    ];

    #[test]
    fn counts_whatever_the_order_in_which_they_were_named() {
        let mut reversed = ALL.to_vec();
        reversed.reverse();
        for templates in [ALL, &reversed] {
            let address = start(|server| telling(server, templates));
            for (path, what) in LED {
                assert_eq!(led(address, path), *what, "{path} among {templates:?}");
            }
        }
    }

    #[test]
    fn is_judged_with_the_prefix() {
        let address = start(|server| {
            let server = telling(
                server,
                &["/{*rest}", "/page", "/room/{a}", "/{a}/page", "/"],
            );
            server
                .reserved_page("/health", |_| Page::text("healthy"))
                .prefix("/md_admin")
                .prefix("/")
        });
        for (path, what) in [
            ("/md_admin/page", "/page"),
            ("/other/page", "/{a}/page a=\"other\""),
            ("/md_admin/room/1", "/room/{a} a=\"1\""),
            ("/md_admin/file.html", "/{*rest} rest=\"file.html\""),
            ("/file.html", "/{*rest} rest=\"file.html\""),
            ("/md_admin/", "/"),
            ("/md_admin", "308"),
            ("/md_administrator", "/{*rest} rest=\"md_administrator\""),
            ("/health", "healthy"),
            // No second way to what is reserved: it is a file's path there.
            ("/md_admin/health", "/{*rest} rest=\"md_admin/health\""),
        ] {
            assert_eq!(led(address, path), what, "{path}");
        }
        let location = get(address, "/md_admin?q");
        assert_eq!(location.header("Location"), Some("/md_admin/?q"));
    }

    #[test]
    fn may_be_one_page_and_one_handler_of_the_same_template() {
        let address = start(|server| {
            let server = telling(server, &["/{a}"]);
            server.route("/{a}", |ws| ws.send(ws.request().param("a").unwrap_or("-")))
        });
        assert_eq!(led(address, "/x"), "/{a} a=\"x\"");
        Raw::open(address, "/x").expect_frame(TEXT, "x");
    }
}

mod a_fallback {
    use super::*;

    #[test]
    fn is_for_paths_that_lead_nowhere_else() {
        let address = start(|server| {
            telling(server, &["/page", "/{a}/page"])
                .route("/ws", |ws| ws.send("the route"))
                .fallback(|ws| ws.send(format!("fallback at {}", ws.request().path())))
                .fallback_page(|request| {
                    Page::text(format!("nothing at {}", request.path())).status(404)
                })
                .prefix("/p")
        });
        for (path, status, text) in [
            ("/none", 404, "nothing at /none"),
            ("/", 404, "nothing at /"),
            ("/p/none", 404, "nothing at /p/none"),
            ("/page", 200, "/page"),
            (
                "/%zz/page",
                400,
                "400 Bad Request: the path's a is not percent-encoded UTF-8\n",
            ),
            (
                "/ws",
                426,
                "426 Upgrade Required: this path speaks WebSocket\n",
            ),
        ] {
            let response = get(address, path);
            assert_eq!((response.status, response.text()), (status, text), "{path}");
        }
        Raw::open(address, "/ws").expect_frame(TEXT, "the route");
        Raw::open(address, "/p/ws").expect_frame(TEXT, "the route");
        Raw::open(address, "/none").expect_frame(TEXT, "fallback at /none");
        let mut raw = Raw::connect(address);
        raw.send(upgrade_request("/page"));
        assert_eq!(
            raw.response().status,
            404,
            "the path has a page and no handler"
        );
    }

    #[test]
    fn of_one_kind_leaves_the_other_as_it_was() {
        let pages = start(|server| server.fallback_page(|_| Page::text("a page")));
        assert_eq!(get(pages, "/x").text(), "a page");
        let mut raw = Raw::connect(pages);
        raw.send(upgrade_request("/x"));
        assert_eq!(raw.response().status, 404);

        let handlers = start(|server| server.fallback(|ws| ws.send("here")));
        assert_eq!(get(handlers, "/x").status, 426);
        Raw::open(handlers, "/x").expect_frame(TEXT, "here");
    }
}

#[test]
fn head_follows_get() {
    let address = start(|server| {
        let server = telling(server, &["/room/{a}"]);
        server.fallback_page(|_| Page::text("nowhere").status(404))
    });
    for path in ["/room/12", "/room/%zz", "/none"] {
        let got = get(address, path);
        let mut raw = Raw::connect(address);
        raw.send(request("HEAD", path));
        let head = raw.response_without_body();
        let length = got.body.len().to_string();
        assert_eq!(head.status, got.status, "{path}");
        assert_eq!(head.header("Content-Length"), Some(&*length), "{path}");
        // Nothing of a body comes before the next response.
        raw.send(request("GET", "/room/12"));
        assert_eq!(raw.response().text(), "/room/{a} a=\"12\"");
    }
}

mod a_template {
    use super::*;

    #[test]
    fn that_no_path_can_fit_is_told_why() {
        for (template, why) in [
            ("", "it does not begin with a slash"),
            ("room", "it does not begin with a slash"),
            ("/{", "a place is a whole segment: {name}"),
            ("/}", "a place is a whole segment: {name}"),
            ("/x{id}", "a place is a whole segment: {name}"),
            ("/{id}x", "a place is a whole segment: {name}"),
            (
                "/{}",
                "the name of a place is made of letters, digits and underscores",
            ),
            (
                "/{*}",
                "the name of a place is made of letters, digits and underscores",
            ),
            (
                "/{a b}",
                "the name of a place is made of letters, digits and underscores",
            ),
            (
                "/{{a}}",
                "the name of a place is made of letters, digits and underscores",
            ),
            (
                "/{a}{b}",
                "the name of a place is made of letters, digits and underscores",
            ),
            (
                "/{a*}",
                "the name of a place is made of letters, digits and underscores",
            ),
            ("/{*rest}/", "something follows its {*rest}"),
            ("/{*rest}/x", "something follows its {*rest}"),
            ("/{a}/{a}", "two of its places have one name"),
            ("/{a}/{*a}", "two of its places have one name"),
        ] {
            let problem = template.parse::<Template>().expect_err(template);
            assert_eq!(problem.to_string(), why, "{template}");
        }
    }

    #[test]
    fn that_differs_only_in_names_is_refused() {
        let mut paths = Paths::<u32>::default();
        *paths.entry("/a/{x}/{*y}").expect("the first") = 1;
        let why = "another one differs from it only in the names of its places";
        let problem = paths.entry("/a/{y}/{*x}").expect_err("the same shape");
        assert_eq!(problem.to_string(), why);
        assert_eq!(paths.entry("/a/{x}/{*y}"), Ok(&mut 1));
        for other in ["/b/{x}/{*y}", "/a/{x}/{y}", "/a/{*y}", "/a/{x}/b/{*y}"] {
            assert_eq!(paths.entry(other), Ok(&mut 0), "{other}");
        }
    }

    #[test]
    fn that_cannot_be_served_is_the_programs_own_mistake() {
        let server = || Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let panic = catch_unwind(|| server().page("/a/{b", Page::text("")));
        let panic = panic.expect_err("it panics");
        assert_eq!(
            panic.downcast_ref::<String>().map(String::as_str),
            Some("the path \"/a/{b\" cannot be served: a place is a whole segment: {name}")
        );
        let both = catch_unwind(|| {
            let server = server().page("/{a}", Page::text(""));
            server.route("/{b}", |_| plainws::Result::Ok(()))
        });
        assert!(both.is_err());
    }
}
