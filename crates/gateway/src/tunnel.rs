//! Bytes in both directions, after a connection has changed its protocol.

use std::{future::poll_fn, sync::Arc, time::Duration};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use law::Ended;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    time::timeout,
};

use crate::{cut::Wait, server::Seat, tally::Tally};

/// How long one direction may go on when the other has ended.
const LINGER: Duration = Duration::from_secs(5);

/// What is read at once, per direction, in bytes.
const PIECE: usize = 16 * 1024;

/// Carries bytes until either side ends or the exchange is cut. Then both are closed.
pub(crate) async fn run(client: OnUpgrade, upstream: OnUpgrade, tally: Arc<Tally>, seat: Seat) {
    let mut wait = Wait::new(tally.cut().clone(), None);
    let ended = tokio::select! {
        biased;
        ended = between(client, upstream, &tally) => ended,
        _ = poll_fn(|cx| wait.poll_over(cx, || true)) => Ended::Cut,
    };
    tally.ends(ended);
    drop(seat);
}

async fn between(client: OnUpgrade, upstream: OnUpgrade, tally: &Tally) -> Ended {
    let Ok(upstream) = upstream.await else { return Ended::UpstreamGone };
    let Ok(client) = client.await else { return Ended::ClientGone };
    let (client_reads, client_writes) = split(TokioIo::<Upgraded>::new(client));
    let (upstream_reads, upstream_writes) = split(TokioIo::<Upgraded>::new(upstream));
    let mut forth = std::pin::pin!(pump(client_reads, upstream_writes, |bytes| tally.add_in(bytes)));
    let mut back = std::pin::pin!(pump(upstream_reads, client_writes, |bytes| tally.add_out(bytes)));
    // Who ends in good order ends it whole; the other direction may finish what it has begun.
    tokio::select! {
        end = &mut forth => match end {
            End::OfReader => { let _ = timeout(LINGER, back).await; Ended::Whole }
            End::ReaderBroke => Ended::ClientGone,
            End::WriterBroke => Ended::UpstreamGone,
        },
        end = &mut back => match end {
            End::OfReader => { let _ = timeout(LINGER, forth).await; Ended::Whole }
            End::ReaderBroke => Ended::UpstreamGone,
            End::WriterBroke => Ended::ClientGone,
        },
    }
}

enum End {
    OfReader,
    ReaderBroke,
    WriterBroke,
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, count: impl Fn(usize)) -> End {
    let mut piece = vec![0; PIECE];
    loop {
        let read = match from.read(&mut piece).await {
            Ok(0) => {
                let _ = to.shutdown().await;
                return End::OfReader;
            }
            Ok(read) => read,
            Err(_) => return End::ReaderBroke,
        };
        let Some(bytes) = piece.get(..read) else { return End::ReaderBroke };
        count(read);
        // TLS keeps what is written until it is flushed.
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return End::WriterBroke;
        }
    }
}
