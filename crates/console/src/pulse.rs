//! What the gate's process knows of itself: this room does not know it.

use std::pin::Pin;

use crate::api::GateStatus;

type Soon<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Says how the gate's process does at this moment.
pub struct Pulse(pub Box<dyn Fn() -> Soon<GateStatus> + Send + Sync>);
