//! A small map from names. A page has a few dozen names at most, and every kind of `BTreeMap` costs it some kilobytes.

use std::ops::Index;

/// Values by name, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T>(Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(Vec::new())
    }
}

impl<T> Named<T> {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    /// True if the name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets the value of a name.
    pub fn insert(&mut self, name: String, value: T) {
        match self.find(&name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.0.remove(at);
        }
    }

    /// Keeps what is right.
    pub fn retain(&mut self, mut right: impl FnMut(&str, &T) -> bool) {
        self.0.retain(|(name, value)| right(name, value));
    }

    /// Names and values, by name.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, T)> {
        self.0.iter()
    }

    /// Values to change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Index<&str> for Named<T> {
    type Output = T;

    #[allow(clippy::expect_used, reason = "indexing says that the name is there, as with any map")]
    fn index(&self, name: &str) -> &T {
        self.get(name).expect("a known name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_replaced() {
        let mut map = Named::default();
        for (name, value) in [("b", 1), ("a", 2), ("c", 3), ("b", 4)] {
            map.insert(name.to_owned(), value);
        }
        assert_eq!(
            map.iter().map(|(n, v)| (n.as_str(), *v)).collect::<Vec<_>>(),
            [("a", 2), ("b", 4), ("c", 3)]
        );
        map.remove("a");
        map.remove("z");
        map.retain(|name, _| name != "c");
        assert_eq!((map.len(), map["b"], map.get("a")), (1, 4, None));
    }
}
