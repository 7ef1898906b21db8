//! What the method says about itself.

use lowshot_data::bundled::{BundledTable, TABLES};
use lowshot_protocol::{
    ArtifactSpec, BundledInput, Direction, Family, Format, InputKind, InputSpec, MethodCard, MetricSpec,
    Paper, Preset, ViewSpec,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The card.
pub fn card() -> MethodCard {
    MethodCard {
        id: "conformal-information-pursuit".into(),
        title: "Conformal Information Pursuit (C-IP)".into(),
        summary: "Find out what somebody thinks of with few questions, even if the model that judges them is far too \
                  sure of itself."
            .into(),
        family: Family::Select,
        paper: Paper {
            title: "Conformal Information Pursuit for Interactively Guiding Large Language Models".into(),
            authors: "Kwan Ho Ryan Chan, Yuyan Ge, Edgar Dobriban, Hamed Hassani, René Vidal".into(),
            year: 2025,
            url: "https://arxiv.org/abs/2507.03279".into(),
        },
        inputs: inputs(),
        artifacts: vec![
            artifact(
                "selection.json",
                "For each trial: the questions that C-IP asked, game after game, with answers and predictions.",
            ),
            artifact("game.json", "The game that is shown; a game that you play goes on from it (input `game`)."),
            artifact("summary.csv", "Means by policy and number of answers, of simulated games."),
            artifact("thresholds.json", "Thresholds by number of answers and α; null where every label is plausible."),
        ],
        views: vec![
            view(
                "game",
                "A game, question by question",
                "How many labels each answer left, the best guess, and the bits that the question was expected to leave.",
            ),
            view("set", "Plausible labels", "The prediction set after the last answer: labels with probabilities."),
            view("question", "What was weighed", "Candidates for the question with the fewest bits expected to be left."),
            view(
                "accuracy",
                "Right predictions against answers",
                "Mean over trials with 95 % intervals. A predictor that is too sure misleads IP more than C-IP.",
            ),
            view("size", "Plausible labels against answers", "Labels in the prediction set, whoever asked."),
            view(
                "uncertainty",
                "What is said to be left",
                "Bits that the chosen question is expected to leave: entropy for IP, a bound by set sizes for C-IP. Of a \
                 predictor that is too sure, the entropy is near 0 from the start and says nothing.",
            ),
            view(
                "coverage",
                "Sets with the true label",
                "The promise of 1 − α is for random questions; chosen ones may fall below.",
            ),
            view(
                "calibration",
                "Coverage against promise",
                "Share of fresh random games whose set holds the true label. It should not be below the diagonal.",
            ),
            view("thresholds", "Thresholds", "A label is plausible from this probability on; one for each number of answers."),
            view("policies", "Policies", "Right predictions over the whole game, at its end, and where the stopping rule would end it."),
        ],
        metrics: vec![
            metric("accuracy", "Right predictions, mean over answers", Direction::Higher),
            metric("final_accuracy", "Right predictions at the end", Direction::Higher),
            metric("labels_left", "Plausible labels at the end", Direction::Lower),
            metric("covered", "Sets with the true label, chosen questions", Direction::Higher),
            metric("covered_fresh", "Sets with the true label, random questions", Direction::Neutral),
            metric("length", "Questions until stopping", Direction::Lower),
            metric("stopped_accuracy", "Right predictions then", Direction::Higher),
            metric("asked", "Questions asked", Direction::Neutral),
            metric("plausible", "Plausible labels", Direction::Lower),
            metric("probability", "Probability of the best guess", Direction::Neutral),
            metric("bits", "Bits expected to be left", Direction::Lower),
            metric("trials", "Trials", Direction::Neutral),
            metric("question_seconds", "Seconds a question", Direction::Lower),
        ],
        presets: presets(),
    }
}

fn inputs() -> Vec<InputSpec> {
    let set = |table: &BundledTable| BundledInput {
        name: table.name.into(),
        title: format!("{} ({} columns)", table.title, table.columns),
    };
    let bits = BundledInput { name: "bits16".into(), title: "Generated: 16 numbers by their bits".into() };
    let own = |name: &str, kind: InputKind, help: &str, formats: Vec<Format>| InputSpec {
        name: name.into(),
        kind,
        help: help.into(),
        formats,
        bundled: Vec::new(),
        optional: true,
    };
    vec![
        InputSpec {
            name: "table".into(),
            kind: InputKind::Table,
            help: "What can be asked about what: a label in the first column (or `label`), and a column of 0 and 1, or \
                   of few values, for each question. The first line names the columns."
                .into(),
            formats: vec![Format::Csv],
            bundled: TABLES.iter().map(set).chain([bits]).collect(),
            optional: false,
        },
        own(
            "predictor",
            InputKind::Table,
            "Your model's own probabilities of yes: a label in the first column, and a column named like each question \
             with numbers from 0 to 1. Without it the predictor is learnt from the table.",
            vec![Format::Csv],
        ),
        own("game", InputKind::Text, "A `game.json`, to go on with when you play.", vec![Format::Json]),
    ]
}

fn artifact(name: &str, help: &str) -> ArtifactSpec {
    ArtifactSpec { name: name.into(), help: help.into() }
}

fn view(id: &str, title: &str, help: &str) -> ViewSpec {
    ViewSpec { id: id.into(), title: title.into(), help: help.into() }
}

fn metric(name: &str, title: &str, better: Direction) -> MetricSpec {
    MetricSpec { name: name.into(), title: title.into(), better }
}

fn presets() -> Vec<Preset> {
    let preset = |id: &str, title: &str, summary: &str, config: Value, table: &str| Preset {
        id: id.into(),
        title: title.into(),
        summary: summary.into(),
        config,
        inputs: BTreeMap::from([("table".to_owned(), format!("builtin:{table}"))]),
        native: false,
    };
    vec![
        preset(
            "too-sure",
            "A predictor that is too sure",
            "Sharp and mistaken like a language model: entropies say nothing, sizes of calibrated sets do.",
            json!({"expectation": "posterior", "objective": "fano", "questions": 12}),
            "zoo",
        ),
        preset(
            "play",
            "Think of an animal",
            "Answer y, n or ? in `answers`; every answer brings the next question.",
            json!({"mode": "play", "expectation": "posterior", "objective": "fano", "temperature": 1.0,
                   "logit_noise": 0.0, "trials": 5}),
            "zoo",
        ),
        preset(
            "calibrated",
            "Where it loses",
            "The predictor believes the table, as it should. IP is the best by far; C-IP as published chases empty sets \
             and does no better than random questions.",
            json!({"temperature": 1.0, "logit_noise": 0.0, "questions": 12}),
            "zoo",
        ),
        preset(
            "published",
            "As published",
            "Four objects drawn evenly stand for the hidden one, and the bound has the nominal α. Better than IP, but \
             random questions are hard to beat.",
            json!({"compare": "all", "questions": 12, "trials": 5}),
            "bits16",
        ),
        preset(
            "types",
            "Seven types, unseen animals",
            "Learnt, calibrated and tested on different animals, a third of the zoo each.",
            json!({"label": "type", "hold_out": true, "expectation": "posterior",
                   "objective": "fano", "questions": 8, "games": 33, "temperature": 0.3}),
            "zoo",
        ),
        preset(
            "territories",
            "Where on Earth?",
            "237 territories and 48 noisy questions.",
            json!({"expectation": "posterior", "objective": "fano", "questions": 15, "trials": 2, "games": 5,
                   "draws": 50}),
            "territories",
        ),
        Preset {
            native: true,
            ..preset(
                "every-territory",
                "Every territory",
                "All territories, ten predictors, every policy.",
                json!({"expectation": "posterior", "objective": "fano", "questions": 20, "games": 237,
                       "compare": "all"}),
                "territories",
            )
        },
    ]
}
