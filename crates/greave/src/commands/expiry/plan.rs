//! `greave expiry plan` and `greave expiry apply`: ends for keys that have none, or one past the
//! limit.

use std::{collections::HashMap, fs::File, path::Path};

use comfy_table::{Cell, Table};
use console::api::{ApplyEnds, EndsApplied, KeyEnd, KeyFilter, KeyList, KeyView};
use http::Method;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use law::{KeyId, Span};

use super::file::{self, COLUMNS, Line, Wanted, Wrong};
use crate::{
    cli::{Format, ProofArgs},
    client::{address, filtered},
    commands::{Admin, json, sheet::Sheet},
    proposal::{Candidate, SPARED, propose},
    show::{self, FAINT, ago, clean, count, moment},
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// So many keys are asked for at once, and shown at most.
const PAGE: usize = 10_000;
const SHOWN: usize = 1000;

pub(super) async fn plan(admin: &Admin, within: Span, output: Option<&Path>) -> Outcome {
    let (mut keys, usage_complete) = keys(admin, KeyFilter { working: true, ..KeyFilter::default() }).await?;
    keys.retain(|key| key.past_limit || key.end.is_none());
    if !usage_complete && !keys.is_empty() {
        let why = "how keys were used is not known, and what is in use would end like what is not";
        return Err(format!("{why}: let the gate run (`greave serve`), and read its record to the end").into());
    }
    let until = admin.now.saturating_add(SignedDuration::from(within))?;
    // What ends by itself in that time has its end.
    keys.retain(|key| key.end.is_none_or(|end| end > until));
    let candidates: Vec<Candidate> =
        keys.iter().map(|key| Candidate { key: key.id, used: key.last_used.as_ref().map(|used| used.at) }).collect();
    let ends = propose(&candidates, admin.now.to_zoned(TimeZone::UTC).date(), within)
        .ok_or_else(|| format!("--within {within}: no key ends in the first {SPARED} days; say at least 9d"))?;
    let mut lines: Vec<Line> = keys.into_iter().zip(ends).map(|(key, end)| line(key, end)).collect();
    lines.sort_by_key(|line| (line.proposed_end, line.key));
    if let Some(path) = output {
        write(path, &lines)?;
        let how = format!("`greave expiry apply {} --as NAME` sets them", path.display());
        show::aside(FAINT, format!("{} in `{}`; {how}", count(lines.len(), "end"), path.display()));
        return Ok(());
    }
    if admin.json {
        return json(&lines);
    }
    let mut table = show::table(["key", "answers", "last used", "ends now", "would end"]);
    for line in lines.iter().take(SHOWN) {
        let Line { key, name, holder, owner, last_used, end, proposed_end } = line;
        table.add_row([
            show::key(*key, name.as_deref(), holder.as_deref()),
            owner.as_deref().map_or_else(|| "nobody".to_owned(), clean),
            last_used.map_or_else(|| "never seen".to_owned(), |used| ago(used, admin.now)),
            known(*end),
            short(*proposed_end),
        ]);
    }
    show::print(&table, "every key has an end within the limit; `greave expiry` says when keys end");
    left_out(lines.len());
    if !lines.is_empty() {
        show::aside(FAINT, "nothing is set yet; `greave expiry plan --output FILE` writes the plan to be applied");
    }
    Ok(())
}

fn line(key: KeyView, proposed_end: Timestamp) -> Line {
    let KeyView { id, name, holder, owner, last_used, end, .. } = key;
    Line { key: id, name, holder, owner, last_used: last_used.map(|used| used.at), end, proposed_end }
}

fn write(path: &Path, lines: &[Line]) -> Outcome {
    let format = match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson" | "json") => Format::Jsonl,
        _ => Format::Csv,
    };
    let unwritten = |error: std::io::Error| format!("`{}` cannot be written: {error}", path.display());
    let file = File::create(path).map_err(unwritten)?;
    let Some(mut sheet) = Sheet::into(Box::new(file), format, &COLUMNS).map_err(unwritten)? else { return Ok(()) };
    for line in lines {
        sheet.line(line, || line.cells()).map_err(unwritten)?;
    }
    Ok(sheet.end().map_err(unwritten)?)
}

pub(super) async fn apply(admin: &Admin, path: &Path, args: &ProofArgs) -> Outcome {
    let wanted = file::read(path)?;
    let (keys, _) = keys(admin, KeyFilter::default()).await?;
    let keys: HashMap<KeyId, KeyView> = keys.into_iter().map(|key| (key.id, key)).collect();
    let changed = changed(&wanted, &keys, admin.now).map_err(|wrong| wrong.told(path))?;
    if changed.is_empty() {
        let told = format!("nothing is left to set: {} as the file says", count(wanted.len(), "key"));
        return admin.answer(&EndsApplied { keys: 0 }, || format!("{told} already"));
    }
    if !admin.json {
        let mut table = table(&changed, &keys);
        show::print(&std::mem::take(&mut table), "");
        left_out(changed.len());
    }
    let ends: Vec<KeyEnd> = changed.iter().map(|Wanted { key, end, .. }| KeyEnd { key: *key, end: *end }).collect();
    let body = |proof| ApplyEnds { ends: ends.clone(), proof };
    let applied: EndsApplied = admin.prove(Method::POST, &address(&["keys", "ends"]), args, body).await?;
    admin.answer(&applied, || format!("{} now, as the file says", count(applied.keys, "key")))
}

/// The lines that change something, where nothing is wrong with any of them.
fn changed(wanted: &[Wanted], keys: &HashMap<KeyId, KeyView>, now: Timestamp) -> Result<Vec<Wanted>, Wrong> {
    let (mut changed, mut wrong) = (Vec::new(), Vec::new());
    for line in wanted {
        match keys.get(&line.key) {
            None => wrong.push((line.line, format!("there is no key `{}`; see `greave keys list`", line.key))),
            Some(key) if key.end == Some(line.end) => {}
            Some(_) if line.end < now => {
                let mend = "name a later one, or stop the key now";
                wrong.push((line.line, format!("{} has passed; {mend}: `greave keys disable {}`", line.end, line.key)));
            }
            Some(_) => changed.push(*line),
        }
    }
    if wrong.is_empty() { Ok(changed) } else { Err(Wrong(wrong)) }
}

fn table(changed: &[Wanted], keys: &HashMap<KeyId, KeyView>) -> Table {
    let mut table = show::table(["key", "ends now", "will end", ""]);
    for Wanted { key, end, .. } in changed.iter().take(SHOWN) {
        let known_as = keys.get(key);
        let before = known_as.and_then(|key| key.end);
        table.add_row([
            Cell::new(show::key(
                *key,
                known_as.and_then(|key| key.name.as_deref()),
                known_as.and_then(|key| key.holder.as_deref()),
            )),
            Cell::new(known(before)),
            Cell::new(short(*end)),
            show::alarm_if(true, if before.is_some_and(|before| *end > before) { "later" } else { "" }),
        ]);
    }
    table
}

fn known(end: Option<Timestamp>) -> String {
    end.map_or_else(|| "not known".to_owned(), short)
}

fn short(end: Timestamp) -> String {
    format!("{} UTC", moment(end))
}

fn left_out(lines: usize) {
    if lines > SHOWN {
        show::aside(FAINT, format!("and {} more", lines - SHOWN));
    }
}

/// All keys that a filter wants, and whether it is known how they were used.
async fn keys(admin: &Admin, mut filter: KeyFilter) -> Result<(Vec<KeyView>, bool), Box<dyn std::error::Error>> {
    let (mut all, mut complete) = (Vec::new(), true);
    filter.limit = Some(PAGE);
    loop {
        let page: KeyList = admin.client.read(&filtered(address(&["keys"]), &filter)).await?;
        complete &= page.usage_complete;
        let is_last = page.keys.len() < PAGE;
        filter.after = page.keys.last().map(|key| key.id);
        all.extend(page.keys);
        if is_last {
            return Ok((all, complete));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, at};

    #[test]
    fn only_what_changes_is_set_and_only_where_nothing_is_wrong() {
        let keys: HashMap<KeyId, KeyView> = [17, 18].map(|number| (KeyId(number), testing::key(number))).into();
        let has = keys[&KeyId(17)].end.unwrap();
        let line = |line, key, end| Wanted { line, key: KeyId(key), end };
        let both = [line(2, 17, has), line(3, 18, at(86_400))];
        assert_eq!(changed(&both, &keys, NOW), Ok(vec![both[1]]));
        let Err(Wrong(wrong)) = changed(&[line(2, 99, has), line(3, 18, at(-1)), both[0]], &keys, NOW) else {
            panic!()
        };
        assert_eq!(wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3]);
        assert!(wrong[0].1.contains("no key `k99`") && wrong[1].1.contains("greave keys disable k18"), "{wrong:?}");
    }
}
