//! CloudTrail: what was really done, as its files (`{"Records":[…]}`), one event a line, or the
//! answer of `aws cloudtrail lookup-events`.

use std::borrow::Cow;

use law::Powers;
use serde::Deserialize;
use serde_json::Value;

use super::{actions::Actions, details::account_of};
use crate::{
    estate::{Estate, Known},
    log::{Began, Event, First, Fold, Format, Gives, Made, Page, Who},
    moment,
};

const FORM: &str = "AWS CloudTrail";

pub(crate) struct Trail;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "eventTime")]
    time: Cow<'a, str>,
    #[serde(borrow, rename = "eventSource")]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "eventName")]
    name: Cow<'a, str>,
    #[serde(borrow, default, rename = "sourceIPAddress")]
    address: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "userAgent")]
    program: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "errorCode")]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "recipientAccountId")]
    account: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "userIdentity")]
    identity: Option<Identity<'a>>,
    #[serde(borrow, default)]
    resources: Option<Vec<Resource<'a>>>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "accessKeyId")]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "sessionContext")]
    session: Option<Session<'a>>,
}

#[derive(Deserialize)]
struct Session<'a> {
    #[serde(borrow, default)]
    attributes: Option<Attributes<'a>>,
    #[serde(borrow, default, rename = "sessionIssuer")]
    issuer: Option<Resource<'a>>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, default, rename = "mfaAuthenticated")]
    mfa: Option<Cow<'a, str>>,
}

/// What an event answers that began a session.
#[derive(Deserialize)]
struct Begun<'a> {
    #[serde(borrow, default, rename = "responseElements")]
    answer: Option<Answer<'a>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    credentials: Option<Credentials<'a>>,
}

#[derive(Deserialize)]
struct Credentials<'a> {
    #[serde(borrow, default, rename = "accessKeyId")]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default, rename = "ARN", alias = "arn")]
    arn: Option<Cow<'a, str>>,
}

/// Calls that change what a trail writes.
const QUIETS: [&str; 5] = ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "DeleteEventDataStore"];

impl Format for Trail {
    fn name(&self) -> &'static str {
        FORM
    }

    fn recognise(&self, first: &First<'_>) -> bool {
        let is_event = |value: &Value| {
            ["eventTime", "eventSource", "eventName"].iter().all(|name| value.get(name).is_some_and(Value::is_string))
        };
        match first {
            First::Json(list, Value::Null) => *list == Some("Records"),
            First::Json(_, value) => is_event(value) || value.get("CloudTrailEvent").is_some_and(Value::is_string),
            First::Text(_) => false,
        }
    }

    fn record(&mut self, bytes: &[u8], page: &mut Page<'_>) -> bool {
        if let Ok(record) = serde_json::from_slice::<Record<'_>>(bytes) {
            return note(&record, bytes, page);
        }
        // Looked up, an event stands as text in its summary.
        #[derive(Deserialize)]
        struct Summary {
            #[serde(rename = "CloudTrailEvent")]
            event: String,
        }
        let Ok(summary) = serde_json::from_slice::<Summary>(bytes) else { return false };
        let bytes = summary.event.as_bytes();
        serde_json::from_slice::<Record<'_>>(bytes).is_ok_and(|record| note(&record, bytes, page))
    }
}

fn note(record: &Record<'_>, bytes: &[u8], page: &mut Page<'_>) -> bool {
    let Some(at) = moment::read(&record.time) else { return false };
    let action = action(&record.source, &record.name);
    let arn = record.identity.as_ref().and_then(|identity| identity.arn.as_deref()).unwrap_or_default();
    let owner = account_of(arn);
    let account = record.account.as_deref().unwrap_or(&owner);
    let realm = format!("aws:{owner}");
    let (who, second_factor) = who(record, arn, &realm, page.fold);
    if action.starts_with("sts:") && record.error.is_none() {
        begin(&who, bytes, record, page.fold);
    }
    let mut event = Event::new(at, who, &action);
    event.gives = Gives::Later;
    event.source = record.address.as_deref();
    event.program = record.program.as_deref();
    event.done = record.error.is_none();
    event.second_factor = second_factor;
    let on = record.resources.iter().flatten().find_map(|resource| resource.arn.as_deref()).map(whole);
    event.on = on.as_deref();
    event.quiets = action.starts_with("cloudtrail:") && QUIETS.contains(&&*record.name);
    if record.name.ends_with("AccessKey") {
        keys(&record.name, bytes, &realm, &mut event);
    }
    page.note("aws", FORM, account, &event);
    true
}

/// What was done lets its caller do what the table says.
pub(super) fn judge(estate: &mut Estate, actions: &Actions) {
    let keys = estate.keys.iter_mut().filter(|key| key.provider == "aws").filter_map(|key| key.seen.as_mut());
    let accounts = estate.accounts.iter_mut().filter(|account| account.realm.starts_with("aws:"));
    for seen in keys.chain(accounts.filter_map(|account| account.seen.as_mut())) {
        let powers = |names: &mut dyn Iterator<Item = &String>| {
            names.map(|action| actions.powers_of(action)).fold(Powers::NONE, Powers::union)
        };
        seen.powers = powers(&mut seen.actions.iter().map(|(action, _)| action));
        seen.powers_without = powers(&mut seen.did_without.iter());
    }
}

/// Who called, and whether they had shown a second factor.
fn who<'r>(record: &'r Record<'_>, arn: &'r str, realm: &'r str, fold: &Fold) -> (Who<'r>, Known) {
    let Some(identity) = &record.identity else { return (Who::Nobody, Known::Unknown) };
    let name = if arn.ends_with(":root") { "<root_account>" } else { arn.rsplit('/').next().unwrap_or_default() };
    let shown = identity.session.as_ref().and_then(|session| session.attributes.as_ref()?.mfa.as_deref());
    let shown = match shown {
        Some("true") => Known::Yes,
        Some(_) => Known::No,
        None => Known::Unknown,
    };
    let is_person = matches!(identity.kind.as_deref(), Some("IAMUser" | "Root") | None);
    match identity.key.as_deref() {
        _ if name.is_empty() => (Who::Nobody, shown),
        // A long-term key: it never tells of a second factor, for it has none.
        Some(id) if id.starts_with("AKIA") => {
            (Who::Key { realm, id, holder: Some(name), form: "access key", otherwise: true }, Known::No)
        }
        // What a key began with `GetSessionToken` says the user's name, as a sign-in does.
        Some(id) if is_person && fold.origin(id).is_some() => (Who::Session { id, role: "" }, shown),
        _ if is_person => (Who::Account { realm, name }, shown),
        Some(id) if id.starts_with("ASIA") && identity.kind.as_deref() == Some("AssumedRole") => {
            let issuer = identity.session.as_ref().and_then(|session| session.issuer.as_ref()?.arn.as_deref());
            (Who::Session { id, role: issuer.unwrap_or(arn) }, shown)
        }
        _ => (Who::Nobody, shown),
    }
}

/// Whose the session is that an event began, where it began one.
fn begin(who: &Who<'_>, bytes: &[u8], record: &Record<'_>, fold: &mut Fold) {
    let begun = serde_json::from_slice::<Begun<'_>>(bytes).ok().and_then(|begun| begun.answer?.credentials?.id);
    let Some(session) = begun.filter(|id| id.starts_with("ASIA")) else { return };
    let kind = record.identity.as_ref().and_then(|identity| identity.kind.as_deref());
    let by = match *who {
        Who::Key { realm, id, holder, .. } => {
            Began::Key { realm: realm.to_owned(), id: id.to_owned(), holder: holder.unwrap_or_default().to_owned() }
        }
        Who::Session { id, .. } => Began::Session(id.to_owned()),
        Who::Account { realm, name } => Began::Account { realm: realm.to_owned(), name: name.to_owned() },
        // One account's trail has the other account's caller without its key: that is not nobody.
        Who::Nobody if kind == Some("AWSAccount") => return,
        Who::Nobody | Who::Somebody | Who::Named(_) => Began::Elsewhere,
    };
    fold.began(&session, by);
}

/// What an event was done to, as one would name it in a policy: an object by its bucket.
fn whole(arn: &str) -> Cow<'_, str> {
    match arn.strip_prefix("arn:aws:s3:::").and_then(|rest| rest.split_once('/')) {
        Some((bucket, _)) => Cow::Owned(format!("arn:aws:s3:::{bucket}/*")),
        None => Cow::Borrowed(arn),
    }
}

/// The access key that was made or deleted.
fn keys(name: &str, bytes: &[u8], realm: &str, event: &mut Event<'_>) {
    let Ok(whole) = serde_json::from_slice::<Value>(bytes) else { return };
    let text = |pointer: &str| whole.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    if name == "CreateAccessKey"
        && let Some(id) = text("/responseElements/accessKey/accessKeyId")
    {
        let holder = text("/responseElements/accessKey/userName");
        event.made = Some(Made { id, holder, realm: realm.to_owned() });
    } else if name == "DeleteAccessKey" {
        event.ended = text("/requestParameters/accessKeyId");
    }
}

/// `lambda.amazonaws.com` and `CreateFunction20150331` are `lambda:CreateFunction`.
fn action(source: &str, name: &str) -> String {
    let service = source.split('.').next().unwrap_or(source);
    let bare = name.split("20").next().filter(|bare| name.len() - bare.len() >= 8 && !bare.is_empty()).unwrap_or(name);
    format!("{service}:{bare}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_actions() {
        assert_eq!(action("lambda.amazonaws.com", "CreateFunction20150331"), "lambda:CreateFunction");
        assert_eq!(action("iam.amazonaws.com", "CreateUser"), "iam:CreateUser");
        assert_eq!(action("s3.amazonaws.com", "GetObject"), "s3:GetObject");
    }
}
