//! What is counted and timed for those who measure.

use std::time::{Duration, Instant};

use gateway::{Decided, Times};
use http::StatusCode;

use crate::house::House;

const SECRET: &str = "secret-of-ann-1234567890";

fn of(mut times: impl Iterator<Item = (Decided, Times)>, decided: Decided) -> Times {
    times.find(|(of, _)| *of == decided).unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_is_timed_by_what_was_decided_and_what_waits_for_a_person_is_not_the_gates_own() {
    let house = House::enforcing().await;
    house.adopt(SECRET).await;
    let counts = house.counts();
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK);
    let traced = house.request("TRACE", "/v1/things").header("authorization", "Bearer secret-of-ann-1234567890");
    assert!(house.send(traced, "").await.refusal().is_some());

    let held = house.start_post("/v1/keys", SECRET, "{}");
    let question = house.question().await;
    let (asked, thought) = (Instant::now(), Duration::from_millis(20));
    house.until(|_| (asked.elapsed() >= thought).then_some(())).await;
    house.approve(&[question]).await;
    assert_eq!(held.await.unwrap().status, StatusCode::CREATED);

    let durations = |decided| of(counts.durations.iter(), decided);
    let all = [Decided::Permit, Decided::Refuse, Decided::Approved];
    house.until(|_| all.iter().all(|decided| durations(*decided).count == 1).then_some(())).await;
    let shares = |decided| of(counts.shares.iter(), decided);
    for decided in Decided::ALL {
        assert_eq!(shares(decided).count, durations(decided).count, "{decided:?}");
        assert!(shares(decided).micros <= durations(decided).micros, "{decided:?}");
    }
    let others = durations(Decided::Approved).micros - shares(Decided::Approved).micros;
    assert!(u128::from(others) >= thought.as_micros(), "the person's time is not the gate's: {others}");

    let answers: Vec<_> = counts.answers().filter(|(_, many)| *many > 0).collect();
    assert_eq!(answers, [("2xx", 2)], "what the gate said itself is not the API's answer");
    assert_eq!(counts.unanswered().map(|(_, many)| many).sum::<u64>(), 0);
}
