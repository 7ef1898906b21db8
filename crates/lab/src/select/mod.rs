//! Active learning and data selection.

mod add_one_in;
mod ideal;
mod lp_sensitivity;

pub use add_one_in::AddOneIn;
pub use ideal::Ideal;
pub use lp_sensitivity::LpSensitivity;
