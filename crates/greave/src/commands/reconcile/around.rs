//! Calls that the API's own log has and the record does not: they went around the gate.
//!
//! A call of the record vouches for one line: same method, same path, and a time between its
//! beginning and its end, give or take what clocks differ.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    io::{BufRead, Read as _},
    sync::Arc,
};

use audit::access_log::{Asked as Request, Line, Read};
use catalogue::{Catalogue, Found};
use jiff::{SignedDuration, Timestamp};
use law::Verdict;
use record::{Entry, Joined, Joiner, Reader};
use serde::Serialize;
use wire::{OpenPaths, PathRules, Target, looks_like_credential};

/// Calls around the gate that are told one by one.
const TOLD: usize = 200;

/// The longest line that is read.
const LONGEST: usize = 64 * 1024;

/// What comparing a log gave.
#[derive(Debug, Default, Serialize)]
pub(super) struct Around {
    /// Lines of the log.
    pub(super) lines: usize,
    /// Lines that a call of the record vouches for.
    pub(super) recorded: usize,
    /// Calls that are not in the record.
    pub(super) around: usize,
    /// The first of them.
    pub(super) calls: Vec<Outside>,
    /// Calls of what anybody may call, that are not in the record.
    pub(super) open: usize,
    /// Calls that look like the gate's own questions.
    pub(super) own: usize,
    /// Lines of a time of which the record says nothing.
    pub(super) uncovered: usize,
    /// Lines that cannot be read.
    pub(super) unreadable: usize,
    /// Places at which the record is damaged.
    pub(super) damaged: usize,
}

/// A call around the gate. Nothing of its query: credentials may stand there.
#[derive(Debug, Serialize)]
pub(super) struct Outside {
    pub(super) at: Timestamp,
    pub(super) method: String,
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_agent: Option<String>,
}

/// How a request's path is read, and which requests are none of a key's.
pub(super) struct Reading {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) rules: PathRules,
    pub(super) open: OpenPaths,
    /// Method and path, as they are compared, of what the gate asks by itself.
    pub(super) own: Vec<String>,
    /// The same with parameters, as the configuration writes it; it says there who asks.
    pub(super) acts: Vec<String>,
}

/// A method and a path, as both sides are brought to.
enum Place {
    /// In one form.
    Read { key: String, open: bool },
    /// The gate would have refused it.
    Refused,
}

/// What a call is taken for by HEAD or OPTIONS is what it is by GET.
fn as_compared(method: &str) -> &str {
    if matches!(method, "HEAD" | "OPTIONS") { "GET" } else { method }
}

impl Reading {
    fn place(&self, method: &str, target: &str) -> Place {
        let Ok(target) = Target::read(target, &self.rules) else { return Place::Refused };
        let segments: Vec<&str> = target.segments().collect();
        let method = as_compared(method);
        let described = match self.catalogue.find(method, &segments) {
            Found::Described(found) => {
                let values: Vec<String> =
                    found.parameters.iter().map(|(_, value)| masked(&value.to_string())).collect();
                Some((filled(&found.operation.name, &values), found.open))
            }
            Found::Choice(_) | Found::Undescribed => None,
        };
        let open = self.open.contains(target.path());
        match described {
            Some((path, is_open)) => {
                Place::Read { key: format!("{method} {}{path}", self.catalogue.base()), open: open || is_open }
            }
            None => {
                let path: Vec<String> = segments.iter().map(|segment| masked(segment)).collect();
                Place::Read { key: format!("{method} /{}", path.join("/")), open }
            }
        }
    }

    /// The same, of a call that the record has.
    fn recorded(&self, joined: &Joined) -> String {
        let call = &joined.call;
        let (method, template) = call.operation.split_once(' ').unwrap_or_default();
        let method = as_compared(method);
        if template == "*" {
            let path = call.parameters.first().map_or("", |(_, path)| path.as_str());
            let segments = Target::read(path, &self.rules)
                .map(|target| target.segments().map(masked).collect::<Vec<_>>().join("/"))
                .unwrap_or_else(|_| path.trim_start_matches('/').to_owned());
            return format!("{method} /{segments}");
        }
        let values: Vec<String> = call.parameters.iter().map(|(_, value)| value.clone()).collect();
        format!("{method} {}{}", self.catalogue.base(), filled(&call.operation, &values))
    }

    /// Whether the gate asked the API about its keys.
    fn is_act(&self, line: &Line<'_>) -> bool {
        let Some(Request { method, target }) = &line.asked else { return false };
        let path = target.split('?').next().unwrap_or_default();
        let fits = |act: &String| {
            let (of, template) = act.split_once(' ').unwrap_or_default();
            let template = format!("{}{}", self.catalogue.base(), template.split('?').next().unwrap_or_default());
            let same = |(there, here): (&str, &str)| there == here || there.contains('{');
            *of == **method
                && template.split('/').count() == path.split('/').count()
                && template.split('/').zip(path.split('/')).all(same)
        };
        line.program.as_deref() == Some("greave") && self.acts.iter().any(fits)
    }

    /// Method and path of what the gate asks by itself.
    pub(super) fn question(&self, method: &str, target: &str) -> Option<String> {
        match self.place(method, target) {
            Place::Read { key, .. } => Some(key),
            Place::Refused => None,
        }
    }
}

/// The path of an operation's name, with these values in the places of its parameters. What
/// selects among several at one address is left out: a log does not have it.
fn filled(operation: &str, values: &[String]) -> String {
    let template = operation.split_once(' ').map_or(operation, |(_, template)| template);
    let template = template.split('#').next().unwrap_or_default();
    let mut values = values.iter();
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let (_, after) = after.split_once('}').unwrap_or_default();
        path.push_str(values.next().map_or("", String::as_str));
        rest = after;
    }
    path.push_str(rest);
    path
}

/// A value as the record keeps it: what looks like a credential only as a digest.
fn masked(value: &str) -> String {
    if !looks_like_credential(value) {
        return value.to_owned();
    }
    let digest = authority::Digest::of(value.as_bytes()).to_string();
    format!("sha256:{}", digest.get(..16).unwrap_or_default())
}

/// A call that went on to the API, in seconds since 1970.
struct Went {
    from: i64,
    to: i64,
    used: bool,
}

/// All calls that asked the same, as they began.
#[derive(Default)]
struct Asked {
    calls: Vec<Went>,
    /// So many of the first vouch for nothing any more.
    done: usize,
}

/// So long after a line another one may come that is older.
const DISORDER: i64 = 3600;

/// So long a call goes on at the most of which nobody knows when it ended.
const UNENDED: i64 = 24 * 3600;

/// The calls of the record, by what they asked.
pub(super) struct Recorded {
    hasher: RandomState,
    asked: HashMap<u64, Asked>,
    /// From when on the record has calls, and times in which it could not be written.
    from: Option<i64>,
    gaps: Vec<(i64, i64)>,
    damaged: usize,
}

impl Recorded {
    /// Reads what went on since a moment.
    pub(super) fn read(reader: Reader, since: Timestamp, reading: &Reading) -> Self {
        let mut recorded =
            Self { hasher: RandomState::new(), asked: HashMap::new(), from: None, gaps: Vec::new(), damaged: 0 };
        let mut joiner = Joiner::default();
        // Calls that were under way then have begun before.
        let before = since.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        for entry in reader.since(before) {
            match entry {
                Ok(entry) => {
                    recorded.from = recorded.from.or(Some(entry.at().as_second()));
                    if let Entry::Gap(gap) = &entry {
                        recorded.gaps.push((gap.from.as_second(), gap.to.as_second()));
                    }
                    if let Some(joined) = joiner.take(entry) {
                        recorded.take(&joined, reading);
                    }
                }
                Err(_) => recorded.damaged += 1,
            }
        }
        let open: Vec<Joined> = joiner.still_open().collect();
        open.iter().for_each(|joined| recorded.take(joined, reading));
        recorded.asked.values_mut().for_each(|asked| asked.calls.sort_by_key(|call| call.from));
        recorded
    }

    fn take(&mut self, joined: &Joined, reading: &Reading) {
        let call = &joined.call;
        let went_on = match call.verdict {
            Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => true,
            Verdict::Challenge(_) | Verdict::Refuse(_) => call.approval.is_some(),
        };
        if !went_on {
            return;
        }
        let key = self.hasher.hash_one(reading.recorded(joined));
        let from = call.at.as_second();
        let to = joined.outcome.as_ref().map_or(from + UNENDED, |outcome| outcome.at.as_second() + 1);
        self.asked.entry(key).or_default().calls.push(Went { from, to, used: false });
    }

    /// Whether a call vouches for a request at this second; it vouches for no other then.
    fn vouches(&mut self, key: &str, at: i64, tolerance: i64) -> bool {
        let Some(Asked { calls, done }) = self.asked.get_mut(&self.hasher.hash_one(key)) else { return false };
        // A log is in order, but for what several servers wrote side by side.
        let is_done = |call: &&Went| call.used || call.to.saturating_add(tolerance + DISORDER) < at;
        *done += calls.iter().skip(*done).take_while(is_done).count();
        let begun = calls.partition_point(|call| call.from <= at.saturating_add(tolerance));
        let fits = |call: &&mut Went| !call.used && call.to.saturating_add(tolerance) >= at;
        let candidates = calls.get_mut(*done..begun.max(*done)).unwrap_or_default();
        // The one that ends first: the others may vouch for what comes later.
        let found = candidates.iter_mut().filter(fits).min_by_key(|call| call.to);
        found.map(|call| call.used = true).is_some()
    }

    fn covers(&self, at: i64, since: i64, tolerance: i64) -> bool {
        let in_gap = |(from, to): &(i64, i64)| (from - tolerance..=to + tolerance).contains(&at);
        at >= since && self.from.is_some_and(|from| at >= from) && !self.gaps.iter().any(in_gap)
    }
}

/// Holds a log against the record.
pub(super) fn compare(
    mut log: impl BufRead,
    mut recorded: Recorded,
    reading: &Reading,
    since: Timestamp,
    tolerance: SignedDuration,
) -> std::io::Result<Around> {
    let (since, tolerance) = (since.as_second(), tolerance.as_secs());
    let mut found = Around { damaged: recorded.damaged, ..Around::default() };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = (&mut log).take(LONGEST as u64).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(found);
        }
        let text = String::from_utf8_lossy(&bytes);
        if text.trim().is_empty() {
            continue;
        }
        let line = match Line::read(&text, None) {
            Read::Line(line) => line,
            // What a server says of itself is no call.
            Read::Other => continue,
            Read::None => {
                found.lines += 1;
                found.unreadable += 1;
                continue;
            }
        };
        found.lines += 1;
        let at = line.at.as_second();
        if !recorded.covers(at, since, tolerance) {
            found.uncovered += 1;
            continue;
        }
        let place = line.asked.as_ref().map_or(Place::Refused, |asked| reading.place(&asked.method, &asked.target));
        match &place {
            Place::Read { key, .. } if recorded.vouches(key, at, tolerance) => found.recorded += 1,
            Place::Read { key, .. } if reading.own.contains(key) || reading.is_act(&line) => found.own += 1,
            Place::Read { open: true, .. } => found.open += 1,
            Place::Read { .. } | Place::Refused => {
                found.around += 1;
                if found.calls.len() < TOLD {
                    found.calls.push(outside(*line));
                }
            }
        }
    }
}

fn outside(line: Line<'_>) -> Outside {
    let Line { at, asked, status, source, peer, program, .. } = line;
    let asked = asked.map(|Request { method, target }| (method.into_owned(), target.into_owned()));
    let (method, target) = asked.unwrap_or_else(|| ("no HTTP".to_owned(), String::new()));
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = path.split('/').map(masked).collect::<Vec<_>>().join("/");
    let agent = program.filter(|agent| !agent.split([' ', '/', ';', '(', ')']).any(looks_like_credential));
    // Whoever goes around writes what headers they like.
    let source = peer.or(source).map(Cow::into_owned);
    Outside { at, method, path, status, source, user_agent: agent.map(Cow::into_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(calls: &[(i64, i64)]) -> Recorded {
        let hasher = RandomState::new();
        let calls = calls.iter().map(|(from, to)| Went { from: *from, to: *to, used: false }).collect();
        let asked = HashMap::from([(hasher.hash_one("GET /a"), Asked { calls, done: 0 })]);
        Recorded { hasher, asked, from: Some(0), gaps: vec![(100, 200)], damaged: 0 }
    }

    #[test]
    fn a_call_vouches_for_one_line_within_its_time_and_no_other() {
        let mut book = recorded(&[(10, 11), (20, 21)]);
        assert!(!book.vouches("GET /b", 10, 5));
        assert!(book.vouches("GET /a", 10, 5));
        assert!(!book.vouches("GET /a", 11, 5), "once more, around the gate");
        assert!(!book.vouches("GET /a", 14, 5), "too early for the second");
        assert!(book.vouches("GET /a", 26, 5));
        assert!(!book.vouches("GET /a", 20, 5));
    }

    #[test]
    fn the_call_that_ends_first_vouches_so_that_a_long_one_is_left_for_what_comes_later() {
        let mut book = recorded(&[(0, 1000), (10, 11)]);
        for at in [11, 900] {
            assert!(book.vouches("GET /a", at, 2), "{at}");
        }
        assert!(!book.vouches("GET /a", 900, 2));
    }

    #[test]
    fn lines_that_came_out_of_order_find_their_call() {
        let mut book = recorded(&[(10, 11), (500, 501), (900, 901)]);
        for at in [900, 500, 10] {
            assert!(book.vouches("GET /a", at, 5), "{at}");
        }
    }

    #[test]
    fn what_the_record_cannot_know_is_not_covered() {
        let book = recorded(&[]);
        assert!(book.covers(50, 0, 5) && book.covers(210, 0, 5));
        assert!(!book.covers(97, 0, 5) && !book.covers(150, 0, 5) && !book.covers(50, 60, 5));
        assert!(!Recorded { from: None, ..recorded(&[]) }.covers(50, 0, 5));
    }

    #[test]
    fn each_servers_log_is_compared_and_what_is_no_call_is_passed_over() {
        let reading = Reading {
            catalogue: Arc::new(
                Catalogue::read(br#"{"openapi":"3.1.0","paths":{"/a":{"get":{}}}}"#, &catalogue::Settings::default())
                    .unwrap()
                    .catalogue,
            ),
            rules: PathRules::default(),
            open: OpenPaths::new(&[], "").unwrap(),
            own: Vec::new(),
            acts: Vec::new(),
        };
        let log = r#"
192.0.2.7 - ann [29/Nov/2026:07:00:10 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8"
[2026-11-29T07:00:20.250Z] "GET /a HTTP/2" 200 - 0 2 5 4 "192.0.2.7" "curl/8" "id" "api" "10.0.0.1:80"
{"level":"info","ts":1795935621.5,"msg":"using config"}
{"level":"info","ts":1795935630.25,"request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/a"},"status":200}
{"time":"2026-11-29T07:00:40Z","request":"GET /a HTTP/1.1","status":200,"remote_addr":"192.0.2.9","http_x_forwarded_for":"127.0.0.1"}
what nobody knows
"#;
        let began = "2026-11-29T07:00:00Z".parse::<Timestamp>().unwrap().as_second();
        let recorded = recorded(&[10, 20, 30].map(|second| (began + second, began + second + 1)));
        let found = compare(log.as_bytes(), recorded, &reading, Timestamp::UNIX_EPOCH, SignedDuration::ZERO).unwrap();
        assert_eq!((found.lines, found.recorded, found.around, found.unreadable), (5, 3, 1, 1));
        assert_eq!(found.calls[0].source.as_deref(), Some("192.0.2.9"), "a header does not say from where");
    }

    #[test]
    fn an_operation_is_filled_in_without_what_selects_it() {
        let values = ["a/b".to_owned(), "7".to_owned()];
        assert_eq!(filled("GET /users/{name}/keys/{id}", &values), "/users/a/b/keys/7");
        assert_eq!(filled("POST /rpc#method=deleteUser", &[]), "/rpc");
        assert_eq!(filled("GET /{name}.json", &values), "/a/b.json");
    }
}
