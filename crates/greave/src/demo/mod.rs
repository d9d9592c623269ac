//! `greave demo`: a made-up company, the gate before it, and the scene in the terminal.
//!
//! Nothing in it is canned: every status, count and time that is printed was seen, and what
//! is claimed is checked. A scene that does not come out as told ends with an error.

mod caller;
pub(crate) mod company;
mod gated;
mod scene;
mod stage;

use std::{io, pin::pin, time::Duration};

use clap::Args;
use jiff::Timestamp;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use self::{gated::Folder, scene::Scene, stage::Stage};
use crate::commands::{Done, Outcome};

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End when the scene is over, instead of staying up.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// What the gate may take to stop.
const STOPPING: Duration = Duration::from_secs(3);

pub(crate) async fn run(demo: &Demo, now: Timestamp) -> Outcome {
    let mut interrupted = pin!(interrupted()?);
    let folder = Folder::make()?;
    let mut stage = Stage::new(!demo.no_wait);
    if !demo.no_wait {
        stage.line("It stays up after the last act, so that you can try it, until Ctrl-C; with `--no-wait` it ends.");
    }
    let mut scene = Scene::open(&folder, now).await?;
    tokio::select! {
        played = scene.play(&mut stage) => {
            // Where it breaks off, what came before tells why.
            stage.verdict()?;
            played?;
        }
        () = &mut interrupted => return Ok(Done::Clean),
    }
    if !demo.no_wait {
        tokio::select! {
            never = scene.stay(&stage) => never?,
            () = &mut interrupted => {}
        }
        stage.line("");
    }
    // Whoever does not stop in time ends with the process.
    let _ = timeout(STOPPING, scene.close()).await;
    drop(folder);
    Ok(Done::Clean)
}

/// Somebody wants it to end. Heard from the call on, not only when somebody waits for it.
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (mut end, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = end.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
