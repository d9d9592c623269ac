//! When to try again. Pure: the same letter waits the same times.

use std::time::Duration;

use jiff::Timestamp;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(10);

/// The longest that a receiver may send us away for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// How long to wait after so many failed attempts (1 after the first): doubled each time, at
/// most ten minutes, of which the letter's name takes off up to a half, so that letters that
/// failed together do not come back together.
pub fn backoff(attempts: u32, letter: &str) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
    let whole = doubled.min(LONGEST);
    let chance = mix(letter, attempts) % 1000;
    whole.saturating_sub(whole.saturating_mul(u32::try_from(chance).unwrap_or(0)) / 2000)
}

/// The wait that a `Retry-After` header asks for (RFC 9110 §10.2.3): seconds, or a date. At most
/// an hour; none where it cannot be read.
pub(crate) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let asked = if header.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(header.parse().ok()?)
    } else {
        let until = jiff::fmt::rfc2822::parse(header).ok()?.timestamp();
        Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(asked.min(LONGEST_ASKED))
}

/// FNV-1a over the name and the number, finished by the mixer of SplitMix64: spread, not secrecy.
fn mix(letter: &str, attempts: u32) -> u64 {
    let hash = letter
        .bytes()
        .chain(attempts.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_between_half_and_all_of_its_step(attempts in 1_u32..200, letter in "[a-z0-9]{0,20}") {
            let whole = Duration::from_secs(1 << (attempts - 1).min(30)).min(LONGEST);
            let wait = backoff(attempts, &letter);
            prop_assert!(wait <= whole && wait >= whole / 2, "{wait:?} of {whole:?}");
            prop_assert_eq!(wait, backoff(attempts, &letter));
        }
    }

    #[test]
    fn letters_that_failed_together_come_back_apart() {
        let mut waits: Vec<_> = (0..100).map(|n| backoff(5, &format!("n{n}"))).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 80, "{}", waits.len());
    }

    #[test]
    fn a_receiver_says_how_long_to_stay_away_within_reason() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let after = |header| retry_after(header, now);
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Tue, 24 Nov 2026 10:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(after("Tue, 24 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("99999999"), Some(LONGEST_ASKED));
        for text in ["", "-1", "soon", "99999999999999999999999"] {
            assert_eq!(after(text), None, "{text}");
        }
    }
}
