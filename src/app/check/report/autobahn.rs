//! The report in the shape of the Autobahn Testsuite's, which CI scripts read: `index.json`, with the agents by their
//! names and their cases by their numbers there, and a file for each case.
//!
//! ```json
//! {"agent": {"1.1.1": {"behavior": "OK", "behaviorClose": "OK", "duration": 2, "remoteCloseCode": 1000,
//!                      "reportfile": "agent_case_1_1_1.json"}}}
//! ```
//!
//! A case's file has the fields of [`super::json`] besides. Cases that the old suite has not are not in it.

use super::row::Row;
use super::{Report, json};
use serde_json::{Map, Value, json};
use std::io;
use std::path::{Path, PathBuf};

/// Makes the directory, with an `index.json` if it has none.
///
/// # Errors
///
/// It cannot be written to, or has another kind of `index.json`.
pub(super) fn open(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    write_index(directory, &index(directory)?)
}

/// Writes the cases that the old suite has into this directory, under their old numbers.
///
/// # Errors
///
/// A file cannot be written.
pub(super) fn write(report: &Report, directory: &Path) -> io::Result<()> {
    let mut cases = Map::new();
    for row in &report.rows {
        let Some(old) = row.old else { continue };
        let file = format!("{}_case_{}.json", word(&report.name), old.replace('.', "_"));
        let entry = entry(row, &file);
        let whole = format!("{:#}\n", whole(report, row, &entry));
        std::fs::write(directory.join(&file), whole)?;
        cases.insert(old.to_owned(), entry);
    }
    // What other agents left there stays.
    let mut index = index(directory)?;
    index.insert(report.name.clone(), cases.into());
    write_index(directory, &index)
}

fn path(directory: &Path) -> PathBuf {
    directory.join("index.json")
}

fn index(directory: &Path) -> io::Result<Map<String, Value>> {
    match std::fs::read(path(directory)) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| io::Error::other(format!("index.json is no report: {error}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(error),
    }
}

fn write_index(directory: &Path, index: &Map<String, Value>) -> io::Result<()> {
    std::fs::write(path(directory), serde_json::to_string_pretty(index)? + "\n")
}

fn entry(row: &Row, file: &str) -> Value {
    let close = row
        .connections
        .first()
        .and_then(|first| first.close.as_ref());
    json!({
        "behavior": row.behaviour,
        "behaviorClose": row.behaviour_close,
        "duration": u64::try_from(row.time.as_millis()).unwrap_or(u64::MAX),
        "remoteCloseCode": close.map(|(code, _)| *code).filter(|code| *code != 1005),
        "reportfile": file,
    })
}

fn whole(report: &Report, row: &Row, entry: &Value) -> Value {
    let mut whole = json::case(row, report.is_strict);
    if let (Some(whole), Some(entry)) = (whole.as_object_mut(), entry.as_object()) {
        whole.extend(entry.clone());
        whole.insert("agent".into(), report.name.clone().into());
        // Here it is the number; ours has a place of its own.
        whole.insert("plainws".into(), row.name().into());
        whole.insert("id".into(), row.old.into());
        whole.insert("description".into(), row.title.clone().into());
    }
    whole
}

/// A name that a file can have, as the old suite makes it; characters beyond ASCII are told by their numbers.
pub(super) fn word(name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | '0'..='9' => c.to_string(),
        '\0'..='\x7f' => "_".to_owned(),
        c => format!("u{:x}", u32::from(c)),
    };
    let name = name.to_lowercase();
    let word: String = name.chars().take(80).map(plain).collect();
    word.trim_matches('_').chars().take(80).collect()
}
