//! What can be set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::select::check_budget;
use crate::{CoreError, Rng};

/// How the pool is cut into shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShardOrder {
    /// Rows are shuffled first; every row belongs to a shard.
    #[default]
    Shuffled,
    /// Consecutive rows, as in the official code: a sorted pool gives shards of one topic each, and the last N mod
    /// shards rows can never be chosen.
    Contiguous,
}

/// Configuration of [`AddOneIn`](super::AddOneIn).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AddOneInConfig {
    /// Rows to choose K, the random first ones included: 1 to the rows of the pool.
    pub budget: usize,
    /// Context window a: chosen rows shown with a question, at least 1.
    pub context: usize,
    /// Option window b: candidates shown with a question, at least 1 (at most 26 if they have letters).
    pub options: usize,
    /// Random first rows n₀ of every shard, at least 1; no more than a shard chooses.
    pub initial: usize,
    /// Parts of the pool that are chosen from independently, at least 1 and at most the budget.
    pub shards: usize,
    /// How the pool is cut.
    pub shard_order: ShardOrder,
    /// How often a question that was not answered is replaced by a fresh one before a random option is taken.
    pub retries: usize,
}

impl Default for AddOneInConfig {
    /// The settings of the official open-weights script, with one shard and at most 10 retries.
    fn default() -> Self {
        Self {
            budget: 100,
            context: 10,
            options: 10,
            initial: 10,
            shards: 1,
            shard_order: ShardOrder::default(),
            retries: 10,
        }
    }
}

/// The part of a pool that one loop chooses from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// Its rows, in the order of the pool.
    pub rows: Vec<usize>,
    /// Rows to choose.
    pub budget: usize,
}

impl AddOneInConfig {
    /// Checks every field against a pool of `rows` rows.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] that names the field and its range.
    pub fn check(&self, rows: usize) -> Result<(), CoreError> {
        check_budget(self.budget, rows)?;
        for (field, value) in [
            ("context", self.context),
            ("options", self.options),
            ("initial", self.initial),
            ("shards", self.shards),
        ] {
            if value == 0 {
                return Err(CoreError::range(field, 0, "at least 1"));
            }
        }
        let most = self.budget.min(rows);
        if self.shards > most {
            return Err(CoreError::range("shards", self.shards, format!("1 to {most}, the budget")));
        }
        let (smallest_budget, smallest_shard) = (self.budget / self.shards, rows / self.shards);
        if self.initial > smallest_budget {
            let range = format!("1 to {smallest_budget}, the rows chosen from each shard");
            return Err(CoreError::range("initial", self.initial, range));
        }
        // A shuffled pool gives the larger budgets to the larger shards; contiguous shards are all of one size.
        if self.shard_order == ShardOrder::Contiguous && self.budget.div_ceil(self.shards) > smallest_shard {
            let range = format!("1 to {}, as the last rows belong to no shard", smallest_shard * self.shards);
            return Err(CoreError::range("budget", self.budget, range));
        }
        Ok(())
    }

    /// Cuts the pool.
    pub(super) fn cut(&self, rows: usize, rng: &Rng) -> Vec<Shard> {
        let mut order: Vec<usize> = (0..rows).collect();
        let part = |total: usize, at: usize| total / self.shards + usize::from(at < total % self.shards);
        let mut start = 0;
        if self.shard_order == ShardOrder::Shuffled && self.shards > 1 {
            rng.split("shards").shuffle(&mut order);
        }
        (0..self.shards)
            .map(|at| {
                let size = match self.shard_order {
                    ShardOrder::Shuffled => part(rows, at),
                    ShardOrder::Contiguous => rows / self.shards,
                };
                let mut rows = order[start..start + size].to_vec();
                rows.sort_unstable();
                start += size;
                Shard { rows, budget: part(self.budget, at) }
            })
            .collect()
    }
}
