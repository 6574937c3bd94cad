//! Paths as scripts are told them: as text, and where a path is none, as its bytes too.

use std::path::Path;

use serde::Serializer;
use serde::ser::SerializeMap;

/// The fields of a path in an object: `path` to be read, and for one that is not Unicode `path_bytes`, all of
/// it in hexadecimal. For `#[serde(flatten, serialize_with = "told::path")]`.
pub fn path<S: Serializer>(path: impl AsRef<Path>, to: S) -> Result<S::Ok, S::Error> {
    let path = path.as_ref();
    let mut fields = to.serialize_map(None)?;
    fields.serialize_entry("path", &path.to_string_lossy())?;
    if path.to_str().is_none() {
        let bytes = path.as_os_str().as_encoded_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        fields.serialize_entry("path_bytes", &hex)?;
    }
    fields.end()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct One {
        #[serde(flatten, serialize_with = "path")]
        path: PathBuf,
        seed: u32,
    }

    fn told(path: PathBuf) -> String {
        serde_json::to_string(&One { path, seed: 7 }).unwrap()
    }

    #[test]
    fn no_path_loses_a_byte() {
        assert_eq!(told("né e.png".into()), r#"{"path":"né e.png","seed":7}"#);
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            let odd = std::ffi::OsString::from_vec(b"caf\xe9.png".to_vec());
            let expected = r#"{"path":"caf�.png","path_bytes":"636166e92e706e67","seed":7}"#;
            assert_eq!(told(odd.into()), expected);
        }
    }
}
