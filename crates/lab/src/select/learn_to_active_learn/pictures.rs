//! Pictures: training, difficulty, the adversary, the exact policy's first queries.

use super::config::Config;
use super::game::hypothesis;
use super::run::Record;
use super::world::World;
use lowshot_core::metrics::mean_interval;
use lowshot_core::select::learn_to_active_learn::CountPolicy;
use lowshot_protocol::{Axis, Bar, Bars, Edge, Graph, Lines, Point, Role, Scatter, Series, View};

/// Worst loss of each class against training steps, means over `records`, with the exact values.
pub fn training(world: &World<'_>, names: &[String], records: &[&Record]) -> View {
    let mut series = Vec::new();
    let length = records.iter().map(|record| record.curve.len()).min().unwrap_or(0);
    for (class, name) in names.iter().enumerate() {
        let mut learned = Series::new(name.clone(), Vec::new());
        for at in 0..length {
            let values: Vec<f64> = records.iter().map(|record| record.curve[at].1[class]).collect();
            if let Ok(found) = mean_interval(&values) {
                let (mean, half) = (found.mean, found.half_width);
                learned.points.push([f64::from(records[0].curve[at].0), mean]);
                if values.len() > 1 {
                    learned.band.push([mean - half, mean + half]);
                }
            }
        }
        let last = learned.points.last().map_or(1.0, |point| point[0].max(1.0));
        let value = world.values[class];
        series.push(learned);
        series.push(Series::new(format!("{name}, best possible"), vec![[0.0, value], [last, value]]));
    }
    View::Lines(Lines { x: Axis::new("training steps"), y: Axis::new("worst loss of the class"), series })
}

/// Worst loss against the complexity of a class, for every policy.
pub fn difficulty(world: &World<'_>, learned: &[Vec<f64>]) -> View {
    let x = |class: usize| world.family.levels[class];
    let mut series = Vec::new();
    if let Some(classes) = learned.first() {
        let mut ours = Series::new("learned", Vec::new());
        for class in 0..classes.len() {
            let values: Vec<f64> = learned.iter().map(|worst| worst[class]).collect();
            if let Ok(found) = mean_interval(&values) {
                ours.points.push([x(class), found.mean]);
                if values.len() > 1 {
                    ours.band.push([found.mean - found.half_width, found.mean + found.half_width]);
                }
            }
        }
        series.push(ours);
    }
    for rival in world.rivals.iter().filter(|rival| !rival.key.is_empty()) {
        let mut theirs = Series::new(rival.name.clone(), Vec::new());
        for (class, loss) in world.family.worst(&rival.losses).iter().enumerate() {
            theirs.points.push([x(class), *loss]);
        }
        series.push(theirs);
    }
    let x = Axis { log: true, ..Axis::new("complexity ρ of the class") };
    View::Lines(Lines { x, y: Axis::new("worst loss"), series })
}

/// The largest excess over the best possible, for every policy.
pub fn gaps(world: &World<'_>, learned: &[f64]) -> View {
    let mut bars = Vec::new();
    if let Ok(found) = mean_interval(learned) {
        let (low, high) = (found.mean - found.half_width, found.mean + found.half_width);
        let interval = (learned.len() > 1).then_some([low, high]);
        bars.push(Bar { name: "learned".into(), value: found.mean, interval, highlight: true });
    }
    for rival in &world.rivals {
        let value = world.gap(&rival.losses).max(0.0);
        bars.push(Bar { name: rival.name.clone(), value, interval: None, highlight: false });
    }
    View::Bars(Bars { y: Axis::new("largest excess over the best possible"), bars })
}

/// The adversary's weights of instances: best hypothesis against complexity.
pub fn adversary(config: &Config, world: &World<'_>, record: &Record) -> View {
    let (mut points, mut sizes) = (Vec::new(), Vec::new());
    let n = record.mixture.len() as f64;
    for (place, weight) in record.mixture.iter().enumerate() {
        let (best, rho) = record.places[place];
        let class = world.family.classes[place % world.family.classes.len()] as u32;
        points.push(Point {
            x: f64::from(best) + 1.0,
            y: rho,
            class: Some(class),
            predicted: None,
            role: Role::Query,
        });
        sizes.push((weight * n).max(0.02) as f32);
    }
    View::Scatter(Scatter {
        x: Axis::new("best hypothesis"),
        y: Axis { log: true, ..Axis::new("complexity ρ") },
        points,
        edges: Vec::new(),
        classes: config.class_names().unwrap_or_default(),
        sizes,
    })
}

/// The first three queries of the exact policy, the most probable of each state; + goes right.
pub fn tree(config: &Config, world: &World<'_>) -> View {
    let d = world.problem.queries();
    let mut graph = Graph { nodes: Vec::new(), edges: Vec::new(), names: Vec::new(), classes: Vec::new() };
    let depths = world.problem.budget().min(3);
    // Counts of each node that is still to be drawn, with its place, depth and parent.
    let mut open = vec![(vec![0u8; 2 * d], 0.0, 0usize, None::<u32>)];
    while let Some((counts, x, depth, parent)) = open.pop() {
        let node = graph.nodes.len() as u32;
        graph.nodes.push(Point { x, y: -(depth as f64), class: None, predicted: None, role: Role::Query });
        graph.edges.extend(parent.map(|parent| Edge { a: parent, b: node }));
        let last = depth == world.problem.budget();
        let mut shares = vec![0.0; if last { world.problem.count() } else { d }];
        if last {
            world.exact.recommend(&counts, &mut shares)
        } else {
            world.exact.query(&counts, &mut shares)
        }
        let mut best = 0;
        for (place, share) in shares.iter().enumerate() {
            if *share > shares[best] {
                best = place;
            }
        }
        graph.names.push(if last { hypothesis(config, best) } else { format!("{}?", best + 1) });
        if depth < depths && !last {
            for answer in 0..2 {
                let mut next = counts.clone();
                next[2 * best + answer] += 1;
                let wide = if answer == 0 { 1.0 } else { -1.0 } / f64::from(1u32 << depth);
                open.push((next, x + wide, depth + 1, Some(node)));
            }
        }
    }
    View::Graph(graph)
}
