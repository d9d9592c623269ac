//! No more than so many notices a minute for each person; the rest arrives as one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use law::Severity;
use tokio::time::Instant;

use crate::{Notice, Recipient};

const MINUTE: Duration = Duration::from_mins(1);

/// Notices kept for one person until the minute is over; beyond them, the least severe is only
/// counted.
const HELD: usize = 100;

/// Whom a letter goes to: a person by mail, or (none) a webhook's receiver.
pub(crate) type Addressee = Option<Recipient>;

/// The current minute of every addressee.
#[derive(Debug)]
pub(crate) struct Groups {
    per_minute: usize,
    minutes: HashMap<String, Minute>,
}

#[derive(Debug)]
struct Minute {
    to: Addressee,
    ends: Instant,
    sent: usize,
    held: Vec<Arc<Notice>>,
    more: usize,
}

impl Groups {
    /// At most so many notices a minute for each addressee, two at least: one place of them is
    /// kept for a critical notice, so that a flood of others cannot hold it back.
    pub(crate) fn new(per_minute: usize) -> Self {
        Self { per_minute: per_minute.max(2), minutes: HashMap::new() }
    }

    /// Gives the notice back if it may go now, and keeps it otherwise.
    pub(crate) fn offer(&mut self, to: &Addressee, notice: Arc<Notice>, now: Instant) -> Option<Arc<Notice>> {
        let minute = self.minutes.entry(place(to, &notice)).or_insert_with(|| Minute::new(to.clone(), now, 0));
        if minute.ends <= now && minute.held.is_empty() {
            *minute = Minute::new(to.clone(), now, 0);
        }
        let reserve = usize::from(notice.severity < Severity::Critical);
        if minute.sent < self.per_minute - reserve {
            minute.sent += 1;
            return Some(notice);
        }
        minute.hold(notice);
        None
    }

    /// What was kept in minutes that are over, as one notice for each addressee. That one is the
    /// first of the addressee's next minute.
    pub(crate) fn ripe(&mut self, now: Instant) -> Vec<(Addressee, Arc<Notice>)> {
        let mut ripe = Vec::new();
        self.minutes.retain(|_, minute| {
            if minute.ends > now {
                return true;
            }
            let Some(notice) = minute.open() else { return false };
            ripe.push((minute.to.clone(), notice));
            *minute = Minute::new(minute.to.take(), now, 1);
            true
        });
        ripe
    }

    /// Everything that is kept, without waiting for the minutes to end.
    pub(crate) fn drain(&mut self) -> Vec<(Addressee, Arc<Notice>)> {
        self.minutes.drain().filter_map(|(_, mut minute)| minute.open().map(|notice| (minute.to, notice))).collect()
    }

    /// When the next minute ends in which something is kept.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.minutes.values().filter(|minute| !minute.held.is_empty()).map(|minute| minute.ends).min()
    }

    /// How many notices are kept.
    pub(crate) fn held(&self) -> usize {
        self.minutes.values().map(|minute| minute.held.len() + minute.more).sum()
    }
}

impl Minute {
    fn new(to: Addressee, now: Instant, sent: usize) -> Self {
        Self { to, ends: now + MINUTE, sent, held: Vec::new(), more: 0 }
    }

    fn hold(&mut self, notice: Arc<Notice>) {
        self.held.push(notice);
        if self.held.len() <= HELD {
            return;
        }
        let least = self.held.iter().enumerate().min_by_key(|(_, notice)| notice.severity);
        if let Some((place, _)) = least {
            self.held.swap_remove(place);
            self.more += 1;
        }
    }

    /// One notice for all that was held: the only one as it is, several as one.
    fn open(&mut self) -> Option<Arc<Notice>> {
        let (held, more) = (std::mem::take(&mut self.held), std::mem::take(&mut self.more));
        match held.as_slice() {
            [only] if more == 0 => Some(Arc::clone(only)),
            _ => {
                let mut several = Notice::several(&held, more, self.to.iter().cloned().collect())?;
                if held.iter().all(|notice| notice.is_of_drill()) {
                    several.say_drill();
                }
                Some(Arc::new(several))
            }
        }
    }
}

/// One mailbox is one place however its address is written. What is of a drill has a minute of its
/// own: it neither holds back what is real nor arrives as one with it.
fn place(to: &Addressee, notice: &Notice) -> String {
    let mail = to.as_ref().and_then(|recipient| recipient.mail.as_deref()).unwrap_or_default().to_ascii_lowercase();
    if notice.is_of_drill() { format!("drill {mail}") } else { mail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, notice::tests::notice};

    fn ada() -> Addressee {
        Some(Recipient { name: "Ada".to_owned(), mail: Some("ada@example.org".to_owned()) })
    }

    fn offer(groups: &mut Groups, to: &Addressee, count: usize, severity: Severity, now: Instant) -> usize {
        (0..count).filter(|n| groups.offer(to, Arc::new(notice(&format!("n{n}"), severity)), now).is_some()).count()
    }

    #[test]
    fn what_is_too_much_for_a_minute_arrives_as_one() {
        let (mut groups, start) = (Groups::new(4), Instant::now());
        assert_eq!(offer(&mut groups, &ada(), 10, Severity::Warning, start), 3);
        assert_eq!(groups.next(), Some(start + MINUTE));
        assert_eq!(groups.ripe(start + MINUTE / 2), Vec::new());
        let ripe = groups.ripe(start + MINUTE);
        assert_eq!(ripe.len(), 1);
        assert_eq!(ripe[0].1.kind, Kind::Several);
        assert_eq!(ripe[0].1.details["count"], 7);
        // The one notice counts in the minute that it opens.
        assert_eq!(offer(&mut groups, &ada(), 10, Severity::Warning, start + MINUTE), 2);
    }

    #[test]
    fn a_flood_cannot_hold_a_critical_notice_back_nor_push_it_off_the_list() {
        let (mut groups, start) = (Groups::new(4), Instant::now());
        offer(&mut groups, &ada(), 1000, Severity::High, start);
        assert_eq!(offer(&mut groups, &ada(), 2, Severity::Critical, start), 1);
        offer(&mut groups, &ada(), 1000, Severity::High, start);
        let (_, several) = groups.ripe(start + MINUTE).remove(0);
        assert_eq!(several.severity, Severity::Critical);
        assert_eq!(several.details["count"], 1998);
    }

    #[test]
    fn a_flood_for_one_person_takes_nothing_from_another() {
        let (mut groups, start) = (Groups::new(4), Instant::now());
        offer(&mut groups, &ada(), 100, Severity::Warning, start);
        let bob = Some(Recipient { name: "Bob".to_owned(), mail: Some("bob@example.org".to_owned()) });
        assert_eq!(offer(&mut groups, &bob, 1, Severity::Info, start), 1);
        let ada_again = Some(Recipient { name: "ADA".to_owned(), mail: Some("Ada@Example.org".to_owned()) });
        assert_eq!(offer(&mut groups, &ada_again, 1, Severity::Info, start), 0);
    }

    #[test]
    fn a_single_kept_notice_arrives_as_itself_and_quiet_minutes_are_forgotten() {
        let (mut groups, start) = (Groups::new(2), Instant::now());
        offer(&mut groups, &ada(), 2, Severity::Info, start);
        let ripe = groups.ripe(start + MINUTE);
        assert_eq!(ripe[0].1.kind, Kind::ChallengeOpened);
        assert_eq!(groups.ripe(start + MINUTE * 2), Vec::new());
        assert!(groups.minutes.is_empty());
    }

    #[test]
    fn a_drill_holds_nothing_real_back_and_does_not_arrive_with_it() {
        let (mut groups, start) = (Groups::new(4), Instant::now());
        for number in 0..20 {
            let mut drill = notice(&format!("d{number}"), Severity::High);
            drill.rehearse();
            groups.offer(&ada(), Arc::new(drill), start);
        }
        assert_eq!(offer(&mut groups, &ada(), 3, Severity::Warning, start), 3, "as if there were no drill");
        offer(&mut groups, &ada(), 2, Severity::Warning, start);
        let titles: Vec<String> =
            groups.ripe(start + MINUTE).into_iter().map(|(_, notice)| notice.title.clone()).collect();
        assert_eq!(titles.len(), 2);
        assert_eq!(titles.iter().filter(|title| title.starts_with("DRILL ")).count(), 1, "{titles:?}");
        let real = titles.iter().find(|title| !title.starts_with("DRILL ")).unwrap();
        assert!(!real.contains("DRILL"), "{real}");
    }

    #[test]
    fn a_shutdown_opens_everything_at_once() {
        let (mut groups, start) = (Groups::new(2), Instant::now());
        offer(&mut groups, &ada(), 5, Severity::Info, start);
        assert_eq!(groups.held(), 4);
        assert_eq!(groups.drain().len(), 1);
        assert_eq!(groups.held(), 0);
    }
}
