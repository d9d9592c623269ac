//! What is used, and no log shows; a log that stops.

use law::Severity;

use super::{Evidence, Finding, Rule, Subject, living, shown};
use crate::{Settings, estate::Estate, moment};

pub(super) const RULE: Rule = Rule {
    name: "unwatched",
    title: "what is used and no log shows, and logs that stop",
    mend: "switch the log on for every region and service that the key reaches, and see that it arrives",
    worst: Severity::Warning,
    look,
};

/// A log may lag behind by so many days.
const LAG: u32 = 2;

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let stopped = estate.logs.iter().filter_map(|log| {
        let days = moment::days(log.to, settings.as_of).filter(|days| *days > LAG)?;
        let what = format!("the log ends {days} days before the moment of the audit");
        let evidence = Evidence::new(format!("last event {}", log.to), &log.place);
        Some(Finding::new(&RULE, Severity::Warning, Subject::Estate, what, evidence))
    });
    let unseen = living(estate, settings).filter_map(|(ix, key)| {
        let at = key.last_use.at()?;
        let log = estate.logs.iter().find(|log| log.provider == key.provider && log.from <= at && at <= log.to)?;
        if key.seen.is_some() {
            return None;
        }
        let what = format!("was used on {}, and the log of that day does not show it", at.strftime("%Y-%m-%d"));
        let evidence = Evidence::new(format!("the log reaches from {} to {}", log.from, log.to), &log.place);
        Some(Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)).and([evidence]))
    });
    stopped.chain(unseen).collect()
}
