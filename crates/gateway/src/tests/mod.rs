//! The engine end to end, over real sockets, against upstreams that are written byte by byte.

mod failing;
mod framing;
mod holding;
mod serving;
mod streaming;
mod support;
mod upgrading;
