//! Limits of rows and bytes, while answers go on.

use authority::Scope;
use http::StatusCode;
use law::{Ended, Power, Powers, Refusal};

use super::{reading, scope};
use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_answer_that_has_more_rows_than_are_left_is_refused_and_says_how_many_are() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &["rows 13/d"]).await;
    assert_eq!(house.get("/v1/things/sized-8", &key).await.status, StatusCode::OK);
    let answer = house.get("/v1/things/sized-8", &key).await;
    assert_eq!((answer.status, answer.refusal()), (StatusCode::TOO_MANY_REQUESTS, Some(Refusal::LimitReached)));
    assert_eq!(answer.header("ratelimit-policy"), Some("\"rows-d\";q=13;w=86400"));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"rows-d\";r=5;t="));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(house.get("/v1/things/lines", &key).await.status, StatusCode::OK, "three lines of CSV");
    assert_eq!(house.get("/v1/things/sized-2", &key).await.status, StatusCode::OK);
    let answer = house.get("/v1/things/sized-0", &key).await;
    assert!(answer.header("ratelimit").unwrap().starts_with("\"rows-d\";r=0;t="));
    assert_eq!(house.upstream.count("GET", "/v1/things/sized-0").await, 0, "nothing is left: the API is not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_ends_where_the_limit_does_and_nobody_takes_it_for_whole() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &["bytes 100000/d"]).await;
    let answer = house.get("/v1/things/long", &key).await;
    assert_eq!(answer.refusal(), Some(Refusal::LimitReached), "its length is known before it begins");
    let (came, broke) = house.read_on("/v1/things/stream-40", &key).await;
    assert!(broke && came.len() <= 100_000 && came.starts_with(b"things things"), "{}", came.len());
    let (_, outcome) = house.last_call().await;
    assert_eq!((outcome.status, outcome.ended), (200, Ended::LimitReached));
    assert_eq!(outcome.bytes_out, came.len() as u64);
    assert!(house.found().contains(&"limit-reached".to_owned()));
    let (came_then, broke) = house.read_on("/v1/things/stream-40", &key).await;
    assert!(came.len() + came_then.len() <= 100_000 && (broke || came_then.starts_with(b"{")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_go_on_at_once_take_no_more_together_than_the_limit_says() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(reading(), &["bytes 300000/d"]).await;
    let read = || house.read_on("/v1/things/stream-20", &key);
    let came: [_; 6] = tokio::join!(read(), read(), read(), read(), read(), read()).into();
    // What is refused is a problem of the gate's own words.
    let of_the_api = came.iter().filter(|(came, _)| !came.starts_with(b"{"));
    let together: usize = of_the_api.map(|(came, _)| came.len()).sum();
    assert!((140_000..=300_000).contains(&together), "{together}");
    assert!(came.iter().any(|(_, broke)| *broke));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_happened_at_the_api_is_answered_and_the_next_call_pays() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(scope(&[Power::Read, Power::Write], &[]), &["bytes 50/d"]).await;
    assert_eq!(house.post("/v1/things/sized-20", &key, "{}").await.status, StatusCode::OK);
    assert_eq!(house.post("/v1/things/sized-20", &key, "{}").await.refusal(), Some(Refusal::LimitReached));
    assert_eq!(house.upstream.count("POST", "/v1/things/sized-20").await, 1);

    let house = House::enforcing().await;
    house.lend_credential();
    let (_, key) = house.issue(scope(&[Power::Read, Power::Write], &[]), &["bytes 50/d"]).await;
    // 200,000 bytes are beyond reason: their head says that it happened, the rest does not come.
    let request = house.request("POST", "/v1/things/sized-25000").header("authorization", &format!("Bearer {key}"));
    let (status, came, broke) = house.send_on(request).await;
    assert_eq!((status, came.len(), broke), (StatusCode::OK, 0, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_counted_counts_by_its_size_and_does_not_pass_where_it_is_sensitive() {
    let house = House::observing().await;
    house.lend_credential();
    let (_, key) = house.issue(Scope { powers: Powers::EVERY, ..reading() }, &["rows 100/d"]).await;
    assert_eq!(house.get("/v1/things/export", &key).await.refusal(), Some(Refusal::RowsUncounted));
    // 7,000 bytes of no known form.
    assert_eq!(house.read_on("/v1/things/stream-1", &key).await, ("things ".repeat(1000).into_bytes(), false));
    let answer = house.get("/v1/things/sized-80", &key).await;
    assert!(answer.header("ratelimit").unwrap().starts_with("\"rows-d\";r=72;t="), "28 of 256 bytes each are gone");
}
