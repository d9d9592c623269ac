//! The people and keys that a scene can play with.

use factor::totp::Seed;

use super::dice::Dice;

/// Who plays, with their secrets. Made-up ones, yet it has no `Debug`.
pub(crate) struct Cast {
    /// Odile Wickersby, admin, with 2FA.
    pub(crate) odile: Login,
    /// Bram Aldous, accountant, with 2FA.
    pub(crate) bram: Login,
    /// Tilly Marsh, viewer, without 2FA.
    pub(crate) tilly: Login,
    /// Odile's key `month-end`, with every scope of an admin: the one that leaks.
    pub(crate) month_end: String,
    /// Bram's key `pay-run`: reads, pays and exports invoices.
    pub(crate) pay_run: String,
    /// Bram's key `shop-window`: production, reads invoices all day.
    pub(crate) shop_window: String,
    /// The dice after these throws: what nobody is told comes from here.
    pub(super) rest: Dice,
}

/// What one person needs to log in.
pub(crate) struct Login {
    /// The address to log in with.
    pub(crate) email: String,
    /// The password.
    pub(crate) password: String,
    /// What their authenticator holds, for those who have one.
    pub(crate) seed: Option<Seed>,
}

impl Cast {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        Self {
            odile: Login::new("odile", true, &mut dice),
            bram: Login::new("bram", true, &mut dice),
            tilly: Login::new("tilly", false, &mut dice),
            month_end: key(&mut dice),
            pay_run: key(&mut dice),
            shop_window: key(&mut dice),
            rest: dice,
        }
    }
}

impl Login {
    pub(super) fn new(id: &str, two_factor: bool, dice: &mut Dice) -> Self {
        Self {
            email: format!("{id}@wickersby.example"),
            password: format!("{}-{}", dice.word(6), dice.word(6)),
            seed: two_factor.then(|| Seed::new(dice.bytes())),
        }
    }
}

/// A key's secret as it is drawn for the books' beginning.
pub(super) fn key(dice: &mut Dice) -> String {
    format!("{}{}", super::keys::PREFIX, dice.word(32))
}
