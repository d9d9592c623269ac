//! Any table of keys, as CSV or JSON: columns by the names that they usually have, or by `--map`.

mod columns;

use std::{collections::HashMap, io::BufRead};

use catalogue::Catalogue;
use csv::{Reader, StringRecord};
use jiff::Timestamp;
use law::{Power, Powers};
use serde_json::Value;

use self::columns::Column;
use self::columns::Map;
pub(crate) use self::columns::hint;
pub use self::columns::{Maps, STANDARD_INPUT, UnknownColumn};
use super::{
    Head, Provider, count,
    masked::{is_secret_together, masked},
    scopes,
};
use crate::{
    estate::{Because, Estate, Kind, Known, Moment, Place, Reach, Standing},
    input::{Content, Trouble},
    moment,
};

const CSV: &str = "inventory (CSV)";
const JSON: &str = "inventory (JSON)";

pub(crate) struct Inventory {
    maps: Maps,
    /// What holds for the input that is read.
    map: Map,
    scopes: Vec<Scopes>,
}

/// What a key's scopes are: they are looked at when every document has been read.
struct Scopes {
    realm: String,
    key: String,
    /// None where no input says.
    scopes: Option<String>,
    /// The powers that the input names itself, and those of them that need no second factor.
    powers: Option<(Powers, Option<Powers>)>,
    place: Place,
}

/// One row, of the known columns only: a column that could hold a secret is never read.
type Row = HashMap<Column, String>;

impl Inventory {
    pub(crate) fn new(maps: Maps) -> Self {
        Self { maps, map: Map::default(), scopes: Vec::new() }
    }

    fn knows<'h>(&self, heads: impl IntoIterator<Item = &'h str>) -> bool {
        let columns: Vec<Column> = heads.into_iter().filter_map(|head| self.map.column(head)).collect();
        self.is_about_keys(&columns)
    }

    /// Whether columns name keys, or people together with what only a list of people says. Any
    /// business list has accounts and dates: invoices are no keys.
    fn is_about_keys(&self, columns: &[Column]) -> bool {
        let has = |wanted: &[Column]| columns.iter().any(|column| wanted.contains(column));
        let of_people = !self.map.is_empty()
            || has(&[
                Column::Kind,
                Column::Left,
                Column::SecondFactor,
                Column::AsksSecondFactor,
                Column::CanMint,
                Column::LastUse,
                Column::Scopes,
                Column::Reach,
                Column::Without,
                Column::Same,
            ]);
        columns.len() > 1 && (has(&[Column::Key, Column::Name]) || of_people && has(&[Column::Holder, Column::Email]))
    }

    fn row_of(&self, object: &Value) -> Row {
        let mut found: Vec<(usize, Column, String)> = Vec::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            if let (Some((rank, column)), Some(text)) = (self.map.ranked(name), plain(value)) {
                found.push((rank, column, text));
            }
        }
        if !self.map.is_empty() {
            self.within(object, "", &mut found);
        }
        found.sort_by_key(|(rank, ..)| *rank);
        let mut row = Row::new();
        for (_, column, text) in found.into_iter().filter(|(.., text)| !text.is_empty()) {
            row.entry(column).or_insert(text);
        }
        row
    }

    /// Fields within fields, which `--map` names by their whole path.
    fn within(&self, object: &Value, path: &str, found: &mut Vec<(usize, Column, String)>) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let path = format!("{path}{name}.");
            match (self.map.within(&path), plain(value)) {
                (Some(column), Some(text)) => found.push((0, column, text)),
                _ if path.matches('.').count() < 16 => self.within(value, &path, found),
                _ => {}
            }
        }
    }
}

/// The rows of a JSON inventory: a list, or the one list in an object.
fn rows(value: &Value) -> Option<&Vec<Value>> {
    let named = || {
        [
            "keys",
            "items",
            "data",
            "tokens",
            "results",
            "inventory",
            "accounts",
            "value",
            "credentials",
            "records",
            "rows",
        ]
        .iter()
        .find_map(|name| value.get(name)?.as_array())
    };
    value.as_array().or_else(named)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        Value::Object(object) => ["name", "login", "email", "at", "id"]
            .iter()
            .find_map(|name| object.get(*name)?.as_str().map(str::to_owned)),
        Value::Null => None,
    }
}

impl Provider for Inventory {
    fn begins(&mut self, file: &str) {
        self.map = self.maps.of_input(file);
    }

    fn recognise(&self, head: &Head<'_>) -> Option<&'static str> {
        let names = |value: &Value| {
            let row = self.row_of(value);
            value.as_object().is_some_and(|object| self.knows(object.keys().map(String::as_str)))
                || self.is_about_keys(&row.into_keys().collect::<Vec<_>>())
        };
        match head {
            Head::Csv(heads) => self.knows(heads.iter()).then_some(CSV),
            Head::Json(value) => match rows(value) {
                Some(rows) => rows.first().is_some_and(names).then_some(JSON),
                None => names(value).then_some(JSON),
            },
            Head::Line(value) => names(value).then_some(JSON),
            Head::Details | Head::Document => None,
        }
    }

    fn read(&mut self, _form: &'static str, file: &str, content: Content, estate: &mut Estate) -> String {
        let before = (estate.accounts.len(), estate.keys.len());
        match content {
            Content::Csv(heads, reader) => self.table(file, &heads, reader, estate),
            Content::Json(value) => {
                let one = std::slice::from_ref(&value);
                for (object, line) in rows(&value).map_or(one, Vec::as_slice).iter().zip(1..) {
                    let row = self.row_of(object);
                    self.scopes.extend(enter(&row, file, line, estate));
                }
            }
            Content::JsonLines(first, rest) => {
                let row = self.row_of(&first);
                self.scopes.extend(enter(&row, file, 1, estate));
                for (line, at) in rest.lines().zip(2..) {
                    match line.ok().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(&line)) {
                        Some(Ok(value)) => {
                            let row = self.row_of(&value);
                            self.scopes.extend(enter(&row, file, at, estate));
                        }
                        Some(Err(_)) => estate.troubles.push(Trouble::at(file, at, "is no JSON; mend the line")),
                        None => {}
                    }
                }
            }
            Content::List(..)
            | Content::Lines(..)
            | Content::Details(_)
            | Content::Several(_)
            | Content::Document(_) => {}
        }
        let (accounts, keys) = (estate.accounts.len() - before.0, estate.keys.len() - before.1);
        format!("{}, {}", count(keys, "key"), count(accounts, "account"))
    }

    fn finish(&mut self, estate: &mut Estate, _as_of: Timestamp) {
        for Scopes { realm, key, scopes, powers, place } in std::mem::take(&mut self.scopes) {
            let (reach, because) = match powers {
                Some((powers, without)) => named(powers, without, &place),
                None => scopes_of(scopes.as_deref(), &place, &estate.catalogues),
            };
            let key = estate.key("inventory", &realm, &key, &place);
            key.with = key.with.union(reach);
            if let Some((_, Some(without))) = powers {
                key.without = key.without.union(Reach::surely(without));
                key.because.extend(because);
            } else if key.asks_second_factor == Known::Yes {
                key.without = Reach::surely(key.with.surely.difference(Powers::SENSITIVE));
            } else {
                key.without = key.with;
                key.because.extend(because);
            }
        }
    }
}

/// What an input says in so many words: powers, and those of them for which the key is enough.
fn named(powers: Powers, without: Option<Powers>, place: &Place) -> (Reach, Vec<Because>) {
    let alone = without.unwrap_or(powers);
    let what = format!("the export says that it can {alone} with the key alone");
    let because = Because { powers: alone, what, sure: true, place: place.clone() };
    (Reach::surely(powers.union(alone)), if alone.is_empty() { Vec::new() } else { vec![because] })
}

impl Inventory {
    fn table(&mut self, file: &str, heads: &StringRecord, mut reader: Reader<Box<dyn BufRead>>, estate: &mut Estate) {
        let ranked = heads.iter().enumerate().filter_map(|(place, head)| Some((self.map.ranked(head)?, place)));
        let mut columns: Vec<((usize, Column), usize)> = ranked.collect();
        columns.sort_by_key(|((rank, _), place)| (*rank, *place));
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) => {}
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    estate.troubles.push(Trouble::at(
                        file,
                        line,
                        "is not UTF-8, or is cut off; export the table again",
                    ));
                    if error.is_io_error() {
                        return;
                    }
                    continue;
                }
            }
            let mut row = Row::new();
            for ((_, column), place) in &columns {
                if let Some(text) = record.get(*place).filter(|text| !text.is_empty()) {
                    row.entry(*column).or_insert_with(|| text.to_owned());
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            self.scopes.extend(enter(&row, file, line, estate));
        }
    }
}

/// One row into the estate: a key with its holder, or an account alone.
fn enter(row: &Row, file: &str, line: u64, estate: &mut Estate) -> Option<Scopes> {
    let place = Place { file: file.to_owned(), line: Some(line) };
    let text = |column| row.get(&column).map(|text| masked(text.trim(), line)).filter(|text| !text.is_empty());
    let mut trouble = |column: Column| {
        let why = format!("the column for `{}` cannot be read; it counts as unknown", column.word());
        estate.troubles.push(Trouble::at(file, line, why));
    };
    let known = |column, trouble: &mut dyn FnMut(Column)| match row.get(&column).map(|text| truth(text)) {
        Some(Some(known)) => known,
        Some(None) => {
            trouble(column);
            Known::Unknown
        }
        None => Known::Unknown,
    };
    let moment = |column, trouble: &mut dyn FnMut(Column)| match row.get(&column).map(|text| when(text)) {
        Some(Some(moment)) => moment,
        Some(None) => {
            trouble(column);
            Moment::Unknown
        }
        None => Moment::Unknown,
    };
    let second_factor = match row.get(&Column::SecondFactor) {
        Some(text) if is_method(text) => Known::Yes,
        _ => known(Column::SecondFactor, &mut trouble),
    };
    let owner_second_factor = known(Column::OwnerSecondFactor, &mut trouble);
    let left = known(Column::Left, &mut trouble);
    let owner_left = known(Column::OwnerLeft, &mut trouble);
    let asks = known(Column::AsksSecondFactor, &mut trouble);
    let can_mint = known(Column::CanMint, &mut trouble);
    let (born, end, last_use) =
        (moment(Column::Born, &mut trouble), moment(Column::End, &mut trouble), moment(Column::LastUse, &mut trouble));
    let realm = text(Column::System).unwrap_or_default();
    let stopped = known(Column::Stopped, &mut trouble);
    let standing = match (stopped, row.get(&Column::Standing)) {
        (Known::Yes, _) => Standing::Disabled,
        (_, Some(text)) => standing(text),
        (Known::No, None) => Standing::Active,
        (Known::Unknown, None) => Standing::Unknown,
    };

    let mut holders = Vec::new();
    // An address names its holder where nothing else does.
    let email = text(Column::Email).filter(|email| email.contains('@'));
    let same: Vec<String> =
        text(Column::Same).iter().flat_map(|same| same.split([',', ';'])).map(str::to_owned).collect();
    for name in text(Column::Holder)
        .or_else(|| text(Column::Email))
        .iter()
        .flat_map(|names| names.split([',', ';']))
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let (ix, account) = estate.account(&realm, name, &place);
        let kind = row.get(&Column::Kind).map_or(Kind::Unknown, |text| kind(text));
        account.kind = if account.kind == Kind::Unknown { kind } else { account.kind };
        account.second_factor = account.second_factor.or(second_factor);
        account.left = account.left.or(left);
        account.can_mint = account.can_mint.or(can_mint);
        account.email = account.email.take().or_else(|| email.clone());
        estate
            .same
            .extend(same.iter().map(|other| (ix, other.trim().to_owned())).filter(|(_, other)| !other.is_empty()));
        holders.push(ix);
    }
    let owner = text(Column::Owner);
    if let (Some(owner), true) = (&owner, (owner_left, owner_second_factor) != (Known::Unknown, Known::Unknown)) {
        let (_, account) = estate.account(&realm, owner, &place);
        account.left = account.left.or(owner_left);
        account.second_factor = account.second_factor.or(owner_second_factor);
    }
    let has_key = [Column::Key, Column::Name, Column::Born, Column::End, Column::Scopes, Column::Reach]
        .iter()
        .any(|column| row.contains_key(column));
    if !has_key {
        if let (Moment::At(_), Some(account)) = (last_use, holders.first().and_then(|ix| estate.accounts.get_mut(*ix)))
        {
            account.last_seen = last_use;
        }
        return None;
    }
    let id = text(Column::Key).or_else(|| text(Column::Name)).unwrap_or_else(|| format!("(unnamed, line {line})"));
    let key = estate.key("inventory", &realm, &id, &place);
    key.name = key.name.take().or_else(|| text(Column::Name)).filter(|name| *name != key.id);
    key.form = text(Column::Form).unwrap_or_else(|| "key".to_owned());
    for holder in holders {
        if !key.holders.contains(&holder) {
            key.holders.push(holder);
        }
    }
    key.owner = key.owner.take().or(owner);
    key.born = if key.born == Moment::Unknown { born } else { key.born };
    key.end = if key.end == Moment::Unknown { end } else { key.end };
    key.last_use = if key.last_use == Moment::Unknown { last_use } else { key.last_use };
    key.standing = if key.standing == Standing::Unknown { standing } else { key.standing };
    key.asks_second_factor = key.asks_second_factor.or(asks);
    let powers = |column| row.get(&column).and_then(|text| powers(text));
    let without = if row.contains_key(&Column::Without) { powers(Column::Without) } else { None };
    let reach = powers(Column::Reach).or(without).map(|reach| (reach, without));
    Some(Scopes {
        realm,
        key: id,
        scopes: row.get(&Column::Scopes).or(row.get(&Column::Reach)).cloned(),
        powers: reach,
        place,
    })
}

fn scopes_of(scopes: Option<&str>, place: &Place, catalogues: &[Catalogue]) -> (Reach, Vec<Because>) {
    let line = place.line.unwrap_or_default();
    let Some(scopes) = scopes.map(str::trim).filter(|scopes| !scopes.is_empty()) else {
        let what = "no input says what it may do".to_owned();
        return (Reach::UNDESCRIBED, vec![Because { powers: Powers::EVERY, what, sure: false, place: place.clone() }]);
    };
    // Names of operations have blanks in them.
    let apart: &[char] = if is_secret_together(scopes) {
        &[]
    } else if scopes.contains([',', ';', '|']) || scopes.contains('/') {
        &[',', ';', '|']
    } else {
        &[' ']
    };
    let mut reach = Reach::default();
    let mut because = Vec::new();
    for scope in scopes.split(apart).map(str::trim).filter(|scope| !scope.is_empty()) {
        let one = scopes::reach(scope, catalogues);
        reach = reach.union(one);
        for (powers, sure) in [(one.surely, true), (one.perhaps, false)] {
            if !powers.is_empty() {
                because.push(Because {
                    powers,
                    what: format!("scope `{}`", masked(scope, line)),
                    sure,
                    place: place.clone(),
                });
            }
        }
    }
    (reach, because)
}

/// Powers by their own names, parted by anything; none where a word is no power.
fn powers(text: &str) -> Option<Powers> {
    let words = text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
    let mut powers = Powers::NONE;
    for word in words.filter(|word| !word.eq_ignore_ascii_case("none")) {
        powers = powers.with(word.to_lowercase().parse::<Power>().ok()?);
    }
    Some(powers)
}

/// A second factor by what it is.
fn is_method(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    [
        "totp",
        "webauthn",
        "fido",
        "fido2",
        "u2f",
        "passkey",
        "sms",
        "push",
        "hardware key",
        "security key",
        "yubikey",
        "authenticator",
        "authenticator app",
        "app",
        "otp",
        "hotp",
    ]
    .contains(&text.as_str())
}

fn truth(text: &str) -> Option<Known> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "on" | "enabled" | "enforced" | "enrolled" | "active" | "left"
        | "required" | "active (enforced)" | "configured" | "set" | "registered" => Some(Known::Yes),
        "no" | "n" | "false" | "f" | "0" | "off" | "disabled" | "none" | "not enrolled" | "not enabled" | "not set"
        | "not configured" | "not registered" | "inactive" | "never" | "optional" | "not required" => Some(Known::No),
        "" | "unknown" | "n/a" | "na" | "-" | "?" | "null" | "<none>" | "(null)" | "nil" | "undefined" => {
            Some(Known::Unknown)
        }
        _ => None,
    }
}

fn when(text: &str) -> Option<Moment> {
    match text.trim().to_lowercase().as_str() {
        "never" | "none" | "no" | "no expiry" | "does not expire" | "no expiration" | "infinite" | "unlimited"
        | "never expires" | "never used" | "not used" | "no end" | "permanent" => Some(Moment::Never),
        "" | "unknown" | "n/a" | "na" | "-" | "?" | "null" | "<none>" | "(null)" | "nil" | "undefined" => {
            Some(Moment::Unknown)
        }
        // What some systems write for a key that has no end.
        other if other.starts_with("9999-") => Some(Moment::Never),
        other => moment::read(&other.to_uppercase()).map(Moment::At),
    }
}

fn standing(text: &str) -> Standing {
    match text.trim().to_lowercase().as_str() {
        "active" | "enabled" | "true" | "yes" | "valid" | "live" | "ok" | "1" | "t" | "y" | "retiring" | "in use" => {
            Standing::Active
        }
        "disabled" | "inactive" | "false" | "no" | "revoked" | "expired" | "suspended" | "deleted" | "retired"
        | "0" | "f" | "n" | "deactivated" | "blocked" | "off" | "stopped" => Standing::Disabled,
        _ => Standing::Unknown,
    }
}

fn kind(text: &str) -> Kind {
    match text.trim().to_lowercase().as_str() {
        "person" | "user" | "human" | "employee" | "people" | "member" => Kind::Person,
        "workload" | "service" | "service account" | "service_account" | "machine" | "bot" | "robot"
        | "application" | "app" | "system" => Kind::Workload,
        "vendor" | "partner" | "third party" | "external" | "supplier" => Kind::Vendor,
        _ => Kind::Unknown,
    }
}
