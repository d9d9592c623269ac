//! How long keys live, as bars.

use std::fmt::{self, Write as _};

use super::{Lengths, words::grouped};

/// One bar's height, its room to the left for the words, and the greatest length.
const ROW: usize = 24;
const LEFT: usize = 180;
const LONGEST: usize = 390;

/// Bars with their numbers as an SVG, or nothing where there is nothing to show.
pub(super) fn bars(id: &str, title: &str, lengths: &Lengths, page: &mut String) -> fmt::Result {
    let Some(most) = lengths.parts.iter().map(|part| part.keys).max().filter(|most| *most > 0) else {
        return Ok(());
    };
    let height = lengths.parts.len() * ROW + 4;
    let told: Vec<String> =
        lengths.parts.iter().map(|part| format!("{}: {}", part.days(), grouped(part.keys))).collect();
    write!(
        page,
        "<svg class=\"bars\" viewBox=\"0 0 640 {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{}.</desc>",
        told.join("; ")
    )?;
    for (part, row) in lengths.parts.iter().zip(0..) {
        let (top, width) = (row * ROW + 4, (part.keys * LONGEST).div_ceil(most));
        let old = if part.above.is_some_and(|above| above >= 365) { " class=\"old\"" } else { "" };
        write!(
            page,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect{old} x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"16\" rx=\"2\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            LEFT - 10,
            top + 13,
            part.days(),
            LEFT + width + 8,
            top + 13,
            grouped(part.keys)
        )?;
    }
    writeln!(page, "</svg>")
}
