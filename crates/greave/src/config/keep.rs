//! How long calls are kept.

use std::{collections::BTreeMap, fmt};

use law::{ByPower, Power, Span};
use serde::Deserialize;

/// How long calls are kept, for each power. A call with several is kept as long as the longest
/// says; for ever where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Span>")]
pub(crate) struct Keep(pub(crate) ByPower<Option<Span>>);

/// A word that is no power.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no power; write a power such as `read`, or `sensitive` or `every` for those that are not named")]
pub(crate) struct NoPower(String);

impl TryFrom<BTreeMap<String, Span>> for Keep {
    type Error = NoPower;

    fn try_from(said: BTreeMap<String, Span>) -> Result<Self, NoPower> {
        let known = |word: &str| matches!(word, "sensitive" | "every") || word.parse::<Power>().is_ok();
        if let Some(word) = said.keys().find(|word| !known(word)) {
            return Err(NoPower(word.clone()));
        }
        let sensitive = |power: Power| said.get("sensitive").filter(|_| power.is_sensitive());
        Ok(Self(ByPower::from_fn(|power| {
            said.get(power.word()).or_else(|| sensitive(power)).or_else(|| said.get("every")).copied()
        })))
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |(power, span): (Power, &Option<Span>)| {
            format!("{power} {}", span.map_or_else(|| "for ever".to_owned(), |span| span.to_string()))
        };
        f.write_str(&self.0.iter().map(said).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_counts() {
        let said = |words: &[(&str, u32)]| {
            let said = words.iter().map(|(word, days)| ((*word).to_owned(), Span::days(*days)));
            Keep::try_from(said.collect::<BTreeMap<_, _>>())
        };
        let Keep(keep) = said(&[("every", 1), ("sensitive", 2), ("mint", 3)]).unwrap();
        let days = [Power::Read, Power::Write, Power::Export, Power::Mint].map(|power| keep[power]);
        assert_eq!(days, [1, 1, 2, 3].map(|days| Some(Span::days(days))));
        assert_eq!(said(&[]).unwrap(), Keep::default());
        assert_eq!(said(&[("reading", 1)]), Err(NoPower("reading".to_owned())));
    }
}
