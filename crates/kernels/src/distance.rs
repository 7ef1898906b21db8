//! Squared Euclidean distances: all pairs, nearest neighbours, nearest prototype.

use burn::tensor::{Int, Tensor};

use crate::extension::{self, Route};
use crate::reference;

/// The largest `k` that [`knn`] accepts: the running list of a row stays in registers or cache.
pub const MAX_NEIGHBORS: usize = 32;

/// The nearest other rows of each row; see [`knn`].
#[derive(Clone, Debug)]
pub struct Neighbors {
    /// Row numbers within the episode, `[B, N, k]`, ascending by (distance, index).
    pub index: Tensor<3, Int>,
    /// Squared Euclidean distances to them, `[B, N, k]`, in squared units of the input.
    pub sqdist: Tensor<3>,
}

/// The nearest prototype of each row; see [`nearest`].
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Prototype numbers `0..M`, `[B, N]`; the lower number wins a tie.
    pub label: Tensor<2, Int>,
    /// Squared Euclidean distance to that prototype, `[B, N]`.
    pub sqdist: Tensor<2>,
}

/// Squared Euclidean distances of all rows of `x` `[B, N, D]` to all rows of `y` `[B, M, D]`, as `[B, N, M]`.
///
/// Never negative. The fused forms sum `(x - y)²` directly, so equal rows give exactly 0 and near rows lose no
/// digits; the reference uses `|x|² + |y|² - 2x·y`, clamped at 0.
///
/// # Panics
/// If the batch or feature dimensions of `x` and `y` differ.
pub fn pairwise_sqdist(x: Tensor<3>, y: Tensor<3>) -> Tensor<3> {
    check_pair("pairwise_sqdist", "y", &x, &y);
    match extension::route(&x.device()) {
        Route::Fused => extension::pairwise_sqdist(x, y),
        Route::Reference => reference::pairwise_sqdist(x, y),
    }
}

/// The `k` nearest other rows of each row of `x` `[B, N, D]`, ascending by (distance, index).
///
/// A row is never its own neighbour, even where duplicates of it exist. The N×N matrix is never stored: distances
/// are computed tile by tile and only the best `k` of a row are kept.
///
/// # Panics
/// If `k` is 0, above [`MAX_NEIGHBORS`], or not below `N`.
pub fn knn(x: Tensor<3>, k: usize) -> Neighbors {
    let [_, n, _] = x.dims();
    assert!((1..=MAX_NEIGHBORS).contains(&k), "knn: k = {k} must be within 1..={MAX_NEIGHBORS}");
    assert!(k < n, "knn: k = {k} must be below the number of rows, which is {n}");
    match extension::route(&x.device()) {
        Route::Fused => extension::knn(x, k),
        Route::Reference => reference::knn(x, k),
    }
}

/// The nearest of the `M` rows of `prototypes` `[B, M, D]` for each row of `x` `[B, N, D]`, without storing N×M.
///
/// Ties go to the lower prototype number. The choice is made on `|m|²/2 - x·m` (which saves half of the
/// arithmetic and can confuse two prototypes only when their distances agree to about 1e-6 of `|x|²`); the distance
/// returned is summed directly.
///
/// # Panics
/// If the batch or feature dimensions differ or there is no prototype.
pub fn nearest(x: Tensor<3>, prototypes: Tensor<3>) -> Nearest {
    check_pair("nearest", "prototypes", &x, &prototypes);
    assert!(prototypes.dims()[1] > 0, "nearest: there is no prototype to choose from");
    match extension::route(&x.device()) {
        Route::Fused => extension::nearest(x, prototypes),
        Route::Reference => reference::nearest(x, prototypes),
    }
}

fn check_pair(kernel: &str, name: &str, x: &Tensor<3>, y: &Tensor<3>) {
    let ([bx, _, dx], [by, m, dy]) = (x.dims(), y.dims());
    assert!(
        bx == by && dx == dy,
        "{kernel}: {name} has shape {:?}, expected [{bx}, _, {dx}] to match x",
        [by, m, dy]
    );
}
