//! What a path that nobody described, or a pattern that names nothing, may have been meant for.

use authority::Scope;
use catalogue::{Catalogue, Pattern};

/// So many are named, of a path of at most so many bytes, where so much of it is alike.
const NAMED: usize = 3;
const LONGEST: usize = 256;
const ALIKE: f64 = 0.6;

/// The described operations nearest to this method and path, the nearest first.
pub(crate) fn nearest(catalogue: &Catalogue, method: &str, path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if path.len() > LONGEST {
        return Vec::new();
    }
    let bare = path.strip_prefix(catalogue.base()).filter(|bare| bare.starts_with('/')).unwrap_or(path);
    let mut near: Vec<(f64, bool, &str)> = Vec::new();
    for operation in catalogue.operations() {
        let (of, template) = operation.name.split_once(' ').unwrap_or_default();
        let template = template.split(' ').next().unwrap_or(template);
        let alike = strsim::normalized_levenshtein(bare, &filled(template, bare));
        if alike >= ALIKE {
            near.push((alike, of == method, &operation.name));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(b.2)));
    near.into_iter().take(NAMED).map(|(.., name)| name.to_owned()).collect()
}

/// The first pattern that names nothing, in words, with the mend. It would make a key with which
/// nothing passes, and nobody would see why.
pub(crate) fn unnamed(catalogue: &Catalogue, scope: &Scope) -> Option<String> {
    let pattern = scope.operations.iter().find(|pattern| !catalogue.is_named_by(pattern))?;
    let text = pattern.to_string();
    let (method, path) = text.split_once(' ').unwrap_or((&text, ""));
    // As clients write it, with the base that the document's paths leave out.
    let mut shorter = path.match_indices('/').skip(1).filter_map(|(at, _)| {
        let shorter: Pattern = format!("{method} {}", path.get(at..)?).parse().ok()?;
        catalogue.is_named_by(&shorter).then_some(shorter)
    });
    let mend = match shorter.next() {
        Some(shorter) => format!("without the base of the document's paths: `{shorter}`"),
        None => "`greave reach` lists them as patterns name them".to_owned(),
    };
    Some(format!("`{pattern}` names no operation; {mend}"))
}

/// A template with what stands in this path in the place of its parameters.
fn filled(template: &str, path: &str) -> String {
    let mut sent = path.split('/');
    let segments = template.split('/').map(|segment| {
        let sent = sent.next();
        if segment.starts_with('{') { sent.unwrap_or(segment) } else { segment }
    });
    segments.collect::<Vec<_>>().join("/")
}
