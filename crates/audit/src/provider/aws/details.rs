//! Account authorization details: users, groups, roles and policies, as
//! `aws iam get-account-authorization-details` answers.

use std::{collections::HashMap, fmt, sync::Arc};

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use super::{
    condition::Resource,
    evaluate::{Ceiling, Rights},
    organisation::Organisation,
    policy::{Named, Policy},
};
use crate::{
    estate::{Blind, Estate, Place},
    input::Trouble,
    moment,
    provider::count,
};

/// What the details say, of however many accounts and pages.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) users: Vec<Principal>,
    pub(super) groups: HashMap<(String, String), Group>,
    pub(super) roles: Vec<Role>,
    /// By ARN.
    pub(super) policies: HashMap<String, Managed>,
    pub(super) organisation: Organisation,
    /// Every policy text once, whoever has it.
    documents: Vec<Policy>,
    by_text: HashMap<String, DocumentIx>,
    /// A policy that allows everything: what somebody would write who may write one.
    everything: Option<DocumentIx>,
}

/// A policy's place among the documents.
pub(super) type DocumentIx = usize;

/// A managed policy: the version that is in force, and the others.
pub(super) struct Managed {
    pub(super) label: String,
    pub(super) default: DocumentIx,
    pub(super) others: Vec<(String, DocumentIx)>,
}

/// A user, or what a role and a user have in common.
pub(super) struct Principal {
    pub(super) name: String,
    pub(super) arn: String,
    /// As `aws:userid` says it.
    pub(super) id: String,
    /// The account's number.
    pub(super) account: String,
    pub(super) place: Place,
    pub(super) groups: Vec<String>,
    inline: Vec<(String, DocumentIx)>,
    pub(super) attached: Vec<Attached>,
    /// Its tags and its boundary.
    pub(super) traits: Arc<Resource>,
}

pub(super) struct Attached {
    pub(super) arn: String,
    name: String,
}

#[derive(Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) arn: String,
    inline: Vec<(String, DocumentIx)>,
    pub(super) attached: Vec<Attached>,
}

pub(super) struct Role {
    pub(super) principal: Principal,
    trust: Option<DocumentIx>,
    /// Whether a machine can run under it.
    pub(super) has_profile: bool,
    /// When anything last did.
    pub(super) last_use: Option<Timestamp>,
}

const LISTS: [&str; 4] = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];

pub(super) fn recognise(value: &Value) -> bool {
    LISTS.iter().take(3).any(|list| value.get(list).is_some_and(Value::is_array))
}

/// Reads one page after the other, item by item, so that no whole page stands in memory.
struct Pages<'d> {
    directory: &'d mut Directory,
    file: &'d str,
    estate: &'d mut Estate,
    counts: [usize; 4],
    cut: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Pages<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Pages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("account authorization details")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match LISTS.iter().position(|list| *list == name) {
                Some(list) => map.next_value_seed(List { pages: &mut *self, list })?,
                None if name == "IsTruncated" => self.cut = map.next_value::<Value>()? == Value::Bool(true),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct List<'p, 'd> {
    pages: &'p mut Pages<'d>,
    list: usize,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Pages { directory, file, estate, counts, .. } = self.pages;
        while let Some(item) = items.next_element::<Value>()? {
            match self.list {
                0 => directory.user(&item, file, estate),
                1 => directory.group(&item, file, estate),
                2 => directory.role(&item, file, estate),
                _ => directory.policy(&item, file, estate),
            }
            if let Some(count) = counts.get_mut(self.list) {
                *count += 1;
            }
        }
        Ok(())
    }
}

impl Directory {
    /// Reads one page, or several one after the other.
    pub(super) fn read<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        file: &str,
        mut json: serde_json::Deserializer<R>,
        estate: &mut Estate,
    ) -> String {
        let mut pages = Pages { directory: self, file, estate, counts: [0; 4], cut: false };
        while json.end().is_err() {
            if let Err(error) = (&mut pages).deserialize(&mut json) {
                let why = format!(
                    "is no whole JSON document (column {}); what came before was read, export it again",
                    error.column()
                );
                pages.estate.troubles.push(Trouble::at(file, error.line() as u64, why));
                break;
            }
        }
        let Pages { counts: [users, groups, roles, policies], cut, .. } = pages;
        if cut {
            estate.blind.push(Blind {
                what: "the account authorization details go on after this page".to_owned(),
                mend: "export every page: `aws iam get-account-authorization-details` without `--no-paginate` and `--max-items` does".to_owned(),
                place: Place { file: file.to_owned(), line: None },
            });
        }
        let policies = if policies == 1 { "1 policy".to_owned() } else { format!("{policies} policies") };
        format!("{}, {}, {}, {policies}", count(users, "user"), count(groups, "group"), count(roles, "role"))
    }

    /// A policy text, as it is in the list or put there.
    pub(super) fn document(&mut self, value: &Value) -> Option<DocumentIx> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Some(ix) = self.by_text.get(&text) {
            return Some(*ix);
        }
        let policy = Policy::read(value)?;
        self.documents.push(policy);
        let ix = self.documents.len() - 1;
        self.by_text.insert(text, ix);
        Some(ix)
    }

    pub(super) fn everything(&self) -> Option<Named<'_>> {
        self.named("a policy of its own", self.everything?)
    }

    pub(super) fn document_mut(&mut self, ix: DocumentIx) -> Option<&mut Policy> {
        self.documents.get_mut(ix)
    }

    pub(super) fn documents(&mut self) -> &mut Vec<Policy> {
        // Nothing is read any more, so that nothing has to be recognised any more.
        self.by_text = HashMap::new();
        &mut self.documents
    }

    pub(super) fn named<'d>(&'d self, label: &'d str, ix: DocumentIx) -> Option<Named<'d>> {
        self.documents.get(ix).map(|policy| Named { label, policy })
    }

    pub(super) fn trust(&self, role: &Role) -> Option<&Policy> {
        role.trust.and_then(|ix| self.documents.get(ix))
    }

    fn policy(&mut self, policy: &Value, file: &str, estate: &mut Estate) {
        let arn = text(policy, "Arn");
        // Not everything that answers as AWS does gives the name beside it.
        let label = format!("policy {}", arn.rsplit('/').next().unwrap_or_default());
        let wanted = policy.get("DefaultVersionId").and_then(Value::as_str);
        let (mut default, mut others) = (None, Vec::new());
        for version in policy.get("PolicyVersionList").and_then(Value::as_array).into_iter().flatten() {
            let id = version.get("VersionId").and_then(Value::as_str);
            let is_default =
                version.get("IsDefaultVersion").and_then(Value::as_bool).unwrap_or(wanted.is_some() && id == wanted);
            let document = version.get("Document").and_then(|document| self.document(document));
            match (document, is_default) {
                (Some(document), true) => default = Some(document),
                (Some(document), false) => others.push((id.unwrap_or("?").to_owned(), document)),
                (None, _) => {}
            }
        }
        match default {
            Some(default) => {
                self.policies.insert(arn, Managed { label, default, others });
            }
            None => estate.troubles.push(unreadable(file, &label)),
        }
    }

    fn group(&mut self, group: &Value, file: &str, estate: &mut Estate) {
        let (name, arn) = (text(group, "GroupName"), text(group, "Arn"));
        let account = account_of(&arn);
        let inline = self.inline(group, "GroupPolicyList", &format!("group {name}, policy"), file, estate);
        let attached = attached(group);
        self.groups.insert((account, name.clone()), Group { name, arn, inline, attached });
    }

    fn user(&mut self, user: &Value, file: &str, estate: &mut Estate) {
        let principal = self.principal(user, "UserName", "UserPolicyList", file, estate);
        self.users.push(principal);
    }

    fn role(&mut self, role: &Value, file: &str, estate: &mut Estate) {
        let principal = self.principal(role, "RoleName", "RolePolicyList", file, estate);
        let trust = role.get("AssumeRolePolicyDocument").and_then(|document| self.document(document));
        if trust.is_none() {
            estate.troubles.push(unreadable(file, &format!("trust of role {}", principal.name)));
        }
        let profiles = role.get("InstanceProfileList").and_then(Value::as_array);
        let used = role.pointer("/RoleLastUsed/LastUsedDate").and_then(Value::as_str);
        self.roles.push(Role {
            principal,
            trust,
            has_profile: profiles.is_some_and(|list| !list.is_empty()),
            last_use: used.and_then(moment::read),
        });
    }

    fn principal(&mut self, value: &Value, name: &str, list: &str, file: &str, estate: &mut Estate) -> Principal {
        let (name, arn) = (text(value, name), text(value, "Arn"));
        let tags = value.get("Tags").and_then(Value::as_array).into_iter().flatten();
        let is_role = list.starts_with("Role");
        let label = format!("{} {name}, policy", if is_role { "role" } else { "user" });
        let groups = value.get("GroupList").and_then(Value::as_array).into_iter().flatten();
        Principal {
            account: account_of(&arn),
            id: text(value, if is_role { "RoleId" } else { "UserId" }),
            place: Place { file: file.to_owned(), line: None },
            groups: groups.filter_map(|group| group.as_str().map(str::to_owned)).collect(),
            inline: self.inline(value, list, &label, file, estate),
            attached: attached(value),
            traits: Arc::new(Resource {
                tags: tags.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect(),
                boundary: value
                    .get("PermissionsBoundary")
                    .and_then(|boundary| boundary.get("PermissionsBoundaryArn")?.as_str())
                    .map(str::to_owned),
            }),
            name,
            arn,
        }
    }

    fn inline(
        &mut self,
        value: &Value,
        list: &str,
        label: &str,
        file: &str,
        estate: &mut Estate,
    ) -> Vec<(String, DocumentIx)> {
        let mut read = Vec::new();
        for policy in value.get(list).and_then(Value::as_array).into_iter().flatten() {
            let label = format!("{label} {}", text(policy, "PolicyName"));
            match policy.get("PolicyDocument").and_then(|document| self.document(document)) {
                Some(policy) => read.push((label, policy)),
                None => {
                    estate.troubles.push(unreadable(file, &label));
                    read.push((label, DocumentIx::MAX));
                }
            }
        }
        read
    }

    /// Every policy that speaks about a caller: their own, their groups', their boundary, and
    /// what the organisation lets the account do.
    pub(super) fn rights<'d>(&'d self, principal: &'d Principal) -> Rights<'d> {
        let mut rights = Rights { policies: Vec::new(), unseen: false, ceilings: Vec::new() };
        self.give(&principal.inline, &principal.attached, &mut rights);
        for group in &principal.groups {
            match self.groups.get(&(principal.account.clone(), group.clone())) {
                Some(group) => self.add_group(group, &mut rights),
                None => rights.unseen = true,
            }
        }
        if let Some(arn) = &principal.traits.boundary {
            let policies: Vec<_> = self.managed(arn).into_iter().collect();
            rights.ceilings.push(Ceiling { unseen: policies.is_empty(), policies, own: true, open: false });
        }
        // A role that a service keeps for itself is bound by no organisation.
        if !principal.arn.contains(":role/aws-service-role/") {
            rights.ceilings.extend(self.organisation.ceilings(self, &principal.account));
        }
        rights
    }

    pub(super) fn managed(&self, arn: &str) -> Option<Named<'_>> {
        self.policies.get(arn).and_then(|managed| self.named(&managed.label, managed.default))
    }

    pub(super) fn add_group<'d>(&'d self, group: &'d Group, rights: &mut Rights<'d>) {
        self.give(&group.inline, &group.attached, rights);
    }

    fn give<'d>(&'d self, inline: &'d [(String, DocumentIx)], attached: &'d [Attached], rights: &mut Rights<'d>) {
        let inline = inline.iter().map(|(label, ix)| self.named(label, *ix));
        let attached = attached.iter().map(|policy| self.managed(&policy.arn));
        for policy in inline.chain(attached) {
            match policy {
                Some(policy) => rights.policies.push(policy),
                None => rights.unseen = true,
            }
        }
    }

    /// What AWS itself writes is known by name where the details leave it out.
    pub(super) fn fill_in(&mut self) {
        self.everything = self.document(&json!({"Version": "2012-10-17", "Statement":
            {"Sid": "everything", "Effect": "Allow", "Action": "*", "Resource": "*"}}));
        let groups = self.groups.values().flat_map(|group| &group.attached);
        let principals = self.users.iter().chain(self.roles.iter().map(|role| &role.principal));
        let boundaries = principals.clone().filter_map(|principal| principal.traits.boundary.as_deref());
        let attached = principals.flat_map(|principal| &principal.attached).chain(groups);
        let mut missing: Vec<(String, String)> = attached
            .map(|policy| (policy.arn.as_str(), policy.name.as_str()))
            .chain(boundaries.map(|arn| (arn, arn.rsplit('/').next().unwrap_or_default())))
            .filter(|(arn, _)| !self.policies.contains_key(*arn))
            .map(|(arn, name)| (arn.to_owned(), name.to_owned()))
            .collect();
        missing.sort();
        missing.dedup();
        for (arn, name) in missing {
            if let Some(default) = well_known(&arn).and_then(|document| self.document(&document)) {
                self.policies.insert(arn, Managed { label: format!("policy {name}"), default, others: Vec::new() });
            }
        }
    }
}

fn well_known(arn: &str) -> Option<Value> {
    let allow = |actions: &[&str]| json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
    match arn.split_once(":iam::aws:policy/")?.1 {
        "AdministratorAccess" => Some(allow(&["*"])),
        "IAMFullAccess" => Some(allow(&["iam:*", "organizations:DescribeAccount", "organizations:ListRoots"])),
        "PowerUserAccess" => Some(json!({"Statement": {
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
