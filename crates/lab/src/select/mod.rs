//! Active learning and data selection.

mod add_one_in;
mod ideal;

pub use add_one_in::AddOneIn;
pub use ideal::Ideal;
