//! `greave narrow`: the narrower scope that a key's recorded calls would leave it, tried against
//! them first, and put on it and taken off again through the ledger.

mod habits;

use std::collections::BTreeSet;

use authority::{Ceiling, Scope};
use catalogue::Pattern;
use clap::Args;
use console::api::{CeilingView, KeyView, NarrowKey, OperationReach, Proof, Reach, ReachFilter};
use http::Method;
use jiff::Timestamp;
use law::{HolderKind, KeyId, Power, Powers};
use serde::Serialize;

use self::habits::Habits;
use super::{Admin, Done, Outcome};
use crate::{
    cli::{Cli, ProofArgs, When},
    client::{address, filtered},
    show::{self, ALARM, BOLD, FAINT, WELL, ago, aside, clean, count, lines, moment, styled},
    state::{named_by, record_folder},
};

#[derive(Debug, Args)]
pub(crate) struct Narrow {
    /// The key.
    pub(crate) key: KeyId,
    /// Go by the calls since then; by all that are recorded where nothing is said.
    #[arg(long, value_name = "TIME", conflicts_with = "undo")]
    pub(crate) since: Option<When>,
    /// Leave out calls of this moment and later: those of an incident are no use.
    #[arg(long, value_name = "TIME", conflicts_with = "undo")]
    pub(crate) until: Option<When>,
    /// Leave this operation in, or all that it names with a `*`; may be given several times.
    #[arg(long, value_name = "OPERATION", conflicts_with = "undo")]
    pub(crate) keep: Vec<String>,
    /// Only from where it was used, too.
    #[arg(long, conflicts_with = "undo")]
    pub(crate) sources: bool,
    /// Put it into force.
    #[arg(long, conflicts_with = "undo")]
    pub(crate) apply: bool,
    /// Apply it although recorded calls would have been refused.
    #[arg(long, requires = "apply")]
    pub(crate) even_so: bool,
    /// Take the last narrowing of the key back.
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

/// Operations that are listed; more are counted.
const LISTED: usize = 20;

pub(crate) async fn run(cli: &Cli, wanted: &Narrow, now: Timestamp) -> Outcome {
    let admin = Admin::reach(cli, now).await?;
    let key = wanted.key.to_string();
    if wanted.undo {
        let widen = address(&["keys", &key, "widen"]);
        let key: KeyView = admin.prove(Method::POST, &widen, &wanted.proof, |proof| proof).await?;
        admin.answer(&key, || widened(&key))?;
        return Ok(Done::Clean);
    }
    let reach: Reach = admin.client.read(&filtered(address(&["reach", &key]), &ReachFilter::default())).await?;
    let Some(view) = &reach.key else { return Err(format!("there is no key `{key}`; see `greave keys list`").into()) };
    let habits = Habits::of(&record_folder(&named_by(&cli.config)), wanted.key, wanted.span(now))?;
    for damage in &habits.damage {
        aside(ALARM, clean(damage));
    }
    let proposed = propose(wanted, &reach, &habits, now)?;
    let Some(proposed) = proposed else {
        return nothing(&admin, &reach, view, wanted);
    };
    let mut done = if habits.damage.is_empty() { Done::Clean } else { Done::Findings };
    let refuses = proposed.tried.refused(false);
    if refuses > 0 {
        done = Done::Findings;
    }
    if wanted.apply {
        if refuses > 0 && !wanted.even_so {
            show::say(proposed.page(view, now, None))?;
            return Err(format!(
                "{refuses} of its recorded calls would be refused; `--keep OPERATION` leaves one in, `--even-so` \
                 narrows all the same"
            )
            .into());
        }
        let ask = NarrowKey {
            scope: proposed.scope.clone(),
            proof: Proof { person: wanted.proof.person.clone(), code: None },
        };
        let _: KeyView = admin.client.change(&address(&["keys", &key, "narrow"]), &ask).await?;
        // What of the record cannot be read stays a finding.
        done = if habits.damage.is_empty() { Done::Clean } else { Done::Findings };
    }
    let proposed = Proposed { applied: wanted.apply, ..proposed };
    admin.answer(&proposed, || proposed.page(view, now, None))?;
    Ok(done)
}

impl Narrow {
    /// The time whose calls it goes by.
    fn span(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let since = self.since.map_or(Timestamp::MIN, |since| since.at(now));
        (since, self.until.map_or(now, |until| until.at(now)))
    }

    /// The command that puts into force what is shown, and not what another time would show.
    fn to_apply(&self, now: Timestamp) -> String {
        let mut command = format!("greave narrow {}", self.key);
        for (option, when) in [("since", self.since), ("until", self.until)] {
            when.into_iter().for_each(|when| command += &format!(" --{option} {}", when.at(now)));
        }
        self.keep.iter().for_each(|operation| command += &format!(" --keep {}", show::word(operation)));
        command += if self.sources { " --sources --apply" } else { " --apply" };
        command
    }
}

/// What is proposed, and what came of trying it.
#[derive(Debug, Serialize)]
struct Proposed {
    key: KeyId,
    /// The oldest call that is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_begins: Option<Timestamp>,
    /// Up to here calls were removed, of some powers or of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_until: Option<Timestamp>,
    /// The calls that it was made from.
    since: Timestamp,
    until: Timestamp,
    calls: u64,
    days: usize,
    /// What the key would be left with.
    scope: Scope,
    /// What it can do now and could not do any more.
    loses: Vec<Lost>,
    tried: Tried,
    /// For `greave.toml`, where guards do some of the same for all keys of that kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    guards: Option<String>,
    /// What makes a key with this scope, and limits that its busiest days fit in.
    issue: String,
    /// What puts just this into force.
    apply: String,
    /// Whether it is in force.
    applied: bool,
}

/// An operation that it would lose.
#[derive(Debug, Serialize)]
struct Lost {
    operation: String,
    powers: Powers,
    without_second_factor: bool,
}

/// How the recorded calls would have fared.
#[derive(Debug, Default, Serialize)]
struct Tried {
    calls: u64,
    days: usize,
    refused: Vec<Refused>,
}

/// Recorded calls that would have been refused.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Refused {
    operation: String,
    calls: u64,
    days: usize,
    first: Timestamp,
    last: Timestamp,
    why: &'static str,
    /// They came at or after `--until`: told, and no reason not to narrow.
    late: bool,
}

impl Tried {
    /// How many calls would have been refused: late ones, or all others.
    fn refused(&self, late: bool) -> u64 {
        self.refused.iter().filter(|refused| refused.late == late).map(|refused| refused.calls).sum()
    }
}

/// What the calls of the time that is looked at leave; nothing where there are none.
fn propose(wanted: &Narrow, reach: &Reach, habits: &Habits, now: Timestamp) -> Result<Option<Proposed>, String> {
    let begins = habits.first().or(reach.record_begins).unwrap_or(now);
    let (since, until) = wanted.span(now);
    let since = since.max(begins);
    let used: BTreeSet<&str> = habits.recent().map(|habit| &*habit.operation).collect();
    let mut operations: BTreeSet<String> =
        used.iter().filter(|operation| !operation.ends_with(" *")).map(|operation| (*operation).to_owned()).collect();
    for keep in &wanted.keep {
        let pattern: Pattern = keep.parse().map_err(|error: catalogue::PatternError| error.to_string())?;
        let kept: Vec<&OperationReach> =
            reach.operations.iter().filter(|operation| pattern.matches(&operation.operation)).collect();
        if kept.is_empty() {
            return Err(format!("no operation is called `{}`; `greave reach --all` lists them", clean(keep)));
        }
        operations.extend(kept.iter().map(|operation| operation.operation.clone()));
    }
    if operations.is_empty() {
        return Ok(None);
    }
    let of_catalogue = |name: &str| reach.operations.iter().find(|operation| operation.operation == name);
    let known = operations.iter().filter_map(|name| of_catalogue(name)).map(|operation| operation.powers);
    // With an operation's powers as they were recorded, too: a body may have chosen others.
    let recorded = habits.recent().filter(|habit| operations.contains(&*habit.operation));
    let powers = known.chain(recorded.map(|habit| habit.powers)).fold(Powers::NONE, |all, powers| all.union(powers));
    let sources = if wanted.sources { habits.networks() } else { Vec::new() };
    let patterns = operations.iter().map(|name| name.parse()).collect::<Result<Vec<Pattern>, _>>();
    let scope = Scope { powers, operations: patterns.map_err(|error| error.to_string())?, sources };
    let ceiling = Ceiling { of: wanted.key, since: now, scope: scope.clone() };
    let tried = habits.tried(&ceiling, since);
    let loses = reach
        .operations
        .iter()
        .filter(|it| it.within && ceiling.admits_from_anywhere(&it.operation, it.powers).is_err())
        .map(|it| Lost {
            operation: it.operation.clone(),
            powers: it.powers,
            without_second_factor: it.without_second_factor,
        })
        .collect();
    let (calls, days) = habits.count();
    Ok(Some(Proposed {
        key: wanted.key,
        record_begins: reach.record_begins,
        removed_until: reach.removed_until,
        since,
        until,
        calls,
        days,
        guards: guards(reach, powers),
        issue: issue(reach, &scope, habits),
        apply: wanted.to_apply(now),
        scope,
        loses,
        tried,
        applied: false,
    }))
}

/// Guards that ask for a person where the key alone passes now and was never used for it. They
/// bind every key of that kind.
fn guards(reach: &Reach, used: Powers) -> Option<String> {
    let view = reach.key.as_ref().filter(|key| key.issued.is_none())?;
    let unused: Vec<Power> = view.without_second_factor.iter().filter(|power| !used.contains(*power)).collect();
    if unused.is_empty() {
        return None;
    }
    let (section, whom) = match view.kind {
        HolderKind::Person => ("guard", "every key, where its kind says nothing else"),
        HolderKind::Workload => ("guard.workload", "every key of a workload"),
        HolderKind::Vendor => ("guard.vendor", "every key of a vendor"),
    };
    let width = unused.iter().map(|power| power.word().len()).max().unwrap_or(0);
    let lines = unused.iter().map(|power| format!("\n{:width$} = \"person\"", power.word()));
    Some(format!("[{section}]    # {whom}{}", lines.collect::<String>()))
}

/// The command that issues a key with this scope. Its limits are twice the busiest day.
fn issue(reach: &Reach, scope: &Scope, habits: &Habits) -> String {
    let holder = reach.key.as_ref().and_then(|key| key.holder.as_deref()).unwrap_or("NAME");
    let mut command = format!("greave keys issue --holder {}", show::word(holder));
    for power in scope.powers.iter() {
        command += &format!(" --power {}", power.word());
    }
    for operation in &scope.operations {
        command += &format!(" --operation {}", show::word(&operation.to_string()));
    }
    for source in &scope.sources {
        command += &format!(" --from {source}");
    }
    for (power, busiest) in habits.busiest().into_iter().filter(|(power, _)| scope.powers.contains(*power)) {
        command += &format!(" --limit '{} calls {}/d'", power.word(), busiest.saturating_mul(2));
    }
    command
}

impl Proposed {
    fn page(&self, view: &KeyView, now: Timestamp, width: Option<u16>) -> String {
        let who = show::key(view.id, view.name.as_deref(), view.holder.as_deref());
        let Self { scope, loses, tried, calls, days, .. } = self;
        let read = format!("{} that passed on {}", count(*calls, "call"), count(*days, "day"));
        let mut page = vec![
            styled(BOLD, format!("{who} would be left with what it used")),
            format!("from {read}, {} to {} UTC", moment(self.since), moment(self.until)),
            self.honest(),
            String::new(),
            format!("powers      {}", scope.powers),
        ];
        for (place, operation) in scope.operations.iter().enumerate() {
            let head = if place == 0 { "operations" } else { "" };
            page.push(format!("{head:<11} {}", clean(&operation.to_string())));
        }
        for (place, source) in scope.sources.iter().enumerate() {
            page.push(format!("{:<11} {source}", if place == 0 { "sources" } else { "" }));
        }
        page.push(String::new());
        page.push(self.lost());
        page.extend(loses.iter().filter(|lost| lost.powers.is_sensitive()).take(LISTED).map(|lost| {
            let alone = if lost.without_second_factor { ", which passes with the key alone" } else { "" };
            format!("  {}  {}{alone}", clean(&lost.operation), lost.powers)
        }));
        page.push(String::new());
        let tried_of =
            format!("Tried against its {} of {}", count(tried.calls, "recorded call"), count(tried.days, "day"));
        let (calls, late) = (tried.refused(false), tried.refused(true));
        let beside = match late {
            0 => String::new(),
            late => format!(
                ", beside {} at or after `--until`",
                if calls == 0 { format!("{late} that came") } else { late.to_string() }
            ),
        };
        page.push(match calls {
            0 => styled(WELL, format!("{tried_of}: none would have been refused{beside}")),
            calls => styled(ALARM, format!("{tried_of}: {calls} would have been refused{beside}")),
        });
        page.extend(self.not_shown().map(|text| styled(FAINT, text)));
        if !tried.refused.is_empty() {
            let mut table = show::table(["operation", "calls", "days", "last", "why"]);
            for Refused { operation, calls, days, first: _, last, why, late: _ } in tried.refused.iter().take(LISTED) {
                let (calls, days) = (calls.to_string(), days.to_string());
                table.add_row([clean(operation), calls, days, ago(*last, now), (*why).to_owned()]);
            }
            page.push(lines(&mut table, width));
            if let Some(more) = tried.refused.len().checked_sub(LISTED).filter(|more| *more > 0) {
                page.push(styled(FAINT, format!("and {more} more; `--json` lists all")));
            }
        }
        page.push(String::new());
        if self.applied {
            page.push(styled(WELL, format!("in force; `greave narrow {} --undo --as NAME` takes it back", self.key)));
        } else {
            if let Some(guards) = &self.guards {
                page.push("Guards do some of the same, in `greave.toml`:".to_owned());
                page.extend(guards.lines().map(|line| format!("  {line}")));
                page.push(String::new());
            }
            let issued = if view.issued.is_some() { "Or another key" } else { "Or an issued key in its place" };
            page.push(format!("{issued}, with limits of twice its busiest day:"));
            page.push(format!("  {}", clean(&self.issue)));
            page.push(String::new());
            page.push(styled(
                FAINT,
                format!("`{}` puts it into force, without a code; `--undo` takes it back", clean(&self.apply)),
            ));
        }
        page.join("\n")
    }

    /// What a scope does not say, and trying it does not show.
    fn not_shown(&self) -> impl Iterator<Item = String> {
        let loose = self.scope.operations.len() > 1 && self.scope.powers.iter().nth(1).is_some();
        let loose = loose.then(|| {
            "each of these operations may be called with each of these powers: where a body chooses what is done, that is \
             more than was used"
                .to_owned()
        });
        let unrecorded = "not in the record, and refused as well: a request whose path can be read as another operation's, \
                          and one whose body names another method or cannot be read, as compressed ones";
        loose.into_iter().chain([unrecorded.to_owned()])
    }

    /// How far back it can be known.
    fn honest(&self) -> String {
        match (self.record_begins, self.removed_until) {
            (Some(begins), Some(removed)) => format!(
                "the record begins at {} UTC, and some of it was removed up to {} UTC: what was used only before is \
                 not seen",
                moment(begins),
                moment(removed)
            ),
            (Some(begins), None) => {
                format!("the record begins at {} UTC: what was used only before is not seen", moment(begins))
            }
            (None, _) => "nothing is recorded yet".to_owned(),
        }
    }

    fn lost(&self) -> String {
        let sensitive = self.loses.iter().filter(|lost| lost.powers.is_sensitive()).count();
        let shown = if sensitive > LISTED { format!("; the first {LISTED}") } else { String::new() };
        match self.loses.len() {
            0 => "It would lose nothing that it can do now.".to_owned(),
            all => {
                format!(
                    "It would lose {} that it can call now, {sensitive} of them sensitive{shown}.",
                    count(all, "operation")
                )
            }
        }
    }
}

/// A key whose calls say nothing.
fn nothing(admin: &Admin, reach: &Reach, view: &KeyView, wanted: &Narrow) -> Outcome {
    let who = show::key(view.id, view.name.as_deref(), view.holder.as_deref());
    let honest = match reach.record_begins {
        Some(begins) => format!("the record begins at {} UTC", moment(begins)),
        None => "nothing is recorded yet".to_owned(),
    };
    let mend = if wanted.since.is_some() || wanted.until.is_some() {
        "another `--since` or `--until` looks at other calls".to_owned()
    } else {
        format!("`greave keys disable {}` stops it, and `--keep OPERATION` says what it should keep", view.id)
    };
    let said =
        format!("no call of {who} passed that a scope could name ({honest}): nothing can be learnt of it; {mend}");
    if wanted.apply {
        return Err(said.into());
    }
    admin.answer(&serde_json::json!({ "key": view.id, "record_begins": reach.record_begins, "why": said }), || {
        said.clone()
    })?;
    Ok(Done::Findings)
}

fn widened(key: &KeyView) -> String {
    let who = show::key(key.id, key.name.as_deref(), key.holder.as_deref());
    match key.ceilings.last() {
        None => format!("{who} reaches as far as before it was narrowed"),
        Some(CeilingView { of, since, .. }) => {
            format!("{who} is not narrowed so far any more; it still is as {of} was at {} UTC", moment(*since))
        }
    }
}

#[cfg(test)]
mod tests;
