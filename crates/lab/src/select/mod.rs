//! Active learning and data selection.

mod ideal;
mod tarot;

pub use ideal::Ideal;
pub use tarot::Tarot;
