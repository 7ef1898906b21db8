//! The Lasso by coordinate descent, and its limit for small weights: the shortest exact combination in the 1-norm.
//!
//! Both write a target as a combination of columns: `min ½‖A·x − b‖² + λ‖x‖₁`, and `min ‖x‖₁` subject to `A·x = b`.
//! Columns are contiguous: `columns[t·rows..(t+1)·rows]` is column t. Weights on single coordinates are columns divided
//! by their weight. On the host in f64; only IEEE operations, so every platform gives the same bits.

use crate::linalg::{add_scaled, dot};

/// Each weight of a path is this share of the one before.
pub const PATH_FACTOR: f64 = 0.7;
/// Descent at one weight ends when no coordinate moves by more than this.
const SETTLED: f64 = 1e-9;
/// Most sweeps over all coordinates at one weight.
const SWEEPS: usize = 20_000;

/// The solution at one weight.
#[derive(Clone, Debug, PartialEq)]
pub struct LassoPoint {
    /// The weight λ.
    pub lambda: f64,
    /// The coefficients, one a column.
    pub x: Vec<f64>,
}

/// The weight from which on the solution is zero: the largest |Aᵀb|.
#[must_use]
pub fn largest_lambda(columns: &[f64], target: &[f64]) -> f64 {
    let mut top = 0.0_f64;
    for column in columns.chunks_exact(target.len().max(1)) {
        top = top.max(dot(column, target).abs());
    }
    top
}

/// Solutions along the path λ_max, 0.7·λ_max, … down to `lambda`, each started from the one before; the last is the
/// solution at `lambda`. A cold start at a small weight would take steps in proportion to it.
///
/// Columns of zeros keep the coefficient 0. `lambda` is at least 1e-12·λ_max; with λ_max = 0 the path is one point of
/// zeros. Solutions satisfy |Aᵀ(b − Ax)| ≤ λ to about 1e-8 of the columns' size.
#[must_use]
pub fn lasso_path(columns: &[f64], target: &[f64], lambda: f64) -> Vec<LassoPoint> {
    let rows = target.len().max(1);
    let count = columns.len() / rows;
    let top = largest_lambda(columns, target);
    let mut path = vec![LassoPoint { lambda: top.max(lambda), x: vec![0.0; count] }];
    if !(lambda < top && top.is_finite()) {
        return path;
    }
    let end = lambda.max(1e-12 * top);
    let mut squares = vec![0.0; count];
    for t in 0..count {
        let column = &columns[t * rows..(t + 1) * rows];
        squares[t] = dot(column, column);
    }
    let (mut x, mut rest, mut at) = (vec![0.0; count], target.to_vec(), top);
    while at > end {
        at = (at * PATH_FACTOR).max(end);
        for _ in 0..SWEEPS {
            let mut moved = 0.0_f64;
            for t in 0..count {
                if squares[t] == 0.0 {
                    continue;
                }
                let column = &columns[t * rows..(t + 1) * rows];
                let pull = dot(column, &rest) + squares[t] * x[t];
                let shrunk = (pull.abs() - at).max(0.0).copysign(pull) / squares[t];
                let step = shrunk - x[t];
                if step != 0.0 {
                    add_scaled(&mut rest, -step, column);
                    x[t] = shrunk;
                    moved = moved.max(step.abs());
                }
            }
            if moved < SETTLED {
                break;
            }
        }
        path.push(LassoPoint { lambda: at, x: x.clone() });
    }
    path
}

/// The x of least ‖x‖₁ with A·x = b, by the simplex method; nothing if b is no combination of the columns (to 1e-9 of
/// its size) or values are not finite.
///
/// At most as many coefficients differ from zero as b has values. Of several solutions, one.
#[must_use]
pub fn basis_pursuit(columns: &[f64], target: &[f64]) -> Option<Vec<f64>> {
    let rows = target.len();
    let count = columns.len() / rows.max(1);
    if columns.iter().chain(target).any(|v| !v.is_finite()) {
        return None;
    }
    let mut simplex = Simplex::new(columns, target);
    let size = target.iter().fold(0.0_f64, |top, v| top.max(v.abs()));
    simplex.minimise(true);
    let mut x = vec![0.0; count];
    for row in 0..rows {
        if simplex.basis[row].0 == count && simplex.value(row) > 1e-9 * size {
            return None;
        }
    }
    simplex.drop_helpers();
    simplex.minimise(false);
    for row in 0..rows {
        let (column, sign) = simplex.basis[row];
        if column < count {
            x[column] = sign * simplex.value(row);
        }
    }
    Some(x)
}

/// The tableau: one row for each value of the target, the columns and the target in them. Coefficient t is the
/// difference of two non-negative variables with columns A_t and −A_t, of which one is stored.
struct Simplex {
    rows: usize,
    count: usize,
    table: Vec<f64>,
    /// Column and sign of the variable of each row; `count` is a helper that starts the method.
    basis: Vec<(usize, f64)>,
}

impl Simplex {
    fn new(columns: &[f64], target: &[f64]) -> Simplex {
        let rows = target.len();
        let count = columns.len() / rows.max(1);
        let mut table = vec![0.0; rows * (count + 1)];
        for row in 0..rows {
            // Helpers have to be non-negative.
            let sign = if target[row] < 0.0 { -1.0 } else { 1.0 };
            for t in 0..count {
                table[row * (count + 1) + t] = sign * columns[t * rows + row];
            }
            table[row * (count + 1) + count] = sign * target[row];
        }
        Simplex { rows, count, table, basis: vec![(count, 1.0); rows] }
    }

    fn value(&self, row: usize) -> f64 {
        self.table[row * (self.count + 1) + self.count]
    }

    /// Steps until no variable lowers the objective: the sum of the helpers first, then that of the others.
    fn minimise(&mut self, helpers: bool) {
        let width = self.count + 1;
        let own = if helpers { 0.0 } else { 1.0 };
        // A bound on steps, which rounding can only reach on degenerate input; what was reached then is feasible.
        for step in 0..200 + 50 * width {
            // The steepest variable first; later the first one that helps, which cannot cycle (Bland).
            let steepest = step < 20 * width;
            let (mut best, mut enter) = (1e-10, None);
            for t in 0..self.count {
                let mut price = 0.0;
                for row in 0..self.rows {
                    // Helpers count in the first phase, all others in the second.
                    if (self.basis[row].0 == self.count) == helpers {
                        price += self.table[row * width + t];
                    }
                }
                let gain = price.abs() - own;
                if gain > best {
                    (best, enter) = (if steepest { gain } else { f64::INFINITY }, Some((t, price.signum())));
                }
            }
            let Some((t, sign)) = enter else { return };
            let mut leave: Option<usize> = None;
            let mut least = f64::INFINITY;
            for row in 0..self.rows {
                let slope = sign * self.table[row * width + t];
                if slope > 1e-11 {
                    let ratio = self.value(row).max(0.0) / slope;
                    let earlier = leave.is_none_or(|old| self.basis[row].0 < self.basis[old].0);
                    if ratio < least - 1e-14 || (ratio <= least + 1e-14 && earlier) {
                        (least, leave) = (ratio.min(least), Some(row));
                    }
                }
            }
            let Some(row) = leave else { return };
            self.pivot(row, t, sign);
        }
    }

    /// Helpers that are still there have the value zero: each gives way to any column, or its row says nothing.
    fn drop_helpers(&mut self) {
        let width = self.count + 1;
        for row in 0..self.rows {
            if self.basis[row].0 < self.count {
                continue;
            }
            let mut best = 0;
            for t in 0..self.count {
                if self.table[row * width + t].abs() > self.table[row * width + best].abs() {
                    best = t;
                }
            }
            self.table[row * width + self.count] = 0.0;
            let value = if self.count > 0 { self.table[row * width + best] } else { 0.0 };
            if value.abs() > 1e-9 {
                self.pivot(row, best, value.signum());
            } else {
                self.table[row * width..(row + 1) * width].fill(0.0);
            }
        }
    }

    /// Variable (`t`, `sign`) takes the place of the one of `row`.
    fn pivot(&mut self, row: usize, t: usize, sign: f64) {
        let width = self.count + 1;
        let scale = 1.0 / (sign * self.table[row * width + t]);
        for v in &mut self.table[row * width..(row + 1) * width] {
            *v *= scale;
        }
        let line = self.table[row * width..(row + 1) * width].to_vec();
        for other in 0..self.rows {
            let factor = sign * self.table[other * width + t];
            if other != row && factor != 0.0 {
                add_scaled(&mut self.table[other * width..(other + 1) * width], -factor, &line);
            }
        }
        self.basis[row] = (t, sign);
    }
}

#[cfg(test)]
mod tests;
