//! Learning to actively learn (Zhang, Jain, Jamieson; arXiv 2010.15382): a query policy trained against the worst case.
//!
//! A game has T noisy queries and ends with the recommendation of a hypothesis. [`complexity`] says how hard an instance
//! is; instances of equal difficulty form classes ([`Family`]). [`Trainer`] trains a small network against an adversary who
//! looks for the instances of each class on which it does worst, compared with the best V_k that is possible in the class.
//! Small games are solved exactly ([`States`], [`ExactGame`], [`MinMax`]), and any [`CountPolicy`] has its exact losses
//! there; elsewhere [`simulate`] plays.
//!
//! ```
//! use lowshot_core::select::learn_to_active_learn::{ExactGame, MinMax, Problem, States};
//!
//! // Two arms, five pulls: the sign test, P(Bin(5, 0.7) ≤ 2).
//! let problem = Problem::best_arm(2, 5)?;
//! let states = States::new(&problem)?;
//! let game = ExactGame::new(&problem, &states, &[vec![0.4, -0.4], vec![-0.4, 0.4]])?;
//! let mut minmax = MinMax::new(game, vec![0.0, 0.0])?;
//! for _ in 0..1000 {
//!     minmax.step();
//! }
//! let (lower, upper) = minmax.bounds();
//! assert!((lower - 0.163080).abs() < 5e-4 && (upper - 0.163080).abs() < 5e-4);
//! # Ok::<(), lowshot_core::CoreError>(())
//! ```

mod baselines;
mod complexity;
mod exact;
mod families;
mod learned;
mod network;
mod play;
mod problem;
mod states;
mod train_config;
mod trainer;

#[cfg(test)]
mod tests;

pub use baselines::{Allocation, AtRandom, Bandit, Bisection, Rule};
pub use complexity::{Complexity, complexity};
pub use exact::{ExactGame, MinMax, Response, TablePolicy};
pub use families::Family;
pub use learned::{LearnedPolicy, SavedPolicy};
pub use network::Network;
pub use play::{Asking, simulate};
pub use problem::{CountPolicy, Loss, Problem, Recommendation};
pub use states::States;
pub use train_config::TrainConfig;
pub use trainer::Trainer;
