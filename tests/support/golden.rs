//! Files that hold what the program prints. After a change that is meant, `PLAINWS_UPDATE=1 cargo test --test cli`
//! writes them anew; look at the difference.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::path::Path;

/// Compares text with a file in `tests/golden/`.
#[track_caller]
pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("PLAINWS_UPDATE").is_some() {
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&path, text).expect("the file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{}", path.display());
}

/// A trace with the same time on each line: times differ from run to run.
pub(crate) fn timeless(trace: &str) -> String {
    let lines = trace.lines().map(|line| {
        let number = line.split(' ').next().filter(|word| word.starts_with('#'));
        let rest = number.and_then(|number| line.get(number.len() + TIME..));
        match (number, rest) {
            (Some(number), Some(rest)) => format!("{number} +0.00 ms{rest}\n"),
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// The space before a time, and its column.
const TIME: usize = " +0.00 ms".len();
