//! The rest of the office: audit log, jobs, webhooks, and a door that somebody forgot.

use axum::{
    Json,
    extract::State,
    http::{
        StatusCode,
        uri::{Scheme, Uri},
    },
    response::IntoResponse,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Company,
    access::{Caller, Scope},
    books::{Action, Books},
    errors::{Body, Error, Named},
    invoices::Status,
};

/// A line of the audit log.
#[derive(Clone, Serialize)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) user: String,
    /// `session`, or the key's id.
    pub(super) via: String,
    pub(super) action: &'static str,
    pub(super) subject: String,
}

pub(super) async fn audit_log(State(company): State<Company>, caller: Caller) -> Result<Json<Vec<Entry>>, Error> {
    caller.needs(Scope::AuditRead)?;
    Ok(Json(company.books().audit_log.clone()))
}

#[derive(Clone, Serialize)]
pub(super) struct Job {
    id: String,
    kind: JobKind,
    started_at: Timestamp,
    started_by: String,
    result: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum JobKind {
    CountOpen,
    FindOverdue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJob {
    kind: JobKind,
}

impl JobKind {
    /// The jobs are small: they are done when the answer leaves.
    fn run(self, books: &Books, now: Timestamp) -> String {
        let open = books.invoices.iter().filter(|invoice| invoice.status == Status::Open);
        match self {
            Self::CountOpen => {
                let (count, cents) = open.fold((0_u64, 0_u64), |(count, cents), invoice| {
                    (count + 1, cents.saturating_add(invoice.amount_cents))
                });
                format!("{count} invoices are open, {} euros in all", cents / 100)
            }
            Self::FindOverdue => {
                let today = now.to_zoned(TimeZone::UTC).date();
                format!("{} invoices are overdue", open.filter(|invoice| invoice.due < today).count())
            }
        }
    }
}

pub(super) async fn start_job(
    State(company): State<Company>,
    caller: Caller,
    Body(NewJob { kind }): Body<NewJob>,
) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::JobsRun)?;
    let now = Timestamp::now();
    let mut books = company.books();
    let result = kind.run(&books, now);
    let job = Job { id: books.fresh_id("job"), kind, started_at: now, started_by: caller.user.clone(), result };
    books.note(&caller, Action::JobStarted, &job.id);
    books.jobs.push(job.clone());
    Ok((StatusCode::CREATED, Json(job)))
}

pub(super) async fn list_jobs(State(company): State<Company>, caller: Caller) -> Result<Json<Vec<Job>>, Error> {
    caller.needs(Scope::InvoicesRead)?;
    Ok(Json(company.books().jobs.clone()))
}

pub(super) async fn show_job(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<Job>, Error> {
    caller.needs(Scope::InvoicesRead)?;
    let books = company.books();
    let job = books.jobs.iter().find(|job| job.id == id);
    Ok(Json(job.cloned().ok_or(Error::Missing("job", id))?))
}

/// An address to be called. This company is made up and calls nobody.
#[derive(Clone, Serialize)]
pub(super) struct Webhook {
    id: String,
    url: String,
    created_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    url: String,
}

pub(super) async fn list_webhooks(State(company): State<Company>, caller: Caller) -> Result<Json<Vec<Webhook>>, Error> {
    caller.needs(Scope::WebhooksManage)?;
    Ok(Json(company.books().webhooks.clone()))
}

pub(super) async fn add_webhook(
    State(company): State<Company>,
    caller: Caller,
    Body(NewWebhook { url }): Body<NewWebhook>,
) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::WebhooksManage)?;
    let is_https = url.parse::<Uri>().is_ok_and(|url| url.scheme() == Some(&Scheme::HTTPS));
    if !is_https {
        return Err(Error::Invalid("`url` is no `https` address"));
    }
    let mut books = company.books();
    let webhook = Webhook { id: books.fresh_id("webhook"), url, created_at: Timestamp::now() };
    books.note(&caller, Action::WebhookAdded, &webhook.id);
    books.webhooks.push(webhook.clone());
    Ok((StatusCode::CREATED, Json(webhook)))
}

pub(super) async fn remove_webhook(
    State(company): State<Company>,
    caller: Caller,
    Named(id): Named,
) -> Result<StatusCode, Error> {
    caller.needs(Scope::WebhooksManage)?;
    let mut books = company.books();
    let before = books.webhooks.len();
    books.webhooks.retain(|webhook| webhook.id != id);
    if books.webhooks.len() == before {
        return Err(Error::Missing("webhook", id));
    }
    books.note(&caller, Action::WebhookRemoved, id);
    Ok(StatusCode::NO_CONTENT)
}

/// Left behind by somebody who tried things out. The document does not know it, and anyone who
/// is let in at all may wipe the books and the audit log with it. It is here on purpose: what
/// nobody described can do everything.
pub(super) async fn reset(State(company): State<Company>, _: Caller) -> StatusCode {
    company.reset();
    StatusCode::NO_CONTENT
}
