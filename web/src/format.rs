//! Numbers as people read them.

use lowshot_protocol::{Metric, Unit};

/// A metric as text: the value with its unit, and the interval if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricText {
    /// The value, e.g. `71.2 %`.
    pub value: String,
    /// `± 0.4` for a symmetric interval, `70.8 … 71.9` for another, with the unit of the value.
    pub interval: Option<String>,
}

/// Formats a metric with as many digits as its interval warrants.
pub fn metric(metric: &Metric) -> MetricText {
    let scale = if metric.unit == Unit::Fraction { 100.0 } else { 1.0 };
    let value = metric.value * scale;
    let Some([low, high]) = metric.interval.filter(|i| i.iter().all(|v| v.is_finite())) else {
        return MetricText { value: with_unit(metric.value, metric.unit), interval: None };
    };
    let (low, high) = (low * scale, high * scale);
    let half = (high - low) / 2.0;
    // Two digits of the interval are all that the data supports.
    let digits = if half > 0.0 { (1 - half.log10().floor() as i32).clamp(0, 6) as usize } else { 2 };
    let suffix = suffix(metric.unit);
    let symmetric = ((high + low) / 2.0 - value).abs() <= 1e-6 * half.max(1e-12);
    let interval = if symmetric {
        format!("± {}", fixed(half, digits))
    } else {
        format!("{} … {}", fixed(low, digits), fixed(high, digits))
    };
    MetricText { value: format!("{}{suffix}", fixed(value, digits)), interval: Some(interval) }
}

/// Formats a value in its unit.
pub fn with_unit(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    match unit {
        Unit::Fraction => format!("{}\u{202f}%", fixed(value * 100.0, 2)),
        Unit::Seconds => seconds(value),
        Unit::Bytes => bytes(value),
        Unit::Count | Unit::None | Unit::PerSecond | Unit::Nats => {
            format!("{}{}", plain(value), suffix(unit))
        }
    }
}

fn suffix(unit: Unit) -> &'static str {
    match unit {
        Unit::Fraction => "\u{202f}%",
        Unit::Seconds => "\u{202f}s",
        Unit::PerSecond => "\u{202f}/s",
        Unit::Bytes => "\u{202f}B",
        Unit::Nats => "\u{202f}nats",
        Unit::None | Unit::Count => "",
    }
}

/// A duration, from microseconds to hours.
pub fn seconds(value: f64) -> String {
    let (value, unit) = match value {
        v if v < 1e-3 => (v * 1e6, "µs"),
        v if v < 1.0 => (v * 1e3, "ms"),
        v if v < 120.0 => (v, "s"),
        v if v < 7200.0 => (v / 60.0, "min"),
        v => (v / 3600.0, "h"),
    };
    format!("{}\u{202f}{unit}", significant(value, 3))
}

/// A size in decimal units, as operating systems show file sizes.
pub fn bytes(value: f64) -> String {
    let mut value = value;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if value.abs() < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let digits = if unit == "B" || value >= 100.0 { 0 } else { 1 };
    format!("{}\u{202f}{unit}", fixed(value, digits))
}

/// A number without a unit: whole numbers whole, others with four significant digits.
pub fn plain(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        fixed(value, 0)
    } else if value.abs() >= 1e7 || (value != 0.0 && value.abs() < 1e-4) {
        format!("{value:.3e}")
    } else {
        significant(value, 4)
    }
}

fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (digits - 1 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = fixed(value, decimals);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Fixed decimals, thousands set apart by a thin space.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |(w, f)| (w, f));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        out.push('−');
    }
    for (at, digit) in whole.chars().enumerate() {
        // Four digits stay together: 1234, but 12 345.
        if at > 0 && whole.len() > 4 && (whole.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// `tol_inner` → `Tol inner`.
pub fn humanise(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_decide_the_digits() {
        let text = metric(&Metric::with_half_width(0.712_345, 0.003_1, Unit::Fraction));
        assert_eq!(text.value, "71.23\u{202f}%");
        assert_eq!(text.interval.as_deref(), Some("± 0.31"));
        let text = metric(&Metric::with_half_width(0.712_345, 0.047, Unit::Fraction));
        assert_eq!((text.value.as_str(), text.interval.as_deref()), ("71.2\u{202f}%", Some("± 4.7")));
        let skew = Metric { interval: Some([2.5, 4.5]), ..Metric::new(3.0, Unit::None) };
        assert_eq!(metric(&skew).interval.as_deref(), Some("2.5 … 4.5"));
    }

    #[test]
    fn units_scale() {
        assert_eq!(with_unit(0.000_012, Unit::Seconds), "12\u{202f}µs");
        assert_eq!(with_unit(0.25, Unit::Seconds), "250\u{202f}ms");
        assert_eq!(with_unit(90.0, Unit::Seconds), "90\u{202f}s");
        assert_eq!(with_unit(1_234_567.0, Unit::Bytes), "1.2\u{202f}MB");
        assert_eq!(with_unit(999.0, Unit::Bytes), "999\u{202f}B");
        assert_eq!(with_unit(12_345.6, Unit::PerSecond), "12\u{202f}346\u{202f}/s");
        assert_eq!(with_unit(600.0, Unit::Count), "600");
        assert_eq!(with_unit(f64::NAN, Unit::None), "not a number");
        assert_eq!(with_unit(-0.5, Unit::None), "−0.5");
    }

    #[test]
    fn plain_numbers_keep_four_digits() {
        assert_eq!(plain(0.123_456), "0.1235");
        assert_eq!(plain(1234.0), "1234");
        assert_eq!(plain(1e-9), "1.000e-9");
        assert_eq!(plain(-0.0), "0");
    }

    #[test]
    fn names_become_words() {
        assert_eq!(humanise("tol_inner"), "Tol inner");
        assert_eq!(humanise("few-shot"), "Few shot");
        assert_eq!(humanise(""), "");
    }
}
