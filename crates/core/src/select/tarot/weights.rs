//! Weights of chosen rows for training.

use super::super::TargetPool;

/// How many targets have each of `rows` as their nearest among them (ties to the earlier); sums to the number of targets.
///
/// Not in the paper: our better-founded form of weighting, which follows the shares of the targets.
pub fn nearest_target_counts(pool: &TargetPool, rows: &[usize]) -> Vec<f64> {
    let mut counts = vec![0.0; rows.len()];
    for target in 0..pool.targets() {
        let mut nearest = (f64::INFINITY, None);
        for (place, row) in rows.iter().enumerate() {
            let distance = pool.distance(*row, target);
            if distance < nearest.0 {
                nearest = (distance, Some(place));
            }
        }
        if let Some(place) = nearest.1 {
            counts[place] += 1.0;
        }
    }
    counts
}

/// Weights from the transport potentials of the chosen rows: `max f − f_i`, scaled to mean 1; all 1 if potentials are
/// equal.
///
/// Not as published: the official code takes `f_i` itself, which can be negative and grows with the distance, so that
/// far rows would count most. Here near rows do.
pub fn potential_weights(f: &[f64]) -> Vec<f64> {
    let top = f.iter().fold(f64::MIN, |top, f| top.max(*f));
    let total: f64 = f.iter().map(|f| top - f).sum();
    let scale = f.len() as f64 / total;
    if scale.is_finite() { f.iter().map(|f| (top - f) * scale).collect() } else { vec![1.0; f.len()] }
}

/// Weights (not negative) as whole repetitions that sum to `total`: rounded down, and what is left goes to the largest
/// remainders, ties to the earlier. All 0 if no weight is positive.
pub fn repetitions(weights: &[f64], total: usize) -> Vec<usize> {
    let sum: f64 = weights.iter().map(|w| w.max(0.0)).sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return vec![0; weights.len()];
    }
    let shares: Vec<f64> = weights.iter().map(|w| w.max(0.0) / sum * total as f64).collect();
    let mut counts: Vec<usize> = shares.iter().map(|share| *share as usize).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let rest = |at: &usize| shares[*at] - libm::floor(shares[*at]);
    order.sort_by(|a, b| rest(b).total_cmp(&rest(a)).then(a.cmp(b)));
    let left = total.saturating_sub(counts.iter().sum());
    order.into_iter().take(left).for_each(|at| counts[at] += 1);
    counts
}
