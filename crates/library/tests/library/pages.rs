use likeness_library::{
    Cursor, Filter, Library, LibraryError, MAX_PAGE, NewPicture, Order, PictureId,
};
use likeness_picture::Format;
use proptest::prelude::*;

use crate::making::{NOON, Place, add, file, recipe};

/// All pages of a filter, `limit` at a time.
fn walk(library: &Library, filter: &Filter, limit: u32) -> Vec<PictureId> {
    let (mut found, mut after, mut total) = (Vec::new(), None, None);
    loop {
        let page = library.page(filter, after, limit).unwrap();
        assert_eq!(*total.get_or_insert(page.total), page.total, "the total stays");
        found.extend(page.items.into_iter().map(|row| row.id));
        match page.next {
            // A host hands it on as text.
            Some(next) => after = Some(next.to_string().parse::<Cursor>().unwrap()),
            None => break,
        }
    }
    assert_eq!(Some(found.len() as u64), total);
    found
}

fn text(text: &str) -> Filter {
    Filter { text: Some(text.to_owned()), ..Filter::default() }
}

#[test]
fn the_search_finds_words_as_they_are_typed() {
    let place = Place::new();
    let library = place.open();
    let mut fox = recipe("A red fox, café in the snow", 1);
    fox.negative = "blurry dog".to_owned();
    let bytes = file(&fox, Format::Png);
    let mut picture = NewPicture::read(&bytes).unwrap();
    picture.subject = Some("Reynard".to_owned());
    let (fox, _) = library.add_picture(&picture, NOON).unwrap();
    let cat = add(&library, "一只红色的猫", 2);
    let dog = add(&library, "a dog; DROP TABLE pictures", 3);
    library.tag(&[dog], &["客户 work".to_owned()], &[]).unwrap();
    for (query, expected) in [
        ("", vec![dog, cat, fox]),
        ("fox", vec![fox]),
        ("FO", vec![fox]),
        ("ox", vec![]),
        ("snow red", vec![fox]),
        ("cafe", vec![fox]),
        ("reyn", vec![fox]),
        ("\"red fox\"", vec![fox]),
        ("\"fox red\"", vec![]),
        ("a -fox", vec![dog]),
        ("-fox", vec![dog, cat]),
        ("blurry", vec![]),
        ("negative:blur", vec![fox]),
        ("猫", vec![cat]),
        ("红色", vec![cat]),
        ("色红", vec![]),
        ("客户", vec![dog]),
        ("\"; --", vec![dog, cat, fox]),
        ("(* NEAR", vec![]),
    ] {
        assert_eq!(walk(&library, &text(query), 2), expected, "{query}");
    }
    library.tag(&[dog], &[], &["客户 WORK".to_owned()]).unwrap();
    assert_eq!(walk(&library, &text("客户"), 2), [], "a tag that is taken away is not found");
    assert!(matches!(
        library.page(&text(&"word ".repeat(30)), None, 9),
        Err(LibraryError::Field { field: "text", .. })
    ));
}

#[test]
fn filters_by_what_is_known() {
    let place = Place::new();
    let library = place.open();
    let (a, b, c) = (add(&library, "a", 1), add(&library, "b", 2), add(&library, "c", 3));
    library.mark(&[a], 3).unwrap();
    library.mark(&[b], 5).unwrap();
    let board = library.board_create("ideas", NOON).unwrap();
    library.board_add(board, &[a, c], NOON).unwrap();
    library.tag(&[c], &["Red".to_owned()], &[]).unwrap();
    library.trash(&[b], NOON).unwrap();
    let all = Filter::default();
    for (filter, expected) in [
        (all.clone(), vec![c, a]),
        (Filter { order: Order::Oldest, ..all.clone() }, vec![a, c]),
        (Filter { order: Order::Best, ..all.clone() }, vec![a, c]),
        (Filter { trashed: true, ..all.clone() }, vec![b]),
        (Filter { min_rating: Some(3), ..all.clone() }, vec![a]),
        (Filter { board: Some(board), ..all.clone() }, vec![c, a]),
        (Filter { board: Some(board + 1), ..all.clone() }, vec![]),
        (Filter { tag: Some("red".to_owned()), ..all.clone() }, vec![c]),
        (Filter { model: Some("likeness-starter".to_owned()), ..all.clone() }, vec![c, a]),
        (Filter { model: Some("other".to_owned()), ..all.clone() }, vec![]),
        (Filter { width: Some(8), height: Some(4), ..all.clone() }, vec![c, a]),
        (Filter { width: Some(9), ..all.clone() }, vec![]),
        (Filter { from: Some(NOON + 3), ..all.clone() }, vec![c]),
        (Filter { to: Some(NOON + 3), ..all.clone() }, vec![a]),
        (Filter { subject: Some("fox".to_owned()), ..all.clone() }, vec![]),
        (Filter { run: Some("none".to_owned()), ..all.clone() }, vec![]),
    ] {
        assert_eq!(walk(&library, &filter, 1), expected, "{filter:?}");
    }
    let facets = library.facets(false).unwrap();
    assert_eq!(facets.models, [("likeness-starter".to_owned(), 2)]);
    assert_eq!(facets.sizes, [(8, 4, 2)]);
    assert_eq!(facets.tags, [("Red".to_owned(), 1)]);
    assert_eq!(facets.subjects, []);
}

#[test]
fn a_page_goes_on_where_the_last_ended() {
    let place = Place::new();
    let library = place.open();
    let ids: Vec<_> = (1..=5).map(|seed| add(&library, "a", seed)).collect();
    let first = library.page(&Filter::default(), None, 2).unwrap();
    // What comes and goes meanwhile shifts nothing.
    add(&library, "a", 6);
    library.trash(&[ids[4]], NOON).unwrap();
    let second = library.page(&Filter::default(), first.next, 2).unwrap();
    let found: Vec<_> = second.items.iter().map(|row| row.id).collect();
    assert_eq!(found, [ids[2], ids[1]]);
    let best = Filter { order: Order::Best, ..Filter::default() };
    for wrong in [
        library.page(&best, first.next, 2),
        library.page(&Filter::default(), None, 0),
        library.page(&Filter::default(), None, MAX_PAGE + 1),
    ] {
        assert!(matches!(wrong, Err(LibraryError::Field { .. })), "{wrong:?}");
    }
    for cursor in ["", "0.0.1", "0.0.1.2.3", "x", "0.999.1.2", "0.0.1.-2"] {
        assert!(cursor.parse::<Cursor>().is_err(), "{cursor}");
    }
}

#[test]
fn a_reader_pages_while_the_library_is_written() {
    let place = Place::new();
    let library = place.open();
    let reader = library.reader().unwrap();
    let thread =
        std::thread::spawn(
            move || {
                while reader.page(&Filter::default(), None, 100).unwrap().total < 20 {}
            },
        );
    for seed in 0..20 {
        add(&library, "a", seed);
    }
    thread.join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..Default::default() })]

    /// Pages of any size show what a plain sort of all pictures shows.
    #[test]
    fn pages_are_the_sorted_whole(
        marks in prop::collection::vec((0u8..=5, any::<bool>()), 0..12),
        limit in 1u32..5,
    ) {
        let place = Place::new();
        let library = place.open();
        let mut rows = Vec::new();
        for (seed, (rating, trashed)) in marks.into_iter().enumerate() {
            let id = add(&library, "a", seed as u64);
            library.mark(&[id], rating).unwrap();
            if trashed {
                library.trash(&[id], NOON).unwrap();
            }
            rows.push((rating, seed, trashed, id));
        }
        for trashed in [false, true] {
            for order in [Order::Newest, Order::Oldest, Order::Best] {
                let mut wanted: Vec<_> = rows.iter().filter(|row| row.2 == trashed).collect();
                match order {
                    Order::Newest => wanted.reverse(),
                    Order::Oldest => {}
                    Order::Best => wanted.sort_by(|a, b| b.cmp(a)),
                }
                let wanted: Vec<_> = wanted.into_iter().map(|row| row.3).collect();
                let filter = Filter { trashed, order, ..Filter::default() };
                prop_assert_eq!(walk(&library, &filter, limit), wanted, "{:?}", filter);
            }
        }
    }
}
