//! How much a reader may take.

use crate::error::Problem;

/// What a reader may allocate and accept; a file beyond it is an error, not a crash.
///
/// `max_bytes` bounds the decoded values (f32 features, i64 labels) and the text unpacked from a gzip stream, each
/// counted in bytes. While a csv table grows, a reader may hold up to three times its features for a moment.
///
/// Defaults: 8 GiB natively, 512 MiB on wasm32, where a page shares at most 4 GiB; 10⁸ rows; 10⁶ dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of decoded data.
    pub max_bytes: u64,
    /// Most rows of features.
    pub max_rows: u64,
    /// Most numbers in one row.
    pub max_dims: u64,
}

impl Limits {
    /// The limits of a native program: 8 GiB, 10⁸ rows, 10⁶ dimensions.
    pub const NATIVE: Self = Self { max_bytes: 8 << 30, max_rows: 100_000_000, max_dims: 1_000_000 };
    /// The limits of a page: 512 MiB, 10⁸ rows, 10⁶ dimensions.
    pub const WASM: Self = Self { max_bytes: 512 << 20, ..Self::NATIVE };

    /// Checks a matrix of `rows` × `dims` before it is allocated.
    pub(crate) fn check_matrix(&self, rows: u64, dims: u64) -> Result<(), Problem> {
        check("rows", rows, self.max_rows)?;
        check("numbers in a row", dims, self.max_dims)?;
        self.check_bytes(u128::from(rows) * u128::from(dims) * 4)
    }

    /// Checks a size in bytes before it is allocated.
    pub(crate) fn check_bytes(&self, bytes: u128) -> Result<(), Problem> {
        if bytes > u128::from(self.max_bytes) {
            return Err(Problem::TooLarge {
                what: "bytes when decoded",
                found: bytes,
                limit: self.max_bytes,
            });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        if cfg!(target_arch = "wasm32") { Self::WASM } else { Self::NATIVE }
    }
}

fn check(what: &'static str, found: u64, limit: u64) -> Result<(), Problem> {
    if found > limit {
        return Err(Problem::TooLarge { what, found: u128::from(found), limit });
    }
    Ok(())
}

/// An empty vector with room for `count` items, or an error where the machine has no room.
///
/// The caller has bounded `count` by what the file can hold, so that a lying header cannot reserve memory.
pub(crate) fn reserve<T>(count: usize) -> Result<Vec<T>, Problem> {
    let mut items = Vec::new();
    items.try_reserve_exact(count).map_err(|_| out_of_memory::<T>(count))?;
    Ok(items)
}

/// The error for `count` items of `T` that did not fit into memory.
pub(crate) fn out_of_memory<T>(count: usize) -> Problem {
    Problem::OutOfMemory { bytes: count as u128 * size_of::<T>() as u128 }
}
