//! The one window: built where its user left it, and leaving word of where that was.

use super::MAIN_WINDOW;
use crate::window_place::{Screen, WindowPlace};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tauri::{
    AppHandle, LogicalPosition, LogicalSize, Manager as _, Monitor, Url, WebviewWindow,
    WebviewWindowBuilder, WindowEvent,
    webview::{NewWindowResponse, PermissionResponse},
};

/// The window and where it stands. Lives on the main thread.
#[derive(Debug, Clone)]
pub(super) struct MainWindow {
    webview_data: PathBuf,
    file: PathBuf,
    place: Arc<Mutex<Option<WindowPlace>>>,
}

impl MainWindow {
    /// Returns the window of an app that keeps the web view's data and the window's place there.
    pub(super) fn new(webview_data: PathBuf, file: PathBuf) -> Self {
        Self {
            webview_data,
            file,
            place: Arc::default(),
        }
    }

    /// Where the web view keeps its data.
    pub(super) fn webview_data(&self) -> &Path {
        &self.webview_data
    }

    /// Brings the window to the front, building it when there is none.
    pub(super) fn show(&self, app: &AppHandle) -> tauri::Result<()> {
        if let Some(window) = app.get_webview_window(MAIN_WINDOW) {
            window.unminimize()?;
            window.show()?;
            return window.set_focus();
        }
        let mut windows = app.config().app.windows.iter();
        let Some(config) = windows.find(|window| window.label == MAIN_WINDOW) else {
            return Err(tauri::Error::WindowNotFound);
        };
        let mut builder = WebviewWindowBuilder::from_config(app, config)?
            .data_directory(self.webview_data.clone())
            .on_navigation(is_own_page)
            .on_new_window(|_, _| NewWindowResponse::Deny)
            .on_download(|_, _| false)
            .on_permission_request(|_, _| PermissionResponse::Deny);
        let kept = WindowPlace::read(&self.file);
        if let Some(place) = kept.map(|kept| kept.fitted(&screens(app))) {
            builder = builder
                .inner_size(f64::from(place.size.0), f64::from(place.size.1))
                .maximized(place.maximized);
            if let Some((x, y)) = place.position {
                builder = builder.position(f64::from(x), f64::from(y));
            }
            self.note(place);
        }
        let window = builder.build()?;
        let (this, watched) = (self.clone(), app.clone());
        window.on_window_event(move |event| {
            if matches!(event, WindowEvent::Moved(_) | WindowEvent::Resized(_))
                && let Some(window) = watched.get_webview_window(MAIN_WINDOW)
                && let Err(problem) = this.moved(&window)
            {
                tracing::debug!(%problem, "the window does not say where it stands");
            }
        });
        Ok(())
    }

    /// Takes the window out of sight.
    pub(super) fn hide(&self, app: &AppHandle) -> tauri::Result<()> {
        app.get_webview_window(MAIN_WINDOW)
            .map_or(Ok(()), |window| window.hide())
    }

    /// Takes the window down, and keeps where it stood.
    pub(super) fn close(&self, app: &AppHandle) -> tauri::Result<()> {
        let Some(window) = app.get_webview_window(MAIN_WINDOW) else {
            return Ok(());
        };
        window.destroy()?;
        if let Some(place) = self.noted()
            && WindowPlace::read(&self.file) != Some(place)
            && let Err(problem) = place.write(&self.file)
        {
            tracing::warn!(%problem, "where the window stood was not kept");
        }
        Ok(())
    }

    /// Notes where the window stands; one that fills the screen keeps the size it goes back to.
    fn moved(&self, window: &WebviewWindow) -> tauri::Result<()> {
        if window.is_minimized()? || window.is_fullscreen()? {
            return Ok(());
        }
        let maximized = window.is_maximized()?;
        if maximized && let Some(before) = self.noted() {
            self.note(WindowPlace {
                maximized,
                ..before
            });
            return Ok(());
        }
        let scale = window.scale_factor()?;
        let position: LogicalPosition<i32> = window.outer_position()?.to_logical(scale);
        let size: LogicalSize<i32> = window.inner_size()?.to_logical(scale);
        self.note(WindowPlace {
            position: Some((position.x, position.y)),
            size: (size.width, size.height),
            maximized,
        });
        Ok(())
    }

    fn note(&self, place: WindowPlace) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    fn noted(&self) -> Option<WindowPlace> {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The screens there are, the primary one first; none where the system does not tell.
fn screens(app: &AppHandle) -> Vec<Screen> {
    let primary = app.primary_monitor().ok().flatten();
    let others = app.available_monitors().unwrap_or_default();
    primary.iter().chain(&others).map(screen).collect()
}

fn screen(monitor: &Monitor) -> Screen {
    let area = monitor.work_area();
    let position: LogicalPosition<i32> = area.position.to_logical(monitor.scale_factor());
    let size: LogicalSize<i32> = area.size.to_logical(monitor.scale_factor());
    Screen {
        position: (position.x, position.y),
        size: (size.width, size.height),
    }
}

/// The pages live in the binary; the window never goes anywhere else.
pub(super) fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows and Android serve the same pages under a host name of their own.
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_nowhere_but_to_its_own_pages() {
        let goes = |url: &str| is_own_page(&Url::parse(url).unwrap());

        assert!(goes("tauri://localhost/index.html"));
        assert!(goes("http://tauri.localhost/"));
        assert!(!goes("https://example.org/"));
        assert!(!goes("http://127.0.0.1:18789/"));
        assert!(!goes("tauri://example.org/"));
        assert!(!goes("file:///etc/passwd"));
        assert!(!goes("about:blank"));
        assert!(!goes("javascript:alert(1)"));
    }
}
