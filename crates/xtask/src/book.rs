//! The documentation book: docs/ rendered into dist/docs, with what the methods say about themselves filled in.
//!
//! mdBook runs as a library. Before it, a copy of docs/ is made in which the `{{#…}}` lines of [`parts`] are replaced
//! by tables made from `dist/methods.json`, so that no table can differ from the program. After it, scripts are moved
//! out of the pages (a content security policy without inline scripts then allows them), and every link is followed.

mod links;
mod parts;

use crate::process::{root, target};
use crate::site::{dist, files, write};
use lowshot_protocol::MethodInfo;
use mdbook_driver::MDBook;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds the book.
///
/// # Errors
/// Names the page or file and says what is wrong with it, or that the site has to be built first.
pub fn build() -> Result<(), String> {
    let methods = methods(&dist().join("methods.json"))?;
    let source = target().join("book");
    clear(&source)?;
    copy_tree(&root().join("docs"), &source)?;
    parts::expand(&source.join("src"), &methods)?;
    let fresh = dist().join("docs.new");
    clear(&fresh)?;
    render(&source, &fresh)?;
    move_scripts_out(&fresh)?;
    links::check(&fresh, &dist())?;
    let place = dist().join("docs");
    clear(&place)?;
    fs::rename(&fresh, &place).map_err(|e| format!("{}: {e}", place.display()))?;
    println!("the book is in {}", place.display());
    Ok(())
}

fn methods(path: &Path) -> Result<Vec<MethodInfo>, String> {
    let told = |e: String| format!("{}: {e}; build the site with `cargo xtask web` first", path.display());
    let bytes = fs::read(path).map_err(|e| told(e.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|e| told(e.to_string()))
}

fn render(source: &Path, to: &Path) -> Result<(), String> {
    let mut book = MDBook::load(source).map_err(|e| format!("docs: {e:#}"))?;
    book.config.build.build_dir = to.to_path_buf();
    book.build().map_err(|e| format!("docs: {e:#}"))
}

/// Puts the scripts that mdBook writes into its pages into files of their own. Classic scripts run where they stand
/// and share their variables, so the pages behave as before.
fn move_scripts_out(book: &Path) -> Result<(), String> {
    let mut scripts: Vec<String> = Vec::new();
    for path in pages(book)? {
        let html = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let up = "../".repeat(path.strip_prefix(book).map_or(0, |p| p.components().count() - 1));
        write(&path, without_scripts(&html, &up, &mut scripts).as_bytes())?;
    }
    for (number, script) in scripts.iter().enumerate() {
        write(&book.join(script_name(number)), script.as_bytes())?;
    }
    Ok(())
}

fn script_name(number: usize) -> String {
    format!("page-script-{number}.js")
}

fn without_scripts(html: &str, up: &str, scripts: &mut Vec<String>) -> String {
    let (open, close) = ("<script>", "</script>");
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((script, tail)) = after.split_once(close) else { break };
        let number = scripts.iter().position(|s| s == script).unwrap_or_else(|| {
            scripts.push(script.to_owned());
            scripts.len() - 1
        });
        out += before;
        out += &format!("<script src=\"{up}{}\">{close}", script_name(number));
        rest = tail;
    }
    out + rest
}

/// All HTML files of the book, in name order.
fn pages(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut all: Vec<PathBuf> =
        files(folder)?.into_iter().filter(|p| p.extension().is_some_and(|ending| ending == "html")).collect();
    for folder in folders(folder)? {
        all.extend(pages(&folder)?);
    }
    Ok(all)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut all: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_dir()).collect();
    all.sort();
    Ok(all)
}

fn clear(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {e}", folder.display())),
        _ => Ok(()),
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), String> {
    for file in files(from)? {
        let bytes = fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        write(&to.join(file.file_name().unwrap_or_default()), &bytes)?;
    }
    folders(from)?.iter().try_for_each(|f| copy_tree(f, &to.join(f.file_name().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_leave_the_page_once_each() {
        let mut scripts = Vec::new();
        let html =
            r#"<p>&lt;script&gt;</p><script src="a.js"></script><script>x()</script><script>y()</script>"#;
        let out = without_scripts(html, "../", &mut scripts);
        assert_eq!(scripts, ["x()", "y()"]);
        assert!(out.ends_with(
            r#"<script src="../page-script-0.js"></script><script src="../page-script-1.js"></script>"#
        ));
        without_scripts("<script>y()</script>", "", &mut scripts);
        assert_eq!(scripts.len(), 2);
    }
}
