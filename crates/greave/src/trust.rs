//! Whether root would act on what another user wrote.
//!
//! The configuration names the folder with the gate's socket, where codes are typed, and files
//! that root would open and write. Whoever can edit it, or put another in its place, chooses
//! those: as `sudo` and `ssh` do, root takes neither from anybody else.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

/// Names one more user, by number, whose files root takes.
pub(crate) const TRUSTED: &str = "GREAVE_ROOT_TRUSTS";

/// Links that are followed, one after the other.
const MOST_LINKS: u32 = 16;

/// Something that another user could change.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {why}", .path.display())]
pub(crate) struct Changeable {
    path: PathBuf,
    why: Why,
    owner: u32,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Why {
    #[error("belongs to user {0}")]
    Belongs(u32),
    #[error("can be written by others than its owner")]
    Writable,
    #[error("is one of too many links in a row")]
    Links,
}

/// Why root does not act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untrusted {
    #[error(
        "`{}` is not trusted: as root greave takes nothing that another user could change, and {what}. {}", .path.display(), mend(.what, .path)
    )]
    Changeable { path: PathBuf, what: Changeable },
    #[error("{TRUSTED}: `{0}` is no number of a user; `id -u NAME` says it")]
    NoUser(String),
}

fn mend(Changeable { path, why, owner }: &Changeable, meant: &Path) -> String {
    let trust = format!("or say `{TRUSTED}={owner}` before the command if that user may do what root may");
    match why {
        Why::Belongs(owner) => format!(
            "Say `sudo -u '#{owner}' greave …` where it is the gate's own user, name another file with `--config`, or \
             `chown root '{}'`; {trust}",
            path.display()
        ),
        Why::Writable => format!(
            "Others can write it: `chmod go-w '{}'` closes it, or name another file with `--config`",
            path.display()
        ),
        Why::Links => format!("Name the file itself instead of `{}`", meant.display()),
    }
}

/// Nothing where nobody but root, or who is trusted as much, can change what lies there.
///
/// # Errors
/// With what can be changed, and how that is mended.
pub(crate) fn look(path: &Path) -> Result<(), Untrusted> {
    const ROOT: u32 = 0;
    if rustix::process::geteuid().as_raw() != ROOT {
        return Ok(());
    }
    let mut trusted = vec![ROOT];
    if let Some(named) = std::env::var_os(TRUSTED) {
        let named = named.to_string_lossy();
        trusted.push(named.parse().map_err(|_| Untrusted::NoUser(named.into_owned()))?);
    }
    check(path, &trusted).map_err(|what| Untrusted::Changeable { path: path.to_owned(), what })
}

/// Looks at the path, at every folder above it, and at what links on the way lead to. What is
/// not there cannot be somebody's; its folder is looked at.
fn check(path: &Path, trusted: &[u32]) -> Result<(), Changeable> {
    let mut links = 0;
    follow(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()), trusted, &mut links)
}

fn follow(path: &Path, trusted: &[u32], links: &mut u32) -> Result<(), Changeable> {
    let mut so_far = PathBuf::new();
    let mut steps = path.components();
    while let Some(step) = steps.next() {
        so_far.push(step);
        let Ok(found) = fs::symlink_metadata(&so_far) else { return Ok(()) };
        let changeable = |why| Changeable { path: so_far.clone(), why, owner: found.uid() };
        if !trusted.contains(&found.uid()) {
            return Err(changeable(Why::Belongs(found.uid())));
        }
        if found.is_symlink() {
            *links += 1;
            if *links > MOST_LINKS {
                return Err(changeable(Why::Links));
            }
            let Ok(target) = fs::read_link(&so_far) else { return Ok(()) };
            so_far.pop();
            // `..` steps out of where the link leads, not out of where it lies.
            let rest: PathBuf = steps.collect();
            return follow(&so_far.join(target).join(rest), trusted, links);
        }
        // In a folder such as /tmp nobody can put another in the place of what is not theirs.
        let is_kept = found.is_dir() && found.mode() & 0o1000 != 0 && has_more(&steps.clone().collect::<PathBuf>());
        if found.mode() & 0o022 != 0 && !is_kept {
            return Err(changeable(Why::Writable));
        }
    }
    Ok(())
}

fn has_more(rest: &Path) -> bool {
    rest.components().any(|step| matches!(step, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mine() -> Vec<u32> {
        vec![0, rustix::process::geteuid().as_raw()]
    }

    fn close(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn found(path: &Path, trusted: &[u32]) -> Option<(PathBuf, Why)> {
        check(path, trusted).err().map(|Changeable { path, why, .. }| (path, why))
    }

    #[test]
    fn what_others_can_write_is_found_wherever_on_the_way_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let inner = root.join("etc");
        let file = inner.join("greave.toml");
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "").unwrap();
        close(&inner, 0o755);
        close(&file, 0o644);
        // Below a folder such as /tmp, which all can write and where each keeps what is theirs.
        assert_eq!(found(&file, &mine()), None);
        assert_eq!(found(&inner.join("not-there.toml"), &mine()), None);
        for (path, mode) in [(&file, 0o666), (&file, 0o664), (&inner, 0o777), (&inner, 0o775), (&root, 0o777)] {
            let before = fs::metadata(path).unwrap().mode();
            close(path, mode);
            assert_eq!(found(&file, &mine()), Some((path.clone(), Why::Writable)), "{mode:o}");
            close(path, before);
        }
        close(&inner, 0o1777);
        assert_eq!(found(&file, &mine()), None, "nobody can take its place");
        assert_eq!(found(&inner, &mine()), Some((inner.clone(), Why::Writable)), "but anybody can put things there");
    }

    #[test]
    fn what_belongs_to_another_is_found_also_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let me = rustix::process::geteuid().as_raw();
        let nobody_else = [u32::MAX - 1];
        assert!(matches!(found(&root, &nobody_else), Some((_, Why::Belongs(owner))) if owner == 0 || owner == me));
        let (open, link) = (root.join("open"), root.join("link"));
        fs::create_dir(&open).unwrap();
        close(&open, 0o777);
        symlink("open", &link).unwrap();
        assert_eq!(found(&link, &mine()), Some((open.clone(), Why::Writable)));
        assert_eq!(found(&link.join("greave.toml"), &mine()), Some((open, Why::Writable)));
        symlink("circle", root.join("circle")).unwrap();
        assert!(matches!(found(&root.join("circle"), &mine()), Some((_, Why::Links))));
    }

    #[test]
    fn the_mend_names_the_user_and_the_file() {
        let told = |why, owner| Untrusted::Changeable {
            path: "/etc/greave/greave.toml".into(),
            what: Changeable { path: "/etc/greave".into(), why, owner },
        };
        let belongs = told(Why::Belongs(1000), 1000).to_string();
        for word in ["/etc/greave", "user 1000", "sudo -u '#1000'", "--config", "chown root", "GREAVE_ROOT_TRUSTS=1000"]
        {
            assert!(belongs.contains(word), "{word} in {belongs}");
        }
        assert!(told(Why::Writable, 0).to_string().contains("chmod go-w '/etc/greave'"));
    }
}
