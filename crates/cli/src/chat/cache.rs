//! Replies that were paid for once.

use lowshot_lab::ChatRequest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Replies by model and question, in memory and, if there is a path, as lines of JSON.
#[derive(Default)]
pub(super) struct Cache {
    file: Option<(PathBuf, File)>,
    replies: BTreeMap<(String, String, String), String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    model: String,
    system: String,
    user: String,
    reply: String,
}

impl Cache {
    /// Opens a file, or begins one. A last line that was cut off by a crash is dropped.
    ///
    /// # Errors
    /// The path and what is wrong with it.
    pub(super) fn open(path: &Path) -> Result<Cache, String> {
        let wrong = |problem: String| format!("LOWSHOT_CHAT_CACHE {}: {problem}", path.display());
        let io = |e: std::io::Error| wrong(e.to_string());
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut replies = BTreeMap::new();
        for (at, line) in
            bytes[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, l)| !l.is_empty())
        {
            let line: Line = serde_json::from_slice(line)
                .map_err(|e| wrong(format!("line {}: {e}; wanted replies kept by an earlier run", at + 1)))?;
            replies.insert((line.model, line.system, line.user), line.reply);
        }
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(Cache { file: Some((path.to_owned(), file)), replies })
    }

    /// A reply that was kept.
    pub(super) fn find(&self, model: &str, request: &ChatRequest) -> Option<String> {
        self.replies.get(&(model.to_owned(), request.system.clone(), request.user.clone())).cloned()
    }

    /// Keeps a reply, on disk before it is used.
    ///
    /// # Errors
    /// The path and what the system said.
    pub(super) fn keep(&mut self, model: &str, request: &ChatRequest, reply: &str) -> Result<(), String> {
        let ChatRequest { system, user, .. } = request.clone();
        if let Some((path, file)) = &mut self.file {
            let line = Line {
                model: model.to_owned(),
                system: system.clone(),
                user: user.clone(),
                reply: reply.to_owned(),
            };
            let mut text = serde_json::to_vec(&line).map_err(|e| e.to_string())?;
            text.push(b'\n');
            let written = file.write_all(&text).and_then(|()| file.sync_data());
            written.map_err(|e| format!("LOWSHOT_CHAT_CACHE {}: {e}", path.display()))?;
        }
        self.replies.insert((model.to_owned(), system, user), reply.to_owned());
        Ok(())
    }
}
