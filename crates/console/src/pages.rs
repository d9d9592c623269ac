//! The desk's pages.

use std::sync::Arc;

use axum::Router;

use crate::Desk;

/// The pages for people. Nothing but a sign-in shows before the person is verified.
pub fn pages(_desk: Arc<Desk>) -> Router {
    Router::new()
}
