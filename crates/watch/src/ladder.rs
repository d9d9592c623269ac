//! The ladder: findings in, containments out, and whether a call passes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use law::{Answer, Containment, Finding, HolderId, HolderKind, KeyId, Power, Powers, Severity, Step};
use serde::{Deserialize, Serialize};

/// What each severity is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// For what is good to know.
    pub info: Step,
    /// For what adds up.
    pub warning: Step,
    /// For what looks like a theft.
    pub high: Step,
    /// For what is certain: a leak, a person's "this is not me".
    pub critical: Step,
}

impl Answers {
    const fn of(&self, severity: Severity) -> Step {
        match severity {
            Severity::Info => self.info,
            Severity::Warning => self.warning,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }
}

/// How findings are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Keys of people.
    pub person: Answers,
    /// Keys of one's own programs.
    pub workload: Answers,
    /// Keys of others' programs.
    pub vendor: Answers,
    /// A canary that was used: nothing of one's own hangs on it.
    pub canary: Step,
    /// A leak that is known.
    pub leaked: Step,
    /// So many keys may be contained within an hour; more need a person. Of one person's at most
    /// half as many, and a third is kept for what is certain.
    pub most_an_hour: usize,
    /// So many may be asked for a second factor within an hour; of one person's at most half as many.
    pub most_asked_an_hour: usize,
    /// A question that nobody answers for so long makes a theft of what looks like one: then it is frozen.
    pub unanswered_minutes: u32,
    /// How long a step-up lasts.
    pub asks_minutes: u32,
    /// How long a freeze and what is stricter last. A revocation has no end.
    pub lasts_minutes: u32,
    /// Only tell.
    pub dry_run: bool,
}

impl Settings {
    /// How a finding is answered where nothing stands in the way.
    pub fn answer(&self, rule: &str, severity: Severity, kind: HolderKind) -> Step {
        let answers = match kind {
            HolderKind::Person => &self.person,
            HolderKind::Workload => &self.workload,
            HolderKind::Vendor => &self.vendor,
        };
        match rule {
            "canary" => self.canary,
            "leaked" => self.leaked,
            _ => answers.of(severity),
        }
    }
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// What its holder is.
    pub kind: HolderKind,
    /// Who answers for it.
    pub person: Option<HolderId>,
}

/// How a finding was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Met {
    /// With what, by now or before.
    pub step: Step,
    /// What is newly in force, in the order in which it is to be done.
    pub new: Vec<Containment>,
    /// Whether it would have been answered more strictly, and too many are held or asked already.
    pub capped: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let usual = Answers { info: Step::Note, warning: Step::StepUp, high: Step::StepUp, critical: Step::Disable };
        Self {
            person: usual,
            workload: usual,
            vendor: usual,
            canary: Step::Revoke,
            leaked: Step::Pin,
            most_an_hour: 10,
            most_asked_an_hour: 50,
            unanswered_minutes: 10,
            asks_minutes: 24 * 60,
            lasts_minutes: 24 * 60,
            dry_run: false,
        }
    }
}

/// What makes a foothold lasting: stopped before anything else.
pub const FOOTHOLD: Powers = Powers::NONE.with(Power::Mint).with(Power::Grant);

/// What is remembered of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Held {
    containments: Vec<Containment>,
    /// The first question that nobody answered.
    asked: Option<Timestamp>,
}

/// Containments in force. Deterministic: the same findings at the same moments give the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    settings: Settings,
    keys: BTreeMap<KeyId, Held>,
    children: BTreeMap<KeyId, Vec<KeyId>>,
    /// When keys were contained, and when asked, in the last hour.
    contained: Vec<One>,
    asking: Vec<One>,
}

/// Children of one key that are remembered.
const MOST_CHILDREN: usize = 256;

impl Ladder {
    /// A ladder on which nobody stands yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Answers otherwise from now on.
    pub fn obey(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// How findings are answered.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes over what holds a key, where that is kept elsewhere. What people were asked because of
    /// a containment that is over counts no more.
    pub fn hold(&mut self, key: KeyId, containments: Vec<Containment>) {
        let held = self.keys.entry(key).or_default();
        let since = containments.iter().filter(|it| it.step == Step::StepUp).map(|it| it.from).min();
        held.asked = held.asked.filter(|asked| since.is_some_and(|since| since <= *asked));
        held.containments = containments;
        if *held == Held::default() {
            self.keys.remove(&key);
        }
    }

    /// Notes that a person is asked because of what holds the key.
    pub fn asks(&mut self, key: KeyId, now: Timestamp) {
        self.keys.entry(key).or_default().asked.get_or_insert(now);
    }

    /// Forgets a key that is gone.
    pub fn forget(&mut self, key: KeyId) {
        self.keys.remove(&key);
        self.children.remove(&key);
    }

    /// Notes that a key made another: what holds the one holds the other.
    pub fn minted(&mut self, parent: KeyId, child: KeyId) {
        let children = self.children.entry(parent).or_default();
        if parent != child && !children.contains(&child) && children.len() < MOST_CHILDREN {
            children.push(child);
        }
    }

    /// Answers a finding.
    pub fn meet(&mut self, finding: &Finding, whose: Whose, now: Timestamp) -> Met {
        let Some(key) = finding.key else { return Met { step: Step::Note, new: Vec::new(), capped: false } };
        let mut step = self.settings.answer(&finding.rule, finding.severity, whose.kind);
        if finding.severity == Severity::High && step == Step::StepUp && self.is_unanswered(key, now) {
            step = Step::Freeze;
        }
        if self.settings.dry_run {
            step = step.min(Step::Tell);
        }
        let (mut reason, wanted) = (reason(finding), step);
        if !self.has(key, step, now) {
            step = self.within_caps(key, finding.severity, whose, step, &mut reason, now);
        }
        let (mut new, capped) = (Vec::new(), step < wanted);
        if self.has(key, step, now) {
            return Met { step, new, capped };
        }
        let family = self.family(key);
        // What could outlive an answer is stopped first, for the key and all its children.
        if step > Step::Freeze {
            self.put(&family, key, Step::Freeze, FOOTHOLD, &reason, now, &mut new);
        }
        self.put(&family, key, step, powers_of(step), &reason, now, &mut new);
        Met { step, new, capped }
    }

    /// Whether this, or what is stricter, is in force for the key.
    fn has(&self, key: KeyId, step: Step, now: Timestamp) -> bool {
        let powers = powers_of(step);
        let holds = |held: &Containment| held.step >= step && powers.intersection(held.powers) == powers;
        step >= Step::StepUp && self.on(key, now).any(holds)
    }

    /// Says whether a call passes.
    pub fn answer(&mut self, key: KeyId, powers: Powers, unusual: bool, now: Timestamp) -> Answer {
        let Some(held) = self.keys.get_mut(&key) else { return Answer::Pass };
        held.containments.retain(|containment| containment.until > now);
        let says = held.containments.iter().map(|containment| containment.says(powers, unusual, now));
        let answer = says.max().unwrap_or_default();
        if answer == Answer::Ask {
            held.asked.get_or_insert(now);
        }
        if held.containments.is_empty() {
            self.keys.remove(&key);
        }
        answer
    }

    /// A person said yes with their factor to what a step-up asked for: nothing is asked of the
    /// key any more. What is stricter stays.
    pub fn vouched(&mut self, key: KeyId) {
        if let Some(held) = self.keys.get_mut(&key) {
            held.asked = None;
            held.containments.retain(|containment| containment.step.contains());
        }
    }

    /// A person lifts everything of one key and of what hangs on it.
    pub fn lift(&mut self, key: KeyId) {
        for held in self.family(key) {
            self.keys.remove(&held);
        }
    }

    /// What is in force for a key.
    pub fn on(&self, key: KeyId, now: Timestamp) -> impl Iterator<Item = &Containment> {
        let held = self.keys.get(&key).into_iter().flat_map(|held| &held.containments);
        held.filter(move |containment| containment.until > now)
    }

    /// The key and all that it made, and they made.
    fn family(&self, key: KeyId) -> Vec<KeyId> {
        let mut family = vec![key];
        let mut place = 0;
        while let Some(parent) = family.get(place).copied() {
            for child in self.children.get(&parent).into_iter().flatten() {
                if !family.contains(child) && family.len() < MOST_CHILDREN {
                    family.push(*child);
                }
            }
            place += 1;
        }
        family
    }

    fn is_unanswered(&self, key: KeyId, now: Timestamp) -> bool {
        let patience = SignedDuration::from_mins(i64::from(self.settings.unanswered_minutes));
        self.keys.get(&key).and_then(|held| held.asked).is_some_and(|asked| now.duration_since(asked) >= patience)
    }

    /// Where too many are contained already, the milder answer is given, and says so. One person's
    /// keys, or what is less than certain, must not take the room of all others.
    fn within_caps(
        &mut self,
        key: KeyId,
        severity: Severity,
        whose: Whose,
        step: Step,
        reason: &mut String,
        now: Timestamp,
    ) -> Step {
        let hour = SignedDuration::from_hours(1);
        self.contained.retain(|one| now.duration_since(one.at) < hour);
        self.asking.retain(|one| now.duration_since(one.at) < hour);
        let one = One { key, person: whose.person, at: now };
        let mut step = step;
        // A canary takes nothing from anybody.
        if step.contains() && step != Step::Revoke {
            let most = self.settings.most_an_hour;
            let kept = if severity == Severity::Critical { 0 } else { most / 3 };
            if !one.is_within(&mut self.contained, most - kept, most.div_ceil(2)) {
                reason.push_str("; too many keys are contained within this hour to do more than ask");
                step = Step::StepUp;
            }
        }
        if step == Step::StepUp && !self.has(key, step, now) {
            let most = self.settings.most_asked_an_hour;
            if !one.is_within(&mut self.asking, most, most.div_ceil(2)) {
                reason.push_str("; too many keys are asked within this hour to do more than tell");
                step = Step::Tell;
            }
        }
        step
    }

    #[expect(clippy::too_many_arguments, reason = "one containment is all of these")]
    fn put(
        &mut self,
        family: &[KeyId],
        with: KeyId,
        step: Step,
        powers: Powers,
        reason: &str,
        now: Timestamp,
        new: &mut Vec<Containment>,
    ) {
        let settings = &self.settings;
        let minutes = if step >= Step::Freeze { settings.lasts_minutes } else { settings.asks_minutes };
        let end = now.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX);
        let until = if step == Step::Revoke { Timestamp::MAX } else { end };
        for key in family {
            let containment = Containment {
                key: *key,
                step,
                powers,
                from: now,
                until,
                reason: reason.to_owned(),
                lift: format!("greave watch lift {key}"),
                with: (*key != with).then_some(with),
            };
            if step >= Step::StepUp {
                let held = &mut self.keys.entry(*key).or_default().containments;
                // What holds already ends when it was said to end: if there is still reason then, it begins anew.
                if held.iter().any(|held| (held.step, held.powers) == (step, powers) && held.until > now) {
                    continue;
                }
                held.push(containment.clone());
            } else if *key != with {
                continue;
            }
            new.push(containment);
        }
    }
}

/// One key for which something was done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct One {
    key: KeyId,
    person: Option<HolderId>,
    at: Timestamp,
}

impl One {
    /// Takes a place, where there is one for it.
    fn is_within(self, taken: &mut Vec<Self>, most: usize, most_of_one: usize) -> bool {
        if taken.iter().any(|one| one.key == self.key) {
            return true;
        }
        let theirs = taken.iter().filter(|one| one.person.is_some() && one.person == self.person).count();
        let is_within = taken.len() < most && theirs < most_of_one;
        if is_within {
            taken.push(self);
        }
        is_within
    }
}

/// What a step stops.
const fn powers_of(step: Step) -> Powers {
    match step {
        Step::StepUp | Step::Freeze => Powers::SENSITIVE,
        _ => Powers::EVERY,
    }
}

fn reason(finding: &Finding) -> String {
    let parts: Vec<&str> = finding.evidence().map(|evidence| evidence.what.as_str()).collect();
    parts.join("; ")
}
