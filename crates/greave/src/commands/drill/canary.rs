//! `greave drill canary`: one is laid out in a file, and what becomes of it is measured.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use console::api::{DrillView, LaidOut};
use http::Method;
use jiff::Timestamp;

use super::{Admin, BEAT, Done, Drill, Outcome, json, tell, well};
use crate::{
    cli::{Cli, FailOn},
    client::address,
    commands::scan::{self, Scan, ScanFormat},
    config::Size,
    show,
};

/// Larger files of the folder are left alone.
const LARGEST: Size = Size(4 << 30);

pub(super) async fn run(cli: &Cli, drill: &Drill, now: Timestamp) -> Outcome {
    let Some(folder) = &drill.into else {
        return Err("say where the canary is to lie: `--into FOLDER`, such as a temporary one".into());
    };
    let admin = Admin::reach(cli, now).await?;
    let mut lure = Lure::in_folder(folder)?;
    let begin = address(&["drills", "canary"]);
    let LaidOut { key, secret, drill: _ } = admin.prove(Method::POST, &begin, &drill.proof, |proof| proof).await?;
    lure.write(secret.expose())?;
    drop(secret);
    let playing = async {
        let scan = Scan {
            paths: vec![folder.clone()],
            staged: false,
            no_history: false,
            unreachable: false,
            prefix: Vec::new(),
            report: false,
            format: ScanFormat::Terminal,
            fail_on: FailOn::Never,
            largest: LARGEST,
        };
        let place = scan::place_of(&admin, &scan, key).await?;
        if place.is_none() {
            show::aside(show::ALARM, "the scanner did not find it; the drill ends by itself after five minutes");
        }
        let drills = address(&["drills"]);
        let mut view: DrillView = admin.client.read(&drills).await?;
        while view.goes_on {
            tokio::time::sleep(BEAT).await;
            view = admin.client.read(&drills).await?;
        }
        Ok::<_, Box<dyn std::error::Error>>((place, view))
    };
    // Whoever breaks off leaves no file behind.
    let (place, view) = tokio::select! {
        played = playing => played?,
        _ = tokio::signal::ctrl_c() => {
            return Err("broken off; the file is gone, and the drill ends by itself after five minutes".into());
        }
    };
    drop(lure);
    if admin.json {
        json(&view)?;
    } else {
        if let Some(place) = place {
            show::say(format!(
                "laid out in {}, and found by the scanner in {}",
                folder.display(),
                show::clean(&place)
            ))?;
        }
        tell(&view, 0, now)?;
    }
    Ok(if view.played.iter().all(well) { Done::Clean } else { Done::Findings })
}

/// The file in which it lies. It goes away with this, and its folder, where it was made for it.
struct Lure {
    path: PathBuf,
    file: fs::File,
    made: Option<PathBuf>,
}

impl Lure {
    /// A place for it; nothing of what is there is touched.
    fn in_folder(folder: &Path) -> Result<Self, String> {
        let made = !folder.exists();
        fs::create_dir_all(folder).map_err(|error| format!("`{}`: {error}; name another folder", folder.display()))?;
        let path = folder.join("greave-drill-canary.env");
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| format!("`{}`: {error}; take it away, or name another folder", path.display()))?;
        Ok(Self { path, file, made: made.then(|| folder.to_owned()) })
    }

    fn write(&mut self, secret: &str) -> Result<(), String> {
        let text = format!("# A canary of `greave drill canary`: it works nowhere.\nAPI_TOKEN={secret}\n");
        self.file.write_all(text.as_bytes()).map_err(|error| format!("`{}`: {error}", self.path.display()))
    }
}

impl Drop for Lure {
    fn drop(&mut self) {
        // What has gone already need not be taken away.
        let _ = fs::remove_file(&self.path);
        if let Some(folder) = &self.made {
            // Not where somebody has put something else there.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_away_and_nothing_else_does() {
        let scratch = tempfile::tempdir().unwrap();
        let made = scratch.path().join("made");
        let mut lure = Lure::in_folder(&made).unwrap();
        lure.write("secret").unwrap();
        assert!(fs::read_to_string(&lure.path).unwrap().contains("API_TOKEN=secret\n"));
        drop(lure);
        assert!(!made.exists(), "what was made for it goes with it");

        fs::create_dir(&made).unwrap();
        fs::write(made.join("other"), "stays").unwrap();
        drop(Lure::in_folder(&made).unwrap());
        assert_eq!(fs::read_dir(&made).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over_and_not_taken_away() {
        let scratch = tempfile::tempdir().unwrap();
        let theirs = scratch.path().join("greave-drill-canary.env");
        fs::write(&theirs, "theirs").unwrap();
        let error = Lure::in_folder(scratch.path()).map(|_| ()).unwrap_err();
        assert!(error.contains("name another folder"), "{error}");
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }
}
