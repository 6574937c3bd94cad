//! Where pictures are made: one thread, one model that stays loaded, one picture at a time.
//!
//! A live draft goes before the queue, since somebody looks at it; the queue itself puts what somebody
//! waits for before batches. The thread asks for the next thing whenever it has finished one, so a
//! queue of hundreds can be paused, reordered and cancelled between any two pictures.
//!
//! A job whose end the library could not be told of, as on a full disk, is owed that end: it is told
//! before another job is taken, so that no row says it runs while nothing does.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use likeness_library::{JobId, JobRow, NewModelSeen};
use likeness_recipe::{
    CacheUse, Engine, Inputs, Progress, RenderError, Rendered, Renderer, ResolvedRecipe, Watch,
};

use crate::api::{Event, RenderEvent, RenderRequest};
use crate::channel::quick_png;
use crate::live::{Draft, Drafted};
use crate::models::Chosen;
use crate::prepare::Prepared;
use crate::roofline::Last;
use crate::speed::Speeds;
use crate::studio::{Shared, lock};
use crate::{ErrorCode, StudioError, deliver, enlarge, keep, live};

/// What the thread is asked, and what it tells of itself.
pub(crate) struct Easel {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    stop: bool,
    paused: bool,
    /// Whether the queue may hold something that has not been looked at.
    work: bool,
    draft: Option<Draft>,
    /// Stops the draft that is being drawn.
    drawing: Option<Arc<AtomicBool>>,
    running: Option<(JobId, Arc<AtomicBool>)>,
    /// Cancelled after they were taken and before they ran.
    cancelled: HashSet<JobId>,
    /// Ends that the library could not be told of.
    owed: BTreeMap<JobId, End>,
    /// Whether they are to be told now, also while the queue is paused.
    settle: bool,
    loaded: Option<PathBuf>,
    caches: Vec<CacheUse>,
    speeds: Speeds,
    last: Option<Last>,
    /// The last draft that was finished, and how many were.
    drafted: (u64, Option<Arc<Drafted>>),
}

/// How a job ends without a picture.
#[derive(Clone)]
pub(crate) enum End {
    /// It waits again.
    PutBack,
    /// Somebody stopped it.
    Stopped,
    /// Why it failed, as its row keeps it.
    Failed(String),
}

impl Easel {
    /// `cut_off` are jobs that still are to be put back.
    pub fn new(paused: bool, cut_off: Vec<JobId>, speeds: Speeds) -> Self {
        let state = State {
            stop: false,
            paused,
            work: true,
            draft: None,
            drawing: None,
            running: None,
            cancelled: HashSet::new(),
            owed: cut_off.into_iter().map(|job| (job, End::PutBack)).collect(),
            settle: false,
            loaded: None,
            caches: Vec::new(),
            speeds,
            last: None,
            drafted: (0, None),
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Ends the thread after the step that it is at.
    pub fn stop(&self) {
        self.change(|state| {
            state.stop = true;
            state.stop_running();
            state.stop_drawing();
        });
    }

    /// Something was put into the queue.
    pub fn wake(&self) {
        self.change(|state| state.work = true);
    }

    pub fn set_paused(&self, paused: bool) {
        self.change(|state| {
            state.paused = paused;
            state.work = true;
        });
    }

    /// Draws `draft` as soon as possible, in place of any other. Answers the one that has not been begun.
    pub fn draw(&self, draft: Option<Draft>) -> Option<Draft> {
        self.change(|state| {
            state.stop_drawing();
            std::mem::replace(&mut state.draft, draft)
        })
    }

    /// Stops those of these jobs that the thread has.
    pub fn cancel(&self, jobs: &[JobId]) {
        self.change(|state| {
            for &job in jobs {
                if let Some((_, cancel)) = state.running.as_ref().filter(|(one, _)| *one == job) {
                    cancel.store(true, Ordering::Relaxed);
                } else if let Some(end) = state.owed.get_mut(&job) {
                    *end = End::Stopped;
                    state.settle = true;
                } else {
                    state.cancelled.insert(job);
                }
            }
        });
    }

    /// Whether nothing new is begun, also where the library could not be told so.
    pub fn paused(&self) -> bool {
        lock(&self.state).paused
    }

    /// The model that is in memory.
    pub fn loaded(&self) -> Option<PathBuf> {
        lock(&self.state).loaded.clone()
    }

    pub fn caches(&self) -> Vec<CacheUse> {
        lock(&self.state).caches.clone()
    }

    pub fn speeds(&self) -> Speeds {
        lock(&self.state).speeds.clone()
    }

    /// What the last render consisted of.
    pub fn last(&self) -> Option<Last> {
        lock(&self.state).last.clone()
    }

    /// Learns from what was measured.
    pub fn learn(&self, learn: impl FnOnce(&mut Speeds)) {
        self.change(|state| learn(&mut state.speeds));
    }

    /// The last draft that was finished.
    pub fn drafted(&self) -> Option<Arc<Drafted>> {
        lock(&self.state).drafted.1.clone()
    }

    /// A draft was finished; its number.
    pub fn set_drafted(&self, drafted: Drafted) -> u64 {
        self.change(|state| {
            state.drafted = (state.drafted.0 + 1, Some(Arc::new(drafted)));
            state.drafted.0
        })
    }

    /// Whether a picture or a draft is being made.
    pub fn busy(&self) -> bool {
        let state = lock(&self.state);
        state.running.is_some() || state.drawing.is_some()
    }

    fn stopped(&self) -> bool {
        lock(&self.state).stop
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut lock(&self.state));
        self.changed.notify_all();
        answer
    }

    /// Waits for something to do.
    fn next(&self) -> Next {
        let mut state = lock(&self.state);
        loop {
            if state.stop {
                return Next::Stop;
            }
            if let Some(draft) = state.draft.take() {
                let cancel = Arc::new(AtomicBool::new(false));
                state.drawing = Some(cancel.clone());
                return Next::Draft(Box::new(draft), cancel);
            }
            if std::mem::take(&mut state.settle) {
                return Next::Settle;
            }
            if state.work && !state.paused {
                // What is queued from here on sets it again.
                state.work = false;
                return Next::Queue;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that `job` runs; its switch is on already where it was cancelled meanwhile.
    fn begin(&self, job: JobId) -> Arc<AtomicBool> {
        self.change(|state| {
            let cancelled = state.cancelled.contains(&job) || state.stop;
            state.cancelled.clear();
            let cancel = Arc::new(AtomicBool::new(cancelled));
            state.running = Some((job, cancel.clone()));
            cancel
        })
    }

    /// Notes that nothing runs, and that there may be more.
    fn end(&self) {
        self.change(|state| {
            (state.running, state.work) = (None, true);
            // Those that were to stop it came too late, and must not stop it when it is tried again.
            state.cancelled.clear();
        });
    }
}

impl State {
    fn stop_running(&mut self) {
        if let Some((_, cancel)) = &self.running {
            cancel.store(true, Ordering::Relaxed);
        }
    }

    fn stop_drawing(&mut self) {
        if let Some(cancel) = &self.drawing {
            cancel.store(true, Ordering::Relaxed);
        }
    }
}

enum Next {
    Stop,
    Draft(Box<Draft>, Arc<AtomicBool>),
    Settle,
    Queue,
}

/// The thread.
pub(crate) fn run(shared: &Shared) {
    let mut canvas = None;
    loop {
        match shared.easel.next() {
            Next::Stop => {
                // Where even now nothing can be written, whoever opens the library next puts them back.
                let _ = settle(shared);
                return;
            }
            Next::Draft(draft, cancel) => {
                live::draw(shared, &mut canvas, &draft, &cancel);
                shared.easel.change(|state| state.drawing = None);
            }
            Next::Settle => {
                if let Err(error) = settle(shared) {
                    pause(shared, &error);
                }
            }
            Next::Queue => match take(shared) {
                Ok(Some(job)) => {
                    make(shared, &mut canvas, &job);
                    shared.easel.end();
                }
                Ok(None) => {}
                // The library cannot be written: nothing is begun until somebody tries again.
                Err(error) => pause(shared, &error),
            },
        }
    }
}

/// The job whose turn it is, once the library knows how those before it ended.
fn take(shared: &Shared) -> Result<Option<JobRow>, StudioError> {
    settle(shared)?;
    shared.write(|library| library.queue_take(shared.now()))
}

/// Tells the library how jobs ended that it could not be told of then.
fn settle(shared: &Shared) -> Result<(), StudioError> {
    let owed = lock(&shared.easel.state).owed.clone();
    owed.into_iter().try_for_each(|(job, how)| {
        end(shared, job, how)?;
        shared.tell(Event::Queue);
        Ok(())
    })
}

/// Tells the library how a job ended. Where it cannot be told, it is told later.
fn end(shared: &Shared, job: JobId, how: End) -> Result<(), StudioError> {
    let now = shared.now();
    let told = shared.write(|library| match &how {
        End::PutBack => library.queue_put_back(job),
        End::Stopped => library.queue_stopped(job, now),
        End::Failed(error) => library.queue_failed(job, error, now),
    });
    shared.easel.change(|state| match &told {
        Ok(()) => drop(state.owed.remove(&job)),
        // Somebody may have cancelled it since it was owed.
        Err(_) => drop(state.owed.entry(job).or_insert(how)),
    });
    told
}

/// A model that is loaded.
pub(crate) struct Canvas {
    path: PathBuf,
    sha256: String,
    renderer: Box<dyn Renderer + Send>,
}

/// Makes the picture of one job and puts it into the library.
fn make(shared: &Shared, canvas: &mut Option<Canvas>, row: &JobRow) {
    let job = row.id;
    let cancel = shared.easel.begin(job);
    shared.tell(Event::Queue);
    let told = |event: &RenderEvent| shared.watchers.tell(event);
    let mut sitter = Sitter {
        job,
        cancel: &cancel,
        tell: &told,
        show: &|png| shared.watchers.show(job, png),
        looks: &|| shared.watchers.any(),
    };
    let made = guarded(shared, canvas, |canvas| {
        let request: RenderRequest = serde_json::from_str(&row.request)
            .map_err(|error| StudioError::internal(format!("the job cannot be read: {error}")))?;
        if let Some(choice) = &request.enlarge {
            let (kept, seconds) = enlarge::job(shared, &request, choice, &mut sitter)?;
            return Ok((kept, seconds, None));
        }
        if let Some(choice) = &request.deliver {
            return deliver::job(shared, canvas, &request, choice, &mut sitter);
        }
        let (prepared, rendered) = paint(shared, canvas, &request, &mut sitter)?;
        let kept = keep::job(shared, &request, &prepared, &rendered, job)?;
        Ok((kept, rendered.seconds.total, rendered.changed))
    });
    let ended = match made {
        Ok((picture, seconds, changed)) => {
            told(&RenderEvent::Done { job, picture, seconds, changed });
            Ok(())
        }
        Err(error) if error.code == ErrorCode::Cancelled && shared.easel.stopped() => {
            // The program is being closed: the job waits for the next time.
            end(shared, job, End::PutBack)
        }
        Err(error) if error.code == ErrorCode::Cancelled => {
            let ended = end(shared, job, End::Stopped);
            told(&RenderEvent::Cancelled { job });
            ended
        }
        Err(error) => fail(shared, job, error),
    };
    if let Err(error) = ended {
        pause(shared, &error);
    }
    shared.tell(Event::Queue);
}

fn fail(shared: &Shared, job: JobId, error: StudioError) -> Result<(), StudioError> {
    let text = serde_json::to_string(&error).unwrap_or_default();
    let ended = end(shared, job, End::Failed(text));
    // Every other job would fail of the same, and each would have to be tried again by hand.
    if error.code == ErrorCode::Storage {
        pause(shared, &error);
    }
    shared.watchers.tell(&RenderEvent::Failed { job, error });
    ended
}

/// Pauses the queue because of something that only a person can mend.
fn pause(shared: &Shared, error: &StudioError) {
    shared.easel.set_paused(true);
    // Where even this cannot be written, the queue is paused for as long as the program runs.
    let _ = shared.write(|library| library.queue_pause(true));
    shared.tell(Event::Notice { message: format!("The queue is paused: {error}") });
    shared.tell(Event::Queue);
}

/// Does `work` on the canvas. A panic is a failure of that one picture: the thread goes on, with a model
/// that is loaded anew, since what the panic left in this one is not known.
pub(crate) fn guarded<T>(
    shared: &Shared,
    canvas: &mut Option<Canvas>,
    work: impl FnOnce(&mut Option<Canvas>) -> Result<T, StudioError>,
) -> Result<T, StudioError> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(canvas)));
    caught.unwrap_or_else(|_| {
        *canvas = None;
        shared.easel.change(|state| (state.loaded, state.caches) = (None, Vec::new()));
        shared.tell(Event::Models);
        Err(StudioError::internal("it panicked; the model is loaded anew"))
    })
}

/// Renders one picture with whatever model it wants, which stays loaded.
pub(crate) fn paint(
    shared: &Shared,
    canvas: &mut Option<Canvas>,
    request: &RenderRequest,
    sitter: &mut Sitter<'_>,
) -> Result<(Prepared, Rendered), StudioError> {
    let prepared = shared.prepare(request)?;
    let inputs = shared.inputs(request)?;
    if sitter.cancelled() {
        return Err(RenderError::Cancelled.into());
    }
    let renderer = set_up(shared, canvas, &prepared, sitter)?;
    let rendered = one(renderer, &prepared.resolved, &inputs, sitter)?;
    let caches = renderer.caches();
    shared.easel.change(|state| {
        state.caches = caches;
        state.speeds.learn(&prepared.resolved, &rendered.seconds);
        state.last = Some(Last::of(sitter.job, &rendered));
    });
    Ok((prepared, rendered))
}

fn one(
    renderer: &mut dyn Renderer,
    recipe: &ResolvedRecipe,
    inputs: &Inputs,
    sitter: &mut Sitter<'_>,
) -> Result<Rendered, StudioError> {
    let mut rendered = renderer.render(recipe, inputs, sitter)?;
    match (rendered.pop(), rendered.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(StudioError::internal("the engine did not give one picture for one")),
    }
}

/// The renderer of the model that `prepared` wants, opened where it is not the one that is loaded.
fn set_up<'a>(
    shared: &Shared,
    canvas: &'a mut Option<Canvas>,
    prepared: &Prepared,
    sitter: &mut Sitter<'_>,
) -> Result<&'a mut (dyn Renderer + Send + 'static), StudioError> {
    let (path, sha256) = (&prepared.model.path, &prepared.resolved.model.sha256);
    let fits = |canvas: &Canvas| canvas.path == *path && canvas.sha256 == *sha256;
    if !canvas.as_ref().is_some_and(fits) {
        // Two models at once may be more than fits.
        *canvas = None;
        shared.easel.change(|state| (state.loaded, state.caches) = (None, Vec::new()));
        sitter.progress(Progress::Loading);
        let renderer = shared.engine.open(path, prepared.resolved.precision)?;
        *canvas = Some(Canvas { path: path.clone(), sha256: sha256.clone(), renderer });
        note_model(shared, prepared);
        shared.easel.change(|state| state.loaded = Some(path.clone()));
        shared.tell(Event::Models);
    }
    let renderer = renderer_of(canvas)
        .ok_or_else(|| StudioError::internal("a model that was opened is not there"))?;
    renderer.set_cache_limit(u64::from(lock(&shared.settings).cache_megabytes) << 20);
    Ok(renderer)
}

/// Notes in the library that the model is there. That this cannot be written will be said of the picture.
fn note_model(shared: &Shared, prepared: &Prepared) {
    let Chosen { path, description } = &prepared.model;
    let seen = NewModelSeen {
        name: prepared.resolved.model.name.clone(),
        sha256: Some(prepared.resolved.model.sha256.clone()),
        path: Some(path.display().to_string()),
        bytes: Some(description.bytes),
    };
    let _ = shared.write(|library| library.model_seen(&seen, shared.now()));
}

fn renderer_of(canvas: &mut Option<Canvas>) -> Option<&mut (dyn Renderer + Send + 'static)> {
    canvas.as_mut().map(|canvas| &mut *canvas.renderer)
}

/// Who waits for a picture while it is made.
pub(crate) struct Sitter<'a> {
    /// 0 for a live draft.
    pub job: JobId,
    pub cancel: &'a AtomicBool,
    pub tell: &'a dyn Fn(&RenderEvent),
    pub show: &'a dyn Fn(&[u8]),
    pub looks: &'a dyn Fn() -> bool,
}

impl Watch for Sitter<'_> {
    fn progress(&mut self, progress: Progress) {
        let job = self.job;
        match progress {
            Progress::Loading => (self.tell)(&RenderEvent::Loading { job }),
            Progress::Encoding => (self.tell)(&RenderEvent::Encoding { job }),
            Progress::Step { done, total, preview, .. } => {
                (self.tell)(&RenderEvent::Step { job, done, total });
                if let Some(png) = preview.as_ref().and_then(quick_png) {
                    (self.show)(&png);
                }
            }
            Progress::Decoding { .. } => (self.tell)(&RenderEvent::Decoding { job }),
        }
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn wants_preview(&self) -> bool {
        (self.looks)()
    }
}
