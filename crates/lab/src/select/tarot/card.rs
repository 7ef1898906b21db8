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
        id: "tarot".into(),
        title: "Targeted selection by transport (TAROT)".into(),
        summary:
            "Choose training rows that are distributed like a few target rows, in a space where no direction \
                  drowns the others."
                .into(),
        family: Family::Select,
        paper: Paper {
            title: "TAROT: Targeted Data Selection via Optimal Transport".into(),
            authors: "Lan Feng, Fan Nie, Yuejiang Liu, Alexandre Alahi".into(),
            year: 2024,
            url: "https://arxiv.org/abs/2412.00420".into(),
        },
        inputs: inputs(),
        artifacts: vec![ArtifactSpec::new(
            "selection.json",
            "For each trial: the chosen rows of the candidates in order, the layer of each, its target and distance, \
                   perhaps its weight; the estimated size with what each part of the targets saw; and what the other \
                   selectors chose.",
        )],
        views: vec![
            ViewSpec::new(
                "whitened",
                "As directions are compared",
                "Candidates and targets (stars) of the first trial, whitened and divided by their length, along their two \
                 longest directions. Ringed: chosen. Lines: the transport plan from chosen rows to targets.",
            ),
            ViewSpec::new(
                "raw",
                "The same, as it came",
                "The features before whitening. A direction of large variance fills the picture, and says nothing about \
                 the clusters.",
            ),
            ViewSpec::new(
                "shares",
                "Who is served",
                "Shares of the target classes among the targets and among the chosen rows; other: chosen from classes that \
                 no target has. Mean over the trials, with 95 % intervals.",
            ),
            ViewSpec::new(
                "distance",
                "Transport distance against size",
                "Transport distance from the first N chosen rows to all targets, correctly whitened; mean over the trials, \
                 with 95 % intervals. The vertical line is the estimated size.",
            ),
            ViewSpec::new("methods", "All selectors", "At the same size, with 95 % intervals."),
        ],
        metrics: vec![
            MetricSpec::new("distance", "Transport distance to the targets", Direction::Lower),
            MetricSpec::new("precision", "Chosen rows of target classes", Direction::Higher),
            MetricSpec::new("rare_share", "Share of the rarest target class", Direction::Neutral),
            MetricSpec::new("share_error", "Distance of class shares from the targets'", Direction::Lower),
            MetricSpec::new("rows", "Chosen rows", Direction::Neutral),
            MetricSpec::new("estimated_rows", "Estimated size", Direction::Neutral),
            MetricSpec::new("estimated_ratio", "Estimated share of the candidates", Direction::Neutral),
            MetricSpec::new(
                "estimated_distance",
                "Transport distance at the estimated size",
                Direction::Lower,
            ),
            MetricSpec::new("trials", "Trials", Direction::Neutral),
            MetricSpec::new("selection_seconds", "Seconds a selection", Direction::Lower),
        ],
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    let synthetic = offers::generated("Generated: clusters and their targets");
    vec![
        InputSpec {
            name: "features".into(),
            kind: InputKind::Features,
            help: "Candidates: gradients (projected) or embeddings, `features` N×D (npz, safetensors) or csv. Labels are \
                   used to measure, and to draw targets where the input `targets` is not given."
                .into(),
            formats: offers::feature_formats(),
            bundled: [synthetic].into_iter().chain(CATALOG.iter().map(offers::classified)).collect(),
            optional: false,
        },
        InputSpec {
            name: "targets".into(),
            kind: InputKind::Features,
            help: "Targets, made the same way as the candidates: as many columns. Without it, some rows of the \
                   candidates' classes become targets."
                .into(),
            formats: offers::feature_formats(),
            bundled: Vec::new(),
            optional: true,
        },
    ]
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, features: &str| {
        Preset::new(id, title, summary, config).on("features", features)
    };
    vec![
        preset(
            "three-modes",
            "Targets of three clusters",
            "Mean similarity takes the largest cluster only; TAROT follows the shares of the targets.",
            json!({"trials": 4}),
            "synthetic",
        ),
        preset(
            "one-mode",
            "Where there is little to gain",
            "All targets in one cluster: mean similarity takes the right rows, too, and most of the gap is gone.",
            json!({"shares": "1", "trials": 4}),
            "synthetic",
        ),
        preset(
            "how-many",
            "How many rows",
            "The size is estimated from held-out targets. It is more than the best: the parts' selections are joined.",
            json!({"size": "estimated", "trials": 4}),
            "synthetic",
        ),
        preset(
            "not-whitened",
            "A direction that drowns the others",
            "Without whitening, mean similarity mixes in wrong clusters along a stretched direction. Nearest rows hold out: \
             TAROT loses little.",
            json!({"whiten": "none", "nuisance": 100, "trials": 4}),
            "synthetic",
        ),
        preset(
            "official-code",
            "As the official code selects",
            "Whitening by the transposed factor, and the farthest rows of the last layer.",
            json!({"whiten": "official-code", "tie": "largest-potential", "ridge_rule": "absolute", "trials": 4}),
            "synthetic",
        ),
        preset(
            "questions",
            "Bank customers' questions",
            "30 targets of three intents out of 77, and 30 of the other 3,000 questions to train on.",
            json!({"budget": 30, "targets": 30, "trials": 3}),
            "banking77-minilm",
        ),
        Preset {
            native: true,
            ..preset(
                "clothes",
                "Photos of clothes",
                "200 targets of three kinds, 300 of 2,800 photos, projected to 256 columns.",
                json!({"budget": 300, "targets": 200, "project": 256, "trials": 10}),
                "fashion-mnist",
            )
        },
    ]
}
