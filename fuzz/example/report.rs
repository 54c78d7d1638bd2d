//! What the oracles say of the parser with its mistake. Ends after some seconds, with 1 if one of them fired.

use my_parser::MyParser;
use oracles::report::Outcome;
use std::process::ExitCode;

fn main() -> ExitCode {
    let parser = &MyParser { is_mended: false };
    let rows = oracles::report(parser).inspect(|row| println!("{row}"));
    let fired = rows.filter(|row| matches!(row.outcome, Outcome::Fired { .. }));
    ExitCode::from(u8::from(fired.count() > 0))
}
