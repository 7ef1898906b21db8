//! Data for Lowshot's methods: readers that trust nothing, writers that lose nothing, and bundled real data sets.
//!
//! Everything works on bytes, so the same code serves a file on disk, a file dropped on a page and a fetched URL.
//!
//! - [`read_features`]: a matrix of feature rows with labels, from npz, safetensors, csv or idx.
//! - [`read_cells`]: a table of named columns, as text.
//! - [`episodes`]: few-shot tasks given as row numbers in JSON.
//! - [`bundled`]: the catalog of data sets that come with Lowshot, and how each is decoded.
//! - [`write_safetensors`] and [`json_bytes`]: bytes to store; [`write_atomic`]: how to store them (native only).
//!
//! Readers return a [`ReadError`] that says what was wrong, where, and what would be right. They allocate no more
//! than [`Limits`] allow and never panic, whatever the bytes are.

mod archive;
mod arrays;
pub mod bundled;
mod cells;
mod decode;
pub mod episodes;
mod error;
mod features;
mod format;
mod idx;
mod labels;
mod limits;
mod npy;
mod safetensors;
mod table;
mod write;

pub use cells::{CellTable, read_cells};
pub use episodes::{Episode, read_episodes};
pub use error::{Problem, ReadError, WriteError};
pub use features::{ClassIndex, Features};
pub use format::{Format, read_features};
pub use idx::read_idx_pair;
pub use limits::Limits;
pub use safetensors::{Tensor, TensorData, write_safetensors};
pub use write::json_bytes;
#[cfg(not(target_arch = "wasm32"))]
pub use write::write_atomic;
