//! The user interface: a gallery of methods, a page for each, and the inside of the `<lowshot-demo>` element.
//!
//! Nothing here knows a method. Forms, links and command lines come from the schema, pictures and results from the
//! card and the events of an engine, which computes in a worker of the page or on a server. There is no tensor
//! library in this crate, so it stays small: everything goes through `lowshot-protocol`.

#[cfg(target_family = "wasm")]
mod demo;
#[cfg(target_family = "wasm")]
mod dom;
#[cfg(target_family = "wasm")]
mod mount;
#[cfg(target_family = "wasm")]
mod site;
#[cfg(target_family = "wasm")]
mod ui;

// What does not need a page is tested without one.
pub mod engine;
pub mod form;
pub mod format;
pub mod html;
pub mod link;
pub mod named;
pub mod run;

#[cfg(target_family = "wasm")]
pub use mount::{Mounted, mount_element, mount_page};
