//! A key made credentials that live.

use law::Severity;

use super::{Evidence, Finding, Rule, Subject, shown};
use crate::{
    Settings,
    estate::{Child, Estate, Known},
};

pub(super) const RULE: Rule = Rule {
    name: "living-children",
    title: "a key made credentials that live",
    mend: "ask its holder what each is for; whoever revokes the key revokes those, too",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    // Also of a key that does not work any more: what it made goes on.
    let found = estate.keys.iter().enumerate().filter_map(|(ix, key)| {
        let living: Vec<&Child> = key.children.iter().filter(|child| child.lives == Known::Yes).collect();
        let unknown = key.children.iter().filter(|child| child.lives == Known::Unknown).count();
        let first = living.first()?;
        let name = |child: &Child| child.key.clone().unwrap_or_else(|| child.id.clone());
        let surely = key.seen.as_ref().is_none_or(|seen| seen.alone);
        let which = if surely { "" } else { " (this key, or another one of its holder)" };
        let dead = if key.lives(settings.as_of) { "" } else { "works no more, and " };
        let what = match living.len() {
            1 => format!("{dead}made `{}`, which lives{which}", name(first)),
            many => format!("{dead}made {many} credentials that live, such as `{}`{which}", name(first)),
        };
        let place = key.seen.as_ref().map_or_else(|| super::place(&key.places), |seen| seen.place.clone());
        let told = living.iter().take(16).map(|child| {
            let holder = child.holder.as_ref().map(|holder| format!(" for `{holder}`")).unwrap_or_default();
            Evidence::new(format!("made `{}`{holder} on {}", name(child), child.at.strftime("%Y-%m-%d")), &place)
        });
        let beside = (unknown > 0)
            .then(|| Evidence::new(format!("made {unknown} more, of which no input says whether they live"), &place));
        Some(Finding::new(&RULE, Severity::High, Subject::Key(ix), what, shown(key)).and(told).and(beside))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, report_of};

    fn keys(parent: &str, child: &str) -> String {
        format!(
            "id,standing,without_second_factor,place,reach,parent,born\nk1,{parent},mint,x,mint,,2026-01-01T00:00:00Z\nk2,{child},read,x,read,k1,2026-11-01T00:00:00Z\n"
        )
    }

    #[test]
    fn a_child_that_lives_is_found_also_when_its_parent_does_not() {
        let told = |parent: &str, child: &str| {
            let report = report_of(&[("keys.csv", &keys(parent, child))]);
            findings(&report, "living-children").iter().map(|one| one.what.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told("active", "active"), ["made `k2`, which lives"]);
        assert_eq!(told("revoked", "active"), ["works no more, and made `k2`, which lives"]);
        assert!(told("active", "revoked").is_empty());
    }

    #[test]
    fn of_two_keys_of_a_user_the_one_that_was_born_then_is_the_child() {
        let heads = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n";
        let row = |user: &str, one: &str, two: &str| {
            format!(
                "{user},arn:aws:iam::111122223333:user/{user},2024-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,true,{one},N/A,N/A,N/A,true,{two},N/A,N/A,N/A,false,N/A,false,N/A\n"
            )
        };
        let report = heads.to_owned()
            + &row("ann", "2024-01-01T00:00:00+00:00", "2024-02-01T00:00:00+00:00")
            + &row("bob", "2024-01-01T00:00:00+00:00", "2026-11-20T10:00:02+00:00");
        let event = |name: &str, more: &str| {
            format!(
                "{{\"eventTime\":\"2026-11-20T10:00:00Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"{name}\",\"userIdentity\":{{\"type\":\"IAMUser\",\"arn\":\"arn:aws:iam::111122223333:user/ann\",\"accessKeyId\":\"AKIAANN\"}},{more}}}\n"
            )
        };
        let made = event(
            "CreateAccessKey",
            "\"responseElements\":{\"accessKey\":{\"accessKeyId\":\"AKIAMADE\",\"userName\":\"bob\"}}",
        );
        let deleted =
            event("DeleteAccessKey", "\"requestParameters\":{\"accessKeyId\":\"AKIAMADE\",\"userName\":\"bob\"}");
        let told = report_of(&[("report.csv", &report), ("trail.json", &made)]);
        let found = findings(&told, "living-children");
        assert_eq!(found.len(), 2, "nobody says which of her keys it was");
        assert_eq!(found[0].what, "made `bob/access-key-2`, which lives (this key, or another one of its holder)");
        let gone = report_of(&[("report.csv", &report), ("trail.json", &(made + &deleted))]);
        assert!(findings(&gone, "living-children").is_empty(), "it was deleted again");
    }
}
