//! Active learning and data selection.

mod add_one_in;
mod ideal;
mod learn_to_active_learn;
mod lp_sensitivity;

pub use add_one_in::AddOneIn;
pub use ideal::Ideal;
pub use learn_to_active_learn::LearnToActiveLearn;
pub use lp_sensitivity::LpSensitivity;
