//! What a column says, by its name.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

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
    OwnerSecondFactor,
    AsksSecondFactor,
    CanMint,
    Born,
    End,
    LastUse,
    Standing,
    Stopped,
    Scopes,
    Reach,
    Without,
    LogKey,
    Same,
    Email,
}

/// Each column, the word that `--map` knows it by, and the names that exports give it (letters
/// and digits only). None of them is a name under which secrets are kept.
const COLUMNS: [(Column, &str, &[&str]); 24] = [
    (Column::System, "system", &["service", "provider", "realm", "tenant", "platform", "api"]),
    (
        Column::Key,
        "key",
        &[
            "keyid",
            "id",
            "tokenid",
            "accesskeyid",
            "credentialid",
            "clientid",
            "apikeyid",
            "credential",
            "uid",
            "keyidentifier",
            "tokenidentifier",
            "credentialname",
            "serialnumber",
            "keynumber",
            "accesskey",
            "apikeyname",
            "tokenprefix",
        ],
    ),
    (
        Column::Name,
        "name",
        &[
            "keyname",
            "tokenname",
            "label",
            "description",
            "displayname",
            "title",
            "keylabel",
            "tokenlabel",
            "note",
            "notes",
            "comment",
            "purpose",
            "keydescription",
            "tokendescription",
            "friendlyname",
        ],
    ),
    (
        Column::Form,
        "form",
        &["keytype", "tokentype", "credentialtype", "type", "kindofkey", "keyform", "credentialform", "authtype"],
    ),
    (
        Column::Holder,
        "holder",
        &[
            "user",
            "username",
            "account",
            "login",
            "holdername",
            "serviceaccount",
            "principal",
            "userlogin",
            "useremail",
            "assignedto",
            "usernames",
            "heldby",
            "issuedto",
            "subject",
            "member",
            "person",
            "accountname",
            "identity",
            "serviceaccountname",
            "usedby",
            "holders",
            "users",
            "principalname",
            "loginname",
            "userid",
        ],
    ),
    (Column::Kind, "kind", &["holderkind", "accounttype", "usertype", "holdertype", "principaltype", "identitytype"]),
    (
        Column::Owner,
        "owner",
        &[
            "ownername",
            "owneremail",
            "responsible",
            "contact",
            "team",
            "answersfor",
            "contactperson",
            "responsibleperson",
            "manager",
            "owners",
            "accountable",
            "steward",
            "businessowner",
            "technicalowner",
            "keyowner",
        ],
    ),
    (Column::OwnerLeft, "owner_left", &["ownergone", "ownerdeactivated", "owneroffboarded", "ownerterminated"]),
    (
        Column::Left,
        "left",
        &[
            "holderleft",
            "gone",
            "offboarded",
            "deactivated",
            "terminated",
            "suspended",
            "userleft",
            "leaver",
            "hasleft",
            "userdeactivated",
            "isleaver",
            "formeremployee",
            "departed",
        ],
    ),
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
            "mfastatus",
            "2fastatus",
            "holdertwofactor",
            "usermfa",
            "user2fa",
            "secondfactorenabled",
            "mfaenrolled",
            "2faenrolled",
            "twostep",
            "twostepverification",
            "2sv",
            "2svenrolled",
            "isenrolledin2sv",
            "multifactor",
            "multifactorauthentication",
            "2famethod",
            "mfamethod",
            "mfatype",
            "holdermfa",
            "holder2fa",
            "twofactorauth",
            "factor",
        ],
    ),
    (Column::OwnerSecondFactor, "owner_second_factor", &["ownertwofactor", "ownermfa", "owner2fa"]),
    (
        Column::AsksSecondFactor,
        "asks_second_factor",
        &[
            "mfarequired",
            "2farequired",
            "requiresmfa",
            "requires2fa",
            "keyneedsmfa",
            "mfaenforced",
            "2faenforced",
            "stepup",
        ],
    ),
    (
        Column::CanMint,
        "can_mint",
        &["cancreatekeys", "maycreatetokens", "cancreatetokens", "cancreatekey", "maymint", "canissue", "selfservice"],
    ),
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
            "createdtime",
            "creationtime",
            "datecreated",
            "issuedate",
            "issueddate",
            "dateissued",
            "createdutc",
            "createddatetime",
            "insertedat",
            "generated",
            "generatedat",
            "lastrotated",
            "rotated",
            "rotatedat",
            "lastrotatedat",
            "rotationdate",
            "activationdate",
            "validfrom",
            "notbefore",
            "startdate",
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
            "expirationtime",
            "expiretime",
            "expirestime",
            "expirydatetime",
            "enddate",
            "endson",
            "validto",
            "validtill",
            "expiresdate",
            "tokenexpiresat",
            "dateexpires",
            "expirationdatetime",
            "expirationat",
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
            "lastuseat",
            "lastusedon",
            "lastusedtime",
            "lastusetime",
            "lastusedate",
            "lastusedatetime",
            "lastaccess",
            "lastaccesstime",
            "lastaccessedat",
            "lastactivityat",
            "dateoflastuse",
            "lastauthenticated",
            "lastseenat",
            "lastlogintime",
        ],
    ),
    (
        Column::Standing,
        "standing",
        &["status", "state", "active", "enabled", "isactive", "isenabled", "valid", "keystatus", "tokenstatus"],
    ),
    (Column::Stopped, "stopped", &["revoked", "disabled", "isrevoked", "isdisabled", "parentstopped", "expired"]),
    (
        Column::Scopes,
        "scopes",
        &[
            "scope",
            "permissions",
            "permission",
            "powers",
            "role",
            "roles",
            "access",
            "rights",
            "operations",
            "privileges",
            "grants",
            "entitlements",
            "policy",
            "policies",
            "scopelist",
            "tokenscopes",
            "apiscopes",
            "capabilities",
            "oauthscopes",
        ],
    ),
    // Of an access log, and of no table.
    (Column::LogKey, "log_key", &[]),
    // What Greave itself exports: powers, and those of them for which the key alone is enough.
    (Column::Reach, "reach", &["allpowers"]),
    (Column::Without, "without_second_factor", &["without2fa", "withoutmfa", "powerswithoutsecondfactor"]),
    (Column::Same, "same", &["sameas", "sameperson", "alsoknownas", "otheraccounts"]),
    (Column::Email, "email", &["mail", "emailaddress", "holderemail", "personemail"]),
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

/// What standard input is called in a report.
pub const STANDARD_INPUT: &str = "standard input";

/// Which column says what, as the one who asks tells it: of every input, and of single ones.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    all: Map,
    of: Vec<(PathBuf, Map)>,
}

impl Maps {
    /// Reads `word=column name` pairs; one for a single input begins with its name, as in
    /// `staff.csv:holder=Login`.
    ///
    /// # Errors
    /// Where a pair has no `=`, or its word is unknown.
    pub fn of<'p>(pairs: impl IntoIterator<Item = &'p str>) -> Result<Self, UnknownColumn> {
        let mut maps = Self::default();
        for pair in pairs {
            let (left, name) = pair.split_once('=').ok_or_else(|| UnknownColumn::NoPair(pair.to_owned()))?;
            let (input, word) = left.rsplit_once(':').map_or((None, left), |(input, word)| (Some(input), word));
            let column = COLUMNS.iter().find(|(_, known, _)| bare(known) == bare(word)).ok_or_else(|| {
                let known: Vec<&str> = COLUMNS.iter().map(|(_, word, _)| *word).collect();
                UnknownColumn::Unknown(word.to_owned(), known.join(", "))
            })?;
            maps.map(input.map(Path::new)).say(column.0, name);
        }
        Ok(maps)
    }

    fn map(&mut self, input: Option<&Path>) -> &mut Map {
        let Some(input) = input else { return &mut self.all };
        let known = self.of.iter().position(|(known, _)| known == input);
        let place = known.unwrap_or_else(|| {
            self.of.push((input.to_owned(), Map::default()));
            self.of.len() - 1
        });
        self.of.get_mut(place).map_or(&mut self.all, |(_, map)| map)
    }

    /// What holds for an input: what was said of it takes the place of what was said of all.
    pub(crate) fn of_input(&self, file: &str) -> Map {
        let mut map = self.all.clone();
        for (_, own) in self.of.iter().filter(|(input, _)| names(input, file)) {
            map.columns.retain(|_, column| !own.columns.values().any(|own| own == column));
            map.columns.extend(own.columns.iter().map(|(name, column)| (name.clone(), *column)));
            map.log_key = own.log_key.clone().or(map.log_key);
        }
        map
    }

    /// The first input of which something is said, and which is none of these.
    pub fn strange(&self, files: &[impl AsRef<str>]) -> Option<&Path> {
        let strange = |input: &&PathBuf| !files.iter().any(|file| names(input, file.as_ref()));
        self.of.iter().map(|(input, _)| input).find(strange).map(PathBuf::as_path)
    }
}

/// Whether an input is meant: by its path, the end of that, the folder that it lies in, or `-`.
fn names(input: &Path, file: &str) -> bool {
    if input == Path::new("-") {
        return file == STANDARD_INPUT;
    }
    let file = Path::new(file);
    file.ends_with(input) || file.starts_with(input)
}

/// Which column of one input says what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    columns: HashMap<String, Column>,
    log_key: Option<String>,
}

impl Map {
    fn say(&mut self, column: Column, name: &str) {
        if column == Column::LogKey {
            self.log_key = Some(name.to_owned());
        } else {
            self.columns.insert(bare(name), column);
        }
    }

    /// What of an access log's line names the key.
    pub(crate) fn log_key(&self) -> Option<String> {
        self.log_key.clone()
    }

    /// Whether any column is mapped by hand.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// What a field within fields says, by its whole path, such as `metadata.name`. Only what was
    /// mapped is looked for there.
    pub(crate) fn within(&self, path: &str) -> Option<Column> {
        self.columns.get(&bare(path)).copied()
    }

    /// What a head says, and how sure that is: the smaller the surer. A column that was mapped
    /// takes the place of those that usually say it.
    pub(crate) fn ranked(&self, head: &str) -> Option<(usize, Column)> {
        let head = bare(head);
        if let Some(column) = self.columns.get(&head) {
            return Some((0, *column));
        }
        let usual =
            COLUMNS.iter().filter(|(column, ..)| *column != Column::LogKey).find_map(|(column, word, names)| {
                let rank = if bare(word) == head { 1 } else { 2 + names.iter().position(|name| *name == head)? };
                Some((rank, *column))
            });
        usual.filter(|(_, column)| !self.columns.values().any(|taken| taken == column))
    }

    pub(crate) fn column(&self, head: &str) -> Option<Column> {
        self.ranked(head).map(|(_, column)| column)
    }
}

/// Words that heads of tables are made of.
const HEADS: [(Column, &[&str]); 3] = [
    (Column::Key, &["key", "keys", "token", "tokens", "credential", "id", "identifier", "secret"]),
    (Column::Holder, &["user", "account", "holder", "person", "who", "login", "email", "service", "member", "name"]),
    (Column::Born, &["created", "issued", "date", "since", "made", "born"]),
];

/// The `--map` that would make a table readable, with its own heads where they are surely heads:
/// a table without a first line of heads begins with what may be secrets.
pub(crate) fn hint<'h>(heads: impl IntoIterator<Item = &'h str>) -> String {
    let heads: Vec<&str> = heads.into_iter().collect();
    let words = |head: &str| -> Vec<String> {
        head.split(|letter: char| !letter.is_alphanumeric())
            .map(str::to_lowercase)
            .filter(|word| !word.is_empty())
            .collect()
    };
    let is_head =
        |head: &&&str| head.len() <= 40 && head.chars().all(|letter| letter.is_alphabetic() || " _-.".contains(letter));
    let mut taken: Vec<&str> = Vec::new();
    let maps = HEADS.map(|(column, known)| {
        let fits =
            |head: &&&str| !taken.contains(*head) && words(head).iter().any(|word| known.contains(&word.as_str()));
        let found = heads.iter().filter(is_head).find(fits).copied();
        taken.extend(found);
        (column, found)
    });
    let of = |(column, found): &(Column, Option<&str>)| match (found, column) {
        (Some(head), _) => Some(format!("--map '{}={head}'", column.word())),
        (None, Column::Key) => Some("--map 'key=COLUMN OF THE IDS'".to_owned()),
        (None, Column::Holder) => Some("--map 'holder=COLUMN OF THE ACCOUNTS'".to_owned()),
        (None, _) => None,
    };
    maps.iter().filter_map(of).collect::<Vec<_>>().join(" ")
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
        let map = Maps::of(["owner=Contact person", "born=Angelegt"]).unwrap().of_input("keys.csv");
        assert_eq!(map.column("contact PERSON"), Some(Column::Owner));
        assert_eq!(map.column("owner"), None);
        assert_eq!(map.column("Angelegt"), Some(Column::Born));
        let several = ["holder=user", "staff.csv:holder=Login", "logs/:log_key=$10", "-:holder=a:b"];
        let maps = Maps::of(several).unwrap();
        let of = |file: &str, head: &str| maps.of_input(file).column(head);
        assert_eq!((of("keys.csv", "user"), of("keys.csv", "Login")), (Some(Column::Holder), None));
        assert_eq!((of("in/staff.csv", "Login"), of("in/staff.csv", "user")), (Some(Column::Holder), None));
        assert_eq!(of(STANDARD_INPUT, "a:b"), Some(Column::Holder));
        assert_eq!(maps.of_input("logs/a.log").log_key().as_deref(), Some("$10"));
        assert_eq!(maps.of_input("in/staff.csv").log_key(), None);
        let known = ["in/staff.csv", "logs/a.log", STANDARD_INPUT];
        assert_eq!(maps.strange(&known), None);
        assert_eq!(maps.strange(&known[..2]), Some(Path::new("-")), "a slip of the pen maps nothing");
        assert!(matches!(Maps::of(["x=y"]), Err(UnknownColumn::Unknown(..))));
        assert!(matches!(Maps::of(["xy"]), Err(UnknownColumn::NoPair(_))));
    }

    #[test]
    fn the_hint_names_the_tables_own_heads_and_never_what_may_be_a_secret() {
        assert_eq!(
            hint(["Token label", "Contact person", "Opened", "Date of issue"]),
            "--map 'key=Token label' --map 'holder=Contact person' --map 'born=Date of issue'"
        );
        let bare =
            hint(["hunter2", "monkey", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "correct horse battery staple"]);
        assert_eq!(bare, "--map 'key=COLUMN OF THE IDS' --map 'holder=COLUMN OF THE ACCOUNTS'");
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
