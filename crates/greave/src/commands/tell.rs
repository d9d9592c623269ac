//! `greave tell`: whether notices arrive.

use clap::Subcommand;
use jiff::Timestamp;
use law::Severity;
use serde_json::{Map, Value, json};
use tell::{Kind, Notice, NoticeId, Recipient, Settings, State, Teller, WayHealth};

use super::{Done, Outcome, json as print_json};
use crate::{
    cli::{Cli, example},
    config::Config,
    show::{self, ALARM, WELL, clean, styled},
    telling,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Tell {
    /// Send one notice that says of itself that it is a trial on every way, and say what came
    /// back. A running gate is not asked, and `kinds` hold nothing back.
    #[command(after_help = example!("tell test", "tell test ann@example.com", "tell test --json"))]
    Test {
        /// Where the mail goes; to its sender, `tell.mail.from`, where it is silent.
        mail: Option<String>,
    },
}

pub(crate) async fn run(cli: &Cli, Tell::Test { mail }: &Tell, now: Timestamp) -> Outcome {
    let config = Config::read(&cli.config)?;
    let from = config.tell.mail.as_ref().map(|mail| mail.from.as_str());
    let mail = mail.as_deref().or_else(|| from.map(address)).map(str::to_owned);
    let ways = trial(telling::settings(&config)?, mail.clone(), now).await?;
    if ways.is_empty() {
        return Err("there is no `[[tell.webhook]]` and no `[tell.mail]` in the configuration".into());
    }
    let mut lines: Vec<Value> = Vec::new();
    let mut done = Done::Clean;
    for way in ways {
        let said = match &way.state {
            State::Well => None,
            State::Failing { why, .. } => Some(why.clone()),
            State::Disabled { .. } => Some("the receiver says that it is gone (410)".to_owned()),
            State::Untried => Some("no answer".to_owned()),
        };
        done = done.worse(if said.is_none() { Done::Clean } else { Done::Findings });
        if !cli.json {
            let name = clean(&way.name);
            show::say(match &said {
                None => styled(WELL, format!("{name}: taken")),
                Some(why) => styled(ALARM, format!("{name}: not taken: {}", clean(why))),
            })?;
        }
        lines.push(json!({"name": way.name, "arrived": said.is_none(), "said": said}));
    }
    if cli.json {
        print_json(&lines)?;
    } else if let Some(mail) = mail.filter(|_| config.tell.mail.is_some()) {
        show::say(format!("the mail goes to {}: look whether it is there", clean(&mail)))?;
    }
    Ok(done)
}

/// Tries every way once.
async fn trial(
    mut settings: Settings,
    mail: Option<String>,
    now: Timestamp,
) -> Result<Vec<WayHealth>, Box<dyn std::error::Error>> {
    settings.webhooks.iter_mut().for_each(|webhook| webhook.kinds = None);
    settings.limits.flush = settings.limits.attempt;
    let (teller, worker) = Teller::new(settings)?;
    let title = "this is a trial: notices of the gate arrive here".to_owned();
    teller.tell(Notice {
        kind: Kind::Test,
        id: NoticeId::new(format!("test_{}", now.as_millisecond()))?,
        at: now,
        lines: vec!["Somebody typed `greave tell test` on the gate's host. Nothing is wrong.".to_owned()],
        details: Map::from_iter([("title".to_owned(), json!(title))]),
        title,
        link: None,
        challenge: None,
        severity: Severity::Info,
        to: vec![Recipient { name: "whoever tries it".to_owned(), mail }],
        life: None,
        receipt: None,
    });
    // What waits when it is stopped is tried once.
    worker.run(std::future::ready(())).await;
    Ok(teller.health())
}

/// The address in `Greave <greave@example.com>`.
fn address(mailbox: &str) -> &str {
    let inner = mailbox.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    inner.unwrap_or(mailbox).trim()
}

#[cfg(test)]
mod tests {
    use tell::{Mail, Security, Webhook};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn each_way_is_tried_once_and_says_what_came_back() {
        let (up, down) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (url, closed) = (format!("http://{}/", up.local_addr().unwrap()), down.local_addr().unwrap().port());
        drop(down);
        let receiver = tokio::spawn(async move {
            let (mut stream, _) = up.accept().await.unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&head[..read]).into_owned()
        });
        let secret = tell::signature::Secret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap();
        let kinds = Some(vec![Kind::Finding]);
        let settings = Settings {
            webhooks: vec![Webhook { url, secret, previous: None, kinds, danger_plain_http: false }],
            mail: Some(Mail {
                server: "127.0.0.1".to_owned(),
                port: closed,
                security: Security::PlainOnLoopback,
                from: "Greave <greave@example.com>".to_owned(),
                login: None,
            }),
            ..Settings::default()
        };
        let mail = Some(address("Greave <greave@example.com>").to_owned());
        assert_eq!(mail.as_deref(), Some("greave@example.com"));
        let ways = trial(settings, mail, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(ways[0].state, State::Well);
        assert!(matches!(&ways[1].state, State::Failing { why, .. } if why.contains("refused")), "{ways:?}");
        assert!(receiver.await.unwrap().contains("webhook-id: test_0"));
    }
}
