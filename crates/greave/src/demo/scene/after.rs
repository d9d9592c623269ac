//! The same API, key and calls, with the gate before it.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use authority::Change;
use console::api::{Approve, KeyDetails, Proof, QuestionDetails, QuestionList, QuestionState, QuestionView};
use factor::totp::Step;
use jiff::Timestamp;
use law::{ChallengeId, KeyId};
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{AGAIN, ELSEWHERE, Failure, OFFICE, PATIENCE, SHOP, Scene, THIEF, before::login_with_code, hear};
use crate::{
    demo::{
        caller::{Answer, Caller, NoAnswer},
        gated::Gated,
        stage::{Mood, Stage, grouped, shown},
    },
    show::{ALARM, BOLD, WELL, styled},
};

/// How often production reads.
const PACE: Duration = Duration::from_millis(50);

/// Reads that show that production goes on.
const MORE: u64 = 3;

/// What went through the gate.
pub(super) struct Through {
    /// Calls that were sent, by anybody.
    pub(super) calls: u64,
    /// Of these, production's reads.
    pub(super) reads: u64,
    /// The question about the honest script's call.
    pub(super) honest: ChallengeId,
}

pub(super) async fn play(scene: &Scene<'_>, gated: &Gated, stage: &mut Stage) -> Result<Through, Failure> {
    stage.act("AFTER: the same API behind the gate").await;
    let gate = Caller::new(gated.serving.address(), "browser");
    describe(gated, stage).await;
    people_and_keys(scene, gated, &gate, stage).await?;
    let production = Production::start(gate.called("shop-window/4").with_key(&scene.cast.shop_window).from(SHOP));

    let thief = gate.called(THIEF).with_key(&scene.cast.month_end).from(ELSEWHERE).impatient();
    let disarming = steal(scene, &thief, stage).await?;
    let honest = month_end(scene, gated, &gate, &thief, stage).await?;
    not_me(gated, &thief, disarming, &production, stage).await?;

    let reads = production.stop().await;
    let text = format!(
        "Its reads during all this: {}; {} failed; the slowest took {}.",
        grouped(reads.good),
        reads.failed.len(),
        shown(reads.slowest)
    );
    stage.claim(reads.failed.is_empty() && reads.good >= MORE, &text).await;
    Ok(Through { calls: gate.sent(), reads: reads.good + reads.failed.len() as u64, honest })
}

async fn describe(gated: &Gated, stage: &Stage) {
    stage
        .say(
            "The books are put back, and the gate stands before the API. API, keys and scripts are \
             unchanged. (The demo plays the load balancer, too: where a caller is, stands in \
             X-Forwarded-For.) The law is the one that `greave init` writes, and binds at once:",
        )
        .await;
    let law = gated.serving.authority().law().law.clone();
    for power in [law::Power::Read, law::Power::Export, law::Power::Mint, law::Power::Disarm] {
        let guard = &law.person[power].guard;
        stage.line(format!("  {:<7} = \"{guard}\"", power.word()));
    }
    stage.rest(2_500).await;
}

/// People log in as before, and each key is learned from a read of its own.
async fn people_and_keys(scene: &Scene<'_>, gated: &Gated, gate: &Caller, stage: &mut Stage) -> Result<(), Failure> {
    stage.say("People log in as before. The scripts read as on any day; the gate learns each key from its first read, and asks the API whose it is:").await;
    let let_in = gate.from(OFFICE).post("/login", &login_with_code(scene)?).await?;
    stage.called(&let_in, let_in.status == 200, Mood::Well, "Odile, password and code").await;

    let mut changes = gated.serving.authority().listen();
    let keys = [
        ("month-end", "month-end.sh", &scene.cast.month_end, OFFICE),
        ("pay-run", "pay-run.sh", &scene.cast.pay_run, OFFICE),
        ("shop-window", "shop-window/4", &scene.cast.shop_window, SHOP),
    ];
    for (name, agent, secret, source) in keys {
        let script = gate.called(agent).with_key(secret).from(source);
        let first = script.get("/v1/invoices?per_page=20").await?;
        stage.note(first.status == 200, "a key that the gate does not know yet reads");
        let (key, holder) = hear(&mut changes, "whose the key is", |change| match change {
            Change::KeyIdentified { key, holder, .. } => Some((*key, *holder)),
            _ => None,
        })
        .await?;
        let holder = gated.serving.authority().view(|state| state.holder(holder).map(|holder| holder.name.clone()));
        let read = script.get("/v1/invoices?per_page=20").await?;
        settled(gated, key, source).await?;
        let note = format!("{key}: {}'s {name}", holder.unwrap_or_default());
        stage.called(&read, read.status == 200 && read.items() == 20, Mood::Plain, &note).await;
    }
    stage.say("Production, `shop-window`, reads on twenty times a second from here.").await;
    Ok(())
}

/// Waits until the record knows that a key comes from there: calls that are not sensitive are
/// written in batches.
async fn settled(gated: &Gated, key: KeyId, source: IpAddr) -> Result<(), Failure> {
    let waited = timeout(PATIENCE, async {
        loop {
            let details: KeyDetails = gated.client.read(&format!("/v1/keys/{key}")).await?;
            if details.sources.iter().any(|known| known.source == source) {
                return Ok::<_, Failure>(());
            }
            sleep(AGAIN).await;
        }
    });
    waited.await.map_err(|_| format!("the record does not know where {key} comes from"))?
}

/// The thief's three calls. Returns the question about the first.
async fn steal(scene: &Scene<'_>, thief: &Caller, stage: &mut Stage) -> Result<ChallengeId, Failure> {
    stage
        .say(&format!(
            "The thief, at {ELSEWHERE}, sends the same three requests with the same key, and \
             `Prefer: wait=0` so as to be answered at once:"
        ))
        .await;
    let before = Books::look(scene).await?;
    let disarming = thief.delete("/v1/users/odile/two-factor").await?;
    asked(stage, &disarming).await;
    let minting = thief.post("/v1/keys", &json!({ "name": "backup" })).await?;
    asked(stage, &minting).await;
    let exporting = thief.get("/v1/invoices/export").await?;
    asked(stage, &exporting).await;

    let after = Books::look(scene).await?;
    stage.claim(after.two_factor, "Odile's 2FA is on.").await;
    let keys = format!("The company has the same {} keys as before.", after.keys);
    stage.claim(after.keys == before.keys, &keys).await;
    let unseen = "The API's own audit log has nothing new: none of the three reached it.";
    stage.claim(after.entries == before.entries, unseen).await;
    question(&disarming)
}

/// A call that people are asked about.
async fn asked(stage: &mut Stage, answer: &Answer) {
    let holds = answer.status == 401 && answer.word("/type") == "urn:greave:refusal:step-up";
    stage.called(answer, holds, Mood::Well, &answer.word("/title")).await;
}

fn question(answer: &Answer) -> Result<ChallengeId, Failure> {
    Ok(answer.word("/challenge_id").parse()?)
}

/// The honest script waits, and goes on when Odile gave her code. Returns its question.
async fn month_end(
    scene: &Scene<'_>,
    gated: &Gated,
    gate: &Caller,
    thief: &Caller,
    stage: &mut Stage,
) -> Result<ChallengeId, Failure> {
    stage
        .say(&format!(
            "It is the end of the month. The real `month-end` asks for its export, at {OFFICE} as \
             always. It knows nothing of gates: its request is simply not answered yet."
        ))
        .await;
    let mut changes = gated.serving.authority().listen();
    let script = gate.called("month-end.sh").with_key(&scene.cast.month_end).from(OFFICE);
    let waiting: JoinHandle<Result<Answer, NoAnswer>> = {
        let script = script.clone();
        tokio::spawn(async move { script.get("/v1/invoices/export").await })
    };
    let honest = hear(&mut changes, "the script's question", |change| match change {
        Change::Asked { id, question } if question.source == OFFICE => Some(*id),
        _ => None,
    })
    .await?;

    stage.say("Odile would be told by mail or webhook; here she looks (`greave questions`):").await;
    let QuestionList { questions } = gated.client.read("/v1/questions").await?;
    stage.note(questions.len() == 4, "four questions are open");
    for question in questions.iter().rev() {
        show(stage, gated, question).await?;
    }
    let known = questions.iter().find(|question| question.id == honest).is_some_and(|question| question.known_source);
    stage.note(known, "the script's place is known");
    stage.rest(1_500).await;

    stage.say(&format!("{honest} is hers. The demo has her authenticator, and types for her:")).await;
    stage.types(&format!("greave approve {honest} --as odile")).await;
    let code = scene.seed_of_odile()?.code(Step::at(Timestamp::now()));
    stage.line(format!("  Code: {code}"));
    let proof = Proof { person: Some("odile".to_owned()), code: Some(code.into()) };
    let _: QuestionList = gated.client.change("/v1/approvals", &Approve { questions: vec![honest], proof }).await?;
    let exported = waiting.await??;
    let note = format!("{} rows, same request", grouped(exported.rows() as u64));
    let whole = exported.status == 200 && exported.rows() > 1_000;
    stage.called(&exported, whole, Mood::Well, &note).await;
    let text = format!("The script waited {} and went on by itself; nothing in it was changed.", shown(exported.took));
    stage.claim(whole, &text).await;

    stage.say("Her yes is for that place, for eight hours. The script asks again, and so does the thief:").await;
    let again = script.get("/v1/invoices/export").await?;
    stage.called(&again, again.status == 200, Mood::Well, "the script: not asked again").await;
    let thief = thief.get("/v1/invoices/export").await?;
    asked(stage, &thief).await;
    Ok(honest)
}

/// A question, as Odile sees it.
async fn show(stage: &Stage, gated: &Gated, question: &QuestionView) -> Result<(), Failure> {
    let QuestionView { id, operation, powers, source, known_source, .. } = question;
    let details: QuestionDetails = gated.client.read(&format!("/v1/questions/{id}")).await?;
    let Some(exhibit) = details.exhibit else { return Ok(()) };
    let body = exhibit.body.map(|body| format!(" {body}")).unwrap_or_default();
    stage.line(format!("  {}  {:<34}  {powers}", styled(BOLD, id), format!("{operation}{body}")));
    let agent = exhibit.user_agent.unwrap_or_default();
    let (style, seen) = if *known_source { (WELL, "known") } else { (ALARM, "never seen") };
    stage.line(format!("      from {source} ({}), {agent}", styled(style, seen)));
    stage.rest(700).await;
    Ok(())
}

/// Odile says that the thief's call is not hers: the key stops, and production does not.
async fn not_me(
    gated: &Gated,
    thief: &Caller,
    disarming: ChallengeId,
    production: &Production,
    stage: &mut Stage,
) -> Result<(), Failure> {
    stage.say("The other three are not hers. Stopping needs no code:").await;
    stage.types(&format!("greave deny {disarming} --not-me")).await;
    let path = format!("/v1/questions/{disarming}/not-me");
    let denied: QuestionView = gated.client.change(&path, &Proof::default()).await?;
    stage.note(denied.state == QuestionState::Denied, "the thief's question is denied");

    let read = thief.get("/v1/invoices").await?;
    let holds = read.status == 401 && read.word("/type") == "urn:greave:refusal:disabled";
    stage.called(&read, holds, Mood::Well, &read.word("/title")).await;
    let text = "From the next request on the leaked key is good for nothing; month-end gets another one.";
    stage.claim(holds, text).await;
    let goes_on = production.reads_on().await;
    stage.claim(goes_on, "Production, with its own key, reads on.").await;
    Ok(())
}

/// What the company's own books say, read beside the gate.
struct Books {
    two_factor: bool,
    keys: usize,
    entries: usize,
}

impl Books {
    async fn look(scene: &Scene<'_>) -> Result<Self, Failure> {
        let admin = scene.api.with_key(&scene.cast.month_end);
        let odile = admin.get("/v1/users/odile").await?;
        Ok(Self {
            two_factor: odile.word("/two_factor") == "true",
            keys: admin.get("/v1/keys").await?.items(),
            entries: admin.get("/v1/audit-log").await?.items(),
        })
    }
}

/// What production's reads came to.
#[derive(Clone, Default)]
struct Reads {
    good: u64,
    failed: Vec<String>,
    slowest: Duration,
}

/// The program that reads all day.
struct Production {
    reads: watch::Receiver<Reads>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Production {
    fn start(caller: Caller) -> Self {
        let (told, reads) = watch::channel(Reads::default());
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(async move {
            while !*stopping.borrow() {
                let begun = Instant::now();
                let read = caller.get("/v1/invoices?per_page=20").await;
                let took = begun.elapsed();
                told.send_modify(|reads| {
                    reads.slowest = reads.slowest.max(took);
                    match read {
                        Ok(answer) if answer.status == 200 && answer.items() == 20 => reads.good += 1,
                        Ok(answer) => reads.failed.push(format!("status {}", answer.status)),
                        Err(error) => reads.failed.push(error.to_string()),
                    }
                });
                sleep(PACE).await;
            }
        });
        Self { reads, stop, task }
    }

    /// Whether some more reads come through.
    async fn reads_on(&self) -> bool {
        let mut reads = self.reads.clone();
        let enough = reads.borrow().good + MORE;
        timeout(PATIENCE, reads.wait_for(|reads| reads.good >= enough)).await.is_ok_and(|waited| waited.is_ok())
    }

    /// Stops it between two reads.
    async fn stop(self) -> Reads {
        self.stop.send_replace(true);
        let _ = self.task.await;
        self.reads.borrow().clone()
    }
}
