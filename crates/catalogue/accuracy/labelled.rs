//! Labelled operations and where their documents lie. `tests/accuracy.rs` scores them, `src/classify/marks.rs` writes
//! down what can be learned from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use law::Powers;
use serde::Deserialize;

/// The folder that `accuracy/fetch.sh` filled.
pub(crate) const DOCUMENTS: &str = "GREAVE_DOCUMENTS";

/// One labelled operation.
#[derive(Deserialize)]
pub(crate) struct Row {
    pub(crate) doc: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) powers: Powers,
    /// The set that it is of, such as `tune-g`.
    #[serde(skip)]
    pub(crate) set: String,
}

/// The rows of every set whose name begins like this, by set.
pub(crate) fn rows(like: &str) -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("accuracy");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with(like) && name.ends_with(".jsonl")
    });
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let set = file.file_stem().unwrap().to_string_lossy();
        for line in fs::read_to_string(&file).unwrap().lines() {
            rows.push(Row { set: set.to_string(), ..serde_json::from_str(line).unwrap() });
        }
    }
    rows
}

/// Reads the document of a row.
pub(crate) fn document(folder: &Path, doc: &str) -> Vec<u8> {
    let path = folder.join(place(doc));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run accuracy/fetch.sh", path.display()))
}

/// Where `fetch.sh` puts a row's document: `package@version/inside` of npm, `pypi:name@version/inside` of a source
/// distribution.
fn place(doc: &str) -> PathBuf {
    let sdist = doc.strip_prefix("pypi:");
    let doc = sdist.unwrap_or(doc);
    // A scoped package begins with an `@` of its own.
    let at = doc.char_indices().skip(1).find(|(_, c)| *c == '@').expect("a version").0;
    let (package, rest) = doc.split_at(at);
    let (version, inside) = rest.split_once('/').expect("a file in the package");
    match sdist {
        Some(_) => Path::new(&format!("{package}-{}", version.trim_start_matches('@'))).join(inside),
        None => Path::new("node_modules").join(package).join(inside),
    }
}
