//! Webhooks and mail over real sockets, with receivers that behave and some that do not.

#[cfg(test)]
mod mail;
#[cfg(test)]
mod support;
#[cfg(test)]
mod webhooks;
