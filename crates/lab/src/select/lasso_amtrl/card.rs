//! What the method says about itself.

use crate::offers;
use lowshot_data::bundled::CATALOG;
use lowshot_protocol::{
    ArtifactSpec, BundledInput, Direction, Family, InputKind, InputSpec, MethodCard, MetricSpec, Paper,
    Preset, ViewSpec,
};
use serde_json::{Value, json};

/// The card.
pub fn card() -> MethodCard {
    MethodCard {
        id: "lasso-amtrl".into(),
        title: "Active multi-task learning (L1-A-MTRL)".into(),
        summary: "Decide how many labels to buy in each of many source tasks, for a target task that has few: by a \
                  sparse combination of the sources."
            .into(),
        family: Family::Select,
        paper: Paper {
            title: "Improved Active Multi-Task Representation Learning via Lasso".into(),
            authors: "Yiping Wang, Yifang Chen, Kevin Jamieson, Simon S. Du".into(),
            year: 2023,
            url: "https://arxiv.org/abs/2306.02556".into(),
        },
        inputs: inputs(),
        artifacts: vec![ArtifactSpec::new("selection.json", "For each trial and strategy: samples of each task in all and in each round, the relevance that the last \
                   round followed, errors and V(n) by budget.")],
        views: vec![
            ViewSpec::new(
                "allocation",
                "Samples of each source task",
                "The first trial of this run. Coloured: tasks with a true relevance. Marks: how many samples it would \
                 give them. Of more than 40 tasks those with the most samples.",
            ),
            ViewSpec::new(
                "path",
                "Lasso path",
                "Relevance of each task as the weight of the Lasso falls, from right to left. The left end is what the \
                 last round followed.",
            ),
            ViewSpec::new(
                "error",
                "Error against budget",
                "Mean over trials with 95 % intervals: excess risk of generated targets, test error of pictures.",
            ),
            ViewSpec::new("strategies", "At the whole budget", "Error of each strategy, with 95 % intervals over trials."),
            ViewSpec::new(
                "variance",
                "Variance V(n)",
                "wᵀ(W·diag(n)·Wᵀ)⁻¹w with the true heads: what the allocation alone is worth. Compare the order of these \
                 bars with that of the errors.",
            ),
            ViewSpec::new("table", "Strategies", "A task is paid for if it has more samples than an even share."),
        ],
        metrics: vec![
            MetricSpec::new("error", "Error of the target", Direction::Lower),
            MetricSpec::new("balanced_error", "Error with both sides of equal weight", Direction::Lower),
            MetricSpec::new("error_uniform", "Error with uniform samples", Direction::Lower),
            MetricSpec::new("error_target_only", "Error of the target's samples alone", Direction::Lower),
            MetricSpec::new("variance", "V(n)", Direction::Lower),
            MetricSpec::new("tasks_used", "Tasks with more than an even share", Direction::Neutral),
            MetricSpec::new("trials", "Trials", Direction::Neutral),
            MetricSpec::new("run_seconds", "Seconds of one run of the strategy", Direction::Lower),
        ],
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    let mut bundled = vec![offers::generated("Generated linear tasks, all known")];
    for set in CATALOG.iter().filter(|set| set.name == "digits") {
        let title = format!("{}: ten classes, changed in ten ways", set.title);
        bundled.push(BundledInput::new(set.name, title));
    }
    vec![InputSpec {
        name: "features".into(),
        kind: InputKind::Features,
        help: "Square pictures of up to 12×12 pixels, one a row, with labels (npz, safetensors, csv). A source task tells \
               one class from the rest, on pictures changed in one way."
            .into(),
        formats: offers::feature_formats(),
        bundled,
        optional: false,
    }]
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, features: &str| {
        Preset::new(id, title, summary, config).on("features", features)
    };
    let digits = |change: &str, trials: usize| {
        json!({"budget": 6000, "shots": 60, "rank": 10, "explore": 0.4, "lasso": 0.1, "ridge": 0.01, "target_ridge": 0.03, "iterations": 10,
               "target_change": change, "points": 1, "trials": trials})
    };
    vec![
        preset(
            "clustered",
            "Forty tasks near four axes",
            "Sources near the target's axis are worth all of the budget; L1 finds a few of them.",
            json!({"heads": "clustered", "trials": 4, "points": 2}),
            "synthetic",
        ),
        preset(
            "gaussian",
            "Tasks in all directions",
            "No source is like the target, four together are. Known relevance is best; the estimate comes close.",
            json!({"budget": 8000, "lasso": 0.02, "trials": 8, "points": 3}),
            "synthetic",
        ),
        preset(
            "starved",
            "Where it loses",
            "So little is explored that the estimate is noise: uniform sampling is better than any estimate, and known \
             relevance far better than both.",
            json!({"budget": 800, "shots": 100, "explore": 0.05, "lasso": 0.1, "trials": 12, "points": 1}),
            "synthetic",
        ),
        preset(
            "costs",
            "Samples that differ in cost",
            "Up to ten times as dear: l1-cost takes cheap tasks where they do as well.",
            json!({"strategy": "l1-cost", "cost_spread": 10.0, "budget": 30000, "lasso": 0.02, "trials": 6, "points": 2}),
            "synthetic",
        ),
        preset(
            "digits-noise",
            "Digits with noise",
            "Is it a 3? Sixty noisy pictures of the target, and ninety tasks on pictures changed in other ways.",
            digits("noise", 4),
            "digits",
        ),
        preset(
            "digits-shift",
            "Digits out of place",
            "The target's pictures are shifted, and no source shares what they need: the target's own sixty samples do better.",
            digits("shift-x", 4),
            "digits",
        ),
        Preset {
            native: true,
            ..preset(
                "thirty-worlds",
                "Thirty worlds",
                "The first preset with intervals that are narrow enough to tell the strategies apart.",
                json!({"heads": "clustered", "trials": 30, "points": 4, "budget": 8000, "lasso": 0.02}),
                "synthetic",
            )
        },
    ]
}
