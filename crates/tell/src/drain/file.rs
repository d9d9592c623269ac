//! Lines into a file that only its owner may read. Moved away, as logrotate does, it is begun
//! anew with the next batch.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::spawn_blocking;

use crate::{Line, Undelivered};

/// A file and where it lies.
pub(super) struct Sink {
    path: Arc<Path>,
    file: Option<Arc<File>>,
}

impl Sink {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: path.into(), file: None }
    }

    /// Appends a batch; on disk when this returns.
    pub(super) async fn append(&mut self, lines: &[Line]) -> Result<String, Undelivered> {
        let text: String = lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
        let (path, file) = (Arc::clone(&self.path), self.file.take());
        let written = spawn_blocking(move || append(&path, file, text.as_bytes())).await;
        let file = written
            .map_err(|error| Undelivered::later(error.to_string()))?
            .map_err(|error| Undelivered::later(format!("`{}`: {error}", self.path.display())))?;
        self.file = Some(file);
        Ok("it is on disk".to_owned())
    }
}

fn append(path: &Path, file: Option<Arc<File>>, text: &[u8]) -> io::Result<Arc<File>> {
    let file = match file.filter(|file| lies_there(file, path)) {
        Some(file) => file,
        None => Arc::new(open(path)?),
    };
    (&*file).write_all(text)?;
    file.sync_data()?;
    Ok(file)
}

/// Whether the name still leads to this file, and not by a link, which may be somebody else's.
fn lies_there(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(there)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

fn open(path: &Path) -> io::Result<File> {
    let refused = |why: &str| io::Error::other(why.to_owned());
    let link = std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file());
    if link {
        return Err(refused("it is a link or no file; name the file itself"));
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // Between that look and the opening somebody may have put something else there.
    if !lies_there(&file, path) {
        return Err(refused("something else was put in its place"));
    }
    if file.metadata()?.mode() & 0o077 != 0 {
        return Err(refused("others may read or write it; take that away with `chmod 600`"));
    }
    // A line that a kill left half-written is ended, so that it spoils no other.
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}
