//! The settings that a running gate cannot take over.
//!
//! Where such are read, every struct is taken apart whole: one that is new must say which it is.

use crate::config::{Config, Desk, Gate, Hold, Record};

/// The settings of which the second says something else than the first, and that the next start
/// alone takes over.
pub(crate) fn at_next_start(running: &Config, now: &Config) -> Vec<&'static str> {
    let both = fixed(running).into_iter().zip(fixed(now));
    both.filter(|((_, running), (_, now))| running != now).map(|((setting, _), _)| setting).collect()
}

fn fixed(config: &Config) -> Vec<(&'static str, String)> {
    let Config {
        gate,
        api: _,
        guard: _,
        hold,
        desk,
        tell: _,
        record,
        issued: _,
        keys: _,
        holders: _,
        drains: _,
        trace: _,
        leaks: _,
        watch: _,
    } = config;
    let Gate {
        listen,
        upstream,
        public: _,
        host,
        // A reload with another one is refused.
        state: _,
        metrics,
        trusted_proxies: _,
        workers,
        connect_timeout,
        answer_timeout,
        stop_timeout,
        head_timeout,
        body_pace: _,
        problems: _,
        proof: _,
        upstream_authorities,
        client_certificate,
        client_key,
    } = gate;
    let Hold { wait: _, most: _, lapse: _, body, memory } = hold;
    let Desk { listen: of_desk, public: _, session: _, trusted_proxies: _ } = desk;
    let Record { roll, cap, seal, keep, grace } = record;
    vec![
        ("gate.listen", format!("{listen:?}")),
        ("gate.upstream", format!("{upstream:?}")),
        ("gate.host", format!("{host:?}")),
        ("gate.metrics", format!("{metrics:?}")),
        ("gate.workers", format!("{workers:?}")),
        ("gate.connect_timeout", format!("{connect_timeout:?}")),
        ("gate.answer_timeout", format!("{answer_timeout:?}")),
        ("gate.stop_timeout", format!("{stop_timeout:?}")),
        ("gate.head_timeout", format!("{head_timeout:?}")),
        ("gate.upstream_authorities", format!("{upstream_authorities:?}")),
        ("gate.client_certificate", format!("{client_certificate:?}")),
        ("gate.client_key", format!("{client_key:?}")),
        ("hold.body", format!("{body:?}")),
        ("hold.memory", format!("{memory:?}")),
        ("desk.listen", format!("{of_desk:?}")),
        ("record.roll", format!("{roll:?}")),
        ("record.cap", format!("{cap:?}")),
        ("record.seal", format!("{seal:?}")),
        ("record.keep", format!("{keep:?}")),
        ("record.grace", format!("{grace:?}")),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(gate: &str, rest: &str) -> Config {
        let text = format!(
            "[gate]\nlisten = \"127.0.0.1:1\"\nupstream = \"http://127.0.0.1:2\"\n{gate}\n[api]\ndocument = \"d\"\n{rest}"
        );
        Config::parse(Path::new("greave.toml"), &text).unwrap()
    }

    #[test]
    fn what_a_reload_does_not_take_over_is_named_and_nothing_else() {
        let running = config("", "");
        assert_eq!(at_next_start(&running, &running), Vec::<&str>::new());
        let now = config("public = \"https://api.example.com\"\nbody_pace = \"1 KiB in 1h\"", "[hold]\nwait = \"5s\"");
        assert_eq!(at_next_start(&running, &now), Vec::<&str>::new(), "these are taken over");
        let now = config(
            "host = \"upstream\"\nmetrics = \"127.0.0.1:9\"",
            "[hold]\nbody = \"2 MiB\"\n[desk]\nlisten = \"127.0.0.1:3\"\n[record]\ngrace = \"1m\"",
        );
        let named = at_next_start(&running, &now);
        assert_eq!(named, ["gate.host", "gate.metrics", "hold.body", "desk.listen", "record.grace"]);
    }
}
