//! Telling people: signed webhooks and mail; and telling other systems: drains.
//!
//! [`Teller::tell`] takes a [`Notice`] and returns at once; a [`Worker`] carries it over every
//! configured *way* (a webhook, the mail server), groups what would be too much for one person,
//! tries again where that helps, and shows in [`Teller::health`] what does not arrive. Telling
//! never holds a request up and never fails a caller.
//!
//! A [`Drain`] takes lines in batches and says of each batch whether it arrived; whoever drains
//! keeps what did not, and tries again.
//!
//! This room must not know what a challenge decides, where keys and holders are kept, or how a
//! person answers. It is handed finished facts without secrets, and everything a stranger could
//! have written in them (a path, a key's name) is treated as hostile to headers and to readers.

mod address;
mod asked;
mod drain;
mod found;
mod group;
mod health;
mod mail;
mod notice;
mod post;
mod retry;
mod settings;
pub mod signature;
mod teller;
mod text;
mod tls;
mod way;
mod webhook;

pub use crate::{
    asked::Asked,
    drain::{Drain, DrainError, DrainSettings, Facility, Form, Line, Undelivered, UnknownFacility},
    health::{State, WayHealth},
    notice::{Attempt, Kind, Life, Notice, NoticeId, NoticeIdError, Receipt, Recipient, UnknownKind},
    post::Post,
    retry::backoff,
    settings::{Limits, Login, Mail, Roots, Security, Settings, SettingsError, Webhook},
    teller::{Reached, Teller, Worker},
    text::foreign,
};
