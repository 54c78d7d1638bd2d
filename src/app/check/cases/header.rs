//! The bits of a header (§5.2).

use super::super::script::{binary, text};
use super::*;

pub(super) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for bits in 1..8 {
        all.push(
            case(
                Group::Header,
                format!("rsv-{bits}"),
                format!("reserved bits {bits:03b} are refused"),
                "5.2",
            )
            .breaks(Rule::RsvNotZero)
            .plays([
                perhaps([text_back("Hello")]),
                send([text("Hello")]),
                send([text("Hello").rsv(bits)]),
            ]),
        );
    }
    all.push(
        case(
            Group::Header,
            "wrong-mask",
            "a frame masked wrong is refused",
            "5.1",
        )
        .breaks(Rule::MaskMissing)
        .plays([send([binary("x").masked_wrong()])]),
    );
    all
}
