//! What is seen: the page, and one demo in it.
//!
//! Views are plain functions that give [`AnyView`]: a type for every part would be code for every part.

mod controls;
mod data;
mod engine;
mod field;
mod figures;
mod method;
mod outcome;
mod page;
mod settings;
mod share;

pub use method::method;
pub use page::page;

use leptos::prelude::*;

/// Where a demo is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On a page of its own, whose address follows the settings.
    Page,
    /// Inside another page.
    Element,
}

/// What every part of a demo may ask for.
#[derive(Clone, Copy)]
pub struct Around {
    /// Page or element.
    pub mode: Mode,
    /// Number of the demo on its page, for ids that do not meet.
    pub number: u32,
    /// Where the site lies.
    pub base: StoredValue<String>,
}

impl Around {
    /// An id that is unique on the page.
    pub fn id(&self, name: &str) -> String {
        format!("ls{}-{name}", self.number)
    }
}
