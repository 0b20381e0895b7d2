//! The tools `read`, `write` and `edit`: text files of the workspace, and nothing outside it.

pub(super) mod confined;

use super::toolbox::{ToolCall, ToolProgress, ToolResult, ToolSpec, Toolbox};
use confined::{Confined, FileRefusal};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// How much of a file one `read` shows, in bytes; the rest is read by line.
const LARGEST_SHOWN: usize = 48 * 1024;

/// The workspace tools over one folder.
#[derive(Debug, Clone)]
pub struct WorkspaceTools {
    folder: PathBuf,
}

impl WorkspaceTools {
    /// Names the folder; it is opened anew for each call, so it may appear later.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn run(&self, call: &ToolCall) -> Result<String, FileRefusal> {
        let missing = |argument| FileRefusal::Argument { argument };
        let path = call.text("path").ok_or(missing("path"))?;
        if call.name == "write" {
            // The first file of a new workspace makes the workspace.
            std::fs::create_dir_all(&self.folder).map_err(FileRefusal::system)?;
        }
        let folder = Confined::open(&self.folder)?;
        match call.name.as_str() {
            "read" => {
                let text = folder.read(path)?;
                let count = |key: &str| {
                    let value = call.arguments.get(key).and_then(Value::as_u64)?;
                    usize::try_from(value).ok()
                };
                Ok(lines(&text, count("offset"), count("limit")))
            }
            "write" => {
                let content = call.text("content").ok_or(missing("content"))?;
                folder.write(path, content)?;
                Ok(format!("wrote {} bytes to {path}", content.len()))
            }
            "edit" => {
                let old = call.text("oldText").ok_or(missing("oldText"))?;
                let new = call.text("newText").ok_or(missing("newText"))?;
                folder.edit(path, old, new)?;
                Ok(format!("edited {path}"))
            }
            _ => Err(FileRefusal::NoSuchTool),
        }
    }
}

impl Toolbox for WorkspaceTools {
    fn specs(&self) -> Vec<ToolSpec> {
        let path = json!({"type": "string", "description": "Path in the workspace"});
        let text = |description: &str| json!({"type": "string", "description": description});
        let spec = |name: &str, description: &str, properties: Value, required: Value| ToolSpec {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: json!({"type": "object", "properties": properties, "required": required}),
        };
        vec![
            spec(
                "read",
                "Read a text file of the workspace, whole or by line.",
                json!({"path": path, "offset": {"type": "integer", "description": "First line, from 1"},
                    "limit": {"type": "integer", "description": "How many lines"}}),
                json!(["path"]),
            ),
            spec(
                "write",
                "Create or replace a text file of the workspace.",
                json!({"path": path, "content": text("The whole new text")}),
                json!(["path", "content"]),
            ),
            spec(
                "edit",
                "Replace one passage of a text file of the workspace. The passage must occur exactly once.",
                json!({"path": path, "oldText": text("The passage as it stands"), "newText": text("What to put there")}),
                json!(["path", "oldText", "newText"]),
            ),
        ]
    }

    fn call(
        &self,
        call: ToolCall,
        _: ToolProgress,
        _: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        let tools = self.clone();
        Box::pin(async move {
            // File calls block, so they run beside the runtime's own threads.
            match tokio::task::spawn_blocking(move || tools.run(&call)).await {
                Ok(Ok(text)) => ToolResult::ok(text),
                Ok(Err(refusal)) => ToolResult::failed(refusal.to_string()),
                Err(_) => ToolResult::failed("the file tool broke off"),
            }
        })
    }
}

/// Shows lines from `offset` (from 1), at most `limit` of them and at most [`LARGEST_SHOWN`] bytes.
fn lines(text: &str, offset: Option<usize>, limit: Option<usize>) -> String {
    let skip = offset.unwrap_or(1).saturating_sub(1);
    let mut shown = String::new();
    let mut next = skip;
    for line in text
        .split_inclusive('\n')
        .skip(skip)
        .take(limit.unwrap_or(usize::MAX))
    {
        if shown.len() + line.len() > LARGEST_SHOWN {
            if shown.is_empty() {
                // One line longer than everything we show: its beginning is better than nothing.
                let end = line.floor_char_boundary(LARGEST_SHOWN);
                shown.push_str(line.get(..end).unwrap_or_default());
                next += 1;
            }
            break;
        }
        shown.push_str(line);
        next += 1;
    }
    let rest = text.split_inclusive('\n').count().saturating_sub(next);
    if rest > 0 {
        shown.push_str(&format!(
            "\n[{rest} more lines; read on with offset {}]",
            next + 1
        ));
    }
    shown
}

#[cfg(test)]
mod tests;
