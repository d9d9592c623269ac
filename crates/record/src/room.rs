//! How much room the record takes, and how much there is.

use std::{fs, io, path::Path};

/// What a record takes of its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes that are free on its disk for the user of the gate.
    pub free: u64,
    /// Bytes of its disk, taken and free.
    pub size: u64,
}

/// What the record in a folder takes, and what is left.
///
/// # Errors
/// The folder cannot be read.
pub fn room(folder: &Path) -> io::Result<Room> {
    let disk = rustix::fs::statvfs(folder)?;
    let of = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Ok(Room { bytes: bytes(folder, true)?, free: of(disk.f_bavail), size: of(disk.f_blocks) })
}

/// The files of a folder, and of the folders in it.
fn bytes(folder: &Path, deeper: bool) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Old files go while they are counted.
        let Ok(there) = entry.metadata() else { continue };
        if there.is_file() {
            bytes += there.len();
        } else if there.is_dir() && deeper {
            bytes += self::bytes(&entry.path(), false).unwrap_or(0);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_hours_counts_and_what_is_linked_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let hour = folder.path().join("hour=2026-11-29T10");
        fs::create_dir(&hour).unwrap();
        fs::write(folder.path().join("leaves.jsonl"), [0; 10]).unwrap();
        fs::write(hour.join("00000001-0.parquet"), [0; 7]).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("elsewhere")).unwrap();
        let room = room(folder.path()).unwrap();
        assert_eq!(room.bytes, 17);
        assert!(room.free <= room.size && room.size > 0);
    }
}
