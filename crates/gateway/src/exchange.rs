//! One request to the upstream and its answer back.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header::CONNECTION, header::EXPECT,
    header::HOST,
};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use law::{KeyId, Permit, Refusal};
use tokio::{sync::oneshot, time::timeout};
use wire::Sought;

use crate::{
    body::{Answer, Asked, Inbound, Load, Register, Watched},
    cut::{Cut, Over, Wait},
    framing::{Onto, Outbound, reframe},
    lens::{Lens, Look, is_plain},
    screen::{Screen, Source, WHOLE},
    server::Seat,
    swap::{Swap, Unswapped},
    tally::{Seen, Tally},
    tls,
    toll::{Kept, Toll},
    tunnel,
    upstream::{Lease, Leaves, Upstream},
};

/// What a request goes on with.
pub(crate) struct Onward<'a> {
    /// The API behind the gate.
    pub(crate) upstream: &'a Upstream,
    /// The key that it goes with.
    pub(crate) key: Option<KeyId>,
    /// What it leaves on its connection.
    pub(crate) leaves: Leaves,
    /// Counts this exchange, and ends it when it is cut.
    pub(crate) tally: &'a Arc<Tally>,
    /// What is looked for in the answer.
    pub(crate) look: &'a Look,
    /// Makes a key known that the answer brings, before the client has the answer.
    pub(crate) register: Option<&'a Register>,
    /// The gate's own credentials that the answer must not show, where the request goes with one.
    pub(crate) sought: &'a [Arc<Sought>],
    /// Swaps a new credential that the answer brings, where the request goes with the gate's own.
    pub(crate) swap: Option<&'a Swap>,
    /// Takes what the answer needs from the limits of its keys, where that counts.
    pub(crate) toll: Option<Toll>,
    /// The client's place; a connection that changed its protocol keeps it.
    pub(crate) seat: &'a Seat,
}

/// Forwards one request. This consumes its permit, and nothing else reaches the upstream.
///
/// # Errors
/// With [`Refusal::UpstreamUnreachable`], [`Refusal::UpstreamUntrusted`],
/// [`Refusal::UpstreamRefusesGate`], [`Refusal::UpstreamBroken`] and
/// [`Refusal::UpstreamSlow`] as the upstream fails, [`Refusal::BadFraming`] when the client's
/// body broke off, [`Refusal::ClientSlow`] when it came too slowly, and what its key is refused with
/// when the exchange was cut before its answer began; and where a limit has no room for the answer.
pub(crate) async fn forward(
    permit: Permit,
    outbound: Outbound,
    mut onward: Onward<'_>,
) -> Result<Response<Answer>, Kept> {
    // From here on the permit is spent: a retry below sends a request of which nothing was sent.
    let Permit { .. } = permit;
    let Onward { upstream, key, leaves, tally, look, register, sought, swap, .. } = onward;
    let toll = onward.toll.take();
    let (request, mut going) = going(outbound, leaves, upstream, tally)?;
    if let Some(swap) = swap {
        swap.pending.sent();
    }
    let (response, lease) = send(request, key, upstream, tally).await.inspect_err(|refusal| {
        // Nothing reached the API, or not enough to be done.
        let unsent = [Refusal::UpstreamUnreachable, Refusal::BadFraming, Refusal::ClientSlow];
        if let Some(swap) = swap.filter(|_| unsent.contains(refusal)) {
            swap.pending.settle();
        }
    })?;
    let (mut parts, body) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        // What follows cannot be searched.
        if !sought.is_empty() {
            return Err(Refusal::UpstreamBroken.into());
        }
        let onto = going.onto.take().ok_or(Refusal::UpstreamBroken)?;
        return Ok(change(Response::from_parts(parts, body), &going.method, onto, &onward)?);
    }
    let lease = lease.after(leaves, || parts.status.is_success() && tally.gave_all());
    reframe(&going.method, &mut parts, &body)?;
    if going.asked.is_some_and(|asked| !asked.was_wanted()) {
        // The client may send its body all the same, and nobody could tell it from a request.
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let body = if sought.is_empty() {
        Source::Plain(body)
    } else {
        screened(sought, swap, &mut parts, body, upstream, tally).await?
    };
    let toll = match toll {
        Some(mut toll) => {
            // What was made was made, whatever the method: it is not made again.
            if swap.is_some() {
                toll.owe();
            }
            toll.begins(&parts, body.size_hint().exact(), body.whole())?;
            Some(toll)
        }
        None => None,
    };
    tally.answers(parts.status.as_u16());
    if !is_plain(&parts.headers) {
        tally.encoded();
    }
    let lens = Lens::new(look, &parts);
    let watched = Watched { tally: Arc::clone(tally), idle: upstream.patience().idle, lens, toll };
    let answer = Answer::relay(body, watched, register.map(Arc::clone), lease);
    Ok(Response::from_parts(parts, answer))
}

/// Looks at an answer to a request that went with the gate's own credential: at its head, and
/// at its body, too, where that is short.
async fn screened(
    sought: &[Arc<Sought>],
    swap: Option<&Swap>,
    parts: &mut http::response::Parts,
    mut body: Incoming,
    upstream: &Upstream,
    tally: &Tally,
) -> Result<Source, Kept> {
    let showed = |refusal: Refusal| {
        if refusal == Refusal::CredentialInAnswer {
            tally.showed();
        }
        refusal
    };
    let mut screen = Screen::new(sought, parts).map_err(showed)?;
    if swap.is_some() && parts.status.is_redirection() {
        return Err(Unswapped::LeadsOn.into());
    }
    if body.size_hint().exact().is_none_or(|size| size > WHOLE) && swap.is_none() {
        return Ok(Source::Screened(body, Box::new(screen)));
    }
    let mut wait = Wait::new(tally.cut().clone(), Some(upstream.patience().answer));
    while let Some(frame) = unless_over(body.frame(), &mut wait, || false).await.map_err(|over| refusal(over, tally))? {
        let frame = frame.map_err(|_| Refusal::UpstreamBroken)?;
        let piece = frame.data_ref().map_or(&[][..], |data| data);
        screen.keep(piece).map_err(|_| showed(Refusal::CredentialInAnswer))?;
        if screen.kept().len() as u64 > WHOLE {
            return Err(Unswapped::TooLong.into());
        }
        wait.moved();
    }
    let instead = match swap {
        Some(swap) if parts.status.is_success() => swap.swap(parts, screen.kept()).await?.map(|(key, body)| {
            tally.saw(Seen { rows: None, minted: Some(key) });
            body
        }),
        Some(swap) => swap.says_no(parts, screen.kept())?,
        None => None,
    };
    screen.ends(instead.as_deref());
    Ok(Source::Screened(body, Box::new(screen)))
}

/// The same as [`ask`], where it does not matter why the upstream does not answer.
pub(crate) async fn inquire(
    upstream: &Upstream,
    request: Request<()>,
    most: usize,
) -> Option<(StatusCode, HeaderMap, Bytes)> {
    ask(upstream, request, most).await.ok()
}

/// Asks the upstream something on the gate's own behalf: without a body, and the answer of at
/// most `most` bytes is read whole.
///
/// The gate's own questions need no permit: nobody's request is forwarded by them.
pub(crate) async fn ask(
    upstream: &Upstream,
    request: Request<()>,
    most: usize,
) -> Result<(StatusCode, HeaderMap, Bytes), Refusal> {
    let tally = Tally::begin(Cut::default(), |_| ());
    let (parts, ()) = request.into_parts();
    let mut request = Request::from_parts(parts, Inbound::new(Load::default(), Arc::clone(&tally), Asked::Yes));
    if let Some(host) = upstream.host_instead(request.headers().contains_key(HOST)) {
        request.headers_mut().insert(HOST, host.clone());
    }
    let (response, lease) = send(request, None, upstream, &tally).await?;
    let (parts, body) = response.into_parts();
    let body = timeout(upstream.patience().answer, Limited::new(body, most).collect()).await;
    let body = body.map_err(|_| Refusal::UpstreamSlow)?.map_err(|_| Refusal::UpstreamBroken)?.to_bytes();
    lease.give_back();
    Ok((parts.status, parts.headers, body))
}

/// What of a request is still needed when it has gone.
struct Going {
    method: Method,
    onto: Option<Onto>,
    asked: Option<Wanted>,
}

/// Hears whether the upstream wants the body: its `100 Continue`.
#[derive(Clone)]
struct Wanted(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl Wanted {
    fn says(&self) {
        if let Some(word) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = word.send(());
        }
    }

    fn was_wanted(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// The request as the upstream's connection gets it.
fn going(
    mut outbound: Outbound,
    leaves: Leaves,
    upstream: &Upstream,
    tally: &Arc<Tally>,
) -> Result<(Request<Inbound>, Going), Refusal> {
    outbound.frame(leaves == Leaves::Stray);
    let Outbound { parts, load, expects, onto, passing, .. } = outbound;
    let mut headers = parts.headers;
    if let Some(host) = upstream.host_instead(headers.contains_key(HOST)) {
        headers.insert(HOST, host.clone());
    }
    let target = parts.uri.into_parts().path_and_query.ok_or(Refusal::BadPath)?;
    let (asked, wanted) = if expects {
        let (word, heard) = oneshot::channel();
        (Asked::not_yet(heard), Some(Wanted(Arc::new(Mutex::new(Some(word))))))
    } else {
        headers.remove(EXPECT);
        (Asked::Yes, None)
    };
    let mut request = Request::new(Inbound::new(load, Arc::clone(tally), asked).looked_into(passing));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = Uri::from(target);
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    if let Some(wanted) = wanted.clone() {
        hyper::ext::on_informational(&mut request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                wanted.says();
            }
        });
    }
    Ok((request, Going { method: parts.method, onto, asked: wanted }))
}

/// Sends over an idle connection, or else over a new one. Where an idle connection turns out
/// to be dead before a byte was written, the request goes over the next.
async fn send(
    mut request: Request<Inbound>,
    key: Option<KeyId>,
    upstream: &Upstream,
    tally: &Tally,
) -> Result<(Response<Incoming>, Lease), Refusal> {
    loop {
        let (mut lease, reused) = match upstream.pooled(key) {
            Some(lease) => (lease, true),
            // Boxed: hyper moves the whole exchange a few times, and this part is rarely needed.
            None => (Box::pin(connect(upstream, tally)).await?, false),
        };
        tally.sent();
        let sent = lease.send(request);
        let mut error = match answered(sent, upstream, tally).await? {
            Ok(response) => return Ok((response, lease)),
            Err(error) => error,
        };
        match error.take_message() {
            Some(unsent) if reused => request = unsent,
            _ if tally.cut().is_cut() => return Err(tally.cut().why()),
            _ => {
                if let Some(fault) = tally.client_fault() {
                    return Err(fault);
                }
                let error = error.into_error();
                tracing::warn!(error = &error as &dyn std::error::Error, "the upstream broke an exchange off");
                return Err(tls::refusal(&error).unwrap_or(Refusal::UpstreamBroken));
            }
        }
    }
}

async fn connect(upstream: &Upstream, tally: &Tally) -> Result<Lease, Refusal> {
    let connected = unless_over(upstream.connect(), &mut Wait::new(tally.cut().clone(), None), || false).await;
    connected.map_err(|over| refusal(over, tally))?.map_err(|error| {
        let mend = tls::mend(&error);
        tracing::warn!(error = &error as &dyn std::error::Error, mend, "the upstream cannot be reached");
        tls::refusal(&error).unwrap_or(Refusal::UpstreamUnreachable)
    })
}

/// Waits for an answer's head, as long as the request moves, the client is waited for (its body
/// has a time of its own), or the upstream's time is not over.
async fn answered<T>(sent: impl Future<Output = T>, upstream: &Upstream, tally: &Tally) -> Result<T, Refusal> {
    let mut wait = Wait::new(tally.cut().clone(), Some(upstream.patience().answer));
    let mut before = 0;
    let moving = || std::mem::replace(&mut before, tally.bytes_in()) != before || tally.is_awaiting_client();
    unless_over(sent, &mut wait, moving).await.map_err(|over| refusal(over, tally))
}

async fn unless_over<T>(
    what: impl Future<Output = T>,
    wait: &mut Wait,
    mut moving: impl FnMut() -> bool,
) -> Result<T, Over> {
    let mut what = pin!(what);
    poll_fn(|cx| match what.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending => wait.poll_over(cx, &mut moving).map(Err),
    })
    .await
}

fn refusal(over: Over, tally: &Tally) -> Refusal {
    match over {
        Over::Cut => tally.cut().why(),
        Over::TooLong => Refusal::UpstreamSlow,
    }
}

/// The upstream changed the protocol: from here on bytes pass in both directions.
fn change(
    mut response: Response<Incoming>,
    method: &Method,
    onto: Onto,
    onward: &Onward<'_>,
) -> Result<Response<Answer>, Refusal> {
    let protocol = crate::framing::changed_to(&onto.protocol, response.headers()).ok_or(Refusal::UpstreamBroken)?;
    let upstream = hyper::upgrade::on(&mut response);
    let (mut parts, body) = response.into_parts();
    reframe(method, &mut parts, &body)?;
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(http::header::UPGRADE, protocol);
    onward.tally.answers(parts.status.as_u16());
    tokio::spawn(tunnel::run(onto.client, upstream, Arc::clone(onward.tally), onward.seat.clone()));
    Ok(Response::from_parts(parts, Answer::words(Vec::new())))
}
