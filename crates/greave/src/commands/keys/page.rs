//! How keys look.

use comfy_table::{Cell, Table};
use console::api::{AbroadView, IssuedView, KeyDetails, KeyView, StandsForView, SuccessionView};
use jiff::Timestamp;
use law::{HolderKind, Power, Powers, Span, Standing};

use crate::show::{self, ALARM, BOLD, FAINT, WELL, ago, ahead, alarm_if, clean, lines, moment, styled};

/// What was not used for so long is hardly in use.
const IDLE: Span = Span::days(7);

/// From this width on a table has room for all columns.
const WIDE: u16 = 110;

/// What a narrow table leaves out.
pub(super) const LEFT_OUT: &str = "reach, source and calls";

/// Whether a terminal of this width has room for all columns; where nobody looks, there is.
pub(super) fn is_wide(width: Option<u16>) -> bool {
    width.is_none_or(|width| width >= WIDE)
}

/// Every key in a line, the most important columns first.
pub(super) fn table(keys: &[KeyView], now: Timestamp, wide: bool) -> Table {
    let few = ["key", "holder", "answers", "2FA", "without 2FA", "standing", "last used"];
    let mut table = show::table(few);
    if wide {
        table.set_header(few.into_iter().chain(["from", "reach", "calls"]));
        show::spaced(&mut table);
    }
    for key in keys {
        let name = key.name.as_ref().or(key.claim.as_ref());
        let name = name.map_or_else(String::new, |name| format!(" {}", clean(name)));
        let stands = alarm_if(!key.standing.works() || key.parent_stopped || over(key, now), where_it_stands(key, now));
        let used = key.last_used.as_ref();
        let mut row = vec![
            Cell::new(format!("{}{name}", key.id)),
            alarm_if(key.holder.is_none() || key.holder_left, holder(key)),
            alarm_if(key.answerers.is_empty(), answers(key)),
            alarm_if(!key.owner_enrolled && key.owner_two_factor != Some(true), factor(key)),
            alarm_if(key.without_second_factor.is_sensitive(), powers(key.without_second_factor)),
            stands,
            Cell::new(used.map_or_else(String::new, |used| ago(used.at, now))),
        ];
        if wide {
            row.push(Cell::new(used.map_or_else(String::new, |used| used.source.to_string())));
            row.push(Cell::new(powers(key.reach)));
            row.push(Cell::new(match key.stopped {
                0 => key.passed.to_string(),
                stopped => format!("{}, {stopped} stopped", key.passed),
            }));
        }
        table.add_row(row);
    }
    table
}

/// Powers in few letters.
pub(super) fn powers(powers: Powers) -> String {
    if powers == Powers::EVERY {
        return "all".to_owned();
    }
    powers.iter().map(Power::word).collect::<Vec<_>>().join(" ")
}

/// Whether who answers has a second factor: enrolled here, or as the API says of their account.
const fn factor(key: &KeyView) -> &'static str {
    match (key.owner_enrolled, key.owner_two_factor) {
        (true, Some(false)) => "here; off at the API",
        (true, _) => "here",
        (false, Some(true)) => "at the API",
        (false, Some(false)) => "off",
        (false, None) => "?",
    }
}

/// Its id, what people call it, and who has it.
pub(super) fn title(key: &KeyView) -> String {
    show::key(key.id, key.name.as_deref(), key.holder.as_deref())
}

fn holder(key: &KeyView) -> String {
    let Some(holder) = &key.holder else { return "nobody known".to_owned() };
    let (holder, left) = (clean(holder), if key.holder_left { ", left" } else { "" });
    match key.kind {
        HolderKind::Person => format!("{holder}{left}"),
        kind => format!("{holder}, {kind}{left}"),
    }
}

/// Who can be asked now; where nobody can, why not.
fn answers(key: &KeyView) -> String {
    if !key.answerers.is_empty() {
        return clean(&key.answerers.join(", "));
    }
    match &key.owner {
        Some(owner) if !key.owner_enrolled => format!("nobody: {} is not enrolled", clean(owner)),
        _ => "nobody".to_owned(),
    }
}

fn where_it_stands(key: &KeyView, now: Timestamp) -> String {
    let word = standing(key.standing);
    if let Some(parent) = key.parent.filter(|_| key.parent_stopped && key.standing.works() && !over(key, now)) {
        return format!("stopped with {parent}");
    }
    match (key.standing, key.end) {
        (Standing::Retired | Standing::Revoked, _) => word.to_owned(),
        (Standing::Active, Some(_)) if over(key, now) => "ended".to_owned(),
        (Standing::Retiring, Some(_)) if over(key, now) => standing(Standing::Retired).to_owned(),
        (Standing::Disabled, Some(_)) if over(key, now) => format!("{word}, ended"),
        (_, Some(end)) if key.past_limit => format!("{word}, past the limit, ends {}", ahead(end, now)),
        (_, Some(end)) => format!("{word}, ends {}", ahead(end, now)),
        (_, None) if key.past_limit => format!("{word}, past the limit"),
        (_, None) => word.to_owned(),
    }
}

/// When it ends, in words; what is past the limit is said.
pub(super) fn end(key: &KeyView, now: Timestamp) -> String {
    let end = match key.end {
        Some(end) if end <= now => format!("{}, {} UTC", ago(end, now), moment(end)),
        Some(end) => format!("{}, {} UTC", ahead(end, now), moment(end)),
        None => format!("nobody knows when; `greave keys change {} --end DATE` says it", key.id),
    };
    if key.past_limit { format!("{end}: past the limit") } else { end }
}

fn over(key: &KeyView, now: Timestamp) -> bool {
    key.end.is_some_and(|end| end <= now)
}

pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Retiring => "retiring",
        Standing::Retired => "retired",
        Standing::Disabled => "disabled",
        Standing::Revoked => "revoked",
    }
}

/// All about one key.
pub(super) fn details(shown: &KeyDetails, now: Timestamp, width: Option<u16>) -> String {
    let KeyDetails {
        key,
        first_source,
        header_closed,
        presentable,
        powers,
        sources,
        programs,
        undescribed,
        children,
        upstream,
        predecessor,
        successor,
    } = shown;
    let mut page = vec![styled(BOLD, title(key))];
    let mut line = |word: &str, text: String| page.push(format!("  {word:<12}{text}"));
    let stands = where_it_stands(key, now);
    let alarming = !key.standing.works() || key.parent_stopped || over(key, now);
    line("standing", if alarming { styled(ALARM, stands) } else { stands });
    let answerers = answers(key);
    line("answers", if key.answerers.is_empty() { styled(ALARM, answerers) } else { answerers });
    let two_factor = match key.two_factor {
        Some(true) => "on, at the API".to_owned(),
        Some(false) => styled(ALARM, "off, at the API"),
        None => "the API has not said".to_owned(),
    };
    line("2FA", two_factor);
    line("could show", presentable.to_string());
    if let Some(claim) = &key.claim {
        line("tokens of", clean(claim));
    }
    line("travels in", key.place.clone());
    match &key.issued {
        Some(_) => line("issued", format!("{}, {} UTC", ago(key.born, now), moment(key.born))),
        None if first_source.is_unspecified() => {
            line("known since", format!("{}, {} UTC, from an import", ago(key.born, now), moment(key.born)));
        }
        None => {
            let seen = format!("{}, {} UTC, from {first_source}", ago(key.born, now), moment(key.born));
            line("first seen", format!("{seen}; it may be older"));
        }
    }
    let ends = end(key, now);
    line("ends", if key.past_limit { styled(ALARM, ends) } else { ends });
    if let Some(used) = &key.last_used {
        let agent = used.user_agent.as_ref().map_or_else(String::new, |agent| format!(", as {}", clean(agent)));
        line("last used", format!("{} from {}{agent}", ago(used.at, now), used.source));
    }
    line("calls", format!("{} passed, {} stopped", key.passed, key.stopped));
    if let Some(scopes) = &key.scopes {
        line("scopes", clean(scopes));
    }
    if let Some(parent) = key.parent {
        line(if key.issued.is_some() { "child of" } else { "minted by" }, parent.to_string());
    }
    if let Some(StandsForView { operation, upstream }) = &key.stands_for {
        let called = upstream.as_ref().map_or_else(String::new, |name| format!(", `{}` at the API", clean(name)));
        line("stands for", format!("what `{}` made{called}", clean(operation)));
    }
    let there = match &key.abroad {
        Some(AbroadView { revoked: true, .. }) => Some(styled(WELL, "revoked there, too")),
        Some(AbroadView { why, .. }) => {
            Some(styled(ALARM, format!("alive ({})", clean(why.as_deref().unwrap_or("?")))))
        }
        None => None,
    };
    let called = upstream.as_ref().map(|name| format!("`{}`", clean(name)));
    if called.is_some() || there.is_some() {
        line("at the API", called.into_iter().chain(there).collect::<Vec<_>>().join(", "));
    }
    if let Some(IssuedView { scope, limits }) = &key.issued {
        line("powers", scope.powers.to_string());
        let listed = |words: Vec<String>, none: &str| if words.is_empty() { none.to_owned() } else { words.join(", ") };
        line("operations", listed(scope.operations.iter().map(ToString::to_string).collect(), "all"));
        line("sources", listed(scope.sources.iter().map(ToString::to_string).collect(), "anywhere"));
        line("limits", listed(limits.iter().map(ToString::to_string).collect(), "none"));
    }
    if let Some(before) = predecessor {
        line("succeeds", before.to_string());
    }
    if let Some(SuccessionView { key, grace, took_over }) = successor {
        let unused = format!("{key}, not used yet; this one works for {grace} after its first use");
        line("successor", if *took_over { key.to_string() } else { unused });
    }
    if !children.is_empty() {
        line("has minted", children.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    }
    if *header_closed {
        line("codes", styled(ALARM, "not taken from its requests any more, after wrong ones"));
    }

    let mut table = show::table(["power", "operations", "without 2FA", "requires", "mode", "calls in 5 weeks"]);
    for power in powers.iter().filter(|power| power.operations > 0) {
        let alone = power.without_second_factor;
        table.add_row([
            Cell::new(power.power),
            Cell::new(power.operations),
            alarm_if(alone > 0 && power.power.is_sensitive(), alone),
            Cell::new(&power.guard),
            Cell::new(if power.enforced { "enforced" } else { "observed" }),
            Cell::new(power.calls),
        ]);
    }
    section(&mut page, "", &mut table, width);
    page.push(styled(BOLD, who_breaks(key, now)));
    let mut table = show::table(["program", "last", "calls"]);
    for seen in programs {
        let name = seen.user_agent.as_ref().map_or_else(|| "does not say".to_owned(), |agent| clean(agent));
        table.add_row([name, ago(seen.last, now), seen.calls.to_string()]);
    }
    section(&mut page, "", &mut table, width);
    let mut table = show::table(["from", "first", "last", "calls"]);
    for seen in sources {
        let times = [ago(seen.first, now), ago(seen.last, now), seen.calls.to_string()];
        table.add_row([seen.source.to_string()].into_iter().chain(times));
    }
    section(&mut page, "", &mut table, width);
    let mut table = show::table(["request", "calls", "last"]);
    for seen in undescribed {
        table.add_row([clean(&seen.request), seen.calls.to_string(), ago(seen.last, now)]);
    }
    section(&mut page, "What it called that the document does not describe:", &mut table, width);
    page.push(styled(FAINT, format!("`greave reach {}` lists the operations", key.id)));
    page.join("\n")
}

/// What is in use that would stop with this key.
fn who_breaks(key: &KeyView, now: Timestamp) -> String {
    match &key.last_used {
        None => "Who breaks if it ends now: nobody is known, it has not been used".to_owned(),
        Some(used) if Span::between(used.at, now) > IDLE => {
            format!("Who breaks if it ends now: perhaps nobody, it was last used {}", ago(used.at, now))
        }
        Some(_) => "Who breaks if it ends now:".to_owned(),
    }
}

fn section(page: &mut Vec<String>, head: &str, table: &mut Table, width: Option<u16>) {
    if table.is_empty() {
        return;
    }
    if !head.is_empty() {
        page.push(styled(ALARM, head));
    }
    page.push(lines(table, width));
    page.push(String::new());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    fn keys() -> Vec<KeyView> {
        [17, 18, 19, 20].into_iter().map(testing::key).collect()
    }

    #[test]
    fn a_table_of_keys_fits_80_columns() {
        let text = plain(&lines(&mut table(&keys(), NOW, is_wide(Some(80))), Some(80)));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!("keys_80", text);
    }

    #[test]
    fn a_table_of_keys_fits_120_columns() {
        let text = plain(&lines(&mut table(&keys(), NOW, is_wide(Some(120))), Some(120)));
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
        insta::assert_snapshot!("keys_120", text);
    }

    #[test]
    fn one_key_is_a_page() {
        insta::assert_snapshot!("key", plain(&details(&testing::key_details(), NOW, Some(100))));
    }
}
