//! What a column says, by its name.

use std::collections::HashMap;

/// What a column can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    System,
    Key,
    Name,
    Form,
    Holder,
    Kind,
    Owner,
    OwnerLeft,
    Left,
    SecondFactor,
    AsksSecondFactor,
    CanMint,
    Born,
    End,
    LastUse,
    Standing,
    Scopes,
    LogKey,
}

/// Each column, the word that `--map` knows it by, and the names that exports give it (letters
/// and digits only). None of them is a name under which secrets are kept.
const COLUMNS: [(Column, &str, &[&str]); 18] = [
    (Column::System, "system", &["service", "provider", "realm", "tenant", "platform", "api"]),
    (
        Column::Key,
        "key",
        &["keyid", "id", "tokenid", "accesskeyid", "credentialid", "clientid", "apikeyid", "credential", "uid"],
    ),
    (Column::Name, "name", &["keyname", "tokenname", "label", "description", "displayname", "title"]),
    (Column::Form, "form", &["keytype", "tokentype", "credentialtype", "type"]),
    (
        Column::Holder,
        "holder",
        &[
            "user",
            "username",
            "account",
            "login",
            "holdername",
            "email",
            "serviceaccount",
            "principal",
            "userlogin",
            "useremail",
        ],
    ),
    (Column::Kind, "kind", &["holderkind", "accounttype", "usertype", "holdertype"]),
    (Column::Owner, "owner", &["ownername", "owneremail", "responsible", "contact", "team", "answersfor"]),
    (Column::OwnerLeft, "owner_left", &["ownergone"]),
    (Column::Left, "left", &["holderleft", "gone", "offboarded", "deactivated", "terminated", "suspended"]),
    (
        Column::SecondFactor,
        "second_factor",
        &[
            "2fa",
            "mfa",
            "twofactor",
            "mfaenabled",
            "2faenabled",
            "twofactorenabled",
            "twofactorauthentication",
            "mfaactive",
            "hasmfa",
            "has2fa",
            "ownertwofactor",
            "mfastatus",
            "2fastatus",
        ],
    ),
    (
        Column::AsksSecondFactor,
        "asks_second_factor",
        &["mfarequired", "2farequired", "requiresmfa", "requires2fa", "keyneedsmfa"],
    ),
    (Column::CanMint, "can_mint", &["cancreatekeys", "maycreatetokens", "cancreatetokens"]),
    (
        Column::Born,
        "born",
        &[
            "created",
            "createdat",
            "creationdate",
            "createddate",
            "issued",
            "issuedat",
            "createtime",
            "createdon",
            "creationtimestamp",
            "validaftertime",
        ],
    ),
    (
        Column::End,
        "end",
        &[
            "expires",
            "expiresat",
            "expiry",
            "expirydate",
            "expiration",
            "expirationdate",
            "expiresin",
            "expireson",
            "validuntil",
            "notafter",
            "validbeforetime",
        ],
    ),
    (
        Column::LastUse,
        "last_use",
        &[
            "lastused",
            "lastusedat",
            "lastuseddate",
            "lastseen",
            "lastactive",
            "lastactivity",
            "lastaccessed",
            "lastauthenticatedtime",
            "lastlogin",
        ],
    ),
    (Column::Standing, "standing", &["status", "state", "active", "enabled"]),
    (
        Column::Scopes,
        "scopes",
        &["scope", "permissions", "permission", "powers", "role", "roles", "access", "rights", "reach", "operations"],
    ),
    // Of an access log, and of no table.
    (Column::LogKey, "log_key", &[]),
];

impl Column {
    pub(crate) fn word(self) -> &'static str {
        COLUMNS.iter().find(|(column, ..)| *column == self).map_or("", |(_, word, _)| word)
    }
}

/// A `--map` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownColumn {
    /// It has no `=`.
    #[error("`{0}` maps nothing; write `owner=Contact person`: what it says, then the column's name")]
    NoPair(String),
    /// It maps to something that no column can say.
    #[error("`{0}` is nothing that a column can say; it can say {1}")]
    Unknown(String, String),
}

/// Which column says what, as the one who asks tells it.
#[derive(Clone, Debug, Default)]
pub struct Map {
    columns: HashMap<String, Column>,
    log_key: Option<String>,
}

impl Map {
    /// Reads `word=column name` pairs.
    ///
    /// # Errors
    /// Where a pair has no `=`, or its word is unknown.
    pub fn of<'p>(pairs: impl IntoIterator<Item = &'p str>) -> Result<Self, UnknownColumn> {
        let mut map = Self::default();
        for pair in pairs {
            let (word, name) = pair.split_once('=').ok_or_else(|| UnknownColumn::NoPair(pair.to_owned()))?;
            let column = COLUMNS.iter().find(|(_, known, _)| bare(known) == bare(word)).ok_or_else(|| {
                let known: Vec<&str> = COLUMNS.iter().map(|(_, word, _)| *word).collect();
                UnknownColumn::Unknown(word.to_owned(), known.join(", "))
            })?;
            if column.0 == Column::LogKey {
                map.log_key = Some(name.to_owned());
            } else {
                map.columns.insert(bare(name), column.0);
            }
        }
        Ok(map)
    }

    /// What of an access log's line names the key.
    pub(crate) fn log_key(&self) -> Option<String> {
        self.log_key.clone()
    }

    pub(crate) fn column(&self, head: &str) -> Option<Column> {
        let head = bare(head);
        let usual = || {
            COLUMNS
                .iter()
                .filter(|(column, ..)| *column != Column::LogKey)
                .find(|(_, word, names)| bare(word) == head || names.contains(&head.as_str()))
                .map(|(column, ..)| *column)
        };
        let mapped = self.columns.get(&head).copied();
        // A column that was mapped takes the place of the one that usually says it.
        mapped.or_else(|| usual().filter(|column| !self.columns.values().any(|taken| taken == column)))
    }
}

fn bare(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_usual_names_or_as_mapped() {
        let map = Map::default();
        assert_eq!(map.column("Created At"), Some(Column::Born));
        assert_eq!(map.column("2FA enabled"), Some(Column::SecondFactor));
        for secret in ["secret", "token", "password", "api_key", "value", "private_key", "Secret Access Key"] {
            assert_eq!(map.column(secret), None, "{secret}");
        }
        let map = Map::of(["owner=Contact person", "born=Angelegt"]).unwrap();
        assert_eq!(map.column("contact PERSON"), Some(Column::Owner));
        assert_eq!(map.column("owner"), None);
        assert_eq!(map.column("Angelegt"), Some(Column::Born));
        assert!(matches!(Map::of(["x=y"]), Err(UnknownColumn::Unknown(..))));
        assert!(matches!(Map::of(["xy"]), Err(UnknownColumn::NoPair(_))));
    }

    #[test]
    fn no_name_says_two_things() {
        let mut seen = std::collections::HashSet::new();
        for (_, word, names) in COLUMNS {
            assert!(seen.insert(bare(word)), "{word}");
            for name in names {
                assert!(seen.insert(bare(name)), "{name}");
            }
        }
    }
}
