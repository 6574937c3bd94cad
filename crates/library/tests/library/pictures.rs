use likeness_library::{
    Filter, LibraryError, Marks, NewPicture, Parent, PictureId, Relation, THUMBNAIL_SIZES,
    ThumbnailSource, make_thumbnail, make_thumbnails, store_file, thumbnail_path,
};
use likeness_picture::{Format, Limits, read_picture};

use crate::making::{DAY, NOON, Place, add, add_from, file, files, recipe};

#[test]
fn a_picture_is_a_file_and_what_it_says() {
    let place = Place::new();
    let library = place.open();
    let recipe = recipe("a red fox", u64::MAX);
    let bytes = file(&recipe, Format::Png);
    let mut picture = NewPicture::read(&bytes).unwrap();
    picture.seconds = Some(1.5);
    let (id, new) = library.add_picture(&picture, NOON).unwrap();
    assert!(new);
    let row = library.picture(id).unwrap();
    assert_eq!(row.path, place.path().join(format!("pictures/2026/11/21/{id}.png")));
    assert_eq!(std::fs::read(&row.path).unwrap(), bytes);
    assert_eq!((row.width, row.height, row.alpha, row.bytes), (8, 4, false, bytes.len() as u64));
    assert_eq!((row.prompt.as_str(), row.seed), ("a red fox", Some(u64::MAX)));
    assert_eq!(row.model.as_deref(), Some("likeness-starter"));
    assert_eq!((row.source.as_str(), row.seconds, row.created_at), ("likeness", Some(1.5), NOON));
    assert_eq!(library.recipe_of(id).unwrap().as_deref(), picture.recipe.as_deref());
    assert_eq!(library.usual_seconds("likeness-starter", 9).unwrap(), Some(1.5));
    assert_eq!(library.pictures().unwrap(), 1);
    assert!(files(&place.path().join("aside")).is_empty(), "nothing is left unfinished");
}

#[test]
fn the_same_file_is_one_picture() {
    let place = Place::new();
    let library = place.open();
    let id = add(&library, "a fox", 1);
    library.mark(&[id], 4).unwrap();
    library.trash(&[id], NOON).unwrap();
    let bytes = file(&recipe("a fox", 1), Format::Png);
    let picture = NewPicture::read(&bytes).unwrap();
    let again = library.add_picture(&picture, NOON + 3 * DAY).unwrap();
    assert_eq!(again, (id, true), "it was not to be seen");
    assert_eq!(library.add_picture(&picture, NOON + 3 * DAY).unwrap(), (id, false));
    let row = library.picture(id).unwrap();
    assert_eq!((row.trashed_at, row.rating), (None, 4), "it comes out of the trash as it was");
    assert_eq!(std::fs::read(row.path).unwrap(), bytes);
    assert_eq!(files(&place.path().join("pictures")).len(), 1, "one file is enough");
    assert!(library.check(likeness_library::care::Depth::Full).unwrap().is_clean());
}

#[test]
fn a_file_can_be_stored_without_the_library() {
    let place = Place::new();
    let library = place.open();
    let bytes = file(&recipe("a fox", 1), Format::WebP);
    let picture = NewPicture::read(&bytes).unwrap();
    let stored = store_file(place.path(), &bytes, picture.format, NOON).unwrap();
    assert!(library.picture(stored.id).is_err(), "no row names it yet");
    assert_eq!(library.add_stored(&picture, &stored, NOON).unwrap(), (stored.id, true));
    assert_eq!(std::fs::read(library.path_of(stored.id).unwrap()).unwrap(), bytes);
}

#[test]
fn marks_can_be_undone() {
    let place = Place::new();
    let library = place.open();
    let (a, b) = (add(&library, "a", 1), add(&library, "b", 2));
    library.mark(&[a], 1).unwrap();
    let before = library.mark(&[a, b], 5).unwrap();
    assert_eq!(before, [Marks { id: a, rating: 1 }, Marks { id: b, rating: 0 }]);
    library.set_marks(&before).unwrap();
    assert_eq!(library.marks(&[a, b]).unwrap(), before);
    let wrong = library.set_marks(&[Marks { id: a, rating: 2 }, Marks { id: b, rating: 6 }]);
    assert!(matches!(wrong, Err(LibraryError::Field { field: "rating", .. })));
    assert_eq!(library.marks(&[a, b]).unwrap(), before, "all change, or none");
}

#[test]
fn tags_and_boards() {
    let place = Place::new();
    let library = place.open();
    let (a, b) = (add(&library, "a fox", 1), add(&library, "a cat", 2));
    let (client, red) = ("Client Work".to_owned(), "red".to_owned());
    assert_eq!(library.tag(&[b], std::slice::from_ref(&red), &[]).unwrap(), [b]);
    let changed = library.tag(&[a, b], std::slice::from_ref(&red), &[]).unwrap();
    assert_eq!(changed, [a], "b had it already");
    assert_eq!(library.tag(&[a, b], &[client, red], &[]).unwrap(), [a, b]);
    assert_eq!(library.tag(&[a, b], &["RED".to_owned()], &["blue".to_owned()]).unwrap(), []);
    library.tag(&[b], &["client work".to_owned()], &["red".to_owned()]).unwrap();
    assert_eq!(library.tags_of(a).unwrap(), ["Client Work", "red"]);
    assert_eq!(library.tags_of(b).unwrap(), ["Client Work"], "a tag is one in any case");
    assert_eq!(library.tags().unwrap(), [("Client Work".to_owned(), 2), ("red".to_owned(), 1)]);
    assert!(library.tag(&[a], &["two\nlines".to_owned()], &[]).is_err());
    library.tag(&[a], &[], &["red".to_owned()]).unwrap();
    assert_eq!(library.tags().unwrap().len(), 1, "what no picture has is forgotten");

    let board = library.board_create("  Ideas ", NOON).unwrap();
    assert_eq!(library.board_add(board, &[a, b], NOON).unwrap(), [a, b]);
    assert_eq!(library.board_add(board, &[a], NOON).unwrap(), []);
    assert_eq!(library.boards().unwrap()[0].count, 2);
    library.trash(&[b], NOON).unwrap();
    assert_eq!(library.boards().unwrap()[0].count, 1, "the trash is not counted");
    assert_eq!(library.board_remove(board, &[a, b]).unwrap(), [a, b]);
    library.board_rename(board, "Old ideas").unwrap();
    assert_eq!(library.boards().unwrap()[0].name, "Old ideas");
    library.board_delete(board).unwrap();
    assert!(matches!(library.board_rename(board, "x"), Err(LibraryError::NotFound { .. })));
    assert!(library.board_create("", NOON).is_err());
}

#[test]
fn what_is_deleted_for_good_does_not_come_back() {
    let place = Place::new();
    let library = place.open();
    let ids: Vec<_> = (0..3).map(|seed| add(&library, "a fox", seed)).collect();
    let paths: Vec<_> = ids.iter().map(|&id| library.path_of(id).unwrap()).collect();
    let bytes = std::fs::read(&paths[1]).unwrap();
    library.trash(&ids, NOON).unwrap();
    // A folder in its place stands for a file that another program holds.
    std::fs::remove_file(&paths[1]).unwrap();
    std::fs::create_dir_all(paths[1].join("held")).unwrap();
    assert!(library.empty_trash().is_err(), "it says so");
    assert!(!paths[0].exists() && !paths[2].exists(), "all others are gone");
    assert_eq!(
        library.page(&Filter { trashed: true, ..Filter::default() }, None, 9).unwrap().total,
        0
    );
    library.close().unwrap();

    // Killed before the file went: the next one to open deletes it, and takes nothing in.
    std::fs::remove_dir_all(&paths[1]).unwrap();
    std::fs::write(&paths[1], &bytes).unwrap();
    let source = ThumbnailSource { id: ids[1], path: paths[1].clone() };
    make_thumbnails(place.path(), &source).unwrap();
    let database = rusqlite::Connection::open(place.path().join("library.sqlite")).unwrap();
    database.execute("UPDATE session SET open_since = ?1", [NOON]).unwrap();
    drop(database);
    let library = place.open();
    assert_eq!((library.adopted(), library.pictures().unwrap()), (0, 0));
    assert!(!paths[1].exists());
    assert!(files(&place.path().join("thumbnails")).is_empty(), "nor small copies of it");
    // One who was making them while it was deleted.
    let aside = tempfile::tempdir().unwrap();
    std::fs::write(aside.path().join("fox.png"), &bytes).unwrap();
    let source = ThumbnailSource { id: ids[1], path: aside.path().join("fox.png") };
    make_thumbnails(place.path(), &source).unwrap();
    library.thumbnails_made(&ids[1..2]).unwrap();
    assert!(files(&place.path().join("thumbnails")).is_empty());

    // Made again, it is a picture like any other, also to the next purge.
    let again = add(&library, "a fox", 1);
    assert_eq!(again, ids[1]);
    let other = add(&library, "a cat", 9);
    library.trash(&[other], NOON).unwrap();
    assert_eq!(library.empty_trash().unwrap(), 1);
    assert!(library.check(likeness_library::care::Depth::Full).unwrap().is_clean());
}

#[test]
fn a_picture_that_is_made_again_while_it_is_deleted_has_its_file() {
    let place = Place::new();
    let library = place.open();
    let id = add(&library, "a fox", 1);
    let bytes = std::fs::read(library.path_of(id).unwrap()).unwrap();
    library.trash(&[id], NOON).unwrap();
    let picture = NewPicture::read(&bytes).unwrap();
    let stored = store_file(place.path(), &bytes, picture.format, NOON).unwrap();
    library.empty_trash().unwrap();
    assert_eq!(library.add_stored(&picture, &stored, NOON).unwrap(), (id, true));
    assert_eq!(std::fs::read(library.path_of(id).unwrap()).unwrap(), bytes);
}

#[test]
fn the_trash_keeps_until_it_is_purged() {
    let place = Place::new();
    let library = place.open();
    let (a, b) = (add(&library, "a", 1), add(&library, "b", 2));
    let path = library.path_of(a).unwrap();
    let source = library.thumbnail_source(a).unwrap();
    make_thumbnails(place.path(), &source).unwrap();
    assert_eq!(library.trash(&[a], NOON).unwrap(), [a]);
    assert_eq!(library.trash(&[a, b], NOON + DAY).unwrap(), [b], "only what was not in it");
    assert_eq!(library.restore(&[b]).unwrap(), [b]);
    assert_eq!(library.purge(&[b]).unwrap(), 0, "only what is in the trash can be purged");
    assert_eq!(library.purge_expired(30, NOON + 30 * DAY, NOON + 90 * DAY).unwrap(), 0);
    assert!(path.exists());
    assert_eq!(library.purge_expired(30, NOON + 31 * DAY, NOON + 31 * DAY).unwrap(), 1);
    assert!(!path.exists());
    assert!(files(&place.path().join("thumbnails")).is_empty());
    assert!(matches!(library.picture(a), Err(LibraryError::NotFound { what: "picture", .. })));
    let search = Filter { text: Some("a".to_owned()), ..Default::default() };
    assert_eq!(library.page(&search, None, 9).unwrap().total, 0, "the search forgot it");
    assert!(library.check(likeness_library::care::Depth::Full).unwrap().is_clean());
}

#[test]
fn lineage_is_a_tree_around_a_picture() {
    let place = Place::new();
    let library = place.open();
    let parent = |id, relation| Parent { id, relation };
    let root = add(&library, "root", 1);
    let gone = PictureId::of(b"not here");
    let variation = [parent(root, Relation::Variation), parent(gone, Relation::Reference)];
    let left = add_from(&library, "left", 2, &variation);
    let right = add_from(&library, "right", 3, &[parent(root, Relation::Edit)]);
    let leaf = add_from(&library, "leaf", 4, &[parent(left, Relation::Remix)]);
    let other = add(&library, "other", 5);
    let ids = |rows: Vec<likeness_library::PictureRow>| -> Vec<PictureId> {
        rows.into_iter().map(|row| row.id).collect()
    };
    let children = |most| {
        let (rows, all) = library.children(root, most).unwrap();
        (ids(rows), all)
    };
    assert_eq!(children(24), (vec![left, right], 2));
    assert_eq!(children(1), (vec![right], 2), "the latest");
    assert_eq!(ids(library.parents(left).unwrap()), [root], "one parent is not in the library");
    assert_eq!(library.parents_of(left).unwrap().len(), 2, "and is remembered");
    assert_eq!(library.picture(left).unwrap().parents, 2);
    let tree = library.lineage(leaf).unwrap();
    assert_eq!(ids(tree.pictures), [root, left, right, leaf]);
    assert_eq!(tree.edges.len(), 3);
    assert_eq!(ids(library.lineage(other).unwrap().pictures), [other]);
}

#[test]
fn an_asset_is_any_picture_that_a_request_uses() {
    let place = Place::new();
    let library = place.open();
    let bytes = file(&recipe("a mug", 1), Format::Jpeg);
    let asset = library.add_asset(&bytes, "mug.jpg", NOON).unwrap();
    assert_eq!((asset.width, asset.height, asset.name.as_str()), (8, 4, "mug.jpg"));
    assert_eq!(library.add_asset(&bytes, "again.jpg", NOON).unwrap(), asset);
    assert_eq!(std::fs::read(library.asset_path(asset.sha256).unwrap()).unwrap(), bytes);
    let picture = add(&library, "a fox on the beach", 2);
    assert_eq!(library.asset(picture).unwrap().name, "a fox on the beach");
    assert_eq!(library.asset_path(picture).unwrap(), library.path_of(picture).unwrap());
    assert!(matches!(
        library.add_asset(b"no picture", "x.png", NOON),
        Err(LibraryError::Picture { .. })
    ));
    assert!(matches!(library.asset(PictureId::of(b"x")), Err(LibraryError::NotFound { .. })));
}

#[test]
fn thumbnails_are_made_without_the_connection() {
    let place = Place::new();
    let library = place.open();
    let id = add(&library, "a fox", 1);
    let missing = library.missing_thumbnails(9).unwrap();
    assert_eq!(missing.len(), 1);
    make_thumbnails(place.path(), &missing[0]).unwrap();
    library.thumbnails_made(&[id]).unwrap();
    assert_eq!(library.missing_thumbnails(9).unwrap(), []);
    let path = thumbnail_path(place.path(), 128, id);
    let small = read_picture(&path, &Limits::default()).unwrap();
    assert_eq!((small.format, small.pixels.width), (Format::WebP, 8), "a small one stays as it is");
    assert!(THUMBNAIL_SIZES.iter().all(|&size| thumbnail_path(place.path(), size, id).exists()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(make_thumbnail(place.path(), &missing[0], 128).unwrap(), path);
    assert!(path.exists());
    assert!(make_thumbnail(place.path(), &missing[0], 100).is_err());
}

#[test]
fn a_large_picture_becomes_small_in_three_sizes() {
    let place = Place::new();
    let library = place.open();
    let mut recipe = recipe("wide", 1);
    (recipe.width, recipe.height) = (1000, 500);
    let data = (0..1000 * 500 * 4).map(|at| (at / 4000) as u8).collect();
    let pixels = likeness_recipe::Pixels { width: 1000, height: 500, channels: 4, data };
    let bytes = likeness_picture::encode(&pixels, Format::Png, &recipe).unwrap();
    let (id, _) = library.add_picture(&NewPicture::read(&bytes).unwrap(), NOON).unwrap();
    assert!(library.picture(id).unwrap().alpha);
    make_thumbnails(place.path(), &library.thumbnail_source(id).unwrap()).unwrap();
    for size in THUMBNAIL_SIZES {
        let made = read_picture(&thumbnail_path(place.path(), size, id), &Limits::default());
        let made = made.unwrap().pixels;
        assert_eq!((made.width, made.height, made.channels), (size, size / 2, 4));
    }
}

#[test]
fn settings_prompts_models_and_connections() {
    let place = Place::new();
    let library = place.open();
    assert_eq!(library.setting("theme").unwrap(), None);
    library.set_setting("theme", "\"dark\"").unwrap();
    library.set_setting("theme", "\"light\"").unwrap();
    assert_eq!(library.setting("theme").unwrap().as_deref(), Some("\"light\""));

    for (at, prompt) in ["a fox", "A cat", "a fox", "  ", "a_fox"].into_iter().enumerate() {
        library.prompt_used(prompt, NOON + at as i64).unwrap();
    }
    let texts = |prefix: &str, before, limit| -> Vec<String> {
        let found = library.prompts(prefix, before, limit).unwrap();
        found.into_iter().map(|prompt| prompt.text).collect()
    };
    assert_eq!(texts("", None, 9), ["a_fox", "a fox", "A cat"]);
    assert_eq!(texts("a ", None, 9), ["a fox", "A cat"], "a prefix is no pattern");
    let first = library.prompts("", None, 1).unwrap()[0].id;
    assert_eq!(texts("", Some(first), 1), ["a fox"]);
    assert_eq!(library.prompts("a f", None, 9).unwrap()[0].count, 2);

    add(&library, "a fox", 1);
    let seen = library.models_seen().unwrap();
    assert_eq!((seen[0].model.name.as_str(), seen[0].pictures), ("likeness-starter", 1));
    assert_eq!(library.connections().unwrap(), [], "nothing has ever opened one");
}

#[test]
fn another_form_of_a_picture_takes_its_mark_and_tags() {
    let place = Place::new();
    let library = place.open();
    let small = add(&library, "a fox", 1);
    library.mark(&[small], 4).unwrap();
    library.tag(&[small], &["client".to_owned()], &[]).unwrap();
    let bytes = file(&recipe("a fox", 2), Format::Png);
    let picture = NewPicture {
        enlarged: Some(2),
        marked_as: Some(small),
        ..NewPicture::read(&bytes).unwrap()
    };
    let (large, _) = library.add_picture(&picture, NOON).unwrap();
    let row = library.picture(large).unwrap();
    assert_eq!((row.rating, row.enlarged), (4, Some(2)));
    assert_eq!(library.tags_of(large).unwrap(), ["client"]);
    let tagged = Filter { text: Some("client".to_owned()), ..Filter::default() };
    assert_eq!(library.page(&tagged, None, 9).unwrap().total, 2, "the search knows it too");
    // What a person says of it afterwards stays when it is made again.
    library.mark(&[large], 1).unwrap();
    library.add_picture(&picture, NOON).unwrap();
    assert_eq!(library.picture(large).unwrap().rating, 1);
    // One that is not there has no marks to give.
    let other = file(&recipe("a fox", 3), Format::Png);
    let nobody = Some(PictureId::of(b"nobody"));
    let picture = NewPicture { marked_as: nobody, ..NewPicture::read(&other).unwrap() };
    library.add_picture(&picture, NOON).unwrap();
}
