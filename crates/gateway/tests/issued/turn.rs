//! One key takes another's place on its first use.

use authority::Change;
use http::StatusCode;
use law::{Power, Refusal, Span, Standing};

use super::{reading, scope};
use crate::house::House;

fn standing(house: &House, key: law::KeyId) -> Standing {
    house.authority.view(|state| state.key(key).unwrap().standing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_call_that_passes_retires_the_old_key_once_and_what_both_use_counts_together() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (old, secret) = house.issue(reading(), &["calls 20/d"]).await;
    let (_, made) = house.retire(old, Span::hours(1)).await;
    assert_eq!(house.get("/v1/things", &secret).await.status, StatusCode::OK);
    let request = house.request("DELETE", "/v1/things/a").header("authorization", &format!("Bearer {made}"));
    assert_eq!(house.send(request, "").await.refusal(), Some(Refusal::OutOfScope));
    assert_eq!(standing(&house, old), Standing::Active, "what does not pass is no use");

    let mut changes = house.authority.listen();
    let first = || house.get("/v1/things", &made);
    let (one, two, three, four) = tokio::join!(first(), first(), first(), first());
    for answer in [one, two, three, four] {
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(standing(&house, old), Standing::Retiring);
    let mut taken = 0;
    while let Ok(written) = changes.try_recv() {
        taken += usize::from(matches!(&written.change, Change::KeyTookOver { of, .. } if *of == old));
    }
    assert_eq!(taken, 1);
    for _ in 0..15 {
        assert_eq!(house.get("/v1/things", &secret).await.status, StatusCode::OK, "for its grace");
    }
    for secret in [&secret, &made] {
        assert_eq!(house.get("/v1/things", secret).await.refusal(), Some(Refusal::LimitReached));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_grace_the_old_key_is_refused_as_retired_and_cut() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (old, secret) = house.issue(scope(&[Power::Read, Power::Write], &[]), &[]).await;
    // Its first event is held back to be searched.
    let mut stream = house.start_stream("/v1/events", &secret).await;
    let (_, made) = house.retire(old, Span::seconds(0)).await;
    assert!(!stream.next().await, "what runs is cut");
    let refused = house.get("/v1/things", &secret).await;
    assert_eq!((refused.status, refused.refusal()), (StatusCode::UNAUTHORIZED, Some(Refusal::Retired)));
    assert_eq!(house.get("/v1/things", &made).await.status, StatusCode::OK);
}
