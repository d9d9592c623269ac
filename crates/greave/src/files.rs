//! How many files this process may have open. Every connection is one, and most systems start
//! a service with 1024, so that a few hundred idle clients would keep everybody else out.

use rustix::process::{Resource, getrlimit, setrlimit};

/// For the record, the database, and those who are told.
const OWN: u64 = 64;

/// Whom there are files for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Clients of the gate at once.
    pub(crate) clients: usize,
    /// Connections at once to the desk, and as many to the metrics.
    pub(crate) guests: usize,
}

/// Raises the limit as far as the system allows, and says what it is enough for.
pub(crate) fn room() -> Room {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit = raised,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the limit of open files stays as it is")
        }
    }
    shared(limit.current.unwrap_or(u64::MAX))
}

/// A client may need a connection to the API, too.
fn shared(files: u64) -> Room {
    let guests = (files / 10).clamp(8, 512);
    let clients = files.saturating_sub(OWN + 2 * guests) / 2;
    let count = |places| usize::try_from(places).unwrap_or(usize::MAX);
    Room { clients: count(clients.max(1)), guests: count(guests) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_beside_clients_has_room() {
        assert_eq!(shared(1024), Room { clients: 378, guests: 102 });
        assert_eq!(shared(64), Room { clients: 1, guests: 8 }, "somebody can always come");
        assert_eq!(shared(u64::MAX).guests, 512);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        room();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
