//! A pool of embeddings of length 1, and the graph of its most similar rows.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use lowshot_kernels::MAX_NEIGHBORS;

use crate::{CoreError, readback, rng::fnv1a};

/// Products up to which similarities of a pool are summed on the host, so that every device gives the same bits.
const HOST_PRODUCTS: usize = 1 << 26;
/// Candidates beyond `k` that a device may rank wrongly by its rounding without a neighbour being lost.
const SLACK: usize = 4;
/// Rows of similarities that are computed and read at once.
const BLOCK: usize = 128;

/// Rows of a pool, scaled to length 1, on the host and on a device.
#[derive(Clone, Debug)]
pub struct Embeddings {
    rows: usize,
    dims: usize,
    data: Vec<f32>,
    x: Tensor<2>,
}

impl Embeddings {
    /// Takes `rows` × `dims` values, row-major, and divides each row by its Euclidean length (summed in f64).
    ///
    /// # Errors
    /// [`CoreError::Shape`] if there is no row, no column, or another number of values; [`CoreError::NotFinite`];
    /// [`CoreError::OutOfRange`] names a row that is zero in every column, as cosine similarity needs a direction.
    pub fn new(mut data: Vec<f32>, rows: usize, dims: usize, device: &Device) -> Result<Self, CoreError> {
        if rows == 0 || dims == 0 || rows.checked_mul(dims) != Some(data.len()) {
            let expected = format!("must hold {} values in at least one row and one column", data.len());
            return Err(CoreError::Shape {
                what: "the pool of embeddings",
                found: vec![rows, dims],
                expected,
            });
        }
        for (at, row) in data.chunks_exact_mut(dims).enumerate() {
            let square: f64 = row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
            if !square.is_finite() {
                return Err(CoreError::NotFinite { what: "the pool of embeddings" });
            }
            if square == 0.0 {
                let value = format!("zero in every column of row {at}");
                let range = "rows with a direction, as cosine similarity needs one: remove that row";
                return Err(CoreError::range("features", value, range));
            }
            let length = libm::sqrt(square);
            row.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
        }
        let x = Tensor::from_data(TensorData::new(data.clone(), [rows, dims]), device);
        Ok(Self { rows, dims, data, x })
    }

    /// The pool of some of the rows, in the order given; rows beyond the last are left out.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if no row is left.
    pub fn subset(&self, rows: &[usize]) -> Result<Self, CoreError> {
        let data: Vec<f32> = rows.iter().flat_map(|row| self.row(*row)).copied().collect();
        let rows = data.len() / self.dims;
        if rows == 0 {
            let expected = format!("must name at least one of the {} rows of the pool", self.rows);
            return Err(CoreError::Shape { what: "a part of the pool", found: vec![0], expected });
        }
        let x = Tensor::from_data(TensorData::new(data.clone(), [rows, self.dims]), &self.x.device());
        Ok(Self { rows, dims: self.dims, data, x })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All values, row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Values in a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Row `row`, of length 1; empty beyond the last.
    pub fn row(&self, row: usize) -> &[f32] {
        let start = row.saturating_mul(self.dims);
        self.data.get(start..start.saturating_add(self.dims)).unwrap_or_default()
    }

    /// All rows as a tensor `[rows, dims]`.
    pub fn tensor(&self) -> &Tensor<2> {
        &self.x
    }

    /// Cosine similarity of two rows in f64, the same bits on every platform; 0 beyond the last row.
    pub fn similarity(&self, a: usize, b: usize) -> f64 {
        cosine(self.row(a), self.row(b))
    }

    /// Cosine similarities of the rows `of` to all rows, row-major `of.len()` × `rows`.
    ///
    /// Pools of up to 2²⁶ products (rows² · dims) are summed on the host; larger ones are a product on the device,
    /// whose last digits depend on the device.
    ///
    /// # Errors
    /// [`CoreError::ReadBack`] if the device fails.
    pub async fn similarities(&self, of: &[usize]) -> Result<Vec<f32>, CoreError> {
        if self.rows.saturating_mul(self.rows).saturating_mul(self.dims) <= HOST_PRODUCTS {
            let one = |a: &usize| {
                let row = self.row(*a);
                self.data.chunks_exact(self.dims).map(move |other| cosine(row, other) as f32)
            };
            return Ok(of.iter().flat_map(one).collect());
        }
        let index = readback::indices(of.iter().map(|a| *a as i32).collect(), [of.len()], &self.x.device());
        let chosen = self.x.clone().select(0, index);
        readback::floats("similarities", chosen.matmul(self.x.clone().transpose())).await
    }

    /// The first of each group of equal rows, ascending: what is left of a pool without its duplicates.
    pub fn distinct(&self) -> Vec<usize> {
        let mut seen: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut kept = Vec::new();
        for at in 0..self.rows {
            let row = self.row(at);
            let bytes: Vec<u8> = row.iter().flat_map(|v| (v + 0.0).to_le_bytes()).collect();
            let alike = seen.entry(fnv1a(&bytes)).or_default();
            if alike.iter().all(|other| self.row(*other) != row) {
                alike.push(at);
                kept.push(at);
            }
        }
        kept
    }
}

/// Product of two rows in f64, summed in four lanes in a fixed order.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0f64; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = left.remainder().iter().zip(right.remainder());
    let rest: f64 = rest.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    for (x, y) in left.zip(right) {
        for lane in 0..4 {
            lanes[lane] += f64::from(x[lane]) * f64::from(y[lane]);
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

/// The most similar other rows of each row, most similar first.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarityGraph {
    rows: usize,
    degree: usize,
    index: Vec<u32>,
    similarity: Vec<f32>,
}

impl SimilarityGraph {
    /// The `degree` most similar other rows of each row, ties to the lower index; a row is never its own neighbour.
    ///
    /// Up to 32 neighbours are found by `lowshot_kernels::knn` on the device (on rows of length 1 the order by
    /// squared distance is the order by cosine); more, by tiles of similarities. The candidates and four more are then
    /// ranked by their exact cosine on the host, so the rounding of a device does not change the graph.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if `degree` is 0 or not below the number of rows; [`CoreError::ReadBack`].
    pub async fn build(pool: &Embeddings, degree: usize) -> Result<Self, CoreError> {
        let rows = pool.rows();
        if degree == 0 || degree >= rows {
            let range = format!("1 to {}, below the number of rows of the pool", rows.saturating_sub(1));
            return Err(CoreError::range("successors", degree, range));
        }
        let wanted = (degree + SLACK).min(rows - 1);
        let candidates = if degree <= MAX_NEIGHBORS {
            let wanted = wanted.min(MAX_NEIGHBORS);
            let found = lowshot_kernels::knn(pool.tensor().clone().unsqueeze_dim::<3>(0), wanted);
            let index = readback::integers("neighbours", found.index).await?;
            index.into_iter().map(|at| at as usize).collect()
        } else {
            by_tiles(pool, wanted).await?
        };
        let wanted = candidates.len() / rows;
        let mut graph = Self { rows, degree, index: Vec::new(), similarity: Vec::new() };
        graph.index.reserve(rows * degree);
        graph.similarity.reserve(rows * degree);
        for (row, candidates) in candidates.chunks_exact(wanted.max(1)).enumerate() {
            let mut ranked: Vec<(f64, usize)> =
                candidates.iter().map(|other| (pool.similarity(row, *other), *other)).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for (similarity, other) in ranked.into_iter().take(degree) {
                graph.index.push(other as u32);
                graph.similarity.push(similarity as f32);
            }
        }
        Ok(graph)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Neighbours of each row.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The most similar other rows of `row`, most similar first; empty beyond the last row.
    pub fn neighbors(&self, row: usize) -> &[u32] {
        let start = row.saturating_mul(self.degree);
        self.index.get(start..start.saturating_add(self.degree)).unwrap_or_default()
    }

    /// The cosine similarities to them.
    pub fn similarities(&self, row: usize) -> &[f32] {
        let start = row.saturating_mul(self.degree);
        self.similarity.get(start..start.saturating_add(self.degree)).unwrap_or_default()
    }
}

/// The `wanted` most similar other rows of each row, in no order, from tiles of [`BLOCK`] rows of similarities.
async fn by_tiles(pool: &Embeddings, wanted: usize) -> Result<Vec<usize>, CoreError> {
    let rows = pool.rows();
    let mut candidates = Vec::with_capacity(rows * wanted);
    for start in (0..rows).step_by(BLOCK) {
        let block: Vec<usize> = (start..(start + BLOCK).min(rows)).collect();
        let tile = pool.similarities(&block).await?;
        for (row, line) in block.iter().zip(tile.chunks_exact(rows)) {
            let mut others: Vec<usize> = (0..rows).filter(|other| other != row).collect();
            if wanted < others.len() {
                others.select_nth_unstable_by(wanted, |a, b| line[*b].total_cmp(&line[*a]).then(a.cmp(b)));
                others.truncate(wanted);
            }
            candidates.extend(others);
        }
    }
    Ok(candidates)
}
