//! The issuers whose tokens are verified, from what the configuration says.

use std::{fs, path::Path, sync::Arc};

use authority::Authority;
use factor::jwt::{KeySet, Rules};
use gateway::{HostSent, Issuers, KeyFile, Keys, Patience, Published, Schedule, TlsFiles, Upstream};
use jiff::SignedDuration;

use crate::{
    config::{Config, Issuer, IssuerKind},
    house::HouseError,
};

/// Every issuer. Keys that are published are fetched from now on.
pub(crate) fn issuers(config: &Config, authority: Option<&Arc<Authority>>) -> Result<Issuers, HouseError> {
    let made = config.api.issuers.iter().map(|issuer| {
        let keys = if issuer.is_fetched() {
            let kept = authority.map(|authority| KeyFile {
                path: config.gate.state.join("issuers").join(format!("{}.sealed", issuer.name)),
                authority: Arc::clone(authority),
            });
            Keys::fetched(published(issuer)?, kept)
        } else {
            Keys::given(given(issuer)?)
        };
        Ok(gateway::Issuer {
            name: issuer.name.clone(),
            rules: rules(issuer)?,
            session: issuer.kind == IssuerKind::Session,
            person_within: issuer.counts_as_person.as_ref().map(|counts| counts.within),
            keys,
        })
    });
    Ok(Issuers::new(made.collect::<Result<_, HouseError>>()?))
}

/// What an issuer's keys are now, a line for each issuer, and whether something is wrong.
pub(crate) async fn look(config: &Config) -> Result<(Vec<String>, bool), HouseError> {
    let (mut lines, mut is_wrong) = (Vec::new(), false);
    for issuer in &config.api.issuers {
        rules(issuer)?;
        let name = &issuer.name;
        let found = if issuer.is_fetched() {
            gateway::fetch_keys(&published(issuer)?).await.map(|(_, set)| set).map_err(|error| error.to_string())
        } else {
            given(issuer).map_err(|error| error.to_string())
        };
        match found {
            Ok(set) => {
                let kind = if issuer.kind == IssuerKind::Session { "sessions" } else { "keys" };
                let many = if set.len() == 1 { "" } else { "s" };
                lines.push(format!("{name}: {kind} by `{}`, {} public key{many}", issuer.identity, set.len()));
                let left_out = set.left_out().iter();
                lines.extend(left_out.map(|key| format!("  `{}` {}, and is left out", key.name, key.why)));
            }
            Err(error) => {
                is_wrong = true;
                lines.push(format!("{name}: `{}`: {error}", issuer.jwks));
            }
        }
    }
    Ok((lines, is_wrong))
}

fn rules(issuer: &Issuer) -> Result<Rules, HouseError> {
    let unfit = |error: &dyn std::fmt::Display| HouseError::Setting(format!("api.issuer `{}`: {error}", issuer.name));
    let algorithms = issuer.algorithms.iter().map(|algorithm| algorithm.parse().map_err(|error| unfit(&error)));
    Ok(Rules {
        issuer: issuer.issuer.clone(),
        audience: issuer.audience.clone(),
        algorithms: algorithms.collect::<Result<_, _>>()?,
        kind: issuer.kind_of_token.clone(),
        identity: issuer.identity.parse().map_err(|error| unfit(&error))?,
        holder: issuer.holder.as_ref().map(|holder| holder.parse().map_err(|error| unfit(&error))).transpose()?,
        second_factor: issuer
            .counts_as_person
            .as_ref()
            .map(|counts| counts.second_factor().map_err(|error| unfit(&error)))
            .transpose()?,
        leeway: SignedDuration::from(issuer.leeway),
    })
}

fn given(issuer: &Issuer) -> Result<KeySet, HouseError> {
    let setting = |why: String| HouseError::Setting(format!("api.issuer `{}`: jwks: {why}", issuer.name));
    let text = fs::read(Path::new(&issuer.jwks)).map_err(|error| {
        setting(format!(
            "`{}` cannot be read: {error}; save there what the issuer publishes at its `jwks_uri`",
            issuer.jwks
        ))
    })?;
    KeySet::read(&text).map_err(|error| setting(format!("`{}`: {error}", issuer.jwks)))
}

fn published(issuer: &Issuer) -> Result<Published, HouseError> {
    let setting =
        |error: &dyn std::fmt::Display| HouseError::Setting(format!("api.issuer `{}`: jwks: {error}", issuer.name));
    let (origin, target) = issuer.address();
    let origin = origin.parse().map_err(|error| setting(&error))?;
    let authorities = issuer
        .jwks_authorities
        .as_ref()
        .map(|path| fs::read(path).map_err(|error| setting(&format!("`{}` cannot be read: {error}", path.display()))));
    let authorities = authorities.transpose()?;
    let files = TlsFiles { authorities: authorities.as_deref(), ..TlsFiles::default() };
    let server = Upstream::new(origin, HostSent::Upstream, Patience::default(), files);
    Ok(Published { server: server.map_err(|error| setting(&error))?, target, schedule: Schedule::default() })
}
