//! Holding a request's body while a person is asked.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    body::Load,
    framing::strip_trailers,
    pace::{Paced, Unsent},
};

/// Room for bodies that are held: so much for one, so much for all together.
#[derive(Clone, Debug)]
pub struct Spool {
    each: usize,
    room: Arc<Semaphore>,
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
        Self { each, room: Arc::new(Semaphore::new(all)) }
    }

    /// Reads a body to its end. Its room is given back when the body was sent on or dropped.
    pub(crate) async fn hold(&self, mut body: Paced) -> Result<(Bytes, Load), Unheld> {
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if expected > self.each {
            return Err(Unheld::TooLarge);
        }
        // Room is taken for what has arrived, not for what is announced: an announcement is free.
        let mut room = self.reserve(0)?;
        let mut bytes = BytesMut::new();
        let mut trailers = None;
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) => {
                    let size = bytes.len().saturating_add(data.len());
                    if size > self.each {
                        return Err(Unheld::TooLarge);
                    }
                    room.merge(self.reserve(size.saturating_sub(room.num_permits()))?);
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

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unheld> {
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
