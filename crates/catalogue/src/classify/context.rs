//! What the whole document says, and no operation alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    lexicon::context as lexicon,
    words::{self, words},
};
use crate::{Facts, Field};

/// What the other operations of a document say about each one of them.
///
/// The same path can mean two things: `/users` are accounts where people log in, and records of customers where nobody
/// does; `api_key` in a body is a credential that is set, and the caller's own where every body asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Whether people have accounts here, so that users and roles are more than records.
    pub(super) accounts: bool,
    /// Whether groups are of people.
    pub(super) groups: bool,
    /// Names by which callers prove who they are, as [`words`] in one text: most operations ask for them.
    proofs: BTreeSet<String>,
}

/// Nothing is known of the others: the doubt goes to the power.
impl Default for Context {
    fn default() -> Self {
        Self { accounts: true, groups: true, proofs: BTreeSet::new() }
    }
}

impl Context {
    /// Reads what all operations of a document say together.
    pub fn of<'f>(operations: impl IntoIterator<Item = &'f Facts>) -> Self {
        let mut gathered = Gathered::default();
        operations.into_iter().for_each(|facts| gathered.add(facts));
        gathered.context()
    }

    /// Whether the caller proves by a field of this name who is calling.
    pub(super) fn is_proof(&self, name: &[String]) -> bool {
        !self.proofs.is_empty() && self.proofs.contains(&name.join(" "))
    }
}

#[derive(Default)]
struct Gathered<'f> {
    operations: usize,
    accounts: bool,
    groups: bool,
    /// How many operations ask for a name that may prove something.
    asked: BTreeMap<&'f str, usize>,
}

/// So many operations must ask for a name before it counts as the caller's proof.
const FEWEST: usize = 4;

impl<'f> Gathered<'f> {
    fn add(&mut self, facts: &'f Facts) {
        self.operations += 1;
        self.accounts |= signs_in(facts) || has_standing(facts);
        self.groups |= groups_people(facts);
        let own =
            facts.request.fields.iter().filter(|field| field.path.len() == 1).filter_map(|field| field.path.last());
        let names: BTreeSet<&str> =
            own.chain(&facts.query).map(String::as_str).filter(|name| holds_any(name, lexicon::PROVING)).collect();
        for name in names {
            *self.asked.entry(name).or_default() += 1;
        }
    }

    fn context(self) -> Context {
        let usual = |count: &usize| *count >= FEWEST && count * 2 >= self.operations;
        let proofs = self.asked.iter().filter(|(_, count)| usual(count)).map(|(name, _)| words(name).join(" "));
        // A document of a few operations shows a part of an API.
        let accounts = self.accounts || self.operations < lexicon::PART;
        Context { accounts, groups: self.groups || self.operations < lexicon::PART, proofs: proofs.collect() }
    }
}

/// Whether people sign in, or a password is set.
fn signs_in(facts: &Facts) -> bool {
    let named = |text: &str| holds_any(text, lexicon::SIGN_INS);
    named(&facts.template)
        || facts.operation_id.as_deref().is_some_and(named)
        || names(&facts.request.fields)
            .chain(facts.query.iter().map(String::as_str))
            .any(|name| holds_any(name, &["passw"]))
}

/// Whether a person has a role or a right.
fn has_standing(facts: &Facts) -> bool {
    let path = words(&facts.template);
    let person = lexicon::PEOPLE.iter().any(|term| words::contains(&path, term));
    let fields = || names(&facts.request.fields).chain(names(&facts.answer.fields));
    person && (holds_any(&facts.template, lexicon::RIGHTS) || fields().any(|name| holds_any(name, lexicon::RIGHTS)))
}

/// Whether a group has people in it.
fn groups_people(facts: &Facts) -> bool {
    if !holds_any(&facts.template, &["group"])
        && !facts.operation_id.as_deref().is_some_and(|id| holds_any(id, &["group"]))
    {
        return false;
    }
    let said = [facts.operation_id.as_deref(), facts.summary.as_deref()].into_iter().flatten();
    std::iter::once(facts.template.as_str())
        .chain(said)
        .chain(names(&facts.request.fields))
        .chain(names(&facts.answer.fields))
        .any(|text| holds_any(text, lexicon::IN_GROUPS))
}

fn names(fields: &[Field]) -> impl Iterator<Item = &str> {
    fields.iter().filter_map(|field| field.path.last()).map(String::as_str)
}

/// Whether one of the terms stands in the text, in whatever case; cheaper than words, and as good here.
fn holds_any(text: &str, terms: &[&str]) -> bool {
    let text = text.as_bytes();
    terms.iter().any(|term| text.windows(term.len()).any(|part| part.eq_ignore_ascii_case(term.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shape, classify::classify};

    fn facts(method: &str, template: &str, asks: &[&str]) -> Facts {
        let field = |name: &&str| Field { path: vec![(*name).to_owned()], ..Field::default() };
        let request = Shape { fields: asks.iter().map(field).collect(), ..Shape::default() };
        Facts { method: method.to_owned(), template: template.to_owned(), request, ..Facts::default() }
    }

    fn judged(facts: &Facts, context: &Context) -> String {
        classify(facts, context).powers.to_string()
    }

    fn things() -> Vec<Facts> {
        ["/a", "/b", "/c", "/d", "/e"].map(|template| facts("POST", template, &["api_key", "text"])).to_vec()
    }

    #[test]
    fn what_most_operations_ask_for_is_the_callers_own() {
        let connects = facts("POST", "/connections", &["url", "api_key"]);
        assert_eq!(judged(&connects, &Context::default()), "mint");
        assert_eq!(judged(&connects, &Context::of(&things())), "write");
        let echo = Facts { answer: connects.request.clone(), ..facts("POST", "/a", &["api_key"]) };
        assert_eq!(judged(&echo, &Context::default()), "mint");
        assert_eq!(judged(&echo, &Context::of(&things())), "write");
    }

    #[test]
    fn few_operations_prove_nothing() {
        let few = Context::of(&things()[..3]);
        assert_eq!(judged(&facts("POST", "/connections", &["api_key"]), &few), "mint");
        assert_eq!(judged(&facts("POST", "/users", &[]), &few), "grant");
        assert_eq!(judged(&facts("POST", "/groups", &[]), &few), "grant");
    }

    #[test]
    fn users_and_roles_are_records_where_nobody_signs_in() {
        let nobody = Context::of(&things());
        let somebody = |operation| Context::of(things().iter().chain([&operation]));
        let signing_in = [
            facts("POST", "/login", &[]),
            facts("POST", "/things", &["password"]),
            facts("PUT", "/users/{id}/roles", &[]),
            facts("PATCH", "/users/{id}", &["is_admin"]),
        ];
        for template in ["/users", "/roles"] {
            let made = facts("POST", template, &[]);
            assert_eq!(judged(&made, &nobody), "write");
            for operation in signing_in.clone() {
                assert_eq!(judged(&made, &somebody(operation)), "grant", "{template}");
            }
        }
        // To lock one out, or to delete one, is none of a record.
        assert_eq!(judged(&facts("POST", "/users/{id}/suspend", &[]), &nobody), "grant");
        assert_eq!(judged(&facts("DELETE", "/users/{id}", &[]), &nobody), "destroy + grant");
    }

    #[test]
    fn groups_are_of_people_where_something_says_so() {
        let group = facts("POST", "/groups", &["name"]);
        let login = facts("POST", "/login", &[]);
        assert_eq!(judged(&group, &Context::of(things().iter().chain([&login]))), "write");
        let member = facts("PUT", "/groups/{id}/members/{user}", &[]);
        assert_eq!(judged(&group, &Context::of(things().iter().chain([&login, &member]))), "grant");
        assert_eq!(
            judged(&facts("POST", "/groups", &["name", "members"]), &Context::of(things().iter().chain([&login]))),
            "grant"
        );
    }
}
