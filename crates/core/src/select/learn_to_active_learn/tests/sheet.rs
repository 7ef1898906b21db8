//! Worked numbers: complexities, and losses of tables A (thresholds) and B (arms).

use super::*;

#[test]
fn complexity_has_its_closed_forms() {
    for (gap, arms, expected) in [(0.4, 2, 25.0), (0.3, 4, 82.934462)] {
        let problem = Problem::best_arm(arms, 1).unwrap();
        let mut theta = vec![-gap / 2.0; arms];
        theta[0] = gap / 2.0;
        let found = complexity(&problem, &theta, 300);
        assert!((found.rho / expected - 1.0).abs() < 1e-6, "{}", found.rho);
        // (1 + √(K − 1))² / Δ².
        let closed = (1.0 + ((arms - 1) as f64).sqrt()).powi(2) / (gap * gap);
        assert!((found.rho / closed - 1.0).abs() < 1e-9);
    }
    let problem = Problem::best_arm(4, 1).unwrap();
    let found = complexity(&problem, &[0.15, -0.15, -0.15, -0.15], 300);
    near(&found.allocation, &[0.366025, 0.211325, 0.211325, 0.211325], 1e-6);
    let found = complexity(&Problem::best_arm(3, 1).unwrap(), &[0.5, 0.1, -0.3], 300);
    assert!((found.rho - 26.785064).abs() < 1e-6, "{}", found.rho);
    near(&found.allocation, &[0.469068, 0.464313, 0.066620], 1e-6);
}

#[test]
fn complexity_of_thresholds_and_its_gradient() {
    let problem = Problem::thresholds(6, 1).unwrap();
    let theta = [0.6, 0.5, 0.2, -0.3, -0.6, -0.7];
    let found = complexity(&problem, &theta, 300);
    assert!((found.rho - 41.126984).abs() < 1e-6, "{}", found.rho);
    assert!((found.upper / found.rho - 1.0).abs() < 1e-6 && found.upper >= found.rho);
    near(&found.allocation, &[0.020262, 0.054033, 0.607873, 0.270166, 0.033771, 0.013894], 1e-6);
    let expected = [-1.805556, -7.746914, -255.771730, 76.846069, 3.929365, 1.044897];
    for (a, b) in found.gradient.iter().zip(expected) {
        assert!((a / b - 1.0).abs() < 1e-5, "{:?}", found.gradient);
    }
    // The gradient is that of the value: differences of solutions.
    for i in 0..6 {
        let (mut more, mut less) = (theta, theta);
        more[i] += 1e-3;
        less[i] -= 1e-3;
        let slope =
            (complexity(&problem, &more, 30_000).rho - complexity(&problem, &less, 30_000).rho) / 2e-3;
        assert!((slope - found.gradient[i]).abs() < 0.02 * slope.abs() + 0.05, "{i}: {slope}");
    }
}

#[test]
fn families_have_the_complexities_of_the_tables() {
    let (problem, family) = thresholds();
    let rho: Vec<f64> = family.class(1).iter().map(|theta| complexity(&problem, theta, 300).rho).collect();
    near(&rho, &[6.7048, 10.1333, 10.6667, 10.1333, 6.7048], 5e-3);
    let easier: Vec<f64> = family.class(0).iter().map(|theta| complexity(&problem, theta, 300).rho).collect();
    near(&easier, &rho.iter().map(|rho| rho * (0.5f64 / 0.9).powi(2)).collect::<Vec<_>>(), 1e-9);
    let (_, family) = arms();
    for (class, gaps) in
        [[0.985599, 0.853429], [0.539835, 0.454113], [0.311674, 0.259666]].into_iter().enumerate()
    {
        let class = family.class(class);
        assert_eq!(class.len(), 9);
        near(&[2.0 * class[0][0], class[3][0] - class[3][1]], &gaps, 2e-4);
    }
}

#[test]
fn table_a_of_thresholds() {
    let (problem, family) = thresholds();
    let states = States::new(&problem).unwrap();
    assert_eq!(states.len() - states.first_leaf(), 1716);
    let mut values = Vec::new();
    for class in 0..3 {
        let minmax = solved(&problem, &states, &family.class(class), vec![0.0; 5], 3000);
        let (lower, upper) = minmax.bounds();
        assert!(lower <= upper + 1e-12 && upper - lower < 5e-4, "{lower} {upper}");
        values.push(upper);
    }
    near(&values, &[0.0210, 0.3514, 0.6014], 5e-4);
    assert!(values.is_sorted(), "harder classes have larger values");

    let offsets: Vec<f64> = family.classes.iter().map(|class| values[*class]).collect();
    let robust = solved(&problem, &states, &family.instances, offsets, 3000);
    assert!(robust.bounds().1 > -5e-4, "no policy beats V on its class");
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    let worst = |losses: &[f64]| family.worst(losses);
    near(&worst(&robust.losses()), &[0.0210, 0.3514, 0.6014], 1e-3);
    // One policy that chooses by chance in each state has the losses of the mean of all responses.
    near(&game.losses(&robust.policy()), &robust.losses(), 1e-9);

    let bayes = game.best_response(&[1.0 / 15.0; 15]);
    assert!((bayes.value - 0.324565).abs() < 1e-6, "{}", bayes.value);
    let losses = game.losses(&TablePolicy::of(&problem, &states, &bayes));
    near(&[losses.iter().sum::<f64>() / 15.0], &[bayes.value], 1e-9);
    near(&worst(&losses), &[0.0267, 0.4067, 0.6614], 5e-4);
    near(&worst(&game.losses(&AtRandom(&problem))), &[0.2511, 0.5581, 0.7264], 5e-4);
    for (beta, expected) in
        [(0.05, [0.0212, 0.3532, 0.6033]), (0.2, [0.0212, 0.3532, 0.6033]), (0.35, [0.0346, 0.4038, 0.6499])]
    {
        let losses = game.losses(&Bisection::new(&problem, beta).unwrap());
        near(&worst(&losses), &expected, 5e-4);
    }
    // Nobody does better than the best of the class.
    for policy in [&Allocation::even(&problem) as &dyn CountPolicy, &AtRandom(&problem)] {
        for (loss, value) in worst(&game.losses(policy)).iter().zip(&values) {
            assert!(loss >= &(value - 5e-4));
        }
    }
}

#[test]
fn table_b_of_arms() {
    let (problem, family) = arms();
    let states = States::new(&problem).unwrap();
    let mut values = Vec::new();
    for class in 0..3 {
        let minmax = solved(&problem, &states, &family.class(class), vec![0.0; 9], 3000);
        let (lower, upper) = minmax.bounds();
        assert!(lower <= upper + 1e-12 && upper - lower < 5e-4, "{lower} {upper}");
        values.push(upper);
    }
    near(&values, &[0.2104, 0.4133, 0.5236], 5e-4);
    let offsets: Vec<f64> = family.classes.iter().map(|class| values[*class]).collect();
    let robust = solved(&problem, &states, &family.instances, offsets, 3000);
    near(&family.worst(&robust.losses()), &[0.2105, 0.4133, 0.5236], 1e-3);
    let game = ExactGame::new(&problem, &states, &family.instances).unwrap();
    let bayes = game.best_response(&[1.0 / 27.0; 27]);
    let losses = game.losses(&TablePolicy::of(&problem, &states, &bayes));
    near(&family.worst(&losses), &[0.2750, 0.4918, 0.6008], 5e-4);
    near(&family.worst(&game.losses(&AtRandom(&problem))), &[0.2815, 0.4590, 0.5499], 5e-4);
}

#[test]
fn the_sign_test_is_the_best_of_two_arms() {
    for budget in [5, 6] {
        let problem = Problem::best_arm(2, budget).unwrap();
        let states = States::new(&problem).unwrap();
        let minmax = solved(&problem, &states, &[vec![0.4, -0.4], vec![-0.4, 0.4]], vec![0.0; 2], 2000);
        let (lower, upper) = minmax.bounds();
        assert!(lower > 0.163080 - 5e-4 && upper < 0.163080 + 5e-4, "{lower} {upper}");
    }
}
