//! What came of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// How one attack went.
#[derive(Clone, Debug, Serialize)]
pub struct AttackScore {
    /// Such as `A5`.
    pub id: String,
    /// The first finding that is more than a note.
    pub detected_at: Option<Timestamp>,
    /// From when its calls were asked for a factor or refused.
    pub contained_at: Option<Timestamp>,
    /// Steps whose last call went through.
    pub completed_steps: usize,
    /// As the label says.
    pub contain_by: usize,
    /// Whether no later step was completed.
    pub in_time: bool,
    /// Rows that went out to the thief.
    pub rows_out: u64,
    /// Calls of the thief before that.
    pub calls_before: u64,
    /// Why.
    pub reasons: Vec<String>,
}

/// How honest people fared.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HonestScore {
    /// Keys in the traffic.
    pub keys: usize,
    /// Days of traffic.
    pub days: f64,
    /// Honest keys that were frozen, pinned, disabled or revoked.
    pub containments: usize,
    /// Which.
    pub containments_of: Vec<String>,
    /// Findings that interrupted a person.
    pub alerts: usize,
    /// The same for a hundred keys and a week.
    pub alerts_per_100_keys_week: f64,
    /// Questions to honest people.
    pub challenged: usize,
    /// The same for a hundred keys and a week.
    pub challenged_per_100_keys_week: f64,
    /// Which keys were asked about or contained, when, and why.
    pub held: Vec<Held>,
}

/// Something that was done about an honest key.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// The key.
    pub key: String,
    /// With which call.
    pub at: Timestamp,
    /// Whether it was contained, and not asked about.
    pub contained: bool,
    /// What spoke against it.
    pub reasons: Vec<String>,
}

/// One scenario under one rule.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioScore {
    /// Its name.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// Its attacks.
    pub attacks: Vec<AttackScore>,
    /// Everybody else.
    pub honest: HonestScore,
}

/// All scenarios under one rule.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Attacks.
    pub attacks: usize,
    /// Those that were contained in time.
    pub in_time: usize,
    /// Honest keys that were contained.
    pub honest_containments: usize,
    /// Over all keys and weeks.
    pub alerts_per_100_keys_week: f64,
    /// The same for questions.
    pub challenged_per_100_keys_week: f64,
    /// Alerts for a hundred keys and a week, over the scenarios.
    pub alerts: Spread,
    /// Questions for a hundred keys and a week, over the scenarios.
    pub challenged: Spread,
    /// The part of the attacks of each scenario that was contained in time.
    pub in_time_part: Spread,
    /// By the attack's name: how many, how many in time.
    pub by_attack: BTreeMap<String, (usize, usize)>,
}

/// A number over the scenarios.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// Half of them have at most this.
    pub median: f64,
    /// Nine of ten have at most this.
    pub p90: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |percent: usize| values.get((values.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(0.0);
        Self { least: at(0), median: at(50), p90: at(90), most: at(100) }
    }
}

impl Totals {
    /// Adds up.
    pub fn of(scores: &[ScenarioScore]) -> Self {
        let mut totals = Self::default();
        let mut key_weeks = 0.0;
        let (mut alerts, mut challenged) = (0, 0);
        for score in scores {
            for attack in &score.attacks {
                totals.attacks += 1;
                totals.in_time += usize::from(attack.in_time);
                let by = totals.by_attack.entry(attack.id.clone()).or_default();
                by.0 += 1;
                by.1 += usize::from(attack.in_time);
            }
            totals.honest_containments += score.honest.containments;
            (alerts, challenged) = (alerts + score.honest.alerts, challenged + score.honest.challenged);
            key_weeks += part(score.honest.keys, 100) * (score.honest.days / 7.0);
        }
        let key_weeks = if key_weeks > 0.0 { key_weeks } else { 1.0 };
        totals.alerts_per_100_keys_week = part(alerts, 1) / key_weeks;
        totals.challenged_per_100_keys_week = part(challenged, 1) / key_weeks;
        let spread = |of: &dyn Fn(&ScenarioScore) -> f64| Spread::of(scores.iter().map(of).collect());
        totals.alerts = spread(&|score| score.honest.alerts_per_100_keys_week);
        totals.challenged = spread(&|score| score.honest.challenged_per_100_keys_week);
        totals.in_time_part = spread(&|score| {
            let in_time = score.attacks.iter().filter(|attack| attack.in_time).count();
            if score.attacks.is_empty() { 1.0 } else { part(in_time, score.attacks.len()) }
        });
        totals
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of keys, attacks and alerts")]
fn part(some: usize, of: usize) -> f64 {
    some as f64 / of.max(1) as f64
}

/// Everything that a run says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The watch, with every guard at `secret`.
    pub scenarios: Vec<ScenarioScore>,
    /// The same, added up.
    pub totals: Totals,
    /// Other rules on the same traffic.
    pub rules: BTreeMap<&'static str, Totals>,
}
