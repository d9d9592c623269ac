//! Second factors as pure arithmetic: time-based codes and recovery codes.
//!
//! Nothing here knows who is asked, where seeds are kept or how often somebody may guess;
//! time and chance are arguments. Seeds and codes have no `Debug`, `Display` or `Serialize`.

mod base32;
pub mod recovery;
pub mod totp;
