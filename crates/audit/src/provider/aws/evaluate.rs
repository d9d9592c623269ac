//! What a caller may do: explicit deny first, then allow, and within every ceiling.
//!
//! [`Rights::decide`] answers for one resource. Asked about a pattern of resources, the question
//! is whether there is *one* that the caller may act on: [`Rights::may`] tries resources that are
//! as little like anything in the policies as their patterns let them be. Where the answer hangs
//! on what nobody here knows, it is unknown, not yes.

use std::{borrow::Cow, collections::HashMap};

use super::{
    actions::Action,
    condition::{Context, Holds, NOTHING, Said, filled},
    policy::{Effect, Named, Selection, Statement},
};
use crate::glob;

/// The policies that speak about a caller.
#[derive(Clone)]
pub(super) struct Rights<'p> {
    pub(super) policies: Vec<Named<'p>>,
    /// Whether a policy is attached that no input has.
    pub(super) unseen: bool,
    /// What the caller may never exceed: each of them has to allow, too.
    pub(super) ceilings: Vec<Ceiling<'p>>,
}

/// A boundary, or what one level of an organisation lets an account do at most.
#[derive(Clone)]
pub(super) struct Ceiling<'p> {
    pub(super) policies: Vec<Named<'p>>,
    /// Whether a part of it is in no input.
    pub(super) unseen: bool,
    /// Whether it is the caller's own boundary, which a caller may be able to take off.
    pub(super) own: bool,
    /// Whether nobody says that it binds this caller at all.
    pub(super) open: bool,
}

/// What is asked about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) action: &'a str,
    /// Its number, where the statements know it.
    pub(super) number: Option<usize>,
}

impl<'a> From<&'a str> for Asked<'a> {
    fn from(action: &'a str) -> Self {
        Self { action, number: None }
    }
}

impl<'a> From<&'a Action> for Asked<'a> {
    fn from(action: &'a Action) -> Self {
        Self { action: &action.name, number: Some(action.number) }
    }
}

/// Whether an action is allowed, by which statement, and what leaves it open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict<'p> {
    pub(super) allowed: Holds,
    /// The policy by its place in the rights, and its statement.
    pub(super) by: Option<(usize, &'p Statement)>,
    /// The first condition that nobody here can answer.
    pub(super) hangs_on: Option<&'p str>,
}

/// A statement about the action that is asked about.
#[derive(Clone, Copy)]
struct About<'p> {
    /// The caller's own policy that it stands in, by its place; none where it stands above.
    own: Option<usize>,
    /// Nought for those, then one for each ceiling.
    level: usize,
    /// Whether it may not bind the caller at all.
    open: bool,
    statement: &'p Statement,
}

/// Whether a caller may take one action, to be asked of one resource after the other: the statements
/// that speak of it are looked for once.
pub(super) struct Question<'p> {
    about: Vec<About<'p>>,
    /// Whether anything could allow it.
    pub(super) is_open: bool,
    /// The regions that make a difference to the answer.
    regions: Vec<String>,
    /// Whether a policy is attached that no input has.
    unseen: bool,
    /// Of each ceiling whether a part is unseen, and whether it may not bind the caller.
    ceilings: Vec<(bool, bool)>,
}

/// So many resources are tried for one question.
const TRIED: usize = 48;
/// What stands where a pattern lets anything stand: nothing that anybody names. Whatever denies
/// that denies anything in its place; only what counts letters with `?` may leave a shorter one
/// out, so that those are tried, too, where something does.
const FRESH: &str = "zq7witness";
const SHORTER: [&str; 4] = [FRESH, "z", "zz", ""];

impl<'p> Rights<'p> {
    fn statements(&self) -> impl Iterator<Item = &'p Statement> {
        let above = self.ceilings.iter().flat_map(|ceiling| &ceiling.policies);
        self.policies.iter().chain(above).flat_map(|named| &named.policy.statements)
    }

    /// What makes two users of one account equal, where nothing in their policies asks who they are.
    pub(super) fn class(&self) -> Option<Vec<usize>> {
        let personal = |selection: &Selection| match selection {
            Selection::These(patterns) | Selection::AllBut(patterns) => {
                patterns.iter().any(|pattern| pattern.contains("${"))
            }
        };
        let is_personal = |one: &Statement| {
            personal(&one.resources) || one.conditions.iter().any(super::condition::Condition::is_personal)
        };
        if self.statements().any(is_personal) {
            return None;
        }
        let place = |named: &Named<'_>| std::ptr::from_ref(named.policy).addr();
        let mut class: Vec<usize> = self.policies.iter().map(place).collect();
        class.push(usize::from(self.unseen));
        for ceiling in &self.ceilings {
            class.extend([usize::MAX, usize::from(ceiling.unseen)]);
            class.extend(ceiling.policies.iter().map(place));
        }
        Some(class)
    }

    /// Whether the action is surely allowed on all of these resources: no deny speaks of it.
    pub(super) fn everywhere(&self, action: &str, resource: &str, context: &Context) -> bool {
        let mut about = self.statements().filter(|statement| statement.is_about(action));
        let allows = |statement: &Statement| match &statement.resources {
            Selection::These(patterns) => patterns.iter().any(|pattern| glob::covers(pattern, resource)),
            Selection::AllBut(_) => false,
        };
        let mut own = self.policies.iter().flat_map(|named| &named.policy.statements);
        self.ceilings.is_empty()
            && about.all(|statement| statement.effect == Effect::Allow)
            && own.any(|one| {
                one.effect == Effect::Allow
                    && one.is_about(action)
                    && allows(one)
                    && conditions(one, context, true) == Holds::Yes
            })
    }

    /// Whether nothing that speaks of an action tells one resource from another.
    pub(super) fn is_alike(&self, action: &str) -> bool {
        let names_none = |statement: &Statement| match &statement.resources {
            Selection::These(patterns) => patterns.iter().all(|pattern| pattern == "*"),
            Selection::AllBut(_) => false,
        };
        let asks_none = |statement: &Statement| {
            statement
                .conditions
                .iter()
                .all(|one| !one.asks.contains("resourcetag/") && one.asks != "iam:permissionsboundary")
        };
        self.statements().filter(|one| one.is_about(action)).all(|one| names_none(one) && asks_none(one))
    }

    /// Whether there is a resource of this pattern on which the caller may take the action.
    pub(super) fn may<'a>(&self, asked: impl Into<Asked<'a>>, resource: &str, context: &Context) -> Verdict<'p> {
        self.question(asked).on(resource, context)
    }

    /// The question whether the caller may take an action, of whatever resource it is asked.
    pub(super) fn question<'a>(&self, asked: impl Into<Asked<'a>>) -> Question<'p> {
        let asked = asked.into();
        let about = self.about(asked);
        let allowed = about.iter().any(|one| one.own.is_some() && one.statement.effect == Effect::Allow);
        Question {
            is_open: self.unseen || allowed,
            regions: regions(is_everywhere(asked.action), &about),
            about,
            unseen: self.unseen,
            ceilings: self.ceilings.iter().map(|ceiling| (ceiling.unseen, ceiling.open)).collect(),
        }
    }

    /// As [`may`](Self::may), of many actions: those of which the same statements speak, about the
    /// same resources, are judged once. `alike` says for each action which others are its like.
    pub(super) fn may_each<'a>(
        &self,
        actions: impl Iterator<Item = (&'a Action, &'a str)>,
        alike: &[usize],
        context: &Context,
    ) -> Vec<Verdict<'p>> {
        let mut known: HashMap<usize, Verdict<'p>> = HashMap::new();
        let judged = actions.map(|(action, resource)| match alike.get(action.number) {
            Some(like) => *known.entry(*like).or_insert_with(|| self.may(action, resource, context)),
            None => self.may(action, resource, context),
        });
        judged.collect()
    }

    /// The statements about an action: those of the caller's own policies with the policy's place.
    fn about(&self, asked: Asked<'_>) -> Vec<About<'p>> {
        let own = self.policies.iter().enumerate().map(|(at, named)| (Some(at), 0, false, named.policy));
        let above = self.ceilings.iter().zip(1..).flat_map(|(ceiling, level)| {
            ceiling.policies.iter().map(move |named| (None, level, ceiling.open, named.policy))
        });
        let all = own.chain(above).flat_map(|(own, level, open, policy)| {
            policy.statements.iter().map(move |statement| About { own, level, open, statement })
        });
        all.filter(|one| is_about(one.statement, asked)).collect()
    }

    /// Whether anything asks how the caller signed in.
    pub(super) fn asks_how_it_began(&self) -> bool {
        let mut conditions = self.statements().flat_map(|statement| &statement.conditions);
        conditions.any(|one| one.asks.starts_with("aws:multifactorauth") || one.asks == "aws:tokenissuetime")
    }

    /// The same without the caller's own boundary.
    pub(super) fn unbound(&self) -> Self {
        let mut rights = self.clone();
        rights.ceilings.retain(|ceiling| !ceiling.own);
        rights
    }

    /// The same with a policy more.
    pub(super) fn with(&self, named: Named<'p>) -> Self {
        let mut rights = self.clone();
        rights.policies.push(named);
        rights
    }
}

impl<'p> Question<'p> {
    /// Whether there is a resource of this pattern for which the answer is yes.
    pub(super) fn on(&self, resource: &str, context: &Context) -> Verdict<'p> {
        let mut best = Verdict { allowed: Holds::No, by: None, hangs_on: None };
        if !self.is_open {
            return best;
        }
        let contexts: Vec<Context> =
            self.regions.iter().map(|region| context.saying("aws:requestedregion", region)).collect();
        for context in if contexts.is_empty() { std::slice::from_ref(context) } else { &contexts } {
            for resource in witnesses(&self.about, resource, context) {
                let verdict = self.decide(&resource, context);
                match verdict.allowed {
                    Holds::Yes => return verdict,
                    Holds::Unknown if best.allowed == Holds::No => best = verdict,
                    Holds::Unknown | Holds::No => {}
                }
            }
        }
        best
    }

    /// Whether no deny takes this resource away, whoever allows it.
    pub(super) fn undenied(&self, resource: &str, context: &Context) -> Holds {
        undenied(&self.about, resource, context, &mut None)
    }

    /// Whether the action may be taken on this one resource.
    fn decide(&self, resource: &str, context: &Context) -> Verdict<'p> {
        let about = &self.about;
        let mut hangs_on = None;
        let open = undenied(about, resource, context, &mut hangs_on);
        let mut verdict = Verdict { allowed: Holds::No, by: None, hangs_on: None };
        if open == Holds::No {
            return verdict;
        }
        for About { own, statement, .. } in about {
            let (Some(place), Effect::Allow) = (own, statement.effect) else { continue };
            let mut open = None;
            let holds = allows(statement, resource, context, &mut open);
            match holds {
                Holds::No => continue,
                Holds::Unknown if verdict.allowed != Holds::No => continue,
                Holds::Yes | Holds::Unknown => {
                    verdict = Verdict { allowed: holds, by: Some((*place, *statement)), hangs_on: open };
                }
            }
            if holds == Holds::Yes {
                break;
            }
        }
        // A policy that nobody sees may allow it, but what is denied here stays denied.
        if verdict.allowed == Holds::No && self.unseen {
            verdict.allowed = Holds::Unknown;
        }
        verdict.hangs_on = verdict.hangs_on.or(hangs_on);
        verdict.allowed = verdict.allowed.and(open);
        for ((unseen, open), level) in self.ceilings.iter().zip(1..) {
            if verdict.allowed == Holds::No {
                break;
            }
            let mut best = if *unseen { Holds::Unknown } else { Holds::No };
            let mut hangs_on = None;
            let allow = |one: &&About<'p>| one.level == level && one.statement.effect == Effect::Allow;
            for one in about.iter().filter(allow) {
                best = best.or(allows(one.statement, resource, context, &mut hangs_on));
            }
            if *open && best == Holds::No {
                best = Holds::Unknown;
            }
            verdict.allowed = verdict.allowed.and(best);
            verdict.hangs_on = verdict.hangs_on.or(hangs_on);
        }
        verdict
    }
}

fn is_about(statement: &Statement, asked: Asked<'_>) -> bool {
    match asked.number.and_then(|number| Some((number, statement.about.get(number / 64)?))) {
        Some((number, word)) => word >> (number % 64) & 1 == 1,
        None => statement.is_about(asked.action),
    }
}

fn undenied<'p>(about: &[About<'p>], resource: &str, context: &Context, hangs_on: &mut Option<&'p str>) -> Holds {
    let denies = about.iter().filter(|one| one.statement.effect == Effect::Deny);
    denies.fold(Holds::Yes, |undenied, About { open, statement, .. }| {
        if undenied == Holds::No {
            return undenied;
        }
        let bound = if *open { Holds::Unknown } else { Holds::Yes };
        let denied =
            bound.and(covers(&statement.resources, resource, context)).and(conditions(statement, context, false));
        if denied == Holds::Unknown {
            *hangs_on = hangs_on.or(unanswered(statement, context, false));
        }
        undenied.and(denied.not())
    })
}

fn allows<'p>(statement: &'p Statement, resource: &str, context: &Context, hangs_on: &mut Option<&'p str>) -> Holds {
    let holds = covers(&statement.resources, resource, context);
    if holds == Holds::No {
        return holds;
    }
    let holds = holds.and(conditions(statement, context, true));
    if holds == Holds::Unknown {
        *hangs_on = hangs_on.or(unanswered(statement, context, true));
    }
    holds
}

/// Whether all conditions of a statement hold; `wanted` is what the caller would like.
pub(super) fn conditions(statement: &Statement, context: &Context, wanted: bool) -> Holds {
    statement.conditions.iter().fold(Holds::Yes, |all, one| all.and(one.holds(context, wanted)))
}

/// The first condition that nobody here can answer.
fn unanswered<'p>(statement: &'p Statement, context: &Context, wanted: bool) -> Option<&'p str> {
    let open = statement.conditions.iter().find(|one| one.holds(context, wanted) == Holds::Unknown);
    open.map(|one| one.name.as_str())
}

/// Whether a statement is about this one resource.
fn covers(selection: &Selection, resource: &str, context: &Context) -> Holds {
    let any = |patterns: &[String]| {
        patterns.iter().fold(Holds::No, |any, pattern| {
            if any == Holds::Yes || pattern == "*" {
                return Holds::Yes;
            }
            let (pattern, sure) = filled(pattern, context);
            let meets = Holds::from(!pattern.contains(NOTHING) && glob::matches(&pattern, resource));
            any.or(if sure { meets } else { meets.and(Holds::Unknown) })
        })
    };
    match selection {
        Selection::These(patterns) => any(patterns),
        Selection::AllBut(patterns) => any(patterns).not(),
    }
}

/// Services that stand in one region, whatever the caller says.
const EVERYWHERE: [&str; 13] = [
    "iam",
    "sts",
    "organizations",
    "account",
    "route53",
    "route53domains",
    "cloudfront",
    "support",
    "sso",
    "budgets",
    "ce",
    "shield",
    "health",
];

pub(super) fn is_everywhere(action: &str) -> bool {
    let service = action.split(':').next().unwrap_or_default();
    EVERYWHERE.iter().any(|global| service.eq_ignore_ascii_case(global))
}

/// The regions that make a difference to these statements; none where nobody asks.
fn regions(everywhere: bool, about: &[About<'_>]) -> Vec<String> {
    let conditions = about.iter().flat_map(|one| &one.statement.conditions);
    let mut regions: Vec<String> = conditions
        .filter(|one| one.asks == "aws:requestedregion")
        .flat_map(|one| one.values.iter().map(|value| value.replace('*', "west-9").replace('?', "9")))
        .collect();
    if regions.is_empty() {
        return regions;
    }
    if everywhere {
        return vec!["us-east-1".to_owned()];
    }
    regions.extend(["us-east-1", "eu-west-9"].map(str::to_owned));
    regions.sort();
    regions.dedup();
    regions.truncate(TRIED);
    regions
}

/// Resources of a pattern to try: as the statements name them, and like nothing that they name.
fn witnesses(about: &[About<'_>], resource: &str, context: &Context) -> Vec<String> {
    if resource == "*" || !resource.contains(['*', '?']) {
        return vec![resource.to_owned()];
    }
    let mut patterns = vec![resource.to_owned()];
    // Every level narrows: own allows, those of each ceiling, then what each deny leaves out.
    let highest = about.iter().map(|one| one.level).max().unwrap_or_default();
    let levels = (0..=highest).map(|level| {
        let of = |one: &&About<'_>| {
            one.level == level
                && one.statement.effect == Effect::Allow
                && matches!(one.statement.resources, Selection::These(_))
        };
        about.iter().filter(of).collect::<Vec<_>>()
    });
    let left_out = about
        .iter()
        .filter(|one| one.statement.effect == Effect::Deny && matches!(one.statement.resources, Selection::AllBut(_)));
    for level in levels.chain(left_out.map(|one| vec![one])) {
        let mut narrower = Vec::new();
        for About { statement, .. } in level {
            let (Selection::These(named) | Selection::AllBut(named)) = &statement.resources;
            for named in named {
                let (named, _) = filled(named, context);
                if named.contains(NOTHING) {
                    continue;
                }
                narrower.extend(patterns.iter().filter_map(|pattern| meet(pattern, &named)));
            }
        }
        for pattern in narrower {
            if patterns.len() < TRIED && !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
    }
    let account = match context.said("aws:principalaccount") {
        Said::Is(account) => account,
        _ => Cow::Borrowed(""),
    };
    let counts = about.iter().any(|one| {
        let (Selection::These(named) | Selection::AllBut(named)) = &one.statement.resources;
        let takes_away =
            one.statement.effect == Effect::Deny || matches!(one.statement.resources, Selection::AllBut(_));
        takes_away && named.iter().any(|pattern| pattern.contains('?'))
    });
    let mut tried: Vec<String> = Vec::with_capacity(patterns.len());
    for pattern in &patterns {
        // A pattern that ends before the parts of an ARN do goes on as ARNs do.
        let missing = 5_usize.saturating_sub(pattern.matches(':').count());
        let whole = match (missing, pattern.strip_suffix('*')) {
            (2, Some(begin)) => format!("{begin}{FRESH}:{account}:*"),
            (1, Some(begin)) => format!("{begin}{account}:*"),
            _ => pattern.clone(),
        };
        let whole = whole.replace('?', "z");
        let mut more = vec![whole];
        while let Some((open, at)) = more.last().and_then(|one| one.find('*').map(|at| (one.clone(), at))) {
            if !counts || more.len() > TRIED {
                more = more.into_iter().map(|one| one.replace('*', FRESH)).collect();
                break;
            }
            more.pop();
            let put =
                |word: &&str| format!("{}{word}{}", open.get(..at).unwrap_or(""), open.get(at + 1..).unwrap_or(""));
            // The finished ones stand before those that are still open.
            let (finished, unfinished): (Vec<_>, Vec<_>) = SHORTER.iter().map(put).partition(|one| !one.contains('*'));
            more.splice(0..0, finished);
            more.extend(unfinished);
        }
        more.retain(|one| !one.ends_with(['/', ':']) && !tried.contains(one));
        tried.extend(more.iter().map(|one| glob::plain(one)));
    }
    tried
}

/// A pattern that both have in common. A `*` does not reach over the parts of an ARN, but for
/// the last one that a pattern has.
fn meet(one: &str, other: &str) -> Option<String> {
    if other == "*" {
        return Some(one.to_owned());
    }
    let (mut one, mut other, mut met) = (one, other, String::new());
    for _ in 0..5 {
        let (Some((here, one_rest)), Some((there, other_rest))) = (one.split_once(':'), other.split_once(':')) else {
            break;
        };
        met.push_str(&glob::meet(here, there)?);
        met.push(':');
        (one, other) = (one_rest, other_rest);
    }
    met.push_str(&glob::meet(one, other)?);
    Some(met)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::aws::policy::Policy;

    fn policy(statements: &Value) -> Policy {
        Policy::read(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
    }

    fn ann() -> Context {
        Context::long_term(
            "ann",
            "AIDAANN",
            "arn:aws:iam::1:user/ann",
            "1",
            &[],
            "2026-11-29T00:00:00Z".parse().unwrap(),
        )
    }

    fn may(policies: &[Policy], boundary: Option<&Policy>, action: &str, resource: &str) -> Holds {
        let named = |policy| Named { label: "p", policy };
        let ceilings = boundary
            .map(|policy| Ceiling { policies: vec![named(policy)], unseen: false, own: true, open: false })
            .into_iter()
            .collect();
        let rights = Rights { policies: policies.iter().map(named).collect(), unseen: false, ceilings };
        rights.may(action, resource, &ann()).allowed
    }

    const USERS: &str = "arn:aws:iam::1:user/*";

    fn admin() -> Policy {
        policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "*"}))
    }

    #[test]
    fn a_deny_in_a_second_policy_wins() {
        let deny = policy(&json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}));
        assert_eq!(may(&[admin()], None, "iam:CreateUser", USERS), Holds::Yes);
        assert_eq!(may(&[admin(), deny], None, "iam:CreateUser", USERS), Holds::No);
        let all_but = policy(&json!({"Effect": "Deny", "NotAction": "iam:Get*", "Resource": "*"}));
        assert_eq!(may(&[admin(), all_but.clone()], None, "iam:CreateUser", USERS), Holds::No);
        assert_eq!(may(&[admin(), all_but], None, "iam:GetUser", USERS), Holds::Yes);
    }

    #[test]
    fn a_deny_of_a_part_leaves_the_rest() {
        let deny = policy(&json!({"Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::1:user/root-like"}));
        assert_eq!(may(&[admin(), deny.clone()], None, "iam:CreateUser", USERS), Holds::Yes);
        assert_eq!(may(&[admin(), deny], None, "iam:CreateUser", "arn:aws:iam::1:user/root-like"), Holds::No);
        let all_but_self =
            policy(&json!({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:iam::1:user/${aws:username}"}));
        assert_eq!(
            may(&[admin(), all_but_self.clone()], None, "iam:CreateAccessKey", "arn:aws:iam::1:user/bob"),
            Holds::No
        );
        assert_eq!(may(&[admin(), all_but_self], None, "iam:CreateAccessKey", "arn:aws:iam::1:user/ann"), Holds::Yes);
    }

    #[test]
    fn a_resource_that_does_not_match_allows_nothing() {
        let bucket = policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::logs/*"}));
        assert_eq!(may(std::slice::from_ref(&bucket), None, "iam:CreateUser", USERS), Holds::No);
        assert_eq!(may(std::slice::from_ref(&bucket), None, "s3:ListAllMyBuckets", "*"), Holds::No);
        assert_eq!(may(&[bucket], None, "s3:GetObject", "arn:aws:s3:::*/*"), Holds::Yes);
        let own = policy(
            &json!({"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": "arn:aws:iam::*:user/${aws:username}"}),
        );
        assert_eq!(may(std::slice::from_ref(&own), None, "iam:CreateAccessKey", "arn:aws:iam::1:user/bob"), Holds::No);
        assert_eq!(may(&[own], None, "iam:CreateAccessKey", "arn:aws:iam::1:user/ann"), Holds::Yes);
    }

    #[test]
    fn a_boundary_only_takes_away() {
        let boundary = policy(&json!([
            {"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:Create*", "Resource": "*"}]));
        assert_eq!(may(&[admin()], Some(&boundary), "s3:GetObject", "arn:aws:s3:::*/*"), Holds::Yes);
        assert_eq!(may(&[admin()], Some(&boundary), "kms:Decrypt", "arn:aws:kms:*"), Holds::No);
        assert_eq!(may(&[admin()], Some(&boundary), "iam:CreateUser", USERS), Holds::No);
        assert_eq!(may(&[], Some(&boundary), "s3:GetObject", "arn:aws:s3:::*/*"), Holds::No);
        let unseen = Ceiling { policies: vec![], unseen: true, own: true, open: false };
        let rights = Rights { policies: vec![], unseen: false, ceilings: vec![unseen] };
        assert_eq!(rights.may("s3:GetObject", "arn:aws:s3:::*/*", &ann()).allowed, Holds::No);
    }

    #[test]
    fn a_condition_that_does_not_hold_allows_nothing_and_an_unknown_one_perhaps() {
        let with = |condition: &Value| {
            policy(&json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}))
        };
        let mfa = with(&json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}));
        assert_eq!(may(&[mfa], None, "iam:CreateUser", USERS), Holds::No);
        let address = with(&json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}));
        assert_eq!(may(&[address], None, "iam:CreateUser", USERS), Holds::Unknown);
    }

    #[test]
    fn the_usual_deny_without_if_exists_does_not_stop_a_long_term_key() {
        let deny = |operator: &str| {
            policy(
                &json!({"Effect": "Deny", "NotAction": ["iam:ListMFADevices", "sts:GetSessionToken"], "Resource": "*", "Condition": {operator: {"aws:MultiFactorAuthPresent": "false"}}}),
            )
        };
        assert_eq!(may(&[admin(), deny("Bool")], None, "iam:CreateUser", USERS), Holds::Yes);
        assert_eq!(may(&[admin(), deny("BoolIfExists")], None, "iam:CreateUser", USERS), Holds::No);
    }

    #[test]
    fn a_policy_that_nobody_sees_may_allow_but_not_against_a_deny() {
        let deny = policy(&json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}));
        let rights = Rights { policies: vec![Named { label: "p", policy: &deny }], unseen: true, ceilings: vec![] };
        assert_eq!(rights.may("iam:CreateUser", USERS, &ann()).allowed, Holds::No);
        assert_eq!(rights.may("s3:GetObject", "arn:aws:s3:::*/*", &ann()).allowed, Holds::Unknown);
    }
}
