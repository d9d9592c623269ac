//! Upstreams as they are: each decodes, cuts, splits and resolves dots in its own order. The
//! fuzz target for paths uses this file, too.

use percent_encoding::percent_decode_str;

use super::{Doubled, Matrix, PathRules};

/// What each of them makes of a path.
pub(super) fn all(path: &str, rules: &PathRules) -> [Vec<String>; 5] {
    [
        split(&decode(&cut(path, rules)), rules),
        split(&decode(&decode(&cut(path, rules))), rules),
        split(&cut(&decode(path), rules), rules),
        split(&cut(path, rules), rules).iter().map(|segment| decode(segment)).collect(),
        split(&cut(path, rules), rules),
    ]
}

fn decode(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Cuts matrix parameters off where the rules say that the upstream does.
fn cut(path: &str, rules: &PathRules) -> String {
    if rules.matrix != Matrix::Strip {
        return path.to_owned();
    }
    path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/")
}

/// Splits a path, resolves dots, takes backslashes for slashes, and merges as the rules say.
fn split(path: &str, rules: &PathRules) -> Vec<String> {
    let path = path.replace('\\', "/");
    let all: Vec<&str> = path.strip_prefix('/').unwrap_or(&path).split('/').collect();
    let mut segments: Vec<String> = Vec::new();
    for (place, segment) in all.iter().enumerate() {
        let is_last = place + 1 == all.len();
        match *segment {
            "." => {}
            ".." => drop(segments.pop()),
            "" if is_last => {
                if !segments.is_empty() && !rules.ignore_trailing_slash {
                    segments.push(String::new());
                }
            }
            "" if rules.doubled == Doubled::Merge => {}
            other => segments.push(other.to_owned()),
        }
    }
    segments
}
