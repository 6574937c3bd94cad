//! Files of a model as they are opened and read: regular ones, of a bounded length where they are texts,
//! and by copies. Nothing is mapped: a mapped file that another program shortens ends the whole process
//! with a signal, and what is read is copied into another form anyway.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

use super::WeightError;

/// Bytes of the longest manifest, `config.json` or `model_index.json`; published ones have a few
/// thousand.
pub(crate) const SHORT_TEXT: u64 = 1 << 20;
/// Bytes of the longest index of shards, a line for each tensor.
pub(crate) const INDEX_TEXT: u64 = 16 << 20;
/// Bytes of the longest tokenizer. Those of published models have up to 35 MB.
pub(crate) const TOKENIZER_TEXT: u64 = 64 << 20;

/// How much is read at once where everything is looked at once.
pub(super) const CHUNK: usize = 1 << 20;

/// Reads one of the texts beside weights, of at most `most` bytes.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<Vec<u8>, WeightError> {
    let (file, _) = open(path)?;
    let mut text = Vec::new();
    file.take(most + 1).read_to_end(&mut text).map_err(|source| unreadable(path, source))?;
    if text.len() as u64 > most {
        let problem = format!("a text of more than {} MB", most >> 20);
        return Err(WeightError::Damaged { file: path.to_owned(), problem });
    }
    Ok(text)
}

/// Opens a regular file. Opening a named pipe would wait for somebody to write into it, and a device may
/// do whatever it does when it is opened, so the kind is asked for first.
pub(super) fn open(path: &Path) -> Result<(File, Metadata), WeightError> {
    let failed = |source| unreadable(path, source);
    check_regular(path, &std::fs::metadata(path).map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    check_regular(path, &meta)?;
    Ok((file, meta))
}

fn check_regular(path: &Path, meta: &Metadata) -> Result<(), WeightError> {
    if meta.is_file() {
        return Ok(());
    }
    let what = if meta.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
    let problem = format!("this is {what}, and a model is read from files");
    Err(WeightError::Damaged { file: path.to_owned(), problem })
}

/// A failure of reading. An end that comes too early is another program's doing: the length was looked at
/// when the file was opened.
pub(super) fn unreadable(path: &Path, source: io::Error) -> WeightError {
    let file = path.to_owned();
    match source.kind() {
        ErrorKind::UnexpectedEof => WeightError::Damaged { file, problem: CHANGED.to_owned() },
        _ => WeightError::Open { file, source },
    }
}

/// What is said of a file that is not the same all the time.
pub(super) const CHANGED: &str = "it changed while it was read: wait until whatever writes it has finished, and try \
                       again";

/// Bytes that are read wherever they lie.
pub enum Bytes {
    /// In a file, which stays open.
    File(Opened),
    /// Already in memory.
    Owned(Vec<u8>),
}

/// A file as it was when it was opened.
pub struct Opened {
    file: File,
    then: Stamp,
}

/// By what a file is seen to be another one than before.
#[derive(Debug, PartialEq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and number of the file, where the system has such.
    place: (u64, u64),
}

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt;
            (meta.dev(), meta.ino())
        };
        #[cfg(not(unix))]
        let place = (0, 0);
        Self { length: meta.len(), modified: meta.modified().ok(), place }
    }
}

impl Bytes {
    /// Opens a file, and reads nothing of it.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        let (file, meta) = open(path)?;
        Ok(Self::File(Opened { file, then: Stamp::of(&meta) }))
    }

    /// How many there are.
    pub fn length(&self) -> u64 {
        match self {
            Self::File(opened) => opened.then.length,
            Self::Owned(bytes) => bytes.len() as u64,
        }
    }

    /// Fills `into` with what begins at `start`.
    pub fn read(&self, start: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(opened) => read_exact_at(&opened.file, into, start),
            Self::Owned(bytes) => {
                let part = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
                let part = part.and_then(|part| part.get(..into.len()));
                into.copy_from_slice(part.ok_or(ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Reads from the beginning on.
    pub fn reader(&self) -> impl Read {
        io::BufReader::new(Onwards { bytes: self, at: 0 })
    }

    /// Refuses a file that is not as it was opened, or whose name is another file's by now. What was read
    /// of it would be parts of two.
    pub fn check_unchanged(&self, path: &Path) -> Result<(), WeightError> {
        let Self::File(Opened { file, then }) = self else { return Ok(()) };
        let stamp = |meta: io::Result<Metadata>| meta.ok().map(|meta| Stamp::of(&meta));
        let now = [stamp(file.metadata()), stamp(std::fs::metadata(path))];
        match now.iter().all(|now| now.as_ref() == Some(then)) {
            true => Ok(()),
            false => Err(unreadable(path, ErrorKind::UnexpectedEof.into())),
        }
    }
}

/// A place in a file that goes on with what is read.
struct Onwards<'a> {
    bytes: &'a Bytes,
    at: u64,
}

impl Read for Onwards<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.bytes.length().saturating_sub(self.at);
        let count = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.bytes.read(self.at, &mut into[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, into: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut into: &mut [u8], mut start: u64) -> io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, start) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => (into, start) = (&mut into[count..], start + count as u64),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_or_replaced_is_no_longer_the_one_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let cut = |path: &Path| File::options().write(true).open(path).unwrap().set_len(3).unwrap();
        let replace = |path: &Path| {
            std::fs::write(folder.path().join("other"), [2; 4096]).unwrap();
            std::fs::rename(folder.path().join("other"), path).unwrap();
        };
        let remove = |path: &Path| std::fs::remove_file(path).unwrap();
        let changes: [&dyn Fn(&Path); 3] = [&cut, &replace, &remove];
        for change in changes {
            std::fs::write(&path, [1; 4096]).unwrap();
            let bytes = Bytes::open(&path).unwrap();
            bytes.check_unchanged(&path).unwrap();
            change(&path);
            let said = bytes.check_unchanged(&path).unwrap_err();
            assert!(said.to_string().contains("weights: it changed while"), "{said}");
        }
    }

    #[test]
    fn an_end_that_comes_too_early_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, [1; 4096]).unwrap();
        let bytes = Bytes::open(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(2000).unwrap();
        let mut into = [0; 1000];
        bytes.read(1000, &mut into).unwrap();
        assert_eq!(bytes.read(2000, &mut into).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let mut all = Vec::new();
        assert!(bytes.reader().read_to_end(&mut all).is_err(), "the rest is not taken for nothing");
        let mut short = [0; 5];
        assert!(Bytes::Owned(vec![0; 4]).read(0, &mut short).is_err());
    }
}
