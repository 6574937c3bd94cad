//! Every bad field is refused by its name, with what would do; everything left open is filled in.

mod common;

use common::starter;
use likeness_recipe::{
    InitChoice, Lora, Mask, ModelChoice, Recipe, Reference, ResolvedRecipe, Role, SCHEMA, Seed,
    resolve,
};

fn fox() -> Recipe {
    Recipe::new("a red fox")
}

/// `recipe` is refused, on `field`, in a line that holds all of `words`.
#[track_caller]
fn refused(recipe: Recipe, field: &str, words: &[&str]) {
    let error = resolve(&recipe, &starter(), || 0).expect_err("it is accepted");
    assert_eq!(error.field, field, "{error}");
    let line = error.to_string();
    assert!(!line.contains('\n'), "more than one line: {line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line:?}");
    }
}

fn reference(role: Role) -> Reference {
    Reference { role, sha256: "ab".repeat(32), name: None, guard: None }
}

#[test]
fn defaults_are_the_models() {
    let resolved = resolve(&fox(), &starter(), || 7).unwrap();
    let caps = starter();
    assert_eq!((resolved.width, resolved.height), (128, 128));
    assert_eq!((resolved.steps, resolved.guidance), (4, 1.0));
    assert_eq!(
        (resolved.sampler, resolved.schedule),
        (caps.defaults.sampler, caps.defaults.schedule)
    );
    assert_eq!((resolved.seed, resolved.count), (7, 1));
    assert_eq!(resolved.model, caps.model);
}

#[test]
fn a_random_seed_is_one_that_other_programs_can_hold() {
    for seed in [None, Some(Seed::Random)] {
        let resolved = resolve(&Recipe { seed, ..fox() }, &starter(), || u64::MAX).unwrap();
        assert_eq!(resolved.seed, u64::from(u32::MAX));
    }
    let seed = Some(Seed::Fixed(u64::MAX));
    let resolved = resolve(&Recipe { seed, ..fox() }, &starter(), || unreachable!()).unwrap();
    assert_eq!(resolved.seed, u64::MAX, "a seed that was given is kept whole");
    assert_eq!(resolved.picture(2).seed, 1, "seeds go round at the end");
}

#[test]
fn prompts() {
    refused(Recipe::new(""), "prompt", &["empty"]);
    refused(Recipe::new(" \n"), "prompt", &["empty"]);
    refused(Recipe::new("é".repeat(4001)), "prompt", &["4001", "4000"]);
    refused(Recipe::new("a\0b"), "prompt", &["U+0000"]);
    resolve(&Recipe::new("é".repeat(4000)), &starter(), || 0).expect("characters count, not bytes");
    resolve(&Recipe::new("a\r\n\tb"), &starter(), || 0).expect("line breaks and tabs are text");
}

#[test]
fn sizes() {
    let sized = |width, height| Recipe { width: Some(width), height: Some(height), ..fox() };
    refused(sized(130, 128), "size", &["130x128", "multiple of 16", "128x128, 144x128"]);
    refused(sized(130, 100), "size", &["128x96", "144x96", "128x112", "144x112"]);
    refused(sized(1024, 128), "size", &["too large", "nearest: 256x128"]);
    refused(sized(u32::MAX, u32::MAX), "size", &["too large", "nearest: 256x256"]);
    refused(sized(0, 128), "size", &["too small", "nearest: 64x128"]);
    resolve(&sized(64, 256), &starter(), || 0).unwrap();
}

#[test]
fn numbers() {
    refused(Recipe { steps: Some(0), ..fox() }, "steps", &["0", "1 to 100"]);
    refused(Recipe { steps: Some(101), ..fox() }, "steps", &["1 to 100"]);
    refused(Recipe { count: Some(0), ..fox() }, "count", &["1 to 1000"]);
    for guidance in [-1.0, 31.0, f32::NAN, f32::INFINITY] {
        refused(Recipe { guidance: Some(guidance), ..fox() }, "guidance", &["0 to 30"]);
    }
}

#[test]
fn names() {
    let named = |name: &str| Some(name.to_owned());
    refused(
        Recipe { sampler: named("eulr"), ..fox() },
        "sampler",
        &["unknown", "flow_euler, flow_heun"],
    );
    refused(
        Recipe { sampler: named("ddim"), ..fox() },
        "sampler",
        &["flux2", "ddim", "flow_euler"],
    );
    refused(
        Recipe { schedule: named("karras"), ..fox() },
        "schedule",
        &["flux2", "karras", "default"],
    );
    refused(Recipe { schedule: named("x"), ..fox() }, "schedule", &["unknown"]);
    refused(Recipe { precision: named("int8"), ..fox() }, "precision", &["int8", "f32, bf16"]);
    refused(Recipe { noise_source: named("cuda"), ..fox() }, "noise_source", &["likeness, torch"]);
    refused(
        Recipe { approximations: vec!["teacache".into()], ..fox() },
        "approximations",
        &["teacache"],
    );
    resolve(&Recipe { precision: named("auto"), ..fox() }, &starter(), || 0).unwrap();
}

#[test]
fn what_a_family_does_not_have() {
    let init = Some(InitChoice { sha256: String::new(), strength: None });
    let mask = Some(Mask { sha256: String::new() });
    let loras = vec![Lora { name: "x".into(), sha256: String::new(), weight: 1.0 }];
    refused(Recipe { mask: mask.clone(), ..fox() }, "mask", &["picture"]);
    refused(Recipe { loras: loras.clone(), ..fox() }, "loras", &["LoRA", "flux2"]);
    let mut bare = starter();
    (bare.init, bare.mask, bare.negative) = (false, false, false);
    let negative = Some("blurry".to_owned());
    for (recipe, field) in [
        (Recipe { init, ..fox() }, "init"),
        (Recipe { mask, ..fox() }, "mask"),
        (Recipe { negative: negative.clone(), ..fox() }, "negative"),
    ] {
        assert_eq!(resolve(&recipe, &bare, || 0).unwrap_err().field, field);
    }
    refused(Recipe { negative, ..fox() }, "negative", &["no effect at guidance 1"]);
}

#[test]
fn pictures_beside_the_prompt() {
    refused(
        Recipe { references: vec![reference(Role::Subject); 4], ..fox() },
        "references",
        &["4", "at most 3"],
    );
    let edit_second = vec![reference(Role::Subject), reference(Role::Edit)];
    refused(Recipe { references: edit_second, ..fox() }, "references[1].role", &["first"]);
    for strength in [0.0, 1.5, f32::NAN] {
        let init = Some(InitChoice { sha256: String::new(), strength: Some(strength) });
        refused(Recipe { init, ..fox() }, "init.strength", &["above 0, up to 1"]);
    }
}

#[test]
fn a_picture_to_edit_is_guarded_unless_somebody_says_no() {
    let guarded =
        |role, guard| Recipe { references: vec![Reference { guard, ..reference(role) }], ..fox() };
    let resolved =
        |recipe: &Recipe| resolve(recipe, &starter(), || 0).expect("it is sound").references;
    for (asked, given) in [(None, true), (Some(true), true), (Some(false), false)] {
        assert_eq!(resolved(&guarded(Role::Edit, asked))[0].guard, Some(given));
    }
    assert_eq!(resolved(&guarded(Role::Subject, Some(false)))[0].guard, None, "nothing is asked");
    refused(guarded(Role::Subject, Some(true)), "references[0].guard", &["subject", "edit"]);
}

#[test]
fn a_recipe_of_before_there_was_a_guard_makes_the_picture_that_it_made() {
    let now =
        resolve(&Recipe { references: vec![reference(Role::Edit)], ..fox() }, &starter(), || 0);
    let now = now.expect("it is sound").to_json();
    let before = now.replace(r#""schema":5"#, r#""schema":2"#).replace(r#","guard":true"#, "");
    assert_ne!(now, before);
    let before = ResolvedRecipe::from_json(&before).expect("older ones are read");
    let again = resolve(&before.low(), &starter(), || 0).expect("it is sound");
    assert_eq!(again.references[0].guard, Some(false));
}

#[test]
fn other_weights_are_not_silently_used() {
    let model = |name: &str, sha256: Option<&str>| {
        Some(ModelChoice { name: name.into(), sha256: sha256.map(str::to_owned) })
    };
    refused(
        Recipe { model: model("klein", None), ..fox() },
        "model",
        &["klein", "likeness-starter"],
    );
    let other = Recipe { model: model("likeness-starter", Some("00")), ..fox() };
    refused(other, "model.sha256", &["other weights"]);
    refused(Recipe { schema: Some(SCHEMA + 1), ..fox() }, "schema", &["newer"]);
}
