//! The small window for one question: in front of everything, in the middle of the screen, gone when it is left.

use super::{QUICK_WINDOW, main_window::is_own_page};
use std::path::PathBuf;
use tauri::{
    AppHandle, Manager as _, WebviewWindowBuilder,
    webview::{NewWindowResponse, PermissionResponse},
};

/// Brings the window to the front, building it when there is none.
pub(super) fn show(app: &AppHandle, webview_data: PathBuf) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(QUICK_WINDOW) {
        window.show()?;
        return window.set_focus();
    }
    let mut windows = app.config().app.windows.iter();
    let Some(config) = windows.find(|window| window.label == QUICK_WINDOW) else {
        return Err(tauri::Error::WindowNotFound);
    };
    WebviewWindowBuilder::from_config(app, config)?
        .data_directory(webview_data)
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny)
        .build()?
        .set_focus()
}

/// Takes the window down.
pub(super) fn close(app: &AppHandle) -> tauri::Result<()> {
    match app.get_webview_window(QUICK_WINDOW) {
        Some(window) => window.destroy(),
        None => Ok(()),
    }
}
