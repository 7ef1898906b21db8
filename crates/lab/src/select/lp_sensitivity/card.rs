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
        id: "lp-sensitivity".into(),
        title: "Sensitivity sampling for ℓp losses".into(),
        summary: "Keep a few weighted rows of a tall matrix whose loss Σ|aᵀx − b|^p is near that of all rows, for \
                  every x."
            .into(),
        family: Family::Select,
        paper: Paper {
            title: "Sharper Bounds for ℓp Sensitivity Sampling".into(),
            authors: "David P. Woodruff, Taisuke Yasuda".into(),
            year: 2023,
            url: "https://arxiv.org/abs/2306.00732".into(),
        },
        inputs: vec![InputSpec {
            name: "features".into(),
            kind: InputKind::Features,
            help: "A matrix: `features` N×D (npz, safetensors), one of its columns the target (see `target`), or csv \
                   with a name or a whole number last in each line."
                .into(),
            formats: offers::feature_formats(),
            bundled: [offers::generated("Generated rows")]
                .into_iter()
                .chain(CATALOG.iter().filter(|set| ["factbook", "digits"].contains(&set.name)).map(|set| {
                    BundledInput::new(set.name, format!("{} ({} × {})", set.title, set.rows, set.dims))
                }))
                .collect(),
            optional: false,
        }],
        artifacts: vec![
            ArtifactSpec::new(
                "selection.json",
                "The kept rows with probabilities and weights, and the coefficients and losses of both fits.",
            ),
            ArtifactSpec::new("coreset.safetensors", "`index`, `prob` and `weight` of the kept rows."),
            ArtifactSpec::new(
                "scores.safetensors",
                "Every score of every row; `sensitivity_upper` bounds the sensitivities from above.",
            ),
            ArtifactSpec::new("trials.json", "Excess cost and number of kept rows of every trial, score and size."),
            ArtifactSpec::new("features.safetensors", "Generated rows, the target last (up to 64 MiB)."),
        ],
        views: vec![
            ViewSpec::new(
                "points",
                "Rows",
                "Each point is a row; its area is its score. Rings mark the rows of one selection. Of rows with many \
                 columns the two longest directions are seen.",
            ),
            ViewSpec::new(
                "excess",
                "Excess cost over size",
                "How much worse than the best fit the fit on the kept rows is, on all rows: median of the trials and \
                 the range of the middle 80 %. Both axes are logarithmic.",
            ),
            ViewSpec::new(
                "fit",
                "Fits",
                "Predictions along one feature, by the fit on all rows and by the fits on one selection by each score. Of \
                 straight lines the difference to the fit on all rows is drawn.",
            ),
            ViewSpec::new(
                "ratio",
                "Loss by direction",
                "Loss of the kept rows over loss of all rows, for x along the directions of a plane; 1 is right.",
            ),
            ViewSpec::new("sums", "Sums of scores", "The total sensitivity between the rank and its power p/2."),
            ViewSpec::new(
                "sizes",
                "Predicted sizes",
                "Rows that each bound asks for at ε, without constants and logarithms: an order, not a number to use.",
            ),
        ],
        metrics: vec![
            MetricSpec::new("excess", "Excess cost, median of the trials", Direction::Lower),
            MetricSpec::new("excess_uniform", "The same, uniform rows", Direction::Lower),
            MetricSpec::new("excess_leverage", "The same, leverage scores", Direction::Lower),
            MetricSpec::new("excess_root_leverage", "The same, root leverage scores", Direction::Lower),
            MetricSpec::new("excess_lewis", "The same, Lewis weights", Direction::Lower),
            MetricSpec::new("excess_sensitivity", "The same, sensitivities", Direction::Lower),
            MetricSpec::new("excess_sensitivity_plus_leverage", "The same, sensitivity plus leverage", Direction::Lower),
            MetricSpec::new("expected_rows", "Expected rows", Direction::Neutral),
            MetricSpec::new("kept_rows", "Rows of the selection", Direction::Neutral),
            MetricSpec::new("total_sensitivity", "Total sensitivity 𝔖", Direction::Neutral),
            MetricSpec::new("rank", "Rank", Direction::Neutral),
            MetricSpec::new("alpha", "Scale of the probabilities α", Direction::Neutral),
            MetricSpec::new("loss_all_rows", "Loss of the fit on all rows", Direction::Lower),
            MetricSpec::new("loss_of_kept_fit", "Loss of the fit on the selection, on all rows", Direction::Lower),
            MetricSpec::new("rows", "Rows of the matrix", Direction::Neutral),
            MetricSpec::new("lewis_passes", "Passes for the Lewis weights", Direction::Neutral),
            MetricSpec::new("scoring_seconds", "Seconds for the scores", Direction::Lower),
        ],
        presets: presets(),
    }
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, features: &str| {
        Preset::new(id, title, summary, config).on("features", features)
    };
    vec![
        preset(
            "heavy-tail",
            "Rows of very different size",
            "All scores find the rows that matter and stay far below uniform sampling; among them no order is clear.",
            json!({}),
            "synthetic",
        ),
        preset(
            "large-p",
            "p = 4",
            "The larger p, the more a few rows decide: uniform sampling misses them.",
            json!({"p": 4.0}),
            "synthetic",
        ),
        preset(
            "least-absolute",
            "Least absolute deviations",
            "p = 1, where each sensitivity is a linear program.",
            json!({"p": 1.0}),
            "synthetic",
        ),
        preset(
            "polynomial",
            "Polynomial features",
            "Powers of one number: the total sensitivity is far below the worst case of six columns.",
            json!({"p": 6.0, "shape": "polynomial", "noise": "gaussian", "budget": 120}),
            "synthetic",
        ),
        preset(
            "planted",
            "Five planted rows",
            "Five rows far from the others get the largest scores and are always kept.",
            json!({"p": 3.0, "tail": 0.0, "planted": 5, "noise": "t3"}),
            "synthetic",
        ),
        preset(
            "territories",
            "Countries of the world",
            "Gross domestic product from area, people and more: a sample without Canada, America, India or China goes astray.",
            json!({"intercept": true, "budget": 60}),
            "factbook",
        ),
        preset(
            "even",
            "Where it does not win",
            "Rows of one size with normal noise: uniform sampling is as good, and costs nothing.",
            json!({"p": 2.0, "tail": 0.0, "noise": "gaussian"}),
            "synthetic",
        ),
        preset(
            "without-target",
            "Where it fails",
            "Scores of the features alone, p = 3: the target's outliers are missed, and more rows hardly help.",
            json!({"p": 3.0, "score_target": false}),
            "synthetic",
        ),
        Preset {
            native: true,
            ..preset(
                "million",
                "A million rows",
                "Lewis weights of 10⁶ × 50 values in blocks, against uniform sampling.",
                json!({"score": "lewis", "compare": "uniform", "rows": 1_000_000, "columns": 50, "trials": 3,
                       "budget": 2000}),
                "synthetic",
            )
        },
    ]
}
