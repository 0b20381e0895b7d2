//! Files that go along with a message: on the way out with their bytes, and as a stored message tells of them.

use super::UiError;
use gateway_core::chat::{Attachment, AttachmentLimits, NotAttachable, attachments::StoredFile};
use serde::{Deserialize, Serialize};
use specta::Type;
use std::fmt;

/// A file that goes along with a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentView {
    /// Its name, without a folder.
    pub name: String,
    /// Such as `image/png`.
    pub media_type: String,
    /// Its bytes in base64.
    pub data: String,
}

/// A file of a stored message; its bytes are with the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    /// Its name, where that is known.
    pub name: Option<String>,
    /// Such as `text/plain`; empty where that is not known.
    pub media_type: String,
    /// How large it is, in bytes.
    pub size: Option<f64>,
}

/// How large attachments may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentLimitsView {
    /// One file.
    pub file: f64,
    /// One picture.
    pub picture: f64,
    /// All files of a message together.
    pub together: f64,
}

// The bytes are in no log.
impl fmt::Debug for AttachmentView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachmentView")
            .field("media_type", &self.media_type)
            .field("base64", &self.data.len())
            .finish_non_exhaustive()
    }
}

impl From<&Attachment> for AttachmentView {
    fn from(attachment: &Attachment) -> Self {
        Self {
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            data: attachment.data.clone(),
        }
    }
}

impl From<AttachmentView> for Attachment {
    fn from(view: AttachmentView) -> Self {
        Self {
            name: view.name,
            media_type: view.media_type,
            data: view.data,
        }
    }
}

impl From<&AttachmentView> for FileView {
    fn from(view: &AttachmentView) -> Self {
        Self {
            name: Some(view.name.clone()),
            media_type: view.media_type.clone(),
            size: Some(Attachment::from(view.clone()).size() as f64),
        }
    }
}

impl From<StoredFile> for FileView {
    fn from(file: StoredFile) -> Self {
        Self {
            name: file.name,
            media_type: file.media_type,
            size: file.size.map(|size| size as f64),
        }
    }
}

impl From<AttachmentLimits> for AttachmentLimitsView {
    fn from(limits: AttachmentLimits) -> Self {
        Self {
            file: limits.file as f64,
            picture: limits.picture as f64,
            together: limits.together as f64,
        }
    }
}

/// Returns what a person is told about files that cannot be sent.
pub(crate) fn not_attachable(problem: &NotAttachable) -> UiError {
    let code = match problem {
        NotAttachable::TooMany => "attachmentsTooMany",
        NotAttachable::Empty { .. } => "attachmentEmpty",
        NotAttachable::TooLarge { .. } => "attachmentTooLarge",
        NotAttachable::PictureTooLarge { .. } => "pictureTooLarge",
        NotAttachable::TogetherTooLarge { .. } => "attachmentsTooLarge",
        NotAttachable::Unsupported { .. } => "attachmentUnsupported",
    };
    UiError {
        code: code.to_owned(),
        message: format!("This message was not sent: {problem}."),
        action: None,
    }
}
