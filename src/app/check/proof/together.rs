//! Servers that are wrong about several connections. Each serves for one row, and then no more.

use super::peer::{self, Peer};
use super::*;
use std::io::Write as _;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// When a connection ends that has broken a rule, closed or been dropped, all do, and no more are taken.
    EndsAll,
    /// What comes on any connection is answered on the first.
    AnswersTheFirst,
    /// A connection is served when the one before it has ended.
    OneByOne,
}

#[rustfmt::skip]
const ROWS: &[(Wrong, &[&str])] = &[
    (Wrong::EndsAll, &[
        "broken-one-ends-alone", "broken-one-beside", "broken-text-beside", "closed-one-beside", "dropped-one-beside", "dropped-in-a-frame-beside",
        "dropped-in-a-message-beside", "dropped-with-answers-unread-beside",
        "dropped", "dropped-in-a-message", "dropped-in-a-frame", "dropped-in-a-header", "dropped-after-close", "dropped-while-sending",
    ]),
    (Wrong::AnswersTheFirst, &["fragments-on-two-connections", "pings-on-two-connections", "bytes-of-two-connections-in-turn", "messages-of-five-connections"]),
    (Wrong::OneByOne, &[
        "idle-one-beside", "half-a-head-beside", "half-heads-10-beside", "nothing-sent-beside", "half-a-frame-beside", "half-a-header-beside",
        "half-a-message-beside", "deaf-one-beside", "slow-sender-beside", "thirty-connections",
    ]),
];

fn serve(wrong: Wrong) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || match wrong {
        Wrong::EndsAll => end_all(&listener),
        Wrong::AnswersTheFirst => answer_the_first(&listener),
        Wrong::OneByOne => {
            for stream in listener.incoming().flatten() {
                Peer::TakesAll.serve(stream);
            }
        }
    });
    address
}

fn end_all(listener: &TcpListener) {
    let all = Arc::new(Mutex::new(Some(Vec::new())));
    for stream in listener.incoming().flatten() {
        let handle = stream.try_clone().expect("a handle");
        match &mut *all.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(streams) => streams.push(handle),
            None => return,
        }
        let all = Arc::clone(&all);
        thread::spawn(move || {
            Peer::TakesLeast.serve(stream);
            let streams = all.lock().unwrap_or_else(PoisonError::into_inner).take();
            for stream in streams.into_iter().flatten() {
                // It may have ended already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }
}

fn answer_the_first(listener: &TcpListener) {
    let mut first = None;
    for mut stream in listener.incoming().flatten() {
        let handle = stream.try_clone().expect("a handle");
        let mut out = first.get_or_insert(handle).try_clone().expect("a handle");
        thread::spawn(move || -> io::Result<()> {
            let (response, rest) = peer::accept(&mut stream)?;
            stream.write_all(&response)?;
            Peer::TakesAll.echo(&mut stream, &mut out, Role::Server, rest)
        });
    }
}

#[test]
fn what_is_about_several_connections_is_not_ok_with_servers_that_mix_hinder_or_end_them() {
    let cases: Vec<_> = all().into_iter().filter(is_of_several).collect();
    let wrong = |case: &Case| {
        let row = ROWS.iter().find(|(_, ids)| ids.contains(&&*case.id));
        row.unwrap_or_else(|| panic!("{} has no server", case.id)).0
    };
    let is_found = |case: &Case| {
        let target = of_servers::target(serve(wrong(case)), NO_PATIENCE);
        let mut server = Server::new(&target).expect("the system has random bytes");
        let verdict = judge(case, &play(case, &mut server));
        is_found(case, verdict.outcome).then_some(()).ok_or(verdict)
    };
    thread::scope(|scope| {
        for case in &cases {
            scope.spawn(move || {
                let mut tries = (0..TRIES).map(|_| is_found(case));
                let last = tries.find(Result::is_ok);
                assert!(last.is_some(), "{}: {:?}", case.id, is_found(case));
            });
        }
    });
}
