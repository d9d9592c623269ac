//! Tables that fit: no word is broken while there is room for it, and where there is none for the
//! columns side by side, they stand one below the other.

use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Row, Table, Width, presets::NOTHING};

/// Between two columns.
pub(super) const GAP: u16 = 2;

/// Gives every column at least its longest word, and what is left to those that need more, to
/// those that need little first.
/// Where not even the words have room side by side: the same rows, a line for each of their cells.
pub(super) fn arrange(table: &mut Table, width: u16) -> Option<Table> {
    let natural = table.column_max_content_widths();
    let gaps = u16::try_from(natural.len()).unwrap_or(u16::MAX).saturating_mul(GAP);
    // Nothing follows the last column.
    let room = width.saturating_add(GAP).saturating_sub(gaps);
    table.set_width(width.saturating_add(GAP));
    if total(&natural) <= room {
        return None;
    }
    let least: Vec<u16> = (0..natural.len()).map(|column| longest_word(table, column)).collect();
    let Some(mut spare) = room.checked_sub(total(&least)) else {
        return (natural.len() > 2).then(|| stacked(table, width));
    };
    let mut wanted: Vec<(u16, usize, u16)> = Vec::new();
    for (place, (natural, least)) in natural.iter().zip(&least).enumerate() {
        wanted.push((natural.saturating_sub(*least), place, *least));
    }
    // Who wants little has it whole.
    wanted.sort_unstable();
    for (left, (wanted, place, least)) in (1..=wanted.len()).rev().zip(wanted) {
        let share = wanted.min(spare / u16::try_from(left).unwrap_or(u16::MAX));
        spare -= share;
        if let Some(column) = table.column_mut(place) {
            let fixed = least.saturating_add(share).saturating_add(column.padding_width());
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(fixed)));
        }
    }
    None
}

fn total(widths: &[u16]) -> u16 {
    widths.iter().fold(0, |sum, width| sum.saturating_add(*width))
}

fn longest_word(table: &Table, column: usize) -> u16 {
    let mut only = Table::new();
    for cell in table.column_cells_with_header_iter(column).flatten() {
        only.add_rows(cell.content().split([' ', '\n']).map(|word| [word.to_owned()]));
    }
    only.column_max_content_widths().first().copied().unwrap_or(0)
}

/// Each row as lines of its own: what it says, beside what that is.
fn stacked(table: &Table, width: u16) -> Table {
    let mut below = Table::new();
    below.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let heads: Vec<String> = table.header().into_iter().flat_map(Row::cell_iter).map(Cell::content).collect();
    for (place, row) in table.row_iter().enumerate() {
        if place > 0 {
            below.add_row([""]);
        }
        for (place, cell) in row.cell_iter().enumerate().filter(|(_, cell)| !cell.content().is_empty()) {
            let head = heads.get(place).map_or("", String::as_str);
            below.add_row([Cell::new(head).add_attribute(Attribute::Dim), cell.clone()]);
        }
    }
    super::spaced(&mut below);
    below.set_width(width.saturating_add(GAP));
    below
}

#[cfg(test)]
mod tests {
    use super::{
        super::{lines, table},
        *,
    };

    fn calls() -> Table {
        let mut calls = table(["key", "holder", "operation", "powers", "calls", "enforced"]);
        calls.add_row(["k17 ci deploy", "ci", "DELETE /users/{name}", "destroy + grant", "12", "asks for person"]);
        calls.add_row(["k18", "", "POST /users/{name}/tokens", "mint", "5", "refused: nobody-can-answer"]);
        calls
    }

    #[test]
    fn no_word_is_broken_while_there_is_room_for_it() {
        for width in [200, 110, 80, 75] {
            let text = lines(&mut calls(), Some(width));
            assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{width}: {text}");
            assert!(text.lines().count() < 9, "side by side: {text}");
            for word in ["/users/{name}/tokens", "nobody-can-answer", "operation", "destroy"] {
                assert!(text.contains(word), "{width}, {word}: {text}");
            }
        }
        assert_eq!(lines(&mut calls(), Some(200)), lines(&mut calls(), Some(110)), "no wider than it need be");
    }

    #[test]
    fn where_words_have_no_room_side_by_side_cells_stand_below_each_other() {
        let text = lines(&mut calls(), Some(60));
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "key        k17 ci deploy");
        assert_eq!(rows[2], "operation  DELETE /users/{name}");
        assert_eq!(rows[6..8], ["", "key        k18"], "{text}");
        assert!(!text.contains("holder     \n"), "what is empty is left out: {text}");
    }
}
