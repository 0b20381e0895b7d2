//! The page for browsers, carried in this program for the gateway on this computer.

use gateway_core::server::page::PageFiles;
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "../ui/dist"]
#[allow_missing = true]
struct Built;

/// Returns the page, empty where the UI was not built.
pub(crate) fn files() -> PageFiles {
    PageFiles::new(Built::iter().filter_map(|path| {
        let file = Built::get(&path)?;
        Some((path, file.data))
    }))
}
