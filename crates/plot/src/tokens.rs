//! Text with weights, as SVG and as HTML.

use crate::canvas::{Canvas, Entry, MARGIN};
use crate::marks::Mark;
use crate::text;
use lowshot_protocol::Tokens;

/// Most tokens drawn.
const MOST: usize = 1500;
/// Most lines drawn.
const LINES: usize = 300;
/// Width of a column of the fixed-width font.
const COLUMN: f64 = 7.8;
/// Height of a line.
const LINE: f64 = 24.0;

/// Weight as strength from 0 to 1 and sign; what is not finite has none.
fn strength(weight: f64) -> (f64, bool) {
    if weight.is_finite() { (weight.abs().min(1.0), weight < 0.0) } else { (0.0, false) }
}

pub(crate) fn draw(canvas: &mut Canvas, tokens: &Tokens) {
    if tokens.tokens.iter().all(|t| t.text.is_empty()) {
        return canvas.no_data("");
    }
    let weights = || tokens.tokens.iter().map(|t| strength(t.weight)).filter(|s| s.0 >= 0.02);
    let mut entries = Vec::new();
    for (negative, mark, name) in
        [(false, Mark::Positive, "weight > 0"), (true, Mark::Negative, "weight < 0")]
    {
        if weights().any(|(_, n)| n == negative) {
            entries.push(Entry { mark, name: name.into() });
        }
    }
    canvas.legend(&entries);
    let columns = ((canvas.width - 2.0 * MARGIN) / COLUMN).floor().max(4.0) as usize;
    let mut pen = Pen { row: 0, column: 0, columns, top: canvas.top + 4.0 };
    'tokens: for (i, token) in tokens.tokens.iter().enumerate() {
        let (strength, negative) = strength(token.weight);
        let tip =
            if strength >= 0.02 { format!("weight {}", text::number(token.weight)) } else { String::new() };
        for (k, line) in token.text.split('\n').enumerate() {
            if k > 0 && pen.row < LINES {
                pen.feed();
            }
            for piece in pen.pieces(line) {
                if i == MOST || pen.row >= LINES {
                    canvas.notes.push(format!("first {i} of {}", text::count(tokens.tokens.len(), "token")));
                    break 'tokens;
                }
                pen.write(canvas, &piece, strength, negative, &tip);
            }
        }
    }
    let needed = pen.top + LINE * (pen.row + 1) as f64 + canvas.bottom();
    canvas.height = needed;
}

/// Where the next piece goes.
struct Pen {
    row: usize,
    column: usize,
    columns: usize,
    top: f64,
}

impl Pen {
    fn feed(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// Cuts a token into pieces that fit on a line.
    fn pieces(&self, line: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        let (mut piece, mut wide) = (String::new(), 0);
        for c in line.chars() {
            let c = if c == '\t' { ' ' } else { c };
            let n = text::columns(c);
            if wide + n > self.columns {
                pieces.push(std::mem::take(&mut piece));
                wide = 0;
            }
            piece.push(c);
            wide += n;
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
        pieces
    }

    fn write(&mut self, canvas: &mut Canvas, piece: &str, strength: f64, negative: bool, tip: &str) {
        let mut piece = piece;
        let mut wide: usize = piece.chars().map(text::columns).sum();
        if self.column > 0 && self.column + wide > self.columns {
            self.feed();
            // A line does not begin with the space that separated two words.
            if let Some(rest) = piece.strip_prefix(' ').filter(|r| !r.is_empty()) {
                piece = rest;
                wide -= 1;
            }
        }
        let (x, y) = (MARGIN + COLUMN * self.column as f64, self.top + LINE * self.row as f64);
        let w = COLUMN * wide as f64;
        self.column += wide;
        // The space before a word belongs to the token, but a word is what people see.
        let skipped =
            if piece.trim().is_empty() { 0 } else { piece.len() - piece.trim_start_matches(' ').len() };
        let (start, w) = (x + COLUMN * skipped as f64, w - COLUMN * skipped as f64);
        if strength >= 0.02 {
            let opacity = text::fixed(0.06 + 0.4 * strength, 2);
            let class = if negative { "ls-f ls-1" } else { "ls-a" };
            let extra = format!(" fill-opacity=\"{opacity}\" rx=\"3\"");
            canvas.rect([start - 1.0, y, w + 2.0, 19.0], class, &extra, tip);
            let line = if negative { "ls-p ls-d ls-1" } else { "ls-q" };
            canvas.line([start, y + 19.0], [start + w, y + 19.0], line);
        }
        if piece.chars().all(char::is_whitespace) {
            return;
        }
        // The width is given so that text and background agree in whatever font there is.
        let shown = piece.trim_matches(' ');
        let length = shown.chars().map(text::columns).sum::<usize>() as f64;
        canvas.raw("<text").attr("x", start).attr("y", y + 14.0).class("ls-mono");
        if length > 0.0 {
            canvas.attr("textLength", COLUMN * length).raw(" lengthAdjust=\"spacingAndGlyphs\"");
        }
        canvas.raw(">").raw(&text::escape(&shown.replace(' ', "\u{a0}"))).raw("</text>");
    }
}

/// The tokens as a paragraph of HTML.
pub(crate) fn html(tokens: &Tokens) -> String {
    let mut out = String::from("<p class=\"ls-tokens\">");
    for token in &tokens.tokens {
        let (strength, negative) = strength(token.weight);
        let mut content = String::new();
        for (k, line) in token.text.split('\n').enumerate() {
            if k > 0 {
                content.push_str("<br/>");
            }
            text::escape_into(&mut content, line);
        }
        if strength >= 0.02 {
            let sign = if negative { "neg" } else { "pos" };
            let weight = text::number(token.weight);
            let strength = text::fixed(strength, 2);
            out.push_str(&format!(
                "<mark class=\"ls-{sign}\" style=\"--w:{strength}\" title=\"weight {weight}\">{content}</mark>"
            ));
        } else {
            out.push_str(&content);
        }
    }
    out.push_str("</p>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowshot_protocol::Token;

    #[test]
    fn html_escapes_and_marks() {
        let token = |text: &str, weight| Token { text: text.into(), weight };
        let all = Tokens { tokens: vec![token("<b>", 0.5), token(" x\n", -2.0), token("y", f64::NAN)] };
        assert_eq!(
            html(&all),
            "<p class=\"ls-tokens\"><mark class=\"ls-pos\" style=\"--w:0.50\" title=\"weight 0.5\">&lt;b&gt;</mark>\
             <mark class=\"ls-neg\" style=\"--w:1.00\" title=\"weight −2\"> x<br/></mark>y</p>"
        );
    }

    #[test]
    fn pieces_fit_on_a_line() {
        let pen = Pen { row: 0, column: 0, columns: 5, top: 0.0 };
        assert_eq!(pen.pieces("abcdefghijkl"), ["abcde", "fghij", "kl"]);
        assert_eq!(pen.pieces("日本語x"), ["日本", "語x"]);
        assert!(pen.pieces("").is_empty());
    }
}
