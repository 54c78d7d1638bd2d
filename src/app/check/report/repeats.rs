//! Many things that are alike, in few words.

/// Lines that are shown of many: so many from the beginning, and so many from the end.
const FIRST: usize = 6;
const LAST: usize = 2;

/// Like lines as one, and of many the first and the last.
pub(super) fn shortened(lines: impl Iterator<Item = String>) -> Vec<String> {
    let all = Vec::from_iter(lines);
    let mut lines = Vec::new();
    for run in all.chunk_by(|one, other| one == other) {
        lines.push(run[0].clone());
        if run.len() > 1 {
            lines.push(format!("… {} more like it", run.len() - 1));
        }
    }
    if lines.len() > FIRST + LAST + 1 {
        let hidden = lines.len() - FIRST - LAST;
        let left_out = format!("… {hidden} more lines");
        lines.splice(FIRST..FIRST + hidden, [left_out]);
    }
    lines
}

/// Like things one after another as one, with their number.
pub(super) fn runs(parts: impl Iterator<Item = String>) -> Vec<String> {
    let parts = Vec::from_iter(parts);
    let runs = parts.chunk_by(|one, other| one == other);
    runs.map(|run| match run {
        [part] => part.clone(),
        run => format!("{} times {}", run.len(), run[0]),
    })
    .collect()
}
