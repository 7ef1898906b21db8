//! Prototype clustering with a Laplacian term, and its many special cases.
//!
//! Ziko, Boudiaf, Dolz, Granger, Ben Ayed, "Transductive Few-Shot Learning: Clustering is All You Need?",
//! arXiv 2106.09516 (2021), with its predecessors LaplacianShot (arXiv 2006.15486) and Scalable Laplacian K-modes
//! (arXiv 1810.13044).
//!
//! Points x_p get assignments z_p on the simplex, clusters get prototypes m_c, and a graph of nearest neighbours
//! asks near points to share a cluster. The relaxed objective is
//!
//! ```text
//! R(Z, M) = Σ_p z_p·log z_p + Σ_p Σ_c z_pc d(x_p, m_c) − (λ/2) Σ_pq w_pq z_p·z_q
//! ```
//!
//! and each inner step is z_p ← softmax(−d(x_p, ·) + λ Σ_q w_pq z_q), all rows at once.
//!
//! The official procedure tests its convergence on an energy with λ in place of λ/2, which can go up between
//! steps; that is reproduced here. R itself cannot increase if the graph is symmetric and positive semi-definite:
//! [`PrototypeLaplacianConfig::monotone`].

mod classifier;
mod cluster;
mod config;
mod graph;
mod laplacian_shot;
mod mean_shift;
mod mode;
mod prototypes;
mod seeding;
mod solver;
mod trace;

#[cfg(test)]
mod tests;

pub use classifier::PrototypeLaplacian;
pub(crate) use classifier::support_means;
pub use cluster::{ClusterConfig, ClusterParams, Clustering, MAX_DENSE_ROWS, PrototypeClustering};
pub use config::{GraphKind, Inertia, Params, PrototypeLaplacianConfig, SigmaNorm};
pub use laplacian_shot::rectify_prototypes;
pub use mode::Mode;
pub(crate) use prototypes::one_hot;
