//! `greave watch`: what the watch sees in calls of the past, and how good it is.

mod bench;
mod preview;
mod replay;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use law::{KeyId, Span};

use self::bench::Bench;
use super::{Admin, Outcome};
use crate::cli::{Cli, ProofArgs, example};

#[derive(Debug, Args)]
pub(crate) struct WatchCommand {
    #[command(subcommand)]
    pub(crate) command: Option<Watch>,
    /// Look at these calls: the folder of a record, or what `greave calls --json` wrote. Alone,
    /// this gate's own record.
    #[arg(long, value_name = "LOG", num_args = 0..=1)]
    pub(crate) replay: Option<Option<PathBuf>>,
    /// Only findings from this time on; what came before teaches what is usual.
    #[arg(long, value_name = "TIME", default_value = "36500d")]
    pub(crate) since: Span,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Watch {
    /// Lift what the watch did about a key, and about the keys that it made.
    ///
    /// For an hour nothing is done about the key by itself then; what is found is told. What
    /// spoke against it is forgotten. Needs the code of an administrator, or of somebody who
    /// answers for the key.
    #[command(after_help = example!("watch lift k17 --as ann"))]
    Lift {
        /// The key, such as `k17`; `greave watch` shows them.
        key: KeyId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Which keys would have been asked or contained, had the watch been on: before it is.
    ///
    /// Replays this gate's own record with the answers of the configuration. What came before
    /// the time that is given teaches what is usual. It does nothing. Ends with 1 where a key
    /// would have been asked or contained.
    #[command(after_help = example!("watch preview", "watch preview --since 30d --json"))]
    Preview {
        /// From this time on.
        #[arg(long, value_name = "TIME", default_value = "14d")]
        since: Span,
    },
    /// Score the watch on traffic whose attacks are known.
    ///
    /// Without a folder it makes its own: honest fleets with all that looks like an attack, and
    /// attacks at random moments. A folder has api.json, traffic.jsonl (or .gz), events.jsonl and
    /// labels.json, or has such folders in it. Beside the watch stand the default law without a
    /// watch, a rule that stops each new address, and a fixed limit of calls.
    ///
    /// Ends with 0 where every attack was contained in time and nobody honest was, else with 1.
    #[command(after_help = example!("watch bench --seeds 20", "watch bench --foreign --first 1001 --seeds 100", "watch bench --scenarios traffic/ --json", "watch bench --seeds 1 --write traffic/"))]
    Bench(Bench),
}

pub(crate) async fn run(cli: &Cli, command: &WatchCommand, now: Timestamp) -> Outcome {
    match (&command.command, &command.replay) {
        (Some(Watch::Bench(bench)), _) => bench::run(cli, bench),
        (None, Some(log)) => replay::run(cli, log.as_deref(), command.since, now),
        (Some(Watch::Preview { since }), _) => preview::run(cli, *since, now),
        (Some(Watch::Lift { key, proof }), _) => status::lift(&Admin::reach(cli, now).await?, *key, proof).await,
        (None, None) => status::show(&Admin::reach(cli, now).await?).await,
    }
}
