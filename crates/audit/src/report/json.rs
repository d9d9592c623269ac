//! For programs. The form is documented in `docs/audit.schema.json` and only grows.

use jiff::Timestamp;
use law::Power;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{First, Report, figures::standing};
use crate::{
    estate::{Account, Key, Known, Moment},
    moment,
    rules::{Finding, Subject},
};

/// The form of the report. A field may be added; none changes its meaning.
pub(super) const FORM: &str = "greave-audit/1";

pub(super) fn write(report: &Report) -> Result<String, serde_json::Error> {
    let estate = &report.estate;
    let mut ranks: Vec<Option<(usize, &First)>> = vec![None; estate.keys.len()];
    for (first, rank) in report.first.iter().zip(1..) {
        if let Some(slot) = ranks.get_mut(first.key) {
            *slot = Some((rank, first));
        }
    }
    let never = &report.figures.cadence.never;
    let keys = || {
        let all = estate.keys.iter().zip(&ranks).enumerate();
        all.map(|(ix, (key, rank))| self::key(report, key, never.contains(&ix), *rank))
    };
    let by_power: serde_json::Map<String, Value> =
        report.figures.by_power.iter().map(|(power, keys)| (power.word().to_owned(), json!(keys))).collect();
    let mut figures = serde_json::to_value(&report.figures)?;
    if let Some(slot) = figures.get_mut("by_power") {
        *slot = Value::Object(by_power);
    }
    let whole = Whole {
        accounts: Each(|| estate.accounts.iter().map(|one| account(report, one))),
        as_of: report.as_of,
        baseline: json!(report.stale),
        figures,
        findings: Each(|| report.findings.iter().map(|found| finding(report, found))),
        form: FORM,
        inputs: json!(estate.sources),
        keys: Each(keys),
        limits: json!({ "longest_days": report.longest, "idle_days": report.idle }),
        logs: json!(estate.logs),
        sentence: report.figures.sentence(report.idle),
        unread: json!(estate.troubles),
    };
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

/// The whole report, its names in the order of the alphabet as everywhere in it.
#[derive(Serialize)]
struct Whole<A: Serialize, F: Serialize, K: Serialize> {
    accounts: A,
    as_of: Timestamp,
    baseline: Value,
    figures: Value,
    findings: F,
    form: &'static str,
    inputs: Value,
    keys: K,
    limits: Value,
    logs: Value,
    sentence: String,
    unread: Value,
}

/// A list whose items are made one after the other: those of a large estate take more room than
/// the estate itself.
struct Each<F>(F);

impl<I: Iterator<Item = Value>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// One finding a line, each with the moment of the audit.
pub(super) fn lines(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for found in &report.findings {
        let mut line = finding(report, found);
        if let Some(object) = line.as_object_mut() {
            object.insert("as_of".to_owned(), json!(report.as_of));
        }
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    Ok(text)
}

fn account(report: &Report, account: &Account) -> Value {
    let Account { realm, name, kind, second_factor, signs_in, left, last_seen, can_mint, seen, email: _, also, places } =
        account;
    let same: Vec<String> = also.iter().filter_map(|ix| report.estate.accounts.get(*ix)).map(Account::label).collect();
    json!({
        "realm": realm, "name": name, "kind": kind, "second_factor": second_factor, "signs_in": signs_in,
        "left": left, "last_seen": last_seen, "can_mint": can_mint, "seen": seen, "same_person": same, "places": places,
    })
}

fn key(report: &Report, key: &Key, never_exchanged: bool, rank: Option<(usize, &First)>) -> Value {
    #[derive(Serialize)]
    struct Order<'r> {
        rank: usize,
        #[serde(flatten)]
        first: &'r First,
    }
    let Key {
        realm,
        id,
        name,
        provider,
        form,
        holders: _,
        owner,
        born,
        end,
        last_use,
        standing: _,
        asks_second_factor,
        with,
        without,
        everything: _,
        because,
        steps,
        seen,
        children,
        places,
    } = key;
    let days = |at: &Moment| at.at().and_then(|at| moment::days(at, report.as_of));
    let holders: Vec<Value> =
        report.estate.holders(key).map(|holder| json!({ "name": holder.name, "realm": holder.realm })).collect();
    json!({
        "realm": realm, "id": id, "name": name, "provider": provider, "form": form,
        "holders": holders, "owner": owner, "answers": report.estate.answers(key),
        "born": born, "age_days": days(born), "end": end, "last_use": last_use, "idle_days": days(last_use),
        "never_exchanged": never_exchanged, "can_mint": can_mint(key),
        "standing": standing(key), "lives": key.lives(report.as_of), "asks_second_factor": asks_second_factor,
        "with_second_factor": with, "without_second_factor": without,
        "administrator": key.does_everything(), "administrator_by_a_step": key.reaches_everything(),
        "because": because, "steps": steps, "seen": seen, "children": children, "places": places,
        "order": rank.map(|(rank, first)| Order { rank, first }),
    })
}

/// Whether it makes credentials without a second factor.
fn can_mint(key: &Key) -> Known {
    match (key.surely().contains(Power::Mint), key.reckoned().contains(Power::Mint)) {
        (true, _) => Known::Yes,
        (false, true) => Known::Unknown,
        (false, false) => Known::No,
    }
}

pub(super) fn finding(report: &Report, finding: &Finding) -> Value {
    let (about, realm) = match finding.subject {
        Subject::Key(ix) => ("key", report.estate.keys.get(ix).map(|key| key.realm.clone())),
        Subject::Account(ix) => ("account", report.estate.accounts.get(ix).map(|account| account.realm.clone())),
        Subject::Estate => ("estate", None),
    };
    let evidence: Vec<_> = finding.evidence().collect();
    json!({
        "rule": finding.rule, "severity": finding.severity, "about": about, "realm": realm,
        "subject": report.subject(finding), "what": finding.what, "evidence": evidence,
        "mend": finding.mend, "accepted": finding.accepted,
        "see": format!("docs/rules.md#{}", finding.rule),
    })
}
