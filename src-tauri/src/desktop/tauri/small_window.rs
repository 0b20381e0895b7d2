//! The small windows: in front of everything, and gone when they are left.

use super::main_window::is_own_page;
use crate::desktop::SmallWindow;
use std::path::PathBuf;
use tauri::{
    AppHandle, Manager as _, WebviewWindowBuilder,
    webview::{NewWindowResponse, PermissionResponse},
};

/// Between the top of the screen and what is being said.
const FROM_TOP: f64 = 48.0;

/// The window's label, as the configuration and its capability file name it.
const fn label(which: SmallWindow) -> &'static str {
    match which {
        SmallWindow::QuickChat => "quick",
        SmallWindow::Spoken => "spoken",
    }
}

/// The small window that has this label.
pub(crate) fn named(label_of: &str) -> Option<SmallWindow> {
    [SmallWindow::QuickChat, SmallWindow::Spoken]
        .into_iter()
        .find(|which| label(*which) == label_of)
}

/// Brings the window to the front, building it when there is none.
pub(super) fn show(
    app: &AppHandle,
    which: SmallWindow,
    webview_data: PathBuf,
) -> tauri::Result<()> {
    let takes_keyboard = which == SmallWindow::QuickChat;
    if let Some(window) = app.get_webview_window(label(which)) {
        window.show()?;
        return if takes_keyboard {
            window.set_focus()
        } else {
            Ok(())
        };
    }
    let mut windows = app.config().app.windows.iter();
    let Some(config) = windows.find(|window| window.label == label(which)) else {
        return Err(tauri::Error::WindowNotFound);
    };
    let mut builder = WebviewWindowBuilder::from_config(app, config)?
        .data_directory(webview_data)
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny);
    if let (false, Some(screen)) = (takes_keyboard, app.primary_monitor()?) {
        // Where it is seen and least in the way: at the top, in the middle.
        let scale = screen.scale_factor();
        let area = screen.work_area();
        let (origin, size) = (
            area.position.to_logical::<f64>(scale),
            area.size.to_logical::<f64>(scale),
        );
        let left = origin.x + (size.width - config.width).max(0.0) / 2.0;
        builder = builder.position(left, origin.y + FROM_TOP);
    }
    let window = builder.build()?;
    if takes_keyboard {
        window.set_focus()?;
    }
    Ok(())
}

/// Takes the window down.
pub(super) fn close(app: &AppHandle, which: SmallWindow) -> tauri::Result<()> {
    match app.get_webview_window(label(which)) {
        Some(window) => window.destroy(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_label_and_the_main_window_is_none_of_them() {
        assert_eq!(named("quick"), Some(SmallWindow::QuickChat));
        assert_eq!(named("spoken"), Some(SmallWindow::Spoken));
        assert_eq!(named("main"), None);
    }
}
