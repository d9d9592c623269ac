//! `greave watch` and `greave watch lift`: what was done about keys, and undoing it.

use console::api::{ContainedView, GuessingView, WatchView};
use http::Method;
use law::{Containment, KeyId, Step};

use super::super::{Admin, Done, Outcome};
use crate::{
    cli::ProofArgs,
    client::address,
    show::{self, ALARM, clean, count, moment},
};

pub(super) async fn show(admin: &Admin) -> Outcome {
    let view: WatchView = admin.client.read(&address(&["watch"])).await?;
    admin.answer(&view, || page(&view))?;
    Ok(if view.contained.is_empty() && view.guessing.is_empty() { Done::Clean } else { Done::Findings })
}

pub(super) async fn lift(admin: &Admin, key: KeyId, proof: &ProofArgs) -> Outcome {
    let path = address(&["watch", &key.to_string(), "lift"]);
    let was: ContainedView = admin.prove(Method::POST, &path, proof, |proof| proof).await?;
    admin.answer(&was, || {
        let held = was.containments.iter().map(|held| held.step.to_string()).collect::<Vec<_>>().join(", ");
        let with = with(&was.holds);
        format!(
            "{} is not contained any more{with}; lifted: {held}. For an hour nothing is done by itself.",
            title(&was)
        )
    })?;
    Ok(Done::Clean)
}

fn page(view: &WatchView) -> String {
    let mode = match view.mode.as_str() {
        "on" => "The watch is on".to_owned(),
        "dry-run" => "The watch only tells what it would do (`[watch] mode = \"dry-run\"`)".to_owned(),
        _ => show::styled(ALARM, "The watch is off"),
    };
    let guessing = view.guessing.iter().map(of_block);
    if view.contained.is_empty() {
        let none = format!("{mode}: no key is contained.");
        return [none].into_iter().chain(guessing).collect::<Vec<_>>().join("\n\n");
    }
    let head = format!("{mode}: {} contained.", count(view.contained.len() as u64, "key"));
    [head].into_iter().chain(view.contained.iter().map(of_key)).chain(guessing).collect::<Vec<_>>().join("\n\n")
}

/// Somebody who tries credentials.
fn of_block(guessing: &GuessingView) -> String {
    let GuessingView { block, source, credentials, calls, since, last, worked } = guessing;
    let head = show::styled(ALARM, format!("{block} tries credentials that nobody knows"));
    let many = format!("{credentials} different ones in {}", count(u64::from(*calls), "call"));
    let when = format!("since {}, the last at {} from {source}", moment(*since), moment(*last));
    let worked: Vec<String> = worked
        .iter()
        .map(|key| format!("\n  {key} works from there, where it was never used before: greave keys disable {key}"))
        .collect();
    format!("{head}\n  {many}, {when}{}", worked.concat())
}

fn of_key(contained: &ContainedView) -> String {
    let line = |Containment { step, until, reason, .. }: &Containment| {
        let until = if *step == Step::Revoke { "for ever".to_owned() } else { format!("until {}", moment(*until)) };
        format!("  {} {until}\n    {}", show::styled(ALARM, step), clean(reason))
    };
    let lines: Vec<String> = contained.containments.iter().map(line).collect();
    let lift = format!("  lift it: greave watch lift {} --as NAME", contained.key);
    format!("{}{}\n{}\n{lift}", title(contained), with(&contained.holds), lines.join("\n"))
}

fn title(contained: &ContainedView) -> String {
    let name = contained.name.as_deref().map_or_else(String::new, |name| format!(" ({})", clean(name)));
    let holder = contained.holder.as_deref().map_or_else(String::new, |holder| format!(" of {}", clean(holder)));
    format!("{}{name}{holder}", contained.key)
}

fn with(holds: &[KeyId]) -> String {
    match holds {
        [] => String::new(),
        [one] => format!(", and {one}, which it made"),
        many => format!(", and {} that it made", count(many.len() as u64, "key")),
    }
}
