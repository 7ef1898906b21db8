//! The order of methods on the sheet's generated pools, and where it vanishes.

use super::*;
use crate::select::{MeanSimilarity, Random, RoundRobin, Selection, Selector};

const SHARES: [f64; 3] = [0.6, 0.3, 0.1];
const SEEDS: u64 = 10;

/// Transport distance in correctly whitened space, share of rows in a target cluster, share in the rarest.
#[derive(Clone, Copy, Debug, Default)]
struct Quality {
    distance: f64,
    precision: f64,
    rare: f64,
}

struct Toy {
    drawn: [Drawn; 2],
    judge: TargetPool,
}

impl Toy {
    fn new(shares: &[f64], seed: u64) -> Toy {
        let drawn = toy(shares, seed);
        let judge = pool(&drawn[0].rows, &drawn[1].rows, 6, &WhitenConfig::default());
        Toy { drawn, judge }
    }

    fn space(&self, whiten: WhitenMode) -> TargetPool {
        pool(&self.drawn[0].rows, &self.drawn[1].rows, 6, &mode(whiten))
    }

    fn share(&self, rows: &[usize], wanted: impl Fn(i64) -> bool) -> f64 {
        let clusters = &self.drawn[0].clusters;
        rows.iter().filter(|row| wanted(clusters[**row])).count() as f64 / rows.len() as f64
    }

    fn quality(&self, rows: &[usize]) -> Quality {
        let last = self.drawn[1].clusters.iter().copied().max().unwrap();
        Quality {
            distance: distance(&self.judge, rows),
            precision: self.share(rows, |cluster| cluster <= last),
            rare: self.share(rows, |cluster| cluster == last),
        }
    }
}

fn select<S: Selector<Pool = TargetPool>>(selector: &S, pool: &TargetPool, budget: usize) -> Vec<usize> {
    let found: Selection = block_on(selector.select(pool, budget, &Rng::new(9), &mut ())).unwrap();
    found.rows
}

fn with_tie(tie: TieRule) -> Tarot {
    tarot(TarotConfig { tie, ..TarotConfig::default() })
}

/// The table that this generator was made after: distance, precision and rare share, means of ten seeds. Its centres and
/// draws are not ours, and the spread over seeds is .03 to .07 in distance for the targeted selections, more where the
/// distances between clusters decide (random rows, mean similarity).
#[test]
fn the_toy_table() {
    let smallest = with_tie(TieRule::SmallestPotential);
    let names = ["random", "mean", "tarot", "largest tie", "official", "none", "mean, none", "round robin"];
    let mut mean = [Quality::default(); 8];
    for seed in 0..SEEDS {
        let toy = Toy::new(&SHARES, seed);
        let (official, none) = (toy.space(WhitenMode::OfficialCode), toy.space(WhitenMode::None));
        let chosen = [
            block_on(Random.select(&toy.judge.rows(), 60, &Rng::new(9).split("random"), &mut ()))
                .unwrap()
                .rows,
            select(&MeanSimilarity, &toy.judge, 60),
            select(&smallest, &toy.judge, 60),
            select(&with_tie(TieRule::LargestPotential), &toy.judge, 60),
            select(&smallest, &official, 60),
            select(&smallest, &none, 60),
            select(&MeanSimilarity, &none, 60),
            select(&RoundRobin, &toy.judge, 60),
        ];
        for (mean, rows) in mean.iter_mut().zip(&chosen) {
            let found = toy.quality(rows);
            mean.distance += found.distance / SEEDS as f64;
            mean.precision += found.precision / SEEDS as f64;
            mean.rare += found.rare / SEEDS as f64;
        }
        let (greedy, ours) = (toy.quality(&chosen[1]), toy.quality(&chosen[2]));
        assert!(greedy.rare <= 0.02, "seed {seed}: {greedy:?}");
        assert!((ours.rare - 0.1).abs() <= 0.05, "seed {seed}: {ours:?}");
    }
    names.iter().zip(&mean).for_each(|(name, quality)| println!("{name:12} {quality:.3?}"));
    let right = [
        (0.824, 0.39, 0.10, 0.10),
        (0.624, 0.99, 0.00, 0.10),
        (0.204, 0.99, 0.10, 0.05),
        (0.232, 0.99, 0.15, 0.10),
        (0.260, 0.99, 0.11, 0.05),
        (0.246, 1.00, 0.10, 0.05),
        (0.601, 0.93, 0.00, 0.12),
    ];
    for ((name, found), (distance, precision, rare, within)) in names.iter().zip(&mean).zip(right) {
        assert!((found.distance - distance).abs() < within, "{name}: {found:?}");
        assert!((found.precision - precision).abs() < 0.06, "{name}: {found:?}");
        assert!((found.rare - rare).abs() < 0.05, "{name}: {found:?}");
    }
    // The order: ours, then ours with the wrong rows of the last layer or the wrong whitening, mean similarity, chance.
    let d = mean.map(|quality| quality.distance);
    assert!(d[2] < d[3] && d[2] < d[4] && d[2] < d[5] && d[3] < d[1] && d[5] < d[6] && d[1] < d[0]);
    // Round robin, the trivial rival, is as good, and at one row for each target better.
    assert!(d[7] < d[2] && d[7] > d[2] - 0.1, "{}", d[7]);
}

/// Transport distance first falls with the size, then rises; it is lowest near the number of targets.
#[test]
fn the_distance_has_a_valley() {
    let sizes = [20, 40, 60, 90, 120, 180, 400, 800];
    let right = [0.558, 0.224, 0.207, 0.228, 0.265, 0.324, 0.497, 0.790];
    let mut mean = [0.0; 8];
    for seed in 0..3 {
        let toy = Toy::new(&SHARES, seed);
        for (mean, size) in mean.iter_mut().zip(sizes) {
            let rows = select(&with_tie(TieRule::SmallestPotential), &toy.judge, size);
            *mean += distance(&toy.judge, &rows) / 3.0;
        }
    }
    println!("{mean:.3?}");
    let least = (0..8).min_by(|a, b| mean[*a].total_cmp(&mean[*b])).unwrap();
    assert!((1..=4).contains(&least), "{mean:?}");
    assert!(mean[0] > 1.5 * mean[least], "{mean:?}");
    assert!(mean[4..].windows(2).all(|pair| pair[0] < pair[1]), "{mean:?}");
    for (found, right) in mean.iter().zip(right) {
        assert!((found - right).abs() < 0.16, "{mean:?}");
    }
}

/// Estimated sizes: 159, 186 and 221 of 800 in the sheet (20 to 28 %), with precision .98 to 1.
#[test]
fn the_estimated_size_is_a_fifth_to_a_third() {
    for seed in 0..3 {
        let toy = Toy::new(&SHARES, seed);
        let found =
            block_on(with_tie(TieRule::default()).estimate(&toy.judge, &Rng::new(42), &mut ())).unwrap();
        let (ratio, precision) = (found.ratio(800), toy.quality(&found.rows).precision);
        println!("seed {seed}: {} rows, precision {precision:.3}", found.rows.len());
        assert!((0.15..0.38).contains(&ratio), "{ratio}");
        assert!(precision > 0.9, "{precision}");
        assert_eq!((found.folds.len(), found.left_out()), (10, 0));
        for fold in &found.folds {
            let best = fold.distances[fold.best - 1];
            assert!(fold.distances.iter().all(|d| *d >= best), "the best is kept, not the one after");
            assert_eq!(fold.distances.len(), fold.best + 1, "the first failure ends the search");
        }
    }
}

/// One cluster: mean similarity is as good in precision, and most of the gap is gone.
#[test]
fn with_one_mode_there_is_little_to_gain() {
    let (mut gap, mut overlap) = (0.0, 0.0);
    for seed in 0..SEEDS {
        let toy = Toy::new(&[1.0], seed);
        let ours = select(&with_tie(TieRule::default()), &toy.judge, 60);
        let greedy = select(&MeanSimilarity, &toy.judge, 60);
        let both = ours.iter().filter(|row| greedy.contains(row)).count();
        assert!(both >= 30, "seed {seed}: only {both} of 60 rows are the same");
        overlap += both as f64 / 60.0 / SEEDS as f64;
        let (ours, greedy) = (toy.quality(&ours), toy.quality(&greedy));
        assert!(ours.precision >= 0.98 && greedy.precision >= 0.98, "seed {seed}: {ours:?} {greedy:?}");
        gap += (greedy.distance - ours.distance) / SEEDS as f64;
    }
    // 0.70 in the sheet.
    assert!((0.5..0.9).contains(&overlap), "{overlap}");
    // 0.28 − 0.22 in the sheet, against 0.42 with three modes.
    assert!((0.02..0.15).contains(&gap), "{gap}");
}
