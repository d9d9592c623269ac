//! A key with a past, for the tests of detectors.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use law::{Finding, HolderId, HolderKind, KeyId, Power, Powers, Severity};

use super::DETECTORS;
use crate::{Became, Seen, Subject, Told, Watch};

/// A watch that has seen a key for some weeks, and the next call of it.
pub(crate) struct Stage {
    pub(crate) watch: Watch,
    now: Timestamp,
    key: u64,
    source: IpAddr,
    agent: String,
    powers: Option<Powers>,
    described: Option<Powers>,
    about: Option<Vec<String>>,
    status: u16,
    rows: u64,
    findings: Vec<Finding>,
    held: bool,
    out_of_scope: bool,
    expected: bool,
    uncounted: bool,
    owner: Option<HolderId>,
    pub(crate) unusual: bool,
    pub(crate) stands: Option<Severity>,
}

impl Stage {
    fn new() -> Self {
        Self {
            watch: Watch::default(),
            now: "2026-03-02T09:00:00Z".parse().unwrap(),
            key: 1,
            source: "198.51.100.7".parse().unwrap(),
            agent: "orders-sync/2.1".to_owned(),
            powers: None,
            described: None,
            about: None,
            status: 200,
            rows: 20,
            findings: Vec::new(),
            held: false,
            out_of_scope: false,
            expected: false,
            uncounted: false,
            owner: None,
            unusual: false,
            stands: None,
        }
    }

    /// A key that reads orders in office hours, for three weeks.
    pub(crate) fn settled() -> Self {
        let mut stage = Self::new();
        stage.settle(|stage| {
            stage.call("GET /orders");
        });
        stage
    }

    /// The same, with so many rows each time.
    pub(crate) fn settled_reading(rows: u64) -> Self {
        let mut stage = Self::new();
        stage.settle(|stage| {
            stage.rows(rows).call("GET /orders");
        });
        stage
    }

    /// The same, where nobody counts rows.
    pub(crate) fn settled_uncounted() -> Self {
        let mut stage = Self::new();
        stage.uncounted();
        stage.settle(|stage| {
            stage.rows(1).call("GET /orders");
        });
        stage
    }

    /// The same, and once a day something else.
    pub(crate) fn settled_with(power: &str, operation: &str) -> Self {
        let mut stage = Self::new();
        let mut calls = 0;
        stage.settle(|stage| {
            stage.call("GET /orders");
            if calls % 8 == 0 {
                stage.powers(power).call(operation);
            }
            calls += 1;
        });
        stage
    }

    /// The same, always about one thing.
    pub(crate) fn settled_about(power: &str, operation: &str, about: &str) -> Self {
        let mut stage = Self::new();
        stage.settle(|stage| {
            stage.about(about).powers(power).call(operation);
        });
        stage
    }

    /// The same, about one of these after the other.
    pub(crate) fn settled_about_these(power: &str, operation: &str, these: &[&str]) -> Self {
        let mut stage = Self::new();
        let mut about = these.iter().cycle();
        stage.settle(|stage| {
            about.next().into_iter().for_each(|about| {
                stage.about(about).powers(power).call(operation);
            });
        });
        stage
    }

    /// The same, about another thing each time.
    pub(crate) fn settled_about_others(power: &str, operation: &str) -> Self {
        let mut stage = Self::new();
        let mut calls = 0;
        stage.settle(|stage| {
            calls += 1;
            stage.about(&calls.to_string()).powers(power).call(operation);
        });
        stage
    }

    /// A key that calls from another network each day.
    pub(crate) fn wandering() -> Self {
        let mut stage = Self::new();
        let mut calls = 0;
        stage.settle(|stage| {
            let day = calls / 8;
            stage.from(&format!("100.{day}.1.7")).call("GET /orders");
            calls += 1;
        });
        stage
    }

    /// A key that reads orders once a day, for four weeks.
    pub(crate) fn nightly() -> Self {
        let mut stage = Self::new();
        for _ in 0..28 {
            stage.after_days(1).call("GET /orders");
        }
        stage.findings.clear();
        stage.after_days(1);
        stage
    }

    /// A key that was first seen just now.
    pub(crate) fn young() -> Self {
        let mut stage = Self::new();
        stage.call("GET /orders");
        stage
    }

    /// So many keys of as many holders.
    pub(crate) fn fleet(keys: u64) -> Self {
        let mut stage = Self::new();
        stage.settle(|stage| {
            for key in 1..=keys {
                stage.key(key).call("GET /orders");
            }
        });
        stage.key(1);
        stage
    }

    fn settle(&mut self, mut each: impl FnMut(&mut Self)) {
        for _ in 0..21 {
            for _ in 0..8 {
                each(self);
                self.now += SignedDuration::from_hours(1);
            }
            self.now += SignedDuration::from_hours(16);
        }
        self.findings.clear();
        self.source = "198.51.100.7".parse().unwrap();
    }

    pub(crate) fn key(&mut self, key: u64) -> &mut Self {
        self.key = key;
        self
    }

    pub(crate) fn from(&mut self, source: &str) -> &mut Self {
        self.source = source.parse().unwrap();
        self
    }

    pub(crate) fn with(&mut self, agent: &str) -> &mut Self {
        agent.clone_into(&mut self.agent);
        self
    }

    pub(crate) fn powers(&mut self, power: &str) -> &mut Self {
        self.powers = Some(power.parse::<Power>().unwrap().into());
        self
    }

    /// The next call has this power, and asks for another protocol: then it may do everything.
    pub(crate) fn upgrade(&mut self, power: &str) -> &mut Self {
        self.powers = Some(Powers::EVERY);
        self.described = Some(power.parse::<Power>().unwrap().into());
        self
    }

    pub(crate) fn about(&mut self, subject: &str) -> &mut Self {
        self.about = Some(vec![subject.to_owned()]);
        self
    }

    pub(crate) fn about_both(&mut self, first: &str, second: &str) -> &mut Self {
        self.about = Some(vec![first.to_owned(), second.to_owned()]);
        self
    }

    pub(crate) fn answered(&mut self, status: u16) -> &mut Self {
        self.status = status;
        self
    }

    pub(crate) fn rows(&mut self, rows: u64) -> &mut Self {
        self.rows = rows;
        self
    }

    pub(crate) fn after_seconds(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self
    }

    pub(crate) fn after_days(&mut self, days: i64) -> &mut Self {
        self.after_seconds(days * 86_400)
    }

    /// So many different credentials that nobody knows are shown from where it calls.
    pub(crate) fn guesses(&mut self, credentials: u32) -> &mut Self {
        for credential in 0..credentials {
            let guess = crate::Guess { call: None, source: self.source, credential: Some(credential) };
            self.findings.extend(self.watch.guessed(&guess, self.now));
        }
        self
    }

    /// The next call; what was said of powers, subject, answer and rows is for this one only.
    pub(crate) fn call(&mut self, operation: &str) -> &mut Self {
        self.end(operation, None)
    }

    /// The key makes another.
    pub(crate) fn mint(&mut self, child: u64) -> &mut Self {
        self.powers("mint");
        self.end("POST /keys", Some(KeyId(child)))
    }

    fn end(&mut self, operation: &str, minted: Option<KeyId>) -> &mut Self {
        let (about, agent) = (self.about.take(), self.agent.clone());
        let subject = Subject::of(about.iter().flatten().map(String::as_str));
        let seen = Seen { subject, out_of_scope: self.out_of_scope, ..self.seen(operation, &agent) };
        let sight = self.watch.see(&seen, self.now);
        (self.unusual, self.stands) = (sight.unusual, sight.stands.map(|stands| stands.severity));
        self.findings.extend(sight.findings);
        let (status, rows) = (std::mem::replace(&mut self.status, 200), std::mem::replace(&mut self.rows, 20));
        let (bytes_out, rows) = if self.uncounted { (rows * 1024, None) } else { (rows * 100, Some(rows)) };
        let became = Became { status, bytes_out, rows, minted };
        if !self.held {
            self.findings.extend(self.watch.ended(&seen, &became, self.now).findings);
        }
        self
    }

    /// From now on calls do not go on: they are asked about, or refused.
    pub(crate) fn held(&mut self) -> &mut Self {
        self.held = true;
        self
    }

    /// From now on the key's scope refuses its calls, or no more.
    pub(crate) fn out_of_scope(&mut self, out: bool) -> &mut Self {
        self.out_of_scope = out;
        self
    }

    /// From now on rows cannot be counted: each is a kilobyte.
    pub(crate) fn uncounted(&mut self) -> &mut Self {
        self.uncounted = true;
        self
    }

    /// From now on calls are expected from wherever they come.
    pub(crate) fn expected(&mut self) -> &mut Self {
        self.expected = true;
        self
    }

    /// Who answers for all keys.
    pub(crate) fn owned(&mut self) -> &mut Self {
        self.owner = Some(HolderId(900));
        self
    }

    /// A person says yes to this call; whether that answers what is asked of the key.
    pub(crate) fn vouch(&mut self, operation: &str) -> bool {
        let agent = self.agent.clone();
        let seen = self.seen(operation, &agent);
        self.watch.vouched(&seen, self.now)
    }

    /// A call of the key as it is now, about nothing in particular.
    fn seen<'a>(&mut self, operation: &'a str, agent: &'a str) -> Seen<'a> {
        let reads = if operation.starts_with("GET ") { Power::Read } else { Power::Write };
        Seen {
            call: None,
            key: Some(KeyId(self.key)),
            holder: Some(HolderId(self.key)),
            kind: HolderKind::Workload,
            owner: self.owner,
            operation,
            powers: self.powers.take().unwrap_or(reads.into()),
            described: self.described.take(),
            subject: None,
            source: self.source,
            network: None,
            expected: self.expected,
            user_agent: Some(agent),
            out_of_scope: false,
        }
    }

    /// A person lifts what was done, and for an hour nothing is done about the same.
    pub(crate) fn lift(&mut self) {
        let calm = self.now + SignedDuration::from_hours(1);
        self.watch.told(&Told::Lifted { key: KeyId(self.key), calm }, self.now);
    }

    pub(crate) fn rotate(&mut self) {
        let successor = KeyId(self.key + 100);
        self.watch.told(&Told::Rotation { key: KeyId(self.key), successor }, self.now);
        let old = std::mem::replace(&mut self.key, successor.0);
        self.call("GET /orders");
        self.key = old;
    }

    pub(crate) fn document(&mut self, added: &[&str]) {
        self.watch.told(&Told::Document { added }, self.now);
    }

    pub(crate) fn canary(&mut self) {
        self.watch.told(&Told::Canary { key: KeyId(self.key) }, self.now);
    }

    pub(crate) fn leak(&mut self) {
        self.watch.told(&Told::Leaked { key: KeyId(self.key) }, self.now);
    }

    pub(crate) fn not_me(&mut self) {
        self.watch.told(&Told::NotMe { key: KeyId(self.key) }, self.now);
    }

    pub(crate) fn enable(&mut self) {
        self.watch.told(&Told::Enabled { key: KeyId(self.key) }, self.now);
    }

    pub(crate) fn codes(&mut self, after: &[u32]) {
        for after in after {
            self.watch.told(&Told::Code { key: KeyId(self.key), after: *after }, self.now);
        }
    }

    /// What a detector holds against the key in this moment, from where it calls.
    pub(crate) fn weight(&self, name: &str) -> u8 {
        let detector = DETECTORS.iter().position(|detector| detector.name == name).unwrap();
        let place = crate::source::Place::of(self.source, None);
        let minute = u32::try_from(self.now.as_second() / 60).unwrap();
        let profile = self.watch.profile(KeyId(self.key)).unwrap();
        let held = |held: &&crate::signal::Signal| {
            usize::from(held.detector) == detector && held.speaks_against(place.block) && minute - held.at <= 30
        };
        profile.signals.iter().filter(held).map(|held| held.points).max().unwrap_or(0)
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }
}
