//! Sizes at which a curve of selections has a point.

/// Up to `count` sizes from `first` to `last` in about equal ratios, ascending, each once; the same on every platform.
///
/// `first` is raised to 1 and lowered to `last`; one size is `last`, none is none.
pub fn geometric_sizes(first: usize, last: usize, count: usize) -> Vec<usize> {
    let last = last.max(1);
    let first = first.clamp(1, last);
    let ratio = libm::log(last as f64 / first as f64);
    let size = |at: usize| {
        let part = if count > 1 { at as f64 / (count - 1) as f64 } else { 1.0 };
        (libm::round(first as f64 * libm::exp(part * ratio)) as usize).clamp(first, last)
    };
    let mut sizes: Vec<usize> = (0..count).map(size).collect();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_double_and_end_where_they_should() {
        assert_eq!(geometric_sizes(25, 800, 6), [25, 50, 100, 200, 400, 800]);
        assert_eq!(geometric_sizes(0, 3, 9), [1, 2, 3]);
        assert_eq!(geometric_sizes(50, 7, 4), [7]);
        assert_eq!(geometric_sizes(2, 9, 1), [9]);
        assert_eq!(geometric_sizes(2, 9, 0), [0usize; 0]);
    }
}
