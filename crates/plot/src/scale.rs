//! Ranges, round ticks, and the way from a value to a position.

use crate::text;
use lowshot_protocol::Axis;

/// Largest magnitude drawn; beyond it differences of two values would overflow.
const HUGE: f64 = 1e300;

/// How an axis is fitted to its data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fit {
    /// Exactly the data.
    Tight,
    /// A margin on both sides, as a fraction of the range.
    Pad(f64),
    /// Out to the next ticks.
    Nice,
    /// Out to the next ticks, with zero inside.
    Zero,
}

/// An axis ready to draw: where values lie and which ticks are shown.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    log: bool,
    lo: f64,
    hi: f64,
    /// Values and labels of the ticks, ascending.
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// Fits `axis` to `values` with about `target` ticks; `None` if there is nothing to show.
    pub fn new(axis: &Axis, values: impl Iterator<Item = f64>, target: usize, fit: Fit) -> Option<Scale> {
        let log = axis.log;
        let usable = |v: f64| v.is_finite() && (!log || v > 0.0);
        let (mut lo, mut hi, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
        for v in values.filter(|&v| usable(v)) {
            lo = lo.min(v);
            hi = hi.max(v);
            whole &= v.fract() == 0.0;
        }
        let mut fit = fit;
        if let Some([a, b]) = axis.range
            && usable(a)
            && usable(b)
            && a != b
        {
            (lo, hi, fit) = (a.min(b), a.max(b), Fit::Tight);
        } else if lo > hi {
            return None;
        }
        Some(if log {
            Scale::logarithmic(lo, hi, target, fit)
        } else {
            Scale::linear(lo, hi, target, fit, whole)
        })
    }

    fn linear(lo: f64, hi: f64, target: usize, fit: Fit, whole: bool) -> Scale {
        let (mut lo, mut hi) = (lo.clamp(-HUGE, HUGE), hi.clamp(-HUGE, HUGE));
        if fit == Fit::Zero {
            (lo, hi) = (lo.min(0.0), hi.max(0.0));
        }
        (lo, hi) = widened(lo, hi);
        if let Fit::Pad(part) = fit {
            let more = (hi - lo) * part;
            (lo, hi) = (lo - more, hi + more);
        }
        let mut step = nice_step((hi - lo) / target.max(1) as f64);
        if whole && step < 1.0 {
            step = 1.0;
        }
        if matches!(fit, Fit::Nice | Fit::Zero) {
            (lo, hi) = ((lo / step + 1e-9).floor() * step, (hi / step - 1e-9).ceil() * step);
        }
        let values = ticks(lo, hi, step);
        let labels = labels(&values, step);
        Scale { log: false, lo, hi, ticks: values.into_iter().zip(labels).collect() }
    }

    fn logarithmic(lo: f64, hi: f64, target: usize, fit: Fit) -> Scale {
        let (lo, hi) = (lo.clamp(1.0 / HUGE, HUGE).log10(), hi.clamp(1.0 / HUGE, HUGE).log10());
        let (mut lo, mut hi) = if hi - lo < 1e-3 { (lo - 0.5, hi + 0.5) } else { (lo, hi) };
        match fit {
            Fit::Pad(part) => (lo, hi) = (lo - (hi - lo) * part, hi + (hi - lo) * part),
            Fit::Nice if hi - lo >= 1.5 => (lo, hi) = ((lo + 1e-9).floor(), (hi - 1e-9).ceil()),
            Fit::Zero => (lo, hi) = ((lo - 0.05).floor(), (hi - 1e-9).ceil()),
            _ => {}
        }
        (lo, hi) = (lo.max(-300.0), hi.min(300.0));
        let (first, last) = ((lo - 1e-9).ceil() as i32, (hi + 1e-9).floor() as i32);
        let decades = (last - first + 1).max(0) as usize;
        let ticks = if decades >= 2 {
            let stride = decades.div_ceil(target.max(2));
            let big = first < -3 || last > 4;
            (first..=last)
                .step_by(stride)
                .map(|e| {
                    let v = power(1.0, e);
                    (v, if big { text::scientific(v, 0) } else { text::number(v) })
                })
                .collect()
        } else {
            let mut found = Vec::new();
            for e in lo.floor() as i32..=hi.ceil() as i32 {
                for m in [1.0, 2.0, 5.0] {
                    let v = power(m, e);
                    if (lo - 1e-9..=hi + 1e-9).contains(&v.log10()) {
                        found.push((v, text::number(v)));
                    }
                }
            }
            if found.len() < 2 {
                let (a, b) = (10f64.powf(lo), 10f64.powf(hi));
                let step = nice_step((b - a) / target.max(1) as f64);
                let values = self::ticks(a, b, step);
                let names = labels(&values, step);
                found = values.into_iter().zip(names).collect();
            }
            found
        };
        Scale { log: true, lo, hi, ticks }
    }

    /// Where `v` lies, 0 at the start of the axis and 1 at its end; `None` if it has no place.
    pub fn fraction(&self, v: f64) -> Option<f64> {
        if !v.is_finite() || (self.log && v <= 0.0) {
            return None;
        }
        let v = if self.log { v.clamp(1.0 / HUGE, HUGE).log10() } else { v.clamp(-HUGE, HUGE) };
        Some(((v - self.lo) / (self.hi - self.lo)).clamp(-50.0, 50.0))
    }

    /// [`Self::fraction`], but only of what lies on the axis.
    pub fn inside(&self, v: f64) -> Option<f64> {
        self.fraction(v).filter(|f| (-1e-9..=1.0 + 1e-9).contains(f))
    }

    /// Where bars stand: zero, or the start of the axis if zero is not on it.
    pub fn base(&self) -> f64 {
        if self.log { 0.0 } else { ((0.0 - self.lo) / (self.hi - self.lo)).clamp(0.0, 1.0) }
    }

    /// Width of the widest tick label in pixels.
    pub fn label_width(&self, size: f64) -> f64 {
        self.ticks.iter().map(|(_, l)| text::width(l, size)).fold(0.0, f64::max)
    }
}

/// A range that can be divided: never empty, never below the resolution of its numbers.
fn widened(lo: f64, hi: f64) -> (f64, f64) {
    let size = lo.abs().max(hi.abs());
    if hi - lo > size * 1e-9 && hi - lo > 1e-290 {
        return (lo, hi);
    }
    let half = if size > 1e-290 { size * 0.5 } else { 1.0 };
    let middle = lo + (hi - lo) * 0.5;
    (middle - half, middle + half)
}

/// The smallest of 1, 2, 5 times a power of ten that is at least about `raw` (Heckbert, Graphics Gems, 1990).
fn nice_step(raw: f64) -> f64 {
    let exponent = raw.log10().floor() as i32;
    let rest = raw / power(1.0, exponent);
    let mantissa = if rest < 1.5 {
        1.0
    } else if rest < 3.5 {
        2.0
    } else if rest < 7.5 {
        5.0
    } else {
        10.0
    };
    power(mantissa, exponent)
}

/// `m · 10^e`, correctly rounded for negative exponents, where a product with 0.1 would not be.
fn power(m: f64, e: i32) -> f64 {
    if e < 0 && e > -290 { m / 10f64.powi(-e) } else { m * 10f64.powi(e) }
}

/// Multiples of `step` from `lo` to `hi`.
fn ticks(lo: f64, hi: f64, step: f64) -> Vec<f64> {
    let slack = step * 1e-6;
    let first = ((lo - slack) / step).ceil();
    let inverse = (1.0 / step).round();
    let mut out = Vec::new();
    for i in 0..40 {
        let n = first + f64::from(i);
        // 3 · 0.1 is not 0.3, but 3 / 10 is.
        let v = if step < 1.0 && (inverse * step - 1.0).abs() < 1e-9 { n / inverse } else { n * step };
        if v > hi + slack {
            break;
        }
        out.push(if v == 0.0 { 0.0 } else { v });
    }
    out
}

/// Labels with as many decimals as the step needs, and `k`, `M`, `G` instead of many zeros.
fn labels(values: &[f64], step: f64) -> Vec<String> {
    let size = values.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
    if !(1e-3..1e12).contains(&size) {
        return values.iter().map(|&v| text::scientific(v, 3)).collect();
    }
    let (unit, suffix) = match size {
        s if s >= 1e9 => (1e9, "G"),
        s if s >= 1e6 => (1e6, "M"),
        s if s >= 2e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let decimals = (-((step / unit).log10() + 1e-9).floor() as i32).clamp(0, 12) as usize;
    let label = |&v: &f64| {
        let number = text::fixed(v / unit, decimals);
        if v == 0.0 { "0".to_owned() } else { number + suffix }
    };
    if values.iter().all(|v| v.abs() < 1e-12 || v.abs() >= step * 0.5) {
        values.iter().map(label).collect()
    } else {
        values.iter().map(|&v| text::number(v)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn axis(log: bool, range: Option<[f64; 2]>) -> Axis {
        Axis { label: String::new(), log, range }
    }

    fn shown(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, l)| l.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        let s = Scale::new(&axis(false, None), [0.13, 0.91].into_iter(), 5, Fit::Nice).unwrap();
        assert_eq!(shown(&s), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(s.ticks[3].0, 0.6, "exactly, not 0.6000000000000001");
        let s = Scale::new(&axis(false, None), [0.0, 97.0].into_iter(), 5, Fit::Tight).unwrap();
        assert_eq!(shown(&s), ["0", "20", "40", "60", "80"]);
        let s = Scale::new(&axis(false, None), [-3.0, 4.0].into_iter(), 4, Fit::Pad(0.05)).unwrap();
        assert_eq!(shown(&s), ["−2", "0", "2", "4"]);
        let s = Scale::new(&axis(false, None), [0.0, 2_500_000.0].into_iter(), 5, Fit::Zero).unwrap();
        assert_eq!(shown(&s), ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]);
        let s = Scale::new(&axis(false, None), [0.0, 1.0, 2.0].into_iter(), 8, Fit::Tight).unwrap();
        assert_eq!(shown(&s), ["0", "1", "2"], "whole data have whole ticks");
    }

    #[test]
    fn logarithmic_ticks_are_decades() {
        let s = Scale::new(&axis(true, None), [0.004, 300.0].into_iter(), 7, Fit::Nice).unwrap();
        assert_eq!(shown(&s), ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
        let s = Scale::new(&axis(true, None), [1e-9, 1e3].into_iter(), 5, Fit::Tight).unwrap();
        assert_eq!(shown(&s), ["10⁻⁹", "10⁻⁶", "10⁻³", "1", "10³"]);
        let s = Scale::new(&axis(true, None), [1.5, 8.0].into_iter(), 5, Fit::Tight).unwrap();
        assert_eq!(shown(&s), ["2", "5"]);
        assert_eq!(s.fraction(-1.0), None);
        assert!(Scale::new(&axis(true, None), [-1.0, 0.0].into_iter(), 5, Fit::Tight).is_none());
    }

    #[test]
    fn fixed_ranges_hold_and_bad_ones_are_ignored() {
        let s = Scale::new(&axis(false, Some([1.0, 0.0])), [5.0].into_iter(), 5, Fit::Nice).unwrap();
        assert_eq!((s.fraction(0.0), s.fraction(1.0), s.inside(5.0)), (Some(0.0), Some(1.0), None));
        let s =
            Scale::new(&axis(false, Some([f64::NAN, 1.0])), [2.0, 4.0].into_iter(), 5, Fit::Tight).unwrap();
        assert_eq!(s.fraction(3.0), Some(0.5));
        assert!(Scale::new(&axis(false, None), [f64::NAN].into_iter(), 5, Fit::Zero).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_data_give_few_ascending_ticks_inside(
            values in prop::collection::vec(prop::num::f64::ANY, 1..6),
            log: bool,
            target in 1usize..10,
            fit in prop::sample::select(vec![Fit::Tight, Fit::Pad(0.05), Fit::Nice, Fit::Zero]),
        ) {
            let Some(s) = Scale::new(&axis(log, None), values.iter().copied(), target, fit) else {
                prop_assert!(values.iter().all(|v| !v.is_finite() || (log && *v <= 0.0)));
                return Ok(());
            };
            prop_assert!(s.lo.is_finite() && s.hi.is_finite() && s.lo < s.hi, "{s:?}");
            prop_assert!(s.ticks.len() <= 40);
            for pair in s.ticks.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0, "{s:?}");
            }
            for (v, label) in &s.ticks {
                prop_assert!(s.inside(*v).is_some(), "{v} {s:?}");
                prop_assert!(!label.is_empty());
            }
            for v in values.iter().filter(|v| v.is_finite() && (!log || **v > 0.0)) {
                let f = s.fraction(*v).unwrap();
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&f), "{v} at {f} in {s:?}");
            }
        }

        #[test]
        fn moderate_data_have_at_least_two_ticks(lo in -1e6f64..1e6, span in 1e-3f64..1e6, target in 3usize..9) {
            let s = Scale::new(&axis(false, None), [lo, lo + span].into_iter(), target, Fit::Tight).unwrap();
            prop_assert!((2..=2 * target + 1).contains(&s.ticks.len()), "{s:?}");
            let names: std::collections::BTreeSet<_> = shown(&s).into_iter().collect();
            prop_assert_eq!(names.len(), s.ticks.len(), "labels differ");
        }
    }
}
