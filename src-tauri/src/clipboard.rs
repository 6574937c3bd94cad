//! The picture on the clipboard, where the web view gives the page none with a paste: WebKit on Linux. The
//! bytes go to the studio as they were copied, with all that the file says; it decides what they are.
//!
//! A clipboard is whatever another program holds out: it may offer much and give nothing, or never answer.

use std::sync::Arc;

use base64::Engine;
use likeness_studio::api::{ImportBytes, Imported};
use likeness_studio::{ErrorCode, Opened, StudioError};
use tauri::{AppHandle, State};

use crate::commands::off_the_window;

/// Takes in the picture that is on the clipboard. `name` is what it is called then; a `reference` is only
/// used in requests. Where there is none, the field says why: `clipboard.empty`, `clipboard.text`,
/// `clipboard.size`, `clipboard.other`.
#[tauri::command]
pub async fn shell_paste_image(
    app: AppHandle,
    opened: State<'_, Arc<Opened>>,
    name: String,
    reference: bool,
) -> Result<Imported, StudioError> {
    let opened = opened.inner().clone();
    off_the_window(move || {
        let bytes = read(&app)?;
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        opened.studio()?.import_bytes(ImportBytes { name, base64, reference: Some(reference) })
    })
    .await?
}

fn none(what: &str, message: &str) -> StudioError {
    let message = format!("{message} (accepted: a picture)");
    let field = Some(format!("clipboard.{what}"));
    StudioError { field, ..StudioError::new(ErrorCode::Input, message) }
}

/// The bytes of a picture file on the clipboard.
#[cfg(target_os = "linux")]
fn read(app: &AppHandle) -> Result<Vec<u8>, StudioError> {
    use gtk::gdk::{Atom, SELECTION_CLIPBOARD};
    use std::sync::mpsc::channel;

    /// The toolkit asks again and again for half a minute: a person has given up by then.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

    let (tell, told) = channel();
    let ask = move || {
        let clipboard = gtk::Clipboard::get(&SELECTION_CLIPBOARD);
        clipboard.request_contents(&Atom::intern("TARGETS"), move |clipboard, offered| {
            let offered = offered.targets().unwrap_or_default();
            let names: Vec<String> = offered.iter().map(|atom| atom.name().into()).collect();
            match kind_of(&names) {
                Ok(kind) => clipboard.request_contents(&Atom::intern(kind), move |_, data| {
                    let _ = tell.send(bytes_of(data.length(), || data.data()));
                }),
                Err(error) => drop(tell.send(Err(error))),
            }
        });
    };
    app.run_on_main_thread(ask).map_err(StudioError::internal)?;
    let silent = |_| none("other", "the program that holds the clipboard does not answer");
    told.recv_timeout(PATIENCE).map_err(silent)?
}

/// macOS and Windows hand the page every picture with the paste itself: what is asked for here was none.
#[cfg(not(target_os = "linux"))]
fn read(_: &AppHandle) -> Result<Vec<u8>, StudioError> {
    Err(none("other", "the clipboard holds no picture"))
}

/// Kinds of picture files, best first: what loses least, and what can be read.
#[cfg(any(target_os = "linux", test))]
const KINDS: &[&str] =
    &["image/png", "image/webp", "image/tiff", "image/bmp", "image/jpeg", "image/gif"];

/// Which of the kinds that are offered is taken; or what is there in place of a picture.
#[cfg(any(target_os = "linux", test))]
fn kind_of(offered: &[String]) -> Result<&'static str, StudioError> {
    let has = |name: &str| offered.iter().any(|one| one == name);
    if let Some(kind) = KINDS.iter().find(|kind| has(kind)) {
        return Ok(kind);
    }
    let is_text = |name: &String| {
        name.starts_with("text/plain") || ["UTF8_STRING", "STRING", "TEXT"].contains(&name.as_str())
    };
    Err(match offered {
        [] => none("empty", "the clipboard is empty"),
        _ if has("text/uri-list") => none("other", "the clipboard holds files; drop them here"),
        _ if offered.iter().any(is_text) => none("text", "the clipboard holds text"),
        _ => none("other", "the clipboard holds no picture"),
    })
}

/// What came, if anything did and it is not more than a picture file may have.
#[cfg(any(target_os = "linux", test))]
fn bytes_of(length: i32, bytes: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, StudioError> {
    let most = likeness_picture::Limits::default().bytes;
    match u64::try_from(length) {
        Ok(0) | Err(_) => Err(none("other", "the program that holds the clipboard gave nothing")),
        Ok(length) if length > most => {
            let message = format!("the picture on the clipboard has {} MB", length >> 20);
            Err(StudioError {
                message: format!("{message} (accepted: at most {} MB)", most >> 20),
                ..none("size", "")
            })
        }
        Ok(_) => Ok(bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_taken_or_named() {
        let kind = |offered: &[&str]| {
            let offered: Vec<String> = offered.iter().map(|&name| name.to_owned()).collect();
            kind_of(&offered).map_err(|error| error.field.unwrap_or_default())
        };
        assert_eq!(kind(&["TARGETS", "image/jpeg", "image/png"]), Ok("image/png"));
        assert_eq!(kind(&["text/html", "image/bmp"]), Ok("image/bmp"), "beside words");
        for (offered, field) in [
            (&[][..], "clipboard.empty"),
            (&["TARGETS", "UTF8_STRING"], "clipboard.text"),
            (&["text/plain;charset=utf-8"], "clipboard.text"),
            (&["text/uri-list", "text/plain"], "clipboard.other"),
            (&["application/x-sheet"], "clipboard.other"),
        ] {
            assert_eq!(kind(offered), Err(field.to_owned()), "{offered:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_never_copied() {
        let field = |length| {
            let copied = || panic!("it is copied");
            bytes_of(length, copied).unwrap_err().field.unwrap_or_default()
        };
        assert_eq!(field(-1), "clipboard.other");
        assert_eq!(field(0), "clipboard.other");
        assert_eq!(field(i32::MAX), "clipboard.size");
        assert_eq!(bytes_of(3, || vec![1, 2, 3]).unwrap(), [1, 2, 3]);
    }
}
