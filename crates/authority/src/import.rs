//! Keys that come in from a list made elsewhere: what of it is new, known or wrong. Pure.
//!
//! Nothing of a line is repeated in what is said of it: where columns were mixed up, a name may
//! be a secret.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use law::{HolderId, HolderKind, KeyId};

use crate::{
    Key, PepperId, SecretDigest, Verifier,
    change::Change,
    propose::check_name,
    state::{Holder, State},
};

/// What a place is called that the list does not say.
const NOWHERE: &str = "imported";

/// The longest text of scopes, in bytes.
const SCOPES: usize = 1024;

/// So many wrong lines are told at once.
const MOST_WRONG: usize = 50;

/// One key of a list that was made elsewhere.
#[derive(Clone)]
pub struct ImportedKey {
    /// Where it stands in the list.
    pub line: u64,
    /// SHA-256 of its secret.
    pub digest: SecretDigest,
    /// What to call it.
    pub name: Option<String>,
    /// Who has it.
    pub holder: Option<String>,
    /// What kind of holder that is; a person where nothing is said and nobody of that name is known.
    pub kind: Option<HolderKind>,
    /// The person who answers for the holder.
    pub owner: Option<String>,
    /// Where it travels, as the configuration writes places.
    pub place: Option<String>,
    /// When it was made.
    pub born: Option<Timestamp>,
    /// When it ends.
    pub end: Option<Timestamp>,
    /// What the API says it may do.
    pub scopes: Option<String>,
}

/// What came of a list, or would come of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Keys that became known.
    pub added: usize,
    /// Keys that were known, of which something is known now that was not.
    pub completed: usize,
    /// Keys that were known as the list says.
    pub known: usize,
    /// Of all that were known, those that do not work here: they stay as they are.
    pub stopped: usize,
    /// Holders that became known.
    pub holders: usize,
}

/// A line that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// The line.
    pub line: u64,
    /// Why, and how to mend it.
    pub why: &'static str,
}

/// By what a key of the list is known here.
pub(crate) struct Recognised {
    /// What would be kept of it.
    pub(crate) verifier: Verifier,
    pub(crate) pepper: PepperId,
    /// The key, where it is known.
    pub(crate) key: Option<Arc<Key>>,
    /// Whether it is a canary.
    pub(crate) canary: bool,
}

/// A holder, as far as a line needs to know.
#[derive(Clone, Copy)]
struct Known {
    id: HolderId,
    kind: HolderKind,
    owner: Option<HolderId>,
}

/// Works through a list.
struct Plan<'a> {
    state: &'a State,
    now: Timestamp,
    /// By their names in lower case.
    new: HashMap<String, Known>,
    /// Keys that an earlier line made known.
    seen: HashMap<[u8; 16], u64>,
    next_key: KeyId,
    next_holder: HolderId,
    changes: Vec<Change>,
    sums: Imported,
}

impl State {
    /// What a list changes, or which of its lines are wrong: then it changes nothing.
    pub(crate) fn import(
        &self,
        keys: &[ImportedKey],
        recognise: impl Fn(&SecretDigest) -> Recognised,
        now: Timestamp,
    ) -> Result<(Vec<Change>, Imported), Vec<WrongLine>> {
        let mut plan = Plan {
            state: self,
            now,
            new: HashMap::new(),
            seen: HashMap::new(),
            next_key: self.next_key(),
            next_holder: self.next_holder(),
            changes: Vec::new(),
            sums: Imported::default(),
        };
        let mut wrong = Vec::new();
        for key in keys {
            if let Err(why) = plan.take(key, &recognise(&key.digest)) {
                wrong.push(WrongLine { line: key.line, why });
                if wrong.len() >= MOST_WRONG {
                    break;
                }
            }
        }
        if wrong.is_empty() { Ok((plan.changes, plan.sums)) } else { Err(wrong) }
    }
}

impl Plan<'_> {
    fn take(&mut self, key: &ImportedKey, recognised: &Recognised) -> Result<(), &'static str> {
        if recognised.canary {
            return Err("this is a canary of this gate; whoever made the list has found the place where it lies");
        }
        let place = place(key.place.as_deref())?;
        if key.name.as_deref().is_some_and(|name| check_name(name).is_err()) {
            return Err("`name` is no name; use 1 to 128 letters, digits, spaces and `._@+-:/`");
        }
        if key.scopes.as_ref().is_some_and(|it| it.len() > SCOPES || it.chars().any(char::is_control)) {
            return Err("`scopes` is longer than 1024 bytes, or has letters that nobody sees");
        }
        if key.born.is_some_and(|born| born > self.now) {
            return Err("`born` is ahead of now");
        }
        if key.born.zip(key.end).is_some_and(|(born, end)| end <= born) {
            return Err("`end` is not after `born`");
        }
        let holder = self.holder(key)?;
        if self.seen.insert(*recognised.verifier.first_half(), key.line).is_some() {
            return Err("an earlier line has the same key");
        }
        match &recognised.key {
            Some(known) => self.complete(key, known, holder),
            None => {
                self.changes.push(Change::KeyImported {
                    id: self.next_key,
                    verifier: recognised.verifier,
                    pepper: recognised.pepper,
                    name: key.name.clone(),
                    holder,
                    place,
                    scopes: key.scopes.clone(),
                    born: key.born,
                    end: key.end,
                });
                self.next_key.0 += 1;
                self.sums.added += 1;
                Ok(())
            }
        }
    }

    /// What is not known of a key is taken from the list; what is known otherwise is wrong.
    fn complete(&mut self, key: &ImportedKey, known: &Key, holder: Option<HolderId>) -> Result<(), &'static str> {
        let differs = |said: Option<&str>, known: Option<&str>| said.zip(known).is_some_and(|(said, it)| said != it);
        if differs(key.name.as_deref(), known.name()) {
            return Err("the key is known here by another name; leave `name` empty, or use `greave keys name`");
        }
        if holder.zip(known.holder()).is_some_and(|(said, it)| said != it) {
            return Err("the key is another holder's here; leave `holder` empty, or use `greave keys name`");
        }
        if differs(key.scopes.as_deref(), known.scopes()) {
            return Err("the API says other scopes of this key; leave `scopes` empty");
        }
        // A key that was learned counts from when it was first seen: it may well be older.
        if key.born.is_some_and(|born| born > known.born()) {
            return Err("the key was here before it was `born`; leave that empty");
        }
        if key.end.zip(known.end()).is_some_and(|(said, it)| said != it) {
            return Err("the key ends otherwise here; leave `end` empty, or use `greave keys change`");
        }
        let works = known.standing.works();
        self.sums.stopped += usize::from(!works);
        let name = key.name.clone().filter(|_| known.name().is_none());
        let holder = holder.filter(|_| known.holder().is_none());
        let end = key.end.filter(|_| known.end().is_none() && works);
        if name.is_none() && holder.is_none() && end.is_none() {
            self.sums.known += 1;
            return Ok(());
        }
        if name.is_some() || holder.is_some() {
            self.changes.push(Change::KeyNamed { key: known.id, name, holder });
        }
        if let Some(end) = end {
            self.changes.push(Change::KeyEndSet { key: known.id, end });
        }
        self.sums.completed += 1;
        Ok(())
    }

    /// The holder that a line names; one that is not known yet becomes known.
    fn holder(&mut self, key: &ImportedKey) -> Result<Option<HolderId>, &'static str> {
        let Some(name) = &key.holder else {
            if key.kind.is_some() || key.owner.is_some() {
                return Err("`kind` and `owner` are a holder's; fill `holder`, too");
            }
            return Ok(None);
        };
        if let Some(known) = self.known(name) {
            if key.kind.is_some_and(|kind| kind != known.kind) {
                return Err("the holder is of another kind, here or in an earlier line; leave `kind` empty");
            }
            let Some(owner) = &key.owner else { return Ok(Some(known.id)) };
            let same = self.known(owner).is_some_and(|owner| match known.kind {
                HolderKind::Person => owner.id == known.id,
                _ => known.owner == Some(owner.id),
            });
            return if same {
                Ok(Some(known.id))
            } else {
                Err(
                    "another person answers for the holder, here or in an earlier line; leave `owner` empty, or use `greave holders change`",
                )
            };
        }
        let kind = key.kind.unwrap_or_default();
        let own = key.owner.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(name));
        let owner = match (kind, &key.owner) {
            (HolderKind::Person, owner) if own || owner.is_none() => None,
            (HolderKind::Person, _) => return Err("a person answers for their own keys; leave `owner` empty"),
            (_, Some(_)) if own => return Err("`owner` is the program itself; only people answer for keys"),
            (_, None) => return Err("a workload or vendor needs a person who answers for it; fill `owner`"),
            (_, Some(owner)) => Some(self.person(owner)?),
        };
        self.add(name, kind, owner).map(Some)
    }

    fn person(&mut self, name: &str) -> Result<HolderId, &'static str> {
        match self.known(name) {
            Some(Known { id, kind: HolderKind::Person, .. }) => {
                if self.state.holder(id).is_some_and(|person| person.left) {
                    return Err("who is to answer for the holder has left; name another `owner`");
                }
                Ok(id)
            }
            Some(_) => Err("`owner` is a program, here or in an earlier line; only people answer for keys"),
            None => self.add(name, HolderKind::Person, None),
        }
    }

    fn known(&self, name: &str) -> Option<Known> {
        let known = |holder: &Holder| Known { id: holder.id, kind: holder.kind, owner: holder.owner };
        self.state.holder_named(name).map(known).or_else(|| self.new.get(&name.to_ascii_lowercase()).copied())
    }

    fn add(&mut self, name: &str, kind: HolderKind, owner: Option<HolderId>) -> Result<HolderId, &'static str> {
        if check_name(name).is_err() {
            return Err("`holder` or `owner` is no name; use 1 to 128 letters, digits, spaces and `._@+-:/`");
        }
        let id = self.next_holder;
        self.next_holder.0 += 1;
        self.new.insert(name.to_ascii_lowercase(), Known { id, kind, owner });
        let (deputies, mail) = (Vec::new(), None);
        let name = name.to_owned();
        self.changes.push(Change::HolderAdded { id, name, kind, owner, deputies, mail, administrator: false });
        self.sums.holders += 1;
        Ok(id)
    }
}

/// A place as it is written down.
fn place(said: Option<&str>) -> Result<String, &'static str> {
    let Some(said) = said else { return Ok(NOWHERE.to_owned()) };
    let read = said.parse::<wire::Place>();
    read.map(|place| place.to_string())
        .map_err(|_| "`place` is none; write `authorization:bearer`, `header:x-api-key`, `query:NAME` or `cookie:NAME`")
}
