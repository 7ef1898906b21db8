//! Powers of residuals, the same bits on every platform.

/// |x|^p. Square roots and products where p allows (1, 1.5, 2, 3, 4, 6), `libm` elsewhere.
#[must_use]
pub fn power(x: f64, p: f64) -> f64 {
    let x = x.abs();
    if p == 1.0 {
        x
    } else if p == 1.5 {
        x * x.sqrt()
    } else if p == 2.0 {
        x * x
    } else if p == 3.0 {
        x * x * x
    } else if p == 4.0 {
        (x * x) * (x * x)
    } else if p == 6.0 {
        (x * x) * (x * x) * (x * x)
    } else {
        libm::pow(x, p)
    }
}

/// s^(p/2 − 1), the weight of a row in an iteration of reweighted least squares whose squared residual is s.
#[must_use]
pub(super) fn reweight(s: f64, p: f64) -> f64 {
    if p == 1.0 {
        1.0 / s.sqrt()
    } else if p == 1.5 {
        1.0 / s.sqrt().sqrt()
    } else if p == 2.0 {
        1.0
    } else if p == 3.0 {
        s.sqrt()
    } else if p == 4.0 {
        s
    } else if p == 6.0 {
        s * s
    } else {
        libm::pow(s, 0.5 * p - 1.0)
    }
}
