//! The report in the shape of the Autobahn Testsuite's: `index.json`, and a file for each case.

use super::row::Row;
use super::{Report, json};
use crate::app::check::came::Ended;
use serde_json::{Map, Value, json};
use std::io;
use std::path::Path;

/// Writes the cases that the old suite has into this directory, under their old numbers.
///
/// # Errors
///
/// A file cannot be written.
pub(crate) fn write(report: &Report, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut index = Map::new();
    for row in &report.rows {
        let Some(old) = row.old else { continue };
        let file = format!("{}_case_{}.json", word(&report.name), old.replace('.', "_"));
        let entry = json!({
            "behavior": row.behaviour,
            "behaviorClose": close(row),
            "duration": row.time.as_millis() as u64,
            "remoteCloseCode": row.close.as_ref().map(|(code, _)| *code).filter(|code| *code != 1005),
            "reportfile": file,
        });
        std::fs::write(
            directory.join(&file),
            format!("{:#}\n", whole(report, row, &entry)),
        )?;
        index.insert(old.to_owned(), entry);
    }
    let path = directory.join("index.json");
    // What other clients left there stays.
    let mut all: Map<String, Value> = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Map::new(),
    };
    all.insert(report.name.clone(), index.into());
    std::fs::write(path, format!("{:#}\n", Value::from(all)))
}

fn whole(report: &Report, row: &Row, entry: &Value) -> Value {
    let mut whole = json::case(row);
    if let (Some(whole), Some(entry)) = (whole.as_object_mut(), entry.as_object()) {
        whole.extend(entry.clone());
        whole.insert("agent".into(), report.name.clone().into());
    }
    whole
}

/// How the connection ended, in the old suite's words.
fn close(row: &Row) -> &'static str {
    match (row.behaviour, row.ended) {
        ("FAILED", None) => "UNCLEAN",
        (_, Some(Ended::Reset | Ended::Flood)) => "UNCLEAN",
        ("FAILED", _) if row.close.is_none() => "FAILED BY CLIENT",
        _ if row.verdict.why.contains("closes with") => "WRONG CODE",
        _ => "OK",
    }
}

/// A name that a file can have.
fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let word: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    word.chars().take(80).collect()
}
