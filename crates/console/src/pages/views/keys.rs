//! Keys, for whoever answers for them.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use law::{Containment, KeyId, Refusal, Standing};

use super::{Frame, html};
use crate::{
    api::{KeyDetails, KeyView, PowerUse, ProgramUse, SourceUse, SuccessionView},
    own::{Answers, OwnKey, OwnKeys, Wanted},
    pages::text::{length, moment, sentence, visible},
};

/// Keys that are named in one line.
const NAMED: usize = 20;

/// Sources and programs that are shown.
const SEEN: usize = 8;

/// The keys that a person answers for, or everybody's.
#[derive(Template)]
#[template(path = "keys.html")]
pub(in crate::pages) struct KeysPage {
    frame: Frame,
    keys: Vec<Line>,
    found: usize,
    /// Of these the first one that is shown, counted from one.
    first: usize,
    all: bool,
    query: String,
    /// Where the pages before and after this one begin.
    before: Option<usize>,
    after: Option<usize>,
    said: Option<String>,
}

struct Line {
    id: KeyId,
    title: String,
    whose: Option<String>,
    kind: &'static str,
    place: String,
    state: State,
    since: String,
    end: String,
    past_limit: Option<&'static str>,
    used: String,
    reach: String,
    parent: Option<KeyId>,
    children: Option<String>,
}

/// Where a key stands, in few words.
struct State {
    tag: &'static str,
    words: String,
}

impl State {
    fn new(refusal: Option<Refusal>, retiring: bool, held: Option<law::Step>) -> Self {
        let of = |tag, words: String| Self { tag, words };
        match (refusal, held.filter(|step| step.contains())) {
            (Some(why), _) => of("bad", format!("does not work: {}", why.says())),
            (None, Some(step)) => of("bad", format!("held by the watch: {step}")),
            (None, None) if retiring => of("warn", "works until another took its place".to_owned()),
            (None, None) => of("", "works".to_owned()),
        }
    }
}

impl KeysPage {
    pub(in crate::pages) fn new(
        frame: Frame,
        keys: OwnKeys,
        wanted: &Wanted,
        said: Option<String>,
        now: Timestamp,
    ) -> Self {
        let OwnKeys { keys, found, usage_since } = keys;
        let Wanted { all, query, offset, limit, .. } = wanted;
        let after = offset.checked_add(*limit).filter(|after| *after < found);
        let before = (*offset > 0).then(|| offset.saturating_sub(*limit));
        let keys = keys.iter().map(|key| line(key, usage_since, now)).collect();
        Self {
            frame,
            keys,
            found,
            first: offset.saturating_add(1),
            all: *all,
            query: query.clone(),
            before,
            after,
            said,
        }
    }

    pub(in crate::pages) fn page(&self) -> Response {
        html(StatusCode::OK, self)
    }

    const fn is_administrator(&self) -> bool {
        matches!(&self.frame.visitor, Some(visitor) if visitor.administrator)
    }
}

fn line(key: &OwnKey, usage_since: Option<Timestamp>, now: Timestamp) -> Line {
    let reach = match (key.refusal, key.reach.operations, key.reach.asked) {
        (Some(_), ..) => "nothing, as it is".to_owned(),
        (None, all, 0) => format!("{}; none of them waits for a person", operations(all)),
        (None, all, asked) => format!("{}; {asked} of them wait for a person", operations(all)),
    };
    let used = match (key.used.last, usage_since) {
        (Some((at, source)), _) => format!("{} ago, from {}", length(at, now), source.address()),
        (None, Some(since)) => format!("never since {}", moment(since.max(key.born))),
        (None, None) => "not known: the record is being read".to_owned(),
    };
    Line {
        id: key.id,
        title: title(key.name.as_deref(), key.claim.as_deref()),
        whose: whose(key.holder.as_deref(), key.answers),
        kind: kind(key.issued),
        place: visible(&key.place, false),
        state: State::new(key.refusal, key.retiring, key.held),
        since: moment(key.born),
        end: end(key.end, now),
        past_limit: past_limit(key.past_limit && key.refusal.is_none(), key.end),
        used,
        reach,
        parent: key.parent,
        children: named(&key.children),
    }
}

fn operations(many: usize) -> String {
    format!("{many} {}", if many == 1 { "operation" } else { "operations" })
}

fn title(name: Option<&str>, claim: Option<&str>) -> String {
    name.or(claim).map_or_else(|| "A key without a name".to_owned(), |name| visible(name, false))
}

const fn kind(issued: bool) -> &'static str {
    if issued { "issued by Greave" } else { "adopted: made by the API" }
}

/// Whose it is, where it is not their own.
fn whose(holder: Option<&str>, answers: Answers) -> Option<String> {
    let holder = || holder.map_or_else(|| "somebody who is not known".to_owned(), |holder| visible(holder, false));
    match answers {
        Answers::Holder => None,
        Answers::Owner => Some(format!("{}, which you own", holder())),
        Answers::Deputy => Some(format!("{}, for which you are a deputy", holder())),
        Answers::Not => Some(format!("{}; you do not answer for it", holder())),
    }
}

fn end(end: Option<Timestamp>, now: Timestamp) -> String {
    match end {
        None => "never, as far as is known".to_owned(),
        Some(end) if end <= now => format!("ended {} ago", length(end, now)),
        Some(end) => format!("in {}, at {}", length(now, end), moment(end)),
    }
}

/// Of an adopted key it may be the API alone that knows the end.
fn past_limit(is_past: bool, end: Option<Timestamp>) -> Option<&'static str> {
    is_past.then_some(if end.is_some() { "lives longer than keys may here" } else { "no end is known" })
}

fn named(keys: &[KeyId]) -> Option<String> {
    let named = keys.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(NAMED) {
        _ if keys.is_empty() => None,
        0 => Some(named),
        more => Some(format!("{named} and {more} more")),
    }
}

/// One key, and what can be done about it.
#[derive(Template)]
#[template(path = "key.html")]
pub(in crate::pages) struct KeyPage {
    frame: Frame,
    id: KeyId,
    title: String,
    whose: Option<String>,
    kind: &'static str,
    place: String,
    state: State,
    held: Vec<String>,
    since: String,
    first_source: String,
    end: String,
    past_limit: Option<&'static str>,
    used: String,
    calls: String,
    scopes: Option<String>,
    powers: Vec<Power>,
    sources: Vec<String>,
    programs: Vec<String>,
    parent: Option<KeyId>,
    children: Option<String>,
    line: Vec<String>,
    answerers: String,
    can_disable: bool,
    can_enable: bool,
    said: Option<String>,
    error: Option<String>,
}

/// What of one power a key reaches.
struct Power {
    word: &'static str,
    is_sensitive: bool,
    words: &'static str,
    alone: String,
    guard: String,
    calls: u64,
}

impl KeyPage {
    #[expect(clippy::too_many_arguments, reason = "what one page shows, each a different thing")]
    pub(in crate::pages) fn new(
        frame: Frame,
        details: &KeyDetails,
        answers: Answers,
        refusal: Option<Refusal>,
        held: &[Containment],
        said: Option<String>,
        error: Option<String>,
        now: Timestamp,
    ) -> Self {
        let KeyDetails { key, first_source, powers, sources, programs, children, predecessor, successor, .. } = details;
        let works = key.standing.works();
        let used = key.last_used.as_ref().map_or_else(
            || "not, as far as the record reaches back".to_owned(),
            |last| {
                let client = last.user_agent.as_deref().map(|client| format!(", with {}", visible(client, false)));
                let (ago, client) = (length(last.at, now), client.unwrap_or_default());
                format!("{ago} ago, from {}{client}", last.source)
            },
        );
        let reached = powers.iter().filter(|power| refusal.is_none() && key.reach.contains(power.power));
        Self {
            frame,
            id: key.id,
            title: title(key.name.as_deref(), key.claim.as_deref()),
            whose: whose(key.holder.as_deref(), answers),
            kind: kind(key.issued.is_some()),
            place: visible(&key.place, false),
            state: State::new(refusal, key.standing == Standing::Retiring, held.iter().map(|held| held.step).max()),
            held: held.iter().map(in_words).collect(),
            since: moment(key.born),
            first_source: first_source.to_string(),
            end: end(key.end, now),
            past_limit: past_limit(key.past_limit && refusal.is_none(), key.end),
            used,
            calls: format!("{} passed, {} were asked about or refused", key.passed, key.stopped),
            scopes: key.scopes.as_deref().map(|scopes| visible(scopes, false)),
            powers: reached.map(power).collect(),
            sources: sources.iter().take(SEEN).map(|seen| source(seen, now)).collect(),
            programs: programs.iter().take(SEEN).map(|seen| program(seen, now)).collect(),
            parent: key.parent,
            children: named(children),
            line: line_of(key, *predecessor, successor.as_ref()),
            answerers: visible(&key.answerers.join(", "), false),
            can_disable: works,
            can_enable: key.standing == Standing::Disabled,
            said,
            error,
        }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }

    const fn is_administrator(&self) -> bool {
        matches!(&self.frame.visitor, Some(visitor) if visitor.administrator)
    }
}

fn in_words(held: &Containment) -> String {
    let Containment { step, until, reason, .. } = held;
    sentence(&visible(&format!("{step} until {}: {reason}", moment(*until)), false))
}

fn power(of: &PowerUse) -> Power {
    let PowerUse { power, operations: all, without_second_factor, guard, enforced, calls } = of;
    Power {
        word: power.word(),
        is_sensitive: power.is_sensitive(),
        words: power.in_words(),
        alone: format!("{without_second_factor} of the API's {} pass with the key alone", operations(*all)),
        guard: if *enforced { guard.clone() } else { format!("{guard}, only observed") },
        calls: *calls,
    }
}

fn source(seen: &SourceUse, now: Timestamp) -> String {
    let SourceUse { source, first: _, last, calls } = seen;
    format!("{source}: {calls} calls, the last {} ago", length(*last, now))
}

fn program(seen: &ProgramUse, now: Timestamp) -> String {
    let ProgramUse { user_agent, last, calls } = seen;
    let client = user_agent.as_deref().map_or_else(|| "no name".to_owned(), |client| visible(client, false));
    format!("{client}: {calls} calls, the last {} ago", length(*last, now))
}

/// What took its place, or whose place it takes: to disable this one does not stop that one.
fn line_of(key: &KeyView, predecessor: Option<KeyId>, successor: Option<&SuccessionView>) -> Vec<String> {
    let before = predecessor.map(|before| format!("It takes the place of {before}."));
    let after = successor.map(|SuccessionView { key: after, .. }| {
        format!("{after} takes its place: to disable {} does not stop that one.", key.id)
    });
    before.into_iter().chain(after).collect()
}
