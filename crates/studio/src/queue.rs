//! The queue's commands. Each job is a durable row of the library; what runs it is the easel.

use std::collections::HashMap;

use likeness_library::{self as library, JobRow, NewJob, Parent, Which};

use crate::api::{
    Event, Job, JobId, JobIds, JobMove, JobState, Jobs, Nothing, Pause, Place, Queue, QueueNotice,
    RenderCommand, RenderEvent, RenderRequest,
};
use crate::channel::Channel;
use crate::studio::Shared;
use crate::{Studio, StudioError};

/// How many jobs that ended are shown.
const ENDED: u32 = 200;

/// Most pictures of one request that somebody waits for. More are a batch, which a new idea goes before.
const WAITED_FOR: usize = 4;

/// Requests whose time is estimated one by one; that of the others is their mean.
const ESTIMATED: usize = 16;

impl Studio {
    /// Puts a request into the queue: one job for each picture.
    pub fn render(&self, asked: RenderCommand) -> Result<Jobs, StudioError> {
        let shared = &self.shared;
        let prepared = shared.prepare(&asked.request)?;
        let parents = parents(&asked.request)?;
        let requests = asked.request.pictures(&prepared.resolved);
        let interactive = asked.interactive && requests.len() <= WAITED_FOR;
        let jobs = requests.into_iter().map(|request| {
            let request = serde_json::to_string(&request).map_err(StudioError::internal)?;
            Ok(NewJob { request, interactive, parents: parents.clone() })
        });
        let jobs: Vec<NewJob> = jobs.collect::<Result<_, StudioError>>()?;
        let place = match asked.place {
            Place::Last => library::Place::Last,
            Place::Next => library::Place::Next,
        };
        let now = shared.now();
        let prompt = &asked.request.prompt;
        let ids = shared.write(|library| library.queue_add_prompted(&jobs, place, prompt, now))?;
        self.added(&ids)
    }

    /// Puts requests for which somebody waits into the queue as they are, a job for each. Many of them are
    /// a batch all the same.
    pub(crate) fn add_jobs(&self, requests: &[RenderRequest]) -> Result<Jobs, StudioError> {
        let shared = &self.shared;
        let jobs = requests.iter().map(|request| {
            let parents = parents(request)?;
            let request = serde_json::to_string(request).map_err(StudioError::internal)?;
            Ok(NewJob { request, interactive: requests.len() <= WAITED_FOR, parents })
        });
        let jobs: Vec<NewJob> = jobs.collect::<Result<_, StudioError>>()?;
        let now = shared.now();
        let ids = shared.write(|library| library.queue_add(&jobs, library::Place::Last, now))?;
        self.added(&ids)
    }

    /// Jobs that are in the queue now: work on them begins, and they are told.
    fn added(&self, ids: &[library::JobId]) -> Result<Jobs, StudioError> {
        let shared = &self.shared;
        shared.easel.wake();
        shared.tell(Event::Queue);
        let rows = shared.read(|reader| ids.iter().map(|&id| reader.job(id)).collect())?;
        Ok(Jobs { jobs: Vec::into_iter(rows).map(job).collect() })
    }

    /// The queue.
    pub fn queue(&self, _: Nothing) -> Result<Queue, StudioError> {
        let shared = &self.shared;
        let (state, rows) =
            shared.read(|reader| Ok((reader.queue_state()?, reader.queue(ENDED)?)))?;
        let seconds_left = seconds_left(shared, &rows);
        let mut queue = shown(state, rows);
        queue.paused |= shared.easel.paused();
        queue.seconds_left = seconds_left;
        Ok(queue)
    }

    /// Tells of every render on `channel` until it is closed.
    pub fn queue_watch(
        &self,
        _: Nothing,
        channel: Box<dyn Channel>,
    ) -> Result<Nothing, StudioError> {
        self.shared.watchers.add(channel);
        Ok(Nothing {})
    }

    /// Pauses the queue, or goes on with it. Whoever goes on has dealt with what the last end left behind.
    pub fn queue_pause(&self, asked: Pause) -> Result<Nothing, StudioError> {
        self.shared.write(|library| {
            library.queue_pause(asked.paused)?;
            if asked.paused { Ok(()) } else { library.queue_dismiss() }
        })?;
        self.shared.easel.set_paused(asked.paused);
        self.changed()
    }

    /// Moves a job that waits.
    pub fn queue_move(&self, asked: JobMove) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.queue_move(asked.id, asked.before))?;
        self.changed()
    }

    /// Makes a job that waits the next.
    pub fn queue_next(&self, asked: JobId) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.queue_next(asked.id))?;
        self.changed()
    }

    /// Cancels jobs that run or wait.
    pub fn queue_cancel(&self, asked: JobIds) -> Result<JobIds, StudioError> {
        let now = self.shared.now();
        let cancelled =
            self.shared.write(|library| library.queue_cancel(which(&asked.ids), now))?;
        // The easel tells of what it stops; of what never ran nobody else does.
        for &job in &cancelled.waiting {
            self.shared.watchers.tell(&RenderEvent::Cancelled { job });
        }
        self.shared.easel.cancel(&cancelled.running);
        self.changed()?;
        Ok(JobIds { ids: Some([cancelled.running, cancelled.waiting].concat()) })
    }

    /// Puts jobs that failed or were cancelled into the queue again.
    pub fn queue_retry(&self, asked: JobIds) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.queue_retry(which(&asked.ids)))?;
        self.shared.easel.wake();
        self.changed()
    }

    /// Forgets jobs that ended; pictures stay.
    pub fn queue_clear(&self, _: Nothing) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.queue_clear())?;
        self.changed()
    }

    /// Takes note of what the last end of the program left behind.
    pub fn queue_dismiss(&self, _: Nothing) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.queue_dismiss())?;
        self.changed()
    }

    fn changed(&self) -> Result<Nothing, StudioError> {
        self.shared.tell(Event::Queue);
        Ok(Nothing {})
    }
}

/// The queue of the library at `folder`, as it was left or as another process has it. How long the rest
/// takes is not known.
pub fn peek(folder: &std::path::Path) -> Result<Queue, StudioError> {
    let reader = library::Reader::open(folder)?;
    let (state, rows) =
        reader.at_once(|reader| Ok((reader.queue_state()?, reader.queue(ENDED)?)))?;
    Ok(shown(state, rows))
}

fn shown(state: library::QueueState, rows: Vec<JobRow>) -> Queue {
    Queue {
        paused: state.paused,
        notice: state
            .notice
            .map(|notice| QueueNotice { interrupted: notice.interrupted, waiting: notice.waiting }),
        jobs: rows.into_iter().map(job).collect(),
        waiting: count(state.waiting),
        running: state.running,
        done: count(state.done),
        failed: count(state.failed),
        seconds_left: None,
    }
}

fn which(ids: &Option<Vec<library::JobId>>) -> Which<'_> {
    ids.as_deref().map_or(Which::All, Which::These)
}

/// What the pictures of a request will come from.
pub(crate) fn parents(request: &RenderRequest) -> Result<Vec<Parent>, StudioError> {
    let parents = request.parents.iter();
    parents
        .map(|parent| Ok(Parent { id: parent.id.parse()?, relation: parent.relation.into() }))
        .collect()
}

/// A row as it is shown.
pub(crate) fn job(row: JobRow) -> Job {
    let error = row
        .error
        .as_deref()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|_| StudioError::internal(text)));
    Job {
        id: row.id,
        group: row.group,
        run: row.run,
        state: match row.state {
            library::JobState::Waiting => JobState::Waiting,
            library::JobState::Running => JobState::Running,
            library::JobState::Done => JobState::Done,
            library::JobState::Failed => JobState::Failed,
            library::JobState::Cancelled => JobState::Cancelled,
        },
        interactive: row.interactive,
        // One that a newer version wrote is shown, and fails when it is run.
        request: serde_json::from_str(&row.request).unwrap_or_else(|_| RenderRequest::new("")),
        picture: row.picture.map(|id| id.hex()),
        error,
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    }
}

/// How long the rest takes: pictures of one request take as long as each other.
fn seconds_left(shared: &Shared, rows: &[JobRow]) -> Option<f64> {
    let open = |row: &&JobRow| {
        matches!(row.state, library::JobState::Waiting | library::JobState::Running)
    };
    let speeds = shared.easel.speeds();
    let mut groups: HashMap<i64, Option<f64>> = HashMap::new();
    let (mut total, mut known, mut jobs) = (0.0, 0_u32, 0_u32);
    for row in rows.iter().filter(open) {
        jobs += 1;
        if groups.len() >= ESTIMATED && !groups.contains_key(&row.group) {
            continue;
        }
        let seconds = *groups.entry(row.group).or_insert_with(|| {
            let request: RenderRequest = serde_json::from_str(&row.request).ok()?;
            shared.prepare(&request).ok()?.seconds(&speeds).0
        });
        if let Some(seconds) = seconds {
            total += seconds;
            known += 1;
        }
    }
    match (jobs, known) {
        (0, _) => Some(0.0),
        (_, 0) => None,
        _ => Some(total * f64::from(jobs) / f64::from(known)),
    }
}

/// Counts are shown, and nobody has four billion of anything here.
pub(crate) fn count(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
