//! How things look on a terminal: tables that fit, colours only where somebody sees them.

mod arrange;

use std::{
    fmt,
    io::{self, Write as _},
};

use anstyle::{AnsiColor, Style};
use catalogue::{By, Catalogue, Drift, Locked, Trouble};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets::NOTHING};
use jiff::Timestamp;
pub(crate) use law::clean;
use law::{KeyId, Mode, Power, Span};
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
    spaced(&mut table);
    table
}

/// Blanks between the columns, those that were added later, too.
pub(crate) fn spaced(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, arrange::GAP));
    }
}

/// A cell that must be seen, where what it says is so.
pub(crate) fn alarm_if(so: bool, text: impl ToString) -> Cell {
    // The table measures and colours its cells itself: a style within the text would be counted as letters.
    let cell = Cell::new(text);
    if so { cell.fg(Color::Red) } else { cell }
}

/// A key, what people call it, and who has it.
pub(crate) fn key(id: KeyId, name: Option<&str>, holder: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!(" ({})", clean(name)));
    format!("{id}{name} of {}", holder.map_or_else(|| "nobody known".to_owned(), clean))
}

/// A word of a command to paste, in quotes where a shell would read it otherwise.
pub(crate) fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._@+-/".contains(letter);
    let text = clean(text);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A table as text, without blanks at the ends of its lines: as wide as this, or as the terminal;
/// as it is where nobody looks.
pub(crate) fn lines(table: &mut Table, width: Option<u16>) -> String {
    let stacked = width.or_else(self::width).and_then(|width| arrange::arrange(table, width));
    stacked.as_ref().unwrap_or(table).to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// How wide the terminal is, where somebody looks at one.
pub(crate) fn width() -> Option<u16> {
    fair(Table::new().width())
}

/// Where a terminal does not know how wide it is (`script`, a container's, CI's), or is narrower
/// than anybody reads: as wide as they are by custom.
fn fair(width: Option<u16>) -> Option<u16> {
    const NARROWEST: u16 = 40;
    const USUAL: u16 = 80;
    width.map(|width| if width < NARROWEST { USUAL } else { width })
}

/// A line that is no wider than this: what does not fit goes below, set in so far. Breaks at
/// blanks, and within a word only where it alone is wider. Styles take no room.
pub(crate) fn wrapped(line: &str, indent: usize, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from).filter(|width| *width > 2 * indent) else { return line.to_owned() };
    let mut text = String::with_capacity(line.len());
    let mut taken = 0;
    for word in line.split_inclusive(' ') {
        let whole = visible_width(word);
        if taken > indent && taken + whole - usize::from(word.ends_with(' ')) > width {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            taken = indent;
        }
        let mut style = false;
        for letter in word.chars() {
            style |= letter == ESCAPE;
            if !style && letter != ' ' && taken >= width {
                text.push('\n');
                text.extend(std::iter::repeat_n(' ', indent));
                taken = indent;
            }
            text.push(letter);
            taken += usize::from(!style);
            style &= letter != 'm';
        }
    }
    text
}

/// Begins a style. Foreign text has none left: [`clean`] spells it out.
const ESCAPE: char = '\u{1b}';

fn visible_width(text: &str) -> usize {
    let mut style = false;
    let seen = text.chars().filter(|letter| {
        style |= *letter == ESCAPE;
        let seen = !style;
        style &= *letter != 'm';
        seen
    });
    seen.count()
}

/// Prints a table, or what to do where it would be empty.
pub(crate) fn print(table: &Table, empty: &str) {
    if table.is_empty() {
        anstream::println!("{empty}");
    } else {
        anstream::println!("{}", lines(&mut table.clone(), None));
    }
}

/// Writes a line on standard output.
///
/// # Errors
/// As the output does; a broken pipe where nobody reads any more (`| head`).
pub(crate) fn say(text: impl fmt::Display) -> io::Result<()> {
    writeln!(anstream::stdout(), "{}", fit(&text.to_string(), width()))
}

/// JSON, fit for a terminal: what [`clean`] spells out is escaped as JSON has it, so that it reads
/// the same for a program.
pub(crate) fn harmless_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut buffer = [0; 4];
    for letter in json.chars() {
        let plain: &str = letter.encode_utf8(&mut buffer);
        if letter == '\n' || (letter.is_ascii() && !letter.is_control()) || clean(plain) == plain {
            text.push(letter);
        } else {
            let mut units = [0; 2];
            text.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

/// Writes a line beside the output: what a person should know, and a program need not.
pub(crate) fn aside(style: Style, text: impl fmt::Display) {
    anstream::eprintln!("{}", fit(&styled(style, text), width()));
}

/// Sentences in lines of the terminal's width, broken between words. A line goes on as far in
/// as it began; what is one long word stays whole, so that it can be copied.
pub(crate) fn fit(text: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from).filter(|width| *width > 0) else { return text.to_owned() };
    let mut fitted: Vec<String> = Vec::new();
    for line in text.split('\n') {
        if visible_width(line) <= width {
            fitted.push(line.to_owned());
            continue;
        }
        let indent = " ".repeat(line.chars().take_while(|letter| *letter == ' ').count());
        let mut current = String::new();
        for word in line.split(' ').skip(indent.len()) {
            if !current.is_empty() && indent.len() + visible_width(&current) + 1 + visible_width(word) > width {
                fitted.push(format!("{indent}{current}"));
                current.clear();
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        fitted.push(format!("{indent}{current}"));
    }
    fitted.join("\n")
}

/// A QR code of half blocks, black on white whatever the terminal's colours are. Where a text
/// is too long for one, it stays empty: the text is shown beside it.
pub(crate) fn qr(text: &str) -> String {
    let paper = AnsiColor::Black.on(AnsiColor::BrightWhite);
    let code = QrCode::new(text).map(|code| code.render::<Dense1x2>().quiet_zone(true).build());
    code.unwrap_or_default().lines().map(|line| format!("{paper}{line}{paper:#}\n")).collect()
}

/// What was read of a document, and so much of what was skipped.
pub(crate) fn document(catalogue: &Catalogue, troubles: &[Trouble], most: usize) {
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
    for trouble in troubles.iter().take(most) {
        anstream::println!("{}", fit(&format!("{} {trouble}", styled(ALARM, "skipped:")), width()));
    }
    if let Some(more) = troubles.len().checked_sub(most).filter(|more| *more > 0) {
        anstream::println!("and {more} more");
    }
}

/// What differs from the lock: an override replaces powers where the document is as it was.
pub(crate) fn drifted(drift: &Drift) -> &'static str {
    let Drift { added, gone, changed, classifier } = drift;
    let overridden = |changed: &catalogue::Changed| [&changed.from, &changed.to].iter().any(|it| it.by == By::Override);
    if added.is_empty() && gone.is_empty() && classifier.is_none() && changed.iter().all(overridden) {
        "What `[[api.override]]` says"
    } else {
        "The document"
    }
}

/// How a document differs from the lock.
pub(crate) fn drift(drift: &Drift) {
    print(&drift_table(drift), "nothing differs");
}

fn drift_table(drift: &Drift) -> Table {
    let mut table = table(["", "operation", "accepted", "described"]);
    let powers = |locked: &Locked| {
        let open = if locked.open { ", open" } else { "" };
        let said = if locked.by == By::Override { ", as overridden" } else { "" };
        format!("{}{open}{said}", locked.powers)
    };
    for (name, now) in &drift.added {
        table.add_row(["new", &clean(name), "every power, until accepted", &powers(now)]);
    }
    for changed in &drift.changed {
        let weakens = changed.weakens();
        let how = alarm_if(weakens, if weakens { "easier" } else { "changed" });
        let (name, from, to) = (clean(&changed.name), powers(&changed.from), powers(&changed.to));
        table.add_row([how, Cell::new(name), Cell::new(from), Cell::new(to)]);
    }
    for (name, before) in &drift.gone {
        table.add_row(["gone", &clean(name), &powers(before), ""]);
    }
    table
}

/// How long ago, in one unit.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match Span::between(at, now).as_secs() {
        // What the command itself has just done is later than its start.
        u32::MAX if Span::between(now, at) <= Span::minutes(1) => "now".to_owned(),
        u32::MAX => "ahead".to_owned(),
        seconds => format!("{} ago", rough(seconds)),
    }
}

/// How a guard binds now: one whose days of observing are over enforces.
pub(crate) fn mode(mode: Mode, now: Timestamp) -> String {
    match mode {
        Mode::ObserveUntil(day) if mode.enforces(now) => format!("enforce (observed until {day})"),
        mode => mode.to_string(),
    }
}

/// How long until then, in one unit; `over` when it has come.
pub(crate) fn ahead(at: Timestamp, now: Timestamp) -> String {
    match Span::between(now, at).as_secs() {
        0 | u32::MAX => "over".to_owned(),
        seconds => format!("in {}", rough(seconds)),
    }
}

fn rough(seconds: u32) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A moment to the second, such as `2026-11-24 10:15:02` in UTC.
pub(crate) fn moment(at: Timestamp) -> impl fmt::Display {
    at.strftime("%Y-%m-%d %H:%M:%S")
}

/// So many bytes, in a unit that people read.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    let mut unit = 1_000_u64;
    for name in UNITS {
        let next = unit.saturating_mul(1_000);
        if (unit..next).contains(&number) || number >= unit && next == u64::MAX {
            return format!("{}.{} {name}", number / unit, number % unit / (unit / 10));
        }
        unit = next;
    }
    format!("{number} bytes")
}

/// A number with its noun, such as `1 key` and `3 keys`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_word_of_a_command() {
        assert_eq!(word("ann"), "ann");
        assert_eq!(word("Zo\u{eb} 1"), "'Zo\u{eb} 1'");
        assert_eq!(word("x'; rm -rf ."), r"'x'\''; rm -rf .'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn a_guard_whose_days_of_observing_are_over_enforces() {
        let told = |text: &str| mode(text.parse().unwrap(), "2026-11-24T10:00:00Z".parse().unwrap());
        assert_eq!(told("observe until 2025-01-01"), "enforce (observed until 2025-01-01)");
        assert_eq!(told("observe until 2026-12-01"), "observe until 2026-12-01");
        assert_eq!(told("enforce"), "enforce");
    }

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        for (number, words) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (1_990, "1.9 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(number), words);
        }
    }

    #[test]
    fn times_are_told_in_one_unit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (seconds, word) in [(0, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (172_799, "47h"), (172_800, "2d")] {
            assert_eq!(ago(at(0), at(seconds)), format!("{word} ago"));
            if seconds > 0 {
                assert_eq!(ahead(at(seconds), at(0)), format!("in {word}"));
            }
        }
        assert_eq!([ago(at(60), at(0)), ago(at(61), at(0))], ["now", "ahead"]);
        assert_eq!(ahead(at(0), at(1)), "over");
    }

    #[test]
    fn a_line_is_broken_at_blanks_and_styles_take_no_room() {
        assert_eq!(wrapped("one two three four", 4, Some(12)), "one two\n    three\n    four");
        assert_eq!(wrapped("aaaaaaaaaaaaaaaa b", 4, Some(10)), "aaaaaaaaaa\n    aaaaaa\n    b");
        assert_eq!(wrapped("one  two", 4, Some(9)), "one  two");
        assert_eq!(wrapped("one two three", 4, None), "one two three", "where nobody looks, lines stay whole");
        let text = wrapped(&styled(ALARM, "twelve chars and more"), 4, Some(12));
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), "twelve chars\n    and more");
    }

    #[test]
    fn a_terminal_that_does_not_know_its_width_is_taken_for_a_usual_one() {
        assert_eq!(
            [None, Some(0), Some(39), Some(40), Some(200)].map(fair),
            [None, Some(80), Some(80), Some(40), Some(200)]
        );
    }

    #[test]
    fn a_sentence_is_broken_between_words_and_colours_take_no_room() {
        let told = fit(&format!("  {} three four\nshort", styled(ALARM, "one two")), Some(12));
        assert_eq!(anstream::adapter::strip_str(&told).to_string(), "  one two\n  three four\nshort");
        assert_eq!(fit("a-word-that-is-too-long for it", Some(10)), "a-word-that-is-too-long\nfor it");
        assert_eq!(fit("as it is where nobody looks", None), "as it is where nobody looks");
    }

    #[test]
    fn an_override_is_no_change_of_the_document() {
        let locked = |powers: Power, by| Locked { powers: powers.into(), open: false, by, ..Locked::default() };
        let changed = |by| Drift {
            changed: vec![catalogue::Changed {
                name: "GET /x".to_owned(),
                from: locked(Power::Read, By::default()),
                to: locked(Power::Export, by),
            }],
            ..Drift::default()
        };
        assert_eq!(drifted(&changed(By::Override)), "What `[[api.override]]` says");
        assert_eq!(drifted(&changed(By::default())), "The document");
    }

    #[test]
    fn a_table_is_no_wider_than_it_may_be() {
        let mut narrow = table(["operation", "powers"]);
        narrow.add_row(["DELETE /organisations/{organisation}/members/{name}", "grant + destroy"]);
        let text = lines(&mut narrow, Some(40));
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.lines().count() > 2, "{text}");
    }
}
