//! Colours and type: the style sheet inside every picture.

use crate::Theme;

/// Colours of the ten classes on a light and on a dark surface.
///
/// Found by a search near named hues for the largest OKLab distance between the first 3, 4, 6, 8 and 10 of them with
/// normal, protanopic and deuteranopic sight (Machado et al. 2009), each with a contrast of at least 3 against its
/// surface, then moved towards livelier colours as far as they stay better apart than the palette of Okabe and Ito.
const CLASSES: [[&str; 2]; 10] = [
    ["#0567c4", "#3f9bf5"],
    ["#b14209", "#d36a21"],
    ["#399b82", "#23d7a4"],
    ["#8f2c76", "#cc74aa"],
    ["#b68b09", "#f3bd28"],
    ["#3294de", "#74d1f8"],
    ["#651529", "#be436a"],
    ["#7e7f0a", "#a8b43f"],
    ["#3933a0", "#8171e1"],
    ["#6b7379", "#a2a7a8"],
];

/// The page's variables with their light and dark values, and what stands in where a page does not set them.
const PAGE: [[&str; 4]; 5] = [
    ["fg", "#1f2328", "#e6e8eb", "currentColor"],
    ["muted", "#59636e", "#9aa4b0", "color-mix(in srgb,currentColor 68%,transparent)"],
    ["grid", "#e4e7eb", "#2b3037", "color-mix(in srgb,currentColor 13%,transparent)"],
    ["accent", "#0567c4", "#4fa3f7", "#2f81d0"],
    ["surface", "#ffffff", "#14171c", "Canvas"],
];

/// Rules in which `$name` stands for a variable of the page. The names are short because every picture carries them.
///
/// `b` surface, `m` muted text, `k` small text, `h` heading, `c`/`e`nd: anchors, `g` grid, `x` axis, `l` curve,
/// `f` fill, `bd` band, `o` outline in the surface's colour, `u` hollow, `r` ring, `z` ring of a chosen point, `x0`/`x1` cross,
/// `a` accent, `n` no class, `w` whisker, `d` dashed, `t` text with halo, `0`–`9` classes.
const RULES: &str = "\
.ls-plot{max-width:100%;height:auto;fill:$fg;stroke-linecap:round;stroke-linejoin:round;font-size:12px;FONT}\
.ls-h{font-size:14px;font-weight:600}\
.ls-m{fill:$muted}\
.ls-k{font-size:11px;fill:$muted;font-variant-numeric:tabular-nums}\
.ls-v{font-variant-numeric:tabular-nums}\
.ls-s{font-weight:600}\
.ls-c{text-anchor:middle}\
.ls-e{text-anchor:end}\
.ls-t{paint-order:stroke;stroke:$surface;stroke-width:3.5px}\
.ls-mono{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,\"Liberation Mono\",monospace}\
.ls-fg{fill:$fg}\
.ls-b{fill:$surface}\
.ls-g{fill:none;stroke:$grid;stroke-linecap:butt}\
.ls-x{fill:none;stroke:$muted;stroke-opacity:.55;stroke-linecap:butt}\
.ls-l{fill:none;stroke:currentColor;stroke-width:2px}\
.ls-f{fill:currentColor}\
.ls-bd{fill:currentColor;fill-opacity:.14}\
.ls-o{stroke:$surface;stroke-width:1px}\
.ls-j{fill-opacity:.7}\
.ls-u{fill:$surface;stroke:currentColor;stroke-width:1.5px}\
.ls-r{fill:$surface;stroke:currentColor;stroke-width:1.6px}\
.ls-z{fill:none;stroke:$fg;stroke-width:1.6px}\
.ls-x0{fill:none;stroke:$surface;stroke-width:7px}\
.ls-x1{fill:none;stroke:currentColor;stroke-width:3.2px}\
.ls-y{fill:none;stroke:$muted;stroke-opacity:.4;stroke-width:.8px}\
.ls-w{fill:none;stroke:$fg;stroke-width:1.4px;stroke-linecap:butt}\
.ls-a{fill:$accent}\
.ls-i{fill:#c1c4c8;fill:color-mix(in srgb,var(--ls-muted,currentColor) 38%,var(--ls-surface,Canvas))}\
.ls-q{fill:none;stroke:$accent;stroke-width:2px}\
.ls-p{fill:none;stroke:currentColor;stroke-width:2px;stroke-linecap:butt}\
.ls-d{stroke-dasharray:3 2.5}\
.ls-crisp{shape-rendering:crispEdges;image-rendering:pixelated}\
.ls-n{color:$muted}";

/// Appends the style sheet.
///
/// Every declaration that uses a variable is preceded by the same one with a plain colour: renderers that know no
/// CSS variables (librsvg, LaTeX tool chains) take that, browsers the later one.
pub(crate) fn sheet(out: &mut String, theme: Theme) {
    if theme == Theme::Auto {
        for (column, before, after) in [(0, "", ""), (1, "@media(prefers-color-scheme:dark){", "}")] {
            out.push_str(before);
            out.push_str(".ls-auto{");
            for row in PAGE {
                out.push_str(&format!("--ls-{}:{};", row[0], row[1 + column]));
            }
            for (i, pair) in CLASSES.iter().enumerate() {
                out.push_str(&format!("--ls-class-{i}:{};", pair[column]));
            }
            out.push('}');
            out.push_str(after);
        }
    }
    let font = match theme {
        Theme::Auto => {
            "font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,\"Noto Sans\",sans-serif"
        }
        Theme::Inherit => "font-family:inherit",
    };
    for rule in RULES.split_inclusive('}') {
        let Some((selector, body)) = rule.split_once('{') else { continue };
        out.push_str(selector);
        out.push('{');
        for declaration in body.trim_end_matches('}').split(';') {
            let mut declare = |text: &str| {
                out.push_str(text);
                out.push(';');
            };
            match declaration.split_once('$') {
                Some((property, name)) => {
                    let [_, light, _, instead] =
                        PAGE.iter().find(|p| p[0] == name).copied().unwrap_or(PAGE[0]);
                    declare(&format!("{property}{light}"));
                    declare(&format!("{property}var(--ls-{name},{instead})"));
                }
                None => declare(if declaration == "FONT" { font } else { declaration }),
            }
        }
        out.push('}');
    }
    for (i, [light, _]) in CLASSES.iter().enumerate() {
        out.push_str(&format!(".ls-{i}{{color:{light};color:var(--ls-class-{i},{light})}}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(hex: &str) -> [f64; 3] {
        [1, 3, 5].map(|i| {
            let c = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(m: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        m.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
    }

    fn oklab(rgb: [f64; 3]) -> [f64; 3] {
        let lms = times(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ],
            rgb,
        );
        times(
            [
                [0.2104542553, 0.793617785, -0.0040720468],
                [1.9779984951, -2.428592205, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.808675766],
            ],
            lms.map(f64::cbrt),
        )
    }

    /// Normal, protanopic and deuteranopic sight (Machado, Oliveira, Fernandes 2009, severity 1).
    const SIGHT: [[[f64; 3]; 3]; 3] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    ];

    fn apart(a: &str, b: &str) -> f64 {
        let distance = |sight| {
            let [p, q] = [a, b].map(|c| oklab(times(sight, linear(c)).map(|v| v.clamp(0.0, 1.0))));
            p.iter().zip(q).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        SIGHT.map(distance).into_iter().fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn classes_stay_apart_without_red_green_sight_and_stand_out_from_the_surface() {
        let luminance = |hex| times([[0.2126, 0.7152, 0.0722]; 3], linear(hex))[0];
        for theme in 0..2 {
            let surface = luminance(PAGE[4][1 + theme]);
            for (i, a) in CLASSES.iter().enumerate() {
                let own = luminance(a[theme]);
                let contrast = (own.max(surface) + 0.05) / (own.min(surface) + 0.05);
                assert!(contrast >= 3.0, "{} has a contrast of {contrast}", a[theme]);
                for (j, b) in CLASSES.iter().enumerate().skip(i + 1) {
                    let least = if j < 6 { 0.1 } else { 0.04 };
                    let apart = apart(a[theme], b[theme]);
                    assert!(apart >= least, "{} and {} are {apart} apart", a[theme], b[theme]);
                }
            }
        }
    }

    #[test]
    fn the_sheet_is_small_balanced_and_safe_inside_markup() {
        for theme in [Theme::Auto, Theme::Inherit] {
            let mut out = String::new();
            sheet(&mut out, theme);
            assert!(out.len() < 5000, "{} bytes", out.len());
            assert!(!out.contains(['$', '<', '&']) && !out.contains("FONT"));
            assert_eq!(out.matches('{').count(), out.matches('}').count());
            assert_eq!(out.contains("prefers-color-scheme:dark"), theme == Theme::Auto);
            for name in ["fg", "muted", "grid", "accent", "surface", "class-0", "class-9"] {
                assert!(out.contains(&format!("var(--ls-{name},")), "{name}");
            }
        }
    }
}
