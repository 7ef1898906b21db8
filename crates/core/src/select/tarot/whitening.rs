//! Whitening of candidates and targets together (whitened feature distance, before rows are divided by their length).

use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::target_pool::check_rows;
use super::super::{SelectionObserver, work};
use crate::linalg::{add_outer, cholesky, dot, invert_upper, multiply};
use crate::{CoreError, readback};

/// Products up to which the host computes in f64, so that every device gives the same bits.
const HOST_PRODUCTS: usize = 1 << 27;
/// Rows that a device works on at once, and the host between two looks at the observer.
const BLOCK: usize = 8192;
/// Rows for each column below which the covariance is mostly noise.
const ROWS_PER_COLUMN: usize = 5;
/// Ridge of the automatic rule, and the one for few rows.
const AUTO: (f64, f64) = (1e-5, 1e-3);

/// How rows are whitened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhitenMode {
    /// Y = Z·L⁻ᵀ, whose covariance is the identity.
    #[default]
    Correct,
    /// Y = Z·L⁻¹, which the official code computes by a transposition too many; its covariance is not the identity.
    OfficialCode,
    /// No whitening: rows are centred only.
    None,
}

/// What is added to the diagonal of the covariance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ridge {
    /// 1e-5 of the mean variance, 1e-3 of it with fewer than 5 rows for each column.
    #[default]
    Auto,
    /// This share of the mean variance, trace/P.
    Relative(f64),
    /// This number, which depends on the scale of the features; the official code adds 1e-5.
    Absolute(f64),
}

/// How features become directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WhitenConfig {
    /// How rows are whitened.
    pub mode: WhitenMode,
    /// What is added to the diagonal of the covariance.
    pub ridge: Ridge,
}

/// Whitened rows; not yet of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitened {
    /// Candidates, row-major.
    pub candidates: Vec<f32>,
    /// Targets, row-major.
    pub targets: Vec<f32>,
    /// What was added to the diagonal, in squared units of the features; 0 without whitening.
    pub ridge: f64,
    /// The lower Cholesky factor of the covariance with its ridge, row-major, in units of the features; empty without
    /// whitening.
    pub factor: Vec<f64>,
    /// True if there are fewer than 5 rows for each column, so that whitening amplifies noise: project to fewer columns.
    pub few_rows: bool,
}

/// Subtracts the mean of all rows, candidates and targets together, and whitens with their covariance Σ = ZᵀZ/n + λI =
/// LLᵀ: rows y = L⁻¹z.
///
/// Rows are first divided by their root mean square, so features of any scale are fine. Up to 2²⁷ products (rows ·
/// columns²) everything is f64 on the host; more are products on the device, in f32 by blocks of rows, with sums,
/// factor and inverse in f64.
///
/// # Errors
/// [`CoreError::Shape`], [`CoreError::NotFinite`]; [`CoreError::OutOfRange`] if every column is constant, if a ridge is
/// negative, or if the covariance is singular and no ridge is added; [`CoreError::ReadBack`];
/// [`CoreError::Interrupted`].
pub async fn whiten<O: SelectionObserver>(
    candidates: &[f32],
    targets: &[f32],
    dims: usize,
    config: &WhitenConfig,
    device: &Device,
    observer: &mut O,
) -> Result<Whitened, CoreError> {
    check_rows("the candidates", candidates, dims)?;
    check_rows("the targets", targets, dims)?;
    let count = (candidates.len() + targets.len()) / dims;
    let rows = || candidates.chunks_exact(dims).chain(targets.chunks_exact(dims));
    let mut mean = vec![0.0f64; dims];
    for row in rows() {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v));
    }
    mean.iter_mut().for_each(|m| *m /= count as f64);
    let squares: f64 =
        rows().map(|row| row.iter().zip(&mean).map(|(v, m)| (f64::from(*v) - m).powi(2)).sum::<f64>()).sum();
    let spread = libm::sqrt(squares / count as f64 / dims as f64);
    if !(spread > 0.0 && spread.is_finite()) {
        let value = "constant in every column";
        return Err(CoreError::range(
            "features",
            value,
            "rows that differ, as only differences are compared",
        ));
    }
    let centre = |row: &[f32], out: &mut Vec<f64>| {
        out.extend(row.iter().zip(&mean).map(|(v, m)| (f64::from(*v) - m) / spread));
    };
    let few_rows = count < ROWS_PER_COLUMN * dims;
    if config.mode == WhitenMode::None {
        let plain = |rows: &[f32]| {
            let mut out = Vec::with_capacity(dims);
            let line = |row: &[f32]| {
                out.clear();
                centre(row, &mut out);
                out.iter().map(|v| *v as f32).collect::<Vec<f32>>()
            };
            rows.chunks_exact(dims).flat_map(line).collect()
        };
        return Ok(Whitened {
            candidates: plain(candidates),
            targets: plain(targets),
            ridge: 0.0,
            factor: Vec::new(),
            few_rows,
        });
    }
    let ridge = match config.ridge {
        Ridge::Auto => {
            if few_rows {
                AUTO.1
            } else {
                AUTO.0
            }
        }
        Ridge::Relative(share) => share,
        Ridge::Absolute(value) => value / (spread * spread),
    };
    if !(ridge >= 0.0 && ridge.is_finite()) {
        return Err(CoreError::range("ridge", ridge, "a finite number of at least 0"));
    }
    let on_host = count.saturating_mul(dims).saturating_mul(dims) <= HOST_PRODUCTS;
    let mut blocks = Blocks { dims, device: (!on_host).then_some(device), block: Vec::new() };
    let mut covariance = vec![0.0; dims * dims];
    for part in [candidates, targets] {
        for rows in part.chunks(BLOCK * dims) {
            blocks.load(rows, &centre);
            blocks.add_squares(&mut covariance).await?;
            work(observer).await?;
        }
    }
    covariance.iter_mut().for_each(|v| *v /= count as f64);
    (0..dims).for_each(|at| covariance[at * dims + at] += ridge);
    let mut factor = covariance;
    if !cholesky(&mut factor, dims) {
        let range = "larger: the covariance of the features is singular (columns depend on each other, or there are \
                     fewer rows than columns)";
        return Err(CoreError::range("ridge", ridge, range));
    }
    for at in 0..dims {
        factor[at * dims + at + 1..(at + 1) * dims].fill(0.0);
    }
    let map = Map::new(&factor, dims, config.mode, on_host);
    let mut out = [Vec::with_capacity(candidates.len()), Vec::with_capacity(targets.len())];
    for (part, out) in [candidates, targets].into_iter().zip(&mut out) {
        for rows in part.chunks(BLOCK * dims) {
            blocks.load(rows, &centre);
            blocks.whiten(&map, out).await?;
            work(observer).await?;
        }
    }
    let [candidates, targets] = out;
    factor.iter_mut().for_each(|v| *v *= spread);
    Ok(Whitened { candidates, targets, ridge: ridge * spread * spread, factor, few_rows })
}

/// From a centred row to a whitened one.
enum Map<'a> {
    /// Triangular solves, on the host.
    Solve(&'a [f64], WhitenMode),
    /// The inverse, for products on a device: made in f64, row-major.
    Inverse(Vec<f64>),
}

impl<'a> Map<'a> {
    fn new(factor: &'a [f64], dims: usize, mode: WhitenMode, on_host: bool) -> Self {
        if on_host {
            return Self::Solve(factor, mode);
        }
        // L⁻ᵀ is the inverse of the upper triangular Lᵀ.
        let mut inverse = transpose(factor, dims);
        invert_upper(&mut inverse, dims);
        Self::Inverse(if mode == WhitenMode::OfficialCode { transpose(&inverse, dims) } else { inverse })
    }
}

/// A block of centred rows.
struct Blocks<'a> {
    dims: usize,
    device: Option<&'a Device>,
    block: Vec<f64>,
}

impl Blocks<'_> {
    fn load(&mut self, rows: &[f32], centre: &impl Fn(&[f32], &mut Vec<f64>)) {
        self.block.clear();
        rows.chunks_exact(self.dims).for_each(|row| centre(row, &mut self.block));
    }

    fn tensor(&self, device: &Device) -> Tensor<2> {
        let rows: Vec<f32> = self.block.iter().map(|v| *v as f32).collect();
        let count = rows.len() / self.dims;
        Tensor::from_data(TensorData::new(rows, [count, self.dims]), device)
    }

    /// Adds the products of the columns of the block (at least their lower triangle).
    async fn add_squares(&self, covariance: &mut [f64]) -> Result<(), CoreError> {
        let Some(device) = self.device else {
            self.block.chunks_exact(self.dims).for_each(|row| add_outer(covariance, 1.0, row));
            return Ok(());
        };
        let rows = self.tensor(device);
        let squares = readback::floats("covariance", rows.clone().transpose().matmul(rows)).await?;
        covariance.iter_mut().zip(squares).for_each(|(sum, square)| *sum += f64::from(square));
        Ok(())
    }

    async fn whiten(&mut self, map: &Map<'_>, out: &mut Vec<f32>) -> Result<(), CoreError> {
        let dims = self.dims;
        match (map, self.device) {
            (Map::Solve(factor, mode), _) => {
                for row in self.block.chunks_exact_mut(dims) {
                    match mode {
                        WhitenMode::OfficialCode => solve_left(factor, dims, row),
                        _ => solve_lower(factor, dims, row),
                    }
                }
                out.extend(self.block.iter().map(|v| *v as f32));
            }
            (Map::Inverse(inverse), Some(device)) => {
                let narrow: Vec<f32> = inverse.iter().map(|v| *v as f32).collect();
                let map = Tensor::<2>::from_data(TensorData::new(narrow, [dims, dims]), device);
                out.extend(readback::floats("whitened rows", self.tensor(device).matmul(map)).await?);
            }
            (Map::Inverse(inverse), None) => {
                let mut product = vec![0.0; self.block.len()];
                multiply(&self.block, inverse, dims, dims, &mut product);
                out.extend(product.iter().map(|v| *v as f32));
            }
        }
        Ok(())
    }
}

/// y with L·y = z, in place.
fn solve_lower(factor: &[f64], dims: usize, row: &mut [f64]) {
    for at in 0..dims {
        let line = &factor[at * dims..at * dims + at + 1];
        row[at] = (row[at] - dot(&line[..at], &row[..at])) / line[at];
    }
}

/// y with y·L = z, in place.
fn solve_left(factor: &[f64], dims: usize, row: &mut [f64]) {
    for at in (0..dims).rev() {
        let line = &factor[at * dims..at * dims + at + 1];
        row[at] /= line[at];
        let value = row[at];
        row[..at].iter_mut().zip(line).for_each(|(v, l)| *v -= value * l);
    }
}

fn transpose(matrix: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|at| matrix[at % n * n + at / n]).collect()
}
