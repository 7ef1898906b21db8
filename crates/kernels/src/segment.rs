//! Sums of rows by class, the first half of every mean.

use burn::tensor::{Int, Tensor};

use crate::extension::{self, Route};
use crate::reference;

/// Per-class sums `[B, k, D]` and counts `[B, k]` of the rows of `x` `[B, N, D]` by `label` `[B, N]`.
///
/// Labels outside `0..k` count nowhere. An empty class has sum 0 and count 0. Flex adds in blocks of rows whose
/// partial sums are added in a fixed order, so results do not depend on the number of threads.
///
/// # Panics
/// If `label` does not have one entry for each row, or `k` is 0.
pub fn segment_sum(x: Tensor<3>, label: Tensor<2, Int>, k: usize) -> (Tensor<3>, Tensor<2>) {
    let [b, n, _] = x.dims();
    assert!(
        label.dims() == [b, n],
        "segment_sum: label has shape {:?}, expected [{b}, {n}] to match x",
        label.dims()
    );
    assert!(k > 0, "segment_sum: k must be at least 1");
    match extension::route(&x.device()) {
        Route::Fused => extension::segment_sum(x, label, k),
        Route::Reference => reference::segment_sum(x, label, k),
    }
}
