//! lowshot-models.
