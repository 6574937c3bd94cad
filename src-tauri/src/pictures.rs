//! `likeness://`: picture files for the page, by id and never by path.
//!
//! `likeness://localhost/picture/<id>` is the whole file, `…/thumb/<128|320|768>/<id>` a small one.
//! What an id names never changes, so the page may keep it for good. A format that pages do not show is
//! served as a PNG.

use likeness_studio::{ErrorCode, Opened, StudioError, as_shown};
use tauri::http::{Request, Response, StatusCode, header};

/// The answer to one request.
pub fn answer(opened: &Opened, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let Some((kind, id)) = parse(request.uri().path()) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let tag = format!("\"{kind}-{id}\"");
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
        return empty(StatusCode::NOT_MODIFIED);
    }
    let found = opened.studio().and_then(|studio| studio.file(&kind, id)).and_then(|path| {
        std::fs::read(&path).map(as_shown).map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let code = if missing { ErrorCode::NotFound } else { ErrorCode::Storage };
            StudioError::new(code, format!("{}: {error}", path.display()))
        })
    });
    match found {
        Ok(bytes) => Response::builder()
            .header(header::CONTENT_TYPE, content_type(&bytes))
            .header(header::CACHE_CONTROL, "private, max-age=31536000, immutable")
            .header(header::ETAG, tag)
            // The page's own address differs from this one; it may read pixels, to copy them.
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .body(bytes)
            .unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR)),
        Err(error) => empty(match error.code {
            ErrorCode::NotFound | ErrorCode::Usage => StatusCode::NOT_FOUND,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }),
    }
}

/// The kind of file, as the studio calls it, and the id. Nothing that could lead out of the library
/// passes: an id is 64 hexadecimal digits.
fn parse(path: &str) -> Option<(String, &str)> {
    let mut parts = path.trim_start_matches('/').split('/');
    let kind = match parts.next()? {
        "picture" => "picture".to_owned(),
        "thumb" => {
            format!("thumb{}", parts.next().filter(|size| ["128", "320", "768"].contains(size))?)
        }
        _ => return None,
    };
    let id = parts.next().filter(|id| {
        id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })?;
    parts.next().is_none().then_some((kind, id))
}

fn content_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // A picture may come later under the same id: what is not there is not remembered.
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_has_is_not_sent_again() {
        let id = "0123456789abcdef".repeat(4);
        let request = Request::builder()
            .uri(format!("likeness://localhost/thumb/128/{id}"))
            .header(header::IF_NONE_MATCH, format!("\"thumb128-{id}\""))
            .body(Vec::new())
            .unwrap();
        // No studio is open: none is asked.
        assert_eq!(answer(&Opened::default(), &request).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn only_ids_are_served() {
        let id = "0123456789abcdef".repeat(4);
        let kind = |path: &str| parse(path).map(|(kind, _)| kind);
        assert_eq!(kind(&format!("/picture/{id}")).as_deref(), Some("picture"));
        assert_eq!(kind(&format!("/thumb/320/{id}")).as_deref(), Some("thumb320"));
        for path in [
            String::new(),
            "/".to_owned(),
            "/picture/".to_owned(),
            "/picture/../../library.sqlite".to_owned(),
            "/picture/%2e%2e".to_owned(),
            format!("/thumb/64/{id}"),
            format!("/picture/{id}/more"),
            format!("/picture/{}", id.to_uppercase()),
            format!("/elsewhere/{id}"),
        ] {
            assert_eq!(kind(&path), None, "{path}");
        }
    }
}
