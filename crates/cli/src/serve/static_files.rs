//! The files of the page, and nothing outside of their directory.

use super::refuse;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Answers a GET for a file under `root`; a directory stands for its `index.html`.
pub(super) async fn answer(root: &Path, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some(relative) = decode(uri.path()) else {
        return refuse(StatusCode::BAD_REQUEST, "this is not the path of a file");
    };
    let (root, path) = (root.to_owned(), uri.path().to_owned());
    let known = headers.get(header::IF_NONE_MATCH).cloned();
    // Files are read beside the event loop: a slow disk holds up nobody else.
    let found = tokio::task::spawn_blocking(move || find(&root, &relative)).await;
    match found {
        Ok(Found::File { kind, tag, bytes }) => {
            let same = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
            let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::ETAG, tag)];
            if same {
                (StatusCode::NOT_MODIFIED, headers).into_response()
            } else {
                (headers, Body::from(bytes)).into_response()
            }
        }
        // Relative addresses in a directory's page need the slash. `//` would begin another host's address.
        Ok(Found::Directory) if !path.starts_with("//") => {
            let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
            let place = format!("{path}/{query}");
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response()
        }
        Ok(Found::NoPage) => refuse(
            StatusCode::NOT_FOUND,
            "The engine is here, but the page has not been built: run `cargo xtask web`, \
             or start the server with --site DIRECTORY.",
        ),
        Ok(Found::Directory | Found::Nothing) | Err(_) => {
            refuse(StatusCode::NOT_FOUND, "there is no such file")
        }
    }
}

enum Found {
    File { kind: &'static str, tag: String, bytes: Vec<u8> },
    Directory,
    NoPage,
    Nothing,
}

fn find(root: &Path, relative: &str) -> Found {
    let mut path = root.join(relative);
    let directory = relative.is_empty() || relative.ends_with('/');
    if directory {
        path.push("index.html");
    }
    let nothing = if relative.is_empty() { Found::NoPage } else { Found::Nothing };
    // A link in the directory may point out of it.
    let (Ok(real), Ok(root)) = (path.canonicalize(), root.canonicalize()) else { return nothing };
    if !real.starts_with(root) {
        return Found::Nothing;
    }
    match fs::metadata(&real) {
        Ok(facts) if facts.is_dir() => Found::Directory,
        Ok(facts) if facts.is_file() => {
            let changed = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let tag = format!("\"{:x}-{:x}\"", facts.len(), changed.map_or(0, |time| time.as_nanos()));
            match fs::read(&real) {
                Ok(bytes) => Found::File { kind: media_type(&path), tag, bytes },
                Err(_) => Found::Nothing,
            }
        }
        _ => nothing,
    }
}

/// The path of an address, relative to the site; `None` if a part of it could lead elsewhere.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.strip_prefix('/')?.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    let parts: Vec<&str> = text.split('/').collect();
    let (last, folders) = parts.split_last()?;
    let hidden = |part: &str| part.starts_with('.');
    // Windows knows more separators, drives and devices; none of them is in the name of a file of the page.
    let odd = |part: &str| part.chars().any(|c| c.is_control() || "\\:*?\"<>|".contains(c));
    let wrong =
        folders.iter().any(|part| part.is_empty() || hidden(part) || odd(part)) || hidden(last) || odd(last);
    if wrong { None } else { Some(text) }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "application/xml",
        "gz" => "application/gzip",
        "zip" | "npz" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for (path, relative) in [
            ("/", ""),
            ("/docs/", "docs/"),
            ("/engine/cpu/lowshot_engine_bg.wasm", "engine/cpu/lowshot_engine_bg.wasm"),
            ("/a%20b.html", "a b.html"),
        ] {
            assert_eq!(decode(path).as_deref(), Some(relative));
        }
        for path in [
            "/../etc/passwd",
            "/%2e%2e/etc/passwd",
            "/a/%2e%2e%2f%2e%2e/etc/passwd",
            "/a/..",
            "//etc/passwd",
            "/a//b",
            "/.git/config",
            "/..%5c..%5cwindows",
            "/c:/x",
            "/%00",
            "/%zz",
            "/%f",
            "/%ff",
            "",
        ] {
            assert_eq!(decode(path), None, "{path}");
        }
    }
}
