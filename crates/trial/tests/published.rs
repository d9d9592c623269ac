//! The bench itself: what it makes can be read, and it tells good rules from bad ones.
use trial::{Blind, NewAddress, Scenario, Totals, Watching, generate, play};

#[test]
fn the_watch_contains_what_was_published_and_nobody_honest() {
    let scenario = generate::published(7).scenario().unwrap();
    let totals = Totals::of(&[play(&scenario, &mut Watching::default())]);
    assert_eq!((totals.in_time, totals.honest_containments), (totals.attacks, 0), "{totals:?}");
    assert!(totals.attacks >= 12 && totals.alerts_per_100_keys_week <= 1.0, "{totals:?}");
}

#[test]
fn who_does_nothing_contains_nothing_and_who_stops_the_new_stops_the_honest() {
    let scenario = generate::published(7).scenario().unwrap();
    assert_eq!(Totals::of(&[play(&scenario, &mut Blind)]).in_time, 0);
    assert!(Totals::of(&[play(&scenario, &mut NewAddress::default())]).honest_containments > 10);
}

#[test]
fn files_say_the_same_as_what_was_made() {
    let files = generate::published(3).files().unwrap();
    let read = Scenario::read(files.api.as_bytes(), &files.traffic, &files.events, files.labels.as_bytes()).unwrap();
    let made = generate::published(3).scenario().unwrap();
    let of = |scenario: &Scenario| {
        let score = play(scenario, &mut Watching::default());
        serde_json::to_string(&score).unwrap()
    };
    assert_eq!(of(&read), of(&made));
    assert_eq!(read.calls.len(), made.calls.len());
}
