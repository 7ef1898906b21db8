//! Active learning and data selection.

mod conformal_information_pursuit;
mod ideal;

pub use conformal_information_pursuit::ConformalInformationPursuit;
pub use ideal::Ideal;
