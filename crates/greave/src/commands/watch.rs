//! `greave watch`: what the watch sees in calls of the past, and how good it is.

mod bench;
mod replay;

use jiff::Timestamp;

use super::Outcome;
use crate::cli::{Cli, Watch, WatchCommand};

pub(crate) fn run(cli: &Cli, command: &WatchCommand, now: Timestamp) -> Outcome {
    match (&command.command, &command.replay) {
        (Some(Watch::Bench(bench)), _) => bench::run(cli, bench),
        (None, Some(log)) => replay::run(cli, log.as_deref(), command.since, now),
        (None, None) => Err("say what to look at: `greave watch --replay` for the gate's own record, `greave watch \
                             --replay FILE` for another; `greave watch bench` says how good the watch is"
            .into()),
    }
}
