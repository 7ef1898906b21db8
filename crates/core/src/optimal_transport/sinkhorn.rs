//! Entropic optimal transport by matrix scaling.

use lowshot_kernels::host::{add_scaled_f64, dot_f64, gibbs, scale_rows};

use super::{CostMatrix, check_masses};
use crate::CoreError;

/// Scales may drift this far from 1 before they are folded into the potentials and the kernel is made anew.
const DRIFT: f32 = 1e8;
/// A kernel whose row or column sums leave this range has underflown.
const REACH: f32 = 1e20;
/// Marginal error at which a coarse regularisation has done its work.
const COARSE: f64 = 0.02;
/// Iterations at most for each coarse regularisation.
const COARSE_ITERATIONS: usize = 30;
/// Regularisation of the first stage, as a share of the range of the costs.
const START: f64 = 0.5;
/// Smallest regularisation, as a share of the range of the costs, that single precision resolves.
const FINEST: f64 = 5e-4;

/// How far entropic transport is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinkhornConfig {
    /// Regularisation ε, in units of the cost (default 0.02); at least 0.0005 of the range of the costs.
    pub epsilon: f64,
    /// The largest `Σ_i |Σ_j P_ij - a_i|` that counts as converged (default 0.001), 1e-6 to 1.
    pub tolerance: f64,
    /// Iterations at the final ε, at most (default 2000).
    pub max_iterations: usize,
}

impl Default for SinkhornConfig {
    fn default() -> Self {
        Self { epsilon: 0.02, tolerance: 1e-3, max_iterations: 2000 }
    }
}

/// What transport costs, and its potentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    /// `Σ P_ij C_ij` after the plan was rounded to the exact marginals: never below the optimum, but for rounding.
    pub cost: f64,
    /// `Σ a_i f_i + Σ b_j g_j`, the value of the entropic problem (its entropy taken relative to `a bᵀ`) at convergence.
    pub dual: f64,
    /// Potentials of the sources, shifted to mean 0: dearer places have larger ones.
    pub f: Vec<f64>,
    /// Potentials of the sinks, shifted by the opposite.
    pub g: Vec<f64>,
    /// The rounded plan, row-major, if it was asked for.
    pub plan: Option<Vec<f32>>,
    /// Iterations over all stages.
    pub iterations: usize,
    /// `Σ_i |Σ_j P_ij - a_i|` before rounding, as last measured.
    pub marginal_error: f64,
    /// True if the error is within the tolerance.
    pub converged: bool,
}

/// Solves at once; see [`Sinkhorn`].
///
/// # Errors
/// As [`Sinkhorn::new`].
pub fn sinkhorn(
    cost: CostMatrix,
    a: &[f64],
    b: &[f64],
    config: &SinkhornConfig,
) -> Result<Transport, CoreError> {
    let mut solver = Sinkhorn::new(cost, a, b, config)?;
    while !solver.advance(usize::MAX) {}
    Ok(solver.finish(false))
}

/// Entropic optimal transport in pieces, so that a page stays alive.
///
/// Solves `min Σ P C + ε KL(P ‖ a bᵀ)` by the log-domain updates of Sinkhorn (Cuturi 2013):
///
/// ```text
/// f_i = −ε log Σ_j b_j exp((g_j − C_ij)/ε),   g_j = −ε log Σ_i a_i exp((f_i − C_ij)/ε)
/// ```
///
/// ε goes down by halves from half the range of the costs. Within a stage the potentials are split (Schmitzer 2019,
/// "absorption"): the large part is inside of a stored kernel `exp((f + g − C)/ε)`, whose entries are near those of the
/// plan and do not underflow where it matters; the small part are scales, so that an iteration is one pass over the
/// kernel without exponentials. Where scales grow they are absorbed; where a row or column underflows all the same, one
/// exact log-domain update with the maximum subtracted puts it right.
///
/// The plan is rounded to the exact marginals (Altschuler, Weed and Rigollet 2017, algorithm 2) before its cost is
/// reported. Memory: 8 bytes a cell. Time of an iteration: two multiplications and additions a cell.
#[derive(Clone, Debug)]
pub struct Sinkhorn {
    cost: CostMatrix,
    config: SinkhornConfig,
    a: Vec<f64>,
    b: Vec<f64>,
    mass: Vec<f32>,
    epsilon: f64,
    /// Potentials inside of the kernel.
    f: Vec<f64>,
    g: Vec<f64>,
    kernel: Vec<f32>,
    /// Scales outside of the kernel.
    x: Vec<f32>,
    y: Vec<f32>,
    sums: Vec<f32>,
    stale: bool,
    in_stage: usize,
    iterations: usize,
    error: f64,
    done: bool,
}

impl Sinkhorn {
    /// Starts with potentials of 0.
    ///
    /// # Errors
    /// [`CoreError::Shape`] or [`CoreError::OutOfRange`] if masses and costs do not fit or masses do not sum to 1;
    /// [`CoreError::OutOfRange`] names a field of the configuration.
    pub fn new(cost: CostMatrix, a: &[f64], b: &[f64], config: &SinkhornConfig) -> Result<Self, CoreError> {
        check_masses(&cost, a, b)?;
        let (low, high) = cost.values().iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        let span = f64::from(high) - f64::from(low);
        let least = FINEST * span;
        if !(config.epsilon > 0.0 && config.epsilon >= least && config.epsilon.is_finite()) {
            return Err(CoreError::range(
                "epsilon",
                config.epsilon,
                format!(
                    "at least {least:.3e}, 0.0005 of the range of the costs, which single precision resolves"
                ),
            ));
        }
        if !(1e-6..=1.0).contains(&config.tolerance) {
            return Err(CoreError::range("tolerance", config.tolerance, "from 0.000001 to 1"));
        }
        if config.max_iterations == 0 {
            return Err(CoreError::range("max_iterations", 0, "at least 1"));
        }
        let (n, m) = (cost.rows(), cost.columns());
        Ok(Self {
            config: *config,
            mass: a.iter().map(|v| *v as f32).collect(),
            a: a.to_vec(),
            b: b.to_vec(),
            epsilon: (START * span).max(config.epsilon),
            // The smallest cost is moved to 0, so that the first kernel neither overflows nor vanishes.
            f: vec![f64::from(low); n],
            g: vec![0.0; m],
            kernel: vec![0.0; n * m],
            x: vec![1.0; n],
            y: vec![1.0; m],
            sums: vec![0.0; m],
            cost,
            stale: true,
            in_stage: 0,
            iterations: 0,
            error: f64::INFINITY,
            done: false,
        })
    }

    /// Works on about `cells` cells of the matrix, at least one pass; true when finished.
    pub fn advance(&mut self, cells: usize) -> bool {
        let pass = self.cost.values().len();
        let mut left = cells;
        while !self.done {
            if self.stale {
                self.build();
                // An exponential is worth some passes.
                left = left.saturating_sub(pass.saturating_mul(3));
            }
            self.iterate();
            left = left.saturating_sub(pass);
            if left == 0 {
                break;
            }
        }
        self.done
    }

    /// Rounds the plan and measures it; works at any time, also before convergence.
    pub fn finish(mut self, keep_plan: bool) -> Transport {
        if self.stale {
            self.build();
        }
        let (cost, plan) = self.round(keep_plan);
        self.absorb();
        let mean = self.f.iter().sum::<f64>() / self.f.len() as f64;
        self.f.iter_mut().for_each(|f| *f -= mean);
        self.g.iter_mut().for_each(|g| *g += mean);
        let along = |mass: &[f64], of: &[f64]| mass.iter().zip(of).map(|(m, v)| m * v).sum::<f64>();
        Transport {
            cost,
            dual: along(&self.a, &self.f) + along(&self.b, &self.g),
            plan,
            iterations: self.iterations,
            marginal_error: self.error,
            converged: self.error < self.config.tolerance && self.epsilon <= self.config.epsilon,
            f: self.f,
            g: self.g,
        }
    }

    /// Starts at the final stage from potentials that are wrong by `by`.
    #[cfg(test)]
    pub(super) fn start_far(&mut self, by: f64) {
        self.f.iter_mut().step_by(2).for_each(|f| *f += by);
        self.epsilon = self.config.epsilon;
    }

    /// The kernel at the present potentials; scales start at 1.
    fn build(&mut self) {
        let inverse = (1.0 / self.epsilon) as f32;
        // Only sums f + g matter; a common shift would cost digits.
        let shift = self.g.iter().sum::<f64>() / self.g.len() as f64;
        self.g.iter_mut().for_each(|g| *g -= shift);
        self.f.iter_mut().for_each(|f| *f += shift);
        let g: Vec<f32> = self.g.iter().map(|v| *v as f32).collect();
        let width = self.cost.columns();
        for ((out, f), cost) in
            self.kernel.chunks_exact_mut(width).zip(&self.f).zip(self.cost.values().chunks_exact(width))
        {
            gibbs(cost, *f as f32, &g, inverse, out);
        }
        self.x.fill(1.0);
        self.y.fill(1.0);
        self.stale = false;
    }

    fn iterate(&mut self) {
        let columns: Vec<f32> = self.b.iter().zip(&self.y).map(|(b, y)| (*b as f32) * y).collect();
        self.error = scale_rows(&self.kernel, &columns, &self.mass, &mut self.x, &mut self.sums);
        self.y.iter_mut().zip(&self.sums).for_each(|(y, sum)| *y = 1.0 / sum);
        self.iterations += 1;
        self.in_stage += 1;
        let (mut least, mut most) = (f32::MAX, 0.0f32);
        for scale in self.x.iter().chain(&self.y) {
            least = least.min(*scale);
            most = most.max(*scale);
        }
        let last = self.epsilon <= self.config.epsilon;
        let lost = !(self.error.is_finite() && least > 1.0 / REACH && most < REACH);
        if lost {
            self.absorb();
            self.exact_update();
            self.stale = true;
            self.error = f64::INFINITY;
        } else if last && self.error < self.config.tolerance {
            self.done = true;
            return;
        } else if least < 1.0 / DRIFT || most > DRIFT {
            self.absorb();
            self.stale = true;
        }
        if last {
            self.done = self.in_stage >= self.config.max_iterations;
        } else if self.error < COARSE.max(self.config.tolerance) || self.in_stage >= COARSE_ITERATIONS {
            self.absorb();
            self.stale = true;
            self.in_stage = 0;
            self.epsilon = (0.5 * self.epsilon).max(self.config.epsilon);
        }
    }

    /// Folds the scales into the potentials; those that left all range are dropped.
    fn absorb(&mut self) {
        let epsilon = self.epsilon;
        let fold = |potentials: &mut [f64], scales: &mut [f32]| {
            for (potential, scale) in potentials.iter_mut().zip(scales) {
                if *scale > 1.0 / REACH && *scale < REACH {
                    *potential += epsilon * libm::log(f64::from(*scale));
                }
                *scale = 1.0;
            }
        };
        fold(&mut self.f, &mut self.x);
        fold(&mut self.g, &mut self.y);
    }

    /// One update of all potentials in the log domain, with the maximum subtracted: right from wherever it starts.
    fn exact_update(&mut self) {
        let (n, m) = (self.cost.rows(), self.cost.columns());
        let costs = self.cost.values();
        let soft_min = |mass: &[f64], potential: &[f64], cost: &dyn Fn(usize) -> f32| {
            let exponent = |at: usize| (potential[at] - f64::from(cost(at))) / self.epsilon;
            let open = || (0..mass.len()).filter(|at| mass[*at] > 0.0);
            let top = open().map(exponent).fold(f64::MIN, f64::max);
            let sum: f64 = open().map(|at| mass[at] * libm::exp(exponent(at) - top)).sum();
            -self.epsilon * (top + libm::log(sum))
        };
        let f: Vec<f64> = (0..n).map(|i| soft_min(&self.b, &self.g, &|j| costs[i * m + j])).collect();
        let g: Vec<f64> = (0..m).map(|j| soft_min(&self.a, &f, &|i| costs[i * m + j])).collect();
        (self.f, self.g) = (f, g);
    }

    /// The cost of the plan with the exact marginals, and the plan.
    fn round(&self, keep_plan: bool) -> (f64, Option<Vec<f32>>) {
        let width = self.cost.columns();
        let rows = || self.kernel.chunks_exact(width).zip(self.cost.values().chunks_exact(width));
        let mut right: Vec<f64> = self.b.iter().zip(&self.y).map(|(b, y)| b * f64::from(*y)).collect();
        // Rows that got too much give back.
        let shrink = |wanted: f64, found: f64| if found > wanted { wanted / found } else { 1.0 };
        let mut left = Vec::with_capacity(self.a.len());
        let mut columns = vec![0.0; width];
        for (((kernel, _), a), x) in rows().zip(&self.a).zip(&self.x) {
            let scale = a * f64::from(*x);
            let scale = scale * shrink(*a, scale * dot_f64(kernel, &right));
            add_scaled_f64(&mut columns, scale, kernel);
            left.push(scale);
        }
        // Then columns.
        let mut missing = Vec::with_capacity(width);
        for ((column, right), b) in columns.iter().zip(&mut right).zip(&self.b) {
            let found = column * *right;
            let part = shrink(*b, found);
            *right *= part;
            missing.push((b - found * part).max(0.0));
        }
        let short: Vec<f64> = rows()
            .zip(&self.a)
            .zip(&left)
            .map(|(((kernel, _), a), left)| (a - left * dot_f64(kernel, &right)).max(0.0))
            .collect();
        let total: f64 = short.iter().sum();
        // What is missing is spread in proportion.
        let mut plan = keep_plan.then(|| Vec::with_capacity(self.kernel.len()));
        let mut sum = 0.0;
        let mut line = vec![0.0; width];
        for (((kernel, cost), left), short) in rows().zip(&left).zip(&short) {
            let share = if total > 0.0 { short / total } else { 0.0 };
            for (((line, kernel), right), missing) in line.iter_mut().zip(kernel).zip(&right).zip(&missing) {
                *line = left * f64::from(*kernel) * right + share * missing;
            }
            sum += dot_f64(cost, &line);
            if let Some(plan) = &mut plan {
                plan.extend(line.iter().map(|v| *v as f32));
            }
        }
        (sum, plan)
    }
}
