//! What a key's profile learns: from a call's attempt, from what became of it, from a person's word.

use law::Power;

use crate::{
    deeds::Few,
    habit::{DAY, HOUR, Habit, Minute},
    look::New,
    outline::Outline,
    profile::{Incident, Profile, Try, Vouched},
    seen::{Became, Seen},
    signal::{Case, Signal},
    state::{ASKED, PLACES_SETTLE, is_elsewhere},
};

/// What the child of a key is to know of it: whether it is known to mint, and where it is at
/// home; none where that is nowhere yet.
pub(crate) fn parentage(parent: &Profile, now: Minute) -> Option<(bool, [u32; 4])> {
    let mut networks: Vec<_> = parent.networks.iter().filter(|known| known.is_usual(now, PLACES_SETTLE)).collect();
    networks.sort_by_key(|known| std::cmp::Reverse((known.days, known.calls)));
    let mut known = [0; 4];
    for (slot, network) in known.iter_mut().zip(networks) {
        *slot = network.name;
    }
    (known != [0; 4]).then(|| (parent.new_powers(Power::Mint.into(), now).is_empty(), known))
}

/// A person stands for this call: its operation and powers, from its block, with its program.
pub(crate) fn vouch(call: &Seen<'_>, outline: &Outline, profile: &mut Profile) -> bool {
    let Outline { minute, place, agent, operation, .. } = *outline;
    profile.vouched = Vouched { until: minute + HOUR, block: place.block, agent, operation };
    profile.blocks.note(place.block, minute, true);
    profile.agents.note(agent, minute, true);
    profile.trust(place.network);
    profile.trust(place.block);
    profile.trust(agent);
    profile.operations.note(operation, minute, true);
    profile.signals.retain(|signal| signal.place != place.block);
    profile.tries.retain(|tried| tried.block != place.block);
    if call.named() != law::Powers::EVERY {
        profile.use_powers(call.named(), minute, true);
    }
    profile.tried_powers = profile.tried_powers.iter().filter(|power| !call.powers.contains(*power)).collect();
    let elsewhere = |signal: &Signal| Case::ever(profile.signals.iter().copied(), signal.place, minute) >= ASKED;
    if profile.signals.iter().any(elsewhere) {
        return false;
    }
    (profile.woke, profile.slept) = (0, 0);
    profile.succeeded = 0;
    profile.flags.stranger = false;
    profile.open = Incident::default();
    profile.accept(minute);
    true
}

/// Notes a silence that ends.
pub(crate) fn wake(profile: &mut Profile, now: Minute) {
    let gap = now.saturating_sub(profile.last);
    if profile.calls > 0 && gap >= DAY {
        profile.longest_gap = profile.longest_gap.max(profile.slept);
        (profile.slept, profile.woke) = (gap, now);
    } else {
        profile.longest_gap = profile.longest_gap.max(gap);
    }
    profile.last = profile.last.max(now);
}

pub(crate) fn remember_attempt(call: &Seen<'_>, outline: &Outline, profile: &mut Profile, new: &New) {
    let Outline { minute, place, operation, .. } = *outline;
    profile.awake.note(minute, is_elsewhere(profile, new, minute));
    if new.operation {
        profile.note_try(Try { operation, block: place.block, at: minute, lists: call.is_listing(), refused: false });
    }
    if minute.saturating_sub(profile.tried_powers_at) > DAY {
        profile.tried_powers = law::Powers::NONE;
    }
    let tried = new.powers.intersection(call.named());
    if !tried.is_empty() && call.named() != law::Powers::EVERY {
        profile.tried_powers = profile.tried_powers.union(tried);
        profile.tried_powers_at = minute;
    }
    if let Some(strange) = new.subject {
        if minute.saturating_sub(profile.new_subjects_at) > 20 {
            profile.new_subjects = Few::default();
        }
        profile.new_subjects.note(strange.thing);
        profile.new_subjects_at = minute;
    }
}

pub(crate) fn remember_outcome(call: &Seen<'_>, became: &Became, outline: &Outline, profile: &mut Profile, new: &New) {
    let Outline { minute, place, operation, subject, .. } = *outline;
    if matches!(became.status, 401 | 403) || became.status == 404 && new.operation {
        let lists = call.is_listing();
        profile.note_try(Try { operation, block: place.block, at: minute, lists, refused: true });
    }
    if became.status == 401 {
        if minute.saturating_sub(profile.failed_at) > HOUR {
            profile.failed = 0;
        }
        profile.failed = profile.failed.saturating_add(1);
        profile.failed_at = minute;
    }
    let reads = subject.filter(|_| !call.acts());
    // Who goes through numbers finds many that are not there.
    if let Some(subject) = reads.filter(|_| became.status < 400 || became.status == 404) {
        profile.deeds.count(operation, Some(subject), minute);
        profile.count_subject(subject.whole, minute);
    }
    if became.status >= 400 {
        return;
    }
    profile.failed = 0;
    let number = |many: u64| u32::try_from(many).unwrap_or(u32::MAX);
    profile.count_answer(number(became.rows.unwrap_or(0)), number(became.bytes_out / 1024), minute);
    if call.acts() {
        profile.deeds.count(operation, subject, minute);
    }
    if call.removes() {
        profile.destroyed.add(1, minute);
    }
    if call.named().contains(Power::Export) && call.named() != law::Powers::EVERY {
        profile.last_export = minute;
    }
}

/// What a person stands for is known from now on: of the network only its block.
pub(crate) fn learn(
    call: &Seen<'_>,
    outline: &Outline,
    profile: &mut Profile,
    new: &New,
    [learning, vouched]: [bool; 2],
) {
    let Outline { minute, place, agent, operation, .. } = *outline;
    let trusted = learning || vouched;
    // What is asked for elsewhere makes only that place usual, in its time.
    if !is_elsewhere(profile, new, minute) {
        profile.operations.note(operation, minute, trusted);
        if call.acts() || outline.subject.is_some() {
            profile.deeds.learn(operation, outline.subject, minute);
        }
        if call.named() != law::Powers::EVERY {
            profile.use_powers(call.named(), minute, trusted);
        }
    }
    let powers = call.named().intersection(law::Powers::SENSITIVE);
    let known = |habit: &mut Habit| habit.powers = habit.powers.union(powers);
    if vouched || !profile.is_doubted(place.network, minute) {
        known(profile.blocks.note(place.block, minute, trusted));
        known(profile.networks.note(place.network, minute, learning));
    }
    if vouched || !profile.is_doubted(agent, minute) {
        known(profile.agents.note(agent, minute, trusted));
    }
    profile.note_hour(minute);
    if profile.calls == 0 || profile.learned / DAY != minute / DAY {
        profile.days = profile.days.saturating_add(1);
    }
    profile.learned = minute;
    profile.calls = profile.calls.saturating_add(1);
}

pub(crate) fn networks_lately(profile: &Profile) -> u32 {
    let strange = profile.lately.iter().filter(|lately| !lately.usual);
    let mut networks: Vec<u32> = strange.map(|lately| lately.network).collect();
    networks.sort_unstable();
    networks.dedup();
    u32::try_from(networks.len()).unwrap_or(u32::MAX)
}
