//! Ending what is in flight: a flag that any thread sets, and a beat at which waiting
//! exchanges look at it.

use std::{
    future::Future as _,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use authority::{Authority, Key};
use jiff::Timestamp;
use law::{Powers, Refusal};
use tokio::time::{Instant, Sleep, sleep_until};

/// How often an idle exchange looks whether it was cut.
pub(crate) const BEAT: Duration = Duration::from_millis(500);

/// Whether exchanges must end: one flag of their key, one of the whole gate.
///
/// Flags instead of a list of listeners: a busy key has thousands of exchanges in flight, on
/// all threads, and most end before anybody could have cut them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut {
    key: Option<Arc<Key>>,
    /// The key that the exchange made known: it cuts like one that was known before.
    learned: Option<Learned>,
    /// What it is about, where it is about a key.
    about: Option<Arc<About>>,
    /// Of a key that another made: what holds that one holds it as well.
    makers: Option<Arc<Makers>>,
    gate: Arc<AtomicBool>,
}

/// What an exchange is about, as far as that can cut it.
#[derive(Debug, Default)]
struct About {
    /// Whether it is sensitive or not usual for its key: then less is enough to cut it.
    wary: AtomicBool,
    reach: OnceLock<Reach>,
}

/// What a call reaches for: every name that it may be taken for, and from where.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) name: Arc<str>,
    pub(crate) beside: Vec<Arc<str>>,
    pub(crate) powers: Powers,
    pub(crate) source: IpAddr,
}

impl Reach {
    /// Whether it is within everything that narrows a key.
    pub(crate) fn is_within(&self, key: &Key) -> Result<(), Refusal> {
        let mut names = [&self.name].into_iter().chain(&self.beside);
        names.try_for_each(|name| key.admits(name, self.powers, self.source))
    }
}

/// The keys above one, looked at when what holds keys has changed.
struct Makers {
    authority: Arc<Authority>,
    key: Arc<Key>,
    looked: AtomicU64,
}

impl std::fmt::Debug for Makers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Makers").field("key", &self.key.id).finish_non_exhaustive()
    }
}

impl Makers {
    fn hold(&self, wary: bool) -> bool {
        let now = self.authority.containings();
        if self.looked.load(Ordering::Relaxed) == now {
            return false;
        }
        let holds = self.authority.falls(&self.key, wary, Timestamp::now());
        if !holds {
            self.looked.store(now, Ordering::Relaxed);
        }
        holds
    }
}

/// Where the key is put that an exchange makes known.
pub(crate) type Learned = Arc<OnceLock<Arc<Key>>>;

impl Cut {
    /// For exchanges without a key: `gate` ends them.
    #[must_use]
    pub(crate) const fn of_gate(gate: Arc<AtomicBool>) -> Self {
        Self { key: None, learned: None, about: None, makers: None, gate }
    }

    /// The same, ended with `key` too: when it is disabled, or ends.
    #[must_use]
    pub(crate) fn or_key(self, key: Arc<Key>) -> Self {
        Self { key: Some(key), about: Some(Arc::default()), ..self }
    }

    /// The same, ended with a containment of the keys that made it.
    #[must_use]
    pub(crate) fn or_its_makers(self, authority: &Arc<Authority>) -> Self {
        let makers = |key: &Arc<Key>| {
            let (authority, key) = (Arc::clone(authority), Arc::clone(key));
            Arc::new(Makers { authority, key, looked: AtomicU64::new(u64::MAX) })
        };
        let makers = self.key.as_ref().filter(|key| key.parent().is_some()).map(makers);
        Self { makers, ..self }
    }

    /// The same, ended with the key that is put there later.
    pub(crate) fn or_learned(self, learned: Learned) -> Self {
        Self { learned: Some(learned), about: Some(Arc::default()), ..self }
    }

    /// What it is about is sensitive, or not usual for its key.
    pub(crate) fn be_wary(&self) {
        self.about.iter().for_each(|about| about.wary.store(true, Ordering::Relaxed));
    }

    /// What it reaches for is known now.
    pub(crate) fn reaches_for(&self, reach: impl FnOnce() -> Reach) {
        if let Some(about) = &self.about {
            let _ = about.reach.set(reach());
        }
    }

    /// Why it does not pass any more, where its key was narrowed since it was judged.
    pub(crate) fn above_ceiling(&self) -> Option<Refusal> {
        let now = self.key()?.narrowed_since()?;
        self.about.as_ref()?.reach.get()?.is_within(&now).err()
    }

    /// Why it was cut, as whoever asks anew will hear it.
    pub(crate) fn why(&self) -> Refusal {
        let own = || {
            let key = self.key()?;
            key.newest().as_ref().unwrap_or(key).refusal(Timestamp::now())
        };
        own().or_else(|| self.above_ceiling()).unwrap_or(Refusal::Disabled)
    }

    fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref().or_else(|| self.learned.as_ref()?.get())
    }

    pub(crate) const fn learned(&self) -> Option<&Learned> {
        self.learned.as_ref()
    }

    pub(crate) fn is_cut(&self) -> bool {
        let wary = || self.about.as_ref().is_some_and(|about| about.wary.load(Ordering::Relaxed));
        self.gate.load(Ordering::Relaxed)
            || self.key().is_some_and(|key| key.has_fallen_for(wary(), Timestamp::now))
            || self.above_ceiling().is_some()
            || self.makers.as_ref().is_some_and(|makers| makers.hold(wary()))
    }
}

/// Why waiting is over although nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The exchange was cut.
    Cut,
    /// Nothing moved for too long.
    TooLong,
}

/// Watches one wait of one exchange. It costs nothing until something has to be waited for.
#[derive(Debug)]
pub(crate) struct Wait {
    cut: Cut,
    /// How long nothing may move; `None` waits for ever.
    patience: Option<Duration>,
    idle_since: Option<Instant>,
    beat: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    pub(crate) const fn new(cut: Cut, patience: Option<Duration>) -> Self {
        Self { cut, patience, idle_since: None, beat: None }
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.is_cut()
    }

    /// Something moved: patience begins anew.
    pub(crate) const fn moved(&mut self) {
        self.idle_since = None;
    }

    /// Ready when waiting is over. `moving` is asked at each beat whether something moved elsewhere.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>, mut moving: impl FnMut() -> bool) -> Poll<Over> {
        loop {
            if self.cut.is_cut() {
                return Poll::Ready(Over::Cut);
            }
            let now = Instant::now();
            let since = *self.idle_since.get_or_insert(now);
            let mut next = now + BEAT;
            if let Some(patience) = self.patience {
                if now >= since + patience {
                    if !moving() {
                        return Poll::Ready(Over::TooLong);
                    }
                    self.idle_since = Some(now);
                } else {
                    next = next.min(since + patience);
                }
            }
            let beat = match &mut self.beat {
                Some(beat) => {
                    if beat.is_elapsed() {
                        beat.as_mut().reset(next);
                    }
                    beat
                }
                None => self.beat.insert(Box::pin(sleep_until(next))),
            };
            ready!(beat.as_mut().poll(cx));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cut_is_seen_within_half_a_second() {
        let flag = Arc::new(AtomicBool::new(false));
        let mut wait = Wait::new(Cut::of_gate(flag.clone()), None);
        let began = Instant::now();
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            flag.store(true, Ordering::Relaxed);
        });
        assert_eq!(poll_fn(|cx| wait.poll_over(cx, || false)).await, Over::Cut);
        assert!(began.elapsed() <= BEAT + Duration::from_millis(1));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_counts_from_the_last_move() {
        let mut wait = Wait::new(Cut::default(), Some(Duration::from_secs(3)));
        let began = Instant::now();
        let mut moves = 2;
        let over = poll_fn(|cx| {
            wait.poll_over(cx, || {
                moves -= 1;
                moves >= 0
            })
        });
        assert_eq!(over.await, Over::TooLong);
        assert_eq!(began.elapsed().as_secs(), 9);
    }
}
