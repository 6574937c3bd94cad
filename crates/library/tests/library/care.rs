use likeness_library::care::{self, Depth, Problem};
use likeness_library::{
    Filter, Library, LibraryError, NewJob, NewPicture, Parent, Place as At, Relation, Time,
    make_thumbnails, thumbnail_path,
};
use likeness_picture::Format;
use rusqlite::Connection;

use crate::making::{DAY, NOON, Place, add, add_from, file, files, recipe};

/// Changes rows behind the library's back.
fn tamper(place: &Place, sql: &str) {
    let connection = Connection::open(place.path().join("library.sqlite")).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_check_finds_each_drift_and_repair_mends_it() {
    let place = Place::new();
    let library = place.open();
    let ids: Vec<_> = (0..7).map(|seed| add(&library, "a fox", seed)).collect();
    let asset = library.add_asset(&file(&recipe("mug", 50), Format::Png), "mug", NOON).unwrap();
    make_thumbnails(place.path(), &library.thumbnail_source(ids[6]).unwrap()).unwrap();
    library.thumbnails_made(&[ids[6]]).unwrap();
    assert!(library.check(Depth::Full).unwrap().is_clean());
    let path = |at: usize| library.path_of(ids[at]).unwrap();

    std::fs::remove_file(path(0)).unwrap();
    let mut changed = std::fs::read(path(1)).unwrap();
    let last = changed.len() - 20;
    changed[last] ^= 1;
    std::fs::write(path(1), &changed).unwrap();
    std::fs::write(path(2), b"short").unwrap();
    // Moved to another day: the row's file is missing, and a file has no row.
    let other_day = place.path().join("pictures/2025/01/02");
    std::fs::create_dir_all(&other_day).unwrap();
    std::fs::rename(path(3), other_day.join(path(3).file_name().unwrap())).unwrap();
    let stray = file(&recipe("a stray cat", 99), Format::Png);
    std::fs::write(other_day.join("holiday.png"), &stray).unwrap();
    std::fs::write(other_day.join("notes.txt"), b"text").unwrap();
    std::fs::write(place.path().join("aside/.likeness-half"), b"half").unwrap();
    std::fs::remove_file(library.asset_path(asset.sha256).unwrap()).unwrap();
    std::fs::remove_file(thumbnail_path(place.path(), 320, ids[6])).unwrap();
    tamper(&place, "DELETE FROM search WHERE rowid = 5");

    let quick = library.check(Depth::Quick).unwrap();
    assert!(
        !quick
            .problems
            .iter()
            .any(|p| matches!(p, Problem::PictureChanged { id, .. } if *id == ids[1])),
        "a changed byte is found by reading"
    );
    let report = library.check(Depth::Full).unwrap();
    let kinds = report.problems.iter().map(|problem| {
        let json = serde_json::to_value(problem).unwrap();
        json["kind"].as_str().unwrap().to_owned()
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "asset_lost",
            "picture_changed",
            "picture_changed",
            "picture_missing",
            "picture_missing",
            "search",
            "thumbnails_missing",
            "unfinished",
            "unknown",
            "unknown",
            "unknown",
        ]
    );

    let done = library.repair(&report, NOON).unwrap();
    assert!(library.check(Depth::Full).unwrap().is_clean(), "{done:?}");
    assert!(done.backup.as_ref().unwrap().exists(), "what was known before is kept");
    assert_eq!((done.adopted, done.deleted, done.thumbnails), (2, 1, 1), "{done:?}");
    assert_eq!(done.forgotten, 4, "three pictures and an asset: {done:?}");
    assert_eq!(done.moved.len(), 3, "two damaged pictures and a text: {done:?}");
    assert!(done.moved.iter().any(|path| std::fs::read(path).unwrap() == changed));
    assert_eq!(
        std::fs::read(library.path_of(ids[3]).unwrap()).unwrap().len() as u64,
        library.picture(ids[3]).unwrap().bytes
    );
    let found = |text: &str| {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        library.page(&filter, None, 100).unwrap().total
    };
    assert_eq!((found("stray"), found("fox")), (1, 4));
    assert_eq!(library.missing_thumbnails(100).unwrap().len(), 5);
    assert!(library.repair(&library.check(Depth::Full).unwrap(), NOON).unwrap().backup.is_none());
    // A report that is no longer true does no harm.
    let late = library.repair(&report, NOON).unwrap();
    assert_eq!((late.adopted, late.forgotten, late.moved.len()), (0, 0, 0), "{late:?}");
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

fn rich(place: &Place) -> (Library, Vec<likeness_library::PictureId>) {
    let library = place.open();
    let mut ids = vec![add(&library, "a fox", 1), add(&library, "a cat", 2)];
    let parent = Parent { id: ids[0], relation: Relation::Remix };
    ids.push(add_from(&library, "a wolf", 3, &[parent]));
    library.mark(&ids[..1], 5).unwrap();
    library.tag(&ids[1..2], &["pets".to_owned()], &[]).unwrap();
    let board = library.board_create("ideas", NOON).unwrap();
    library.board_add(board, &ids[1..], NOON).unwrap();
    library.trash(&ids[2..], NOON + DAY).unwrap();
    library.add_asset(&file(&recipe("mug", 50), Format::Png), "mug.png", NOON).unwrap();
    library.set_setting("theme", "\"dark\"").unwrap();
    library.prompt_used("a fox", NOON).unwrap();
    let job = NewJob { request: "{}".to_owned(), interactive: false, parents: vec![parent] };
    library.queue_add(&[job.clone(), job], At::Last, NOON).unwrap();
    library.queue_take(NOON).unwrap();
    (library, ids)
}

/// A repair may forget what comes back: the disk was out, or somebody finds the file again.
#[test]
fn the_database_of_before_a_repair_can_be_brought_back() {
    let place = Place::new();
    let (library, ids) = rich(&place);
    let path = library.picture(ids[0]).unwrap().path;
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let done = library.repair(&library.check(Depth::Full).unwrap(), NOON).unwrap();
    assert_eq!(done.forgotten, 1);
    library.close().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let before = done.backup.unwrap();
    let restored = care::restore(place.path(), &before, NOON).unwrap();
    assert!(restored.replaced.unwrap().exists(), "what was there is kept in turn");
    assert_eq!(restored.lost, []);
    let library = place.open();
    let fox = library.picture(ids[0]).unwrap();
    assert_eq!(fox.rating, 5);
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

#[test]
fn the_files_alone_are_enough() {
    let place = Place::new();
    let (library, ids) = rich(&place);
    let before = library.picture(ids[0]).unwrap();
    library.close().unwrap();
    for name in ["library.sqlite", "library.sqlite-wal", "library.sqlite-shm"] {
        let _ = std::fs::remove_file(place.path().join(name));
    }
    let rebuilt = care::rebuild(place.path(), NOON).unwrap();
    assert_eq!((rebuilt.pictures, rebuilt.assets, rebuilt.old), (3, 1, None));
    let library = place.open();
    let after = library.picture(ids[0]).unwrap();
    assert_eq!(after.created_at.div_euclid(DAY), before.created_at.div_euclid(DAY));
    let same = likeness_library::PictureRow { created_at: after.created_at, rating: 0, ..before };
    assert_eq!(after, same, "all but what a person added to it");
    assert!(library.recipe_of(ids[0]).unwrap().is_some());
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

#[test]
fn what_no_file_holds_is_taken_from_the_old_database() {
    let place = Place::new();
    let (library, ids) = rich(&place);
    let before: Vec<_> = ids.iter().map(|&id| library.picture(id).unwrap()).collect();
    library.close().unwrap();
    let rebuilt = care::rebuild(place.path(), NOON + 7).unwrap();
    let salvaged = rebuilt.salvaged;
    assert_eq!((salvaged.marks, salvaged.tags, salvaged.boards), (2, 1, 2));
    assert_eq!(
        (salvaged.parents, salvaged.jobs, salvaged.prompts, salvaged.settings),
        (1, 2, 1, 1)
    );
    let library = place.open();
    let after: Vec<_> = ids.iter().map(|&id| library.picture(id).unwrap()).collect();
    assert_eq!(after, before);
    assert_eq!(library.boards().unwrap()[0].count, 1);
    library.recover().unwrap();
    let queue = library.queue_state().unwrap();
    assert_eq!((queue.waiting, queue.paused), (2, true), "nothing starts by itself after that");
    assert_eq!(
        library
            .asset(
                library
                    .add_asset(&file(&recipe("mug", 50), Format::Png), "x", NOON)
                    .unwrap()
                    .sha256
            )
            .unwrap()
            .name,
        "mug.png"
    );
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

#[test]
fn a_backup_is_a_library() {
    let (place, to) = (Place::new(), Place::new());
    let (library, ids) = rich(&place);
    let backup = to.path().join("backup");
    make_thumbnails(place.path(), &library.thumbnail_source(ids[0]).unwrap()).unwrap();
    library.thumbnails_made(&ids[..1]).unwrap();
    let first = library.backup(&backup).unwrap();
    assert_eq!((first.files, first.copied), (4, 4));
    add(&library, "one more", 9);
    let second = library.backup(&backup).unwrap();
    assert_eq!((second.files, second.copied), (5, 1), "only what is new is copied");
    let copy = Library::open_there(&backup, NOON).unwrap();
    assert_eq!(copy.pictures().unwrap(), 3);
    assert!(copy.picture(ids[0]).unwrap().rating == 5);
    assert!(copy.check(Depth::Full).unwrap().is_clean());
    for wrong in [place.path().join("backups/mine"), place.path().to_owned()] {
        let refused = library.backup(&wrong);
        assert!(matches!(refused, Err(LibraryError::Field { field: "to", .. })), "{refused:?}");
    }
    std::fs::write(to.path().join("letter.txt"), b"dear").unwrap();
    assert!(library.backup(to.path()).is_err(), "a folder with something else in it");
}

#[test]
fn a_backup_takes_the_place_of_no_other_library() {
    let (place, other, strange) = (Place::new(), Place::new(), Place::new());
    let (library, _) = rich(&place);
    let before = |at: &Place| std::fs::read(at.path().join("library.sqlite")).unwrap();
    let refused = |to: &std::path::Path| {
        let refused = library.backup(to);
        assert!(matches!(refused, Err(LibraryError::Field { field: "to", .. })), "{refused:?}");
    };
    add(&other.open(), "of somebody else", 1);
    let was = before(&other);
    refused(other.path());
    assert_eq!(before(&other), was);
    let open = other.open();
    assert!(matches!(library.backup(other.path()), Err(LibraryError::InUse { .. })));
    drop(open);
    std::fs::write(strange.path().join("library.sqlite"), b"of another program").unwrap();
    refused(strange.path());
    assert_eq!(before(&strange), b"of another program");

    // A backup in which somebody has worked is a library.
    let to = Place::new();
    library.backup(to.path()).unwrap();
    library.backup(to.path()).unwrap();
    add(&to.open(), "made in the backup", 70);
    refused(to.path());
    assert_eq!(to.open().pictures().unwrap(), 3);

    // By another name it is still the library itself.
    let name = place.path().file_name().unwrap();
    refused(&other.path().join("..").join(name));
    #[cfg(unix)]
    {
        let link = strange.path().join("link");
        std::os::unix::fs::symlink(place.path(), &link).unwrap();
        refused(&link);
    }
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

#[test]
fn a_library_of_an_old_schema_can_be_backed_up_before_it_is_opened() {
    let (place, to) = (Place::new(), Place::new());
    let pictures: Vec<_> = (0..3).map(|seed| file(&recipe("a fox", seed), Format::Png)).collect();
    likeness_library::testing::make_past_library(place.path(), 14, &pictures, NOON).unwrap();
    let old = likeness_library::Reader::open(place.path()).unwrap();
    assert_eq!(old.backup(to.path()).unwrap().copied, 3);
    assert_eq!(Library::open_there(to.path(), NOON).unwrap().pictures().unwrap(), 3);
    let again = old.backup(to.path());
    assert!(matches!(again, Err(LibraryError::Field { field: "to", .. })), "{again:?}");
}

#[test]
fn a_damaged_file_takes_the_place_of_nothing() {
    let (place, to) = (Place::new(), Place::new());
    let (library, ids) = rich(&place);
    library.backup(to.path()).unwrap();
    let path = library.path_of(ids[0]).unwrap();
    let copy = to.path().join(path.strip_prefix(place.path()).unwrap());
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, b"").unwrap();
    assert_eq!(library.backup(to.path()).unwrap().copied, 0);
    assert_eq!(std::fs::read(&copy).unwrap(), good, "the only good one");
    // What is as long and not the same is healed by a restore.
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bad).unwrap();
    library.close().unwrap();
    care::restore(place.path(), to.path(), NOON).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), good);
    std::fs::write(&copy, &bad).unwrap();
    care::restore(place.path(), to.path(), NOON + 1).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), good, "not by what is damaged itself");
    assert!(place.open().check(Depth::Full).unwrap().is_clean());
}

#[test]
fn a_backup_of_a_closed_library_hides_nothing_that_came_later() {
    let (place, to) = (Place::new(), Place::new());
    add(&place.open(), "before", 1);
    // As the command line does it, with no window open.
    likeness_library::Reader::open(place.path()).unwrap().backup(to.path()).unwrap();
    let bytes = file(&recipe("a year later", 2), Format::Png);
    let later = NewPicture::read(&bytes).unwrap();
    let (later, _) = place.open().add_picture(&later, NOON + 400 * DAY).unwrap();
    care::restore(place.path(), to.path(), NOON + 800 * DAY + 1).unwrap();
    let library = Library::open(place.path(), NOON + 800 * DAY + 2).unwrap();
    assert_eq!(library.picture(later).unwrap().prompt, "a year later");
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_now_is_not_forgotten() {
    let place = Place::new();
    let (library, ids) = rich(&place);
    let asset = library.add_asset(&file(&recipe("mug", 50), Format::Png), "mug", NOON).unwrap();
    let paths = [library.path_of(ids[0]).unwrap(), library.asset_path(asset.sha256).unwrap()];
    let kept = paths.clone().map(|path| std::fs::read(path).unwrap());
    // A link to itself: the system says that there are too many, as it says of a disk that fails that
    // it fails. Permissions would not stop a test that runs as root.
    for path in &paths {
        std::fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink(path, path).unwrap();
    }
    for depth in [Depth::Quick, Depth::Full] {
        let report = library.check(depth).unwrap();
        let unreadable = |p: &Problem| matches!(p, Problem::Unreadable { .. });
        assert!(report.problems.len() == 2 && report.problems.iter().all(unreadable), "{report:?}");
        let done = library.repair(&report, NOON).unwrap();
        assert_eq!((done.forgotten, done.moved.len(), done.left.len()), (0, 0, 2), "{done:?}");
    }
    for (path, bytes) in paths.iter().zip(kept) {
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert!(library.picture(ids[0]).unwrap().rating == 5);
    assert!(library.check(Depth::Full).unwrap().is_clean());
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_keeps_no_other_from_being_saved() {
    use std::os::unix::fs::PermissionsExt;
    let (place, to) = (Place::new(), Place::new());
    let (library, ids) = rich(&place);
    let (lost, kept) = (library.path_of(ids[0]).unwrap(), library.path_of(ids[1]).unwrap());
    std::fs::remove_file(&lost).unwrap();
    std::os::unix::fs::symlink(&lost, &lost).unwrap();
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o444)).unwrap();
    let done = library.backup(&to.path().join("backup")).unwrap();
    assert_eq!((done.files, done.copied), (3, 3));
    assert_eq!(done.lost.iter().map(|lost| &lost.path).collect::<Vec<_>>(), [&lost]);
    let copy = Library::open_there(&to.path().join("backup"), NOON).unwrap();
    assert!(copy.picture(ids[0]).unwrap().rating == 5, "what is known of it is there");
    let mode = std::fs::metadata(copy.path_of(ids[1]).unwrap()).unwrap().permissions().mode();
    assert!(mode & 0o200 != 0, "a copy may be written to: {mode:o}");
    let exported = library.export(&Filter::default(), &to.path().join("exported")).unwrap();
    assert_eq!((exported.pictures, exported.lost.len()), (1, 1));
}

#[test]
fn pictures_on_a_disk_that_is_out_are_not_forgotten() {
    let place = Place::new();
    let (library, ids) = rich(&place);
    let (pictures, elsewhere) = (place.path().join("pictures"), place.path().join("away"));
    for mount_point_stays in [false, true] {
        std::fs::rename(&pictures, &elsewhere).unwrap();
        if mount_point_stays {
            std::fs::create_dir(&pictures).unwrap();
        }
        let report = library.check(Depth::Quick).unwrap();
        let done = library.repair(&report, NOON + Time::from(mount_point_stays)).unwrap();
        assert_eq!((done.forgotten, done.left.len()), (0, 3), "{done:?}");
        let _ = std::fs::remove_dir(&pictures);
        std::fs::rename(&elsewhere, &pictures).unwrap();
    }
    assert!(library.check(Depth::Full).unwrap().is_clean());
    assert!(library.picture(ids[0]).unwrap().rating == 5);
}

#[test]
fn what_was_in_the_trash_of_a_backup_can_be_looked_at() {
    let (place, to) = (Place::new(), Place::new());
    let (library, ids) = rich(&place);
    library.backup(to.path()).unwrap();
    library.empty_trash().unwrap();
    library.close().unwrap();
    let now = NOON + 60 * DAY;
    care::restore(place.path(), to.path(), now).unwrap();
    let library = Library::open(place.path(), now).unwrap();
    assert_eq!(library.purge_expired(30, now + DAY, now + DAY).unwrap(), 0);
    assert_eq!(library.restore(&ids[2..]).unwrap(), &ids[2..]);
}

#[test]
fn a_rebuild_that_was_killed_has_lost_nothing() {
    let place = Place::new();
    let (library, ids) = rich(&place);
    library.close().unwrap();
    // As between moving the old database aside and giving the new one its name.
    let (database, aside) = (place.path().join("library.sqlite"), "library.sqlite.damaged-");
    let older = place.path().join(format!("{aside}{}", NOON - DAY));
    std::fs::write(older, b"of a rebuild before").unwrap();
    std::fs::rename(&database, place.path().join(format!("{aside}{NOON}"))).unwrap();
    care::rebuild(place.path(), NOON + 1).unwrap();
    assert!(place.open().picture(ids[0]).unwrap().rating == 5);
}

#[test]
fn a_rebuilt_library_is_the_one_that_its_backup_is_of() {
    let (place, to) = (Place::new(), Place::new());
    let (library, _) = rich(&place);
    library.backup(to.path()).unwrap();
    library.close().unwrap();
    care::rebuild(place.path(), NOON).unwrap();
    place.open().backup(to.path()).unwrap();
}

#[test]
fn a_backup_comes_back() {
    let (place, to) = (Place::new(), Place::new());
    let (library, ids) = rich(&place);
    let backup = to.path().join("backup");
    library.backup(&backup).unwrap();
    let later = add(&library, "made later", 9);
    let lost = library.path_of(ids[0]).unwrap();
    assert!(matches!(care::restore(place.path(), &backup, NOON), Err(LibraryError::InUse { .. })));
    library.close().unwrap();
    std::fs::remove_file(&lost).unwrap();
    let restored = care::restore(place.path(), &backup, NOON + 1).unwrap();
    assert_eq!(restored.files, 4);
    assert!(restored.replaced.unwrap().exists(), "the old database is kept");
    let library = place.open();
    assert!(lost.exists());
    assert!(library.picture(ids[0]).unwrap().rating == 5);
    assert_eq!(library.picture(later).unwrap().prompt, "made later", "its file was still there");
    assert!(library.check(Depth::Full).unwrap().is_clean());

    // Into an empty folder; and never from what is no sound backup.
    let fresh = to.path().join("fresh");
    care::restore(&fresh, &backup, NOON).unwrap();
    assert_eq!(Library::open_there(&fresh, NOON).unwrap().pictures().unwrap(), 2);
    let bytes = std::fs::read(backup.join("library.sqlite")).unwrap();
    std::fs::write(backup.join("library.sqlite"), &bytes[..bytes.len() / 2]).unwrap();
    let refused = care::restore(&fresh, &backup, NOON);
    assert!(matches!(refused, Err(LibraryError::Damaged { .. })), "{refused:?}");
    assert!(matches!(care::restore(&fresh, to.path(), NOON), Err(LibraryError::Gone { .. })));
}

#[test]
fn an_export_is_plain_files_and_a_list() {
    let (place, to) = (Place::new(), Place::new());
    let (library, ids) = rich(&place);
    let folder = to.path().join("out");
    let done = library.export(&Filter::default(), &folder).unwrap();
    assert_eq!(done.pictures, 2);
    let name = format!("2026-11-21-{}.png", &ids[0].hex()[..12]);
    assert!(files(&folder).contains(&name), "{:?}", files(&folder));
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let fox = manifest.as_array().unwrap().iter().find(|entry| entry["file"] == name).unwrap();
    assert_eq!((&fox["rating"], &fox["prompt"]), (&5.into(), &"a fox".into()));
    assert_eq!(fox["recipe"]["seed"], 1);
    assert!(library.export(&Filter::default(), &folder).is_err(), "never twice into one folder");
    let inside = place.path().join("pictures/exported");
    let refused = library.export(&Filter::default(), &inside).unwrap_err();
    assert!(refused.to_string().starts_with("to: it lies in the library"), "{refused}");
    assert!(!inside.exists());
}

#[test]
fn a_file_of_another_program_brings_its_settings() {
    let place = Place::new();
    let library = place.open();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 3);
    encoder.set_color(png::ColorType::Rgba);
    let text = "a fox\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 9, Size: 2x3, Model: sd15";
    encoder.add_text_chunk("parameters".to_owned(), text.to_owned()).unwrap();
    encoder.write_header().unwrap().write_image_data(&[7; 24]).unwrap();
    let picture = NewPicture::read(&bytes).unwrap();
    let (id, _) = library.add_picture(&picture, NOON).unwrap();
    let row = library.picture(id).unwrap();
    assert_eq!(
        (row.source.as_str(), row.prompt.as_str(), row.negative.as_str()),
        ("a1111", "a fox", "blurry")
    );
    assert_eq!((row.seed, row.model.as_deref(), row.alpha), (Some(9), Some("sd15"), true));
    assert_eq!((row.width, row.height), (2, 3));
    assert_eq!(library.recipe_of(id).unwrap(), None);
}
