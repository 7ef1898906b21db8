//! IDEAL: rows whose influence, spread over a graph of nearest neighbours, reaches most of the pool.
//!
//! Zhang et al. 2023, "IDEAL: Influence-Driven Selective Annotations Empower In-Context Learners in Large Language
//! Models", arXiv 2310.10873. Where the official code leaves the paper, the paper is followed and the code's way is an
//! option: [`Counting::OfficialCode`] and [`Init::FirstNode`].
//!
//! ```
//! use burn::tensor::Device;
//! use lowshot_core::Rng;
//! use lowshot_core::select::ideal::{Ideal, IdealConfig};
//! use lowshot_core::select::{Embeddings, Selector, SimilarityGraph};
//!
//! # futures::executor::block_on(async {
//! // Two groups of three directions in the plane.
//! let rows = vec![1.0, 0.0, 0.99, 0.1, 0.95, 0.3, 0.0, 1.0, 0.1, 0.99, 0.2, 0.95];
//! let pool = Embeddings::new(rows, 6, 2, &Device::flex())?;
//! let graph = SimilarityGraph::build(&pool, 2).await?;
//! let chosen = Ideal::new(IdealConfig::default())?.select(&graph, 2, &Rng::new(1), &mut ()).await?;
//! assert!(chosen.rows.iter().any(|row| *row < 3) && chosen.rows.iter().any(|row| *row >= 3));
//! # Ok::<(), lowshot_core::CoreError>(()) }).unwrap();
//! ```

mod annotate;
mod cascade;
mod retrieval;
mod selector;
mod transitions;
mod worlds;

#[cfg(test)]
mod tests;

pub use annotate::{Annotator, Example, ImperfectOracle, NeighborVote, auto_annotate};
pub use cascade::{Cascade, Counting};
pub use retrieval::{Order, PromptBudget};
pub use selector::{Estimator, Ideal, IdealConfig, Init};
pub use transitions::{MAX_SUCCESSORS, Transitions};
pub use worlds::{Coverage, Worlds};
