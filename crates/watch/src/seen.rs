//! What the watch is shown.

use std::net::IpAddr;

use jiff::Timestamp;
use law::{CallId, HolderId, HolderKind, KeyId, Outcome, Power, Powers};

use crate::source::{hash, mix};

/// One call, as it is about to go on.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its id, where it has one: the evidence names it.
    pub call: Option<CallId>,
    /// The key; `None` where the credential is not known.
    pub key: Option<KeyId>,
    /// Who has the key.
    pub holder: Option<HolderId>,
    /// What the holder is.
    pub kind: HolderKind,
    /// Who answers for it.
    pub owner: Option<HolderId>,
    /// Method and template.
    pub operation: &'a str,
    /// What it lets its caller do.
    pub powers: Powers,
    /// What the document says that it does, where it may become more on the way: who asks for
    /// another protocol with it does what it does all the same.
    pub described: Option<Powers>,
    /// What it is about: the values of the template's parameters, or of ids in the query.
    pub subject: Option<Subject>,
    /// Where it comes from.
    pub source: IpAddr,
    /// The number of the network there, where a table knows it.
    pub network: Option<u32>,
    /// Whether calls of this key are expected from there: then where it comes from is nothing new.
    pub expected: bool,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// Whether the key's scope refuses it anyway. That says something of this key, and nothing
    /// of its people's others.
    pub out_of_scope: bool,
}

impl Seen<'_> {
    /// What it does by its name; every power where nobody described it.
    pub(crate) fn named(&self) -> Powers {
        self.described.unwrap_or(self.powers)
    }

    /// Whether it may ask for many things at once: a reading call whose template ends with no parameter.
    pub(crate) fn is_listing(&self) -> bool {
        let reads = self.powers.contains(Power::Read) || self.powers.contains(Power::Export);
        reads && self.operation.starts_with("GET ") && !self.operation.ends_with('}')
    }

    /// Whether it takes something away: by its power, or by its method, whatever the document calls it.
    pub(crate) fn removes(&self) -> bool {
        let named = self.named();
        named != Powers::EVERY && (named.contains(Power::Destroy) || self.operation.starts_with("DELETE "))
    }

    /// Whether it changes something.
    pub(crate) fn acts(&self) -> bool {
        self.powers.iter().any(|power| !matches!(power, Power::Read | Power::Export))
    }
}

impl Subject {
    /// The same for a watch with this salt: who chooses names cannot know which are alike to it.
    pub(crate) const fn salted(self, salt: u32) -> Self {
        Self { first: mix(self.first ^ salt), whole: mix(self.whole ^ salt) }
    }
}

/// What a call is about, as numbers that say nothing else: the first of the template's
/// parameters, and all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub(crate) first: u32,
    pub(crate) whole: u32,
}

impl Subject {
    /// Of the values of the template's parameters; `None` where there is none.
    pub fn of<'v>(values: impl Iterator<Item = &'v str>) -> Option<Self> {
        values.fold(None, |before: Option<Self>, value| {
            let value = hash(value.as_bytes());
            Some(before.map_or(Self { first: value, whole: value }, |before| Self {
                whole: before.whole.rotate_left(7) ^ value,
                ..before
            }))
        })
    }
}

impl Subject {
    /// Of a query's parameters, by name and value, where the template has none: what is called an
    /// id there is what the call is about. `GET /users.info?id=7` is as `GET /users/7`.
    pub fn of_query<N: AsRef<str>, V: AsRef<str>>(parameters: impl Iterator<Item = (N, V)>) -> Option<Self> {
        let about = parameters.filter(|(name, value)| names_a_thing(name.as_ref()) && !value.as_ref().is_empty());
        about.fold(None, |before, (_, value)| {
            let one = Self::of(std::iter::once(value.as_ref()))?;
            Some(before.map_or(one, |before: Self| Self { whole: before.whole.rotate_left(7) ^ one.whole, ..before }))
        })
    }
}

/// Whether a parameter of a query says which thing is meant: `id`, `user_id`, `userId`, `user`. Ids
/// that page through a list, or that are another for each request, are none.
fn names_a_thing(name: &str) -> bool {
    const THINGS: [&str; 8] = ["user", "channel", "account", "email", "login", "uuid", "guid", "username"];
    const OTHERS: [&str; 20] = [
        "since",
        "max",
        "min",
        "before",
        "after",
        "last",
        "first",
        "start",
        "starting",
        "from",
        "to",
        "until",
        "cursor",
        "page",
        "request",
        "trace",
        "correlation",
        "session",
        "client",
        "nonce",
    ];
    let name = name.trim_end_matches("[]");
    if THINGS.iter().any(|thing| name.eq_ignore_ascii_case(thing)) {
        return true;
    }
    let front = ["ids", "Ids", "IDs", "IDS", "id", "Id", "ID"].iter().find_map(|end| name.strip_suffix(end));
    let Some(front) = front else { return false };
    let word = front.trim_end_matches(['_', '-', '.']);
    // `paid` and `valid` end so, too.
    let apart = word.is_empty() || word.len() < front.len() || name.as_bytes().get(front.len()) == Some(&b'I');
    apart && !OTHERS.iter().any(|other| word.get(..other.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(other)))
}

/// What became of a call.
#[derive(Clone, Copy, Debug)]
pub struct Became {
    /// The HTTP status, 0 where there was none.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// Items in the answer, where that is known.
    pub rows: Option<u64>,
    /// The key that the answer contained.
    pub minted: Option<KeyId>,
}

impl From<&Outcome> for Became {
    fn from(outcome: &Outcome) -> Self {
        let Outcome { call: _, at: _, status, bytes_in: _, bytes_out, rows, minted, learned: _, micros: _, ended: _ } =
            outcome;
        Self { status: *status, bytes_out: *bytes_out, rows: *rows, minted: *minted }
    }
}

/// What the authority knows, and the calls do not tell.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// This key takes the place of that one.
    Rotation {
        /// The one that goes.
        key: KeyId,
        /// The one that comes.
        successor: KeyId,
    },
    /// A key that nobody uses: it lies somewhere to be found.
    Canary {
        /// The key.
        key: KeyId,
    },
    /// The key was found where it should not be.
    Leaked {
        /// The key.
        key: KeyId,
    },
    /// The API has these operations now.
    Document {
        /// Their names.
        added: &'a [&'a str],
    },
    /// Calls from this network are expected, of whatever key: a scanner, a new office.
    SourceRegistered {
        /// Its number.
        network: u32,
    },
    /// A code was given for a call of this key, so long after it was asked for.
    Code {
        /// The key.
        key: KeyId,
        /// Milliseconds.
        after: u32,
    },
    /// A person lifted what was done about this key: what spoke against it is forgotten, and
    /// nothing is done about more of the same until then.
    Lifted {
        /// The key.
        key: KeyId,
        /// Until when.
        calm: Timestamp,
    },
    /// A person lets this key work again: they have looked at what was known of it.
    Enabled {
        /// The key.
        key: KeyId,
    },
    /// A person said that a call of this key is not theirs.
    NotMe {
        /// The key.
        key: KeyId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_query_are_what_a_call_is_about_and_pages_are_not() {
        for name in ["id", "user", "user_id", "userId", "ids[]", "order-id", "UserID", "channel", "file.id"] {
            assert!(names_a_thing(name), "{name}");
        }
        for name in
            ["page", "limit", "cursor", "since_id", "max_id", "requestId", "paid", "valid", "q", "fields", "grid"]
        {
            assert!(!names_a_thing(name), "{name}");
        }
        let of = |query: &[(&str, &str)]| Subject::of_query(query.iter().copied());
        assert_eq!(of(&[("id", "7")]), Subject::of(std::iter::once("7")));
        assert_eq!(of(&[("limit", "50"), ("id", "7")]), of(&[("id", "7")]));
        assert_ne!(of(&[("id", "7")]), of(&[("id", "8")]));
        assert_ne!(of(&[("id", "7"), ("user", "1")]), of(&[("id", "7"), ("user", "2")]));
        assert_eq!(of(&[("page", "7")]), None);
    }
}
