//! What callers show, as pure arithmetic: time-based codes, recovery codes, signed tokens and reports.
//!
//! Nothing here knows who is asked, where seeds are kept or how often somebody may guess;
//! time and chance are arguments. Seeds and codes have no `Debug`, `Display` or `Serialize`.

mod base32;
pub mod jwt;
pub mod recovery;
pub mod report;
pub mod totp;
