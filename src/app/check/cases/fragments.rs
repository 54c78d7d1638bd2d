//! Messages in fragments (§5.4).

use super::super::script::{first, last, ping};
use super::*;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            Group::Fragments,
            "ping-between-fragments",
            "a ping between two fragments is answered",
            "5.4",
        )
        .plays([
            send([first("one"), ping("hi"), last("two")]),
            expect([pong_back("hi"), text_back("onetwo")]),
        ])
        .likely("the ping ended the message that it stood in")
        .old("5.6"),
    ]
}
