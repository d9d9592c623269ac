//! `[[api.issuer]]`: whose tokens are verified here, and what of them names the key.

use std::path::{Path, PathBuf};

use factor::jwt::{Algorithm, ClaimName, SecondFactor};
use law::Span;
use serde::Deserialize;

/// How far clocks may be apart at the most.
const MOST_LEEWAY: Span = Span::minutes(5);

/// How long the second factor of which a token speaks may count: a working day.
const MOST_WITHIN: Span = Span::hours(12);

/// Whose tokens are verified here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    /// What keys are called after; another name makes other keys.
    pub(crate) name: String,
    /// Exactly the `iss` of its tokens.
    pub(crate) issuer: String,
    /// What must be in their `aud`.
    pub(crate) audience: String,
    /// What they are signed with.
    pub(crate) algorithms: Vec<String>,
    /// Its public keys: `https://…`, or a file beside this one.
    pub(crate) jwks: String,
    /// Certificate authorities of that address, PEM, beside the system's.
    pub(crate) jwks_authorities: Option<PathBuf>,
    /// The claim that names the key.
    pub(crate) identity: String,
    /// The claim that names the key's holder.
    pub(crate) holder: Option<String>,
    /// The `typ` of its tokens, where it is checked.
    #[serde(rename = "type")]
    pub(crate) kind_of_token: Option<String>,
    /// How far clocks may be apart.
    #[serde(default = "leeway")]
    pub(crate) leeway: Span,
    /// Whether its tokens are keys, or a login's session.
    #[serde(default)]
    pub(crate) kind: Kind,
    /// Whether, and how long, the second factor of which its tokens speak counts as the person's.
    pub(crate) counts_as_person: Option<CountsAsPerson>,
    /// Fetches the keys over plain HTTP from this host: for tests.
    #[serde(default)]
    pub(crate) danger_plain_http: bool,
}

/// When a token's own second factor counts as its person's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountsAsPerson {
    /// The claim that says how its person signed in.
    pub(crate) claim: String,
    /// One of these must be in it.
    pub(crate) any: Vec<String>,
    /// So long after its `auth_time`.
    pub(crate) within: Span,
}

impl CountsAsPerson {
    /// What a token must say.
    ///
    /// # Errors
    /// With what is wrong with the claim's name.
    pub(crate) fn second_factor(&self) -> Result<SecondFactor, factor::jwt::NoClaim> {
        Ok(SecondFactor { claim: self.claim.parse()?, any: self.any.clone() })
    }
}

/// What an issuer's tokens are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Key,
    Session,
}

const fn leeway() -> Span {
    Span::seconds(30)
}

impl Issuer {
    /// Whether its keys are fetched.
    pub(crate) fn is_fetched(&self) -> bool {
        self.jwks.contains("://")
    }

    /// Takes a relative file from the configuration's folder.
    pub(super) fn take_from(&mut self, folder: &Path) {
        if !self.is_fetched() {
            self.jwks = folder.join(&self.jwks).to_string_lossy().into_owned();
        }
        if let Some(authorities) = &mut self.jwks_authorities {
            *authorities = folder.join(&*authorities);
        }
    }

    fn check(&self) -> Result<(), String> {
        let Self { name, issuer, audience, algorithms, identity, holder, leeway, .. } = self;
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
            return Err(format!("`{name}` is no name; write lower-case letters, digits and hyphens, such as `login`"));
        }
        if issuer.is_empty() || audience.is_empty() {
            return Err(format!("`{name}` needs `issuer` and `audience`, exactly as its tokens have them"));
        }
        if algorithms.is_empty() {
            return Err(format!("`{name}` needs `algorithms`; name what its tokens are signed with, such as `ES256`"));
        }
        for algorithm in algorithms {
            algorithm.parse::<Algorithm>().map_err(|error| format!("`{name}`: {error}"))?;
        }
        for claim in std::iter::once(identity).chain(holder) {
            claim.parse::<ClaimName>().map_err(|error| format!("`{name}`: {error}"))?;
        }
        if *leeway > MOST_LEEWAY {
            return Err(format!(
                "`{name}`: a leeway of {leeway} keeps stolen tokens good; set the clocks, and at most {MOST_LEEWAY}"
            ));
        }
        self.check_person()?;
        self.check_address()
    }

    fn check_person(&self) -> Result<(), String> {
        let (name, Some(counts)) = (&self.name, &self.counts_as_person) else { return Ok(()) };
        counts.second_factor().map_err(|error| format!("`{name}`: counts_as_person: {error}"))?;
        if self.kind == Kind::Session {
            return Err(format!(
                "`{name}`: a session passes as what it is, and nothing is asked of it; `counts_as_person` is for tokens \
                 that are judged, with `kind = \"key\"`"
            ));
        }
        if counts.any.is_empty() || counts.any.iter().any(String::is_empty) {
            return Err(format!(
                "`{name}`: counts_as_person needs `any`; name what says that there was a second factor, such as `mfa`"
            ));
        }
        if counts.within > MOST_WITHIN {
            return Err(format!(
                "`{name}`: counts_as_person: whoever has the token passes for its person for {}; write at most \
                 {MOST_WITHIN}",
                counts.within
            ));
        }
        Ok(())
    }

    fn check_address(&self) -> Result<(), String> {
        let Self { name, jwks, danger_plain_http, .. } = self;
        if !self.is_fetched() {
            return Ok(());
        }
        let (origin, _) = self.address();
        origin.parse::<gateway::Origin>().map_err(|error| format!("`{name}`: jwks: {error}"))?;
        if jwks.starts_with("https://") {
            return Ok(());
        }
        let host = origin.trim_start_matches("http://");
        let is_here = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|here| host.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')));
        match (danger_plain_http, is_here) {
            (true, true) => Ok(()),
            (true, false) => Err(format!("`{name}`: keys over plain HTTP come from this host only; write `https://`")),
            (false, _) => Err(format!(
                "`{name}`: over plain HTTP anybody on the way could publish keys of their own; write `https://`, or a file"
            )),
        }
    }

    /// Where its keys are published: origin, and path with query.
    pub(crate) fn address(&self) -> (String, String) {
        let (scheme, rest) = self.jwks.split_once("://").unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        (format!("{scheme}://{host}"), format!("/{path}"))
    }
}

/// Whether they fit together, and with the sessions that are told by what they say alone.
pub(super) fn check(issuers: &[Issuer], sessions: &[String]) -> Result<(), String> {
    for (place, one) in issuers.iter().enumerate() {
        one.check()?;
        let name = &one.name;
        if sessions.iter().any(|session| session.strip_prefix("issuer:") == Some(&one.issuer)) {
            return Err(format!(
                "`{name}` is in api.sessions, too, where its tokens are not verified; take it out there, and say \
                 `kind = \"session\"` here if they are sessions"
            ));
        }
        for other in issuers.iter().take(place) {
            if *name == other.name {
                return Err(format!("`{name}` is the name of two; keys are called after it, so let them differ"));
            }
            if one.issuer == other.issuer && one.audience == other.audience {
                return Err(format!("`{name}` and `{}` take the same tokens; let their audiences differ", other.name));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(change: &str) -> Result<Vec<Issuer>, String> {
        #[derive(Deserialize)]
        struct Whole {
            issuer: Vec<Issuer>,
        }
        let mut lines = vec![
            "name = \"login\"",
            "issuer = \"https://login.example\"",
            "audience = \"https://api.example\"",
            "algorithms = [\"ES256\"]",
            "jwks = \"https://login.example/keys?v=2\"",
            "identity = \"client_id\"",
        ];
        let changed: Vec<&str> = change.lines().filter_map(|line| line.split('=').next()).collect();
        lines.retain(|line| !changed.iter().any(|name| line.starts_with(name)));
        let text = format!("[[issuer]]\n{}\n{change}", lines.join("\n"));
        let Whole { issuer } = toml::from_str(&text).map_err(|error| error.to_string())?;
        check(&issuer, &["cookie:sid".to_owned(), "issuer:https://sessions.example".to_owned()])?;
        Ok(issuer)
    }

    #[test]
    fn a_section_is_read_as_it_was_meant() {
        let issuers = issuer("").unwrap();
        assert_eq!(issuers[0].address(), ("https://login.example".to_owned(), "/keys?v=2".to_owned()));
        assert_eq!((issuers[0].kind, issuers[0].leeway), (Kind::Key, Span::seconds(30)));
        assert_eq!(issuer("kind = \"session\"").unwrap()[0].kind, Kind::Session);
        let mut file = issuer("jwks = \"keys.json\"").unwrap().remove(0);
        file.take_from(Path::new("/etc/greave"));
        assert_eq!(file.jwks, "/etc/greave/keys.json");
        let mut inner = issuer("jwks_authorities = \"ca.pem\"").unwrap().remove(0);
        inner.take_from(Path::new("/etc/greave"));
        assert_eq!(inner.jwks_authorities.as_deref(), Some(Path::new("/etc/greave/ca.pem")));
        assert!(issuer("jwks = \"http://127.0.0.1:9/keys\"\ndanger_plain_http = true").is_ok());
    }

    #[test]
    fn what_is_weak_or_broken_is_refused_with_its_mend() {
        for (change, says) in [
            ("name = \"../login\"", "lower-case"),
            ("issuer = \"\"", "exactly as its tokens"),
            ("issuer = \"https://sessions.example\"", "api.sessions"),
            ("audience = \"\"", "exactly as its tokens"),
            ("algorithms = []", "such as `ES256`"),
            ("algorithms = [\"none\"]", "signs nothing"),
            ("algorithms = [\"ES256\", \"HS256\"]", "key pair"),
            ("algorithms = [\"RS1\"]", "no algorithm"),
            ("identity = \"\"", "names no claim"),
            ("holder = \"/\"", "names no claim"),
            ("leeway = \"1h\"", "at most"),
            ("jwks = \"http://login.example/keys\"", "write `https://`"),
            ("jwks = \"http://login.example/keys\"\ndanger_plain_http = true", "from this host only"),
            ("jwks = \"http://127.0.0.1.example/keys\"\ndanger_plain_http = true", "from this host only"),
            ("jwks = \"http://127.0.0.1/keys\"", "write `https://`"),
            ("jwks = \"https://user@login.example/keys\"", "no address"),
            ("kind = \"both\"", "unknown variant"),
            ("counts_as_person = { claim = \"amr\", any = [], within = \"15m\" }", "such as `mfa`"),
            ("counts_as_person = { claim = \"\", any = [\"mfa\"], within = \"15m\" }", "names no claim"),
            ("counts_as_person = { claim = \"amr\", any = [\"mfa\"], within = \"30d\" }", "at most 12h"),
            (
                "kind = \"session\"\ncounts_as_person = { claim = \"amr\", any = [\"mfa\"], within = \"15m\" }",
                "`kind = \"key\"`",
            ),
        ] {
            let error = issuer(change).unwrap_err();
            assert!(error.contains(says), "{change}: {error}");
        }
        let mut two = issuer("").unwrap();
        two.push(two[0].clone());
        assert!(check(&two, &[]).unwrap_err().contains("two"));
        two[1].name = "other".to_owned();
        assert!(check(&two, &[]).unwrap_err().contains("audiences differ"));
        two[1].audience = "https://desk.example".to_owned();
        assert_eq!(check(&two, &[]), Ok(()));
    }
}
