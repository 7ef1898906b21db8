//! Worked numbers: six unit vectors, two successors each.

use super::*;
use crate::select::VoteK;

#[test]
fn probabilities() {
    let t = Transitions::new(&six()).unwrap();
    let expected = [
        [(1, 0.520755), (2, 0.479245)],
        [(0, 0.504840), (2, 0.495160)],
        [(1, 0.515922), (0, 0.484078)],
        [(4, 0.557703), (5, 0.442297)],
        [(3, 0.515922), (5, 0.484078)],
        [(4, 0.541936), (3, 0.458064)],
    ];
    for (row, expected) in expected.iter().enumerate() {
        for ((to, p), (expected_to, expected_p)) in t.successors(row).zip(expected) {
            assert_eq!(to, *expected_to, "row {row}");
            assert!((p - expected_p).abs() < 1e-6, "row {row}: {p}");
        }
    }
}

#[test]
fn exact_influences_and_their_estimates() {
    let t = Transitions::new(&six()).unwrap();
    let sheet: [(&[usize], f64); 11] = [
        (&[0], 2.252775),
        (&[1], 2.240830),
        (&[2], 2.256405),
        (&[3], 2.256581),
        (&[4], 2.225067),
        (&[5], 2.268542),
        (&[0, 1], 2.737102),
        (&[0, 5], 4.521317),
        (&[2, 3], 4.512987),
        (&[2, 5], 4.524947),
        (&[2, 3, 5], 5.053806),
    ];
    let runs = 20_000;
    let worlds = Worlds::draw(&t, runs, &Rng::new(1));
    let mut cascade = Cascade::new(&t);
    for (set, expected) in sheet {
        assert!((exact(&t, set) - expected).abs() < 2e-6, "{set:?}: {}", exact(&t, set));
        // Three of six rows at most differ, so a standard deviation is below 1.5; four standard errors.
        let tolerance = 4.0 * 1.5 / (runs as f64).sqrt();
        assert!((worlds.influence(set) - expected).abs() < tolerance, "{set:?}");
        let mut rng = Rng::new(2).split("fresh");
        let fresh = cascade.influence(set, runs, Counting::Distinct, &mut rng).unwrap();
        assert!((fresh - expected).abs() < tolerance, "{set:?}: {fresh}");
    }
    let best =
        |size| subsets(6, size).into_iter().max_by(|a, b| exact(&t, a).total_cmp(&exact(&t, b))).unwrap();
    assert_eq!(best(2), [2, 5]);
    assert_eq!(best(3), [2, 3, 5]);
}

#[test]
fn the_code_counts_rows_with_two_parents_twice() {
    let t = Transitions::new(&six()).unwrap();
    let runs = 40_000;
    let mut rng = Rng::new(3).split("code");
    let counted = Cascade::new(&t).influence(&[0, 1], runs, Counting::OfficialCode, &mut rng).unwrap();
    // 2 + two coins: the standard deviation is below 0.71.
    assert!((counted - 2.974406).abs() < 4.0 * 0.71 / (runs as f64).sqrt(), "{counted}");
}

#[test]
fn greedy_takes_5_then_2() {
    let config = IdealConfig { diffusions: 50_000, ..Default::default() };
    let chosen = select(config, &six(), 2, 1);
    assert_eq!(chosen.rows, [5, 2]);
    assert!((chosen.scores.iter().sum::<f64>() - 4.524947).abs() < 0.03, "{chosen:?}");
}

#[test]
fn the_official_code_starts_with_row_0() {
    let config = IdealConfig { estimator: Estimator::OfficialCode, diffusions: 10, init: Init::FirstNode };
    for seed in 0..5 {
        let chosen = select(config, &six(), 3, seed);
        assert_eq!(chosen.rows[0], 0);
        // The other group is worth two rows more than any companion of row 0.
        assert!(chosen.rows[1] >= 3, "{chosen:?}");
    }
    let worlds = IdealConfig { init: Init::FirstNode, ..Default::default() };
    assert_eq!(select(worlds, &six(), 1, 9).rows, [0]);
}

#[test]
fn fast_vote_k_takes_0_then_3() {
    let chosen = block_on(VoteK::default().select(&six(), 2, &Rng::new(0), &mut ())).unwrap();
    assert_eq!(chosen.rows, [0, 3]);
    assert!(chosen.scores.iter().all(|score| (score - 2.0).abs() < 1e-12));
}
