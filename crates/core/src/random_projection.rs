//! Random projection with signs (Johnson and Lindenstrauss; Achlioptas 2003): fewer columns that keep distances.

use burn::tensor::{Device, Tensor, TensorData};
use lowshot_kernels::host::add_scaled;

use crate::{CoreError, readback};

/// Products up to which the host projects, so that every device gives the same bits.
const HOST_PRODUCTS: usize = 1 << 28;
/// Columns of the input whose signs are made at once.
const TILE: usize = 256;
/// Rows that a device projects at once.
const BLOCK: usize = 8192;

/// `y = x Ω / √out` with entries of Ω ±1 by an integer hash of (seed, row, column): nothing is stored, and the signs are
/// the same on every platform and device.
///
/// Squared lengths are kept in expectation; with `out` columns, distances to about √(8 ln n / out) relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignProjection {
    /// Chooses the signs.
    pub seed: u64,
    /// Columns of the result, at least 1.
    pub out: usize,
}

impl SignProjection {
    /// The entry of Ω in row `row` (a column of the input) and column `column` (of the result): true is +1.
    pub fn sign(&self, row: usize, column: usize) -> bool {
        self.word(row, column / 64) >> (column % 64) & 1 == 1
    }

    /// Projects rows of `dims` values (row-major). Where `out` is not below `dims` there is nothing to gain, and the rows
    /// come back as they are.
    ///
    /// Up to 2²⁸ products are summed on the host; larger ones are a product on the device by tiles of Ω, whose last
    /// digits depend on the device.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if `out` is 0; [`CoreError::ReadBack`].
    pub async fn apply(&self, rows: Vec<f32>, dims: usize, device: &Device) -> Result<Vec<f32>, CoreError> {
        if self.out == 0 {
            return Err(CoreError::range("project", 0, "at least 1 column"));
        }
        if self.out >= dims || dims == 0 {
            return Ok(rows);
        }
        let count = rows.len() / dims;
        let scale = 1.0 / libm::sqrtf(self.out as f32);
        let mut result = vec![0.0; count * self.out];
        let on_host = rows.len().saturating_mul(self.out) <= HOST_PRODUCTS;
        for start in (0..dims).step_by(TILE) {
            let end = (start + TILE).min(dims);
            let tile = self.tile(start, end, scale);
            if on_host {
                for (row, out) in rows.chunks_exact(dims).zip(result.chunks_exact_mut(self.out)) {
                    for (value, signs) in row[start..end].iter().zip(tile.chunks_exact(self.out)) {
                        add_scaled(out, *value, signs);
                    }
                }
                continue;
            }
            let tile = Tensor::<2>::from_data(TensorData::new(tile, [end - start, self.out]), device);
            for (rows, out) in rows.chunks(BLOCK * dims).zip(result.chunks_mut(BLOCK * self.out)) {
                let part: Vec<f32> =
                    rows.chunks_exact(dims).flat_map(|row| &row[start..end]).copied().collect();
                let part = TensorData::new(part, [rows.len() / dims, end - start]);
                let part = Tensor::<2>::from_data(part, device).matmul(tile.clone());
                let part = readback::floats("projected rows", part).await?;
                out.iter_mut().zip(part).for_each(|(out, part)| *out += part);
            }
        }
        Ok(result)
    }

    /// Rows `start..end` of Ω, times `scale`.
    fn tile(&self, start: usize, end: usize, scale: f32) -> Vec<f32> {
        let mut tile = Vec::with_capacity((end - start) * self.out);
        for row in start..end {
            let mut word = 0;
            for column in 0..self.out {
                if column % 64 == 0 {
                    word = self.word(row, column / 64);
                }
                tile.push(if word & 1 == 1 { scale } else { -scale });
                word >>= 1;
            }
        }
        tile
    }

    /// 64 signs.
    fn word(&self, row: usize, block: usize) -> u64 {
        mix(mix(mix(self.seed) ^ row as u64) ^ block as u64)
    }
}

/// The finaliser of SplitMix64 after one step of its counter.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use futures::executor::block_on;

    #[test]
    fn the_hash_is_splitmix64_and_the_signs_are_pinned() {
        // The first outputs of SplitMix64 from state 0 and from 0x9e3779b97f4a7c15, as published.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
        let projection = SignProjection { seed: 7, out: 100 };
        let tile = projection.tile(3, 5, 1.0);
        for (at, value) in tile.iter().enumerate() {
            assert_eq!(*value > 0.0, projection.sign(3 + at / 100, at % 100));
        }
    }

    #[test]
    fn signs_are_even_and_independent_of_each_other() {
        let projection = SignProjection { seed: 1, out: 256 };
        let tile = projection.tile(0, 256, 1.0);
        let n = tile.len() as f32;
        assert!(tile.iter().sum::<f32>().abs() < 5.0 * n.sqrt());
        for shift in [1, 64, 256] {
            let both: f32 = tile.iter().zip(&tile[shift..]).map(|(a, b)| a * b).sum();
            assert!(both.abs() < 5.0 * n.sqrt(), "{shift}: {both}");
        }
        let other = SignProjection { seed: 2, out: 256 }.tile(0, 256, 1.0);
        let both: f32 = tile.iter().zip(&other).map(|(a, b)| a * b).sum();
        assert!(both.abs() < 5.0 * n.sqrt());
    }

    #[test]
    fn distances_are_kept_and_a_device_agrees_with_the_definition() {
        let (rows, dims) = (12, 300);
        let mut rng = Rng::new(1);
        let data: Vec<f32> = (0..rows * dims).map(|_| rng.normal() as f32).collect();
        let projection = SignProjection { seed: 3, out: 128 };
        let found = block_on(projection.apply(data.clone(), dims, &Device::flex())).unwrap();
        for row in 0..rows {
            for column in [0, 63, 64, 127] {
                let one = |at: usize| f64::from(data[row * dims + at]);
                let sum: f64 =
                    (0..dims).map(|at| if projection.sign(at, column) { one(at) } else { -one(at) }).sum();
                let right = sum / 128f64.sqrt();
                assert!((f64::from(found[row * 128 + column]) - right).abs() < 1e-4 * right.abs().max(1.0));
            }
        }
        let distance = |data: &[f32], dims: usize, a: usize, b: usize| -> f64 {
            let (a, b) = (&data[a * dims..][..dims], &data[b * dims..][..dims]);
            a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        for (a, b) in [(0, 1), (2, 7), (3, 11)] {
            let ratio = distance(&found, 128, a, b) / distance(&data, dims, a, b);
            assert!((0.5..1.6).contains(&ratio), "{ratio}");
        }
        let same = block_on(SignProjection { seed: 3, out: 300 }.apply(data.clone(), dims, &Device::flex()));
        assert_eq!(same.unwrap(), data);
        let none = block_on(SignProjection { seed: 3, out: 0 }.apply(data, dims, &Device::flex()));
        assert!(none.unwrap_err().to_string().contains("project"));
    }

    /// More products than the host takes are a product on the device, with the same signs.
    #[test]
    fn many_rows_are_projected_on_the_device() {
        let (rows, dims, out) = (3000, 700, 128);
        assert!(rows * dims * out > HOST_PRODUCTS);
        let mut rng = Rng::new(2);
        let data: Vec<f32> = (0..rows * dims).map(|_| rng.uniform() as f32 - 0.4).collect();
        let projection = SignProjection { seed: 5, out };
        let many = block_on(projection.apply(data.clone(), dims, &Device::flex())).unwrap();
        for start in [0, 1499, 2990] {
            let few = data[start * dims..(start + 10) * dims].to_vec();
            let few = block_on(projection.apply(few, dims, &Device::flex())).unwrap();
            let close = |a: &f32, b: &f32| (a - b).abs() < 1e-4 * b.abs().max(1.0);
            assert!(few.iter().zip(&many[start * out..]).all(|(few, many)| close(many, few)));
        }
    }
}
