//! `examples/tls.rs`, as it is.

#[path = "../../../examples/tls.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod tls;

use plainws_tls_tests::{Certificate, Files, LOCAL};
use std::{fs, thread};

#[test]
fn a_renewed_certificate_is_shown_to_who_comes_later_and_the_others_stay() {
    let (first, second) = (
        Certificate::of_its_own(LOCAL),
        Certificate::of_its_own(LOCAL),
    );
    let files = Files::new(&first, &first.chain);
    let shown = tls::tls(&files.cert, &files.key).expect("they fit");
    let server = tls::server("127.0.0.1:0", &shown).expect("port 0 is always free");
    let url = format!("wss://{}/", server.local_addr().expect("it is bound"));
    thread::spawn(move || server.serve());
    let early = tls::client(&url, &files.ca).expect("it is the certificate");

    files.replace(&second);
    tls::client(&url, &files.ca).expect("nobody was told of the files");
    tls::renew(&shown, &files.cert, &files.key).expect("they fit");
    let refused = tls::client(&url, &files.ca).map(drop);
    refused.expect_err("it is another certificate");
    let late = tls::client(&url, &files.cert).expect("it is the certificate");

    fs::write(&files.key, &first.key).expect("the file is there");
    let failed = tls::renew(&shown, &files.cert, &files.key);
    failed.expect_err("the key is another one's");
    tls::client(&url, &files.cert).expect("it stays the one before");
    for ws in [early, late] {
        ws.send("Hello").expect("it is open");
        let answer = ws.receive().expect("it is open");
        assert_eq!(answer, Some("Hello".into()));
    }
}
