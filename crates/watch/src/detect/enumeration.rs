//! One thing after the other, by their ids.

use super::{Detector, Family, nothing_before};
use crate::{look::Look, seen::Became, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "enumeration",
    reason: "the key reads many more different things one by one than it ever did",
    family: Family::Much,
    before: nothing_before,
    after,
    words: |now, before| format!("{now} different things within an hour or a day; the most before was {before}"),
};

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    if look.learning || look.call.subject.is_none() || look.call.acts() {
        return None;
    }
    let series = &look.profile.distinct;
    let of_hour = measure(1, (series.this_hour(look.now), series.ceiling()));
    let of_day = measure(2, series.this_day(look.now));
    // Whoever reads many orders one by one may begin to do the same with customers.
    let of_operation = look.profile.deeds.named(look.operation).map_or((0, 0), |deed| deed.whole(look.now));
    let (points, now, before) = measure(1, of_operation);
    let (points, now, before) = of_hour.max(of_day).max((points.min(20), now, before));
    (points > 0).then_some(Weight::here(look.much(points), now, before))
}

/// What it weighs, with both numbers. Beyond all measure it is asked about wherever it is done from.
fn measure(few: u32, (now, before): (u32, u32)) -> (u8, u32, u32) {
    let beyond = |least: u32, times: u32| now > (least * few).max(before.saturating_mul(times));
    let points = match now {
        _ if beyond(150, 20) => 40,
        _ if beyond(120, 12) => 30,
        _ if beyond(80, 6) => 25,
        _ if beyond(60, 3) => 20,
        _ => 0,
    };
    (points, now, before)
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn many_more_than_ever_are_told() {
        let mut stage = Stage::settled_about_others("read", "GET /orders/{id}");
        for id in 0..50 {
            stage.about(&id.to_string()).after_seconds(1).call("GET /orders/{id}");
        }
        assert_eq!(stage.weight("enumeration"), 0);
        for id in 50..100 {
            stage.about(&id.to_string()).after_seconds(1).call("GET /orders/{id}");
        }
        assert_eq!(stage.weight("enumeration"), 25);
        let mut never = Stage::settled();
        for id in 0..100 {
            never.about(&id.to_string()).call("GET /orders/{id}");
        }
        assert_eq!(never.weight("enumeration"), 40, "what it never asked for says more");
    }

    #[test]
    fn far_more_than_ever_is_asked_about_at_home_and_half_as_much_again_is_nothing() {
        let mut stage = Stage::settled_about_others("read", "GET /orders/{id}");
        for id in 0..200 {
            stage.about(&format!("a{id}")).call("GET /orders/{id}");
        }
        assert!(stage.stands >= Some(law::Severity::Warning) && stage.unusual, "{:?}", stage.findings());
        let mut slow = Stage::settled_about_others("read", "GET /orders/{id}");
        for id in 0..400 {
            slow.after_seconds(120).about(&format!("a{id}")).call("GET /orders/{id}");
        }
        assert!(slow.weight("enumeration") >= 30, "{}", slow.weight("enumeration"));
        let mut more = Stage::settled_about_others("read", "GET /orders/{id}");
        for id in 0..50 {
            more.about(&format!("a{id}")).call("GET /orders/{id}");
        }
        assert_eq!(more.weight("enumeration"), 0);
    }

    #[test]
    fn who_goes_through_numbers_is_seen_by_what_is_not_there_too() {
        let mut stage = Stage::settled();
        for id in 0..100 {
            stage.about(&id.to_string()).answered(404).call("GET /orders/{id}");
        }
        assert!(stage.weight("enumeration") >= 20);
    }
}
