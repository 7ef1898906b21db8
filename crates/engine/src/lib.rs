//! lowshot-engine.
