//! Greave closes the API back door behind 2FA.

#[cfg_attr(not(test), expect(dead_code, reason = "nothing starts the demo yet"))]
mod demo;

fn main() {}
