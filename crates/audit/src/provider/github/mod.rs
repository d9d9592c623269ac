//! GitHub: what its REST API answers to an organisation's owner, saved as JSON.
//!
//! No token of GitHub asks its bearer for a second factor, whatever the organisation demands of
//! its people: what a token can do, it can do without.

mod actions;
pub(crate) mod audit_log;
mod powers;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use law::{Power, Powers, Severity};
use serde_json::Value;

use super::{Head, Provider, count, masked::masked};
use crate::{
    estate::{Because, Blind, Estate, Key, Kind, Known, Moment, Place, Reach, Seen, Standing, Weakness},
    input::{Content, Trouble},
    moment,
};

const REALM: &str = "github";

const ORGANISATION: &str = "GitHub organisation";
const MEMBERS: &str = "GitHub members";
const WITHOUT: &str = "GitHub members without 2FA";
const FINE: &str = "GitHub fine-grained tokens";
const REQUESTS: &str = "GitHub requests for fine-grained tokens";
const CLASSIC: &str = "GitHub credential authorizations";
const APPS: &str = "GitHub app installations";
const DEPLOY: &str = "GitHub deploy keys";
const OAUTH: &str = "GitHub OAuth authorizations";
const HOOKS: &str = "GitHub webhooks";
const MEMBERSHIPS: &str = "GitHub memberships";
const SECRETS: &str = "GitHub secrets (their names)";
const RUNNERS: &str = "GitHub runners";
const TEAMS: &str = "GitHub teams";
const EMPTY: &str = "an empty list";

#[derive(Default)]
pub(crate) struct GitHub {
    /// Whether the organisation lets nobody in without a second factor.
    demands: Known,
    /// The organisation's name.
    name: String,
    /// Whether a list of those without was given: then all others have one.
    has_list: bool,
    /// Lists of people of which nothing says whom they list.
    lists: Vec<(Vec<String>, Place)>,
    /// Who owns the organisation, and who is a mere member; both in small letters.
    owners: HashSet<String>,
    members: HashSet<String>,
    /// Classic tokens: what their scopes give hangs on who has them.
    classic: Vec<(String, String, Vec<String>, Place)>,
    has_classic: bool,
    place: Option<Place>,
}

impl Provider for GitHub {
    fn recognise(&self, head: &Head<'_>) -> Option<&'static str> {
        let Head::Json(value) = head else { return None };
        let has = |value: &Value, names: &[&str]| names.iter().all(|name| value.get(name).is_some());
        if has(value, &["login", "two_factor_requirement_enabled"]) {
            return Some(ORGANISATION);
        }
        let named = [("installations", APPS), ("secrets", SECRETS), ("runners", RUNNERS)];
        let counted = value.get("total_count").is_some();
        let of = |(name, form): &(&str, &'static str)| {
            value.get(name).filter(|list| list.is_array() && (counted || *form == APPS)).map(|_| *form)
        };
        if let Some(form) = named.iter().find_map(of) {
            return Some(form);
        }
        if value.as_array().is_some_and(Vec::is_empty) {
            return Some(EMPTY);
        }
        if has(value, &["role", "state", "user", "organization"]) {
            return Some(MEMBERSHIPS);
        }
        let all = items(value);
        let first = *all.first()?;
        if has(first, &["token_id", "permissions", "owner"]) {
            return Some(if has(first, &["reason"]) && !has(first, &["access_granted_at"]) { REQUESTS } else { FINE });
        }
        if has(first, &["credential_id", "credential_type", "login"]) {
            return Some(CLASSIC);
        }
        if has(first, &["role", "state", "user", "organization"]) {
            return Some(MEMBERSHIPS);
        }
        if has(first, &["app", "scopes", "created_at"]) {
            return Some(OAUTH);
        }
        if has(first, &["config", "events", "active"]) {
            return Some(HOOKS);
        }
        if has(first, &["slug", "privacy", "permission"]) {
            return Some(TEAMS);
        }
        if has(first, &["read_only", "key", "title", "id"]) {
            return Some(DEPLOY);
        }
        if first.get("node").is_some_and(|node| node.get("login").is_some()) && has(first, &["hasTwoFactorEnabled"]) {
            return Some(MEMBERS);
        }
        has(first, &["login", "site_admin", "type"]).then_some(MEMBERS)
    }

    fn read(&mut self, form: &'static str, file: &str, content: Content, estate: &mut Estate) -> String {
        let Content::Json(value) = content else { return "nothing".to_owned() };
        let place = Place { file: file.to_owned(), line: None };
        self.place.get_or_insert_with(|| place.clone());
        match form {
            ORGANISATION => {
                let demands = value.get("two_factor_requirement_enabled").and_then(Value::as_bool);
                self.demands = demands.map_or(self.demands, Known::from);
                text(&value, "login").clone_into(&mut self.name);
                if demands == Some(false) {
                    estate.weak.push(Weakness {
                        severity: Severity::High,
                        realm: REALM.to_owned(),
                        what: format!("the organisation `{}` lets people in without a second factor", self.name),
                        mend: "require two-factor authentication in the organisation's settings, under authentication security".to_owned(),
                        place,
                    });
                }
                return format!("2FA demanded of its people: {}", self.demands);
            }
            MEMBERS => return self.members(&value, file, &place, estate),
            EMPTY => {
                // Nobody is without, where that was asked.
                if asks_for_those_without(file) {
                    self.has_list = true;
                } else {
                    let why = "is an empty list; `greave audit --help` lists what can be read";
                    estate.troubles.push(Trouble::of(file, why));
                }
                return "nothing".to_owned();
            }
            MEMBERSHIPS => return self.memberships(&value, &place, estate),
            HOOKS => return hooks(&items(&value), &place, estate),
            SECRETS | RUNNERS | TEAMS => {
                unread(form, &place, estate);
                let list = ["secrets", "runners"].iter().find_map(|name| value.get(name)?.as_array());
                return count(list.map_or_else(|| items(&value).len(), Vec::len), "name");
            }
            _ => {}
        }
        let items = match value.get("installations").and_then(Value::as_array) {
            Some(list) => list.iter().collect(),
            None => items(&value),
        };
        self.has_classic |= form == CLASSIC;
        for (item, line) in items.iter().copied().zip(1..) {
            match form {
                FINE | REQUESTS => fine(item, form == REQUESTS, line, &place, estate),
                CLASSIC => self.classic(item, line, &place, estate),
                OAUTH => oauth(item, line, &place, estate),
                APPS => app(item, line, &place, estate),
                _ => deploy(item, line, &place, estate),
            }
        }
        count(items.len(), "key")
    }

    fn finish(&mut self, estate: &mut Estate, as_of: Timestamp) {
        self.told_by_content(estate);
        for (id, login, scopes, place) in std::mem::take(&mut self.classic) {
            let login = login.to_lowercase();
            let is_mere = self.members.contains(&login) && !self.owners.contains(&login);
            let key = estate.key("github", REALM, &id, &place);
            for scope in scopes {
                let reach = powers::scope(&scope);
                if is_mere && ["admin:org", "write:org", "admin:org_hook"].contains(&scope.as_str()) {
                    // A token does nothing that its person may not do.
                    let read = Powers::from(Power::Read);
                    let reach = Reach { surely: read, perhaps: reach.surely.difference(read) };
                    give(
                        key,
                        reach,
                        &format!("scope `{scope}`, of somebody who does not own the organisation"),
                        &place,
                    );
                } else {
                    give(key, reach, &format!("scope `{scope}`"), &place);
                }
            }
        }
        let all = self.has_list || self.demands == Known::Yes;
        for account in
            estate.accounts.iter_mut().filter(|account| account.realm == REALM && account.kind == Kind::Person)
        {
            account.second_factor = account.second_factor.or(if all { Known::Yes } else { Known::Unknown });
            // Whoever signs in can make a personal token.
            account.can_mint = account.can_mint.or(Known::Yes);
        }
        self.headline(estate, as_of);
        if let (Some(place), false) = (self.place.clone(), self.has_classic) {
            estate.blind.push(Blind {
                what: "classic tokens of GitHub: an organisation sees them only where its people sign in through SAML".to_owned(),
                mend: "give the answer of `gh api --paginate orgs/ORG/credential-authorizations`, or forbid classic tokens in the organisation's settings".to_owned(),
                place,
            });
        }
    }
}

impl GitHub {
    fn members(&mut self, value: &Value, file: &str, place: &Place, estate: &mut Estate) -> String {
        let items = items(value);
        // The answer to `filter=2fa_disabled` looks like any other list of members.
        let without = asks_for_those_without(file);
        self.has_list |= without;
        let owners = ["admin", "owner"].iter().any(|word| file.to_lowercase().contains(word));
        let all = ["outside", "team"].iter().all(|word| !file.to_lowercase().contains(word));
        let mut logins = Vec::new();
        for item in &items {
            let person = item.get("node").unwrap_or(item);
            let Some(login) = person.get("login").and_then(Value::as_str) else { continue };
            let (_, account) = estate.account(REALM, login, place);
            account.kind = if text(person, "type") == "Bot" { Kind::Workload } else { Kind::Person };
            let told = item.get("hasTwoFactorEnabled").and_then(Value::as_bool).map_or(Known::Unknown, Known::from);
            account.second_factor = if without { Known::No } else { account.second_factor.or(told) };
            let login = login.to_lowercase();
            match text(item, "role").to_lowercase().as_str() {
                "admin" => {
                    self.owners.insert(login.clone());
                }
                "member" => {
                    self.members.insert(login.clone());
                }
                _ if owners => {
                    self.owners.insert(login.clone());
                }
                _ => {}
            }
            logins.push(login);
        }
        if !without && !owners && all {
            self.lists.push((logins, place.clone()));
        }
        let of = if without { WITHOUT } else { MEMBERS };
        format!("{} ({of})", count(items.len(), "account"))
    }
}

impl GitHub {
    /// `orgs/ORG/memberships/USER`: who owns the organisation.
    fn memberships(&mut self, value: &Value, place: &Place, estate: &mut Estate) -> String {
        let one = vec![value];
        let all = if value.is_array() { items(value) } else { one };
        for membership in &all {
            let Some(login) = membership.pointer("/user/login").and_then(Value::as_str) else { continue };
            let (_, account) = estate.account(REALM, login, place);
            account.kind = Kind::Person;
            let set = if text(membership, "role") == "admin" { &mut self.owners } else { &mut self.members };
            set.insert(login.to_lowercase());
        }
        count(all.len(), "account")
    }

    fn classic(&mut self, item: &Value, line: u64, place: &Place, estate: &mut Estate) {
        let form = text(item, "credential_type");
        let id = format!("credential {}", number(item, "credential_id"));
        let login = text(item, "login");
        // So the audit log calls it, or by its hash.
        let logged =
            item.get("authorized_credential_id").and_then(Value::as_u64).map(|number| format!("token {number}"));
        let hashed = item.get("hashed_token").and_then(Value::as_str).map(audit_log::hashed);
        for other in [logged, hashed].into_iter().flatten() {
            estate.alias(REALM, &other, &id);
        }
        let key = enter(&id, form, login, place, estate);
        let name = ["authorized_credential_note", "authorized_credential_title"]
            .iter()
            .map(|name| masked(text(item, name), line))
            .find(|name| !name.is_empty());
        key.name = name;
        key.born = at(item, "credential_authorized_at");
        key.last_use = at(item, "credential_accessed_at");
        key.end = at(item, "authorized_credential_expires_at");
        match item.get("scopes").and_then(Value::as_array) {
            Some(scopes) if !scopes.is_empty() => {
                let scopes = scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                self.classic.push((id, login.to_owned(), scopes, place.clone()));
            }
            _ if form.eq_ignore_ascii_case("ssh key") => {
                let code = Powers::from(Power::Read).with(Power::Write).with(Power::Destroy);
                give(
                    key,
                    Reach { surely: Power::Read.into(), perhaps: code },
                    "reads and pushes code as its person does",
                    place,
                );
            }
            // A classic token without scopes reads what is public.
            Some(_) => give(key, Reach::surely(Power::Read.into()), "no scope", place),
            None => give(key, Reach::UNDESCRIBED, "no input says what it may do", place),
        }
    }

    /// Two lists of people of which one is a part of the other: the answers with and without
    /// `filter=2fa_disabled`, where no name says so. More lists than that may be anything.
    fn told_by_content(&mut self, estate: &mut Estate) {
        self.lists.sort_by_key(|(logins, _)| logins.len());
        // The same list exported twice says nothing.
        self.lists.dedup_by(|one, other| one.0 == other.0);
        let [(few, place), (many, _)] = &self.lists[..] else { return };
        let is_part = !few.is_empty() && few.len() < many.len() && few.iter().all(|login| many.contains(login));
        if self.has_list || self.demands == Known::Yes || !is_part {
            return;
        }
        for login in few {
            let (_, account) = estate.account(REALM, login, place);
            account.second_factor = account.second_factor.or(Known::No);
        }
        estate.blind.push(Blind {
            what: format!("whether {place} lists those without a second factor: it is a part of the other list of members, and was taken for that"),
            mend: "name the answer to `filter=2fa_disabled` so that `2fa_disabled` stands in it, and others for what they list, such as `owners`".to_owned(),
            place: place.clone(),
        });
        self.has_list = true;
    }

    /// What an organisation demands of its people and not of their tokens.
    fn headline(&self, estate: &mut Estate, as_of: Timestamp) {
        let (Known::Yes, Some(place)) = (self.demands, &self.place) else { return };
        let living = || estate.keys.iter().filter(|key| key.provider == "github" && key.lives(as_of));
        let sensitive = living().filter(|key| key.without.surely.is_sensitive()).count();
        if sensitive > 0 {
            let weakness = Weakness {
                severity: Severity::Critical,
                realm: REALM.to_owned(),
                what: format!(
                    "the organisation `{}` demands a second factor of its people and of none of its {}: {sensitive} of them can do what is sensitive without",
                    self.name,
                    count(living().count(), "token")
                ),
                mend: "narrow what tokens may do, give them an end, and forbid classic ones; GitHub asks no token for a second factor".to_owned(),
                place: place.clone(),
            };
            estate.weak.insert(0, weakness);
        }
    }
}

/// Whether a file is named as the answer to `filter=2fa_disabled`.
fn asks_for_those_without(file: &str) -> bool {
    let name = file.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(&["2fa", "mfa", "two_factor", "two-factor", "twofactor"]) && has(&["disabled", "without", "no_", "no-"])
}

/// Lists that are only counted: what they leave open is told once for each kind.
fn unread(form: &str, place: &Place, estate: &mut Estate) {
    let (what, mend) = match form {
        SECRETS => (
            "what the secrets of GitHub Actions open, and which workflows read them: their list has names alone",
            "take whoever can change a workflow of those repositories for somebody who has the secrets; audit the system that each of them opens",
        ),
        RUNNERS => (
            "what runs on GitHub's self-hosted runners, and what the machines under them may do",
            "look up which repositories each group of runners serves: a public one must not be among them",
        ),
        _ => (
            "what teams at GitHub let their members do: their list says nothing of repositories and roles",
            "read what is said of people there as what the organisation alone gives them; tokens are told with what they have themselves",
        ),
    };
    if !estate.blind.iter().any(|blind| blind.what == what) {
        estate.blind.push(Blind { what: what.to_owned(), mend: mend.to_owned(), place: place.clone() });
    }
}

/// Webhooks: what receives them cannot tell GitHub from anybody else without a secret.
fn hooks(items: &[&Value], place: &Place, estate: &mut Estate) -> String {
    let active = || items.iter().filter(|hook| hook.get("active").and_then(Value::as_bool) != Some(false));
    let config = |hook: &Value, name: &str| hook.pointer(&format!("/config/{name}")).cloned();
    let bare = active().filter(|hook| config(hook, "secret").is_none()).count();
    let plain = active().filter(|hook| config(hook, "insecure_ssl").is_some_and(|ssl| ssl == "1" || ssl == 1)).count();
    for (number, what) in [(bare, "no secret"), (plain, "no check of the receiver's certificate")] {
        if number > 0 {
            estate.weak.push(Weakness {
                severity: Severity::Warning,
                realm: REALM.to_owned(),
                what: format!("{} {} {what}", count(number, "webhook"), if number == 1 { "has" } else { "have" }),
                mend: "set a secret, check the signature where the hook arrives, and turn the check of certificates on"
                    .to_owned(),
                place: place.clone(),
            });
        }
    }
    count(items.len(), "webhook")
}

/// An OAuth app that somebody let act in their name.
fn oauth(item: &Value, line: u64, place: &Place, estate: &mut Estate) {
    let login = item.get("user").map(|user| text(user, "login")).unwrap_or_default();
    let key = enter(&format!("authorization {}", number(item, "id")), "OAuth authorization", login, place, estate);
    key.name = item.get("app").map(|app| masked(text(app, "name"), line)).filter(|name| !name.is_empty());
    key.born = at(item, "created_at");
    key.last_use = Moment::Unknown;
    key.end = if item.get("expires_at").is_some() { at(item, "expires_at") } else { Moment::Unknown };
    for scope in item.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        give(key, powers::scope(scope), &format!("scope `{scope}`"), place);
    }
}

/// The list, or pages of lists as `gh api --paginate --slurp` joins them, or edges of GraphQL.
fn items(value: &Value) -> Vec<&Value> {
    let edges = || value.pointer("/data/organization/membersWithRole/edges")?.as_array();
    let list = value.as_array().or_else(edges).map(Vec::as_slice).unwrap_or_default();
    let pages = list.iter().flat_map(|item| item.as_array().map_or(std::slice::from_ref(item), Vec::as_slice));
    pages.collect()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A moment that is there, or null, which GitHub says for never.
fn at(value: &Value, name: &str) -> Moment {
    match value.get(name) {
        None => Moment::Unknown,
        Some(Value::Null) => Moment::Never,
        Some(Value::String(text)) => moment::read(text).map_or(Moment::Unknown, Moment::At),
        Some(_) => Moment::Unknown,
    }
}

fn number(value: &Value, name: &str) -> String {
    value.get(name).map(ToString::to_string).unwrap_or_default()
}

fn enter<'e>(id: &str, form: &str, login: &str, place: &Place, estate: &'e mut Estate) -> &'e mut Key {
    let holder = (!login.is_empty()).then(|| {
        let (ix, account) = estate.account(REALM, login, place);
        if account.kind == Kind::Unknown {
            account.kind = Kind::Person;
        }
        ix
    });
    let key = estate.key("github", REALM, id, place);
    form.clone_into(&mut key.form);
    key.holders = holder.into_iter().collect();
    key.standing = Standing::Active;
    key
}

fn give(key: &mut Key, reach: Reach, what: &str, place: &Place) {
    key.with = key.with.union(reach);
    key.without = key.with;
    for (powers, sure) in [(reach.surely, true), (reach.perhaps, false)] {
        if !powers.is_empty() {
            key.because.push(Because { powers, what: what.to_owned(), sure, place: place.clone() });
        }
    }
}

/// Permissions, flat or in groups (`repository`, `organization`, `other`).
fn permissions(item: &Value) -> HashMap<&str, &str> {
    let mut all = HashMap::new();
    for (name, level) in item.get("permissions").and_then(Value::as_object).into_iter().flatten() {
        match level {
            Value::String(level) => {
                all.insert(name.as_str(), level.as_str());
            }
            Value::Object(group) => {
                all.extend(group.iter().filter_map(|(name, level)| Some((name.as_str(), level.as_str()?))))
            }
            _ => {}
        }
    }
    all
}

fn permit(key: &mut Key, item: &Value, place: &Place) {
    let mut given: Vec<_> = permissions(item).into_iter().collect();
    given.sort_unstable();
    for (name, level) in given {
        give(key, powers::permission(name, level), &format!("permission `{name}: {level}`"), place);
    }
}

fn fine(item: &Value, requested: bool, line: u64, place: &Place, estate: &mut Estate) {
    let login = item.get("owner").map(|owner| text(owner, "login")).unwrap_or_default();
    let key = enter(&format!("token {}", number(item, "token_id")), "fine-grained token", login, place, estate);
    key.name = Some(masked(text(item, "token_name"), line)).filter(|name| !name.is_empty());
    let granted = if requested { "created_at" } else { "access_granted_at" };
    key.born = at(item, granted);
    key.end = at(item, "token_expires_at");
    key.last_use = at(item, "token_last_used_at");
    let expired = item.get("token_expired").and_then(Value::as_bool).unwrap_or(false);
    if expired || requested {
        key.standing = Standing::Disabled;
    }
    permit(key, item, place);
}

fn app(item: &Value, line: u64, place: &Place, estate: &mut Estate) {
    let slug = masked(text(item, "app_slug"), line);
    let (_, account) = estate.account(REALM, &slug, place);
    account.kind = Kind::Vendor;
    account.second_factor = Known::Unknown;
    account.signs_in = Known::No;
    let key = enter(&format!("installation {}", number(item, "id")), "app installation", &slug, place, estate);
    key.born = at(item, "created_at");
    key.end = Moment::Never;
    if item.get("suspended_at").is_some_and(|at| !at.is_null()) {
        key.standing = Standing::Disabled;
    }
    permit(key, item, place);
}

fn deploy(item: &Value, line: u64, place: &Place, estate: &mut Estate) {
    let repository = text(item, "url")
        .split("/repos/")
        .nth(1)
        .and_then(|rest| rest.split("/keys").next())
        .unwrap_or_default()
        .to_owned();
    if !repository.is_empty() {
        let (_, account) = estate.account(REALM, &repository, place);
        account.kind = Kind::Workload;
        account.signs_in = Known::No;
    }
    let key = enter(&format!("deploy key {}", number(item, "id")), "deploy key", &repository, place, estate);
    key.name = Some(masked(text(item, "title"), line)).filter(|name| !name.is_empty());
    key.owner = Some(text(item, "added_by").to_owned()).filter(|owner| !owner.is_empty());
    key.born = at(item, "created_at");
    key.last_use = at(item, "last_used");
    key.end = Moment::Never;
    if item.get("enabled").and_then(Value::as_bool) == Some(false) {
        key.standing = Standing::Disabled;
    }
    match item.get("read_only").and_then(Value::as_bool) {
        Some(true) => give(key, Reach::surely(Power::Read.into()), "read only", place),
        _ => give(key, powers::permission("contents", "write"), "may push", place),
    }
}

/// The permissions of a fine-grained token that would have been enough.
pub(crate) fn narrower(actions: &[&str], seen: &Seen) -> Option<String> {
    let mut needed: BTreeMap<&str, &str> = BTreeMap::new();
    let mut unknown = Vec::new();
    for action in actions {
        match actions::permission(action) {
            Some((name, level)) => {
                let known = needed.entry(name).or_insert(level);
                *known = if level == "write" { level } else { known };
            }
            None => unknown.push(*action),
        }
    }
    if needed.is_empty() {
        return None;
    }
    let permissions: Vec<String> = needed.iter().map(|(name, level)| format!("{name}: {level}")).collect();
    let mut repositories: Vec<&str> = seen.on.values().flatten().map(String::as_str).collect();
    repositories.sort_unstable();
    repositories.dedup();
    let only = if repositories.is_empty() || repositories.len() > 16 {
        String::new()
    } else {
        format!(" on {}", repositories.join(", "))
    };
    let beside = if unknown.is_empty() {
        String::new()
    } else {
        format!("; what {} needs, GitHub's documentation says", unknown.join(", "))
    };
    Some(format!("enough would have been a fine-grained token with {}{only}{beside}", permissions.join(", ")))
}

/// How findings are mended at GitHub.
pub(crate) fn mend(rule: &str, key: &Key, holder: Option<&str>) -> Option<String> {
    let number = key.id.rsplit(' ').next().unwrap_or_default();
    let off = match key.form.as_str() {
        "fine-grained token" => "gh api -X POST orgs/ORG/personal-access-tokens/ID -f action=revoke (ids: gh api orgs/ORG/personal-access-tokens)".to_owned(),
        "app installation" => format!("gh api -X DELETE orgs/ORG/installations/{number}, or suspend it in the organisation's settings"),
        "deploy key" => format!("gh api -X DELETE repos/{}/keys/{number}", holder.unwrap_or("OWNER/REPOSITORY")),
        _ => format!("gh api -X DELETE orgs/ORG/credential-authorizations/{number}"),
    };
    match rule {
        "second-factor-bypassed" | "can-mint" => Some(format!(
            "GitHub asks no token for a second factor, whatever it asks of people: narrow its permissions, or take it away ({off})"
        )),
        "unused" | "holder-gone" => Some(off),
        "never-ends" => Some("demand a longest life of tokens in the organisation's settings; replace deploy keys by an app, whose tokens end after an hour".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use serde_json::json;

    use super::*;
    use crate::{
        Audit, Settings,
        estate::Standing,
        report::{Format, Report},
    };

    fn audit(inputs: &[(&str, Value)]) -> Report {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        for (name, value) in inputs {
            assert!(audit.read(name, Cursor::new(value.to_string().into_bytes())), "{name}");
        }
        audit.finish()
    }

    fn members() -> Value {
        json!(["ann", "bob"].map(|login| json!({"login": login, "id": 1, "type": "User", "site_admin": false})))
    }

    fn token(id: u64, login: &str, permissions: &Value) -> Value {
        json!({"id": id, "token_id": id, "token_name": "t", "owner": {"login": login}, "repository_selection": "all",
            "permissions": permissions, "access_granted_at": "2026-10-01T00:00:00Z", "token_expired": false,
            "token_expires_at": null, "token_last_used_at": "2026-11-01T00:00:00Z"})
    }

    #[test]
    fn a_token_bypasses_what_the_organisation_demands() {
        let organisation = json!({"login": "acme", "two_factor_requirement_enabled": true});
        let tokens = json!([
            token(7, "ann", &json!({"repository": {"administration": "write", "metadata": "read"}})),
            token(8, "bob", &json!({"repository": {"issues": "write"}}))
        ]);
        let report = audit(&[("org.json", organisation), ("members.json", members()), ("tokens.json", tokens)]);
        assert_eq!((report.figures.with_second_factor, report.figures.bypass, report.figures.never_ends), (2, 1, 2));
        let found = report.findings.iter().find(|finding| finding.rule == "second-factor-bypassed").unwrap();
        assert_eq!(report.subject(found), "token 7");
        assert!(found.evidence().any(|evidence| evidence.what.contains("administration: write")));
        assert!(report.findings.iter().any(|finding| finding.what.contains("classic tokens")));
    }

    #[test]
    fn those_without_2fa_are_named_by_a_list_and_absent_is_not_false() {
        let without = json!([{"login": "bob", "id": 1, "type": "User", "site_admin": false}]);
        let report = audit(&[("members.json", members())]);
        assert_eq!(report.figures.second_factor_unknown, 2);
        let report = audit(&[("members.json", members()), ("members-2fa_disabled.json", without)]);
        assert_eq!((report.figures.with_second_factor, report.figures.without_second_factor), (1, 1));
    }

    #[test]
    fn classic_tokens_apps_deploy_keys_and_requests() {
        let classic = json!([
            {"login": "ann", "credential_id": 1, "credential_type": "personal access token", "token_last_eight": "12345678", "credential_authorized_at": "2020-01-01T00:00:00Z", "scopes": ["admin:org", "repo"], "authorized_credential_expires_at": null, "authorized_credential_note": "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
            {"login": "ann", "credential_id": 2, "credential_type": "SSH key", "fingerprint": "x", "credential_authorized_at": "2020-01-01T00:00:00Z"}]);
        let apps = json!({"total_count": 1, "installations": [{"id": 5, "app_slug": "helper", "permissions": {"contents": "write", "metadata": "read"}, "created_at": "2024-01-01T00:00:00Z", "suspended_at": null}]});
        let deploy = json!([{"id": 9, "key": "ssh-rsa AAAAB3NzaC1yc2E", "url": "https://api.github.com/repos/acme/web/keys/9", "title": "ci", "read_only": false, "created_at": "2024-01-01T00:00:00Z", "last_used": null, "added_by": "ann"}]);
        let mut request = token(11, "bob", &json!({"repository": {"administration": "write"}}));
        request.as_object_mut().unwrap().remove("access_granted_at");
        request["reason"] = json!("please");
        let report = audit(&[("c.json", classic), ("a.json", apps), ("d.json", deploy), ("r.json", json!([request]))]);
        let key = |id: &str| report.estate.keys.iter().find(|key| key.id == id).unwrap();
        assert!(key("credential 1").without.surely.contains(Power::Mint));
        assert_eq!(key("credential 1").end, Moment::Never);
        assert_eq!(key("credential 2").end, Moment::Unknown, "absent is not never");
        assert!(key("installation 5").without.surely.contains(Power::Destroy));
        assert_eq!((key("deploy key 9").last_use, key("deploy key 9").owner.as_deref()), (Moment::Never, Some("ann")));
        assert_eq!(key("token 11").standing, Standing::Disabled, "only asked for");
        let json = report.write(Format::Json, None).unwrap();
        assert!(!json.contains("ghp_16C7") && !json.contains("AAAAB3") && !json.contains("12345678"));
    }
}
