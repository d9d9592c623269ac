//! Files and folders, read by as many as there are processors.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::read::MultiGzDecoder;
use wire::IssuedForm;

use super::{
    git,
    look::{Document, Finds, Looker},
    text::{self, WINDOW},
};
use crate::progress::Progress;

/// What all compressed files may become together, in bytes; beyond it they are not read to
/// their end.
pub(super) const UNPACKED: u64 = 64 << 30;

/// What is read.
pub(super) enum Job {
    /// Standard input.
    Standard,
    /// A file or a folder that somebody named: a link is followed.
    Named(PathBuf),
    /// One that was met on the way.
    Met(PathBuf),
    /// The history of a repository.
    History(PathBuf),
    /// What is to be committed.
    Staged(PathBuf),
}

/// How it is read.
pub(super) struct Ways {
    pub(super) forms: Vec<IssuedForm>,
    /// Larger files are named and not read, in bytes.
    pub(super) largest: u64,
    pub(super) history: bool,
    pub(super) unreachable: bool,
    /// What was named, without links: a repository is read in there alone.
    pub(super) within: Vec<PathBuf>,
    /// What compressed files may still become.
    pub(super) unpacked: AtomicU64,
    pub(super) progress: Progress,
    pub(super) finds: Arc<Finds>,
}

/// Jobs that wait, and how many are being done.
#[derive(Default)]
pub(super) struct Jobs {
    inner: Mutex<(Vec<Job>, usize)>,
    changed: Condvar,
}

impl Jobs {
    pub(super) fn add(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0.extend(jobs);
        self.changed.notify_all();
    }

    /// The next one; nothing when all are done and none can come.
    fn next(&self) -> Option<Job> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = inner.0.pop() {
                inner.1 += 1;
                return Some(job);
            }
            if inner.1 == 0 {
                self.changed.notify_all();
                return None;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1 -= 1;
        self.changed.notify_all();
    }
}

/// Does jobs until there are none.
pub(super) fn work(jobs: &Jobs, ways: &Ways, mut looker: Looker) {
    while let Some(job) = jobs.next() {
        match job {
            Job::Standard => {
                let document = Arc::new(Document::File("standard input".to_owned()));
                read(&document, "standard input", io::stdin().lock(), ways, &mut looker);
            }
            Job::Named(path) => match fs::metadata(&path) {
                Ok(metadata) => meet(&path, &metadata, jobs, ways, &mut looker),
                Err(error) => ways.finds.unread(path.display().to_string(), &error),
            },
            Job::Met(path) => match fs::symlink_metadata(&path) {
                // A link may lead back up; what it leads to is looked at where it stands.
                Ok(metadata) if metadata.is_symlink() => looker.name(&path.display().to_string(), &ways.forms),
                Ok(metadata) => meet(&path, &metadata, jobs, ways, &mut looker),
                Err(error) => ways.finds.unread(path.display().to_string(), &error),
            },
            Job::History(path) => git::history(&path, ways, &mut looker),
            Job::Staged(path) => git::staged(&path, ways, &mut looker),
        }
        jobs.done();
    }
    looker.ask();
}

fn meet(path: &Path, metadata: &fs::Metadata, jobs: &Jobs, ways: &Ways, looker: &mut Looker) {
    let name = path.display().to_string();
    looker.name(&name, &ways.forms);
    if metadata.is_dir() {
        return folder(path, &name, jobs, ways);
    }
    // Pipes and devices have no end.
    if !metadata.is_file() {
        return ways.finds.unread(name, &"it is no file");
    }
    if metadata.len() > ways.largest {
        return ways.finds.unread(name, &"it is larger than `--largest`");
    }
    match File::open(path) {
        Ok(file) => {
            ways.finds.with(|inner| inner.files += 1);
            let document = Arc::new(Document::File(name.clone()));
            read(&document, &name, file, ways, looker);
        }
        Err(error) => ways.finds.unread(name, &error),
    }
}

fn folder(path: &Path, name: &str, jobs: &Jobs, ways: &Ways) {
    let is_bare = || ["HEAD", "objects", "refs"].iter().all(|part| path.join(part).exists());
    let is_store = path.file_name().is_some_and(|name| name == ".git");
    if ways.history && !is_store && (path.join(".git").exists() || is_bare()) {
        jobs.add([Job::History(path.to_owned())]);
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return ways.finds.unread(name, &error),
    };
    // The objects are compressed: git itself reads them.
    let skips = is_store || is_bare();
    let met = entries.filter_map(|entry| match entry {
        Ok(entry) if skips && entry.file_name() == "objects" => None,
        Ok(entry) => Some(Job::Met(entry.path())),
        Err(error) => {
            ways.finds.unread(name, &error);
            None
        }
    });
    jobs.add(met.collect::<Vec<_>>());
}

/// Reads a text, which may be compressed.
pub(super) fn read(document: &Arc<Document>, name: &str, source: impl Read, ways: &Ways, looker: &mut Looker) {
    let mut bytes = 0;
    let source = Counted { source: ways.progress.watch(source), bytes: &mut bytes };
    let mut source = BufReader::with_capacity(64 << 10, source);
    let passed = match io::BufRead::fill_buf(&mut source) {
        Ok([0x1F, 0x8B, 8, ..]) => {
            let mut unpacked = Rationed { source: MultiGzDecoder::new(source), left: &ways.unpacked };
            text::pass(&mut unpacked, WINDOW, &ways.forms, &mut |candidate| looker.take(document, candidate))
        }
        Ok(_) => text::pass(&mut source, WINDOW, &ways.forms, &mut |candidate| looker.take(document, candidate)),
        Err(error) => Err(error),
    };
    if let Err(error) = passed {
        ways.finds.unread(name, &error);
    }
    ways.finds.with(|inner| inner.bytes += bytes);
}

/// What is unpacked takes of a room that all have together: a small file can become a very long one.
struct Rationed<'a, R> {
    source: R,
    left: &'a AtomicU64,
}

impl<R: Read> Read for Rationed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(read as u64));
        taken.map_or_else(
            |_| Err(io::Error::other("compressed files are too long when they are unpacked; the rest was not read")),
            |_| Ok(read),
        )
    }
}

struct Counted<'a, R> {
    source: R,
    bytes: &'a mut u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        *self.bytes += read as u64;
        Ok(read)
    }
}
