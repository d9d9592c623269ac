//! The front door: [`Teller`] for those who tell, [`Worker`] for the one who carries.

use std::{future::Future, sync::Arc};

use arc_swap::ArcSwap;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    Kind, Notice, Security, Settings, SettingsError, WayHealth,
    health::Status,
    mail,
    tls::Believed,
    way::{Carrier, Way},
    webhook,
};

/// Tells people, without ever making the caller wait. Cheap to clone; all clones use the same ways.
#[derive(Clone)]
pub struct Teller {
    ways: Arc<ArcSwap<Vec<Entrance>>>,
}

/// The ways that took a notice up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Whether it goes out by mail, to whoever of its recipients has an address.
    pub mail: bool,
    /// The webhooks that it goes to.
    pub webhooks: usize,
}

/// Carries what a [`Teller`] was told.
#[must_use = "nothing is told unless it runs"]
pub struct Worker {
    ways: Vec<Way>,
}

/// Where notices enter a way.
struct Entrance {
    takes: Takes,
    notices: mpsc::Sender<Arc<Notice>>,
    /// Where there is room for the newest notice of those that replace each other.
    newest: watch::Sender<Option<Arc<Notice>>>,
    status: Arc<Status>,
}

/// Which notices enter.
enum Takes {
    All,
    Kinds(Vec<Kind>),
    /// Those for somebody with a mail address.
    Mailable,
}

impl Teller {
    /// Checks the settings and makes ready; nothing is sent before the worker runs.
    ///
    /// # Errors
    /// When an address, a name or the protection of a way cannot work, for the operator to mend.
    pub fn new(settings: Settings) -> Result<(Self, Worker), SettingsError> {
        let Settings { webhooks, mail, roots, limits } = settings;
        let needs_tls = webhooks.iter().any(webhook::Endpoint::needs_tls)
            || mail.as_ref().is_some_and(|mail| mail.security != Security::PlainOnLoopback);
        let believed = if needs_tls { Some(Believed::new(&roots)?) } else { None };

        let mut entrances = Vec::new();
        let mut ways = Vec::new();
        let mut open = |name: String, takes: Takes, carrier: Carrier| {
            let (notices, inbox) = mpsc::channel(limits.queue.max(1));
            let status = Arc::new(Status::new(name));
            let (newest, stands) = watch::channel(None);
            entrances.push(Entrance { takes, notices, newest, status: Arc::clone(&status) });
            ways.push(Way::new(carrier, (inbox, stands), status, limits));
        };
        for (mut webhook, number) in webhooks.into_iter().zip(1..) {
            let takes = webhook.kinds.take().map_or(Takes::All, Takes::Kinds);
            let endpoint = webhook::Endpoint::new(webhook, number, believed.as_ref())?;
            open(endpoint.name(), takes, Carrier::Webhook(endpoint));
        }
        if let Some(mail) = mail {
            let server = mail::Server::new(mail, believed.as_ref())?;
            open(server.name(), Takes::Mailable, Carrier::Mail(server));
        }
        Ok((Self { ways: Arc::new(ArcSwap::from_pointee(entrances)) }, Worker { ways }))
    }

    /// From now on, and for all clones, what is told goes the ways of another teller. The worker
    /// of those before carries what waits, and ends.
    pub fn renew(&self, other: &Self) {
        self.ways.store(other.ways.load_full());
    }

    /// Hands a notice over and returns at once, with the ways that took it. What does not fit is
    /// counted, and told as one notice when there is room again.
    pub fn tell(&self, notice: Notice) -> Reached {
        let (notice, mut reached) = (Arc::new(notice), Reached::default());
        for way in self.ways.load().iter().filter(|way| way.takes.take(&notice)) {
            let taken = if notice.kind.replaces() {
                way.newest.send_replace(Some(Arc::clone(&notice)));
                Ok(())
            } else {
                way.notices.try_send(Arc::clone(&notice))
            };
            match taken {
                Err(error) => way.status.miss(&error.into_inner(), &notice.to),
                Ok(()) if matches!(way.takes, Takes::Mailable) => reached.mail = true,
                Ok(()) => reached.webhooks += 1,
            }
        }
        reached
    }

    /// How every way does, webhooks first, in the order of the settings.
    pub fn health(&self) -> Vec<WayHealth> {
        self.ways.load().iter().map(|way| way.status.health()).collect()
    }
}

impl Takes {
    fn take(&self, notice: &Notice) -> bool {
        match self {
            Self::All => true,
            Self::Kinds(kinds) => notice.kind.tells_of_others() || kinds.contains(&notice.kind),
            Self::Mailable => notice.to.iter().any(|recipient| recipient.mail.is_some()),
        }
    }
}

impl Worker {
    /// Carries until `stop` is ready or every [`Teller`] is gone; then carries what waits, for at
    /// most [`crate::Limits::flush`], and returns. What is then left counts as given up.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (say_stop, stopped) = watch::channel(false);
        let mut ways = JoinSet::new();
        for way in self.ways {
            ways.spawn(way.run(stopped.clone()));
        }
        tokio::pin!(stop);
        let mut stopping = false;
        loop {
            tokio::select! {
                () = &mut stop, if !stopping => {
                    stopping = true;
                    let _ = say_stop.send(true);
                }
                ended = ways.join_next() => match ended {
                    Some(Ok(())) => {}
                    Some(Err(error)) => tracing::error!(%error, "a way to tell people ended by itself"),
                    None => return,
                },
            }
        }
    }
}
