//! `greave watch` and `greave watch lift`: what was done about keys, and undoing it.

use console::api::{ContainedView, WatchView};
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
    Ok(if view.contained.is_empty() { Done::Clean } else { Done::Findings })
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
    if view.contained.is_empty() {
        return format!("{mode}: no key is contained.");
    }
    let keys: Vec<String> = view.contained.iter().map(of_key).collect();
    format!("{mode}: {} contained.\n\n{}", count(view.contained.len() as u64, "key"), keys.join("\n\n"))
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
