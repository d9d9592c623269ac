//! Mail: one plain-text message for each person, over a connection of its own.

use aws_lc_rs::digest;
use jiff::Timestamp;
use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use rustls::pki_types::ServerName;
use tokio::time::{Duration, timeout};

use crate::{
    Login, Mail, Notice, Recipient, Security, SettingsError, text,
    tls::{Believed, names_loopback, resolve},
    way::Failure,
};

/// The longest to try one of the server's addresses before the next.
const CONNECT: Duration = Duration::from_secs(4);

/// How long the server may take to say goodbye. The mail is its own by then.
const QUIT: Duration = Duration::from_secs(1);

/// The mail server, ready to be spoken to.
pub(crate) struct Server {
    host: String,
    port: u16,
    protection: Protection,
    from: Mailbox,
    login: Option<Login>,
    hello: ClientId,
}

enum Protection {
    Tls(TlsParameters),
    StartTls(TlsParameters),
    PlainOnLoopback,
}

impl Server {
    pub(crate) fn new(mail: Mail, believed: Option<&Believed>) -> Result<Self, SettingsError> {
        let Mail { server: host, port, security, from, login } = mail;
        let no_server = || SettingsError::Server(host.clone());
        ServerName::try_from(host.as_str()).map_err(|_| no_server())?;
        let protection = match (security, believed) {
            (Security::Tls, Some(believed)) => Protection::Tls(parameters(&host, believed)?),
            (Security::StartTls, Some(believed)) => Protection::StartTls(parameters(&host, believed)?),
            (Security::PlainOnLoopback, _) if names_loopback(&host) => Protection::PlainOnLoopback,
            (Security::PlainOnLoopback, _) => return Err(SettingsError::PlainMail(host)),
            (Security::Tls | Security::StartTls, None) => return Err(SettingsError::NoRoots),
        };
        let from: Mailbox = match from.parse() {
            Ok(mailbox) if !from.chars().any(char::is_control) => mailbox,
            _ => return Err(SettingsError::From(from)),
        };
        let hello = ClientId::Domain(from.email.domain().to_owned());
        Ok(Self { host, port, protection, from, login, hello })
    }

    pub(crate) fn name(&self) -> String {
        format!("mail {}:{}", self.host, self.port)
    }

    /// One attempt for one person.
    pub(crate) async fn carry(&self, notice: &Notice, to: &Recipient) -> Result<(), Failure> {
        let message = message(&self.from, notice, to)?;
        let mut connection = self.connect().await?;
        connection.send(message.envelope(), &message.formatted()).await.map_err(|error| {
            let why = reason("the mail is refused", &error);
            if error.is_permanent() || error.is_client() { Failure::Never { why } } else { Failure::later(why) }
        })?;
        let _ = timeout(QUIT, connection.quit()).await;
        Ok(())
    }

    /// A connection that is protected and logged in. What fails here is the server's or the
    /// operator's, never this letter's, so the letter waits.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let plain = matches!(self.protection, Protection::PlainOnLoopback);
        let addresses = resolve(&self.host, self.port, plain)
            .await
            .map_err(|error| Failure::later(format!("the server is not found: {error}")))?;
        let wrapped = match &self.protection {
            Protection::Tls(parameters) => Some(parameters.clone()),
            Protection::StartTls(_) | Protection::PlainOnLoopback => None,
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(addresses.as_slice(), Some(CONNECT), &self.hello, wrapped, None)
                .await
                .map_err(|error| Failure::later(reason("no connection", &error)))?;
        if let Protection::StartTls(parameters) = &self.protection {
            connection
                .starttls(parameters.clone(), &self.hello)
                .await
                .map_err(|error| Failure::later(reason("no STARTTLS", &error)))?;
        }
        if let Some(Login { user, password }) = &self.login {
            let credentials = Credentials::new(user.clone(), password.as_str().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| {
                // A server may repeat what it was sent, so its words are not passed on.
                let code = error.status().map(|code| format!(" ({code})")).unwrap_or_default();
                Failure::later(format!("the login is refused{code}; check user and password"))
            })?;
        }
        Ok(connection)
    }
}

fn parameters(host: &str, believed: &Believed) -> Result<TlsParameters, SettingsError> {
    let refused = |error: Error| SettingsError::Tls(error.to_string());
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
    for certificate in &believed.certificates {
        builder = builder.add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(refused)?);
    }
    builder.build().map_err(refused)
}

fn reason(what: &str, error: &Error) -> String {
    text::line(&format!("{what}: {error}"))
}

/// The mail for one person. Names and titles are strangers' words: they are one clean line each
/// before the library encodes them.
fn message(from: &Mailbox, notice: &Notice, to: &Recipient) -> Result<Message, Failure> {
    let never = |why: &str| Failure::Never { why: why.to_owned() };
    let address: Address = to
        .mail
        .as_deref()
        .filter(|address| !address.chars().any(|character| character.is_control() || character.is_whitespace()))
        .and_then(|address| address.parse().ok())
        .ok_or_else(|| never("a person's mail address cannot be read; mend it in the list of holders"))?;
    let name = Some(text::line(&to.name)).filter(|name| !name.is_empty());
    let domain = from.email.domain();
    let own = format!("<greave.{}.{}@{domain}>", notice.id, mark(notice, &address));

    let mut builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, address))
        .subject(text::line(&format!("[greave] {}", notice.title)))
        .date(sendable(notice.at).into())
        .message_id(Some(own))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    if let Some(challenge) = notice.challenge {
        // No mail has this id: it is the empty root that keeps a challenge's mails together.
        let root = format!("<greave.challenge.{challenge}@{domain}>");
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    builder
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(text::body(notice))
        .map_err(|_| never("the notice makes no mail"))
}

/// Eight bytes in hexadecimal that tell the copies of one notice apart, the same at each attempt,
/// so that a mail that was sent twice is shown once.
fn mark(notice: &Notice, address: &Address) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(AsRef::<str>::as_ref(address).as_bytes());
    context.update(&notice.at.as_microsecond().to_be_bytes());
    context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The mail library panics at dates before 1970 and after 9999.
fn sendable(at: Timestamp) -> Timestamp {
    at.clamp(Timestamp::UNIX_EPOCH, Timestamp::from_second(253_402_207_200).unwrap_or(Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use law::Severity;
    use proptest::prelude::*;

    use super::*;
    use crate::notice::tests::notice;

    fn written(notice: &Notice, to: &Recipient) -> String {
        let from = "Greave <greave@example.org>".parse().unwrap();
        String::from_utf8(message(&from, notice, to).unwrap().formatted()).unwrap()
    }

    /// The names of the header's fields, folded lines joined.
    fn fields(mail: &str) -> Vec<String> {
        let header = mail.split("\r\n\r\n").next().unwrap();
        header
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect()
    }

    const FIELDS: [&str; 11] = [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];

    fn sorted(mut fields: Vec<String>) -> Vec<String> {
        fields.sort();
        fields
    }

    #[test]
    fn a_mail_has_the_headers_of_an_automatic_one_and_belongs_to_its_challenge() {
        let notice = notice("c9_opened", Severity::High);
        let mail = written(&notice, &notice.to[0]);
        for line in [
            "From: Greave <greave@example.org>",
            "To: Ada <ada@example.org>",
            "Subject: [greave] c9_opened asks",
            "Date: Tue, 24 Nov 2026 10:18:32 +0000",
            "Auto-Submitted: auto-generated",
            "References: <greave.challenge.c9@example.org>",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(mail.contains(&format!("{line}\r\n")), "{line} in\n{mail}");
        }
        assert!(mail.contains("greave approve c9\r\n"));
    }

    #[test]
    fn a_second_attempt_is_the_same_mail_and_another_person_gets_another() {
        let notice = notice("c9_opened", Severity::High);
        let id = |to: &Recipient| {
            let mail = written(&notice, to);
            mail.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned()
        };
        let bob = Recipient { name: "Bob".to_owned(), mail: Some("bob@example.org".to_owned()) };
        assert_eq!(id(&notice.to[0]), id(&notice.to[0]));
        assert_ne!(id(&notice.to[0]), id(&bob));
    }

    #[test]
    fn an_address_that_is_more_than_an_address_gets_no_mail() {
        let from = "greave@example.org".parse().unwrap();
        let notice = notice("n", Severity::Info);
        for address in [
            "ada@example.org\r\nRCPT TO:<eve@example.org>",
            "ada@example.org> SIZE=1",
            "\"a\r\nb\"@example.org",
            "ada@example.org, eve@example.org",
            "ada@example.org\0",
            "ada",
            "",
        ] {
            let to = Recipient { name: "Ada".to_owned(), mail: Some(address.to_owned()) };
            assert!(matches!(message(&from, &notice, &to), Err(Failure::Never { .. })), "{address:?}");
        }
    }

    #[test]
    fn a_moment_that_no_mail_can_bear_does_not_stop_it() {
        let mut notice = notice("n", Severity::Info);
        for at in [Timestamp::MIN, Timestamp::MAX] {
            notice.at = at;
            assert_eq!(sorted(fields(&written(&notice, &notice.to[0]))), sorted(FIELDS.map(str::to_owned).to_vec()));
        }
    }

    proptest! {
        #[test]
        fn no_name_title_or_line_adds_a_header(name in any::<String>(), title in "(?s).{0,300}", text in any::<String>()) {
            let mut notice = notice("n", Severity::Info);
            notice.title = format!("{title}\r\nBcc: eve@example.org\r\n\r\n");
            notice.lines = vec![text];
            let to = Recipient { name: format!("{name}\r\nBcc: eve@example.org"), mail: notice.to[0].mail.clone() };
            let mail = written(&notice, &to);
            prop_assert!(mail.is_ascii());
            prop_assert!(mail.split("\r\n").all(|line| line.len() <= 998));
            prop_assert_eq!(sorted(fields(&mail)), sorted(FIELDS.map(str::to_owned).to_vec()));
        }
    }
}
