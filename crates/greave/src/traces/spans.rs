//! A traced request as spans, by the semantic conventions for HTTP: the gate's own, one for the
//! time in which it was held, and one for the time in which the API had it. Template instead of
//! path; no header but the user agent, no query.

use gateway::{Part, Traced};
use jiff::Timestamp;
use law::{Ended, Verdict};
use record::VerdictKind;

use super::otlp::{self, CLIENT, ERROR, INTERNAL, KeyValue, SERVER, Span, Status, list, number, text};

/// OTLP's flag that a span's parent is, or is not, in another process is known, and that it is.
const REMOTE_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// The spans of one request, the gate's own first.
pub(super) fn of(traced: &Traced, api: &str) -> Vec<Span> {
    let (method, template) = traced.operation.split_once(' ').unwrap_or(("_OTHER", &traced.operation));
    let own = own(traced, method, template);
    let held = traced.held.map(|part| part_of(traced, &part, "hold", INTERNAL, held_attributes(traced)));
    let upstream = traced.upstream.map(|part| {
        let name = format!("{method} {template}");
        part_of(traced, &part, &name, CLIENT, upstream_attributes(traced, method, template, api))
    });
    [Some(own), held, upstream].into_iter().flatten().collect()
}

fn own(traced: &Traced, method: &str, template: &str) -> Span {
    let mut attributes = vec![
        text("http.request.method", method),
        text("url.scheme", "http"),
        text("client.address", traced.source.to_canonical().to_string()),
        text("greave.call", traced.call.to_string()),
        text("greave.decision", VerdictKind::of(traced.verdict).word()),
        list("greave.powers", traced.powers.iter().map(law::Power::word)),
    ];
    // What is not described has no template; its path stays in the record.
    if template.starts_with('/') {
        attributes.push(text("http.route", template));
        attributes.push(text("url.path", template));
    }
    if traced.status > 0 {
        attributes.push(number("http.response.status_code", traced.status.into()));
    }
    if let Some(agent) = &traced.user_agent {
        attributes.push(text("user_agent.original", agent.as_str()));
    }
    if let Some(key) = traced.key {
        attributes.push(text("greave.key", key.to_string()));
    }
    if let Verdict::Refuse(refusal) | Verdict::WouldRefuse(refusal) = traced.verdict {
        attributes.push(text("greave.reason", refusal.code()));
    }
    if let Some(Part { began, ended, .. }) = traced.held {
        let held = ended.unwrap_or(traced.ended).duration_since(began);
        attributes.push(number("greave.held_ms", i64::try_from(held.as_millis()).unwrap_or(i64::MAX)));
    }
    let remote = if traced.parent.is_some() { REMOTE } else { 0 };
    Span {
        trace_id: traced.trace.to_vec(),
        span_id: traced.span.to_vec(),
        trace_state: state(traced),
        parent_span_id: traced.parent.map(Vec::from).unwrap_or_default(),
        name: format!("{method} {template}"),
        kind: SERVER,
        start_time_unix_nano: nanos(traced.began),
        end_time_unix_nano: nanos(traced.ended.max(traced.began)),
        attributes,
        status: failed(traced, 500),
        flags: u32::from(wire::SAMPLED) | REMOTE_KNOWN | remote,
    }
}

fn held_attributes(traced: &Traced) -> Vec<KeyValue> {
    traced.challenge.map(|challenge| text("greave.question", challenge.to_string())).into_iter().collect()
}

fn upstream_attributes(traced: &Traced, method: &str, template: &str, api: &str) -> Vec<KeyValue> {
    let (host, port) = api.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).unwrap_or((api, ""));
    let mut attributes = vec![text("http.request.method", method), text("server.address", host)];
    if let Ok(port) = port.parse::<i64>() {
        attributes.push(number("server.port", port));
    }
    if template.starts_with('/') {
        attributes.push(text("url.template", template));
    }
    if traced.status > 0 {
        attributes.push(number("http.response.status_code", traced.status.into()));
    }
    attributes
}

fn part_of(traced: &Traced, part: &Part, name: &str, kind: i32, attributes: Vec<KeyValue>) -> Span {
    let began = part.began.max(traced.began);
    Span {
        trace_id: traced.trace.to_vec(),
        span_id: part.span.to_vec(),
        trace_state: state(traced),
        parent_span_id: traced.span.to_vec(),
        name: name.to_owned(),
        kind,
        start_time_unix_nano: nanos(began),
        end_time_unix_nano: nanos(part.ended.unwrap_or(traced.ended).max(began)),
        attributes,
        // For a client every refusal is an error; for a server its own faults are.
        status: if kind == CLIENT { failed(traced, 400) } else { None },
        flags: u32::from(wire::SAMPLED) | REMOTE_KNOWN,
    }
}

fn failed(traced: &Traced, from: u16) -> Option<Status> {
    let broke_off = matches!(traced.how, Ended::UpstreamGone | Ended::Cut | Ended::LimitReached);
    (broke_off || traced.status >= from).then(|| Status { message: String::new(), code: ERROR })
}

fn state(traced: &Traced) -> String {
    traced.state.as_ref().and_then(|state| state.to_str().ok()).unwrap_or_default().to_owned()
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}

/// All of it as one message.
pub(super) fn request(service: &str, spans: Vec<Span>) -> otlp::ExportRequest {
    let version = env!("CARGO_PKG_VERSION");
    let attributes = vec![text("service.name", service), text("service.version", version)];
    let scope = otlp::Scope { name: "greave".to_owned(), version: version.to_owned() };
    otlp::ExportRequest {
        resource_spans: vec![otlp::ResourceSpans {
            resource: Some(otlp::Resource { attributes }),
            scope_spans: vec![otlp::ScopeSpans { scope: Some(scope), spans }],
        }],
    }
}

#[cfg(test)]
mod tests {
    use law::{CallId, Factor, KeyId, Power};
    use uuid::Uuid;

    use super::*;

    fn traced() -> Traced {
        let at = |ms: i64| Timestamp::from_millisecond(1_767_225_600_000 + ms).unwrap();
        Traced {
            trace: [7; 16],
            span: [1; 8],
            parent: Some([9; 8]),
            state: Some("a=1".parse().unwrap()),
            began: at(0),
            ended: at(100),
            status: 204,
            how: Ended::Whole,
            call: CallId(Uuid::from_u128(1)),
            operation: "DELETE /users/{name}".into(),
            powers: Power::Destroy.into(),
            verdict: Verdict::Challenge(Factor::Person.into()),
            key: Some(KeyId(17)),
            source: "192.0.2.9".parse().unwrap(),
            user_agent: Some("curl".into()),
            challenge: Some(law::ChallengeId(9)),
            held: Some(Part { span: [2; 8], began: at(5), ended: Some(at(60)) }),
            upstream: Some(Part { span: [3; 8], began: at(61), ended: None }),
        }
    }

    #[test]
    fn hold_and_upstream_are_children_of_the_gates_span_in_the_clients_trace() {
        let spans = of(&traced(), "api.internal:8443");
        let [own, held, upstream] = &spans[..] else { panic!("three spans") };
        assert_eq!((&own.parent_span_id[..], own.kind), (&[9; 8][..], SERVER));
        for (child, kind) in [(held, INTERNAL), (upstream, CLIENT)] {
            assert_eq!((&child.parent_span_id, child.kind, &child.trace_id), (&own.span_id, kind, &own.trace_id));
        }
        assert_eq!(own.name, "DELETE /users/{name}");
        assert_eq!(held.end_time_unix_nano - held.start_time_unix_nano, 55_000_000);
        assert_eq!(upstream.end_time_unix_nano, own.end_time_unix_nano);
        assert!(own.attributes.contains(&number("greave.held_ms", 55)));
        assert!(upstream.attributes.contains(&number("server.port", 8443)));
    }

    #[test]
    fn a_path_that_is_not_described_is_not_told() {
        let mut strange = traced();
        strange.operation = "GET *".into();
        let page = format!("{:?}", of(&strange, "api"));
        assert!(!page.contains("url.path") && !page.contains("http.route"), "{page}");
    }
}
