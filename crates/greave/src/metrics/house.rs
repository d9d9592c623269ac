//! What Prometheus reads of the gate itself: which one it is, the law in force, the questions that
//! wait, its record, and its process.

use std::{fs, sync::OnceLock};

use authority::{Authority, Progress, State};
use console::Told;
use jiff::Timestamp;
use law::HolderKind;
use record::{Book, Health, Pending, Room};
use rustix::process::{Resource, getrlimit};

use super::text::Text;

pub(super) fn of_law(text: &mut Text, authority: &Authority, now: Timestamp) {
    let law = authority.law();
    let digest = law.digest.to_string();
    text.by("greave_law_info", "gauge", "the law in force", "digest", [(digest, 1)]);
    let (mut enforced, mut observed) = (0, 0);
    for kind in HolderKind::ALL {
        for (_, cell) in law.law.of(kind).iter() {
            *if cell.mode.enforces(now) { &mut enforced } else { &mut observed } += 1;
        }
    }
    drop(law);
    let guards = [("enforce", enforced), ("observe", observed)];
    text.by("greave_law_guards", "gauge", "guards, one for each power and kind of holder", "mode", guards);
    let waits = authority.view(|state| state.waiting().is_some());
    text.gauge("greave_law_waiting", "whether something weaker waits for a code: 1, or 0", u64::from(waits));
}

pub(super) fn of_questions(text: &mut Text, authority: &Authority, told: &Told, now: Timestamp) {
    let (open, oldest) = authority.view(|state| open(state, now));
    text.gauge("greave_questions_open", "questions that wait for an answer", open);
    let age = oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs().max(0));
    text.gauge("greave_questions_oldest_age_seconds", "age of the oldest of them", age);
    text.counter("greave_questions_untold_total", "questions of which nobody could be told", told.nobody());
}

fn open(state: &State, now: Timestamp) -> (usize, Option<Timestamp>) {
    let open = state.questions().filter(|asked| asked.progress(now) == Progress::Open);
    open.fold((0, None), |(count, oldest), asked| (count + 1, oldest.into_iter().chain([asked.at]).min()))
}

pub(super) fn of_record(text: &mut Text, book: &Book, cap: u64) {
    let counts = book.counts();
    text.counter("greave_record_entries_total", "entries of the record on disk", counts.written);
    text.counter("greave_record_lost_total", "entries that could not be written", counts.lost);
    text.counter("greave_record_syncs_total", "times the record was synced", counts.syncs);
    text.counter("greave_record_failures_total", "writes and syncs of the record that failed", counts.failures);
    text.counter("greave_record_refused_total", "times a call was told that it cannot be recorded", counts.refused);
    let health = book.health();
    let failing = u64::from(health != Health::Healthy);
    text.gauge("greave_record_failing", "whether the record cannot be written: 1, or 0", failing);
    let closed = u64::from(matches!(health, Health::Closed { .. }));
    text.gauge("greave_record_closed", "whether it could not for so long that all calls are refused: 1, or 0", closed);
    let Pending { entries, synced } = book.pending();
    text.gauge("greave_record_pending_entries", "entries that are not on disk yet", entries);
    if let Some(synced) = synced {
        let help = "when entries last came to the disk";
        text.gauge("greave_record_last_sync_timestamp_seconds", help, synced.as_second());
    }
    text.gauge("greave_record_cap_bytes", "what the record may take", cap);
    if let Ok(Room { bytes, free, size }) = record::room(book.folder()) {
        text.gauge("greave_record_bytes", "what the record takes", bytes);
        text.gauge("greave_record_disk_free_bytes", "what is free on its disk", free);
        text.gauge("greave_record_disk_size_bytes", "how large its disk is", size);
    }
}

/// Under the names that every program has for it.
pub(super) fn of_process(text: &mut Text) {
    let version = [(env!("CARGO_PKG_VERSION"), 1)];
    text.by("greave_build_info", "gauge", "which greave this is", "version", version);
    text.gauge("process_start_time_seconds", "when it started", started().as_second());
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "files that are open", open.count());
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        text.gauge("process_max_fds", "files that may be open", most);
    }
    if let Some(bytes) = resident() {
        text.gauge("process_resident_memory_bytes", "memory that is in use", bytes);
    }
}

/// When this process was first asked; at its start.
pub(crate) fn started() -> Timestamp {
    static STARTED: OnceLock<Timestamp> = OnceLock::new();
    *STARTED.get_or_init(Timestamp::now)
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    kib.parse::<u64>().ok()?.checked_mul(1024)
}
