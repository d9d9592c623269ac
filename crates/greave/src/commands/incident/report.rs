//! The report in words.

use law::Power;

use super::{
    Child, Incident, Next,
    calls::{Did, From, Uncounted},
    document::{self, Block, Text},
};
use crate::show::{self, bytes, count, moment};

/// Lines that a table has at most; more are counted.
const MOST: usize = 40;

impl Incident {
    pub(super) fn terminal(&self, width: Option<u16>) -> String {
        let mut blocks = vec![Block::Words(vec![self.title()])];
        blocks.extend(self.blocks());
        document::terminal(&blocks, width)
    }

    pub(super) fn markdown(&self) -> String {
        document::markdown(&self.title(), &self.blocks())
    }

    fn title(&self) -> Text {
        let key = &self.key.key;
        Text::foreign(format!("Incident: {}", show::key(key.id, key.name.as_deref(), key.holder.as_deref())))
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = self.head();
        blocks.extend(self.radius());
        blocks.extend(self.timeline());
        blocks.extend(self.whence());
        blocks.extend(self.did());
        blocks.extend(self.children());
        blocks.extend(self.stopped());
        blocks.extend(self.done());
        blocks.extend(self.next());
        blocks
    }

    fn head(&self) -> Vec<Block> {
        let calls = &self.calls;
        let (since, until) = (moment(self.since), moment(self.until));
        let mut lines = vec![format!(
            "From {since} to {until} UTC: {} passed and {} stopped, {} and {}.",
            count(calls.passed, "call"),
            calls.stopped,
            bytes(calls.bytes_out),
            rows_in_words(calls.rows, calls.uncounted),
        )];
        lines.push(match (calls.before, self.record_begins) {
            (_, None) => "Nothing is recorded.".to_owned(),
            (0, Some(begins)) => format!(
                "No call of it is recorded from before (the record begins at {} UTC): nothing here can be told as unusual.",
                moment(begins)
            ),
            (before, Some(begins)) => format!(
                "What is told as new was in none of its {} before then (the record begins at {} UTC).",
                count(before, "recorded call"),
                moment(begins)
            ),
        });
        if let Some(removed) = self.removed_until {
            lines.push(format!("Up to {} UTC some of the record was removed.", moment(removed)));
        }
        for entry in &self.in_force {
            let digest = entry.particulars.get("digest").and_then(serde_json::Value::as_str).unwrap_or_default();
            let digest = digest.get(..16).unwrap_or(digest);
            lines.push(format!(
                "In force then: {} {digest}, entry {} of the ledger, {} UTC.",
                entry.change,
                entry.seq,
                moment(entry.at)
            ));
        }
        let damage = &calls.damage;
        if !damage.is_empty() {
            lines.push(format!("The record is not whole: {}, told beside this.", count(damage.len(), "damage")));
        }
        lines.into_iter().map(words).collect()
    }

    fn radius(&self) -> Vec<Block> {
        let radius = &self.radius;
        let mut blocks = vec![Block::Head("What it could still do")];
        if !radius.works {
            let standing = self.key.key.standing;
            blocks.push(words(format!("Nothing: the key does not work any more ({standing:?}).").to_lowercase()));
            return blocks;
        }
        blocks.push(words(format!(
            "It works. {} of {} pass with the key alone, {} of them sensitive; {} wait for a person.",
            radius.alone_in_all,
            count(radius.operations, "operation"),
            radius.alone.len(),
            count(radius.guarded, "sensitive one"),
        )));
        if !radius.alone.is_empty() {
            let rows = radius.alone.iter().map(|it| vec![Text::foreign(&it.operation), Text::own(it.powers)]);
            blocks.extend(table(vec!["with the key alone", "powers"], rows.collect()));
        }
        blocks
    }

    fn timeline(&self) -> Vec<Block> {
        let row = |line: &super::Moment| {
            let grounds = line.entry.map_or_else(String::new, |entry| format!("entry {entry}"));
            let grounds = line.call.map_or(grounds, |call| format!("call {call}"));
            vec![Text::own(moment(line.at)), Text::own(&line.what), Text::foreign(&line.foreign), Text::own(grounds)]
        };
        let rows = self.timeline.iter().map(row).collect();
        section("Timeline", vec!["UTC", "what", "of", "by"], rows, "Nothing is recorded of it.")
    }

    fn whence(&self) -> Vec<Block> {
        let row = |(name, from): (&String, &From)| {
            let From { new, passed, stopped, first, last } = from;
            vec![
                Text::foreign(name),
                Text::own(if *new { "new" } else { "" }),
                Text::own(passed),
                Text::own(stopped),
                Text::own(moment(*first)),
                Text::own(moment(*last)),
            ]
        };
        // What is new comes first, then what was used most.
        let sorted = |all: &std::collections::BTreeMap<String, From>| {
            let mut all: Vec<_> = all.iter().collect();
            all.sort_by_key(|(_, from)| (!from.new, std::cmp::Reverse(from.passed + from.stopped)));
            all.into_iter().map(row).collect::<Vec<_>>()
        };
        let heads = |what| vec![what, "", "passed", "stopped", "first", "last"];
        let mut blocks = section("From where", heads("source"), sorted(&self.calls.sources), "No call in this time.");
        blocks.extend(table(heads("program, as it says"), sorted(&self.calls.programs)));
        let others = self.calls.other_sources + self.calls.other_programs;
        if others > 0 {
            blocks.push(words(format!("{} more from sources or programs beyond those.", count(others, "call"))));
        }
        blocks
    }

    fn did(&self) -> Vec<Block> {
        let part = |did: &Did| {
            if did.passed == 0 {
                "tried"
            } else if let Some(status) = did.failed_status.filter(|_| did.failed == did.passed) {
                return format!("called; the API answered {status}");
            } else if did.powers.contains(Power::Mint) {
                "minted"
            } else if did.powers.iter().all(|power| matches!(power, Power::Read | Power::Export)) {
                "read"
            } else {
                "changed"
            }
            .to_owned()
        };
        let mut all: Vec<_> = self.calls.operations.iter().collect();
        all.sort_by_key(|(_, did)| (!did.powers.is_sensitive(), std::cmp::Reverse(did.bytes_out), did.first));
        let row = |(name, did): (&std::sync::Arc<str>, &Did)| {
            vec![
                Text::own(part(did)),
                Text::foreign(name),
                Text::own(did.powers),
                Text::own(if did.new { "new" } else { "" }),
                Text::own(did.passed),
                Text::own(did.stopped),
                Text::own(rows_in_short(did.rows, did.uncounted)),
                Text::own(bytes(did.bytes_out)),
            ]
        };
        let heads = vec!["", "operation", "powers", "", "passed", "stopped", "rows out", "bytes out"];
        let rows = all.into_iter().map(row).collect();
        section("What it read, changed and minted", heads, rows, "Nothing.")
    }

    fn children(&self) -> Vec<Block> {
        let row = |child: &Child| {
            vec![
                Text::own(child.key),
                Text::foreign(child.name.as_deref().unwrap_or_default()),
                Text::own(child.parent),
                Text::own(if child.works { "lives" } else { "does not work" }),
                Text::own(moment(child.born)),
                Text::own(child.last_used.map_or_else(|| "never".to_owned(), |at| moment(at).to_string())),
                Text::own(child.reach),
            ]
        };
        let heads = vec!["key", "name", "from", "", "known since", "last used", "reaches"];
        let rows = self.children.iter().map(row).collect();
        let mut blocks = section("Keys that come from it", heads, rows, "None is known.");
        if self.more_children > 0 {
            blocks.push(words(format!("and {} more that were not looked at: `greave keys list`", self.more_children)));
        }
        if self.calls.more_minted > 0 {
            let minted = count(self.calls.more_minted + self.calls.minted.len() as u64, "key");
            blocks.push(words(format!("In this time it minted {minted}.")));
        }
        blocks
    }

    fn stopped(&self) -> Vec<Block> {
        let rows = self.calls.stopped_why.iter().map(|(why, calls)| vec![Text::own(why), Text::own(calls)]);
        section("What was asked about, refused, or would have been", vec!["why", "calls"], rows.collect(), "Nothing.")
    }

    fn done(&self) -> Vec<Block> {
        let row = |entry: &super::Entry| {
            vec![
                Text::own(moment(entry.at)),
                Text::own(entry.seq),
                Text::foreign(&entry.by),
                Text::foreign(&entry.change),
                Text::foreign(entry.words()),
            ]
        };
        let rows = self.done.iter().map(row).collect();
        let heads = vec!["UTC", "entry", "by", "change", ""];
        let mut blocks = section("What was done, by the ledger", heads, rows, "Nothing yet.");
        if self.more_done > 0 {
            blocks.push(words(format!("and {} more: `greave ledger show`", count(self.more_done, "entry"))));
        }
        blocks
    }

    fn next(&self) -> Vec<Block> {
        let commands = self.next.iter().map(|Next { command, why }| (command.clone(), why.clone()));
        vec![Block::Head("Next"), Block::Commands(commands.collect())]
    }
}

/// Rows that went out. What nobody counted is not nothing.
fn rows_in_words(rows: u64, Uncounted { answers, bytes: size }: Uncounted) -> String {
    match answers {
        0 => format!("{} went out", count(rows, "row")),
        _ => format!(
            "at least {} went out; of {} ({}) rows are not counted",
            count(rows, "row"),
            count(answers, "answer"),
            bytes(size)
        ),
    }
}

fn rows_in_short(rows: u64, Uncounted { answers, .. }: Uncounted) -> String {
    match (rows, answers) {
        (_, 0) => rows.to_string(),
        (0, _) => "not counted".to_owned(),
        _ => format!("at least {rows}"),
    }
}

fn words(text: String) -> Block {
    Block::Words(vec![Text::Own(text)])
}

fn section(head: &'static str, heads: Vec<&'static str>, rows: Vec<Vec<Text>>, empty: &str) -> Vec<Block> {
    let mut blocks = vec![Block::Head(head)];
    if rows.is_empty() {
        blocks.push(words(empty.to_owned()));
    } else {
        blocks.extend(table(heads, rows));
    }
    blocks
}

fn table(heads: Vec<&'static str>, mut rows: Vec<Vec<Text>>) -> Vec<Block> {
    if rows.is_empty() {
        return Vec::new();
    }
    let more = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let mut blocks = vec![Block::Table(heads, rows)];
    if more > 0 {
        blocks.push(words(format!("and {more} more: `--format json` has all")));
    }
    blocks
}
