//! `greave holders`: everybody, whose keys go on although they left, for whose nobody answers,
//! and who could make another key today.

use comfy_table::{Cell, Table};
use console::api::{HolderList, HolderSummary, HolderView, KeyCount, Minter, Minting};
use jiff::Timestamp;

use super::table;
use crate::{
    cli::Format,
    client::address,
    commands::{Admin, json, sheet::Sheet},
    show::{self, ALARM, BOLD, FAINT, alarm_if, clean, count, fit, lines, styled},
};

/// So many holders a page shows.
const SHOWN: usize = 1000;

/// A column of an export.
type Column = (&'static str, fn(&HolderView) -> String);

const COLUMNS: [Column; 15] = [
    ("id", |holder| holder.id.to_string()),
    ("name", |holder| holder.name.clone()),
    ("kind", |holder| holder.kind.to_string()),
    ("owner", |holder| holder.owner.clone().unwrap_or_default()),
    ("deputies", |holder| holder.deputies.join("; ")),
    ("mail", |holder| holder.mail.clone().unwrap_or_default()),
    ("administrator", |holder| holder.administrator.to_string()),
    ("enrolled", |holder| holder.enrolled.to_string()),
    ("two_factor", |holder| holder.two_factor.map_or_else(String::new, |on| on.to_string())),
    ("recovery_codes", |holder| holder.recovery_codes.to_string()),
    ("left", |holder| holder.left.to_string()),
    ("left_since", |holder| holder.left_since.map_or_else(String::new, |at| at.to_string())),
    ("keys_go_on", |holder| holder.keys_go_on.to_string()),
    ("keys", |holder| holder.keys.to_string()),
    ("keys_working", |holder| holder.keys_working.to_string()),
];

pub(super) async fn run(admin: &Admin, format: Option<Format>) -> Result<(), Box<dyn std::error::Error>> {
    let list: HolderList = admin.client.read(&address(&["holders"])).await?;
    match format.unwrap_or(if admin.json { Format::Json } else { Format::Table }) {
        Format::Json => return json(&list),
        Format::Table => {}
        format @ (Format::Csv | Format::Jsonl) => {
            let Some(mut sheet) = Sheet::begin(format, &COLUMNS.map(|(head, _)| head))? else { return Ok(()) };
            for holder in &list.holders {
                sheet.line(holder, || COLUMNS.iter().map(|(_, of)| of(holder)).collect())?;
            }
            return Ok(sheet.end()?);
        }
    }
    admin.tell_observing().await?;
    Ok(show::say(page(&list, admin.now, show::width()))?)
}

/// Everybody, and what it comes to.
pub(super) fn page(HolderList { holders, summary }: &HolderList, now: Timestamp, width: Option<u16>) -> String {
    let HolderSummary { people, workloads, vendors, keys, of_leavers, without_owner, .. } = summary;
    let mut page = Vec::new();
    let people = if *people == 1 { "1 person".to_owned() } else { format!("{people} people") };
    let programs = format!("{} and {}", count(*workloads, "workload"), count(*vendors, "vendor"));
    page.push(styled(BOLD, format!("{people}, {programs}; {}", counted(*keys))));
    let shown = holders.get(..holders.len().min(SHOWN)).unwrap_or(holders);
    page.push(lines(&mut table(shown, now), width));
    if let Some(more) = holders.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        page.push(styled(FAINT, format!("and {more} more; `--format csv` has all of them")));
    }
    page.push(String::new());
    minting(&mut page, &summary.minting, width);
    let mut line = |alarm: bool, text: String| {
        page.push(fit(&if alarm { styled(ALARM, text) } else { text }, width));
    };
    if of_leavers.known > 0 {
        let how = "`greave keys --leavers` lists them, `greave keys disable KEY` stops one";
        line(of_leavers.working > 0, format!("Of holders who have left: {}; {how}", counted(*of_leavers)));
    }
    if without_owner.known > 0 {
        let unknown = match summary.without_holder.known {
            0 => String::new(),
            unknown => format!(" ({unknown} of nobody known)"),
        };
        let how = "`greave keys --no-owner` lists them, `greave keys name KEY --owner NAME --as YOU` mends one";
        line(without_owner.working > 0, format!("Nobody answers for {}{unknown}; {how}", counted(*without_owner)));
    }
    if summary.programs_without_owner > 0 {
        let how = "`greave holders change NAME --owner PERSON --as YOU` names one";
        line(
            true,
            format!("No owner, or one who has left: {}; {how}", count(summary.programs_without_owner, "program")),
        );
    }
    page.join("\n")
}

fn counted(KeyCount { known, working }: KeyCount) -> String {
    if known == working { count(known, "key") } else { format!("{}, {working} of them working", count(known, "key")) }
}

/// Who could make another key today.
fn minting(page: &mut Vec<String>, minting: &Minting, width: Option<u16>) {
    let Minting { keys, keys_without_factor, holders, holders_without_factor, holders_without_2fa, undescribed, who } =
        minting;
    page.push(styled(BOLD, "Who could make another key today"));
    if *keys == 0 {
        page.push("Nobody with a key: none reaches `mint` under the law in force.".to_owned());
    } else {
        let told = format!(
            "{} with {}; without a second factor {holders_without_factor} of them, with {}. {holders_without_2fa} of them {} no second factor, here or at the API.",
            count(*holders, "holder"),
            count(*keys, "key"),
            count(*keys_without_factor, "key"),
            if *holders_without_2fa == 1 { "has" } else { "have" },
        );
        page.push(fit(&told, width));
        let mut table = who_table(who);
        page.push(lines(&mut table, width));
        if *holders > who.len() {
            page.push(styled(FAINT, format!("and {} more: `greave keys --power mint`", holders - who.len())));
        }
    }
    if *undescribed > 0 {
        let told = format!(
            "What the document does not describe passes without a second factor with {}: that may make keys, too.",
            count(*undescribed, "key")
        );
        page.push(fit(&styled(ALARM, told), width));
    }
    let beside = "Whoever signs in at the API itself is not seen here: what a login does is not a key's.";
    page.push(fit(&styled(FAINT, beside), width));
    page.push(String::new());
}

fn who_table(who: &[Minter]) -> Table {
    let mut table = show::table(["holder", "answers", "2FA", "keys", "without 2FA"]);
    for minter in who.iter().take(20) {
        let Minter { holder, kind: _, owner, owner_enrolled, owner_two_factor, keys, keys_without_factor } = minter;
        let factor = match (owner_enrolled, owner_two_factor) {
            (true, _) => "here",
            (false, Some(true)) => "at the API",
            (false, Some(false)) => "off",
            (false, None) => "?",
        };
        table.add_row([
            alarm_if(holder.is_none(), holder.as_deref().map_or_else(|| "nobody known".to_owned(), clean)),
            alarm_if(owner.is_none(), owner.as_deref().map_or_else(|| "nobody".to_owned(), clean)),
            alarm_if(!owner_enrolled && *owner_two_factor != Some(true), factor),
            Cell::new(keys),
            alarm_if(*keys_without_factor > 0, keys_without_factor),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use law::HolderKind;

    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn a_page_says_who_could_make_a_key_and_which_keys_nobody_answers_for() {
        let minter = |holder: Option<&str>, enrolled, two_factor, keys_without_factor| Minter {
            holder: holder.map(str::to_owned),
            kind: HolderKind::Person,
            owner: holder.map(str::to_owned),
            owner_enrolled: enrolled,
            owner_two_factor: two_factor,
            keys: 2,
            keys_without_factor,
        };
        let summary = HolderSummary {
            people: 5,
            workloads: 1,
            vendors: 0,
            keys: KeyCount { known: 9, working: 7 },
            of_leavers: KeyCount { known: 2, working: 1 },
            without_owner: KeyCount { known: 3, working: 3 },
            without_holder: KeyCount { known: 1, working: 1 },
            programs_without_owner: 1,
            minting: Minting {
                keys: 6,
                keys_without_factor: 3,
                holders: 3,
                holders_without_factor: 2,
                holders_without_2fa: 1,
                undescribed: 1,
                who: vec![
                    minter(None, false, None, 2),
                    minter(Some("carol"), false, Some(false), 1),
                    minter(Some("ann"), true, Some(true), 0),
                ],
            },
        };
        let list = HolderList { holders: testing::holders(), summary };
        let text = plain(&page(&list, NOW, Some(80)));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!("report", text);
    }
}
