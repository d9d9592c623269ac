//! A change, as the ledger has it, in the classes of identity and access management.
//!
//! One arm for each change there is, and each takes its change apart whole: a change that is
//! new, and a field that is new, do not compile before somebody has said what becomes of them
//! here. What is kept of secrets (verifiers, tokens, steps of codes) is named and let go.

use authority::{
    Actor, Change, Digest, Files, Grant, Limit, Proof, Question, RecordPart, Scope, Weaker, Wish, Written,
};
use jiff::Timestamp;
use law::{ChallengeId, HolderId, HolderKind, KeyId, Severity, Severity::*};
use serde_json::{Value, json};

use crate::event::{
    ACCESS, ACCOUNT, AUTHENTICATION, Activity, Class, Draft, ENTITY, Event, Kind, LOG_ACTIVITY, Names, SESSION, Teller,
    other, user_type, words,
};

const CREATE: Activity = Activity(1, "Create");
const UPDATE: Activity = Activity(3, "Update");
const DELETE: Activity = Activity(4, "Delete");
const ENABLE: Activity = Activity(8, "Enable");
const DISABLE: Activity = Activity(9, "Disable");
const ACTIVATE: Activity = Activity(10, "Activate");
const DEACTIVATE: Activity = Activity(11, "Deactivate");
const ASSIGN: Activity = Activity(1, "Assign Privileges");

/// Why some of a ledger's parts are not told one by one: a page beyond it is read by nobody.
const MOST_WEAKER: usize = 50;

/// A change as the ledger wrote it: at this place, at this moment, under this hash of the chain.
pub fn change(teller: &Teller, names: Names<'_>, (seq, at, hash): (u64, Timestamp, &str), written: &Written) -> Event {
    // The digest of a sealed value says nothing to others.
    let Written { by, change, shelf: _ } = written;
    let Told { class, activity, severity, code, message, fields, unmapped } = told(names, change);
    let mut more = json!({
        "status_id": 1,
        "status": "Success",
        "actor": actor(names, *by, class),
        "unmapped": unmapped,
    });
    if let (Value::Object(more), Value::Object(fields)) = (&mut more, fields) {
        more.extend(fields);
    }
    let draft = Draft {
        kind: Kind::Change,
        class,
        activity,
        severity,
        at,
        uid: hash.to_owned(),
        code,
        message,
        metadata: json!({"sequence": seq}),
        more,
    };
    draft.event(teller)
}

/// Who brought it about. Where a gap of the record is told, nobody did.
fn actor(names: Names<'_>, by: Actor, class: Class) -> Value {
    if class.uid == LOG_ACTIVITY.uid {
        return Value::Null;
    }
    match by {
        Actor::Gate => json!({"app_name": "Greave", "invoked_by": "the gate by itself"}),
        Actor::Operator => json!({"app_name": "Greave", "invoked_by": "the operator, on the gate's host"}),
        Actor::Person(person) => json!({"app_name": "Greave", "user": names.user(person)}),
    }
}

/// A change in the words of OCSF.
struct Told {
    class: Class,
    activity: Activity,
    severity: Severity,
    /// The ledger's own word.
    code: &'static str,
    message: String,
    /// What its class asks for.
    fields: Value,
    unmapped: Value,
}

impl Told {
    const fn of(class: Class, activity: Activity, severity: Severity, code: &'static str, message: String) -> Self {
        Self { class, activity, severity, code, message, fields: Value::Null, unmapped: Value::Null }
    }

    fn with(self, fields: Value) -> Self {
        Self { fields, ..self }
    }

    fn and(self, unmapped: Value) -> Self {
        Self { unmapped, ..self }
    }
}

/// What happened to a key.
fn key(
    names: Names<'_>,
    key: KeyId,
    activity: Activity,
    severity: Severity,
    code: &'static str,
    what: impl std::fmt::Display,
) -> Told {
    let fields = json!({"entity": names.key_entity(key)});
    Told::of(ENTITY, activity, severity, code, format!("key {key} {what}")).with(fields)
}

/// What happened to a holder.
fn account(
    names: Names<'_>,
    holder: HolderId,
    activity: Activity,
    severity: Severity,
    code: &'static str,
    what: &str,
) -> Told {
    let who = names.name_of(holder).map_or_else(|| holder.to_string(), |name| format!("{holder} ({name})"));
    Told::of(ACCOUNT, activity, severity, code, format!("{who} {what}")).with(json!({"user": names.user(holder)}))
}

/// What happened to a question: whose call it lets through, and with which powers.
fn question(
    names: Names<'_>,
    challenge: ChallengeId,
    activity: Activity,
    severity: Severity,
    code: &'static str,
    what: &str,
) -> Told {
    let known = names.question(challenge);
    let holder = known.and_then(|(key, ..)| names.holder_of(key));
    let privileges =
        known.map(|(_, powers, _)| words(powers)).filter(|words| !words.is_empty()).unwrap_or_else(|| vec!["unknown"]);
    let operation = known.map_or("a call", |(.., operation)| operation);
    let fields = json!({
        "user": holder.map_or_else(nobody, |holder| names.user(holder)),
        "privileges": privileges,
        "session": {"uid": challenge, "credential_uid": known.map(|(key, ..)| key)},
    });
    Told::of(SESSION, activity, severity, code, format!("{challenge}: {operation} {what}")).with(fields)
}

/// What happened to a rule.
fn policy(activity: Activity, severity: Severity, code: &'static str, name: &str, uid: Digest, what: &str) -> Told {
    let fields = json!({"entity": {
        "name": name,
        "uid": uid.to_string(),
        "type_id": 5,
        "type": "Policy",
        "policy": {"name": name, "uid": uid.to_string()},
    }});
    Told::of(ENTITY, activity, severity, code, format!("{name} {what}")).with(fields)
}

/// Something that has no class of its own.
fn thing(activity: Activity, severity: Severity, code: &'static str, name: &str, what: String) -> Told {
    let fields = json!({"entity": {"name": name, "type_id": 99, "type": name}});
    Told::of(ENTITY, activity, severity, code, what).with(fields)
}

/// Where a user is demanded and nobody is known.
fn nobody() -> Value {
    json!({"uid": "unknown", "type_id": 0})
}

fn told(names: Names<'_>, change: &Change) -> Told {
    match change {
        Change::HolderAdded { id, name, kind, owner, deputies, mail: _, administrator } => {
            let (type_id, kind_name) = user_type(*kind, *administrator);
            let user = json!({"uid": id, "name": name, "type_id": type_id, "type": kind_name});
            Told::of(
                ACCOUNT,
                Activity(1, "Create"),
                Info,
                "holder-added",
                format!("{id} ({name}) is known from now on"),
            )
            .with(json!({"user": user}))
            .and(answerers(*kind, *owner, deputies, *administrator))
        }
        Change::HolderChanged { id, kind, owner, deputies, mail: _, administrator } => {
            account(names, *id, other("Change"), Info, "holder-changed", "is described anew").and(answerers(
                *kind,
                *owner,
                deputies,
                *administrator,
            ))
        }
        Change::HolderLeft { id, keys_go_on } => {
            account(names, *id, Activity(5, "Disable"), Info, "holder-left", "has left")
                .and(json!({"keys_go_on": keys_go_on}))
        }
        Change::HolderReturned { id } => account(names, *id, Activity(2, "Enable"), Info, "holder-returned", "is back"),
        Change::Invited { holder, token: _, until } => {
            account(names, *holder, other("Invite"), Info, "invited", "has a link to enrol a factor with")
                .and(json!({"until": until}))
        }
        Change::EnrolmentContested { holder } => {
            let what = "has a link to enrol with that two browsers came with";
            account(names, *holder, other("Contest"), High, "enrolment-contested", what)
        }
        Change::Enrolled { holder, step: _, recovery } => account(
            names,
            *holder,
            Activity(10, "MFA Factor Enable"),
            Info,
            "enrolled",
            "has a second factor from now on",
        )
        .and(json!({"recovery_codes": recovery.len()})),
        Change::Proved { holder, proof, purpose } => {
            let (factor, name) = match proof {
                Proof::Totp(_) => ("OTP", "code of an authenticator"),
                Proof::Recovery(_) => ("Other", "recovery code"),
            };
            let activity = if purpose == "sign-in" { Activity(1, "Logon") } else { other("Proof") };
            let fields = json!({
                "user": names.user(*holder),
                "service": {"name": "Greave"},
                "is_mfa": true,
                "auth_factors": [{
                    "factor_type_id": if factor == "OTP" { 7 } else { 99 },
                    "factor_type": if factor == "OTP" { factor } else { name },
                    "is_totp": factor == "OTP",
                }],
            });
            let who = names.name_of(*holder).unwrap_or_default();
            Told::of(AUTHENTICATION, activity, Info, "proved", format!("{holder} ({who}) showed a {name}: {purpose}"))
                .with(fields)
                .and(json!({"purpose": purpose}))
        }
        Change::AuthenticatorDisabled { holder } => {
            let what = "must enrol anew: too many wrong codes";
            account(names, *holder, Activity(11, "MFA Factor Disable"), High, "authenticator-disabled", what)
        }
        Change::AuthenticatorStopped { holder, recovery_codes } => {
            let what = "has an authenticator that was stopped: its codes serve no more";
            account(names, *holder, Activity(11, "MFA Factor Disable"), High, "authenticator-stopped", what)
                .and(json!({"recovery_codes_stopped": recovery_codes}))
        }

        Change::KeyAdopted { id, verifier: _, pepper: _, place, source, holder, parent, claim, folded: _ } => {
            let claim = claim.as_ref().map(ToString::to_string);
            Told::of(
                ENTITY,
                CREATE,
                Info,
                "key-adopted",
                format!("key {id} is known, first seen from {source} at {place}"),
            )
            .with(json!({
                "entity": entity(names, *id, None, *holder, "API key"),
                "src_endpoint": {"ip": source.to_canonical().to_string()},
            }))
            .and(json!({"place": place, "parent": parent, "claim": claim}))
        }
        Change::ImportBegan { keys, list } => {
            thing(CREATE, Info, "import-began", "import of keys", format!("{keys} keys come in from a list"))
                .and(json!({"keys": keys, "list": list.to_string()}))
        }
        Change::KeyImported { id, verifier: _, pepper: _, name, holder, place, scopes, born, end } => {
            Told::of(ENTITY, CREATE, Info, "key-imported", format!("key {id} is known by a list from elsewhere"))
                .with(json!({"entity": entity(names, *id, name.as_deref(), *holder, "API key")}))
                .and(json!({"place": place, "scopes": scopes, "born": born, "end": end}))
        }
        Change::KeyRepeppered { key: id, verifier: _, pepper: _, folded: _ } => {
            key(names, *id, UPDATE, Info, "key-repeppered", "is kept with the pepper in use")
        }
        Change::KeyIdentified { key: id, holder, two_factor, scopes, end } => {
            key(names, *id, UPDATE, Info, "key-identified", format_args!("is {holder}'s, as the API says"))
                .and(json!({"holder": holder, "two_factor": two_factor, "scopes": scopes, "end": end}))
        }
        Change::KeyNamed { key: id, name, holder } => {
            key(names, *id, UPDATE, Info, "key-named", "is described anew").and(json!({"name": name, "holder": holder}))
        }
        Change::KeyEndSet { key: id, end } => {
            key(names, *id, UPDATE, Info, "key-end-set", format_args!("ends at {end}")).and(json!({"end": end}))
        }
        Change::KeyWarned { key: id, end, before } => {
            key(names, *id, UPDATE, Info, "key-warned", format_args!("ends at {end}, as its people were told"))
                .and(json!({"end": end, "before": before.to_string()}))
        }
        Change::KeyEndPutOff { key: id, until } => {
            key(names, *id, UPDATE, Warning, "key-end-put-off", "goes on beyond its end: its people could not be told")
                .and(json!({"until": until}))
        }
        Change::KeyEnded { key: id, end } => {
            key(names, *id, DEACTIVATE, Info, "key-ended", "has ended").and(json!({"end": end}))
        }
        Change::KeyDisabled { key: id, why } => {
            key(names, *id, DISABLE, Warning, "key-disabled", format_args!("does not work for now: {why}"))
                .and(json!({"why": why}))
        }
        Change::KeyEnabled { key: id } => key(names, *id, ENABLE, Info, "key-enabled", "works again"),
        Change::KeyForgotten { key: id } => key(names, *id, DELETE, Info, "key-forgotten", "is not known any more"),
        Change::HeaderClosed { key: id } => {
            key(names, *id, UPDATE, Warning, "header-closed", "may send no more codes: too many were wrong")
        }
        Change::KeyIssued { id, verifier: _, pepper: _, name, holder, parent, scope, limits, end } => {
            Told::of(ENTITY, CREATE, Info, "key-issued", format!("key {id} is issued to {holder}: {}", scope.powers))
                .with(json!({"entity": entity(names, *id, name.as_deref(), Some(*holder), "API key")}))
                .and(json!({"parent": parent, "scope": scope_of(scope), "limits": limits_of(limits), "end": end}))
        }
        Change::KeyStandsFor { key: id, operation, upstream } => {
            key(names, *id, UPDATE, Info, "key-stands-for", format_args!("stands for what `{operation}` made"))
                .and(json!({"operation": operation, "upstream": upstream}))
        }
        Change::KeyRevoked { key: id, why } => {
            key(names, *id, DELETE, Warning, "key-revoked", format_args!("never works again: {why}"))
                .and(json!({"why": why}))
        }
        Change::KeyNarrowed { key: id, scope } => {
            key(names, *id, UPDATE, Info, "key-narrowed", format_args!("may do no more than {} now", scope.powers))
                .and(json!({"scope": scope_of(scope)}))
        }
        Change::KeyWidened { key: id } => {
            key(names, *id, UPDATE, Warning, "key-widened", "reaches as far as before it was narrowed")
        }
        Change::KeyKnownAs { key: id, upstream } => {
            key(names, *id, UPDATE, Info, "key-known-as", "has a name at the API").and(json!({"upstream": upstream}))
        }
        Change::KeyDeadAbroad { key: id } => {
            key(names, *id, UPDATE, Info, "key-dead-abroad", "is revoked at the API, too, or gone there")
        }
        Change::KeyAliveAbroad { key: id, why } => {
            let what = format!("is revoked here, and lives on at the API: {why}");
            key(names, *id, UPDATE, High, "key-alive-abroad", what).and(json!({"why": why}))
        }
        Change::KeySucceeds { key: id, of, grace } => {
            key(names, *id, UPDATE, Info, "key-succeeds", format_args!("is made to take the place of {of}"))
                .and(json!({"of": of, "grace": grace.to_string()}))
        }
        Change::KeyTookOver { key: id, of, until } => {
            key(names, *id, ACTIVATE, Info, "key-took-over", format_args!("has taken the place of {of}"))
                .and(json!({"of": of, "until": until}))
        }
        Change::KeyRetired { key: id } => key(names, *id, DEACTIVATE, Info, "key-retired", "is retired"),
        Change::KeyContained { key: id, step, powers, until, why } => {
            let severity = if step.contains() { High } else { Warning };
            key(names, *id, DISABLE, severity, "key-contained", format_args!("is contained ({step}): {why}"))
                .and(json!({"step": step, "powers": words(*powers), "until": until, "why": why}))
        }
        Change::KeyLifted { key: id, up_to, calm } => {
            key(names, *id, ENABLE, Info, "key-lifted", "is not contained any more")
                .and(json!({"up_to": up_to, "calm": calm}))
        }
        Change::CanaryIssued { id, verifier: _, pepper: _, name, holder, folded: _ } => {
            Told::of(ENTITY, CREATE, Info, "canary-issued", format!("canary {id} lies at {holder}"))
                .with(json!({"entity": entity(names, *id, Some(name), Some(*holder), "canary")}))
        }
        Change::CanaryEnded { id } => {
            Told::of(ENTITY, DELETE, Info, "canary-ended", format!("canary {id} is watched no more"))
                .with(json!({"entity": entity(names, *id, None, None, "canary")}))
        }

        Change::DrillBegun {
            key: id,
            verifier: _,
            pepper: _,
            scenario,
            holder,
            like,
            bounds: _,
            canary,
            reads_pass,
            end,
        } => {
            let name = format!("DRILL {scenario}");
            let (kind, what) = match canary {
                true => ("drill canary", format!("canary {id} is laid out")),
                false => ("drill key", format!("key {id} is played stolen")),
            };
            Told::of(ENTITY, CREATE, Info, "drill-begun", format!("DRILL {scenario}: {what}"))
                .with(json!({"entity": entity(names, *id, Some(&name), Some(*holder), kind)}))
                .and(json!({"scenario": scenario, "like": like, "reads_pass": reads_pass, "end": end}))
        }
        Change::DrillMinted { key: id, verifier: _, pepper: _, parent } => {
            Told::of(ENTITY, CREATE, Info, "drill-minted", format!("DRILL: a call with {parent} made key {id}"))
                .with(json!({"entity": entity(names, *id, None, None, "drill key")}))
                .and(json!({"parent": parent}))
        }
        Change::DrillEnded { key: id, card } => {
            Told::of(ENTITY, DELETE, Info, "drill-ended", format!("DRILL: {id} is over"))
                .with(json!({"entity": entity(names, *id, None, None, "drill key")}))
                .and(json!({"card": card}))
        }

        Change::KeyRequested { id, person, wish, until } => {
            let Wish { name, holder, scope, limits, lifetime, reason } = wish;
            access(other("Request"), "key-requested", format!("{id}: {person} asks for a key for {holder}: {reason}"))
                .with(json!({"user": names.user(*holder), "privileges": privileges(scope)}))
                .and(json!({
                    "request": id,
                    "name": name,
                    "scope": scope_of(scope),
                    "limits": limits_of(limits),
                    "lifetime": lifetime.to_string(),
                    "reason": reason,
                    "until": until,
                }))
        }
        Change::KeyRequestGranted { id, grant } => {
            let Grant { by, scope, limits, lifetime, until } = grant;
            access(ASSIGN, "key-request-granted", format!("{id} is granted by {by}"))
                .with(json!({"user": names.asker(*id).unwrap_or_else(nobody), "privileges": privileges(scope)}))
                .and(json!({
                    "request": id,
                    "by": by,
                    "scope": scope_of(scope),
                    "limits": limits_of(limits),
                    "lifetime": lifetime.to_string(),
                    "until": until,
                }))
        }
        Change::KeyRequestDenied { id, why } => {
            access(other("Deny"), "key-request-denied", format!("{id} is denied: {why}"))
                .with(json!({
                    "user": names.asker(*id).unwrap_or_else(nobody),
                    "privileges": ["none"],
                    "status_detail": why,
                }))
                .and(json!({"request": id, "why": why}))
        }
        Change::KeyRequestCollected { id, key } => {
            access(ASSIGN, "key-request-collected", format!("{id}: key {key} was made"))
                .with(json!({
                    "user": names.asker(*id).unwrap_or_else(nobody),
                    "privileges": [format!("key {key}")],
                    "resource": {"uid": key, "type": "API key"},
                }))
                .and(json!({"request": id, "key": key}))
        }

        Change::Asked { id, question: asked } => {
            // What binds the answer to the request is a digest of a secret, among others.
            let Question { key, binding: _, operation, powers, missing, source, until, .. } = asked;
            let Question { known_source, usual_source, unjudged, .. } = asked;
            let holder = names.holder_of(*key);
            Told::of(SESSION, other("Ask"), Info, "asked", format!("{id}: {operation} by {key} waits for {missing}"))
                .with(json!({
                    "user": holder.map_or_else(nobody, |holder| names.user(holder)),
                    "privileges": if powers.is_empty() { vec!["unknown"] } else { words(*powers) },
                    "session": {"uid": id, "credential_uid": key, "expiration_time": until.as_millisecond()},
                    "src_endpoint": {"ip": source.to_canonical().to_string()},
                }))
                .and(json!({
                    "operation": operation,
                    "missing": missing.iter().map(law::Factor::word).collect::<Vec<_>>(),
                    "known_source": known_source,
                    "usual_source": usual_source,
                    "unjudged": unjudged,
                }))
        }
        Change::Approved { challenge, approval, person } => {
            question(names, *challenge, ASSIGN, Info, "approved", "has a person's yes")
                .and(json!({"approval": approval, "person": person}))
        }
        Change::Denied { challenge, not_me } => {
            let (severity, what) =
                if *not_me { (High, "was not its person's") } else { (Warning, "has a person's no") };
            question(names, *challenge, other("Deny"), severity, "denied", what).and(json!({"not_me": not_me}))
        }
        Change::Spent { challenge, call } => {
            question(names, *challenge, other("Spend"), Info, "spent", "went on with the yes")
                .and(json!({"call": call}))
        }
        Change::Covered { challenge, approval } => {
            question(names, *challenge, other("Cover"), Info, "covered", "needs no answer: another yes covers its call")
                .and(json!({"approval": approval}))
        }

        Change::UpstreamCredentialSet {} => {
            let what = "the gate's own credential for the API was set".to_owned();
            thing(UPDATE, Warning, "upstream-credential-set", "credential of the upstream", what)
        }
        Change::LawLoaded { digest, page: _ } => {
            policy(ACTIVATE, Info, "law-loaded", "law", *digest, "is in force from now on")
        }
        Change::ObservingEnded { day } => {
            let fields = json!({"entity": {"name": "law", "type_id": 5, "type": "Policy"}});
            let what = format!("guards that only observed until {day} bind from now on");
            Told::of(ENTITY, ACTIVATE, Info, "observing-ended", what).with(fields).and(json!({"day": day}))
        }
        Change::LawWaits { digest, page: _, weaker } => {
            policy(other("Wait"), High, "law-waits", "law", *digest, "is weaker somewhere and waits for a person")
                .and(json!({"weaker": weaker.iter().take(MOST_WEAKER).collect::<Vec<_>>()}))
        }
        Change::PostureLoaded { digest, files } => {
            policy(ACTIVATE, Info, "posture-loaded", "posture", *digest, "is in force from now on").and(files_of(files))
        }
        Change::PostureWaits { digest, files, page: _, weaker } => {
            let what = "makes something easier and waits for a person";
            let parts = weaker
                .iter()
                .take(MOST_WEAKER)
                .map(|Weaker { what, from, to }| json!({"what": what, "in_force": from, "written": to}));
            let mut unmapped = files_of(files);
            if let Value::Object(unmapped) = &mut unmapped {
                unmapped.insert("weaker".to_owned(), parts.collect());
            }
            policy(other("Wait"), High, "posture-waits", "posture", *digest, what).and(unmapped)
        }
        Change::PostureRefused { digest } => {
            policy(other("Refuse"), Info, "posture-refused", "posture", *digest, "that waited was refused")
        }
        Change::CatalogueObeyed { digest, operations } => {
            policy(ACTIVATE, Info, "catalogue-obeyed", "catalogue", *digest, "is obeyed from now on")
                .and(json!({"operations": operations}))
        }
        Change::ShelfBound {} => {
            let what = "what is sealed beside the ledger is bound to it from now on".to_owned();
            thing(UPDATE, Info, "shelf-bound", "state", what)
        }
        Change::StateRestored { taken, newest_key } => {
            let what = format!("the state was restored from a backup of {taken}");
            thing(other("Restore"), High, "state-restored", "state", what)
                .and(json!({"taken": taken, "newest_key": newest_key}))
        }
        Change::RecordTrimmed { what, part } => {
            let message = format!("part of the record was removed: {what}");
            let told = Told::of(LOG_ACTIVITY, Activity(2, "Delete"), Warning, "record-trimmed", message)
                .with(json!({"log_name": "record", "status_detail": what}));
            match part {
                Some(RecordPart { of, number }) => told.and(json!({"record": of, "number": number})),
                None => told,
            }
        }
    }
}

fn access(activity: Activity, code: &'static str, message: String) -> Told {
    Told::of(ACCESS, activity, Info, code, message)
}

/// A key or a canary that is new: what is said of it is all that is known.
fn entity(names: Names<'_>, id: KeyId, name: Option<&str>, holder: Option<HolderId>, kind: &str) -> Value {
    json!({
        "uid": id,
        "name": name,
        "type_id": 99,
        "type": kind,
        "user": holder.map(|holder| names.user(holder)),
    })
}

fn answerers(kind: HolderKind, owner: Option<HolderId>, deputies: &[HolderId], administrator: bool) -> Value {
    json!({"kind": kind.word(), "owner": owner, "deputies": deputies, "administrator": administrator})
}

fn privileges(scope: &Scope) -> Vec<&'static str> {
    let words = words(scope.powers);
    if words.is_empty() { vec!["none"] } else { words }
}

fn scope_of(scope: &Scope) -> Value {
    let Scope { powers, operations, sources } = scope;
    json!({"powers": words(*powers), "operations": operations, "sources": sources})
}

fn limits_of(limits: &[Limit]) -> Vec<String> {
    limits.iter().map(ToString::to_string).collect()
}

fn files_of(files: &Files) -> Value {
    let Files { config, lock, document } = files;
    json!({"config": config.to_string(), "lock": lock.to_string(), "document": document.to_string()})
}

#[cfg(test)]
mod tests;
