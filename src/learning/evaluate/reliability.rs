//! The reliability diagram: of the answers given about this p, how many were right?

use serde::Serialize;

use super::score::Scored;

/// As many as the calibration error is summed over (`metrics`).
pub const BINS: usize = 15;

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub count: usize,
    /// `None` in an empty bin.
    pub mean_p: Option<f64>,
    pub share_right: Option<f64>,
}

pub fn bin_of(p: f32) -> usize {
    ((p * BINS as f32) as usize).min(BINS - 1)
}

/// Bins of equal width over 0..=1.
pub fn diagram(scored: &[Scored]) -> Vec<Bin> {
    let mut sums = [(0usize, 0.0f64, 0usize); BINS];
    for answer in scored {
        let (count, p, right) = &mut sums[bin_of(answer.p)];
        *count += 1;
        *p += f64::from(answer.p);
        *right += usize::from(answer.correct);
    }
    let bin = |(at, (count, p, right)): (usize, (usize, f64, usize))| Bin {
        from: at as f64 / BINS as f64,
        to: (at + 1) as f64 / BINS as f64,
        count,
        mean_p: (count > 0).then(|| p / count as f64),
        share_right: (count > 0).then(|| right as f64 / count as f64),
    };
    sums.into_iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::tests::some_answers;
    use super::*;
    use crate::learning::metrics::Metrics;

    #[test]
    fn the_calibration_error_can_be_read_off_the_diagram() {
        let scored = some_answers(10, 20);
        let bins = diagram(&scored);
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 200);
        let gap = |bin: &Bin| bin.count as f64 * (bin.mean_p.unwrap_or(0.0) - bin.share_right.unwrap_or(0.0)).abs();
        let read_off = bins.iter().map(gap).sum::<f64>() / 200.0;
        let pairs: Vec<(f32, bool)> = scored.iter().map(|s| (s.p, s.correct)).collect();
        assert!((read_off - Metrics::of(&pairs).unwrap().ece).abs() < 1e-9);
    }
}
