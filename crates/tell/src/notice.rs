//! What people are told.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use law::{ChallengeId, Severity};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::text;

/// Entries that a notice of several lists; the rest is counted.
const LISTED: usize = 50;

/// Details larger than this, in bytes of JSON, are left out: receivers refuse large messages.
const DETAILS_BYTES: usize = 16 * 1024;

/// One thing that people are told. It holds no secrets: it leaves the house.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub kind: Kind,
    /// Its name, the same whenever it is sent again.
    pub id: NoticeId,
    /// When what it tells happened.
    pub at: Timestamp,
    /// One line, the subject of a mail.
    pub title: String,
    /// What there is to say, a line each. Control and direction characters are shown escaped.
    pub lines: Vec<String>,
    /// Where to look or to answer: an address on the desk.
    pub link: Option<String>,
    /// The challenge that it belongs to. Mails of one challenge are one thread.
    pub challenge: Option<ChallengeId>,
    /// How much it matters. The last place of a crowded minute is kept for a critical one.
    pub severity: Severity,
    /// Who is told by mail. Webhooks are told regardless.
    pub to: Vec<Recipient>,
    /// The same for programs; only webhooks carry it.
    pub details: Map<String, Value>,
    /// How long it is worth sending; for ever where it does not say.
    pub life: Option<Life>,
    /// Where it is noted that it was delivered, for whoever must know.
    pub receipt: Option<Receipt>,
}

/// Whether a notice was delivered: a webhook's receiver or a mail server of one of its
/// recipients has taken it. One that went under in a notice of several, or that waits, was not.
#[derive(Clone, Default)]
pub struct Receipt {
    given: Arc<AtomicBool>,
    heard_by: Option<Arc<Hears>>,
}

type Hears = dyn Fn(&Attempt<'_>) + Send + Sync;

/// One attempt to deliver a notice.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Whose mail server was tried; none is a webhook's receiver.
    pub to: Option<&'a Recipient>,
    /// When.
    pub at: Timestamp,
    /// Why it failed, in words, where it did.
    pub failed: Option<&'a str>,
}

impl Receipt {
    /// One whose attempts somebody hears of. It must be quick: the way waits for it.
    pub fn heard_by(hears: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        Self { given: Arc::default(), heard_by: Some(Arc::new(hears)) }
    }

    /// Whether it was delivered.
    pub fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire)
    }

    pub(crate) fn note(&self, attempt: &Attempt<'_>) {
        if attempt.failed.is_none() {
            self.given.store(true, Ordering::Release);
        }
        if let Some(hears) = &self.heard_by {
            hears(attempt);
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("given", &self.is_given()).finish_non_exhaustive()
    }
}

impl PartialEq for Receipt {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.given, &other.given)
    }
}

/// How long a notice is worth sending: until a moment, or until somebody ends it.
#[derive(Clone, Debug)]
pub struct Life {
    until: Timestamp,
    over: Arc<AtomicBool>,
}

impl Life {
    /// Until this moment, if nobody ends it before.
    pub fn until(until: Timestamp) -> Self {
        Self { until, over: Arc::default() }
    }

    /// Ends it for all notices that have it.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until || self.over.load(Ordering::Relaxed)
    }
}

impl PartialEq for Life {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until && Arc::ptr_eq(&self.over, &other.over)
    }
}

/// A person who is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recipient {
    /// The name that a mail shows.
    pub name: String,
    /// The mail address; without one, this person is not reached by mail.
    pub mail: Option<String>,
}

/// What a notice is about: the `type` of a webhook, and the word that a filter uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Somebody is asked for a second factor.
    ChallengeOpened,
    /// Nobody has answered yet, so the deputies are asked too.
    ChallengeEscalated,
    /// Somebody said yes.
    ChallengeAnswered,
    /// Somebody said no.
    ChallengeDenied,
    /// Nobody answered in time.
    ChallengeExpired,
    /// Somebody should look at something.
    Finding,
    /// A person's second factor was added or replaced, may be by a new link, or served by a
    /// recovery code.
    PersonFactor,
    /// What somebody may do, or for whom they answer, is otherwise: administrators, owners,
    /// deputies, where notices go, who has left.
    PersonRights,
    /// Wrong codes were given, many of them.
    CodeWrong,
    /// A weaker law waits for a person's factor.
    LawWaiting,
    /// Somebody put a weaker law into force.
    LawAccepted,
    /// Guards that only observe begin to bind soon.
    ObservingEnds,
    /// A new document or classifier would change powers.
    CatalogueDrift,
    /// A key was seen for the first time.
    KeyLearned,
    /// A key was frozen, pinned, disabled or revoked.
    KeyContained,
    /// A key ends soon, has ended, or goes on because nobody could be told.
    KeyEnding,
    /// Somebody asks for a key, or their request was answered.
    KeyRequested,
    /// More of the record was sealed: a checkpoint for witnesses to keep.
    RecordCheckpoint,
    /// The operator tries whether notices arrive.
    Test,
    /// Several notices in one, because they came too fast.
    Several,
    /// Notices were lost.
    Missed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::ChallengeOpened,
        Self::ChallengeEscalated,
        Self::ChallengeAnswered,
        Self::ChallengeDenied,
        Self::ChallengeExpired,
        Self::Finding,
        Self::PersonFactor,
        Self::PersonRights,
        Self::CodeWrong,
        Self::LawWaiting,
        Self::LawAccepted,
        Self::ObservingEnds,
        Self::CatalogueDrift,
        Self::KeyLearned,
        Self::KeyContained,
        Self::KeyEnding,
        Self::KeyRequested,
        Self::RecordCheckpoint,
        Self::Test,
        Self::Several,
        Self::Missed,
    ];

    /// The word on the wire and in filters. Standard Webhooks separates its parts by full stops.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ChallengeOpened => "challenge.opened",
            Self::ChallengeEscalated => "challenge.escalated",
            Self::ChallengeAnswered => "challenge.answered",
            Self::ChallengeDenied => "challenge.denied",
            Self::ChallengeExpired => "challenge.expired",
            Self::Finding => "finding",
            Self::PersonFactor => "person.factor",
            Self::PersonRights => "person.rights",
            Self::CodeWrong => "code.wrong",
            Self::LawWaiting => "law.waiting",
            Self::LawAccepted => "law.accepted",
            Self::ObservingEnds => "observing.ends",
            Self::CatalogueDrift => "catalogue.drift",
            Self::KeyLearned => "key.learned",
            Self::KeyContained => "key.contained",
            Self::KeyEnding => "key.ending",
            Self::KeyRequested => "key.requested",
            Self::RecordCheckpoint => "record.checkpoint",
            Self::Test => "test",
            Self::Several => "several",
            Self::Missed => "missed",
        }
    }

    /// Whether it asks its reader to say yes or no.
    pub const fn asks(self) -> bool {
        matches!(self, Self::ChallengeOpened | Self::ChallengeEscalated)
    }

    /// Whether it says how something stands, so that the newest says what all before it did. Such
    /// a notice waits in no crowd, and is tried until it arrives or a newer one takes its place:
    /// who makes many notices must not keep it from going out.
    pub(crate) const fn replaces(self) -> bool {
        matches!(self, Self::RecordCheckpoint)
    }

    /// Whether it tells of other notices. A filter does not hold it back.
    pub(crate) const fn tells_of_others(self) -> bool {
        matches!(self, Self::Several | Self::Missed)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that names no kind of notice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of notice; such are `challenge.opened`, `finding`, `key.learned`")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The name of a notice, unique for good: a receiver drops a second one of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct NoticeId(String);

/// A text that names no notice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a notice; use 1 to 64 letters, digits, `-` and `_`")]
pub struct NoticeIdError(String);

impl NoticeId {
    /// Reads a name: 1 to 64 ASCII letters, digits, `-` and `_`. It goes into headers, and a full
    /// stop would let two messages share one signature.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn new(text: impl Into<String>) -> Result<Self, NoticeIdError> {
        let text = text.into();
        let good = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if good && (1..=64).contains(&text.len()) { Ok(Self(text)) } else { Err(NoticeIdError(text)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a notice that this room makes of another.
    fn derived(&self, word: &str) -> Self {
        Self(format!("{word}_{}", self.0))
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a drill says so to programs.
const DRILL: &str = "drill";

impl Notice {
    /// Makes a notice of a drill of it: it says so in its first word, and stands behind all that is
    /// real; what its severity would be in earnest stands beside it.
    pub fn rehearse(&mut self) {
        let severity = serde_json::to_value(self.severity).unwrap_or_default();
        self.details.insert(DRILL.to_owned(), serde_json::json!({ "severity_if_real": severity }));
        self.severity = Severity::Info;
        self.say_drill();
    }

    pub(crate) fn say_drill(&mut self) {
        self.title.insert_str(0, "DRILL ");
    }

    pub(crate) fn is_of_drill(&self) -> bool {
        self.details.contains_key(DRILL)
    }
}

impl Notice {
    /// One notice that tells of several, the gravest first, and of `more` that are not listed.
    /// None where there is nothing to tell of.
    pub(crate) fn several(notices: &[std::sync::Arc<Self>], more: usize, to: Vec<Recipient>) -> Option<Self> {
        let mut sorted: Vec<&Self> = notices.iter().map(AsRef::as_ref).collect();
        sorted.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.at.cmp(&b.at)));
        let gravest = *sorted.first()?;
        let (listed, rest) = sorted.split_at(sorted.len().min(LISTED));
        let more = more.saturating_add(rest.len());
        let count = listed.len().saturating_add(more);

        let mut lines = vec!["So much happened at once that these are told together.".to_owned(), String::new()];
        for notice in listed {
            // A title has what people and strangers called things, such as the reason for a key.
            lines.push(format!("- {} {}", text::moment(notice.at), text::foreign(&notice.title)));
            lines.extend(notice.link.iter().map(|link| format!("  {link}")));
            if let Some(challenge) = notice.challenge.filter(|_| notice.kind.asks()) {
                lines.push(format!("  greave approve {challenge}  or  greave deny {challenge}"));
            }
        }
        if more > 0 {
            lines.push(format!("- and {more} more that are not listed; the desk shows them all"));
        }
        let entries = listed.iter().filter_map(|notice| serde_json::to_value(Entry::of(notice)).ok()).collect();
        Some(Self {
            kind: Kind::Several,
            id: gravest.id.derived("several"),
            at: sorted.iter().map(|notice| notice.at).max().unwrap_or(gravest.at),
            title: format!("{count} notices, the gravest: {}", gravest.title),
            lines,
            link: None,
            challenge: None,
            severity: gravest.severity,
            to,
            details: Map::from_iter([
                ("count".to_owned(), Value::from(count)),
                ("notices".to_owned(), Value::Array(entries)),
            ]),
            // As long as one of them is worth sending.
            life: notices
                .iter()
                .map(|notice| notice.life.as_ref().map(|life| life.until))
                .max_by_key(|until| until.unwrap_or(Timestamp::MAX))
                .flatten()
                .map(Life::until),
            receipt: None,
        })
    }

    /// That notices were lost, because more came than could be carried.
    pub(crate) fn missed(count: u64, severity: Severity, to: Vec<Recipient>, at: Timestamp) -> Self {
        Self {
            kind: Kind::Missed,
            id: NoticeId(format!("missed_{}", at.as_microsecond())),
            at,
            title: format!("{count} more notices could not be told"),
            lines: vec![
                format!("More happened than could be told; {count} notices were dropped."),
                "The desk and the record have everything.".to_owned(),
            ],
            link: None,
            challenge: None,
            severity,
            to,
            details: Map::from_iter([("count".to_owned(), Value::from(count))]),
            life: None,
            receipt: None,
        }
    }

    /// The body of a webhook, in the shape that Standard Webhooks recommends.
    pub(crate) fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let lines: Vec<String> = self.lines.iter().take(text::LINES).map(|line| text::line(line)).collect();
        let written = serde_json::to_vec(&self.details)?.len();
        let details = if written <= DETAILS_BYTES {
            self.details.clone()
        } else {
            Map::from_iter([("left_out_bytes".to_owned(), Value::from(written))])
        };
        let told = self.to.iter().take(LISTED).map(|recipient| text::line(&recipient.name)).collect();
        let Entry { kind, at, .. } = Entry::of(self);
        serde_json::to_vec(&Message { kind, at, data: Data { entry: Entry::of(self), lines, told, details } })
    }
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "timestamp")]
    at: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    lines: Vec<String>,
    /// Names only: an address is nobody's business but the mail server's.
    told: Vec<String>,
    details: Map<String, Value>,
}

/// What every listing of a notice shows.
#[derive(Serialize)]
struct Entry<'a> {
    kind: Kind,
    id: &'a NoticeId,
    at: Timestamp,
    title: String,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<ChallengeId>,
}

impl<'a> Entry<'a> {
    fn of(notice: &'a Notice) -> Self {
        Self {
            kind: notice.kind,
            id: &notice.id,
            at: notice.at,
            title: text::line(&notice.title),
            severity: notice.severity,
            link: notice.link.as_deref(),
            challenge: notice.challenge,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;

    pub(crate) fn notice(id: &str, severity: Severity) -> Notice {
        Notice {
            kind: Kind::ChallengeOpened,
            id: NoticeId::new(id).unwrap(),
            at: Timestamp::from_second(1_795_515_512).unwrap(),
            title: format!("{id} asks"),
            lines: vec!["a line".to_owned()],
            link: Some("https://desk.example/challenges/c9".to_owned()),
            challenge: Some(ChallengeId(9)),
            severity,
            to: vec![Recipient { name: "Ada".to_owned(), mail: Some("ada@example.org".to_owned()) }],
            details: Map::new(),
            life: None,
            receipt: None,
        }
    }

    #[test]
    fn a_name_fits_into_a_header_and_a_signature() {
        assert!(NoticeId::new("c9_opened-2").is_ok());
        for text in ["", "a.b", "a b", "a\r\nb", "é", &"a".repeat(65)] {
            assert!(NoticeId::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn kinds_read_back_as_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.word().parse(), Ok(kind));
        }
        assert!("challenge".parse::<Kind>().is_err());
    }

    #[test]
    fn a_webhook_tells_names_and_never_addresses() {
        let json: Value = serde_json::from_slice(&notice("n1", Severity::High).json().unwrap()).unwrap();
        assert_eq!(json["type"], "challenge.opened");
        assert_eq!(json["timestamp"], "2026-11-24T10:18:32Z");
        assert_eq!(json["data"]["challenge"], "c9");
        assert_eq!(json["data"]["told"][0], "Ada");
        assert!(!json.to_string().contains("ada@example.org"));
    }

    #[test]
    fn a_message_stays_small_whatever_it_is_given() {
        let mut notice = notice("n1", Severity::Info);
        notice.title = "t".repeat(100_000);
        notice.lines = vec!["l".repeat(10_000); 1000];
        notice.details.insert("rows".to_owned(), Value::from("r".repeat(100_000)));
        let json = notice.json().unwrap();
        assert!(json.len() < 64 * 1024, "{}", json.len());
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["data"]["details"]["left_out_bytes"], 100_011);
    }

    #[test]
    fn several_notices_keep_the_gravest_first_and_say_what_is_not_listed() {
        let mut all: Vec<_> = (0..60).map(|n| Arc::new(notice(&format!("n{n}"), Severity::Info))).collect();
        all.push(Arc::new(notice("grave", Severity::Critical)));
        let several = Notice::several(&all, 5, Vec::new()).unwrap();
        assert_eq!(several.title, "66 notices, the gravest: grave asks");
        assert_eq!(several.severity, Severity::Critical);
        assert_eq!(several.details["count"], 66);
        assert_eq!(several.details["notices"][0]["id"], "grave");
        assert!(several.lines.iter().any(|line| line.contains("greave approve c9")));
        assert!(several.lines.last().unwrap().contains("16 more"));
        assert_eq!(Notice::several(&[], 3, Vec::new()), None);
    }
}
