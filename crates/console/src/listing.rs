//! The list of keys: filtered, sorted and cut to a page here, so that a hundred thousand keys
//! need not travel for ten of them. The state is held only to copy pointers to keys.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use authority::{Key, Lifetimes, People, State};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyId, Span};
use record::{Book, Used};

use crate::{
    Desk,
    api::{KeyFilter, KeyList, KeySort, KeyView, Problem},
    inventory::{self, Brief, key_view},
    reaching::{Reach, Reaches},
};

/// Keys in one answer where nothing is said, and at most.
const PAGE: usize = 10_000;
const MOST: usize = 20_000;

/// A key with what the list goes by.
pub(crate) struct Row {
    pub(crate) key: Arc<Key>,
    pub(crate) brief: Arc<Brief>,
    pub(crate) reach: Reach,
    pub(crate) used: Used,
    pub(crate) works: bool,
    pub(crate) parent_stopped: bool,
}

/// Many keys at one moment, and everybody with them.
pub(crate) struct Sheet {
    pub(crate) keys: Vec<Arc<Key>>,
    pub(crate) people: People,
    pub(crate) now: Timestamp,
    pub(crate) lifetimes: Lifetimes,
    /// The keys that do not work because one above them does not.
    hanging: HashSet<KeyId>,
    reaches: Reaches,
    book: Option<Arc<Book>>,
    briefs: HashMap<Option<HolderId>, Arc<Brief>>,
}

impl Sheet {
    /// Copies what it needs of the state, and lets go of it.
    pub(crate) fn of(desk: &Desk, now: Timestamp) -> Self {
        let hanging = |state: &State| {
            let below = state.keys().filter(|key| key.issued().is_some() && key.parent().is_some());
            below.filter(|key| state.is_stopped_above(key)).map(|key| key.id).collect()
        };
        let copied = |state: &State| {
            (state.keys().cloned().collect(), state.people().clone(), state.lifetimes(), hanging(state))
        };
        let (keys, people, lifetimes, hanging) = desk.authority.view(copied);
        Self {
            keys,
            people,
            now,
            lifetimes,
            hanging,
            reaches: desk.reaches(now),
            book: desk.book.clone(),
            briefs: HashMap::new(),
        }
    }

    pub(crate) fn brief(&mut self, holder: Option<HolderId>) -> Arc<Brief> {
        let Self { briefs, people, .. } = self;
        Arc::clone(briefs.entry(holder).or_insert_with(|| Arc::new(Brief::of(people, holder))))
    }

    /// A key with all that is known of it.
    pub(crate) fn row(&mut self, key: &Arc<Key>) -> Row {
        let brief = self.brief(key.holder());
        let parent_stopped = self.hanging.contains(&key.id);
        let works = brief.works(key, self.now) && !parent_stopped;
        let reach = if works { brief.reach(key, &mut self.reaches, self.now) } else { Reach::default() };
        let used = self.book.as_ref().map_or_else(Used::default, |book| book.used(key.id));
        Row { key: Arc::clone(key), brief, reach, used, works, parent_stopped }
    }

    /// Every key that a test lets through before anything is worked out for it.
    pub(crate) fn rows(&mut self, wanted: impl Fn(&Key) -> bool) -> Vec<Row> {
        let keys: Vec<Arc<Key>> = self.keys.iter().filter(|key| wanted(key)).cloned().collect();
        keys.iter().map(|key| self.row(key)).collect()
    }

    /// Since when it is known how keys were used: nothing where that is not known at all, or not
    /// all of it yet.
    pub(crate) fn usage_since(&self) -> Option<Timestamp> {
        let book = self.book.as_ref().filter(|book| book.usage_is_complete())?;
        Some(book.usage_since().unwrap_or(self.now))
    }
}

impl Row {
    /// Since when the key has not been used for certain: before the record begins, it may have
    /// been.
    pub(crate) fn unused_since(&self, known_since: Timestamp) -> Timestamp {
        self.used.last.map_or_else(|| self.key.born().max(known_since), |(at, _)| at)
    }
}

/// The keys that a filter wants.
pub(crate) fn keys(desk: &Desk, filter: &KeyFilter, now: Timestamp) -> Result<KeyList, Problem> {
    let named = |named: &Option<String>| {
        let find = |named: &String| desk.authority.view(|state| inventory::holder(state, named));
        named.as_ref().map(find).transpose()
    };
    let (holder, owner): (_, Option<HolderId>) = (named(&filter.holder)?, named(&filter.owner)?);
    let mut sheet = Sheet::of(desk, now);
    let usage_since = sheet.usage_since();
    if filter.idle.is_some() && usage_since.is_none() {
        let why = "how keys were used is known only while the gate runs and has read its record; start it, or try again in a moment";
        return Err(Problem::new(StatusCode::CONFLICT, "usage-unknown", why));
    }
    let (known, lifetimes) = (sheet.keys.len(), sheet.lifetimes);
    let wants = Wants {
        filter,
        owner,
        now: sheet.now,
        lifetimes,
        usage_since,
        query: filter.query.as_deref().map(str::to_lowercase),
    };
    let mut rows = sheet.rows(|key| {
        holder.is_none_or(|holder| key.holder() == Some(holder))
            && filter.standing.is_none_or(|standing| key.standing == standing)
            && filter.after.is_none_or(|after| key.id > after)
    });
    rows.retain(|row| wants.row(row, &sheet.people));
    let found = rows.len();
    let rows = sort(rows, filter.sort.unwrap_or_default(), filter.reverse);
    let limit = filter.limit.unwrap_or(PAGE).min(MOST);
    let view = |row: &Row| -> KeyView {
        let usage = desk.book.as_ref().and_then(|book| book.usage(row.key.id));
        let view = key_view(&row.key, &row.brief, row.reach, lifetimes.is_past(&row.key, now), usage.as_ref());
        KeyView { parent_stopped: row.parent_stopped, ..view }
    };
    let keys = rows.iter().skip(filter.offset.unwrap_or(0)).take(limit).map(view).collect();
    let usage_complete = desk.book.as_ref().is_some_and(|book| book.usage_is_complete());
    Ok(KeyList { keys, found, known, usage_complete, usage_since })
}

/// What a filter asks of a key beyond what the key itself says.
struct Wants<'a> {
    filter: &'a KeyFilter,
    owner: Option<HolderId>,
    now: Timestamp,
    lifetimes: Lifetimes,
    usage_since: Option<Timestamp>,
    query: Option<String>,
}

impl Wants<'_> {
    fn row(&self, row: &Row, people: &People) -> bool {
        // Taken apart whole: a filter that is new must find its place.
        let KeyFilter {
            holder: _,
            owner: _,
            standing: _,
            working,
            power,
            without_factor,
            idle,
            ends_within,
            no_end,
            past_limit,
            no_owner,
            leavers,
            query: _,
            sort: _,
            reverse: _,
            limit: _,
            offset: _,
            after: _,
        } = self.filter;
        let Row { key, brief, reach, works, .. } = row;
        let reached = match (power, without_factor) {
            (Some(power), true) => reach.alone.contains(*power),
            (Some(power), false) => reach.powers.contains(*power),
            (None, true) => reach.alone.is_sensitive(),
            (None, false) => true,
        };
        let is_idle = |idle: Span| {
            let since = self.usage_since.map(|known| row.unused_since(known));
            *works && since.is_some_and(|since| since <= before(self.now, idle))
        };
        let ends = |within: Span| *works && key.end().is_some_and(|end| end <= within.after(self.now));
        reached
            && (!working || *works)
            && self.owner.is_none_or(|owner| owner_of(people, key) == Some(owner))
            && idle.is_none_or(is_idle)
            && ends_within.is_none_or(ends)
            && (!no_end || *works && key.end().is_none())
            && (!past_limit || *works && self.lifetimes.is_past(key, self.now))
            && (!no_owner || brief.is_ownerless())
            && (!leavers || brief.left)
            && self.query.as_deref().is_none_or(|query| mentions(key, brief, query))
    }
}

pub(crate) fn before(now: Timestamp, span: Span) -> Timestamp {
    now.saturating_sub(SignedDuration::from(span)).unwrap_or(Timestamp::MIN)
}

/// Who answers for a key first.
fn owner_of(people: &People, key: &Key) -> Option<HolderId> {
    let holder = people.holder(key.holder()?)?;
    if holder.kind == law::HolderKind::Person { Some(holder.id) } else { holder.owner }
}

/// Whether anything that names the key contains this text, in lower case.
pub(crate) fn mentions(key: &Key, brief: &Brief, text: &str) -> bool {
    let (id, claim) = (key.id.to_string(), key.claim().map(ToString::to_string));
    let names = [
        Some(&*id),
        key.name(),
        brief.name.as_deref(),
        brief.owner.as_deref(),
        Some(key.place()),
        key.scopes(),
        claim.as_deref(),
    ];
    names.into_iter().flatten().any(|name| name.to_lowercase().contains(text))
}

/// What rows are sorted by. What is not known comes last, whichever way they are sorted.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Number(i64),
    Text(String),
}

fn sort(rows: Vec<Row>, sort: KeySort, reverse: bool) -> Vec<Row> {
    let text = |text: Option<&str>| text.map(|text| By::Text(text.to_lowercase()));
    let number = |number: u64| Some(By::Number(i64::try_from(number).unwrap_or(i64::MAX)));
    let moment = |at: Timestamp| By::Number(at.as_millisecond());
    let powers = |powers: law::Powers| number(powers.iter().filter(|power| power.is_sensitive()).count() as u64);
    let by = |row: &Row| match sort {
        KeySort::Id => None,
        KeySort::Name => text(row.key.name()),
        KeySort::Holder => text(row.brief.name.as_deref()),
        KeySort::Owner => text(row.brief.owner.as_deref()),
        KeySort::Standing => Some(By::Text(format!("{:?}", row.key.standing))),
        KeySort::Born => Some(moment(row.key.born())),
        KeySort::End => row.key.end().map(moment),
        KeySort::LastUsed => row.used.last.map(|(at, _)| moment(at)),
        KeySort::Calls => number(row.used.passed),
        KeySort::Reach => powers(row.reach.powers),
        KeySort::WithoutFactor => powers(row.reach.alone),
    };
    let turned = |order: Ordering| if reverse { order.reverse() } else { order };
    // What they are compared by is made once: a comparison must not make texts.
    let mut keyed: Vec<(Option<By>, Row)> = rows.into_iter().map(|row| (by(&row), row)).collect();
    keyed.sort_unstable_by(|(one, row), (other, others)| {
        let known = match (one, other) {
            (Some(one), Some(other)) => turned(one.cmp(other)),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        known.then_with(|| turned(row.key.id.cmp(&others.key.id)))
    });
    keyed.into_iter().map(|(_, row)| row).collect()
}
