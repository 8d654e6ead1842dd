//! The one window: it shows the app's own page and nothing else, and takes files that are dropped on it.

use tauri::{
    AppHandle, DragDropEvent, Manager, Runtime, Url, WebviewWindow, WebviewWindowBuilder,
    WindowEvent, async_runtime, webview::NewWindowResponse,
};

use crate::state::Desktop;

/// Label of the window, in `tauri.conf.json` and in the capability.
pub const MAIN: &str = "main";

/// Opens the window that `tauri.conf.json` describes.
pub fn open<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    let config = app.config();
    let window = config
        .app
        .windows
        .iter()
        .find(|window| window.label == MAIN);
    let window = window.ok_or(tauri::Error::WindowNotFound)?;
    let dev_url = config.build.dev_url.clone().filter(|_| tauri::is_dev());
    let window = WebviewWindowBuilder::from_config(app, window)?
        .on_navigation(move |url| is_own_page(url, dev_url.as_ref()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    let app = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(event) = event {
            files_over(&app, event);
        }
    });
    Ok(window)
}

/// Files that are held over the window are shown where to drop, and imported where they are. Their paths stay here.
fn files_over<R: Runtime>(app: &AppHandle<R>, event: &DragDropEvent) {
    let Ok(wick) = app.state::<Desktop>().wick() else {
        return;
    };
    match event {
        DragDropEvent::Enter { .. } => wick.show_drop(true),
        DragDropEvent::Drop { paths, .. } => {
            wick.show_drop(false);
            let paths = paths.clone();
            async_runtime::spawn_blocking(move || wick.import_dropped(&paths));
        }
        DragDropEvent::Leave => wick.show_drop(false),
        _ => {}
    }
}

/// Brings the window to the front.
pub fn show<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        // Each may be refused by the window system; the others still help.
        window.show().ok();
        window.unminimize().ok();
        window.set_focus().ok();
    }
}

fn is_own_page(url: &Url, dev_url: Option<&Url>) -> bool {
    let embedded = match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) => true,
        // Where WebView2 knows no schemes of apps.
        ("http", Some("tauri.localhost")) => cfg!(windows) && url.port().is_none(),
        _ => false,
    };
    embedded || dev_url.is_some_and(|dev| dev.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_page_is_navigated_to() {
        let dev: Url = "http://localhost:1420".parse().unwrap();
        let is_own = |url: &str, dev| is_own_page(&url.parse().unwrap(), dev);
        assert!(is_own("tauri://localhost/index.html", None));
        assert!(is_own("http://localhost:1420/", Some(&dev)));
        assert_eq!(is_own("http://tauri.localhost/", None), cfg!(windows));
        for url in [
            "http://localhost:1420/",
            "https://example.org/",
            "file:///etc/passwd",
            "tauri://elsewhere/",
            "about:blank",
            "data:text/html,hello",
        ] {
            assert!(!is_own(url, None), "{url}");
        }
        assert!(!is_own("http://localhost:1421/", Some(&dev)));
        assert!(!is_own("http://localhost.example.org:1420/", Some(&dev)));
    }
}
