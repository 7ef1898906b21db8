//! Text inside markup: escaping, estimated widths, numbers for people.

use std::fmt::Write;

/// Appends `text` escaped for XML content and attributes; characters that XML 1.0 forbids become U+FFFD.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if (c as u32) < 0x20 || matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            c => out.push(c),
        }
    }
}

/// `text` escaped for XML content and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    escape_into(&mut out, text);
    out
}

/// Columns that a character takes in a fixed-width font: 0 for marks that combine, 2 for East Asian and emoji.
pub(crate) fn columns(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f | 0xe0000..=0xe01ff => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Estimated width in units of the font size. There are no font metrics in a pure function, so this is on the wide
/// side of the common interface fonts.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' => 0.30,
        'f' | 't' | 'r' | 'I' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' | ' ' | '"' | '`' => 0.38,
        '\u{202f}' => 0.2,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.95,
        'A'..='Z' | '&' => 0.70,
        '+' | '−' | '=' | '<' | '>' | '±' | '~' | '×' => 0.66,
        '⁰' | '¹' | '²' | '³' | '⁴' | '⁵' | '⁶' | '⁷' | '⁸' | '⁹' | '⁻' => 0.42,
        c => 0.60 * columns(c) as f64,
    }
}

/// Estimated width of a text in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// `text` cut with an ellipsis so that it takes at most `limit` pixels.
pub(crate) fn fit(text: &str, size: f64, limit: f64) -> String {
    let mut used = 0.0;
    let mut cut = 0;
    for (at, c) in text.char_indices() {
        let step = advance(c) * size;
        if used + advance('…') * size <= limit {
            cut = at;
        }
        used += step;
        if used > limit {
            let head = text[..cut].trim_end();
            return format!("{head}…");
        }
    }
    text.to_owned()
}

/// `text` in at most two lines of at most `limit` pixels, broken at a space; `None` if it does not fit.
pub(crate) fn two_lines(text: &str, size: f64, limit: f64) -> Option<Vec<&str>> {
    if width(text, size) <= limit {
        return Some(vec![text]);
    }
    text.match_indices([' ', '-'])
        .map(|(at, _)| {
            let (a, b) = text.split_at(at + 1);
            (a.trim_end(), b.trim_start())
        })
        .filter(|(a, b)| width(a, size) <= limit && width(b, size) <= limit)
        .min_by(|p, q| {
            let longest = |(a, b): &(&str, &str)| width(a, size).max(width(b, size));
            longest(p).total_cmp(&longest(q))
        })
        .map(|(a, b)| vec![a, b])
}

/// A short name for summaries: at most 48 characters.
pub(crate) fn short(text: &str) -> String {
    if text.chars().count() <= 48 { text.to_owned() } else { text.chars().take(47).chain(['…']).collect() }
}

/// A coordinate with at most one decimal; anything that is not finite is 0.
pub(crate) fn coordinate(out: &mut String, v: f64) {
    let tenths = if v.is_finite() { (v.clamp(-1e6, 1e6) * 10.0).round() as i64 } else { 0 };
    if tenths < 0 {
        out.push('-');
    }
    let (whole, rest) = (tenths.abs() / 10, tenths.abs() % 10);
    let _ = write!(out, "{whole}");
    if rest != 0 {
        let _ = write!(out, ".{rest}");
    }
}

/// `v` with a fixed number of decimals, a true minus sign and thin spaces between thousands from 10 000.
pub(crate) fn fixed(v: f64, decimals: usize) -> String {
    let plain = format!("{:.*}", decimals, v.abs());
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let zero = plain.bytes().all(|b| b == b'0' || b == b'.');
    let mut out = String::new();
    if v < 0.0 && !zero {
        out.push('−');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

/// `m·10ᵉ` with superscript digits.
pub(crate) fn scientific(v: f64, digits: usize) -> String {
    if v == 0.0 {
        return "0".into();
    }
    let text = format!("{:.*e}", digits, v.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let mut out = String::new();
    if v < 0.0 {
        out.push('−');
    }
    if exponent == "0" || mantissa != "1" {
        out.push_str(mantissa);
        if exponent == "0" {
            return out;
        }
        out.push('·');
    }
    out.push_str("10");
    for c in exponent.chars() {
        out.push(match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            c => char::from_digit(c.to_digit(10).unwrap_or(0), 10)
                .map_or('⁰', |d| char::from_u32(0x2070 + (d as u32 - '0' as u32)).unwrap_or('⁰')),
        });
    }
    out
}

/// A number with about four significant digits, for people.
pub(crate) fn number(v: f64) -> String {
    if v.is_nan() {
        return "–".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "∞".into() } else { "−∞".into() };
    }
    let size = v.abs();
    if size == 0.0 {
        return "0".into();
    }
    if size >= 1e9 || (size >= 1e7 && size.fract() != 0.0) || size < 1e-4 {
        return scientific(v, 3);
    }
    if size.fract() == 0.0 {
        return fixed(v, 0);
    }
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 8) as usize;
    let text = fixed(v, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Decimals that show numbers of size `scale` with `digits` significant digits.
pub(crate) fn decimals(scale: f64, digits: i32) -> usize {
    if scale > 0.0 && scale.is_finite() {
        (digits - 1 - scale.log10().floor() as i32).clamp(0, 6) as usize
    } else {
        0
    }
}

/// A value beside its fellows: `decimals` decimals where that is readable, else as [`number`].
pub(crate) fn value(v: f64, decimals: usize) -> String {
    let size = v.abs();
    if !v.is_finite() || size >= 1e7 || (size > 0.0 && size < 1e-4) { number(v) } else { fixed(v, decimals) }
}

/// `1 point`, `2 points`.
pub(crate) fn count(n: usize, one: &str) -> String {
    let (ending, stem) = match one.strip_suffix('y') {
        Some(stem) if n != 1 => ("ies", stem),
        _ if n != 1 && (one.ends_with('s') || one.ends_with('x')) => ("es", one),
        _ if n != 1 => ("s", one),
        _ => ("", one),
    };
    format!("{} {stem}{ending}", fixed(n as f64, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_forbidden_characters_replaced() {
        assert_eq!(escape("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
        assert_eq!(escape("a\u{0}b\u{8}\nc\u{ffff}"), "a\u{fffd}b\u{fffd} c\u{fffd}");
        assert_eq!(escape("🦀é"), "🦀é");
    }

    #[test]
    fn numbers_read_well() {
        for (v, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-2.5, "−2.5"),
            (0.65321, "0.6532"),
            (12.0 / 7.0, "1.714"),
            (1234.0, "1234"),
            (12345.0, "12\u{202f}345"),
            (1234567.0, "1\u{202f}234\u{202f}567"),
            (1e-5, "10⁻⁵"),
            (-2.34e-7, "−2.34·10⁻⁷"),
            (6.02e23, "6.02·10²³"),
            (f64::NAN, "–"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(v), text, "{v}");
        }
        assert_eq!(fixed(-0.0004, 2), "0.00");
        assert_eq!(count(1, "class") + &count(2, "class") + &count(3, "entry"), "1 class2 classes3 entries");
    }

    #[test]
    fn coordinates_have_at_most_one_decimal() {
        let text = |v| {
            let mut out = String::new();
            coordinate(&mut out, v);
            out
        };
        assert_eq!(
            [1.0, 1.25, -0.04, -0.06, f64::NAN, 1e300].map(text),
            ["1", "1.3", "0", "-0.1", "0", "1000000"]
        );
    }

    #[test]
    fn long_texts_are_cut_to_the_width() {
        let long = "nearest prototype with a very long name";
        let cut = fit(long, 12.0, 80.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0) <= 80.0 && cut.len() > 8, "{cut}");
        assert_eq!(fit("short", 12.0, 80.0), "short");
        assert_eq!(fit("x", 12.0, 0.0), "…");
        assert_eq!(two_lines("nearest prototype", 12.0, 75.0), Some(vec!["nearest", "prototype"]));
        assert_eq!(two_lines("unbreakable", 12.0, 20.0), None);
    }
}
