//! Everybody who has or had keys, as a book that can be copied in a moment: who reads long in it
//! takes a copy, and no change waits.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
};

use hashbrown::HashTable;
use law::{Factor, Factors, HolderId, HolderKind};

use crate::state::Holder;

/// Everybody who has or had keys, at one moment.
#[derive(Clone, Debug, Default)]
pub struct People(pub(crate) BTreeMap<HolderId, Arc<Holder>>);

impl People {
    /// One of them.
    pub fn holder(&self, id: HolderId) -> Option<&Holder> {
        self.0.get(&id).map(|holder| &**holder)
    }

    /// In the order in which they became known.
    pub fn iter(&self) -> impl Iterator<Item = &Holder> {
        self.0.values().map(|holder| &**holder)
    }

    /// The people who can be asked for this holder's keys, the first asked first: the person
    /// itself or the owner, then the deputies. Only those who can prove to be one.
    pub fn answerers(&self, holder: HolderId) -> Vec<HolderId> {
        let Some(holder) = self.holder(holder) else { return Vec::new() };
        let first = if holder.kind == HolderKind::Person { Some(holder.id) } else { holder.owner };
        let mut people: Vec<HolderId> = Vec::new();
        for person in first.into_iter().chain(holder.deputies.iter().copied()) {
            if !people.contains(&person) && self.holder(person).is_some_and(Holder::can_prove) {
                people.push(person);
            }
        }
        people
    }

    /// What could be shown for this holder's keys.
    pub fn presentable(&self, holder: HolderId) -> Factors {
        match self.answerers(holder).len() {
            0 => Factors::NONE,
            1 => Factor::Person.into(),
            _ => Factors::from(Factor::Person).with(Factor::SecondPerson),
        }
    }
}

/// Holders by their names, letter case aside. The names stand with the holders: here is nothing
/// but ids.
#[derive(Debug, Default)]
pub(crate) struct Names {
    ids: HashTable<HolderId>,
    hasher: RandomState,
}

impl Names {
    pub(crate) fn find(&self, people: &People, name: &str) -> Option<HolderId> {
        let same = |id: &HolderId| people.holder(*id).is_some_and(|it| it.name.eq_ignore_ascii_case(name));
        self.ids.find(self.hash(name), same).copied()
    }

    /// A name is the first holder's who has it.
    pub(crate) fn add(&mut self, people: &People, id: HolderId, name: &str) {
        if self.find(people, name).is_none() {
            let hasher = self.hasher.clone();
            let of = |id: &HolderId| people.holder(*id).map_or(0, |holder| hash(&hasher, &holder.name));
            self.ids.insert_unique(hash(&hasher, name), id, of);
        }
    }

    fn hash(&self, name: &str) -> u64 {
        hash(&self.hasher, name)
    }
}

fn hash(hasher: &RandomState, name: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    name.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: u64, name: &str) -> Arc<Holder> {
        Arc::new(Holder {
            id: HolderId(id),
            name: name.to_owned(),
            kind: HolderKind::Person,
            owner: None,
            deputies: Vec::new(),
            mail: None,
            administrator: false,
            left: false,
            left_since: None,
            keys_go_on: false,
            two_factor: None,
            authenticator: None,
            invitation: None,
        })
    }

    #[test]
    fn a_holder_is_found_by_name_letter_case_aside_and_the_first_of_two_stays() {
        let (mut people, mut names) = (People::default(), Names::default());
        for (id, name) in (1..).zip(["ann", "Zo\u{eb}", "ANN"]).chain((4..500).map(|id| (id, "many"))) {
            let name = if id > 3 { format!("{name}{id}") } else { name.to_owned() };
            names.add(&people, HolderId(id), &name);
            people.0.insert(HolderId(id), person(id, &name));
        }
        let find = |name: &str| names.find(&people, name);
        assert_eq!(
            (find("Ann"), find("ZO\u{eb}"), find("MANY77")),
            (Some(HolderId(1)), Some(HolderId(2)), Some(HolderId(77)))
        );
        assert_eq!((find("an"), find("")), (None, None));
    }
}
