//! An estate in, findings out: what keys can do without a second factor, from files alone.
//!
//! Foreign exports go in one after the other ([`Audit::read`]); each is recognised by its
//! content and read into one [`Estate`](estate::Estate) of accounts and keys. Rules look at the
//! estate, and a [`Report`](report::Report) comes out that can be written in several forms.
//!
//! This room opens no file, asks no clock and no network: inputs come as readers, time is an
//! argument. It must not know the running authority, and it never keeps what could be a secret:
//! a provider takes the columns that it knows, and nothing else.

pub mod baseline;
pub mod estate;
mod glob;
mod input;
mod log;
mod moment;
mod people;
mod provider;
pub mod report;
pub mod rules;
mod utf16;

use std::io::{self, Read};

use jiff::Timestamp;
use law::{Call, Outcome};

use crate::{estate::Estate, input::Content, log::Logs, provider::Providers, report::Report};
pub use crate::{
    input::Trouble,
    log::access::line as access_log,
    provider::inventory::{Maps, STANDARD_INPUT, UnknownColumn},
};

/// What the one who asks wants looked at, and when.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The moment of the audit: ages are counted to here.
    pub as_of: Timestamp,
    /// How old a key may be, in days.
    pub longest: u32,
    /// How long a key may lie unused, in days.
    pub idle: u32,
    /// Which column of an inventory says what, beside the names that are known.
    pub map: Maps,
}

impl Settings {
    /// Ages of 90 days, as the usual benchmarks have them.
    pub fn at(as_of: Timestamp) -> Self {
        Self { as_of, longest: 90, idle: 90, map: Maps::default() }
    }
}

/// An audit under way: inputs go in, the report comes out.
pub struct Audit {
    settings: Settings,
    providers: Providers,
    logs: Logs,
    estate: Estate,
}

impl Audit {
    /// An audit that has read nothing yet.
    pub fn new(settings: Settings) -> Self {
        let (providers, logs) = (Providers::new(settings.map.clone()), Logs::new(&settings.map));
        Self { settings, providers, logs, estate: Estate::default() }
    }

    /// Reads one input that can be read only once. What cannot be read is written down with its
    /// line and a mend, and the rest of the audit goes on. Says whether it was recognised. A log
    /// stays open, and is read when everything else has been.
    pub fn read(&mut self, name: &str, bytes: impl Read + 'static) -> bool {
        self.take(name, bytes, None::<fn() -> io::Result<Box<dyn Read>>>)
    }

    /// As [`read`](Self::read), of an input that can be opened again: a log is closed until its
    /// turn comes, so that there may be any number of them.
    pub fn open<R: Read + 'static>(&mut self, name: &str, open: impl Fn() -> io::Result<R> + 'static) -> bool {
        match open() {
            Ok(bytes) => self.take(name, bytes, Some(move || open().map(|bytes| Box::new(bytes) as Box<dyn Read>))),
            Err(error) => {
                self.unreadable(name, &format!("cannot be opened: {error}"));
                false
            }
        }
    }

    /// Takes in calls of Greave's own record, with what became of them. What its reader could not
    /// read is written down.
    pub fn calls(&mut self, name: &str, calls: impl Iterator<Item = Result<(Call, Option<Outcome>), String>>) {
        self.logs.calls(name, calls, &mut self.estate);
    }

    fn take(
        &mut self,
        name: &str,
        bytes: impl Read + 'static,
        again: Option<impl FnOnce() -> io::Result<Box<dyn Read>> + 'static>,
    ) -> bool {
        let before = self.estate.troubles.len();
        match Content::of(name, bytes) {
            Ok(content) => match (self.logs.recognise(&content), again) {
                (Some(format), Some(again)) => self.logs.put_off(format, name, again),
                (Some(format), None) => self.logs.hold(format, name, content),
                (None, _) => self.providers.read(name, content, &mut self.estate),
            },
            Err(trouble) => self.estate.troubles.push(trouble),
        }
        self.estate.troubles.len() == before
    }

    /// Writes down an input that could not even be opened.
    pub fn unreadable(&mut self, name: &str, why: &str) {
        self.estate.troubles.push(Trouble::of(name, why));
    }

    /// Reads the logs, joins everything that was read, asks the rules, and tells.
    pub fn finish(mut self) -> Report {
        self.providers.name(&mut self.estate);
        self.logs.read(&mut self.estate);
        self.logs.join(&mut self.estate, self.settings.as_of);
        self.providers.finish(&mut self.estate, self.settings.as_of);
        people::join(&mut self.estate);
        Logs::settle(&mut self.estate);
        self.estate.conceal();
        let findings = rules::look(&self.estate, &self.settings);
        Report::new(self.estate, findings, &self.settings)
    }
}
