//! Messages of any size, there and back.

use crate::support::bytes::{CLOSE, TEXT};
use plainws_tls_tests::peer::listen;
use plainws_tls_tests::{Authority, LOCAL, Peer, Relay, trusting};
use std::thread;

/// The tests' own peers understand each other.
#[test]
fn peers_of_these_tests_speak_with_each_other_byte_by_byte() {
    let authority = Authority::new();
    let (listener, address) = listen();
    let config = authority.below().sign(LOCAL).config();
    let server = thread::spawn(move || {
        let mut server = Peer::accept_open(&listener, config);
        server.expect_frame(TEXT, "hi");
        server.renew_keys();
        server.send_frame(TEXT, "ho");
        server.expect_frame(TEXT, "hi");
        server.send_close_notify();
        server.send_fin();
        server.until_end();
    });
    let relay = Relay::to(address);
    let mut client = Peer::connect(relay.address, trusting(&authority.pem()));
    let passing = relay.next();
    passing.down.open_by(1);
    client.upgrade("/");
    let frames = client.seal_each(&[b"\x81\x82", b"\0\0\0\0", b"h", b"i"]);
    client.send_records(frames);
    client.expect_frame(TEXT, "ho");
    client.renew_keys();
    client.send_frame(TEXT, "hi");
    client.expect_close_notify();
    client.expect_fin();
    client.send_frame(CLOSE, "");
    client.send_fin();
    passing.up.wait_until_ended();
    server.join().expect("the server saw what it expected");
}
