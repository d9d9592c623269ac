//! Invoices that suppliers sent: the company reads, pays and exports them.

use std::fmt::Write as _;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST, LINK},
        uri::Authority,
    },
    response::IntoResponse,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Company,
    access::{Caller, Scope},
    books::Action,
    errors::{Asked, Body, Error, Named},
};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const CURRENCY: &str = "EUR";

#[derive(Clone, Serialize)]
pub(super) struct Invoice {
    pub(super) number: String,
    pub(super) supplier: String,
    /// Where the money goes.
    pub(super) account: String,
    pub(super) item: String,
    /// In euro cents.
    pub(super) amount_cents: u64,
    pub(super) status: Status,
    pub(super) issued: Date,
    pub(super) due: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Open,
    Paid,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
        }
    }
}

impl Invoice {
    /// Its name, such as `W-00042`.
    pub(super) fn name(number: u32) -> String {
        format!("W-{number:05}")
    }
}

/// Which page of which invoices.
#[derive(Deserialize)]
pub(super) struct Pages {
    #[serde(default = "first")]
    page: usize,
    #[serde(default = "usual")]
    per_page: usize,
    status: Option<Status>,
}

const fn first() -> usize {
    1
}

const fn usual() -> usize {
    25
}

/// Newest first. `Link` leads on with absolute addresses of the host that was asked.
pub(super) async fn list(
    State(company): State<Company>,
    caller: Caller,
    Asked(pages): Asked<Pages>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::InvoicesRead)?;
    let Pages { page, per_page, status } = pages;
    if !(1..=1_000_000).contains(&page) || !(1..=100).contains(&per_page) {
        return Err(Error::Invalid("`page` is from 1 to 1000000, `per_page` from 1 to 100"));
    }
    let books = company.books();
    let fits = |invoice: &&Invoice| status.is_none_or(|status| invoice.status == status);
    let total = books.invoices.iter().filter(fits).count();
    let skipped = (page - 1) * per_page;
    let rows: Vec<Invoice> = books.invoices.iter().rev().filter(fits).skip(skipped).take(per_page).cloned().collect();

    let last = total.div_ceil(per_page).max(1);
    let mut query = format!("per_page={per_page}");
    if let Some(status) = status {
        query = format!("{query}&status={}", status.word());
    }
    let base = format!("{}/v1/invoices?{query}", origin(&headers));
    let mut links = vec![format!("<{base}&page=1>; rel=\"first\""), format!("<{base}&page={last}>; rel=\"last\"")];
    if page > 1 {
        links.push(format!("<{base}&page={}>; rel=\"prev\"", last.min(page - 1)));
    }
    if page < last {
        links.push(format!("<{base}&page={}>; rel=\"next\"", page + 1));
    }
    Ok(([(LINK, links.join(", ")), (TOTAL_COUNT, total.to_string())], Json(rows)))
}

/// The address that the client called, where its `Host` is one; else none, and links are relative.
fn origin(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(|host| host.parse::<Authority>().ok());
    host.map(|host| format!("http://{host}")).unwrap_or_default()
}

pub(super) async fn show(
    State(company): State<Company>,
    caller: Caller,
    Named(number): Named,
) -> Result<Json<Invoice>, Error> {
    caller.needs(Scope::InvoicesRead)?;
    let books = company.books();
    let invoice = books.invoices.iter().find(|invoice| invoice.number == number);
    Ok(Json(invoice.cloned().ok_or(Error::Missing("invoice", number))?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvoice {
    supplier: String,
    account: String,
    item: String,
    amount_cents: u64,
    due: Date,
}

pub(super) async fn create(
    State(company): State<Company>,
    caller: Caller,
    Body(new): Body<NewInvoice>,
) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::InvoicesWrite)?;
    let NewInvoice { supplier, account, item, amount_cents, due } = new;
    if !(1..=1_000_000_000).contains(&amount_cents) {
        return Err(Error::Invalid("`amount_cents` is from 1 to 1000000000"));
    }
    let mut books = company.books();
    // Invoices are never deleted, so the next number is free.
    let number = u32::try_from(books.invoices.len()).unwrap_or(u32::MAX).saturating_add(1);
    let invoice = Invoice {
        number: Invoice::name(number),
        supplier,
        account,
        item,
        amount_cents,
        status: Status::Open,
        issued: Timestamp::now().to_zoned(TimeZone::UTC).date(),
        due,
    };
    books.note(&caller, Action::InvoiceCreated, &invoice.number);
    books.invoices.push(invoice.clone());
    Ok((StatusCode::CREATED, Json(invoice)))
}

#[derive(Serialize)]
pub(super) struct Payment {
    invoice: String,
    account: String,
    amount_cents: u64,
    currency: &'static str,
    paid_at: Timestamp,
}

/// An invoice is paid once.
pub(super) async fn pay(
    State(company): State<Company>,
    caller: Caller,
    Named(number): Named,
) -> Result<Json<Payment>, Error> {
    caller.needs(Scope::InvoicesPay)?;
    let mut books = company.books();
    let Some(invoice) = books.invoices.iter_mut().find(|invoice| invoice.number == number) else {
        return Err(Error::Missing("invoice", number));
    };
    if invoice.status == Status::Paid {
        return Err(Error::Conflict("this invoice is paid"));
    }
    invoice.status = Status::Paid;
    let payment = Payment {
        invoice: number,
        account: invoice.account.clone(),
        amount_cents: invoice.amount_cents,
        currency: CURRENCY,
        paid_at: Timestamp::now(),
    };
    books.note(&caller, Action::InvoicePaid, &payment.invoice);
    Ok(Json(payment))
}

/// All of them, with the suppliers' accounts.
pub(super) async fn export(State(company): State<Company>, caller: Caller) -> Result<impl IntoResponse, Error> {
    caller.needs(Scope::InvoicesExport)?;
    let mut books = company.books();
    let mut csv = String::from("number,supplier,account,item,amount,currency,status,issued,due\r\n");
    for invoice in &books.invoices {
        let Invoice { number, supplier, account, item, amount_cents, status, issued, due } = invoice;
        let (supplier, account, item) = (cell(supplier), cell(account), cell(item));
        let (euros, cents, status) = (amount_cents / 100, amount_cents % 100, status.word());
        // Writing to a String cannot fail.
        let _ = write!(
            csv,
            "{number},{supplier},{account},{item},{euros}.{cents:02},{CURRENCY},{status},{issued},{due}\r\n"
        );
    }
    let rows = books.invoices.len();
    books.note(&caller, Action::InvoicesExported, format_args!("{rows} rows"));
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, "attachment; filename=\"invoices.csv\"")];
    Ok((headers, csv))
}

/// RFC 4180 section 2.6: quoted where it must be.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
