//! Greave closes the API back door behind 2FA.

mod ask;
mod cli;
mod client;
mod commands;
mod config;
mod demo;
mod document;
mod house;
mod metrics;
mod secrets;
mod show;
mod state;
mod telling;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use jiff::Timestamp;

use crate::{
    cli::{Cli, Command},
    commands::{Done, Outcome},
};

fn main() -> ExitCode {
    let cli = Cli::parse();
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
        Err(error) => failed(&*error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    anstream::eprintln!("{} {error}", show::styled(show::ALARM, "greave:"));
    ExitCode::from(2)
}

async fn run(cli: &Cli) -> Outcome {
    let now = Timestamp::now();
    match &cli.command {
        Command::Demo(demo) => demo::run(demo, now).await,
        Command::Init(init) => commands::init::run(init, now).await,
        Command::Check(check) => commands::check::run(&cli.config, check, now).await,
        Command::Serve => commands::serve::run(&cli.config, now).await,
        _ => Err("not here".into()),
    }
}
