//! Scores of labelings, computed on the host in f64.

use std::collections::BTreeMap;

use crate::CoreError;

/// A mean with the half width of its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// 1.96 · standard deviation / √n; 0 for one value.
    pub half_width: f64,
    /// Number of values.
    pub count: usize,
}

/// Fraction of `predicted` that equals `truth`, class for class (nothing is matched).
///
/// # Errors
/// [`CoreError::Lengths`] if the lengths differ or are 0.
pub fn accuracy(predicted: &[i64], truth: &[i64]) -> Result<f64, CoreError> {
    check_lengths("accuracy", predicted, truth)?;
    let hits = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    Ok(hits as f64 / truth.len() as f64)
}

/// Mean of `values` and its 95 % interval, 1.96 · std / √n with the population standard deviation (divided by n,
/// as in the published few-shot evaluations).
///
/// # Errors
/// [`CoreError::Lengths`] if there is no value, [`CoreError::NotFinite`] if one is NaN or infinite.
pub fn mean_interval(values: &[f64]) -> Result<Interval, CoreError> {
    if values.is_empty() {
        return Err(CoreError::Lengths { what: "mean and interval", left: 0, right: 0 });
    }
    if values.iter().any(|v| !v.is_finite()) {
        return Err(CoreError::NotFinite { what: "mean and interval: the list of values" });
    }
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count as f64;
    Ok(Interval { mean, half_width: 1.96 * (variance / count as f64).sqrt(), count })
}

/// Entropy of the shares of the labels, −Σ p·log p, in nats; 0 if all are the same.
///
/// # Errors
/// [`CoreError::Lengths`] if there is no label.
pub fn label_entropy(labels: &[i64]) -> Result<f64, CoreError> {
    check_lengths("entropy", labels, labels)?;
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    labels.iter().for_each(|label| *counts.entry(*label).or_default() += 1);
    let share = |count: &usize| *count as f64 / labels.len() as f64;
    Ok(counts.values().map(share).map(|p| -p * libm::log(p)).sum::<f64>().max(0.0))
}

/// Normalised mutual information of two labelings, 2·I(A;B) / (H(A) + H(B)) (arithmetic normalisation, in [0, 1]).
///
/// Two labelings that both put everything into one cluster agree perfectly: 1. If only one of them does, 0.
///
/// # Errors
/// [`CoreError::Lengths`] if the lengths differ or are 0.
pub fn normalized_mutual_information(a: &[i64], b: &[i64]) -> Result<f64, CoreError> {
    check_lengths("normalised mutual information", a, b)?;
    let n = a.len() as f64;
    let mut joint: BTreeMap<(i64, i64), f64> = BTreeMap::new();
    let (mut left, mut right): (BTreeMap<i64, f64>, BTreeMap<i64, f64>) = Default::default();
    for (x, y) in a.iter().zip(b) {
        *joint.entry((*x, *y)).or_default() += 1.0;
        *left.entry(*x).or_default() += 1.0;
        *right.entry(*y).or_default() += 1.0;
    }
    let entropy =
        |counts: &BTreeMap<i64, f64>| -> f64 { counts.values().map(|c| -(c / n) * libm::log(c / n)).sum() };
    let (ha, hb) = (entropy(&left), entropy(&right));
    if ha + hb == 0.0 {
        return Ok(1.0);
    }
    let mutual: f64 = joint.iter().map(|((x, y), c)| (c / n) * libm::log(c * n / (left[x] * right[y]))).sum();
    Ok((2.0 * mutual / (ha + hb)).clamp(0.0, 1.0))
}

/// Accuracy of a clustering after the best one-to-one matching of clusters to classes (Hungarian algorithm).
///
/// Clusters without a partner, if there are more clusters than classes, count as wrong. For unsupervised
/// clustering only: in few-shot classification the support set names the classes, and matching inflates the result.
///
/// # Errors
/// [`CoreError::Lengths`] if the lengths differ or are 0.
pub fn clustering_accuracy(clusters: &[i64], truth: &[i64]) -> Result<f64, CoreError> {
    check_lengths("clustering accuracy", clusters, truth)?;
    let names = |labels: &[i64]| -> BTreeMap<i64, usize> {
        let mut distinct = labels.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.into_iter().enumerate().map(|(place, name)| (name, place)).collect()
    };
    let (rows, columns) = (names(clusters), names(truth));
    let size = rows.len().max(columns.len());
    let mut together = vec![0.0; size * size];
    for (c, t) in clusters.iter().zip(truth) {
        together[rows[c] * size + columns[t]] += 1.0;
    }
    let cost: Vec<f64> = together.iter().map(|hits| -hits).collect();
    let matching = assign(&cost, size);
    let hits: f64 = matching.iter().enumerate().map(|(row, column)| together[row * size + column]).sum();
    Ok(hits / truth.len() as f64)
}

/// The assignment of `n` rows to `n` columns of least total cost, in O(n³) (Hungarian algorithm with potentials).
///
/// `cost` is row-major and finite; the answer is the column of each row.
fn assign(cost: &[f64], n: usize) -> Vec<usize> {
    // Arrays are shifted by one: row 0 and column 0 are the virtual start of an augmenting path.
    let mut row_potential = vec![0.0; n + 1];
    let mut column_potential = vec![0.0; n + 1];
    let mut row_of_column = vec![0usize; n + 1];
    for row in 1..=n {
        row_of_column[0] = row;
        let mut came_from = vec![0usize; n + 1];
        let mut slack = vec![f64::INFINITY; n + 1];
        let mut visited = vec![false; n + 1];
        let mut column = 0;
        loop {
            visited[column] = true;
            let current = row_of_column[column];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for other in 1..=n {
                if visited[other] {
                    continue;
                }
                let reduced =
                    cost[(current - 1) * n + other - 1] - row_potential[current] - column_potential[other];
                if reduced < slack[other] {
                    slack[other] = reduced;
                    came_from[other] = column;
                }
                if slack[other] < step {
                    step = slack[other];
                    next = other;
                }
            }
            for other in 0..=n {
                if visited[other] {
                    row_potential[row_of_column[other]] += step;
                    column_potential[other] -= step;
                } else {
                    slack[other] -= step;
                }
            }
            column = next;
            if row_of_column[column] == 0 {
                break;
            }
        }
        while column != 0 {
            let previous = came_from[column];
            row_of_column[column] = row_of_column[previous];
            column = previous;
        }
    }
    let mut column_of_row = vec![0; n];
    for column in 1..=n {
        column_of_row[row_of_column[column] - 1] = column - 1;
    }
    column_of_row
}

fn check_lengths(what: &'static str, left: &[i64], right: &[i64]) -> Result<(), CoreError> {
    if left.len() != right.len() || left.is_empty() {
        return Err(CoreError::Lengths { what, left: left.len(), right: right.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entropy_is_that_of_the_shares() {
        let near = |labels: &[i64], expected: f64| {
            assert!((label_entropy(labels).unwrap() - expected).abs() < 1e-12, "{labels:?}");
        };
        near(&[5, 5, 5], 0.0);
        near(&[1, 2, 3, 4], 4f64.ln());
        near(&[1, 1, 1, -2], 0.75 * (4f64 / 3.0).ln() + 0.25 * 4f64.ln());
        assert!(label_entropy(&[]).is_err());
    }

    #[test]
    fn accuracy_counts_equal_labels() {
        assert_eq!(accuracy(&[0, 1, 1, 2], &[0, 1, 2, 1]).unwrap(), 0.5);
        assert!(matches!(accuracy(&[], &[]), Err(CoreError::Lengths { .. })));
        assert!(matches!(accuracy(&[1], &[1, 2]), Err(CoreError::Lengths { left: 1, right: 2, .. })));
    }

    #[test]
    fn interval_is_1_96_standard_errors() {
        let interval = mean_interval(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(interval.mean, 2.5);
        assert!((interval.half_width - 1.96 * 1.25f64.sqrt() / 2.0).abs() < 1e-12);
        assert_eq!(mean_interval(&[0.7]).unwrap(), Interval { mean: 0.7, half_width: 0.0, count: 1 });
        assert!(mean_interval(&[]).is_err());
        assert!(matches!(mean_interval(&[f64::NAN]), Err(CoreError::NotFinite { .. })));
    }

    #[test]
    fn nmi_matches_values_worked_by_hand() {
        // A = {3, 3}, B = {2, 4}: joint counts 2, 1, 3.
        let nmi = normalized_mutual_information(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 1, 1]).unwrap();
        let (ha, hb) = (2f64.ln(), -(1.0 / 3.0) * (1f64 / 3.0).ln() - (2.0 / 3.0) * (2f64 / 3.0).ln());
        let mutual = (2.0 / 6.0) * 2f64.ln() + (1.0 / 6.0) * 0.5f64.ln() + 0.5 * 1.5f64.ln();
        assert!((nmi - 2.0 * mutual / (ha + hb)).abs() < 1e-12);
        assert_eq!(normalized_mutual_information(&[3, 3], &[5, 5]).unwrap(), 1.0);
        assert_eq!(normalized_mutual_information(&[3, 3], &[5, 6]).unwrap(), 0.0);
        assert_eq!(normalized_mutual_information(&[0, 0, 1, 1], &[0, 1, 0, 1]).unwrap(), 0.0);
        assert!(normalized_mutual_information(&[], &[]).is_err());
    }

    #[test]
    fn clustering_accuracy_matches_clusters_to_classes() {
        assert_eq!(clustering_accuracy(&[7, 7, 2, 2], &[0, 0, 1, 1]).unwrap(), 1.0);
        // More clusters than classes: the fourth row's cluster has no partner left.
        assert_eq!(clustering_accuracy(&[0, 0, 1, 2], &[0, 0, 1, 1]).unwrap(), 0.75);
        // More classes than clusters.
        assert_eq!(clustering_accuracy(&[0, 0, 0, 0], &[0, 1, 2, 3]).unwrap(), 0.25);
        assert!(clustering_accuracy(&[0], &[]).is_err());
    }

    fn best_by_brute_force(cost: &[f64], n: usize, row: usize, used: &mut Vec<bool>) -> f64 {
        if row == n {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..n {
            if !used[column] {
                used[column] = true;
                best = best.min(cost[row * n + column] + best_by_brute_force(cost, n, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn assignment_is_the_cheapest(n in 1usize..6, values in prop::collection::vec(-50i32..50, 36)) {
            let cost: Vec<f64> = values[..n * n].iter().map(|v| f64::from(*v)).collect();
            let matching = assign(&cost, n);
            let mut columns = matching.clone();
            columns.sort_unstable();
            prop_assert_eq!(columns, (0..n).collect::<Vec<_>>());
            let total: f64 = matching.iter().enumerate().map(|(r, c)| cost[r * n + c]).sum();
            prop_assert_eq!(total, best_by_brute_force(&cost, n, 0, &mut vec![false; n]));
        }

        #[test]
        fn scores_do_not_depend_on_cluster_names(labels in prop::collection::vec((0i64..4, 0i64..3), 1..60)) {
            let (clusters, truth): (Vec<i64>, Vec<i64>) = labels.into_iter().unzip();
            let renamed: Vec<i64> = clusters.iter().map(|c| 10 - 3 * c).collect();
            let nmi = normalized_mutual_information(&clusters, &truth).unwrap();
            prop_assert!((0.0..=1.0).contains(&nmi));
            prop_assert!((nmi - normalized_mutual_information(&renamed, &truth).unwrap()).abs() < 1e-12);
            prop_assert!((nmi - normalized_mutual_information(&truth, &clusters).unwrap()).abs() < 1e-12);
            let matched = clustering_accuracy(&clusters, &truth).unwrap();
            prop_assert_eq!(matched, clustering_accuracy(&renamed, &truth).unwrap());
            prop_assert!(matched >= accuracy(&clusters, &truth).unwrap());
        }
    }
}
