use std::path::Path;

use likeness_library::{
    Filter, Library, LibraryError, Order, Page, PictureId, Reader, Relation, SCHEMA, care, testing,
};
use likeness_picture::Format;
use likeness_recipe::{Enlarged, ModelRef, ResolvedRecipe};
use rusqlite::Connection;

use crate::making::{NOON, Place, add, file, recipe};

fn database(place: &Place) -> std::path::PathBuf {
    place.path().join("library.sqlite")
}

#[test]
fn only_one_at_a_time() {
    let place = Place::new();
    let first = place.open();
    match Library::open(place.path(), NOON) {
        Err(LibraryError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two at once"),
    }
    drop(first);
    place.open();
}

/// A library of schema 16, as `make_past_library` makes it, and changed by `sql`.
fn past(place: &Place, files: &[Vec<u8>], sql: &str) {
    testing::make_past_library(place.path(), 16, files, NOON).unwrap();
    Connection::open(database(place)).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_star_without_a_rating_becomes_a_mark_of_one() {
    let place = Place::new();
    let files: Vec<_> = (0..4).map(|seed| file(&recipe("a fox", seed), Format::Png)).collect();
    past(
        &place,
        &files,
        "UPDATE pictures SET star = 0, rating = 0;
         UPDATE pictures SET star = 1 WHERE number IN (1, 2);
         UPDATE pictures SET rating = 3 WHERE number IN (2, 3);",
    );
    let before = std::fs::read(database(&place)).unwrap();
    let marks = |page: Page| page.items.iter().map(|row| row.rating).collect::<Vec<_>>();
    let oldest = Filter { order: Order::Oldest, ..Filter::default() };
    // Whoever only reads it finds the same, and changes nothing.
    let reader = Reader::open(place.path()).unwrap();
    assert_eq!(marks(reader.page(&oldest, None, 9).unwrap()), [1, 3, 3, 0]);
    drop(reader);
    assert_eq!(std::fs::read(database(&place)).unwrap(), before);
    let library = place.open();
    assert_eq!(marks(library.page(&oldest, None, 9).unwrap()), [1, 3, 3, 0]);
    let best = Filter { order: Order::Best, ..Filter::default() };
    assert_eq!(marks(library.page(&best, None, 9).unwrap()), [3, 3, 1, 0]);
    assert!(library.check(care::Depth::Full).unwrap().is_clean());
    library.close().unwrap();
    // One that is damaged gives up its stars as marks too.
    let other = Place::new();
    past(&other, &files, "UPDATE pictures SET star = 1, rating = 0");
    care::rebuild(other.path(), NOON).unwrap();
    assert_eq!(marks(other.open().page(&oldest, None, 9).unwrap()), [1, 1, 1, 1]);
}

#[test]
fn what_was_made_larger_before_there_was_a_name_for_it_is_told_by_its_recipe() {
    let place = Place::new();
    let small = file(&recipe("a fox", 1), Format::Png);
    let source = PictureId::of(&small);
    let model = ModelRef { name: "lens".to_owned(), sha256: "7e".repeat(32) };
    let enlarged = Some(Enlarged { by: 4, model, sha256: source.hex() });
    let large = file(&ResolvedRecipe { enlarged, ..recipe("a fox", 2) }, Format::Png);
    let edited = file(&recipe("a cat", 3), Format::Png);
    let [large_id, edited_id] = [&large, &edited].map(|file| PictureId::of(file));
    past(
        &place,
        &[small, large, edited],
        "DELETE FROM parents; UPDATE pictures SET star = 0, rating = 0;
         INSERT INTO parents SELECT number, (SELECT id FROM pictures WHERE number = 1), 'edit'
             FROM pictures WHERE number > 1;
         UPDATE jobs SET state = 'done', created_at = 255, picture =
             (SELECT id FROM pictures WHERE number = 3) WHERE id = 1;",
    );
    let library = place.open();
    let relation = |id| library.parents_of(id).unwrap()[0].relation;
    assert_eq!((relation(large_id), relation(edited_id)), (Relation::Enlargement, Relation::Edit));
    let by = |id| library.picture(id).unwrap().enlarged;
    assert_eq!([by(source), by(large_id), by(edited_id)], [None, Some(4), None]);
    // And which run one is of, by the job that made it.
    assert_eq!(library.picture(edited_id).unwrap().run.as_deref(), Some("ff-1"));
    assert_eq!(library.picture(large_id).unwrap().run, None);
}

#[test]
fn a_library_is_made_only_where_one_is_wanted() {
    let place = Place::new();
    let folder = place.path().join("deep/down");
    let refused = Library::open_there(&folder, NOON);
    assert!(matches!(refused, Err(LibraryError::Gone { .. })));
    assert!(!folder.exists());
    assert!(matches!(Reader::open(&folder), Err(LibraryError::Gone { .. })));
    drop(Library::open(&folder, NOON).unwrap());
    drop(Library::open_there(&folder, NOON).unwrap());
}

#[test]
fn a_newer_library_is_refused_by_its_version() {
    let place = Place::new();
    drop(place.open());
    Connection::open(database(&place))
        .unwrap()
        .pragma_update(None, "user_version", SCHEMA + 7)
        .unwrap();
    let before = std::fs::read(database(&place)).unwrap();
    for refused in
        [Library::open(place.path(), NOON).map(drop), Reader::open(place.path()).map(drop)]
    {
        let error = refused.unwrap_err();
        match &error {
            LibraryError::Newer { found, known, .. } => {
                assert_eq!((*found, *known), (SCHEMA + 7, SCHEMA));
            }
            other => panic!("{other}"),
        }
        assert!(error.to_string().contains(&format!("schema {}", SCHEMA + 7)), "{error}");
    }
    assert_eq!(std::fs::read(database(&place)).unwrap(), before);
}

#[test]
fn another_programs_database_is_left_alone() {
    let place = Place::new();
    let connection = Connection::open(database(&place)).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)").unwrap();
    drop(connection);
    let before = std::fs::read(database(&place)).unwrap();
    let refused = Library::open(place.path(), NOON).map(drop).unwrap_err();
    assert!(matches!(refused, LibraryError::Damaged { .. }), "{refused}");
    assert_eq!(std::fs::read(database(&place)).unwrap(), before);
}

fn damage(path: &Path, how: &str) {
    let mut bytes = std::fs::read(path).unwrap();
    let length = bytes.len();
    match how {
        "no database at all" => bytes = b"this is no database".repeat(500),
        "cut in half" => bytes.truncate(length / 2),
        "pages overwritten" => bytes[4096 * 2..4096 * 6].fill(0x5a),
        "header overwritten" => bytes[..100].fill(0),
        other => panic!("{other}"),
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_database_is_copied_and_never_written() {
    for how in ["no database at all", "cut in half", "pages overwritten", "header overwritten"] {
        let place = Place::new();
        let library = place.open();
        let ids: Vec<_> = (0..30).map(|seed| add(&library, "a fox", seed)).collect();
        library.close().unwrap();
        damage(&database(&place), how);
        let before = std::fs::read(database(&place)).unwrap();
        let mut copies = Vec::new();
        for _ in 0..2 {
            match Library::open(place.path(), NOON) {
                Err(LibraryError::Damaged { copy: Some(copy), .. }) => copies.push(copy),
                Err(other) => panic!("{how}: {other}"),
                Ok(_) => panic!("{how}: it opens"),
            }
        }
        assert_eq!(copies[0], copies[1], "one damage is one copy");
        assert_eq!(std::fs::read(&copies[0]).unwrap(), before, "{how}");
        assert_eq!(std::fs::read(database(&place)).unwrap(), before, "{how}: nothing was written");
        // What the copy still gives may be little, and is never a panic.
        if let Ok(reader) = Reader::open_copy(&copies[0], place.path()) {
            let _ = reader.page(&Filter::default(), None, 100);
        }

        let rebuilt = care::rebuild(place.path(), NOON + 1).unwrap();
        assert_eq!(rebuilt.pictures, 30, "{how}");
        let old = rebuilt.old.unwrap();
        assert!(old.ends_with(format!("library.sqlite.damaged-{}", NOON + 1)), "{old:?}");
        assert_eq!(std::fs::read(old).unwrap(), before, "{how}: it is kept");
        let library = place.open();
        assert!(library.check(care::Depth::Full).unwrap().is_clean(), "{how}");
        for id in ids {
            assert_eq!(library.picture(id).unwrap().prompt, "a fox", "{how}");
        }
    }
}

/// Opening after a clean end reads only what every page needs: what is damaged elsewhere is found
/// when it is met.
#[test]
fn damage_that_opening_does_not_see_is_found_when_it_is_met() {
    let place = Place::new();
    let library = place.open();
    let prompt = "a long prompt ".repeat(60);
    for seed in 0..60 {
        add(&library, &prompt, seed);
    }
    library.close().unwrap();
    let page: usize = Connection::open(database(&place))
        .unwrap()
        .query_row(
            "SELECT pageno FROM dbstat WHERE name = 'words' AND pagetype = 'leaf' LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut bytes = std::fs::read(database(&place)).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0x5a);
    std::fs::write(database(&place), &bytes).unwrap();

    let library = place.open();
    match library.page(&Filter::default(), None, 100) {
        Err(LibraryError::Damaged { copy: Some(copy), .. }) => assert!(copy.exists()),
        other => panic!("{other:?}"),
    }
    let report = library.check(care::Depth::Quick).unwrap();
    let is_database = |problem: &care::Problem| matches!(problem, care::Problem::Database { .. });
    assert!(report.problems.iter().any(is_database), "{report:?}");
    library.close().unwrap();
    assert_eq!(care::rebuild(place.path(), NOON).unwrap().pictures, 60);
    assert!(place.open().check(care::Depth::Full).unwrap().is_clean());
}

#[test]
fn pictures_without_a_database_are_not_forgotten() {
    let place = Place::new();
    let library = place.open();
    add(&library, "a fox", 1);
    library.close().unwrap();
    std::fs::remove_file(database(&place)).unwrap();
    match Library::open(place.path(), NOON).map(drop) {
        Err(LibraryError::Damaged { copy: None, problem, .. }) => {
            assert_eq!(problem, "there are pictures and no database");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(care::rebuild(place.path(), NOON).unwrap().pictures, 1);
    assert_eq!(place.open().pictures().unwrap(), 1);
}

#[test]
fn a_first_start_that_was_killed_is_gone_on_with() {
    let place = Place::new();
    let connection = Connection::open(database(&place)).unwrap();
    connection.pragma_update(None, "application_id", 0x4C4B_4E53).unwrap();
    drop(connection);
    assert!(database(&place).metadata().unwrap().len() > 0);
    assert_eq!(place.open().pictures().unwrap(), 0);
}

#[test]
fn no_library_is_made_among_the_files_of_somebody_else() {
    for name in ["assets/logo.png", "assets/fonts/a.woff", "pictures/holiday.jpg"] {
        let place = Place::new();
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"of a web site").unwrap();
        let refused = Library::open(place.path(), NOON).map(drop).unwrap_err();
        assert!(matches!(refused, LibraryError::Field { field: "library", .. }), "{refused:?}");
        assert!(refused.to_string().contains(path.file_name().unwrap().to_str().unwrap()));
        assert!(path.exists() && !database(&place).exists());
    }
    // What a file manager leaves is nobody's, and references without a database are a library's.
    let place = Place::new();
    let asset = format!("assets/ab/{}.png", "ab".repeat(32));
    for name in ["pictures/.DS_Store", "assets/Thumbs.db", &asset] {
        std::fs::create_dir_all(place.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(place.path().join(name), b"").unwrap();
    }
    place.open();
}

#[test]
fn a_library_that_is_taken_away_is_gone() {
    let place = Place::new();
    let library = place.open();
    let id = add(&library, "a fox", 1);
    let elsewhere = place.path().with_extension("moved");
    std::fs::rename(place.path(), &elsewhere).unwrap();
    let bytes = file(&recipe("a cat", 2), Format::Png);
    let picture = likeness_library::NewPicture::read(&bytes).unwrap();
    assert!(matches!(library.add_picture(&picture, NOON), Err(LibraryError::Gone { .. })));
    assert!(matches!(library.trash(&[id], NOON), Err(LibraryError::Gone { .. })));
    assert!(!place.path().exists(), "no new folder swallows pictures");
    std::fs::rename(&elsewhere, place.path()).unwrap();
    library.add_picture(&picture, NOON).unwrap();
}

/// SQLite's own limit stands in for a full disk.
#[test]
fn a_full_disk_loses_nothing() {
    let place = Place::new();
    let library = place.open();
    let first = add(&library, "a fox", 1);
    library.close().unwrap();
    let library = place.open();
    testing::limit_growth(&library, 20);
    let mut refused = None;
    for seed in 2..2000 {
        let prompt = format!("a prompt that is long enough to fill pages {seed} ").repeat(20);
        let bytes = file(&recipe(&prompt, seed), Format::Png);
        let picture = likeness_library::NewPicture::read(&bytes).unwrap();
        if let Err(error) = library.add_picture(&picture, NOON) {
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(refused, Some(LibraryError::DiskFull { .. })), "{refused:?}");
    assert_eq!(library.picture(first).unwrap().prompt, "a fox");
    drop(library);
    let library = place.open();
    let report = library.check(care::Depth::Full).unwrap();
    assert!(report.problems.len() <= 1, "at most the one file: {report:?}");
}

#[test]
fn only_its_own_unfinished_files_are_deleted() {
    let place = Place::new();
    let aside = place.path().join("aside");
    std::fs::create_dir_all(aside.join("deeper")).unwrap();
    std::fs::write(aside.join("letter.txt"), b"dear").unwrap();
    std::fs::write(aside.join(".likeness-abc"), b"half").unwrap();
    drop(place.open());
    drop(place.open());
    assert!(aside.join("deeper").is_dir());
    assert_eq!(std::fs::read(aside.join("letter.txt")).unwrap(), b"dear");
    assert!(!aside.join(".likeness-abc").exists());
}
