//! Two servers, loaded in turn.

use super::run::Outcome;

/// The rounds of both.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Echoes in a second, of each, in each round.
    pub(crate) rates: Vec<[f64; 2]>,
    whole: [Outcome; 2],
}

impl Comparison {
    pub(crate) fn add(&mut self, round: [Outcome; 2]) {
        for (whole, part) in self.whole.iter_mut().zip(&round) {
            whole.add(part);
        }
        self.rates.push(round.each_ref().map(Outcome::rate));
    }

    /// What all rounds came to, of each.
    pub(crate) const fn outcomes(&self) -> [&Outcome; 2] {
        let [one, two] = &self.whole;
        [one, two]
    }

    /// The first one's rate divided by the second one's, in each round in which there are both; the
    /// smallest first.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        let rates = self.rates.iter();
        let ratios = rates
            .filter(|rates| rates[1] > 0.0)
            .map(|[one, two]| one / two);
        let mut ratios: Vec<_> = ratios.collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// Their median, which one bad round does not move.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let ratios = self.ratios();
        let middle = ratios.len() / 2;
        match ratios.len() {
            0 => None,
            length if length % 2 == 1 => Some(ratios[middle]),
            _ => Some(f64::midpoint(ratios[middle - 1], ratios[middle])),
        }
    }

    /// The smallest and the largest of them.
    pub(crate) fn spread(&self) -> Option<(f64, f64)> {
        let ratios = self.ratios();
        Some((*ratios.first()?, *ratios.last()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn outcome(messages: u64) -> Outcome {
        let mut outcome = Outcome {
            time: Duration::from_secs(1),
            ..Outcome::default()
        };
        outcome.tally.messages = messages;
        outcome
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds() {
        let mut comparison = Comparison::default();
        assert_eq!(comparison.ratio(), None);
        for (one, two, ratio, spread) in [
            (90, 100, 0.9, (0.9, 0.9)),
            (50, 100, 0.7, (0.5, 0.9)),
            (40, 50, 0.8, (0.5, 0.9)),
            (7, 0, 0.8, (0.5, 0.9)),
        ] {
            comparison.add([outcome(one), outcome(two)]);
            let told = comparison.ratio().expect("there are rounds");
            assert!((told - ratio).abs() < 1e-9, "{told} is not {ratio}");
            assert_eq!(comparison.spread(), Some(spread));
        }
        assert_eq!(
            comparison.outcomes().map(|whole| whole.tally.messages),
            [187, 250]
        );
        assert_eq!(comparison.outcomes()[0].time, Duration::from_secs(4));
    }
}
