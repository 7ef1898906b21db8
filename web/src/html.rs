//! Parts of the page that are only read, as HTML text. What a visitor acts on is made of live elements instead.

use crate::format::{self, humanise};
use lowshot_protocol::{Direction, MethodCard, Metric, NoteLevel, Paper, Report};

/// Text for use in HTML, in attributes too.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Text of a doc comment: what stands between backticks is code.
pub fn rich(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        // An odd backtick at the end opens nothing.
        let code = at % 2 == 1 && text.matches('`').count() > at;
        if code {
            out += &format!("<code>{}</code>", escape(part));
        } else {
            if at % 2 == 1 {
                out.push('`');
            }
            out += &escape(part);
        }
    }
    out
}

/// An address for an attribute; only web addresses, so that a card cannot carry a script.
pub fn address(url: &str) -> String {
    let web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if web { escape(url) } else { "#".to_owned() }
}

/// A line drawing of 24 units a side, the size of the text around it.
pub fn icon(name: &str) -> String {
    let paths = match name {
        "play" => r#"<path d="M7 4.5v15l12-7.5z" fill="currentColor"/>"#,
        "pause" => r#"<path d="M8 5v14M16 5v14" stroke-width="3"/>"#,
        "step" => r#"<path d="M6 5v14l9-7z" fill="currentColor"/><path d="M18.5 5v14" stroke-width="2.6"/>"#,
        "reset" => r#"<path d="M4.5 12a7.5 7.5 0 1 0 2.4-5.5"/><path d="M4 4.5v4.2h4.2"/>"#,
        "dice" => {
            r#"<rect x="4" y="4" width="16" height="16" rx="4"/><path d="M8.6 8.6v.01M15.4 8.6v.01M12 12v.01M8.6 15.4v.01M15.4 15.4v.01" stroke-width="2.8"/>"#
        }
        "download" => r#"<path d="M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14"/>"#,
        "copy" => {
            r#"<rect x="8.5" y="8.5" width="11" height="11" rx="2.5"/><path d="M5 15.5V7a2.5 2.5 0 0 1 2.5-2.5H15"/>"#
        }
        "check" => r#"<path d="m5 12.5 4.5 4.5L19 7.5"/>"#,
        "light" => {
            r#"<circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1"/>"#
        }
        "dark" => r#"<path d="M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z"/>"#,
        "auto" => {
            r#"<circle cx="12" cy="12" r="7.5"/><path d="M12 4.5a7.5 7.5 0 0 1 0 15z" fill="currentColor"/>"#
        }
        "close" => r#"<path d="m6.5 6.5 11 11m0-11-11 11"/>"#,
        "alert" => r#"<path d="M12 4.5 21 19.5H3z"/><path d="M12 10.5v4m0 2.4v.1"/>"#,
        "info" => r#"<circle cx="12" cy="12" r="8"/><path d="M12 11.2v5m0-8.2v.1"/>"#,
        _ => r#"<path d="M7 3.5h7L18.5 8v12.5H7z"/><path d="M14 3.5V8h4.5"/>"#,
    };
    format!(r#"<svg class="ls-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{paths}</svg>"#)
}

/// What stands on a button.
pub fn label(name: &str, text: &str) -> String {
    format!("{}<span>{}</span>", icon(name), escape(text))
}

/// The mark: a few labelled points among many.
pub fn mark() -> String {
    let mut out =
        r#"<svg class="ls-mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">"#.to_owned();
    for at in 0..9 {
        let class = if at == 1 || at == 8 { "few" } else { "many" };
        out += &format!(
            r#"<circle class="{class}" cx="{}" cy="{}" r="2.5"/>"#,
            4 + 8 * (at % 3),
            4 + 8 * (at / 3)
        );
    }
    out + "</svg>"
}

/// Many unlabelled points, a few labelled ones, their neighbours: what the whole laboratory is about.
pub fn field_of_dots() -> String {
    const LABELLED: [(i32, i32); 5] = [(2, 5), (5, 1), (8, 4), (11, 6), (13, 2)];
    let mut out =
        r#"<svg class="ls-dots" viewBox="0 0 320 160" aria-hidden="true" focusable="false">"#.to_owned();
    for at in 0..16 * 8 {
        let (column, row) = (at % 16, at / 16);
        let nearest = LABELLED.iter().map(|(x, y)| (x - column).pow(2) + (y - row).pow(2)).min();
        let (class, radius) = match nearest {
            Some(0) => ("few", 5.0),
            Some(1..=2) => ("near", 3.6),
            _ => ("many", 2.6),
        };
        out += &format!(
            r#"<circle class="{class}" cx="{}" cy="{}" r="{radius}"/>"#,
            10 + 20 * column,
            10 + 20 * row
        );
    }
    out + "</svg>"
}

/// `Ziko et al. 2021`.
pub fn cite(paper: &Paper) -> String {
    let mut authors = paper.authors.split(',').map(str::trim).filter(|a| !a.is_empty());
    let last = |name: &str| name.split_whitespace().next_back().unwrap_or_default().to_owned();
    let names = match (authors.next(), authors.next(), authors.next()) {
        (Some(one), None, _) => last(one),
        (Some(one), Some(two), None) => format!("{} and {}", last(one), last(two)),
        (Some(one), ..) => format!("{} et al.", last(one)),
        (None, ..) => String::new(),
    };
    format!("{names} {}", paper.year).trim().to_owned()
}

/// The heading of a method; `level` is that of the heading.
pub fn method_head(card: &MethodCard, level: u8) -> String {
    format!(
        r#"<p class="ls-kicker">{}</p><h{level}>{}</h{level}><p class="ls-lead">{}</p><p class="ls-cite">{}, <a href="{}" rel="noopener" target="_blank">{}</a></p>"#,
        card.family.title(),
        escape(&card.title),
        rich(&card.summary),
        escape(&cite(&card.paper)),
        address(&card.paper.url),
        escape(&card.paper.title),
    )
}

/// A card of the gallery; its picture comes into the element `ls-poster-ID`.
pub fn gallery_card(card: &MethodCard) -> String {
    let id = escape(&card.id);
    format!(
        r##"<li><article class="ls-card"><div class="ls-poster ls-dotted" id="ls-poster-{id}" aria-hidden="true"></div><div class="ls-card-text"><h3><a href="#/{id}">{}</a></h3><p>{}</p><p class="ls-cite">{}</p></div></article></li>"##,
        escape(&card.title),
        escape(&card.summary),
        escape(&cite(&card.paper)),
    )
}

/// Remarks.
pub fn notes<'a>(notes: impl Iterator<Item = (NoteLevel, &'a str)>) -> String {
    let mut items = String::new();
    for (level, text) in notes {
        let (class, name) = match level {
            NoteLevel::Warning => ("ls-note ls-warn", "alert"),
            NoteLevel::Info => ("ls-note", "info"),
        };
        items += &format!(r#"<li class="{class}">{}<span>{}</span></li>"#, icon(name), rich(text));
    }
    if items.is_empty() { items } else { format!(r#"<ul class="ls-notes" role="list">{items}</ul>"#) }
}

/// The metrics of a report: those of the card in its order, whatever else there is folded away below.
pub fn metrics(card: &MethodCard, report: &Report) -> String {
    let named: Vec<_> = card
        .metrics
        .iter()
        .filter_map(|spec| Some((spec.title.clone(), spec.better, report.metrics.get(&spec.name)?)))
        .collect();
    let more: Vec<_> = report
        .metrics
        .iter()
        .filter(|(name, _)| !card.metrics.iter().any(|spec| spec.name == **name))
        .map(|(name, metric)| (humanise(name), Direction::Neutral, metric))
        .collect();
    // A method that names none shows all.
    if named.is_empty() {
        return metric_table(&more, true);
    }
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(
            "<details class=\"ls-group\"><summary>More numbers</summary>{}</details>",
            metric_table(&more, false)
        )
    };
    metric_table(&named, true) + &more
}

/// `lead`: the first number is the one that counts.
fn metric_table(rows: &[(String, Direction, &Metric)], lead: bool) -> String {
    let intervals = rows.iter().any(|(_, _, m)| m.interval.is_some());
    let mut out = String::from(
        r#"<table class="ls-metrics"><thead class="ls-unseen"><tr><th scope="col">Metric</th><th scope="col">Value</th>"#,
    );
    if intervals {
        out += r#"<th scope="col">95 % interval</th>"#;
    }
    out += "</tr></thead><tbody>";
    for (at, (title, better, metric)) in rows.iter().enumerate() {
        let text = format::metric(metric);
        let hint = match better {
            _ if metric.timing => "<small>measured here; differs from run to run</small>",
            Direction::Higher => "<small>higher is better</small>",
            Direction::Lower => "<small>lower is better</small>",
            Direction::Neutral => "",
        };
        let class = if lead && at == 0 { r#" class="ls-first""# } else { "" };
        out += &format!(r#"<tr{class}><th scope="row">{}{hint}</th><td>{}</td>"#, escape(title), text.value);
        if intervals {
            out += &format!(r#"<td class="ls-interval">{}</td>"#, text.interval.unwrap_or_default());
        }
        out += "</tr>";
    }
    out + "</tbody></table>"
}

/// What is needed to believe and to repeat a run.
pub fn facts(report: &Report) -> String {
    let mut out = String::new();
    let mut fact = |name: &str, value: &str| {
        out += &format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    };
    fact("Computed on", &format!("{} ({})", report.device.name, report.device.id));
    fact("Seed", &report.seed.to_string());
    fact("Time", &format::seconds(report.wall_seconds));
    fact("State of the method", &format::bytes(report.state_bytes as f64));
    for (name, input) in &report.inputs {
        let digest = if input.digest.is_empty() { String::new() } else { format!(" · {}", input.digest) };
        fact(&humanise(name), &format!("{} · {}{digest}", input.source, input.description));
    }
    for (name, version) in &report.versions {
        fact(&format!("Version of {name}"), version);
    }
    format!(
        r#"<details class="ls-group ls-facts"><summary>How this was computed</summary><dl>{out}</dl></details>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(escape(r#"<b a="x">&'"#), "&lt;b a=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(address("javascript:alert(1)"), "#");
        assert_eq!(address("https://a.b/?c=d&e"), "https://a.b/?c=d&amp;e");
        let list = [(NoteLevel::Info, "<i>")];
        assert!(notes(list.into_iter()).contains("&lt;i&gt;"));
        assert_eq!(notes([].into_iter()), "");
    }

    #[test]
    fn backticks_are_code() {
        assert_eq!(rich("a `b<` c"), "a <code>b&lt;</code> c");
        assert_eq!(rich("a `b"), "a `b");
        assert_eq!(rich("`a` `"), "<code>a</code> `");
    }

    #[test]
    fn papers_are_cited_by_family_name() {
        let paper = |authors: &str| Paper {
            title: String::new(),
            authors: authors.to_owned(),
            year: 2021,
            url: String::new(),
        };
        assert_eq!(cite(&paper("Ada Lovelace")), "Lovelace 2021");
        assert_eq!(cite(&paper("A. One, B. Two")), "One and Two 2021");
        assert_eq!(cite(&paper("A. One, B. Two, C. Three")), "One et al. 2021");
        assert_eq!(cite(&paper("")), "2021");
    }
}
