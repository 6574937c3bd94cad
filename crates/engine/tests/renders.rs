//! What a render promises, on the tiny random model: the same bytes whatever the circumstances, and
//! requests that are run as they are or refused by name.

mod common;

use common::{engine, recipe, tiny};
use likeness_engine::{Engine, Memory, Model, Processor};
use likeness_recipe::{
    Init, Inputs, Mask, Noise, Pixels, Progress, Reference, RenderError, Renderer, Role, Sampler,
    Unwatched, Watch, WorkKind,
};

const PROMPT: &str = "a red fox";

fn picture(width: u32, height: u32, shift: usize) -> Pixels {
    let data = (0..(width * height * 4) as usize).map(|i| (i * 31 + shift) as u8 | 1).collect();
    Pixels::new(width, height, 4, data).unwrap()
}

fn reference(role: Role) -> Reference {
    Reference { role, sha256: "0".repeat(64), name: None, guard: None }
}

#[test]
fn a_picture_does_not_depend_on_its_company() {
    let mut warm = engine(&tiny("diffusers"));
    let model = warm.model().clone();
    let three = recipe(&model, PROMPT, 41, |recipe| recipe.count = Some(3));
    let together = warm.render(&three, &Inputs::default(), &mut Unwatched).unwrap();
    assert_eq!(together.len(), 3);
    for (i, rendered) in together.iter().enumerate() {
        assert_eq!(rendered.recipe, three.picture(i as u32));
        let alone = engine(&tiny("diffusers"))
            .render(&rendered.recipe, &Inputs::default(), &mut Unwatched)
            .unwrap();
        assert_eq!(alone[0].pixels, rendered.pixels, "picture {i} alone, in a cold engine");
    }
    assert_ne!(together[0].pixels, together[1].pixels, "seeds differ");
    assert!(together[0].seconds.load > 0.0 && together[1].seconds.load == 0.0);
}

#[test]
fn a_render_tells_what_it_consisted_of() {
    let mut engine = engine(&tiny("diffusers"));
    let two = recipe(&engine.model().clone(), PROMPT, 5, |recipe| recipe.count = Some(2));
    let pictures = engine.render(&two, &Inputs::default(), &mut Unwatched).unwrap();
    let mut before = pictures[0].seconds.load;
    for rendered in &pictures {
        let (work, seconds) = (&rendered.work, &rendered.seconds);
        for one in work {
            let counted = one.kind != WorkKind::Other;
            assert!(one.calls > 0 && (one.flop > 0.0) == counted, "{one:?}");
            assert_eq!(one.bytes > 0.0, counted, "{one:?}");
        }
        for kind in [WorkKind::Product, WorkKind::Attention, WorkKind::Norm, WorkKind::Other] {
            assert!(work.iter().any(|one| one.kind == kind), "{kind} is not in {work:?}");
        }
        let sum: f64 = work.iter().map(|one| one.seconds).sum();
        let parts = seconds.encode + seconds.denoise + seconds.decode;
        assert!(sum >= parts - 1e-4 && sum > 0.0, "{sum} of {parts}");
        before += sum;
        assert!(before <= seconds.total + 1e-3, "{before} of {}", seconds.total);
    }
    let calls = |i: usize| -> u32 { pictures[i].work.iter().map(|one| one.calls).sum() };
    assert!(calls(0) > calls(1), "the prompt is read once, for the first");
}

/// With guidance, so that the two answers that it needs may each be one thread's; and without.
#[test]
fn a_picture_does_not_depend_on_the_number_of_threads() {
    let name = "a_picture_does_not_depend_on_the_number_of_threads";
    common::same_with_any_number_of_threads(name, || {
        let mut engine = engine(&tiny("diffusers"));
        let mut draw = |guidance: f32| {
            let mut recipe = recipe(&engine.model().clone(), PROMPT, 3, |recipe| {
                (recipe.width, recipe.height) = (Some(64), Some(64));
                recipe.guidance = Some(guidance);
            });
            recipe.references = vec![reference(Role::Subject)];
            let inputs = Inputs { references: vec![picture(20, 24, 5)], ..Inputs::default() };
            let pixels = &engine.render(&recipe, &inputs, &mut Unwatched).unwrap()[0].pixels;
            likeness_engine::weights::hash::sha256(&pixels.data)
        };
        format!("{} {}", draw(1.0), draw(2.5))
    });
}

#[test]
fn every_layout_draws_the_same_picture() {
    let draw = |layout: &str| {
        let mut engine = engine(&tiny(layout));
        let recipe = recipe(&engine.model().clone(), PROMPT, 8, |recipe| {
            recipe.precision = Some("f32".into());
        });
        engine.render(&recipe, &Inputs::default(), &mut Unwatched).unwrap().remove(0).pixels
    };
    assert_eq!(draw("diffusers"), draw("single"), "the same weights, bit for bit");
}

#[test]
fn warm_and_cold_agree_with_references() {
    let mut warm = engine(&tiny("diffusers"));
    let model = warm.model().clone();
    let inputs = |shift| Inputs { references: vec![picture(16, 24, shift)], ..Inputs::default() };
    let asked =
        recipe(&model, PROMPT, 5, |recipe| recipe.references = vec![reference(Role::Subject)]);
    let first = warm.render(&asked, &inputs(0), &mut Unwatched).unwrap();
    let other = warm.render(&asked, &inputs(9), &mut Unwatched).unwrap();
    let again = warm.render(&asked, &inputs(0), &mut Unwatched).unwrap();
    assert_eq!(first[0].pixels, again[0].pixels, "from the kept card");
    assert_ne!(first[0].pixels, other[0].pixels, "another reference has another card");
    let plain = recipe(&model, PROMPT, 5, |_| {});
    let plain = warm.render(&plain, &Inputs::default(), &mut Unwatched).unwrap();
    assert_ne!(first[0].pixels, plain[0].pixels, "the reference is looked at");
}

#[test]
fn any_size_of_reference_is_read() {
    let mut engine = engine(&tiny("diffusers"));
    let asked = recipe(&engine.model().clone(), PROMPT, 5, |recipe| {
        recipe.references = vec![reference(Role::Edit)]
    });
    for (width, height) in [(1, 1), (300, 7), (4, 64), (101, 99), (640, 480)] {
        let inputs = Inputs { references: vec![picture(width, height, 0)], ..Inputs::default() };
        let rendered = engine.render(&asked, &inputs, &mut Unwatched);
        rendered.unwrap_or_else(|error| panic!("a reference of {width}x{height}: {error}"));
    }
}

#[test]
fn a_masked_picture_keeps_every_pixel_outside() {
    let mut engine = engine(&tiny("diffusers"));
    let init = picture(24, 16, 3);
    let white: Vec<bool> = (0..24 * 16).map(|i| i % 24 >= 10).collect();
    let mask =
        Pixels::new(24, 16, 3, white.iter().flat_map(|&w| [if w { 255 } else { 0 }; 3]).collect())
            .unwrap();
    let asked = recipe(&engine.model().clone(), PROMPT, 5, |recipe| {
        let sha256 = "0".repeat(64);
        recipe.init =
            Some(likeness_recipe::InitChoice { sha256: sha256.clone(), strength: Some(1.0) });
        recipe.mask = Some(Mask { sha256 });
    });
    let inputs = Inputs { init: Some(init.clone()), mask: Some(mask), ..Inputs::default() };
    let rendered = engine.render(&asked, &inputs, &mut Unwatched).unwrap().remove(0).pixels;
    let mut changed = 0;
    for (i, &may_change) in white.iter().enumerate() {
        let of = |pixels: &Pixels| pixels.data[4 * i..4 * i + 4].to_vec();
        if !may_change {
            assert_eq!(of(&rendered), of(&init), "pixel {i} is outside the mask");
        } else if of(&rendered) != of(&init) {
            changed += 1;
        }
    }
    assert!(changed > 100, "inside, it is drawn anew");
}

#[test]
fn strength_says_how_far_to_go() {
    let mut engine = engine(&tiny("diffusers"));
    let model = engine.model().clone();
    let init = picture(24, 16, 3);
    let mut steps_at = |strength: f32| {
        let mut asked = recipe(&model, PROMPT, 5, |_| {});
        asked.init = Some(Init { sha256: "0".repeat(64), strength });
        let mut watch = Recorder::default();
        engine
            .render(&asked, &Inputs { init: Some(init.clone()), ..Inputs::default() }, &mut watch)
            .unwrap();
        watch.steps.len()
    };
    assert_eq!([0.2, 0.5, 1.0].map(&mut steps_at), [1, 2, 4]);
}

/// Remembers what it was told, and cancels after some steps.
#[derive(Default)]
struct Recorder {
    steps: Vec<(u32, u32, u32)>,
    others: Vec<&'static str>,
    previews: usize,
    wants_preview: bool,
    cancel_after: Option<usize>,
}

impl Watch for Recorder {
    fn progress(&mut self, progress: Progress) {
        match progress {
            Progress::Loading => self.others.push("loading"),
            Progress::Encoding => self.others.push("encoding"),
            Progress::Decoding { .. } => self.others.push("decoding"),
            Progress::Step { picture, done, total, preview } => {
                self.steps.push((picture, done, total));
                self.previews += usize::from(preview.is_some_and(|preview| preview.width == 24));
            }
        }
    }

    fn cancelled(&self) -> bool {
        self.cancel_after.is_some_and(|after| self.steps.len() >= after)
    }

    fn wants_preview(&self) -> bool {
        self.wants_preview
    }
}

#[test]
fn progress_is_told_step_by_step() {
    let mut engine = engine(&tiny("diffusers"));
    let asked = recipe(&engine.model().clone(), PROMPT, 5, |recipe| {
        (recipe.count, recipe.steps) = (Some(2), Some(2))
    });
    let mut watch = Recorder { wants_preview: true, ..Recorder::default() };
    engine.render(&asked, &Inputs::default(), &mut watch).unwrap();
    assert_eq!(watch.steps, [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2)]);
    assert_eq!(watch.others, ["loading", "encoding", "decoding", "decoding"]);
    assert_eq!(watch.previews, 4);
}

#[test]
fn cancelling_ends_a_render_between_steps() {
    let mut engine = engine(&tiny("diffusers"));
    let asked = recipe(&engine.model().clone(), PROMPT, 5, |_| {});
    let mut watch = Recorder { cancel_after: Some(2), ..Recorder::default() };
    let result = engine.render(&asked, &Inputs::default(), &mut watch);
    assert_eq!((result, watch.steps.len()), (Err(RenderError::Cancelled), 2));
}

/// The field of a refusal, and all that it says.
fn refused(result: Result<Vec<likeness_recipe::Rendered>, RenderError>) -> (String, String) {
    match result {
        Err(RenderError::Request { field, problem, accepted }) => {
            (field.clone(), format!("{problem} / {accepted}"))
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let mut engine = engine(&tiny("diffusers"));
    let model = engine.model().clone();
    let asked = recipe(&model, PROMPT, 5, |_| {});
    let nothing = Inputs::default();
    let mut refuse = |change: &dyn Fn(&mut likeness_recipe::ResolvedRecipe), inputs: &Inputs| {
        let mut asked = asked.clone();
        change(&mut asked);
        refused(engine.render(&asked, inputs, &mut Unwatched))
    };
    let words = "fox ".repeat(30);
    let (field, said) = refuse(&|recipe| recipe.prompt = words.clone(), &nothing);
    assert!(
        field == "prompt" && said.contains("30 tokens") || said.contains("tokens / at most 16"),
        "{field}: {said}"
    );
    assert_eq!(refuse(&|recipe| recipe.sampler = Sampler::Ddim, &nothing).0, "sampler");
    assert_eq!(refuse(&|recipe| recipe.width = 23, &nothing).0, "size");
    assert_eq!(refuse(&|recipe| recipe.model.sha256 = "0".repeat(64), &nothing).0, "model");
    assert_eq!(
        refuse(&|recipe| recipe.references = vec![reference(Role::Subject)], &nothing).0,
        "references"
    );
    let style = Inputs { references: vec![picture(16, 16, 0)], ..Inputs::default() };
    let (field, said) = refuse(&|recipe| recipe.references = vec![reference(Role::Style)], &style);
    assert!(
        field == "references[0].role" && said.ends_with("as style / subject, edit"),
        "a role that nothing reads: {field}: {said}"
    );
    let noise = |shape: Vec<usize>| Inputs {
        initial_noise: Some(Noise { data: vec![0.0; shape.iter().product()], shape }),
        ..Inputs::default()
    };
    let (field, said) = refuse(&|_| {}, &noise(vec![1, 64, 6, 4]));
    assert!(field == "initial_noise" && said.contains("[1, 64, 4, 6]"), "{field}: {said}");
    assert_eq!(refuse(&|recipe| recipe.count = 2, &noise(vec![1, 64, 4, 6])).0, "initial_noise");
}

#[test]
fn what_does_not_fit_in_memory_is_refused_with_its_size() {
    let model = Model::open(&tiny("diffusers")).unwrap();
    let asked = recipe(&model, PROMPT, 5, |_| {});
    for (limit, what, at_fault) in [(100_000, "weights", "model"), (700_000, "activations", "size")]
    {
        let mut engine = Engine::new(model.clone(), Processor::Cpu, Memory::Limit(limit)).unwrap();
        let large = recipe(&model, PROMPT, 5, |recipe| {
            (recipe.width, recipe.height) = (Some(64), Some(64))
        });
        match engine.render(
            if what == "weights" { &asked } else { &large },
            &Inputs::default(),
            &mut Unwatched,
        ) {
            Err(RenderError::Memory { field, needed, available, .. }) => {
                assert!(available == limit && needed > limit, "{what}");
                assert_eq!(field, at_fault);
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// Peak signal to noise in decibels, over all channels.
fn psnr(a: &Pixels, b: &Pixels) -> f64 {
    let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
    let mean = a.data.iter().zip(&b.data).map(square).sum::<f64>() / a.data.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[test]
fn narrower_products_come_close() {
    let mut engine = engine(&common::root("models/starter"));
    let model = engine.model().clone();
    let mut draw = |precision: &str, seed: u64| {
        let asked = recipe(&model, "a red fox on a beach", seed, |recipe| {
            recipe.precision = Some(precision.into());
        });
        engine.render(&asked, &Inputs::default(), &mut Unwatched).unwrap().remove(0).pixels
    };
    for (precision, least) in [("bf16", 40.0), ("int8", 30.0)] {
        for seed in 0..3 {
            let found = psnr(&draw("f32", seed), &draw(precision, seed));
            println!("{precision}, seed {seed}: {found:.1} dB");
            assert!(found.is_finite(), "{precision} is an approximation");
            assert!(found >= least, "{precision}, seed {seed}: {found} dB");
        }
    }
}
