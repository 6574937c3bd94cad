//! The queue. A job is one picture that is to be made; a request for several is several jobs.
//!
//! Interactive jobs, for which a person is waiting, go before the others; among equals `place`
//! decides. States only go forward, but for a retry and a crash, which lead back to waiting.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::parents::Parent;
use super::prompts;
use super::session::{self, Notice};
use crate::{Library, LibraryError, PictureId, Reader, Result, Time};

pub(crate) const CREATE: &str = "
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    together INTEGER NOT NULL,
    place INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    interactive INTEGER NOT NULL,
    request TEXT NOT NULL,
    parents TEXT NOT NULL,
    picture BLOB,
    error TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
CREATE INDEX jobs_next ON jobs (state, interactive, place);
";

/// A job's number, never given twice.
pub type JobId = i64;

super::named! {
    /// How far a job is.
    JobState {
        /// It has not begun.
        Waiting = "waiting",
        /// It is being made.
        Running = "running",
        /// Its picture is in the library.
        Done = "done",
        /// It could not be made.
        Failed = "failed",
        /// It was not wanted any more.
        Cancelled = "cancelled",
    }
}

/// A job that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What is asked for, as JSON that the library does not read.
    pub request: String,
    /// Whether a person is waiting for it.
    pub interactive: bool,
    /// What the picture will come from.
    pub parents: Vec<Parent>,
}

/// Where new jobs go, among those that are as interactive as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Behind the others.
    Last,
    /// Before the others.
    Next,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// The same for all jobs that were added at once: the number of the first of them.
    pub group: i64,
    /// Names that group beyond this database too: the pictures that the jobs become keep it.
    pub run: String,
    /// How far it is.
    pub state: JobState,
    /// Whether it goes before those that are not.
    pub interactive: bool,
    /// What was asked for.
    pub request: String,
    /// What the picture will come from.
    pub parents: Vec<Parent>,
    /// What was made, if it is done.
    pub picture: Option<PictureId>,
    /// Why it failed, as JSON that the library does not read.
    pub error: Option<String>,
    /// When it was added.
    pub created_at: Time,
    /// When it was begun last.
    pub started_at: Option<Time>,
    /// When it was done, failed or was cancelled.
    pub finished_at: Option<Time>,
}

/// Which jobs are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// All in a state from which this can be done.
    All,
    /// Those of these that are in such a state.
    These(&'a [JobId]),
}

/// What became of jobs that were to be cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// They were waiting, and are cancelled.
    pub waiting: Vec<JobId>,
    /// They are running: whoever runs them must stop, and say so with [`Library::queue_stopped`].
    pub running: Vec<JobId>,
}

/// The queue in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Whether nothing is begun.
    pub paused: bool,
    /// What a person should know after a bad end, until they have read it.
    pub notice: Option<Notice>,
    /// How many wait.
    pub waiting: u64,
    /// What is being made.
    pub running: Option<JobId>,
    /// How many are done, and not yet cleared away.
    pub done: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were cancelled.
    pub cancelled: u64,
}

impl Library {
    /// Adds jobs as one group, in the order given.
    pub fn queue_add(&self, jobs: &[NewJob], place: Place, now: Time) -> Result<Vec<JobId>> {
        self.queue_add_prompted(jobs, place, "", now)
    }

    /// Adds jobs and notes the prompt that they were asked for with, in one transaction: a person
    /// waits for it to be on the disk.
    pub fn queue_add_prompted(
        &self,
        jobs: &[NewJob],
        place: Place,
        prompt: &str,
        now: Time,
    ) -> Result<Vec<JobId>> {
        self.write(|tx| {
            prompts::used(tx, prompt, now)?;
            let (first, last) = ends(tx)?;
            let start = match place {
                Place::Last => last + 1,
                Place::Next => first - jobs.len() as i64,
            };
            // Numbers are never given twice, so the next one is known: it is also the group's.
            let group: JobId = tx
                .prepare_cached("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'jobs'")?
                .query_row([], |row| row.get(0))?;
            let mut ids = Vec::with_capacity(jobs.len());
            for (job, place) in jobs.iter().zip(start..) {
                let parents = serde_json::to_string(&job.parents).expect("parents are plain data");
                tx.prepare_cached(
                    "INSERT INTO jobs (together, place, state, interactive, request, parents, created_at)
                     VALUES (?1, ?2, 'waiting', ?3, ?4, ?5, ?6)",
                )?
                .execute(params![group, place, job.interactive, job.request, parents, now])?;
                ids.push(tx.last_insert_rowid());
            }
            Ok(ids)
        })
    }

    /// Begins the job whose turn it is, unless the queue is paused or empty.
    pub fn queue_take(&self, now: Time) -> Result<Option<JobRow>> {
        self.write(|tx| {
            if session::is_paused(tx)? {
                return Ok(None);
            }
            let next: Option<JobId> = tx
                .prepare_cached(
                    "SELECT id FROM jobs WHERE state = 'waiting'
                     ORDER BY interactive DESC, place LIMIT 1",
                )?
                .query_row([], |row| row.get(0))
                .optional()?;
            let Some(id) = next else { return Ok(None) };
            tx.prepare_cached("UPDATE jobs SET state = 'running', started_at = ?2 WHERE id = ?1")?
                .execute(params![id, now])?;
            Ok(Some(job(tx, id)?))
        })
    }

    /// Notes that a running job failed. One whose picture was added is done by
    /// [`Library::add_picture`].
    pub fn queue_failed(&self, id: JobId, error: &str, now: Time) -> Result<()> {
        self.end(id, JobState::Failed, Some(error), now)
    }

    /// Notes that a running job was cancelled.
    pub fn queue_stopped(&self, id: JobId, now: Time) -> Result<()> {
        self.end(id, JobState::Cancelled, None, now)
    }

    /// Puts a running job back to where it was, as when the program is closed in the middle of it.
    pub fn queue_put_back(&self, id: JobId) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "UPDATE jobs SET state = 'waiting', started_at = NULL WHERE id = ?1 AND state = 'running'",
                [id],
            )?;
            Ok(())
        })
    }

    /// Cancels what waits, and answers what runs.
    pub fn queue_cancel(&self, which: Which<'_>, now: Time) -> Result<Cancelled> {
        self.write(|tx| {
            let mut cancelled = Cancelled::default();
            for (id, state) in chosen(tx, which)? {
                match state {
                    JobState::Running => cancelled.running.push(id),
                    JobState::Waiting => {
                        set_ended(tx, id, JobState::Cancelled, None, now)?;
                        cancelled.waiting.push(id);
                    }
                    _ => {}
                }
            }
            Ok(cancelled)
        })
    }

    /// Puts what failed or was cancelled at the end of the queue again; `All` means what failed.
    pub fn queue_retry(&self, which: Which<'_>) -> Result<Vec<JobId>> {
        self.write(|tx| {
            let mut again = Vec::new();
            for (id, state) in chosen(tx, which)? {
                let named = matches!(which, Which::These(_));
                if state == JobState::Failed || (named && state == JobState::Cancelled) {
                    let (_, last) = ends(tx)?;
                    tx.prepare_cached(
                        "UPDATE jobs SET state = 'waiting', place = ?2, error = NULL,
                             started_at = NULL, finished_at = NULL
                         WHERE id = ?1",
                    )?
                    .execute([id, last + 1])?;
                    again.push(id);
                }
            }
            Ok(again)
        })
    }

    /// Moves a waiting job to right before another one, whose turn it then shares in being
    /// interactive or not; without another one to the very end.
    pub fn queue_move(&self, id: JobId, before: Option<JobId>) -> Result<()> {
        self.write(|tx| {
            must_wait(tx, id)?;
            let (interactive, place) = match before {
                None => (false, ends(tx)?.1 + 1),
                Some(before) if before == id => return Ok(()),
                Some(before) => {
                    must_wait(tx, before)?;
                    let sql = "SELECT interactive, place FROM jobs WHERE id = ?1";
                    let (interactive, place): (bool, i64) =
                        tx.query_row(sql, [before], |row| Ok((row.get(0)?, row.get(1)?)))?;
                    tx.execute(
                        "UPDATE jobs SET place = place + 1 WHERE state = 'waiting' AND place >= ?1",
                        [place],
                    )?;
                    (interactive, place)
                }
            };
            let sql = "UPDATE jobs SET interactive = ?2, place = ?3 WHERE id = ?1";
            tx.execute(sql, params![id, interactive, place])?;
            Ok(())
        })
    }

    /// Makes a waiting job the next of all.
    pub fn queue_next(&self, id: JobId) -> Result<()> {
        self.write(|tx| {
            must_wait(tx, id)?;
            let (first, _) = ends(tx)?;
            let sql = "UPDATE jobs SET interactive = 1, place = ?2 WHERE id = ?1";
            tx.execute(sql, [id, first - 1])?;
            Ok(())
        })
    }

    /// Forgets the jobs that are over; their pictures stay. Answers how many there were.
    pub fn queue_clear(&self) -> Result<u64> {
        self.write(|tx| {
            let sql = "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled')";
            Ok(tx.execute(sql, [])? as u64)
        })
    }

    fn end(&self, id: JobId, state: JobState, error: Option<&str>, now: Time) -> Result<()> {
        self.write(|tx| set_ended(tx, id, state, error, now))
    }
}

impl Reader {
    /// What runs, what waits in the order of its turn, then what is over, the last first: of that at
    /// most `over`.
    pub fn queue(&self, over: u32) -> Result<Vec<JobRow>> {
        let list = |of: &str, limit| self.sorted(|connection| list(connection, of, limit));
        self.at_once(|_| {
            let mut jobs = list("state = 'running' ORDER BY id", None)?;
            jobs.extend(list("state = 'waiting' ORDER BY interactive DESC, place", None)?);
            let ended =
                "state IN ('done', 'failed', 'cancelled') ORDER BY finished_at DESC, id DESC";
            jobs.extend(list(ended, Some(over))?);
            Ok(jobs)
        })
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<JobRow> {
        self.sorted(|connection| job(connection, id))
    }

    /// The queue in numbers.
    pub fn queue_state(&self) -> Result<QueueState> {
        self.sorted(|connection| {
            let mut state = QueueState {
                paused: session::is_paused(connection)?,
                notice: session::notice(connection)?,
                ..QueueState::default()
            };
            let sql = "SELECT state, count(*), max(id) FROM jobs GROUP BY state";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let count = row.get(1)?;
                match row.get(0)? {
                    JobState::Waiting => state.waiting = count,
                    JobState::Running => state.running = Some(row.get(2)?),
                    JobState::Done => state.done = count,
                    JobState::Failed => state.failed = count,
                    JobState::Cancelled => state.cancelled = count,
                }
            }
            Ok(state)
        })
    }
}

/// In the transaction that adds its picture. That the job was cleared away meanwhile is no harm.
pub(crate) fn set_done(
    connection: &Connection,
    id: JobId,
    picture: PictureId,
    now: Time,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE jobs SET state = 'done', picture = ?2, finished_at = ?3, error = NULL WHERE id = ?1",
        )?
        .execute(params![id, picture, now])?;
    Ok(())
}

fn set_ended(
    connection: &Connection,
    id: JobId,
    state: JobState,
    error: Option<&str>,
    now: Time,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE jobs SET state = ?2, error = ?3, finished_at = ?4
             WHERE id = ?1 AND state IN ('waiting', 'running')",
        )?
        .execute(params![id, state, error, now])?;
    Ok(())
}

/// Puts what ran when the program ended back to where it was, and answers how many those were.
pub(crate) fn interrupt(connection: &Connection) -> Result<u32> {
    let sql = "UPDATE jobs SET state = 'waiting', started_at = NULL WHERE state = 'running'";
    Ok(connection.execute(sql, [])? as u32)
}

pub(crate) fn count_waiting(connection: &Connection) -> Result<u32> {
    let sql = "SELECT count(*) FROM jobs WHERE state = 'waiting'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// The first and last place that is taken by a waiting job.
fn ends(connection: &Connection) -> Result<(i64, i64)> {
    let sql =
        "SELECT coalesce(min(place), 0), coalesce(max(place), 0) FROM jobs WHERE state = 'waiting'";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn chosen(connection: &Connection, which: Which<'_>) -> Result<Vec<(JobId, JobState)>> {
    match which {
        Which::All => {
            // As they would be made: what is put into the queue again keeps its order.
            let sql = "SELECT id, state FROM jobs ORDER BY interactive DESC, place";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        }
        Which::These(ids) => ids.iter().map(|&id| Ok((id, job(connection, id)?.state))).collect(),
    }
}

fn must_wait(connection: &Connection, id: JobId) -> Result<()> {
    match job(connection, id)?.state {
        JobState::Waiting => Ok(()),
        state => Err(LibraryError::field(
            "id",
            format!("job {id} is {}", state.name()),
            "a job that is waiting",
        )),
    }
}

fn job(connection: &Connection, id: JobId) -> Result<JobRow> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let found = statement.query_row([id], read_row).optional()?;
    found.ok_or_else(|| LibraryError::not_found("job", id))
}

fn list(connection: &Connection, condition: &str, limit: Option<u32>) -> Result<Vec<JobRow>> {
    let sql = format!("{SELECT} WHERE {condition} LIMIT ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([limit.map_or(-1, i64::from)], read_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a group's jobs were asked for with and when: jobs of a database that was made anew are counted
/// from the beginning, and no two groups are added in one millisecond under one number.
const SELECT: &str = "SELECT id, together, state, interactive, request, parents, picture, error,
    created_at, started_at, finished_at, printf('%x-%d', created_at, together) FROM jobs";

/// The run of the pictures that a job makes; none where the job was cleared away.
pub(crate) fn run_of(connection: &Connection, id: JobId) -> Result<Option<String>> {
    Ok(connection
        .prepare_cached("SELECT printf('%x-%d', created_at, together) FROM jobs WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let parents: String = row.get(5)?;
    let parents = serde_json::from_str(&parents).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(JobRow {
        id: row.get(0)?,
        group: row.get(1)?,
        state: row.get(2)?,
        interactive: row.get(3)?,
        request: row.get(4)?,
        parents,
        picture: row.get(6)?,
        error: row.get(7)?,
        created_at: row.get(8)?,
        started_at: row.get(9)?,
        finished_at: row.get(10)?,
        run: row.get(11)?,
    })
}
