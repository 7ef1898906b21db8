//! What methods say about themselves, as Markdown.

use super::demo;
use lowshot_protocol::schema::{self, Field, FieldKind};
use lowshot_protocol::{Direction, InputKind, InputSource, InputSpec, MethodInfo, share};

/// Lines of SUMMARY.md.
pub fn summary(methods: &[MethodInfo]) -> String {
    let line = |m: &MethodInfo| format!("  - [{}](methods/{}.md)\n", m.card.title, m.card.id);
    methods.iter().map(line).collect()
}

/// All methods, by family.
pub fn method_list(methods: &[MethodInfo]) -> String {
    let mut text = String::from("| method | family | what it does | paper |\n|---|---|---|---|\n");
    for MethodInfo { card, .. } in methods {
        text += &format!(
            "| [{}](methods/{}.md) | {} | {} | [{} {}]({}) |\n",
            cell(&card.title),
            card.id,
            card.family.title(),
            cell(&card.summary),
            cell(card.paper.authors.split(',').next().unwrap_or_default()),
            card.paper.year,
            card.paper.url
        );
    }
    text
}

/// The paper.
pub fn paper(method: &MethodInfo) -> String {
    let paper = &method.card.paper;
    format!("> {}: [{}]({}), {}.\n", paper.authors, paper.title, paper.url, paper.year)
}

/// The configuration, a table for each group of fields.
pub fn config(method: &MethodInfo) -> String {
    let fields = schema::fields(&method.schema);
    let mut groups: Vec<&str> = Vec::new();
    for field in &fields {
        if !groups.contains(&field.group.as_str()) {
            groups.push(&field.group);
        }
    }
    let mut text = String::new();
    for group in groups {
        if !group.is_empty() {
            text += &format!("\n**{group}**\n\n");
        }
        text += "| field | values | default | meaning |\n|---|---|---|---|\n";
        for field in fields.iter().filter(|f| f.group == group) {
            let default = Field::display(&field.default);
            let (values, meaning) = (values(field), meaning(field));
            text += &format!("| `{}` | {values} | `{}` | {meaning} |\n", field.name, cell(&default));
        }
    }
    text
}

fn values(field: &Field) -> String {
    match &field.kind {
        FieldKind::Choice { options } if options.iter().any(|o| !o.help.is_empty()) => {
            "one of the words at the right".to_owned()
        }
        FieldKind::Choice { options } => {
            options.iter().map(|o| format!("`{}`", cell(&o.value))).collect::<Vec<_>>().join(", ")
        }
        _ => cell(&field.expected()),
    }
}

fn meaning(field: &Field) -> String {
    let mut text = cell(&field.help);
    for (name, values) in &field.when {
        let values: Vec<String> = values.iter().map(|v| format!("`{}`", Field::display(v))).collect();
        text += &format!(" Used where `{name}` is {}.", either(&values));
    }
    if let FieldKind::Choice { options } = &field.kind
        && options.iter().any(|o| !o.help.is_empty())
    {
        for option in options {
            text += &format!("<br>`{}`: {}", option.value, cell(&option.help));
        }
    }
    text.trim_start().to_owned()
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The inputs.
pub fn inputs(method: &MethodInfo) -> String {
    let mut text = String::from("| input | holds | files | bundled | meaning |\n|---|---|---|---|---|\n");
    for input in &method.card.inputs {
        let formats =
            input.formats.iter().map(|f| format!("`.{}`", f.extension())).collect::<Vec<_>>().join(", ");
        text += &format!(
            "| `{}`{} | {} | {formats} | {} | {} |\n",
            input.name,
            if input.optional { " (optional)" } else { "" },
            kind(input.kind),
            bundled(input),
            cell(&input.help)
        );
    }
    text
}

fn kind(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Features => "feature vectors with labels",
        InputKind::Episodes => "tasks as lists of rows",
        InputKind::Labels => "labels",
        InputKind::Text => "text",
        InputKind::Images => "pictures",
        InputKind::Table => "a table",
        InputKind::Weights => "named tensors",
    }
}

fn bundled(input: &InputSpec) -> String {
    let set = |(place, set): (usize, &lowshot_protocol::BundledInput)| {
        let default = if place == 0 && !input.optional { " (default)" } else { "" };
        format!("`builtin:{}`{default}: {}", set.name, cell(&set.title))
    };
    let sets: Vec<String> = input.bundled.iter().enumerate().map(set).collect();
    if sets.is_empty() { "none".to_owned() } else { sets.join("<br>") }
}

/// The files of a run.
pub fn artifacts(method: &MethodInfo) -> String {
    let mut text = String::from("| file | holds |\n|---|---|\n");
    for artifact in &method.card.artifacts {
        text += &format!("| `{}` | {} |\n", artifact.name, cell(&artifact.help));
    }
    text
}

/// The metrics of a report.
pub fn metrics(method: &MethodInfo) -> String {
    let mut text = String::from("| metric | meaning | better |\n|---|---|---|\n");
    for metric in &method.card.metrics {
        let better = match metric.better {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
            Direction::Neutral => "",
        };
        text += &format!("| `{}` | {} | {better} |\n", metric.name, cell(&metric.title));
    }
    text
}

/// The presets, each with its link and its command line.
pub fn presets(method: &MethodInfo, up: &str) -> Result<String, String> {
    let card = &method.card;
    let fields = schema::fields(&method.schema);
    let mut text = String::new();
    for preset in &card.presets {
        let told = |problem: String| format!("preset `{}`: {problem}", preset.id);
        let inputs: std::collections::BTreeMap<String, InputSource> =
            preset.inputs.iter().map(|(name, text)| (name.clone(), InputSource::parse(text))).collect();
        let request = demo::request(card, &fields, preset.config.clone(), inputs.clone(), 1).map_err(told)?;
        text += &format!("\n**{}**: {}", preset.title, cell(&preset.summary));
        if preset.native {
            text += " (For a native run: too large for a browser.)";
        } else {
            let link = demo::link(card, &fields, preset.config.clone(), inputs, 1, up).map_err(told)?;
            text += &format!(" <a href=\"{link}\">Open it in the playground</a>.");
        }
        text += &format!("\n\n```sh\n{}\n```\n", share::command_line(&fields, &request));
    }
    Ok(text)
}

/// Text as a cell of a table: one line, no column ends, no tags.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('|', "\\|").replace('<', "&lt;")
}

/// Text as the value of an attribute in double quotes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
