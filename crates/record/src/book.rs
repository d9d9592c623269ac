//! The book of calls, open for writing.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use law::{Call, KeyId, Outcome};

use crate::{
    Counts, Damage, Entry, Health, Notice, Pending, Reader, Sealing, Unavailable, Usage, Used,
    brief::Brief,
    entry,
    leaves::Leaves,
    log::Log,
    read, rollup, sealer,
    state::{Item, Shared},
    usage::Index,
    writer,
};

/// The book of calls, open for writing. One process at a time holds it.
///
/// Dropping it writes what is queued and ends its threads; with a disk that hangs, it waits.
pub struct Book {
    shared: Arc<Shared>,
    usage: Arc<Mutex<Index>>,
    /// Whether the index has read everything that was in the book before.
    usage_complete: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    folder: PathBuf,
}

/// How the book is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A file that has reached so many bytes is followed by a new one. It may be longer by one batch.
    pub roll: u64,
    /// All files together are at most so long, in bytes: the oldest are removed, whole. At least twice `roll`.
    pub cap: u64,
    /// What may wait in memory to be written, in bytes. The batch that is being written takes at most
    /// as much again, once as it came and once as frames.
    pub queue: usize,
    /// A write that takes longer makes the book fail.
    pub slow: Duration,
    /// For so long a failing book still takes ordinary intents.
    pub grace: Duration,
    /// After so long a failing book tries again.
    pub retry: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roll: 256 << 20,
            cap: 8 << 30,
            queue: 32 << 20,
            slow: Duration::from_secs(2),
            grace: Duration::from_secs(300),
            retry: Duration::from_secs(1),
        }
    }
}

/// Why the book does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("`{}` is being written by another process; stop that one, or name another folder", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// Others than its owner may enter the folder.
    #[error("`{}` is open to others (mode {mode:o}); run `chmod 700 {}`", path.display(), path.display())]
    Exposed {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The disk says no.
    #[error("`{}` cannot be used: {error}; see that the folder exists and may be written", path.display())]
    Folder {
        /// The folder or the file.
        path: PathBuf,
        /// What the disk said.
        error: io::Error,
    },
    /// The settings do not fit together.
    #[error("a cap of {cap} bytes is too small for files of {roll}; set it to at least twice that")]
    Cap {
        /// [`Settings::cap`].
        cap: u64,
        /// [`Settings::roll`].
        roll: u64,
    },
}

impl Book {
    /// Opens the book, making its folder where there is none. A torn tail is cut; that and other
    /// damage is among the [`notices`](Self::notices), found damage as soon as it has been read.
    pub fn open(folder: impl Into<PathBuf>, settings: Settings) -> Result<Self, OpenError> {
        Self::begin(folder.into(), settings, None)
    }

    /// The same, and files of the log that are finished are sealed.
    ///
    /// # Errors
    /// As with [`open`](Self::open).
    pub fn open_sealing(folder: impl Into<PathBuf>, settings: Settings, sealing: Sealing) -> Result<Self, OpenError> {
        Self::begin(folder.into(), settings, Some(sealing))
    }

    fn begin(folder: PathBuf, settings: Settings, sealing: Option<Sealing>) -> Result<Self, OpenError> {
        if settings.cap / 2 < settings.roll {
            return Err(OpenError::Cap { cap: settings.cap, roll: settings.roll });
        }
        let (log, damages) = Log::open(folder, &settings)?;
        let shared = Arc::new(Shared::new(settings));
        for damage in damages {
            shared.notice(Notice::Damaged(damage));
        }
        shared.is_durable(log.end());
        let mut book = Self {
            shared,
            usage: Arc::default(),
            usage_complete: Arc::default(),
            threads: Vec::new(),
            folder: log.folder(),
        };
        book.start(log, sealing)?;
        Ok(book)
    }

    fn start(&mut self, log: Log, sealing: Option<Sealing>) -> Result<(), OpenError> {
        let folder = log.folder();
        // Before anything more is sealed: each call counts once.
        let leaves = Leaves::read_stated(&folder);
        let leaves = leaves.map_err(|error| OpenError::Folder { path: folder.clone(), error })?.leaves;
        let (first, past) = (log.first(), Reader::for_index(folder.clone(), leaves.last(), log.end()));
        let (shared, usage, complete) = (self.shared.clone(), self.usage.clone(), self.usage_complete.clone());
        let record = folder.clone();
        let rebuild = move || {
            take_over(&record, &leaves, &shared, &usage);
            rebuild(first.max(leaves.last() + 1), leaves.last(), past, &shared, &usage);
            complete.store(!shared.is_stopping(), Ordering::Release);
        };
        let (shared, complete, record) = (self.shared.clone(), self.usage_complete.clone(), folder.clone());
        let seal = sealing.map(|sealing| {
            move || {
                while !complete.load(Ordering::Acquire) && !shared.is_stopping() {
                    shared.pause(Duration::from_millis(100));
                }
                sealer::run(&shared, &record, &sealing);
            }
        });
        let shared = self.shared.clone();
        let watch = move || shared.watch();
        let (shared, usage) = (self.shared.clone(), self.usage.clone());
        let write = move || writer::run(&shared, log, &usage);

        let spawned = thread::Builder::new().name("record-writer".into()).spawn(write).and_then(|writer| {
            self.threads.push(writer);
            self.threads.push(thread::Builder::new().name("record-watch".into()).spawn(watch)?);
            self.threads.push(thread::Builder::new().name("record-usage".into()).spawn(rebuild)?);
            if let Some(seal) = seal {
                self.threads.push(thread::Builder::new().name("record-seal".into()).spawn(seal)?);
            }
            Ok(())
        });
        spawned.map_err(|error| OpenError::Folder { path: folder, error })
    }

    /// Takes an ordinary call: on disk within 50 ms while the book is healthy.
    ///
    /// While the book is failing it is written later or, when memory for it runs out, lost and counted.
    ///
    /// # Errors
    /// The book has been failing for longer than its grace: the call must not pass.
    pub fn intent(&self, mut call: Call) -> Result<(), Unavailable> {
        entry::bound(&mut call);
        self.shared.push(Item::Call(call))
    }

    /// Takes a sensitive call, now and not only when the future is awaited; the answer comes when
    /// it is on disk. Many who wait share one sync. Dropping the future does not take the call back.
    ///
    /// # Errors
    /// It cannot be written, or not in time: the call must not pass.
    pub fn intent_durable(
        &self,
        mut call: Call,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send + 'static + use<> {
        entry::bound(&mut call);
        self.wait(Some(Item::Call(call)))
    }

    /// Takes what became of a call: on disk within 50 ms while the book is healthy.
    pub fn outcome(&self, outcome: Outcome) {
        // The call has passed, or was told so; there is nobody left to refuse.
        let _ = self.shared.push(Item::Outcome(outcome));
    }

    /// The answer comes when everything taken so far is on disk.
    ///
    /// # Errors
    /// It cannot be written, or not in time.
    pub fn synced(&self) -> impl Future<Output = Result<(), Unavailable>> + Send + 'static + use<> {
        self.wait(None)
    }

    fn wait(&self, item: Option<Item>) -> impl Future<Output = Result<(), Unavailable>> + Send + 'static + use<> {
        let queued = self.shared.push_and_wait(item);
        let shared = self.shared.clone();
        async move {
            match queued?.await {
                Ok(answer) => answer,
                // The writer never goes without an answer; were it to, then this is the truth.
                Err(_) => Err(shared.unavailable()),
            }
        }
    }

    /// The folder in which it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads what is on disk for certain, and nothing that a loss of power could take back: who
    /// writes down how far they have read needs this.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn reader(&self) -> Result<Reader, OpenError> {
        let shared = self.shared.clone();
        Ok(Reader::open(&self.folder)?.until(move || shared.durable()))
    }

    /// How the book stands.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// What the book has done since it was opened.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// What is not on disk yet, and when something last came there.
    pub fn pending(&self) -> Pending {
        self.shared.pending()
    }

    /// Takes what there is to tell about the book itself. Each notice is given once; at most
    /// 1024 are kept until then.
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.notices()
    }

    /// How a key was used, as far as the book reaches back.
    pub fn usage(&self, key: KeyId) -> Option<Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).of(key).cloned()
    }

    /// The same in a few words; nothing where the key does not appear in the book.
    pub fn used(&self, key: KeyId) -> Used {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.of(key).map_or_else(Used::default, Usage::brief)
    }

    /// How every key was used that appears in the book.
    pub fn usages(&self) -> Vec<(KeyId, Usage)> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).all()
    }

    /// The oldest call that [`usage`](Self::usage) knows of: before it, a key may have been used
    /// however it liked.
    pub fn usage_since(&self) -> Option<jiff::Timestamp> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).since()
    }

    /// Whether [`usage`](Self::usage) knows all that was in the book when it was opened. A large
    /// book takes a while to read; until then a key may look less used than it is.
    pub fn usage_is_complete(&self) -> bool {
        self.usage_complete.load(Ordering::Acquire)
    }
}

/// Takes over what was written beside the segments about how keys were used.
fn take_over(folder: &Path, leaves: &Leaves, shared: &Shared, usage: &Mutex<Index>) {
    let dropped = leaves.dropped();
    let rollups = leaves.sealed().filter_map(|sealed| sealed.usage.as_ref());
    let rollups: Vec<_> = rollups.filter(|of| !dropped.contains(of.file.as_str())).collect();
    // A month of a thousand keys is more than a gigabyte: it is read on as many processors as there are.
    for some in rollups.chunks(read::workers()) {
        if shared.is_stopping() {
            return;
        }
        thread::scope(|scope| {
            let read = |of| (of, scope.spawn(move || rollup::index(folder, of)));
            // All are begun before the first is waited for.
            let begun: Vec<_> = some.iter().copied().map(read).collect();
            for (of, read) in begun {
                let read = read.join().unwrap_or_else(|_| Err(io::Error::other("reading it ended in a panic")));
                match read {
                    Ok(rollup::Indexed { since, used }) => {
                        let mut usage = usage.lock().unwrap_or_else(PoisonError::into_inner);
                        since.into_iter().for_each(|since| usage.reaches(since));
                        used.into_iter().for_each(|(key, used)| usage.merge(key, used));
                    }
                    Err(error) => {
                        let (file, error) = (of.file.clone(), error.to_string());
                        shared.notice(Notice::Damaged(Damage::Unreadable { file, error }));
                    }
                }
            }
        });
    }
}

/// Reads what was in the book at its start, for the index, and reports what cannot be read, and
/// files that are missing at the old end though no entry says that they were removed.
fn rebuild(first: u64, sealed: u64, past: Reader, shared: &Shared, usage: &Mutex<Index>) {
    let mut accounted = sealed;
    for entry in past {
        if shared.is_stopping() {
            return;
        }
        match entry {
            Ok(Entry::Call(call)) => usage.lock().unwrap_or_else(PoisonError::into_inner).note(&Brief::from(&call)),
            // Whoever removed it may not have come to tell it.
            Ok(Entry::Removed(removed)) => {
                accounted = removed.sequence.max(accounted);
                shared.notice(Notice::Removed(removed));
            }
            Ok(Entry::Outcome(outcome)) => usage.lock().unwrap_or_else(PoisonError::into_inner).ended(&outcome),
            Ok(Entry::Gap(_)) => {}
            Err(damage) => shared.notice(Notice::Damaged(damage)),
        }
    }
    if accounted + 1 < first {
        shared.notice(Notice::Damaged(Damage::Missing { from: accounted + 1, to: first - 1 }));
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the record ended in a panic");
            }
        }
    }
}
