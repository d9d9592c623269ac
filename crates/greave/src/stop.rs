//! How tasks hear that it is over.

use tokio::sync::watch;

/// Comes back when it is over.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // Whoever says stop is gone only when everything is.
    let _ = stopping.wait_for(|stop| *stop).await;
}
