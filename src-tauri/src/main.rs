//! Likeness in a window: the desktop host of the studio.
//!
//! It owns no logic. [`host`] reads the environment, once; [`commands`] passes on what the page asks;
//! [`pictures`] serves picture files to it; [`desktop`] is what only a desktop has: dialogs, the file
//! manager, dragging out, the menu; [`clipboard`] reads the picture that a paste does not bring. What a person can do is in the studio, which also knows why a library
//! does not open ([`Opened`]), and how it looks in `ui/`.

// A release on Windows opens no console beside its window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod host;
mod commands;
mod pictures;
mod desktop;
mod clipboard;

use std::sync::Arc;

use likeness_engine::{UnmetInstructions, unmet_instructions};
use likeness_studio::Opened;
use tauri::webview::PageLoadEvent;
use tauri::{AppHandle, Manager, RunEvent, WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_window_state::StateFlags;

use commands::Pages;

/// The one window's label: capabilities name it.
const WINDOW: &str = "main";

fn main() {
    match unmet_instructions() {
        Some(unknown @ UnmetInstructions::Unknown { .. }) => fail(&unknown.to_string()),
        Some(lesser) => eprintln!("note: {lesser}"),
        None => {}
    }
    let library = host::library().unwrap_or_else(|problem| fail(&problem));
    let app = tauri::Builder::default()
        // First: a second start ends here, after it has shown the window of the first.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| show(app)))
        .plugin(tauri_plugin_dialog::init())
        .plugin(
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(StateFlags::all() - StateFlags::VISIBLE)
                .build(),
        )
        .register_asynchronous_uri_scheme_protocol("likeness", |context, request, responder| {
            let opened = context.app_handle().state::<Arc<Opened>>().inner().clone();
            // Files are read off the thread on which the page is drawn.
            tauri::async_runtime::spawn_blocking(move || {
                responder.respond(pictures::answer(&opened, &request));
            });
        })
        .invoke_handler(tauri::generate_handler![
            commands::call,
            commands::shell_startup,
            commands::shell_open_library,
            commands::shell_rebuild,
            commands::shell_close,
            desktop::shell_open_files,
            desktop::shell_open_folder,
            desktop::shell_save_file,
            desktop::shell_reveal,
            desktop::shell_start_drag,
            desktop::shell_menu,
            clipboard::shell_paste_image,
        ])
        .on_menu_event(desktop::menu_chosen)
        // What listened on the page before listens no more.
        .on_page_load(|view, load| {
            if load.event() == PageLoadEvent::Started {
                view.state::<Pages>().new_page();
            }
        })
        .setup(move |app| {
            let opened = Arc::new(Opened::default());
            app.manage(opened.clone());
            app.manage(Pages::default());
            // The library opens while the page loads; the first command waits for it.
            let handle = app.handle().clone();
            tauri::async_runtime::spawn_blocking(move || {
                let make = !host::was_chosen(&library);
                opened.open(host::opening(&handle, &library, make));
            });
            WebviewWindowBuilder::new(app, WINDOW, WebviewUrl::default())
                .title("Likeness")
                .inner_size(1280.0, 800.0)
                .min_inner_size(960.0, 600.0)
                .background_color(tauri::window::Color(0x1b, 0x1b, 0x1b, 0xff))
                .enable_clipboard_access()
                // Nothing leads out of the program's own page, and to no other window.
                .on_navigation(|to| {
                    to.scheme() == "tauri" || to.host_str() == Some("tauri.localhost")
                })
                .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny)
                .build()?;
            Ok(())
        })
        .build(tauri::generate_context!());
    let app = app.unwrap_or_else(|error| fail(&format!("the window does not open: {error}")));
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            // The render that goes on stops and waits again; the library is closed in order.
            app.state::<Arc<Opened>>().close();
        }
    });
}

/// Ends the program where there is no window to say why.
fn fail(problem: &str) -> ! {
    eprintln!("error: {problem}");
    std::process::exit(1)
}

/// Brings the window to the front.
fn show(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(WINDOW) {
        // What a desktop does not allow, it does not do; there is nobody to tell.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}
