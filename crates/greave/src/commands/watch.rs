//! `greave watch`: what the watch sees in calls of the past, and how good it is.

mod bench;
mod preview;
mod replay;
mod status;

use jiff::Timestamp;

use super::{Admin, Outcome};
use crate::cli::{Cli, Watch, WatchCommand};

pub(crate) async fn run(cli: &Cli, command: &WatchCommand, now: Timestamp) -> Outcome {
    match (&command.command, &command.replay) {
        (Some(Watch::Bench(bench)), _) => bench::run(cli, bench),
        (None, Some(log)) => replay::run(cli, log.as_deref(), command.since, now),
        (Some(Watch::Preview { since }), _) => preview::run(cli, *since, now),
        (Some(Watch::Lift { key, proof }), _) => status::lift(&Admin::reach(cli, now).await?, *key, proof).await,
        (None, None) => status::show(&Admin::reach(cli, now).await?).await,
    }
}
