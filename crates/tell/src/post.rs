//! Sending bytes to a receiver over HTTP.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::Full;

use crate::{
    DrainError, Roots, Undelivered,
    address::{Address, Unfit},
    text,
    tls::Believed,
};

/// A receiver of bytes over HTTP.
pub struct Post {
    address: Address,
    credential: Option<(HeaderName, HeaderValue)>,
}

impl Post {
    /// Checks the address; nothing is sent yet. `danger_plain` lets `http://` leave this host.
    ///
    /// # Errors
    /// When the address or its protection cannot work.
    pub fn new(
        url: &str,
        credential: Option<(HeaderName, HeaderValue)>,
        roots: &Roots,
        danger_plain: bool,
    ) -> Result<Self, DrainError> {
        let believed =
            if Address::needs_tls(url) { Some(Believed::new(roots).map_err(DrainError::Tls)?) } else { None };
        let address = Address::new(url, danger_plain, believed.as_ref()).map_err(|unfit| match unfit {
            Unfit::Address => DrainError::Address,
            Unfit::Login => DrainError::Login,
            Unfit::Plain(host) => DrainError::Plain(host),
            Unfit::Tls(error) => DrainError::Tls(error),
        })?;
        let credential = credential.map(|(name, mut value)| {
            value.set_sensitive(true);
            (name, value)
        });
        Ok(Self { address, credential })
    }

    /// Scheme and host: a path may be a secret.
    pub fn shown(&self) -> String {
        self.address.name()
    }

    /// An answer may repeat what it was sent: the credential, or the address, which may be one.
    fn without_secrets(&self, said: &str) -> String {
        let bears = self.credential.as_ref().and_then(|(_, value)| value.to_str().ok()).unwrap_or_default();
        let token = bears.rsplit(' ').next().unwrap_or_default();
        let target = self.address.target();
        let hidden = [bears, token, target].into_iter().filter(|secret| secret.len() > 3);
        hidden.fold(said.to_owned(), |said, secret| {
            // What is cut off in its midst at the end of an excerpt is one, too.
            let end = (4..secret.len()).rev().find(|end| secret.get(..*end).is_some_and(|begin| said.ends_with(begin)));
            let kept = said.len() - end.unwrap_or(0);
            let cut = if end.is_some() { "[masked]" } else { "" };
            said.get(..kept).unwrap_or_default().replace(secret, "[masked]") + cut
        })
    }

    /// Sends one body; what came back, in words.
    ///
    /// # Errors
    /// When it did not arrive, or is not taken.
    pub async fn send(&self, content_type: &'static str, body: Vec<u8>, gzip: bool) -> Result<String, Undelivered> {
        let mut request = self.address.post().header(header::CONTENT_TYPE, content_type);
        if let Some((name, value)) = &self.credential {
            request = request.header(name, value);
        }
        let body = if gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder
                .write_all(&body)
                .and_then(|()| encoder.finish())
                .map_err(|error| Undelivered::later(error.to_string()))?
        } else {
            body
        };
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|_| Undelivered::later("the lines make no request"))?;
        let answer = self.address.send(request).await.map_err(Undelivered::later)?;
        let excerpt = text::line(self.without_secrets(&answer.excerpt).trim());
        let said = if excerpt.is_empty() { String::new() } else { format!(": {excerpt}") };
        if answer.status.is_success() {
            return Ok(format!("it answers {}{said}", answer.status.as_u16()));
        }
        let why = format!("{}{said}", answer.in_words());
        let is_ours = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];
        if is_ours.contains(&answer.status) {
            return Err(Undelivered::Unfit { why });
        }
        Err(Undelivered::Later { why, after: answer.after })
    }
}
