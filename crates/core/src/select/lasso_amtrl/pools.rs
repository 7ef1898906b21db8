//! Tasks with a finite pool of samples each, and the method as a selector of their rows.

use super::{ActiveSampling, Moments, TaskSource};
use crate::select::{Selection, SelectionObserver, Selector, check_budget, choose};
use crate::{CoreError, Rng};

/// Samples of one task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPool {
    /// Inputs, n × d.
    pub x: Vec<f32>,
    /// Labels, n.
    pub y: Vec<f32>,
}

/// The samples of all source tasks, and the few of the target.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPools {
    dims: usize,
    sources: Vec<TaskPool>,
    target: TaskPool,
}

impl TaskPools {
    /// Checks that inputs and labels belong together.
    ///
    /// # Errors
    /// [`CoreError::Shape`] without tasks or inputs, for an empty task, or where rows and labels differ;
    /// [`CoreError::NotFinite`].
    pub fn new(dims: usize, sources: Vec<TaskPool>, target: TaskPool) -> Result<TaskPools, CoreError> {
        if dims == 0 || sources.is_empty() {
            return Err(CoreError::Shape {
                what: "source tasks",
                found: vec![sources.len(), dims],
                expected: "there must be at least one task and one input".to_owned(),
            });
        }
        for pool in sources.iter().chain([&target]) {
            if pool.y.is_empty() || pool.x.len() != pool.y.len() * dims {
                return Err(CoreError::Shape {
                    what: "samples of a task",
                    found: vec![pool.x.len(), pool.y.len()],
                    expected: format!("there must be {dims} inputs for each label, and at least one label"),
                });
            }
            if pool.x.iter().chain(&pool.y).any(|v| !v.is_finite()) {
                return Err(CoreError::NotFinite { what: "samples of a task" });
            }
        }
        Ok(TaskPools { dims, sources, target })
    }

    /// Samples of all source tasks. Rows are numbered through, task after task.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.sources.iter().map(|pool| pool.y.len()).sum()
    }

    /// The sums of the target's samples.
    #[must_use]
    pub fn target(&self) -> Moments {
        let mut moments = Moments::new(1, self.dims);
        for row in 0..self.target.y.len() {
            add(&self.target, self.dims, row, 0, &mut moments);
        }
        moments
    }

    /// Draws without replacement, in an order that depends on `rng` alone: strategies see the same samples.
    #[must_use]
    pub fn draws(&self, rng: &Rng) -> PoolDraws<'_> {
        let order = |(t, pool): (usize, &TaskPool)| rng.at(t as u64).sample(pool.y.len(), pool.y.len());
        let orders: Vec<Vec<usize>> = self.sources.iter().enumerate().map(order).collect();
        PoolDraws { pools: self, next: vec![0; orders.len()], orders, drawn: Vec::new() }
    }
}

/// Draws from pools, with a log.
#[derive(Clone, Debug)]
pub struct PoolDraws<'a> {
    pools: &'a TaskPools,
    orders: Vec<Vec<usize>>,
    next: Vec<usize>,
    drawn: Vec<(usize, usize)>,
}

impl PoolDraws<'_> {
    /// Task and row within its pool of every draw, in order.
    #[must_use]
    pub fn log(&self) -> &[(usize, usize)] {
        &self.drawn
    }
}

impl TaskSource for PoolDraws<'_> {
    fn tasks(&self) -> usize {
        self.orders.len()
    }

    fn left(&self, task: usize) -> usize {
        self.orders[task].len() - self.next[task]
    }

    fn draw(&mut self, task: usize, count: usize, into: &mut Moments) {
        let pools = self.pools;
        for _ in 0..count.min(self.left(task)) {
            let row = self.orders[task][self.next[task]];
            self.next[task] += 1;
            self.drawn.push((task, row));
            add(&pools.sources[task], pools.dims, row, task, into);
        }
    }
}

fn add(pool: &TaskPool, dims: usize, row: usize, task: usize, into: &mut Moments) {
    let x: Vec<f64> = pool.x[row * dims..(row + 1) * dims].iter().map(|v| f64::from(*v)).collect();
    into.add(task, &x, f64::from(pool.y[row]));
}

impl Selector for ActiveSampling {
    type Pool = TaskPools;

    /// The score of a row is the final |ν| of its task. With costs the budget is still a number of rows, at a cost of 1.
    async fn select<O: SelectionObserver>(
        &self,
        pool: &TaskPools,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let mut draws = pool.draws(rng);
        let found = self.run(&mut draws, &pool.target(), budget as f64, observer).await?;
        let mut starts = Vec::with_capacity(pool.sources.len());
        let mut at = 0;
        for source in &pool.sources {
            starts.push(at);
            at += source.y.len();
        }
        let mut selection = Selection::default();
        for (task, row) in draws.log() {
            choose(&mut selection, starts[*task] + row, found.relevance[*task].abs(), observer).await?;
        }
        Ok(selection)
    }
}
