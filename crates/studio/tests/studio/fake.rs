//! An engine that computes nothing, and a desk with a library to run it on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use likeness_recipe::*;
use likeness_studio::api::{Event, Queue, RenderEvent, RenderRequest};
use likeness_studio::{Channel, LibraryError, Opening, Studio, StudioError};
use serde_json::{Value, json};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all fakes of a test share.
#[derive(Default)]
pub struct Stage {
    /// Holds every render at its next step while it is shut.
    gate: Mutex<Gate>,
    moved: Condvar,
    /// How often a model was opened, and pictures begun.
    pub opened: AtomicU32,
    pub begun: AtomicU32,
    /// How often the machine was measured.
    pub measured: AtomicU32,
    /// What was opened to see whether it is a model.
    pub described: Mutex<Vec<PathBuf>>,
}

#[derive(Default)]
struct Gate {
    shut: bool,
    /// Renders that stand before it.
    waiting: u32,
    fail: Option<RenderError>,
    panic: bool,
}

impl Stage {
    pub fn shut(&self) {
        self.gate.lock().unwrap().shut = true;
    }

    pub fn open(&self) {
        self.gate.lock().unwrap().shut = false;
        self.moved.notify_all();
    }

    /// Waits until a render stands before the shut gate.
    pub fn wait_for_render(&self) {
        let gate = self.gate.lock().unwrap();
        let (_gate, late) =
            self.moved.wait_timeout_while(gate, PATIENCE, |gate| gate.waiting == 0).unwrap();
        assert!(!late.timed_out(), "no render began");
    }

    pub fn fail_next(&self, error: RenderError) {
        self.gate.lock().unwrap().fail = Some(error);
    }

    pub fn panic_next(&self) {
        self.gate.lock().unwrap().panic = true;
    }

    /// One step: waits while the gate is shut, unless it is cancelled.
    fn step(&self, watch: &dyn Watch) {
        let mut gate = self.gate.lock().unwrap();
        gate.waiting += 1;
        self.moved.notify_all();
        while gate.shut && !watch.cancelled() {
            gate = self.moved.wait_timeout(gate, Duration::from_millis(2)).unwrap().0;
        }
        gate.waiting -= 1;
    }
}

/// Opens anything; its pictures are one colour, taken from the seed.
#[derive(Clone, Default)]
pub struct Fake(pub Arc<Stage>);

impl Engine for Fake {
    fn describe(&self, path: &Path) -> Result<ModelDescription, RenderError> {
        self.0.described.lock().unwrap().push(path.to_owned());
        if path.extension().is_some_and(|ending| ending == "ckpt") {
            let problem = "a pickle can run code".to_owned();
            return Err(RenderError::Model { file: path.display().to_string(), problem });
        }
        let part = path.join("transformer/weights.part");
        if part.exists() {
            let problem = "it is not whole".to_owned();
            return Err(RenderError::Model { file: part.display().to_string(), problem });
        }
        let listed = path.file_name().is_some_and(|name| name == "listed.gguf");
        Ok(ModelDescription {
            capabilities: if listed { self::listed() } else { capabilities() },
            licence: Some("Apache-2.0".into()),
            bytes: 1000,
            words: vec![Word { kind: "subjects".into(), text: "fox".into() }],
            memory: 2000,
        })
    }

    fn open(&self, _: &Path, _: Precision) -> Result<Box<dyn Renderer + Send>, RenderError> {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(FakeRenderer { stage: self.0.clone(), caches: CacheUse::default() }))
    }

    fn open_enlarger(&self, _: &Path) -> Result<Box<dyn Enlarger + Send>, RenderError> {
        let model = ModelRef { name: "lens".into(), sha256: "7e".repeat(32) };
        Ok(Box::new(Lens { model, stage: self.0.clone() }))
    }

    fn need(&self, _: &Path, recipe: &ResolvedRecipe, _: &[Size]) -> Result<u64, RenderError> {
        Ok(2000 + u64::from(recipe.width) * u64::from(recipe.height))
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
        2
    }

    fn memory(&self) -> MachineMemory {
        MachineMemory { total: 100_000, free: 50_000 }
    }

    fn peak(&self) -> Result<Peak, RenderError> {
        self.0.measured.fetch_add(1, Ordering::Relaxed);
        Ok(Peak { f32: 100e9, bf16: 1000e9, int8: 2000e9, bandwidth: 10e9 })
    }

    fn exercisable(&self) -> Vec<Exercisable> {
        Vec::new()
    }

    fn exercise(&self, _: &Workload) -> Result<Exercise, RenderError> {
        Err(RenderError::Internal("a pencil takes no exercise".into()))
    }
}

fn capabilities() -> ModelCapabilities {
    ModelCapabilities {
        model: ModelRef { name: "likeness-starter".into(), sha256: "5a".repeat(32) },
        family: "flux2".into(),
        defaults: Defaults {
            size: Size { width: 64, height: 64 },
            steps: 4,
            guidance: 2.0,
            sampler: Sampler::FlowEuler,
            schedule: Schedule::Default,
            precision: Precision::F32,
            strength: 0.6,
            masked_strength: 0.9,
        },
        size: SizeLimits { min_side: 32, max_side: 256, multiple: 16, max_pixels: 256 * 256 },
        sizes: vec![],
        steps: Span { min: 1, max: 100 },
        guidance: Span { min: 0.0, max: 30.0 },
        samplers: vec![Sampler::FlowEuler],
        schedules: vec![Schedule::Default],
        negative: true,
        weights: false,
        vocabulary: None,
        tokens: None,
        max_references: 2,
        roles: Role::ALL.to_vec(),
        init: true,
        mask: true,
        loras: false,
        precisions: vec![Precision::F32],
        approximations: vec![],
    }
}

/// A model whose words and sizes are known, and what a prompt may have: a word is a token.
fn listed() -> ModelCapabilities {
    let set = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
    ModelCapabilities {
        sizes: vec![Size { width: 64, height: 64 }],
        vocabulary: Some(Arc::new(Vocabulary {
            known: set(&["a", "red", "fox", "sticker"]),
            cut_out: set(&["sticker"]),
            ..Vocabulary::default()
        })),
        tokens: Some(TokenCounter {
            most: 6,
            count: Arc::new(|text| Some(text.split_whitespace().count())),
        }),
        ..capabilities()
    }
}

struct FakeRenderer {
    stage: Arc<Stage>,
    caches: CacheUse,
}

impl Renderer for FakeRenderer {
    fn render(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Rendered>, RenderError> {
        assert_eq!(inputs.references.len(), recipe.references.len(), "every reference comes along");
        assert_eq!(recipe.count, 1, "one picture at a time");
        self.stage.begun.fetch_add(1, Ordering::Relaxed);
        self.caches.hits += 1;
        {
            let mut gate = self.stage.gate.lock().unwrap();
            if let Some(error) = gate.fail.take() {
                return Err(error);
            }
            if std::mem::take(&mut gate.panic) {
                drop(gate);
                panic!("as the test wanted");
            }
        }
        watch.progress(Progress::Encoding);
        let area = recipe.width as usize * recipe.height as usize;
        let colour = [recipe.seed as u8, recipe.prompt.len() as u8, recipe.steps as u8];
        let pixels = Pixels::new(recipe.width, recipe.height, 3, colour.repeat(area)).unwrap();
        for done in 1..=recipe.steps {
            self.stage.step(watch);
            if watch.cancelled() {
                return Err(RenderError::Cancelled);
            }
            let preview = watch.wants_preview().then(|| pixels.clone());
            watch.progress(Progress::Step { picture: 0, done, total: recipe.steps, preview });
        }
        watch.progress(Progress::Decoding { picture: 0 });
        let seconds = Seconds { denoise: 0.4, total: 0.5, ..Seconds::default() };
        let (kind, numbers) = (WorkKind::Product, Numbers::Bf16);
        let product = Work { kind, numbers, calls: 8, seconds: 0.3, flop: 150e9, bytes: 1e9 };
        let other = Work { kind: WorkKind::Other, seconds: 0.1, flop: 0.0, bytes: 0.0, ..product };
        let work = vec![other, product];
        let changed = recipe.is_edit().then_some(0.0);
        Ok(vec![Rendered { recipe: recipe.clone(), pixels, changed, seconds, work, dump: None }])
    }

    fn caches(&self) -> Vec<CacheUse> {
        vec![CacheUse { name: "prompts".into(), ..self.caches.clone() }]
    }

    fn set_cache_limit(&mut self, bytes: u64) {
        self.caches.limit = bytes;
    }
}

/// Makes a picture of the first pixel.
struct Lens {
    model: ModelRef,
    stage: Arc<Stage>,
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
        self.stage.begun.fetch_add(1, Ordering::Relaxed);
        let failure = self.stage.gate.lock().unwrap().fail.take();
        if let Some(error) = failure {
            return Err(error);
        }
        self.stage.step(watch);
        if watch.cancelled() {
            return Err(RenderError::Cancelled);
        }
        watch.progress(Progress::Step { picture: 0, done: 1, total: 1, preview: None });
        let (width, height) = (pixels.width * by, pixels.height * by);
        let first = &pixels.data[..usize::from(pixels.channels)];
        let data = first.repeat((width * height) as usize);
        let pixels = Pixels::new(width, height, pixels.channels, data).unwrap();
        Ok(Larger { pixels, seconds: 0.25 })
    }
}

/// A folder with a library and a model in it, and a studio that is open.
pub struct Desk {
    pub folder: tempfile::TempDir,
    pub stage: Arc<Stage>,
    pub events: Arc<Mutex<Vec<Event>>>,
    studio: Option<Studio>,
}

impl Desk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let starter = folder.path().join("models/starter");
        std::fs::create_dir_all(&starter).unwrap();
        std::fs::write(starter.join("starter.json"), "{}").unwrap();
        let lens = folder.path().join("models/upscaler");
        std::fs::create_dir_all(&lens).unwrap();
        std::fs::write(lens.join("upscaler.json"), "{}").unwrap();
        let mut desk = Self { folder, stage: Arc::default(), events: Arc::default(), studio: None };
        desk.reopen();
        desk
    }

    /// Closes the studio, if it is open, and opens it again.
    pub fn reopen(&mut self) {
        self.close();
        self.studio = Some(self.open().unwrap());
    }

    pub fn close(&mut self) {
        self.studio = None;
    }

    pub fn open(&self) -> Result<Studio, LibraryError> {
        Studio::open(self.opening())
    }

    pub fn opening(&self) -> Opening {
        let (clock, random) = (AtomicI64::new(1_795_000_000_000), AtomicU64::new(1000));
        let events = self.events.clone();
        Opening {
            library: self.path("library"),
            make: true,
            model_places: vec![self.path("models")],
            engine: Arc::new(Fake(self.stage.clone())),
            clock: Box::new(move || clock.fetch_add(1, Ordering::Relaxed)),
            random: Box::new(move || random.fetch_add(1, Ordering::Relaxed)),
            events: Box::new(move |event| events.lock().unwrap().push(event)),
            version: "1.2.3".into(),
        }
    }

    pub fn studio(&self) -> &Studio {
        self.studio.as_ref().expect("the studio is open")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Calls a command that must succeed.
    #[track_caller]
    pub fn call(&self, name: &str, arguments: Value) -> Value {
        self.studio().call(name, arguments, None).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Calls a command that must be refused.
    #[track_caller]
    pub fn refused(&self, name: &str, arguments: Value) -> StudioError {
        match self.studio().call(name, arguments, None) {
            Ok(answer) => panic!("{name} is accepted: {answer}"),
            Err(error) => error,
        }
    }

    pub fn queue(&self) -> Queue {
        serde_json::from_value(self.call("queue", json!({}))).unwrap()
    }

    /// Puts a request into the queue; the jobs' numbers.
    pub fn render(&self, request: &RenderRequest) -> Vec<i64> {
        self.render_as(request, "last", true)
    }

    pub fn render_as(&self, request: &RenderRequest, place: &str, interactive: bool) -> Vec<i64> {
        let asked = json!({ "request": request, "place": place, "interactive": interactive });
        let answer = self.call("render", asked);
        answer["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_i64().unwrap()).collect()
    }

    /// Makes a picture and gives its id, once everybody has been told of it.
    pub fn picture(&self, request: &RenderRequest) -> String {
        let job = self.render(request)[0];
        let queue = self.wait(|queue| queue.waiting == 0 && queue.running.is_none());
        self.rest();
        let job = queue.jobs.into_iter().find(|one| one.id == job).unwrap();
        job.picture.unwrap_or_else(|| panic!("{:?}", job.error))
    }

    /// Waits until the queue is as `wanted` says.
    #[track_caller]
    pub fn wait(&self, wanted: impl Fn(&Queue) -> bool) -> Queue {
        let start = Instant::now();
        loop {
            let queue = self.queue();
            if wanted(&queue) {
                return queue;
            }
            assert!(start.elapsed() < PATIENCE, "the queue stays {queue:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the thread that makes pictures has put its pencil down: a picture is in the library a
    /// moment before that is told.
    #[track_caller]
    pub fn rest(&self) {
        let start = Instant::now();
        while self.call("roofline", json!({ "measure": false }))["busy"] == true {
            assert!(start.elapsed() < PATIENCE, "the thread never rests");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Every event so far; they are forgotten.
    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

/// A channel into a test.
pub struct Ear(mpsc::Sender<Heard>);

/// What came through it.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a test hears few of them")]
pub enum Heard {
    Event(RenderEvent),
    Preview(i64, Vec<u8>),
}

pub fn ear() -> (Box<dyn Channel>, mpsc::Receiver<Heard>) {
    let (sender, receiver) = mpsc::channel();
    (Box::new(Ear(sender)), receiver)
}

impl Channel for Ear {
    fn json(&self, value: Value) -> bool {
        self.0.send(Heard::Event(serde_json::from_value(value).unwrap())).is_ok()
    }

    fn bytes(&self, bytes: Vec<u8>) -> bool {
        let (job, png) = bytes.split_at(8);
        let job = i64::from_le_bytes(job.try_into().unwrap());
        self.0.send(Heard::Preview(job, png.to_vec())).is_ok()
    }
}

/// Everything that is heard up to the event that `last` says.
#[track_caller]
pub fn hear(receiver: &mpsc::Receiver<Heard>, last: impl Fn(&RenderEvent) -> bool) -> Vec<Heard> {
    let mut all = Vec::new();
    loop {
        let heard = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("after {all:?}"));
        let end = matches!(&heard, Heard::Event(event) if last(event));
        all.push(heard);
        if end {
            return all;
        }
    }
}

pub fn fox() -> RenderRequest {
    RenderRequest { seed: Some("7".into()), ..RenderRequest::new("a red fox") }
}
