//! What a perfect judge of quality alone chooses from a very large pool, in closed form.
//!
//! Qualities are even on [0, 1], `options` = b candidates are shown with each question, and t is the share of the pool
//! that is chosen. What remains has the distribution u(x, t), what is chosen F(x) = (x − (1−t)·u) / t.

/// Intervals of Simpson's rule: more than six digits for b up to some hundred.
const INTERVALS: usize = 4000;
/// Shares below this are taken for the limit 0, where F would be a difference of equal numbers.
const SMALL: f64 = 1e-7;

/// Share of the remaining pool whose quality is at most `x`:
/// u = [ρ/(1+ρ)]^(1/(b−1)) with ρ = x^(b−1) / ((1 − x^(b−1))(1−t)^(b−1)). Arguments are clamped to [0, 1]; b to ≥ 1.
pub fn fluid_remaining_cdf(options: usize, x: f64, t: f64) -> f64 {
    let (x, t) = (x.clamp(0.0, 1.0), t.clamp(0.0, 1.0));
    if options <= 1 || x == 0.0 || x == 1.0 {
        return x;
    }
    let m = (options - 1) as f64;
    // The same as x · [x^m + (1 − x^m)(1−t)^m]^(−1/m), which neither underflows nor loses digits for a small t.
    let taken = -libm::expm1(m * libm::log1p(-t));
    (x * libm::exp(-libm::log1p(-(1.0 - libm::pow(x, m)) * taken) / m)).min(1.0)
}

/// Share F of the chosen rows whose quality is at most `x`, when the share `t` of the pool is chosen.
pub fn fluid_selected_cdf(options: usize, x: f64, t: f64) -> f64 {
    let (x, t) = (x.clamp(0.0, 1.0), t.clamp(0.0, 1.0));
    if t < SMALL {
        return libm::pow(x, options.max(1) as f64);
    }
    ((x - (1.0 - t) * fluid_remaining_cdf(options, x, t)) / t).clamp(0.0, 1.0)
}

/// Mean quality percentile of the chosen rows, 1 − ∫F: b/(b+1) for t → 0, 1/2 for t = 1.
pub fn fluid_mean(options: usize, t: f64) -> f64 {
    let weight = |i: usize| match i {
        0 | INTERVALS => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let at = |i: usize| weight(i) * fluid_selected_cdf(options, i as f64 / INTERVALS as f64, t);
    1.0 - (0..=INTERVALS).map(at).sum::<f64>() / (3.0 * INTERVALS as f64)
}

/// Mean quality percentile of the best share `t` of a pool: 1 − t/2.
pub fn top_mean(t: f64) -> f64 {
    1.0 - t.clamp(0.0, 1.0) / 2.0
}
