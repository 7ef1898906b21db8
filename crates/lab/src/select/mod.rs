//! Active learning and data selection.

mod ideal;

pub use ideal::Ideal;
