//! A client that lets itself be examined, case after case, by `plainws check --listen` or by whatever else knows the
//! paths of the Autobahn Testsuite.
//!
//! ```sh
//! cargo run -- check --listen 127.0.0.1:9001 --exit-after
//! cargo run --example examined ws://127.0.0.1:9001 my-client
//! ```

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().unwrap_or("ws://127.0.0.1:9001".into());
    let name = arguments.next().unwrap_or("plainws".into());

    let ws = plainws::connect(&format!("{server}/getCaseCount"))?;
    let count = ws.receive()?.ok_or("no number of cases came")?;
    for case in 1..=count.to_string().parse()? {
        // Many cases end with an error, since the examiner breaks a rule on purpose.
        let _ = play(&format!("{server}/runCase?case={case}&agent={name}"));
    }
    plainws::connect(&format!("{server}/updateReports?agent={name}"))?.receive()?;
    Ok(())
}

/// Sends each message back, which is all that a case asks for.
fn play(url: &str) -> plainws::Result<()> {
    let ws = plainws::connect(url)?;
    ws.messages().try_for_each(|message| ws.send(message?))
}
