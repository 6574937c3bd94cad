//! An engine that computes nothing, and a machine to run it on.

use std::path::{Path, PathBuf};
use std::time::Instant;

use likeness_cli::Failure;
use likeness_cli::environment::{Cancelled, Host};
use likeness_cli::generate::{Report, Written, generate};
use likeness_cli::request::Request;
use likeness_recipe::*;

/// Opens anything; its pictures are one colour, taken from the seed.
#[derive(Default)]
pub struct Fake {
    /// Set by the first finished step, as if the person had pressed Ctrl+C.
    pub interrupt: Option<Cancelled>,
    /// What to answer in place of a picture.
    pub error: Option<RenderError>,
}

impl Engine for Fake {
    fn describe(&self, path: &Path) -> Result<ModelDescription, RenderError> {
        if path.extension().is_some_and(|ending| ending == "ckpt") {
            let problem = "a pickle can run code".to_owned();
            return Err(RenderError::Model { file: path.display().to_string(), problem });
        }
        Ok(ModelDescription {
            capabilities: capabilities(),
            licence: None,
            bytes: 0,
            words: Vec::new(),
            memory: 0,
        })
    }

    fn open(&self, _: &Path, _: Precision) -> Result<Box<dyn Renderer + Send>, RenderError> {
        Ok(Box::new(FakeRenderer { interrupt: self.interrupt.clone(), error: self.error.clone() }))
    }

    fn open_enlarger(&self, _: &Path) -> Result<Box<dyn Enlarger + Send>, RenderError> {
        let model = ModelRef { name: "lens".into(), sha256: "7e".repeat(32) };
        Ok(Box::new(Lens { model, interrupt: self.interrupt.clone() }))
    }

    fn need(&self, _: &Path, _: &ResolvedRecipe, _: &[Size]) -> Result<u64, RenderError> {
        Ok(0)
    }

    fn instruction_set(&self) -> String {
        "pencil".to_owned()
    }

    fn device(&self) -> String {
        "paper".to_owned()
    }

    fn set_threads(&self, _: Option<usize>) -> bool {
        true
    }

    fn threads(&self) -> usize {
        1
    }

    fn memory(&self) -> MachineMemory {
        MachineMemory::default()
    }

    fn peak(&self) -> Result<Peak, RenderError> {
        Ok(Peak { f32: 100e9, bf16: 1000e9, int8: 2000e9, bandwidth: 10e9 })
    }

    fn exercisable(&self) -> Vec<Exercisable> {
        let one = |network, name: &str, cases: &[&str], weights: &[WeightFormat]| Exercisable {
            network,
            name: name.to_owned(),
            about: format!("what {name} is"),
            cases: cases.iter().map(|case| (*case).to_owned()).collect(),
            weights: weights.to_vec(),
        };
        vec![
            one(true, "sd15-unet", &[], WeightFormat::ALL),
            one(false, "matmul", &["matmul:2x3x4", "matmul:8x8x8"], WeightFormat::ALL),
            one(false, "softmax", &["softmax:9x9"], &[WeightFormat::F32]),
        ]
    }

    /// Takes five thousandths of a second, whatever it is, and knows only what begins with an m or an s.
    fn exercise(&self, workload: &Workload) -> Result<Exercise, RenderError> {
        let (Subject::Operation(name) | Subject::Network(name)) = &workload.subject;
        if !name.starts_with(['m', 's']) {
            return Err(RenderError::Request {
                field: "op".into(),
                problem: format!("there is no {name:?}"),
                accepted: "matmul, softmax".into(),
            });
        }
        let run = || {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let (kind, numbers) = (WorkKind::Product, Numbers::Bf16);
            let product = Work { kind, numbers, calls: 2, seconds: 0.004, flop: 1e9, bytes: 4e6 };
            let (kind, numbers) = (WorkKind::Other, Numbers::F32);
            Ok(vec![
                product,
                Work { kind, numbers, seconds: 0.001, flop: 0.0, bytes: 0.0, ..product },
            ])
        };
        Ok(Exercise {
            weights: workload.weights.unwrap_or(WeightFormat::Bf16),
            size: workload.size,
            run: Box::new(run),
        })
    }
}

pub fn capabilities() -> ModelCapabilities {
    ModelCapabilities {
        model: ModelRef { name: "likeness-starter".into(), sha256: "5a".repeat(32) },
        family: "flux2".into(),
        defaults: Defaults {
            size: Size { width: 128, height: 128 },
            steps: 4,
            guidance: 1.0,
            sampler: Sampler::FlowEuler,
            schedule: Schedule::Default,
            precision: Precision::F32,
            strength: 0.6,
            masked_strength: 0.9,
        },
        size: SizeLimits { min_side: 64, max_side: 256, multiple: 16, max_pixels: 256 * 256 },
        sizes: vec![],
        steps: Span { min: 1, max: 100 },
        guidance: Span { min: 0.0, max: 30.0 },
        samplers: vec![Sampler::FlowEuler],
        schedules: vec![Schedule::Default],
        negative: true,
        weights: false,
        vocabulary: None,
        tokens: None,
        max_references: 3,
        roles: Role::ALL.to_vec(),
        init: true,
        mask: true,
        loras: false,
        precisions: vec![Precision::F32],
        approximations: vec![],
    }
}

struct FakeRenderer {
    interrupt: Option<Cancelled>,
    error: Option<RenderError>,
}

impl Renderer for FakeRenderer {
    fn render(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Rendered>, RenderError> {
        assert_eq!(
            inputs.references.len(),
            recipe.references.len(),
            "every reference is handed over"
        );
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        for done in 1..=recipe.steps {
            if watch.cancelled() {
                return Err(RenderError::Cancelled);
            }
            watch.progress(Progress::Step { picture: 0, done, total: recipe.steps, preview: None });
            if let Some(cancelled) = &self.interrupt {
                cancelled.set();
            }
        }
        let area = recipe.width as usize * recipe.height as usize;
        let data = [recipe.seed as u8, 40, 80, 255].repeat(area);
        let numbers = || (vec![1, 2], vec![recipe.seed as f32, 0.5]);
        Ok(vec![Rendered {
            recipe: recipe.clone(),
            pixels: Pixels::new(recipe.width, recipe.height, 4, data).unwrap(),
            changed: recipe.is_edit().then_some(if recipe.prompt == "nothing" {
                0.0
            } else {
                0.25
            }),
            seconds: Seconds { denoise: 0.5, ..Seconds::default() },
            work: vec![Work {
                kind: WorkKind::Product,
                numbers: Numbers::F32,
                calls: 4,
                seconds: 0.5,
                flop: 1e6,
                bytes: 1e3,
            }],
            dump: inputs.dump.then(|| Dump { latents: numbers(), pixels: numbers() }),
        }])
    }
}

/// Repeats the pixels of a picture.
struct Lens {
    model: ModelRef,
    interrupt: Option<Cancelled>,
}

impl Enlarger for Lens {
    fn model(&self) -> &ModelRef {
        &self.model
    }

    fn factors(&self) -> &[u32] {
        &[2, 4]
    }

    fn enlarge(
        &mut self,
        pixels: &Pixels,
        by: u32,
        watch: &mut dyn Watch,
    ) -> Result<Larger, RenderError> {
        if !self.factors().contains(&by) {
            let (field, problem) = ("by".to_owned(), format!("{by} is too many"));
            return Err(RenderError::Request { field, problem, accepted: "2, 4".to_owned() });
        }
        if let Some(cancelled) = &self.interrupt {
            cancelled.set();
        }
        if watch.cancelled() {
            return Err(RenderError::Cancelled);
        }
        watch.progress(Progress::Step { picture: 0, done: 1, total: 1, preview: None });
        let (width, height, channels) = (pixels.width * by, pixels.height * by, pixels.channels);
        let pixel = |x: u32, y: u32| {
            let at = (y / by * pixels.width + x / by) as usize * usize::from(channels);
            &pixels.data[at..at + usize::from(channels)]
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let data = places.flat_map(|(x, y)| pixel(x, y)).copied().collect();
        let pixels = Pixels::new(width, height, channels, data).unwrap();
        Ok(Larger { pixels, seconds: 0.25 })
    }
}

/// A folder with a library and a model in it.
pub struct Desk {
    pub folder: tempfile::TempDir,
    pub host: Host,
}

impl Desk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("library");
        let starter = library.join("models/starter");
        std::fs::create_dir_all(&starter).unwrap();
        std::fs::write(starter.join("starter.json"), "{}").unwrap();
        let lens = library.join("models/upscaler");
        std::fs::create_dir_all(&lens).unwrap();
        std::fs::write(lens.join("upscaler.json"), "{}").unwrap();
        let host = Host {
            model_places: vec![library.join("models")],
            library,
            make_library: true,
            program: None,
            // 23:59:59 on 20 November 2026
            clock: || 1_795_219_199_000,
            started: Instant::now(),
            random: 77,
            cancelled: Cancelled::default(),
        };
        Self { folder, host }
    }

    /// From here on the library is one that was chosen, on a disk whose empty mount point alone is left.
    pub fn take_disk_out(&mut self) {
        self.host.library = self.path("disk");
        self.host.make_library = false;
        std::fs::create_dir(&self.host.library).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `request` on a fake, and gives what was written with how it ended.
    pub fn generate(&self, request: Request, engine: &Fake) -> (Vec<Written>, Result<(), Failure>) {
        let mut report = Collected::default();
        let end = generate(&request, &self.host, engine, &mut report);
        (report.written, end)
    }

    /// The same, and what was said that is no failure.
    pub fn noted(&self, request: Request, engine: &Fake) -> (Vec<Written>, Vec<String>) {
        let mut report = Collected::default();
        generate(&request, &self.host, engine, &mut report).expect("it can be made");
        (report.written, report.notes)
    }

    /// Every file under the folder but the model and the library's own books.
    pub fn files(&self) -> Vec<String> {
        let (mut open, mut files) = (vec![self.folder.path().to_owned()], Vec::new());
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if !is_model(&path) && !is_book(&path) {
                    let name = path.strip_prefix(self.folder.path()).unwrap();
                    files.push(name.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        files.sort();
        files
    }
}

fn is_model(path: &Path) -> bool {
    path.ends_with("starter.json") || path.ends_with("upscaler.json")
}

/// The library's database, with what SQLite puts beside it, and its lock.
fn is_book(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("library."))
}

#[derive(Default)]
struct Collected {
    written: Vec<Written>,
    notes: Vec<String>,
}

impl Report for Collected {
    fn progress(&mut self, picture: u32, of: u32, _: Progress) {
        assert!(picture < of);
    }

    fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }

    fn written(&mut self, written: &Written) -> Result<(), Failure> {
        assert!(written.path.is_file(), "told only once it is there");
        self.written.push(written.clone());
        Ok(())
    }
}
