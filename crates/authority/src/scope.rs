//! What an issued key may be used for at all. The law comes on top of it: a scope only takes
//! away. Pure.

use std::net::IpAddr;

use catalogue::Pattern;
use ipnet::IpNet;
use law::{Power, Powers, Refusal};
use serde::{Deserialize, Serialize};

/// What an issued key may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// An operation passes where all of its powers are among these.
    pub powers: Powers,
    /// Only operations that one of these names; every operation where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Pattern>,
    /// Only from these networks; from everywhere where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<IpNet>,
}

/// What of a child's scope reaches beyond its parent's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wider {
    /// Powers.
    #[error("its parent has no power to {0}")]
    Powers(Powers),
    /// An operation, or all where the parent has only some.
    #[error("its parent's operations do not cover `{0}`")]
    Operation(String),
    /// A network, or everywhere where the parent has only some.
    #[error("its parent's sources do not cover `{0}`")]
    Source(String),
}

impl Scope {
    /// Whether a call of this operation from this address is within the scope.
    ///
    /// What mints or reveals credentials at the upstream would hand out what the gate keeps
    /// in: it passes only where the scope names that very operation, without a star. So does
    /// what nobody described, which has every power.
    ///
    /// # Errors
    /// With the refusal for the caller.
    pub fn admits(&self, operation: &str, powers: Powers, source: IpAddr) -> Result<(), Refusal> {
        let source = source.to_canonical();
        if !self.sources.is_empty() && !self.sources.iter().any(|known| known.contains(&source)) {
            return Err(Refusal::SourceNotAllowed);
        }
        self.admits_from_anywhere(operation, powers)
    }

    /// The same, whatever the address.
    ///
    /// # Errors
    /// With the refusal for the caller.
    pub fn admits_from_anywhere(&self, operation: &str, powers: Powers) -> Result<(), Refusal> {
        let powers = if powers.is_empty() { Powers::EVERY } else { powers };
        let is_named = self.operations.is_empty() || self.operations.iter().any(|pattern| pattern.matches(operation));
        if !self.powers.is_superset(powers) || !is_named {
            return Err(Refusal::OutOfScope);
        }
        let is_singled_out = || self.operations.iter().any(|pattern| pattern.singles_out(operation));
        if powers.contains(Power::Mint) && !is_singled_out() {
            return Err(Refusal::CredentialOperation);
        }
        Ok(())
    }

    /// Whether a child with this scope can do nothing that its parent cannot.
    ///
    /// # Errors
    /// With the first thing that it could.
    pub fn is_within(&self, parent: &Self) -> Result<(), Wider> {
        let Self { powers, operations, sources } = self;
        let more: Powers = powers.iter().filter(|power| !parent.powers.contains(*power)).collect();
        if !more.is_empty() {
            return Err(Wider::Powers(more));
        }
        if !parent.operations.is_empty() {
            if operations.is_empty() {
                return Err(Wider::Operation("* **".to_owned()));
            }
            let wider = operations.iter().find(|own| !parent.operations.iter().any(|theirs| theirs.covers(own)));
            if let Some(wider) = wider {
                return Err(Wider::Operation(wider.to_string()));
            }
        }
        // A name without a star opens an operation that mints: the parent must name it so, too.
        if powers.contains(Power::Mint) {
            let names = |own: &&Pattern| own.singles_out(&own.to_string());
            let opens = |own: &&Pattern| !parent.operations.iter().any(|theirs| theirs.singles_out(&own.to_string()));
            if let Some(wider) = operations.iter().filter(names).find(opens) {
                return Err(Wider::Operation(wider.to_string()));
            }
        }
        if !parent.sources.is_empty() {
            if sources.is_empty() {
                return Err(Wider::Source("0.0.0.0/0".to_owned()));
            }
            let wider = sources.iter().find(|own| !parent.sources.iter().any(|theirs| theirs.contains(*own)));
            if let Some(wider) = wider {
                return Err(Wider::Source(wider.to_string()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(powers: &str, operations: &[&str], sources: &[&str]) -> Scope {
        Scope {
            powers: powers.split_whitespace().map(|power| power.parse::<Power>().unwrap()).collect(),
            operations: operations.iter().map(|pattern| pattern.parse().unwrap()).collect(),
            sources: sources.iter().map(|network| network.parse().unwrap()).collect(),
        }
    }

    fn powers(text: &str) -> Powers {
        scope(text, &[], &[]).powers
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn only_what_the_scope_names_is_within_it() {
        let reads = scope("read", &["GET /v1/customers", "GET /v1/customers/*"], &["192.0.2.0/24"]);
        let asked = |operation: &str, text: &str| reads.admits(operation, powers(text), HERE);
        assert_eq!(asked("GET /v1/customers/{id}", "read"), Ok(()));
        assert_eq!(asked("GET /v1/customers/{id}", "read export"), Err(Refusal::OutOfScope));
        assert_eq!(asked("GET /v1/balance", "read"), Err(Refusal::OutOfScope));
        assert_eq!(asked("GET *", ""), Err(Refusal::OutOfScope), "no powers are all powers");
        let elsewhere = "198.51.100.1".parse().unwrap();
        assert_eq!(reads.admits("GET /v1/customers", powers("read"), elsewhere), Err(Refusal::SourceNotAllowed));
        let mapped = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(reads.admits("GET /v1/customers", powers("read"), mapped), Ok(()));
    }

    #[test]
    fn what_mints_must_be_named_without_a_star() {
        let all = Powers::EVERY;
        let wide = Scope { powers: all, operations: Vec::new(), sources: Vec::new() };
        assert_eq!(wide.admits("DELETE /users/{id}", powers("destroy"), HERE), Ok(()));
        assert_eq!(wide.admits("POST /keys", powers("mint"), HERE), Err(Refusal::CredentialOperation));
        assert_eq!(wide.admits("POST *", all, HERE), Err(Refusal::CredentialOperation), "what nobody described");
        let starred = Scope { operations: vec!["* **".parse().unwrap()], ..wide.clone() };
        assert_eq!(starred.admits("POST /keys", powers("mint"), HERE), Err(Refusal::CredentialOperation));
        let named = Scope { operations: vec!["POST /keys".parse().unwrap()], ..wide.clone() };
        assert_eq!(named.admits("POST /keys", powers("mint"), HERE), Ok(()));
        // A child cannot name what its parent has only by a star.
        assert_eq!(named.is_within(&starred), Err(Wider::Operation("POST /keys".to_owned())));
        assert_eq!(named.is_within(&wide), Err(Wider::Operation("POST /keys".to_owned())));
        assert_eq!(named.is_within(&named), Ok(()));
    }

    #[test]
    fn a_child_that_reaches_further_is_told_where() {
        let parent = scope("read write", &["* /a/**"], &["10.0.0.0/8"]);
        for (child, wider) in [
            (scope("read spend", &["GET /a/b"], &["10.1.0.0/16"]), Wider::Powers(powers("spend"))),
            (scope("read", &[], &["10.1.0.0/16"]), Wider::Operation("* **".to_owned())),
            (scope("read", &["GET /b"], &["10.1.0.0/16"]), Wider::Operation("GET /b".to_owned())),
            (scope("read", &["GET /a/b"], &[]), Wider::Source("0.0.0.0/0".to_owned())),
            (scope("read", &["GET /a/b"], &["0.0.0.0/0"]), Wider::Source("0.0.0.0/0".to_owned())),
        ] {
            assert_eq!(child.is_within(&parent), Err(wider));
        }
        assert_eq!(scope("read", &["GET /a/b"], &["10.1.0.0/16"]).is_within(&parent), Ok(()));
    }

    const PATTERNS: [&str; 7] = ["* **", "GET /**", "POST /keys", "* /keys", "GET /a/*", "GET /a/{b}", "POST /a*"];
    const OPERATIONS: [&str; 6] = ["GET /a/{x}", "POST /keys", "GET /keys", "POST /a", "GET *", "DELETE /a/{x}"];

    fn any_scope() -> impl Strategy<Value = Scope> {
        let powers = prop::collection::vec(prop::sample::select(Power::ALL.to_vec()), 0..9);
        let operations = prop::collection::vec(prop::sample::select(PATTERNS.to_vec()), 0..3);
        let networks = vec!["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "2001:db8::/32"];
        let sources = prop::collection::vec(prop::sample::select(networks), 0..3);
        (powers, operations, sources).prop_map(|(powers, operations, sources)| Scope {
            powers: powers.into_iter().collect(),
            ..scope("", &operations, &sources)
        })
    }

    proptest! {
        #[test]
        fn a_child_never_does_what_its_parent_cannot(
            parent in any_scope(), child in any_scope(),
            operation in prop::sample::select(OPERATIONS.to_vec()),
            powers in prop::collection::vec(prop::sample::select(Power::ALL.to_vec()), 0..4),
            source in prop::sample::select(vec!["10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1"]),
        ) {
            let powers: Powers = powers.into_iter().collect();
            let source = source.parse().unwrap();
            if child.is_within(&parent).is_ok() && child.admits(operation, powers, source).is_ok() {
                prop_assert_eq!(parent.admits(operation, powers, source), Ok(()));
            }
        }

        #[test]
        fn every_scope_is_within_itself(scope in any_scope()) {
            prop_assert_eq!(scope.is_within(&scope), Ok(()));
        }
    }
}
