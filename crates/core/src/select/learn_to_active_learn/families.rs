//! Instances of graded difficulty.

use super::{Problem, complexity};
use crate::CoreError;

/// Instances with the class that each belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// θ of each instance.
    pub instances: Vec<Vec<f64>>,
    /// Class of each instance, from 0.
    pub classes: Vec<usize>,
    /// Largest ρ of each class.
    pub levels: Vec<f64>,
}

impl Family {
    /// Instances θ = c·z_j, a class for each c of `scales` (each in (0, 1)): a hypothesis of signs, answered with noise.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a scale outside of (0, 1) or scales that do not fall.
    pub fn scaled_hypotheses(problem: &Problem, scales: &[f64]) -> Result<Family, CoreError> {
        let mut family = Family { instances: Vec::new(), classes: Vec::new(), levels: Vec::new() };
        for (class, scale) in scales.iter().enumerate() {
            let harder = class == 0 || *scale < scales[class - 1];
            if !(0.0..1.0).contains(scale) || *scale == 0.0 || !harder {
                return Err(CoreError::range("scales", scale, "above 0, below 1, and below the one before"));
            }
            let mut level: f64 = 0.0;
            for z in 0..problem.count() {
                let theta: Vec<f64> = problem.hypothesis(z).iter().map(|value| value * scale).collect();
                problem.check_instance(&theta)?;
                level = level.max(complexity(problem, &theta, 300).rho);
                family.instances.push(theta);
                family.classes.push(class);
            }
            family.levels.push(level);
        }
        Ok(family)
    }

    /// Instances of a best-arm problem with ρ = r, a class for each r of `levels`: one good arm with all others alike, and,
    /// with three arms or more, two good arms that are close (around 0.2) with the others at −0.9.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a level that no gap reaches, or levels that do not rise.
    pub fn arms(problem: &Problem, levels: &[f64]) -> Result<Family, CoreError> {
        let d = problem.queries();
        let one = |best: usize, gap: f64| -> Vec<f64> {
            (0..d).map(|i| if i == best { gap / 2.0 } else { -gap / 2.0 }).collect()
        };
        let two = |best: usize, second: usize, gap: f64| -> Vec<f64> {
            let mut theta = vec![-0.9; d];
            theta[best] = 0.2 + gap / 2.0;
            theta[second] = 0.2 - gap / 2.0;
            theta
        };
        let mut family = Family { instances: Vec::new(), classes: Vec::new(), levels: levels.to_vec() };
        for (class, level) in levels.iter().enumerate() {
            if class > 0 && (level.is_nan() || *level <= levels[class - 1]) {
                return Err(CoreError::range("levels", level, "above the one before"));
            }
            let wide = gap_of(problem, *level, 2.0, &|gap| one(0, gap))?;
            for best in 0..d {
                family.instances.push(one(best, wide));
                family.classes.push(class);
            }
            if d > 2 {
                let close = gap_of(problem, *level, 1.6, &|gap| two(0, 1, gap))?;
                for best in 0..d {
                    for second in (0..d).filter(|second| *second != best) {
                        family.instances.push(two(best, second, close));
                        family.classes.push(class);
                    }
                }
            }
        }
        Ok(family)
    }

    /// The instances of one class.
    pub fn class(&self, class: usize) -> Vec<Vec<f64>> {
        let mut found = Vec::new();
        for (theta, of) in self.instances.iter().zip(&self.classes) {
            if *of == class {
                found.push(theta.clone());
            }
        }
        found
    }

    /// The largest of `losses`, one an instance, in each class.
    pub fn worst(&self, losses: &[f64]) -> Vec<f64> {
        let mut worst = vec![f64::NEG_INFINITY; self.levels.len()];
        for (loss, class) in losses.iter().zip(&self.classes) {
            worst[*class] = worst[*class].max(*loss);
        }
        worst
    }
}

/// The gap with ρ = level, by bisection: ρ falls as the gap grows.
fn gap_of(
    problem: &Problem,
    level: f64,
    widest: f64,
    instance: &dyn Fn(f64) -> Vec<f64>,
) -> Result<f64, CoreError> {
    let rho = |gap: f64| complexity(problem, &instance(gap), 2000).rho;
    let (mut low, mut high) = (0.01, widest);
    if !(rho(high) <= level && level <= rho(low)) {
        let range = format!("from {:.2} to {:.0}", rho(high), rho(low));
        return Err(CoreError::range("levels", level, range));
    }
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if rho(middle) > level { low = middle } else { high = middle }
    }
    Ok((low + high) / 2.0)
}
