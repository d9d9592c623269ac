//! Addresses and networks as the operator writes them. The standard readers say only that
//! something is wrong; these say what, and how it is written.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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
        let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| address.into()));
        network.map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no network; write one such as `10.0.0.0/8`, `192.0.2.7` or `fd00::/8`"
            ))
        })
    };
    Vec::<String>::deserialize(from)?.into_iter().map(network).collect()
}

/// An address that can be connected to, for one that means every address of the host.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether who calls this origin from this host comes to what listens there.
pub(super) fn leads_to(origin: &gateway::Origin, listen: SocketAddr) -> bool {
    let is_any = |ip: IpAddr| ip.is_unspecified() || ip.is_loopback();
    let (here, everywhere) = (is_any(listen.ip()), listen.ip().is_unspecified());
    let meets = match origin.host().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(ip) if ip.is_unspecified() => here,
        Ok(ip) => ip == listen.ip().to_canonical() || (everywhere && is_any(ip)),
        Err(_) => here && origin.host().trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    };
    meets && listen.port() == origin.port() && listen.port() != 0
}
