//! Judging under a limit of time and of memory, so that an input that never ends or takes all memory is a
//! finding, and does not stop the machine.

use crate::subject::Subject;
use crate::target::{Finding, Target};
use std::any::Any;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Any input is judged in milliseconds. One that takes this long would not end, however busy the machine is.
pub const TIME: Duration = Duration::from_secs(20);
/// What judging may hold at once. No input of a target is large, so the fuzzer allows no more either.
pub const MEMORY: u64 = 64 * 1024 * 1024;

/// Has all oracles of `target` judge one input in a thread of its own. Beside what they find, there are
/// the findings `panic`, `time` and `memory-limit`. A thread that ran out of time goes on until the
/// process ends: there is no way to stop it.
///
/// # Errors
///
/// What was found first.
pub fn judge(
    target: &'static Target,
    subject: impl Subject + Send + 'static,
    input: &[u8],
) -> Result<(), Finding> {
    let input = input.to_vec();
    let (sender, result) = mpsc::channel();
    let judge = move || {
        let mut judged = Ok(());
        let cost = allocation_counter::measure(|| judged = target.judge(&subject, &input));
        // This fails only if the time is over and the result is no longer waited for.
        drop(sender.send((judged, cost.bytes_max)));
    };
    let judge = thread::spawn(judge);
    let finding = |oracle, what| {
        Err(Finding {
            oracle,
            what,
            decode: None,
        })
    };
    match result.recv_timeout(TIME) {
        Ok((Ok(()), held)) if held > MEMORY => {
            finding("memory-limit", format!("{held} bytes held at once"))
        }
        Ok((judged, _)) => judged,
        Err(RecvTimeoutError::Timeout) => finding("time", format!("not done after {TIME:?}")),
        Err(RecvTimeoutError::Disconnected) => {
            let panic = judge.join().expect_err("it sends unless it panics");
            finding("panic", words(&*panic).into())
        }
    }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
