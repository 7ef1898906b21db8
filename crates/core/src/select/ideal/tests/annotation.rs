//! Prompts and automatic annotation.

use super::*;
use crate::Rng;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_prompt_fits_and_ends_with_the_most_similar(seed in 0u64..1000, tokens in 0usize..200, rows in 2usize..30) {
        let pool = embeddings(normal(rows, 4, seed), 4);
        let mut rng = Rng::new(seed).split("lengths");
        let lengths: Vec<usize> = (0..rows).map(|_| 1 + rng.below(60)).collect();
        let query = normal(1, 4, seed + 5000);
        let annotated: Vec<usize> = (0..rows).step_by(2).collect();
        let room = PromptBudget { tokens, longest: Some(50) };
        let prompt = room.prompt(&query, &pool, &annotated, &lengths, Order::Similar, &mut rng).unwrap();
        prop_assert!(prompt.iter().map(|row| lengths[*row]).sum::<usize>() <= tokens);
        prop_assert!(prompt.iter().all(|row| annotated.contains(row) && lengths[*row] <= 50));
        let q = embeddings(query.clone(), 4);
        let similarity = |row: &usize| crate::select::cosine(pool.row(*row), q.row(0));
        prop_assert!(prompt.windows(2).all(|pair| similarity(&pair[0]) <= similarity(&pair[1]) + 1e-9));
        let best = annotated.iter().filter(|row| lengths[**row] <= 50).max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        if let (Some(last), Some(best)) = (prompt.last(), best) {
            prop_assert_eq!(last, best);
        }
        let shuffled = room.prompt(&query, &pool, &annotated, &lengths, Order::Random, &mut rng).unwrap();
        prop_assert!(shuffled.iter().map(|row| lengths[*row]).sum::<usize>() <= tokens);
    }
}

#[test]
fn the_query_itself_is_no_example() {
    let pool = embeddings(vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0], 2);
    let room = PromptBudget { tokens: 100, longest: None };
    let mut rng = Rng::new(1);
    let prompt = room.prompt(&[2.0, 0.0], &pool, &[0, 1, 2], &[1; 3], Order::Similar, &mut rng).unwrap();
    assert_eq!(prompt, [2, 1]);
    for (query, annotated, lengths) in [
        (vec![1.0], vec![0], 3),
        (vec![0.0, 0.0], vec![0], 3),
        (vec![1.0, 0.0], vec![3], 3),
        (vec![1.0, 0.0], vec![0], 2),
    ] {
        let lengths = vec![1; lengths];
        assert!(room.prompt(&query, &pool, &annotated, &lengths, Order::Similar, &mut rng).is_err());
    }
}

#[test]
fn layers_start_with_the_seeds_and_hold_each_row_once() {
    let t = Transitions::new(&graph(normal(80, 3, 2), 3, 6)).unwrap();
    let mut cascade = Cascade::new(&t);
    let mut rng = Rng::new(4);
    for _ in 0..20 {
        let layers = cascade.layers(&[3, 9, 3], Counting::Distinct, &mut rng).unwrap();
        assert_eq!(layers[0], [3, 9]);
        let mut all: Vec<usize> = layers.concat();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
        for pair in layers.windows(2) {
            let parents: Vec<usize> =
                pair[0].iter().flat_map(|row| t.successors(*row).map(|(to, _)| to)).collect();
            assert!(pair[1].iter().all(|row| parents.contains(row)));
        }
    }
}

#[test]
fn labels_are_handed_on_layer_by_layer() {
    // A line of directions; labels at both ends.
    let data: Vec<f32> = (0..6)
        .flat_map(|at| {
            let a = f64::from(at) * 0.2;
            [a.cos() as f32, a.sin() as f32]
        })
        .collect();
    let pool = embeddings(data, 2);
    let layers = [vec![0, 5], vec![1, 4], vec![2]];
    let found = block_on(auto_annotate(&pool, &layers, &[7, 8], 3, &mut NeighborVote { count: 1 })).unwrap();
    assert_eq!(found, [Some(7), Some(7), Some(7), None, Some(8), Some(8)]);
    // A vote of three at row 2: rows 1 (7), 0 (7) and 4 (8).
    let vote = block_on(auto_annotate(&pool, &layers, &[7, 8], 3, &mut NeighborVote { count: 3 })).unwrap();
    assert_eq!(vote[2], Some(7));
    let mut oracle = ImperfectOracle { truth: vec![1; 6], error: 0.0, classes: vec![1, 2], rng: Rng::new(1) };
    let right = block_on(auto_annotate(&pool, &layers, &[1, 1], 3, &mut oracle)).unwrap();
    assert_eq!(right[4], Some(1));
    oracle.error = 1.0;
    let wrong = block_on(auto_annotate(&pool, &layers, &[1, 1], 3, &mut oracle)).unwrap();
    assert_eq!((wrong[0], wrong[4], wrong[2]), (Some(1), Some(2), Some(2)));
    for (layers, labels, examples) in [
        (vec![], vec![], 3),
        (vec![vec![0, 5]], vec![7], 3),
        (vec![vec![0], vec![6]], vec![7], 3),
        (vec![vec![0]], vec![7], 0),
    ] {
        let refused =
            block_on(auto_annotate(&pool, &layers, &labels, examples, &mut NeighborVote { count: 1 }));
        assert!(refused.is_err());
    }
}
