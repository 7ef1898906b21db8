//! A [`View`] as SVG, the same for browser, report and documentation.
//!
//! Views say what a person looks at; this crate decides how that looks. It is a pure function from a view to a
//! string: [`svg`] for all views, [`table_html`] and [`tokens_html`] for those that flow better as HTML, and
//! [`summary`] for the numbers in words. The same view gives the same bytes everywhere.
//!
//! **Why not `plotters`.** The page has 400 kB for its whole user interface; a general plotting library with its
//! backends, font handling and colour types would take a good part of that to draw nine kinds of pictures. And one
//! look for page, report and documentation, with colours that follow the page's theme, needs SVG with CSS classes
//! rather than colours that are fixed while drawing.
//!
//! **Colour never speaks alone.** Classes have shapes as well as colours, curves have marks and names at their ends,
//! a wrong prediction is the class's shape inside the outline of the predicted class's shape, values are written
//! beside bars. Every picture has `role="img"`, a title and a description with the numbers.
//!
//! **Any view can be drawn.** Values that are not finite, empty data, names full of markup and indices out of range
//! never panic; where nothing can be drawn the picture says "no data", and what was left out (points beyond a few
//! thousand, values without a place on a logarithmic axis) is said in a line under the picture.
//!
//! ```
//! use lowshot_plot::{Options, svg};
//! use lowshot_protocol::{Axis, Lines, Series, View};
//!
//! let view = View::Lines(Lines {
//!     x: Axis::new("iteration"),
//!     y: Axis::new("energy (nats)"),
//!     series: vec![Series::new("R", vec![[0.0, 9.0], [1.0, 4.0], [2.0, 3.0]])],
//! });
//! let picture = svg(&view, &Options { title: "Energy".into(), ..Options::default() });
//! assert!(picture.starts_with("<svg") && picture.contains("<title"));
//! ```

mod area;
mod bars;
mod canvas;
mod graph;
mod heatmap;
mod histogram;
mod image;
mod lines;
mod marks;
mod png;
mod scale;
mod scatter;
mod style;
mod summary;
mod table;
mod text;
mod thin;
mod tokens;

use canvas::Canvas;
use lowshot_protocol::{Table, Tokens, View};

/// Where a picture's colours come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Its own: light or dark as the reader's system prefers, on its own background. For files.
    #[default]
    Auto,
    /// Those of the page it is part of: the text colour and font, and the custom properties `--ls-fg`, `--ls-muted`,
    /// `--ls-grid`, `--ls-accent`, `--ls-surface` and `--ls-class-0` to `--ls-class-9` where the page sets them. No
    /// background.
    Inherit,
}

/// How a view is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Width in CSS pixels, 160 to 4096. Text has its natural size at this width, so draw anew for a narrow screen
    /// rather than scale down; a picture wider than its place shrinks to it. Default 640.
    pub width: u32,
    /// Height in CSS pixels, 100 to 4096. Tables and texts are as high as their rows instead; lying bars grow
    /// when their rows need it.
    /// Default 400.
    pub height: u32,
    /// Where colours come from.
    pub theme: Theme,
    /// Heading and accessible name; by default no heading, and the kind of view as name.
    pub title: String,
    /// Prefix of every `id`; must differ between the pictures of one page. Characters other than ASCII letters,
    /// digits, `-` and `_` are dropped. Default `ls`.
    pub id_prefix: String,
}

impl Default for Options {
    fn default() -> Options {
        Options { width: 640, height: 400, theme: Theme::Auto, title: String::new(), id_prefix: "ls".into() }
    }
}

/// Draws a view as one SVG element.
///
/// The element is complete on its own (with `xmlns` and a style sheet) and can be a file or part of a page. All text
/// is escaped. Runs in time linear in the size of the view; the result is at most a few hundred kilobytes (an image
/// of 320 × 320 colours), whatever the view.
pub fn svg(view: &View, options: &Options) -> String {
    let mut canvas = Canvas::new(options);
    match view {
        View::Lines(v) => lines::draw(&mut canvas, v),
        View::Scatter(v) => scatter::draw(&mut canvas, v),
        View::Bars(v) => bars::draw(&mut canvas, v),
        View::Heatmap(v) => heatmap::draw(&mut canvas, v),
        View::Histogram(v) => histogram::draw(&mut canvas, v),
        View::Image(v) => image::draw(&mut canvas, v),
        View::Tokens(v) => tokens::draw(&mut canvas, v),
        View::Table(v) => table::draw(&mut canvas, v),
        View::Graph(v) => graph::draw(&mut canvas, v),
    }
    canvas.finish(summary::kind(view), &summary(view))
}

/// The numbers of a view in a few sentences, for screen readers and terminals. Not escaped.
pub fn summary(view: &View) -> String {
    summary::summary(view)
}

/// A table as HTML: `<table class="ls-table">` with caption, column and row headings; columns of numbers have the
/// class `ls-num` and the same decimals throughout. All rows, all text escaped.
pub fn table_html(table: &Table) -> String {
    table::html(table)
}

/// Tokens as an HTML paragraph that flows with its page.
///
/// A token with a weight is `<mark class="ls-pos">` or `<mark class="ls-neg">` with the custom property `--w`, the
/// size of the weight from 0 to 1, for a rule such as
/// `background: color-mix(in srgb, var(--ls-accent) calc(var(--w) * 45%), transparent)`.
pub fn tokens_html(tokens: &Tokens) -> String {
    tokens::html(tokens)
}
