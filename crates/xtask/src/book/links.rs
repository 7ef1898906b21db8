//! Follows every link of the finished book, so that a renamed page or a missing picture fails the build.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Checks the relative links of all pages of `book`, which will be `docs/` of the site in `dist`.
///
/// # Errors
/// Lists the dead links with their pages.
pub fn check(book: &Path, dist: &Path) -> Result<(), String> {
    let mut dead = Vec::new();
    for page in super::pages(book)? {
        let html = fs::read_to_string(&page).map_err(|e| format!("{}: {e}", page.display()))?;
        let inside = page.strip_prefix(book).unwrap_or(&page);
        let here = Path::new("docs").join(inside);
        for link in links(&html) {
            if let Err(problem) = follow(&link, &here, book, dist) {
                dead.push(format!("{}: {link}: {problem}", inside.display()));
            }
        }
    }
    dead.dedup();
    if dead.is_empty() { Ok(()) } else { Err(format!("dead links in the book:\n  {}", dead.join("\n  "))) }
}

/// Values of `href` and `src` that stay within the site.
fn links(html: &str) -> Vec<String> {
    // In text `<` is escaped and quotes are not, so only what is between `<` and `>` counts.
    let tags = html.split('<').skip(1).map(|piece| piece.split_once('>').map_or(piece, |(tag, _)| tag));
    let values =
        tags.flat_map(|tag| [" href=\"", " src=\""].into_iter().filter_map(|key| tag.split_once(key)));
    let values = values.map(|(_, rest)| rest.split_once('"').map_or(rest, |(value, _)| value));
    let links = values.map(|value| value.replace("&amp;", "&"));
    links.filter(|link| !link.is_empty() && !has_scheme(link)).collect()
}

fn has_scheme(link: &str) -> bool {
    link.starts_with("//")
        || link.split_once(':').is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphabetic()))
}

fn follow(link: &str, here: &Path, book: &Path, dist: &Path) -> Result<(), String> {
    let (link, fragment) = link.split_once('#').unwrap_or((link, ""));
    let path = link.split_once('?').map_or(link, |(path, _)| path);
    if path.starts_with('/') {
        return Err("an absolute path, which works on no other host".to_owned());
    }
    let target = if path.is_empty() { Some(here.to_path_buf()) } else { join(here, path) };
    let target = target.ok_or("leaves the site")?;
    let file = match target.strip_prefix("docs") {
        Ok(inside) => book.join(inside),
        Err(_) => dist.join(&target),
    };
    let file = if path.ends_with('/') || file.is_dir() { file.join("index.html") } else { file };
    if !file.is_file() {
        return Err("there is no such file".to_owned());
    }
    // Fragments with a slash are routes of the playground.
    if fragment.is_empty() || fragment.starts_with('/') || file.extension().is_none_or(|e| e != "html") {
        return Ok(());
    }
    let html = fs::read_to_string(&file).map_err(|e| e.to_string())?;
    if html.contains(&format!("id=\"{fragment}\"")) {
        Ok(())
    } else {
        Err("there is no such heading".to_owned())
    }
}

/// `path` as seen from the page `here`, both relative to the site; `None` if it leads out of the site.
fn join(here: &Path, path: &str) -> Option<PathBuf> {
    let mut target = here.parent()?.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir if !target.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            other => target.push(other),
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_from_their_page() {
        let here = Path::new("docs/methods/x.html");
        assert_eq!(join(here, "../../lowshot.js"), Some(PathBuf::from("lowshot.js")));
        assert_eq!(join(here, "y.html"), Some(PathBuf::from("docs/methods/y.html")));
        assert_eq!(join(here, "../../../x"), None);
        assert_eq!(
            links(r#"<a href="a.html"><a href="https://x"><img src="b.svg?a=1&amp;b">"#),
            ["a.html", "b.svg?a=1&b"]
        );
    }
}
