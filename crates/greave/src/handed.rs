//! Listeners that whoever starts the gate has opened already, such as systemd: what connects while
//! no gate runs waits in them, and nobody is refused.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use listenfd::ListenFd;

/// Listeners that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Handed(Vec<TcpListener>);

impl Handed {
    /// None: what the environment says is somebody else's.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those that the environment speaks of.
    ///
    /// # Errors
    /// When one of them is no TCP socket.
    pub(crate) fn from_env() -> io::Result<Self> {
        let mut all = ListenFd::from_env();
        let taken = (0..all.len()).map(|place| all.take_tcp_listener(place));
        Ok(Self(taken.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect()))
    }

    /// Takes the one at this address.
    ///
    /// # Errors
    /// When it cannot be used without blocking.
    pub(crate) fn take(&mut self, address: SocketAddr) -> io::Result<Option<TcpListener>> {
        let is_there = |listener: &TcpListener| listener.local_addr().is_ok_and(|at| at == address);
        let Some(place) = self.0.iter().position(is_there) else { return Ok(None) };
        let listener = self.0.swap_remove(place);
        listener.set_nonblocking(true)?;
        Ok(Some(listener))
    }

    /// Where nobody would ever answer: one that no setting names.
    pub(crate) fn left(&self) -> Option<SocketAddr> {
        self.0.first().and_then(|listener| listener.local_addr().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_by_its_address_and_the_rest_is_told() {
        let [one, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [at, elsewhere] = [&one, &other].map(|listener| listener.local_addr().unwrap());
        let mut handed = Handed(vec![one, other]);
        assert!(handed.take("127.0.0.1:1".parse().unwrap()).unwrap().is_none());
        let taken = handed.take(at).unwrap().unwrap();
        assert_eq!(taken.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(handed.take(at).unwrap().is_none());
        assert_eq!(handed.left(), Some(elsewhere));
        assert!(handed.take(elsewhere).unwrap().is_some());
        assert_eq!(handed.left(), None);
    }
}
