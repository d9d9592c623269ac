//! `greave check`: what is wrong, what would change, and whether there is a way around.

mod direct;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use ::catalogue::{Catalogue, Found, Override, Pattern};
use authority::{Digest, Files, NoDigest, Weaker};
use clap::Args;
use console::api::{HealthView, HolderList, HolderView, LawView, PostureView};
use jiff::Timestamp;
use law::{Cell, Clause, Factor, HolderKind, Law, Powers};
use serde_json::{Value, json};
use wire::Target;

use crate::{
    cli::Cli,
    client::{Client, address},
    commands::{Done, Outcome, catalogue::as_json, json as print_json},
    config::Config,
    drains::{self, cursor::Health},
    house::{self, HouseError},
    issuers,
    posture::{Posture, at_next_start},
    show,
    state::{StateFolder, database, running},
    telling::{Telling, observing},
    traces::Traces,
};

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Try whether the API answers there without the gate; it should not.
    #[arg(long, value_name = "URL")]
    pub(crate) direct: Option<String>,
}

pub(crate) async fn run(cli: &Cli, check: &Check, now: Timestamp) -> Outcome {
    let written = Posture::read(&cli.config)?;
    let Posture { config, document, .. } = &written;
    // What the gate would be made of is made, and let go.
    house::realm(config, Arc::clone(&document.catalogue), None)?;
    house::upstream(config)?;
    for drain in &config.drains {
        drains::make(drain, config)?;
    }
    Traces::new(config)?;
    let (_teller, _worker) = Telling::ways(config)?;
    house::lent(config)?;
    house::emissary(config, &document.catalogue)?;
    config.watch.rules()?;
    let (issuers, issuers_are_wrong) = issuers::look(config).await?;
    let known = known(&config.gate.state, now).await?;
    let weaker = known.as_ref().map(|known| waits(&written, known, now)).transpose()?.unwrap_or_default();
    let later = known.as_ref().map(|known| later(&written, known)).transpose()?.unwrap_or_default();
    let strangers = known.as_ref().map(|known| strangers(config, known)).unwrap_or_default();
    let direct = match &check.direct {
        Some(url) => Some(direct::attempt(url, config).await?),
        None => None,
    };
    let in_vain = opened_in_vain(config, &document.catalogue);
    let starred = starred(&config.api.overrides, &document.catalogue);
    let locked_out = known.as_ref().map(|known| locked_out(&config.guard.law(), &known.alone)).unwrap_or_default();
    let distrust = match &direct {
        Some(_) => house::upstream(config)?.distrust().await,
        None => None,
    };
    let is_wrong = distrust.is_some()
        || !in_vain.is_empty()
        || document.has_news()
        || !document.drift.is_empty()
        || issuers_are_wrong
        || !strangers.is_empty()
        || !locked_out.is_empty();
    let done = if is_wrong || !weaker.is_empty() { Done::Findings } else { Done::Clean };
    let done = direct.as_ref().map_or(done, |direct| done.worse(direct.done()));

    let law = config.guard.law();
    let drains = super::drains::known(config)?;
    let fails = |health: &Option<Health>| health.as_ref().is_some_and(|health| health.failing_since.is_some());
    let done = if drains.iter().any(|(_, health)| fails(health)) { done.worse(Done::Findings) } else { done };
    if cli.json {
        let waits = weaker.iter().map(|weaker| waiting(&written, weaker));
        print_json(&json!({
            "clean": done == Done::Clean,
            "operations": document.catalogue.operations().len(),
            "skipped": document.troubles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "drift": as_json(&document.drift),
            "open_in_vain": in_vain,
            "issuers": issuers.iter().map(|line| line.trim()).collect::<Vec<_>>(),
            "law": digest(&law),
            "observing": observing(&law, now),
            "unknown_people": strangers,
            "overrides": starred,
            "locked_out": locked_out,
            "at_next_start": later,
            "waits": waits.collect::<Vec<_>>(),
            "told_by": { "webhooks": config.tell.webhook.len(), "mail": config.tell.mail.is_some() },
            "drains": drains.iter().map(|(drain, health)| json!({"name": drain.name, "health": health})).collect::<Vec<_>>(),
            "direct": direct,
            "upstream_certificate": distrust,
        }))?;
        return Ok(done);
    }
    show::document(&document.catalogue, &document.troubles, usize::MAX);
    if !document.troubles.is_empty() && !document.has_news() {
        show::aside(show::FAINT, "all that was skipped was so when the document was accepted");
    }
    for line in &in_vain {
        show::say(show::styled(show::ALARM, line))?;
    }
    for line in &starred {
        show::say(show::clean(line))?;
    }
    if !document.drift.is_empty() {
        show::say(format!("\n{} has changed since catalogue.lock was accepted:", show::drifted(&document.drift)))?;
        show::drift(&document.drift);
    }
    if !issuers.is_empty() {
        show::say("\nTokens are verified of:")?;
    }
    for line in issuers {
        show::say(format!("  {line}"))?;
    }
    if !drains.is_empty() {
        show::say("\nEvents go out to:")?;
    }
    for (drain, health) in &drains {
        let state =
            health.as_ref().map_or_else(|| "has not run yet".to_owned(), |health| super::drains::state(health, now));
        show::say(format!("  {}: {state}", drain.name))?;
    }
    for name in &strangers {
        let text = format!(
            "keys.approvers: there is no person `{}`; write a name that `greave holders list` shows",
            show::clean(name)
        );
        show::say(show::styled(show::ALARM, text))?;
    }
    print_law(&law, now)?;
    for line in &locked_out {
        show::say(show::styled(show::ALARM, line))?;
    }
    print_waits(&written, &weaker)?;
    if !later.is_empty() {
        let text = format!(
            "\nTaken over at the gate's next start, and not at a reload: {}",
            later.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        );
        show::say(show::wrapped(&text, 2, show::width()))?;
    }
    if let Some(direct) = &direct {
        direct.print()?;
    }
    if let Some(why) = &distrust {
        show::say(show::styled(show::ALARM, format!("\ngate.upstream: {why}")))?;
    }
    if done == Done::Clean {
        show::say(show::styled(show::WELL, "nothing is wrong"))?;
    }
    if config.tell.webhook.is_empty() && config.tell.mail.is_none() {
        show::aside(
            show::FAINT,
            "nobody is told of a call that waits, unless they look: [tell] has neither a webhook nor mail",
        );
    }
    if direct.is_none() {
        let upstream = &config.gate.upstream;
        show::aside(
            show::FAINT,
            format!("not tried: whether the API answers without the gate; `greave check --direct {upstream}` tries it"),
        );
    }
    Ok(done)
}

/// What would wait for a code, because it is weaker than what is in force.
fn waits(written: &Posture, Known { files, law, .. }: &Known, now: Timestamp) -> Result<Vec<Weaker>, HouseError> {
    let mut weaker = authority::weaker_cells(&written.config.guard.law(), law, now);
    if let Some(files) = files.filter(|files| *files != written.texts.files()) {
        weaker.extend(written.weaker_than(&written.beside(&files)?));
    }
    Ok(weaker)
}

/// What a running gate takes over at its next start alone: of the file, and of what is in force already.
fn later(written: &Posture, Known { files, at_next_start: waits, .. }: &Known) -> Result<BTreeSet<String>, HouseError> {
    let Some(waits) = waits else { return Ok(BTreeSet::new()) };
    let mut later: BTreeSet<String> = waits.iter().cloned().collect();
    if let Some(files) = files.filter(|files| *files != written.texts.files()) {
        let in_force = written.beside(&files)?;
        later.extend(at_next_start(&in_force.config, &written.config).into_iter().map(str::to_owned));
    }
    Ok(later)
}

/// Who may say yes by the file, and is not known.
fn strangers<'a>(config: &'a Config, Known { people, .. }: &Known) -> Vec<&'a str> {
    let named = config.keys.approvers.iter().flat_map(|approver| &approver.people);
    named.map(String::as_str).filter(|name| !people.iter().any(|person| person == name)).collect()
}

/// Entries of `api.open` that name what the document describes: they open none of it.
fn opened_in_vain(config: &Config, catalogue: &Catalogue) -> Vec<String> {
    let methods: BTreeSet<&str> = catalogue.operations().iter().map(|operation| operation.method.as_str()).collect();
    let named = |entry: &String| {
        let path = entry.strip_prefix('=').unwrap_or(entry);
        let target = Target::read(path, &config.path_rules()).ok()?;
        let readings = target.readings();
        let mut shut = BTreeSet::new();
        for method in &methods {
            match catalogue.find_however_read(method, &readings) {
                Ok((Found::Described(found), _)) if !found.open => drop(shut.insert(&*found.operation.name)),
                Ok((Found::Choice(choice), _)) => {
                    shut.extend(choice.candidates().filter(|it| !it.open).map(|operation| &*operation.name));
                }
                _ => {}
            }
        }
        let first = shut.first()?;
        let more = if shut.len() > 1 { format!(" and {} more", shut.len() - 1) } else { String::new() };
        Some(format!(
            "api.open: `{entry}` opens what the document does not describe; {}{more} stays shut. Say `security: []` of \
             it in the document, then `greave catalogue accept`",
            show::clean(first)
        ))
    };
    config.api.open.iter().filter_map(named).collect()
}

/// What overrides with a star name, and what they would if it reached over slashes.
fn starred(overrides: &[Override], catalogue: &Catalogue) -> Vec<String> {
    let named = |pattern: &Pattern| -> Vec<&str> {
        let names = catalogue.operations().iter().map(|operation| &*operation.name);
        names.filter(|name| pattern.matches(name)).collect()
    };
    let told = |rule: &Override| {
        let text = rule.operation.to_string();
        let names = named(&rule.operation);
        if !text.contains('*') || names.is_empty() {
            return None;
        }
        let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > 3 { ", …" } else { "" };
        let wide = text.replace("**", "*").replace('*', "**");
        let all = wide.parse().map_or(0, |wide| named(&wide).len());
        let wider = if all > names.len() {
            format!("; a `*` does not reach over a slash: `{wide}` names {all}")
        } else {
            String::new()
        };
        let how_many = if names.len() == 1 { "1 operation".to_owned() } else { format!("{} operations", names.len()) };
        Some(format!("api.override: `{text}` names {how_many} ({shown}{more}){wider}"))
    };
    overrides.iter().filter_map(told).collect()
}

/// Who has keys that a guard shuts out for good, since it takes two people and they have no second.
fn locked_out(law: &Law, alone: &[(String, HolderKind)]) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in HolderKind::ALL {
        let takes_two = |cell: &Cell| {
            let two = |clause: &Clause| clause.needs().contains(Factor::SecondPerson);
            cell.guard.clauses().iter().all(two)
        };
        let powers: Powers = law.of(kind).iter().filter(|(_, cell)| takes_two(cell)).map(|(power, _)| power).collect();
        let names: Vec<&str> = alone.iter().filter(|(_, it)| *it == kind).map(|(name, _)| name.as_str()).collect();
        if powers.is_empty() || names.is_empty() {
            continue;
        }
        lines.push(format!(
            "{powers} takes two people, and a second is not enrolled for the keys of {}: none of these passes. \
             `greave holders change NAME --deputy OTHER --as ADMINISTRATOR` names one",
            show::clean(&names.join(", "))
        ));
    }
    lines
}

fn waiting(written: &Posture, Weaker { what, from, to }: &Weaker) -> Value {
    json!({ "line": written.line(what), "what": what, "in_force": from, "written": to })
}

fn print_waits(written: &Posture, weaker: &[Weaker]) -> std::io::Result<()> {
    if weaker.is_empty() {
        return Ok(());
    }
    let text = "\nWeaker than what is in force; the gate will ask for a code and go on as before until then:";
    show::say(show::styled(show::ALARM, text))?;
    let mut table = show::table(["", "", "in force", "written"]);
    for Weaker { what, from, to } in weaker {
        let line = written.line(what).unwrap_or_default();
        table.add_row([line, show::clean(what), show::clean(from), show::clean(to)]);
    }
    show::print(&table, "");
    Ok(())
}

/// What the gate knows beside the files.
struct Known {
    /// The files in force, where the gate has started before.
    files: Option<Files>,
    law: Law,
    /// What is in force and waits for the next start; nothing where no gate runs.
    at_next_start: Option<Vec<String>>,
    /// The names of the people.
    people: Vec<String>,
    /// Who has keys for which no two people could answer.
    alone: Vec<(String, HolderKind)>,
}

/// From the running gate, or from the state that it left.
async fn known(state: &Path, now: Timestamp) -> Result<Option<Known>, Box<dyn std::error::Error>> {
    if let Some(socket) = running(state) {
        let client = Client::Running(socket);
        let LawView { page, posture, .. } = client.read(&address(&["law"])).await?;
        let HealthView { at_next_start, .. } = client.read(&address(&["health"])).await?;
        let HolderList { holders, .. } = client.read(&address(&["holders"])).await?;
        let files = |PostureView { digest: _, config, lock, document }| -> Result<Files, NoDigest> {
            Ok(Files { config: config.try_into()?, lock: lock.try_into()?, document: document.try_into()? })
        };
        let alone = alone(&holders);
        let people = holders.into_iter().filter(|holder| holder.kind == HolderKind::Person);
        return Ok(Some(Known {
            files: posture.map(files).transpose()?,
            law: page.parse()?,
            at_next_start: Some(at_next_start),
            people: people.map(|person| person.name).collect(),
            alone,
        }));
    }
    // What cannot be looked at is told by whoever takes it.
    if matches!(database(state).try_exists(), Ok(false)) {
        return Ok(None);
    }
    let authority = StateFolder::take(state)?.authority(now).await?;
    let law = authority.law().law.clone();
    Ok(authority.view(|state| {
        let people = state.holders().filter(|holder| holder.kind == HolderKind::Person);
        state.is_founded().then(|| Known {
            files: state.posture().map(|(_, files)| files),
            law,
            at_next_start: None,
            people: people.map(|person| person.name.clone()).collect(),
            alone: state
                .holders()
                .filter(|holder| !holder.left && !state.presentable(holder.id).contains(Factor::SecondPerson))
                .filter(|holder| state.keys().any(|key| key.holder() == Some(holder.id) && key.standing.works()))
                .map(|holder| (holder.name.clone(), holder.kind))
                .collect(),
        })
    }))
}

/// As the running gate lists them.
fn alone(holders: &[HolderView]) -> Vec<(String, HolderKind)> {
    let can = |name: &&str| holders.iter().any(|holder| holder.name == *name && holder.enrolled && !holder.left);
    let is_alone = |holder: &&HolderView| {
        let first = if holder.kind == HolderKind::Person { Some(&holder.name) } else { holder.owner.as_ref() };
        let people: BTreeSet<&str> =
            first.into_iter().chain(&holder.deputies).map(String::as_str).filter(can).collect();
        !holder.left && holder.keys_working > 0 && people.len() < 2
    };
    holders.iter().filter(is_alone).map(|holder| (holder.name.clone(), holder.kind)).collect()
}

fn digest(law: &Law) -> String {
    Digest::of(law.to_string().as_bytes()).to_string()
}

fn print_law(law: &Law, now: Timestamp) -> std::io::Result<()> {
    show::say(format!("\nThe law of the file, {}:", digest(law).get(..16).unwrap_or_default()))?;
    for (power, cell) in law.person.iter() {
        show::say(format!("  {power:<9}{:<42}{}", cell.guard.to_string(), show::mode(cell.mode, now)))?;
    }
    let observing = observing(law, now);
    if !observing.is_empty() {
        show::say(show::styled(show::ALARM, format!("observing: {}", observing.join(", "))))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ::catalogue::Settings;
    use law::{Mode, Power};

    use super::*;

    #[test]
    fn what_an_override_with_a_star_names_is_told() {
        let document = r#"{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
            "/projects/": {"get": {}}, "/projects/{id}/": {"get": {}}, "/users": {"get": {}}}}"#;
        let catalogue = Catalogue::read(document.as_bytes(), &Settings::default()).unwrap().catalogue;
        let rule = |text: &str| Override { operation: text.parse().unwrap(), powers: Power::Read.into() };
        assert_eq!(
            starred(&[rule("GET /projects/*"), rule("GET /users"), rule("GET /projects/**")], &catalogue),
            [
                "api.override: `GET /projects/*` names 1 operation (GET /projects/); a `*` does not reach over a \
                 slash: `GET /projects/**` names 2",
                "api.override: `GET /projects/**` names 2 operations (GET /projects/, GET /projects/{id}/)",
            ]
        );
    }

    #[test]
    fn whom_a_guard_for_two_shuts_out_is_told() {
        let two = |power| match power {
            Power::Mint => "person + second-person".parse().unwrap(),
            Power::Grant => "possession | person + second-person".parse().unwrap(),
            _ => Law::default_guard(power),
        };
        let law = Law::same_for_all(two, Mode::Enforce);
        let alone = [("ann".to_owned(), HolderKind::Person)];
        let [line] = locked_out(&law, &alone).try_into().unwrap();
        assert!(line.starts_with("mint takes two people") && line.contains("the keys of ann: none"), "{line}");
        assert_eq!(locked_out(&law, &[]), Vec::<String>::new());
        assert_eq!(locked_out(&Law::same_for_all(Law::default_guard, Mode::Enforce), &alone), Vec::<String>::new());
    }
}
