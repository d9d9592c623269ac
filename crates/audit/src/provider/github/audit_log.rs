//! The audit log of an organisation or an enterprise: as its REST API answers, as it is exported
//! (JSON, one event a line), or as it is streamed away.

use std::borrow::Cow;

use jiff::Timestamp;
use law::Powers;
use serde::Deserialize;
use serde_json::Value;

use super::{REALM, actions};
use crate::{
    estate::Known,
    log::{Event, First, Format, Gives, Made, Page, Who},
    moment,
    provider::masked::{looks_secret, masked},
};

pub(super) const FORM: &str = "GitHub audit log";

pub(crate) struct AuditLog;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(default, rename = "@timestamp")]
    stamp: Option<Value>,
    #[serde(default)]
    created_at: Option<Value>,
    #[serde(borrow, default)]
    actor: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    actor_ip: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_agent: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    operation_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    programmatic_access_type: Option<Cow<'a, str>>,
    #[serde(default)]
    token_id: Option<Value>,
    #[serde(borrow, default)]
    hashed_token: Option<Cow<'a, str>>,
    #[serde(default)]
    org: Option<Value>,
    #[serde(borrow, default)]
    business: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    repo: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    repository: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    integration: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    oauth_application_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    request_method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    route: Option<Cow<'a, str>>,
    #[serde(default)]
    status_code: Option<u16>,
}

impl Format for AuditLog {
    fn name(&self) -> &'static str {
        FORM
    }

    fn recognise(&self, first: &First<'_>) -> bool {
        let First::Json(_, value) = first else { return false };
        let action = value.get("action").and_then(Value::as_str).unwrap_or_default();
        let named = action.split_once('.').is_some_and(|(category, verb)| !category.is_empty() && !verb.is_empty());
        let stamped = ["@timestamp", "created_at"].iter().any(|name| value.get(name).is_some_and(|at| !at.is_null()));
        named && stamped && ["_document_id", "@timestamp", "actor"].iter().any(|name| value.get(name).is_some())
    }

    fn record(&mut self, bytes: &[u8], page: &mut Page<'_>) -> bool {
        let Ok(record) = serde_json::from_slice::<Record<'_>>(bytes) else { return false };
        let Some(at) = [&record.stamp, &record.created_at].into_iter().flatten().find_map(when) else { return false };
        let action = match (&record.request_method, &record.route) {
            (Some(method), Some(route)) => Cow::Owned(format!("{} {method} {route}", record.action)),
            _ => Cow::Borrowed(&*record.action),
        };
        let repository = record.repo.as_deref().or(record.repository.as_deref());
        let id = id(&record);
        let mut event = Event::new(at, who(&record, repository, id.as_deref()), &action);
        event.gives = Gives::Powers(powers(&record));
        event.source = record.actor_ip.as_deref();
        event.program = record.user_agent.as_deref().filter(|program| !looks_secret(program));
        event.done = record.status_code.is_none_or(|status| status < 400);
        // No token of GitHub shows a second factor.
        event.second_factor = if record.programmatic_access_type.is_some() { Known::No } else { Known::Unknown };
        event.on = repository;
        event.made = made(&record, repository);
        event.ended = ended(&record);
        event.quiets = record.action.starts_with("audit_log_streaming.")
            && !["create", "check"].iter().any(|verb| record.action.ends_with(verb));
        page.note("github", FORM, &of(&record), &event);
        true
    }
}

fn when(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => moment::read(&number.to_string()),
        Value::String(text) => moment::read(text),
        _ => None,
    }
}

/// Which organisation's log it is.
fn of(record: &Record<'_>) -> String {
    let org = match &record.org {
        Some(Value::String(org)) => Some(org.as_str()),
        Some(Value::Array(all)) => all.first().and_then(Value::as_str),
        _ => None,
    };
    org.or(record.business.as_deref()).unwrap_or("GitHub").to_owned()
}

fn powers(record: &Record<'_>) -> Powers {
    match record.request_method.as_deref() {
        Some("GET" | "HEAD") => law::Power::Read.into(),
        Some(_) => law::Power::Write.into(),
        None => actions::powers(&record.action, record.operation_type.as_deref()),
    }
}

/// What the token is called, where the log says which it is.
fn id(record: &Record<'_>) -> Option<String> {
    let access = record.programmatic_access_type.as_deref()?;
    // Those of an app are made anew every hour.
    if access.contains("server-to-server") {
        return None;
    }
    let number = record.token_id.as_ref().map(ToString::to_string).map(|number| number.trim_matches('"').to_owned());
    match number.filter(|number| !matches!(number.as_str(), "null" | "0" | "")) {
        Some(number) => Some(format!("token {number}")),
        // Its hash is no secret: it cannot be shown to GitHub. A few letters of it tell tokens apart.
        None => record.hashed_token.as_deref().filter(|hash| hash.len() >= 16).map(hashed),
    }
}

/// How a token is called of which only the hash is known.
pub(super) fn hashed(hash: &str) -> String {
    let short: String = hash.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("token with hash {short}…")
}

fn who<'r>(record: &'r Record<'_>, repository: Option<&'r str>, id: Option<&'r str>) -> Who<'r> {
    let actor = record.actor.as_deref().filter(|actor| !actor.is_empty());
    let Some(access) = record.programmatic_access_type.as_deref() else {
        return actor.map_or(Who::Nobody, |name| Who::Account { realm: REALM, name });
    };
    let (form, holder) = if access.contains("server-to-server") {
        ("app installation", actor.map(|actor| actor.strip_suffix("[bot]").unwrap_or(actor)))
    } else if access.starts_with("Deploy key") {
        ("deploy key", repository)
    } else if access.starts_with("Fine-grained") {
        ("fine-grained token", actor)
    } else if access.starts_with("SSH") {
        ("SSH key", actor)
    } else if access.contains("classic") {
        ("personal access token", actor)
    } else {
        ("OAuth token", actor)
    };
    match id.or(holder) {
        // A number is a token's own; a hash or a holder alone is in no other export.
        Some(name) => {
            let otherwise = id.is_none_or(|id| id.contains("hash"));
            Who::Key { realm: REALM, id: name, holder, form, otherwise }
        }
        None => Who::Nobody,
    }
}

/// The credential that an event made. Where the log does not say its number, its holder and the
/// moment tell which it is.
fn made(record: &Record<'_>, repository: Option<&str>) -> Option<Made> {
    let (form, holder) = match &*record.action {
        "deploy_key.create" | "public_key.create" => match repository {
            Some(repository) => ("deploy key", Some(repository)),
            None => ("SSH key", record.user.as_deref().or(record.actor.as_deref())),
        },
        "personal_access_token.access_granted" | "personal_access_token.create" => {
            ("fine-grained token", record.user.as_deref().or(record.actor.as_deref()))
        }
        "oauth_access.create" => ("OAuth token", record.user.as_deref().or(record.actor.as_deref())),
        "integration_installation.create" => ("app installation", record.integration.as_deref()),
        _ => return None,
    };
    // Where the caller had no token, the number is that of the one that was made.
    let number = record.token_id.as_ref().filter(|_| record.programmatic_access_type.is_none());
    let number = number.filter(|number| number.as_u64().is_some_and(|number| number > 0));
    let named = record.title.as_deref().or(record.oauth_application_name.as_deref()).map(|title| masked(title, 0));
    let id = match (number, named) {
        (Some(number), _) => format!("token {number}"),
        (None, Some(name)) => format!("{form} `{name}`"),
        (None, None) => form.to_owned(),
    };
    Some(Made { id, holder: holder.map(str::to_owned), realm: REALM.to_owned() })
}

fn ended(record: &Record<'_>) -> Option<String> {
    let revoked = record.action.starts_with("personal_access_token.")
        && ["access_revoked", "destroy"].iter().any(|verb| record.action.ends_with(verb));
    let number = record.token_id.as_ref().filter(|_| revoked && record.programmatic_access_type.is_none())?;
    Some(format!("token {number}"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use law::Power;
    use serde_json::json;

    use super::*;
    use crate::{
        Audit, Settings,
        estate::{Key, Seen},
        report::{Format as Form, Report},
    };

    fn audit(inputs: &[(&str, String)]) -> Report {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        for (name, text) in inputs {
            assert!(audit.read(name, Cursor::new(text.clone().into_bytes())), "{name}");
        }
        audit.finish()
    }

    fn event(action: &str, actor: &str, more: &Value) -> Value {
        let mut event = json!({"@timestamp": 1_795_000_000_000_i64, "_document_id": "x", "action": action, "actor": actor,
            "actor_ip": "192.0.2.7", "user_agent": "gh/2", "created_at": 1_795_000_000_000_i64, "org": "acme", "operation_type": "modify"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    fn fine(id: u64, login: &str) -> Value {
        json!({"id": id, "token_id": id, "token_name": "t", "owner": {"login": login}, "permissions": {"repository": {"administration": "write"}},
            "access_granted_at": "2026-11-18T11:07:00Z", "token_expired": false, "token_expires_at": null, "token_last_used_at": null})
    }

    fn key<'r>(report: &'r Report, id: &str) -> &'r Key {
        report.estate.keys.iter().find(|key| key.id == id).unwrap_or_else(|| panic!("{id}: {:?}", report.estate.keys))
    }

    #[test]
    fn tokens_are_known_by_their_numbers_in_whatever_form_the_log_comes() {
        let access = "Fine-grained personal access token";
        let events = [
            event(
                "repo.destroy",
                "ann",
                &json!({"token_id": 7, "programmatic_access_type": access, "hashed_token": "aGFzaGhhc2hoYXNoaGFzaA==", "repo": "acme/web"}),
            ),
            event(
                "org.disable_two_factor_requirement",
                "ann",
                &json!({"token_id": 7, "programmatic_access_type": access}),
            ),
            event("repo.create", "bob", &json!({})),
        ];
        let tokens = json!([fine(7, "ann"), fine(8, "bob")]).to_string();
        let array = json!(events).to_string();
        let pages = json!([[events[0]], [events[1], events[2]]]).to_string();
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        for log in [array, pages, lines] {
            let report = audit(&[("audit.json", log), ("tokens.json", tokens.clone())]);
            let seen = key(&report, "token 7").seen.as_ref().unwrap();
            assert_eq!((seen.calls, seen.without_second_factor, seen.alone), (2, 2, true));
            assert!(seen.powers_without.contains(Power::Disarm) && seen.powers_without.contains(Power::Destroy));
            assert_eq!(seen.on["repo.destroy"], ["acme/web"]);
            assert_eq!(key(&report, "token 8").seen, None, "a session is no token");
            let bob = report.estate.accounts.iter().find(|account| account.name == "bob").unwrap();
            assert_eq!(bob.seen.as_ref().map(|seen: &Seen| (seen.calls, seen.without_second_factor)), Some((1, 0)));
            assert_eq!(report.estate.logs[0].of, "acme");
            assert_eq!(report.estate.keys.len(), 2);
        }
    }

    #[test]
    fn classic_tokens_apps_and_deploy_keys_are_joined_by_what_the_log_says() {
        let classic = json!([{"login": "ann", "credential_id": 1, "authorized_credential_id": 99, "credential_type": "personal access token",
            "credential_authorized_at": "2020-01-01T00:00:00Z", "scopes": ["repo"], "authorized_credential_expires_at": null}]);
        let apps = json!({"total_count": 1, "installations": [{"id": 5, "app_slug": "helper", "permissions": {"contents": "write"}, "created_at": "2024-01-01T00:00:00Z", "suspended_at": null}]});
        let log = json!([
            event(
                "git.push",
                "ann",
                &json!({"token_id": 99, "programmatic_access_type": "Personal access token (classic)"})
            ),
            event(
                "git.clone",
                "helper[bot]",
                &json!({"hashed_token": "QUFBQUFBQUFBQUFBQUFBQQ==", "programmatic_access_type": "GitHub App server-to-server token"})
            ),
            event(
                "git.clone",
                "helper[bot]",
                &json!({"hashed_token": "QkJCQkJCQkJCQkJCQkJCQg==", "programmatic_access_type": "GitHub App server-to-server token"})
            ),
            event(
                "git.clone",
                "eve",
                &json!({"hashed_token": "Q0NDQ0NDQ0NDQ0NDQ0NDQw==", "programmatic_access_type": "OAuth access token"})
            ),
        ]);
        let report =
            audit(&[("c.json", classic.to_string()), ("a.json", apps.to_string()), ("log.json", log.to_string())]);
        let calls = |id: &str| key(&report, id).seen.as_ref().map(|seen| seen.calls);
        assert_eq!((calls("credential 1"), calls("installation 5")), (Some(1), Some(2)));
        let eve = key(&report, "token with hash Q0NDQ0NDQ0ND…");
        assert_eq!(eve.form, "OAuth token", "no export knows of it");
        assert!(eve.without.surely.contains(Power::Read) && eve.without.perhaps.contains(Power::Mint));
    }

    #[test]
    fn what_a_token_made_is_joined_to_the_keys_that_live() {
        let access = json!({"token_id": 7, "programmatic_access_type": "Fine-grained personal access token", "repo": "acme/web", "title": "ghp_16C7e42F292c6912E7710c838347Ae178B4a"});
        let deploy = json!([{"id": 9, "key": "ssh-rsa AAAA", "url": "https://api.github.com/repos/acme/web/keys/9", "title": "ci", "read_only": false,
            "created_at": "2026-11-18T11:06:41Z", "last_used": null, "added_by": "ann"}]);
        let log =
            json!([event("deploy_key.create", "ann", &access), event("audit_log_streaming.destroy", "ann", &access)]);
        let report = audit(&[
            ("t.json", json!([fine(7, "ann")]).to_string()),
            ("d.json", deploy.to_string()),
            ("log.json", log.to_string()),
        ]);
        let children = &key(&report, "token 7").children;
        assert_eq!(
            (children.len(), children[0].key.as_deref(), children[0].lives),
            (1, Some("deploy key 9"), Known::Yes)
        );
        assert_eq!(report.estate.logs[0].changes[0].action, "audit_log_streaming.destroy");
        assert!(!report.write(Form::Json, None).unwrap().contains("ghp_16C7"));
    }

    #[test]
    fn what_is_no_event_is_not_taken_for_one() {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        for text in [r#"[{"action":"repo.create"}]"#, r#"[{"action":"x","created_at":1}]"#] {
            assert!(!audit.read("x.json", Cursor::new(text.as_bytes())), "{text}");
        }
    }
}
