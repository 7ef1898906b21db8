//! How many rows theory asks for, up to constants and logarithms.

/// What the sizes depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Problem {
    /// Exponent of the loss, p ≥ 1.
    pub p: f64,
    /// Rows.
    pub n: usize,
    /// Columns (the rank).
    pub d: usize,
    /// Total sensitivity 𝔖.
    pub total: f64,
    /// Accuracy ε.
    pub epsilon: f64,
}

/// One row of the table of bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Which scheme, in a few words.
    pub scheme: &'static str,
    /// The formula.
    pub formula: &'static str,
    /// The number of rows, without constants and logarithms.
    pub rows: f64,
    /// True if no scheme can do with fewer in the worst case.
    pub lower: bool,
}

/// The table: one entry a scheme that has a bound for this p.
///
/// p = 2 counts as the first column. For p < 2 the sensitivity bound of this paper is superseded by that of Chen and
/// Derezinski 2021, as the paper's second version says. The bound 𝔖 + d for p > 2 is a conjecture and is left out. That
/// of leverage with sensitivity for p > 2 is known from the abstract only.
#[must_use]
pub fn bounds(problem: &Problem) -> Vec<Bound> {
    let Problem { p, n, d, total, epsilon } = *problem;
    let (n, d) = (n as f64, d as f64);
    let square = epsilon * epsilon;
    let pow = libm::pow;
    let bound = |scheme, formula, rows| Bound { scheme, formula, rows, lower: false };
    let mut table = vec![bound("general framework, 2011", "S·d/ε²", total * d / square)];
    if p <= 2.0 {
        table.extend([
            bound("sensitivity, this paper", "S^(2/p)/ε²", pow(total, 2.0 / p) / square),
            bound("sensitivity, 2021", "d^(1−p/2)·S/ε²", pow(d, 1.0 - 0.5 * p) * total / square),
            bound("sensitivity + leverage, 2024", "(S+d)/ε²", (total + d) / square),
            bound(
                "root leverage, one round",
                "n^(1−p/2)·d^(p/2)/ε²",
                pow(n, 1.0 - 0.5 * p) * pow(d, 0.5 * p) / square,
            ),
            bound("root leverage, recursive", "d/ε^(4/p)", d / pow(epsilon, 4.0 / p)),
            bound("Lewis weights", "d/ε²", d / square),
            Bound { lower: true, ..bound("any row subset, worst case", "d/ε²", d / square) },
        ]);
    } else {
        let (worst, most) = (d / square, pow(d, 0.5 * p));
        table.extend([
            bound("sensitivity, this paper", "S^(2−2/p)/ε²", pow(total, 2.0 - 2.0 / p) / square),
            bound(
                "leverage + sensitivity, this paper",
                "d^(2/p)·S^(2−4/p)/ε²",
                pow(d, 2.0 / p) * pow(total, 2.0 - 4.0 / p) / square,
            ),
            bound("root leverage, one round", "n^(1−2/p)·d/ε²", pow(n, 1.0 - 2.0 / p) * d / square),
            bound("root leverage, recursive", "d^(p/2)/ε^p", most / pow(epsilon, p)),
            bound("Lewis weights", "d^(p/2)/ε²", most / square),
        ]);
        // The known worst case is one for exponents that are not even numbers.
        if (0.5 * p).fract() != 0.0 {
            let rows = worst.max(most / epsilon);
            table.push(Bound {
                lower: true,
                ..bound("any row subset, worst case", "max(d/ε², d^(p/2)/ε)", rows)
            });
        }
    }
    table
}
