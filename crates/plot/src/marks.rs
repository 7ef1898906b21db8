//! Marks: one shape for each class, one form for each role, so that colour never says anything alone.

use crate::canvas::Canvas;
use crate::text::coordinate;
use lowshot_protocol::{Point, Role};
use std::collections::BTreeMap;

/// Number of colours before they repeat.
pub(crate) const COLOURS: usize = 10;
/// Number of shapes before they repeat: it has no common factor with the colours, so pairs repeat after 70 classes.
const SHAPES: usize = 7;

/// What a legend entry shows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mark {
    /// Points of a class; `None` is unknown.
    Class(Option<u32>),
    /// A curve.
    Line(usize, bool),
    Support,
    Prototype,
    Selected,
    Mismatch,
    Positive,
    Negative,
}

/// CSS class that sets the colour of class `c`.
pub(crate) fn colour(class: Option<u32>) -> String {
    match class {
        Some(c) => format!("ls-{}", c as usize % COLOURS),
        None => "ls-n".into(),
    }
}

/// Appends the closed outline of a class's shape; all shapes have about the area of a circle of radius `r`.
pub(crate) fn shape(out: &mut String, class: Option<u32>, [x, y]: [f64; 2], r: f64) {
    let corners: &[[f64; 2]] = match class.map(|c| c as usize % SHAPES) {
        None | Some(0) => {
            out.push('M');
            for (v, end) in [(x - r, " "), (y, "a"), (r, " "), (r, " 0 1 0 "), (2.0 * r, " 0a")] {
                coordinate(out, v);
                out.push_str(end);
            }
            for (v, end) in [(r, " "), (r, " 0 1 0 "), (-2.0 * r, " 0z")] {
                coordinate(out, v);
                out.push_str(end);
            }
            return;
        }
        Some(1) => &[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
        Some(2) => &[[0.0, -1.25], [1.2, 0.85], [-1.2, 0.85]],
        Some(3) => &[[0.0, -1.3], [1.3, 0.0], [0.0, 1.3], [-1.3, 0.0]],
        Some(4) => &[[0.0, 1.25], [1.2, -0.85], [-1.2, -0.85]],
        Some(5) => &[[-1.15, -1.05], [1.15, -1.05], [0.35, 0.0], [1.15, 1.05], [-1.15, 1.05], [-0.35, 0.0]],
        Some(_) => &[[-1.5, -0.6], [1.5, -0.6], [1.5, 0.6], [-1.5, 0.6]],
    };
    polygon(out, corners, [x, y], r);
}

fn polygon(out: &mut String, corners: &[[f64; 2]], [x, y]: [f64; 2], r: f64) {
    out.push('M');
    for (i, [dx, dy]) in corners.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        coordinate(out, x + dx * r);
        out.push(' ');
        coordinate(out, y + dy * r);
    }
    out.push('z');
}

/// Appends a five-pointed star.
fn star(out: &mut String, at: [f64; 2], r: f64) {
    const INNER: f64 = 0.42;
    // cos and sin of 0, 36, … degrees from the top, clockwise.
    const TURN: [[f64; 2]; 10] = [
        [0.0, -1.0],
        [0.5878, -0.809],
        [0.9511, -0.309],
        [0.9511, 0.309],
        [0.5878, 0.809],
        [0.0, 1.0],
        [-0.5878, 0.809],
        [-0.9511, 0.309],
        [-0.9511, -0.309],
        [-0.5878, -0.809],
    ];
    let mut corners = TURN;
    for corner in corners.iter_mut().skip(1).step_by(2) {
        *corner = corner.map(|v| v * INNER);
    }
    polygon(out, &corners, at, r);
}

/// Draws a labelled point: the shape of its class, larger, with a star inside.
fn support(canvas: &mut Canvas, class: Option<u32>, at: [f64; 2], r: f64, tip: &str) {
    let mut badge = String::new();
    // The star has to lie inside: triangles and bars are drawn larger.
    let grow = match class.map(|c| c as usize % SHAPES) {
        Some(2 | 4) => 1.3,
        Some(3) => 1.1,
        Some(5) => 1.15,
        Some(6) => 1.2,
        _ => 1.0,
    };
    shape(&mut badge, class, at, r * grow);
    let mut inside = String::new();
    star(&mut inside, at, r * 0.68);
    canvas.raw("<g").class(&colour(class)).raw(">");
    if !tip.is_empty() {
        canvas.raw("<title>").raw(&crate::text::escape(tip)).raw("</title>");
    }
    canvas.path(&badge, "ls-f ls-o");
    canvas.path(&inside, "ls-b");
    canvas.raw("</g>");
}

/// Draws a prototype: a cross of the class's colour on a halo.
fn prototype(canvas: &mut Canvas, class: Option<u32>, [x, y]: [f64; 2], r: f64, tip: &str) {
    let mut cross = String::new();
    for (a, b, end) in [(-r, -r, 'L'), (r, r, 'M'), (-r, r, 'L'), (r, -r, ' ')] {
        if cross.is_empty() {
            cross.push('M');
        }
        coordinate(&mut cross, x + a);
        cross.push(' ');
        coordinate(&mut cross, y + b);
        cross.push(end);
    }
    let cross = cross.trim_end();
    canvas.raw("<g").class(&colour(class)).raw(">");
    if !tip.is_empty() {
        canvas.raw("<title>").raw(&crate::text::escape(tip)).raw("</title>");
    }
    canvas.path(cross, "ls-x0");
    canvas.path(cross, "ls-x1");
    canvas.raw("</g>");
}

/// Appends the outline of the predicted class around a point that was classified wrongly.
fn around(out: &mut String, predicted: Option<u32>, at: [f64; 2], r: f64) {
    let wide = match predicted.map(|c| c as usize % SHAPES) {
        Some(2 | 4 | 5) => 2.5,
        Some(3 | 6) => 2.3,
        _ => 2.05,
    };
    shape(out, predicted, at, r * wide);
}

/// Draws a point that was classified wrongly: its own shape inside the outline of the predicted class.
fn mismatch(canvas: &mut Canvas, point: &Point, at: [f64; 2], r: f64, tip: &str) {
    let (mut ring, mut core) = (String::new(), String::new());
    around(&mut ring, point.predicted, at, r);
    shape(&mut core, point.class, at, r);
    canvas.raw("<g>");
    if !tip.is_empty() {
        canvas.raw("<title>").raw(&crate::text::escape(tip)).raw("</title>");
    }
    canvas.path(&ring, &format!("ls-r {}", colour(point.predicted)));
    canvas.path(&core, &format!("ls-f {}", colour(point.class)));
    canvas.raw("</g>");
}

/// Draws many points that were classified wrongly with one path for each class, without tooltips.
pub(crate) fn mistakes(canvas: &mut Canvas, points: &[(&Point, [f64; 2])], r: f64) {
    let mut rings = BTreeMap::<Option<u32>, String>::new();
    let mut cores = BTreeMap::<Option<u32>, String>::new();
    for (point, at) in points {
        around(rings.entry(point.predicted).or_default(), point.predicted, *at, r);
        shape(cores.entry(point.class).or_default(), point.class, *at, r);
    }
    for (class, data) in &rings {
        canvas.path(data, &format!("ls-r {}", colour(*class)));
    }
    for (class, data) in &cores {
        canvas.path(data, &format!("ls-f {}", colour(*class)));
    }
}

/// Draws one point that deserves its own element.
pub(crate) fn single(canvas: &mut Canvas, point: &Point, at: [f64; 2], r: f64, tip: &str) {
    match point.role {
        Role::Support => support(canvas, point.class.or(point.predicted), at, r * 2.1, tip),
        Role::Prototype => prototype(canvas, point.class.or(point.predicted), at, r * 1.45, tip),
        _ if wrong(point) => mismatch(canvas, point, at, r, tip),
        _ => {
            let mut core = String::new();
            shape(&mut core, point.class.or(point.predicted), at, r);
            canvas.raw("<path d=\"").raw(&core).raw("\"").class(&plain(point)).tip(tip, "path");
        }
    }
    if point.role == Role::Selected {
        let mut ring = String::new();
        shape(&mut ring, None, at, r * if wrong(point) { 3.1 } else { 2.1 });
        canvas.path(&ring, "ls-z");
    }
}

/// CSS classes of a point without any mark of its own: filled if its class is known, hollow if only predicted.
pub(crate) fn plain(point: &Point) -> String {
    match (point.class, point.predicted) {
        (None, Some(_)) => format!("ls-u {}", colour(point.predicted)),
        (class, _) => format!("ls-f ls-o {}", colour(class)),
    }
}

/// True if the prediction is known to be wrong.
pub(crate) fn wrong(point: &Point) -> bool {
    matches!((point.class, point.predicted), (Some(a), Some(b)) if a != b)
}

/// Draws the sample of a legend entry around `at`.
pub(crate) fn legend(canvas: &mut Canvas, mark: Mark, [x, y]: [f64; 2]) {
    let at = [x, y];
    match mark {
        Mark::Class(class) => {
            let mut core = String::new();
            shape(&mut core, class, at, 4.5);
            canvas.path(&core, &format!("ls-f {}", colour(class)));
        }
        Mark::Line(i, marked) => {
            canvas.line([x - 7.0, y], [x + 7.0, y], &format!("ls-l {}", colour(Some(i as u32))));
            if marked {
                let mut core = String::new();
                shape(&mut core, Some(i as u32), at, 3.6);
                canvas.path(&core, &format!("ls-f ls-o {}", colour(Some(i as u32))));
            }
        }
        Mark::Support => support(canvas, None, at, 7.0, ""),
        Mark::Prototype => prototype(canvas, None, at, 4.5, ""),
        Mark::Selected => {
            let (mut core, mut ring) = (String::new(), String::new());
            shape(&mut core, None, at, 2.8);
            shape(&mut ring, None, at, 6.2);
            canvas.path(&core, "ls-f ls-n");
            canvas.path(&ring, "ls-z");
        }
        Mark::Mismatch => {
            let (mut core, mut ring) = (String::new(), String::new());
            shape(&mut core, None, at, 2.8);
            shape(&mut ring, Some(1), at, 6.2);
            canvas.path(&core, "ls-f ls-n");
            canvas.path(&ring, "ls-r ls-n");
        }
        Mark::Positive => {
            canvas.rect([x - 6.0, y - 6.0, 13.0, 13.0], "ls-a", " fill-opacity=\".35\" rx=\"2\"", "");
            canvas.line([x - 6.0, y + 7.0], [x + 7.0, y + 7.0], "ls-q");
        }
        Mark::Negative => {
            canvas.rect([x - 6.0, y - 6.0, 13.0, 13.0], "ls-f ls-1", " fill-opacity=\".35\" rx=\"2\"", "");
            canvas.line([x - 6.0, y + 7.0], [x + 7.0, y + 7.0], "ls-p ls-d ls-1");
        }
    }
}
