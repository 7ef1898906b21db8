//! The special cases of the method: one unary cost, one prototype step and a Laplacian or none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A special case of the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Each query gets the class of the nearest mean of the support rows (SimpleShot); with rectified prototypes,
    /// BD-CSPN.
    NearestPrototype,
    /// K-means started at the support means; no Laplacian.
    KMeans,
    /// K-modes: prototypes are density modes found by mean-shift, the cost is a Gaussian kernel; no Laplacian.
    KModes,
    /// K-means with the Laplacian.
    #[default]
    SlkMeans,
    /// K-modes by mean-shift with the Laplacian.
    SlkMs,
    /// Kernel cost; a prototype is the point that belongs most to its cluster; with the Laplacian.
    SlkBo,
    /// Kernel cost; a prototype is the member with the densest surrounding in its cluster; with the Laplacian.
    SlkKm,
    /// LaplacianShot: prototypes fixed at the (rectified) support means, Laplacian over the queries only.
    LaplacianShot,
    /// K-means in the feature space of a Gaussian kernel, with the Laplacian if λ > 0.
    KernelKMeans,
}

/// What a prototype is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrototypeStep {
    /// The mean of the members.
    Mean,
    /// The fixed point of mean-shift inside the cluster.
    MeanShift,
    /// The point with the largest assignment; in the first iteration [`PrototypeStep::Medoid`].
    BestPoint,
    /// The member with the largest kernel sum to the other members.
    Medoid,
}

impl Mode {
    /// All modes, in the order in which they are explained.
    pub const ALL: [Mode; 9] = [
        Mode::NearestPrototype,
        Mode::KMeans,
        Mode::KModes,
        Mode::SlkMeans,
        Mode::SlkMs,
        Mode::SlkBo,
        Mode::SlkKm,
        Mode::LaplacianShot,
        Mode::KernelKMeans,
    ];

    /// The name used in configurations, e.g. `slk-ms`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::NearestPrototype => "nearest-prototype",
            Mode::KMeans => "k-means",
            Mode::KModes => "k-modes",
            Mode::SlkMeans => "slk-means",
            Mode::SlkMs => "slk-ms",
            Mode::SlkBo => "slk-bo",
            Mode::SlkKm => "slk-km",
            Mode::LaplacianShot => "laplacian-shot",
            Mode::KernelKMeans => "kernel-k-means",
        }
    }

    /// Whether the mode has a Laplacian term (if λ > 0).
    pub fn has_laplacian(self) -> bool {
        !matches!(self, Mode::NearestPrototype | Mode::KMeans | Mode::KModes)
    }

    /// Whether the mode has a Gaussian kernel, and so a bandwidth σ.
    pub fn has_bandwidth(self) -> bool {
        matches!(self, Mode::KModes | Mode::SlkMs | Mode::SlkBo | Mode::SlkKm | Mode::KernelKMeans)
    }

    pub(super) fn prototype_step(self) -> PrototypeStep {
        match self {
            Mode::KModes | Mode::SlkMs => PrototypeStep::MeanShift,
            Mode::SlkBo => PrototypeStep::BestPoint,
            Mode::SlkKm => PrototypeStep::Medoid,
            _ => PrototypeStep::Mean,
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
