//! One receiver of signed webhooks.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;

use crate::{
    Notice, SettingsError, Webhook,
    address::{Address, Answer, Unfit},
    signature::{self, Secret},
    tls::Believed,
    way::Failure,
};

/// A receiver, ready to be written to.
pub(crate) struct Endpoint {
    address: Address,
    secrets: Vec<Secret>,
}

impl Endpoint {
    /// `number` is the webhook's place in the settings, from 1.
    pub(crate) fn new(webhook: Webhook, number: usize, believed: Option<&Believed>) -> Result<Self, SettingsError> {
        let Webhook { url, secret, previous, kinds: _, danger_plain_http } = webhook;
        let address = Address::new(&url, danger_plain_http, believed).map_err(|unfit| match unfit {
            Unfit::Address => SettingsError::Url { number },
            Unfit::Login => SettingsError::Userinfo { number },
            Unfit::Plain(host) => SettingsError::PlainHttp { number, host },
            Unfit::Tls(error) => error,
        })?;
        Ok(Self { address, secrets: std::iter::once(secret).chain(previous).collect() })
    }

    /// Whether this address needs certificate authorities.
    pub(crate) fn needs_tls(webhook: &Webhook) -> bool {
        Address::needs_tls(&webhook.url)
    }

    /// Scheme and host: a path may be a secret.
    pub(crate) fn name(&self) -> String {
        self.address.name()
    }

    /// One attempt. A repeated one has the same id and body, and a signature of its own time.
    pub(crate) async fn carry(&self, notice: &Notice) -> Result<(), Failure> {
        let request = self.request(notice, Timestamp::now())?;
        let answer = self.address.send(request).await.map_err(Failure::later)?;
        judge(&answer)
    }

    fn request(&self, notice: &Notice, now: Timestamp) -> Result<Request<Full<Bytes>>, Failure> {
        let body = notice.json().map_err(|_| Failure::Never { why: "the notice is no JSON".to_owned() })?;
        let (id, seconds) = (notice.id.as_str(), now.as_second());
        self.address
            .post()
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature::header(&self.secrets, id, seconds, &body))
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Failure::Never { why: "the notice makes no request".to_owned() })
    }
}

fn judge(answer: &Answer) -> Result<(), Failure> {
    if answer.status.is_success() {
        Ok(())
    } else if answer.status == StatusCode::GONE {
        Err(Failure::Gone)
    } else {
        Err(Failure::Later { why: answer.in_words(), after: answer.after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, danger_plain_http: bool) -> Result<Endpoint, SettingsError> {
        let secret = Secret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap();
        let webhook = Webhook { url: url.to_owned(), secret, previous: None, kinds: None, danger_plain_http };
        let believed = Believed::new(&crate::Roots::System).unwrap();
        Endpoint::new(webhook, 1, Some(&believed))
    }

    #[test]
    fn plain_http_leaves_this_host_only_by_a_setting_that_says_danger() {
        assert!(endpoint("http://127.0.0.1:8080/hook", false).is_ok());
        assert!(endpoint("http://[::1]/hook", false).is_ok());
        for url in ["http://hooks.example.com/", "http://localhost.example/", "http://10.0.0.1/"] {
            let host = url.split('/').nth(2).unwrap().to_owned();
            assert_eq!(endpoint(url, false).err(), Some(SettingsError::PlainHttp { number: 1, host }));
            assert!(endpoint(url, true).is_ok());
        }
    }

    #[test]
    fn an_address_that_hides_its_host_is_refused() {
        for url in ["", "/hook", "ftp://host/", "https://", "hooks.example.com", "https:///x", "http://a b/"] {
            assert_eq!(endpoint(url, true).err(), Some(SettingsError::Url { number: 1 }), "{url}");
        }
        let userinfo = "http://127.0.0.1@evil.example/";
        assert_eq!(endpoint(userinfo, false).err(), Some(SettingsError::Userinfo { number: 1 }));
    }

    #[test]
    fn a_name_shows_no_path() {
        assert_eq!(endpoint("https://hooks.example.com/T0/s3cret", false).unwrap().name(), "https://hooks.example.com");
    }
}
