//! What became of a drill, as a card.

use std::time::Instant;

use authority::{Card, Moment, Noticed};
use drill::{Plan, Scenario};
use gateway::{Event, Replied};
use law::{CallId, Powers, Step};

use super::overheard::Heard;

/// A call that was played.
pub(super) struct Called {
    pub(super) began: Instant,
    /// The step's place in the scenario.
    pub(super) step: usize,
    pub(super) honest: bool,
    pub(super) powers: Powers,
    /// What would have got out, had it passed.
    pub(super) rows: u64,
    pub(super) replied: Replied,
}

impl Called {
    /// Whether nothing but the gate's own dry answer stood in its way.
    const fn passed(&self) -> bool {
        self.replied.refusal.is_none()
    }

    /// The items of its answer: those of the API's own, where that was read.
    fn got_out(&self) -> u64 {
        let all = self.replied.read.unwrap_or(self.rows);
        if self.replied.whole { all } else { 0 }
    }

    fn was_asked(&self) -> bool {
        self.replied.refusal.as_deref() == Some("step-up")
    }
}

/// Counts what became of the calls, and when the gate did what.
pub(super) fn score(
    scenario: &Scenario,
    plan: &Plan,
    called: &[Called],
    events: &[(Instant, Event)],
    heard: &[Heard],
) -> Card {
    let thief: Vec<&Called> = called.iter().filter(|call| !call.honest).collect();
    let begin = thief.first().map(|call| call.began);
    let since = |at: Instant| begin.map_or(0, |begin| millis(begin, at));
    let passed = || thief.iter().filter(|call| call.passed());
    let steps = |calls: &mut dyn Iterator<Item = usize>| {
        let mut places: Vec<usize> = calls.collect();
        places.sort_unstable();
        places.dedup();
        number(places.len())
    };
    let timeline = Timeline { thief: &thief, called, events };
    let is_found = |event: &Event| matches!(event, Event::Found { .. });
    let is_held = |event: &Event| matches!(event, Event::Held { step, .. } if *step >= Step::StepUp);
    let strictest = events.iter().filter_map(|(_, event)| match event {
        Event::Held { step, .. } if *step >= Step::StepUp => Some(*step),
        _ => None,
    });
    let lifted = events.iter().find(|(_, event)| matches!(event, Event::Lifted)).map(|(at, _)| since(*at));
    let contain_by = scenario.contain_by as usize;
    Card {
        watch: String::new(),
        calls: number(thief.len()),
        passed: number(passed().count()),
        asked: number(thief.iter().filter(|call| call.was_asked()).count()),
        refused: number(thief.iter().filter(|call| !call.passed() && !call.was_asked()).count()),
        steps: steps(&mut plan.calls.iter().filter(|call| !call.honest).map(|call| call.step)),
        done: steps(&mut passed().map(|call| call.step)),
        contain_by: scenario.contain_by,
        in_time: !passed().any(|call| call.step >= contain_by),
        detected: timeline.first(is_found, since),
        contained: timeline.first(is_held, since),
        strictest: strictest.max().map(|step| step.to_string()),
        rows: passed().map(|call| call.got_out()).fold(0, u64::saturating_add),
        read: number(thief.iter().filter(|call| call.replied.read.is_some()).count()),
        found: None,
        sensitive: number(passed().filter(|call| call.powers.is_sensitive()).count()),
        told: heard
            .iter()
            .map(|heard| Noticed {
                by: heard.by.to_owned(),
                name: heard.name.clone(),
                ms: since(heard.at),
                of: heard.of.clone(),
                taken: heard.taken.map(since),
            })
            .collect(),
        lifted,
        skipped: plan.skipped.clone(),
        broken_off: None,
    }
}

struct Timeline<'a> {
    thief: &'a [&'a Called],
    called: &'a [Called],
    events: &'a [(Instant, Event)],
}

impl Timeline<'_> {
    /// The first event of a kind: at which call, and how long after that one began.
    fn first(&self, is: impl Fn(&Event) -> bool, since: impl Fn(Instant) -> u64) -> Option<Moment> {
        let (at, event) = self.events.iter().find(|(_, event)| is(event))?;
        let (call, what) = match event {
            Event::Found { call, rule, .. } => (*call, rule.clone()),
            Event::Held { call, step } => (*call, step.to_string()),
            Event::Call(_) | Event::Lifted => return None,
        };
        // The call that showed it, or the last one that had begun.
        let seen = call.and_then(|call| self.seen(call)).unwrap_or(*at);
        let began = self.called.iter().rev().map(|call| call.began).find(|began| *began <= seen)?;
        let number = self.thief.iter().filter(|call| call.began <= began).count();
        let after = u64::try_from(at.saturating_duration_since(began).as_micros()).unwrap_or(u64::MAX);
        Some(Moment { call: self::number(number), ms: since(*at), after, what })
    }

    fn seen(&self, id: CallId) -> Option<Instant> {
        self.events.iter().find(|(_, event)| *event == Event::Call(id)).map(|(at, _)| *at)
    }
}

fn millis(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}

fn number(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use law::{Power, Severity};
    use uuid::Uuid;

    use super::*;

    const TEXT: &str = r#"
        name = "s"
        story = "s"
        contain_by = 1
        [[step]]
        name = "look"
        call = { reads = "new" }
        times = 2
        [[step]]
        name = "take"
        call = { power = "export" }
    "#;

    fn called(began: Instant, step: usize, power: Power, refusal: Option<&str>) -> Called {
        let replied = Replied { status: 200, refusal: refusal.map(str::to_owned), whole: true, read: None };
        Called { began, step, honest: false, powers: Powers::from(power), rows: 100, replied }
    }

    #[test]
    fn a_card_says_at_which_call_and_how_long_after_it() {
        let (zero, ms) = (Instant::now(), Duration::from_millis);
        let (one, two) = (CallId(Uuid::from_u128(1)), CallId(Uuid::from_u128(2)));
        let calls = [
            called(zero, 0, Power::Read, None),
            called(zero + ms(100), 0, Power::Read, None),
            called(zero + ms(200), 1, Power::Export, Some("step-up")),
        ];
        let events = [
            (zero + ms(1), Event::Call(one)),
            (zero + ms(101), Event::Call(two)),
            (zero + ms(102), Event::Found { call: Some(two), rule: "unfamiliar".into(), severity: Severity::Warning }),
            // It came into force when the next call had begun.
            (zero + ms(207), Event::Held { call: Some(two), step: Step::StepUp }),
        ];
        let scenario = Scenario::read(TEXT).unwrap();
        let card = score(&scenario, &Plan::default(), &calls, &events, &[]);
        assert_eq!((card.calls, card.passed, card.asked, card.refused), (3, 2, 1, 0));
        assert_eq!((card.rows, card.sensitive, card.done, card.in_time), (200, 0, 1, true));
        let detected = card.detected.unwrap();
        assert_eq!((detected.call, detected.ms, detected.after), (2, 102, 2_000));
        let contained = card.contained.unwrap();
        assert_eq!((contained.call, contained.after, &*contained.what), (2, 107_000, "step-up"));

        let late = [called(zero, 0, Power::Read, None), called(zero, 1, Power::Export, None)];
        let card = score(&scenario, &Plan::default(), &late, &[], &[]);
        assert!(!card.in_time && card.contained.is_none());
        assert_eq!((card.sensitive, card.rows), (1, 200));

        let [one, mut two] = late;
        two.replied.whole = false;
        let card = score(&scenario, &Plan::default(), &[one, two], &[], &[]);
        assert_eq!((card.sensitive, card.rows), (1, 100), "an answer that is cut has not got out");
    }
}
