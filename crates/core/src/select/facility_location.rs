//! Facility location: rows to which all rows are similar.

use super::lazy::{Candidate, Queue};
use super::{Embeddings, Selection, SelectionObserver, Selector, check_budget, choose, work};
use crate::{CoreError, Rng};
use std::collections::VecDeque;

/// Rows of similarities computed and read at once.
const BLOCK: usize = 128;
/// Gains computed between two questions to the observer.
const GAINS: usize = 256;

/// Greedy maximisation of Σ_j max(−1, max_{i∈S} cos(x_i, x_j)), by lazy evaluation (CELF); ties to the lower index.
///
/// The score of a row is its marginal gain Σ_j max(0, s_vj − cur_j), cur_j = −1 at the start. Gains are sums in f64 of
/// similarities in f32. No randomness is used.
///
/// Rows of similarities are computed in tiles when they are needed and kept up to [`FacilityLocation::memory`] bytes,
/// the oldest thrown away first. With the default all of them fit up to 11,585 rows; larger pools compute rows anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FacilityLocation {
    /// Bytes of similarities that are kept (default 512 MiB; at least one tile of 128 rows is).
    pub memory: usize,
}

impl Default for FacilityLocation {
    fn default() -> Self {
        Self { memory: 512 << 20 }
    }
}

impl Selector for FacilityLocation {
    type Pool = Embeddings;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Embeddings,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let rows = pool.rows();
        check_budget(budget, rows)?;
        let mut tiles = Tiles::new(pool, self.memory);
        let mut queue: Queue = first_gains(pool).collect();
        let mut covered = vec![-1.0f32; rows];
        let mut selection = Selection::default();
        let mut computed = 0;
        while let Some(top) = queue.pop() {
            let known = selection.rows.len();
            let line = match tiles.get(top.row) {
                Some(line) => line,
                None => {
                    // The next in the queue will most likely be asked for as well.
                    let mut wanted = vec![top];
                    while wanted.len() < BLOCK
                        && let Some(next) = queue.pop()
                    {
                        wanted.push(next);
                    }
                    let missing = wanted.iter().map(|c| c.row).filter(|row| tiles.get(*row).is_none());
                    let missing: Vec<usize> = missing.collect();
                    queue.extend(wanted.into_iter().skip(1));
                    work(observer).await?;
                    tiles.load(&missing).await?;
                    tiles.get(top.row).unwrap_or_default()
                }
            };
            if top.known < known {
                let gains = line.iter().zip(&covered).map(|(s, c)| f64::from((s - c).max(0.0)));
                queue.push(Candidate { gain: gains.sum(), known, ..top });
                computed += 1;
                if computed % GAINS == 0 {
                    work(observer).await?;
                }
                continue;
            }
            covered.iter_mut().zip(line).for_each(|(c, s)| *c = c.max(*s));
            tiles.drop(top.row);
            choose(&mut selection, top.row, top.gain, observer).await?;
            if selection.rows.len() == budget {
                break;
            }
        }
        Ok(selection)
    }
}

/// Gains of the first choice, Σ_j (s_vj + 1), without any pair: the sum of a row's products is its product with the sum.
fn first_gains(pool: &Embeddings) -> impl Iterator<Item = Candidate> {
    let mut total = vec![0.0f64; pool.dims()];
    for row in 0..pool.rows() {
        total.iter_mut().zip(pool.row(row)).for_each(|(t, v)| *t += f64::from(*v));
    }
    (0..pool.rows()).map(move |row| {
        let product: f64 = pool.row(row).iter().zip(&total).map(|(v, t)| f64::from(*v) * t).sum();
        Candidate { gain: product + pool.rows() as f64, row, known: 0 }
    })
}

/// Rows of similarities, as many as memory allows.
struct Tiles<'a> {
    pool: &'a Embeddings,
    lines: Vec<Option<Vec<f32>>>,
    order: VecDeque<usize>,
    held: usize,
    limit: usize,
}

impl<'a> Tiles<'a> {
    fn new(pool: &'a Embeddings, memory: usize) -> Self {
        let limit = (memory / (4 * pool.rows())).max(BLOCK);
        Self { pool, lines: vec![None; pool.rows()], order: VecDeque::new(), held: 0, limit }
    }

    fn get(&self, row: usize) -> Option<&[f32]> {
        self.lines.get(row)?.as_deref()
    }

    async fn load(&mut self, rows: &[usize]) -> Result<(), CoreError> {
        while self.held + rows.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.drop(oldest);
        }
        let tile = self.pool.similarities(rows).await?;
        for (row, line) in rows.iter().zip(tile.chunks_exact(self.pool.rows())) {
            self.lines[*row] = Some(line.to_vec());
            self.order.push_back(*row);
            self.held += 1;
        }
        Ok(())
    }

    fn drop(&mut self, row: usize) {
        if self.lines[row].take().is_some() {
            self.held -= 1;
        }
    }
}
