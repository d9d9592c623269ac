//! `greave catalogue`: what was accepted, and what the document says now.

use catalogue::{By, Drift, Locked};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Done, Outcome, json as print_json};
use crate::{
    cli::{Cli, example},
    config::Config,
    document::{Accepted, Document},
    show::{self, ALARM, FAINT, aside, clean, count, styled},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Catalogue {
    /// How the document differs from catalogue.lock. Ends with 1 where it does.
    #[command(after_help = example!("catalogue drift"))]
    Drift,
    /// Write catalogue.lock anew from the document, and say what becomes easier. Review it,
    /// then reload the gate.
    #[command(after_help = example!("catalogue accept"))]
    Accept,
}

pub(crate) fn run(cli: &Cli, command: &Catalogue) -> Outcome {
    let config = Config::read(&cli.config)?;
    match command {
        Catalogue::Drift => {
            let Document { drift, .. } = Document::load(&config)?;
            if cli.json {
                print_json(&as_json(&drift))?;
            } else {
                show::drift(&drift);
            }
            if drift.is_empty() {
                return Ok(Done::Clean);
            }
            aside(FAINT, "`greave catalogue accept` writes catalogue.lock anew");
            Ok(Done::Findings)
        }
        Catalogue::Accept => {
            let accepted = Document::to_accept(&config)?;
            accepted.write(&config)?;
            let Accepted { catalogue, drift, troubles, .. } = accepted;
            let accepted = catalogue.operations().len();
            if cli.json {
                let changes = drift.as_ref().map(as_json);
                let skipped: Vec<String> = troubles.iter().map(ToString::to_string).collect();
                print_json(&json!({ "operations": accepted, "drift": changes, "skipped": skipped }))?;
                return Ok(Done::Clean);
            }
            let lock = config.api.lock.display();
            show::say(summary(drift.as_ref(), accepted))?;
            for trouble in &troubles {
                aside(ALARM, format!("skipped: {}", clean(&trouble.to_string())));
            }
            aside(
                FAINT,
                format!(
                    "`{lock}` is written; review it, then `kill -HUP` the running gate; what is easier waits for a code then: `greave law accept --as NAME`"
                ),
            );
            Ok(Done::Clean)
        }
    }
}

fn becomes(operations: usize) -> String {
    format!("{} {}", count(operations, "operation"), if operations == 1 { "becomes" } else { "become" })
}

/// What accepting has changed, and above all what it has made easier.
fn summary(drift: Option<&Drift>, accepted: usize) -> String {
    let accepted = count(accepted, "operation");
    let Some(drift) = drift else { return format!("{accepted} accepted; there was no lock that could be read before") };
    if drift.is_empty() {
        return format!("{accepted} accepted, as before");
    }
    let Drift { added, gone, changed, classifier: _ } = drift;
    let mut text =
        vec![format!("{accepted} accepted: {} new, {} changed, {} gone", added.len(), changed.len(), gone.len())];
    let easier: Vec<_> = changed.iter().filter(|changed| changed.weakens()).collect();
    if !easier.is_empty() {
        text.push(styled(ALARM, format!("{} easier:", becomes(easier.len()))));
    }
    for changed in easier {
        let lost = changed.lost();
        let opened = changed.to.open && !changed.from.open;
        let how = [
            (!lost.is_empty()).then(|| format!("no longer {lost}")),
            opened.then(|| "open to anybody".to_owned()),
            changed.frees_upgrades().then(|| "as overridden, which holds for a change of protocol, too".to_owned()),
        ];
        let how = how.into_iter().flatten().collect::<Vec<_>>().join(", and ");
        text.push(format!("  {}: {how}", clean(&changed.name)));
    }
    let listed = added.iter().filter(|(_, now)| now.powers != law::Powers::EVERY).count();
    if listed > 0 {
        text.push(format!("{} had every power until now", count(listed, "new operation")));
    }
    text.join("\n")
}

pub(super) fn as_json(drift: &Drift) -> Value {
    let Drift { added, gone, changed, classifier } = drift;
    let locked = |name: &str, Locked { powers, open, by, evidence }: &Locked| {
        let by = *by == By::Override;
        json!({ "operation": name, "powers": powers, "open": open, "override": by, "evidence": evidence })
    };
    let all = |some: &[(String, Locked)]| some.iter().map(|(name, what)| locked(name, what)).collect::<Vec<_>>();
    let changed = changed.iter().map(|changed| {
        let (from, to) = (locked(&changed.name, &changed.from), locked(&changed.name, &changed.to));
        json!({ "operation": changed.name, "accepted": from, "described": to, "easier": changed.weakens() })
    });
    json!({
        "added": all(added),
        "gone": all(gone),
        "changed": changed.collect::<Vec<_>>(),
        "classifier": classifier,
    })
}

#[cfg(test)]
mod tests {
    use ::catalogue::Changed;
    use law::{Power, Powers};

    use super::*;

    fn locked(powers: impl Into<Powers>, open: bool) -> Locked {
        Locked { powers: powers.into(), open, ..Locked::default() }
    }

    fn changed(name: &str, from: Locked, to: Locked) -> Changed {
        Changed { name: name.to_owned(), from, to }
    }

    #[test]
    fn accepting_says_what_becomes_easier() {
        let both = Powers::from(Power::Grant).with(Power::Destroy);
        let drift = Drift {
            added: vec![("GET /reports".to_owned(), locked(Power::Export, false))],
            gone: vec![("GET /old".to_owned(), locked(Power::Read, false))],
            changed: vec![
                changed("DELETE /users/{name}", locked(both, false), locked(Power::Destroy, false)),
                changed("GET /users", locked(Power::Read, false), locked(Power::Read, true)),
                changed("POST /users", locked(Power::Write, false), locked(Power::Grant, true)),
                changed(
                    "POST /jobs",
                    locked(Power::Write, false),
                    locked(Powers::from(Power::Write).with(Power::Run), false),
                ),
            ],
            classifier: None,
        };
        let text = anstream::adapter::strip_str(&summary(Some(&drift), 12)).to_string();
        insta::assert_snapshot!("accept", text);
        let json = as_json(&drift);
        assert_eq!(json["added"][0]["operation"], "GET /reports");
        assert_eq!((&json["changed"][0]["easier"], &json["changed"][3]["easier"]), (&json!(true), &json!(false)));
    }

    #[test]
    fn a_first_lock_is_no_change() {
        assert_eq!(summary(Some(&Drift::default()), 3), "3 operations accepted, as before");
        assert!(summary(None, 1).starts_with("1 operation accepted; there was no lock"));
    }
}
