//! Conformal Information Pursuit: ask what is expected to leave the fewest plausible labels (Chan, Ge, Dobriban,
//! Hassani, Vidal, 2025, arXiv 2507.03279).
//!
//! | part | what it does |
//! |---|---|
//! | [`threshold`], [`Thresholds`] | the split-conformal quantile, one for each length of a history |
//! | [`Calibration`] | probabilities that the true label got, after random histories or in saved games |
//! | [`Objective`] | bounds of the entropy by the size of prediction sets |
//! | [`ConformalPursuit`] | the policy |
//! | [`Scaled`] | a predictor whose probabilities are repaired by a temperature or by Platt scaling, for the baselines |

mod calibration;
mod objective;
mod policy;
mod quantile;
mod scaled;

#[cfg(test)]
mod tests;

pub use calibration::{Answerer, Calibration, SavedGame};
pub use objective::{Judged, Objective, binary_entropy};
pub use policy::{ConformalPursuit, Slack};
pub use quantile::{Thresholds, prediction_set, threshold};
pub use scaled::{Scaled, Scaling};
