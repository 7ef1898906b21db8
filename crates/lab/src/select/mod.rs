//! Active learning and data selection.
