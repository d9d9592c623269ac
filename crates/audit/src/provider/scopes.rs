//! What the scopes of a key give, for any API.

use std::collections::BTreeSet;

use catalogue::{Catalogue, Pattern};
use law::{Power, Powers};

use crate::estate::Reach;

/// What one scope gives: what the documents say it does, or else what its words say.
pub(crate) fn reach(scope: &str, catalogues: &[Catalogue]) -> Reach {
    let word = scope.trim().to_lowercase();
    if matches!(
        word.as_str(),
        "*" | "all" | "admin" | "full" | "full_access" | "full-access" | "root" | "superuser" | "owner" | "every power"
    ) {
        return Reach::surely(Powers::EVERY);
    }
    if let Ok(power) = word.parse::<Power>() {
        return Reach::surely(power.into());
    }
    described(scope.trim(), catalogues).map_or_else(|| in_words(&word), Reach::surely)
}

/// The powers of every operation that the scope opens by itself, or that it names.
fn described(scope: &str, catalogues: &[Catalogue]) -> Option<Powers> {
    let pattern = scope.contains('/').then(|| Pattern::try_from(scope.to_owned()).ok()).flatten();
    let operations = catalogues.iter().flat_map(Catalogue::operations);
    let opened = operations.filter(|operation| {
        let alone = |all: &Vec<catalogue::Requirement>| {
            all.len() == 1
                && all.iter().all(|one| !one.scopes.is_empty() && one.scopes.iter().all(|wanted| wanted == scope))
        };
        operation.security.alternatives.iter().any(alone)
            || pattern.as_ref().is_some_and(|pattern| pattern.matches(&operation.name))
    });
    opened.map(|operation| operation.powers).reduce(Powers::union)
}

/// The scopes of the documents that open what was done, or else the operations themselves.
pub(crate) fn narrower(actions: &[&str], catalogues: &[Catalogue]) -> Option<String> {
    let (mut scopes, mut plain) = (BTreeSet::new(), Vec::new());
    for action in actions {
        let operation =
            catalogues.iter().find_map(|catalogue| catalogue.named(action)).map(|(_, operation)| operation)?;
        let mut ways = operation
            .security
            .alternatives
            .iter()
            .map(|all| all.iter().flat_map(|one| &one.scopes).map(String::as_str).collect::<BTreeSet<&str>>());
        // One of the alternatives is enough; the one that takes the fewest beside those known.
        let way = ways.by_ref().min_by_key(|way| way.difference(&scopes).count()).filter(|way| !way.is_empty());
        match way {
            Some(way) => scopes.extend(way),
            None => plain.push(*action),
        }
    }
    let quoted = |all: &mut dyn Iterator<Item = &str>| all.map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    let operations = quoted(&mut plain.iter().copied());
    Some(match (scopes.is_empty(), plain.is_empty()) {
        (true, _) => format!("enough would have been the operations {operations}"),
        (false, true) => format!("enough would have been the scopes {}", quoted(&mut scopes.iter().copied())),
        (false, false) => format!(
            "enough would have been the scopes {}, and the operations {operations}",
            quoted(&mut scopes.iter().copied())
        ),
    })
}

fn in_words(scope: &str) -> Reach {
    let words: Vec<&str> =
        scope.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let write = Powers::from(Power::Read).with(Power::Write).with(Power::Destroy);
    let mut reach = Reach::default();
    if has(&["admin", "manage", "full", "root", "all", "sudo"]) {
        reach = reach.union(Reach { surely: write, perhaps: Powers::EVERY });
    }
    if has(&["write", "edit", "update", "create", "modify", "push"]) {
        reach = reach.union(Reach { surely: write.without(Power::Destroy), perhaps: Power::Destroy.into() });
    }
    if has(&["read", "readonly", "view", "list", "get", "pull"]) {
        reach = reach.union(Reach::surely(Power::Read.into()));
    }
    if has(&["delete", "destroy", "remove", "purge"]) {
        reach = reach.union(Reach::surely(Power::Destroy.into()));
    }
    if has(&["export", "dump", "backup"]) {
        reach = reach.union(Reach::surely(Power::Export.into()));
    }
    if has(&["deploy", "execute", "exec", "run", "invoke", "trigger"]) {
        reach = reach.union(Reach::surely(Power::Run.into()));
    }
    // A subject that is about rights, credentials or protection says so; reading it is reading.
    if !reach.surely.difference(Power::Read.into()).is_empty() {
        for (power, subjects) in [
            (
                Power::Grant,
                &[
                    "user",
                    "users",
                    "member",
                    "members",
                    "role",
                    "roles",
                    "team",
                    "teams",
                    "permission",
                    "permissions",
                    "org",
                    "iam",
                ][..],
            ),
            (Power::Mint, &["key", "keys", "token", "tokens", "secret", "secrets", "credential", "credentials"]),
            (Power::Disarm, &["mfa", "2fa", "sso", "firewall", "audit", "security", "policy", "policies"]),
            (
                Power::Spend,
                &[
                    "payment",
                    "payments",
                    "billing",
                    "charge",
                    "charges",
                    "transfer",
                    "transfers",
                    "payout",
                    "payouts",
                    "refund",
                    "refunds",
                ],
            ),
        ] {
            if has(subjects) {
                reach = reach.union(Reach::surely(power.into()));
            }
        }
    }
    if reach == Reach::default() { Reach::UNDESCRIBED } else { reach }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_gives_what_its_words_say_and_an_unknown_one_perhaps_everything() {
        assert_eq!(reach("read", &[]).reckoned(), Power::Read.into());
        assert_eq!(reach("admin", &[]).surely, Powers::EVERY);
        assert_eq!(reach("frobnicate", &[]), Reach::UNDESCRIBED);
        assert!(reach("users:write", &[]).surely.contains(Power::Grant));
        assert_eq!(reach("users:read", &[]).reckoned(), Power::Read.into());
        assert!(reach("api-keys.manage", &[]).surely.contains(Power::Mint));
    }

    #[test]
    fn a_document_says_what_its_scopes_open() {
        let document = r#"{"openapi":"3.0.0","paths":{
            "/users/{id}":{"delete":{"security":[{"o":["directory"]}]}},
            "/both":{"get":{"security":[{"o":["directory","other"]}]}}},
            "components":{"securitySchemes":{"o":{"type":"oauth2","flows":{}}}}}"#;
        let read = Catalogue::read(document.as_bytes(), &catalogue::Settings::default()).unwrap();
        let powers = reach("directory", &[read.catalogue]).surely;
        assert_eq!(powers, Powers::from(Power::Grant).with(Power::Destroy));
    }
}
