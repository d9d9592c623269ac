//! What single questions to IAM answer: which keys and second factors a user has, what the root
//! account has, what is demanded of passwords.
//!
//! Few of these answers name their account. They are joined when everything has been read: by
//! the user's name, and a key by the moment when it was made.

use jiff::Timestamp;
use law::Severity;
use serde_json::Value;

use super::details::account_of;
use crate::{
    estate::{Blind, Estate, Ix, Known, Moment, Place, Standing, Weakness},
    moment,
    provider::count,
};

/// Answers that are lists, and the name of each list.
const LISTS: [&str; 6] = [
    "AccessKeyMetadata",
    "MFADevices",
    "VirtualMFADevices",
    "ServiceSpecificCredentials",
    "SSHPublicKeys",
    "LoginProfile",
];

pub(super) fn recognise(value: &Value) -> bool {
    LISTS.iter().any(|list| value.get(list).is_some())
        || value.pointer("/SummaryMap/AccountMFAEnabled").is_some()
        || value.pointer("/PasswordPolicy/MinimumPasswordLength").is_some()
}

/// What was answered, with where it stood.
#[derive(Default)]
pub(super) struct Answers(Vec<(&'static str, Value, Place)>);

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Answers {
    /// Takes up one answer; what stands in it is looked at in the end.
    pub(super) fn read(&mut self, file: &str, value: &Value) -> String {
        let before = self.0.len();
        let place = Place { file: file.to_owned(), line: None };
        for list in LISTS {
            match value.get(list) {
                Some(Value::Array(items)) => {
                    self.0.extend(items.iter().map(|item| (list, item.clone(), place.clone())));
                }
                Some(one @ Value::Object(_)) => self.0.push((list, one.clone(), place.clone())),
                _ => {}
            }
        }
        for one in ["SummaryMap", "PasswordPolicy"] {
            if let Some(found) = value.get(one) {
                self.0.push((one, found.clone(), place.clone()));
            }
        }
        count(self.0.len() - before, "answer")
    }

    /// Whether the accounts' keys are known from these answers.
    pub(super) fn have_keys(&self) -> bool {
        self.0.iter().any(|(list, ..)| *list == "AccessKeyMetadata")
    }

    pub(super) fn finish(&mut self, estate: &mut Estate) {
        for (list, item, place) in std::mem::take(&mut self.0) {
            match list {
                "SummaryMap" => summary(&item, &place, estate),
                "PasswordPolicy" => passwords(&item, &place, estate),
                "VirtualMFADevices" => {
                    let arn = item.get("User").map(|user| text(user, "Arn")).unwrap_or_default();
                    let name = if arn.ends_with(":root") { super::ROOT } else { arn.rsplit('/').next().unwrap_or("") };
                    // A device that nobody has proves nothing.
                    if !arn.is_empty() {
                        let realm = format!("aws:{}", account_of(arn));
                        let (_, account) = estate.account(&realm, name, &place);
                        account.second_factor = account.second_factor.or(Known::Yes);
                    }
                }
                _ => of_user(list, &item, &place, estate),
            }
        }
    }
}

/// The one account of AWS that has such a user, or else the only one that there is.
fn realm_of(user: &str, arn: &str, estate: &Estate) -> Option<String> {
    let number = account_of(arn);
    if number.len() == 12 {
        return Some(format!("aws:{number}"));
    }
    let aws = || estate.accounts.iter().filter(|account| account.realm.starts_with("aws:"));
    let one = |mut realms: Vec<&str>| {
        realms.sort_unstable();
        realms.dedup();
        match realms[..] {
            [realm] => Some(realm.to_owned()),
            _ => None,
        }
    };
    let named = aws().filter(|account| account.name.eq_ignore_ascii_case(user)).map(|account| account.realm.as_str());
    one(named.collect()).or_else(|| one(aws().map(|account| account.realm.as_str()).collect()))
}

fn of_user(list: &str, item: &Value, place: &Place, estate: &mut Estate) {
    let user = text(item, "UserName");
    if user.is_empty() {
        return;
    }
    let Some(realm) = realm_of(user, text(item, "SerialNumber"), estate) else {
        let what = "of which AWS account some answers speak: they name none, and several have such a user, or none";
        if !estate.blind.iter().any(|blind| blind.what == what) {
            estate.blind.push(Blind {
                what: what.to_owned(),
                mend: "give the credential report or the account authorization details of that account, and audit one account at a time".to_owned(),
                place: place.clone(),
            });
        }
        return;
    };
    let (holder, account) = estate.account(&realm, user, place);
    match list {
        "MFADevices" => account.second_factor = account.second_factor.or(Known::Yes),
        "LoginProfile" => account.signs_in = account.signs_in.or(Known::Yes),
        "AccessKeyMetadata" => {
            let made = moment::read(text(item, "CreateDate"));
            access_key(&realm, holder, text(item, "AccessKeyId"), made, standing(item), place, estate);
        }
        "ServiceSpecificCredentials" | "SSHPublicKeys" => {
            let (id, form, made) = if list == "SSHPublicKeys" {
                ("SSHPublicKeyId", "SSH key", "UploadDate")
            } else {
                ("ServiceSpecificCredentialId", "service credential", "CreateDate")
            };
            let key = estate.key("aws", &realm, text(item, id), place);
            form.clone_into(&mut key.form);
            key.name = Some(text(item, "ServiceName").to_owned()).filter(|name| !name.is_empty());
            key.holders = vec![holder];
            key.born = moment::read(text(item, made)).map_or(Moment::Unknown, Moment::At);
            key.end = moment::read(text(item, "ExpirationDate")).map_or(Moment::Never, Moment::At);
            key.standing = standing(item);
        }
        _ => {}
    }
}

fn standing(item: &Value) -> Standing {
    match text(item, "Status") {
        "Inactive" | "Expired" => Standing::Disabled,
        "Active" => Standing::Active,
        _ => Standing::Unknown,
    }
}

/// A key with its id. The credential report knows it by a number; the moment when it was made
/// says which it is.
fn access_key(
    realm: &str,
    holder: Ix,
    id: &str,
    made: Option<Timestamp>,
    standing: Standing,
    place: &Place,
    estate: &mut Estate,
) {
    if estate.keys.iter().any(|key| key.realm == realm && (key.id == id || key.name.as_deref() == Some(id))) {
        return;
    }
    let nameless = |key: &&mut crate::estate::Key| {
        key.realm == realm && key.form == "access key" && key.name.is_none() && key.holders.contains(&holder)
    };
    let mut known: Vec<_> = estate.keys.iter_mut().filter(nameless).collect();
    let same = known.iter().position(|key| {
        made.is_some_and(|made| key.born.at().is_some_and(|born| born.as_second() == made.as_second()))
    });
    let only = (known.len() == 1 && known.iter().all(|key| key.standing == standing)).then_some(0);
    if let Some(key) = same.or(only).and_then(|at| known.get_mut(at)) {
        key.name = Some(id.to_owned());
        if !key.places.contains(place) && key.places.len() < 8 {
            key.places.push(place.clone());
        }
        return;
    }
    let key = estate.key("aws", realm, id, place);
    "access key".clone_into(&mut key.form);
    key.holders = vec![holder];
    key.born = made.map_or(Moment::Unknown, Moment::At);
    key.end = Moment::Never;
    key.standing = standing;
}

/// `get-account-summary` says of the root account what nothing else but the report does.
fn summary(item: &Value, place: &Place, estate: &mut Estate) {
    let number = |name: &str| item.get(name).and_then(Value::as_u64);
    let realm = realm_of("", "", estate).unwrap_or_else(|| "aws".to_owned());
    let (holder, account) = estate.account(&realm, super::ROOT, place);
    if let Some(enabled) = number("AccountMFAEnabled") {
        account.second_factor = account.second_factor.or(Known::from(enabled > 0));
    }
    account.signs_in = account.signs_in.or(Known::Yes);
    account.kind = crate::estate::Kind::Person;
    account.can_mint = Known::Yes;
    let has_key = estate.keys.iter().any(|key| key.holders.contains(&holder));
    if number("AccountAccessKeysPresent").is_some_and(|keys| keys > 0) && !has_key {
        let key = estate.key("aws", &realm, "<root_account>/access-key", place);
        super::credential_report::all_powerful(key, holder, place);
    }
}

/// What everybody who counts demands of passwords: 14 letters, and not the last ones again.
fn passwords(item: &Value, place: &Place, estate: &mut Estate) {
    let number = |name: &str| item.get(name).and_then(Value::as_u64);
    let mut weak = Vec::new();
    if let Some(length) = number("MinimumPasswordLength").filter(|length| *length < 14) {
        weak.push(format!("passwords of {length} letters are enough"));
    }
    if number("PasswordReusePrevention").is_none_or(|times| times == 0) {
        weak.push("an old password may be used again".to_owned());
    }
    if !weak.is_empty() {
        estate.weak.push(Weakness {
            severity: Severity::Warning,
            realm: realm_of("", "", estate).unwrap_or_else(|| "aws".to_owned()),
            what: format!("the password policy of AWS is weak: {}", weak.join("; ")),
            mend: "aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24"
                .to_owned(),
            place: place.clone(),
        });
    }
}
