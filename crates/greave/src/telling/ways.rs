//! The ways on which people are told, as the configuration and the vault have them.

use authority::Digest;
use zeroize::Zeroizing;

use crate::{
    config::{self, Config, Mail, MailSecurity},
    house::HouseError,
    secrets::Vault,
};

/// The ways on which people are told, with their secrets.
pub(crate) fn settings(config: &Config) -> Result<tell::Settings, HouseError> {
    let vault = Vault::of(&config.gate.state);
    let webhook = |webhook: &config::Webhook| -> Result<tell::Webhook, HouseError> {
        let secret = tell::signature::Secret::parse(&vault.text(&webhook.secret)?)
            .map_err(|error| HouseError::Setting(format!("the secret `{}`: {error}", webhook.secret)))?;
        Ok(tell::Webhook {
            url: webhook.url.clone(),
            secret,
            previous: None,
            kinds: webhook.kinds.clone(),
            danger_plain_http: webhook.danger_plain_http,
        })
    };
    Ok(tell::Settings {
        webhooks: config.tell.webhook.iter().map(webhook).collect::<Result<_, _>>()?,
        mail: config.tell.mail.as_ref().map(|told| mail(told, &vault)).transpose()?,
        ..tell::Settings::default()
    })
}

/// The settings of the ways, and their secrets, as one digest.
pub(super) fn made_of(config: &Config) -> Result<Digest, HouseError> {
    let vault = Vault::of(&config.gate.state);
    let config::Tell { escalate: _, webhook, mail } = &config.tell;
    let names = webhook.iter().map(|it| &it.secret).chain(mail.iter().filter_map(|it| it.password.as_ref()));
    let mut text = Zeroizing::new(format!("{webhook:?} {mail:?}"));
    for name in names {
        text.push_str(&vault.text(name)?);
    }
    Ok(Digest::of(text.as_bytes()))
}

fn mail(mail: &Mail, vault: &Vault) -> Result<tell::Mail, HouseError> {
    let security = match mail.security {
        MailSecurity::Tls => tell::Security::Tls,
        MailSecurity::StartTls => tell::Security::StartTls,
        MailSecurity::Plain => tell::Security::PlainOnLoopback,
    };
    let usual = match mail.security {
        MailSecurity::Tls => 465,
        MailSecurity::StartTls => 587,
        MailSecurity::Plain => 25,
    };
    let login = match (&mail.user, &mail.password) {
        (Some(user), Some(password)) => {
            Some(tell::Login { user: user.clone(), password: vault.text(password)?.trim().to_owned().into() })
        }
        _ => None,
    };
    Ok(tell::Mail {
        server: mail.server.clone(),
        port: mail.port.unwrap_or(usual),
        security,
        from: mail.from.clone(),
        login,
    })
}
