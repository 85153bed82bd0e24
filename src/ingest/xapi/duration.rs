//! ISO 8601 durations, as xAPI uses them.

/// `P1DT2H3M4.5S` or `P2W` in milliseconds. Years and months have no fixed length: they are read as 365 and 30 days.
pub fn milliseconds(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (days, hours) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, hours)) => (days, hours),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    let seconds = units(days, &[('Y', 31_536_000.0), ('M', 2_592_000.0), ('W', 604_800.0), ('D', 86_400.0)])?
        + units(hours, &[('H', 3_600.0), ('M', 60.0), ('S', 1.0)])?;
    let ms = (seconds * 1_000.0).round();
    (ms < 9e15).then_some(ms as i64)
}

/// Numbers with their units, in the order of the units.
fn units(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut seconds = 0.0;
    for (unit, length) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            seconds += number.parse::<f64>().ok().filter(|_| digits)? * length;
            text = rest;
        }
    }
    text.is_empty().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn durations_are_read_and_other_texts_are_not() {
        assert_eq!(milliseconds("PT03M15S"), Some(195_000));
        assert_eq!(milliseconds("PT0.25S"), Some(250));
        assert_eq!(milliseconds("P1DT1H"), Some(90_000_000));
        assert_eq!(milliseconds("P2W"), Some(1_209_600_000));
        for bad in ["", "P", "PT", "12", "PT5", "PT-5S", "P1S", "PTS", "PT1S2M"] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }
}
