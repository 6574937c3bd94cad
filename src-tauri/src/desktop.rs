//! What only a desktop has: dialogs, the file manager, dragging out, the menu. None of it decides
//! anything; texts come from the page, in its language.

use std::path::PathBuf;
use std::sync::Arc;

use likeness_studio::{ErrorCode, Format, Opened, StudioError};
use serde::Deserialize;
use tauri::menu::{Menu, MenuBuilder, MenuEvent, SubmenuBuilder};
use tauri::{AppHandle, Emitter, State, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FilePath};

use crate::commands::off_the_window;

/// Stands where a dragged picture's own image cannot be shown.
const DRAGGED: &[u8] = include_bytes!("../icons/32x32.png");

/// Something the system would not do.
pub fn refused(problem: impl std::fmt::Display) -> StudioError {
    StudioError::new(ErrorCode::Storage, problem.to_string())
}

/// Asks for picture files; none if the person changes their mind.
#[tauri::command]
pub async fn shell_open_files(app: AppHandle) -> Result<Vec<PathBuf>, StudioError> {
    off_the_window(move || {
        // Some systems tell capitals from small letters.
        let small = Format::ENDINGS.iter().map(|ending| (*ending).to_owned());
        let kinds: Vec<String> = small.flat_map(|it| [it.to_uppercase(), it]).collect();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let names: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
        let chosen = app.dialog().file().add_filter(names.join(", "), &kinds).blocking_pick_files();
        chosen.unwrap_or_default().into_iter().filter_map(path).collect()
    })
    .await
}

/// Asks for a folder.
#[tauri::command]
pub async fn shell_open_folder(app: AppHandle) -> Result<Option<PathBuf>, StudioError> {
    off_the_window(move || app.dialog().file().blocking_pick_folder().and_then(path)).await
}

/// Asks where to save a file that would be called `name`.
#[tauri::command]
pub async fn shell_save_file(app: AppHandle, name: String) -> Result<Option<PathBuf>, StudioError> {
    off_the_window(move || {
        app.dialog().file().set_file_name(name).blocking_save_file().and_then(path)
    })
    .await
}

fn path(chosen: FilePath) -> Option<PathBuf> {
    chosen.into_path().ok()
}

/// Shows a file in the system's file manager.
#[tauri::command]
pub async fn shell_reveal(path: PathBuf) -> Result<(), StudioError> {
    let shown = path.clone();
    off_the_window(move || tauri_plugin_opener::reveal_item_in_dir(shown))
        .await?
        .map_err(|error| refused(format!("{}: {error}", path.display())))
}

/// Begins to drag pictures out of the window, as files; whether the desktop does that.
#[tauri::command]
pub async fn shell_start_drag(
    app: AppHandle,
    window: WebviewWindow,
    opened: State<'_, Arc<Opened>>,
    ids: Vec<String>,
) -> Result<bool, StudioError> {
    let opened = opened.inner().clone();
    let files = off_the_window(move || -> Result<Vec<PathBuf>, StudioError> {
        let studio = opened.studio()?;
        ids.iter().map(|id| studio.file("picture", id)).collect()
    })
    .await??;
    let (tell, told) = std::sync::mpsc::channel();
    app.run_on_main_thread(move || {
        #[cfg(target_os = "linux")]
        let begun = window.gtk_window().map(|window| drag_out(&window, files));
        #[cfg(not(target_os = "linux"))]
        let begun = tauri::Result::Ok(drag_out(&window, files));
        let _ = tell.send(begun.unwrap_or(false));
    })
    .map_err(StudioError::internal)?;
    off_the_window(move || told.recv().unwrap_or(false)).await
}

#[cfg(target_os = "linux")]
type DragSource = gtk::ApplicationWindow;
#[cfg(not(target_os = "linux"))]
type DragSource = WebviewWindow;

fn drag_out(source: &DragSource, files: Vec<PathBuf>) -> bool {
    let image = drag::Image::Raw(DRAGGED.to_vec());
    let options = drag::Options::default();
    drag::start_drag(source, drag::DragItem::Files(files), image, |_, _| (), options).is_ok()
}

/// A menu of the bar.
#[derive(Deserialize)]
pub struct Group {
    text: String,
    items: Vec<Item>,
}

/// An entry that names an action of the page; `-` is a line between entries.
#[derive(Deserialize)]
pub struct Item {
    id: String,
    text: String,
}

/// Sets the menu. Where it is not the system's custom to have one at the top of the screen, it is in
/// the window only if `shown`: the palette has every action.
#[tauri::command]
pub async fn shell_menu(
    app: AppHandle,
    groups: Vec<Group>,
    shown: bool,
) -> Result<(), StudioError> {
    set_menu(&app, &groups, shown || cfg!(target_os = "macos")).map_err(StudioError::internal)
}

fn set_menu(app: &AppHandle, groups: &[Group], shown: bool) -> tauri::Result<()> {
    if !shown {
        return app.remove_menu().map(|_| ());
    }
    let mut bar = MenuBuilder::new(app);
    // macOS has the program's own menu first, with what every program has there.
    let custom = Menu::default(app)?;
    if cfg!(target_os = "macos")
        && let Some(first) = custom.items()?.first().and_then(|item| item.as_submenu().cloned())
    {
        bar = bar.item(&first);
    }
    for group in groups {
        let mut menu = SubmenuBuilder::new(app, &group.text);
        for Item { id, text } in &group.items {
            menu = if id == "-" { menu.separator() } else { menu.text(id, text) };
        }
        bar = bar.item(&menu.build()?);
    }
    app.set_menu(bar.build()?).map(|_| ())
}

/// Passes on which action was chosen.
pub fn menu_chosen(app: &AppHandle, event: MenuEvent) {
    // Fails only when there is no page left to tell.
    let _ = app.emit("likeness://menu", event.id().as_ref());
}
