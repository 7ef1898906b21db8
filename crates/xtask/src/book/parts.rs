//! The lines of the book's sources that stand for something generated.
//!
//! | line | where | stands for |
//! |---|---|---|
//! | `{{#methods}}` | SUMMARY.md | a line for every method |
//! | `{{#method-list}}` | any page | a table of all methods |
//! | `{{#paper}}` `{{#config}}` `{{#inputs}}` `{{#artifacts}}` `{{#metrics}}` `{{#presets}}` | methods/METHOD.md | what the method says about itself |
//! | `{{#demo name=value …}}` | any page | a live demo; names are fields of the configuration, `input.NAME`, or attributes of the element; `fields=a,b` leaves out every other setting. In a page that is not a method's, `method=ID` is needed |
//!
//! A line counts only as a whole and outside of fenced code. Every name and value is checked against the method's
//! schema, so a demo in the text cannot outlive a change of the method.

mod demo;
mod tables;

use lowshot_protocol::MethodInfo;
use std::fs;
use std::path::Path;

/// Parts that every page of a method has.
const WANTED: [&str; 6] = ["paper", "config", "inputs", "artifacts", "metrics", "presets"];

/// Replaces the lines in all pages below `src`.
///
/// # Errors
/// Names the page and the line, or the page that has to be written.
pub fn expand(src: &Path, methods: &[MethodInfo]) -> Result<(), String> {
    for method in methods {
        let page = src.join("methods").join(format!("{}.md", method.card.id));
        if !page.is_file() {
            return Err(format!(
                "method `{0}` has no page; write docs/src/methods/{0}.md with the lines {1}",
                method.card.id,
                WANTED.map(|part| format!("{{{{#{part}}}}}")).join(" ")
            ));
        }
    }
    folder(src, "", methods)
}

fn folder(folder_path: &Path, inside: &str, methods: &[MethodInfo]) -> Result<(), String> {
    for path in crate::site::files(folder_path)?.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("docs/src/{inside}{stem}.md");
        let method = match inside {
            "methods/" => Some(methods.iter().find(|m| m.card.id == stem).ok_or_else(|| {
                format!("{name} is the page of no method; remove it, or register the method")
            })?),
            _ => None,
        };
        let text = fs::read_to_string(path).map_err(|e| format!("{name}: {e}"))?;
        let page = Page { methods, method, up: "../".repeat(1 + inside.matches('/').count()) };
        let text = page.expand(&text).map_err(|problem| format!("{name}: {problem}"))?;
        crate::site::write(path, text.as_bytes())?;
    }
    for path in super::folders(folder_path)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        folder(&path, &format!("{inside}{name}/"), methods)?;
    }
    Ok(())
}

/// What the lines of one page may refer to.
struct Page<'a> {
    methods: &'a [MethodInfo],
    /// The method of the page, if it is one's.
    method: Option<&'a MethodInfo>,
    /// From the page to the root of the site.
    up: String,
}

impl Page<'_> {
    fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len() * 2);
        let mut fence: Option<&str> = None;
        let mut seen = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
            match (fence, mark) {
                (None, Some(_)) => fence = mark,
                (Some(open), Some(mark)) if open == mark => fence = None,
                _ => {}
            }
            let directive = trimmed.strip_prefix("{{#").and_then(|rest| rest.strip_suffix("}}"));
            match directive.filter(|_| fence.is_none()) {
                Some(directive) => {
                    let (name, rest) = directive.split_once(' ').unwrap_or((directive, ""));
                    let part = self.part(name, rest.trim());
                    out += &part.map_err(|problem| format!("line {}: {problem}", number + 1))?;
                    seen.push(name.to_owned());
                }
                None => out += line,
            }
            out.push('\n');
        }
        match self.method.and_then(|_| WANTED.into_iter().find(|part| !seen.iter().any(|s| s == part))) {
            Some(part) => Err(format!("the line {{{{#{part}}}}} is missing; put it where it fits")),
            None => Ok(out),
        }
    }

    fn part(&self, name: &str, rest: &str) -> Result<String, String> {
        let method =
            || self.method.ok_or_else(|| format!("{{{{#{name}}}}} works in the page of a method only"));
        Ok(match name {
            "methods" => tables::summary(self.methods),
            "method-list" => tables::method_list(self.methods),
            "paper" => tables::paper(method()?),
            "config" => tables::config(method()?),
            "inputs" => tables::inputs(method()?),
            "artifacts" => tables::artifacts(method()?),
            "metrics" => tables::metrics(method()?),
            "presets" => tables::presets(method()?, &self.up)?,
            "demo" => demo::demo(rest, self.methods, self.method, &self.up)?,
            other => return Err(format!("{{{{#{other}}}}} stands for nothing")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowshot_protocol::{Family, MethodCard, Paper, Preset};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn method() -> MethodInfo {
        let paper = Paper { title: "T".into(), authors: "A".into(), year: 2021, url: "https://x".into() };
        let preset = Preset {
            id: "first".into(),
            title: "First".into(),
            summary: "S.".into(),
            config: json!({"shots": 5}),
            inputs: BTreeMap::new(),
            native: false,
        };
        MethodInfo {
            card: MethodCard {
                id: "m".into(),
                title: "M".into(),
                summary: "Does.".into(),
                family: Family::Fewshot,
                paper,
                inputs: Vec::new(),
                artifacts: Vec::new(),
                views: Vec::new(),
                metrics: Vec::new(),
                presets: vec![preset],
            },
            schema: json!({"x-order": ["shots", "mode"], "properties": {
                "shots": {"type": "integer", "minimum": 1, "maximum": 50, "default": 1, "description": "Labelled | rows."},
                "mode": {"type": "string", "enum": ["a", "b"], "default": "a", "x-group": "Solver",
                         "x-when": {"shots": [1, 2]}},
            }}),
        }
    }

    fn expand(text: &str) -> Result<String, String> {
        let methods = [method()];
        Page { methods: &methods, method: None, up: "../".to_owned() }.expand(text)
    }

    #[test]
    fn demos_are_checked_against_the_schema() {
        let html = expand("{{#demo method=m preset=first mode=b seed=7 hide=header,data}}").unwrap();
        for piece in [
            r#"method="m""#,
            r#"preset="first""#,
            r#"config="{&quot;mode&quot;:&quot;b&quot;}""#,
            r#"seed="7""#,
            r#"hide="header,data""#,
            r##"href="../index.html#/m?seed=7&amp;mode=b&amp;shots=5""##,
            r#"src="../frames/m.svg""#,
        ] {
            assert!(html.contains(piece), "{piece} in {html}");
        }
        let html = expand("{{#demo method=m fields=shots hide=share}}").unwrap();
        assert!(html.contains(r#"hide="data,seed,follow,mode,share""#), "{html}");
        for (bad, says) in [
            ("{{#demo method=m shots=99}}", "from 1 to 50"),
            ("{{#demo method=m nonsense=1}}", "nonsense"),
            ("{{#demo method=m preset=second}}", "first"),
            ("{{#demo method=m fields=shots,nonsense}}", "nonsense"),
            ("{{#demo method=x}}", "m"),
            ("{{#demo shots=1}}", "method=ID"),
            ("{{#demo method=m input.features=builtin:x}}", "input"),
            ("{{#config}}", "page of a method"),
            ("{{#confg}}", "stands for nothing"),
        ] {
            let error = expand(bad).unwrap_err();
            assert!(error.starts_with("line 1: ") && error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn fenced_code_is_left_alone() {
        let text = "```\n{{#demo shots=99}}\n```\n";
        assert_eq!(expand(text).unwrap(), text);
    }

    #[test]
    fn a_page_of_a_method_has_all_parts() {
        let methods = [method()];
        let page = Page { methods: &methods, method: Some(&methods[0]), up: "../../".to_owned() };
        assert!(page.expand("{{#config}}").unwrap_err().contains("{{#paper}}"));
        let text: String = WANTED.map(|part| format!("{{{{#{part}}}}}\n")).concat();
        let text = page.expand(&text).unwrap();
        for piece in [
            "| `shots` | a whole number from 1 to 50 | `1` | Labelled \\| rows. |",
            "**Solver**",
            "Used where `shots` is `1` or `2`.",
            "lowshot run m --set shots=5 --seed 1",
            "[T](https://x)",
        ] {
            assert!(text.contains(piece), "{piece} in {text}");
        }
    }
}
