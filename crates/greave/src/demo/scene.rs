//! The scene: a stolen key before the gate is there and after, and what the gate knows then.

mod after;
mod before;
mod known;

use std::{
    io::{IsTerminal as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use authority::{Change, Written};
use factor::totp::{STEP_SECONDS, Seed, Step};
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    caller::Caller,
    company::{self, Company, cast::Cast},
    gated::{Folder, Gated},
    stage::Stage,
};
use crate::show::{BOLD, FAINT, styled};

type Failure = Box<dyn std::error::Error>;

/// The company's dice: the same people, keys and invoices every time.
const SEED: u64 = 1871;

/// The longest that the gate may take over what it does by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the record is asked again while calls are still being written.
const AGAIN: Duration = Duration::from_millis(20);

/// Where the office's scripts run: an address for documentation (RFC 5737), as the others.
const OFFICE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
/// Where the shop runs.
const SHOP: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 20));
/// Where the thief is.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66));

/// What the thief's client calls itself.
const THIEF: &str = "python-requests/2.32";

/// Everybody and everything on the stage.
pub(super) struct Scene<'a> {
    folder: &'a Folder,
    company: Company,
    cast: Cast,
    /// The API itself.
    api: Caller,
    api_address: SocketAddr,
    open: JoinHandle<std::io::Result<()>>,
    gated: Option<Gated>,
}

impl<'a> Scene<'a> {
    /// Opens the company's office. There is no gate yet.
    pub(super) async fn open(folder: &'a Folder, now: Timestamp) -> Result<Self, Failure> {
        let company = Company::new(SEED, now);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let api_address = listener.local_addr()?;
        let open = tokio::spawn(company::serve(listener, company.clone()));
        let cast = company.cast();
        let api = Caller::new(api_address, "browser");
        Ok(Self { folder, company, cast, api, api_address, open, gated: None })
    }

    /// Plays it all. What does not come out as told is on the stage's list afterwards.
    pub(super) async fn play(&mut self, stage: &mut Stage) -> Result<(), Failure> {
        self.introduce(stage).await;
        before::play(self, stage).await?;
        self.company.reset();
        let people = [("odile", self.seed_of_odile()?, true), ("bram", self.seed_of_bram()?, false)];
        let gated = Gated::start(self.folder, self.api_address, people, Timestamp::now()).await?;
        let played = after::play(self, &gated, stage).await;
        let gated = self.gated.insert(gated);
        let through = played?;
        known::play(gated, through, stage).await
    }

    async fn introduce(&self, stage: &Stage) {
        stage
            .say(&format!(
                "{}, suppliers to lighthouses since 1871: a made-up company with an ordinary API. Its people log in \
                 with a password and a code; its scripts send an API key. Everything below happens now, on this \
                 machine, and is printed as it was seen.",
                company::NAME
            ))
            .await;
    }

    /// Stays up: prints what can be tried, and the codes that people's authenticators show.
    pub(super) async fn stay(&self, stage: &Stage) -> Result<(), Failure> {
        let gated = self.gated.as_ref().ok_or("the gate is gone")?;
        self.invite(gated, stage)?;
        let terminal = std::io::stdout().is_terminal();
        loop {
            let codes = self.codes(gated)?;
            if terminal {
                anstream::print!("\r\x1b[K  {codes}");
                std::io::stdout().flush()?;
                sleep(Duration::from_secs(1)).await;
            } else {
                stage.line(format!("  {codes}"));
                std::future::pending::<()>().await;
            }
        }
    }

    /// Closes the gate and the office.
    pub(super) async fn close(self) {
        if let Some(gated) = self.gated {
            gated.serving.stop().await;
        }
        self.open.abort();
    }

    fn invite(&self, gated: &Gated, stage: &Stage) -> Result<(), Failure> {
        let Gated { serving, file, desk, .. } = gated;
        let gate = serving.address();
        let next = serving.authority().view(|state| state.questions().map(|asked| asked.id.0).max().unwrap_or(0) + 1);
        let command = |text: &str| stage.line(format!("  {}", styled(BOLD, text)));
        let remark = |text: &str| stage.line(format!("\n{}", styled(FAINT, text)));

        stage.line("\nIt stays up until Ctrl-C. In another terminal:\n");
        command(&format!("export GREAVE_CONFIG={}", file.display()));
        if let Some(alias) = alias() {
            command(&alias);
        }
        command(&format!("GATE=http://{gate}"));
        command(&format!("KEY='Authorization: Bearer {}'", self.cast.pay_run));
        remark("Bram's key, `pay-run`: reading passes, exporting and paying wait for him");
        command("curl -H \"$KEY\" \"$GATE/v1/invoices?per_page=2\"");
        command("curl -H \"$KEY\" $GATE/v1/invoices/export | tail -3");
        command("curl -H \"$KEY\" -X POST $GATE/v1/invoices/W-04127/pay");
        remark("in a third terminal: what waits, and the yes, with a code from below");
        command("greave questions");
        command(&format!("greave approve c{next} --as bram"));
        remark("look around; the stolen key works again when Odile says so");
        command("greave keys list; greave reach k2; greave calls --key k1");
        command("greave keys enable k1 --as odile");
        remark(&format!("or in a browser, with a name and a code from below: {desk}"));
        for (name, seed) in [("odile", self.seed_of_odile()?), ("bram", self.seed_of_bram()?)] {
            stage.line(format!("  {name:<6} authenticator secret {}", seed.base32()));
        }
        stage.line("");
        Ok(())
    }

    /// What to type now. A code that was used before is not shown again.
    fn codes(&self, gated: &Gated) -> Result<String, Failure> {
        let now = Timestamp::now();
        let step = Step::at(now);
        let code = |name: &str, seed: &Seed| {
            let last = gated.serving.authority().view(|state| {
                state.holder_named(name).and_then(|holder| holder.authenticator.as_ref().map(|held| held.last))
            });
            let unused = last.map_or(step, |last| step.max(Step(last.0 + 1)));
            // One step ahead is accepted, two are not.
            let shown = if unused.0 <= step.0 + 1 { seed.code(unused) } else { "wait  ".to_owned() };
            format!("{name} {}", styled(BOLD, shown))
        };
        let (odile, bram) = (code("odile", self.seed_of_odile()?), code("bram", self.seed_of_bram()?));
        let left = STEP_SECONDS - now.as_second().rem_euclid(STEP_SECONDS);
        Ok(format!("codes now: {odile}   {bram}   {}", styled(FAINT, format!("the next in {left} s"))))
    }

    fn seed_of_odile(&self) -> Result<&Seed, Failure> {
        self.cast.odile.seed.as_ref().ok_or_else(|| "Odile has no authenticator".into())
    }

    fn seed_of_bram(&self) -> Result<&Seed, Failure> {
        self.cast.bram.seed.as_ref().ok_or_else(|| "Bram has no authenticator".into())
    }
}

/// For those who do not have `greave` on their path.
fn alias() -> Option<String> {
    let named = std::env::args_os().next()?;
    let plain = Path::new(&named).components().count() == 1;
    let program = std::env::current_exe().ok()?;
    (!plain).then(|| format!("alias greave='{}'", program.display()))
}

/// Waits for a change that the authority obeys.
async fn hear<T>(
    changes: &mut broadcast::Receiver<Arc<Written>>,
    what: &str,
    wanted: impl Fn(&Change) -> Option<T>,
) -> Result<T, Failure> {
    let heard = timeout(PATIENCE, async {
        loop {
            match changes.recv().await {
                Ok(written) => match wanted(&written.change) {
                    Some(found) => return Ok(found),
                    None => continue,
                },
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return Err(format!("{what}: the gate is gone")),
            }
        }
    });
    match heard.await {
        Ok(heard) => Ok(heard?),
        Err(_) => Err(format!("{what}: nothing came in {} s", PATIENCE.as_secs()).into()),
    }
}
