//! TAROT: rows for a target set, by optimal transport in a whitened space.
//!
//! Feng, Nie, Liu and Alahi 2024, "TAROT: Targeted Data Selection via Optimal Transport", arXiv 2412.00420. Where the
//! official code leaves the paper, the paper is followed; what the code does instead is an option
//! ([`WhitenMode::OfficialCode`], [`TieRule::LargestPotential`]) or said in the documentation.
//!
//! ```
//! use burn::tensor::Device;
//! use lowshot_core::select::tarot::{Tarot, TarotConfig, WhitenConfig, whiten};
//! use lowshot_core::select::TargetPool;
//!
//! # futures::executor::block_on(async {
//! let device = Device::flex();
//! let candidates = vec![2.0, 0.0, 1.0, 1.0, -1.0, 0.5, 0.0, -1.0, 3.0, 1.0];
//! let targets = vec![1.5, 0.5, 2.5, 0.0];
//! let white = whiten(&candidates, &targets, 2, &WhitenConfig::default(), &device, &mut ()).await?;
//! let pool = TargetPool::new(white.candidates, white.targets, 2, &device)?;
//! let chosen = Tarot::new(TarotConfig::default())?.choose(&pool, 2, &mut ()).await?;
//! let mut rows = chosen.rows;
//! rows.sort_unstable();
//! assert_eq!(rows, [0, 4]);
//! # Ok::<(), lowshot_core::CoreError>(()) }).unwrap();
//! ```

mod config;
mod estimate;
mod fixed;
mod weights;
mod whitening;

#[cfg(test)]
mod tests;

pub use config::{Tarot, TarotConfig, TieRule};
pub use estimate::{Estimate, FoldTrace};
pub use fixed::TarotSelection;
pub use weights::{nearest_target_counts, potential_weights, repetitions};
pub use whitening::{Ridge, WhitenConfig, WhitenMode, Whitened, whiten};
