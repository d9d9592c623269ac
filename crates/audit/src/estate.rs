//! Everything an audit was given, joined: accounts, keys, and what cannot be seen.

use std::{collections::HashMap, fmt};

use catalogue::Catalogue;
use jiff::Timestamp;
use law::{Powers, Severity};
use serde::Serialize;

pub use crate::log::seen::{Change, Child, Exposed, Log, Seen, Silence, Somebody};
use crate::{input::Trouble, provider::masked::concealed};

/// What an export says of something that is so or not. Silence is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// No input says.
    #[default]
    Unknown,
}

impl Known {
    /// What was said first, or else what is said now.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::Unknown { other } else { self }
    }
}

impl From<bool> for Known {
    fn from(so: bool) -> Self {
        if so { Self::Yes } else { Self::No }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        })
    }
}

/// A moment that an export may leave out, or say will never come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moment {
    /// Then.
    At(Timestamp),
    /// Never: no end, or no use so far.
    Never,
    /// No input says.
    #[default]
    Unknown,
}

impl Moment {
    /// The moment itself, where there is one.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Never | Self::Unknown => None,
        }
    }
}

impl Serialize for Moment {
    /// A moment, `"never"`, or null where no input says.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(at) => at.serialize(serializer),
            Self::Never => serializer.serialize_str("never"),
            Self::Unknown => serializer.serialize_none(),
        }
    }
}

/// Where in the inputs something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The input's name.
    pub file: String,
    /// Its line, where lines count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What kind of holder an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody who signs in.
    Person,
    /// A program of one's own.
    Workload,
    /// Somebody else's program.
    Vendor,
    /// No input says.
    #[default]
    Unknown,
}

/// An account's or a key's place in its [`Estate`] list.
pub type Ix = usize;

/// Who has keys, or could get one.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Where it is an account, such as `aws:123456789012`; empty where one inventory says it all.
    pub realm: String,
    /// Its name there.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether its sign-in asks a second factor.
    pub second_factor: Known,
    /// Whether it can sign in with a password at all.
    pub signs_in: Known,
    /// Whether the person has left.
    pub left: Known,
    /// When it was last used, by whatever way.
    pub last_seen: Moment,
    /// Whether it can make itself or others a new credential today.
    pub can_mint: Known,
    /// What the logs among the inputs show of it beside its keys, such as sessions of its person.
    pub seen: Option<Seen>,
    /// The address of the person, which says who it is elsewhere.
    pub email: Option<String>,
    /// The same person's other accounts, as far as that is sure.
    pub also: Vec<Ix>,
    /// Where the inputs speak of it.
    pub places: Vec<Place>,
}

impl Account {
    /// `realm/name`, as reports write it.
    pub fn label(&self) -> String {
        if self.realm.is_empty() { self.name.clone() } else { format!("{}/{}", self.realm, self.name) }
    }
}

/// Whether a key works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It works.
    Active,
    /// It is switched off, and can be switched on again.
    Disabled,
    /// No input says; it is taken for one that works.
    #[default]
    Unknown,
}

/// Powers that something surely has, and those that it may have as far as the inputs tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// Surely.
    pub surely: Powers,
    /// Beside those, where what no input says is so.
    pub perhaps: Powers,
}

impl Reach {
    /// What nobody described can do everything, as far as anybody can tell.
    pub const UNDESCRIBED: Self = Self { surely: Powers::NONE, perhaps: Powers::EVERY };

    /// Surely these, and no others.
    pub const fn surely(powers: Powers) -> Self {
        Self { surely: powers, perhaps: Powers::NONE }
    }

    /// Perhaps these, and no others.
    pub const fn perhaps(powers: Powers) -> Self {
        Self { surely: Powers::NONE, perhaps: powers }
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let surely = self.surely.union(other.surely);
        Self { surely, perhaps: self.perhaps.union(other.perhaps).difference(surely) }
    }

    /// All of it, sure or not: what one must reckon with.
    pub const fn reckoned(self) -> Powers {
        self.surely.union(self.perhaps)
    }
}

/// Why a key has some powers without a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The powers.
    pub powers: Powers,
    /// What gives them: the scope, the permission, the statement of a policy.
    pub what: String,
    /// Whether something that no input says could still forbid it.
    pub sure: bool,
    /// Where that stands.
    pub place: Place,
}

/// One way from a key to more than it has directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What is done, such as `iam:AttachUserPolicy on itself`.
    pub how: String,
    /// What it is done to: a few targets that exist.
    pub targets: Vec<String>,
    /// How many targets there are.
    pub of: usize,
    /// What is reached by it.
    pub powers: Powers,
    /// Whether the step makes a credential that outlives this key.
    pub mints: bool,
    /// Whether it needs no second factor, whatever it is that no input says.
    pub sure: bool,
    /// Whether it leads to everything: to what an administrator can do.
    pub everything: bool,
}

/// A credential that a program calls with.
#[derive(Clone, Debug, Default)]
pub struct Key {
    /// Where it works, as [`Account::realm`].
    pub realm: String,
    /// What its provider calls it. Never the secret.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Whose export it was read from, such as `aws`. Mends are written for it.
    pub provider: &'static str,
    /// What kind of credential, such as `access key`.
    pub form: String,
    /// Who has it. More than one is a finding.
    pub holders: Vec<Ix>,
    /// Who answers for it, where the holder does not.
    pub owner: Option<String>,
    /// When it was made, or last changed.
    pub born: Moment,
    /// When it ends.
    pub end: Moment,
    /// When it was last used.
    pub last_use: Moment,
    /// Whether it works.
    pub standing: Standing,
    /// Whether it itself asks a second factor of its caller for whatever is sensitive.
    pub asks_second_factor: Known,
    /// Powers with every factor that its holder has.
    pub with: Reach,
    /// Powers without a second factor.
    pub without: Reach,
    /// Whether it is an administrator's without a second factor. To have some of every power is
    /// not yet everything; where no input says, it is taken for that.
    pub everything: Known,
    /// What makes it so.
    pub because: Vec<Because>,
    /// What it reaches beyond that by one step, without a second factor.
    pub steps: Vec<Step>,
    /// What the logs among the inputs show of it.
    pub seen: Option<Seen>,
    /// The credentials that it made, as the logs among the inputs show.
    pub children: Vec<Child>,
    /// Where the inputs speak of it.
    pub places: Vec<Place>,
}

impl Key {
    /// Whether it has to be reckoned with.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.standing != Standing::Disabled && self.end.at().is_none_or(|end| end > now)
    }

    /// Everything that it can bring about without a second factor, by itself or by one step.
    pub fn reckoned(&self) -> Powers {
        self.steps.iter().fold(self.without.reckoned(), |powers, step| powers.union(step.powers))
    }

    /// Whether it surely does everything without a second factor, with no step between.
    pub fn does_everything(&self) -> bool {
        match self.everything {
            Known::Yes => true,
            Known::No => false,
            Known::Unknown => self.without.surely == Powers::EVERY,
        }
    }

    /// Whether it surely reaches everything by one step at most.
    pub fn reaches_everything(&self) -> bool {
        self.does_everything() || self.steps.iter().any(|step| step.sure && step.everything)
    }

    /// As [`Key::reckoned`], as far as that is sure.
    pub fn surely(&self) -> Powers {
        let steps = self.steps.iter().filter(|step| step.sure);
        steps.fold(self.without.surely, |powers, step| powers.union(step.powers))
    }
}

/// What protects everybody, and is weak or does not bind keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weakness {
    /// How much it matters.
    pub severity: Severity,
    /// Where.
    pub realm: String,
    /// What is weak.
    pub what: String,
    /// How to mend it.
    pub mend: String,
    /// Where that stands.
    pub place: Place,
}

/// Something that the inputs leave in the dark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blind {
    /// What cannot be seen.
    pub what: String,
    /// Which input would show it.
    pub mend: String,
    /// Where it was noticed.
    pub place: Place,
}

/// An input that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its name.
    pub file: String,
    /// What it was recognised as.
    pub form: String,
    /// What was found in it, such as `41 keys`.
    pub holds: String,
}

/// Everything an audit was given.
#[derive(Debug, Default)]
pub struct Estate {
    /// Who has keys, or could get one.
    pub accounts: Vec<Account>,
    /// The keys.
    pub keys: Vec<Key>,
    /// What cannot be seen.
    pub blind: Vec<Blind>,
    /// What protects everybody, and is weak.
    pub weak: Vec<Weakness>,
    /// The logs that were read.
    pub logs: Vec<Log>,
    /// What was read.
    pub sources: Vec<Source>,
    /// Accounts of one person, as inputs say: an account, and the other one's name.
    pub(crate) same: Vec<(Ix, String)>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// What can be done with the APIs whose documents were given.
    pub(crate) catalogues: Vec<Catalogue>,
    by_account: HashMap<(String, String), Ix>,
    /// The first account of each name.
    by_name: HashMap<String, Ix>,
    by_key: HashMap<(String, String), Ix>,
    /// What logs call keys that exports call otherwise: realm and name, and the key's id.
    pub(crate) aliases: Vec<(String, String, String)>,
}

impl Estate {
    /// The account of this name; made where no input has spoken of it yet.
    pub(crate) fn account(&mut self, realm: &str, name: &str, place: &Place) -> (Ix, &mut Account) {
        let id = (realm.to_owned(), name.to_lowercase());
        let accounts = &mut self.accounts;
        let ix = *self.by_account.entry(id).or_insert_with(|| {
            accounts.push(Account { realm: realm.to_owned(), name: name.to_owned(), ..Account::default() });
            self.by_name.entry(name.to_lowercase()).or_insert(accounts.len() - 1);
            accounts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "accounts are only ever added")]
        let account = &mut self.accounts[ix];
        if !account.places.contains(place) && account.places.len() < 8 {
            account.places.push(place.clone());
        }
        (ix, account)
    }

    /// The key of this id; made where no input has spoken of it yet.
    pub(crate) fn key(&mut self, provider: &'static str, realm: &str, id: &str, place: &Place) -> &mut Key {
        let keys = &mut self.keys;
        let ix = *self.by_key.entry((realm.to_owned(), id.to_owned())).or_insert_with(|| {
            keys.push(Key { provider, realm: realm.to_owned(), id: id.to_owned(), ..Key::default() });
            keys.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "keys are only ever added")]
        let key = &mut self.keys[ix];
        if !key.places.contains(place) && key.places.len() < 8 {
            key.places.push(place.clone());
        }
        key
    }

    /// The log that shows it.
    pub(crate) fn log_of(&self, seen: &Seen) -> Option<&Log> {
        self.logs.iter().find(|log| log.place == seen.place)
    }

    /// Says what logs call a key.
    pub(crate) fn alias(&mut self, realm: &str, other: &str, id: &str) {
        self.aliases.push((realm.to_owned(), other.to_owned(), id.to_owned()));
    }

    /// The place of the account of this name.
    pub(crate) fn place_of(&self, realm: &str, name: &str) -> Option<Ix> {
        self.by_account.get(&(realm.to_owned(), name.to_lowercase())).copied()
    }

    /// The first account of this name, in whatever realm; the same realm first.
    pub fn named(&self, realm: &str, name: &str) -> Option<&Account> {
        let name = name.to_lowercase();
        let here = self.by_account.get(&(realm.to_owned(), name.clone())).and_then(|ix| self.accounts.get(*ix));
        here.or_else(|| self.by_name.get(&name).and_then(|ix| self.accounts.get(*ix)))
    }

    /// Puts words in the place of whatever is surely a secret, wherever it came to stand.
    pub(crate) fn conceal(&mut self) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut tell = |text: &mut String| {
            let number = |word: &str| {
                let next = numbers.len() + 1;
                *numbers.entry(word.to_owned()).or_insert(next)
            };
            if let Some(told) = concealed(text, number) {
                *text = told;
            }
        };
        for account in &mut self.accounts {
            tell(&mut account.realm);
            tell(&mut account.name);
            account.seen.iter_mut().for_each(|seen| conceal_seen(seen, &mut tell));
        }
        for key in &mut self.keys {
            let Key { realm, id, name, form, owner, because, steps, seen, children, .. } = key;
            [realm, id, form].into_iter().for_each(&mut tell);
            for Child { id, holder, key, at: _, lives: _ } in children {
                [Some(id), holder.as_mut(), key.as_mut()].into_iter().flatten().for_each(&mut tell);
            }
            name.iter_mut().chain(owner).for_each(&mut tell);
            because.iter_mut().for_each(|because| tell(&mut because.what));
            for step in steps {
                tell(&mut step.how);
                step.targets.iter_mut().for_each(&mut tell);
            }
            seen.iter_mut().for_each(|seen| conceal_seen(seen, &mut tell));
        }
        for blind in &mut self.blind {
            tell(&mut blind.what);
            tell(&mut blind.mend);
        }
        for Log { of, changes, somebody, .. } in &mut self.logs {
            tell(of);
            for change in changes {
                tell(&mut change.by);
                tell(&mut change.action);
            }
            for Somebody { source, program, actions, calls: _, denied: _, powers: _ } in somebody {
                source.iter_mut().chain(program).for_each(&mut tell);
                actions.iter_mut().for_each(|(action, _)| tell(action));
            }
        }
        self.sources.iter_mut().for_each(|source| tell(&mut source.holds));
        self.troubles.iter_mut().for_each(|trouble| tell(&mut trouble.why));
        self.by_account = self
            .accounts
            .iter()
            .enumerate()
            .map(|(ix, one)| ((one.realm.clone(), one.name.to_lowercase()), ix))
            .collect();
        self.by_name = self.accounts.iter().enumerate().rev().map(|(ix, one)| (one.name.to_lowercase(), ix)).collect();
    }

    /// The one account that `realm/name`, or a name alone, means.
    pub(crate) fn labelled(&self, label: &str) -> Option<Ix> {
        let label = label.to_lowercase();
        let of = |realm: &str, name: &str| self.by_account.get(&(realm.to_lowercase(), name.to_owned())).copied();
        let split = label.match_indices('/').find_map(|(at, _)| of(label.get(..at)?, label.get(at + 1..)?));
        let mut named = self.accounts.iter().enumerate().filter(|(_, account)| account.name.to_lowercase() == label);
        split.or_else(|| named.next().filter(|_| named.next().is_none()).map(|(ix, _)| ix))
    }

    /// Those who have the key.
    pub fn holders<'e>(&'e self, key: &'e Key) -> impl Iterator<Item = &'e Account> {
        key.holders.iter().filter_map(|ix| self.accounts.get(*ix))
    }

    /// Who answers for the key: its owner, or the person who has it.
    pub fn answers<'e>(&'e self, key: &'e Key) -> Option<&'e str> {
        let person = || self.holders(key).find(|holder| holder.kind == Kind::Person).map(|holder| holder.name.as_str());
        key.owner.as_deref().or_else(person)
    }
}

fn conceal_seen(seen: &mut Seen, tell: &mut impl FnMut(&mut String)) {
    let Seen { actions, on, sources, programs, made, roles, in_roles, did_without, .. } = seen;
    actions.iter_mut().for_each(|(action, _)| tell(action));
    *on = std::mem::take(on)
        .into_iter()
        .map(|(mut action, mut targets)| {
            tell(&mut action);
            targets.iter_mut().for_each(&mut *tell);
            (action, targets)
        })
        .collect();
    *in_roles = std::mem::take(in_roles)
        .into_iter()
        .map(|(mut action, times)| {
            tell(&mut action);
            (action, times)
        })
        .collect();
    for list in [sources, programs, made, roles, did_without] {
        list.iter_mut().for_each(&mut *tell);
    }
}
