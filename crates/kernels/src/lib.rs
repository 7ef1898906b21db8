//! Fused kernels of Lowshot's methods, one implementation for each kind of device behind one function.
//!
//! Every kernel exists in up to four forms with the same meaning:
//!
//! | form | runs on | where |
//! |---|---|---|
//! | reference | every Burn backend, autodiff included | [`mod@reference`], plain tensor operations |
//! | Flex | CPU, natively with threads and AVX2/AVX-512, in WebAssembly with simd128 | `src/flex` |
//! | WGSL | wgpu: Vulkan, Metal, DX12, WebGPU in a browser | `shaders/*.wgsl`, `src/cube` |
//! | CUDA | NVIDIA GPUs | `shaders/*.cu`, `src/cube` |
//!
//! The functions at the crate's root choose by the device of their tensors. Tensors are `f32`, indices `i32`;
//! the leading dimension `B` is always a batch of independent problems ("episodes"), so that many small tasks
//! cost one launch.
//!
//! Limits on GPUs: an episode has at most 4,194,240 rows (65,535 workgroups of 64), and a tensor at most 2^32
//! elements.
//!
//! A call whose shapes contradict each other is a defect of the caller and panics with a message naming the
//! argument, as Burn's own operations do; values that come from a user (options of [`bound_loop`]) give a typed
//! [`KernelError`].

mod bound;
#[cfg(feature = "gpu")]
mod cube;
pub mod device;
mod distance;
mod error;
mod exponential;
mod extension;
#[cfg(feature = "cpu")]
mod flex;
pub mod host;
pub mod reference;
mod segment;
mod self_test;
pub mod shaders;

pub use bound::{BoundOptions, BoundRun, BoundStep, Csr, bound_loop, bound_step};
pub use distance::{MAX_NEIGHBORS, Nearest, Neighbors, knn, nearest, pairwise_sqdist};
pub use error::KernelError;
pub use segment::segment_sum;
pub use self_test::self_test;
