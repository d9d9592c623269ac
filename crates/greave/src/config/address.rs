//! Addresses and networks as the operator writes them. The standard readers say only that
//! something is wrong; these say what, and how it is written.

use std::net::SocketAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// An address to listen on.
pub(super) fn one<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "`{text}` is no address to listen on; write an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`"
        ))
    })
}

/// The same, where it is written at all.
pub(super) fn perhaps<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    one(from).map(Some)
}

/// Networks; an address alone is the network that holds only itself.
pub(super) fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let network = text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
        network.map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no network; write one such as `10.0.0.0/8`, `192.0.2.7` or `fd00::/8`"
            ))
        })
    };
    Vec::<String>::deserialize(from)?.into_iter().map(network).collect()
}
