//! Active learning and data selection.

mod lp_sensitivity;

pub use lp_sensitivity::LpSensitivity;
