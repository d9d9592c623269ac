//! Everything the company has written down, and how it came to look the way it does.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{
    access::{Caller, Role, Scope, Session},
    cast::{self, Cast, Login},
    dice::Dice,
    errors::Error,
    events::Events,
    invoices::{Invoice, Status},
    keys::Key,
    office::{Entry, Job, Webhook},
    people::User,
};

/// How many invoices there are at the beginning.
pub(super) const INVOICES: u32 = 4_127;

/// Newest last, in every list.
pub(super) struct Books {
    pub(super) users: Vec<User>,
    pub(super) sessions: Vec<Session>,
    pub(super) keys: Vec<Key>,
    pub(super) invoices: Vec<Invoice>,
    pub(super) audit_log: Vec<Entry>,
    pub(super) jobs: Vec<Job>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) events: Events,
    /// The last number given to a key, a job or a webhook. None is given twice.
    number: u32,
}

/// What the audit log and the events tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    LoggedIn,
    InvoiceCreated,
    InvoicePaid,
    InvoicesExported,
    UserInvited,
    UserDeleted,
    RoleChanged,
    EmailChanged,
    TwoFactorTurnedOff,
    KeyCreated,
    KeyDeleted,
    JobStarted,
    WebhookAdded,
    WebhookRemoved,
}

impl Action {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::LoggedIn => "user.logged_in",
            Self::InvoiceCreated => "invoice.created",
            Self::InvoicePaid => "invoice.paid",
            Self::InvoicesExported => "invoices.exported",
            Self::UserInvited => "user.invited",
            Self::UserDeleted => "user.deleted",
            Self::RoleChanged => "user.role_changed",
            Self::EmailChanged => "user.email_changed",
            Self::TwoFactorTurnedOff => "user.two_factor_turned_off",
            Self::KeyCreated => "key.created",
            Self::KeyDeleted => "key.deleted",
            Self::JobStarted => "job.started",
            Self::WebhookAdded => "webhook.added",
            Self::WebhookRemoved => "webhook.removed",
        }
    }

    /// Whether everyone who may read invoices may hear of it.
    const fn is_told(self) -> bool {
        matches!(self, Self::InvoiceCreated | Self::InvoicePaid | Self::JobStarted)
    }
}

impl Books {
    /// Writes an action into the audit log, and tells those who follow the events.
    pub(super) fn note(&mut self, caller: &Caller, action: Action, subject: impl fmt::Display) {
        let entry = Entry {
            at: Timestamp::now(),
            user: caller.user.clone(),
            via: caller.via.to_string(),
            action: action.word(),
            subject: subject.to_string(),
        };
        if action.is_told() {
            self.events.tell(&entry);
        }
        self.audit_log.push(entry);
    }

    /// A name that nothing else in the books has, such as `key-7`.
    pub(super) fn fresh_id(&mut self, what: &str) -> String {
        self.number = self.number.saturating_add(1);
        format!("{what}-{}", self.number)
    }

    pub(super) fn user(&self, id: &str) -> Result<&User, Error> {
        self.users.iter().find(|user| user.id == id).ok_or_else(|| Error::Missing("user", id.to_owned()))
    }

    pub(super) fn user_mut(&mut self, id: &str) -> Result<&mut User, Error> {
        self.users.iter_mut().find(|user| user.id == id).ok_or_else(|| Error::Missing("user", id.to_owned()))
    }

    pub(super) fn key(&self, id: &str) -> Result<&Key, Error> {
        self.keys.iter().find(|key| key.id == id).ok_or_else(|| Error::Missing("key", id.to_owned()))
    }

    /// The company on the day that the demo starts. The same seed and time make the same one.
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        let Cast { odile, bram, tilly, month_end, pay_run, shop_window, rest: mut dice } = Cast::new(seed);
        let mut books = Self {
            users: vec![
                User::new("odile", "Odile Wickersby", Role::Admin, odile),
                User::new("bram", "Bram Aldous", Role::Accountant, bram),
                User::new("tilly", "Tilly Marsh", Role::Viewer, tilly),
            ],
            sessions: Vec::new(),
            keys: Vec::new(),
            invoices: invoices(&mut dice, now.to_zoned(TimeZone::UTC).date()),
            audit_log: Vec::new(),
            jobs: Vec::new(),
            webhooks: Vec::new(),
            events: Events::default(),
            number: 0,
        };
        for (id, name, role, two_factor) in OTHERS {
            books.users.push(User::new(id, name, role, Login::new(id, two_factor, &mut dice)));
        }

        use Scope::*;
        let days_ago = |days: i64| back(now, days);
        let admin = Role::Admin.scopes();
        let mut add = |name: &str, owner: &str, scopes: BTreeSet<Scope>, secret: &str, born, used| {
            let id = books.fresh_id("key");
            let mut key = Key::new(id, name.to_owned(), owner.to_owned(), scopes, secret, days_ago(born));
            key.last_used_at = Some(days_ago(used));
            books.keys.push(key);
        };
        add("month-end", "odile", admin.clone(), &month_end, 1_312, 24);
        add("pay-run", "bram", [InvoicesRead, InvoicesPay, InvoicesExport].into(), &pay_run, 611, 1);
        add("shop-window", "bram", [InvoicesRead].into(), &shop_window, 958, 0);
        // Nobody remembers these two.
        add("old laptop", "hester", admin, &cast::key(&mut dice), 2_204, 1_377);
        add("test test test", "jonty", [InvoicesRead, KeysManage].into(), &cast::key(&mut dice), 760, 760);
        books.audit_log = past(&mut dice, now);
        books
    }
}

/// Everybody whom the scene does not speak of.
const OTHERS: [(&str, &str, Role, bool); 9] = [
    ("hester", "Hester Wickersby", Role::Admin, true),
    ("augustine", "Augustine Poole", Role::Accountant, true),
    ("maud", "Maud Ferriby", Role::Accountant, true),
    ("jonty", "Jonty Skerritt", Role::Viewer, false),
    ("ines", "Inês Cabral", Role::Viewer, true),
    ("wilf", "Wilfred Oake", Role::Viewer, false),
    ("sunniva", "Sunniva Holm", Role::Viewer, true),
    ("perpetua", "Perpetua Gray", Role::Viewer, false),
    ("ned", "Ned Thrale", Role::Viewer, true),
];

/// Who sends the company invoices, and the account that it pays them to.
const SUPPLIERS: [(&str, &str); 16] = [
    ("Gannet Point Glassworks", "ZZ41 GANN 0000 1871 04"),
    ("Old Hob Ropewalk", "ZZ07 OLDH 0000 2210 93"),
    ("Brine & Bellows, foghorn makers", "ZZ88 BRIN 0000 7345 11"),
    ("Sisters of the Lamp Oil", "ZZ19 SIST 0000 0902 57"),
    ("Cormorant Courier Boats", "ZZ52 CORM 0000 6618 30"),
    ("The Widow Tarrant's Wicks", "ZZ36 WIDO 0000 4471 82"),
    ("Marram Bank Brassfounders", "ZZ63 MARR 0000 9127 45"),
    ("Penhallow Paint & Limewash", "ZZ70 PENH 0000 3356 28"),
    ("Nine Fathom Chain", "ZZ14 NINE 0000 8090 66"),
    ("Spindrift Oilskins", "ZZ95 SPIN 0000 5512 09"),
    ("Halloran, clockmaker", "ZZ28 HALL 0000 1184 73"),
    ("Ebb & Daughters Biscuit Co.", "ZZ81 EBBD 0000 7763 51"),
    ("Storm Petrel Weather Bureau", "ZZ44 STOR 0000 2039 97"),
    ("Quillon Ladders", "ZZ59 QUIL 0000 6402 14"),
    ("Selkie Wool", "ZZ02 SELK 0000 9875 38"),
    ("Harbour Board of Little Wrack", "ZZ77 HARB 0000 3021 60"),
];

const ITEMS: [&str; 20] = [
    "Fresnel prisms, third order",
    "lamp oil, forty barrels",
    "foghorn reeds, deep",
    "rope, tarred, nine strands",
    "wicks, plaited",
    "brass polish",
    "oilskins for a keeper, size \"giant\"",
    "limewash, two coats",
    "clockwork for a rotating lens",
    "ship's biscuit, keeper's grade",
    "storm warnings, a quarter",
    "anchor chain, ninety fathoms",
    "a ladder of 212 rungs",
    "wool, grey, for long nights",
    "mooring dues",
    "passage for a piano tuner",
    "glass for the gallery, storm-proof",
    "red sector shades",
    "a barometer and its mending",
    "letters to and from the rock",
];

/// Three years of them. The last few weeks' are open, and a handful was forgotten.
fn invoices(dice: &mut Dice, today: Date) -> Vec<Invoice> {
    (1..=INVOICES)
        .map(|number| {
            let age = i64::from(INVOICES - number) * 1_095 / i64::from(INVOICES);
            let issued = today.saturating_sub(age.days());
            let (supplier, account) = usize::try_from(dice.below(SUPPLIERS.len() as u64))
                .ok()
                .and_then(|place| SUPPLIERS.get(place).copied())
                .unwrap_or_default();
            let item = dice.pick(&ITEMS);
            let paid = age > 35 && dice.below(200) > 0;
            Invoice {
                number: Invoice::name(number),
                supplier: supplier.to_owned(),
                account: account.to_owned(),
                item: item.to_owned(),
                amount_cents: 100 + dice.below(1_000) * dice.below(1_000),
                status: if paid { Status::Paid } else { Status::Open },
                issued,
                due: issued.saturating_add(30.days()),
            }
        })
        .collect()
}

/// What happened in the months before, so that the audit log is worth taking.
fn past(dice: &mut Dice, now: Timestamp) -> Vec<Entry> {
    const COUNT: i64 = 240;
    (0..COUNT)
        .map(|nth| {
            let at = back(now, (COUNT - nth) / 2 + 1);
            let logged_in = dice.below(3) > 0;
            let (user, via, action, subject) = if logged_in {
                let user = dice.pick(&["odile", "bram", "hester", "maud", "augustine"]);
                (user, "session", Action::LoggedIn, user.to_owned())
            } else {
                let number = INVOICES.saturating_sub(u32::try_from(dice.below(400)).unwrap_or(0));
                ("bram", "key-2", Action::InvoicePaid, Invoice::name(number))
            };
            Entry { at, user: user.to_owned(), via: via.to_owned(), action: action.word(), subject }
        })
        .collect()
}

/// That many days before; at the edge of time, the edge.
fn back(now: Timestamp, days: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(days * 24)).unwrap_or(Timestamp::MIN)
}
