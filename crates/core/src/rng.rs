//! Seeded random numbers that are the same on every platform, device and thread count.
//!
//! The generator is ChaCha with 8 rounds. Nothing is drawn in an order that depends on scheduling: a run takes
//! one [`Rng`] from its seed, splits it by name for each purpose, and takes item `i` of a purpose from `.at(i)`.
//! So task 17 is the same whether it is drawn first, last, or on another machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Stream of the numbers drawn directly from an [`Rng`] that was not made by [`Rng::at`].
const ROOT: u64 = u64::MAX;
/// Word position (of the 2^68 words of a stream) where the key of an indexed generator's children is taken.
const CHILD_KEY_WORD: u128 = 1 << 60;

/// A seeded random number generator that can be split by name and by index.
///
/// Floating-point results use `libm` only, never the platform's mathematics, so that native and WebAssembly
/// builds give the same bits.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u8; 32],
    stream: u64,
    chacha: ChaCha8Rng,
    spare_normal: Option<f64>,
}

impl Rng {
    /// The generator of a run's seed.
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self::from_key(key, ROOT)
    }

    /// An independent generator for the purpose `name`, the same whatever was drawn before.
    ///
    /// Its key is the start of the parent's key stream number FNV-1a(`name`).
    pub fn split(&self, name: &str) -> Self {
        let mut parent = ChaCha8Rng::from_seed(self.child_key());
        parent.set_stream(fnv1a(name.as_bytes()));
        let mut key = [0; 32];
        parent.fill_bytes(&mut key);
        Self::from_key(key, ROOT)
    }

    /// The generator of item `index`, the same whatever was drawn before (`index` < 2^64 − 1).
    pub fn at(&self, index: u64) -> Self {
        Self::from_key(self.child_key(), index)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.chacha.next_u64()
    }

    /// A number in [0, 1) with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// An integer in `0..n` without bias (Lemire 2019); 0 for `n` ≤ 1.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        if n <= 1 {
            return 0;
        }
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// A standard normal number (Box-Muller; the second of each pair is kept for the next call).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        let (sin, cos) = libm::sincos(2.0 * core::f64::consts::PI * self.uniform());
        self.spare_normal = Some(radius * sin);
        radius * cos
    }

    /// A gamma number of the given shape (> 0) and scale 1 (Marsaglia and Tsang 2000); 0 for other shapes.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape.is_nan() || shape <= 0.0 {
            return 0.0;
        }
        if shape < 1.0 {
            let boost = libm::pow(1.0 - self.uniform(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let t = 1.0 + c * x;
            if t <= 0.0 {
                continue;
            }
            let v = t * t * t;
            if libm::log(1.0 - self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// `n` shares that sum to 1, from a symmetric Dirichlet distribution of the given concentration (> 0).
    ///
    /// If the concentration is so small that every gamma number underflows, one share drawn evenly is 1.
    pub fn dirichlet(&mut self, concentration: f64, n: usize) -> Vec<f64> {
        let mut shares: Vec<f64> = (0..n).map(|_| self.gamma(concentration)).collect();
        let total: f64 = shares.iter().sum();
        if total > 0.0 && total.is_finite() {
            shares.iter_mut().for_each(|share| *share /= total);
        } else if n > 0 {
            shares.fill(0.0);
            shares[self.below(n)] = 1.0;
        }
        shares
    }

    /// Puts `items` into a random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// `count` different numbers of `0..n`, in random order; all of them if `count` > `n`.
    pub fn sample(&mut self, n: usize, count: usize) -> Vec<usize> {
        let count = count.min(n);
        if count <= 64 && count * 8 < n {
            // Floyd's algorithm: the work does not depend on n. Then a shuffle, as it does not give a random order.
            let mut chosen: Vec<usize> = Vec::with_capacity(count);
            for top in n - count..n {
                let pick = self.below(top + 1);
                chosen.push(if chosen.contains(&pick) { top } else { pick });
            }
            self.shuffle(&mut chosen);
            return chosen;
        }
        let mut all: Vec<usize> = (0..n).collect();
        for place in 0..count {
            let other = place + self.below(n - place);
            all.swap(place, other);
        }
        all.truncate(count);
        all
    }

    fn from_key(key: [u8; 32], stream: u64) -> Self {
        let mut chacha = ChaCha8Rng::from_seed(key);
        chacha.set_stream(stream);
        Self { key, stream, chacha, spare_normal: None }
    }

    /// The key of this generator's children. An indexed generator shares its key with its siblings, so its
    /// children need a key of their own: taken from its own stream, far behind anything that is ever drawn.
    fn child_key(&self) -> [u8; 32] {
        if self.stream == ROOT {
            return self.key;
        }
        let mut far = ChaCha8Rng::from_seed(self.key);
        far.set_stream(self.stream);
        far.set_word_pos(CHILD_KEY_WORD);
        let mut key = [0; 32];
        far.fill_bytes(&mut key);
        key
    }
}

/// FNV-1a, 64 bits.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_is_the_published_function() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// Golden values: a change here changes every run of every method, and must be meant.
    #[test]
    fn streams_are_pinned() {
        let rng = Rng::new(7);
        let draw = |mut rng: Rng| [rng.bits(), rng.bits()];
        assert_eq!(draw(rng.clone()), [0xf67e_fb57_a262_a42e, 0x2b47_1ed4_939f_2729]);
        assert_eq!(draw(rng.split("episodes")), [0x91e6_ae7b_e06e_95b9, 0x191e_64e7_576c_facb]);
        assert_eq!(draw(rng.split("episodes").at(3)), [0x71cd_077e_f67c_c07c, 0x68f1_2fee_acd0_198a]);
        let grandchild = rng.split("episodes").at(3).split("noise");
        assert_eq!(draw(grandchild), [0x8d76_c795_9b5c_5fb2, 0x3167_c73c_336a_f9a8]);
    }

    /// Bits, not values: `libm` gives the same ones natively and in WebAssembly.
    #[test]
    fn distributions_are_pinned() {
        let mut rng = Rng::new(7).split("numbers");
        let drawn = [rng.uniform(), rng.normal(), rng.normal(), rng.normal(), rng.gamma(2.0), rng.gamma(0.3)];
        assert_eq!(
            drawn.map(f64::to_bits),
            [
                4604219494209317021,
                4605849360344150288,
                4601011150981725120,
                13826951477773566010,
                4607305894591692511,
                4603185392704377465
            ]
        );
        let shares: Vec<u64> = rng.dirichlet(2.0, 3).into_iter().map(f64::to_bits).collect();
        assert_eq!(shares, [4601055853132023915, 4600339522788825565, 4597092545139424108]);
        assert_eq!(rng.sample(10, 4), [1, 7, 6, 4]);
        assert_eq!(rng.sample(1000, 5), [136, 245, 484, 220, 271]);
    }

    #[test]
    fn children_do_not_depend_on_what_was_drawn() {
        let fresh = Rng::new(1);
        let mut used = Rng::new(1);
        used.normal();
        used.bits();
        assert_eq!(fresh.split("a").bits(), used.split("a").bits());
        assert_eq!(fresh.at(5).bits(), used.at(5).bits());
    }

    #[test]
    fn children_differ_from_each_other_and_from_the_parent() {
        let rng = Rng::new(1);
        let mut seen = vec![
            rng.clone().bits(),
            Rng::new(2).bits(),
            rng.at(0).bits(),
            rng.at(1).bits(),
            rng.split("a").bits(),
            rng.split("b").bits(),
            rng.at(0).split("a").bits(),
            rng.at(1).split("a").bits(),
            rng.at(0).at(0).bits(),
            rng.at(1).at(0).bits(),
            rng.split("a").split("a").bits(),
        ];
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Rng::new(3).split("moments");
        let n = 200_000;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let normal: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let squares: Vec<f64> = normal.iter().map(|v| v * v).collect();
        // Five standard errors each.
        assert!(mean(&normal).abs() < 5.0 / (n as f64).sqrt());
        assert!((mean(&squares) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
        for shape in [0.3, 1.0, 2.0, 7.5] {
            let gamma: Vec<f64> = (0..n).map(|_| rng.gamma(shape)).collect();
            assert!((mean(&gamma) - shape).abs() < 5.0 * (shape / n as f64).sqrt(), "{shape}");
            assert!(gamma.iter().all(|v| *v >= 0.0));
        }
        let uniform: Vec<f64> = (0..n).map(|_| rng.uniform()).collect();
        assert!((mean(&uniform) - 0.5).abs() < 5.0 * (1.0 / 12.0 / n as f64).sqrt());
        assert!(uniform.iter().all(|v| (0.0..1.0).contains(v)));
        let mut counts = [0usize; 6];
        (0..n).for_each(|_| counts[rng.below(6)] += 1);
        assert!(
            counts.iter().all(|c| (*c as f64 - n as f64 / 6.0).abs() < 5.0 * (n as f64 * 5.0 / 36.0).sqrt())
        );
    }

    #[test]
    fn dirichlet_has_the_right_spread_and_survives_tiny_concentrations() {
        let mut rng = Rng::new(4);
        let n = 40_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let shares = rng.dirichlet(2.0, 5);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            sum += shares[0];
            squares += shares[0] * shares[0];
        }
        let (mean, variance) = (sum / n as f64, squares / n as f64 - (sum / n as f64).powi(2));
        assert!((mean - 0.2).abs() < 0.003);
        assert!((variance - 0.2 * 0.8 / 11.0).abs() < 0.0007);
        let shares = rng.dirichlet(1e-9, 4);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn samples_are_distinct_and_even() {
        let mut rng = Rng::new(5);
        for (n, count) in [(5, 5), (5, 9), (100, 3), (0, 2), (12, 4)] {
            let mut sample = rng.sample(n, count);
            sample.sort_unstable();
            sample.dedup();
            assert_eq!(sample.len(), count.min(n));
            assert!(sample.iter().all(|v| *v < n));
        }
        // Both algorithms: every number equally often, in every place.
        for (n, count) in [(30, 3), (6, 3)] {
            let mut counts = vec![vec![0usize; n]; count];
            let draws = 60_000;
            for _ in 0..draws {
                rng.sample(n, count).into_iter().enumerate().for_each(|(place, v)| counts[place][v] += 1);
            }
            let expected = draws as f64 / n as f64;
            for place in &counts {
                assert!(place.iter().all(|c| (*c as f64 - expected).abs() < 5.5 * expected.sqrt()));
            }
        }
    }
}
