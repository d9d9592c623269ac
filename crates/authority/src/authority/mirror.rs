//! What the request path reads, kept like the state.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use law::{ChallengeId, HolderId, KeyId, neighbourhood};

use super::{Authority, Failed, HolderFacts, in_force_of, lock};
use crate::{
    change::Change,
    guess::Kept,
    key::Key,
    state::{Holder, State},
};

impl Authority {
    /// Takes one change into what the request path reads.
    pub(super) fn mirror(&self, change: &Change, now: Timestamp) -> Result<(), Failed> {
        match change {
            Change::HolderLeft { id, keys_go_on: _ } => {
                self.mirror_holders();
                let keys: Vec<Arc<Key>> =
                    self.view(|state| state.keys().filter(|key| key.holder() == Some(*id)).cloned().collect());
                let falls = |state: &State| keys.iter().flat_map(|key| state.falls_with(key.id)).collect();
                let fallen: HashSet<KeyId> = self.view(falls);
                fallen.iter().for_each(|key| self.mirror_key(*key));
                self.windows.pin().retain(|(windowed, _), _| !fallen.contains(windowed));
                self.close_windows();
                self.call_out_all(now);
            }
            Change::HolderChanged { .. } | Change::Enrolled { .. } | Change::AuthenticatorStopped { .. } => {
                self.mirror_holders();
                self.close_windows();
                self.call_out_all(now);
            }
            // Somebody else may answer for it now.
            Change::KeyIdentified { key, .. } | Change::KeyNamed { key, .. } => {
                self.mirror_key(*key);
                self.close_windows();
                self.call_out_all(now);
            }
            // Whoever writes the changes mirrors all who are new at once.
            Change::HolderAdded { .. } | Change::ImportBegan { .. } => {}
            Change::HolderReturned { .. } | Change::AuthenticatorDisabled { .. } => self.mirror_holders(),
            Change::KeyAdopted { id: key, .. }
            | Change::KeyRepeppered { key, .. }
            | Change::KeyEnabled { key }
            | Change::KeyIssued { id: key, .. }
            | Change::DrillBegun { key, canary: false, .. }
            | Change::DrillMinted { key, .. }
            | Change::KeyImported { id: key, .. }
            | Change::KeyWarned { key, .. }
            | Change::KeyEnded { key, .. }
            | Change::HeaderClosed { key } => self.mirror_key(*key),
            // A forgotten key went from the table with its verifier.
            Change::KeyEndSet { key, end: _ }
            | Change::KeyEndPutOff { key, until: _ }
            | Change::KeyStandsFor { key, .. } => {
                let line = self.view(|state| state.line_below(*key));
                line.into_iter().for_each(|key| self.mirror_key(key));
            }
            Change::KeySucceeds { key, of, grace: _ } | Change::KeyTookOver { key, of, until: _ } => {
                self.mirror_key(*key);
                // What hangs on it ends with its grace.
                let line = self.view(|state| state.line_below(*of));
                line.into_iter().for_each(|key| self.mirror_key(key));
            }
            Change::KeyNarrowed { key, scope: _ } => {
                let line = self.view(|state| state.line_below(*key));
                line.into_iter().for_each(|key| self.mirror_key(key));
                self.call_out_all(now);
            }
            // Which keys it bound is not in the state any more.
            Change::KeyWidened { .. } => self.mirror_keys(),
            Change::KeyDisabled { key, why: _ }
            | Change::KeyRevoked { key, why: _ }
            | Change::KeyRetired { key }
            | Change::KeyForgotten { key }
            | Change::DrillEnded { key, .. } => {
                let mut fallen = self.view(|state| state.falls_with(*key));
                fallen.extend(self.view(|state| state.drill_keys(*key).collect::<Vec<_>>()));
                fallen.iter().for_each(|key| self.mirror_key(*key));
                if matches!(change, Change::KeyRevoked { .. }) {
                    self.made.pin().remove(key);
                }
                if matches!(change, Change::KeyForgotten { .. } | Change::DrillEnded { .. }) {
                    self.mirror_contained();
                }
                if matches!(change, Change::DrillEnded { .. }) {
                    self.mirror_canaries();
                }
                self.windows.pin().retain(|(windowed, _), _| !fallen.contains(windowed));
                self.call_out_all(now);
            }
            Change::Spent { challenge, .. } => {
                self.mirror_window(*challenge);
                self.call_out(*challenge, now);
            }
            Change::Approved { challenge, .. }
            | Change::Denied { challenge, .. }
            | Change::Covered { challenge, .. } => {
                self.call_out(*challenge, now);
            }
            Change::LawLoaded { .. } | Change::ObservingEnded { .. } => {
                if let Some((page, newest)) = self.view(|state| Some((state.law.clone()?.1, state.newest))) {
                    self.law.store(Arc::new(in_force_of(&page.parse()?, newest)));
                }
            }
            Change::KeyContained { key, step, .. } => {
                self.mirror_contained();
                if step.contains() {
                    self.mirror_key(*key);
                    let windows = self.windows.pin();
                    let fallen = self.view(|state| state.made_by(*key, windows.keys().map(|(windowed, _)| *windowed)));
                    windows.retain(|(windowed, _), _| !fallen.contains(windowed));
                    drop(windows);
                    self.call_out_all(now);
                }
            }
            Change::KeyLifted { .. } => self.mirror_contained(),
            Change::CanaryIssued { .. } | Change::CanaryEnded { .. } | Change::DrillBegun { canary: true, .. } => {
                self.mirror_canaries();
            }
            Change::StateRestored { .. } => {
                self.windows.pin().clear();
                self.call_out_all(now);
            }
            Change::Asked { .. }
            | Change::KeyKnownAs { .. }
            | Change::KeyDeadAbroad { .. }
            | Change::KeyAliveAbroad { .. }
            | Change::Invited { .. }
            | Change::KeyRequested { .. }
            | Change::KeyRequestGranted { .. }
            | Change::KeyRequestDenied { .. }
            | Change::KeyRequestCollected { .. }
            | Change::Proved { .. }
            | Change::LawWaits { .. }
            | Change::PostureLoaded { .. }
            | Change::PostureWaits { .. }
            | Change::PostureRefused { .. }
            | Change::CatalogueObeyed { .. }
            | Change::EnrolmentContested { .. }
            | Change::UpstreamCredentialSet {}
            | Change::ShelfBound {}
            | Change::RecordTrimmed { .. } => {}
        }
        Ok(())
    }

    pub(super) async fn mirror_all(&self, now: Timestamp) -> Result<(), Failed> {
        self.mirror_holders();
        self.mirror_canaries();
        self.mirror_contained();
        self.mirror_keys();
        let windows: Vec<_> = {
            let state = self.read();
            state.windows.iter().map(|(at, window)| (*at, window.since)).collect()
        };
        let mirrored = self.windows.pin();
        windows.into_iter().for_each(|(at, window)| {
            mirrored.insert(at, window);
        });
        drop(mirrored);
        for (name, kept) in self.store.bucket("guesses").await? {
            if let Ok(person) = name.parse::<HolderId>() {
                lock(&self.guesses).restore(person, Kept::read(&kept), now);
            }
        }
        Ok(())
    }

    pub(super) fn mirror_holders(&self) {
        let facts = self.view(|state| {
            let facts = |holder: &Holder| HolderFacts {
                kind: holder.kind,
                left: holder.stops_keys(),
                owner: holder.owner,
                presentable: state.presentable(holder.id),
            };
            state.holders().map(|holder| (holder.id, facts(holder))).collect()
        });
        self.holders.store(Arc::new(facts));
    }

    fn mirror_keys(&self) {
        self.read().keys.values().for_each(|key| self.keys.put(key));
    }

    pub(super) fn mirror_key(&self, key: KeyId) {
        if let Some(key) = self.view(|state| state.key(key).cloned()) {
            self.keys.put(&key);
        }
    }

    pub(super) fn mirror_window(&self, challenge: ChallengeId) {
        let window = self.view(|state| {
            let question = &state.question(challenge)?.question;
            let at = (question.key, neighbourhood(question.source));
            state.windows.get(&at).map(|window| (at, window.since))
        });
        if let Some((at, window)) = window {
            self.windows.pin().insert(at, window);
        }
    }

    /// Takes those away that the state has no more.
    fn close_windows(&self) {
        let open: HashSet<_> = self.view(|state| state.windows.keys().copied().collect());
        self.windows.pin().retain(|at, _| open.contains(at));
    }
}
