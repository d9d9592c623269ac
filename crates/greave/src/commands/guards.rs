//! `greave guards`: whom enforcing would ask.

use std::collections::BTreeSet;

use clap::Subcommand;
use comfy_table::Table;
use console::api::{Preview, PreviewFilter, PreviewLine};
use jiff::Timestamp;
use law::{Refusal, Span, Verdict, Who};

use super::{Admin, Done, Outcome};
use crate::{
    cli::example,
    client::{address, filtered},
    show::{self, ALARM, FAINT, ago, alarm_if, aside, clean, count, lines, styled},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Guards {
    /// The keys and calls that enforcing would have asked about. Ends with 1 where there are any.
    #[command(after_help = example!("guards preview", "guards preview --since 30d --json"))]
    Preview {
        /// How far back to look.
        #[arg(long, default_value = "7d", value_name = "TIME")]
        since: Span,
    },
}

pub(crate) async fn run(admin: &Admin, command: &Guards) -> Outcome {
    let Guards::Preview { since } = command;
    let filter = PreviewFilter { since: Some(*since) };
    let preview: Preview = admin.client.read(&filtered(address(&["guards", "preview"]), &filter)).await?;
    admin.tell_observing().await?;
    for damage in &preview.damage {
        aside(ALARM, damage);
    }
    admin.answer(&preview, || page(&preview, admin.now, None))?;
    let asks = preview.lines.iter().any(|line| line.now != Verdict::Permit);
    Ok(if asks || !preview.damage.is_empty() { Done::Findings } else { Done::Clean })
}

fn page(preview: &Preview, now: Timestamp, width: Option<u16>) -> String {
    let Preview { since, calls, stopped, lines: by_key, damage: _ } = preview;
    let read = format!("{} since {}", count(*calls, "call"), ago(*since, now));
    if by_key.is_empty() {
        return format!("Enforcing would have asked nobody and refused nothing, of {read}.");
    }
    let keys: BTreeSet<_> = by_key.iter().filter_map(|line| line.key).collect();
    let keys = count(keys.len(), "known key");
    let head = format!("Enforcing would have stopped {stopped}, with {keys}, of {read}.");
    [head, lines(&mut table(by_key, now), width), styled(FAINT, next(by_key))].join("\n")
}

/// How each refusal is mended: naming an owner wakes no key that was stopped.
fn next(by_key: &[PreviewLine]) -> String {
    let mut mends: Vec<String> = Vec::new();
    for line in by_key {
        let mend = match line.now {
            Verdict::Refuse(Refusal::NobodyCanAnswer) => "refused is what nobody could answer for: `greave keys name \
                                                          KEY --owner NAME`, `greave holders invite NAME`"
                .to_owned(),
            Verdict::Refuse(refusal) => format!("{}: {}", refusal.code(), refusal.says()),
            _ => continue,
        };
        if !mends.contains(&mend) {
            mends.push(mend);
        }
    }
    if mends.is_empty() { "`greave explain METHOD PATH --key KEY` says why".to_owned() } else { mends.join("\n") }
}

fn table(by_key: &[PreviewLine], now: Timestamp) -> Table {
    let mut table = show::table(["key", "holder", "operation", "powers", "calls", "last", "enforced"]);
    for line in by_key {
        let PreviewLine { who, key, name, holder, operation, powers, then: _, now: verdict, calls, first: _, last } =
            line;
        let name = name.as_ref().map_or_else(String::new, |name| format!(" {}", clean(name)));
        let key = key.map_or_else(|| who_called(*who).to_owned(), |key| format!("{key}{name}"));
        let holder = holder.as_ref().map_or_else(String::new, |holder| clean(holder));
        let cells = [key, holder, clean(operation), powers.to_string(), calls.to_string(), ago(*last, now)];
        let row = cells.into_iter().map(comfy_table::Cell::new);
        table.add_row(row.chain([alarm_if(matches!(verdict, Verdict::Refuse(_)), enforced(*verdict))]));
    }
    table
}

const fn who_called(who: Who) -> &'static str {
    match who {
        Who::Key => "a key",
        Who::Unknown => "unknown keys",
        Who::Session => "sessions",
        Who::Nobody => "nobody",
        Who::Drill | Who::DrillRead => "a drill",
    }
}

/// What the guards as they are now would say, enforced.
fn enforced(verdict: Verdict) -> String {
    match verdict {
        Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => "passes".to_owned(),
        Verdict::Challenge(missing) => format!("asks for {missing}"),
        Verdict::Refuse(refusal) => format!("refused: {}", refusal.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn a_preview_names_keys_and_calls() {
        insta::assert_snapshot!("preview", plain(&page(&testing::preview(), NOW, Some(110))));
    }

    #[test]
    fn a_preview_fits_a_narrow_terminal_and_breaks_no_name() {
        for width in [80, 60] {
            let text = plain(&show::fit(&page(&testing::preview(), NOW, Some(width)), Some(width)));
            assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{width}: {text}");
            for word in ["/users/{name}/tokens", "nobody-can-answer"] {
                assert!(text.contains(word), "{width}: {text}");
            }
        }
    }

    #[test]
    fn who_has_a_key_that_was_stopped_is_sent_for_no_owner() {
        let mut preview = testing::preview();
        for line in &mut preview.lines {
            line.now = Verdict::Refuse(Refusal::Revoked);
        }
        let told = plain(&page(&preview, NOW, None));
        assert!(told.contains("revoked: the key is revoked") && !told.contains("--owner"), "{told}");
    }

    #[test]
    fn a_preview_of_nothing_says_how_much_was_read() {
        let preview = Preview { lines: Vec::new(), stopped: 0, ..testing::preview() };
        let told = page(&preview, NOW, None);
        assert_eq!(told, "Enforcing would have asked nobody and refused nothing, of 412 calls since 7d ago.");
    }
}
