//! ℓp regression by reweighted least squares, on all rows or on kept ones.

use super::power::{power, reweight};
use super::rows::{Basis, Blocks, Dense, Rows};
use super::{Watch, beat, check_p};
use crate::CoreError;
use crate::linalg::{add_outer, add_scaled, cholesky_with_ridge, dot, solve_cholesky};

/// Values of a basis up to which it is kept in memory; larger ones are made anew in every pass.
const IN_MEMORY: usize = 4 << 20;

/// How long and how exactly is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitOptions {
    /// Most iterations; default 100.
    pub iterations: usize,
    /// Relative decrease of the loss below which a fit ends; default 1e-11.
    pub tolerance: f64,
    /// Smoothing of the first iteration for p < 2, as a share of the largest residual; default 0.1.
    pub smoothing: f64,
    /// Smallest smoothing, to which it shrinks by 0.7 an iteration; default 1e-9.
    pub smoothing_floor: f64,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions { iterations: 100, tolerance: 1e-11, smoothing: 0.1, smoothing_floor: 1e-9 }
    }
}

/// A fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// One a column of A; 0 for columns that depend on others.
    pub coefficients: Vec<f64>,
    /// Σ weight·|aᵀx − b|^p.
    pub loss: f64,
    /// Iterations.
    pub iterations: usize,
    /// For each step the loss before and after that it is certain not to increase: the smoothed one for p < 2.
    pub descent: Vec<[f64; 2]>,
}

/// All columns of a source but the last.
struct WithoutLast<'a>(&'a dyn Rows);

impl Rows for WithoutLast<'_> {
    fn rows(&self) -> usize {
        self.0.rows()
    }

    fn columns(&self) -> usize {
        self.0.columns() - 1
    }

    fn read(&self, start: usize, out: &mut [f64]) {
        let d = self.columns();
        let mut rows = vec![0.0; out.len() / d.max(1) * (d + 1)];
        self.0.read(start, &mut rows);
        for (row, out) in rows.chunks_exact(d + 1).zip(out.chunks_exact_mut(d.max(1))) {
            out.copy_from_slice(&row[..d]);
        }
    }
}

/// The last column of a source.
fn last_column(rows: &dyn Rows) -> Vec<f64> {
    let d = rows.columns();
    let mut values = Vec::with_capacity(rows.rows());
    let mut blocks = Blocks::new(rows);
    while let Some((_, rows)) = blocks.next() {
        values.extend(rows.chunks_exact(d).filter_map(|row| row.last()));
    }
    values
}

/// Σ weight·|aᵀx − b|^p over rows whose last column is b; `weights` empty for all 1.
#[must_use]
pub fn loss(rows: &dyn Rows, weights: &[f64], x: &[f64], p: f64) -> f64 {
    let d = rows.columns().saturating_sub(1);
    let mut sum = 0.0;
    let mut blocks = Blocks::new(rows);
    while let Some((start, rows)) = blocks.next() {
        for (i, row) in rows.chunks_exact(d + 1).enumerate() {
            let weight = weights.get(start + i).copied().unwrap_or(1.0);
            sum += weight * power(dot(&row[..d], x) - row[d], p);
        }
    }
    sum
}

/// Minimises Σ weight·|aᵀx − b|^p over x; the last column of `rows` is b, `weights` is empty for all 1.
///
/// Reweighted least squares in an orthonormal basis: for p < 2 with a smoothing that shrinks, for p > 2 with steps of
/// 1/(p−1), halved while the loss increases. With fewer rows than columns one of the exact fits. Columns that depend
/// on others up to `rank_tolerance` get coefficient 0.
///
/// # Errors
/// [`CoreError::OutOfRange`] for p; [`CoreError::Shape`] with fewer than two columns, no rows, or features that are all
/// zero; [`CoreError::NotFinite`]; [`CoreError::Interrupted`].
pub async fn fit(
    rows: &dyn Rows,
    weights: &[f64],
    p: f64,
    rank_tolerance: f64,
    options: FitOptions,
    watch: &mut dyn Watch,
) -> Result<Fit, CoreError> {
    check_p(p)?;
    let (n, columns) = (rows.rows(), rows.columns());
    if n == 0 || columns < 2 {
        let expected = "needs a row, a feature and a target".to_owned();
        return Err(CoreError::Shape { what: "regression", found: vec![n, columns], expected });
    }
    if !weights.is_empty() && (weights.len() != n || weights.iter().any(|w| !(*w >= 0.0 && w.is_finite()))) {
        let expected = format!("needs one finite number of at least 0 for each of {n} rows");
        return Err(CoreError::Shape { what: "weights", found: vec![weights.len()], expected });
    }
    let features = WithoutLast(rows);
    let basis = Basis::of(&features, rank_tolerance, watch).await?;
    let target = last_column(rows);
    if target.iter().any(|b| !b.is_finite()) {
        return Err(CoreError::NotFinite { what: "target" });
    }
    let r = basis.rank();
    let dense = if n * r <= IN_MEMORY { Some(basis.dense()?) } else { None };
    let z: &dyn Rows = dense.as_ref().map_or(&basis as &dyn Rows, |dense: &Dense| dense);
    let mut solver =
        Iteration { z, target: &target, weights, p, gram: vec![], right: vec![], factor: vec![] };
    let mut found = solver.run(options, watch).await?;
    found.coefficients = basis.map().chunks_exact(r).map(|line| dot(line, &found.coefficients)).collect();
    Ok(found)
}

struct Iteration<'a> {
    z: &'a dyn Rows,
    target: &'a [f64],
    weights: &'a [f64],
    p: f64,
    gram: Vec<f64>,
    right: Vec<f64>,
    factor: Vec<f64>,
}

impl Iteration<'_> {
    fn weight(&self, i: usize) -> f64 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// Solves the least-squares problem with the weights of residuals `r` (none: plain least squares).
    async fn solve(
        &mut self,
        r: Option<(&[f64], f64, f64)>,
        watch: &mut dyn Watch,
    ) -> Result<Option<Vec<f64>>, CoreError> {
        let d = self.z.columns();
        self.gram.clear();
        self.gram.resize(d * d, 0.0);
        self.right.clear();
        self.right.resize(d, 0.0);
        let mut blocks = Blocks::new(self.z);
        while let Some((start, rows)) = blocks.next() {
            for (k, row) in rows.chunks_exact(d).enumerate() {
                let i = start + k;
                let u = match r {
                    Some((r, top, epsilon)) => {
                        let scaled = r[i] / top;
                        reweight(scaled * scaled + epsilon, self.p)
                    }
                    None => 1.0,
                };
                let u = u * self.weights.get(i).copied().unwrap_or(1.0);
                add_outer(&mut self.gram, u, row);
                add_scaled(&mut self.right, u * self.target[i], row);
            }
            beat(watch, start, self.z.rows()).await?;
        }
        if cholesky_with_ridge(&self.gram, d, &mut self.factor).is_none() {
            return Ok(None);
        }
        let mut x = self.right.clone();
        solve_cholesky(&self.factor, d, &mut x);
        Ok(x.iter().all(|x| x.is_finite()).then_some(x))
    }

    /// Residuals at x; gives the weighted loss and the largest residual.
    fn residuals(&self, x: &[f64], out: &mut Vec<f64>) -> (f64, f64) {
        out.clear();
        let (mut loss, mut top) = (0.0, 0.0_f64);
        let mut blocks = Blocks::new(self.z);
        while let Some((start, rows)) = blocks.next() {
            for (k, row) in rows.chunks_exact(x.len()).enumerate() {
                let residual = dot(row, x) - self.target[start + k];
                out.push(residual);
                loss += self.weight(start + k) * power(residual, self.p);
                top = top.max(residual.abs());
            }
        }
        (loss, top)
    }

    fn smoothed(&self, r: &[f64], epsilon: f64) -> f64 {
        let term = |(i, r): (usize, &f64)| self.weight(i) * libm::pow(r * r + epsilon, 0.5 * self.p);
        r.iter().enumerate().map(term).sum()
    }

    async fn run(&mut self, options: FitOptions, watch: &mut dyn Watch) -> Result<Fit, CoreError> {
        let p = self.p;
        let mut x = self.solve(None, watch).await?.unwrap_or_else(|| vec![0.0; self.z.columns()]);
        let mut r = Vec::with_capacity(self.z.rows());
        let (mut loss, mut top) = self.residuals(&x, &mut r);
        let scale = self.target.iter().fold(0.0_f64, |top, b| top.max(b.abs()));
        let (mut best, mut best_x) = (loss, x.clone());
        let mut smoothing = if p < 2.0 { options.smoothing } else { 1e-12 };
        let mut found = Fit { coefficients: vec![], loss, iterations: 0, descent: vec![] };
        let mut next = Vec::new();
        // An exact fit has nothing to reweight.
        while p != 2.0 && found.iterations < options.iterations && top > 1e-14 * scale {
            found.iterations += 1;
            let epsilon = smoothing * smoothing;
            let Some(z) = self.solve(Some((&r, top, epsilon)), watch).await? else { break };
            let (mut next_loss, mut next_top) = self.residuals(&z, &mut next);
            if p < 2.0 {
                let around = epsilon * top * top;
                found.descent.push([self.smoothed(&r, around), self.smoothed(&next, around)]);
                x = z;
            } else {
                let mut t = 1.0 / (p - 1.0);
                loop {
                    (next_loss, next_top) = (0.0, 0.0);
                    for (i, (old, new)) in r.iter().zip(&next).enumerate() {
                        let moved = old + t * (new - old);
                        next_loss += self.weight(i) * power(moved, p);
                        next_top = moved.abs().max(next_top);
                    }
                    if next_loss <= loss || t < 1e-9 {
                        break;
                    }
                    t *= 0.5;
                }
                if next_loss > loss {
                    break;
                }
                next.iter_mut().zip(&r).for_each(|(new, old)| *new = old + t * (*new - old));
                x.iter_mut().zip(&z).for_each(|(x, z)| *x += t * (z - *x));
                found.descent.push([loss, next_loss]);
            }
            std::mem::swap(&mut r, &mut next);
            let decrease = loss - next_loss;
            (loss, top) = (next_loss, next_top);
            if loss < best {
                best = loss;
                best_x.copy_from_slice(&x);
            }
            let settled = smoothing <= options.smoothing_floor;
            smoothing = if p < 2.0 { (smoothing * 0.7).max(options.smoothing_floor) } else { smoothing };
            if decrease.abs() <= options.tolerance * loss && (settled || p > 2.0) {
                break;
            }
        }
        Ok(Fit { coefficients: best_x, loss: best, ..found })
    }
}
