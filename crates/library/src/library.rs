//! A library that is open.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::care::{adopt, preserve};
use crate::folder::{ASSETS, BACKUPS, DATABASE, PICTURES};
use crate::lock::Lock;
use crate::table::session;
use crate::{LibraryError, Result, SCHEMA, Time, files, folder, schema, seal};

/// Kept in the database's header, so that another program's file of this name is not taken for ours.
pub(crate) const APPLICATION: i32 = 0x4C4B_4E53; // "LKNS"

/// What can be read of a library. A [`Library`] is one; a second one reads beside it.
pub struct Reader {
    pub(crate) connection: Connection,
    pub(crate) folder: PathBuf,
    /// Whether this reads the copy of a damaged database.
    is_copy: bool,
}

/// An open library: nobody else writes to it as long as this exists.
///
/// Dropping it notes that the end was a clean one, if its opening came to its end.
pub struct Library {
    // In this order: the connection is closed before the lock is let go.
    reader: Reader,
    _lock: Lock,
    adopted: u32,
    /// Whether what the last session left has been taken in. Until then its end is not a clean one:
    /// the next to open must look again.
    settled: bool,
}

impl Library {
    /// Opens the library at `folder`, and makes one where there is none.
    pub fn open(folder: &Path, now: Time) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| LibraryError::from_write(folder, e))?;
        Self::open_existing(folder, now, true)
    }

    /// Opens the library at `folder`; where there is none, the folder is [`LibraryError::Gone`].
    pub fn open_there(folder: &Path, now: Time) -> Result<Self> {
        Self::must_be_there(folder)?;
        Self::open_existing(folder, now, false)
    }

    /// That something of a library is in `folder`: its database, or the pictures that one can be made
    /// from again. Else the folder is [`LibraryError::Gone`].
    pub fn must_be_there(folder: &Path) -> Result<()> {
        match folder.join(DATABASE).exists() || folder.join(PICTURES).exists() {
            true => Ok(()),
            false => Err(LibraryError::Gone { path: folder.to_owned() }),
        }
    }

    fn open_existing(folder: &Path, now: Time, make: bool) -> Result<Self> {
        let folder = std::path::absolute(folder).map_err(|e| LibraryError::from_read(folder, e))?;
        let lock = Lock::take(&folder)?;
        let database = folder.join(DATABASE);
        let connection = open_database(&folder, now, make).map_err(|error| error.at(&database));
        let connection = connection.map_err(|error| with_copy(error, &folder))?;
        let reader = Reader { connection, folder, is_copy: false };
        files::clear_aside(&reader.folder)?;
        let mut library = Self { reader, _lock: lock, adopted: 0, settled: false };
        // A file that still cannot go keeps nobody from opening.
        let _ = library.finish_purge();
        // A full disk must not keep a person from opening the library and making some room.
        library.settled = unless_full(library.settle(now))?.is_some();
        Ok(library)
    }

    /// Notes that the library is open, and takes in what a session that did not end left behind.
    fn settle(&mut self, now: Time) -> Result<()> {
        if let Some(since) = session::begin(self, now)? {
            self.adopted = adopt(self, since, now)?;
            session::settled(self, now)?;
        }
        Ok(())
    }

    /// How many finished pictures the last session left without a row, and this one found.
    pub fn adopted(&self) -> u32 {
        self.adopted
    }

    /// A second connection, for reading on another thread.
    pub fn reader(&self) -> Result<Reader> {
        Reader::open(&self.folder)
    }

    /// Closes it, and says so if that did not end well. Dropping does the same in silence.
    pub fn close(self) -> Result<()> {
        self.note_end()
    }

    fn note_end(&self) -> Result<()> {
        if self.settled {
            session::end(self)?;
            seal::set(self)?;
        }
        Ok(())
    }

    /// Runs `change` as one transaction: all of it is on the disk afterwards, or none.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        files::still_there(&self.folder)?;
        self.sorted(|connection| {
            let behaviour = TransactionBehavior::Immediate;
            let transaction = Transaction::new_unchecked(connection, behaviour)?;
            let answer = change(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        })
    }
}

impl Deref for Library {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // Where this fails, the next one to open finds an unclean end, and looks more closely.
        let _ = self.note_end();
    }
}

impl Reader {
    /// Opens the library at `folder` for reading, beside whoever writes to it.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder).map_err(|e| LibraryError::from_read(folder, e))?;
        files::still_there(&folder)?;
        Self::open_file(&folder.join(DATABASE), folder, false)
    }

    /// Opens the copy of a damaged database that [`LibraryError::Damaged`] names, for the pictures of
    /// the library at `folder`. What is damaged in it still cannot be read.
    pub fn open_copy(copy: &Path, folder: &Path) -> Result<Self> {
        Self::open_file(copy, folder.to_owned(), true)
    }

    fn open_file(database: &Path, folder: PathBuf, is_copy: bool) -> Result<Self> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(database, flags)?;
            set_up(&connection)?;
            let found = version(&connection)?;
            if found > SCHEMA {
                return Err(LibraryError::Newer { folder: folder.clone(), found, known: SCHEMA });
            }
            if found < SCHEMA {
                return up_to_date(&connection, &folder);
            }
            Ok(connection)
        };
        let connection = open().map_err(|error: LibraryError| error.at(database))?;
        Ok(Self { connection, folder, is_copy })
    }

    /// The library's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `read`, and sorts what SQLite says about it.
    pub(crate) fn sorted<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        read(&self.connection).map_err(|error| {
            let error = error.at(&self.folder.join(DATABASE));
            if self.is_copy { error } else { with_copy(error, &self.folder) }
        })
    }

    /// Runs `read` with all that it reads being of one moment, whatever is written meanwhile: a job that
    /// begins between two questions is neither missed by both nor found by both.
    ///
    /// # Errors
    ///
    /// Those of `read`, and what SQLite says.
    pub fn at_once<T>(&self, read: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        if !self.connection.is_autocommit() {
            return read(self);
        }
        self.sorted(|connection| {
            let moment = connection.unchecked_transaction()?;
            let answer = read(self)?;
            moment.finish()?;
            Ok(answer)
        })
    }
}

/// A copy in memory of a database of an older schema, brought up to date: whoever only reads it may not
/// change it, and another program may have it open.
fn up_to_date(old: &Connection, folder: &Path) -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    Backup::new(old, &mut connection)?.run_to_completion(1024, Duration::ZERO, None)?;
    set_up(&connection)?;
    migrate(&mut connection, folder)?;
    Ok(connection)
}

/// Brings a database up to date.
pub(crate) fn migrate(connection: &mut Connection, folder: &Path) -> Result<()> {
    schema::migrations().to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => LibraryError::from(err),
        other => LibraryError::Damaged {
            folder: folder.to_owned(),
            copy: None,
            problem: other.to_string(),
        },
    })
}

/// What was done, or nothing where the disk is full.
pub fn unless_full<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(LibraryError::DiskFull { .. }) => Ok(None),
        done => done.map(Some),
    }
}

/// Keeps the damaged database as it is, and says where.
fn with_copy(error: LibraryError, folder: &Path) -> LibraryError {
    match error {
        LibraryError::Damaged { folder: damaged, copy: None, problem } => {
            let copy = preserve(folder).ok().flatten();
            LibraryError::Damaged { folder: damaged, copy, problem }
        }
        error => error,
    }
}

fn open_database(folder: &Path, now: Time, make: bool) -> Result<Connection> {
    let database = folder.join(DATABASE);
    let damaged = |problem: &str| LibraryError::Damaged {
        folder: folder.to_owned(),
        copy: None,
        problem: problem.to_owned(),
    };
    let is_new = std::fs::metadata(&database).map_or(true, |file| file.len() == 0);
    if is_new {
        let pictures = files::walk(&folder.join(PICTURES))?;
        if pictures.iter().any(|path| folder::read_name(path).is_some()) {
            return Err(damaged("there are pictures and no database"));
        }
        if !make {
            return Err(LibraryError::Gone { path: folder.to_owned() });
        }
        // Whatever lies in these folders of a library is the library's, to be put in order.
        let mut there = pictures.into_iter().chain(files::walk(&folder.join(ASSETS))?);
        let ours = |path: &Path| folder::read_name(path).is_some() || folder::is_passed_over(path);
        if let Some(path) = there.find(|path| !ours(path)) {
            let problem = format!("{} is not of a library", path.display());
            return Err(LibraryError::field("library", problem, "an empty folder, or a library"));
        }
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if is_new {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let mut connection = Connection::open_with_flags(&database, flags)?;
    // Until it is known to be sound, nothing may be written into it, not even by closing it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    set_up(&connection)?;
    let found = version(&connection)?;
    if found > SCHEMA {
        return Err(LibraryError::Newer { folder: folder.to_owned(), found, known: SCHEMA });
    }
    if !is_new {
        let application: i32 =
            connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
        if application != APPLICATION {
            return Err(damaged("it is another program's database"));
        }
        if (found < SCHEMA || !seal::holds(folder))
            && let Some(problem) = quick_check(&connection, found < SCHEMA)?
        {
            return Err(damaged(&problem));
        }
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    if is_new {
        // The first that is written: killed after it, this is a library that has seen no change yet.
        connection.pragma_update(None, "application_id", APPLICATION)?;
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    if !is_new && found < SCHEMA {
        let backups = folder.join(BACKUPS);
        files::make_folder(folder, &backups)?;
        let copy = backups.join(format!("schema-{found}-{now}.sqlite"));
        connection.backup("main", &copy, None)?;
        files::sync_file(&copy)?;
    }
    migrate(&mut connection, folder)?;
    if is_new {
        files::sync_folder(folder);
    }
    Ok(connection)
}

/// What every connection is told.
pub(crate) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // A transaction that was reported as done outlives a power cut: in WAL, NORMAL would not do.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // A library may come from a stranger: nothing in its schema may call what could do harm.
    connection.pragma_update(None, "trusted_schema", false)?;
    // 16 MiB: what the first pages and a search touch of 50,000 pictures.
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // 1 MiB: on a disk that is nearly full, the log must not be what takes the last room.
    connection.pragma_update(None, "wal_autocheckpoint", 256)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The schema of a database: how many changes it has seen.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative one is none that was ever written: taken as newer than all, and refused.
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

/// The first thing that is wrong with a database, if any is: all of it after an end that was not
/// clean and before it is changed; otherwise what every page of the library needs, which takes a
/// tenth of the time. Damage elsewhere is found when it is met, and by `check`.
fn quick_check(connection: &Connection, all: bool) -> rusqlite::Result<Option<String>> {
    const NEEDED: &[&str] =
        &["(session)", "(jobs)", "(pictures)", "(models)", "(boards)", "(tags)"];
    // A schema without the table is an old one, and checked as a whole.
    let clean = !all
        && connection.query_row("SELECT open_since IS NULL FROM session", [], |row| row.get(0))?;
    for table in if clean { NEEDED } else { &["(1)"] } {
        let sql = format!("PRAGMA quick_check{table}");
        let said: String = connection.query_row(&sql, [], |row| row.get(0))?;
        if said != "ok" {
            return Ok(Some(said));
        }
    }
    Ok(None)
}
