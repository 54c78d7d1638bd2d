//! Ping and pong (§5.5.2, §5.5.3).

use super::super::script::ping;
use super::*;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            Group::Control,
            "ping-empty",
            "an empty ping is answered",
            "5.5.2",
        )
        .plays([send([ping("")]), expect([pong_back("")])])
        .old("2.1"),
    ]
}
