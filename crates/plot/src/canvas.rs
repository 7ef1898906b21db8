//! The sheet that everything is drawn on: a string of SVG elements, and the parts that all pictures share.

use crate::marks::{self, Mark};
use crate::{Options, Theme, style, text};

/// Space around a picture.
pub(crate) const MARGIN: f64 = 12.0;
/// Size of ordinary text.
pub(crate) const TEXT: f64 = 12.0;
/// Size of tick labels.
pub(crate) const SMALL: f64 = 11.0;
/// Size of the heading.
const HEADING: f64 = 14.0;
/// Height of a row of the legend.
const ROW: f64 = 19.0;

/// An entry of a legend.
pub(crate) struct Entry {
    pub mark: Mark,
    pub name: String,
}

/// SVG under construction.
pub(crate) struct Canvas {
    body: String,
    /// Size of the sheet; the height may grow while drawing.
    pub width: f64,
    pub height: f64,
    /// Prefix of every id.
    pub prefix: String,
    theme: Theme,
    title: String,
    /// Lowest position that the head does not use.
    pub top: f64,
    /// Remarks under the picture, such as what was left out.
    pub notes: Vec<String>,
}

impl Canvas {
    pub fn new(options: &Options) -> Canvas {
        let mut prefix: String = options
            .id_prefix
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(64)
            .collect();
        if !prefix.starts_with(|c: char| c.is_ascii_alphabetic()) {
            prefix.insert_str(0, "ls");
        }
        let mut canvas = Canvas {
            body: String::new(),
            width: f64::from(options.width.clamp(160, 4096)),
            height: f64::from(options.height.clamp(100, 4096)),
            prefix,
            theme: options.theme,
            title: options.title.clone(),
            top: MARGIN,
            notes: Vec::new(),
        };
        if !canvas.title.trim().is_empty() {
            let heading = text::fit(canvas.title.trim(), HEADING * 1.06, canvas.width - 2.0 * MARGIN);
            canvas.text(MARGIN, MARGIN + 12.0, "ls-h", &heading);
            canvas.top += 24.0;
        }
        canvas
    }

    /// Markup that is known to be well-formed.
    pub fn raw(&mut self, markup: &str) -> &mut Canvas {
        self.body.push_str(markup);
        self
    }

    /// A coordinate or length.
    pub fn num(&mut self, v: f64) -> &mut Canvas {
        text::coordinate(&mut self.body, v);
        self
    }

    /// ` name="v"`.
    pub fn attr(&mut self, name: &str, v: f64) -> &mut Canvas {
        self.raw(" ").raw(name).raw("=\"").num(v).raw("\"")
    }

    /// Text at a baseline; `class` also says where it is anchored.
    pub fn text(&mut self, x: f64, y: f64, class: &str, content: &str) {
        self.raw("<text").attr("x", x).attr("y", y).class(class).raw(">");
        text::escape_into(&mut self.body, content);
        self.raw("</text>");
    }

    /// ` class="…"`, or nothing.
    pub fn class(&mut self, class: &str) -> &mut Canvas {
        if class.is_empty() { self } else { self.raw(" class=\"").raw(class).raw("\"") }
    }

    /// A straight line.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], class: &str) {
        self.raw("<path d=\"M").point(from).raw("L").point(to).raw("\"").class(class).raw("/>");
    }

    /// `x y`.
    pub fn point(&mut self, [x, y]: [f64; 2]) -> &mut Canvas {
        self.num(x).raw(" ").num(y)
    }

    /// A path of given data.
    pub fn path(&mut self, data: &str, class: &str) {
        self.raw("<path d=\"").raw(data).raw("\"").class(class).raw("/>");
    }

    /// A rectangle with a tooltip; `extra` is further attributes.
    pub fn rect(&mut self, [x, y, w, h]: [f64; 4], class: &str, extra: &str, tip: &str) {
        self.raw("<rect").attr("x", x).attr("y", y).attr("width", w.max(0.0)).attr("height", h.max(0.0));
        self.class(class).raw(extra);
        self.tip(tip, "rect");
    }

    /// Ends an open tag, with a tooltip inside if there is one.
    pub fn tip(&mut self, tip: &str, element: &str) {
        if tip.is_empty() {
            self.raw("/>");
        } else {
            self.raw("><title>");
            text::escape_into(&mut self.body, tip);
            self.raw("</title></").raw(element).raw(">");
        }
    }

    /// Draws the legend under the heading, in as many rows as it needs but at most three.
    pub fn legend(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let (mut x, mut row) = (MARGIN, 0);
        let limit = self.width - MARGIN;
        for (i, entry) in entries.iter().enumerate() {
            let name = text::fit(&entry.name, TEXT, (self.width * 0.45).max(80.0));
            let wide = 20.0 + text::width(&name, TEXT) + 12.0;
            let rest = entries.len() - i;
            let more = if row == 2 && rest > 1 { 60.0 } else { 0.0 };
            if x + wide - 12.0 + more > limit && x > MARGIN {
                if row == 2 {
                    let y = self.top + ROW * 2.0;
                    self.text(x, y + 11.0, "ls-m", &format!("+ {rest} more"));
                    break;
                }
                row += 1;
                x = MARGIN;
            }
            let y = self.top + ROW * f64::from(row);
            marks::legend(self, entry.mark, [x + 7.0, y + 7.0]);
            self.text(x + 20.0, y + 11.0, "", &name);
            x += wide;
        }
        self.top += ROW * f64::from(row + 1) + 3.0;
    }

    /// Says that there is nothing to draw.
    pub fn no_data(&mut self, why: &str) {
        let (x, y) = (self.width / 2.0, self.top + (self.height - self.top) / 2.0);
        let shift = if why.is_empty() { 4.0 } else { -4.0 };
        self.text(x, y + shift, "ls-m ls-c", "no data");
        if !why.is_empty() {
            let why = text::fit(why, SMALL, self.width - 2.0 * MARGIN);
            self.text(x, y + 14.0, "ls-k ls-c", &why);
        }
    }

    /// Lines that [`Self::finish`] will take for notes.
    pub fn note_lines(&self) -> Vec<String> {
        let limit = self.width - 2.0 * MARGIN;
        let mut lines: Vec<String> = Vec::new();
        for note in &self.notes {
            match lines.last_mut() {
                Some(last) if text::width(last, SMALL) + text::width(note, SMALL) + 20.0 < limit => {
                    last.push_str(" · ");
                    last.push_str(note);
                }
                _ => lines.push(text::fit(note, SMALL, limit)),
            }
        }
        lines
    }

    /// Space at the bottom: margin and notes.
    pub fn bottom(&self) -> f64 {
        match self.note_lines().len() {
            0 => MARGIN,
            n => MARGIN + 4.0 + 15.0 * n as f64,
        }
    }

    /// The whole document.
    pub fn finish(mut self, fallback: &str, summary: &str) -> String {
        let lines = self.note_lines();
        for (i, line) in lines.iter().rev().enumerate() {
            let y = self.height - MARGIN + 1.0 - 15.0 * i as f64;
            self.text(MARGIN, y, "ls-k", line);
        }
        let title = if self.title.trim().is_empty() { fallback } else { self.title.trim() };
        let mut out = String::with_capacity(self.body.len() + 4096);
        let id = &self.prefix;
        let (w, h) = (self.width.round(), self.height.round());
        let theme = if self.theme == Theme::Auto { "ls-plot ls-auto" } else { "ls-plot" };
        out.push_str(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{id}\" class=\"{theme}\" viewBox=\"0 0 {w} {h}\" \
             width=\"{w}\" height=\"{h}\" role=\"img\" aria-labelledby=\"{id}-t\" aria-describedby=\"{id}-d\">\
             <title id=\"{id}-t\">"
        ));
        text::escape_into(&mut out, title);
        out.push_str(&format!("</title><desc id=\"{id}-d\">"));
        text::escape_into(&mut out, summary);
        out.push_str("</desc><style>");
        style::sheet(&mut out, self.theme);
        out.push_str("</style>");
        if self.theme == Theme::Auto {
            out.push_str("<rect width=\"100%\" height=\"100%\" rx=\"6\" class=\"ls-b\"/>");
        }
        out.push_str(&self.body);
        out.push_str("</svg>");
        out
    }
}
