//! All methods. Adding one is one line here.

use crate::{Error, MethodEntry, fewshot, select};

/// The methods, in the order they are listed.
pub const METHODS: &[MethodEntry] = &[
    MethodEntry::of::<fewshot::PrototypeLaplacian>(),
    MethodEntry::of::<select::Ideal>(),
    MethodEntry::of::<select::AddOneIn>(),
    MethodEntry::of::<select::LpSensitivity>(),
    MethodEntry::of::<select::ConformalInformationPursuit>(),
    MethodEntry::of::<select::Tarot>(),
    MethodEntry::of::<select::LearnToActiveLearn>(),
    MethodEntry::of::<select::LassoAmtrl>(),
];

/// The entry of a method.
///
/// # Errors
/// [`Error::UnknownMethod`] lists what there is.
pub fn find(id: &str) -> Result<&'static MethodEntry, Error> {
    METHODS.iter().find(|entry| entry.info().card.id == id).ok_or_else(|| Error::UnknownMethod {
        given: id.to_owned(),
        known: METHODS.iter().map(|entry| entry.info().card.id).collect::<Vec<_>>().join(", "),
    })
}
