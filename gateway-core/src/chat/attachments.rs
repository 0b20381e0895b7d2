//! Files that go along with a message: what a gateway takes, and how a stored message tells of them.
//!
//! The courier sends them, [`super::kept`] keeps them with their message, and whoever shows a conversation reads
//! what became of them. Pure; where a file comes from is not known here.

use super::message::{is_users, text_of};
use crate::protocol::connect::Policy;
use crate::protocol::method::chat::HistoryMessage;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// Gateways leave out pictures beyond the tenth where the model takes none (seen on 2026.9.6 and 2026.5.7).
pub const MOST_ATTACHMENTS: usize = 10;
/// The largest file and picture, where the gateway does not tell: what 2026.9.6 tells by default.
const USUAL_BYTES: u64 = 19_464_192;
const USUAL_IMAGE_BYTES: u64 = 6 * 1024 * 1024;
const USUAL_PAYLOAD: u64 = 25 * 1024 * 1024;
/// What a frame needs beside the bytes of its files.
const FRAME_REST: u64 = 256 * 1024;
/// Pictures that models and gateways read. Others are refused by the provider, after the message is stored.
pub(crate) const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// How gateways mark in the text that they put a file away: 2026.5.7 before it, and 2026.9.6 behind it where
/// a picture is large.
const MARK: &str = "[media attached";
/// What 2026.5.7 puts behind the text: the content of files.
const CONTENT: &str = "<file name=\"";
/// What it says in place of a text.
const NO_TEXT: &str = "[User sent media without caption]";

/// A file that goes along with a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, without a folder.
    pub name: String,
    /// Such as `image/png`.
    pub media_type: String,
    /// Its bytes in base64.
    pub data: String,
}

/// The files of one message; cheap to clone.
pub type Attachments = Arc<[Attachment]>;

/// How large attachments may be, in bytes before base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentLimits {
    /// One file.
    pub file: u64,
    /// One picture.
    pub picture: u64,
    /// All files of a message together.
    pub together: u64,
}

/// Why attachments cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAttachable {
    /// There are too many.
    #[error("a message takes {MOST_ATTACHMENTS} files at most")]
    TooMany,
    /// A file has no bytes.
    #[error("{name} is empty")]
    Empty {
        /// Which.
        name: String,
    },
    /// A file is too large for the gateway.
    #[error("{name} is too large: the gateway takes {} of a file", Megabytes(*.most))]
    TooLarge {
        /// Which.
        name: String,
        /// How much there may be, in bytes.
        most: u64,
    },
    /// A picture is too large for the gateway.
    #[error("{name} is too large: the gateway takes {} of a picture", Megabytes(*.most))]
    PictureTooLarge {
        /// Which.
        name: String,
        /// How much there may be, in bytes.
        most: u64,
    },
    /// All together are too large.
    #[error("these files are too large together: one message takes {}", Megabytes(*.most))]
    TogetherTooLarge {
        /// How much there may be, in bytes.
        most: u64,
    },
    /// A picture of a kind that is not understood.
    #[error("{name} is no PNG, JPEG, GIF or WebP picture")]
    Unsupported {
        /// Which.
        name: String,
    },
}

/// A file that a stored message tells of; its bytes are with the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, where the gateway kept it.
    pub name: Option<String>,
    /// Such as `text/plain`; empty where that is not known.
    pub media_type: String,
    /// How large it is, in bytes.
    pub size: Option<u64>,
}

struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MB", self.0 as f64 / (1024.0 * 1024.0))
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("media_type", &self.media_type)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

impl Attachment {
    /// Returns how many bytes it has.
    pub fn size(&self) -> u64 {
        let padding = self
            .data
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'=')
            .count();
        (self.data.len() as u64 / 4 * 3).saturating_sub(padding as u64)
    }

    fn is_picture(&self) -> bool {
        self.media_type.starts_with("image/")
    }

    /// Returns it as `chat.send` takes it (protocol §7).
    pub(super) fn to_wire(&self) -> Value {
        let kind = if self.is_picture() { "image" } else { "file" };
        json!({
            "type": kind, "mimeType": self.media_type, "fileName": self.name, "content": self.data,
        })
    }
}

impl Default for AttachmentLimits {
    fn default() -> Self {
        Self::new(USUAL_PAYLOAD, USUAL_BYTES, USUAL_IMAGE_BYTES)
    }
}

impl AttachmentLimits {
    /// Returns what a gateway told in its hello-ok.
    pub fn of(policy: &Policy) -> Self {
        match &policy.attachments {
            Some(told) => Self::new(policy.max_payload, told.max_bytes, told.max_image_bytes),
            // Wire version 3 tells the frame alone.
            None => Self::new(policy.max_payload, USUAL_BYTES, USUAL_IMAGE_BYTES),
        }
    }

    fn new(payload: u64, file: u64, picture: u64) -> Self {
        let together = payload.saturating_sub(FRAME_REST) / 4 * 3;
        Self {
            file: file.min(together),
            picture: picture.min(file).min(together),
            together,
        }
    }

    /// Returns whether a gateway with these limits takes these files with one message.
    ///
    /// # Errors
    ///
    /// [`NotAttachable`], of the first that it does not take.
    pub fn check(&self, attachments: &[Attachment]) -> Result<(), NotAttachable> {
        if attachments.len() > MOST_ATTACHMENTS {
            return Err(NotAttachable::TooMany);
        }
        for attachment in attachments {
            let (name, size) = (attachment.name.clone(), attachment.size());
            if size == 0 {
                return Err(NotAttachable::Empty { name });
            }
            if attachment.is_picture() && !PICTURES.contains(&attachment.media_type.as_str()) {
                return Err(NotAttachable::Unsupported { name });
            }
            if attachment.is_picture() && size > self.picture {
                let most = self.picture;
                return Err(NotAttachable::PictureTooLarge { name, most });
            }
            if size > self.file {
                let most = self.file;
                return Err(NotAttachable::TooLarge { name, most });
            }
        }
        if attachments.iter().map(Attachment::size).sum::<u64>() > self.together {
            let most = self.together;
            return Err(NotAttachable::TogetherTooLarge { most });
        }
        Ok(())
    }
}

/// Returns the files a stored message tells of beside its content.
pub fn files_of(message: &HistoryMessage) -> Vec<StoredFile> {
    if !is_users(message) {
        return Vec::new();
    }
    let notes = message.notes.as_ref();
    let told = notes.and_then(|notes| notes.extra.get("media"));
    if let Some(told) = told.and_then(Value::as_array) {
        return told.iter().map(fact).collect();
    }
    // Wire version 3 tells where it put them, in the text.
    let text = text_of(message);
    let marks = text.lines().take_while(|line| is_mark(line));
    marks.filter_map(marked_file).collect()
}

/// Returns what somebody wrote, without what a gateway put around it because of files.
pub fn without_marks(text: &str) -> &str {
    let mut rest = text;
    let mut is_marked = false;
    loop {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        if !is_mark(line) {
            break;
        }
        (rest, is_marked) = (behind, true);
    }
    if is_marked {
        let content = rest.find(CONTENT).filter(|at| {
            let before = &rest[..*at];
            before.is_empty() || before.ends_with('\n')
        });
        rest = content.map_or(rest, |at| &rest[..at]).trim_end();
        if rest == NO_TEXT {
            rest = "";
        }
    }
    while let Some((before, last)) = rest.rsplit_once('\n') {
        if !is_mark(last) {
            break;
        }
        rest = before.trim_end();
    }
    rest
}

fn is_mark(line: &str) -> bool {
    line.starts_with(MARK) && line.ends_with(']')
}

/// Reads `[media attached 1/2: /folder/notes---<uuid>.txt (text/plain)]`.
fn marked_file(line: &str) -> Option<StoredFile> {
    let (_, told) = line.strip_suffix(']')?.split_once(": ")?;
    let (path, media_type) = told.strip_suffix(')')?.rsplit_once(" (")?;
    Some(StoredFile {
        name: given_name(path),
        media_type: media_type.to_owned(),
        size: None,
    })
}

fn fact(value: &Value) -> StoredFile {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let address = text("url").or_else(|| text("path"));
    StoredFile {
        name: text("fileName")
            .map(str::to_owned)
            .or_else(|| address.and_then(given_name)),
        media_type: text("contentType").unwrap_or_default().to_owned(),
        size: value.get("sizeBytes").and_then(Value::as_u64),
    }
}

/// The name somebody gave a file, from where a gateway put it: `name---<uuid>.ext`. Others are the gateway's own.
fn given_name(path: &str) -> Option<String> {
    let file = path.rsplit(['/', '\\']).next()?;
    let (name, rest) = file.split_once("---")?;
    let ending = rest.rsplit_once('.').map(|(_, ending)| ending);
    Some(match ending {
        Some(ending) => format!("{name}.{ending}"),
        None => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, media_type: &str, bytes: usize) -> Attachment {
        Attachment {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            data: "A".repeat(bytes.div_ceil(3) * 4),
        }
    }

    /// As 2026.5.7 stores `see both` with a picture and a text.
    fn older_text() -> &'static str {
        "[media attached: 2 files]\n\
         [media attached 1/2: /home/u/.openclaw/media/inbound/dot---044422f2.png (image/png)]\n\
         [media attached 2/2: /home/u/.openclaw/media/inbound/notes---db944d26.txt (text/plain)]\n\
         see both\n\n<file name=\"notes---db944d26.txt\" mime=\"text/plain\">\n\nhello notes\n</file>"
    }

    fn message(value: Value) -> HistoryMessage {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_size_is_that_of_the_bytes() {
        let of = |data: &str| {
            let data = data.to_owned();
            Attachment {
                data,
                ..file("a", "text/plain", 0)
            }
            .size()
        };
        assert_eq!((of(""), of("YQ=="), of("YWI="), of("YWJj")), (0, 1, 2, 3));
    }

    #[test]
    fn what_the_gateway_does_not_take_is_said_by_name() {
        let limits = AttachmentLimits {
            file: 300,
            picture: 30,
            together: 400,
        };
        let refused = |files: &[Attachment]| limits.check(files).unwrap_err().to_string();

        assert_eq!(limits.check(&[file("a.png", "image/png", 30)]), Ok(()));
        assert_eq!(limits.check(&[file("a.txt", "text/plain", 300)]), Ok(()));
        assert!(refused(&[file("a.png", "image/png", 33)]).contains("a.png is too large"));
        assert!(refused(&[file("a.txt", "text/plain", 303)]).contains("a.txt is too large"));
        assert!(refused(&[file("a.svg", "image/svg+xml", 3)]).contains("a.svg is no PNG"));
        assert!(refused(&[file("a.txt", "text/plain", 0)]).contains("a.txt is empty"));
        let two = [file("a", "text/plain", 210), file("b", "text/plain", 210)];
        assert_eq!(
            limits.check(&two),
            Err(NotAttachable::TogetherTooLarge { most: 400 })
        );
        let many = vec![file("a", "text/plain", 3); MOST_ATTACHMENTS + 1];
        assert_eq!(limits.check(&many), Err(NotAttachable::TooMany));
    }

    #[test]
    fn limits_fit_into_a_frame_whatever_is_told() {
        let told = AttachmentLimits::new(USUAL_PAYLOAD, u64::MAX, u64::MAX);
        assert_eq!(told.file, 19_464_192);
        assert_eq!(told.picture, told.file);
        assert_eq!(AttachmentLimits::default().picture, 6_291_456);
    }

    #[test]
    fn files_are_found_in_what_both_kinds_of_gateway_store() {
        let newer = message(
            json!({"role": "user", "content": "see", "__openclaw": {"id": "1", "media": [
                {"url": "media://inbound/x", "contentType": "text/plain", "fileName": "notes.txt", "sizeBytes": 5},
                {"url": "media://inbound/photo---0b7e4a52-1c1c-4f6b-9c1e-0a0a0a0a0a0a.png", "contentType": "image/png"},
            ]}}),
        );
        let older =
            message(json!({"role": "user", "content": [{"type": "text", "text": older_text()}]}));

        let found = files_of(&newer);
        assert_eq!(found[0].name.as_deref(), Some("notes.txt"));
        assert_eq!(found[0].size, Some(5));
        assert_eq!(found[1].name.as_deref(), Some("photo.png"));
        let found = files_of(&older);
        assert_eq!(found[0].name.as_deref(), Some("dot.png"));
        assert_eq!(found[1].name.as_deref(), Some("notes.txt"));
        assert_eq!(found[1].media_type, "text/plain");
        assert_eq!(without_marks(older_text()), "see both");
        assert_eq!(files_of(&message(json!({"role": "user"}))), []);
    }

    #[test]
    fn marks_behind_a_text_are_not_part_of_it() {
        let of = without_marks;
        assert_eq!(of("see\n[media attached: media://inbound/x]"), "see");
        assert_eq!(of("[media attached: media://inbound/x]"), "");
        assert_eq!(
            of("[media attached: /x/a---1.png (image/png)]\n[User sent media without caption]"),
            ""
        );
        // What people write about files is theirs.
        assert_eq!(of("a\n<file name=\"x\">"), "a\n<file name=\"x\">");
        assert_eq!(of("a\n[not a mark]"), "a\n[not a mark]");
        assert_eq!(of("plain\n"), "plain\n");
    }
}
