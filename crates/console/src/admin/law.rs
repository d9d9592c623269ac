//! The law in force, whom enforcing would ask, and how the gate stands.

use std::sync::Arc;

use authority::{Command, Declined, Digest, Progress};
use axum::{Extension, Json, extract::State};
use jiff::{SignedDuration, Timestamp};
use law::{Answer, Attempt, Caller as LawCaller, Held, Law, Span, Verdict, Who, decide};

use super::{
    Admin,
    doors::Caller,
    json::{Body, Filter},
};
use crate::{
    Desk,
    api::{AcceptLaw, HealthView, LawView, Preview, PreviewFilter, PreviewLine, Problem},
    explain::{verdict, within},
    inventory, ruling,
    traffic::{self, Stopped},
};

/// How far back a preview looks where nothing is said.
const WEEK: Span = Span::days(7);

pub(super) async fn in_force(State(admin): State<Arc<Admin>>) -> Result<Json<LawView>, Problem> {
    Ok(Json(ruling::in_force(&admin.desk.authority, admin.desk.now()).await?))
}

pub(super) async fn accept(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(AcceptLaw { digest, proof }): Body<AcceptLaw>,
) -> Result<Json<LawView>, Problem> {
    let digest = Digest::try_from(digest).map_err(|_| Declined::NoLaw)?;
    admin.perform(&Command::AcceptLaw(digest), &caller, &proof).await?;
    Ok(Json(ruling::in_force(&admin.desk.authority, admin.desk.now()).await?))
}

pub(super) async fn refuse(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(AcceptLaw { digest, proof }): Body<AcceptLaw>,
) -> Result<Json<LawView>, Problem> {
    let digest = Digest::try_from(digest).map_err(|_| Declined::NoLaw)?;
    admin.perform(&Command::RefuseLaw(digest), &caller, &proof).await?;
    Ok(Json(ruling::in_force(&admin.desk.authority, admin.desk.now()).await?))
}

pub(super) async fn preview(
    State(admin): State<Arc<Admin>>,
    Filter(PreviewFilter { since }): Filter<PreviewFilter>,
) -> Result<Json<Preview>, Problem> {
    let (desk, folder) = (&admin.desk, admin.desk.record.clone());
    let since = ago(desk.now(), since.unwrap_or(WEEK));
    let (groups, calls, damage) = traffic::reading(move || traffic::stopped(&folder, since)).await?;
    let stopped = groups.iter().map(|group| group.calls).sum();
    let law = ruling::enforced(&desk.authority.law().law);
    let lines = groups.into_iter().map(|group| line(desk, &law, group)).collect();
    Ok(Json(Preview { since, calls, stopped, lines, damage }))
}

fn line(desk: &Desk, law: &Law, group: Stopped) -> PreviewLine {
    let Stopped { who, key, operation, powers, verdict: then, calls, first, last } = group;
    let known = key.and_then(|key| {
        desk.authority.view(|state| {
            let key = state.key(key)?;
            Some((Arc::clone(key), inventory::key_ref(state, key, desk.now())))
        })
    });
    let caller = match (&known, who) {
        (Some((key, _)), _) => LawCaller::Key(desk.authority.facts(key)),
        (None, Who::Session) => LawCaller::Session,
        (None, Who::Nobody) => LawCaller::Nobody,
        (None, Who::Key | Who::Unknown | Who::Drill | Who::DrillRead) => LawCaller::Unknown,
    };
    let catalogue = desk.catalogue.load();
    let operation_now = catalogue.named(&operation).map(|(_, operation)| operation);
    let attempt = Attempt {
        caller,
        powers: operation_now.map_or(powers, |operation| operation.powers),
        open: operation_now.is_some_and(|operation| operation.open),
        held: Held::default(),
        contained: Answer::Pass,
        at: desk.now(),
    };
    let outside = known.as_ref().and_then(|(key, _)| key.admits_from_anywhere(&operation, attempt.powers).err());
    let now: Verdict = verdict(&within(decide(law, &attempt), outside));
    let (name, holder) = known.map_or((None, None), |(_, key)| (key.name, key.holder));
    PreviewLine { who, key, name, holder, operation: operation.to_string(), powers, then, now, calls, first, last }
}

pub(super) async fn health(State(admin): State<Arc<Admin>>) -> Json<HealthView> {
    let (desk, now) = (&admin.desk, admin.desk.now());
    let law = desk.authority.law();
    let operations = desk.catalogue.load().operations().len();
    let record = ruling::record_health(desk);
    Json(desk.authority.view(|state| HealthView {
        law: law.digest.to_string(),
        observing: ruling::observing(&law.law, now),
        law_waits: state.waiting().is_some(),
        questions: state.questions().filter(|asked| asked.progress(now) == Progress::Open).count(),
        keys: state.keys().count(),
        keys_without_holder: state.keys().filter(|key| key.holder().is_none()).count(),
        operations,
        record,
        at_next_start: desk.at_next_start.load().iter().map(ToString::to_string).collect(),
        ledger_unwritten_since: desk.authority.unwritten_since(),
    }))
}

/// The moment that lies so long before now.
pub(super) fn ago(now: Timestamp, span: Span) -> Timestamp {
    now.saturating_sub(SignedDuration::from(span)).unwrap_or(Timestamp::MIN)
}
