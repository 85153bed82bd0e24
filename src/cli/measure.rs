//! What benchmarks measure with.

/// Processor time of this process so far, all threads, in seconds. Linux; elsewhere 0.
pub fn cpu_seconds() -> f64 {
    // Fields after the parenthesised name, of which `utime` and `stime` are the 12th and 13th; in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

/// The smallest value that at least a share `q` of them does not exceed; 0 without any.
pub fn percentile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (q * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(values.clone(), 0.99), 99.0);
        assert_eq!(percentile(values.clone(), 1.0), 100.0);
        assert_eq!(percentile(values[..20].to_vec(), 0.99), 100.0);
        assert_eq!(percentile(Vec::new(), 0.5), 0.0);
    }
}
