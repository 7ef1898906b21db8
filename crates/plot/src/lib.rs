//! lowshot-plot.
