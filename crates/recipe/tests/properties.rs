//! What must hold for every recipe: JSON there and back, and resolving what is already resolved.

mod common;

use common::starter;
use likeness_recipe::*;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

const TEXT: &str = "[a-zA-Z0-9 ,.:()\"\\\\<>é狐\n]{0,40}";

fn name() -> impl Strategy<Value = Option<String>> {
    of(select(vec!["flow_euler", "default", "ddim", "bf16", "auto", "torch", "nonsense"])
        .prop_map(str::to_owned))
}

fn hash() -> impl Strategy<Value = String> {
    "[0-9a-f]{64}"
}

fn any_reference() -> impl Strategy<Value = Reference> {
    (select(Role::ALL), hash(), of(TEXT), of(any::<bool>()))
        .prop_map(|(role, sha256, name, guard)| Reference { role, sha256, name, guard })
}

prop_compose! {
    fn any_recipe()(
        (prompt, negative) in (TEXT, of(TEXT)),
        (width, height) in (of(0..400u32), of(0..400u32)),
        seed in of(prop_oneof![Just(Seed::Random), any::<u64>().prop_map(Seed::Fixed)]),
        (noise_source, sampler, schedule, precision) in (name(), name(), name(), name()),
        (count, steps, guidance) in (of(0..9u32), of(0..200u32), of(-1.0f32..40.0)),
        references in prop::collection::vec(any_reference(), 0..4),
        init in of((hash(), of(0.0f32..1.5))),
        mask in of(hash()),
        loras in prop::collection::vec((TEXT, hash(), -9.0f32..9.0), 0..2),
        schema in of(Just(SCHEMA)),
    ) -> Recipe {
        Recipe {
            schema, prompt, negative, width, height, seed, noise_source, count, steps, guidance,
            sampler, schedule, precision, references,
            model: None,
            init: init.map(|(sha256, strength)| InitChoice { sha256, strength }),
            mask: mask.map(|sha256| Mask { sha256 }),
            loras: loras.into_iter().map(|(name, sha256, weight)| Lora { name, sha256, weight }).collect(),
            approximations: vec![],
            canvas: None,
            alpha: None,
        }
    }
}

prop_compose! {
    /// As [`any_recipe`], kept to what the starter with LoRAs accepts.
    fn good_recipe()(
        mut recipe in any_recipe(),
        (wide, high) in (4..=16u32, 4..=16u32),
        (steps, count) in (1..=100u32, 1..=9u32),
        guidance in 1.01f32..30.0,
        strength in 0.01f32..=1.0,
        (torch, bf16) in any::<(bool, bool)>(),
    ) -> Recipe {
        recipe.prompt.push_str("fox");
        (recipe.width, recipe.height) = (Some(wide * 16), Some(high * 16));
        (recipe.steps, recipe.count, recipe.guidance) = (Some(steps), Some(count), Some(guidance));
        (recipe.sampler, recipe.schedule) = (None, None);
        recipe.noise_source = torch.then(|| "torch".into());
        recipe.precision = bf16.then(|| "bf16".into());
        recipe.references.truncate(3);
        recipe.references.iter_mut().skip(1).for_each(|one| one.role = Role::Subject);
        let unedited = recipe.references.iter_mut().filter(|one| one.role != Role::Edit);
        unedited.for_each(|one| one.guard = None);
        if let Some(init) = &mut recipe.init { init.strength = Some(strength); }
        if recipe.init.is_none() { recipe.mask = None; }
        recipe
    }
}

fn model() -> ModelCapabilities {
    ModelCapabilities { loras: true, ..starter() }
}

proptest! {
    #[test]
    fn a_recipe_survives_json(recipe in any_recipe()) {
        prop_assert_eq!(Recipe::from_json(&recipe.to_json()).unwrap(), recipe);
    }

    #[test]
    fn a_resolved_recipe_survives_json(recipe in good_recipe()) {
        let resolved = resolve(&recipe, &model(), || 5).unwrap();
        let json = resolved.to_json();
        let back = ResolvedRecipe::from_json(&json).unwrap();
        prop_assert_eq!(&back, &resolved);
        prop_assert_eq!(back.to_json(), json, "the same bytes again");
    }

    #[test]
    fn resolving_twice_changes_nothing(recipe in good_recipe()) {
        let once = resolve(&recipe, &model(), || 5).unwrap();
        let twice = resolve(&once.low(), &model(), || unreachable!()).unwrap();
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn a_refusal_is_one_line_with_a_field(recipe in any_recipe()) {
        if let Err(error) = resolve(&recipe, &starter(), || 5) {
            prop_assert!(!error.field.is_empty() && !error.accepted.is_empty());
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn nearest_sizes_are_accepted_ones(width in any::<u32>(), height in 0..400u32) {
        let limits = starter().size;
        let nearest = limits.nearest(Size { width, height });
        prop_assert!(!nearest.is_empty());
        for size in nearest { prop_assert!(limits.accepts(size), "{}", size); }
    }

    #[test]
    fn any_shape_has_a_like_size(width: u32, height in 0..4000u32) {
        let limits = SizeLimits { max_pixels: 160 * 160, ..starter().size };
        let size = limits.like(Size { width, height }, Size { width: 128, height: 128 });
        prop_assert!(limits.accepts(size), "{}", size);
    }

    #[test]
    fn a1111_keeps_the_settings(recipe in good_recipe(), prompt in "[a-z ,().é狐]{1,40}[a-z]") {
        let recipe = Recipe { prompt: prompt.trim().into(), negative: Some("blur".into()), loras: vec![], ..recipe };
        let resolved = resolve(&recipe, &model(), || 5).unwrap();
        let read = a1111::read(&a1111::write(&resolved));
        prop_assert_eq!(&read.prompt, &resolved.prompt);
        prop_assert_eq!(&read.negative, &resolved.negative);
        prop_assert_eq!(read.seed(), Some(resolved.seed));
        prop_assert_eq!(read.steps(), Some(resolved.steps));
        prop_assert_eq!(read.guidance(), Some(resolved.guidance));
        prop_assert_eq!(read.size(), Some(Size { width: resolved.width, height: resolved.height }));
        prop_assert_eq!(read.sampler(), Some(resolved.sampler));
    }

    #[test]
    fn any_text_is_a_parameters_text(text in any::<String>()) {
        a1111::read(&text);
    }
}

#[test]
fn unknown_fields_are_refused_by_name() {
    for (text, field) in [
        (r#"{"prompt":"fox","stepz":4}"#, "stepz"),
        (
            r#"{"prompt":"fox","references":[{"role":"subject","sha256":"","x":1}]}"#,
            "references[0]",
        ),
        (r#"{"prompt":"fox","steps":"four"}"#, "steps"),
        (r#"{"prompt":"fox","seed":-2}"#, "seed"),
        (r#"{"prompt":"fox","seed":1.5}"#, "seed"),
        (r#"{"steps":4}"#, "prompt"),
        (r#"{"prompt":"fox","schema":9}"#, "schema"),
        (r#"{"prompt":"fox"} x"#, "recipe"),
        ("[", "recipe"),
        ("", "recipe"),
    ] {
        let error = Recipe::from_json(text).unwrap_err().to_string();
        assert!(error.contains(field), "{text}: {error}");
    }
}

/// JSON has no word for what is infinite: such a recipe would be written and never read again.
#[test]
fn a_number_too_large_is_refused() {
    let json = resolve(&Recipe::new("fox"), &starter(), || 5).unwrap().to_json();
    let large = json.replace(r#""guidance":1.0"#, r#""guidance":1e39"#);
    assert_ne!(json, large);
    let error = ResolvedRecipe::from_json(&large).unwrap_err().to_string();
    assert!(error.contains("guidance") && error.contains("too large"), "{error}");
}

#[test]
fn the_order_of_fields_is_part_of_the_format() {
    let resolved = resolve(&Recipe::new("fox"), &starter(), || 5).unwrap();
    let expected = concat!(
        r#"{"schema":5,"model":{"name":"likeness-starter","sha256":"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"#,
        r#"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"},"prompt":"fox","negative":"","width":128,"height":128,"#,
        r#""seed":5,"noise_source":"likeness","count":1,"steps":4,"guidance":1.0,"#,
        r#""sampler":"flow_euler","schedule":"default","precision":"f32","references":[],"#,
        r#""init":null,"mask":null,"loras":[],"approximations":[]}"#
    );
    assert_eq!(resolved.to_json(), expected);
}

#[test]
fn a_like_size_keeps_shape_and_area() {
    let like = |width, height| {
        starter().size.like(Size { width, height }, Size { width: 128, height: 128 }).to_string()
    };
    assert_eq!(like(1000, 1000), "128x128");
    assert_eq!(like(1500, 1000), "160x112");
    assert_eq!(like(1000, 1500), "112x160");
    assert_eq!(like(1920, 1080), "176x96");
    assert_eq!(like(9000, 100), "256x64", "as long as it gets");
}
