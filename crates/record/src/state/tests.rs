use super::*;
use crate::testing;

const SETTINGS: Settings = Settings {
    roll: 1 << 20,
    cap: 1 << 22,
    queue: 64 << 10,
    slow: Duration::from_secs(1),
    grace: Duration::from_secs(3600),
    retry: Duration::from_secs(3600),
};

#[test]
fn nobody_waits_longer_for_a_hanging_disk_than_the_bound() {
    let shared = Shared::new(SETTINGS);
    let mut answer = shared.push_and_wait(Some(Item::Call(testing::call(1)))).unwrap();
    shared.at_disk();
    let began = shared.state().at_disk.unwrap();

    shared.state().expire(began + SETTINGS.slow, &SETTINGS);
    assert!(answer.try_recv().is_err(), "not yet");
    shared.state().expire(began + SETTINGS.slow + Duration::from_millis(1), &SETTINGS);
    assert_eq!(answer.try_recv().unwrap().unwrap_err().reason, Reason::Slow);
    assert!(matches!(shared.health(), Health::Failing { reason: Reason::Slow, lost: 0, .. }));
    assert!(shared.push_and_wait(None).is_err(), "and nobody else begins to wait");
    assert!(shared.push(Item::Call(testing::call(2))).is_ok(), "what is ordinary goes on");
}

#[test]
fn a_full_queue_loses_what_is_ordinary_and_counts_it() {
    let shared = Shared::new(SETTINGS);
    let mut kept = 0;
    while shared.health() == Health::Healthy {
        shared.push(Item::Call(testing::call(kept))).unwrap();
        kept += 1;
    }
    shared.push(Item::Outcome(testing::outcome(&testing::call(0)))).unwrap();
    assert!(matches!(shared.health(), Health::Failing { reason: Reason::Overrun, lost: 2, .. }));
    let mut batch = VecDeque::new();
    let Turn::Write(order) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    assert_eq!(batch.len() as u64, kept - 1);
    let gap = order.gap.unwrap();
    assert_eq!((gap.calls, gap.outcomes, gap.reason), (1, 1, Reason::Overrun));

    shared.wrote(
        &order,
        Written {
            items: kept - 1,
            bytes: 1,
            removed: Vec::new(),
            lost: Lost::default(),
            gap: order.gap.map(|missed| missed.until(Timestamp::now())),
        },
    );
    assert_eq!(shared.health(), Health::Healthy);
}

#[test]
fn what_a_gap_said_survives_a_try_that_fails() {
    let shared = Shared::new(Settings { retry: Duration::ZERO, ..SETTINGS });
    let order = Order { upto: 0, gap: None };
    shared.failed(&order, Reason::Full, Lost { calls: 3, outcomes: 1 });
    let mut batch = VecDeque::new();
    let Turn::Write(order) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    let from = order.gap.unwrap().from;
    shared.failed(&order, Reason::ReadOnly, Lost { calls: 2, outcomes: 0 });
    let Turn::Write(order) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    let gap = order.gap.unwrap();
    assert_eq!((gap.calls, gap.outcomes, gap.reason, gap.from), (5, 1, Reason::Full, from));
}

#[test]
fn a_disk_that_takes_nothing_does_not_empty_the_queue() {
    let shared = Shared::new(Settings { retry: Duration::ZERO, ..SETTINGS });
    shared.push(Item::Call(testing::call(1))).unwrap();
    shared.failed(&Order { upto: 0, gap: None }, Reason::Full, Lost::default());
    let mut batch = VecDeque::new();
    let Turn::Write(order) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    assert!(batch.is_empty() && order.gap.is_some(), "only the gap is tried");
    shared.wrote(
        &order,
        Written {
            items: 0,
            bytes: 1,
            removed: Vec::new(),
            lost: Lost::default(),
            gap: order.gap.map(|missed| missed.until(Timestamp::now())),
        },
    );
    let Turn::Write(_) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    assert_eq!(batch.len(), 1);
}

#[test]
fn what_is_not_on_disk_yet_is_counted_until_it_is_also_over_a_try_that_fails() {
    let shared = Shared::new(Settings { retry: Duration::ZERO, ..SETTINGS });
    assert_eq!(shared.pending(), Pending::default());
    shared.push(Item::Call(testing::call(1))).unwrap();
    shared.push(Item::Outcome(testing::outcome(&testing::call(1)))).unwrap();
    let mut batch = VecDeque::new();
    let Turn::Write(order) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    assert_eq!(shared.pending().entries, 2, "taken by the writer is not on disk");
    shared.failed(&order, Reason::Full, Lost::default());
    assert_eq!(shared.pending(), Pending { entries: 2, synced: None });
    // The writer has kept what it took, and tries the gap with it.
    let Turn::Write(order) = shared.turn(&mut batch) else { panic!("nobody stopped it") };
    shared.push(Item::Call(testing::call(2))).unwrap();
    let gap = order.gap.map(|missed| missed.until(Timestamp::now()));
    shared.wrote(&order, Written { items: 2, bytes: 1, removed: Vec::new(), lost: Lost::default(), gap });
    let pending = shared.pending();
    assert_eq!(pending.entries, 1, "what came since waits");
    assert!(pending.synced.is_some());
}

#[test]
fn after_the_grace_ordinary_calls_fail_too_and_after_the_end_everything_does() {
    let shared = Shared::new(Settings { grace: Duration::ZERO, ..SETTINGS });
    assert!(shared.push(Item::Call(testing::call(1))).is_ok());
    shared.failed(&Order { upto: 0, gap: None }, Reason::Full, Lost::default());
    assert_eq!(shared.push(Item::Call(testing::call(2))).unwrap_err().reason, Reason::Full);
    assert!(matches!(shared.health(), Health::Closed { reason: Reason::Full, .. }));

    let shared = Shared::new(SETTINGS);
    let mut answer = shared.push_and_wait(Some(Item::Call(testing::call(1)))).unwrap();
    shared.ended(Lost::default());
    assert_eq!(answer.try_recv().unwrap().unwrap_err().reason, Reason::Stopped);
    assert!(shared.push(Item::Call(testing::call(2))).is_err());
    assert_eq!(shared.counts().lost, 2);
}

#[test]
fn notices_are_bounded_and_say_how_many_are_forgotten() {
    let shared = Shared::new(SETTINGS);
    let checkpoint = |size| Checkpointed { note: format!("note {size}"), size, calls: 10 };
    shared.notice(Notice::Checkpoint(checkpoint(1)));
    shared.notice(Notice::Checkpoint(checkpoint(2)));
    for number in 0..MOST_NOTICES as u64 + 5 {
        shared.notice(Notice::Damaged(Damage::Missing { from: number, to: number }));
    }
    let notices = shared.notices();
    assert_eq!(notices.first(), Some(&Notice::Forgotten(5)));
    assert_eq!(notices.len(), MOST_NOTICES + 2);
    let newest = Checkpointed { calls: 20, ..checkpoint(2) };
    assert_eq!(notices.last(), Some(&Notice::Checkpoint(newest)), "a flood does not push it out");
    assert!(shared.notices().is_empty());
}
