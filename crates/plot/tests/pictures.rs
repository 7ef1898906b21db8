//! Every picture is well-formed, accessible, of bounded size, and shows what the view says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lowshot_plot::{Options, Theme, summary, svg, table_html, tokens_html};
use lowshot_protocol::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOSTILE: &str =
    "\"quoted\" 'single' <script>alert(1)</script> & ]]> 🦀 日本 \u{0}\u{1b}\u{fffe} %s {x}";
const SVG: &str = "http://www.w3.org/2000/svg";

fn options(theme: Theme) -> Options {
    Options { theme, ..Options::default() }
}

/// Parses a picture with an independent XML parser and checks what holds for all pictures.
fn check(view: &View, options: &Options) -> String {
    let text = svg(view, options);
    let document = roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let root = document.root_element();
    assert!(root.has_tag_name((SVG, "svg")));
    assert_eq!(root.attribute("role"), Some("img"));
    let size: Vec<f64> = root.attribute("viewBox").unwrap().split(' ').map(|v| v.parse().unwrap()).collect();
    assert!(size[0] == 0.0 && size[1] == 0.0 && size[2] >= 160.0 && size[3] > 0.0, "{size:?}");
    let heading = root.first_element_child().unwrap();
    assert!(heading.has_tag_name((SVG, "title")) && !heading.text().unwrap_or("").trim().is_empty());
    let description = heading.next_sibling_element().unwrap();
    assert!(description.has_tag_name((SVG, "desc")) && !description.text().unwrap_or("").is_empty());
    assert_eq!(root.attribute("aria-labelledby"), heading.attribute("id"));
    assert_eq!(root.attribute("aria-describedby"), description.attribute("id"));

    let mut ids = BTreeSet::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(!node.has_tag_name((SVG, "script")), "names must not become elements");
        if let Some(id) = node.attribute("id") {
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
        }
        for attribute in node.attributes() {
            let value = attribute.value();
            if value.starts_with("data:") {
                continue;
            }
            assert!(!value.contains("NaN") && !value.contains("inf"), "{attribute:?}");
            if let ("x" | "y" | "width" | "height", Ok(v)) = (attribute.name(), value.parse::<f64>()) {
                assert!(v.abs() < 1e6 && (v >= 0.0 || !attribute.name().ends_with('h')), "{attribute:?}");
            }
        }
    }
    for reference in text.split("url(#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(ids.contains(reference), "#{reference} is nowhere");
    }
    assert_eq!(text, svg(view, options), "the same view gives the same bytes");
    text
}

/// Number of elements that carry a CSS class.
fn with_class(text: &str, class: &str) -> usize {
    let document = roxmltree::Document::parse(text).unwrap();
    document
        .descendants()
        .filter(|n| n.attribute("class").is_some_and(|c| c.split(' ').any(|part| part == class)))
        .count()
}

/// The visible texts.
fn texts(text: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(text).unwrap();
    let all = document.descendants().filter(|n| n.has_tag_name((SVG, "text")));
    all.filter_map(|n| n.text().map(str::to_owned)).collect()
}

fn point(x: f64, y: f64, class: Option<u32>, predicted: Option<u32>, role: Role) -> Point {
    Point { x, y, class, predicted, role }
}

/// One view of each kind with the given name everywhere and the given numbers.
fn views(name: &str, numbers: &[f64]) -> Vec<View> {
    let axis = |log| Axis { label: name.into(), log, range: None };
    let names = vec![name.to_owned(); 3];
    let n = |i: usize| numbers.get(i % numbers.len().max(1)).copied().unwrap_or(0.0);
    let pairs: Vec<[f64; 2]> = (0..numbers.len()).map(|i| [n(i), n(i + 1)]).collect();
    let roles = [Role::Query, Role::Support, Role::Prototype, Role::Selected];
    let points: Vec<Point> = pairs
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let class = [Some(0), Some(1), None, Some(u32::MAX)][i % 4];
            point(p[0], p[1], class, [None, Some(1), Some(7)][i % 3], roles[i / 2 % 4])
        })
        .collect();
    let edges = vec![Edge { a: 0, b: 1 }, Edge { a: u32::MAX, b: 0 }];
    let lines = |log| {
        let band = pairs.iter().map(|p| [p[1], p[0]]).collect();
        let series = Series { band, ..Series::new(name, pairs.clone()) };
        View::Lines(Lines { x: axis(log), y: axis(log), series: vec![series.clone(), series] })
    };
    let bars = |log| {
        let bar = |i: usize| Bar {
            name: name.into(),
            value: n(i),
            interval: Some([n(i + 1), n(i + 2)]),
            highlight: i == 0,
        };
        View::Bars(Bars { y: axis(log), bars: (0..numbers.len()).map(bar).collect() })
    };
    let overlay = Overlay { x: n(0), y: n(1), width: n(2), height: n(3), weight: n(4) };
    let tokens = (0..numbers.len()).map(|i| Token { text: name.into(), weight: n(i) }).collect();
    let row = |i: usize| vec![Cell::Text(name.into()), Cell::Number(n(i))];
    vec![
        lines(false),
        lines(true),
        View::Scatter(Scatter {
            x: axis(false),
            y: axis(true),
            points: points.clone(),
            edges: edges.clone(),
            classes: names.clone(),
            sizes: numbers.iter().map(|v| *v as f32).collect(),
        }),
        bars(false),
        bars(true),
        View::Heatmap(Heatmap {
            x: axis(false),
            y: axis(false),
            columns: 3,
            values: numbers.iter().map(|v| *v as f32).collect(),
            row_names: names.clone(),
            column_names: names.clone(),
        }),
        View::Histogram(Histogram { x: axis(false), edges: numbers.to_vec(), counts: numbers.to_vec() }),
        View::Image(Image { width: 2, height: 1, pixels: vec![0, 255], overlays: vec![overlay] }),
        View::Tokens(Tokens { tokens }),
        View::Table(Table {
            title: name.into(),
            columns: names.clone(),
            rows: (0..numbers.len()).map(row).collect(),
        }),
        View::Graph(Graph { nodes: points, edges, names: names.clone(), classes: names }),
    ]
}

#[test]
fn hostile_names_and_numbers_are_drawn() {
    let numbers = [1.0, f64::NAN, -3.0, f64::INFINITY, 1e308, -1e308, 5e-324, 0.0, f64::NEG_INFINITY, 2.5];
    for view in views(HOSTILE, &numbers) {
        for theme in [Theme::Auto, Theme::Inherit] {
            for (width, height) in [(0, 0), (320, 200), (640, 400), (u32::MAX, u32::MAX)] {
                let (title, id_prefix) = (HOSTILE.to_owned(), "1 <\"&x".to_owned());
                let text = check(&view, &Options { width, height, theme, title, id_prefix });
                assert!(text.len() < 200_000, "{} bytes", text.len());
                assert!(text.contains("id=\"ls1x-t\""), "the prefix is made an XML name");
            }
        }
    }
}

#[test]
fn nothing_to_draw_says_so() {
    for (k, numbers) in [&[] as &[f64], &[f64::NAN, f64::NAN, f64::NAN]].iter().enumerate() {
        for view in views("x", numbers) {
            let text = check(&view, &options(Theme::Auto));
            // A picture, a text and a table of unknown numbers are still a picture, a text and a table.
            let shown = matches!((&view, k), (View::Image(_), _) | (View::Tokens(_) | View::Table(_), 1));
            assert_eq!(texts(&text).iter().any(|t| t == "no data"), !shown, "{view:?}");
            if !shown {
                assert!(
                    summary(&view).to_lowercase().contains("no data")
                        || matches!(view, View::Table(_) | View::Scatter(_) | View::Graph(_)),
                    "{}",
                    summary(&view)
                );
            }
        }
    }
    let image = Image { width: 3, height: 1, pixels: vec![0; 5], overlays: vec![] };
    let text = check(&View::Image(image), &options(Theme::Auto));
    assert!(texts(&text).iter().any(|t| t == "5 bytes for 3 × 1 pixels, not 3 or 9"), "{:?}", texts(&text));
}

#[test]
fn large_views_stay_small() {
    let n = 100_000;
    let wave = |i: usize| (i as f64 * 0.001).sin() + ((i * 7919) % 1000) as f64 * 1e-3;
    let axis = || Axis::new("x");
    let series = |k: usize| Series {
        band: (0..n).map(|i| [-0.5, 0.5].map(|side| wave(i) + k as f64 + side)).collect(),
        ..Series::new(format!("series {k}"), (0..n).map(|i| [i as f64, wave(i) + k as f64]).collect())
    };
    let points: Vec<Point> = (0..n)
        .map(|i| {
            let role = [Role::Query, Role::Query, Role::Support, Role::Selected, Role::Prototype][i % 5];
            point(wave(i), wave(i * 3), Some((i % 12) as u32), Some((i % 11) as u32), role)
        })
        .collect();
    let edges: Vec<Edge> = (0..n as u32).map(|i| Edge { a: i, b: i * 7 % n as u32 }).collect();
    let values: Vec<f64> = (0..n).map(wave).collect();
    let bar = |v: &f64| Bar {
        name: "a rather long name of a bar".into(),
        value: *v,
        interval: None,
        highlight: false,
    };
    let classes = vec!["c".to_owned(); 12];
    let token = |v: &f64| Token { text: "word ".repeat(20), weight: *v };
    let row = |v: &f64| vec![Cell::Number(*v); 40];
    let heatmap = Heatmap {
        x: axis(),
        y: axis(),
        columns: 400,
        values: values.iter().map(|v| *v as f32).collect(),
        row_names: vec!["row".into(); 250],
        column_names: vec![],
    };
    for (view, limit) in [
        (View::Lines(Lines { x: axis(), y: axis(), series: (0..3).map(series).collect() }), 80),
        (
            View::Scatter(Scatter {
                x: axis(),
                y: axis(),
                points: points.clone(),
                edges: edges.clone(),
                classes: classes.clone(),
                sizes: vec![1.5; n],
            }),
            400,
        ),
        (View::Graph(Graph { nodes: points, edges, names: vec!["n".into(); n], classes }), 400),
        (View::Bars(Bars { y: axis(), bars: values.iter().map(bar).collect() }), 40),
        (View::Heatmap(heatmap), 60),
        (
            View::Histogram(Histogram {
                x: axis(),
                edges: (0..=n).map(|i| i as f64).collect(),
                counts: values.clone(),
            }),
            30,
        ),
        (
            View::Image(Image { width: 2000, height: 1500, pixels: vec![90; 9_000_000], overlays: vec![] }),
            450,
        ),
        (View::Tokens(Tokens { tokens: values.iter().map(token).collect() }), 400),
        (
            View::Table(Table { title: "t".into(), columns: vec![], rows: values.iter().map(row).collect() }),
            100,
        ),
    ] {
        let text = check(&view, &options(Theme::Auto));
        let kind = summary(&view).split(':').next().unwrap_or("").to_owned();
        println!("{kind}: {} kB", text.len() / 1000);
        assert!(text.len() < limit * 1000, "{kind}: {} bytes", text.len());
    }
}

#[test]
fn what_is_left_out_is_said() {
    let points = (0..5000).map(|i| point(f64::from(i), 1.0, None, None, Role::Query)).collect();
    let scatter = Scatter {
        x: Axis::new("x"),
        y: Axis::new("y"),
        points,
        edges: vec![],
        classes: vec![],
        sizes: vec![],
    };
    let text = check(&View::Scatter(scatter), &options(Theme::Auto));
    let notes = texts(&text);
    assert!(notes.iter().any(|t| t.contains("of 5000 points drawn")), "{notes:?}");
    let log = Axis { label: "y".into(), log: true, range: None };
    let series = vec![Series::new("s", vec![[0.0, 1.0], [1.0, 0.0], [2.0, 10.0], [3.0, 20.0]])];
    let text = check(&View::Lines(Lines { x: Axis::new("x"), y: log, series }), &options(Theme::Auto));
    assert!(texts(&text).iter().any(|t| t == "1 point without a place on the axes"), "{:?}", texts(&text));
}

#[test]
fn a_scatter_marks_roles_and_mistakes() {
    let points = vec![
        point(0.0, 0.0, Some(0), Some(0), Role::Query),
        point(1.0, 0.5, Some(0), Some(1), Role::Query),
        point(2.0, 1.5, Some(1), Some(0), Role::Query),
        point(3.0, 1.0, None, Some(1), Role::Query),
        point(0.5, 2.0, Some(0), None, Role::Support),
        point(2.5, 2.5, Some(1), None, Role::Support),
        point(1.5, 3.0, Some(1), None, Role::Prototype),
        point(3.5, 3.5, Some(1), None, Role::Selected),
    ];
    let edges = vec![Edge { a: 0, b: 1 }, Edge { a: 1, b: 2 }, Edge { a: 2, b: 99 }];
    let classes = vec!["cat".to_owned(), "dog".to_owned()];
    let view = View::Scatter(Scatter {
        x: Axis::new("u"),
        y: Axis::new("v"),
        points,
        edges,
        classes,
        sizes: vec![],
    });
    let text = check(&view, &options(Theme::Inherit));
    // One more of each in the legend.
    for (class, n) in [("ls-r", 2), ("ls-x1", 1), ("ls-z", 1)] {
        assert_eq!(with_class(&text, class), n + 1, "{class}");
    }
    assert_eq!(with_class(&text, "ls-u"), 1, "a point of unknown class is hollow");
    assert!(
        text.contains("<title>cat, predicted dog</title>")
            && text.contains("<title>dog, predicted cat</title>")
    );
    let edges = text.split("class=\"ls-y\"").next().unwrap().rsplit("d=\"").next().unwrap();
    assert_eq!(edges.matches('M').count(), 2, "the edge to nowhere is not drawn: {edges}");
    let texts = texts(&text);
    for name in ["cat", "dog", "labelled", "prototype", "chosen", "wrong (outline: predicted)", "u", "v"] {
        assert!(texts.iter().any(|t| t == name), "{name} in {texts:?}");
    }
    assert_eq!(
        summary(&view),
        "Scatter plot: v over u. 8 points, of which 2 labelled, 1 prototypes, 1 chosen, 3 edges. \
         2 classes: cat 3, dog 3. 1 of 3 predictions right (33.3 %)."
    );
}

#[test]
fn bars_have_whiskers_values_and_one_accent() {
    let bar = |name: &str, value, interval, highlight| Bar { name: name.into(), value, interval, highlight };
    let bars = vec![
        bar("nearest", 0.6512, Some([0.64, 0.662]), false),
        bar("ours", 0.70234, Some([0.69, 0.714]), true),
        bar("other", 0.5, None, false),
    ];
    let view = View::Bars(Bars { y: Axis::new("accuracy"), bars });
    for width in [640, 240] {
        let text = check(&view, &Options { width, ..options(Theme::Inherit) });
        assert_eq!((with_class(&text, "ls-a"), with_class(&text, "ls-i")), (1, 2), "one accent");
        assert_eq!(with_class(&text, "ls-w"), 2 * 3, "two whiskers of a line and two caps");
        let texts = texts(&text);
        for label in ["0.651", "0.702", "0.500", "nearest", "ours", "other", "accuracy"] {
            assert!(texts.iter().any(|t| t == label), "{label} in {texts:?}");
        }
    }
    assert_eq!(
        summary(&view),
        "Bar chart: accuracy, 3 bars. nearest 0.6512 (0.64 to 0.662); ours 0.7023 (0.69 to 0.714); other 0.5."
    );
}

#[test]
fn lines_have_names_at_their_ends_or_a_legend() {
    let series = |name: &str, points: &[[f64; 2]]| Series::new(name, points.to_vec());
    let a = series("train", &[[0.0, 2.0], [10.0, 1.0], [20.0, 0.5]]);
    let b = series("test", &[[0.0, 2.1], [10.0, f64::NAN], [20.0, 0.9]]);
    let view = View::Lines(Lines { x: Axis::new("step"), y: Axis::new("loss"), series: vec![a, b] });
    for (width, curves) in [(640, 1), (320, 1 + 2)] {
        let text = check(&view, &Options { width, ..options(Theme::Inherit) });
        // The second curve is broken into two single points, which have no line; the legend has one line each.
        assert_eq!(with_class(&text, "ls-l"), curves, "{width}");
        for name in ["train", "test"] {
            assert_eq!(texts(&text).iter().filter(|t| *t == name).count(), 1);
        }
    }
    assert_eq!(
        summary(&view),
        "Line chart: loss over step, 2 curves. train: 3 points, from 2 at 0 to 0.5 at 20, lowest 0.5 at 20, highest 2 at \
         0. test: 2 points, from 2.1 at 0 to 0.9 at 20, lowest 0.9 at 20, highest 2.1 at 0."
    );
}

#[test]
fn a_small_heatmap_shows_every_value() {
    let map = Heatmap {
        x: Axis::new("predicted"),
        y: Axis::new("true"),
        columns: 2,
        values: vec![9.0, 1.0, f32::NAN, 8.0],
        row_names: vec!["cat".into(), "dog".into()],
        column_names: vec!["cat".into(), "dog".into()],
    };
    let view = View::Heatmap(map);
    let text = check(&view, &options(Theme::Inherit));
    let texts = texts(&text);
    for value in ["9", "1", "8", "1 cell without a value"] {
        assert!(texts.iter().any(|t| t == value), "{value} in {texts:?}");
    }
    assert!(text.contains("<title>dog, dog: 8</title>"));
    assert_eq!(with_class(&text, "ls-a"), 3 + 1, "three cells and the key");
    assert_eq!(
        summary(&view),
        "Heat map: true over predicted, 2 rows and 2 columns. Lowest 1 at row cat, column dog, highest 9 at row cat, \
         column cat."
    );
}

#[test]
fn tokens_show_strength_and_sign() {
    let token = |text: &str, weight| Token { text: text.into(), weight };
    let tokens = vec![
        token("The", 0.0),
        token(" capital", 0.4),
        token(" of", -0.2),
        token(" Paris\n", 0.9),
        token("x", 0.9),
    ];
    let view = View::Tokens(Tokens { tokens });
    let text = check(&view, &options(Theme::Inherit));
    // Solid lines under positive tokens, dashed ones under negative, one of each in the legend.
    assert_eq!((with_class(&text, "ls-q"), with_class(&text, "ls-d")), (3 + 1, 1 + 1));
    assert_eq!(texts(&text), ["weight > 0", "weight < 0", "The", "capital", "of", "Paris", "x"]);
    assert_eq!(
        summary(&view),
        "Text with weights: 5 tokens. Strongest: “Paris” 0.9, “x” 0.9, “capital” 0.4, “of” −0.2."
    );
}

#[test]
fn a_histogram_has_a_bar_for_each_bin_and_a_graph_a_name_for_each_node() {
    let view = View::Histogram(Histogram {
        x: Axis::new("score"),
        edges: vec![0.0, 1.0, 2.0, 4.0],
        counts: vec![3.0, 5.0, 0.0],
    });
    let text = check(&view, &options(Theme::Inherit));
    assert_eq!(with_class(&text, "ls-a"), 3);
    assert!(text.contains("<title>1 to 2: 5</title>"));
    assert_eq!(summary(&view), "Histogram: score, 3 bins from 0 to 4, 8 in all. Most, 5, from 1 to 2.");

    let nodes = vec![point(0.0, 0.0, None, None, Role::Query), point(3.0, 1.0, None, None, Role::Selected)];
    let names = vec!["in".to_owned(), "out".to_owned()];
    let view = View::Graph(Graph { nodes, edges: vec![Edge { a: 0, b: 1 }], names, classes: vec![] });
    let text = check(&view, &options(Theme::Inherit));
    for name in ["in", "out"] {
        assert!(texts(&text).iter().any(|t| t == name));
    }
    assert_eq!(
        (with_class(&text, "ls-x"), with_class(&text, "ls-z")),
        (1, 1 + 1),
        "an edge; a chosen node and its legend"
    );
    assert_eq!(summary(&view), "Graph: 2 nodes, of which 1 chosen, 1 edge.");
}

#[test]
fn themes_differ_in_colours_only_where_they_should() {
    let view = &views("x", &[1.0, 2.0, 3.0])[0];
    let (auto, inherit) = (check(view, &options(Theme::Auto)), check(view, &options(Theme::Inherit)));
    assert!(auto.contains("prefers-color-scheme:dark") && auto.contains("<rect width=\"100%\""));
    assert!(!inherit.contains("prefers-color-scheme") && !inherit.contains("<rect width=\"100%\""));
    assert!(inherit.contains("var(--ls-fg,currentColor)") && inherit.contains("font-family:inherit"));
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -100.0..100.0f64, 1 => prop::num::f64::ANY, 1 => Just(0.0), 1 => (-3i32..40).prop_map(f64::from)]
}

fn extents() -> impl Strategy<Value = Option<[f64; 2]>> {
    prop::option::of([number(), number()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_view_gives_a_good_picture(
        name in any::<String>(),
        numbers in prop::collection::vec(number(), 0..40),
        width in prop_oneof![Just(320u32), any::<u32>(), 160..900u32],
        height in prop_oneof![Just(200u32), any::<u32>(), 80..600u32],
        inherit: bool,
        range in extents(),
        columns in prop_oneof![0usize..9, any::<usize>()],
        size in (any::<u32>(), 0u32..4),
    ) {
        let theme = if inherit { Theme::Inherit } else { Theme::Auto };
        let options = Options { width, height, theme, title: name.clone(), id_prefix: name.clone() };
        for mut view in views(&name, &numbers) {
            match &mut view {
                View::Lines(v) => (v.x.range, v.y.range) = (range, range),
                View::Scatter(v) => v.x.range = range,
                View::Bars(v) => v.y.range = range,
                View::Heatmap(v) => v.columns = columns,
                View::Histogram(v) => v.x.range = range,
                View::Image(v) => (v.width, v.height) = size,
                _ => {}
            }
            let text = check(&view, &options);
            prop_assert!(text.len() < 150_000, "{} bytes", text.len());
            prop_assert!(!summary(&view).is_empty());
            let html = match &view {
                View::Table(v) => table_html(v),
                View::Tokens(v) => tokens_html(v),
                _ => continue,
            };
            prop_assert!(roxmltree::Document::parse(&html).is_ok(), "{html}");
        }
    }
}

#[test]
fn bands_lie_under_their_curve_and_only_where_there_is_one() {
    let points = vec![[0.0, 1.0], [1.0, 2.0], [2.0, 4.0]];
    let plain = View::Lines(Lines {
        x: Axis::new("x"),
        y: Axis::new("y"),
        series: vec![Series::new("a", points.clone())],
    });
    let band = vec![[0.5, 1.5], [1.0, 3.0], [2.0, 8.0]];
    let banded = View::Lines(Lines {
        x: Axis::new("x"),
        y: Axis::new("y"),
        series: vec![Series { band, ..Series::new("a", points) }],
    });
    let [plain, banded] = [plain, banded].map(|view| check(&view, &options(Theme::Inherit)));
    assert!(!plain.contains("fill-opacity=\".13\""));
    assert_eq!(banded.matches("fill-opacity=\".13\"").count(), 1);
    // The axis reaches to the upper end of the band.
    assert!(texts(&banded).iter().any(|t| t == "8") && !texts(&plain).iter().any(|t| t == "8"));
}

#[test]
fn areas_of_points_are_drawn() {
    let at = |x: f64| point(x, 0.0, Some(0), None, Role::Query);
    let drawn = |sizes: Vec<f32>| {
        let view = View::Scatter(Scatter {
            x: Axis::new("x"),
            y: Axis::new("y"),
            points: vec![at(0.0), at(1.0)],
            edges: vec![],
            classes: vec![],
            sizes,
        });
        check(&view, &options(Theme::Inherit))
    };
    let [even, plain, areas] = [vec![1.0, 1.0], vec![], vec![1.0, 4.0]].map(drawn);
    // The radius, twice as large for four times the area, stands in the arcs of the marks.
    let radii = |text: &str| -> Vec<f64> {
        let arcs = text.split('a').filter_map(|part| part.split_once(" 0 1 0 "));
        arcs.filter_map(|(radius, _)| radius.split(' ').next()?.parse().ok()).collect()
    };
    assert_eq!(radii(&even), radii(&plain));
    let (small, large) = (radii(&areas)[0], *radii(&areas).last().unwrap());
    assert!((large / small - 2.0).abs() < 0.05, "{:?}", radii(&areas));
}
