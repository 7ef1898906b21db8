//! Generated linear tasks for which everything is known.

use super::{Moments, Representation, TaskSource};
use crate::linalg::{add_scaled, dot};
use crate::{CoreError, Rng};

/// How the heads of the source tasks lie.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Heads {
    /// In all directions alike: w_t ~ N(0, I/K), the target on the unit sphere.
    #[default]
    Gaussian,
    /// Near the K axes: w_t = u·e_(t mod K) + 0.15·N(0, I) with u even on [½, 1], the target e₁.
    Clustered,
}

/// Linear tasks y = xᵀB*·w_t + N(0, σ²) with x ~ N(0, I), and as many samples as one likes. A copy goes on with the same
/// samples as the original, so that strategies are compared on the same ones.
#[derive(Clone, Debug)]
pub struct LinearWorld {
    dims: usize,
    rank: usize,
    noise: f64,
    heads: Vec<f64>,
    target: Vec<f64>,
    /// B*·w for every source, then for the target.
    weights: Vec<Vec<f64>>,
    streams: Vec<Rng>,
}

impl LinearWorld {
    /// B* is the Q factor of a d × K matrix of normal numbers.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a rank that is not 1 to min(d, T), or noise that is negative or not finite.
    pub fn new(
        (dims, rank, tasks): (usize, usize, usize),
        kind: Heads,
        noise: f64,
        rng: &Rng,
    ) -> Result<LinearWorld, CoreError> {
        if !(1..=dims.min(tasks)).contains(&rank) {
            let range = format!("1 to {}: the smaller of {dims} inputs and {tasks} tasks", dims.min(tasks));
            return Err(CoreError::range("rank", rank, range));
        }
        if !(noise >= 0.0 && noise.is_finite()) {
            return Err(CoreError::range("noise", noise, "0 or more, and finite"));
        }
        let mut numbers = rng.split("basis");
        let mut basis: Vec<f64> = Vec::with_capacity(rank * dims);
        for _ in 0..rank {
            let mut direction: Vec<f64> = (0..dims).map(|_| numbers.normal()).collect();
            for _ in 0..2 {
                for other in basis.chunks_exact(dims) {
                    let part = dot(other, &direction);
                    add_scaled(&mut direction, -part, other);
                }
            }
            let length = dot(&direction, &direction).sqrt();
            basis.extend(direction.iter().map(|v| v / length));
        }
        let mut numbers = rng.split("heads");
        let mut heads = Vec::with_capacity(tasks * rank);
        let mut target = vec![0.0; rank];
        match kind {
            Heads::Gaussian => {
                let scale = 1.0 / (rank as f64).sqrt();
                (0..tasks * rank).for_each(|_| heads.push(scale * numbers.normal()));
                target.iter_mut().for_each(|v| *v = numbers.normal());
                let length = dot(&target, &target).sqrt();
                target.iter_mut().for_each(|v| *v /= length);
            }
            Heads::Clustered => {
                for t in 0..tasks {
                    let near = 0.5 + 0.5 * numbers.uniform();
                    for i in 0..rank {
                        let axis = if i == t % rank { near } else { 0.0 };
                        heads.push(axis + 0.15 * numbers.normal());
                    }
                }
                target[0] = 1.0;
            }
        }
        let mut weights = Vec::with_capacity(tasks + 1);
        for head in heads.chunks_exact(rank).chain([&target[..]]) {
            let mut w = vec![0.0; dims];
            for (value, direction) in head.iter().zip(basis.chunks_exact(dims)) {
                add_scaled(&mut w, *value, direction);
            }
            weights.push(w);
        }
        let samples = rng.split("samples");
        let streams = (0..=tasks as u64).map(|t| samples.at(t)).collect();
        Ok(LinearWorld { dims, rank, noise, heads, target, weights, streams })
    }

    /// The true heads of the sources, T × K.
    #[must_use]
    pub fn heads(&self) -> &[f64] {
        &self.heads
    }

    /// The true head of the target.
    #[must_use]
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// Dimensions of the shared representation.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The next samples of the target.
    pub fn draw_target(&mut self, count: usize) -> Moments {
        let mut moments = Moments::new(1, self.dims);
        self.sample(self.weights.len() - 1, count, 0, &mut moments);
        moments
    }

    /// Excess risk ‖weights − B*w*‖² of weights of the inputs.
    #[must_use]
    pub fn excess_risk(&self, weights: &[f64]) -> f64 {
        let truth = &self.weights[self.weights.len() - 1];
        truth.iter().zip(weights).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// Sine of the largest angle between the span of a basis and the true one.
    #[must_use]
    pub fn largest_sine(&self, found: &Representation) -> f64 {
        // Every true direction in turn: all heads' weights lie in the true span, so the worst of an orthonormal set is
        // found from the residuals of a basis of that span.
        let mut truth: Vec<Vec<f64>> = Vec::new();
        for w in &self.weights {
            let mut direction = w.clone();
            for _ in 0..2 {
                for other in &truth {
                    let part = dot(other, &direction);
                    add_scaled(&mut direction, -part, other);
                }
            }
            let length = dot(&direction, &direction).sqrt();
            if truth.len() < self.rank && length > 1e-9 {
                direction.iter_mut().for_each(|v| *v /= length);
                truth.push(direction);
            }
        }
        let k = truth.len();
        let mut residuals = truth;
        for direction in &mut residuals {
            for other in found.basis().chunks_exact(self.dims) {
                let part = dot(other, direction);
                add_scaled(direction, -part, other);
            }
        }
        let mut gram = vec![0.0; k * k];
        for i in 0..k {
            for j in 0..k {
                gram[i * k + j] = dot(&residuals[i], &residuals[j]);
            }
        }
        let (values, _) = crate::linalg::symmetric_eigen(&gram, k);
        values.first().map_or(0.0, |v| v.max(0.0).sqrt())
    }

    fn sample(&mut self, from: usize, count: usize, task: usize, into: &mut Moments) {
        let mut x = vec![0.0; self.dims];
        let stream = &mut self.streams[from];
        for _ in 0..count {
            x.iter_mut().for_each(|v| *v = stream.normal());
            let y = dot(&x, &self.weights[from]) + self.noise * stream.normal();
            into.add(task, &x, y);
        }
    }
}

impl TaskSource for LinearWorld {
    fn tasks(&self) -> usize {
        self.weights.len() - 1
    }

    fn left(&self, _task: usize) -> usize {
        usize::MAX
    }

    fn draw(&mut self, task: usize, count: usize, into: &mut Moments) {
        self.sample(task, count, task, into);
    }
}
