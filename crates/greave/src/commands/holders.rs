//! `greave holders`: people, workloads and vendors, and who answers for their keys.

mod report;

use clap::{Args, Subcommand};
use comfy_table::{Cell, Table};
use console::api::{AddHolder, ChangeHolder, HolderList, HolderView, Invited, Proof, StopAuthenticator};
use http::Method;
use jiff::Timestamp;
use law::HolderKind;

use super::{Admin, Done, Outcome, json};
use crate::{
    cli::{Format, ProofArgs, example, one_of},
    client::address,
    show::{self, ahead, alarm_if, clean, count},
};

#[derive(Debug, Args)]
pub(crate) struct HoldersCommand {
    /// How it is written: table, csv, json or jsonl.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    #[command(subcommand)]
    pub(crate) command: Option<Holders>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Holders {
    /// Everybody who has or had keys.
    #[command(after_help = example!("holders list"))]
    List,
    /// Make a holder known.
    #[command(after_help = example!("holders add bob --mail bob@example.com --as ann", "holders add ci --kind workload --owner ann --deputy bob --as ann"))]
    Add {
        /// A name that nobody else has; for a person, their account's name at the API.
        name: String,
        /// What it is.
        #[arg(long, default_value = "person", value_parser = one_of(HolderKind::ALL, HolderKind::word))]
        kind: HolderKind,
        #[command(flatten)]
        answers: Answers,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Describe a holder anew: what is not said stays.
    #[command(after_help = example!("holders change ci --owner bob --as ann", "holders change bob --administrator --as ann", "holders change bob --administrator=false --as ann", "holders change ci --no-deputies --as ann"))]
    Change {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        /// What it is.
        #[arg(long, value_parser = one_of(HolderKind::ALL, HolderKind::word))]
        kind: Option<HolderKind>,
        #[command(flatten)]
        answers: Answers,
        /// Nobody answers any more where the owner does not.
        #[arg(long, conflicts_with = "deputies")]
        no_deputies: bool,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// A one-time link with which a person enrols their authenticator.
    #[command(after_help = example!("holders invite bob --as ann"))]
    Invite {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// A person's authenticator is lost: its codes serve no more from now on, and what was said
    /// yes to and signed in with it falls. Their keys go on. Recovery codes serve on, so that the
    /// person can still answer, and an administrator invites them anew.
    #[command(after_help = example!("holders stop-authenticator ann", "holders stop-authenticator ann --recovery-codes"))]
    StopAuthenticator {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        /// Their recovery codes serve no more either: they were with what is lost.
        #[arg(long)]
        recovery_codes: bool,
    },
    /// A holder is gone: they answer nothing more, and their keys stop, or go on and are listed,
    /// as `holders.on_leaving` says.
    #[command(after_help = example!("holders left carol"))]
    Left {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
    },
    /// A holder is back.
    #[command(after_help = example!("holders return carol --as ann"))]
    Return {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Answers {
    /// The person who answers for a workload's or vendor's keys.
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// A person who answers where the owner does not; may be given several times. Those who
    /// are given replace all who were before.
    #[arg(long = "deputy", value_name = "NAME")]
    pub(crate) deputies: Vec<String>,
    /// Where notices go; an empty text for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// Makes them an administrator: they may do what needs a code beyond their own keys. With
    /// `=false` they are none any more.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) administrator: Option<bool>,
}

pub(crate) async fn run(admin: &Admin, HoldersCommand { format, command }: &HoldersCommand) -> Outcome {
    let Some(command) = command else {
        report::run(admin, *format).await?;
        return Ok(Done::Clean);
    };
    match command {
        Holders::List => list(admin).await?,
        Holders::Add { name, kind, answers, proof: args } => {
            let wanted_new = |proof| {
                let Answers { owner, deputies, mail, administrator } = answers.clone();
                let administrator = administrator.unwrap_or(false);
                AddHolder { name: name.clone(), kind: *kind, owner, deputies, mail, administrator, proof }
            };
            let holder: HolderView = admin.prove(Method::POST, &address(&["holders"]), args, wanted_new).await?;
            admin.answer(&holder, || added(&holder))?;
        }
        Holders::Change { name, kind, answers, no_deputies, proof: args } => {
            let wanted = |proof| wanted(*kind, answers, *no_deputies, proof);
            let holder: HolderView = admin.prove(Method::PATCH, &address(&["holders", name]), args, wanted).await?;
            admin.answer(&holder, || described(&holder))?;
        }
        Holders::Invite { name, proof: args } => {
            let to = address(&["holders", name, "invite"]);
            let invited: Invited = admin.prove(Method::POST, &to, args, |proof| proof).await?;
            admin.answer(&invited, || invitation(&invited, admin.now))?;
        }
        Holders::StopAuthenticator { name, recovery_codes } => {
            let stop = StopAuthenticator { recovery_codes: *recovery_codes, proof: Proof::default() };
            let holder: HolderView =
                admin.client.change(&address(&["holders", name, "authenticator", "stop"]), &stop).await?;
            admin.answer(&holder, || stopped(&holder))?;
        }
        Holders::Left { name } => {
            let holder: HolderView =
                admin.client.change(&address(&["holders", name, "left"]), &Proof::default()).await?;
            admin.answer(&holder, || {
                let (name, keys) = (clean(&holder.name), count(holder.keys, "key"));
                if holder.keys_go_on && holder.keys_working > 0 {
                    let working = count(holder.keys_working, "key");
                    return format!("{name} has left and answers nothing more; {working} of theirs still pass, as `holders.on_leaving` says: `greave keys --leavers --holder {}` lists them, `greave keys disable KEY` stops one", show::word(&holder.name));
                }
                format!("{name} has left: nothing passes with their {keys}, and they answer nothing more")
            })?;
        }
        Holders::Return { name, proof: args } => {
            let to = address(&["holders", name, "return"]);
            let holder: HolderView = admin.prove(Method::POST, &to, args, |proof| proof).await?;
            admin.answer(&holder, || format!("{} is back", clean(&holder.name)))?;
        }
    }
    Ok(Done::Clean)
}

/// What is to change, as the API takes it: what was not said stays.
fn wanted(kind: Option<HolderKind>, answers: &Answers, no_deputies: bool, proof: Proof) -> ChangeHolder {
    let Answers { owner, deputies, mail, administrator } = answers.clone();
    let deputies = (no_deputies || !deputies.is_empty()).then_some(deputies);
    ChangeHolder { kind, owner, deputies, mail, administrator, proof }
}

async fn list(admin: &Admin) -> Result<(), Box<dyn std::error::Error>> {
    let HolderList { holders, .. } = admin.client.read(&address(&["holders"])).await?;
    if admin.json {
        return json(&holders);
    }
    show::print(&table(&holders, admin.now), "nobody is known yet; `greave holders add NAME` makes somebody known");
    Ok(())
}

fn table(holders: &[HolderView], now: Timestamp) -> Table {
    let mut table = show::table(["holder", "name", "kind", "answers", "code", "2FA", "keys", ""]);
    for holder in holders {
        let is_person = holder.kind == HolderKind::Person;
        let code = code(holder, now);
        table.add_row([
            Cell::new(holder.id),
            Cell::new(clean(&holder.name)),
            Cell::new(holder.kind),
            Cell::new(clean(&answers(holder))),
            alarm_if(is_person && !holder.enrolled && !holder.left, code),
            alarm_if(
                holder.two_factor == Some(false),
                match holder.two_factor {
                    Some(true) => "on",
                    Some(false) => "off",
                    None if is_person => "?",
                    None => "",
                },
            ),
            Cell::new(keys(holder)),
            alarm_if(
                holder.left,
                if holder.left && holder.keys_go_on {
                    "left, keys go on"
                } else if holder.left {
                    "left"
                } else if holder.administrator {
                    "administrator"
                } else {
                    ""
                },
            ),
        ]);
    }
    table
}

fn keys(holder: &HolderView) -> String {
    match holder.keys - holder.keys_working.min(holder.keys) {
        0 => holder.keys.to_string(),
        stopped => format!("{}, {stopped} stopped", holder.keys),
    }
}

/// Who answers for its keys: the person themselves, or owner and deputies.
fn answers(holder: &HolderView) -> String {
    let owner = if holder.kind == HolderKind::Person { Some("themselves") } else { holder.owner.as_deref() };
    let names: Vec<&str> = owner.into_iter().chain(holder.deputies.iter().map(String::as_str)).collect();
    names.join(", ")
}

/// Whether a person could be asked for a code now.
fn code(holder: &HolderView, now: Timestamp) -> String {
    if holder.kind != HolderKind::Person {
        return String::new();
    }
    if holder.authenticator_stopped.is_some() {
        return format!("stopped, {}", count(holder.recovery_codes, "recovery code"));
    }
    if holder.authenticator_disabled {
        return "disabled after wrong codes".to_owned();
    }
    if holder.enrolled {
        return format!("enrolled, {}", count(holder.recovery_codes, "recovery code"));
    }
    match holder.invited_until {
        Some(until) if until > now => format!("invited, lapses {}", ahead(until, now)),
        _ => "not enrolled".to_owned(),
    }
}

fn added(holder: &HolderView) -> String {
    let mut text = described(holder);
    if holder.kind == HolderKind::Person {
        text += &format!("\nNext: `greave holders invite {} --as NAME` lets them enrol", show::word(&holder.name));
    }
    text
}

fn described(holder: &HolderView) -> String {
    let HolderView { id, kind, .. } = holder;
    let administrator = if holder.administrator { ", an administrator" } else { "" };
    let mail = holder.mail.as_ref().map_or_else(String::new, |mail| format!("; notices go to {}", clean(mail)));
    let name = clean(&holder.name);
    match answers(holder).as_str() {
        "themselves" => format!("{id} is {name}, a {kind}{administrator}{mail}"),
        names => {
            let answer = if names.contains(", ") { "answer" } else { "answers" };
            format!("{id} is {name}, a {kind}{administrator}; {} {answer} for its keys{mail}", clean(names))
        }
    }
}

fn stopped(holder: &HolderView) -> String {
    let (name, word) = (clean(&holder.name), show::word(&holder.name));
    let left = match holder.recovery_codes {
        0 => {
            "no code of theirs serves any more: what asks for their second factor is refused where nobody else answers"
                .to_owned()
        }
        1 => "1 recovery code of theirs still serves; `--recovery-codes` stops that, too".to_owned(),
        left => format!("{left} recovery codes of theirs still serve; `--recovery-codes` stops those, too"),
    };
    format!(
        "{name}'s authenticator is stopped: it answers nothing, and nobody is signed in with it any more; {left}\n\
         Next: `greave holders invite {word} --as NAME` lets them enrol another; `greave keys --holder {word}` lists \
         their keys, which go on"
    )
}

fn invitation(invited: &Invited, now: Timestamp) -> String {
    let Invited { name, link, until } = invited;
    let (name, until) = (clean(name), ahead(*until, now));
    format!(
        "Give this to {name} and to nobody else. Whoever begins with it first enrols in their place; it serves once and lapses \
         {until}.\n\n  {}\n",
        link.expose()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn a_table_of_holders_says_who_cannot_be_asked() {
        let text = plain(&show::lines(&mut table(&testing::holders(), NOW), Some(100)));
        insta::assert_snapshot!("holders", text);
    }

    #[test]
    fn what_is_not_said_of_a_holder_is_not_sent_and_what_is_taken_away_is() {
        let none = Answers { owner: None, deputies: Vec::new(), mail: None, administrator: None };
        let sent = |answers: &Answers, no_deputies| {
            serde_json::to_value(wanted(None, answers, no_deputies, Proof::default())).unwrap()
        };
        assert_eq!(sent(&none, false), serde_json::json!({}));
        let taken = Answers { administrator: Some(false), ..none };
        assert_eq!(sent(&taken, true), serde_json::json!({"deputies": [], "administrator": false}));
    }

    #[test]
    fn of_a_stopped_authenticator_it_is_said_what_still_serves() {
        let bob = testing::holders().into_iter().find(|holder| holder.name == "bob").unwrap();
        let bob = HolderView { authenticator_disabled: true, authenticator_stopped: Some(NOW), ..bob };
        assert_eq!(code(&bob, NOW), "stopped, 1 recovery code");
        assert!(stopped(&bob).contains("1 recovery code of theirs still serves; `--recovery-codes` stops that, too"));
        assert!(stopped(&bob).contains("`greave holders invite bob --as NAME`"));
        let none = HolderView { recovery_codes: 0, enrolled: false, ..bob };
        assert!(stopped(&none).contains("no code of theirs serves any more"));
    }

    #[test]
    fn a_link_is_shown_with_a_warning() {
        let link = "https://desk.example.com/enrol/made-up".to_owned().into();
        let invited = Invited { name: "bob".to_owned(), link, until: testing::at(86_400) };
        insta::assert_snapshot!("invited", invitation(&invited, NOW));
    }
}
