//! What a drill's card looks like, for people and for programs.

use law::KeyId;

use super::*;
use crate::commands::testing::{NOW, plain};

fn moment(call: u32, ms: u64, after: u64, what: &str) -> Option<Moment> {
    Some(Moment { call, ms, after, what: what.to_owned() })
}

fn told(by: &str, name: Option<&str>, ms: u64, taken: Option<u64>) -> Noticed {
    let of = "DRILL new-source: k23 behaves like a thief's".to_owned();
    Noticed { by: by.to_owned(), name: name.map(str::to_owned), ms, of, taken }
}

fn played(scenario: &str, card: Card, before: Option<Card>) -> PlayedView {
    let before = before.map(|card| BeforeView { at: NOW - jiff::SignedDuration::from_hours(26), card });
    let (story, holder) = ("Somebody takes out what there is.".to_owned(), "ann".to_owned());
    PlayedView { key: KeyId(23), scenario: scenario.to_owned(), story, holder, card: Some(card), before }
}

fn contained() -> Card {
    Card {
        watch: "on".to_owned(),
        calls: 18,
        passed: 2,
        asked: 13,
        refused: 3,
        steps: 3,
        done: 2,
        contain_by: 2,
        in_time: true,
        detected: moment(1, 12, 9_400, "new-source"),
        contained: moment(2, 212, 9_400, "step-up"),
        strictest: Some("freeze".to_owned()),
        rows: 2,
        told: vec![told("webhook", None, 240, Some(310)), told("mail", Some("ann"), 250, None)],
        lifted: Some(61_000),
        skipped: vec!["pay: the API has no operation with the power `spend`".to_owned()],
        ..Card::default()
    }
}

fn too_late() -> Card {
    Card {
        in_time: false,
        contained: None,
        strictest: None,
        rows: 50_000,
        sensitive: 2,
        told: Vec::new(),
        ..contained()
    }
}

fn canary() -> Card {
    Card {
        watch: "on".to_owned(),
        calls: 1,
        refused: 1,
        steps: 1,
        contain_by: 1,
        in_time: true,
        detected: moment(1, 3, 3_100, "canary-used"),
        found: Some(420),
        told: vec![told("webhook", None, 4, Some(90))],
        ..Card::default()
    }
}

fn views() -> Vec<PlayedView> {
    vec![
        played("a1-smash", contained(), None),
        played("a1-smash", contained(), Some(too_late())),
        played("home-child", too_late(), Some(contained())),
        played("a6-dormant", Card { watch: "dry-run".to_owned(), ..too_late() }, None),
        played(
            "a6-dormant",
            Card { broken_off: Some("a call was not answered in time".to_owned()), ..contained() },
            None,
        ),
        played("canary", canary(), None),
        played("canary", Card { in_time: false, found: None, told: Vec::new(), ..canary() }, Some(canary())),
    ]
}

#[test]
fn a_card_says_what_was_caught_and_what_got_out() {
    let pages: Vec<String> = views().iter().map(|played| plain(&page(played, NOW))).collect();
    insta::assert_snapshot!("cards", pages.join("\n"));
}

#[test]
fn programs_get_all_of_it() {
    let view =
        DrillView { goes_on: false, played: views(), not_played: vec!["a5-back-door-user: nothing grants".to_owned()] };
    let json = serde_json::to_string_pretty(&view).unwrap();
    insta::assert_snapshot!("cards_json", json);
    assert_eq!(serde_json::from_str::<DrillView>(&json).unwrap(), view, "and can be read back");
}
