//! What a caller may do: explicit deny first, then allow, and within the boundary.
//!
//! Asked about a pattern of resources, the answer is whether there is *one* that the caller may
//! act on. Where that hangs on what nobody here knows, the answer is unknown, not yes.

use super::{
    condition::{Context, Holds, filled},
    policy::{Effect, Policy, Selection, Statement},
};
use crate::glob;

/// The policies that speak about a caller.
pub(super) struct Rights<'p> {
    pub(super) policies: Vec<&'p Policy>,
    /// Whether a policy is attached that no input has.
    pub(super) unseen: bool,
    pub(super) boundary: Boundary<'p>,
}

/// What a caller may never exceed.
pub(super) enum Boundary<'p> {
    None,
    Is(&'p Policy),
    /// There is one, and no input has it.
    Unseen,
}

/// Whether an action is allowed, and by which statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict<'p> {
    pub(super) allowed: Holds,
    pub(super) by: Option<&'p Statement>,
}

impl<'p> Rights<'p> {
    /// What makes two users of one account equal, where nothing in their policies asks who they are.
    pub(super) fn class(&self) -> Option<(Vec<*const Policy>, bool)> {
        let boundary = match self.boundary {
            Boundary::None => None,
            Boundary::Is(policy) => Some(policy),
            Boundary::Unseen => return None,
        };
        let personal = |selection: &Selection| match selection {
            Selection::These(patterns) | Selection::AllBut(patterns) => {
                patterns.iter().any(|pattern| pattern.contains("${"))
            }
        };
        let mut statements = self.policies.iter().copied().chain(boundary).flat_map(|policy| &policy.statements);
        if statements
            .any(|one| personal(&one.resources) || one.conditions.iter().any(super::condition::Condition::is_personal))
        {
            return None;
        }
        let mut policies: Vec<*const Policy> = self.policies.iter().map(|policy| std::ptr::from_ref(*policy)).collect();
        policies.push(boundary.map_or(std::ptr::null(), std::ptr::from_ref));
        Some((policies, self.unseen))
    }

    /// Whether the action is surely allowed on all of these resources: no deny speaks of it.
    pub(super) fn everywhere(&self, action: &str, resource: &str, context: &Context) -> bool {
        let denied = self.statements(Effect::Deny, action).next().is_some();
        let allows = |statement: &Statement| match &statement.resources {
            Selection::These(patterns) => patterns.iter().any(|pattern| glob::covers(pattern, resource)),
            Selection::AllBut(_) => false,
        };
        matches!(self.boundary, Boundary::None)
            && !denied
            && self
                .statements(Effect::Allow, action)
                .any(|one| allows(one) && conditions(one, context, true) == Holds::Yes)
    }

    /// Whether there is a resource of this pattern on which the caller may take the action.
    pub(super) fn may(&self, action: &str, resource: &str, context: &Context) -> Verdict<'p> {
        let mut best = Verdict { allowed: if self.unseen { Holds::Unknown } else { Holds::No }, by: None };
        for statement in self.statements(Effect::Allow, action) {
            let holds = conditions(statement, context, true);
            if holds == Holds::No {
                continue;
            }
            for (candidate, sure) in candidates(&statement.resources, resource, context) {
                let holds = holds.and(if sure { Holds::Yes } else { Holds::Unknown });
                let allowed =
                    holds.and(self.undenied(action, &candidate, context)).and(self.within(action, &candidate, context));
                match allowed {
                    Holds::Yes => return Verdict { allowed, by: Some(statement) },
                    Holds::Unknown if best.by.is_none() => best = Verdict { allowed, by: Some(statement) },
                    Holds::Unknown | Holds::No => {}
                }
            }
        }
        // A policy that nobody sees may allow it, but what is denied here stays denied.
        if best.by.is_none() && self.unseen {
            let open = self.undenied(action, resource, context).and(self.within(action, resource, context));
            best.allowed = best.allowed.and(open);
        }
        best
    }

    fn statements<'s>(&'s self, effect: Effect, action: &'s str) -> impl Iterator<Item = &'p Statement> + use<'s, 'p> {
        let all = self.policies.iter().copied().flat_map(|policy| &policy.statements);
        all.filter(move |statement| statement.effect == effect && about(&statement.actions, action))
    }

    /// Whether no deny takes away all of the resources.
    pub(super) fn undenied(&self, action: &str, resource: &str, context: &Context) -> Holds {
        let boundary = match self.boundary {
            Boundary::Is(policy) => Some(policy),
            Boundary::None | Boundary::Unseen => None,
        };
        let denies = self.policies.iter().copied().chain(boundary).flat_map(|policy| &policy.statements);
        let denies = denies.filter(|statement| statement.effect == Effect::Deny && about(&statement.actions, action));
        denies.fold(Holds::Yes, |open, statement| {
            if open == Holds::No || !takes_all(&statement.resources, resource, context) {
                return open;
            }
            match conditions(statement, context, false) {
                Holds::Yes => Holds::No,
                Holds::Unknown => Holds::Unknown,
                Holds::No => open,
            }
        })
    }

    fn within(&self, action: &str, resource: &str, context: &Context) -> Holds {
        let policy = match self.boundary {
            Boundary::None => return Holds::Yes,
            Boundary::Unseen => return Holds::Unknown,
            Boundary::Is(policy) => policy,
        };
        let allows = policy.statements.iter().filter(|statement| {
            statement.effect == Effect::Allow
                && about(&statement.actions, action)
                && candidates(&statement.resources, resource, context).next().is_some()
        });
        allows.fold(Holds::No, |best, statement| match (best, conditions(statement, context, true)) {
            (Holds::Yes, _) | (_, Holds::Yes) => Holds::Yes,
            (Holds::Unknown, _) | (_, Holds::Unknown) => Holds::Unknown,
            (Holds::No, Holds::No) => Holds::No,
        })
    }
}

/// Whether all conditions of a statement hold; `wanted` is what the caller would like.
pub(super) fn conditions(statement: &Statement, context: &Context, wanted: bool) -> Holds {
    statement.conditions.iter().fold(Holds::Yes, |all, one| all.and(one.holds(context, wanted)))
}

fn about(actions: &Selection, action: &str) -> bool {
    match actions {
        Selection::These(patterns) => patterns.iter().any(|pattern| glob::matches_any_case(pattern, action)),
        Selection::AllBut(patterns) => !patterns.iter().any(|pattern| glob::matches_any_case(pattern, action)),
    }
}

/// The parts of a resource pattern that a statement is about, each narrower than either, and
/// whether that is sure.
fn candidates<'a>(
    selection: &'a Selection,
    resource: &'a str,
    context: &'a Context,
) -> Box<dyn Iterator<Item = (String, bool)> + 'a> {
    match selection {
        Selection::These(patterns) => Box::new(patterns.iter().filter_map(move |pattern| {
            let (pattern, sure) = known(pattern, context);
            // An action of no single resource is only allowed on everything.
            let meets = if resource == "*" { glob::matches(&pattern, "*") } else { meet(&pattern, resource) };
            let narrow = if glob::covers(&pattern, resource) { resource.to_owned() } else { pattern };
            meets.then_some((narrow, sure))
        })),
        Selection::AllBut(patterns) => {
            let none = patterns.iter().any(|pattern| glob::covers(&known(pattern, context).0, resource));
            Box::new((!none).then(|| (resource.to_owned(), true)).into_iter())
        }
    }
}

/// Whether a deny is about all of these resources.
fn takes_all(selection: &Selection, resource: &str, context: &Context) -> bool {
    match selection {
        Selection::These(patterns) => patterns.iter().any(|pattern| {
            // A deny of what nobody knows takes away less than it could.
            filled(pattern, context).is_some_and(|pattern| glob::covers(&pattern, resource))
        }),
        Selection::AllBut(patterns) => !patterns.iter().any(|pattern| meet(&known(pattern, context).0, resource)),
    }
}

/// Whether some ARN matches both patterns. A `*` does not reach over the parts of an ARN, but
/// for the last one that a pattern has.
fn meet(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one, other);
    for _ in 0..5 {
        let (Some((here, one_rest)), Some((there, other_rest))) = (one.split_once(':'), other.split_once(':')) else {
            break;
        };
        if !glob::overlap(here, there) {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    glob::overlap(one, other)
}

/// A pattern with its variables filled in; where one is not known, anything may stand there.
fn known(pattern: &str, context: &Context) -> (String, bool) {
    if let Some(filled) = filled(pattern, context) {
        return (filled, true);
    }
    let mut wide = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        wide.push_str(before);
        wide.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    wide.push_str(rest);
    (wide, false)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn policy(statements: &Value) -> Policy {
        Policy::read("p", &json!({ "Statement": statements })).unwrap()
    }

    fn ann() -> Context {
        Context::long_term("ann", "arn:aws:iam::1:user/ann", "1", &[], "2026-11-29T00:00:00Z".parse().unwrap())
    }

    fn may(policies: &[Policy], boundary: Option<&Policy>, action: &str, resource: &str) -> Holds {
        let boundary = boundary.map_or(Boundary::None, Boundary::Is);
        Rights { policies: policies.iter().collect(), unseen: false, boundary }.may(action, resource, &ann()).allowed
    }

    const USERS: &str = "arn:*:iam::*:user/*";

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
        assert_eq!(may(&[bucket], None, "s3:GetObject", "arn:*:s3:::*/*"), Holds::Yes);
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
        assert_eq!(may(&[admin()], Some(&boundary), "s3:GetObject", "arn:*:s3:::*/*"), Holds::Yes);
        assert_eq!(may(&[admin()], Some(&boundary), "kms:Decrypt", "arn:*:kms:*"), Holds::No);
        assert_eq!(may(&[admin()], Some(&boundary), "iam:CreateUser", USERS), Holds::No);
        assert_eq!(may(&[], Some(&boundary), "s3:GetObject", "arn:*:s3:::*/*"), Holds::No);
        let rights = Rights { policies: vec![], unseen: false, boundary: Boundary::Unseen };
        assert_eq!(rights.may("s3:GetObject", "arn:*:s3:::*/*", &ann()).allowed, Holds::No);
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
        let rights = Rights { policies: vec![&deny], unseen: true, boundary: Boundary::None };
        assert_eq!(rights.may("iam:CreateUser", USERS, &ann()).allowed, Holds::No);
        assert_eq!(rights.may("s3:GetObject", "arn:*:s3:::*/*", &ann()).allowed, Holds::Unknown);
    }
}
