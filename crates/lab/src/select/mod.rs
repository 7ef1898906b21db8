//! Active learning and data selection.

mod add_one_in;
mod conformal_information_pursuit;
mod ideal;
mod lasso_amtrl;
mod learn_to_active_learn;
mod lp_sensitivity;
mod tarot;

pub use add_one_in::AddOneIn;
pub use conformal_information_pursuit::ConformalInformationPursuit;
pub use ideal::Ideal;
pub use lasso_amtrl::LassoAmtrl;
pub use learn_to_active_learn::LearnToActiveLearn;
pub use lp_sensitivity::LpSensitivity;
pub use tarot::Tarot;
