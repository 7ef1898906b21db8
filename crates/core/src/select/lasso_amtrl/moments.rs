//! Sums of products of labelled samples: all that a linear fit needs to know of them.

use crate::linalg::add_scaled;

/// For each task Σ x·xᵀ (d × d), Σ y·x (d), Σ y² and the number of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    dims: usize,
    grams: Vec<f64>,
    crosses: Vec<f64>,
    squares: Vec<f64>,
    counts: Vec<usize>,
}

impl Moments {
    /// Of no samples yet: T·(d² + d + 2) values.
    #[must_use]
    pub fn new(tasks: usize, dims: usize) -> Moments {
        Moments {
            dims,
            grams: vec![0.0; tasks * dims * dims],
            crosses: vec![0.0; tasks * dims],
            squares: vec![0.0; tasks],
            counts: vec![0; tasks],
        }
    }

    /// Adds a sample; `x` has d values.
    pub fn add(&mut self, task: usize, x: &[f64], y: f64) {
        let d = self.dims;
        let gram = &mut self.grams[task * d * d..(task + 1) * d * d];
        for (line, value) in gram.chunks_exact_mut(d.max(1)).zip(x) {
            if *value != 0.0 {
                add_scaled(line, *value, x);
            }
        }
        add_scaled(&mut self.crosses[task * d..(task + 1) * d], y, x);
        self.squares[task] += y * y;
        self.counts[task] += 1;
    }

    /// Dimensions of an input.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of tasks.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.counts.len()
    }

    /// Samples of each task.
    #[must_use]
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Samples of all tasks.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Σ x·xᵀ of a task, d × d.
    #[must_use]
    pub fn gram(&self, task: usize) -> &[f64] {
        let size = self.dims * self.dims;
        &self.grams[task * size..(task + 1) * size]
    }

    /// Σ y·x of a task.
    #[must_use]
    pub fn cross(&self, task: usize) -> &[f64] {
        &self.crosses[task * self.dims..(task + 1) * self.dims]
    }

    /// Σ y² of a task.
    #[must_use]
    pub fn square(&self, task: usize) -> f64 {
        self.squares[task]
    }

    /// False if a sum is NaN or infinite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.grams.iter().chain(&self.crosses).chain(&self.squares).all(|v| v.is_finite())
    }
}
