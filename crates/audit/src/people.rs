//! One person, several accounts: in AWS, at GitHub, in a list of people.
//!
//! Who is one person is said by a column `same`, or by the same address. The same login in two
//! systems may be two people, so that this alone joins nobody; it is told as what nobody can see.

use std::collections::{BTreeMap, HashMap};

use crate::estate::{Blind, Estate, Ix, Kind, Known, Place};

/// Joins the accounts of one person. Who left in one system has left in all.
pub(crate) fn join(estate: &mut Estate) {
    let mut people = People { of: (0..estate.accounts.len()).collect() };
    let mut by_email: HashMap<String, Ix> = HashMap::new();
    for (ix, account) in estate.accounts.iter().enumerate() {
        let email = account.email.as_deref().or(Some(account.name.as_str()).filter(|name| name.contains('@')));
        if let Some(email) = email.map(str::to_lowercase) {
            let first = *by_email.entry(email).or_insert(ix);
            people.join(first, ix);
        }
    }
    for (ix, name) in std::mem::take(&mut estate.same) {
        match estate.labelled(&name) {
            Some(other) => people.join(ix, other),
            None => estate.blind.push(Blind {
                what: "whom an entry in the column `same` names: no account of this name is among the inputs, or several are".to_owned(),
                mend: "write `SYSTEM/NAME`, such as `github/ann` or `aws:111122223333/ann`".to_owned(),
                place: estate.accounts.get(ix).and_then(|account| account.places.last().cloned()).unwrap_or(Place {
                    file: "the inputs".to_owned(),
                    line: None,
                }),
            }),
        }
    }
    let mut groups: BTreeMap<Ix, Vec<Ix>> = BTreeMap::new();
    for ix in 0..estate.accounts.len() {
        groups.entry(people.first(ix)).or_default().push(ix);
    }
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let is = |so: fn(&crate::estate::Account) -> Known| {
            group.iter().filter_map(|ix| estate.accounts.get(*ix)).map(so).any(|known| known == Known::Yes)
        };
        let left = is(|account| account.left);
        for ix in &group {
            if let Some(account) = estate.accounts.get_mut(*ix) {
                account.also = group.iter().copied().filter(|other| other != ix).collect();
                account.left = if left { Known::Yes } else { account.left };
            }
        }
    }
    alike(estate);
}

/// Accounts of one name in several systems, of which nothing says whether they are one person.
fn alike(estate: &mut Estate) {
    let mut by_name: HashMap<String, Vec<Ix>> = HashMap::new();
    for (ix, account) in estate.accounts.iter().enumerate() {
        if account.kind != Kind::Workload && account.kind != Kind::Vendor && !account.realm.is_empty() {
            by_name.entry(account.name.to_lowercase()).or_default().push(ix);
        }
    }
    let mut open: Vec<(String, Ix)> = Vec::new();
    for (name, all) in by_name {
        let told = |ix: &Ix| estate.accounts.get(*ix).is_some_and(|account| !account.also.is_empty());
        if let (Some(first), false) = (all.first().filter(|_| all.len() > 1), all.iter().any(told)) {
            open.push((name, *first));
        }
    }
    open.sort();
    if let Some(account) = open.first().and_then(|(_, ix)| estate.accounts.get(*ix)) {
        // As it was written: what may be a secret is not recognised in small letters.
        let name = &account.name;
        let place = account.places.first().cloned();
        let more = match open.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        estate.blind.push(Blind {
            what: format!("whether accounts of one name in several systems are one person: `{name}`{more}"),
            mend: "say so in a list of people with a column `same` (docs/rules.md), or give their addresses in a column `email`".to_owned(),
            place: place.unwrap_or(Place { file: "the inputs".to_owned(), line: None }),
        });
    }
}

/// Who is one person with whom: each account points to the first one of its person.
struct People {
    of: Vec<Ix>,
}

impl People {
    fn first(&self, ix: Ix) -> Ix {
        let mut at = ix;
        while let Some(&before) = self.of.get(at).filter(|before| **before < at) {
            at = before;
        }
        at
    }

    fn join(&mut self, one: Ix, other: Ix) {
        let (one, other) = (self.first(one), self.first(other));
        if let Some(slot) = self.of.get_mut(one.max(other)) {
            *slot = one.min(other);
        }
    }
}
