//! The loads, and what was measured under each.

/// One kind of traffic.
#[derive(Debug)]
pub(crate) struct Row {
    /// For the command line.
    pub(crate) name: &'static str,
    /// For the tables.
    pub(crate) title: &'static str,
    pub(crate) connections: usize,
    /// Messages that each connection has on their way.
    pub(crate) in_flight: usize,
    /// Bytes of payload in each.
    pub(crate) size: usize,
    /// A flag of `plainws bench`.
    pub(crate) content: &'static str,
}

pub(crate) const ROWS: [Row; 10] = [
    row("32", "1 x 1 x 32", [1, 1, 32], "--binary"),
    row("125", "32 x 1 x 125", [32, 1, 125], "--binary"),
    row("125x16", "32 x 16 x 125", [32, 16, 125], "--binary"),
    row(
        "125x16-text",
        "32 x 16 x 125, text",
        [32, 16, 125],
        "--text",
    ),
    row("1k", "200 x 1 x 1,024", [200, 1, 1024], "--binary"),
    row("64k", "8 x 4 x 65,536", [8, 4, 65_536], "--binary"),
    row(
        "64k-text",
        "8 x 4 x 65,536, ASCII text",
        [8, 4, 65_536],
        "--text",
    ),
    row(
        "64k-utf8",
        "8 x 4 x 65,536, non-ASCII text",
        [8, 4, 65_536],
        "--utf8",
    ),
    row("1m", "2 x 1 x 1 MiB", [2, 1, 1 << 20], "--binary"),
    row("16m", "1 x 1 x 16 MiB", [1, 1, 16 << 20], "--binary"),
];

const fn row(
    name: &'static str,
    title: &'static str,
    [connections, in_flight, size]: [usize; 3],
    content: &'static str,
) -> Row {
    Row {
        name,
        title,
        connections,
        in_flight,
        size,
        content,
    }
}

/// One turn of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Messages a second.
    pub(crate) rate: f64,
    /// The server's processor time for each, in microseconds.
    pub(crate) processor: f64,
    /// Whether the load had no time left, and the server had.
    pub(crate) is_limited_by_load: bool,
}

/// What was measured of all servers under one load.
#[derive(Debug)]
pub(crate) struct RowResults {
    pub(crate) row: &'static Row,
    /// For each server its rounds, or why they failed.
    pub(crate) runs: Vec<Vec<Result<Measured, String>>>,
    /// For each server the most memory that it held, in KiB.
    pub(crate) peaks: Vec<Option<u64>>,
}

impl RowResults {
    pub(crate) fn new(row: &'static Row, servers: usize) -> Self {
        Self {
            row,
            runs: vec![Vec::new(); servers],
            peaks: vec![None; servers],
        }
    }

    /// Whether each server did in each round what was asked of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.runs.iter().flatten().all(Result::is_ok)
    }

    /// The rate of a server as a share of the raw echo's in the same round: the median of all rounds.
    pub(crate) fn ratio(&self, server: usize) -> Result<f64, String> {
        let rounds = self.runs[server].iter().zip(&self.runs[0]);
        let ratios = rounds.map(|(server, raw)| match (server, raw) {
            (Ok(server), Ok(raw)) => Ok(server.rate / raw.rate),
            (Err(problem), _) | (_, Err(problem)) => Err(problem.clone()),
        });
        Ok(median(ratios.collect::<Result<_, _>>()?))
    }

    pub(crate) fn rate(&self, server: usize) -> Result<f64, String> {
        self.median_of(server, |measured| measured.rate)
    }

    pub(crate) fn processor(&self, server: usize) -> Result<f64, String> {
        self.median_of(server, |measured| measured.processor)
    }

    fn median_of(&self, server: usize, of: impl Fn(&Measured) -> f64) -> Result<f64, String> {
        let rounds = self.runs[server].iter();
        let values = rounds.map(|round| round.as_ref().map(&of).map_err(Clone::clone));
        Ok(median(values.collect::<Result<_, _>>()?))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        values[middle - 1].midpoint(values[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rate: f64) -> Result<Measured, String> {
        Ok(Measured {
            rate,
            processor: 1.0,
            is_limited_by_load: false,
        })
    }

    #[test]
    fn a_ratio_is_of_the_same_round() {
        let mut results = RowResults::new(&ROWS[0], 2);
        results.runs[0] = vec![run(100.0), run(10.0), run(1000.0)];
        results.runs[1] = vec![run(50.0), run(9.0), run(2000.0)];
        // Of the medians it would be 0.5.
        assert_eq!(results.ratio(1), Ok(0.9));
        assert!(results.is_whole());
        assert_eq!(results.rate(0), Ok(100.0));
    }

    #[test]
    fn a_failure_in_any_round_is_shown() {
        let mut results = RowResults::new(&ROWS[0], 2);
        results.runs[0] = vec![run(100.0), run(100.0)];
        results.runs[1] = vec![run(90.0), Err("reset".into())];
        assert_eq!(results.ratio(1), Err("reset".into()));
        assert_eq!(results.processor(1), Err("reset".into()));
        assert!(!results.is_whole());
    }
}
