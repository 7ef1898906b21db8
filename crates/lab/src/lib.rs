//! One experiment per method: inputs and configuration in, events, artifacts and a report out.
//!
//! A method implements [`Method`] in a file named like its mathematics in `lowshot-core`, and one line in
//! [`registry`] makes it known. The command line, the worker engines and the server all call [`run`] with the same
//! request; only their [`Platform`] (clock, files) and [`Sink`] (where events go) differ.
//!
//! ```text
//! RunRequest ──> run() ──> Method::run(config, &mut Context) ──> Report
//!                             │ cx.features("features")   inputs
//!                             │ cx.view(..), cx.scalar(..) what people see
//!                             │ cx.record(i, ..)          per-item results: resume, shards, merge
//!                             └ cx.tick().await           pause, step, stop
//! ```

mod context;
mod control;
mod cores;
mod error;
pub mod fewshot;
mod host;
mod method;
mod offers;
pub mod records;
pub mod registry;
mod runner;
pub mod select;
mod session;
mod ticks;
mod trials;

pub use context::{Context, FeatureInput, ResolvedInput, TableInput};
pub use control::{Control, Stopped};
pub use error::Error;
pub use host::{ChatError, ChatRequest, Platform, Sink};
pub use lowshot_data as data;
pub use lowshot_kernels::{device, self_test};
pub use method::{Method, MethodEntry};
pub use runner::{Resumed, device_info, resolve, run, versions};
pub use session::{Session, SessionLimits};

/// Version of Lowshot.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
