//! Rows to try the scores on: heavy tails, planted rows, polynomial features.

use super::rows::Dense;
use crate::{CoreError, Rng};

/// What the rows are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Gaussian rows of so many columns, each times exp(tail·N(0, 1)).
    Cloud {
        /// Columns.
        columns: usize,
        /// Heavy-tail strength of the row scale, 0 for none.
        tail: f64,
    },
    /// Powers 1, t, …, t^degree of a number t, even in [−1, 1].
    Polynomial {
        /// Highest power.
        degree: usize,
    },
}

/// The noise of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Standard normal.
    Gaussian,
    /// Student's t with so many degrees of freedom; the fewer, the heavier the tail.
    Student(f64),
}

/// Draws rows with a target as their last column: b = aᵀβ + scale·noise, β standard normal.
///
/// `planted` rows, spread over the first ones, are moved far away: 20 times a random direction (for polynomials their
/// target is moved instead, by 20 times the noise's scale).
///
/// # Errors
/// [`CoreError::OutOfRange`] without rows or columns, or for more planted rows than rows.
pub fn generate(
    rows: usize,
    shape: Shape,
    planted: usize,
    noise: Noise,
    scale: f64,
    rng: &Rng,
) -> Result<Dense, CoreError> {
    let columns = match shape {
        Shape::Cloud { columns, .. } => columns,
        Shape::Polynomial { degree } => degree + 1,
    };
    if rows == 0 || columns == 0 {
        return Err(CoreError::range("rows", rows, "1 or more, with 1 column or more"));
    }
    if planted > rows {
        return Err(CoreError::range("planted", planted, format!("at most {rows}, the number of rows")));
    }
    let mut beta = rng.split("coefficients");
    let beta: Vec<f64> = (0..columns).map(|_| beta.normal()).collect();
    let mut values = Vec::with_capacity(rows * (columns + 1));
    let all = rng.split("rows");
    for i in 0..rows {
        let mut rng = all.at(i as u64);
        let far = i < planted;
        let start = values.len();
        match shape {
            Shape::Cloud { tail, .. } => {
                let size = if far { 20.0 } else { libm::exp(tail * rng.normal()) };
                values.extend((0..columns).map(|_| size * rng.normal()));
            }
            Shape::Polynomial { .. } => {
                let t = 2.0 * rng.uniform() - 1.0;
                let mut power = 1.0;
                for _ in 0..columns {
                    values.push(power);
                    power *= t;
                }
            }
        }
        let mean: f64 = values[start..].iter().zip(&beta).map(|(a, b)| a * b).sum();
        let error = match noise {
            Noise::Gaussian => rng.normal(),
            Noise::Student(freedom) => {
                let normal = rng.normal();
                normal / libm::sqrt(2.0 * rng.gamma(0.5 * freedom) / freedom).max(1e-150)
            }
        };
        let moved = if far && matches!(shape, Shape::Polynomial { .. }) { 20.0 } else { 0.0 };
        values.push(mean + scale * (error + moved));
    }
    Dense::new(values, columns + 1)
}
