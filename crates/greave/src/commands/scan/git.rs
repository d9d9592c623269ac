//! The history of a git repository, read through git itself: it knows packs, alternates and
//! partial clones better than any second reader of them would.
//!
//! A repository may be a stranger's, so nothing that it configures is run: no hook, no pager,
//! no filter, no signature's program, no fetching of what is missing.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use super::{
    look::{Document, Hit, Looker},
    text::{self, WINDOW},
    walk::Ways,
};

/// Who put something into a repository, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) author: String,
    pub(super) date: String,
    /// Where it stood then.
    pub(super) path: Option<String>,
    /// Seconds since 1970.
    at: i64,
}

/// A git for a repository that was met on the way. What a hook's own git told its children of
/// the repository that it works for is not of this one.
fn git(repository: &Path) -> Command {
    let mut git = quiet_git(repository);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"] {
        git.env_remove(name);
    }
    git.env_remove("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    // Where it turns out to be none, the one above it is not meant.
    if let Some(above) = repository.canonicalize().ok().as_deref().and_then(Path::parent) {
        git.env("GIT_CEILING_DIRECTORIES", above);
    }
    git
}

/// Whether git would read a repository in what was named alone. One that somebody else packed may
/// point anywhere: a `.git` that is a file, a link, or objects borrowed from elsewhere.
fn stays_within(repository: &Path, ways: &Ways) -> io::Result<()> {
    let mut asked = git(repository);
    asked.args(["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--git-path", "objects"]);
    let output = asked.output()?;
    if !output.status.success() {
        return Err(io::Error::other("git does not know it; `git status` there says why"));
    }
    let is_outside = |path: &Path| match path.canonicalize() {
        Ok(path) => !ways.within.iter().any(|named| path.starts_with(named)),
        // What is not there is not read.
        Err(_) => false,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let folders: Vec<PathBuf> = text.lines().map(PathBuf::from).collect();
    let mut objects: Vec<PathBuf> = folders.last().cloned().into_iter().collect();
    let mut seen = Vec::new();
    let mut outside = folders.into_iter().find(|path| is_outside(path));
    // Whoever lends objects may borrow them, too.
    while outside.is_none() {
        let Some(folder) = objects.pop() else { break };
        let parts = [folder.clone(), folder.join("pack")].into_iter().filter_map(|it| fs::read_dir(it).ok()).flatten();
        let links = parts.flatten().filter(|it| it.file_type().is_ok_and(|kind| kind.is_symlink()));
        outside = links.map(|link| link.path()).find(|path| is_outside(path));
        let lent = fs::read(folder.join("info").join("alternates")).unwrap_or_default();
        for line in String::from_utf8_lossy(&lent).lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            // A path in quotes is written as C would: whoever does so says what is not looked at.
            let lender = folder.join(line);
            if line.starts_with('"') || is_outside(&lender) {
                outside = Some(lender);
            } else if seen.len() < LENDERS && !seen.contains(&lender) {
                seen.push(lender.clone());
                objects.push(lender);
            }
        }
    }
    match outside {
        None => Ok(()),
        Some(path) => {
            let path = path.display();
            Err(io::Error::other(format!("it is kept outside of what is read, at `{path}`; name that folder, too")))
        }
    }
}

/// So many folders that lend objects are looked at.
const LENDERS: usize = 64;

fn quiet_git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(repository);
    for setting in ["core.fsmonitor=false", "core.hooksPath=/dev/null", "log.showSignature=false", "log.showRoot=true"]
    {
        git.args(["-c", setting]);
    }
    git.args(["--no-pager", "--no-optional-locks", "--no-replace-objects"])
        .env("GIT_NO_LAZY_FETCH", "1")
        // A git that does not know that yet may ask nobody, whatever the repository configures:
        // there is no such protocol.
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What git says may name anything; that it failed is said here.
        .stderr(Stdio::null());
    for name in ["GIT_EXTERNAL_DIFF", "GIT_PAGER"] {
        git.env_remove(name);
    }
    git
}

/// A git that runs. It ends with this value.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> io::Result<(Self, ChildStdout)> {
        let mut child = command.spawn().map_err(|error| io::Error::other(format!("git cannot be run: {error}")))?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("git has no output"))?;
        Ok((Self(child), output))
    }

    fn end(mut self) -> io::Result<()> {
        let status = self.0.wait()?;
        let told = "git failed; `git fsck` says whether the repository is whole, and `git status` whether it is yours";
        if status.success() { Ok(()) } else { Err(io::Error::other(told)) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is not hurt by it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads every file, commit and tag that was ever in a repository.
pub(super) fn history(path: &Path, ways: &Ways, looker: &mut Looker) {
    let name = format!("the history of {}", path.display());
    let read = stays_within(path, ways);
    let read = if read.is_err() {
        read
    } else if ways.unreachable {
        everything(path, ways, looker)
    } else {
        reachable(path, ways, looker)
    };
    if let Err(error) = read {
        ways.finds.unread(name, &error);
    }
}

fn reachable(path: &Path, ways: &Ways, looker: &mut Looker) -> io::Result<()> {
    let mut list = git(path);
    list.args(["rev-list", "--objects", "--all", "HEAD"]);
    // A repository without a commit has no HEAD.
    if !git(path).args(["rev-parse", "--verify", "--quiet", "HEAD"]).stdout(Stdio::null()).status()?.success() {
        list = git(path);
        list.args(["rev-list", "--objects", "--all"]);
    }
    let (list, names) = Running::start(list)?;
    let mut contents = git(path);
    contents.args(["cat-file", "--batch=%(objecttype) %(objectsize) %(objectname) %(rest)", "--buffer"]).stdin(names);
    let (contents, output) = Running::start(contents)?;
    objects(path, output, ways, looker)?;
    contents.end()?;
    list.end()
}

/// Also what no branch leads to any more.
fn everything(path: &Path, ways: &Ways, looker: &mut Looker) -> io::Result<()> {
    let mut contents = git(path);
    let form = "--batch=%(objecttype) %(objectsize) %(objectname) ";
    contents.args(["cat-file", "--batch-all-objects", form, "--buffer", "--unordered"]);
    let (contents, output) = Running::start(contents)?;
    objects(path, output, ways, looker)?;
    contents.end()
}

/// What stands in the index and not in the last commit.
pub(super) fn staged(path: &Path, ways: &Ways, looker: &mut Looker) {
    let mut read = || -> io::Result<()> {
        let mut asked = quiet_git(path);
        asked.args(["rev-parse", "--git-dir"]);
        if !asked.output()?.status.success() {
            let told = "it is in no repository that git knows; go into one, or leave out `--staged`";
            return Err(io::Error::other(told));
        }
        let mut changes = quiet_git(path);
        changes.args(["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff"]);
        changes.args(["--no-textconv", "--ignore-submodules", "--diff-filter=AMT"]);
        let (running, mut output) = Running::start(changes)?;
        let mut text = Vec::new();
        output.read_to_end(&mut text)?;
        running.end()?;
        let changes = raw_changes(&text);
        let mut contents = quiet_git(path);
        contents.args(["cat-file", "--batch=%(objecttype) %(objectsize) %(objectname) %(rest)"]);
        contents.stdin(Stdio::piped());
        let (mut contents, output) = Running::start(contents)?;
        let input = contents.0.stdin.take();
        std::thread::scope(|scope| {
            // What git writes is read while it is still asked.
            let asking = scope.spawn(move || -> io::Result<()> {
                let Some(mut input) = input else { return Ok(()) };
                for (id, path) in changes {
                    writeln!(input, "{id} {}", path.replace('\n', " "))?;
                }
                Ok(())
            });
            objects(path, output, ways, looker)?;
            asking.join().map_err(|_| io::Error::other("git took no more"))?
        })?;
        contents.end()
    };
    if let Err(error) = read() {
        ways.finds.unread(format!("what is staged in {}", path.display()), &error);
    }
}

/// The new objects of `git diff --raw -z`, with their paths.
fn raw_changes(text: &[u8]) -> Vec<(String, String)> {
    let mut parts = text.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut changes = Vec::new();
    while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
        let id = head.strip_prefix(':').and_then(|head| head.split(' ').nth(3)).unwrap_or_default();
        if is_id(id) && id.bytes().any(|digit| digit != b'0') {
            changes.push((id.to_owned(), path.into_owned()));
        }
    }
    changes
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Reads what `git cat-file --batch` writes.
fn objects(repository: &Path, output: impl Read, ways: &Ways, looker: &mut Looker) -> io::Result<()> {
    let repository: Arc<str> = repository.display().to_string().into();
    let mut output = BufReader::with_capacity(256 << 10, ways.progress.watch(output));
    let mut head = Vec::new();
    loop {
        head.clear();
        if output.by_ref().take(64 << 10).read_until(b'\n', &mut head)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&head);
        let mut words = text.trim_end_matches('\n').splitn(4, ' ');
        let (kind, size, id, path) = (words.next(), words.next(), words.next(), words.next());
        let size: u64 = match (kind, size.map(str::parse)) {
            (Some("blob" | "commit" | "tag" | "tree"), Some(Ok(size))) => size,
            // A partial clone lacks objects; that is said once, at the end, by whoever counts.
            (Some(id), Some(_)) if is_id(id) => {
                ways.finds.unread(format!("object {id} of {repository}"), &"the repository does not have it");
                continue;
            }
            _ => return Err(io::Error::other("git said something that is not understood")),
        };
        let mut content = output.by_ref().take(size);
        let kind = match kind {
            Some("commit") => Some("a commit"),
            Some("tag") => Some("a tag"),
            Some("tree") => {
                io::copy(&mut content, &mut io::sink())?;
                end_of(&mut output)?;
                continue;
            }
            _ => None,
        };
        let path = path.filter(|path| !path.is_empty() && kind.is_none()).map(str::to_owned);
        if let Some(path) = &path {
            looker.name(path, &ways.forms);
        }
        let id = id.unwrap_or_default().to_owned();
        let document = Arc::new(Document::Object { repository: Arc::clone(&repository), id, kind, path });
        if size <= ways.largest {
            text::pass(
                &mut content,
                WINDOW.min(usize::try_from(size).unwrap_or(WINDOW) + 1),
                &ways.forms,
                &mut |it| {
                    looker.take(&document, it);
                },
            )?;
        } else {
            ways.finds
                .unread(format!("object {} of {repository}", text_id(&document)), &"it is larger than `--largest`");
        }
        io::copy(&mut content, &mut io::sink())?;
        end_of(&mut output)?;
        ways.finds.with(|inner| {
            inner.objects += 1;
            inner.bytes += size;
        });
    }
}

fn text_id(document: &Document) -> &str {
    match document {
        Document::Object { id, .. } => id,
        _ => "",
    }
}

/// The line that ends behind each object.
fn end_of(output: &mut impl Read) -> io::Result<()> {
    output.read_exact(&mut [0])
}

/// Which commits brought what was found: the first of each. Asked only where something was found.
pub(super) fn commits(hits: &[Hit]) -> HashMap<(Arc<str>, String), Commit> {
    let mut of: HashMap<Arc<str>, HashMap<String, bool>> = HashMap::new();
    for hit in hits {
        if let Document::Object { repository, id, kind, .. } = &*hit.document {
            of.entry(Arc::clone(repository)).or_default().insert(id.clone(), kind.is_some());
        }
    }
    let mut commits = HashMap::new();
    for (repository, wanted) in of {
        // What is not told stays unknown: what was found is told all the same.
        let _ = first_commits(&repository, &wanted, &mut |id, commit: Commit| {
            let entry = commits.entry((Arc::clone(&repository), id));
            let kept = entry.or_insert_with(|| commit.clone());
            if commit.at < kept.at {
                *kept = commit;
            }
        });
    }
    commits
}

const FORM: &str = "--format=%x01%H%x1f%an <%ae>%x1f%aI%x1f%ct%x1f";

fn first_commits(
    repository: &Arc<str>,
    wanted: &HashMap<String, bool>,
    each: &mut impl FnMut(String, Commit),
) -> io::Result<()> {
    let path = PathBuf::from(&**repository);
    // Those that no branch leads to are asked for by name.
    let mut log = git(&path);
    log.args(["log", "--all", "--reflog", "-m", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff"]);
    log.args(["--no-textconv", "--no-mailmap", "--no-show-signature", "--diff-filter=AMT", FORM]);
    let (running, output) = Running::start(log)?;
    let mut output = BufReader::with_capacity(256 << 10, output);
    let mut commit: Option<Commit> = None;
    let mut part = Vec::new();
    let mut head: Option<String> = None;
    loop {
        part.clear();
        if output.read_until(0, &mut part)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(part.strip_suffix(&[0]).unwrap_or(&part)).into_owned();
        if let Some(id) = head.take() {
            if let Some(commit) = &commit {
                each(id, Commit { path: Some(text), ..commit.clone() });
            }
            continue;
        }
        let mut rest = &*text;
        if let Some((_, told)) = rest.split_once('\u{1}') {
            let mut words = told.split('\u{1f}');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (id, author, date, at) = (word(), word(), word(), word().parse().unwrap_or(i64::MAX));
            let told_of = Commit { id: id.clone(), author, date, path: None, at };
            if wanted.get(&id) == Some(&true) {
                each(id, told_of.clone());
            }
            commit = Some(told_of);
            rest = told.rsplit('\u{1f}').next().unwrap_or_default();
        }
        let Some(fields) = rest.trim_start_matches('\n').strip_prefix(':') else { continue };
        let id = fields.split(' ').nth(3).unwrap_or_default();
        // Of the others the path comes next, and is passed over.
        head = Some(id.to_owned()).filter(|id| wanted.get(id) == Some(&false));
        if head.is_none() {
            part.clear();
            output.read_until(0, &mut part)?;
        }
    }
    running.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_repository_lacks_is_not_fetched_whatever_it_configures_and_however_old_git_is() {
        let folder = tempfile::tempdir().unwrap();
        let sprung = folder.path().join("sprung");
        let run = |words: &[&str]| {
            let mut git = quiet_git(folder.path());
            let output = git.args(words).output().unwrap();
            assert!(output.status.success(), "{words:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        run(&["init", "--quiet"]);
        std::fs::write(folder.path().join("a"), "content").unwrap();
        let blob = run(&["hash-object", "-w", "a"]);
        let (first, rest) = blob.split_at(2);
        std::fs::remove_file(folder.path().join(format!(".git/objects/{first}/{rest}"))).unwrap();
        let url = format!("ext::touch {}", sprung.display());
        for (name, value) in [
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "o"),
            ("remote.o.promisor", "true"),
            ("remote.o.url", &url),
            ("protocol.ext.allow", "always"),
            ("protocol.allow", "always"),
        ] {
            run(&["config", name, value]);
        }
        let mut older = quiet_git(folder.path());
        older.env_remove("GIT_NO_LAZY_FETCH").args(["cat-file", "-p", &blob]);
        assert!(!older.status().unwrap().success());
        assert!(!sprung.exists(), "it ran a command");
    }

    #[test]
    fn what_is_staged_is_read_with_its_paths() {
        let (none, one) = ("0".repeat(40), "a".repeat(40));
        let text =
            format!(":000000 100644 {none} {one} A\0a name\nof two lines\0:100644 000000 {one} {none} D\0gone\0");
        assert_eq!(raw_changes(text.as_bytes()), [(one, "a name\nof two lines".to_owned())]);
        assert_eq!(raw_changes(b""), []);
        assert_eq!(raw_changes(b":nonsense\0x\0"), []);
    }
}
