//! From scores to probabilities, and from probabilities to kept rows.

use super::rows::{Basis, Dense, Rows, leverage};
use super::score::{Score, root_leverage};
use super::{Watch, check_p};
use crate::{CoreError, Rng};

/// The probability of every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    /// The scale: q = min(1, floor + score/α). Infinite or 0 where every row has the same probability.
    pub alpha: f64,
    /// q of each row.
    pub q: Vec<f64>,
}

impl Probabilities {
    /// q = min(1, score/α), plus 1/n inside the minimum with `floor`.
    #[must_use]
    pub fn with_alpha(scores: &[f64], alpha: f64, floor: bool) -> Probabilities {
        let base = if floor { 1.0 / scores.len().max(1) as f64 } else { 0.0 };
        Probabilities { alpha, q: scores.iter().map(|s| (base + s / alpha).min(1.0)).collect() }
    }

    /// The α at which Σq = `budget`, by bisection of log α: dividing once and clipping at 1 would fall short.
    ///
    /// Rows with score 0 hold no part of the loss. Without a floor they are never kept, so a budget above the number
    /// of the others keeps all of those; a budget of n keeps every row.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if the budget is not in (0, n], or not above 1 with the floor, which alone is 1;
    /// [`CoreError::NotFinite`] for scores that are NaN, infinite or negative.
    pub fn with_budget(scores: &[f64], budget: f64, floor: bool) -> Result<Probabilities, CoreError> {
        let n = scores.len() as f64;
        let least = if floor && n > 1.0 { 1.0 } else { 0.0 };
        if !(budget > least && budget <= n) {
            let range = format!("above {least} and at most {n}, the number of rows");
            return Err(CoreError::range("budget", budget, range));
        }
        if scores.iter().any(|s| !(*s >= 0.0 && s.is_finite())) {
            return Err(CoreError::NotFinite { what: "scores" });
        }
        let positive = || scores.iter().copied().filter(|s| *s > 0.0);
        let smallest = positive().fold(f64::INFINITY, f64::min);
        let (count, sum) = (positive().count() as f64, positive().sum::<f64>());
        if budget == n || count == 0.0 {
            let q = if budget == n { 1.0 } else { budget / n };
            return Ok(Probabilities { alpha: f64::INFINITY, q: vec![q; scores.len()] });
        }
        let base = if floor { 1.0 / n } else { 0.0 };
        let expected = |alpha: f64| scores.iter().map(|s| (base + s / alpha).min(1.0)).sum::<f64>();
        // At the lower end every positive score gives q = 1, at the upper end Σq is below the budget.
        let mut low = libm::log(smallest) - 1.0;
        let mut high = libm::log(sum) - libm::log(budget - base * n) + 1.0;
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if expected(libm::exp(middle)) > budget { low = middle } else { high = middle }
        }
        Ok(Self::with_alpha(scores, libm::exp(0.5 * (low + high)), floor))
    }

    /// Σq, the expected number of kept rows.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.q.iter().sum()
    }

    /// Keeps each row independently with its probability (Poisson sampling, not draws with replacement).
    #[must_use]
    pub fn draw(&self, rng: &mut Rng) -> Sample {
        let rows: Vec<usize> =
            self.q.iter().enumerate().filter(|(_, q)| rng.uniform() < **q).map(|(i, _)| i).collect();
        let q: Vec<f64> = rows.iter().map(|i| self.q[*i]).collect();
        Sample { weights: q.iter().map(|q| 1.0 / q).collect(), rows, q }
    }
}

/// Kept rows. Row i carries 1/q on |·|^p, that is, it is multiplied by q^{−1/p}: the loss is right on average for all x.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Row numbers, ascending.
    pub rows: Vec<usize>,
    /// Their probabilities.
    pub q: Vec<f64>,
    /// 1/q.
    pub weights: Vec<f64>,
}

impl Sample {
    /// The kept rows of a source, each times weight^{1/p}.
    ///
    /// # Errors
    /// As [`Dense::gather`]; also if no row was kept.
    pub fn scaled(&self, source: &dyn Rows, p: f64) -> Result<Dense, CoreError> {
        let factors: Vec<f64> = self.weights.iter().map(|w| libm::pow(*w, 1.0 / p)).collect();
        Dense::gather(source, &self.rows, &factors)
    }
}

/// What accuracy is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Relative error ε, in (0, 1).
    pub epsilon: f64,
    /// Probability δ to miss it, in (0, 1).
    pub failure: f64,
    /// The constant C, which the paper does not give; α is divided by it, so that more means more rows. Default 1.
    pub constant: f64,
}

impl Default for Accuracy {
    fn default() -> Accuracy {
        Accuracy { epsilon: 0.3, failure: 0.05, constant: 1.0 }
    }
}

impl Accuracy {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names the field.
    pub fn check(&self) -> Result<(), CoreError> {
        let inside = |x: f64| x > 0.0 && x < 1.0;
        if !inside(self.epsilon) {
            return Err(CoreError::range("epsilon", self.epsilon, "between 0 and 1"));
        }
        if !inside(self.failure) {
            return Err(CoreError::range("failure", self.failure, "between 0 and 1"));
        }
        if !(self.constant > 0.0 && self.constant.is_finite()) {
            return Err(CoreError::range("constant", self.constant, "above 0"));
        }
        Ok(())
    }

    /// α of a score by the shape of the theory, without its unknown constants: `total` is the sum of the scores, n and
    /// r count rows and columns.
    ///
    /// Sensitivity: 1/α = C·𝔖^{2/p−1}/ε² (p ≤ 2), C·𝔖^{1−2/p}/ε² (p > 2). Root leverage: α = ε²/(C·(ln³n + ln 1/δ)).
    /// Lewis: α = ε²/(C·ln²r·ln n·ln 1/δ), for p > 2 also divided by r^{p/2−1}. Leverage, for p = 2 only:
    /// ε²/(C·ln r). Sensitivity plus leverage: ε²/C for p ≤ 2, so that Σq = (𝔖 + r)·C/ε². Logarithms count at least 1.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] where there is no rule: uniform, leverage for p ≠ 2, sensitivity plus leverage for
    /// p > 2 (the paper's abstract states a bound, its rule was not available).
    pub fn alpha(&self, score: Score, p: f64, total: f64, n: usize, r: usize) -> Result<f64, CoreError> {
        self.check()?;
        check_p(p)?;
        let square = self.epsilon * self.epsilon / self.constant;
        let log = |x: f64| libm::log(x).max(1.0);
        let (log_n, log_r, log_failure) = (log(n as f64), log(r as f64), log(1.0 / self.failure));
        let rule = match score {
            Score::Sensitivity if p <= 2.0 => square / libm::pow(total, 2.0 / p - 1.0),
            Score::Sensitivity => square / libm::pow(total, 1.0 - 2.0 / p),
            Score::RootLeverage => square / (log_n * log_n * log_n + log_failure),
            Score::Lewis => {
                let more = if p > 2.0 { libm::pow(r as f64, 0.5 * p - 1.0) } else { 1.0 };
                square / (log_r * log_r * log_n * log_failure * more)
            }
            Score::Leverage if p == 2.0 => square / log_r,
            Score::SensitivityPlusLeverage if p <= 2.0 => square,
            _ => {
                let range = "sensitivity, root-leverage or lewis (leverage for p = 2, sensitivity-plus-leverage for \
                             p up to 2): for others theory has no sample size; set a budget instead";
                return Err(CoreError::range("score", score.name(), range));
            }
        };
        Ok(rule)
    }
}

/// How large the rounds of [`recursive_root_leverage`] are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RoundSize {
    /// The last round keeps so many rows on average, those before shrink by equal factors.
    Budget(f64),
    /// Every round by the rule for an accuracy; ends when the rows no longer become fewer.
    Accuracy(Accuracy),
}

/// Root leverage sampling again and again, each round on the scaled rows of the round before; weights multiply.
///
/// One round still grows with n; repeated, the size goes to about r/ε^{4/p} (p < 2) or r^{p/2}/ε^p (p > 2) in
/// O(log log n) rounds. Gives the kept rows of the first matrix, and the rows after each round.
///
/// # Errors
/// [`CoreError::OutOfRange`] for p, the rounds (1 to 6) or the size; those of the basis.
pub async fn recursive_root_leverage(
    rows: &dyn Rows,
    p: f64,
    size: RoundSize,
    rounds: usize,
    rng: &Rng,
    watch: &mut dyn Watch,
) -> Result<(Sample, Vec<usize>), CoreError> {
    check_p(p)?;
    if !(1..=6).contains(&rounds) {
        return Err(CoreError::range("rounds", rounds, "1 to 6"));
    }
    let mut kept: Option<Sample> = None;
    let mut counts = Vec::new();
    for round in 0..rounds {
        let scaled = kept.as_ref().map(|sample| sample.scaled(rows, p)).transpose()?;
        let current: &dyn Rows = scaled.as_ref().map_or(rows, |dense| dense);
        let n = current.rows();
        let basis = Basis::of(current, 1e-10, watch).await?;
        let scores = root_leverage(&leverage(&basis, watch).await?, p);
        let probabilities = match size {
            RoundSize::Budget(budget) => {
                let share = (round + 1) as f64 / rounds as f64;
                let all = rows.rows() as f64;
                let aim = all * libm::pow(budget / all, share);
                Probabilities::with_budget(
                    &scores,
                    if aim < n as f64 { aim } else { budget.min(n as f64) },
                    false,
                )?
            }
            RoundSize::Accuracy(accuracy) => {
                let alpha = accuracy.alpha(Score::RootLeverage, p, scores.iter().sum(), n, basis.rank())?;
                Probabilities::with_alpha(&scores, alpha, false)
            }
        };
        let drawn = probabilities.draw(&mut rng.split("recursive").at(round as u64));
        if drawn.rows.is_empty() || (drawn.rows.len() >= n && round > 0) {
            break;
        }
        let next = match &kept {
            None => drawn,
            Some(before) => {
                let q: Vec<f64> = drawn.rows.iter().zip(&drawn.q).map(|(i, q)| before.q[*i] * q).collect();
                let rows = drawn.rows.iter().map(|i| before.rows[*i]).collect();
                Sample { rows, weights: q.iter().map(|q| 1.0 / q).collect(), q }
            }
        };
        counts.push(next.rows.len());
        let shrunk = next.rows.len() < n;
        kept = Some(next);
        if !shrunk {
            break;
        }
    }
    Ok((kept.unwrap_or_default(), counts))
}
