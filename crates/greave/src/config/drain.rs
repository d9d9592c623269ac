//! `[[drain]]`: where calls, findings and changes go out to.

use std::path::{Path, PathBuf};

use law::{Powers, Severity};
use serde::Deserialize;

/// One way out to another system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drain {
    /// What it is called; its place in the record is kept under this name.
    pub(crate) name: String,
    /// `file:PATH`, `https://…`, `syslog+tls://…`, `syslog+tcp://…`, `syslog+udp://…`, `syslog+unix:PATH`.
    pub(crate) to: String,
    /// What goes out; everything where it is silent.
    #[serde(default = "every")]
    pub(crate) events: Vec<Events>,
    /// Of calls, only those with one of these powers.
    pub(crate) powers: Option<Powers>,
    /// Only what matters so much.
    #[serde(default = "info")]
    pub(crate) min_severity: Severity,
    /// Whether it begins with what is there already.
    #[serde(default)]
    pub(crate) backfill: bool,
    /// How lines stand in a request.
    #[serde(default)]
    pub(crate) form: Form,
    #[serde(default)]
    pub(crate) gzip: bool,
    /// The name of a credential: a file in `secrets/` of the state folder.
    pub(crate) secret: Option<String>,
    /// The header that takes the credential; `Authorization` where it is silent.
    pub(crate) header: Option<String>,
    /// What stands before the credential in the header; `Bearer` in `Authorization` where it is silent.
    pub(crate) scheme: Option<String>,
    pub(crate) facility: Option<String>,
    /// Certificate authorities, PEM, where they are not the system's.
    pub(crate) authorities: Option<PathBuf>,
    /// Lets what goes out leave this host unprotected.
    #[serde(default)]
    pub(crate) danger_plain: bool,
}

/// A kind of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Events(pub(crate) ocsf::Kind);

impl TryFrom<String> for Events {
    type Error = ocsf::UnknownKind;

    fn try_from(text: String) -> Result<Self, ocsf::UnknownKind> {
        text.parse().map(Self)
    }
}

/// How lines stand in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// One a line.
    #[default]
    Lines,
    /// As a JSON array.
    Array,
}

fn every() -> Vec<Events> {
    ocsf::Kind::ALL.into_iter().map(Events).collect()
}

const fn info() -> Severity {
    Severity::Info
}

/// Where an address leads, for people: of `http` only scheme and host, for the rest may be a secret.
pub(crate) fn origin(to: &str) -> String {
    if !to.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")) {
        return to.to_owned();
    }
    let uri: Option<http::Uri> = to.parse().ok();
    let host = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?.as_str().rsplit('@').next()?)));
    host.map_or_else(|| "an address that is none".to_owned(), |(scheme, host)| format!("{scheme}://{host}"))
}

impl Drain {
    /// Relative paths are taken from the configuration's folder.
    pub(super) fn take_from(&mut self, folder: &Path) {
        if let Some(authorities) = &mut self.authorities {
            *authorities = folder.join(&*authorities);
        }
        if let Some(path) = self.to.strip_prefix("file:").filter(|path| !path.is_empty()) {
            self.to = format!("file:{}", folder.join(path).display());
        }
    }

    fn check(&self) -> Result<(), String> {
        let Self { name, to, events, secret, header, scheme, facility, .. } = self;
        let is_plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        if name.is_empty() || name.len() > 32 || !name.bytes().all(is_plain) {
            return Err(format!("`{name}` is no name of a drain; write 1 to 32 small letters, digits and hyphens"));
        }
        let error = |why: &dyn std::fmt::Display| Err(format!("`{name}`: {why}"));
        if events.is_empty() {
            return error(&"nothing goes out; leave `events` away for everything, or take the drain out");
        }
        let is_http = to.starts_with("http:") || to.starts_with("https:");
        if !is_http
            && (secret.is_some() || header.is_some() || scheme.is_some() || self.gzip || self.form == Form::Array)
        {
            return error(&"secret, header, scheme, gzip and form are for `https://` alone");
        }
        if secret.is_none() && (header.is_some() || scheme.is_some()) {
            return error(&"header and scheme say where the `secret` stands; name one");
        }
        if let Some(facility) = facility {
            if !to.starts_with("syslog+") {
                return error(&"facility is for syslog alone");
            }
            if let Err(unknown) = facility.parse::<tell::Facility>() {
                return error(&unknown);
            }
        }
        if let Some(Err(_)) = header.as_ref().map(|header| header.parse::<http::HeaderName>()) {
            return error(&format_args!("`{}` is no header's name", header.as_deref().unwrap_or_default()));
        }
        Ok(())
    }
}

pub(super) fn check(drains: &[Drain]) -> Result<(), String> {
    for (place, drain) in drains.iter().enumerate() {
        drain.check()?;
        if drains.iter().take(place).any(|other| other.name == drain.name) {
            return Err(format!("two are called `{}`; each keeps its place under its name", drain.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Drain {
        toml::from_str(&format!("name = \"siem\"\n{more}")).unwrap()
    }

    #[test]
    fn a_drain_sends_everything_where_it_says_nothing() {
        let drain = read("to = \"https://h.example\"");
        assert_eq!(drain.check(), Ok(()));
        assert_eq!(drain.events.len(), ocsf::Kind::ALL.len());
        assert_eq!((drain.min_severity, drain.powers, drain.backfill), (Severity::Info, None, false));
    }

    #[test]
    fn a_file_lies_beside_the_configuration() {
        let mut drain = read("to = \"file:out/events.jsonl\"");
        drain.take_from(Path::new("/etc/greave"));
        assert_eq!(drain.to, "file:/etc/greave/out/events.jsonl");
    }

    #[test]
    fn what_does_not_fit_together_says_how_to_mend_it() {
        for (more, word) in [
            ("to = \"file:x\"\nsecret = \"s\"", "`https://` alone"),
            ("to = \"syslog+tls://h\"\ngzip = true", "`https://` alone"),
            ("to = \"https://h\"\nfacility = \"local0\"", "syslog alone"),
            ("to = \"syslog+tls://h\"\nfacility = \"mail\"", "local0 to local7"),
            ("to = \"https://h\"\nheader = \"x-key\"", "name one"),
            ("to = \"https://h\"\nsecret = \"s\"\nheader = \"x key\"", "no header's name"),
            ("to = \"https://h\"\nevents = []", "leave `events` away"),
        ] {
            let why = read(more).check().unwrap_err();
            assert!(why.contains(word), "{why}");
        }
        let strange = Drain { name: "../x".to_owned(), ..read("to = \"file:x\"") };
        assert!(strange.check().is_err(), "its name is that of a file");
        let twins = [read("to = \"file:x\""), read("to = \"file:y\"")];
        assert!(check(&twins).unwrap_err().contains("two are called `siem`"));
    }
}
