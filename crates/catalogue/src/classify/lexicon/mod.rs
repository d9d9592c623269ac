//! The words that the rules know, by power. Each is written as [`words`](super::words::words) gives it: lower case,
//! singular, parted by one space.

pub(super) mod destroy;
pub(super) mod disarm;
pub(super) mod export;
pub(super) mod grammar;
pub(super) mod grant;
pub(super) mod mint;
pub(super) mod run;
pub(super) mod spend;

#[cfg(test)]
mod tests {
    use super::{destroy, disarm, export, grammar, grant, mint, run, spend};
    use crate::classify::words::words;

    /// A term in another form would never be found.
    #[test]
    fn every_term_is_written_as_words_gives_it() {
        let lists = [
            destroy::FOR_GOOD,
            destroy::UNTIES,
            destroy::LIGHT,
            destroy::DELETES,
            disarm::UNMISTAKABLE,
            disarm::WATCHES,
            disarm::PROTECTIONS,
            disarm::SIGN_IN_ADDRESSES,
            disarm::ADDRESSES,
            disarm::ADDRESS_FIELDS,
            disarm::FIELDS,
            disarm::SETTINGS,
            disarm::SETTINGS_FIELDS,
            disarm::POINTERS,
            disarm::TAKES_NOTE,
            disarm::ACCOUNTS,
            export::SETTINGS,
            export::LINKS,
            export::BULK,
            export::WATCHED,
            export::PRIVATE,
            export::CONTENT,
            export::MACHINES,
            grammar::PARTS,
            grammar::LEADS,
            grammar::CALLERS,
            grammar::PREPOSITIONS,
            grammar::FILLERS,
            grammar::HOLDERS,
            grammar::EMPTY_SEGMENTS,
            grammar::BEFORE_VERBS,
            grammar::GLUE,
            grant::TIES,
            grant::NETWORK,
            grant::OFFICES,
            grant::PEOPLE,
            grant::GROUPS,
            grant::SAID_OF_GROUPS,
            grant::TOGETHER,
            grant::STANDING,
            grant::VERBS,
            grant::INSIDE,
            grant::FIELDS,
            grant::ROLES,
            grant::SOMEBODY,
            grant::ACCOUNT_FIELDS,
            grant::PERSON_FIELDS,
            grant::NETWORK_TOO,
            grant::OTHER_PLACES,
            mint::CREDENTIALS,
            mint::ORDERS,
            mint::HOLDS_CREDENTIALS,
            mint::NO_CREDENTIALS,
            mint::OTHER_KEYS,
            mint::SIGN_INS,
            mint::SESSIONS,
            mint::PASSWORDS,
            mint::SECRETS,
            mint::TOKENS,
            mint::SHOWABLE,
            mint::WITH_CREDENTIAL,
            mint::PUBLIC,
            mint::VARIABLES,
            mint::SET,
            mint::AMBIGUOUS,
            mint::ROTATED_TOO,
            mint::SIGNS,
            mint::SOMEBODY,
            mint::HIDES,
            run::VERBS,
            run::SWITCHES,
            run::STARTS,
            run::NOT_RUN,
            run::RUNNABLE,
            run::RUNS_WHEN_MADE,
            run::RUNS_WITH_CODE,
            run::CODE,
            spend::VERBS,
            spend::SIZES,
            spend::MACHINES,
            spend::BUYS,
            spend::WITH_MONEY,
            spend::MONEY,
            spend::MOVES,
            spend::PAID,
            spend::CALLED,
            spend::SENT,
            spend::COMMITS,
            spend::PLACES,
            spend::PLAYS,
            spend::AMOUNTS,
            spend::PURSES,
        ];
        let wrong: Vec<&str> =
            lists.into_iter().flatten().copied().filter(|term| words(term).join(" ") != *term).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
