//! What every `exp` of this crate is made of: `2^n` times a polynomial on |r| ≤ ln 2 / 2, with x = n·ln 2 + r.

/// 1.5·2^23: adding it rounds a float to the nearest integer and leaves that integer in the low mantissa bits.
pub(crate) const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first of few enough bits that `n · LN2_HI` is exact (Cody and Waite).
pub(crate) const LN2_HI: f32 = 0.693_359_4;
pub(crate) const LN2_LO: f32 = -2.121_944_4e-4;
/// Minimax polynomial of `(exp(r) - 1 - r) / r²` (Cephes `expf`, highest power first).
pub(crate) const EXP_POLY: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
