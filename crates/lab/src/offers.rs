//! What cards offer for an input of features.

use lowshot_data::bundled::BundledSet;
use lowshot_protocol::{BundledInput, Format};

/// `builtin:synthetic`, which a method generates itself.
pub(crate) fn generated(title: &str) -> BundledInput {
    BundledInput::new("synthetic", title)
}

/// A bundled data set with its size and number of classes.
pub(crate) fn classified(set: &BundledSet) -> BundledInput {
    let title = format!("{} ({} × {}, {} classes)", set.title, set.rows, set.dims, set.classes);
    BundledInput::new(set.name, title)
}

/// The formats of features.
pub(crate) fn feature_formats() -> Vec<Format> {
    vec![Format::Npz, Format::Safetensors, Format::Csv]
}
