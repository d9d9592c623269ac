//! Scores the classifier against labels made before it was written. `accuracy/README.md` says how to run it.
//!
//! The documents belong to others and are fetched (`accuracy/fetch.sh FOLDER`); without them, nothing is scored.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that falls fails its test"
)]

#[path = "../accuracy/labelled.rs"]
mod labelled;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
};

use catalogue::{Catalogue, Settings};
use labelled::{DOCUMENTS, document, rows};
use law::{Power, Powers};

/// Lists the errors of the half that may be looked at.
const ERRORS: &str = "GREAVE_TUNE_ERRORS";

/// Powers whose absence lets a thief through, and the recall below which a change made it worse.
///
/// The targets are higher: 0.95 for each, and at most 0.05 of the plain reads and writes judged
/// sensitive. `accuracy/README.md` says how far the kept half is from them.
const FLOORS: [(Power, f64); 4] =
    [(Power::Grant, 0.819), (Power::Mint, 0.872), (Power::Destroy, 0.859), (Power::Disarm, 0.711)];
const MOST_FALSELY_SENSITIVE: f64 = 0.098;

#[test]
fn the_tune_half_is_scored() {
    let Some(score) = Score::of("tune") else { return };
    tell(&score.table());
    assert!(score.f1() > 0.8, "the half that was looked at is read badly: {:.3}", score.f1());
}

/// Fifteen thousand labels that no rule was mended by: they say how far rules carry, and have noise of their own.
#[test]
#[ignore = "reads the documents of 586 providers, which takes minutes"]
fn the_train_rows_are_scored() {
    let Some(score) = Score::of("train") else { return };
    tell(&score.table());
    assert!(score.f1() > 0.75, "operations of providers of all kinds are read badly: {:.3}", score.f1());
}

/// Run it to know, never to tune.
#[test]
fn the_kept_half_is_read_no_worse_than_before() {
    let Some(score) = Score::of("kept") else { return };
    tell(&score.table());
    for (power, floor) in FLOORS {
        let recall = score.of_power(power).recall();
        assert!(recall >= floor, "recall of {power} is {recall:.3} on the kept half");
    }
    let falsely = score.falsely_sensitive();
    assert!(falsely <= MOST_FALSELY_SENSITIVE, "{falsely:.3} of the plain reads and writes were judged sensitive");
}

/// A document's operations by name: method and path.
type Judged = HashMap<String, Powers>;

#[derive(Default)]
struct Tally {
    found: u32,
    missed: u32,
    invented: u32,
}

impl Tally {
    fn labelled(&self) -> u32 {
        self.found + self.missed
    }

    fn recall(&self) -> f64 {
        share(self.found, self.labelled())
    }

    fn precision(&self) -> f64 {
        share(self.found, self.found + self.invented)
    }
}

struct Score {
    half: &'static str,
    by_power: BTreeMap<Power, Tally>,
    rows: u32,
    exact: u32,
    plain: u32,
    plain_judged_sensitive: u32,
}

impl Score {
    /// Nothing where there are no documents.
    fn of(half: &'static str) -> Option<Self> {
        let Some(folder) = std::env::var_os(DOCUMENTS).map(PathBuf::from) else {
            tell(&format!(
                "the {half} half was not scored: {DOCUMENTS} is not set; accuracy/fetch.sh fills a folder for it\n"
            ));
            return None;
        };
        let mut documents = HashMap::new();
        let mut score =
            Self { half, by_power: BTreeMap::new(), rows: 0, exact: 0, plain: 0, plain_judged_sensitive: 0 };
        for row in rows(half) {
            let judged = documents.entry(row.doc.clone()).or_insert_with(|| read(&folder, &row.doc));
            let name = format!("{} {}", row.method.to_uppercase(), row.path);
            let powers = *judged.get(&name).unwrap_or_else(|| panic!("`{name}` is not in `{}`", row.doc));
            score.count(row.powers, powers);
            if half == "tune" && row.powers != powers && std::env::var_os(ERRORS).is_some() {
                tell(&format!("{} {} {name}: labelled {}, judged {powers}\n", row.set, row.doc, row.powers));
            }
        }
        Some(score)
    }

    fn count(&mut self, label: Powers, judged: Powers) {
        self.rows += 1;
        self.exact += u32::from(label == judged);
        if !label.is_sensitive() {
            self.plain += 1;
            self.plain_judged_sensitive += u32::from(judged.is_sensitive());
        }
        for power in Powers::SENSITIVE.iter() {
            let tally = self.by_power.entry(power).or_default();
            match (label.contains(power), judged.contains(power)) {
                (true, true) => tally.found += 1,
                (true, false) => tally.missed += 1,
                (false, true) => tally.invented += 1,
                (false, false) => {}
            }
        }
    }

    fn of_power(&self, power: Power) -> &Tally {
        &self.by_power[&power]
    }

    fn falsely_sensitive(&self) -> f64 {
        share(self.plain_judged_sensitive, self.plain)
    }

    /// Over all sensitive powers of all operations.
    fn f1(&self) -> f64 {
        let sum = |part: fn(&Tally) -> u32| self.by_power.values().map(part).sum::<u32>();
        let found = 2 * sum(|tally| tally.found);
        share(found, found + sum(|tally| tally.missed) + sum(|tally| tally.invented))
    }

    fn table(&self) -> String {
        let mut table = format!("{} half, {} operations\npower      n  recall  precision\n", self.half, self.rows);
        for (power, tally) in &self.by_power {
            let (n, recall, precision) = (tally.labelled(), tally.recall(), tally.precision());
            let _ = writeln!(table, "{power:<8} {n:>3}   {recall:.3}      {precision:.3}");
        }
        let _ = writeln!(
            table,
            "plain reads and writes judged sensitive: {} of {} ({:.3})\nF1 over sensitive powers: {:.3}\nall powers as labelled: {} of {}",
            self.plain_judged_sensitive,
            self.plain,
            self.falsely_sensitive(),
            self.f1(),
            self.exact,
            self.rows
        );
        table
    }
}

fn read(folder: &Path, doc: &str) -> Judged {
    let reading =
        Catalogue::read(&document(folder, doc), &Settings::default()).unwrap_or_else(|error| panic!("{doc}: {error}"));
    let operations = reading.catalogue.operations().iter();
    operations.map(|operation| (operation.name.to_string(), operation.powers)).collect()
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { 1.0 } else { f64::from(part) / f64::from(whole) }
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn tell(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
