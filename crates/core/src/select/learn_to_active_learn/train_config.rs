//! How the policy is trained.

use crate::CoreError;

/// How to train. The paper's values could not be read; these are made for small problems.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Hidden units of each of two layers.
    pub hidden: usize,
    /// Steps.
    pub steps: usize,
    /// Particles drawn in a step, M.
    pub problems: usize,
    /// Games with each, L; at least 2, since they are compared with each other.
    pub rollouts: usize,
    /// Rate of the policy (Adam); falls to 0 along a line.
    pub rate: f64,
    /// Bonus for entropy of the policy; falls to 0 along a line.
    pub entropy: f64,
    /// False to train on the mean over particles that stay, without an adversary.
    pub adversary: bool,
    /// Share of the steps before the adversary moves.
    pub warm_up: f64,
    /// Rate of the mixture (Adam); not above `rate`, or the mixture collapses.
    pub mixture_rate: f64,
    /// Bonus for entropy of the mixture.
    pub mixture_entropy: f64,
    /// Particles that move, beside the instances that stay.
    pub moving: usize,
    /// Rate of moving particles (Adam).
    pub particle_rate: f64,
    /// Weight of the barrier max(0, ln ρ − ln r).
    pub barrier: f64,
}

impl Default for TrainConfig {
    fn default() -> TrainConfig {
        TrainConfig {
            hidden: 64,
            steps: 5000,
            problems: 64,
            rollouts: 8,
            rate: 2e-3,
            entropy: 0.01,
            adversary: true,
            warm_up: 0.1,
            mixture_rate: 1e-3,
            mixture_entropy: 0.1,
            moving: 0,
            particle_rate: 2e-3,
            barrier: 1.0,
        }
    }
}

impl TrainConfig {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names the field.
    pub fn check(&self) -> Result<(), CoreError> {
        for (field, value, least, most) in [
            ("hidden", self.hidden, 1, 1024),
            ("steps", self.steps, 1, 10_000_000),
            ("problems", self.problems, 1, 100_000),
            ("rollouts", self.rollouts, 2, 10_000),
            ("moving", self.moving, 0, 100_000),
        ] {
            if value < least || value > most {
                return Err(CoreError::range(field, value, format!("{least} to {most}")));
            }
        }
        for (field, value, most) in [
            ("rate", self.rate, 1.0),
            ("entropy", self.entropy, 10.0),
            ("warm_up", self.warm_up, 1.0),
            ("mixture_rate", self.mixture_rate, self.rate),
            ("mixture_entropy", self.mixture_entropy, 10.0),
            ("particle_rate", self.particle_rate, 1.0),
            ("barrier", self.barrier, 1000.0),
        ] {
            if !(value >= 0.0 && value <= most) {
                return Err(CoreError::range(field, value, format!("0 to {most}")));
            }
        }
        Ok(())
    }
}
