//! How things look on a terminal: tables that fit, colours only where somebody sees them.

use anstyle::{AnsiColor, Style};
use catalogue::{Catalogue, Drift, Locked, Trouble};
use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use jiff::Timestamp;
use law::{Power, Span};
use qrcode::{QrCode, render::unicode::Dense1x2};

/// What must be seen.
pub(crate) const ALARM: Style = AnsiColor::Red.on_default().bold();
/// What is well.
pub(crate) const WELL: Style = AnsiColor::Green.on_default();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What stands out.
pub(crate) const BOLD: Style = Style::new().bold();

/// A text in a style; `anstream` takes the style away where nobody sees it.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A table as wide as the terminal, without lines.
pub(crate) fn table<const COLUMNS: usize>(heads: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(heads);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Prints a table, or what to do where it would be empty.
pub(crate) fn print(table: &Table, empty: &str) {
    if table.is_empty() {
        anstream::println!("{empty}");
    } else {
        anstream::println!("{}", table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
    }
}

/// A QR code of half blocks, black on white whatever the terminal's colours are. Where a text
/// is too long for one, it stays empty: the text is shown beside it.
pub(crate) fn qr(text: &str) -> String {
    let paper = AnsiColor::Black.on(AnsiColor::BrightWhite);
    let code = QrCode::new(text).map(|code| code.render::<Dense1x2>().quiet_zone(true).build());
    code.unwrap_or_default().lines().map(|line| format!("{paper}{line}{paper:#}\n")).collect()
}

/// What was read of a document.
pub(crate) fn document(catalogue: &Catalogue, troubles: &[Trouble]) {
    let operations = catalogue.operations();
    anstream::println!("{} operations, by what they let their caller do:", operations.len());
    let mut table = table(["", "operations", "such as"]);
    for power in Power::ALL {
        let mut with = operations.iter().filter(|operation| operation.powers.contains(power));
        let first = with.next().map_or(String::new(), |operation| operation.name.to_string());
        let count = with.count() + usize::from(!first.is_empty());
        if count > 0 {
            table.add_row([power.word().to_owned(), count.to_string(), first]);
        }
    }
    print(&table, "");
    for trouble in troubles.iter().take(20) {
        anstream::println!("{} {trouble}", styled(ALARM, "skipped:"));
    }
    if let Some(more) = troubles.len().checked_sub(20).filter(|more| *more > 0) {
        anstream::println!("and {more} more");
    }
}

/// How a document differs from the lock.
pub(crate) fn drift(drift: &Drift) {
    let mut table = table(["", "operation", "accepted", "described"]);
    let powers =
        |locked: &Locked| if locked.open { format!("{}, open", locked.powers) } else { locked.powers.to_string() };
    for (name, now) in &drift.added {
        table.add_row(["new", name, "every power, until accepted", &powers(now)]);
    }
    for changed in &drift.changed {
        let how = if changed.weakens() { styled(ALARM, "easier") } else { "changed".to_owned() };
        table.add_row([how, changed.name.clone(), powers(&changed.from), powers(&changed.to)]);
    }
    for (name, before) in &drift.gone {
        table.add_row(["gone", name, &powers(before), ""]);
    }
    print(&table, "nothing differs");
}

/// How long ago, in one unit.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match Span::between(at, now).as_secs() {
        u32::MAX => "ahead".to_owned(),
        seconds @ 0..60 => format!("{seconds}s ago"),
        seconds @ 60..3600 => format!("{}m ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{}h ago", seconds / 3600),
        seconds => format!("{}d ago", seconds / 86_400),
    }
}
