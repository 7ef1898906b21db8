//! Fewer points, the same picture: what is left out is chosen without chance, so that a picture can be compared.

/// Indices of at most `limit` of `n` things, spread evenly.
///
/// Multiples of the golden ratio modulo one fill the unit interval evenly (Weyl), so any stretch of the things is
/// thinned by the same factor; a fixed stride would drop whole classes from data that cycle through the classes.
pub(crate) fn spread(n: usize, limit: usize) -> Vec<usize> {
    if n <= limit {
        return (0..n).collect();
    }
    let share = limit as f64 / n as f64;
    let golden = 0.618_033_988_749_894_9;
    (0..n).filter(|&i| (i as f64 * golden).fract() < share).take(limit).collect()
}

/// A curve of positions with at most about `limit` points that looks the same: of each stretch the first, lowest,
/// highest and last point stay, in order, so no peak is lost.
pub(crate) fn curve(points: &[[f64; 2]], limit: usize) -> Vec<[f64; 2]> {
    let limit = limit.max(8);
    if points.len() <= limit {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(limit / 4);
    let mut out = Vec::with_capacity(limit + 4);
    for part in points.chunks(stretch) {
        let by = |f: fn(f64, f64) -> bool| {
            (1..part.len()).fold(0, |best, i| if f(part[i][1], part[best][1]) { i } else { best })
        };
        let mut keep = [0, by(|a, b| a < b), by(|a, b| a > b), part.len() - 1];
        // Four numbers in order, without a whole sort in what a browser downloads.
        for i in 1..4 {
            for j in (1..=i).rev() {
                if keep[j - 1] > keep[j] {
                    keep.swap(j - 1, j);
                }
            }
        }
        for (k, &i) in keep.iter().enumerate() {
            if k == 0 || keep[k - 1] != i {
                out.push(part[i]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_even_over_cycles() {
        let kept = spread(100_000, 3000);
        assert!((2990..=3000).contains(&kept.len()), "{}", kept.len());
        for cycle in [2, 3, 5, 7, 10] {
            let mut counts = vec![0usize; cycle];
            kept.iter().for_each(|i| counts[i % cycle] += 1);
            let even = kept.len() / cycle;
            assert!(counts.iter().all(|c| c.abs_diff(even) < even / 20 + 8), "{cycle}: {counts:?}");
        }
        assert_eq!(spread(3, 10), [0, 1, 2]);
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_peaks() {
        let mut points: Vec<[f64; 2]> = (0..50_000).map(|i| [f64::from(i), f64::from(i % 17)]).collect();
        points[31_234][1] = 900.0;
        points[7][1] = -900.0;
        let thin = curve(&points, 800);
        assert!(thin.len() <= 804, "{}", thin.len());
        assert_eq!((thin.first(), thin.last()), (points.first(), points.last()));
        assert!(thin.contains(&[31_234.0, 900.0]) && thin.contains(&[7.0, -900.0]));
        assert!(thin.windows(2).all(|w| w[0][0] < w[1][0]), "order");
    }
}
