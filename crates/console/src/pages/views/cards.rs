//! Questions, as a person answers them.

use askama::Template;
use authority::Exhibit;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header::REFRESH};
use jiff::Timestamp;
use law::{ChallengeId, Power};

use super::{Frame, html};
use crate::{
    Excerpt, Size,
    api::{KeyRef, Notified, QuestionState, QuestionView},
    pages::{
        browser::Destination,
        text::{length, moment, time_of_day, visible},
    },
};

/// How often an empty list looks again, in seconds. A list with questions stays as it is: the
/// person may be typing.
const LOOK_AGAIN: u32 = 10;

/// What a card shows of the beginning and of the end of a long text: so little that nobody has
/// to scroll within it, for what stands below an edge is not seen.
const BEGIN: Size = Size { letters: 3000, lines: 40 };
const END: Size = Size { letters: 1000, lines: 12 };

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
    /// What else a yes lets pass.
    beyond: Option<String>,
    request: Option<Request>,
    key: Key,
    source: String,
    known_source: bool,
    usual_source: bool,
    /// How long ago the key came from there for the first time.
    since: Option<String>,
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
    /// Whether a request is held open until the answer.
    waiting: bool,
    told: Vec<String>,
    /// Until when an answer stands.
    until: String,
    ticked: bool,
}

/// The request as it was sent, credentials masked.
struct Request {
    method: String,
    /// Path and query.
    target: Part,
    /// Those that say what is wanted.
    headers: Vec<(String, String)>,
    body: Option<Part>,
    bytes: u64,
    /// SHA-256 of the body, where it is known.
    digest: Option<String>,
    client: Option<String>,
}

/// A text, or its beginning and its end.
struct Part {
    begin: String,
    /// What is to be said of the rest.
    omitted: Option<Omitted>,
    end: String,
}

/// What a person does not see at once.
struct Omitted {
    letters: usize,
    /// Names in it that sound as if they mattered.
    names: String,
}

impl Part {
    fn new(text: &str) -> Self {
        let excerpt = Excerpt::of(text, BEGIN, END);
        let omitted = excerpt.omitted.is_some().then(|| {
            let (names, more) = excerpt.weighty();
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            Omitted { letters: excerpt.letters(), names: visible(&names.join(", "), false) + &more }
        });
        Self { begin: visible(excerpt.begin, true), omitted, end: visible(excerpt.end, true) }
    }
}

/// The key that called.
pub(super) struct Key {
    id: String,
    name: Option<String>,
    holder: Option<String>,
    place: String,
    born: String,
    end: String,
}

impl Key {
    pub(super) fn new(key: &KeyRef) -> Self {
        let KeyRef { id, name, holder, place, born, end, past_limit } = key;
        let ends = end.map_or_else(|| "without a known end".to_owned(), |end| format!("ends {}", moment(end)));
        let shown = |text: &String| visible(text, false);
        Self {
            id: id.to_string(),
            name: name.as_ref().map(shown),
            holder: holder.as_ref().map(shown),
            place: shown(place),
            born: moment(*born),
            end: if *past_limit { format!("{ends}: past the limit") } else { ends },
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
            beyond: question.beyond(),
            known_source: question.known_source,
            usual_source: question.usual_source,
            since: question.source_since.map(|since| length(since, now)),
            asked: time_of_day(question.asked),
            ago: length(question.asked, now),
            left: length(now, question.until),
            state: question.state,
            is_mine: question.answerers.iter().any(|name| name == person),
            said_yes: question.yes.iter().any(|name| name == person),
            people: question.people,
            yes: list(&question.yes),
            answerers: list(&question.answerers),
            waiting: question.waiting,
            told: question.told.iter().map(|told| in_words(told, now)).collect(),
            until: time_of_day(question.until),
            ticked,
        }
    }

    fn is_open(&self) -> bool {
        self.state == QuestionState::Open
    }

    /// Whether the answer stands until a moment that is to be told.
    fn stands(&self) -> bool {
        matches!(self.state, QuestionState::Denied | QuestionState::Approved)
    }

    /// Whether the API's document says nothing of this call.
    fn is_undescribed(&self) -> bool {
        self.operation.ends_with(" *")
    }

    fn can_say_yes(&self) -> bool {
        self.is_open() && self.is_mine && !self.said_yes
    }

    /// A yes can be taken back until a call has used it.
    fn can_say_no(&self) -> bool {
        matches!(self.state, QuestionState::Open | QuestionState::Approved)
    }

    /// What became of it, where it is not open.
    fn fate(&self) -> &'static str {
        match self.state {
            QuestionState::Open => "This waits for an answer.",
            QuestionState::Approved => "This was approved. The call passes when the same request is sent again, until",
            QuestionState::Denied => "This was denied. The call does not pass, and the same request is refused until",
            QuestionState::Spent => "This was approved, and the call went on.",
            QuestionState::Covered => "This needs no answer: a yes to another call of this key covers it.",
            QuestionState::KeyFell => "This fell with its key, which does not work any more. The call does not pass.",
            QuestionState::Lapsed => "This lapsed: nobody answered in time, or the call did not come again.",
        }
    }
}

/// One who was told.
fn in_words(told: &Notified, now: Timestamp) -> String {
    let Notified { name, by, at, not_yet } = told;
    let who = name.as_ref().map_or_else(|| format!("a {by}"), |name| format!("{} by {by}", visible(name, false)));
    match not_yet {
        Some(why) => format!("{who} not yet ({})", visible(why, false)),
        None => format!("{who}, {} ago", length(*at, now)),
    }
}

impl Request {
    fn new(exhibit: &Exhibit) -> Self {
        let Exhibit { method, path, query, headers, body, body_bytes, body_digest, user_agent } = exhibit;
        Self {
            method: visible(method, false),
            target: Part::new(&target(path, query.as_deref())),
            headers: headers.iter().map(|(name, value)| (visible(name, false), visible(value, false))).collect(),
            body: body.as_ref().map(|body| Part::new(body)),
            bytes: *body_bytes,
            digest: body_digest.as_ref().map(ToString::to_string),
            client: user_agent.as_ref().map(|client| visible(client, false)),
        }
    }
}

/// Path and query as they are shown: the query has a parameter a line.
fn target(path: &str, query: Option<&str>) -> String {
    let path = visible(path, false);
    query.map_or_else(|| path.clone(), |query| format!("{path}\n?{}", query.trim_end().replace('\n', "\n ")))
}

/// All of a request, however long it is.
#[derive(Template)]
#[template(path = "body.html")]
pub(in crate::pages) struct WholeBody {
    frame: Frame,
    id: ChallengeId,
    operation: String,
    request: String,
    body: Option<String>,
    bytes: u64,
    digest: Option<String>,
}

impl WholeBody {
    pub(in crate::pages) fn new(question: &QuestionView, exhibit: &Exhibit, frame: Frame) -> Self {
        Self {
            frame,
            id: question.id,
            operation: visible(&question.operation, false),
            request: format!(
                "{} {}",
                visible(&exhibit.method, false),
                visible(&target(&exhibit.path, exhibit.query.as_deref()), true)
            ),
            body: exhibit.body.as_ref().map(|body| visible(body, true)),
            bytes: exhibit.body_bytes,
            digest: exhibit.body_digest.as_ref().map(ToString::to_string),
        }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }
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
