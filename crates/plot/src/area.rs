//! The rectangle between two axes.

use crate::canvas::{Canvas, MARGIN, SMALL, TEXT};
use crate::scale::{Fit, Scale};
use crate::text;
use lowshot_protocol::Axis;

/// A plotting area with its axes drawn.
pub(crate) struct Area {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x: Scale,
    pub y: Scale,
}

/// What an area is made for.
pub(crate) struct Request<'a> {
    pub x: &'a Axis,
    pub y: &'a Axis,
    pub x_values: &'a mut dyn Iterator<Item = f64>,
    pub y_values: &'a mut dyn Iterator<Item = f64>,
    pub fit: [Fit; 2],
    /// Space for labels at the right.
    pub right: f64,
    /// Vertical grid lines too.
    pub grid_x: bool,
}

impl Area {
    /// Fits the axes and draws grid, ticks and names; `None` if there is nothing to show.
    pub fn new(canvas: &mut Canvas, request: Request<'_>) -> Option<Area> {
        let (x_values, y_values): (Vec<f64>, Vec<f64>) =
            (request.x_values.collect(), request.y_values.collect());
        let (top, bottom) = vertical(canvas, &request.y.label, &request.x.label, true);
        let rows = ((bottom - top) / 44.0).clamp(2.0, 7.0) as usize;
        let y = Scale::new(request.y, y_values.into_iter(), rows, request.fit[1])?;
        let left = (MARGIN + y.label_width(SMALL) + 8.0).min(canvas.width * 0.4);
        let mut right = canvas.width - MARGIN - request.right;
        let mut columns = ((right - left) / 70.0).clamp(2.0, 9.0) as usize;
        let x = loop {
            let x = Scale::new(request.x, x_values.iter().copied(), columns, request.fit[0])?;
            let fits = x.label_width(SMALL) + 10.0 < (right - left) / (x.ticks.len().max(2) - 1) as f64;
            if fits || columns <= 1 {
                break x;
            }
            columns -= 1;
        };
        if let Some((v, label)) = x.ticks.last() {
            // The last tick label must not be cut off at the edge.
            let end = left + (right - left) * x.fraction(*v).unwrap_or(0.0) + text::width(label, SMALL) / 2.0;
            right -= (end - (canvas.width - 4.0)).max(0.0);
        }
        let area = Area { left, right: right.max(left + 20.0), top, bottom, x, y };
        area.draw(canvas, request.x, request.y, request.grid_x);
        Some(area)
    }

    /// Horizontal position of a value.
    pub fn at_x(&self, v: f64) -> Option<f64> {
        Some(self.left + (self.right - self.left) * self.x.fraction(v)?)
    }

    /// Vertical position of a value.
    pub fn at_y(&self, v: f64) -> Option<f64> {
        Some(self.bottom - (self.bottom - self.top) * self.y.fraction(v)?)
    }

    /// Position of a point inside the area.
    pub fn inside(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        self.x.inside(x)?;
        self.y.inside(y)?;
        Some([self.at_x(x)?, self.at_y(y)?])
    }

    fn draw(&self, canvas: &mut Canvas, x: &Axis, y: &Axis, grid_x: bool) {
        let mut grid = String::new();
        let mut stroke = |a: [f64; 2], b: [f64; 2]| {
            for (v, end) in [(a[0], ' '), (a[1], 'L'), (b[0], ' '), (b[1], 'M')] {
                text::coordinate(&mut grid, v);
                grid.push(end);
            }
        };
        for (v, _) in &self.y.ticks {
            if let Some(at) = self.at_y(*v) {
                stroke([self.left, half(at)], [self.right, half(at)]);
            }
        }
        if grid_x {
            for (v, _) in &self.x.ticks {
                if let Some(at) = self.at_x(*v) {
                    stroke([half(at), self.top], [half(at), self.bottom]);
                }
            }
        }
        if let Some(grid) = grid.strip_suffix('M') {
            canvas.path(&format!("M{grid}"), "ls-g");
        }
        canvas.line([self.left, half(self.bottom)], [self.right, half(self.bottom)], "ls-x");
        for (v, label) in &self.y.ticks {
            if let Some(at) = self.at_y(*v) {
                let label = text::fit(label, SMALL, self.left - 10.0);
                canvas.text(self.left - 7.0, at + 3.8, "ls-k ls-e", &label);
            }
        }
        for (v, label) in &self.x.ticks {
            if let Some(at) = self.at_x(*v) {
                canvas.line([half(at), self.bottom], [half(at), self.bottom + 4.0], "ls-x");
                canvas.text(at, self.bottom + 16.0, "ls-k ls-c", label);
            }
        }
        names(canvas, &x.label, &y.label, self.right, self.bottom + 32.0, self.top);
    }
}

/// Top and bottom of an area that leaves space for the names of its axes and, if wanted, tick labels below.
pub(crate) fn vertical(canvas: &Canvas, y_name: &str, x_name: &str, ticks: bool) -> (f64, f64) {
    let top = canvas.top + if y_name.is_empty() { 6.0 } else { 24.0 };
    let below = if x_name.is_empty() { 0.0 } else { 17.0 } + if ticks { 20.0 } else { 4.0 };
    (top, (canvas.height - canvas.bottom() - below).max(top + 24.0))
}

/// Writes the names of the axes: the vertical one upright above its axis, where nobody has to turn their head.
pub(crate) fn names(canvas: &mut Canvas, x: &str, y: &str, right: f64, x_baseline: f64, top: f64) {
    let limit = canvas.width - 2.0 * MARGIN;
    if !y.is_empty() {
        canvas.text(MARGIN, top - 12.0, "ls-m", &text::fit(y, TEXT, limit));
    }
    if !x.is_empty() {
        canvas.text(right, x_baseline, "ls-m ls-e", &text::fit(x, TEXT, limit));
    }
}

/// The nearest position at which a line of one pixel is sharp.
pub(crate) fn half(v: f64) -> f64 {
    v.floor() + 0.5
}
