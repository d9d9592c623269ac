//! The list of keys, and the same as an export.

use std::io;

use console::api::{KeyFilter, KeyList, KeySort, KeyView};
use jiff::Timestamp;

use super::{
    arguments::ListArgs,
    page::{LEFT_OUT, is_wide, table},
};
use crate::{
    cli::Format,
    client::{address, filtered},
    commands::{Admin, sheet::Sheet},
    show::{self, FAINT},
};

/// So many keys a table shows where nothing is said.
const SHOWN: usize = 1000;

/// So many are asked for at once.
const PAGE: usize = 10_000;

/// A column of an export.
type Column = (&'static str, fn(&KeyView) -> String);

/// What is exported of a key: everything that is known, and nothing that could recognise its
/// secret.
const COLUMNS: [Column; 30] = [
    ("id", |key| key.id.to_string()),
    ("name", |key| maybe(key.name.as_ref())),
    ("holder", |key| maybe(key.holder.as_ref())),
    ("kind", |key| key.kind.to_string()),
    ("holder_left", |key| key.holder_left.to_string()),
    ("holder_two_factor", |key| maybe(key.two_factor)),
    ("owner", |key| maybe(key.owner.as_ref())),
    ("owner_left", |key| key.owner_left.to_string()),
    ("owner_enrolled", |key| key.owner_enrolled.to_string()),
    ("owner_two_factor", |key| maybe(key.owner_two_factor)),
    ("answerers", |key| key.answerers.join("; ")),
    ("standing", |key| super::page::standing(key.standing).to_owned()),
    ("parent_stopped", |key| key.parent_stopped.to_string()),
    ("stopped_since", |key| moment(key.stopped_since)),
    ("reach", |key| words(key.reach)),
    ("without_second_factor", |key| words(key.without_second_factor)),
    ("born", |key| moment(Some(key.born))),
    ("end", |key| moment(key.end)),
    ("past_limit", |key| key.past_limit.to_string()),
    ("last_used", |key| moment(key.last_used.as_ref().map(|used| used.at))),
    ("last_source", |key| maybe(key.last_used.as_ref().map(|used| used.source))),
    ("last_user_agent", |key| maybe(key.last_used.as_ref().and_then(|used| used.user_agent.as_ref()))),
    ("passed", |key| key.passed.to_string()),
    ("stopped", |key| key.stopped.to_string()),
    ("limits", |key| key.issued.as_ref().map_or_else(String::new, |issued| list(&issued.limits))),
    ("operations", |key| key.issued.as_ref().map_or_else(String::new, |issued| list(&issued.scope.operations))),
    ("place", |key| key.place.clone()),
    ("scopes", |key| maybe(key.scopes.as_ref())),
    ("parent", |key| maybe(key.parent)),
    ("claim", |key| maybe(key.claim.as_ref())),
];

fn maybe(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn moment(at: Option<Timestamp>) -> String {
    maybe(at)
}

fn words(powers: law::Powers) -> String {
    powers.iter().map(law::Power::word).collect::<Vec<_>>().join(" ")
}

fn list(some: &[impl ToString]) -> String {
    some.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What the arguments ask for.
fn filter(args: &ListArgs) -> KeyFilter {
    let ListArgs {
        holder,
        owner,
        standing,
        working,
        power,
        without_factor,
        idle,
        ends_within,
        no_end,
        past_limit,
        no_owner,
        leavers,
        query,
        sort,
        reverse,
        limit: _,
        format: _,
    } = args;
    KeyFilter {
        holder: holder.clone(),
        owner: owner.clone(),
        standing: *standing,
        working: *working,
        power: *power,
        without_factor: *without_factor,
        idle: *idle,
        ends_within: *ends_within,
        no_end: *no_end,
        past_limit: *past_limit,
        no_owner: *no_owner,
        leavers: *leavers,
        query: query.clone(),
        sort: *sort,
        reverse: *reverse,
        ..KeyFilter::default()
    }
}

pub(super) async fn run(admin: &Admin, args: &ListArgs) -> Result<(), Box<dyn std::error::Error>> {
    let format = args.format.unwrap_or(if admin.json { Format::Json } else { Format::Table });
    if format == Format::Table {
        return shown(admin, args).await;
    }
    export(admin, filter(args), args.limit, format).await
}

/// All keys that a filter wants, page by page, as they come.
pub(super) async fn export(
    admin: &Admin,
    mut filter: KeyFilter,
    limit: Option<usize>,
    format: Format,
) -> Result<(), Box<dyn std::error::Error>> {
    let heads = COLUMNS.map(|(head, _)| head);
    let Some(mut sheet) = Sheet::begin(format, &heads)? else { return Ok(()) };
    // By id the next page begins where this one ended, whatever was changed in between.
    let by_id = filter.sort.unwrap_or_default() == KeySort::Id && !filter.reverse;
    let mut left = limit.unwrap_or(usize::MAX);
    while left > 0 {
        filter.limit = Some(left.min(PAGE));
        let page: KeyList = admin.client.read(&filtered(address(&["keys"]), &filter)).await?;
        write(&mut sheet, &page.keys)?;
        if page.keys.len() < PAGE.min(left) {
            break;
        }
        left -= page.keys.len();
        if by_id {
            filter.after = page.keys.last().map(|key| key.id);
        } else {
            filter.offset = Some(filter.offset.unwrap_or(0) + page.keys.len());
        }
    }
    Ok(sheet.end()?)
}

fn write(sheet: &mut Sheet, keys: &[KeyView]) -> io::Result<()> {
    keys.iter().try_for_each(|key| sheet.line(key, || COLUMNS.iter().map(|(_, of)| of(key)).collect()))
}

async fn shown(admin: &Admin, args: &ListArgs) -> Result<(), Box<dyn std::error::Error>> {
    let filter = KeyFilter { limit: Some(args.limit.unwrap_or(SHOWN)), ..filter(args) };
    let page: KeyList = admin.client.read(&filtered(address(&["keys"]), &filter)).await?;
    let KeyList { keys, found, known, usage_complete, usage_since: _ } = page;
    admin.tell_observing().await?;
    let empty = match (&filter.holder, known) {
        (_, 0) => {
            "no key is known yet; each is, once the API has accepted it through the gate (`greave serve`)".to_owned()
        }
        (Some(holder), _) if KeyFilter { limit: None, ..filter.clone() } == of_holder(holder) => {
            format!("`{holder}` has no keys; `greave keys list` shows all of them")
        }
        _ => format!("none of {} is so", show::count(known, "key")),
    };
    let width = show::width();
    show::print(&table(&keys, admin.now, is_wide(width)), &empty);
    if keys.is_empty() {
        return Ok(());
    }
    if !usage_complete {
        let why =
            if admin.past { "it is not looked back at" } else { "the gate does not run, or still reads its record" };
        show::aside(FAINT, format!("of use, little is known: {why}"));
    }
    if keys.len() < found {
        show::aside(FAINT, format!("{} of {found} keys; `--limit N` shows more, `--format csv` all", keys.len()));
    }
    if !is_wide(width) {
        let how = "a wider terminal shows them, `greave keys show KEY` all of a key, `--format csv` all of all";
        show::aside(FAINT, format!("left out: {LEFT_OUT}; {how}"));
    }
    Ok(())
}

fn of_holder(holder: &str) -> KeyFilter {
    KeyFilter { holder: Some(holder.to_owned()), ..KeyFilter::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing;

    #[test]
    fn an_export_says_everything_of_a_key_and_nothing_that_recognises_its_secret() {
        let key = testing::key(17);
        let cells: Vec<(&str, String)> = COLUMNS.iter().map(|(head, of)| (*head, of(&key))).collect();
        insta::assert_debug_snapshot!("export", cells);
    }
}
