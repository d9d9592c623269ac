//! Holding a request's body while a person is asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};
use law::{KeyId, Neighbourhood};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    body::Load,
    framing::strip_trailers,
    pace::{Paced, Unsent},
};

/// Room for bodies that are held: so much for one, so much for all together, and of that only a
/// share for any one who sends them, so that no flood keeps all others from being asked.
#[derive(Clone, Debug)]
pub struct Spool {
    each: usize,
    all: usize,
    room: Arc<Semaphore>,
    /// What is taken of each share.
    taken: Arc<Mutex<HashMap<Share, usize>>>,
    /// Of which shares room is taken; where there are none, of the whole alone.
    shares: [Option<Share>; 2],
}

/// Of whose share room is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Share {
    /// A known key's.
    Key(KeyId),
    /// Of all together whose credential nobody knows: it may be made up.
    Strangers,
    /// Of those from there.
    From(Neighbourhood),
}

impl Share {
    /// Which part of the whole it is.
    const fn part(self) -> usize {
        match self {
            Self::Key(_) => 2,
            Self::Strangers => 4,
            Self::From(_) => 16,
        }
    }
}

/// Room that is taken; it is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    permit: OwnedSemaphorePermit,
    shares: [Option<Share>; 2],
    taken: Arc<Mutex<HashMap<Share, usize>>>,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for share in self.shares.into_iter().flatten() {
            if let Some(bytes) = taken.get_mut(&share) {
                *bytes = bytes.saturating_sub(self.permit.num_permits());
                if *bytes == 0 {
                    taken.remove(&share);
                }
            }
        }
    }
}

/// Why a body is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheld {
    /// It is larger than one body may be.
    TooLarge,
    /// Too much is held already.
    Full,
    /// It broke off, or could not be decoded.
    Broken,
    /// It came too slowly.
    Slow,
}

impl Spool {
    /// Room for bodies of at most `each` bytes, and for `all` bytes together (at most 4 GiB).
    pub fn new(each: usize, all: usize) -> Self {
        let all = all.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        Self { each, all, room: Arc::new(Semaphore::new(all)), taken: Arc::default(), shares: [None; 2] }
    }

    /// The same room, of which these shares are taken.
    pub(crate) fn of(&self, shares: [Option<Share>; 2]) -> Self {
        Self { shares, ..self.clone() }
    }

    /// Reads a body to its end. Its room is given back when the body was sent on or dropped.
    pub(crate) async fn hold(&self, mut body: Paced) -> Result<(Bytes, Load), Unheld> {
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if expected > self.each {
            return Err(Unheld::TooLarge);
        }
        // Room is taken for what has arrived, not for what is announced: an announcement is free.
        let mut room = self.nothing()?;
        let mut bytes = BytesMut::new();
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) => {
                    let size = bytes.len().saturating_add(data.len());
                    if size > self.each {
                        return Err(Unheld::TooLarge);
                    }
                    self.reserve(&mut room, data.len())?;
                    bytes.extend_from_slice(&data);
                }
                Err(frame) => {
                    trailers = frame.into_trailers().ok().map(|mut trailers| {
                        strip_trailers(&mut trailers);
                        trailers
                    });
                }
            }
        }
        let bytes = bytes.freeze();
        Ok((bytes.clone(), Load::Held { bytes: Some(bytes), trailers, room: Some(room) }))
    }

    /// The largest body that is held, in bytes.
    pub(crate) const fn most(&self) -> usize {
        self.each
    }

    fn nothing(&self) -> Result<Room, Unheld> {
        let permit = self.acquire(0)?;
        Ok(Room { permit, shares: self.shares, taken: Arc::clone(&self.taken) })
    }

    /// Takes more room.
    fn reserve(&self, room: &mut Room, bytes: usize) -> Result<(), Unheld> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // One body always fits.
        let is_full = |share: &Share| {
            let most = (self.all / share.part()).max(self.each);
            taken.get(share).copied().unwrap_or(0).saturating_add(bytes) > most
        };
        if self.shares.iter().flatten().any(is_full) {
            return Err(Unheld::Full);
        }
        room.permit.merge(self.acquire(bytes)?);
        for share in self.shares.into_iter().flatten() {
            *taken.entry(share).or_default() += bytes;
        }
        Ok(())
    }

    fn acquire(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unheld> {
        let bytes = u32::try_from(bytes).map_err(|_| Unheld::TooLarge)?;
        Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| Unheld::Full)
    }

    /// Bytes that are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.room.available_permits()
    }
}

impl From<Unsent> for Unheld {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Broken(_) => Self::Broken,
            Unsent::Slow => Self::Slow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_floods_the_room_fills_a_share_of_it() {
        let spool = Spool::new(10, 160);
        let take = |shares| {
            let spool = spool.of(shares);
            let mut room = spool.nothing().unwrap();
            spool.reserve(&mut room, 10).map(|()| room)
        };
        let key = |id| [Some(Share::Key(KeyId(id))), None];
        let from = |host: u8| {
            let source = law::neighbourhood([192, 0, 2, host].into());
            [Some(Share::Strangers), Some(Share::From(source))]
        };
        let mut strangers = vec![take(from(1)).unwrap()];
        assert_eq!(take(from(1)).unwrap_err(), Unheld::Full, "a sixteenth from one place");
        strangers.extend((2..5).map(|host| take(from(host)).unwrap()));
        assert_eq!(take(from(5)).unwrap_err(), Unheld::Full, "a quarter for all whom nobody knows");
        let mut keys: Vec<Room> = (0..8).map(|_| take(key(1)).unwrap()).collect();
        assert_eq!(take(key(1)).unwrap_err(), Unheld::Full, "half of it for one key");
        keys.extend((0..4).map(|_| take(key(2)).unwrap()));
        assert_eq!((take(key(3)).unwrap_err(), spool.free()), (Unheld::Full, 0));
        strangers.pop();
        strangers.push(take(from(5)).unwrap());
        drop((strangers, keys));
        assert_eq!((spool.free(), spool.taken.lock().unwrap().len()), (160, 0));
    }
}
