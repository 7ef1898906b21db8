//! Invariants on random graphs.

use super::*;
use crate::Rng;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_of_p_are_distributions_without_the_row_itself(seed in 0u64..1000, rows in 4usize..40, degree in 1usize..4) {
        let t = Transitions::new(&graph(normal(rows, 2, seed), 2, degree)).unwrap();
        for row in 0..rows {
            let out: Vec<(usize, f64)> = t.successors(row).collect();
            prop_assert_eq!(out.len(), degree);
            prop_assert!(out.iter().all(|(to, p)| *to != row && *p > 0.0));
            prop_assert!((out.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn influence_is_bounded_monotone_and_submodular(seed in 0u64..1000) {
        let rows = 7;
        let t = Transitions::new(&graph(normal(rows, 3, seed), 3, 2)).unwrap();
        let worlds = Worlds::draw(&t, 20, &Rng::new(seed));
        let value = |set: &[usize]| worlds.influence(set);
        let all: Vec<Vec<usize>> = (0..=rows).flat_map(|size| subsets(rows, size)).collect();
        for big in &all {
            prop_assert!(value(big) >= big.len() as f64 && value(big) <= rows as f64);
            for small in all.iter().filter(|small| small.iter().all(|row| big.contains(row))) {
                prop_assert!(value(small) <= value(big));
                for row in (0..rows).filter(|row| !big.contains(row)) {
                    let with = |set: &[usize]| value(&[set, &[row]].concat());
                    prop_assert!(with(small) - value(small) >= with(big) - value(big) - 1e-12);
                }
            }
        }
    }

    #[test]
    fn lazy_greedy_is_plain_greedy(seed in 0u64..1000, rows in 5usize..30, diffusions in 1usize..30) {
        let g = graph(normal(rows, 3, seed), 3, 4);
        let t = Transitions::new(&g).unwrap();
        let chosen = select(IdealConfig { diffusions, ..Default::default() }, &g, rows, seed);
        let worlds = Worlds::draw(&t, diffusions, &Rng::new(seed).split("worlds"));
        let mut set = Vec::new();
        for step in 0..rows {
            let mut best = (f64::NEG_INFINITY, 0);
            for row in (0..rows).filter(|row| !set.contains(row)) {
                let value = worlds.influence(&[&set[..], &[row]].concat());
                if value > best.0 {
                    best = (value, row);
                }
            }
            let before = worlds.influence(&set);
            prop_assert_eq!(chosen.rows[step], best.1, "step {}", step);
            prop_assert!((chosen.scores[step] - (best.0 - before)).abs() < 1e-9);
            set.push(best.1);
        }
        let curve = worlds.curve(&set);
        prop_assert!((curve[rows - 1] - rows as f64).abs() < 1e-12);
    }

    #[test]
    fn estimates_agree_with_the_enumeration(seed in 0u64..1000, row in 0usize..4) {
        let t = Transitions::new(&graph(normal(4, 2, seed), 2, 3)).unwrap();
        let set = [row, (row + 1) % 4];
        let expected = exact(&t, &set);
        let runs = 20_000;
        // Values lie in 2..=4, so a standard deviation is at most 1.
        let tolerance = 4.0 / (runs as f64).sqrt();
        let worlds = Worlds::draw(&t, runs, &Rng::new(seed));
        prop_assert!((worlds.influence(&set) - expected).abs() < tolerance);
        let mut rng = Rng::new(seed).split("fresh");
        let fresh = Cascade::new(&t).influence(&set, runs, Counting::Distinct, &mut rng).unwrap();
        prop_assert!((fresh - expected).abs() < tolerance);
    }

    #[test]
    fn greedy_keeps_its_guarantee(seed in 0u64..1000, budget in 1usize..5) {
        // In its worlds, influence is exactly what the selector maximises.
        let g = graph(normal(10, 3, seed), 3, 2);
        let t = Transitions::new(&g).unwrap();
        let chosen = select(IdealConfig { diffusions: 40, ..Default::default() }, &g, budget, seed);
        let worlds = Worlds::draw(&t, 40, &Rng::new(seed).split("worlds"));
        let best = subsets(10, budget).iter().map(|set| worlds.influence(set)).fold(0.0, f64::max);
        let m = budget as f64;
        let share = 1.0 - (1.0 - 1.0 / m).powf(m);
        prop_assert!(worlds.influence(&chosen.rows) >= share * best - 1e-9);
    }

    #[test]
    fn length_and_rotation_do_not_matter(seed in 0u64..1000, scale in 0.01f32..100.0, angle in 0.0f64..6.3) {
        let data = normal(40, 2, seed);
        let (sin, cos) = (angle.sin(), angle.cos());
        let moved: Vec<f32> = data
            .chunks(2)
            .flat_map(|row| {
                let (x, y) = (f64::from(row[0]), f64::from(row[1]));
                [((cos * x - sin * y) * f64::from(scale)) as f32, ((sin * x + cos * y) * f64::from(scale)) as f32]
            })
            .collect();
        let (before, after) = (graph(data, 2, 5), graph(moved, 2, 5));
        // Directions closer than rounding may change places in the graph; then there is nothing to compare.
        prop_assume!((0..40).all(|row| before.neighbors(row) == after.neighbors(row)));
        let config = IdealConfig { diffusions: 30, ..Default::default() };
        prop_assert_eq!(select(config, &before, 6, seed).rows, select(config, &after, 6, seed).rows);
    }

    #[test]
    fn two_far_groups_get_one_row_each(seed in 0u64..1000, degree in 2usize..6) {
        let mut data = normal(2 * (degree + 1), 3, seed);
        for (at, row) in data.chunks_mut(3).enumerate() {
            row[at % 2] += 50.0;
        }
        let chosen = select(IdealConfig { diffusions: 50, ..Default::default() }, &graph(data, 3, degree), 2, seed);
        prop_assert_ne!(chosen.rows[0] % 2, chosen.rows[1] % 2);
    }
}

#[test]
fn similarities_that_are_not_positive_count_little_but_count() {
    // Opposite and right-angled rows: all similarities are 0 or -1.
    let t = Transitions::new(&graph(vec![1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0], 2, 3)).unwrap();
    for row in 0..4 {
        assert!(t.successors(row).all(|(_, p)| (p - 1.0 / 3.0).abs() < 1e-6));
    }
}

#[test]
fn the_search_is_seeded_and_too_many_successors_are_refused() {
    let g = graph(normal(60, 4, 1), 4, 5);
    let config = IdealConfig { diffusions: 10, ..Default::default() };
    assert_eq!(select(config, &g, 5, 1), select(config, &g, 5, 1));
    assert_ne!(select(config, &g, 5, 1), select(config, &g, 5, 2));
    let wide = graph(normal(60, 4, 1), 4, 33);
    assert!(Transitions::new(&wide).unwrap_err().to_string().contains("1 to 32"));
    let none = IdealConfig { diffusions: 0, ..Default::default() };
    assert!(Ideal::new(none).unwrap_err().to_string().contains("diffusions"));
    let t = Transitions::new(&g).unwrap();
    let error = Cascade::new(&t).layers(&[60], Counting::Distinct, &mut Rng::new(1)).unwrap_err();
    assert!(error.to_string().contains("0 to 59"), "{error}");
}
