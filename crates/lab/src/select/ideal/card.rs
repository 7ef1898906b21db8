//! What the method says about itself.

use crate::offers;
use lowshot_data::bundled::CATALOG;
use lowshot_protocol::{
    ArtifactSpec, Direction, Family, InputKind, InputSpec, MethodCard, MetricSpec, Paper, Preset, ViewSpec,
};
use serde_json::{Value, json};

/// The card.
pub fn card() -> MethodCard {
    MethodCard {
        id: "ideal".into(),
        title: "Influence-driven annotation (IDEAL)".into(),
        summary: "Choose the few rows worth labelling: those whose influence, spread from neighbour to neighbour, \
                  reaches most of the pool."
            .into(),
        family: Family::Select,
        paper: Paper {
            title: "IDEAL: Influence-Driven Selective Annotations Empower In-Context Learners in Large Language \
                    Models"
                .into(),
            authors: "Shaokun Zhang, Xiaobo Xia, Zhaoqing Wang, Ling-Hao Chen, Jiale Liu, Qingyun Wu, Tongliang Liu"
                .into(),
            year: 2023,
            url: "https://arxiv.org/abs/2310.10873".into(),
        },
        inputs: inputs(),
        artifacts: vec![
            ArtifactSpec::new(
                "selection.json",
                "For each trial: the chosen rows of the data in order, their marginal gains, the influence on fresh \
                 worlds, the layers of a cascade, and what the other selectors chose.",
            ),
            ArtifactSpec::new(
                "graph.safetensors",
                "The graph of the first trial: `rows` of the data, `successors` and `probabilities` (up to 64 MiB).",
            ),
        ],
        views: vec![
            ViewSpec::new(
                "points",
                "The pool and what is chosen",
                "The pool of the first trial in the plane of its two longest directions. Fill: class. Rings: \
                 chosen rows. Lines lead to the three nearest rows.",
            ),
            ViewSpec::new(
                "cascade",
                "A cascade from the chosen rows",
                "One cascade: colour says in which step a row was reached. Each active row tries each of its \
                 neighbours once.",
            ),
            ViewSpec::new(
                "influence",
                "Influence against budget",
                "Rows that cascades from the first chosen rows reach, in fresh worlds; mean over the trials, with 95 % \
                 intervals. The gain of one more row shrinks.",
            ),
            ViewSpec::new(
                "accuracy",
                "Accuracy against budget",
                "Share of other rows that have the class of their most similar chosen row; mean over the trials, with \
                 95 % intervals. The largest influence is not always the best accuracy.",
            ),
            ViewSpec::new("methods", "At the full budget", "Influence, accuracy and classes covered, with 95 % intervals."),
            ViewSpec::new(
                "layers",
                "Automatic annotation",
                "Share of wrong labels by layer of the cascade, with 95 % intervals over trials; layers with fewer than \
                 100 rows in all trials are left out.",
            ),
        ],
        metrics: vec![
            MetricSpec::new("influence", "Influence in fresh worlds (rows)", Direction::Higher),
            MetricSpec::new("believed_influence", "Influence by the search's own estimate (rows)", Direction::Neutral),
            MetricSpec::new("accuracy", "Accuracy of the nearest chosen row", Direction::Higher),
            MetricSpec::new("classes_covered", "Classes with a chosen row", Direction::Higher),
            MetricSpec::new("overlap", "Rows chosen again with another seed", Direction::Higher),
            MetricSpec::new("annotated", "Rows with a label after annotation", Direction::Higher),
            MetricSpec::new("annotation_accuracy", "Right labels among annotated rows", Direction::Higher),
            MetricSpec::new("trials", "Trials", Direction::Neutral),
            MetricSpec::new("selection_seconds", "Seconds a selection", Direction::Lower),
        ],
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    let synthetic = offers::generated("Generated: six clusters of unequal size");
    vec![InputSpec {
        name: "features".into(),
        kind: InputKind::Features,
        help: "Embeddings of the pool: `features` N×D (npz, safetensors) or csv. Labels are used to measure only, and \
               may be missing."
            .into(),
        formats: offers::feature_formats(),
        bundled: [synthetic].into_iter().chain(CATALOG.iter().map(offers::classified)).collect(),
        optional: false,
    }]
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, features: &str| {
        Preset::new(id, title, summary, config).on("features", features)
    };
    vec![
        preset(
            "clusters",
            "18 rows of six clusters",
            "IDEAL reaches most rows, as it is made to. In accuracy facility location is better.",
            json!({"trials": 20}),
            "synthetic",
        ),
        preset(
            "six-rows",
            "Where it loses",
            "With one row for each cluster, Vote-k and facility location find dense places; IDEAL spreads out.",
            json!({"budget": 6, "trials": 20}),
            "synthetic",
        ),
        preset(
            "official-code",
            "As the official code estimates",
            "Ten fresh cascades for each candidate and row 0 first: noise decides, and another seed chooses other rows.",
            json!({"estimator": "official-code", "diffusions": 10, "init": "first-node", "budget": 6, "pool": 150,
                   "repeat": true}),
            "synthetic",
        ),
        preset(
            "questions",
            "Bank customers' questions",
            "Which 77 of 1,000 questions should be labelled to tell 77 intents apart?",
            json!({"budget": 77, "pool": 1000, "diffusions": 200, "trials": 5}),
            "banking77-minilm",
        ),
        preset(
            "digits",
            "Labels that spread",
            "40 digits are labelled by hand, and hand their labels on along a cascade. With the nearest labelled row \
             errors grow from layer to layer; with a vote of five they hardly do.",
            json!({"budget": 40, "pool": 600, "labeller": "nearest", "trials": 20, "compare": "random"}),
            "digits",
        ),
        Preset {
            native: true,
            ..preset(
                "published-size",
                "Published size",
                "Pools of up to 3,000 rows, 256 test rows, 100 labels, ten trials.",
                json!({"budget": 100, "pool": 3000, "test": 256, "diffusions": 200}),
                "banking77-minilm",
            )
        },
    ]
}
