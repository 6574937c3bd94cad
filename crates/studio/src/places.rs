//! Where the library and models are, on every host alike. The environment is the host's to read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use likeness_picture::{Existing, write_whole};

/// The library's folder: what the person names, else what the person once chose, else where the
/// system wants data. `chosen` is the host's own file that holds one line, a folder.
pub fn library_folder(named: Option<OsString>, chosen: Option<&Path>, data: &Path) -> PathBuf {
    if let Some(folder) = named.filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let line = chosen.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    match line.lines().next() {
        Some(folder) if Path::new(folder).is_absolute() => folder.into(),
        _ => data.to_owned(),
    }
}

/// Notes in the host's own file `chosen` that this library was chosen: the whole line, or as it was.
pub fn choose(library: &Path, chosen: &Path) -> std::io::Result<()> {
    let line = format!("{}\n", library.display());
    write_whole(chosen, line.as_bytes(), Existing::Replace).map_err(std::io::Error::other)
}

/// Whether this library is the one that the person once chose, as the host's own file `chosen` says. It
/// was opened then, so it is there, or gone for now: no new one may be made in its place.
pub fn was_chosen(library: &Path, chosen: &Path) -> bool {
    library_folder(None, Some(chosen), Path::new("")) == library
}

/// Where models may be: what the person names, the library, beside an installed program, and last
/// the source tree that the program was built in. Not all of them need exist.
pub fn model_places(
    named: Option<OsString>,
    library: &Path,
    program: Option<&Path>,
) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(named) = named {
        places.extend(std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()));
    }
    places.push(library.join("models"));
    if let Some(folder) = program.and_then(Path::parent) {
        places.push(folder.join("models"));
        places.push(folder.join("../share/likeness/models"));
        places.push(folder.join("../Resources/models"));
        let source = folder.ancestors().skip(1).map(|above| above.join("models"));
        places.extend(
            source.filter(|models| models.join("starter").join("starter.json").is_file()).take(1),
        );
    }
    // A person may name what would be looked at anyway.
    let mut seen = std::collections::HashSet::new();
    places.retain(|place| seen.insert(place.canonicalize().unwrap_or_else(|_| place.clone())));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_names_comes_first() {
        let tree = tempfile::tempdir().unwrap();
        let starter = tree.path().join("models/starter");
        std::fs::create_dir_all(&starter).unwrap();
        std::fs::write(starter.join("starter.json"), "{}").unwrap();
        let program = tree.path().join("target/release/likeness");
        let named = std::env::join_paths(["/one", "/two"]).unwrap();
        let places = model_places(Some(named), Path::new("/library"), Some(&program));
        assert_eq!(places[0], Path::new("/one"));
        assert_eq!(places[1], Path::new("/two"));
        assert_eq!(places[2], Path::new("/library/models"));
        assert_eq!(places.last().unwrap(), &tree.path().join("models"));
    }

    #[test]
    fn a_place_that_is_named_twice_is_looked_at_once() {
        let tree = tempfile::tempdir().unwrap();
        let models = tree.path().join("models");
        std::fs::create_dir_all(models.join("starter")).unwrap();
        std::fs::write(models.join("starter/starter.json"), "{}").unwrap();
        let program = tree.path().join("target/release/likeness");
        let again = models.join("starter/..");
        let named = std::env::join_paths([&models, &again, &models]).unwrap();
        let places = model_places(Some(named), Path::new("/library"), Some(&program));
        assert_eq!(places[..2], [models, "/library/models".into()], "where it is named first");
        assert_eq!(places.len(), 5, "{places:?}");
    }

    #[test]
    fn a_library_that_was_chosen_is_found_again() {
        let home = tempfile::tempdir().unwrap();
        let (chosen, data) = (home.path().join("library"), home.path().join("data"));
        assert_eq!(library_folder(None, Some(&chosen), &data), data);
        let elsewhere = home.path().join("elsewhere");
        choose(&home.path().join("before"), &chosen).unwrap();
        choose(&elsewhere, &chosen).unwrap();
        assert_eq!(library_folder(None, Some(&chosen), &data), elsewhere);
        assert_eq!(
            library_folder(Some("/named".into()), Some(&chosen), &data),
            Path::new("/named")
        );
        assert_eq!(library_folder(Some("".into()), None, &data), data);
        assert!(was_chosen(&elsewhere, &chosen) && !was_chosen(&data, &chosen));
        std::fs::write(&chosen, "not/absolute").unwrap();
        assert_eq!(library_folder(None, Some(&chosen), &data), data);
    }
}
