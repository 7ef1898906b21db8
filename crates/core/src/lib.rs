//! Typed algorithms of Lowshot on Burn tensors: no files, no clock, no threads, no user interface.
//!
//! Every method takes tensors on any device and gives tensors on the same device; whatever is read back to the
//! host is read with `into_data_async().await`, so that the same code runs natively and in a browser.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use lowshot_core::fewshot::prototype_laplacian::{Mode, PrototypeLaplacian, PrototypeLaplacianConfig};
//! use lowshot_core::fewshot::{Tasks, TransductiveClassifier};
//!
//! # futures::executor::block_on(async {
//! let device = Device::flex();
//! // One task: two support rows (one a class), then four query rows.
//! let x = [[[0.0f32, 0.0], [2.0, 0.0], [0.3, 0.2], [0.9, 0.1], [1.2, -0.1], [1.9, 0.3]]];
//! let tasks = Tasks::new(Tensor::from_data(x, &device), Tensor::from_data([[0i32, 1]], &device), 2)?;
//! let config = PrototypeLaplacianConfig { mode: Mode::SlkMeans, query_shift: false, ..Default::default() };
//! let found = PrototypeLaplacian::new(config.check()?).classify(&tasks, &mut ()).await?;
//! let labels = found.query_labels().await?;
//! assert_eq!(labels, [[0, 0, 1, 1]]);
//! # Ok::<(), lowshot_core::CoreError>(()) }).unwrap();
//! ```
//!
//! | module | what is in it |
//! |---|---|
//! | [`fewshot`] | transductive few-shot classifiers and unsupervised clustering |
//! | [`metrics`] | accuracy, confidence intervals, NMI, Hungarian-matched accuracy |
//! | [`select`] | choosing what to label or to train on |
//! | [`linalg`] | small dense factorisations on the host, in f64 |
//! | [`optimal_transport`] | the cheapest way to move one distribution onto another: entropic and exact |
//! | [`random_projection`] | fewer columns that keep distances, from random signs |
//! | [`lasso`] | the Lasso along its path, and the shortest exact combination |
//! | [`sampling`] | few-shot tasks drawn from a labelled data set |
//! | [`synthetic`] | generated few-shot tasks |
//! | [`pca`] | two principal directions, for pictures |
//! | [`readback`] | small results from a device to the host, asynchronously |
//! | [`rng`] | seeded random numbers that are the same on every platform |
//!
//! Features: `cpu` (default), `wgpu`, `cuda` choose the devices, as in `lowshot-kernels`.

pub mod error;
pub mod fewshot;
pub mod lasso;
pub mod linalg;
pub mod metrics;
pub mod optimal_transport;
pub mod pca;
pub mod random_projection;
pub mod readback;
pub mod rng;
pub mod sampling;
pub mod select;
pub mod synthetic;

pub use error::CoreError;
pub use rng::Rng;
