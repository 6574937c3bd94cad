//! `queue`: pictures for later, in the queue that the window has too.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::Subcommand;
use likeness_picture::{Limits, read_file};
use likeness_recipe::{Engine, Progress, PromptNote, Role, Seed};
use likeness_studio::api::{
    InitChoice, Job, JobIds, JobState, MaskChoice, Nothing, Pause, Place, Queue, ReferenceChoice,
    RenderCommand, RenderEvent, RenderRequest,
};
use likeness_studio::{
    Channel, ErrorCode, LibraryError, Opening, Studio, StudioError, models, queue,
};
use serde::Serialize;
use serde_json::Value;

use crate::arguments::Options;
use crate::environment::Host;
use crate::generate::Report;
use crate::report::{Terminal, harmless, print, print_json};
use crate::request::{Request, file_name, typed_model};
use crate::{Failure, notes, told};

/// How often Ctrl+C is looked for while a picture is made.
const PATIENCE: Duration = Duration::from_millis(50);

pub(crate) const EXAMPLES: &str = "\
Examples:
  likeness queue add \"a blue fire engine, sticker\" --count 40 --seed 1
  likeness queue run
  likeness queue list
  likeness queue cancel 17 18
  likeness queue retry --all

The window works on the same queue: while it is open, put things into it there.";

/// What can be done to the queue.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Put pictures into the queue, to be made by `queue run` or by the window
    Add {
        /// What the pictures should show
        prompt: String,
        /// The picture to change, if the prompt says what to change
        #[arg(long, value_name = "FILE")]
        edit: Option<PathBuf>,
        /// Take that as it is drawn; otherwise all that the edit leaves alone is kept, pixel for pixel
        #[arg(long, requires = "edit")]
        no_guard: bool,
        /// Before all that waits
        #[arg(long)]
        next: bool,
        /// How.
        #[command(flatten)]
        options: Box<Options>,
    },
    /// List what runs, waits and has ended
    List {
        /// One JSON object with all of it
        #[arg(long)]
        json: bool,
    },
    /// Make every picture that waits, and print each
    Run {
        /// One JSON object per picture
        #[arg(long)]
        json: bool,
        /// Print nothing but errors
        #[arg(long)]
        quiet: bool,
    },
    /// Begin nothing new until `queue resume`
    Pause,
    /// Go on, also after a crash
    Resume,
    /// Cancel pictures that wait
    Cancel {
        /// Numbers that `queue list` shows
        #[arg(required_unless_present = "all")]
        jobs: Vec<i64>,
        /// All that wait
        #[arg(long, conflicts_with = "jobs")]
        all: bool,
    },
    /// Put pictures that failed or were cancelled into the queue again
    Retry {
        /// Numbers that `queue list` shows
        #[arg(required_unless_present = "all")]
        jobs: Vec<i64>,
        /// All that failed
        #[arg(long, conflicts_with = "jobs")]
        all: bool,
    },
    /// Forget what has ended; the pictures stay
    Clear,
}

/// Does what is asked, and prints what comes of it.
pub fn run(asked: QueueCommand, host: &Host, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let studio = || open(host, engine);
    let some = |jobs: Vec<i64>, all: bool| JobIds { ids: (!all).then_some(jobs) };
    match asked {
        QueueCommand::Add { prompt, edit, no_guard, next, options } => {
            let (request, json, quiet) = options.into_request(prompt, edit, no_guard, None);
            let studio = studio()?;
            let notes = notes(&request, host, &**engine)?;
            add(&studio, &request, &notes, next, json, quiet)
        }
        QueueCommand::List { json } => {
            let queue = match Studio::open_idle(opening(host, engine)) {
                Ok(studio) => studio.queue(Nothing {})?,
                // Another process has it, and what it does can be looked at.
                Err(LibraryError::InUse { .. }) => queue::peek(&host.library)?,
                Err(error) => return Err(refused(error)),
            };
            if json { print_json(&queue) } else { list(&queue) }
        }
        QueueCommand::Run { json, quiet } => work(studio()?, host, json, quiet),
        QueueCommand::Pause => {
            studio()?.queue_pause(Pause { paused: true })?;
            Ok(())
        }
        QueueCommand::Resume => {
            let studio = studio()?;
            studio.queue_dismiss(Nothing {})?;
            studio.queue_pause(Pause { paused: false })?;
            Ok(())
        }
        QueueCommand::Cancel { jobs, all } => {
            studio()?.queue_cancel(some(jobs, all))?;
            Ok(())
        }
        QueueCommand::Retry { jobs, all } => {
            studio()?.queue_retry(some(jobs, all))?;
            Ok(())
        }
        QueueCommand::Clear => {
            studio()?.queue_clear(Nothing {})?;
            Ok(())
        }
    }
}

fn opening(host: &Host, engine: &Arc<dyn Engine>) -> Opening {
    let random = host.random;
    Opening {
        library: host.library.clone(),
        make: host.make_library,
        model_places: host.model_places.clone(),
        engine: engine.clone(),
        clock: Box::new(host.clock),
        random: Box::new(move || random),
        events: Box::new(|_| ()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The studio, at rest.
fn open(host: &Host, engine: &Arc<dyn Engine>) -> Result<Studio, Failure> {
    Studio::open_idle(opening(host, engine)).map_err(refused)
}

fn refused(error: LibraryError) -> Failure {
    Failure::of_library(error, "use the queue there")
}

/// A job that was put into the queue, and what is to be said of its prompt.
#[derive(Serialize)]
struct Added<'a> {
    #[serde(flatten)]
    job: &'a Job,
    notes: &'a [PromptNote],
}

/// What is to be said of a request's prompt, and its model's name.
fn notes(
    request: &Request,
    host: &Host,
    engine: &dyn Engine,
) -> Result<(Vec<PromptNote>, String), Failure> {
    let model = request.model.as_deref().map(typed_model);
    let model = models::choose(model.as_deref(), &host.model_places, engine)?;
    let able = &model.description.capabilities;
    let notes = able.notes(&request.prompt, !request.references.is_empty());
    Ok((notes, able.model.name.clone()))
}

fn add(
    studio: &Studio,
    request: &Request,
    (notes, model): &(Vec<PromptNote>, String),
    next: bool,
    json: bool,
    quiet: bool,
) -> Result<(), Failure> {
    let asked = RenderCommand {
        request: to_render(studio, request)?,
        place: if next { Place::Next } else { Place::Last },
        interactive: false,
    };
    let jobs = studio.render(asked)?.jobs;
    if !quiet {
        notes::lines(notes, model).iter().for_each(|line| eprintln!("note: {}", harmless(line)));
    }
    for job in jobs {
        match (json, quiet) {
            (true, _) => print_json(&Added { job: &job, notes })?,
            (_, true) => {}
            _ => print(&line(&job))?,
        }
    }
    Ok(())
}

/// The request with its files in the library, where the queue finds them on another day.
fn to_render(studio: &Studio, request: &Request) -> Result<RenderRequest, Failure> {
    let keep = |field: &str, path: &PathBuf| -> Result<String, Failure> {
        // Said here with the option's own name; the import would only say that there was nothing.
        read_file(path, Limits::default().bytes)
            .map_err(|error| Failure::of_input(field, path, &error))?;
        let imported = studio.import_path(path, true).map_err(|error| match error.code {
            ErrorCode::Input => Failure::Input(format!("{field}: {}", error.message)),
            _ => error.into(),
        })?;
        Ok(imported.asset.sha256)
    };
    let references = request.references.iter().map(|(role, path)| {
        let field = if *role == Role::Edit { "edit" } else { "ref" };
        Ok(ReferenceChoice {
            asset: keep(field, path)?,
            role: (*role).into(),
            name: Some(file_name(path)),
            guard: request.guard.filter(|_| *role == Role::Edit),
        })
    });
    let init = request.init.as_ref().map(|path| {
        Ok::<_, Failure>(InitChoice { asset: keep("init", path)?, strength: request.strength })
    });
    let mask = request.mask.as_ref();
    let mask = mask.map(|path| Ok::<_, Failure>(MaskChoice { asset: keep("mask", path)? }));
    Ok(RenderRequest {
        model: request.model.as_deref().map(typed_model),
        negative: request.negative.clone(),
        references: references.collect::<Result<_, Failure>>()?,
        init: init.transpose()?,
        mask: mask.transpose()?,
        seed: match request.seed {
            Some(Seed::Fixed(seed)) => Some(seed.to_string()),
            Some(Seed::Random) | None => None,
        },
        noise_source: request.noise_source.clone(),
        steps: request.steps,
        guidance: request.guidance,
        width: request.size.map(|size| size.width),
        height: request.size.map(|size| size.height),
        sampler: request.sampler.clone(),
        schedule: request.schedule.clone(),
        precision: request.precision.clone(),
        count: request.count.unwrap_or(1),
        deliver: request.deliver.clone(),
        ..RenderRequest::new(&request.prompt)
    })
}

fn list(queue: &Queue) -> Result<(), Failure> {
    queue.jobs.iter().try_for_each(|job| print(&line(job)))?;
    if let Some(notice) = &queue.notice {
        print(&format!(
            "The program ended while it was at work: {} of {} pictures that wait had been begun.",
            notice.interrupted, notice.waiting
        ))?;
    }
    if queue.paused {
        print("The queue is paused: likeness queue resume lets it go on.")?;
    }
    Ok(())
}

fn line(job: &Job) -> String {
    let state = match job.state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    };
    let words = job.request.prompt.split_whitespace().collect::<Vec<_>>().join(" ");
    let seed = job.request.seed.as_deref().unwrap_or("-");
    let why = job.error.as_ref().map(|error| format!("  {error}")).unwrap_or_default();
    format!("{:>6}  {state:<9}  seed {seed}  {words}{why}", job.id)
}

/// A picture that the queue has made.
#[derive(Serialize)]
struct Made<'a> {
    job: i64,
    id: &'a str,
    #[serde(flatten, serialize_with = "told::path")]
    path: PathBuf,
    seed: Option<&'a str>,
    prompt: &'a str,
    seconds: f64,
    changed: Option<f64>,
}

/// Makes what waits. A failure does not keep the others from being made, and is what it ends with.
fn work(mut studio: Studio, host: &Host, json: bool, quiet: bool) -> Result<(), Failure> {
    let before = studio.queue(Nothing {})?;
    if before.paused {
        let problem = match &before.notice {
            Some(notice) => format!(
                "the program ended while it was at work, {} pictures wait, and the queue is paused",
                notice.waiting
            ),
            None => "it is paused".to_owned(),
        };
        let accepted = "likeness queue resume, then run it again";
        return Err(Failure::Usage(format!("queue: {problem} (accepted: {accepted})")));
    }
    let (ear, heard) = mpsc::channel();
    studio.queue_watch(Nothing {}, Box::new(Ear(ear)))?;
    studio.start().map_err(refused)?;

    let mut terminal = Terminal::new(json, quiet);
    let (mut made, all) = (0, before.waiting);
    let mut failure = None;
    let mut quiet_for = 0_u32;
    loop {
        if host.cancelled.is_set() {
            // What is being made waits again.
            drop(studio);
            return Err(Failure::Cancelled);
        }
        let ended = match heard.recv_timeout(PATIENCE) {
            Ok(RenderEvent::Step { done, total, .. }) => {
                let progress = Progress::Step { picture: 0, done, total, preview: None };
                terminal.progress(made, all.max(made + 1), progress);
                false
            }
            Ok(RenderEvent::Done { job, picture, seconds, changed }) => {
                made += 1;
                let path = studio.file("picture", &picture.id)?;
                let (id, prompt) = (picture.id.as_str(), picture.prompt.as_str());
                let seed = picture.seed.as_deref();
                if changed == Some(0.0) {
                    terminal.note(&format!(
                        "job {job}: nothing changed: every pixel is the source's own"
                    ));
                }
                match (json, quiet) {
                    (true, _) => {
                        terminal.object(&Made { job, id, path, seed, prompt, seconds, changed })?;
                    }
                    (_, true) => {}
                    _ => terminal.line(&format!(
                        "{}  (seed {}, {seconds:.2} s)",
                        path.display(),
                        seed.unwrap_or("-")
                    ))?,
                }
                true
            }
            Ok(RenderEvent::Failed { job, mut error }) => {
                error.message = format!("job {job}: {}", error.message);
                // All but the last, with which the program ends.
                if let Some(before) = failure.replace(error) {
                    terminal.complain(&before.message);
                }
                true
            }
            Ok(RenderEvent::Cancelled { .. }) => true,
            Ok(_) => false,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                // A library that cannot be written any more pauses the queue between two pictures.
                quiet_for += 1;
                before.waiting == 0 || quiet_for.is_multiple_of(20)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => true,
        };
        if ended {
            let queue = studio.queue(Nothing {})?;
            // A disk that is full pauses it, and every other picture would fail of the same.
            if queue.paused {
                let line = "queue: it is paused, as the library cannot be written";
                failure.get_or_insert_with(|| StudioError::new(ErrorCode::Storage, line));
            }
            if queue.paused || (queue.waiting == 0 && queue.running.is_none()) {
                break;
            }
        }
    }
    failure.map_or(Ok(()), |error| Err(worst(error)))
}

/// A job that was not made is a failure of this run, whatever it is called elsewhere.
fn worst(error: StudioError) -> Failure {
    match error.code {
        ErrorCode::Cancelled => Failure::Internal("a picture was cancelled by nobody".to_owned()),
        _ => error.into(),
    }
}

struct Ear(mpsc::Sender<RenderEvent>);

impl Channel for Ear {
    fn json(&self, value: Value) -> bool {
        // An event that is not understood is none that this waits for.
        serde_json::from_value(value).map_or(true, |event| self.0.send(event).is_ok())
    }

    fn bytes(&self, _: Vec<u8>) -> bool {
        true
    }

    fn looks(&self) -> bool {
        false
    }
}
