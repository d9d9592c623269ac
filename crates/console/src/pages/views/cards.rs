//! Questions, as a person answers them.

use askama::Template;
use authority::Exhibit;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header::REFRESH};
use jiff::Timestamp;
use law::{ChallengeId, Power};

use super::{Frame, html};
use crate::{
    api::{KeyRef, QuestionState, QuestionView},
    pages::{
        browser::Destination,
        text::{excerpt, length, moment, time_of_day, visible},
    },
};

/// How often an empty list looks again, in seconds. A list with questions stays as it is: the
/// person may be typing.
const LOOK_AGAIN: u32 = 10;

/// Bytes of a body that are shown whole; of a longer one the gate may have cut the end off.
const SHOWN_WHOLE: u64 = 16 * 1024;

/// The questions that wait, or one of them.
#[derive(Template)]
#[template(path = "questions.html")]
pub(in crate::pages) struct Questions {
    frame: Frame,
    cards: Vec<Card>,
    /// Whether one question was asked for, not the list.
    alone: bool,
    at: String,
    said: Option<String>,
    error: Option<String>,
    now: String,
}

impl Questions {
    pub(in crate::pages) fn new(
        frame: Frame,
        cards: Vec<Card>,
        at: Destination,
        said: Option<String>,
        error: Option<String>,
        now: Timestamp,
    ) -> Self {
        let alone = matches!(at, Destination::Question(_));
        Self { frame, cards, alone, at: at.path(), said, error, now: moment(now) }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        let mut response = html(status, self);
        if self.cards.is_empty() {
            response.headers_mut().insert(REFRESH, HeaderValue::from(LOOK_AGAIN));
        }
        response
    }

    /// Whether there is anything to say yes to.
    fn can_say_yes(&self) -> bool {
        self.cards.iter().any(Card::can_say_yes)
    }

    /// Whether there is something to choose from.
    fn can_choose(&self) -> bool {
        self.cards.len() > 1
    }
}

/// One question.
pub(in crate::pages) struct Card {
    id: ChallengeId,
    operation: String,
    powers: Vec<Power>,
    request: Option<Request>,
    key: Key,
    source: String,
    known_source: bool,
    asked: String,
    ago: String,
    left: String,
    state: QuestionState,
    /// Whether this person answers for the key.
    is_mine: bool,
    /// Whether this person said yes already.
    said_yes: bool,
    people: usize,
    yes: String,
    answerers: String,
    ticked: bool,
}

/// The request as it was sent, credentials masked.
struct Request {
    method: String,
    path: String,
    query: Option<String>,
    /// Those that say what is wanted.
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// How much of the body the person does not see, in words.
    unseen: Option<String>,
    client: Option<String>,
}

/// The key that called.
pub(super) struct Key {
    id: String,
    name: Option<String>,
    holder: Option<String>,
    place: String,
    born: String,
}

impl Key {
    pub(super) fn new(key: &KeyRef) -> Self {
        let KeyRef { id, name, holder, place, born } = key;
        let shown = |text: &String| visible(text, false);
        Self {
            id: id.to_string(),
            name: name.as_ref().map(shown),
            holder: holder.as_ref().map(shown),
            place: shown(place),
            born: moment(*born),
        }
    }
}

impl Card {
    pub(in crate::pages) fn new(
        question: &QuestionView,
        exhibit: Option<&Exhibit>,
        person: &str,
        ticked: bool,
        now: Timestamp,
    ) -> Self {
        let list = |names: &[String]| visible(&names.join(", "), false);
        Self {
            id: question.id,
            operation: visible(&question.operation, false),
            powers: question.powers.iter().collect(),
            request: exhibit.map(Request::new),
            key: Key::new(&question.key),
            source: question.source.to_string(),
            known_source: question.known_source,
            asked: time_of_day(question.asked),
            ago: length(question.asked, now),
            left: length(now, question.until),
            state: question.state,
            is_mine: question.answerers.iter().any(|name| name == person),
            said_yes: question.yes.iter().any(|name| name == person),
            people: question.people,
            yes: list(&question.yes),
            answerers: list(&question.answerers),
            ticked,
        }
    }

    fn is_open(&self) -> bool {
        self.state == QuestionState::Open
    }

    fn can_say_yes(&self) -> bool {
        self.is_open() && self.is_mine && !self.said_yes
    }

    /// What became of it, where it is not open.
    fn fate(&self) -> &'static str {
        match self.state {
            QuestionState::Open => "This waits for an answer.",
            QuestionState::Approved => "This was approved. The call goes on when it comes again.",
            QuestionState::Denied => "This was denied. The call does not pass.",
            QuestionState::Spent => "This was approved, and the call went on.",
            QuestionState::Lapsed => "This lapsed: nobody answered in time, or the call did not come again.",
        }
    }
}

impl Request {
    fn new(exhibit: &Exhibit) -> Self {
        let Exhibit { method, path, query, headers, body, body_bytes, user_agent } = exhibit;
        let (body, unseen) = shown_body(body.as_deref(), *body_bytes);
        Self {
            method: visible(method, false),
            path: visible(path, false),
            query: query.as_ref().map(|query| visible(query, false)),
            headers: headers.iter().map(|(name, value)| (visible(name, false), visible(value, false))).collect(),
            body,
            unseen,
            client: user_agent.as_ref().map(|client| visible(client, false)),
        }
    }
}

/// The body's excerpt, and what is to be said of the rest. Who approves must know that they
/// have not seen all of it.
fn shown_body(body: Option<&str>, bytes: u64) -> (Option<String>, Option<String>) {
    let Some(body) = body else {
        let unseen =
            (bytes > 0).then(|| format!("The request has a body of {bytes} bytes that cannot be shown as text."));
        return (None, unseen);
    };
    let (shown, cut) = excerpt(body);
    let unseen = (cut || bytes > SHOWN_WHOLE)
        .then(|| format!("The body has {bytes} bytes. What is shown may not be all of it."));
    (Some(visible(shown, true)), unseen)
}

/// Asks once more before a key stops.
#[derive(Template)]
#[template(path = "not_me.html")]
pub(in crate::pages) struct NotMe {
    frame: Frame,
    id: ChallengeId,
    operation: String,
    key: Key,
}

impl NotMe {
    pub(in crate::pages) fn new(question: &QuestionView, frame: Frame) -> Self {
        let operation = visible(&question.operation, false);
        Self { frame, id: question.id, operation, key: Key::new(&question.key) }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }
}
