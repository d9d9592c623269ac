//! Traffic against a rule, in simulated time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
};

use jiff::{SignedDuration, Timestamp};
use law::KeyId;
use watch::Answer;

use crate::{
    scenario::{Attack, Call, Event, Scenario},
    score::{AttackScore, Held, HonestScore, ScenarioScore},
};

/// What a rule says of a call.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Whether it passes; `None` is yes.
    pub answer: Option<Answer>,
    /// Findings that are more than a note.
    pub found: bool,
    /// Findings that interrupt a person.
    pub alerts: usize,
    /// Keys that are asked for a factor from now on.
    pub asked: Vec<KeyId>,
    /// Keys that are contained from now on.
    pub contained: Vec<KeyId>,
    /// Why.
    pub reasons: Vec<String>,
}

/// Something that answers calls.
pub trait Rule {
    /// Before a call goes on.
    fn judge(&mut self, call: &Call) -> Judged;
    /// After a call that went on.
    fn ended(&mut self, call: &Call, now: Timestamp) -> Judged;
    /// What the authority knows.
    fn told(&mut self, event: &Event);
    /// The owner said yes to this call.
    fn vouched(&mut self, call: &Call, now: Timestamp);
}

/// How long honest people take to answer.
const ANSWER: SignedDuration = SignedDuration::from_secs(60);

/// Plays a scenario, and scores the rule with the labels.
pub fn play(scenario: &Scenario, rule: &mut (impl Rule + ?Sized)) -> ScenarioScore {
    let mut play = Play::new(scenario);
    let mut events = scenario.events.iter().peekable();
    for (place, call) in scenario.calls.iter().enumerate() {
        play.answer_until(call.at, rule);
        while let Some(event) = events.next_if(|event| event.at <= call.at) {
            rule.told(event);
        }
        play.one(place, call, rule);
    }
    play.answer_until(Timestamp::MAX, rule);
    play.finish()
}

struct Play<'s> {
    scenario: &'s Scenario,
    thefts: Vec<Theft<'s>>,
    /// Which attacks a key has to do with.
    of_key: HashMap<KeyId, Vec<usize>>,
    /// Honest calls that wait for their person, by when the answer comes.
    waiting: BinaryHeap<Reverse<(Timestamp, usize)>>,
    asked: HashMap<KeyId, Timestamp>,
    honest: HonestScore,
    contained: HashSet<KeyId>,
    /// Keys that were never made, because the call that would have made them was stopped.
    unborn: HashSet<KeyId>,
}

/// Days on which the keys were in use: on days with next to no calls there is nothing to be wrong about.
fn days(scenario: &Scenario) -> f64 {
    let mut calls: HashMap<i64, usize> = HashMap::new();
    for call in &scenario.calls {
        *calls.entry(call.at.as_second() / 86_400).or_default() += 1;
    }
    let most = calls.values().copied().max().unwrap_or(0);
    let used = calls.values().filter(|count| **count * 20 >= most).count();
    f64::from(u32::try_from(used).unwrap_or(u32::MAX))
}

/// An attack as it goes.
struct Theft<'s> {
    attack: &'s Attack,
    from: Timestamp,
    /// Of each step: whether its last call went through.
    completed: Vec<bool>,
    /// Of each step: whether a call is at its very end. Then that is its last call, and what the
    /// owner does meanwhile with the same key completes nothing.
    ends_exactly: Vec<bool>,
    detected_at: Option<Timestamp>,
    contained_at: Option<Timestamp>,
    rows_out: u64,
    calls_before: u64,
    reasons: Vec<String>,
}

impl<'s> Play<'s> {
    fn new(scenario: &'s Scenario) -> Self {
        let mut of_key: HashMap<KeyId, Vec<usize>> = HashMap::new();
        let mut thefts = Vec::new();
        for attack in &scenario.labels.attacks {
            for key in attack.keys.iter().filter_map(|name| scenario.names.known(name)) {
                of_key.entry(key).or_default().push(thefts.len());
            }
            let from = attack.steps.iter().map(|step| step.from).min().unwrap_or(Timestamp::MAX);
            thefts.push(Theft {
                attack,
                from,
                completed: vec![false; attack.steps.len()],
                ends_exactly: vec![false; attack.steps.len()],
                detected_at: None,
                contained_at: None,
                rows_out: 0,
                calls_before: 0,
                reasons: Vec::new(),
            });
        }
        for call in &scenario.calls {
            for place in of_key.get(&call.key).into_iter().flatten() {
                if let Some(theft) = thefts.get_mut(*place).filter(|theft: &&mut Theft<'_>| theft.has(call)) {
                    let ends = |step: &crate::scenario::Stage| step.to == call.at;
                    let steps = theft.attack.steps.iter().zip(&mut theft.ends_exactly);
                    steps.for_each(|(step, exactly)| *exactly |= ends(step));
                }
            }
        }
        let days = days(scenario);
        let honest = HonestScore { keys: scenario.names.keys(), days, ..HonestScore::default() };
        let (waiting, asked) = (BinaryHeap::new(), HashMap::new());
        Self { scenario, thefts, of_key, waiting, asked, honest, contained: HashSet::new(), unborn: HashSet::new() }
    }

    fn one(&mut self, place: usize, call: &Call, rule: &mut (impl Rule + ?Sized)) {
        let thefts = self.thefts_of(call);
        if self.unborn.contains(&call.key) {
            self.unborn.extend(call.became.minted);
            self.stop(&thefts, call);
            return;
        }
        let judged = rule.judge(call);
        self.note(call, &judged, call.at);
        let answer = judged.answer.unwrap_or(Answer::Pass);
        if answer == Answer::Pass {
            for theft in &thefts {
                if let Some(theft) = self.thefts.get_mut(*theft) {
                    theft.passed(call);
                }
            }
            let judged = rule.ended(call, call.at);
            self.note(call, &judged, call.at);
            return;
        }
        self.stop(&thefts, call);
        if answer == Answer::Refuse || !thefts.is_empty() {
            self.unborn.extend(call.became.minted);
        } else {
            let at = *self.asked.entry(call.key).or_insert_with(|| {
                self.honest.challenged += 1;
                call.at.saturating_add(ANSWER).unwrap_or(Timestamp::MAX)
            });
            self.waiting.push(Reverse((at, place)));
        }
    }

    fn stop(&mut self, thefts: &[usize], call: &Call) {
        for place in thefts {
            if let Some(theft) = self.thefts.get_mut(*place) {
                theft.stopped(call);
            }
        }
    }

    /// People answer, and what they were asked for goes on.
    fn answer_until(&mut self, now: Timestamp, rule: &mut (impl Rule + ?Sized)) {
        while let Some(Reverse((at, place))) = self.waiting.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.waiting.pop();
            let Some(call) = self.scenario.calls.get(place) else { continue };
            self.asked.remove(&call.key);
            rule.vouched(call, at);
            let judged = rule.ended(call, at);
            self.note(call, &judged, at);
        }
    }

    /// The attacks that a call belongs to.
    fn thefts_of(&self, call: &Call) -> Vec<usize> {
        let of_key = self.of_key.get(&call.key).into_iter().flatten().copied();
        of_key.filter(|place| self.thefts.get(*place).is_some_and(|theft| theft.has(call))).collect()
    }

    fn note(&mut self, call: &Call, judged: &Judged, now: Timestamp) {
        let mut of_attack = false;
        for place in self.of_key.get(&call.key).into_iter().flatten() {
            if let Some(theft) = self.thefts.get_mut(*place).filter(|theft| now >= theft.from) {
                of_attack = true;
                theft.note(judged, now);
            }
        }
        if !of_attack {
            self.honest.alerts += judged.alerts;
        }
        let asked = judged.asked.iter().map(|key| (key, false));
        for (key, contained) in asked.chain(judged.contained.iter().map(|key| (key, true))) {
            let of_key = self.of_key.get(key).into_iter().flatten();
            if of_key.filter_map(|place| self.thefts.get(*place)).any(|theft| now >= theft.from) {
                continue;
            }
            let Some(name) = self.scenario.names.of(*key).map(str::to_owned) else { continue };
            if contained && self.contained.insert(*key) {
                self.honest.containments += 1;
                self.honest.containments_of.push(name.clone());
            }
            self.honest.held.push(Held { key: name, at: now, contained, reasons: judged.reasons.clone() });
        }
    }

    fn finish(self) -> ScenarioScore {
        let weeks = (self.honest.days / 7.0).max(1.0 / 7.0);
        #[expect(clippy::cast_precision_loss, reason = "numbers of keys and alerts")]
        let per = |count: usize| count as f64 / (self.honest.keys.max(1) as f64 / 100.0) / weeks;
        let (alerts, challenged) = (per(self.honest.alerts), per(self.honest.challenged));
        let honest =
            HonestScore { alerts_per_100_keys_week: alerts, challenged_per_100_keys_week: challenged, ..self.honest };
        let labels = &self.scenario.labels;
        let attacks = self.thefts.into_iter().map(Theft::score).collect();
        ScenarioScore { name: labels.name.clone(), seed: labels.seed, attacks, honest }
    }
}

impl Theft<'_> {
    fn has(&self, call: &Call) -> bool {
        self.attack.has(call)
    }

    /// What the owner does between two steps is no loss.
    fn passed(&mut self, call: &Call) {
        if self.attack.steps.iter().any(|step| step.has(call)) {
            self.rows_out += call.became.rows.unwrap_or(0);
            self.calls_before += u64::from(self.contained_at.is_none());
        }
        self.complete(call, true);
    }

    /// By its last call: what comes later in the step counts.
    fn complete(&mut self, call: &Call, passed: bool) {
        let steps = self.attack.steps.iter().zip(&self.ends_exactly).zip(&mut self.completed);
        for ((step, exactly), completed) in steps {
            if call.at == step.to || !exactly && step.has(call) {
                *completed = passed;
            }
        }
    }

    fn stopped(&mut self, call: &Call) {
        self.contained_at.get_or_insert(call.at);
        self.detected_at.get_or_insert(call.at);
        self.complete(call, false);
    }

    fn note(&mut self, judged: &Judged, now: Timestamp) {
        if judged.found {
            self.detected_at.get_or_insert(now);
        }
        if !judged.asked.is_empty() || !judged.contained.is_empty() {
            self.contained_at.get_or_insert(now);
        }
        for reason in &judged.reasons {
            if self.reasons.len() < 4 && !self.reasons.contains(reason) {
                self.reasons.push(reason.clone());
            }
        }
    }

    fn score(self) -> AttackScore {
        let later = self.completed.iter().skip(self.attack.contain_by).any(|completed| *completed);
        AttackScore {
            id: self.attack.id.clone(),
            detected_at: self.detected_at,
            contained_at: self.contained_at,
            completed_steps: self.completed.iter().filter(|completed| **completed).count(),
            contain_by: self.attack.contain_by,
            in_time: self.contained_at.is_some() && !later,
            rows_out: self.rows_out,
            calls_before: self.calls_before,
            reasons: self.reasons,
        }
    }
}
