//! What the page may ask: the studio's commands through one door, and the shell's own by name.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use likeness_studio::{Channel, Opened, Startup, StudioError};
use serde_json::Value;
use tauri::ipc::{InvokeResponseBody, JavaScriptChannelId};
use tauri::{AppHandle, Manager, State, Webview, WebviewWindow};

use crate::{desktop, host};

/// Runs a command of the studio.
#[tauri::command]
pub async fn call(
    webview: Webview,
    opened: State<'_, Arc<Opened>>,
    pages: State<'_, Pages>,
    name: String,
    arguments: Value,
    channel: Option<JavaScriptChannelId>,
) -> Result<Value, StudioError> {
    let opened = opened.inner().clone();
    let page = pages.0.clone();
    let mine = page.load(Ordering::Relaxed);
    let channel = channel.map(|id| {
        Box::new(PageChannel { to: id.channel_on(webview), page, mine }) as Box<dyn Channel>
    });
    off_the_window(move || opened.studio()?.call(&name, arguments, channel)).await?
}

/// How the program began.
#[tauri::command]
pub async fn shell_startup(opened: State<'_, Arc<Opened>>) -> Result<Startup, StudioError> {
    let opened = opened.inner().clone();
    off_the_window(move || opened.startup()).await
}

/// Opens another library from now on, or the same one again.
#[tauri::command]
pub async fn shell_open_library(
    app: AppHandle,
    folder: Option<PathBuf>,
) -> Result<Startup, StudioError> {
    off_the_window(move || {
        let opened = app.state::<Arc<Opened>>();
        let again = opened.startup().folder;
        let make = folder.is_some() || !host::was_chosen(&again);
        opened.open(host::opening(&app, folder.as_ref().unwrap_or(&again), make));
        let startup = opened.startup();
        if let Some(folder) = folder.filter(|_| startup.ready) {
            host::choose(&folder).map_err(desktop::refused)?;
        }
        Ok(startup)
    })
    .await?
}

/// Makes a damaged library's database again.
#[tauri::command]
pub async fn shell_rebuild(app: AppHandle) -> Result<Startup, StudioError> {
    off_the_window(move || {
        let opened = app.state::<Arc<Opened>>();
        opened.rebuild(host::now(), |folder| host::opening(&app, folder, false));
        opened.startup()
    })
    .await
}

/// Closes the window as a person does.
#[tauri::command]
pub fn shell_close(window: WebviewWindow) -> Result<(), StudioError> {
    window.close().map_err(StudioError::internal)
}

/// Work that may take its time, where neither the window nor other commands wait for it.
pub async fn off_the_window<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StudioError> {
    tauri::async_runtime::spawn_blocking(work).await.map_err(StudioError::internal)
}

/// Counts the pages that were loaded.
#[derive(Default)]
pub struct Pages(Arc<AtomicU64>);

impl Pages {
    /// Another page loads. A channel of an earlier one is closed.
    pub fn new_page(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A channel to the page, closed when another page is loaded.
struct PageChannel {
    to: tauri::ipc::Channel<InvokeResponseBody>,
    page: Arc<AtomicU64>,
    mine: u64,
}

impl PageChannel {
    fn send(&self, body: InvokeResponseBody) -> bool {
        self.page.load(Ordering::Relaxed) == self.mine && self.to.send(body).is_ok()
    }
}

impl Channel for PageChannel {
    fn json(&self, value: Value) -> bool {
        self.send(InvokeResponseBody::Json(value.to_string()))
    }

    fn bytes(&self, bytes: Vec<u8>) -> bool {
        self.send(InvokeResponseBody::Raw(bytes))
    }
}
