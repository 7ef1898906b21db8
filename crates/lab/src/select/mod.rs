//! Active learning and data selection.

mod add_one_in;
mod ideal;
mod lasso_amtrl;
mod lp_sensitivity;

pub use add_one_in::AddOneIn;
pub use ideal::Ideal;
pub use lasso_amtrl::LassoAmtrl;
pub use lp_sensitivity::LpSensitivity;
