//! The multi-task fit: a shared basis and a head a task, by alternating least squares (the papers assume the exact
//! minimiser and prescribe no solver).

use super::Moments;
use super::relevance::second_moment;
use crate::CoreError;
use crate::linalg::{add_scaled, cholesky_with_ridge, dot, invert, solve_cholesky, symmetric_eigen};

/// Most steps of conjugate gradients for one basis.
const BASIS_STEPS: usize = 20;
/// A basis is solved for when the residual is this share of the right-hand side.
const BASIS_TOLERANCE: f64 = 1e-11;

/// How B and W are fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitOptions {
    /// Dimensions K of the representation, 1 to the smaller of d and T.
    pub rank: usize,
    /// Alternations between heads and basis.
    pub iterations: usize,
    /// Ridge for each sample, 0 or more.
    pub ridge: f64,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions { rank: 4, iterations: 25, ridge: 1e-8 }
    }
}

/// A basis with a head for each task.
#[derive(Clone, Debug, PartialEq)]
pub struct Representation {
    dims: usize,
    rank: usize,
    basis: Vec<f64>,
    heads: Vec<f64>,
}

impl Representation {
    /// Inputs d and dimensions K.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.dims, self.rank)
    }

    /// Bᵀ, K × d, its rows orthonormal to 1e-12.
    #[must_use]
    pub fn basis(&self) -> &[f64] {
        &self.basis
    }

    /// The heads, T × K; 0 for tasks without samples.
    #[must_use]
    pub fn heads(&self) -> &[f64] {
        &self.heads
    }

    /// The head of one more task: least squares on its samples with a ridge for each.
    #[must_use]
    pub fn head(&self, target: &Moments, ridge: f64) -> Vec<f64> {
        let mut head = vec![0.0; self.rank];
        if target.tasks() > 0 {
            solve_head(&self.basis, target, 0, ridge, &mut head);
        }
        head
    }

    /// B·w: the weights of the inputs that a head stands for.
    #[must_use]
    pub fn weights(&self, head: &[f64]) -> Vec<f64> {
        let mut weights = vec![0.0; self.dims];
        for (direction, value) in self.basis.chunks_exact(self.dims.max(1)).zip(head) {
            add_scaled(&mut weights, *value, direction);
        }
        weights
    }

    /// Mean of φ·φᵀ over all samples, K × K: what heads have to be measured by where inputs are not white.
    #[must_use]
    pub fn feature_moment(&self, samples: &Moments) -> Vec<f64> {
        let k = self.rank;
        let mut sum = vec![0.0; k * k];
        for t in 0..samples.tasks() {
            add_scaled(&mut sum, 1.0 / samples.total().max(1) as f64, &projected(&self.basis, samples, t).0);
        }
        sum
    }
}

/// A fit in progress; every alternation is one [`MultiTaskFit::step`].
#[derive(Debug)]
pub struct MultiTaskFit<'a> {
    samples: &'a Moments,
    ridge: f64,
    found: Representation,
}

impl<'a> MultiTaskFit<'a> {
    /// Starts from the first K eigenvectors of Σ n_t/N·v_t·v_tᵀ with v_t = X_tᵀy_t/n_t. Every sample weighs the same.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a rank or ridge out of range; [`CoreError::NotFinite`].
    pub fn new(samples: &'a Moments, options: FitOptions) -> Result<MultiTaskFit<'a>, CoreError> {
        let (d, k, tasks) = (samples.dims(), options.rank, samples.tasks());
        let most = d.min(tasks);
        if !(1..=most).contains(&k) {
            let range = format!("1 to {most}: the smaller of {d} inputs and {tasks} tasks");
            return Err(CoreError::range("rank", k, range));
        }
        if !(options.ridge >= 0.0 && options.ridge.is_finite()) {
            return Err(CoreError::range("ridge", options.ridge, "0 or more, and finite"));
        }
        if !samples.is_finite() {
            return Err(CoreError::NotFinite { what: "samples of the source tasks" });
        }
        let mut moment = vec![0.0; d * d];
        for t in 0..tasks {
            let n = samples.counts()[t] as f64;
            if n > 0.0 {
                let cross = samples.cross(t);
                for (line, value) in moment.chunks_exact_mut(d).zip(cross) {
                    add_scaled(line, value / n, cross);
                }
            }
        }
        let (_, mut basis) = symmetric_eigen(&moment, d);
        basis.truncate(k * d);
        let found = Representation { dims: d, rank: k, basis, heads: vec![0.0; tasks * k] };
        Ok(MultiTaskFit { samples, ridge: options.ridge, found })
    }

    /// One alternation: heads for the basis, then the basis for the heads, orthonormal.
    pub fn step(&mut self) {
        self.solve_heads();
        self.solve_basis();
    }

    /// w_t = (BᵀG_tB + r·n_t)⁻¹Bᵀg_t; 0 for tasks without samples.
    pub fn solve_heads(&mut self) {
        let k = self.found.rank;
        for t in 0..self.samples.tasks() {
            let head = &mut self.found.heads[t * k..(t + 1) * k];
            solve_head(&self.found.basis, self.samples, t, self.ridge, head);
        }
    }

    /// Σ G_t·B·w_t·w_tᵀ + r·N·B = Σ g_t·w_tᵀ by conjugate gradients from the present basis, then orthonormal columns.
    /// The objective never grows. For unit Gram matrices the preconditioner is the exact inverse.
    pub fn solve_basis(&mut self) {
        let (d, k) = (self.found.dims, self.found.rank);
        let counts: Vec<f64> = self.samples.counts().iter().map(|n| *n as f64).collect();
        let mut moment = second_moment(&self.found.heads, k, Some(&counts));
        let floor = 1e-12 * (0..k).fold(0.0_f64, |top, i| top.max(moment[i * k + i]));
        for i in 0..k {
            moment[i * k + i] += floor + self.ridge * self.samples.total() as f64;
        }
        let Some(inverse) = invert(&moment, k) else { return };
        let mut right = vec![0.0; k * d];
        for t in 0..self.samples.tasks() {
            for i in 0..k {
                let weight = self.found.heads[t * k + i];
                add_scaled(&mut right[i * d..(i + 1) * d], weight, self.samples.cross(t));
            }
        }
        let mut image = vec![0.0; k * d];
        self.apply(&self.found.basis, &mut image);
        let mut rest = right.clone();
        add_scaled(&mut rest, -1.0, &image);
        let goal = BASIS_TOLERANCE * BASIS_TOLERANCE * dot(&right, &right);
        let mut better = vec![0.0; k * d];
        precondition(&inverse, &rest, d, &mut better);
        let mut way = better.clone();
        let mut gain = dot(&rest, &better);
        for _ in 0..BASIS_STEPS {
            if !(dot(&rest, &rest) > goal && gain > 0.0) {
                break;
            }
            self.apply(&way, &mut image);
            let curvature = dot(&way, &image);
            if !(curvature > 0.0 && curvature.is_finite()) {
                break;
            }
            add_scaled(&mut self.found.basis, gain / curvature, &way);
            add_scaled(&mut rest, -gain / curvature, &image);
            precondition(&inverse, &rest, d, &mut better);
            let next = dot(&rest, &better);
            for (way, better) in way.iter_mut().zip(&better) {
                *way = better + next / gain * *way;
            }
            gain = next;
        }
        orthonormalise(&mut self.found.basis, d, &mut self.found.heads, k);
    }

    /// F(B, W) = Σ‖X_t·B·w_t − y_t‖²/N.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let k = self.found.rank;
        let mut sum = 0.0;
        for t in 0..self.samples.tasks() {
            let head = &self.found.heads[t * k..(t + 1) * k];
            let (gram, cross) = projected(&self.found.basis, self.samples, t);
            sum += self.samples.square(t) - 2.0 * dot(head, &cross);
            for i in 0..k {
                sum += head[i] * dot(&gram[i * k..(i + 1) * k], head);
            }
        }
        sum / self.samples.total().max(1) as f64
    }

    /// The heads once more for the final basis, and the result.
    #[must_use]
    pub fn finish(mut self) -> Representation {
        self.solve_heads();
        self.found
    }

    /// What is found so far.
    #[must_use]
    pub fn so_far(&self) -> &Representation {
        &self.found
    }

    /// The normal equations of the basis applied to `v` (K × d).
    fn apply(&self, v: &[f64], out: &mut [f64]) {
        let (d, k) = (self.found.dims, self.found.rank);
        out.fill(0.0);
        add_scaled(out, self.ridge * self.samples.total() as f64, v);
        let (mut mixed, mut image) = (vec![0.0; d], vec![0.0; d]);
        for t in 0..self.samples.tasks() {
            if self.samples.counts()[t] == 0 {
                continue;
            }
            let head = &self.found.heads[t * k..(t + 1) * k];
            mixed.fill(0.0);
            for i in 0..k {
                add_scaled(&mut mixed, head[i], &v[i * d..(i + 1) * d]);
            }
            let gram = self.samples.gram(t);
            for i in 0..d {
                image[i] = dot(&gram[i * d..(i + 1) * d], &mixed);
            }
            for i in 0..k {
                add_scaled(&mut out[i * d..(i + 1) * d], head[i], &image);
            }
        }
    }
}

/// Ridge regression in the inputs themselves on the samples of one task: (G + r·n)⁻¹g. The baseline without sources.
#[must_use]
pub fn ridge_weights(samples: &Moments, task: usize, ridge: f64) -> Vec<f64> {
    let d = samples.dims();
    let mut gram = samples.gram(task).to_vec();
    for i in 0..d {
        gram[i * d + i] += ridge * samples.counts()[task] as f64;
    }
    let mut weights = samples.cross(task).to_vec();
    let mut factor = Vec::new();
    if cholesky_with_ridge(&gram, d, &mut factor).is_some() {
        solve_cholesky(&factor, d, &mut weights);
    } else {
        weights.fill(0.0);
    }
    weights
}

/// BᵀG_tB and Bᵀg_t.
fn projected(basis: &[f64], samples: &Moments, t: usize) -> (Vec<f64>, Vec<f64>) {
    let d = samples.dims();
    let k = basis.len() / d;
    let (mut small, mut cross, mut image) = (vec![0.0; k * k], vec![0.0; k], vec![0.0; d]);
    let gram = samples.gram(t);
    for i in 0..k {
        let direction = &basis[i * d..(i + 1) * d];
        for j in 0..d {
            image[j] = dot(&gram[j * d..(j + 1) * d], direction);
        }
        for j in 0..k {
            small[j * k + i] = dot(&image, &basis[j * d..(j + 1) * d]);
        }
        cross[i] = dot(direction, samples.cross(t));
    }
    (small, cross)
}

fn solve_head(basis: &[f64], samples: &Moments, t: usize, ridge: f64, head: &mut [f64]) {
    let k = head.len();
    head.fill(0.0);
    let n = samples.counts()[t] as f64;
    if n == 0.0 {
        return;
    }
    let (mut gram, cross) = projected(basis, samples, t);
    for i in 0..k {
        gram[i * k + i] += ridge * n;
    }
    let mut factor = Vec::new();
    if cholesky_with_ridge(&gram, k, &mut factor).is_some() {
        head.copy_from_slice(&cross);
        solve_cholesky(&factor, k, head);
    }
}

fn precondition(inverse: &[f64], v: &[f64], d: usize, out: &mut [f64]) {
    let k = v.len() / d;
    out.fill(0.0);
    for i in 0..k {
        for j in 0..k {
            add_scaled(&mut out[i * d..(i + 1) * d], inverse[i * k + j], &v[j * d..(j + 1) * d]);
        }
    }
}

/// Orthonormal rows (Gram-Schmidt, twice) and the heads that keep every B·w_t. A direction that depends on the others is
/// replaced by a unit vector, which the heads do not use.
fn orthonormalise(basis: &mut [f64], d: usize, heads: &mut [f64], k: usize) {
    let old = basis.to_vec();
    let mut next = 0;
    for i in 0..k {
        let (done, rest) = basis.split_at_mut(i * d);
        let direction = &mut rest[..d];
        loop {
            let before = dot(direction, direction).sqrt();
            for _ in 0..2 {
                for other in done.chunks_exact(d) {
                    let part = dot(other, direction);
                    add_scaled(direction, -part, other);
                }
            }
            let length = dot(direction, direction).sqrt();
            if length > 1e-12 * before && length.is_finite() && length > 0.0 {
                direction.iter_mut().for_each(|v| *v /= length);
                break;
            }
            direction.fill(0.0);
            direction[next % d] = 1.0;
            next += 1;
        }
    }
    let mut turn = vec![0.0; k * k];
    for i in 0..k {
        for j in 0..k {
            turn[i * k + j] = dot(&basis[i * d..(i + 1) * d], &old[j * d..(j + 1) * d]);
        }
    }
    for head in heads.chunks_exact_mut(k) {
        let before = head.to_vec();
        for i in 0..k {
            head[i] = dot(&turn[i * k..(i + 1) * k], &before);
        }
    }
}
