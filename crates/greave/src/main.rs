//! Greave closes the API back door behind 2FA.

mod ask;
mod backup;
mod broken;
mod cli;
mod client;
mod commands;
mod config;
mod demo;
mod document;
mod drains;
mod drilling;
mod ends;
mod files;
mod guests;
mod handed;
mod hourly;
mod house;
mod issuers;
mod keeper;
mod leaks;
mod lines;
mod metrics;
mod posture;
mod progress;
mod proposal;
mod pulse;
mod secrets;
mod show;
mod state;
mod stop;
mod telling;
mod traces;
mod trouble;
mod trust;
mod watching;
mod witness;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::FromArgMatches as _;
use jiff::Timestamp;

use crate::{
    cli::{Cli, Command},
    commands::{
        Admin, Done, Outcome,
        holders::{Holders, HoldersCommand},
        keys::{Keys, KeysCommand},
        law::LawCommand,
        watch::{Watch, WatchCommand},
    },
};

/// A request is served on one thread and its call is freed on the record's, which costs with
/// the C library's allocator: a twelfth of a whole request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&cli::command().get_matches()).unwrap_or_else(|error| error.exit());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(&cli)) {
        Ok(Done::Clean) => ExitCode::SUCCESS,
        Ok(Done::Findings) => ExitCode::from(1),
        Ok(Done::Failing) => ExitCode::from(2),
        Ok(Done::OnThisHost) => ExitCode::from(3),
        // Who read as much as they wanted is no error (`greave calls | head`).
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => failed(&*error),
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    let text = format!("{} {error}", show::styled(show::ALARM, "greave:"));
    anstream::eprintln!("{}", show::fit(&text, show::width()));
    ExitCode::from(2)
}

/// What a command would take: the configuration, the state folder that it names, and the socket there.
fn looks_at(cli: &Cli) -> Vec<std::path::PathBuf> {
    match &cli.command {
        Command::Demo(_) | Command::Audit(_) => Vec::new(),
        Command::Scan(scan) if !scan.prefix.is_empty() => Vec::new(),
        // These read files that are named.
        Command::Watch(
            WatchCommand { command: Some(Watch::Bench(_)), .. } | WatchCommand { replay: Some(Some(_)), .. },
        ) => Vec::new(),
        Command::Init(init) => vec![init.dir.join("greave.toml"), init.dir.join("state")],
        // It has no business in the state, which belongs to the user of the gate.
        Command::Catalogue(_) => {
            let [document, lock] = state::beside(&cli.config);
            vec![cli.config.clone(), document, lock]
        }
        _ => {
            let state = state::named_by(&cli.config);
            vec![cli.config.clone(), state.clone(), state::socket(&state)]
        }
    }
}

const NO_PAST: &str = "`--as-of` looks back, and this does not; it goes with `keys`, `keys show`, `holders`, \
                       `reach`, `explain` and `law show`";

/// What only reads, as of a moment of the past. What changes something has no past.
async fn as_of(cli: &Cli, at: Timestamp, now: Timestamp) -> Outcome {
    let reads = match &cli.command {
        Command::Keys(KeysCommand { command, .. }) => {
            matches!(command, None | Some(Keys::List(_) | Keys::Show { .. } | Keys::Export { .. }))
        }
        Command::Holders(HoldersCommand { command, .. }) => matches!(command, None | Some(Holders::List)),
        Command::Law(command) => matches!(command, LawCommand::Show),
        Command::Reach(_) | Command::Explain(_) => true,
        _ => false,
    };
    if !reads {
        return Err(NO_PAST.into());
    }
    if at > now {
        return Err("`--as-of` names a moment that has not come; the ledger knows the past".into());
    }
    let (admin, _scratch) = Admin::as_of(cli, at).await?;
    match &cli.command {
        Command::Reach(reach) => commands::reach::run(&admin, reach).await,
        Command::Explain(explain) => commands::explain::run(&admin, explain).await,
        Command::Law(law) => commands::law::run(&admin, law).await,
        Command::Keys(keys) => commands::keys::run(&admin, keys).await,
        Command::Holders(holders) => commands::holders::run(&admin, holders).await,
        _ => Err(NO_PAST.into()),
    }
}

async fn run(cli: &Cli) -> Outcome {
    let now = Timestamp::now();
    for path in looks_at(cli) {
        trust::look(&path)?;
    }
    if let Some(at) = cli.as_of.filter(|_| !matches!(cli.command, Command::Audit(_))) {
        return as_of(cli, at, now).await;
    }
    match &cli.command {
        Command::Demo(demo) => demo::run(demo, now).await,
        Command::Audit(audit) => commands::audit::run(cli, audit, now),
        Command::Init(init) => commands::init::run(init, now).await,
        Command::Check(check) => commands::check::run(cli, check, now).await,
        Command::Serve => commands::serve::run(&cli.config, now).await,
        Command::Status => commands::status::run(cli, now).await,
        Command::Calls(calls) => commands::calls::run(cli, calls, now).await,
        Command::Watch(watch) => commands::watch::run(cli, watch, now).await,
        Command::Scan(scan) => commands::scan::run(cli, scan, now).await,
        Command::Drill(drill) => commands::drill::run(cli, drill, now).await,
        Command::Record(record) => commands::record::run(cli, record, now).await,
        Command::Tell(tell) => commands::tell::run(cli, tell, now).await,
        Command::Drains { command } => commands::drains::run(cli, command.as_ref(), now).await,
        Command::Ledger(ledger) => commands::ledger::run(cli, ledger, now).await,
        Command::Backup(backup) => commands::backup::take(cli, backup, now).await,
        Command::Restore(restore) => commands::backup::restore(cli, restore, now).await,
        Command::Catalogue(catalogue) => commands::catalogue::run(cli, catalogue),
        Command::Reach(reach) => commands::reach::run(&Admin::reach(cli, now).await?, reach).await,
        Command::Incident(incident) => commands::incident::run(cli, incident, now).await,
        Command::Narrow(narrow) => commands::narrow::run(cli, narrow, now).await,
        Command::Explain(explain) => commands::explain::run(&Admin::reach(cli, now).await?, explain).await,
        Command::Guards(guards) => commands::guards::run(&Admin::reach(cli, now).await?, guards).await,
        Command::Law(law) => commands::law::run(&Admin::reach(cli, now).await?, law).await,
        Command::Keys(keys) => commands::keys::run(&Admin::reach(cli, now).await?, keys).await,
        Command::Holders(holders) => commands::holders::run(&Admin::reach(cli, now).await?, holders).await,
        Command::Expiry(expiry) => commands::expiry::run(&Admin::reach(cli, now).await?, expiry).await,
        Command::Reconcile(wanted) => commands::reconcile::run(cli, wanted, now).await,
        Command::Upstream(upstream) => commands::upstream::run(&Admin::reach(cli, now).await?, upstream).await,
        Command::Questions(asked) => commands::questions::list(&Admin::reach(cli, now).await?, asked).await,
        Command::Approve(approve) => commands::questions::approve(&Admin::reach(cli, now).await?, approve).await,
        Command::Deny(deny) => commands::questions::deny(&Admin::reach(cli, now).await?, deny).await,
    }
}
