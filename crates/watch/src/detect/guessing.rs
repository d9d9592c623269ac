//! A key that works where somebody tries credentials.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "guessing",
    reason: "the key was never used there, and many credentials that nobody knows come from there",
    family: Family::What,
    before,
    after: nothing_after,
    words: |credentials, _| format!("{credentials} credentials that nobody knows came from where this key works now"),
};

/// Who guesses beside an honest key must not be able to stop it: alone this is only noted, and a
/// key that is at home there is not looked at.
fn before(look: &Look<'_>) -> Option<Weight> {
    (look.guesses > 0).then(|| Weight::here(30, look.guesses, 0))
}

#[cfg(test)]
mod tests {
    use law::{KeyId, Severity};

    use crate::detect::testing::Stage;

    #[test]
    fn a_key_that_is_at_home_beside_a_guesser_is_not_concerned_and_one_that_was_never_there_is_asked() {
        let mut stage = Stage::settled();
        stage.guesses(40);
        assert_eq!(stage.call("GET /orders").weight("guessing"), 0);
        assert!(stage.findings().iter().all(|finding| finding.key.is_none()), "{:?}", stage.findings());
        let mut stage = Stage::settled();
        stage.from("203.0.113.66").guesses(40);
        assert_eq!(stage.call("GET /orders").weight("guessing"), 30);
        let named = stage.findings().iter().find(|finding| finding.severity == Severity::Critical).unwrap();
        assert_eq!((named.rule.as_str(), named.key), ("guessing", Some(KeyId(1))));
        assert_eq!(stage.stands, Some(Severity::Warning), "it is asked about, and stopped by nothing that others do");
    }

    #[test]
    fn a_young_key_is_named_and_not_asked() {
        let mut stage = Stage::young();
        stage.from("203.0.113.66").guesses(40);
        assert_eq!(stage.call("GET /orders").weight("guessing"), 30);
        assert!(stage.findings().iter().any(|finding| finding.severity == Severity::Critical));
        assert!(stage.stands < Some(Severity::Warning));
    }
}
