//! What comes along with a message: pictures, as models take them, and texts, which become part of what the model
//! reads. Everything else is refused by name, because no model here could do anything with it.

use super::super::handshake::{MAX_ATTACHMENT_BYTES, MAX_IMAGE_BYTES};
use super::super::refusals::{Refusal, invalid};
use crate::chat::attachments::{MOST_ATTACHMENTS, PICTURES};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest message, in bytes.
const LONGEST_MESSAGE: usize = 1024 * 1024;
/// The longest text in a file, in bytes: a model reads it with every further turn.
const LONGEST_TEXT: usize = 256 * 1024;

/// A file as `chat.send` brings it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attachment {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    file_name: String,
    #[serde(default)]
    content: String,
}

/// A message as it is stored.
#[derive(Debug)]
pub(super) struct Said {
    /// A text, or parts.
    pub(super) content: Value,
    /// What is noted about it: its files, as official gateways note them.
    pub(super) extra: Map<String, Value>,
}

/// Returns how a message is stored.
///
/// # Errors
///
/// A refusal that names the file that cannot be taken.
pub(super) fn said_in(text: String, attachments: Vec<Attachment>) -> Result<Said, Refusal> {
    if text.len() > LONGEST_MESSAGE {
        return Err(invalid("chat.send message is too long: 1 MiB at most"));
    }
    if text.trim().is_empty() && attachments.is_empty() {
        return Err(invalid(
            "invalid chat.send params: at /message: must not be empty",
        ));
    }
    let mut extra = Map::new();
    if attachments.is_empty() {
        let content = Value::String(text);
        return Ok(Said { content, extra });
    }
    if attachments.len() > MOST_ATTACHMENTS {
        return Err(invalid(&format!(
            "a message takes {MOST_ATTACHMENTS} attachments at most"
        )));
    }
    let mut parts = vec![json!({"type": "text", "text": text})];
    let mut files = Vec::new();
    for attachment in attachments {
        match taken(attachment)? {
            Taken::Picture(part) => parts.push(part),
            Taken::Text { part, note } => {
                parts.push(part);
                files.push(note);
            }
        }
    }
    if !files.is_empty() {
        extra.insert("media".to_owned(), Value::Array(files));
    }
    let content = Value::Array(parts);
    Ok(Said { content, extra })
}

enum Taken {
    Picture(Value),
    Text { part: Value, note: Value },
}

fn taken(attachment: Attachment) -> Result<Taken, Refusal> {
    let Attachment {
        mime_type,
        file_name,
        content,
    } = attachment;
    let refused = |why: &str| Err(invalid(&format!("attachment {file_name:?} {why}")));
    let Ok(bytes) = STANDARD.decode(content.trim()) else {
        return refused("is not base64");
    };
    if bytes.is_empty() {
        return refused("is empty");
    }
    let is_picture = mime_type.starts_with("image/");
    let most = if is_picture {
        MAX_IMAGE_BYTES
    } else {
        MAX_ATTACHMENT_BYTES
    };
    if bytes.len() > most {
        return refused(&format!("is too large: {most} bytes at most"));
    }
    if PICTURES.contains(&mime_type.as_str()) {
        return Ok(Taken::Picture(json!({
            "type": "image", "mimeType": mime_type, "data": content.trim(),
        })));
    }
    let text = String::from_utf8(bytes).ok();
    let Some(text) = text.filter(|text| !is_picture && !text.contains('\0')) else {
        return refused(
            "cannot be used: this gateway takes PNG, JPEG, GIF and WebP pictures and text files",
        );
    };
    if text.len() > LONGEST_TEXT {
        return refused("is too long a text: 256 KiB at most");
    }
    Ok(Taken::Text {
        note: json!({
            "contentType": mime_type, "kind": "document", "fileName": file_name,
            "sizeBytes": text.len(),
        }),
        part: json!({
            "type": "file", "mimeType": mime_type, "fileName": file_name,
            "text": format!("File {file_name}:\n{text}"),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mime_type: &str, bytes: &[u8]) -> Attachment {
        Attachment {
            mime_type: mime_type.to_owned(),
            file_name: "a".to_owned(),
            content: STANDARD.encode(bytes),
        }
    }

    fn refused(text: &str, files: Vec<Attachment>) -> String {
        said_in(text.to_owned(), files).unwrap_err().message
    }

    #[test]
    fn pictures_are_parts_and_texts_are_read_and_noted() {
        let files = vec![file("image/png", b"x"), file("text/plain", b"hello")];
        let said = said_in("see".to_owned(), files).unwrap();

        assert_eq!(said.content[1]["type"], "image");
        assert_eq!(said.content[2]["text"], "File a:\nhello");
        assert_eq!(said.extra["media"][0]["fileName"], "a");
        assert_eq!(said.extra["media"][0]["sizeBytes"], 5);
    }

    #[test]
    fn what_no_model_reads_is_refused_by_name() {
        let only = |mime: &str, bytes: &[u8]| vec![file(mime, bytes)];
        assert!(refused("x", only("application/zip", &[0, 1])).contains("\"a\" cannot be used"));
        assert!(refused("x", only("image/svg+xml", b"<svg/>")).contains("cannot be used"));
        assert!(refused("x", only("text/plain", b"")).contains("is empty"));
        let long = vec![b'x'; LONGEST_TEXT + 1];
        assert!(refused("x", only("text/plain", &long)).contains("too long"));
        let large = vec![0; MAX_IMAGE_BYTES + 1];
        assert!(refused("x", only("image/png", &large)).contains("too large"));
        let odd = Attachment {
            content: "?".to_owned(),
            ..file("text/plain", b"x")
        };
        assert!(refused("x", vec![odd]).contains("not base64"));
        assert!(refused(" ", Vec::new()).contains("must not be empty"));
    }
}
