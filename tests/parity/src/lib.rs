//! lowshot-parity.
