//! What users and roles can do, and by which statement.

use std::collections::HashMap;

use jiff::Timestamp;
use law::Powers;

use super::{
    actions::Actions,
    condition::{Context, Holds},
    details::{Directory, Principal},
    evaluate::Rights,
};
use crate::estate::{Because, Place, Reach};

/// A user with everything that was worked out about them.
pub(super) struct User<'d> {
    pub(super) principal: &'d Principal,
    pub(super) rights: Rights<'d>,
    pub(super) context: Context,
    pub(super) without: Reach,
    pub(super) with: Reach,
    pub(super) because: Vec<Because>,
}

/// What was worked out for users whose policies are the same, and the account they are of.
pub(super) type Classes = HashMap<(String, Vec<*const super::policy::Policy>, bool), (Reach, Reach, Vec<Because>)>;

pub(super) fn user<'d>(
    directory: &'d Directory,
    principal: &'d Principal,
    actions: &Actions,
    classes: &mut Classes,
    now: Timestamp,
) -> User<'d> {
    let rights = directory.rights(principal);
    let context = Context::long_term(&principal.name, &principal.arn, &principal.account, &principal.tags, now);
    let class = rights.class().map(|(policies, unseen)| (principal.account.clone(), policies, unseen));
    if let Some((without, with, because)) = class.as_ref().and_then(|class| classes.get(class)) {
        let (without, with, mut because) = (*without, *with, because.clone());
        for because in &mut because {
            because.place.clone_from(&principal.place);
        }
        return User { principal, rights, context, without, with, because };
    }
    let (without, because) = reach(&rights, actions, &context, &principal.place);
    let (with, _) = reach(&rights, actions, &context.clone().with_second_factor(), &principal.place);
    if let Some(class) = class {
        classes.insert(class, (without, with, because.clone()));
    }
    User { principal, rights, context, without, with, because }
}

/// Everything that a caller can do, and the statements that make it so.
pub(super) fn reach(rights: &Rights<'_>, actions: &Actions, context: &Context, place: &Place) -> (Reach, Vec<Because>) {
    struct Told {
        powers: Powers,
        actions: Vec<String>,
        more: usize,
        sure: bool,
    }
    let mut whole = Reach::default();
    let mut told: Vec<Told> = Vec::new();
    let mut by_statement: HashMap<(*const super::policy::Statement, bool), usize> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    for action in actions.iter() {
        let verdict = rights.may(&action.name, &action.resource, context);
        let sure = verdict.allowed == Holds::Yes;
        whole = match verdict.allowed {
            Holds::No => continue,
            Holds::Yes => whole.union(Reach::surely(action.powers)),
            Holds::Unknown => whole.union(Reach::perhaps(action.powers)),
        };
        let pointer = verdict.by.map_or(std::ptr::null(), std::ptr::from_ref);
        let at = *by_statement.entry((pointer, sure)).or_insert_with(|| {
            names.push(verdict.by.map_or("a policy that no input has", |by| by.name.as_str()));
            told.push(Told { powers: Powers::NONE, actions: Vec::new(), more: 0, sure });
            told.len() - 1
        });
        if let Some(told) = told.get_mut(at) {
            told.powers = told.powers.union(action.powers);
            if action.powers.is_sensitive() && told.actions.len() < 4 {
                told.actions.push(action.name.clone());
            } else {
                told.more += 1;
            }
        }
    }
    let because = told.into_iter().zip(names).map(|(told, name)| {
        let more = if told.more > 0 { format!(" and {} more", told.more) } else { String::new() };
        let listed = if told.actions.is_empty() {
            format!("{} actions", told.more)
        } else {
            format!("{}{more}", told.actions.join(", "))
        };
        Because { powers: told.powers, what: format!("{name}: {listed}"), sure: told.sure, place: place.clone() }
    });
    (whole, because.collect())
}
