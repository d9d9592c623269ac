//! Whoever wants a change may go away in the middle of it: what is on disk is in force.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll::{self, Ready},
};

use super::*;

/// Polls a future so often, with time for the disk in between, then drops it.
async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..times {
        if let Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(done);
        }
        std::thread::sleep(std::time::Duration::from_micros(50));
        tokio::task::yield_now().await;
    }
    None
}

/// What is true, in the same order each time.
fn picture(authority: &Authority, now: Timestamp) -> Vec<String> {
    authority.view(|state| {
        let keys = state.keys().map(|key| format!("{} {:?} {:?} {:?}", key.id, key.standing, key.holder(), key.born()));
        let held = state.contained(now).map(|(key, held)| format!("{key} {:?}", held.collect::<Vec<_>>()));
        let asked = state.questions().map(|asked| format!("{asked:?}"));
        keys.chain(held).chain(asked).collect()
    })
}

#[tokio::test]
async fn whoever_hangs_up_in_the_middle_of_a_change_leaves_memory_and_disk_alike() {
    let mut house = House::new().await;
    let mut dropped = 0;
    for times in 0..30 {
        house.pass(61);
        let (authority, now) = (house.authority.clone(), house.now);
        let secret = format!("secret-{times}");
        let key = house.key_of_ann(&secret).await;
        let contained = [Containment {
            key: key.id,
            step: LadderStep::StepUp,
            powers: Powers::SENSITIVE,
            from: now,
            until: now + SignedDuration::from_hours(9),
            reason: "a test".to_owned(),
            lift: String::new(),
            with: None,
        }];
        let sighting = Sighting {
            place: "minted".to_owned(),
            source: elsewhere(),
            parent: Some(key.id),
            inherits: true,
            claim: None,
        };
        let minted = SecretDigest::of(format!("minted-{times}").as_bytes());
        dropped += usize::from(polled(times, authority.contain(&contained, now)).await.is_none());
        dropped += usize::from(polled(times, authority.adopt(&minted, &sighting, now)).await.is_none());
        let ask = delete_user(key.id);
        dropped += usize::from(polled(times, authority.ask(&ask, Exhibit::default, now)).await.is_none());
        // Whatever became of them: the next change is written, at once.
        let disable = Command::DisableKey(key.id, "a test".to_owned());
        authority.perform(&disable, Warrant::SignedIn(house.ann), now).await.unwrap();
    }
    assert!(dropped > 10, "{dropped} were dropped");
    let before = picture(&house.authority, house.now);
    house.restart().await;
    let after = picture(&house.authority, house.now);
    assert_eq!(before, after, "what holds is what is written, and nothing is written that does not hold");
    house.authority.store().verify().await.unwrap();
}
