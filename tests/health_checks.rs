//! How balancers ask whether a server is well when they are not told how.

use crate::support::balancer::{Balancer, Kind, order};
use crate::support::program::Program;
use crate::support::server::wait_until;

/// It sends `OPTIONS / HTTP/1.0` without a Host, and wants a status below 400.
#[test]
fn haproxy_finds_the_server_up_by_a_bare_httpchk() {
    let program = Program::serve(&["--quiet", "--allow-host", "example.com"]);
    let started = Balancer::start(Kind::Haproxy, 1, |place| {
        format!(
            "global
    stats socket {} mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind {}
    default_backend plainws
backend plainws
    option httpchk
    server one {} check inter 100ms
",
            place.path("admin.sock"),
            place.addresses[0],
            program.address,
        )
    });
    let Some(haproxy) = started else {
        return;
    };
    // It counts as up from the start, until the first check has ended.
    let last_check = || {
        let table = order(haproxy.place.path("admin.sock"), "show stat plainws 4 -1");
        let mut lines = table.lines().map(|line| line.split(','));
        let names: Vec<_> = lines.next().expect("a line of names").collect();
        let one = lines.find(|line| line.clone().nth(1) == Some("one"));
        let one: Vec<_> = one.expect("the server's line").collect();
        ["status", "check_status", "check_code"].map(|name| {
            let column = names.iter().position(|there| *there == name);
            let value = one[column.expect("that column")];
            // So it tells that another check goes on.
            value.trim_start_matches("* ").to_owned()
        })
    };
    wait_until("a check", || last_check()[1] != "INI");
    assert_eq!(last_check(), ["UP", "L7OK", "204"]);
    drop(program);
    wait_until("its end to be found", || last_check()[0] == "DOWN");
}
