//! A QR code as an SVG path: it stands in the page itself, so that nothing has to be loaded.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// A QR code.
pub(super) struct Qr {
    /// Modules along each side, the quiet zone of four around it counted in.
    pub(super) side: usize,
    /// The dark modules, as the path of an SVG.
    pub(super) path: String,
}

const QUIET: usize = 4;

/// The text as a QR code; `None` where it is too long for one.
pub(super) fn qr(text: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET);
        }
    }
    Some(Qr { side: width + 2 * QUIET, path })
}
