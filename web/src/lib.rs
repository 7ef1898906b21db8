//! lowshot-web.
