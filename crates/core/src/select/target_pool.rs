//! Candidates and the targets they are chosen for, in one space of directions.

use std::cmp::Ordering;

use burn::tensor::{Device, Tensor, TensorData};
use lowshot_kernels::host::dot;

use super::{SelectionObserver, cosine, work};
use crate::optimal_transport::{CostMatrix, Sinkhorn, SinkhornConfig, Transport, uniform};
use crate::{CoreError, readback};

/// Products up to which similarities and distances are summed on the host, so that every device gives the same bits.
const HOST_PRODUCTS: usize = 1 << 26;
/// Similarities that a device computes and the host reads at once.
const BLOCK_VALUES: usize = 1 << 22;
/// Cells of a cost matrix that are worked on between two looks at the observer.
const PIECE: usize = 1 << 24;
/// Length below which a row has no direction.
const SHORTEST: f64 = 1e-12;

/// Candidate and target rows, each scaled to length 1.
///
/// The distance of a candidate to a target is `√(2 − 2 cosine)`, from 0 to 2, summed as the length of the difference, so
/// that equal rows have distance 0. A row of zeros has no direction: its cosine to every row is 0, its distance √2.
#[derive(Clone, Debug)]
pub struct TargetPool {
    dims: usize,
    candidates: Vec<f32>,
    targets: Vec<f32>,
    /// Candidates and targets, where the device does the products.
    device: Option<(Tensor<2>, Tensor<2>)>,
}

/// For each target its most similar candidates, most similar first, ties to the lower candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct NearestCandidates {
    depth: usize,
    candidate: Vec<u32>,
    similarity: Vec<f32>,
}

impl NearestCandidates {
    /// Candidates of each target.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The most similar candidates of `target`, with their cosine; empty beyond the last.
    pub fn of(&self, target: usize) -> impl Iterator<Item = (usize, f32)> {
        let start = target.saturating_mul(self.depth);
        let range = start..start.saturating_add(self.depth);
        let candidates = self.candidate.get(range.clone()).unwrap_or_default();
        let similarity = self.similarity.get(range).unwrap_or_default();
        candidates.iter().map(|at| *at as usize).zip(similarity.iter().copied())
    }

    /// Candidate number `place` of `target`.
    pub fn at(&self, target: usize, place: usize) -> Option<(usize, f32)> {
        if place >= self.depth {
            return None;
        }
        let at = target.saturating_mul(self.depth).saturating_add(place);
        Some((*self.candidate.get(at)? as usize, *self.similarity.get(at)?))
    }
}

impl TargetPool {
    /// Takes rows of `dims` values, row-major, and divides each by its Euclidean length (summed in f64).
    ///
    /// # Errors
    /// [`CoreError::Shape`] without candidates, targets or columns, or with another number of values;
    /// [`CoreError::NotFinite`].
    pub fn new(
        mut candidates: Vec<f32>,
        mut targets: Vec<f32>,
        dims: usize,
        device: &Device,
    ) -> Result<Self, CoreError> {
        for (what, data) in [("the candidates", &mut candidates), ("the targets", &mut targets)] {
            check_rows(what, data, dims)?;
            for row in data.chunks_exact_mut(dims) {
                let length = libm::sqrt(row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum());
                let scale = if length > SHORTEST { 1.0 / length } else { 0.0 };
                row.iter_mut().for_each(|v| *v = (f64::from(*v) * scale) as f32);
            }
        }
        let (n, m) = (candidates.len() / dims, targets.len() / dims);
        let large = n.saturating_mul(m).saturating_mul(dims) > HOST_PRODUCTS;
        let tensor = |data: &Vec<f32>, rows: usize| {
            Tensor::from_data(TensorData::new(data.clone(), [rows, dims]), device)
        };
        let device = large.then(|| (tensor(&candidates, n), tensor(&targets, m)));
        Ok(Self { dims, candidates, targets, device })
    }

    /// Number of candidates.
    pub fn rows(&self) -> usize {
        self.candidates.len() / self.dims
    }

    /// Number of targets.
    pub fn targets(&self) -> usize {
        self.targets.len() / self.dims
    }

    /// Values in a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Candidate `row`, of length 1 (or 0); empty beyond the last.
    pub fn candidate(&self, row: usize) -> &[f32] {
        part(&self.candidates, row, self.dims)
    }

    /// Target `row`, of length 1 (or 0); empty beyond the last.
    pub fn target(&self, row: usize) -> &[f32] {
        part(&self.targets, row, self.dims)
    }

    /// The mean cosine of each candidate to all targets: its product with the mean target.
    pub fn mean_similarities(&self) -> Vec<f64> {
        let mut mean = vec![0.0f64; self.dims];
        for row in self.targets.chunks_exact(self.dims) {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v));
        }
        let count = self.targets() as f64;
        mean.iter_mut().for_each(|m| *m /= count);
        self.candidates
            .chunks_exact(self.dims)
            .map(|row| lowshot_kernels::host::dot_f64(row, &mean))
            .collect()
    }

    /// The `depth` most similar candidates of each target (all, if there are fewer), kept while the similarities pass by:
    /// memory is 16 bytes for each of `depth` × targets, not candidates × targets.
    ///
    /// Up to 2²⁶ products are summed on the host in f64; larger pools by blocks of products on the device, whose last
    /// digits depend on the device.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if `depth` is 0; [`CoreError::ReadBack`]; [`CoreError::Interrupted`].
    pub async fn nearest<O: SelectionObserver>(
        &self,
        depth: usize,
        observer: &mut O,
    ) -> Result<NearestCandidates, CoreError> {
        if depth == 0 {
            return Err(CoreError::range("layers", depth, "at least 1"));
        }
        let depth = depth.min(self.rows());
        let count = self.targets();
        let mut best: Vec<Best> = (0..count).map(|_| Best::new(depth)).collect();
        let height = (BLOCK_VALUES / count).clamp(1, self.rows());
        for start in (0..self.rows()).step_by(height) {
            let end = (start + height).min(self.rows());
            let block = match &self.device {
                None => self.similarities(start, end),
                Some((candidates, targets)) => {
                    let part = candidates.clone().slice([start..end, 0..self.dims]);
                    readback::floats("similarities", part.matmul(targets.clone().transpose())).await?
                }
            };
            for (candidate, line) in (start..end).zip(block.chunks_exact(count)) {
                for (best, similarity) in best.iter_mut().zip(line) {
                    best.offer(candidate as u32, *similarity);
                }
            }
            work(observer).await?;
        }
        let mut found = NearestCandidates { depth, candidate: Vec::new(), similarity: Vec::new() };
        for best in best {
            for (candidate, similarity) in best.ranked() {
                found.candidate.push(candidate);
                found.similarity.push(similarity);
            }
        }
        Ok(found)
    }

    /// Similarities of some candidates to all targets, row-major.
    fn similarities(&self, start: usize, end: usize) -> Vec<f32> {
        let rows = self.candidates[start * self.dims..end * self.dims].chunks_exact(self.dims);
        rows.flat_map(|row| self.targets.chunks_exact(self.dims).map(|t| cosine(row, t) as f32)).collect()
    }

    /// Distances of the candidates `rows` to all targets, row-major; rows beyond the last are left out.
    ///
    /// # Errors
    /// [`CoreError::ReadBack`] if the device fails.
    pub async fn distances(&self, rows: &[usize]) -> Result<Vec<f32>, CoreError> {
        let rows: Vec<usize> = rows.iter().copied().filter(|row| *row < self.rows()).collect();
        let (Some((candidates, targets)), false) = (&self.device, rows.is_empty()) else {
            return Ok(rows
                .iter()
                .flat_map(|row| (0..self.targets()).map(|target| self.distance(*row, target) as f32))
                .collect());
        };
        let index = rows.iter().map(|row| *row as i32).collect();
        let index = readback::indices(index, [rows.len()], &candidates.device());
        let chosen = candidates.clone().select(0, index).unsqueeze_dim::<3>(0);
        let squares = lowshot_kernels::pairwise_sqdist(chosen, targets.clone().unsqueeze_dim::<3>(0));
        let mut found = readback::floats("distances", squares.sqrt()).await?;
        let count = self.targets();
        let empty = |row: &[f32]| dot(row, row) == 0.0;
        let bare: Vec<usize> = (0..count).filter(|target| empty(self.target(*target))).collect();
        for (row, line) in rows.iter().zip(found.chunks_exact_mut(count)) {
            if empty(self.candidate(*row)) {
                line.fill(core::f32::consts::SQRT_2);
            }
            bare.iter().for_each(|target| line[*target] = core::f32::consts::SQRT_2);
        }
        Ok(found)
    }

    /// Distance of a candidate to a target in f64, the same bits on every platform.
    pub fn distance(&self, candidate: usize, target: usize) -> f64 {
        let (a, b) = (self.candidate(candidate), self.target(target));
        let empty = |row: &[f32]| row.iter().all(|v| *v == 0.0);
        if empty(a) || empty(b) {
            return core::f64::consts::SQRT_2;
        }
        let square: f64 = a.iter().zip(b).map(|(x, y)| f64::from(x - y) * f64::from(x - y)).sum();
        libm::sqrt(square).min(2.0)
    }

    /// Transport between the candidates `rows` and the targets (all, or those in `targets`), each with equal masses, at
    /// the cost of the distance itself, not its square.
    ///
    /// # Errors
    /// [`CoreError::Shape`] without rows or targets; what [`Sinkhorn::new`] says of `config`; [`CoreError::Interrupted`].
    pub async fn transport<O: SelectionObserver>(
        &self,
        rows: &[usize],
        targets: Option<&[usize]>,
        config: &SinkhornConfig,
        keep_plan: bool,
        observer: &mut O,
    ) -> Result<Transport, CoreError> {
        let mut costs = self.distances(rows).await?;
        if let Some(targets) = targets {
            costs = columns(&costs, self.targets(), targets);
        }
        let count = targets.map_or(self.targets(), <[usize]>::len);
        transport(costs, count, config, keep_plan, observer).await
    }
}

/// Transport with equal masses, in pieces.
pub(crate) async fn transport<O: SelectionObserver>(
    costs: Vec<f32>,
    count: usize,
    config: &SinkhornConfig,
    keep_plan: bool,
    observer: &mut O,
) -> Result<Transport, CoreError> {
    let rows = costs.len().checked_div(count).unwrap_or(0);
    let cost = CostMatrix::new(costs, rows, count)?;
    let mut solver = Sinkhorn::new(cost, &uniform(rows), &uniform(count), config)?;
    while !solver.advance(PIECE) {
        work(observer).await?;
    }
    Ok(solver.finish(keep_plan))
}

/// Some columns of a row-major matrix.
pub(crate) fn columns(values: &[f32], width: usize, wanted: &[usize]) -> Vec<f32> {
    values.chunks_exact(width.max(1)).flat_map(|line| wanted.iter().map(|at| line[*at])).collect()
}

/// Checks rows of a matrix.
pub(crate) fn check_rows(what: &'static str, data: &[f32], dims: usize) -> Result<(), CoreError> {
    if dims == 0 || data.is_empty() || !data.len().is_multiple_of(dims) {
        let found = vec![data.len().checked_div(dims).unwrap_or(0), dims];
        let expected = format!("must hold {} values in at least one row and one column", data.len());
        return Err(CoreError::Shape { what, found, expected });
    }
    if !data.iter().all(|v| v.is_finite()) {
        return Err(CoreError::NotFinite { what });
    }
    Ok(())
}

fn part(data: &[f32], row: usize, dims: usize) -> &[f32] {
    let start = row.saturating_mul(dims);
    data.get(start..start.saturating_add(dims)).unwrap_or_default()
}

/// The best of what passes by: a list that is cut to `depth` when it is twice as long.
struct Best {
    depth: usize,
    least: f32,
    kept: Vec<(u32, f32)>,
}

fn rank(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Best {
    fn new(depth: usize) -> Self {
        Self { depth, least: f32::NEG_INFINITY, kept: Vec::new() }
    }

    /// Candidates come in ascending order, so one that only equals the least kept one is not better.
    fn offer(&mut self, candidate: u32, similarity: f32) {
        if similarity <= self.least {
            return;
        }
        self.kept.push((candidate, similarity));
        if self.kept.len() >= 2 * self.depth.max(8) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.depth {
            self.kept.select_nth_unstable_by(self.depth - 1, rank);
            self.kept.truncate(self.depth);
            self.least = self.kept.last().map_or(self.least, |worst| worst.1);
        }
    }

    fn ranked(mut self) -> Vec<(u32, f32)> {
        self.cut();
        self.kept.sort_unstable_by(rank);
        self.kept
    }
}
