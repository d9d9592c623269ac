//! One key from two places at once.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "two-places",
    reason: "the key is in use where it always is, and elsewhere within the same minute",
    family: Family::Where,
    before,
    after: nothing_after,
    words: |seconds, _| format!("{seconds} s after a call from where the key always is"),
};

/// How close together, in seconds.
const AT_ONCE: u32 = 90;

fn before(look: &Look<'_>) -> Option<Weight> {
    if !look.new.network || look.profile.roams(look.now) {
        return None;
    }
    let elsewhere = look.profile.lately.iter().filter(|lately| lately.usual && lately.network != look.place.network);
    let since = elsewhere.map(|lately| look.second.saturating_sub(lately.second)).min()?;
    (since <= AT_ONCE).then_some(Weight::here(20, since, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn at_once_is_told_and_one_after_the_other_is_not() {
        let mut stage = Stage::settled();
        stage.call("GET /orders");
        assert_eq!(stage.from("203.0.113.66").after_seconds(20).call("GET /orders").weight("two-places"), 20);
        let mut moved = Stage::settled();
        moved.call("GET /orders");
        assert_eq!(moved.from("203.0.113.66").after_seconds(300).call("GET /orders").weight("two-places"), 0);
    }
}
