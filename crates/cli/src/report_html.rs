//! `report.html`: one file that says everything about a run and asks no other for anything.

use crate::run_dir::Saved;
use crate::summary;
use lowshot_plot::Options;
use lowshot_protocol::schema::{self, Field};
use lowshot_protocol::{MethodCard, MethodInfo, Metric, Report, View, share};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const STYLE: &str = include_str!("report.css");

/// A picture as SVG that follows the reader's light or dark setting.
pub(crate) fn plot(card: &MethodCard, id: &str, view: &View) -> String {
    let title = card.views.iter().find(|spec| spec.id == id).map_or(id, |spec| spec.title.as_str());
    lowshot_plot::svg(
        view,
        &Options { title: title.to_owned(), id_prefix: format!("ls-{id}"), ..Options::default() },
    )
}

/// The page.
pub(crate) fn page(
    info: &MethodInfo,
    saved: &Saved,
    report: &Report,
    views: &BTreeMap<String, View>,
    artifacts: &[String],
) -> String {
    let card = &info.card;
    let fields = schema::fields(&info.schema);
    let mut body =
        format!("<h1>{}</h1>\n<p class=\"summary\">{}</p>\n", text(&card.title), text(&card.summary));
    let shard = report.shard.map_or(String::new(), |shard| format!(" · shard {shard} of the run"));
    let _ = writeln!(
        body,
        "<p class=\"facts\">seed {}{shard} · {} · {}</p>",
        report.seed,
        text(&report.device.name),
        summary::value(report.wall_seconds, lowshot_protocol::Unit::Seconds)
    );
    let (timing, results): (Vec<_>, Vec<_>) =
        summary::ordered(card, &report.metrics).into_iter().partition(|(_, metric)| metric.timing);
    section(&mut body, "Result", &metrics(&results));
    for table in &report.tables {
        body += "<div class=\"wide\">";
        body += &lowshot_plot::table_html(table);
        body += "</div>\n";
    }
    if !report.notes.is_empty() {
        let notes: String = report.notes.iter().map(|note| format!("<li>{}</li>", text(note))).collect();
        section(&mut body, "Notes", &format!("<ul>{notes}</ul>"));
    }
    body += &plots(card, views);
    section(&mut body, "Repeat it", &repeat(&fields, saved));
    section(&mut body, "Configuration", &configuration(&fields, report));
    section(&mut body, "Inputs", &inputs(report));
    if !timing.is_empty() {
        section(&mut body, "Speed", &metrics(&timing));
    }
    section(&mut body, "Files", &files(info, artifacts));
    section(&mut body, "Made with", &made_with(info, report));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · Lowshot</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        text(&card.title)
    )
}

fn section(body: &mut String, title: &str, content: &str) {
    let _ = writeln!(body, "<section>\n<h2>{title}</h2>\n{content}\n</section>");
}

/// A row of a table; all cells are escaped.
fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", text(cell))).collect();
    format!("<tr>{cells}</tr>")
}

fn table(head: &[&str], rows: &str) -> String {
    let cells: String = head.iter().map(|cell| format!("<th scope=\"col\">{cell}</th>")).collect();
    let head = if head.is_empty() { String::new() } else { format!("<thead><tr>{cells}</tr></thead>") };
    format!("<div class=\"wide\"><table>{head}<tbody>{rows}</tbody></table></div>")
}

fn metrics(metrics: &[(String, Metric)]) -> String {
    let line = |(title, metric): &(String, Metric)| {
        let interval = metric.interval.map(|bounds| summary::interval(bounds, metric.unit));
        row(&[title, &summary::value(metric.value, metric.unit), interval.as_deref().unwrap_or("")])
    };
    table(&["", "Value", "95 % interval"], &metrics.iter().map(line).collect::<String>())
}

fn plots(card: &MethodCard, views: &BTreeMap<String, View>) -> String {
    let known = card
        .views
        .iter()
        .filter_map(|spec| views.get(&spec.id).map(|view| (spec.id.as_str(), spec.help.as_str(), view)));
    let other = views.iter().filter(|(id, _)| !card.views.iter().any(|spec| spec.id == **id));
    let all = known.chain(other.map(|(id, view)| (id.as_str(), "", view)));
    all.map(|(id, help, view)| {
        let (picture, help) = (plot(card, id, view), text(help));
        format!("<section>\n<figure>{picture}<figcaption>{help}</figcaption></figure>\n</section>\n")
    })
    .collect()
}

fn repeat(fields: &[Field], saved: &Saved) -> String {
    let mut line = share::command_line(fields, &saved.request);
    if let Some(shard) = saved.request.shard {
        let _ = write!(line, " --shard {shard}");
    }
    if saved.device != "cpu" {
        let _ = write!(line, " --device {}", saved.device);
    }
    format!("<pre><code>{}</code></pre>", text(&line))
}

fn configuration(fields: &[Field], report: &Report) -> String {
    let line = |field: &Field| {
        let value = report.config.get(&field.name).unwrap_or(&field.default);
        let class = if *value == field.default { "" } else { " class=\"changed\"" };
        format!(
            "<tr{class}><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            text(&field.name),
            text(&Field::display(value)),
            text(&Field::display(&field.default)),
            text(&field.help)
        )
    };
    table(&["Field", "Value", "Default", "Meaning"], &fields.iter().map(line).collect::<String>())
}

fn inputs(report: &Report) -> String {
    let line = |(name, facts): (&String, &lowshot_protocol::InputFacts)| {
        row(&[name, &facts.source, &facts.description, &facts.digest])
    };
    table(
        &["Input", "Source", "Contents", "FNV-1a digest"],
        &report.inputs.iter().map(line).collect::<String>(),
    )
}

fn files(info: &MethodInfo, artifacts: &[String]) -> String {
    let help = |name: &str| {
        info.card.artifacts.iter().find(|a| a.name == name).map_or("", |artifact| artifact.help.as_str())
    };
    let own = [
        ("config.json", "The request, for `lowshot run METHOD --config config.json`."),
        ("report.json", "This report for programs."),
        ("events.jsonl", "What happened, one JSON object a line."),
    ];
    let own = own.iter().map(|(name, help)| row(&[name, help]));
    let rows = artifacts.iter().map(|name| row(&[name, help(name)])).chain(own);
    table(&["File", "Contents"], &rows.collect::<String>())
}

fn made_with(info: &MethodInfo, report: &Report) -> String {
    let versions: String = report.versions.iter().map(|(name, version)| row(&[name, version])).collect();
    let device = row(&["device", &format!("{} ({})", report.device.id, report.device.name)]);
    let emulated = if report.device.software {
        row(&["", "a GPU interface emulated on the CPU"])
    } else {
        String::new()
    };
    let state = row(&["method state", &summary::bytes(report.state_bytes as f64)]);
    let paper = &info.card.paper;
    // A link, not a request: nothing is fetched until a reader follows it. Only web addresses become links.
    let source = format!("{}: {} ({})", paper.authors, paper.title, paper.year);
    let source = if paper.url.starts_with("https://") {
        format!("<a href=\"{}\">{}</a>", text(&paper.url), text(&source))
    } else {
        text(&source)
    };
    format!("{}<p>Method: {source}</p>", table(&[], &(versions + &device + &emulated + &state)))
}

/// Text with the characters escaped that mean something in HTML.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_report_can_become_markup() {
        assert_eq!(
            text("<img src='x' onerror=\"a&b\">"),
            "&lt;img src=&#39;x&#39; onerror=&quot;a&amp;b&quot;&gt;"
        );
    }
}
