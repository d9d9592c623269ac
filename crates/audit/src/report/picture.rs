//! People × keys × powers: accounts to the left, keys in the middle, powers to the right.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
};

use law::{Power, Powers};

use super::{
    Report,
    html::safe,
    words::{factor, grouped, holders, of, short, without},
};
use crate::estate::{Account, Ix, Key, Known};

/// So many keys are drawn each for itself, the most urgent ones; the others are summed.
const DRAWN: usize = 22;
/// So many accounts are drawn each for itself.
const ACCOUNTS: usize = 22;
/// So many letters fit into a key's box.
const LABEL: usize = 27;
const ROW: usize = 30;
const TOP: usize = 44;

/// How strongly a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Without a second factor, surely, and sensitive.
    Alarm,
    /// As far as no input forbids it.
    Perhaps,
    /// Only with a second factor.
    Asked,
    /// Nothing sensitive.
    Calm,
}

impl Line {
    const fn class(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Perhaps => "perhaps",
            Self::Asked => "asked",
            Self::Calm => "calm",
        }
    }
}

/// What stands to the right, from above: everything, each sensitive power, and the rest.
const RIGHT: [(&str, Option<Power>); 9] = [
    ("everything", None),
    ("disarm", Some(Power::Disarm)),
    ("mint", Some(Power::Mint)),
    ("grant", Some(Power::Grant)),
    ("run", Some(Power::Run)),
    ("destroy", Some(Power::Destroy)),
    ("export", Some(Power::Export)),
    ("spend", Some(Power::Spend)),
    ("read, write", Some(Power::Read)),
];

/// What one row of the middle leads to: places of [`RIGHT`], with the line to each.
fn reached(key: &Key) -> Vec<(usize, Line)> {
    let sensitive = |powers: Powers| powers.intersection(Powers::SENSITIVE);
    let (sure, reckoned) = (sensitive(key.surely()), sensitive(key.reckoned()));
    let asked = sensitive(key.with.surely).difference(reckoned);
    let mut lines = Vec::new();
    let mut lead = |powers: Powers, line: Line| {
        if powers == Powers::SENSITIVE {
            lines.push((0, line));
            return;
        }
        for (at, (_, power)) in RIGHT.iter().enumerate() {
            if power.is_some_and(|power| powers.contains(power)) {
                lines.push((at, line));
            }
        }
    };
    lead(sure, Line::Alarm);
    if sure != reckoned {
        // What is perhaps everything is one line, whatever of it is sure.
        lead(if reckoned == Powers::SENSITIVE { reckoned } else { reckoned.difference(sure) }, Line::Perhaps);
    }
    lead(asked, Line::Asked);
    if lines.is_empty() && !key.reckoned().is_empty() {
        lines.push((RIGHT.len() - 1, Line::Calm));
    }
    lines
}

fn worst(key: &Key) -> Line {
    if key.surely().is_sensitive() {
        Line::Alarm
    } else if key.reckoned().is_sensitive() {
        Line::Perhaps
    } else if key.with.surely.is_sensitive() {
        Line::Asked
    } else {
        Line::Calm
    }
}

/// The left column: accounts in the order in which their keys come, so that few lines cross.
struct Left<'r> {
    drawn: Vec<(Ix, &'r Account)>,
    more: usize,
}

impl<'r> Left<'r> {
    fn of(report: &'r Report, keys: &[&Key]) -> Self {
        let mut drawn: Vec<(Ix, &Account)> = Vec::new();
        for (ix, account) in
            keys.iter().flat_map(|key| &key.holders).filter_map(|ix| Some((*ix, report.estate.accounts.get(*ix)?)))
        {
            if drawn.len() < ACCOUNTS && !drawn.iter().any(|(known, _)| *known == ix) {
                drawn.push((ix, account));
            }
        }
        Self { more: report.estate.accounts.len() - drawn.len(), drawn }
    }
}

/// The picture with its table, or nothing where there are no keys.
pub(super) fn write(report: &Report, page: &mut String) -> fmt::Result {
    let keys: Vec<&Key> = report.first.iter().filter_map(|first| report.estate.keys.get(first.key)).collect();
    let (drawn, summed) = keys.split_at(keys.len().min(DRAWN));
    if drawn.is_empty() {
        return Ok(());
    }
    writeln!(page, "<h2 id=\"picture\">People, keys, powers</h2>\n<figure>")?;
    svg(report, drawn, summed, page)?;
    let rest = match summed.len() {
        0 => String::new(),
        more => format!(
            " The {} most urgent keys are drawn; {} more are summed in the last row.",
            drawn.len(),
            grouped(more)
        ),
    };
    writeln!(
        page,
        "<figcaption><span class=\"sign alarm\"></span> without a second factor \
         <span class=\"sign perhaps\"></span> perhaps, no input says \
         <span class=\"sign asked\"></span> only with a second factor \
         <span class=\"sign calm\"></span> nothing sensitive.{rest}</figcaption></figure>"
    )?;
    table(report, drawn, summed, page)
}

fn svg(report: &Report, drawn: &[&Key], summed: &[&Key], page: &mut String) -> fmt::Result {
    let left = Left::of(report, drawn);
    let middle = drawn.len() + usize::from(!summed.is_empty());
    let lefts = left.drawn.len() + usize::from(left.more > 0);
    let rows = middle.max(lefts).max(RIGHT.len());
    let height = TOP + rows * ROW;
    // A short column stands in the middle of a long one.
    let y = |row: usize, of: usize| TOP + (rows - of) * ROW / 2 + row * ROW;
    let figures = &report.figures;
    write!(
        page,
        "<div class=\"wide\"><svg class=\"picture\" viewBox=\"0 0 1000 {height}\" role=\"img\" aria-labelledby=\"p-t p-d\">\
         <title id=\"p-t\">Which accounts have which keys, and what those can do without a second factor</title>\
         <desc id=\"p-d\">{} of {} can do what is sensitive with the key alone; {} of those belong to accounts that sign in with a second factor. The table below says the same.</desc>\
         <g class=\"heads\"><text x=\"268\" y=\"18\" text-anchor=\"end\">accounts</text><text x=\"500\" y=\"18\" text-anchor=\"middle\">keys</text><text x=\"752\" y=\"18\">without a second factor</text></g>\n<g class=\"lines\">",
        figures.sensitive,
        of(figures.keys, "key", "keys"),
        figures.bypass
    )?;
    let places: HashMap<Ix, usize> = left.drawn.iter().enumerate().map(|(row, (ix, _))| (*ix, row)).collect();
    for (key, row) in drawn.iter().zip(0..) {
        let at = y(row, middle);
        let mut from: Vec<usize> =
            key.holders.iter().map(|ix| places.get(ix).copied().unwrap_or(left.drawn.len())).collect();
        from.dedup();
        for from in from {
            line(268, y(from, lefts), 380, at, worst(key), page)?;
        }
        for (to, how) in reached(key) {
            line(620, at, 740, y(to, RIGHT.len()), how, page)?;
        }
    }
    if !summed.is_empty() {
        let at = y(drawn.len(), middle);
        let alarm = summed.iter().any(|key| worst(key) == Line::Alarm);
        line(
            268,
            y(left.drawn.len().min(lefts - 1), lefts),
            380,
            at,
            if alarm { Line::Alarm } else { Line::Calm },
            page,
        )?;
        for to in 0..RIGHT.len() {
            let led = |wanted: Line| summed.iter().any(|key| reached(key).contains(&(to, wanted)));
            if let Some(how) = [Line::Alarm, Line::Perhaps, Line::Asked, Line::Calm].into_iter().find(|how| led(*how)) {
                line(620, at, 740, y(to, RIGHT.len()), how, page)?;
            }
        }
    }
    writeln!(page, "</g>")?;
    accounts(&left, lefts, &y, page)?;
    for (key, row) in drawn.iter().zip(0..) {
        let name = key.name.as_deref().filter(|name| key.id.chars().count() + name.chars().count() < LABEL);
        let label = name.map_or_else(|| key.id.clone(), |name| format!("{} {name}", key.id));
        node(y(row, middle), worst(key), &short(&label, LABEL), &format!("{}: {}", key.id, without(key)), page)?;
    }
    if !summed.is_empty() {
        let label = of(summed.len(), "more key", "more keys");
        node(y(drawn.len(), middle), Line::Calm, &label, &label, page)?;
    }
    for ((word, power), row) in RIGHT.iter().zip(0..) {
        let keys = match power {
            None => figures.everything,
            Some(Power::Read) => report.living().filter(|key| worst(key) == Line::Calm).count(),
            Some(power) => figures.by_power.iter().find(|(known, _)| known == power).map_or(0, |(_, keys)| *keys),
        };
        let at = y(row, RIGHT.len());
        let class = match (power, keys) {
            (Some(Power::Read), _) | (_, 0) => "calm",
            _ => "alarm",
        };
        let word = if *power == Some(Power::Read) { "only read, write" } else { word };
        writeln!(
            page,
            "<circle class=\"{class}\" cx=\"746\" cy=\"{at}\" r=\"6\"/><text x=\"760\" y=\"{}\"><tspan class=\"strong\">{}</tspan> {word}</text>",
            at + 5,
            grouped(keys)
        )?;
    }
    writeln!(page, "</svg></div>")
}

fn accounts(left: &Left<'_>, lefts: usize, y: &dyn Fn(usize, usize) -> usize, page: &mut String) -> fmt::Result {
    for ((_, account), row) in left.drawn.iter().zip(0..) {
        let at = y(row, lefts);
        let class = match account.second_factor {
            Known::Yes => "well",
            Known::No => "alarm",
            Known::Unknown => "dark",
        };
        let gone = if account.left == Known::Yes { "left, " } else { "" };
        writeln!(
            page,
            "<circle class=\"{class}\" cx=\"262\" cy=\"{at}\" r=\"6\"/><text x=\"248\" y=\"{}\" text-anchor=\"end\">{} <tspan class=\"faint\">{gone}{}</tspan><title>{}</title></text>",
            at + 5,
            safe(&short(&account.name, 20)),
            factor(Some(account)),
            safe(&short(&account.label(), 200))
        )?;
    }
    if left.more > 0 {
        let at = y(left.drawn.len(), lefts);
        writeln!(
            page,
            "<circle class=\"dark\" cx=\"262\" cy=\"{at}\" r=\"6\"/><text class=\"faint\" x=\"248\" y=\"{}\" text-anchor=\"end\">{}</text>",
            at + 5,
            of(left.more, "more account", "more accounts")
        )?;
    }
    Ok(())
}

fn line(x: usize, y: usize, to_x: usize, to_y: usize, how: Line, page: &mut String) -> fmt::Result {
    let bend = (to_x - x) / 2;
    writeln!(
        page,
        "<path class=\"{}\" d=\"M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}\"/>",
        how.class(),
        x + bend,
        to_x - bend
    )
}

fn node(at: usize, how: Line, label: &str, title: &str, page: &mut String) -> fmt::Result {
    writeln!(
        page,
        "<rect class=\"{}\" x=\"380\" y=\"{}\" width=\"240\" height=\"24\" rx=\"4\"/><text x=\"500\" y=\"{}\" text-anchor=\"middle\">{}<title>{}</title></text>",
        how.class(),
        at - 12,
        at + 5,
        safe(label),
        safe(&short(title, 300))
    )
}

/// The same in words, for whoever does not see it, or wants it exactly.
fn table(report: &Report, drawn: &[&Key], summed: &[&Key], page: &mut String) -> fmt::Result {
    let powers: Vec<Power> =
        RIGHT.iter().filter_map(|(_, power)| *power).filter(|power| power.is_sensitive()).collect();
    write!(
        page,
        "<div class=\"wide\"><table class=\"matrix\"><caption>The same as a table: what each key can do without a second factor</caption><thead><tr><th scope=\"col\">key</th><th scope=\"col\">account</th>"
    )?;
    for power in &powers {
        write!(page, "<th scope=\"col\">{power}</th>")?;
    }
    writeln!(page, "</tr></thead><tbody>")?;
    for key in drawn {
        write!(
            page,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td><bdi>{}</bdi>, {}</td>",
            safe(&short(&key.id, 60)),
            safe(&short(&holders(report, key), 60)),
            factor(report.estate.holders(key).next())
        )?;
        for power in &powers {
            let (class, word) = if key.surely().contains(*power) {
                ("alarm", "yes")
            } else if key.reckoned().contains(*power) {
                ("perhaps", "perhaps")
            } else if key.with.surely.contains(*power) {
                ("asked", "with 2FA")
            } else {
                ("calm", "no")
            };
            write!(page, "<td class=\"{class}\">{word}</td>")?;
        }
        writeln!(page, "</tr>")?;
    }
    if !summed.is_empty() {
        write!(page, "<tr><th scope=\"row\">{}</th><td></td>", of(summed.len(), "more key", "more keys"))?;
        for power in &powers {
            let keys = summed.iter().filter(|key| key.surely().contains(*power)).count();
            write!(page, "<td class=\"{}\">{}</td>", if keys > 0 { "alarm" } else { "calm" }, grouped(keys))?;
        }
        writeln!(page, "</tr>")?;
    }
    writeln!(page, "</tbody></table></div>")
}
