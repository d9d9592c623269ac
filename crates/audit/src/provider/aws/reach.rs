//! What users and roles can do, and by which statement.

use std::collections::HashMap;

use jiff::Timestamp;
use law::Powers;

use super::{
    actions::Actions,
    condition::{Context, Holds},
    details::{Directory, Principal},
    evaluate::{Asked, Question, Rights, is_everywhere},
    policy::Statement,
};
use crate::estate::{Because, Place, Reach};

/// A user with everything that was worked out about them.
pub(super) struct User<'d> {
    pub(super) principal: &'d Principal,
    pub(super) rights: Rights<'d>,
    pub(super) context: Context,
    pub(super) without: Weight,
    pub(super) with: Weight,
    /// In a session that the key alone begins; none where that makes no difference.
    pub(super) session: Option<Weight>,
    pub(super) because: Vec<Because>,
}

/// What somebody can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) reach: Reach,
    /// Whether it is everything: any action on anything, as an administrator.
    pub(super) everything: Holds,
    /// Whether it gives whatever it likes to whomever it likes, and so everything in the end.
    pub(super) gives: Holds,
}

impl Weight {
    /// Whether whoever becomes this one has everything.
    pub(super) fn administers(&self) -> Holds {
        self.everything.or(self.gives)
    }
}

/// An account's part of the world: what its actions can be about.
pub(super) struct Ground<'a> {
    actions: &'a Actions,
    partition: String,
    account: String,
    resources: Vec<String>,
    /// By number of an action: the first one of which the same statements speak, about the same.
    alike: Vec<usize>,
}

/// The grounds of every account, made when they are asked for.
pub(super) struct Grounds<'a> {
    made: HashMap<(String, String), Ground<'a>>,
}

impl<'a> Grounds<'a> {
    pub(super) fn new<'p>(actions: &'a Actions, principals: impl Iterator<Item = &'p Principal>) -> Self {
        let mut made = HashMap::new();
        for principal in principals {
            let (partition, account) = (partition(&principal.arn).to_owned(), principal.account.clone());
            made.entry((partition.clone(), account.clone())).or_insert_with(|| {
                let resources = actions.resources(&partition, &account);
                let alike = alike(actions, &resources);
                Ground { actions, partition, account, resources, alike }
            });
        }
        Self { made }
    }

    pub(super) fn of(&self, principal: &Principal) -> Option<&Ground<'a>> {
        self.made.get(&(partition(&principal.arn).to_owned(), principal.account.clone()))
    }
}

/// The first action of those that are alike, for each of them.
fn alike(actions: &Actions, resources: &[String]) -> Vec<usize> {
    let mut first = HashMap::new();
    let of = actions.iter().zip(resources).map(|(action, resource)| {
        let like = (actions.spoken_of(action), resource, is_everywhere(&action.name));
        *first.entry(like).or_insert(action.number)
    });
    of.collect()
}

fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}

/// Like no action and no resource that anybody names.
const ANYTHING: &str = "zq7:Witness";

impl Ground<'_> {
    /// An ARN of IAM in this account.
    pub(super) fn iam(&self, kind: &str) -> String {
        format!("arn:{}:iam::{}:{kind}", self.partition, self.account)
    }

    /// Whether a caller may take an action on something that it can be about.
    pub(super) fn may(&self, rights: &Rights<'_>, action: &str, context: &Context) -> Holds {
        let asked = self.asked(action);
        let own = || format!("arn:{}:{}:*", self.partition, action.split(':').next().unwrap_or_default());
        let resource = asked.number.and_then(|number| self.resources.get(number)).cloned().unwrap_or_else(own);
        rights.may(asked, &resource, context).allowed
    }

    /// An action with its number, by which statements know it.
    fn asked<'n>(&self, action: &'n str) -> Asked<'n> {
        Asked { action, number: self.actions.number_of(action) }
    }

    /// The question whether a caller may take an action.
    pub(super) fn question<'p>(&self, rights: &Rights<'p>, action: &str) -> Question<'p> {
        rights.question(self.asked(action))
    }

    /// Everything that a caller can do, and each statement that gives something of it.
    pub(super) fn weigh<'p>(&self, rights: &Rights<'p>, context: &Context) -> (Weight, Vec<Given<'p>>) {
        let mut reach = Reach::default();
        let mut given: Vec<Given<'p>> = Vec::new();
        let mut by_statement: HashMap<(usize, *const Statement, bool), usize> = HashMap::new();
        let all = || self.actions.iter().zip(self.resources.iter().map(String::as_str));
        for ((action, _), verdict) in all().zip(rights.may_each(all(), &self.alike, context)) {
            let mut verdict = verdict;
            let is_deaf = context.is_bare_session
                && (action.name.starts_with("iam:") || action.name.starts_with("sts:"))
                && !["sts:AssumeRole", "sts:GetCallerIdentity"].contains(&action.name.as_str());
            if is_deaf {
                continue;
            }
            if verdict.allowed == Holds::No && action.name == "sts:AssumeRole" {
                // A role of another account has to trust; that nobody here knows.
                let anywhere = format!("arn:{}:iam::*:role/*", self.partition);
                verdict = rights.may(action, &anywhere, context);
                verdict.allowed = verdict.allowed.and(Holds::Unknown);
            }
            let sure = verdict.allowed == Holds::Yes;
            reach = match verdict.allowed {
                Holds::No => continue,
                Holds::Yes => reach.union(Reach::surely(action.powers)),
                Holds::Unknown => reach.union(Reach::perhaps(action.powers)),
            };
            let (place, pointer) = verdict.by.map_or((usize::MAX, std::ptr::null()), |(place, by)| (place, by));
            let at = *by_statement.entry((place, pointer, sure)).or_insert_with(|| {
                let by = verdict.by;
                given.push(Given { by, powers: Powers::NONE, actions: Vec::new(), more: 0, sure, hangs_on: None });
                given.len() - 1
            });
            if let Some(given) = given.get_mut(at) {
                given.powers = given.powers.union(action.powers);
                given.hangs_on = given.hangs_on.or(verdict.hangs_on);
                if action.powers.is_sensitive() && given.actions.len() < 4 {
                    given.actions.push(action.name.clone());
                } else {
                    given.more += 1;
                }
            }
        }
        if context.is_bare_session {
            return (Weight { reach, everything: Holds::No, gives: Holds::No }, given);
        }
        let everything = self.everything(rights, context);
        let gives = if everything == Holds::Yes { everything } else { self.gives(rights, context) };
        (Weight { reach, everything, gives }, given)
    }

    /// Whether a caller can do anything at all to anything.
    pub(super) fn everything(&self, rights: &Rights<'_>, context: &Context) -> Holds {
        let fresh = format!("arn:{}:zq7:zq7:{}:witness", self.partition, self.account);
        let any = rights.may(ANYTHING, &fresh, context).allowed;
        if any == Holds::No {
            return any;
        }
        let more = ["s3:GetObject", "ec2:RunInstances", "lambda:CreateFunction", "kms:Decrypt"];
        let more = more.iter().map(|action| self.may(rights, action, context));
        more.fold(any.and(self.gives(rights, context)), Holds::and)
    }

    /// Whether a caller can give anybody anything.
    fn gives(&self, rights: &Rights<'_>, context: &Context) -> Holds {
        let on = |action: &str, kind: &str| rights.may(self.asked(action), &self.iam(kind), context).allowed;
        let user = on("iam:AttachUserPolicy", "user/zq7witness").or(on("iam:PutUserPolicy", "user/zq7witness"));
        if user == Holds::No {
            return user;
        }
        let role = on("iam:AttachRolePolicy", "role/zq7witness").or(on("iam:PutRolePolicy", "role/zq7witness"));
        let rest = [on("iam:CreateAccessKey", "user/zq7witness"), on("iam:CreateUser", "user/zq7witness")];
        rest.into_iter().fold(user.and(role), Holds::and)
    }
}

/// What one statement gives.
#[derive(Clone)]
pub(super) struct Given<'p> {
    by: Option<(usize, &'p Statement)>,
    powers: Powers,
    actions: Vec<String>,
    more: usize,
    sure: bool,
    hangs_on: Option<&'p str>,
}

impl Given<'_> {
    fn told(&self, rights: &Rights<'_>, place: &Place) -> Because {
        let name = match self.by {
            Some((at, statement)) => {
                let label = rights.policies.get(at).map_or("policy", |named| named.label);
                format!("{label} ({})", statement.name)
            }
            None => "a policy that no input has".to_owned(),
        };
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        let listed = if self.actions.is_empty() {
            format!("{} {}", self.more, if self.more == 1 { "action" } else { "actions" })
        } else {
            format!("{}{more}", self.actions.join(", "))
        };
        let hangs = self.hangs_on.map(|name| format!("; hangs on `{name}`")).unwrap_or_default();
        Because { powers: self.powers, what: format!("{name}: {listed}{hangs}"), sure: self.sure, place: place.clone() }
    }
}

/// What was worked out for users whose policies are the same, and the account they are of.
pub(super) type Classes<'d> = HashMap<(String, Vec<usize>), Worked<'d>>;

/// Without a second factor, with one, in a session that the key begins, and why.
#[derive(Clone)]
pub(super) struct Worked<'d> {
    without: Weight,
    with: Weight,
    session: Option<Weight>,
    given: Vec<Given<'d>>,
}

pub(super) fn user<'d>(
    directory: &'d Directory,
    principal: &'d Principal,
    grounds: &Grounds<'_>,
    classes: &mut Classes<'d>,
    now: Timestamp,
) -> Option<User<'d>> {
    let ground = grounds.of(principal)?;
    let rights = directory.rights(principal);
    let Principal { name, id, arn, account, traits, .. } = principal;
    let context = Context::long_term(name, id, arn, account, &traits.tags, now);
    let class = rights.class().map(|class| (principal.account.clone(), class));
    let known = class.as_ref().and_then(|class| classes.get(class)).cloned();
    let worked = known.unwrap_or_else(|| {
        let (without, given) = ground.weigh(&rights, &context);
        // Who is not asked how they signed in can do the same however they did.
        let asked = rights.asks_how_it_began();
        let with = if asked { ground.weigh(&rights, &context.clone().with_second_factor()).0 } else { without };
        let session = asked.then(|| ground.weigh(&rights, &context.clone().with_session()).0);
        Worked { without, with, session, given }
    });
    let because = worked.given.iter().map(|given| given.told(&rights, &principal.place)).collect();
    let Worked { without, with, session, .. } = worked;
    if let Some(class) = class {
        classes.entry(class).or_insert(worked);
    }
    Some(User { principal, rights, context, without, with, session, because })
}
