//! Rows and columns, as SVG and as HTML.

use crate::canvas::{Canvas, MARGIN, TEXT};
use crate::text;
use lowshot_protocol::{Cell, Table};

/// Most rows drawn in an SVG.
const ROWS: usize = 60;
/// Most columns drawn in an SVG.
const COLUMNS: usize = 16;
/// Height of a row.
const ROW: f64 = 23.0;

/// Texts of the cells with the same decimals in a column, and whether a column holds only numbers.
fn texts(table: &Table, rows: usize) -> (Vec<Vec<String>>, Vec<bool>) {
    let columns = columns(table);
    let column = |c: usize| table.rows.iter().filter_map(move |r| r.get(c));
    let mut decimals = Vec::with_capacity(columns);
    let mut numeric = Vec::with_capacity(columns);
    for c in 0..columns {
        let numbers =
            || column(c).filter_map(|cell| if let Cell::Number(v) = cell { Some(*v) } else { None });
        let finite = || numbers().filter(|v| v.is_finite());
        let whole = finite().all(|v| v.fract() == 0.0);
        let largest = finite().map(f64::abs).fold(0.0, f64::max);
        let smallest = finite().map(f64::abs).filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        // Four digits of the largest, or two of the smallest if that takes more, but no endless tails.
        let fine = text::decimals(largest, 4).max(text::decimals(smallest, 2).min(4));
        decimals.push(if whole { 0 } else { fine });
        numeric.push(numbers().next().is_some() && column(c).all(|cell| matches!(cell, Cell::Number(_))));
    }
    let cell = |row: &Vec<Cell>, c: usize| match row.get(c) {
        Some(Cell::Number(v)) => text::value(*v, decimals[c]),
        Some(Cell::Text(t)) => t.clone(),
        None => String::new(),
    };
    let texts = table.rows.iter().take(rows).map(|r| (0..columns).map(|c| cell(r, c)).collect()).collect();
    (texts, numeric)
}

/// Number of columns: the header may be shorter than the rows.
fn columns(table: &Table) -> usize {
    table.rows.iter().map(Vec::len).max().unwrap_or(0).max(table.columns.len())
}

pub(crate) fn draw(canvas: &mut Canvas, table: &Table) {
    let all = columns(table);
    let shown = all.min(COLUMNS);
    if shown == 0 || table.rows.is_empty() {
        return canvas.no_data("");
    }
    if all > shown {
        canvas.notes.push(format!("first {shown} of {}", text::count(all, "column")));
    }
    if table.rows.len() > ROWS {
        canvas.notes.push(format!("first {ROWS} of {}", text::count(table.rows.len(), "row")));
    }
    if !table.title.trim().is_empty() {
        canvas.top += 2.0;
        let title = text::fit(table.title.trim(), 13.0, canvas.width - 2.0 * MARGIN);
        canvas.text(MARGIN, canvas.top + 10.0, "ls-s", &title);
        canvas.top += 20.0;
    }
    let (texts, numeric) = texts(table, ROWS);
    let header = |c: usize| table.columns.get(c).map_or("", String::as_str);
    let wide = |c: usize| {
        let cells = texts.iter().filter_map(|r| r.get(c)).map(|t| text::width(t, TEXT)).fold(0.0, f64::max);
        cells.max(text::width(header(c), TEXT)) + 1.0
    };
    let gap = if canvas.width < 440.0 { 10.0 } else { 18.0 };
    let room = canvas.width - 2.0 * MARGIN - gap * (shown - 1) as f64;
    let widths = shares((0..shown).map(wide).collect(), room.max(20.0 * shown as f64));
    let right = MARGIN + widths.iter().sum::<f64>() + gap * (shown - 1) as f64;
    let y = canvas.top + 14.0;
    let line = |canvas: &mut Canvas, y: f64, cells: &dyn Fn(usize) -> String, class: &str| {
        let mut x = MARGIN;
        for (c, w) in widths.iter().enumerate() {
            let content = text::fit(&cells(c), TEXT, *w);
            if !content.is_empty() {
                let (at, end) = if numeric[c] { (x + w, " ls-e") } else { (x, "") };
                canvas.text(at, y, format!("{class}{end}").trim(), &content);
            }
            x += w + gap;
        }
    };
    line(canvas, y, &|c| header(c).to_owned(), "ls-m");
    let rule = (y + 7.0).floor() + 0.5;
    canvas.line([MARGIN, rule], [right, rule], "ls-x");
    for (r, row) in texts.iter().enumerate() {
        let y = y + 4.0 + ROW * (r + 1) as f64;
        line(canvas, y, &|c| row.get(c).cloned().unwrap_or_default(), "ls-v");
        if r + 1 < texts.len() {
            let rule = (y + 7.0).floor() + 0.5;
            canvas.line([MARGIN, rule], [right, rule], "ls-g");
        }
    }
    let needed = y + 4.0 + ROW * texts.len() as f64 + 8.0 + canvas.bottom();
    canvas.height = needed;
}

/// Widths that sum to at most `room`: the widest columns give way first.
fn shares(mut widths: Vec<f64>, room: f64) -> Vec<f64> {
    // Columns below the equal share keep their width; the others share what is left, until nothing changes.
    let mut limit = room / widths.len().max(1) as f64;
    for _ in 0..widths.len() {
        let narrow = || widths.iter().filter(|w| **w <= limit);
        let (kept, count) = (narrow().sum::<f64>(), narrow().count());
        if count == widths.len() {
            return widths;
        }
        limit = limit.max((room - kept) / (widths.len() - count) as f64);
    }
    widths.iter_mut().for_each(|w| *w = w.min(limit));
    widths
}

/// The table as HTML.
pub(crate) fn html(table: &Table) -> String {
    let (texts, numeric) = texts(table, usize::MAX);
    let mut out = String::from("<table class=\"ls-table\">");
    if !table.title.is_empty() {
        out.push_str(&format!("<caption>{}</caption>", text::escape(&table.title)));
    }
    let class = |c: usize| if numeric.get(c) == Some(&true) { " class=\"ls-num\"" } else { "" };
    out.push_str("<thead><tr>");
    for c in 0..numeric.len() {
        let name = table.columns.get(c).map_or("", String::as_str);
        out.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(c), text::escape(name)));
    }
    out.push_str("</tr></thead><tbody>");
    for row in &texts {
        out.push_str("<tr>");
        for (c, cell) in row.iter().enumerate() {
            let cell = text::escape(cell);
            // A first column of texts names its row.
            if c == 0 && !numeric[0] {
                out.push_str(&format!("<th scope=\"row\">{cell}</th>"));
            } else {
                out.push_str(&format!("<td{}>{cell}</td>", class(c)));
            }
        }
        out.push_str("</tr>");
    }
    if texts.is_empty() {
        out.push_str(&format!("<tr><td colspan=\"{}\">no data</td></tr>", numeric.len().max(1)));
    }
    out.push_str("</tbody></table>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_has_headings_and_aligned_numbers() {
        let table = Table {
            title: "A & B".into(),
            columns: vec!["method".into(), "accuracy".into()],
            rows: vec![vec!["<x>".into(), 0.65321.into()], vec!["y".into(), 0.7.into(), "extra".into()]],
        };
        assert_eq!(
            html(&table),
            "<table class=\"ls-table\"><caption>A &amp; B</caption><thead><tr><th scope=\"col\">method</th>\
             <th scope=\"col\" class=\"ls-num\">accuracy</th><th scope=\"col\"></th></tr></thead><tbody>\
             <tr><th scope=\"row\">&lt;x&gt;</th><td class=\"ls-num\">0.6532</td><td></td></tr>\
             <tr><th scope=\"row\">y</th><td class=\"ls-num\">0.7000</td><td>extra</td></tr></tbody></table>"
        );
    }

    #[test]
    fn wide_columns_give_way() {
        let widths = shares(vec![40.0, 500.0, 60.0], 300.0);
        assert_eq!((widths[0], widths[2]), (40.0, 60.0));
        assert!(widths.iter().sum::<f64>() <= 300.5 && widths[1] > 180.0, "{widths:?}");
        assert_eq!(shares(vec![40.0, 50.0], 300.0), [40.0, 50.0]);
    }
}
