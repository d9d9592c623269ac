//! What stands against a key, and what a person's word does about it.

use law::Severity;

use crate::detect::testing::Stage;

const THIEF: &str = "203.0.113.66";
const HOME: &str = "198.51.100.7";

#[test]
fn a_case_stands_as_long_as_its_calls_come_and_is_told_when_something_is_new() {
    let mut stage = Stage::settled();
    stage.held().from(THIEF).powers("mint").call("POST /keys");
    assert!(stage.stands >= Some(Severity::Warning));
    let told = stage.findings().len();
    // Once an hour, for two days, each call refused.
    for _ in 0..57 {
        stage.after_seconds(50 * 60).powers("mint").call("POST /keys");
        assert!(stage.stands >= Some(Severity::Warning));
    }
    // It comes at night, and all day, and nobody answered.
    assert!(stage.findings().len() <= told + 5, "{:?}", stage.findings());
    stage.after_days(2).from(HOME).call("GET /orders");
    assert_eq!(stage.stands, None);
}

#[test]
fn a_lift_is_calm_for_what_was_lifted_and_not_for_another_source() {
    let mut stage = Stage::settled();
    stage.held().from(THIEF).powers("mint").call("POST /keys");
    stage.lift();
    stage.after_seconds(60).powers("mint").call("POST /keys");
    assert_eq!(stage.stands, None, "a person has just lifted that");
    stage.after_seconds(60).from("192.0.2.9").powers("mint").call("POST /keys");
    assert!(stage.stands >= Some(Severity::Warning), "and not this");
    stage.from(THIEF).after_seconds(3600).powers("mint").call("POST /keys");
    assert!(stage.stands >= Some(Severity::Warning), "the hour is over");
}

#[test]
fn the_owners_yes_to_their_own_call_is_none_to_the_thiefs() {
    let mut stage = Stage::settled_with("export", "GET /orders/export");
    stage.held().from(THIEF).powers("mint").call("POST /keys");
    stage.from(HOME).after_seconds(60).powers("export");
    assert!(!stage.vouch("GET /orders/export"), "what is asked because of somebody else goes on");
    stage.from(THIEF).after_seconds(60).powers("mint").call("POST /keys");
    assert!(stage.stands >= Some(Severity::Warning));
    assert!(stage.weight("first-power") >= 40, "and the power that was only tried is not usual");
    stage.powers("mint");
    assert!(stage.vouch("POST /keys"), "a yes from there answers it");
    stage.powers("mint").call("POST /keys");
    assert_eq!(stage.stands, None);
}

#[test]
fn a_yes_stands_for_one_operation_with_one_program_from_one_block() {
    let mut stage = Stage::settled();
    stage.from(THIEF).powers("mint");
    assert!(stage.vouch("POST /keys"));
    assert!(!stage.powers("mint").call("POST /keys").unusual);
    stage.powers("grant").call("POST /members");
    assert!(stage.stands >= Some(Severity::Warning), "another power is another question");
    let mut other = Stage::settled();
    other.from(THIEF).powers("export");
    assert!(other.vouch("GET /orders/export"));
    assert!(other.with("curl/8").powers("export").call("GET /orders/export").unusual, "another program");
    let mut away = Stage::settled();
    away.from(THIEF).powers("export");
    assert!(away.vouch("GET /orders/export"));
    assert!(
        away.from("203.0.7.66").powers("export").call("GET /orders/export").unusual,
        "another block of the network"
    );
}

#[test]
fn what_somebody_knows_of_a_key_is_true_whatever_was_said_before() {
    let mut stage = Stage::settled();
    stage.vouch("GET /orders");
    stage.not_me();
    stage.call("GET /orders");
    assert_eq!(stage.stands, Some(Severity::Critical));
    stage.vouch("GET /orders");
    stage.call("GET /orders");
    assert_eq!(stage.stands, Some(Severity::Critical), "a yes takes back no `not me`");
    stage.enable();
    stage.call("GET /orders");
    assert_eq!(stage.stands, None, "who lets it work again has looked");
}

#[test]
fn a_program_that_moves_is_usual_after_three_days() {
    let mut stage = Stage::settled();
    stage.from(THIEF).call("GET /orders");
    assert!(stage.unusual && stage.stands == Some(Severity::Info));
    for _ in 0..3 {
        stage.after_days(1).call("GET /orders");
    }
    assert!(!stage.unusual, "three days are enough");
    assert_eq!(stage.after_days(2).call("GET /orders").stands, None);
}

#[test]
fn patient_days_make_a_place_usual_for_no_more_than_was_done_there() {
    let settled = || Stage::settled_with("export", "GET /orders/export");
    let mut thief = settled();
    thief.from(THIEF).with("curl/8");
    for _ in 0..5 {
        thief.call("GET /orders").after_days(1);
        assert!(thief.stands < Some(Severity::Warning));
    }
    assert!(!thief.call("GET /orders").unusual, "what is harmless is usual there");
    thief.powers("export").call("GET /orders/export");
    assert!(thief.stands >= Some(Severity::Warning), "what is sensitive comes from elsewhere, as on the first day");
    thief.after_days(20).powers("export").call("GET /orders/export");
    assert!(thief.stands >= Some(Severity::Warning), "a few days long ago are no long time");
    let mut moved = settled();
    moved.from(THIEF);
    for _ in 0..5 {
        moved.call("GET /orders").powers("export").call("GET /orders/export").after_days(1);
        assert!(moved.stands < Some(Severity::Warning), "who only moves is not asked");
    }
    moved.powers("export").call("GET /orders/export");
    assert_eq!(moved.weight("sensitive-elsewhere"), 0, "and is at home with it after three days");
    let mut late = settled();
    late.from(THIEF).with("curl/8");
    for _ in 0..15 {
        late.call("GET /orders").after_days(1);
    }
    late.powers("export").call("GET /orders/export");
    assert_eq!(late.weight("sensitive-elsewhere"), 0, "what was there for two weeks is at home");
}

#[test]
fn a_place_that_was_asked_about_does_not_become_usual_by_coming_again() {
    let mut stage = Stage::settled();
    stage.from(THIEF).with("curl/8").powers("mint").call("POST /keys");
    for _ in 0..9 {
        stage.after_days(1).call("GET /orders");
    }
    assert!(stage.unusual && stage.weight("new-source") > 0, "nobody said yes");
    stage.powers("mint");
    assert!(stage.vouch("POST /keys"));
    for _ in 0..3 {
        stage.call("GET /orders").after_days(1);
    }
    assert!(!stage.call("GET /orders").unusual, "somebody did");
}

#[test]
fn much_from_a_place_that_was_there_for_little_is_asked_about() {
    let uneven = || {
        let mut stage = Stage::settled();
        stage.rows(280).call("GET /orders").after_days(1);
        stage
    };
    let mut stage = uneven();
    stage.from(THIEF);
    for _ in 0..5 {
        stage.call("GET /orders").after_days(1);
    }
    stage.rows(3_000).call("GET /orders").call("GET /orders");
    assert!(stage.stands >= Some(Severity::Warning) && stage.unusual);
    let mut home = uneven();
    assert!(home.rows(3_000).call("GET /orders").call("GET /orders").stands < Some(Severity::Warning));
}

#[test]
fn what_others_begin_to_do_is_new_to_who_comes_from_elsewhere() {
    let begun = || {
        let mut stage = Stage::fleet(5);
        for key in 2..=5 {
            stage.key(key).call("GET /v2/orders");
        }
        stage.key(1);
        stage
    };
    assert!(!begun().call("GET /v2/orders").unusual, "at home it is none");
    let mut thief = begun();
    assert_eq!(thief.from(THIEF).call("GET /v2/orders").weight("unfamiliar"), 10);
    let mut documented = Stage::settled();
    documented.document(&["GET /v2/orders"]);
    assert_eq!(documented.from(THIEF).call("GET /v2/orders").weight("unfamiliar"), 10);
}

#[test]
fn what_is_asked_about_never_makes_itself_usual() {
    let mut stage = Stage::settled();
    for _ in 0..6 {
        stage.from(THIEF).powers("mint").call("POST /keys");
        stage.after_days(1);
    }
    assert!(stage.powers("mint").call("POST /keys").unusual);
}

#[test]
fn a_learning_key_is_only_usual_where_it_or_its_maker_was() {
    let mut stage = Stage::settled();
    stage.mint(7).key(7);
    assert!(!stage.call("GET /orders").unusual, "where its maker always is");
    assert!(stage.from(THIEF).call("GET /orders").unusual);
    assert!(stage.after_seconds(60).call("GET /orders").unusual, "its own first calls say nothing for it");
    let mut young = Stage::young();
    assert!(!young.call("GET /orders").unusual, "a key that nobody made knows where it was");
    assert!(young.from(THIEF).call("GET /orders").unusual);
}

#[test]
fn a_thief_does_not_make_his_network_home_with_a_key_that_he_made() {
    let mut stage = Stage::settled();
    stage.mint(7).key(7).from(THIEF);
    for _ in 0..5 {
        stage.call("GET /orders");
    }
    stage.key(1).call("GET /orders");
    assert_eq!(stage.weight("new-source"), 20);
}

#[test]
fn what_scope_refuses_weighs_on_nobody_else_and_others_alone_alarm_nobody() {
    let of_two = |out| {
        let mut stage = Stage::fleet(2);
        stage.owned().key(2).held().out_of_scope(out).from(HOME);
        for power in ["mint", "grant", "destroy", "disarm"] {
            stage.powers(power).call(&format!("POST /{power}"));
        }
        stage.out_of_scope(false).key(1).powers("export").call("GET /orders/export");
        stage.stands
    };
    assert_eq!(of_two(true), Some(Severity::Info));
    assert_eq!(of_two(false), Some(Severity::Warning), "asked, and no more");
}

#[test]
fn who_takes_more_each_hour_is_seen() {
    let mut stage = Stage::settled();
    let mut rows = 600;
    for _ in 0..6 {
        stage.after_seconds(3600).rows(rows).call("GET /orders");
        rows = rows * 39 / 10;
    }
    assert!(stage.weight("volume") >= 25, "{}", stage.weight("volume"));
}

#[test]
fn a_key_that_is_at_home_nowhere_has_a_measure_as_well() {
    let mut stage = Stage::wandering();
    assert!(stage.from("100.200.1.7").rows(5_000).call("GET /orders").weight("volume") >= 20);
    stage.after_days(1);
    assert_eq!(stage.from("100.201.1.7").rows(5_000).call("GET /orders").weight("volume"), 0);
}

#[test]
fn what_is_taken_elsewhere_is_no_measure_for_tomorrow() {
    let mut stage = Stage::settled();
    assert!(stage.from(THIEF).rows(5_000).call("GET /orders").weight("volume") >= 20);
    stage.after_days(1);
    assert!(stage.rows(5_000).call("GET /orders").weight("volume") >= 20);
}

/// A few slow reads, with the owner's own program and operation, each from another network.
fn slow_reads(stage: &mut Stage, networks: std::ops::Range<u8>, apart: i64) {
    for network in networks {
        stage.from(&format!("203.{network}.113.66")).after_seconds(apart).call("GET /orders");
        stage.from(HOME).after_seconds(600).call("GET /orders");
    }
}

#[test]
fn slow_reads_from_many_networks_make_no_wanderer() {
    for (apart, networks) in [(700, 1..16), (86_400, 1..16)] {
        let mut stage = Stage::settled();
        slow_reads(&mut stage, networks, apart);
        assert!(stage.from(THIEF).call("GET /orders").unusual, "a step-up asks, {apart} s apart");
        assert!(stage.weight("new-source") >= 15);
        assert_eq!(stage.powers("mint").call("POST /keys").weight("sensitive-elsewhere"), 25);
    }
    let mut wanders = Stage::wandering();
    assert!(!wanders.from(THIEF).call("GET /orders").unusual, "and who wandered from the first day on is one");
}

#[test]
fn blocks_of_the_owners_network_are_not_learnt_by_a_few_reads_either() {
    let mut stage = Stage::settled();
    for block in 20..40 {
        stage.from(&format!("198.51.{block}.7")).after_seconds(700).call("GET /orders");
    }
    assert!(stage.from("198.51.99.7").call("GET /orders").unusual);
}

#[test]
fn two_calls_make_no_place_usual_and_none_makes_an_act_usual_there() {
    let mut stage = Stage::settled();
    stage.from(THIEF).call("GET /orders").after_days(3).call("GET /orders").after_days(1);
    assert!(stage.call("GET /orders").unusual, "two calls three days apart");
    let mut act = Stage::settled();
    for _ in 0..3 {
        act.from(THIEF).call("GET /orders/{id}").after_days(1);
    }
    assert!(act.from(HOME).call("GET /orders/{id}").unusual, "what was asked for elsewhere is not usual");
    let mut moved = Stage::settled();
    for _ in 0..8 {
        moved.from(THIEF).call("GET /orders").after_days(1);
    }
    assert!(!moved.call("GET /orders").unusual, "who moved is at home after a week");
    for _ in 0..2 {
        moved.call("GET /orders/{id}").after_days(1);
    }
    assert!(!moved.call("GET /orders/{id}").unusual);
}
