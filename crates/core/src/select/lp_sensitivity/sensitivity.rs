//! ℓp sensitivities: the largest share of the loss that a row can ever have, each between two proved bounds.

use super::lewis::LewisWeights;
use super::power::{power, reweight};
use super::rows::{Dense, Rows};
use super::{Watch, beat, check_p};
use crate::CoreError;
use crate::linalg::{add_outer, add_scaled, cholesky_with_ridge, dot, invert, solve_cholesky};

/// Iterations before the simplex method takes over, for p = 1.
const BEFORE_PIVOTS: usize = 20;
/// Most pivots of it.
const PIVOTS: usize = 100;

/// How long and how exactly a sensitivity is solved for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolveOptions {
    /// Most iterations; default 60.
    pub iterations: usize,
    /// Relative gap between the two bounds at which a solve ends; default 1e-9.
    pub gap: f64,
    /// Smoothing of the first iteration for p < 2, as a share of the largest residual; default 0.1.
    pub smoothing: f64,
    /// Factor of the smoothing from one iteration to the next; default 0.7.
    pub decay: f64,
    /// Smallest smoothing; default 1e-9.
    pub smoothing_floor: f64,
}

impl Default for SolveOptions {
    fn default() -> SolveOptions {
        SolveOptions { iterations: 60, gap: 1e-9, smoothing: 0.1, decay: 0.7, smoothing_floor: 1e-9 }
    }
}

/// sup |cᵀx|^p / ‖Ax‖_p^p with its certificates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certified {
    /// Attained by an x: a lower bound.
    pub value: f64,
    /// No x exceeds it (up to rounding): ‖y‖_q^p of a y with Aᵀy = c, 1/p + 1/q = 1, or the bound by the Lewis weight.
    pub upper: f64,
    /// Iterations of reweighted least squares.
    pub iterations: usize,
}

/// Solves for sensitivities against one matrix, given in a basis of its columns.
///
/// 1/σ = min ‖Ax‖_p^p over aᵀx = 1, by reweighted least squares: for p < 2 with a smoothing that shrinks, for p > 2 as
/// a damped Newton step (t = 1/(p−1), halved while the loss increases). For p = 1 the simplex method finishes what a few
/// iterations began. Closed forms for p = 2 and for one column.
pub struct SensitivitySolver<'a> {
    u: &'a Dense,
    p: f64,
    options: SolveOptions,
    start: &'a [f64],
    total: f64,
    gram: Vec<f64>,
    residuals: [Vec<f64>; 2],
    weights: Vec<f64>,
    factor: Vec<f64>,
    descent: Option<Vec<[f64; 2]>>,
}

impl<'a> SensitivitySolver<'a> {
    /// `u` is the matrix of the denominator in basis coordinates: all rows of the basis, or a reweighted sample of
    /// them (then values are within the sample's distortion). `lewis` gives the start.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for p or the iterations; [`CoreError::Shape`] if the weights are of another basis.
    pub fn new(
        u: &'a Dense,
        lewis: &'a LewisWeights,
        p: f64,
        options: SolveOptions,
    ) -> Result<SensitivitySolver<'a>, CoreError> {
        check_p(p)?;
        let r = u.columns();
        if lewis.map.len() != r * r {
            let expected = format!("needs the Lewis form of these {r} columns");
            return Err(CoreError::Shape { what: "Lewis weights", found: vec![lewis.map.len()], expected });
        }
        if options.iterations == 0 {
            return Err(CoreError::range("iterations", 0, "1 or more"));
        }
        let mut gram = vec![0.0; r * r];
        u.values().chunks_exact(r).for_each(|row| add_outer(&mut gram, 1.0, row));
        let mut factor = Vec::new();
        if cholesky_with_ridge(&gram, r, &mut factor).is_none() {
            return Err(CoreError::NotFinite { what: "matrix" });
        }
        let total = u.values().iter().map(|x| power(*x, p)).sum();
        let (gram, start) = (factor, &lewis.map);
        let residuals = [vec![0.0; u.rows()], vec![0.0; u.rows()]];
        let weights = vec![0.0; u.rows()];
        Ok(SensitivitySolver {
            u,
            p,
            options,
            start,
            total,
            gram,
            residuals,
            weights,
            factor: vec![],
            descent: None,
        })
    }

    /// Keeps, for every step, the loss before and after that the step is certain not to increase: the smoothed one
    /// for p < 2.
    pub fn watch_descent(&mut self) {
        self.descent = Some(Vec::new());
    }

    /// The pairs kept since the last call.
    pub fn take_descent(&mut self) -> Vec<[f64; 2]> {
        self.descent.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The largest |cᵀx|^p / ‖Ax‖_p^p, for a row c in basis coordinates (not necessarily one of the matrix).
    #[must_use]
    pub fn solve(&mut self, c: &[f64]) -> Certified {
        let r = self.u.columns();
        if c.iter().all(|x| *x == 0.0) {
            return Certified { value: 0.0, upper: 0.0, iterations: 0 };
        }
        if r == 1 {
            let value = power(c[0], self.p) / self.total;
            return Certified { value, upper: value, iterations: 0 };
        }
        if self.p == 2.0 {
            let mut x = c.to_vec();
            solve_cholesky(&self.gram, r, &mut x);
            let value = dot(c, &x);
            return Certified { value, upper: value, iterations: 0 };
        }
        let found = self.iterate(c);
        if self.p == 1.0 && found.upper > found.value * (1.0 + self.options.gap) {
            return self.vertex(c, found);
        }
        found
    }

    /// Residuals u·x into buffer `to`; gives the loss and the largest residual.
    fn residuals(&mut self, x: &[f64], to: usize) -> (f64, f64) {
        let (mut loss, mut top) = (0.0, 0.0_f64);
        for (row, residual) in self.u.values().chunks_exact(x.len()).zip(&mut self.residuals[to]) {
            *residual = row.iter().zip(x).map(|(u, x)| u * x).sum();
            loss += power(*residual, self.p);
            top = top.max(residual.abs());
        }
        (loss, top)
    }

    fn iterate(&mut self, c: &[f64]) -> Certified {
        let (r, p, options) = (c.len(), self.p, self.options);
        // x = H·Hᵀc, scaled to cᵀx = 1.
        let mut half = vec![0.0; r];
        for (c, line) in c.iter().zip(self.start.chunks_exact(r)) {
            add_scaled(&mut half, *c, line);
        }
        let square = dot(&half, &half);
        let mut z: Vec<f64> = self.start.chunks_exact(r).map(|line| dot(line, &half) / square).collect();
        let (mut loss, mut top) = self.residuals(&z, 0);
        let (mut best, mut upper) = (loss, f64::INFINITY);
        let mut smoothing = if p < 2.0 { options.smoothing } else { 1e-12 };
        let mut iterations = 0;
        let most = if p == 1.0 { options.iterations.min(BEFORE_PIVOTS) } else { options.iterations };
        while iterations < most && best.is_finite() && top > 0.0 {
            iterations += 1;
            let epsilon = smoothing * smoothing;
            let mut gram = vec![0.0; r * r];
            let rows = self.u.values().chunks_exact(r);
            for ((row, residual), weight) in rows.zip(&self.residuals[0]).zip(&mut self.weights) {
                let scaled = residual / top;
                *weight = reweight(scaled * scaled + epsilon, p);
                add_outer(&mut gram, *weight, row);
            }
            let Some(ridge) = cholesky_with_ridge(&gram, r, &mut self.factor) else { break };
            z.copy_from_slice(c);
            solve_cholesky(&self.factor, r, &mut z);
            let scale = dot(c, &z);
            if !(scale > 0.0 && scale.is_finite()) {
                break;
            }
            z.iter_mut().for_each(|z| *z /= scale);
            let (mut next, mut next_top) = self.residuals(&z, 1);
            if ridge == 0.0 {
                upper = upper.min(self.dual(scale));
            }
            if p < 2.0 {
                self.note_descent(top, epsilon);
            } else {
                let mut t = 1.0 / (p - 1.0);
                loop {
                    let [old, new] = &self.residuals;
                    let moved = old.iter().zip(new).map(|(o, n)| o + t * (n - o));
                    (next, next_top) =
                        moved.fold((0.0, 0.0_f64), |(loss, top), m| (loss + power(m, p), top.max(m.abs())));
                    if next <= loss || t < 1e-9 {
                        break;
                    }
                    t *= 0.5;
                }
                if next > loss {
                    break;
                }
                let [old, new] = &mut self.residuals;
                new.iter_mut().zip(&*old).for_each(|(n, o)| *n = o + t * (*n - o));
                if let Some(kept) = &mut self.descent {
                    kept.push([loss, next]);
                }
            }
            self.residuals.swap(0, 1);
            (loss, top) = (next, next_top);
            best = best.min(loss);
            smoothing =
                if p < 2.0 { (smoothing * options.decay).max(options.smoothing_floor) } else { smoothing };
            if upper * best <= 1.0 + options.gap {
                break;
            }
        }
        let value = if best > 0.0 { 1.0 / best } else { 0.0 };
        Certified { value, upper: upper.max(value), iterations }
    }

    /// ‖y‖_q^p of y = W·U·M⁻¹c, which has Uᵀy = c: by Hölder an upper bound at every iteration, tight at the end.
    fn dual(&self, scale: f64) -> f64 {
        let p = self.p;
        let terms = self.weights.iter().zip(&self.residuals[1]).map(|(w, r)| (scale * w * r).abs());
        if p == 1.0 {
            return terms.fold(0.0, f64::max);
        }
        let top = terms.clone().fold(0.0, f64::max);
        if top == 0.0 {
            return f64::INFINITY;
        }
        let q = p / (p - 1.0);
        let sum: f64 = terms.map(|y| power(y / top, q)).sum();
        power(top, p) * libm::pow(sum, p - 1.0)
    }

    /// The smoothed loss before and after a step, with the smoothing of that step.
    fn note_descent(&mut self, top: f64, epsilon: f64) {
        let p = self.p;
        let Some(kept) = &mut self.descent else { return };
        let smoothed = |residuals: &[f64]| -> f64 {
            residuals.iter().map(|r| libm::pow(r * r + epsilon * top * top, 0.5 * p)).sum()
        };
        kept.push([smoothed(&self.residuals[0]), smoothed(&self.residuals[1])]);
    }

    /// p = 1 is a linear program, whose optimum makes r − 1 residuals zero. From the smallest residuals that the
    /// iteration left, by the pivots of the simplex method with a line search over all breakpoints (Barrodale and
    /// Roberts 1973); mostly none or one is needed. The multipliers of the zero rows give the upper bound.
    fn vertex(&mut self, c: &[f64], found: Certified) -> Certified {
        let (r, u) = (c.len(), self.u);
        let mut zero = independent(u, &self.residuals[0], c, r - 1);
        let (mut value, mut upper) = (found.value, found.upper);
        for _ in 0..PIVOTS {
            let mut rows: Vec<f64> = zero.iter().flat_map(|i| u.row(*i).iter().copied()).collect();
            rows.extend_from_slice(c);
            let inverse = if zero.len() + 1 == r { invert(&rows, r) } else { None };
            let Some(inverse) = inverse else { break };
            // Column k < r − 1 frees zero row k and keeps the others; the last one is the point itself.
            let column = |k: usize| -> Vec<f64> { (0..r).map(|i| inverse[i * r + k]).collect() };
            let (loss, top) = self.residuals(&column(r - 1), 1);
            let residuals = &mut self.residuals[1];
            zero.iter().for_each(|i| residuals[*i] = 0.0);
            let tiny = 1e-14 * top;
            let mut gradient = vec![0.0; r];
            for (row, residual) in u.values().chunks_exact(r).zip(&*residuals) {
                if residual.abs() > tiny {
                    add_scaled(&mut gradient, residual.signum(), row);
                }
            }
            let slopes: Vec<f64> = (0..r - 1).map(|k| dot(&gradient, &column(k))).collect();
            let (worst, steepest) = slopes.iter().enumerate().fold((0, 0.0_f64), |best, (k, slope)| {
                if slope.abs() > best.1 { (k, slope.abs()) } else { best }
            });
            value = value.max(1.0 / loss);
            upper = upper.min(steepest.max(1.0) / loss);
            if steepest <= 1.0 + 1e-12 {
                break;
            }
            // Down that edge until the slope turns: each row that crosses zero adds twice its share.
            let sign = -slopes[worst].signum();
            let edge: Vec<f64> = column(worst).iter().map(|x| sign * x).collect();
            let mut slope = 1.0 - steepest;
            let mut crossings = Vec::new();
            for (i, (row, residual)) in u.values().chunks_exact(r).zip(&*residuals).enumerate() {
                let change = dot(row, &edge);
                if zero.contains(&i) || change == 0.0 {
                    continue;
                }
                if residual.abs() <= tiny {
                    crossings.push((0.0, change.abs(), i));
                } else if residual * change < 0.0 {
                    crossings.push((-residual / change, 2.0 * change.abs(), i));
                }
            }
            crossings.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
            let entering = crossings.iter().find(|(_, share, _)| {
                slope += share;
                slope >= 0.0
            });
            let Some((_, _, entering)) = entering else { break };
            zero[worst] = *entering;
        }
        Certified { value, upper: upper.max(value), ..found }
    }
}

/// The rows with the smallest residuals that are independent of each other and of `c`, `count` of them.
fn independent(u: &Dense, residuals: &[f64], c: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..u.rows()).collect();
    order.sort_by(|a, b| residuals[*a].abs().total_cmp(&residuals[*b].abs()).then(a.cmp(b)));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count + 1);
    // A row along `c` has a residual that cannot be zero, and may still be the smallest where rows are of all sizes.
    let length = dot(c, c).sqrt();
    basis.push(c.iter().map(|x| x / length).collect());
    let mut rows = Vec::with_capacity(count);
    for row in order {
        if rows.len() == count {
            break;
        }
        let mut v = u.row(row).to_vec();
        let length = dot(&v, &v).sqrt();
        for _ in 0..2 {
            for other in &basis {
                let s = dot(other, &v);
                add_scaled(&mut v, -s, other);
            }
        }
        let left = dot(&v, &v).sqrt();
        if left > 1e-9 * length && left > 0.0 {
            v.iter_mut().for_each(|x| *x /= left);
            basis.push(v);
            rows.push(row);
        }
    }
    rows
}

/// The sensitivities of all rows with their upper bounds, against all rows: O(n²·r²) operations an iteration.
///
/// # Errors
/// As [`SensitivitySolver::new`]; [`CoreError::Interrupted`].
pub async fn sensitivities(
    u: &Dense,
    lewis: &LewisWeights,
    p: f64,
    options: SolveOptions,
    watch: &mut dyn Watch,
) -> Result<Vec<Certified>, CoreError> {
    let mut solver = SensitivitySolver::new(u, lewis, p, options)?;
    let mut found = Vec::with_capacity(u.rows());
    for i in 0..u.rows() {
        let one = solver.solve(u.row(i));
        let [_, bound] = LewisWeights::sandwich(lewis.weights.get(i).copied().unwrap_or(1.0), u.columns(), p);
        // The Lewis weights are exact to their own tolerance only.
        found.push(Certified { upper: one.upper.min(bound * (1.0 + 1e-8)).max(one.value), ..one });
        beat(watch, i + 1, u.rows()).await?;
    }
    Ok(found)
}
