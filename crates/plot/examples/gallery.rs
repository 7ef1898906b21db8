//! Writes one picture of each kind into a directory: `cargo run -p lowshot-plot --example gallery -- DIR [WIDTH]`.

use lowshot_plot::{Options, Theme, svg, table_html, tokens_html};
use lowshot_protocol::*;

/// A small generator, so that the pictures are the same each time.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }

    /// About normal: the sum of twelve uniform numbers (Irwin and Hall).
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn lines(noise: &mut Noise) -> View {
    let mut curve = |name: &str, end: f64, rate: f64| {
        let point = |i: i32| {
            let t = f64::from(i);
            [t, end + (0.9 - end) * (-t * rate).exp() + 0.012 * noise.normal() * (-t * 0.004).exp()]
        };
        Series::new(name, (0..400).map(point).collect())
    };
    View::Lines(Lines {
        x: Axis::new("step"),
        y: Axis::new("validation loss (nats)"),
        series: vec![
            curve("AdamW", 0.21, 0.012),
            curve("projected", 0.25, 0.02),
            curve("low-rank, r = 4", 0.4, 0.008),
            curve("frozen", 0.44, 0.03),
        ],
    })
}

fn energy() -> View {
    View::Lines(Lines {
        x: Axis::new("iteration"),
        y: Axis { label: "energy above the minimum (nats)".into(), log: true, range: None },
        series: vec![Series {
            band: (0..10).map(|i| [0.7, 1.5].map(|k| k * 40.0 * (-1.1 * f64::from(i)).exp())).collect(),
            ..Series::new(
                "energy above the minimum (nats)",
                (0..10).map(|i| [f64::from(i), 40.0 * (-1.1 * f64::from(i)).exp()]).collect(),
            )
        }],
    })
}

fn scatter(noise: &mut Noise) -> Scatter {
    let centres = [[-2.2, 0.4], [1.6, 1.8], [0.7, -1.9], [3.4, -0.6], [-0.6, 3.0]];
    let mut points = Vec::new();
    for (c, centre) in centres.iter().enumerate() {
        for i in 0..16 {
            let (x, y) = (centre[0] + noise.normal() * 0.75, centre[1] + noise.normal() * 0.7);
            let nearest = (0..centres.len()).min_by(|a, b| {
                let d = |k: &usize| (centres[*k][0] - x).hypot(centres[*k][1] - y);
                d(a).total_cmp(&d(b))
            });
            let role = if i == 0 { Role::Support } else { Role::Query };
            let predicted = if i == 0 { None } else { nearest.map(|k| k as u32) };
            points.push(Point { x, y, class: Some(c as u32), predicted, role });
        }
        let class = Some(c as u32);
        points.push(Point { x: centre[0], y: centre[1], class, predicted: None, role: Role::Prototype });
    }
    let mut edges = Vec::new();
    for (i, p) in points.iter().enumerate() {
        let mut near: Vec<usize> = (0..points.len()).filter(|&j| j != i).collect();
        near.sort_by(|&a, &b| {
            let d = |k: usize| (points[k].x - p.x).hypot(points[k].y - p.y);
            d(a).total_cmp(&d(b))
        });
        edges.extend(near.iter().take(2).map(|&j| Edge { a: i as u32, b: j as u32 }));
    }
    let classes = ["heron", "kingfisher", "wren", "avocet", "plover"].map(String::from).to_vec();
    Scatter {
        x: Axis::new("first component"),
        y: Axis::new("second component"),
        points,
        edges,
        classes,
        sizes: vec![],
    }
}

fn dense(noise: &mut Noise) -> View {
    let points = (0..20_000)
        .map(|i| {
            let c = i % 4;
            let angle = f64::from(c) * 1.57 + noise.normal() * 0.35;
            let reach = 2.0 + noise.normal() * 0.3;
            let selected = i % 1500 == 0;
            Point {
                x: reach * angle.cos(),
                y: reach * angle.sin(),
                class: Some(c as u32),
                predicted: None,
                role: if selected { Role::Selected } else { Role::Query },
            }
        })
        .collect();
    let classes = ["zero", "one", "two", "three"].map(String::from).to_vec();
    View::Scatter(Scatter {
        x: Axis::new("x"),
        y: Axis::new("y"),
        points,
        edges: vec![],
        classes,
        sizes: vec![],
    })
}

fn bars(names: &[&str]) -> View {
    let value = [0.583, 0.651, 0.664, 0.702, 0.688, 0.671, 0.64];
    View::Bars(Bars {
        y: Axis::new("accuracy (1-shot, 600 episodes)"),
        bars: names
            .iter()
            .zip(value)
            .map(|(name, v)| Bar {
                name: (*name).into(),
                value: v,
                interval: Some([v - 0.011, v + 0.012]),
                highlight: v == 0.702,
            })
            .collect(),
    })
}

fn confusion() -> View {
    let names = ["heron", "kingfisher", "wren", "avocet", "plover"].map(String::from).to_vec();
    let mut values = vec![0.0f32; 25];
    for (i, v) in values.iter_mut().enumerate() {
        *v = if i / 5 == i % 5 { 11.0 + (i % 4) as f32 } else { (i * 7 % 4) as f32 };
    }
    View::Heatmap(Heatmap {
        x: Axis::new("predicted"),
        y: Axis::new("true class"),
        columns: 5,
        values,
        row_names: names.clone(),
        column_names: names,
    })
}

fn similarity() -> View {
    let n = 120;
    let value = |i: usize| {
        let (r, c) = ((i / n) as f32, (i % n) as f32);
        let block = if (r / 24.0).floor() == (c / 24.0).floor() { 0.6 } else { 0.0 };
        block + 0.4 * ((r * 0.13).sin() * (c * 0.11).cos()) - 0.1
    };
    View::Heatmap(Heatmap {
        x: Axis::new("query"),
        y: Axis::new("query"),
        columns: n,
        values: (0..n * n).map(value).collect(),
        row_names: vec![],
        column_names: vec![],
    })
}

fn attention() -> View {
    let columns = 24;
    View::Heatmap(Heatmap {
        x: Axis::new("layer"),
        y: Axis::new("rank kept"),
        columns,
        values: (0..columns * 7)
            .map(|i| ((i % columns) as f32 * 0.3).sin().abs() * (1.0 + (i / columns) as f32))
            .collect(),
        row_names: ["query", "key", "value", "output", "gate", "up", "down"].map(String::from).to_vec(),
        column_names: vec![],
    })
}

fn histogram(noise: &mut Noise) -> View {
    let mut counts = vec![0.0; 30];
    for _ in 0..3000 {
        let bin = ((noise.normal() + 3.0) * 5.0) as usize;
        counts[bin.min(29)] += 1.0;
    }
    View::Histogram(Histogram {
        x: Axis::new("influence"),
        edges: (0..=30).map(|i| f64::from(i) * 0.2 - 3.0).collect(),
        counts,
    })
}

fn image() -> View {
    let (width, height) = (48u32, 32u32);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let d = (f64::from(x) - 30.0).hypot(f64::from(y) - 14.0);
            let v = (200.0 - d * 9.0).max(f64::from(y) * 3.0) as u8;
            pixels.extend([v, (f64::from(v) * 0.8) as u8 + 20, 120 - (y as u8)]);
        }
    }
    let overlay = |x, y, weight| Overlay { x, y, width: 8.0, height: 8.0, weight };
    View::Image(Image {
        width,
        height,
        pixels,
        overlays: vec![overlay(24.0, 8.0, 0.9), overlay(32.0, 8.0, 0.5), overlay(8.0, 24.0, 0.1)],
    })
}

fn tokens() -> View {
    let text = "The capital of France is Paris , and it has been the largest city of the country since the Middle Ages .";
    let weights =
        [0.0, 0.35, 0.05, 0.95, 0.1, 0.8, 0.0, 0.0, -0.1, -0.4, 0.0, 0.0, -0.75, 0.3, 0.0, 0.0, 0.2];
    let tokens = text.split(' ').enumerate().map(|(i, word)| Token {
        text: if i == 0 { word.into() } else { format!(" {word}") },
        weight: weights.get(i).copied().unwrap_or(0.0),
    });
    View::Tokens(Tokens { tokens: tokens.collect() })
}

fn table() -> Table {
    let row = |name: &str, one: f64, five: f64, time: f64, note: &str| {
        vec![name.into(), one.into(), five.into(), time.into(), note.into()]
    };
    Table {
        title: "Accuracy by method".into(),
        columns: ["method", "1-shot", "5-shot", "ms / episode", "remark"].map(String::from).to_vec(),
        rows: vec![
            row("nearest prototype", 0.5831, 0.7413, 0.4, "one pass"),
            row("K-means", 0.6512, 0.7702, 1.31, "10 iterations"),
            row("prototype Laplacian", 0.7021, 0.8114, 2.25, "monotone"),
        ],
    }
}

fn graph(noise: &mut Noise) -> View {
    let names =
        ["embed", "attention", "norm", "gate", "up", "down", "head", "loss"].map(String::from).to_vec();
    let nodes = (0..8)
        .map(|i| Point {
            x: f64::from(i % 4) + 0.25 * noise.normal(),
            y: f64::from(i / 4) + 0.15 * noise.normal(),
            class: Some(i % 3),
            predicted: None,
            role: if i == 1 { Role::Selected } else { Role::Query },
        })
        .collect();
    let edge = |a, b| Edge { a, b };
    let edges =
        vec![edge(0, 1), edge(1, 2), edge(2, 3), edge(2, 4), edge(3, 5), edge(4, 5), edge(5, 6), edge(6, 7)];
    let classes = ["input", "mixing", "output"].map(String::from).to_vec();
    View::Graph(Graph { nodes, edges, names, classes })
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| "gallery".into()));
    let width: u32 = arguments.next().and_then(|w| w.parse().ok()).unwrap_or(640);
    std::fs::create_dir_all(&directory)?;
    let noise = &mut Noise(7);
    let long = [
        "TIM with a long description that wraps nowhere",
        "nearest prototype",
        "K-means",
        "K-modes",
        "prototype Laplacian",
        "label propagation",
        "TIM",
        "logistic regression",
    ];
    let pictures = [
        ("lines", "Validation loss", lines(noise)),
        ("energy", "Convergence", energy()),
        ("scatter", "One episode", View::Scatter(scatter(noise))),
        ("dense", "Many points", dense(noise)),
        (
            "bars",
            "Five methods",
            bars(&["nearest prototype", "K-means", "K-modes", "prototype Laplacian", "TIM"]),
        ),
        ("rows", "Long names", bars(&long)),
        ("confusion", "Confusion", confusion()),
        ("similarity", "Similarity", similarity()),
        ("attention", "", attention()),
        ("histogram", "Influence of the training points", histogram(noise)),
        ("image", "Where it looked", image()),
        ("tokens", "Attribution", tokens()),
        ("table", "", View::Table(table())),
        ("graph", "A network", graph(noise)),
        (
            "empty",
            "Nothing yet",
            View::Lines(Lines { x: Axis::default(), y: Axis::default(), series: vec![] }),
        ),
    ];
    let mut page = String::from(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>Pictures</title><style>body{font:15px system-ui;margin:16px;max-width:800px}</style>",
    );
    for (name, title, view) in pictures {
        let mut options = Options {
            width,
            height: if width < 400 { 280 } else { 360 },
            title: title.into(),
            id_prefix: name.into(),
            ..Options::default()
        };
        std::fs::write(directory.join(format!("{name}.svg")), svg(&view, &options))?;
        options.theme = Theme::Inherit;
        page.push_str(&svg(&view, &options));
    }
    page.push_str(&table_html(&table()));
    if let View::Tokens(t) = tokens() {
        page.push_str(&tokens_html(&t));
    }
    std::fs::write(directory.join("index.html"), page)
}
