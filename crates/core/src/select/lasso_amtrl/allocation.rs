//! From shares to whole numbers of samples (the floor and the exact budget are worked out here, not in the paper).

use crate::{CoreError, Rng};

/// Fractions that differ by less are equal, so that rounding does not decide who gets a sample.
const SAME: f64 = 1e-9;

/// What limits an allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits<'a> {
    /// Samples that every task gets at least.
    pub floor: usize,
    /// Most samples of each task.
    pub caps: &'a [usize],
    /// Cost of a sample of each task, positive.
    pub costs: &'a [f64],
}

/// n_t = min(max(μ·p_t, floor), cap_t) with the μ for which Σ c_t·n_t is the budget. Shares need not sum to 1; where all
/// that may still grow have the share 0, they grow alike.
///
/// # Errors
/// [`CoreError::OutOfRange`] for a budget that the floor exceeds, that is larger than all pools, or that is not finite;
/// [`CoreError::Shape`] for lists of different lengths; [`CoreError::NotFinite`] for shares or costs that are NaN.
pub fn water_fill(shares: &[f64], budget: f64, limits: Limits<'_>) -> Result<Vec<f64>, CoreError> {
    let tasks = shares.len();
    check(shares, limits)?;
    let (mut least, mut most) = (0.0, 0.0);
    for t in 0..tasks {
        least += limits.costs[t] * limits.floor.min(limits.caps[t]) as f64;
        most += limits.costs[t] * limits.caps[t] as f64;
    }
    if !(budget >= least * (1.0 - SAME) && budget <= most * (1.0 + SAME)) {
        let range = format!("{least} (the floor of every task) to {most} (all samples there are)");
        return Err(CoreError::range("budget", budget, range));
    }
    let floor = |t: usize| limits.floor.min(limits.caps[t]) as f64;
    let mut amounts = vec![0.0; tasks];
    let mut capped = vec![false; tasks];
    loop {
        // As every cap frees budget for the others, floors are found anew after each.
        let mut floored = vec![false; tasks];
        loop {
            let (mut rest, mut weight, mut even) = (budget, 0.0, 0.0);
            for t in 0..tasks {
                if capped[t] {
                    rest -= limits.costs[t] * limits.caps[t] as f64;
                } else if floored[t] {
                    rest -= limits.costs[t] * floor(t);
                } else {
                    weight += limits.costs[t] * shares[t];
                    even += limits.costs[t];
                }
            }
            let mut again = false;
            for t in 0..tasks {
                if capped[t] {
                    amounts[t] = limits.caps[t] as f64;
                } else if floored[t] {
                    amounts[t] = floor(t);
                } else {
                    let rest = rest.max(0.0);
                    amounts[t] = if weight > 0.0 { rest * (shares[t] / weight) } else { rest / even };
                    if amounts[t] < floor(t) {
                        floored[t] = true;
                        again = true;
                    }
                }
            }
            if !again {
                break;
            }
        }
        let mut again = false;
        for t in 0..tasks {
            if !capped[t] && amounts[t] > limits.caps[t] as f64 {
                capped[t] = true;
                again = true;
            }
        }
        if !again {
            return Ok(amounts);
        }
    }
}

/// Whole numbers of [`water_fill`]: rounded down, then one sample each in the order of the fractions that were lost (of
/// equal ones the lowest task first), as long as the budget lasts. With costs of 1 the budget is spent exactly.
///
/// # Errors
/// Those of [`water_fill`].
pub fn allocate(shares: &[f64], budget: f64, limits: Limits<'_>) -> Result<Vec<usize>, CoreError> {
    let amounts = water_fill(shares, budget, limits)?;
    let mut counts = Vec::with_capacity(amounts.len());
    let mut fractions = Vec::with_capacity(amounts.len());
    let mut rest = budget;
    for (t, amount) in amounts.iter().enumerate() {
        let whole = (amount + SAME).floor();
        counts.push(whole as usize);
        fractions.push((((amount - whole) / SAME).round() as i64, t));
        rest -= limits.costs[t] * whole;
    }
    fractions.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (fraction, t) in fractions {
        if fraction > 0 && counts[t] < limits.caps[t] && limits.costs[t] <= rest * (1.0 + SAME) + SAME {
            counts[t] += 1;
            rest -= limits.costs[t];
        }
    }
    Ok(counts)
}

/// Costs from 1 to `spread` (at least 1), evenly spread over their logarithms, in random order; none for a spread of 1.
#[must_use]
pub fn spread_costs(tasks: usize, spread: f64, rng: &Rng) -> Vec<f64> {
    if spread <= 1.0 || spread.is_nan() {
        return Vec::new();
    }
    let last = (tasks.max(2) - 1) as f64;
    let mut costs = Vec::with_capacity(tasks);
    for place in rng.split("costs").sample(tasks, tasks) {
        costs.push(libm::pow(spread, place as f64 / last));
    }
    costs
}

fn check(shares: &[f64], limits: Limits<'_>) -> Result<(), CoreError> {
    let tasks = shares.len();
    for (what, length) in [("pool sizes", limits.caps.len()), ("costs of samples", limits.costs.len())] {
        if length != tasks || tasks == 0 {
            return Err(CoreError::Shape {
                what,
                found: vec![length],
                expected: format!("there are {tasks} tasks; both must be the same number, at least 1"),
            });
        }
    }
    if shares.iter().any(|p| !(p.is_finite() && *p >= 0.0)) {
        return Err(CoreError::NotFinite { what: "shares of the tasks" });
    }
    if let Some(cost) = limits.costs.iter().find(|c| !(c.is_finite() && **c > 0.0)) {
        return Err(CoreError::range("costs", cost, "positive and finite"));
    }
    Ok(())
}
