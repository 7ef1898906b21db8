//! lowshot-lab.
