//! The vector arithmetic that the kernels share. Lane counts differ by machine (16 with AVX-512, 8 with AVX2, 4 with
//! NEON and simd128), so buffers are padded to [`PAD`], a multiple of all of them.

use pulp::{Arch, Simd, WithSimd};

use crate::exponential::{EXP_POLY, LN2_HI, LN2_LO, ROUND};

/// Buffers read in whole vectors are padded to a multiple of this many floats, two of the widest vectors.
pub(super) const PAD: usize = 32;

/// `n` rounded up to a multiple of `to`.
pub(super) fn round_up(n: usize, to: usize) -> usize {
    n.div_ceil(to) * to
}

/// Below this `exp` gives 0: the smallest normal `f32` is near `exp(-87.3)`.
const EXP_MIN: f32 = -86.0;
const EXP_MAX: f32 = 88.0;

/// `exp(x)` lane by lane, within about 1 ulp (1e-7 relative); 0 below -86, `exp(88)` above 88.
#[inline(always)]
pub(super) fn exp<S: Simd>(s: S, x: S::f32s) -> S::f32s {
    let low = s.less_than_f32s(x, s.splat_f32s(EXP_MIN));
    let x = s.min_f32s(s.max_f32s(x, s.splat_f32s(EXP_MIN)), s.splat_f32s(EXP_MAX));
    let rounded = s.mul_add_e_f32s(x, s.splat_f32s(core::f32::consts::LOG2_E), s.splat_f32s(ROUND));
    let n = s.sub_f32s(rounded, s.splat_f32s(ROUND));
    let r = s.mul_add_e_f32s(n, s.splat_f32s(-LN2_HI), x);
    let r = s.mul_add_e_f32s(n, s.splat_f32s(-LN2_LO), r);
    let mut p = s.splat_f32s(EXP_POLY[0]);
    for c in &EXP_POLY[1..] {
        p = s.mul_add_e_f32s(p, r, s.splat_f32s(*c));
    }
    let y = s.mul_add_e_f32s(p, s.mul_f32s(r, r), s.add_f32s(r, s.splat_f32s(1.0)));
    // 2^n by adding n to the exponent field.
    let power = s.wrapping_dyn_shl_u32s(s.transmute_u32s_f32s(rounded), s.splat_u32s(23));
    let y = s.transmute_f32s_u32s(s.add_u32s(s.transmute_u32s_f32s(y), power));
    s.select_f32s(low, s.splat_f32s(0.0), y)
}

/// `Σ (x - y)²` of two rows of equal length.
#[inline(always)]
pub(super) fn sqdist<S: Simd>(s: S, x: &[f32], y: &[f32]) -> f32 {
    let (xv, xt) = S::as_simd_f32s(x);
    let (yv, yt) = S::as_simd_f32s(y);
    let mut acc = s.splat_f32s(0.0);
    for (&a, &b) in xv.iter().zip(yv) {
        let d = s.sub_f32s(a, b);
        acc = s.mul_add_e_f32s(d, d, acc);
    }
    let mut sum = s.reduce_sum_f32s(acc);
    for (a, b) in xt.iter().zip(yt) {
        sum += (a - b) * (a - b);
    }
    sum
}

struct LaneCount;

impl WithSimd for LaneCount {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// The instruction set a kernel runs with.
#[derive(Clone, Copy)]
pub(super) enum Machine {
    /// The widest vectors there are.
    Widest(
        #[cfg_attr(
            all(target_family = "wasm", target_feature = "simd128"),
            expect(dead_code, reason = "the instructions of WebAssembly are known when it is compiled")
        )]
        Arch,
    ),
    /// AVX2 on a machine that also has AVX-512, for rows that would leave half of a wide vector empty.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
}

impl Machine {
    /// The widest vectors.
    pub(super) fn widest() -> Self {
        Machine::Widest(Arch::new())
    }

    /// Vectors that suit rows of `width` floats.
    pub(super) fn for_rows(width: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if width <= 8
            && let Some(avx2) = pulp::x86::V3::try_new()
        {
            return Machine::Avx2(avx2);
        }
        let _ = width;
        Machine::widest()
    }

    /// Runs `op` with these instructions enabled.
    #[inline(always)]
    pub(super) fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        // Known when this is compiled, so that a page downloads one form of every kernel.
        #[cfg(all(target_family = "wasm", target_feature = "simd128"))]
        return match pulp::wasm::Simd128::try_new() {
            Some(simd) => Simd::vectorize(simd, op),
            None => Simd::vectorize(pulp::Scalar, op),
        };
        #[cfg(not(all(target_family = "wasm", target_feature = "simd128")))]
        match self {
            Machine::Widest(arch) => arch.dispatch(op),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(simd) => Simd::vectorize(simd, op),
        }
    }

    /// Floats in a vector.
    pub(super) fn lanes(self) -> usize {
        self.run(LaneCount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Exp<'a>(&'a mut [f32]);
    impl WithSimd for Exp<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, s: S) {
            let (head, tail) = S::as_mut_simd_f32s(self.0);
            assert!(tail.is_empty());
            for v in head {
                *v = exp(s, *v);
            }
        }
    }

    #[test]
    fn exp_is_accurate_to_1e7_and_has_clean_ends() {
        let inputs: Vec<f32> = (0..1 << 16).map(|i| -86.0 + 174.0 * i as f32 / 65536.0).collect();
        let mut got = inputs.clone();
        Arch::new().dispatch(Exp(&mut got));
        let worst = inputs
            .iter()
            .zip(&got)
            .map(|(&x, &y)| (f64::from(y) / f64::from(x).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 1.2e-7, "largest relative error {worst:e}");

        let mut ends = [f32::NEG_INFINITY, -1e30, -86.1, 0.0].repeat(PAD / 4);
        Arch::new().dispatch(Exp(&mut ends));
        assert_eq!(&ends[..4], &[0.0, 0.0, 0.0, 1.0]);
    }
}
