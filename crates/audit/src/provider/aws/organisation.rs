//! What an AWS organisation lets its accounts do at most: service control policies and resource
//! control policies, with the places where they are attached.
//!
//! `aws organizations describe-policy` says what a policy is, and `list-targets-for-policy` where
//! it is attached, but not which policy it was asked about. So both answers come in one object,
//! `{"Policy": …, "Targets": […]}`; `docs/rules.md` has the command. Where an account stands is
//! `{"Account": "111122223333", "Parents": ["ou-…", "r-…"]}`, from the account upwards.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    details::{Directory, DocumentIx},
    evaluate::Ceiling,
    policy::{Effect, Selection},
};

/// Services whose resources a resource control policy binds.
const BOUND: [&str; 9] = ["s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "cognito-idp", "logs", "dynamodb"];

#[derive(Default)]
pub(super) struct Organisation {
    policies: Vec<Control>,
    parents: HashMap<String, Vec<String>>,
}

struct Control {
    label: String,
    document: Option<DocumentIx>,
    on_resources: bool,
    targets: Vec<String>,
    /// The account that runs the organisation; it is not bound.
    management: String,
}

pub(super) fn recognise(value: &Value) -> bool {
    let one = |value: &Value| {
        value.pointer("/Policy/PolicySummary").is_some() && value.get("Targets").is_some_and(Value::is_array)
            || value.get("Account").is_some_and(Value::is_string) && value.get("Parents").is_some_and(Value::is_array)
    };
    value.as_array().map_or_else(|| one(value), |list| list.first().is_some_and(one))
}

impl Organisation {
    pub(super) fn is_known(&self) -> bool {
        !self.policies.is_empty()
    }

    /// What binds an account: one ceiling for every level on which policies are attached.
    pub(super) fn ceilings<'d>(&'d self, directory: &'d Directory, account: &str) -> Vec<Ceiling<'d>> {
        let mut ceilings = Vec::new();
        let parents = self.parents.get(account);
        let mut levels: Vec<&str> = self.policies.iter().flat_map(|one| &one.targets).map(String::as_str).collect();
        levels.sort_unstable();
        levels.dedup();
        for level in levels {
            let is_here = level == account
                || level.starts_with("r-")
                || parents.is_some_and(|parents| parents.iter().any(|parent| parent == level));
            // A unit that the account may stand in, as far as anybody says.
            let may_be = !is_here && parents.is_none() && level.starts_with("ou-");
            if !is_here && !may_be {
                continue;
            }
            let attached = self.policies.iter().filter(|one| one.targets.iter().any(|target| target == level));
            let attached: Vec<&Control> = attached.filter(|one| one.management != account).collect();
            let mut ceiling = Ceiling { policies: Vec::new(), unseen: false, own: false, open: may_be };
            let mut on_accounts = 0;
            for one in attached {
                match one.document.and_then(|ix| directory.named(&one.label, ix)) {
                    Some(policy) => ceiling.policies.push(policy),
                    None => ceiling.unseen = true,
                }
                on_accounts += usize::from(!one.on_resources);
            }
            if on_accounts == 0 {
                // Resource control policies only deny.
                ceiling.policies.extend(directory.everything());
            }
            if !ceiling.policies.is_empty() || ceiling.unseen {
                ceilings.push(ceiling);
            }
        }
        ceilings
    }
}

impl Directory {
    /// Reads one policy with its targets, one account's place, or a list of such.
    pub(super) fn read_organisation(&mut self, value: &Value) -> String {
        let one = std::slice::from_ref(value);
        let items = value.as_array().map_or(one, Vec::as_slice);
        for item in items {
            let text = |path: &str| item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(parents) = item.get("Parents").and_then(Value::as_array) {
                let id = |parent: &Value| parent.as_str().or_else(|| parent.get("Id")?.as_str()).map(str::to_owned);
                self.organisation.parents.insert(text("/Account"), parents.iter().filter_map(id).collect());
                continue;
            }
            let on_resources = text("/Policy/PolicySummary/Type") == "RESOURCE_CONTROL_POLICY";
            let document = item
                .pointer("/Policy/Content")
                .and_then(|content| if on_resources { self.bound(content) } else { self.document(content) });
            let targets = item.get("Targets").and_then(Value::as_array).into_iter().flatten();
            let targets = targets.filter_map(|target| target.as_str().or_else(|| target.get("TargetId")?.as_str()));
            self.organisation.policies.push(Control {
                label: format!("organisation, policy {}", text("/Policy/PolicySummary/Name")),
                document,
                on_resources,
                targets: targets.map(str::to_owned).collect(),
                management: super::details::account_of(&text("/Policy/PolicySummary/Arn")),
            });
        }
        super::count(items.len(), "answer")
    }

    /// A resource control policy: its denies, and of the services that it binds.
    fn bound(&mut self, content: &Value) -> Option<DocumentIx> {
        // Of its own, since the same text means less here than elsewhere.
        let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        let ix = self.document(&Value::String(format!(" {text}")))?;
        let policy = self.document_mut(ix)?;
        for statement in &mut policy.statements {
            let all = matches!(&statement.actions, Selection::These(patterns) if patterns.iter().any(|one| one == "*"));
            if statement.effect == Effect::Deny && all {
                statement.actions = Selection::These(BOUND.iter().map(|service| format!("{service}:*")).collect());
            }
        }
        Some(ix)
    }
}
