//! Engines as the page sees them: which one, how to reach it, whose turn it is.

mod choice;
#[cfg(target_family = "wasm")]
mod hub;
mod queue;
#[cfg(target_family = "wasm")]
mod transport;

pub use choice::{Build, BuildState, Facts, Kind, Tried, Wanted, offer, plan};
#[cfg(target_family = "wasm")]
pub use hub::{ClientId, Hub, Status};
pub use queue::{Action, Queue};
