//! Few-shot methods.

mod prototype_laplacian;

pub use prototype_laplacian::PrototypeLaplacian;
