//! Why conversations are not kept on this computer, as it crosses to the window.

use serde::Serialize;
use specta::Type;

/// Why nothing of conversations is kept at present: what is written now lasts until the app ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum NotKept {
    /// The disk is full.
    DiskFull,
    /// The file may be read and not written.
    ReadOnly,
    /// The disk fails.
    DiskFails,
    /// The file could not be opened when the app started; the log says why.
    NotOpened,
}
