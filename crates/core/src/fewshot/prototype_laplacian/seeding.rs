//! First prototypes for clustering: k-means++ with distances on the device and choices on the host.

use burn::tensor::Tensor;
use lowshot_kernels::nearest;

use crate::{CoreError, Rng, readback};

/// `k` rows of `x` `[1, N, D]`, each drawn with probability proportional to the squared distance to the nearest one
/// drawn before (Arthur and Vassilvitskii 2007), as `[1, k, D]`.
///
/// If all rows are equal to a drawn one, the next is drawn evenly.
pub(super) async fn k_means_plus_plus(
    x: &Tensor<3>,
    k: usize,
    rng: &mut Rng,
) -> Result<Tensor<3>, CoreError> {
    let [_, n, _] = x.dims();
    let device = x.device();
    let row = |at: usize| x.clone().select(1, readback::indices(vec![at as i32], [1], &device));
    let mut seeds = vec![row(rng.below(n))];
    let mut closest: Vec<f32> = vec![f32::INFINITY; n];
    while seeds.len() < k {
        let newest = seeds[seeds.len() - 1].clone();
        let sqdist = readback::floats("distances to seeds", nearest(x.clone(), newest).sqdist).await?;
        closest.iter_mut().zip(&sqdist).for_each(|(closest, d)| *closest = closest.min(*d));
        // Summed on the host in f64, so that every device draws the same rows.
        let total: f64 = closest.iter().map(|d| f64::from(*d)).sum();
        let at = if total > 0.0 && total.is_finite() {
            let mut left = rng.uniform() * total;
            let drawn = closest.iter().position(|d| {
                left -= f64::from(*d);
                left < 0.0
            });
            // Rounding can leave a rest behind the last row: then it is the last row with any distance.
            drawn.or_else(|| closest.iter().rposition(|d| *d > 0.0)).unwrap_or(0)
        } else {
            rng.below(n)
        };
        seeds.push(row(at));
    }
    Ok(Tensor::cat(seeds, 1))
}
