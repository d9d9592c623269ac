//! Account authorization details: users, groups, roles and policies, as
//! `aws iam get-account-authorization-details` answers.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    evaluate::{Boundary, Rights},
    policy::Policy,
};
use crate::{
    estate::{Estate, Place},
    input::Trouble,
    provider::count,
};

/// What the details say, of however many accounts and pages.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) users: Vec<Principal>,
    pub(super) groups: HashMap<(String, String), Group>,
    pub(super) roles: Vec<Role>,
    pub(super) policies: HashMap<String, Policy>,
}

/// A user, or what a role and a user have in common.
pub(super) struct Principal {
    pub(super) name: String,
    pub(super) arn: String,
    /// The account's number.
    pub(super) account: String,
    pub(super) place: Place,
    pub(super) groups: Vec<String>,
    pub(super) tags: Vec<(String, String)>,
    inline: Vec<Policy>,
    pub(super) attached: Vec<Attached>,
    boundary: Option<String>,
}

pub(super) struct Attached {
    pub(super) arn: String,
    name: String,
}

#[derive(Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) arn: String,
    inline: Vec<Policy>,
    pub(super) attached: Vec<Attached>,
}

pub(super) struct Role {
    pub(super) principal: Principal,
    pub(super) trust: Option<Policy>,
    /// Whether a machine can run under it.
    pub(super) has_profile: bool,
}

pub(super) fn recognise(value: &Value) -> bool {
    ["UserDetailList", "GroupDetailList", "RoleDetailList"]
        .iter()
        .any(|list| value.get(list).is_some_and(Value::is_array))
}

impl Directory {
    pub(super) fn read(&mut self, file: &str, value: &Value, estate: &mut Estate) -> String {
        let list = |name: &str| value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let place = Place { file: file.to_owned(), line: None };
        for policy in list("Policies") {
            let versions = policy.get("PolicyVersionList").and_then(Value::as_array).into_iter().flatten();
            let wanted = policy.get("DefaultVersionId").and_then(Value::as_str);
            let default = versions.clone().find(|version| {
                version.get("IsDefaultVersion").and_then(Value::as_bool).unwrap_or(false)
                    || wanted.is_some() && version.get("VersionId").and_then(Value::as_str) == wanted
            });
            let arn = text(policy, "Arn");
            // Not everything that answers as AWS does gives the name beside it.
            let name = arn.rsplit('/').next().unwrap_or_default();
            let label = format!("policy {name}");
            match default.and_then(|version| Policy::read(&label, version.get("Document")?)) {
                Some(read) => {
                    self.policies.insert(arn, read);
                }
                None => estate.troubles.push(unreadable(file, &label)),
            }
        }
        for group in list("GroupDetailList") {
            let (name, arn) = (text(group, "GroupName"), text(group, "Arn"));
            let account = account_of(&arn);
            let inline = inline(group, "GroupPolicyList", &format!("group {name}, policy"), file, estate);
            let attached = attached(group);
            self.groups.insert((account, name.clone()), Group { name, arn, inline, attached });
        }
        for user in list("UserDetailList") {
            let principal = principal(user, "UserName", "UserPolicyList", file, &place, estate);
            self.users.push(principal);
        }
        for role in list("RoleDetailList") {
            let principal = principal(role, "RoleName", "RolePolicyList", file, &place, estate);
            let label = format!("trust of role {}", principal.name);
            let trust = role.get("AssumeRolePolicyDocument").and_then(|document| Policy::read(&label, document));
            if trust.is_none() {
                estate.troubles.push(unreadable(file, &label));
            }
            let has_profile =
                role.get("InstanceProfileList").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
            self.roles.push(Role { principal, trust, has_profile });
        }
        format!(
            "{}, {}, {}, {}",
            count(list("UserDetailList").len(), "user"),
            count(list("GroupDetailList").len(), "group"),
            count(list("RoleDetailList").len(), "role"),
            if list("Policies").len() == 1 {
                "1 policy".to_owned()
            } else {
                format!("{} policies", list("Policies").len())
            }
        )
    }

    /// Every policy that speaks about a caller: their own, their groups', and their boundary.
    pub(super) fn rights<'d>(&'d self, principal: &'d Principal) -> Rights<'d> {
        let mut rights =
            Rights { policies: principal.inline.iter().collect(), unseen: false, boundary: Boundary::None };
        self.attach(&principal.attached, &mut rights);
        for group in &principal.groups {
            match self.groups.get(&(principal.account.clone(), group.clone())) {
                Some(group) => self.add_group(group, &mut rights),
                None => rights.unseen = true,
            }
        }
        rights.boundary = match &principal.boundary {
            None => Boundary::None,
            Some(arn) => self.policies.get(arn).map_or(Boundary::Unseen, Boundary::Is),
        };
        rights
    }

    pub(super) fn add_group<'d>(&'d self, group: &'d Group, rights: &mut Rights<'d>) {
        rights.policies.extend(&group.inline);
        self.attach(&group.attached, rights);
    }

    fn attach<'d>(&'d self, attached: &'d [Attached], rights: &mut Rights<'d>) {
        for policy in attached {
            match self.policies.get(&policy.arn) {
                Some(policy) => rights.policies.push(policy),
                None => rights.unseen = true,
            }
        }
    }

    /// What AWS itself writes is known by name where the details leave it out.
    pub(super) fn fill_in(&mut self) {
        let groups = self.groups.values().flat_map(|group| &group.attached);
        let principals = self.users.iter().chain(self.roles.iter().map(|role| &role.principal));
        let attached = principals.flat_map(|principal| &principal.attached).chain(groups);
        let missing: Vec<(String, String)> = attached
            .filter(|policy| !self.policies.contains_key(&policy.arn))
            .map(|policy| (policy.arn.clone(), policy.name.clone()))
            .collect();
        for (arn, name) in missing {
            if let Some(policy) =
                well_known(&arn).and_then(|document| Policy::read(&format!("policy {name}"), &document))
            {
                self.policies.insert(arn, policy);
            }
        }
    }
}

fn well_known(arn: &str) -> Option<Value> {
    let allow =
        |actions: &[&str]| serde_json::json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
    match arn.strip_prefix("arn:aws:iam::aws:policy/")? {
        "AdministratorAccess" => Some(allow(&["*"])),
        "IAMFullAccess" => Some(allow(&["iam:*", "organizations:DescribeAccount", "organizations:ListRoots"])),
        "PowerUserAccess" => Some(serde_json::json!({"Statement": {
            "Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}})),
        "AmazonS3FullAccess" => Some(allow(&["s3:*", "s3-object-lambda:*"])),
        "AmazonS3ReadOnlyAccess" => Some(allow(&["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*"])),
        _ => None,
    }
}

fn unreadable(file: &str, what: &str) -> Trouble {
    Trouble::of(
        file,
        format!("{what} is no policy that can be read; export it again. It counts as one that nobody sees"),
    )
}

fn principal(value: &Value, name: &str, list: &str, file: &str, place: &Place, estate: &mut Estate) -> Principal {
    let (name, arn) = (text(value, name), text(value, "Arn"));
    let tags = value.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let kind = if list.starts_with("Role") { "role" } else { "user" };
    let groups = value.get("GroupList").and_then(Value::as_array).into_iter().flatten();
    Principal {
        account: account_of(&arn),
        place: place.clone(),
        groups: groups.filter_map(|group| group.as_str().map(str::to_owned)).collect(),
        tags: tags.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect(),
        inline: inline(value, list, &format!("{kind} {name}, policy"), file, estate),
        attached: attached(value),
        boundary: value
            .get("PermissionsBoundary")
            .and_then(|boundary| boundary.get("PermissionsBoundaryArn")?.as_str())
            .map(str::to_owned),
        name,
        arn,
    }
}

fn inline(value: &Value, list: &str, label: &str, file: &str, estate: &mut Estate) -> Vec<Policy> {
    let mut read = Vec::new();
    for policy in value.get(list).and_then(Value::as_array).into_iter().flatten() {
        let label = format!("{label} {}", text(policy, "PolicyName"));
        match policy.get("PolicyDocument").and_then(|document| Policy::read(&label, document)) {
            Some(policy) => read.push(policy),
            None => estate.troubles.push(unreadable(file, &label)),
        }
    }
    read
}

fn attached(value: &Value) -> Vec<Attached> {
    let list = value.get("AttachedManagedPolicies").and_then(Value::as_array).into_iter().flatten();
    list.map(|policy| Attached { arn: text(policy, "PolicyArn"), name: text(policy, "PolicyName") }).collect()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The account's number, as an ARN has it.
pub(super) fn account_of(arn: &str) -> String {
    arn.split(':').nth(4).unwrap_or_default().to_owned()
}
