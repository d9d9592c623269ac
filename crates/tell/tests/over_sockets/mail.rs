//! Mail over real sockets, to a small mail server that speaks the protocol line by line.

use std::{sync::Arc, time::Duration};

use crate::support::{Clock, Running, next, notice, person, tls, until};
use law::Severity;
use tell::{Login, Mail, Roots, Security, Settings, State, Teller};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

const PASSWORD: &str = "correct horse";

/// What a mail server does.
#[derive(Clone, Default)]
struct Manners {
    /// TLS from the first byte.
    wrapped: Option<TlsAcceptor>,
    /// Offers STARTTLS.
    starttls: Option<TlsAcceptor>,
    /// Refuses every login, and repeats what it was sent.
    refuses_login: bool,
    /// Answers to `RCPT TO`, in turn; then 250.
    recipients: Vec<&'static str>,
    /// Says nothing when told goodbye.
    sulks: bool,
}

/// What the mail server saw.
#[derive(Debug, PartialEq, Eq)]
enum Saw {
    /// A command, and whether it came over TLS.
    Command(String, bool),
    /// A whole mail, dots removed.
    Mail(String),
}

struct MailServer {
    port: u16,
    saw: mpsc::UnboundedReceiver<Saw>,
}

impl MailServer {
    async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (put, saw) = mpsc::unbounded_channel();
        let recipients = Arc::new(std::sync::Mutex::new(manners.recipients.clone().into_iter()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session =
                    Session { manners: manners.clone(), recipients: Arc::clone(&recipients), put: put.clone() };
                tokio::spawn(async move {
                    if let Some(tls) = &session.manners.wrapped {
                        if let Ok(stream) = tls.accept(stream).await {
                            session.speak(BufStream::new(stream), true, true).await;
                        }
                        return;
                    }
                    let Some(stream) = session.speak(BufStream::new(stream), false, true).await else { return };
                    let tls = session.manners.starttls.as_ref().unwrap();
                    if let Ok(stream) = tls.accept(stream.into_inner()).await {
                        session.speak(BufStream::new(stream), true, false).await;
                    }
                });
            }
        });
        Self { port, saw }
    }

    /// The next mail; commands before it are passed over.
    async fn mail(&mut self) -> String {
        loop {
            if let Saw::Mail(mail) = next("mail", self.saw.recv()).await {
                return mail;
            }
        }
    }

    /// Everything that was seen so far.
    fn all(&mut self) -> Vec<Saw> {
        std::iter::from_fn(|| self.saw.try_recv().ok()).collect()
    }
}

struct Session {
    manners: Manners,
    recipients: Arc<std::sync::Mutex<std::vec::IntoIter<&'static str>>>,
    put: mpsc::UnboundedSender<Saw>,
}

impl Session {
    /// Speaks until the other side is gone; gives the stream back where it is to become TLS.
    async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: BufStream<S>,
        tls: bool,
        greet: bool,
    ) -> Option<BufStream<S>> {
        let mut answer = if greet { "220 mail.example.org ready" } else { "" }.to_owned();
        loop {
            if !answer.is_empty() {
                stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
                stream.flush().await.ok()?;
            }
            let command = line(&mut stream).await?;
            let _ = self.put.send(Saw::Command(command.clone(), tls));
            let verb = command.split([' ', ':']).next().unwrap().to_uppercase();
            answer = match verb.as_str() {
                "EHLO" if self.manners.starttls.is_some() && !tls => "250-mail\r\n250 STARTTLS".to_owned(),
                "EHLO" => "250-mail\r\n250 AUTH PLAIN LOGIN".to_owned(),
                "STARTTLS" => {
                    stream.write_all(b"220 go ahead\r\n").await.ok()?;
                    stream.flush().await.ok()?;
                    return Some(stream);
                }
                "AUTH" if self.manners.refuses_login => format!("535 no: {command}"),
                "AUTH" => "235 welcome".to_owned(),
                "RCPT" => self.recipients.lock().unwrap().next().unwrap_or("250 ok").to_owned(),
                "DATA" => {
                    stream.write_all(b"354 go ahead\r\n").await.ok()?;
                    stream.flush().await.ok()?;
                    let mut mail = String::new();
                    loop {
                        let line = line(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        mail += line.strip_prefix('.').unwrap_or(&line);
                        mail += "\n";
                    }
                    let _ = self.put.send(Saw::Mail(mail));
                    "250 taken".to_owned()
                }
                "QUIT" if self.manners.sulks => std::future::pending().await,
                "QUIT" => "221 bye".to_owned(),
                _ => "250 ok".to_owned(),
            };
        }
    }
}

async fn line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

fn to(server: &MailServer, security: Security, login: bool) -> Settings {
    Settings {
        mail: Some(Mail {
            server: "127.0.0.1".to_owned(),
            port: server.port,
            security,
            from: "Greave <greave@example.org>".to_owned(),
            login: login.then(|| Login { user: "greave".to_owned(), password: PASSWORD.to_owned().into() }),
        }),
        ..Settings::default()
    }
}

fn why(teller: &Teller) -> String {
    match &teller.health()[0].state {
        State::Failing { why, .. } => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_whole_and_says_how_to_answer() {
    let mut server = MailServer::start(Manners::default()).await;
    let running = Running::start(to(&server, Security::PlainOnLoopback, false));
    let mut asked = notice("c9_opened", Severity::High);
    asked.lines.push("Zoë, 漢字".to_owned());
    running.teller.tell(asked);
    let mail = server.mail().await;
    assert!(mail.contains("Auto-Submitted: auto-generated\n"), "{mail}");
    assert!(mail.contains("References: <greave.challenge.c9@example.org>\n"));
    assert!(mail.contains("Subject: =?utf-8?b?") || mail.contains("Subject: [greave] c9_opened: =?utf-8?b?"), "{mail}");
    assert!(mail.contains("Zo=C3=AB, =E6=BC=A2=E5=AD=97"), "{mail}");
    assert!(mail.contains("\n.a line that starts with a full stop\n"), "{mail}");
    assert!(mail.contains("greave approve c9\n"));
    let teller = running.stop().await;
    assert_eq!((teller.health()[0].delivered, teller.health()[0].failed), (1, 0));
}

#[tokio::test]
async fn everybody_gets_a_mail_of_their_own() {
    let mut server = MailServer::start(Manners::default()).await;
    let running = Running::start(to(&server, Security::PlainOnLoopback, false));
    let mut asked = notice("n1", Severity::High);
    let nowhere = tell::Recipient { name: "Nowhere".to_owned(), mail: None };
    asked.to = vec![person("Ada"), person("Bob"), person("Ada"), nowhere];
    running.teller.tell(asked);
    let teller = running.stop().await;
    assert_eq!(teller.health()[0].delivered, 2);
    let mails: Vec<_> =
        server.all().into_iter().filter_map(|saw| if let Saw::Mail(mail) = saw { Some(mail) } else { None }).collect();
    assert_eq!(mails.len(), 2);
    assert!(mails[0].contains("To: Ada <ada@example.org>\n") && !mails[0].contains("Bob"));
    assert!(mails[1].contains("To: Bob <bob@example.org>\n") && !mails[1].contains("Ada"));
}

#[tokio::test]
async fn with_starttls_everything_but_the_hello_is_over_tls() {
    let (acceptor, certificate) = tls();
    let mut server = MailServer::start(Manners { starttls: Some(acceptor), ..Manners::default() }).await;
    let settings = to(&server, Security::StartTls, true);
    let running = Running::start(Settings { roots: Roots::Only(vec![certificate]), ..settings });
    running.teller.tell(notice("n1", Severity::High));
    let teller = running.stop().await;
    assert_eq!(teller.health()[0].delivered, 1);
    let saw = server.all();
    let plain: Vec<_> = saw
        .iter()
        .filter_map(|saw| if let Saw::Command(text, false) = saw { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(plain, ["EHLO example.org", "STARTTLS"]);
    assert!(saw.iter().any(|saw| matches!(saw, Saw::Command(text, true) if text.starts_with("AUTH PLAIN "))));
    assert!(saw.iter().any(|saw| matches!(saw, Saw::Mail(_))));
}

#[tokio::test]
async fn a_server_that_hides_starttls_gets_neither_password_nor_mail() {
    let mut server = MailServer::start(Manners::default()).await;
    let (_, certificate) = tls();
    let settings = to(&server, Security::StartTls, true);
    let running = Running::start(Settings { roots: Roots::Only(vec![certificate]), ..settings });
    running.teller.tell(notice("n1", Severity::High));
    until("a failure", || running.teller.health()[0].failed == 1).await;
    assert!(why(&running.teller).starts_with("no STARTTLS"));
    running.stop().await;
    for saw in server.all() {
        assert!(matches!(&saw, Saw::Command(text, _) if text.starts_with("EHLO") || text == "QUIT"), "{saw:?}");
    }
}

#[tokio::test]
async fn over_tls_only_a_server_that_is_believed_gets_a_mail() {
    let (acceptor, certificate) = tls();
    let mut server = MailServer::start(Manners { wrapped: Some(acceptor), ..Manners::default() }).await;
    let (_, another) = tls();
    let running = Running::start(Settings { roots: Roots::Only(vec![another]), ..to(&server, Security::Tls, true) });
    running.teller.tell(notice("n1", Severity::High));
    until("a failure", || running.teller.health()[0].failed == 1).await;
    running.stop().await;
    assert_eq!(server.all(), Vec::new());

    let running =
        Running::start(Settings { roots: Roots::Only(vec![certificate]), ..to(&server, Security::Tls, true) });
    running.teller.tell(notice("n2", Severity::High));
    assert!(server.mail().await.contains("n2"));
    running.stop().await;
}

#[tokio::test]
async fn a_person_who_does_not_exist_is_given_up_and_others_are_not() {
    let manners = Manners { recipients: vec!["550 no such user"], ..Manners::default() };
    let mut server = MailServer::start(manners).await;
    let running = Running::start(to(&server, Security::PlainOnLoopback, false));
    let mut asked = notice("n1", Severity::High);
    asked.to = vec![person("Nobody"), person("Ada")];
    running.teller.tell(asked);
    assert!(server.mail().await.contains("To: Ada <ada@example.org>"));
    let teller = running.stop().await;
    assert_eq!((teller.health()[0].delivered, teller.health()[0].given_up), (1, 1));
}

#[tokio::test]
async fn a_server_that_says_later_is_tried_later() {
    let clock = Clock::stopped();
    let manners = Manners { recipients: vec!["451 later"], ..Manners::default() };
    let mut server = MailServer::start(manners).await;
    let running = Running::start(to(&server, Security::PlainOnLoopback, false));
    running.teller.tell(notice("n1", Severity::High));
    until("a failure", || running.teller.health()[0].failed == 1).await;
    assert!(why(&running.teller).contains("451") || why(&running.teller).contains("later"), "{}", why(&running.teller));
    clock.pass(Duration::from_secs(2)).await;
    server.mail().await;
    until("a delivery", || running.teller.health()[0].delivered == 1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_refused_login_shows_no_password_even_if_the_server_repeats_it() {
    let server = MailServer::start(Manners { refuses_login: true, ..Manners::default() }).await;
    let settings = to(&server, Security::PlainOnLoopback, true);
    assert!(!format!("{settings:?}").contains(PASSWORD));
    let running = Running::start(settings);
    running.teller.tell(notice("n1", Severity::High));
    until("a failure", || running.teller.health()[0].failed == 1).await;
    assert_eq!(why(&running.teller), "the login is refused (535); check user and password");
    running.stop().await;
}

#[tokio::test]
async fn a_server_that_took_the_mail_and_then_hangs_does_not_get_it_twice() {
    let clock = Clock::stopped();
    let mut server = MailServer::start(Manners { sulks: true, ..Manners::default() }).await;
    let running = Running::start(to(&server, Security::PlainOnLoopback, false));
    running.teller.tell(notice("n1", Severity::High));
    server.mail().await;
    next("goodbye", async {
        while server.saw.recv().await? != Saw::Command("QUIT".to_owned(), false) {}
        Some(())
    })
    .await;
    clock.pass(Duration::from_secs(2)).await;
    until("a delivery", || running.teller.health()[0].delivered == 1).await;
    let teller = running.stop().await;
    assert_eq!(teller.health()[0].failed, 0);
    assert!(server.all().iter().all(|saw| !matches!(saw, Saw::Mail(_))));
}

#[tokio::test]
async fn mail_without_protection_stays_on_this_host() {
    let server = MailServer::start(Manners::default()).await;
    let mut settings = to(&server, Security::PlainOnLoopback, true);
    settings.mail.as_mut().unwrap().server = "mail.example.org".to_owned();
    assert!(matches!(Teller::new(settings), Err(tell::SettingsError::PlainMail(host)) if host == "mail.example.org"));
}
