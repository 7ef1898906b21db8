//! Active learning and data selection.

mod add_one_in;

pub use add_one_in::AddOneIn;
