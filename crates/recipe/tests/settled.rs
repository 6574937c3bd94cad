//! What is settled before anything is drawn: sizes that were measured, words that are read, alpha. Recipes
//! of before keep the rules of then.

mod common;

use std::sync::Arc;

use common::starter;
use likeness_recipe::*;

const SQUARE: Size = Size { width: 128, height: 128 };

/// The starter with what its manifest says.
fn listed() -> ModelCapabilities {
    let set = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
    ModelCapabilities {
        sizes: vec![SQUARE],
        vocabulary: Some(Arc::new(Vocabulary {
            known: set(&["a", "fox", "on a beach", "sticker", "make", "it", "red"]),
            shown: set(&["robot"]),
            grounds: set(&["on a beach"]),
            cut_out: set(&["sticker"]),
        })),
        // A token a word.
        tokens: Some(TokenCounter {
            most: 6,
            count: Arc::new(|text| Some(text.split_whitespace().count())),
        }),
        ..starter()
    }
}

fn sized(width: u32, height: u32) -> Recipe {
    Recipe { width: Some(width), height: Some(height), ..Recipe::new("a fox") }
}

/// The same made from a picture, whose pixels nobody looks at here.
fn from_picture(recipe: Recipe) -> Recipe {
    let edited = Reference { role: Role::Edit, sha256: String::new(), name: None, guard: None };
    Recipe { references: vec![edited], ..recipe }
}

fn resolved(recipe: &Recipe) -> ResolvedRecipe {
    let resolved = resolve(recipe, &listed(), || 7).expect("it can be met");
    let again = resolve(&resolved.low(), &listed(), || unreachable!());
    assert_eq!(again.as_ref(), Ok(&resolved), "it resolves to itself");
    assert_eq!(ResolvedRecipe::from_json(&resolved.to_json()).as_ref(), Ok(&resolved));
    resolved
}

#[track_caller]
fn refused(recipe: &Recipe, field: &str, words: &[&str]) {
    let error = resolve(recipe, &listed(), || 7).expect_err("it is accepted");
    assert_eq!(error.field, field, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in {error}");
    }
}

#[test]
fn sizes_that_nobody_measured_are_not_drawn() {
    assert_eq!(resolved(&sized(128, 128)).drawn_size(), SQUARE);
    for (width, height) in [(160, 96), (144, 112), (64, 64), (0, 128), (1_000_000, 128)] {
        let words = [&*format!("{width}x{height}"), "likeness-starter", "accepted: 128x128"];
        refused(&sized(width, height), "size", &words);
    }
}

#[test]
fn a_recipe_of_before_keeps_its_size_and_its_schema() {
    let before = Recipe { schema: Some(3), ..sized(160, 96) };
    let again = resolved(&before);
    assert_eq!((again.schema, again.width, again.height, again.canvas), (3, 160, 96, None));
    assert_eq!(again.alpha, Alpha::Drawn);
    refused(&Recipe { schema: Some(3), ..sized(1600, 96) }, "size", &["too large"]);
    refused(&Recipe { schema: Some(5), ..sized(160, 96) }, "size", &["never measured"]);
}

#[test]
fn a_picture_made_from_another_keeps_its_shape_on_a_measured_canvas() {
    let like = |width, height| listed().size_like(Size { width, height }).to_string();
    assert_eq!(like(1500, 1000), "128x85");
    assert_eq!(like(1000, 1500), "85x128");
    assert_eq!(like(512, 512), "128x128");
    assert_eq!(like(9000, 10), "128x1", "no side is nothing");
    for (width, height) in [(128, 85), (85, 128), (128, 1)] {
        let recipe = resolved(&from_picture(sized(width, height)));
        assert_eq!(recipe.size(), Size { width, height });
        assert_eq!(recipe.drawn_size(), SQUARE);
        refused(&sized(width, height), "size", &["never measured"]);
    }
    assert_eq!(resolved(&from_picture(sized(128, 128))).canvas, None);
    for (width, height) in [(100, 85), (129, 128), (0, 128), (256, 170)] {
        refused(&from_picture(sized(width, height)), "size", &["accepted: 128x128"]);
    }
}

#[test]
fn what_is_to_have_another_shape_is_drawn_in_the_nearest_that_was_measured() {
    let wide = Size { width: 160, height: 96 };
    let able = ModelCapabilities { sizes: vec![SQUARE, wide], ..starter() };
    let like = |width, height| able.drawn_like(Size { width, height });
    assert_eq!((like(1080, 1080), like(1080, 1350), like(1920, 1080)), (SQUARE, SQUARE, wide));
    assert_eq!(listed().drawn_like(Size { width: 1920, height: 1080 }), SQUARE);
    assert_eq!(starter().drawn_like(Size { width: 1500, height: 1000 }).to_string(), "160x112");
}

#[test]
fn a_canvas_that_is_said_stays_and_must_be_one() {
    let on =
        |recipe: Recipe, width, height| Recipe { canvas: Some(Canvas { width, height }), ..recipe };
    let recipe = resolved(&on(from_picture(sized(100, 60)), 128, 128));
    assert_eq!((recipe.width, recipe.drawn_size()), (100, SQUARE));
    refused(&on(from_picture(sized(100, 60)), 160, 96), "canvas", &["never measured at 160x96"]);
    refused(&on(sized(100, 60), 128, 128), "canvas", &["a picture to change"]);
    refused(&on(from_picture(sized(130, 60)), 128, 128), "canvas", &["130x60"]);
    refused(&on(from_picture(sized(0, 60)), 128, 128), "canvas", &["0x60"]);
}

#[test]
fn alpha_is_what_the_prompt_asks_for() {
    let plain = |prompt: &str| Recipe::new(prompt);
    for (recipe, alpha) in [
        (plain("a fox on a beach"), Alpha::Opaque),
        (plain("a fox"), Alpha::Opaque),
        (plain("a fox, sticker"), Alpha::Drawn),
        (from_picture(plain("make it red")), Alpha::Source),
        (from_picture(plain("a fox on a beach")), Alpha::Opaque),
        (from_picture(plain("sticker")), Alpha::Drawn),
    ] {
        assert_eq!(resolved(&recipe).alpha, alpha, "{}", recipe.prompt);
    }
    let said = |alpha: &str, recipe| Recipe { alpha: Some(alpha.to_owned()), ..recipe };
    assert_eq!(resolved(&said("drawn", plain("a fox on a beach"))).alpha, Alpha::Drawn);
    assert_eq!(resolved(&said("opaque", plain("a fox, sticker"))).alpha, Alpha::Opaque);
    refused(&said("soft", plain("a fox")), "alpha", &["soft", "drawn, opaque, source"]);
    refused(&said("source", plain("a fox")), "alpha", &["no picture", "drawn, opaque"]);
    let unlisted = resolve(&plain("a fox on a beach"), &starter(), || 7).expect("it can be met");
    assert_eq!(unlisted.alpha, Alpha::Drawn, "of such words nothing is known");
}

#[test]
fn marks_are_never_drawn_as_words() {
    let recipe = resolved(&Recipe::new("a (red:1.3) fox"));
    assert_eq!(
        (recipe.prompt.as_str(), recipe.read.as_deref()),
        ("a (red:1.3) fox", Some("a red fox"))
    );
    let negative =
        Recipe { negative: Some("(fox:2)".into()), guidance: Some(2.0), ..Recipe::new("a fox") };
    let recipe = resolved(&negative);
    assert_eq!((recipe.read, recipe.read_negative.as_deref()), (None, Some("fox")));
    for (mark, word) in
        [("{red|blue}", "variants"), ("__x__", "wildcards"), ("<lora:x:1>", "addition")]
    {
        let marked = format!("a {mark} fox");
        refused(&Recipe::new(&marked), "prompt", &[mark, "character 3", word]);
        refused(
            &Recipe { negative: Some(marked.clone()), ..negative.clone() },
            "negative",
            &[mark],
        );
        let before = resolved(&Recipe { schema: Some(3), ..Recipe::new(&marked) });
        assert_eq!(before.read, None, "it drew that as words, and does so again");
    }
    let weighs = ModelCapabilities { weights: true, ..listed() };
    let recipe = resolve(&Recipe::new("a (red:1.3) fox"), &weighs, || 7).expect("it can be met");
    assert_eq!(recipe.read, None);
}

#[test]
fn too_many_tokens_are_found_before_anything_is_queued() {
    let most = ["fox"; 6].join(" ");
    resolved(&Recipe::new(&most));
    let words = ["7 tokens", "at most 6"];
    refused(&Recipe::new(format!("{most} fox")), "prompt", &words);
    let negative = Some(format!("{most} fox"));
    refused(&Recipe { negative, guidance: Some(2.0), ..Recipe::new("fox") }, "negative", &words);
    assert_eq!(listed().tokens("a red fox"), Some((3, 6)));
    assert_eq!(listed().tokens("(a red fox :1.2)"), Some((3, 6)), "marks are not read");
    assert_eq!(starter().tokens("a red fox"), None);
}

#[test]
fn a_mask_goes_farther_where_nothing_is_said() {
    let masked = |mask: bool, strength| Recipe {
        init: Some(InitChoice { sha256: String::new(), strength }),
        mask: mask.then(|| Mask { sha256: String::new() }),
        ..Recipe::new("a fox")
    };
    let strength = |recipe: &Recipe| resolved(recipe).init.expect("it begins from one").strength;
    let defaults = listed().defaults;
    assert_eq!(strength(&masked(false, None)), defaults.strength);
    assert_eq!(strength(&masked(true, None)), defaults.masked_strength);
    assert_eq!(strength(&masked(true, Some(0.3))), 0.3);
}

#[test]
fn a_prompt_is_told_about_in_its_order() {
    let notes = |prompt: &str, shown| {
        let notes = listed().notes(prompt, shown).into_iter();
        notes.map(|note| format!("{} {}", note.kind, note.text)).collect::<Vec<_>>()
    };
    assert_eq!(
        notes("a robot {a|b} (red:1.2) cat", false),
        ["unknown_word robot", "variant {a|b}", "weight (red:1.2)", "unknown_word cat",]
    );
    assert_eq!(notes("a robot", true), [""; 0]);
    assert_eq!(starter().notes("一只狐狸 (x:2)", false).len(), 1, "its words are not known");
}
