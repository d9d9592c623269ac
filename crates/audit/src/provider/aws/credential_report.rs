//! The IAM credential report, as `aws iam get-credential-report` decodes to.

use std::io::BufRead;

use csv::{Reader, StringRecord};
use jiff::Timestamp;
use law::Powers;

use super::{ROOT, details::account_of};
use crate::{
    estate::{Because, Blind, Estate, Ix, Key, Kind, Known, Moment, Place, Reach, Standing},
    input::Trouble,
    moment,
    provider::count,
};

/// Before that day the report knows of no use.
const TRACKED_SINCE: &str = "2015-04-22T00:00:00Z";

pub(super) fn recognise(heads: &StringRecord) -> bool {
    ["user", "arn", "mfa_active", "access_key_1_active"].iter().all(|wanted| heads.iter().any(|head| head == *wanted))
}

pub(super) fn read(
    file: &str,
    heads: &StringRecord,
    mut reader: Reader<Box<dyn BufRead>>,
    estate: &mut Estate,
) -> String {
    let before = (estate.accounts.len(), estate.keys.len());
    let has_use = heads.iter().any(|head| head == "access_key_1_last_used_date");
    if !has_use {
        estate.blind.push(Blind {
            what: "the credential report is of an old form and does not say when keys were last used".to_owned(),
            mend: "generate the report anew with a current client".to_owned(),
            place: Place { file: file.to_owned(), line: Some(1) },
        });
    }
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                estate.troubles.push(Trouble::at(file, line, "is not UTF-8, or is cut off; generate the report again"));
                if error.is_io_error() {
                    break;
                }
                continue;
            }
        }
        let place = Place { file: file.to_owned(), line: record.position().map(csv::Position::line) };
        let cell =
            |name: &str| heads.iter().position(|head| head == name).and_then(|at| record.get(at)).unwrap_or_default();
        if cell("user").is_empty() || cell("mfa_active").is_empty() {
            let line = place.line.unwrap_or_default();
            estate.troubles.push(Trouble::at(file, line, "has too few cells; generate the report again"));
            continue;
        }
        row(&cell, &place, estate);
    }
    format!("{}, {}", count(estate.keys.len() - before.1, "key"), count(estate.accounts.len() - before.0, "account"))
}

fn row<'r>(cell: &dyn Fn(&str) -> &'r str, place: &Place, estate: &mut Estate) {
    let user = cell("user");
    let is_root = user == ROOT;
    let realm = format!("aws:{}", account_of(cell("arn")));
    let password = truth(cell("password_enabled"));
    // The root account has a password always; the report says `not_supported` of it.
    let signs_in = if is_root { Known::Yes } else { password };
    let (holder, account) = estate.account(&realm, user, place);
    account.second_factor = account.second_factor.or(truth(cell("mfa_active")));
    account.signs_in = account.signs_in.or(signs_in);
    account.kind = match signs_in {
        Known::Yes => Kind::Person,
        Known::No => Kind::Workload,
        Known::Unknown => account.kind,
    };
    if is_root {
        account.can_mint = Known::Yes;
    }
    account.last_seen = match cell("password_last_used") {
        "no_information" => Moment::Never,
        other => when(other),
    };

    for number in ["1", "2"] {
        let of = |what: &str| cell(&format!("access_key_{number}_{what}"));
        let (active, rotated) = (truth(of("active")), when(of("last_rotated")));
        // Neither on nor ever made: there is no such key.
        if active != Known::Yes && rotated == Moment::Unknown {
            continue;
        }
        let id = format!("{user}/access-key-{number}");
        let used = of("last_used_date");
        let key = estate.key("aws", &realm, &id, place);
        key.form = "access key".to_owned();
        key.holders = vec![holder];
        key.born = rotated;
        key.end = Moment::Never;
        key.last_use = last_use(used, rotated);
        key.standing = if active == Known::Yes { Standing::Active } else { Standing::Disabled };
        if is_root {
            all_powerful(key, holder, place);
        }
    }
    for number in ["1", "2"] {
        let of = |what: &str| cell(&format!("cert_{number}_{what}"));
        if truth(of("active")) != Known::Yes {
            continue;
        }
        let key = estate.key("aws", &realm, &format!("{user}/certificate-{number}"), place);
        key.form = "signing certificate".to_owned();
        key.holders = vec![holder];
        key.born = when(of("last_rotated"));
        key.standing = Standing::Active;
    }
}

/// A key of the root account.
pub(super) fn all_powerful(key: &mut Key, holder: Ix, place: &Place) {
    "access key".clone_into(&mut key.form);
    key.holders = vec![holder];
    key.end = Moment::Never;
    key.with = Reach::surely(Powers::EVERY);
    key.without = key.with;
    key.everything = Known::Yes;
    let what = "the root account's own key: no policy of the account binds it".to_owned();
    key.because = vec![Because { powers: Powers::EVERY, what, sure: true, place: place.clone() }];
}

/// `N/A` of a key that exists: never used since such uses are counted.
fn last_use(text: &str, born: Moment) -> Moment {
    if text != "N/A" {
        return when(text);
    }
    let counted = TRACKED_SINCE.parse::<Timestamp>().ok();
    match (born, counted) {
        (Moment::At(born), Some(counted)) if born >= counted => Moment::Never,
        _ => Moment::Unknown,
    }
}

fn truth(text: &str) -> Known {
    match text.to_ascii_lowercase().as_str() {
        "true" => Known::Yes,
        "false" => Known::No,
        _ => Known::Unknown,
    }
}

fn when(text: &str) -> Moment {
    match text {
        "N/A" | "not_supported" | "no_information" | "" => Moment::Unknown,
        text => moment::read(text).map_or(Moment::Unknown, Moment::At),
    }
}
