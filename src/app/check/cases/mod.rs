//! The table of cases, group by group.

mod closing;
mod control;
mod fragments;
mod head;
mod header;
mod lengths;
mod load;
mod opening;
mod refused;
mod rows;
mod stream;
mod together;
mod utf8;

pub(crate) use self::closing::level_of_code;
use super::case::Case;

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let groups = [
        opening::cases(),
        refused::cases(),
        lengths::cases(),
        header::cases(),
        control::cases(),
        fragments::cases(),
        utf8::cases(),
        closing::cases(),
        stream::cases(),
        load::cases(),
        together::cases(),
    ];
    groups.into_iter().flatten().collect()
}
