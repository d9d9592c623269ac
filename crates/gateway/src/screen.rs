//! Answers to requests that went with the gate's own credential: they pass only as far as the
//! credential is not in them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{
    header::{SET_COOKIE, TRAILER},
    response,
};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use law::Refusal;
use wire::{Search, Sought};

use crate::{body::AnswerBroken, dry::DryBody, lens::is_plain};

/// An answer of at most so many bytes is read whole before its head goes on, so that one that
/// shows the credential is answered with a refusal. A longer one is broken off instead.
pub(crate) const WHOLE: u64 = 256 * 1024;

/// Searches one answer's body.
pub(crate) struct Screen {
    searches: Vec<Search>,
    /// So many bytes wait, whatever they are: see [`Sought::tail`].
    tail: usize,
    /// The last bytes that came, which may be the beginning of the credential.
    waiting: BytesMut,
    /// Whether the body has ended.
    ended: bool,
}

/// The credential was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown;

impl Screen {
    /// Looks at an answer's head, and takes out what a client must not have: the API's sessions,
    /// which would be a way around the gate, and words that cannot be searched.
    ///
    /// # Errors
    /// Where the head shows the credential, or the body cannot be read.
    pub(crate) fn new(sought: &[Arc<Sought>], parts: &mut response::Parts) -> Result<Self, Refusal> {
        let is_in = |text: &[u8]| sought.iter().any(|sought| sought.is_in(text));
        let shows =
            parts.headers.iter().any(|(name, value)| is_in(name.as_str().as_bytes()) || is_in(value.as_bytes()));
        if shows {
            return Err(Refusal::CredentialInAnswer);
        }
        if !is_plain(&parts.headers) {
            return Err(Refusal::AnswerUnreadable);
        }
        parts.headers.remove(SET_COOKIE);
        parts.headers.remove(TRAILER);
        parts.extensions.remove::<hyper::ext::ReasonPhrase>();
        Ok(Self {
            searches: sought.iter().cloned().map(Search::new).collect(),
            tail: sought.iter().map(|sought| sought.tail()).max().unwrap_or(0),
            waiting: BytesMut::new(),
            ended: false,
        })
    }

    /// What of the body may go on, now that this piece came; perhaps nothing yet.
    fn pass(&mut self, piece: &[u8]) -> Result<Bytes, Shown> {
        self.waiting.extend_from_slice(piece);
        if self.finds(piece) {
            return Err(Shown);
        }
        Ok(self.waiting.split_to(self.waiting.len().saturating_sub(self.tail)).freeze())
    }

    /// Keeps a body that is read whole.
    ///
    /// # Errors
    /// Where it shows the credential.
    pub(crate) fn keep(&mut self, piece: &[u8]) -> Result<(), Shown> {
        self.waiting.extend_from_slice(piece);
        if self.finds(piece) { Err(Shown) } else { Ok(()) }
    }

    fn finds(&mut self, piece: &[u8]) -> bool {
        // Once one of them has found it, the answer is over.
        self.searches.iter_mut().any(|search| search.pass(piece))
    }

    /// How much was kept.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.waiting
    }

    /// The body was read to its end; this goes on in place of what was kept.
    pub(crate) fn ends(&mut self, instead: Option<&[u8]>) {
        self.ended = true;
        if let Some(instead) = instead {
            self.waiting = BytesMut::from(instead);
        }
    }

    /// The body has ended: what waited is no credential.
    fn rest(&mut self) -> Option<Bytes> {
        self.ended = true;
        (!self.waiting.is_empty()).then(|| self.waiting.split().freeze())
    }
}

/// An answer's body on its way from the upstream.
pub(crate) enum Source {
    /// As it comes.
    Plain(Incoming),
    /// Searched for the gate's own credential. Its trailers are left out: they come when the
    /// head is gone.
    Screened(Incoming, Box<Screen>),
    /// None of the upstream's: what a drill gets.
    Dry(DryBody),
}

impl Source {
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerBroken>>> {
        let (body, screen) = match self {
            Self::Plain(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(AnswerBroken::Upstream)));
            }
            Self::Screened(body, screen) => (body, screen),
            Self::Dry(body) => return Poll::Ready(body.next().map(Frame::data).map(Ok)),
        };
        loop {
            let frame = if screen.ended { None } else { ready!(Pin::new(&mut *body).poll_frame(cx)) };
            let passed = match frame {
                None => match screen.rest() {
                    Some(rest) => Ok(rest),
                    None => return Poll::Ready(None),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(AnswerBroken::Upstream(error)))),
                Some(Ok(frame)) => screen.pass(frame.data_ref().map_or(&[][..], |data| data)),
            };
            match passed {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Err(Shown) => return Poll::Ready(Some(Err(AnswerBroken::Showed))),
            }
        }
    }

    /// All of a body that was read whole.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Screened(body, screen) if screen.ended || body.is_end_stream() => Some(&screen.waiting),
            Self::Plain(_) | Self::Screened(..) | Self::Dry(_) => None,
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Dry(body) => body.left() == 0,
            Self::Screened(body, screen) => (screen.ended || body.is_end_stream()) && screen.waiting.is_empty(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Dry(body) => SizeHint::with_exact(body.left()),
            Self::Screened(body, screen) => {
                let waiting = screen.waiting.len() as u64;
                let left = if screen.ended { Some(0) } else { body.size_hint().exact() };
                left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left.saturating_add(waiting)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use proptest::prelude::*;
    use wire::Secret;

    use super::*;

    fn screen(headers: &[(&str, &str)]) -> Result<(Screen, response::Parts), Refusal> {
        let sought = Arc::new(Sought::new(&[Secret::new(b"sk_live_4eC39HqLyjW")]).ok().unwrap());
        let mut answer = Response::builder();
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let mut parts = answer.body(()).unwrap().into_parts().0;
        Screen::new(&[sought], &mut parts).map(|screen| (screen, parts))
    }

    #[test]
    fn a_head_that_shows_the_credential_does_not_pass() {
        for value in ["/?key=sk_live_4eC39HqLyjW", "Basic c2tfbGl2ZV80ZUMzOUhxTHlqVzo=", "sk%5Flive_4eC39HqLyjW"] {
            assert_eq!(screen(&[("location", value)]).err(), Some(Refusal::CredentialInAnswer), "{value}");
        }
        assert_eq!(screen(&[("content-encoding", "gzip")]).err(), Some(Refusal::AnswerUnreadable));
        let (_, parts) = screen(&[("set-cookie", "sid=1"), ("content-encoding", "Identity"), ("x", "y")]).unwrap();
        assert!(!parts.headers.contains_key("set-cookie") && parts.headers.contains_key("x"));
    }

    #[test]
    fn what_shows_the_credential_does_not_begin_to_pass() {
        let (mut screen, _) = screen(&[]).unwrap();
        let before = "x".repeat(screen.tail);
        assert_eq!(screen.pass(format!("{before}key: sk_live_4e").as_bytes()).unwrap(), "x".repeat(15));
        assert_eq!(screen.pass(b"C39HqLyjW"), Err(Shown));
    }

    #[test]
    fn what_waits_at_the_end_was_no_credential() {
        let (mut screen, _) = screen(&[]).unwrap();
        assert_eq!(screen.pass(b"sk_live").unwrap(), "");
        assert_eq!(screen.rest().unwrap(), "sk_live");
        assert_eq!(screen.rest(), None);
    }

    /// The sizes in which a text goes on that comes in pieces of these sizes.
    fn sizes(text: &str, pieces: &[usize]) -> Vec<usize> {
        let (mut screen, _) = screen(&[]).unwrap();
        let mut rest = text.as_bytes();
        let mut gone: Vec<usize> = pieces
            .iter()
            .map(|size| {
                let (piece, behind) = rest.split_at((*size).min(rest.len()));
                rest = behind;
                screen.pass(piece).unwrap().len()
            })
            .collect();
        gone.push(screen.rest().map_or(0, |rest| rest.len()));
        gone
    }

    proptest! {
        #[test]
        fn the_sizes_of_what_goes_on_tell_nothing(
            guesses in prop::collection::vec((0_usize..19, "[ -~]{0,30}"), 0..100),
            pieces in prop::collection::vec(0_usize..400, 1..12),
        ) {
            let guess = |(right, other): &(usize, String)| format!("{}#{other}", &"sk_live_4eC39HqLyjW"[..*right]);
            let text: String = guesses.iter().map(guess).collect();
            prop_assert_eq!(sizes(&text, &pieces), sizes(&"#".repeat(text.len()), &pieces));
        }
    }
}
