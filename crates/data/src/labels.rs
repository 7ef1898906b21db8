//! Labels given as text.

use std::collections::BTreeMap;

/// The distinct texts of a label column, each with a number and the place where it was first seen.
#[derive(Default)]
pub(crate) struct TextLabels {
    seen: BTreeMap<String, (i64, u64)>,
    bytes: u64,
}

impl TextLabels {
    /// The number of `text`, in order of appearance; `place` is kept for a text seen for the first time.
    pub(crate) fn number(&mut self, text: &str, place: u64) -> i64 {
        if let Some(&(number, _)) = self.seen.get(text) {
            return number;
        }
        let number = self.seen.len() as i64;
        self.bytes += text.len() as u64;
        self.seen.insert(text.to_owned(), (number, place));
        number
    }

    /// Drops the text numbered 0 and numbers the others one lower.
    pub(crate) fn forget_first(&mut self) {
        self.seen.retain(|_, (number, _)| {
            *number -= 1;
            *number >= 0
        });
    }

    /// Bytes of all distinct texts.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The distinct texts with their number and first place, sorted by text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i64, u64)> {
        self.seen.iter().map(|(text, &(number, place))| (text.as_str(), number, place))
    }

    /// Numbers turned into indices of the sorted texts, so that the labels do not depend on the order of rows.
    pub(crate) fn sorted(self, numbers: &[i64]) -> (Vec<i64>, Vec<String>) {
        let mut index = vec![0_i64; self.seen.len()];
        for (position, (_, number, _)) in self.iter().enumerate() {
            if let Some(slot) = usize::try_from(number).ok().and_then(|number| index.get_mut(number)) {
                *slot = position as i64;
            }
        }
        let labels = translate(numbers, &index);
        (labels, self.seen.into_keys().collect())
    }
}

/// Each number replaced by the label that `labels` gives it.
pub(crate) fn translate(numbers: &[i64], labels: &[i64]) -> Vec<i64> {
    let label = |&number: &i64| usize::try_from(number).ok().and_then(|i| labels.get(i).copied());
    numbers.iter().map(|number| label(number).unwrap_or(-1)).collect()
}
