//! `greave law`: what each power requires, and what is weaker and waits for a code.

use clap::Subcommand;
use console::api::{AcceptLaw, LawView, Proof, WaitingLaw};
use http::Method;
use jiff::Timestamp;
use law::{HolderKind, Law, Power};

use super::{Admin, Done, Outcome};
use crate::{
    cli::{ProofArgs, example},
    client::address,
    show::{self, ALARM, BOLD, FAINT, WELL, ago, alarm_if, clean, lines, styled},
};

#[derive(Debug, Subcommand)]
pub(crate) enum LawCommand {
    /// The law as a page, with what only observes and what waits for a code.
    #[command(after_help = example!("law show"))]
    Show,
    /// Put what waits into force, with an administrator's code: configuration, lock and
    /// document as a whole.
    #[command(after_help = example!("law accept --as ann"))]
    Accept {
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Let what waits wait no longer. Needs no code.
    #[command(after_help = example!("law refuse"))]
    Refuse,
}

pub(crate) async fn run(admin: &Admin, command: &LawCommand) -> Outcome {
    let in_force: LawView = admin.client.read(&address(&["law"])).await?;
    match command {
        LawCommand::Show => {
            admin.answer(&in_force, || page(&in_force, admin.now, None))?;
            Ok(if in_force.waiting.is_some() { Done::Findings } else { Done::Clean })
        }
        LawCommand::Accept { proof: args } => {
            let Some(waiting) = &in_force.waiting else { return nothing_waits(admin, &in_force) };
            // Nobody weakens what they have not read.
            anstream::eprintln!("{}", weaker(waiting, None));
            let wanted = |proof| AcceptLaw { digest: waiting.digest.clone(), proof };
            let accepted: LawView = admin.prove(Method::POST, &address(&["law", "accept"]), args, wanted).await?;
            admin.answer(&accepted, || {
                format!("{} is in force, with the law {}", short(&waiting.digest), short(&accepted.digest))
            })?;
            Ok(Done::Clean)
        }
        LawCommand::Refuse => {
            let Some(waiting) = &in_force.waiting else { return nothing_waits(admin, &in_force) };
            let wanted = AcceptLaw { digest: waiting.digest.clone(), proof: Proof::default() };
            let goes_on: LawView = admin.client.change(&address(&["law", "refuse"]), &wanted).await?;
            admin.answer(&goes_on, || {
                format!(
                    "{} is refused; undo the change, or it waits again at the next start or reload",
                    short(&wanted.digest)
                )
            })?;
            Ok(Done::Clean)
        }
    }
}

fn nothing_waits(admin: &Admin, in_force: &LawView) -> Outcome {
    admin
        .answer(in_force, || "no law waits; that of the file is in force, or the gate has not loaded it".to_owned())?;
    Ok(Done::Clean)
}

fn page(in_force: &LawView, now: Timestamp, width: Option<u16>) -> String {
    let LawView { page, digest, loaded, posture: _, observing, waiting } = in_force;
    let since = loaded.map_or_else(String::new, |loaded| format!(", in force since {}", ago(loaded, now)));
    let mut text = vec![styled(BOLD, format!("The law {}{since}", short(digest)))];
    match page.parse::<Law>() {
        Ok(law) => text.extend(cells(&law, now, width)),
        // A newer gate may say more than this program understands.
        Err(_) => text.push(clean(page)),
    }
    let style = if observing.is_any() { ALARM } else { WELL };
    text.push(styled(style, observing));
    if let Some(waiting) = waiting {
        text.extend([String::new(), weaker(waiting, width)]);
        text.push(styled(
            FAINT,
            "`greave law accept --as NAME` puts it into force, as a whole; `greave law refuse` does not",
        ));
    }
    text.join("\n")
}

/// One table where the law is the same for everybody, else one for each kind of holder.
fn cells(law: &Law, now: Timestamp, width: Option<u16>) -> Vec<String> {
    let same = law.workload == law.person && law.vendor == law.person;
    let kinds: &[HolderKind] = if same { &[HolderKind::Person] } else { &HolderKind::ALL };
    let mut text = Vec::new();
    for kind in kinds {
        text.push(if same { "for every key".to_owned() } else { format!("for the keys of a {kind}") });
        let mut table = show::table(["power", "requires", "mode", "lets its caller do this"]);
        for (power, cell) in law.of(*kind).iter() {
            let mode = alarm_if(power.is_sensitive() && !cell.mode.enforces(now), show::mode(cell.mode, now));
            let [power, guard, words] = [power.to_string(), cell.guard.to_string(), Power::in_words(power).to_owned()];
            table.add_row([power.into(), guard.into(), mode, words.into()]);
        }
        text.extend([lines(&mut table, width), String::new()]);
    }
    text
}

fn weaker(waiting: &WaitingLaw, width: Option<u16>) -> String {
    let mut table = show::table(["", "in force", "waits"]);
    for part in &waiting.weaker {
        table.add_row([&part.what, &part.from, &part.to].map(|text| clean(text)));
    }
    let head = styled(ALARM, format!("{} waits for a code, because it is weaker here", short(&waiting.digest)));
    format!("{head}\n{}", lines(&mut table, width))
}

/// As much of a digest as calls name.
fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn the_law_is_a_page() {
        insta::assert_snapshot!("law", plain(&page(&testing::law_view(), NOW, Some(120))));
    }
}
