//! The house: which room may know which. Arrows point down only.

use std::process::Command;

use serde_json::Value;

/// The floors, from the ground up. A room may know those on the floors below its own.
const FLOORS: [&[&str]; 5] = [
    &["law", "seal"],
    &["catalogue", "wire", "factor", "watch", "record", "store"],
    &["authority", "audit", "drill", "trial"],
    &["gateway", "console", "tell", "ocsf"],
    &["greave"],
];

/// Rooms without clock, dice, disk, net and async, and what would bring one of them in.
const PURE: [&str; 9] = ["law", "seal", "catalogue", "wire", "factor", "watch", "drill", "trial", "ocsf"];
const HANDS: [&str; 8] = ["tokio", "hyper", "hyper-util", "sqlx", "axum", "rand", "getrandom", "tempfile"];

/// Reads the manifests and says which arrow points up.
pub(crate) fn check() -> Result<(), String> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("`cargo metadata` cannot be run: {error}"))?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` is no JSON: {error}"))?;
    let wrong: Vec<String> = list(&metadata, "packages").flat_map(wrong_arrows).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn wrong_arrows(package: &Value) -> Vec<String> {
    let name = word(package, "name");
    if name == "xtask" {
        return Vec::new();
    }
    let Some(floor) = floor(name) else {
        return vec![format!("`{name}` is on no floor: give it one in xtask/src/arrows.rs")];
    };
    let built = list(package, "dependencies").filter(|dependency| dependency.get("kind").is_none_or(Value::is_null));
    built
        .map(|dependency| word(dependency, "name"))
        .filter_map(|known| match self::floor(known) {
            Some(other) if other >= floor => Some(format!("`{name}` must not know `{known}`: arrows point down only")),
            None if PURE.contains(&name) && HANDS.contains(&known) => {
                Some(format!("`{name}` is pure and must not use `{known}`"))
            }
            _ => None,
        })
        .collect()
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&name))
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, knows: &str) -> Value {
        json!({"name": name, "dependencies": [{"name": knows, "kind": null}]})
    }

    #[test]
    fn arrows_point_down_only() {
        assert!(wrong_arrows(&package("gateway", "authority")).is_empty());
        assert_eq!(wrong_arrows(&package("gateway", "console")).len(), 1);
        assert_eq!(wrong_arrows(&package("law", "wire")).len(), 1);
        assert_eq!(wrong_arrows(&package("wire", "tokio")).len(), 1);
        assert_eq!(wrong_arrows(&package("attic", "law")).len(), 1);
    }

    #[test]
    fn the_house_as_it_stands_has_no_wrong_arrow() {
        assert_eq!(check(), Ok(()));
    }
}
