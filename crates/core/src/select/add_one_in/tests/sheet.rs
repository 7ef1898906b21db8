//! The worked examples.

use super::*;
use crate::CoreError;
use crate::select::Distance;

#[test]
fn value_scorer_gives_the_scores_and_picks_of_the_page() {
    let pool = six();
    // Context, options, scores and pick without diversity, the same with it.
    let cases: [(&[usize], [usize; 2], [f64; 2], usize, [f64; 2], usize); 4] = [
        (&[0], [1, 4], [0.9, 0.4], 1, [1.9, 0.5], 1),
        (&[0], [2, 4], [0.5, 0.4], 2, [1.5, 0.5], 2),
        (&[0, 1], [2, 5], [0.5, 0.8], 5, [1.5, 0.941421], 2),
        (&[0, 1, 2], [3, 5], [0.7, 0.8], 5, [1.7, 0.941421], 3),
    ];
    for (context, options, quality, first, both, second) in cases {
        for (lambda_d, scores, pick) in [(0.0, quality, first), (1.0, both, second)] {
            let mut judge = ValueScorer::new(&pool, 1.0, lambda_d, Distance::Euclidean).unwrap();
            let choice = block_on(judge.choose(&question(context, &options))).unwrap();
            assert_eq!(options[choice.index], pick, "{context:?} {options:?} {lambda_d}");
            for (found, expected) in choice.scores.unwrap().iter().zip(scores) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
    }
}

#[test]
fn facility_scorer_counts_what_comes_nearer() {
    // On a line: 0 is chosen, customers are all four rows at 0, 1, 3, 4.
    let rows = Points::new(vec![0.0, 1.0, 3.0, 4.0], 1).unwrap();
    let pool = QualityPool::new(rows, vec![0.0, 0.5, 0.0, 0.25]).unwrap();
    let judge = |quality: f64| {
        FacilityScorer::new(&pool, 4, quality, 1.0, Distance::Euclidean, &Rng::new(1)).unwrap()
    };
    // Gains: 1 serves 1, 3, 4 by one each; 3 serves 3 by 3 and 4 by 3; 4 serves 3 by 2 and 4 by 4.
    let near = |found: Vec<f64>, expected: [f64; 3]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    };
    near(judge(0.0).scores(&[0], &[1, 2, 3]), [3.0, 6.0, 6.0]);
    near(judge(2.0).scores(&[0], &[1, 2, 3]), [4.0, 6.0, 6.5]);
    // Without context: minus the sum of distances.
    near(judge(0.0).scores(&[], &[1, 2, 3]), [-6.0, -6.0, -8.0]);
}

#[test]
fn loss_scorer_asks_for_the_class_that_the_context_lacks() {
    // Classes at -1 and 1, and a mislabelled row at -1.
    let rows = Points::new(vec![-1.0, -0.9, 1.0, 0.9, -1.0], 1).unwrap();
    let judge = |value| LossScorer::new(&rows, &[7, 7, 9, 9, 9], value).unwrap();
    let one_class = judge(LossValue::Loss).scores(&[0], &[1, 2, 4]);
    assert!(one_class[1] > one_class[0] && one_class[2] > one_class[1], "{one_class:?}");
    // With both classes at hand the rows that fit are learnt, the mislabelled one is not.
    let both = judge(LossValue::Loss).scores(&[0, 2], &[1, 3, 4]);
    assert!(both[0] < 0.3 && both[1] < 0.3 && both[2] > 1.5, "{both:?}");
    let gain = judge(LossValue::Decrease).scores(&[0], &[1, 2]);
    assert!(gain[1] > gain[0] && gain[0] > 0.0, "{gain:?}");
    // No context, no knowledge: log 2 for each.
    let nothing = judge(LossValue::Loss).scores(&[], &[0, 2]);
    assert!(nothing.iter().all(|loss| (loss - 2f64.ln()).abs() < 1e-12));
    assert!(LossScorer::new(&rows, &[1; 5], LossValue::Loss).is_err());
    assert!(LossScorer::new(&rows, &[1, 2], LossValue::Loss).is_err());
}

/// The table of the sheet, six digits.
#[test]
fn fluid_limit_is_the_table() {
    let shares = [0.01, 0.05, 0.1, 9232.0 / 52002.0, 0.5];
    for (options, row) in [
        (2, [0.665830, 0.662415, 0.657982, 0.650718, 0.613706]),
        (5, [0.831655, 0.824695, 0.815415, 0.799648, 0.712455]),
        (10, [0.907019, 0.898202, 0.885938, 0.864095, 0.740477]),
        (20, [0.950065, 0.939708, 0.924327, 0.895767, 0.747792]),
    ] {
        for (t, expected) in shares.into_iter().zip(row) {
            // The column of 9232 of 52002 is headed 0.1775, which is that share to four digits.
            let found = fluid_mean(options, t);
            let tolerance = if t > 0.17 && t < 0.18 { 3e-5 } else { 1e-6 };
            assert!((found - expected).abs() < tolerance, "b {options}, t {t}: {found} {expected}");
        }
    }
    for (t, expected) in shares.into_iter().zip([0.995, 0.975, 0.950, 0.911, 0.750]) {
        assert!((top_mean(t) - expected).abs() < 5e-4);
    }
}

#[test]
fn fluid_limit_has_its_limits() {
    for options in [1, 2, 3, 10, 26, 300] {
        for t in [0.0, 1e-9, 0.01, 0.3, 0.99, 1.0] {
            assert!((fluid_selected_cdf(options, 1.0, t) - 1.0).abs() < 1e-9);
            assert!(fluid_selected_cdf(options, 0.0, t).abs() < 1e-9);
            let curve: Vec<f64> =
                (0..=100).map(|i| fluid_selected_cdf(options, f64::from(i) / 100.0, t)).collect();
            assert!(curve.windows(2).all(|w| w[0] <= w[1] + 1e-6), "b {options}, t {t}: {curve:?}");
        }
        let b = options as f64;
        for t in [0.0, 1e-9, 1e-6] {
            assert!((fluid_mean(options, t) - b / (b + 1.0)).abs() < 1e-4, "b {options}, t {t}");
        }
        assert!((fluid_mean(options, 1.0) - 0.5).abs() < 1e-4, "b {options}");
    }
    assert!((fluid_mean(1, 0.3) - 0.5).abs() < 1e-9);
}

/// Percentile of the mean quality that a perfect judge of quality reaches.
fn simulated(rows: usize, budget: usize, options: usize, seed: u64) -> f64 {
    let quality: Vec<f64> = (0..rows).map(|row| (row as f64 + 0.5) / rows as f64).collect();
    let pool = QualityPool::new(Points::new(vec![0.0; rows], 1).unwrap(), quality).unwrap();
    let judge = ValueScorer::new(&pool, 1.0, 0.0, Distance::Euclidean).unwrap();
    let chosen = run(config(budget, 1, options, 1), rows, judge, seed).selection.rows;
    chosen.iter().map(|row| pool.quality()[*row]).sum::<f64>() / budget as f64
}

#[test]
fn a_perfect_judge_of_quality_reaches_the_fluid_limit() {
    let mean = |rows, budget, options, seeds: u64| {
        (0..seeds).map(|seed| simulated(rows, budget, options, seed)).sum::<f64>() / seeds as f64
    };
    // The sheet's own simulations: 0.8636 ± 0.0024 a seed, and 0.8865 ± 0.0074.
    let found = mean(2000, 355, 10, 10);
    assert!((found - 0.8636).abs() < 4.0 * 0.0024 / 10f64.sqrt(), "{found}");
    let found = mean(1000, 100, 10, 60);
    assert!((found - 0.8865).abs() < 5.0 * 0.0074 / 60f64.sqrt(), "{found}");
    for (budget, options) in [(100, 2), (50, 5), (500, 5), (100, 20)] {
        let found = mean(1000, budget, options, 20);
        let expected = fluid_mean(options, budget as f64 / 1000.0);
        assert!((found - expected).abs() < 0.01, "b {options}, K {budget}: {found} {expected}");
    }
}

#[test]
fn replies_are_parsed_as_written_down() {
    for reply in
        ["[[C]] since it is new", "[C]", "C", "c", "[[c]]", "  C.\nBecause.", "C) yes", "I take [[ C ]]."]
    {
        assert_eq!(parse_answer(reply, 10).unwrap(), 2, "{reply}");
    }
    // The first of several; double brackets before single ones.
    assert_eq!(parse_answer("[B] or rather [[D]], not [[A]]", 10).unwrap(), 3);
    for reply in [
        "[[Z]]",
        "",
        "   ",
        "[[]]",
        "[[CC]]",
        "[[1]]",
        "none of them",
        "A good choice is C",
        "I would say B",
        "[[C",
        "K",
        "ＣＣ",
        "[[é]]",
        "[[A and B]]",
    ] {
        let error = parse_answer(reply, 10).unwrap_err();
        assert!(
            matches!(&error, ScorerError::Invalid { reply: Some(kept), .. } if kept == reply),
            "{reply}: {error}"
        );
    }
    assert_eq!(parse_answer("[[Z]]", 26).unwrap(), 25);
    assert!(parse_answer("[[A]]", 0).is_err());
}

#[test]
fn prompts_list_context_and_options_on_one_line_each() {
    let sample = |n: usize| Sample {
        instruction: format!("Do\nthing {n}"),
        input: if n == 1 { "some\tinput".into() } else { String::new() },
        response: "one two three four".into(),
    };
    let samples: Vec<Sample> = (0..30).map(sample).collect();
    let prompt = Prompt::of(&question(&[2, 1], &[0, 29]), &samples, 3).unwrap();
    let lines: Vec<&str> = prompt.user.lines().collect();
    assert!(lines.contains(&"1. Do thing 2\tone two three …"), "{}", prompt.user);
    assert!(lines.contains(&"2. Do thing 1\tsome input\tone two three …"));
    assert!(lines.contains(&"[[A]]: Do thing 0\tone two three …"));
    assert!(lines.contains(&"[[B]]: Do thing 29\tone two three …"));
    assert_eq!(prompt.truncated, 4);
    // The example of the format is in double brackets, as the parser wants them.
    assert!(prompt.user.contains("for example [[C]]") && !prompt.system.is_empty());
    let many: Vec<usize> = (0..27).collect();
    assert!(matches!(Prompt::of(&question(&[], &many), &samples, 3), Err(CoreError::OutOfRange { .. })));
    assert!(matches!(Prompt::of(&question(&[], &[30]), &samples, 3), Err(CoreError::Shape { .. })));
}
