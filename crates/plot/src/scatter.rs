//! Points in the plane.

use crate::area::{Area, Request};
use crate::canvas::{Canvas, Entry, TEXT};
use crate::marks::{self, Mark};
use crate::scale::Fit;
use crate::{text, thin};
use lowshot_protocol::{Edge, Point, Role, Scatter};
use std::collections::BTreeMap;

/// Most ordinary points drawn.
const POINTS: usize = 2500;
/// Most points of each special role drawn.
const SPECIAL: usize = 150;
/// Most edges drawn.
const EDGES: usize = 4000;

pub(crate) fn draw(canvas: &mut Canvas, scatter: &Scatter) {
    let points = &scatter.points;
    canvas.legend(&entries(points, &scatter.classes, canvas.width));
    let usable = |p: &&Point| {
        p.x.is_finite() && p.y.is_finite() && (!scatter.x.log || p.x > 0.0) && (!scatter.y.log || p.y > 0.0)
    };
    let lost = points.len() - points.iter().filter(usable).count();
    if lost > 0 {
        canvas.notes.push(format!("{} without a place on the axes", text::count(lost, "point")));
    }
    let kept = choose(points);
    left_out(canvas, kept.len(), points.len(), scatter.edges.len());
    let request = Request {
        x: &scatter.x,
        y: &scatter.y,
        x_values: &mut points.iter().filter(usable).map(|p| p.x),
        y_values: &mut points.iter().filter(usable).map(|p| p.y),
        fit: [Fit::Pad(0.06); 2],
        right: 0.0,
        grid_x: true,
    };
    let Some(area) = Area::new(canvas, request).filter(|_| points.len() > lost) else {
        return canvas.no_data("");
    };
    let mut places = vec![None; points.len()];
    for i in kept {
        places[i] = area.inside([points[i].x, points[i].y]);
    }
    let bounds = [area.left, area.top, area.right, area.bottom];
    cloud(canvas, points, &scatter.sizes, &places, &scatter.edges, &scatter.classes, bounds, true, "ls-y");
}

/// Says how many points and edges are drawn if not all are.
pub(crate) fn left_out(canvas: &mut Canvas, kept: usize, points: usize, edges: usize) {
    if kept < points {
        canvas.notes.push(format!(
            "{} of {} drawn",
            text::fixed(kept as f64, 0),
            text::count(points, "point")
        ));
    }
    if edges > EDGES {
        canvas.notes.push(format!("{EDGES} of {} drawn", text::count(edges, "edge")));
    }
}

/// Indices of the points that are drawn: all that matter, and an even selection of the rest.
pub(crate) fn choose(points: &[Point]) -> Vec<usize> {
    let of = |keep: fn(Role) -> bool, limit: usize| {
        let all: Vec<usize> = (0..points.len()).filter(|&i| keep(points[i].role)).collect();
        thin::spread(all.len(), limit).into_iter().map(move |k| all[k]).collect::<Vec<_>>()
    };
    let mut kept = of(|r| r == Role::Query, POINTS);
    kept.extend(of(|r| r == Role::Selected, SPECIAL));
    kept.extend(of(|r| r == Role::Support, SPECIAL));
    kept.extend(of(|r| r == Role::Prototype, SPECIAL));
    kept
}

/// The legend: classes, then the roles that occur.
pub(crate) fn entries(points: &[Point], classes: &[String], width: f64) -> Vec<Entry> {
    let mut used: Vec<u32> = points.iter().flat_map(|p| [p.class, p.predicted]).flatten().collect();
    used.sort_unstable();
    used.dedup();
    let mut entries: Vec<Entry> = used
        .into_iter()
        .take(40)
        .map(|c| Entry { mark: Mark::Class(Some(c)), name: class_name(classes, c) })
        .collect();
    if !entries.is_empty() && points.iter().any(|p| p.class.is_none() && p.predicted.is_none()) {
        entries.push(Entry { mark: Mark::Class(None), name: "no class".into() });
    }
    let wrong = if width < 440.0 { "wrong" } else { "wrong (outline: predicted)" };
    let has = |role| points.iter().any(|p| p.role == role);
    for (there, mark, name) in [
        (has(Role::Support), Mark::Support, "labelled"),
        (has(Role::Prototype), Mark::Prototype, "prototype"),
        (has(Role::Selected), Mark::Selected, "chosen"),
        (points.iter().any(marks::wrong), Mark::Mismatch, wrong),
    ] {
        if there {
            entries.push(Entry { mark, name: name.into() });
        }
    }
    entries
}

/// Short name of a class, or its number.
pub(crate) fn class_name(classes: &[String], class: u32) -> String {
    match classes.get(class as usize) {
        Some(name) if !name.trim().is_empty() => text::short(name.trim()),
        _ => format!("class {class}"),
    }
}

/// Draws edges, points and the names of the classes; `places` are `None` for points that are not drawn.
pub(crate) fn cloud(
    canvas: &mut Canvas,
    points: &[Point],
    sizes: &[f32],
    places: &[Option<[f64; 2]>],
    edges: &[Edge],
    classes: &[String],
    bounds: [f64; 4],
    named: bool,
    edge: &str,
) {
    let at = |i: u32| places.get(i as usize).copied().flatten();
    let mut lines = String::new();
    for k in thin::spread(edges.len(), EDGES) {
        if let (Some(a), Some(b)) = (at(edges[k].a), at(edges[k].b)) {
            for (v, mark) in [(a[0], 'M'), (a[1], ' '), (b[0], 'L'), (b[1], ' ')] {
                lines.push(mark);
                text::coordinate(&mut lines, v);
            }
        }
    }
    if !lines.is_empty() {
        canvas.path(&lines, edge);
    }
    let drawn = places.iter().flatten().count();
    let scale = ((bounds[2] - bounds[0]).min(bounds[3] - bounds[1]) / 300.0).clamp(0.85, 1.25);
    let radius = scale
        * match drawn {
            0..=60 => 4.6,
            61..=250 => 4.0,
            251..=800 => 3.2,
            _ => 2.4,
        };
    // Areas, not radii, are what is compared; a point stays visible and does not cover its neighbours.
    let grow = |i: usize| match sizes.get(i) {
        Some(area) if area.is_finite() => f64::from(area.max(0.0)).sqrt().clamp(0.35, 5.0),
        _ => 1.0,
    };
    // Ordinary points of a class share one path: that is half of the size of the picture.
    let mut groups: BTreeMap<(Option<u32>, String), String> = BTreeMap::new();
    for (i, (point, place)) in points.iter().zip(places).enumerate() {
        if let Some(place) = place
            && point.role == Role::Query
            && !marks::wrong(point)
        {
            let shown = point.class.or(point.predicted);
            let mut class = marks::plain(point);
            if drawn > 400 || !sizes.is_empty() {
                // Outlines would hollow out dense clouds; see-through marks show the density instead.
                class = class.replace("ls-o", "ls-j");
            }
            let radius = radius * grow(i);
            marks::shape(groups.entry((shown, class)).or_default(), shown, *place, radius);
        }
    }
    for ((_, class), data) in &groups {
        canvas.path(data, class);
    }
    let pass = |canvas: &mut Canvas, keep: &dyn Fn(&Point) -> bool| {
        for (i, (point, place)) in points.iter().zip(places).enumerate() {
            if let Some(place) = place
                && keep(point)
            {
                let least = if sizes.is_empty() { 3.0 } else { 1.2 };
                marks::single(canvas, point, *place, (radius * grow(i)).max(least), &tip(point, classes));
            }
        }
    };
    let mistaken = |p: &Point| p.role == Role::Query && marks::wrong(p);
    let mistakes: Vec<(&Point, [f64; 2])> = points
        .iter()
        .zip(places)
        .filter_map(|(p, at)| at.filter(|_| mistaken(p)).map(|at| (p, at)))
        .collect();
    if mistakes.len() <= SPECIAL {
        pass(canvas, &mistaken);
    } else {
        marks::mistakes(canvas, &mistakes, radius);
    }
    pass(canvas, &|p| p.role == Role::Selected);
    pass(canvas, &|p| p.role == Role::Support);
    pass(canvas, &|p| p.role == Role::Prototype);
    if named {
        names(canvas, points, places, classes, bounds);
    }
}

/// What the pointer shows over a point.
fn tip(point: &Point, classes: &[String]) -> String {
    let role = match point.role {
        Role::Query => "",
        Role::Support => "labelled ",
        Role::Prototype => "prototype of ",
        Role::Selected => "chosen ",
    };
    match (point.class, point.predicted) {
        (Some(a), Some(b)) if a != b => {
            format!("{role}{}, predicted {}", class_name(classes, a), class_name(classes, b))
        }
        (Some(c), _) => format!("{role}{}", class_name(classes, c)),
        (None, Some(c)) => format!("{role}predicted {}", class_name(classes, c)),
        (None, None) => role.trim_end().trim_end_matches(" of").to_owned(),
    }
}

/// Writes the names of the classes beside their prototypes, or else beside a labelled point, where there is room.
fn names(
    canvas: &mut Canvas,
    points: &[Point],
    places: &[Option<[f64; 2]>],
    classes: &[String],
    bounds: [f64; 4],
) {
    let role = if points.iter().any(|p| p.role == Role::Prototype) { Role::Prototype } else { Role::Support };
    let mut taken: Vec<[f64; 4]> = Vec::new();
    for (p, place) in points.iter().zip(places) {
        if let Some([x, y]) = place
            && (p.role != Role::Query || marks::wrong(p))
            && taken.len() < 4 * SPECIAL
        {
            taken.push([x - 8.0, y - 8.0, x + 8.0, y + 8.0]);
        }
    }
    let mut named: Vec<u32> = Vec::new();
    for (p, place) in points.iter().zip(places) {
        if let (Some(at), Some(class)) = (place, p.class.or(p.predicted))
            && p.role == role
            && !named.contains(&class)
            && named.len() < 16
            && label(canvas, &class_name(classes, class), "ls-t ls-s", *at, 10.0, bounds, &mut taken)
        {
            named.push(class);
        }
    }
}

/// Writes a name beside a place if there is room for it.
pub(crate) fn label(
    canvas: &mut Canvas,
    name: &str,
    class: &str,
    [x, y]: [f64; 2],
    away: f64,
    bounds: [f64; 4],
    taken: &mut Vec<[f64; 4]>,
) -> bool {
    let name = text::fit(name, TEXT, 110.0);
    let wide = text::width(&name, TEXT) * 1.12 + 2.0;
    let sides = [[away, -6.0], [-away - wide, -6.0], [-wide / 2.0, -away - 12.0], [-wide / 2.0, away]];
    for [dx, dy] in sides {
        let space = [x + dx, y + dy, x + dx + wide, y + dy + 13.0];
        let in_bounds =
            space[0] >= bounds[0] && space[1] >= bounds[1] && space[2] <= bounds[2] && space[3] <= bounds[3];
        let free = taken
            .iter()
            .all(|o| space[0] >= o[2] || space[2] <= o[0] || space[1] >= o[3] || space[3] <= o[1]);
        if in_bounds && free {
            canvas.text(space[0] + 1.0, space[1] + 10.0, class, &name);
            taken.push(space);
            return true;
        }
    }
    false
}
