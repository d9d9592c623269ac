//! The four answers in numbers.

use law::Power;
use serde::Serialize;

use super::{
    cadence::Cadence,
    words::{grouped, of},
};
use crate::{
    Settings,
    estate::{Estate, Key, Kind, Known, Moment, Standing},
    moment,
};

/// The answers in numbers. Only living keys are counted, but for `keys_off`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Keys that work, as far as anybody can tell.
    pub keys: usize,
    /// Keys that are switched off or have ended.
    pub keys_off: usize,
    /// Keys whose account signs in with a second factor and which do what is sensitive without.
    pub bypass: usize,
    /// Keys that can do what is sensitive with the key alone.
    pub sensitive: usize,
    /// For each power, how many keys surely have it without a second factor.
    pub by_power: Vec<(Power, usize)>,
    /// Keys that surely switch protection off or make credentials without a second factor.
    pub disarm_or_mint: usize,
    /// Keys that do everything, or reach it by one step, without a second factor.
    pub everything: usize,
    /// Keys of which no input says what they may do, or not all of it.
    pub undescribed: usize,
    /// Accounts.
    pub accounts: usize,
    /// Accounts that sign in with a second factor.
    pub with_second_factor: usize,
    /// Accounts that sign in without.
    pub without_second_factor: usize,
    /// Accounts of which no input says.
    pub second_factor_unknown: usize,
    /// Accounts that can make a new credential today.
    pub can_mint: usize,
    /// Accounts of which no input says whether they can.
    pub can_mint_unknown: usize,
    /// Accounts that can make a new credential today and have no second factor.
    pub can_mint_without_second_factor: usize,
    /// Accounts that can make a new credential today, and of which no input says whether they
    /// have a second factor.
    pub can_mint_second_factor_unknown: usize,
    /// Keys that surely make or reveal further credentials without a second factor.
    pub keys_that_mint: usize,
    /// Keys for which nobody is known who answers.
    pub nobody_answers: usize,
    /// Keys whose holder or owner has left.
    pub left: usize,
    /// Keys that several accounts have.
    pub shared: usize,
    /// Keys that never end.
    pub never_ends: usize,
    /// Keys of which no input says when they end.
    pub end_unknown: usize,
    /// Keys older than the limit.
    pub too_old: usize,
    /// The median age of living keys in days.
    pub median_age: Option<u32>,
    /// The greatest age in days.
    pub greatest_age: Option<u32>,
    /// How long keys live.
    pub cadence: Cadence,
    /// Keys unused for longer than the limit, or never used.
    pub unused: usize,
    /// Keys of which no input says when they were last used.
    pub use_unknown: usize,
}

impl Figures {
    pub(super) fn of(estate: &Estate, settings: &Settings) -> Self {
        let now = settings.as_of;
        let keys: Vec<&Key> = estate.keys.iter().filter(|key| key.lives(now)).collect();
        let number = |so: &dyn Fn(&Key) -> bool| keys.iter().filter(|key| so(key)).count();
        let holder = |key: &Key, so: Known| estate.holders(key).any(|holder| holder.second_factor == so);
        let cadence = Cadence::of(estate, settings);
        let older = |at: Option<jiff::Timestamp>, limit| {
            at.and_then(|at| moment::days(at, now)).is_some_and(|days| days > limit)
        };
        let left = |key: &Key| {
            let owner = key.owner.as_deref().and_then(|owner| estate.named(&key.realm, owner));
            estate.holders(key).chain(owner).any(|account| account.left == Known::Yes)
        };
        let accounts: Vec<_> = estate
            .accounts
            .iter()
            .filter(|account| {
                account.left != Known::Yes && account.kind != Kind::Workload && account.signs_in != Known::No
            })
            .collect();
        let who = |so: &dyn Fn(&crate::estate::Account) -> bool| accounts.iter().filter(|account| so(account)).count();
        let minters = |factor: Known| {
            estate.accounts.iter().filter(|account| account.mints_today() && account.second_factor == factor).count()
        };
        Self {
            keys: keys.len(),
            keys_off: estate.keys.len() - keys.len(),
            bypass: number(&|key| key.surely().is_sensitive() && holder(key, Known::Yes)),
            sensitive: number(&|key| key.surely().is_sensitive()),
            by_power: Power::ALL
                .into_iter()
                .map(|power| (power, number(&|key| key.surely().contains(power))))
                .collect(),
            disarm_or_mint: number(&|key| key.surely().contains(Power::Disarm) || key.surely().contains(Power::Mint)),
            everything: number(&|key| key.reaches_everything()),
            undescribed: number(&|key| key.without.perhaps.is_sensitive()),
            accounts: accounts.len(),
            with_second_factor: who(&|account| account.second_factor == Known::Yes),
            without_second_factor: who(&|account| account.second_factor == Known::No),
            second_factor_unknown: who(&|account| account.second_factor == Known::Unknown),
            can_mint: estate.accounts.iter().filter(|account| account.mints_today()).count(),
            can_mint_unknown: who(&|account| account.can_mint == Known::Unknown),
            can_mint_without_second_factor: minters(Known::No),
            can_mint_second_factor_unknown: minters(Known::Unknown),
            keys_that_mint: number(&|key| key.surely().contains(Power::Mint)),
            nobody_answers: number(&|key| estate.answers(key).is_none()),
            left: number(&left),
            shared: number(&|key| key.holders.len() > 1),
            never_ends: number(&|key| key.end == Moment::Never),
            end_unknown: number(&|key| key.end == Moment::Unknown),
            too_old: number(&|key| older(key.born.at(), settings.longest)),
            median_age: cadence.ages.median,
            greatest_age: cadence.ages.longest,
            cadence,
            unused: number(&|key| {
                older(key.last_use.at(), settings.idle)
                    || key.last_use == Moment::Never && (key.born.at().is_none() || older(key.born.at(), settings.idle))
            }),
            use_unknown: number(&|key| key.last_use == Moment::Unknown),
        }
    }

    /// The whole of it in one breath.
    pub fn sentence(&self, idle: u32) -> String {
        if self.keys + self.keys_off == 0 {
            return "No input lists keys: nothing is known of them.".to_owned();
        }
        let mut said = vec![of(self.keys, "key works.", "keys work.")];
        // Where nothing is known of any, a nought would read as good news.
        if self.disarm_or_mint > 0 || self.undescribed < self.keys {
            said.push(format!(
                "{} can switch off protection or mint keys without a second factor.",
                grouped(self.disarm_or_mint)
            ));
        }
        said.push(format!("{} unused for {idle} days.", grouped(self.unused)));
        said.push(of(self.left, "belongs to somebody who left.", "belong to people who left."));
        if self.undescribed > 0 {
            said.push(format!("Of {} nobody can say what they may do.", grouped(self.undescribed)));
        }
        said.join(" ")
    }
}

/// How a key stands, in a word.
pub(super) fn standing(key: &Key) -> &'static str {
    match key.standing {
        Standing::Active => "active",
        Standing::Disabled => "disabled",
        Standing::Unknown => "unknown",
    }
}
