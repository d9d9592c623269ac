//! Stopping a person's authenticator at once: a telephone is lost, and its person stays.

use jiff::Timestamp;
use law::HolderId;

use crate::{Declined, change::Change, state::State};

impl State {
    /// Only takes away what can be shown. Where nobody could administer the gate any more, it is
    /// declined, as it is for the last administrator who would leave.
    pub(crate) fn stop_authenticator(&self, id: HolderId, recovery_codes: bool) -> Result<Option<Change>, Declined> {
        let holder = self.holder(id).ok_or_else(|| Declined::NoHolder(id.to_string()))?;
        let authenticator =
            holder.authenticator.as_deref().ok_or_else(|| Declined::NothingToStop(holder.name.clone()))?;
        let spares = authenticator.recovery.iter().any(Option::is_some);
        if self.is_last_administrator(id) && (recovery_codes || !spares) {
            return Err(Declined::LastAuthenticator(holder.name.clone()));
        }
        let changes = authenticator.stopped.is_none() || recovery_codes && spares;
        Ok(changes.then_some(Change::AuthenticatorStopped { holder: id, recovery_codes }))
    }

    pub(crate) fn authenticator_stopped(&mut self, id: HolderId, recovery_codes: bool, at: Timestamp) {
        self.with_holder(id, |holder| {
            if let Some(authenticator) = &mut holder.authenticator {
                authenticator.disabled = true;
                authenticator.stopped = Some(at);
                if recovery_codes {
                    authenticator.recovery.fill(None);
                }
            }
        });
        // Whoever has found it may have said it.
        self.take_back_yes(id);
        self.take_back_grants(id);
    }
}
