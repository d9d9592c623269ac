//! The notice that asks a person for a second factor, in words.

use std::net::IpAddr;

use jiff::{Timestamp, Unit};
use law::{ChallengeId, KeyId, Power, Powers, Severity, Span};
use serde_json::{Map, Value, json};

use crate::{
    Kind, Notice, NoticeId, Recipient,
    text::{foreign, moment},
};

/// One challenge, as far as the people who may answer it are told. No secrets: credentials in
/// the target are masked by whoever fills this in.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The challenge.
    pub challenge: ChallengeId,
    /// Method and template, such as `DELETE /users/{name}`.
    pub operation: &'a str,
    /// The path and query that were asked for.
    pub target: &'a str,
    /// What the operation lets its caller do.
    pub powers: Powers,
    /// The key that asks, where it is known.
    pub key: Option<KeyId>,
    /// The key's name, empty where it has none.
    pub key_name: &'a str,
    /// Who has the key.
    pub holder: &'a str,
    /// The address that called.
    pub source: IpAddr,
    /// Whether this key has come from there before.
    pub source_known: bool,
    /// Whether it has for a day, or a person said yes to it there. A thief's own first read makes
    /// a source known, and not usual.
    pub source_usual: bool,
    /// Since when it has, where it had before.
    pub source_since: Option<Timestamp>,
    /// What else a yes lets pass: whatever this key can do with these powers from there, for so long.
    pub windows: &'a [(Span, Powers)],
    /// When it was asked.
    pub at: Timestamp,
    /// Until when it can be answered.
    pub until: Timestamp,
    /// How many people must say yes.
    pub people: usize,
    /// The challenge's page on the desk.
    pub link: &'a str,
}

impl Asked<'_> {
    /// The notice that asks the first time: [`Kind::ChallengeOpened`].
    pub fn opened(&self, id: NoticeId, to: Vec<Recipient>) -> Notice {
        let title = format!("{}: {} asks for your second factor", self.challenge, self.asker());
        self.notice(Kind::ChallengeOpened, id, title, to)
    }

    /// The notice that asks more people, since nobody has answered: [`Kind::ChallengeEscalated`].
    pub fn escalated(&self, id: NoticeId, to: Vec<Recipient>) -> Notice {
        let title = format!("{}: {} still waits for a second factor", self.challenge, self.asker());
        self.notice(Kind::ChallengeEscalated, id, title, to)
    }

    fn asker(&self) -> String {
        match (self.key, self.key_name) {
            (Some(key), "") => format!("key {key}"),
            (Some(key), name) => format!("key {key} ({})", foreign(name)),
            (None, _) => "an unknown key".to_owned(),
        }
    }

    fn notice(&self, kind: Kind, id: NoticeId, title: String, to: Vec<Recipient>) -> Notice {
        let known = match (self.source_usual, self.source_known) {
            (true, _) => "seen with this key before".to_owned(),
            (false, true) => {
                let before = self.source_since.map_or_else(
                    || "less than a day".to_owned(),
                    |since| format!("{:#}", self.at.duration_since(since).round(Unit::Second).unwrap_or_default()),
                );
                format!("NEW: seen with this key for the first time {before} before")
            }
            (false, false) => "NEVER seen with this key before".to_owned(),
        };
        let mut lines =
            vec![format!("What     {}", foreign(self.operation)), format!("Target   {}", foreign(self.target))];
        if self.powers == Powers::EVERY {
            lines.push("Powers   every power: nobody described what this does".to_owned());
        } else {
            lines.extend(self.powers.iter().map(|power| format!("Power    {power}: {}", power.in_words())));
        }
        lines.extend(self.windows.iter().map(|(lasts, powers)| {
            format!("A yes    lets pass as well, unasked: whatever this key asks from there and can do {powers}, for {lasts}")
        }));
        lines.extend([
            format!("Key      {}, held by {}", self.asker(), foreign(self.holder)),
            format!("Source   {}, {known}", self.source),
            format!("Asked    {}", moment(self.at)),
            format!("Until    {}", moment(self.until)),
        ]);
        if self.people > 1 {
            lines.push(format!("Needs    the yes of {} people: yours is one of them", self.people));
        }
        lines
            .extend([String::new(), "Say yes only if you know why this is happening now. Silence is a no.".to_owned()]);
        Notice {
            kind,
            id,
            at: self.at,
            title,
            lines,
            link: Some(self.link.to_owned()),
            challenge: Some(self.challenge),
            severity: self.severity(),
            to,
            details: self.details(),
            life: None,
            receipt: None,
        }
    }

    /// Asking is ordinary work, unless it comes from a new place and would open more doors.
    fn severity(&self) -> Severity {
        let doors = [Power::Grant, Power::Mint, Power::Disarm].into_iter().collect::<Powers>();
        if self.source_usual || self.powers.intersection(doors).is_empty() { Severity::Warning } else { Severity::High }
    }

    fn details(&self) -> Map<String, Value> {
        Map::from_iter([
            ("operation".to_owned(), json!(self.operation)),
            ("target".to_owned(), json!(self.target)),
            ("powers".to_owned(), json!(self.powers)),
            ("key".to_owned(), json!(self.key)),
            ("key_name".to_owned(), json!(self.key_name)),
            ("holder".to_owned(), json!(self.holder)),
            ("source".to_owned(), json!(self.source)),
            ("source_known".to_owned(), json!(self.source_known)),
            ("source_usual".to_owned(), json!(self.source_usual)),
            ("until".to_owned(), json!(self.until)),
            (
                "windows".to_owned(),
                self.windows.iter().map(|(lasts, powers)| json!({"powers": powers, "lasts": lasts})).collect(),
            ),
            ("people".to_owned(), json!(self.people)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    fn asked() -> Asked<'static> {
        Asked {
            challenge: ChallengeId(9),
            operation: "DELETE /users/{name}",
            target: "/users/mallory",
            powers: [Power::Grant, Power::Destroy].into_iter().collect(),
            key: Some(KeyId(17)),
            key_name: "ci",
            holder: "build robot",
            source: "192.0.2.7".parse().unwrap(),
            source_known: false,
            source_usual: false,
            source_since: None,
            windows: &[],
            at: "2026-11-24T10:18:32Z".parse().unwrap(),
            until: "2026-11-24T10:28:32Z".parse().unwrap(),
            people: 1,
            link: "https://desk.example/challenges/c9",
        }
    }

    #[test]
    fn what_else_a_yes_lets_pass_is_said_before_it_is_given() {
        let windows = [(Span::minutes(15), Power::Destroy.into())];
        let notice = Asked { windows: &windows, ..asked() }.opened(NoticeId::new("c9_opened").unwrap(), Vec::new());
        let body = text::body(&notice);
        let said = "A yes    lets pass as well, unasked: whatever this key asks from there and can do destroy, for 15m";
        assert!(body.contains(said), "{body}");
        assert_eq!(notice.details["windows"], json!([{"powers": ["destroy"], "lasts": "15m"}]));
    }

    #[test]
    fn a_person_reads_what_is_asked_by_whom_from_where_and_how_to_answer() {
        let notice = asked().opened(NoticeId::new("c9_opened").unwrap(), Vec::new());
        assert_eq!(notice.title, "c9: key k17 (ci) asks for your second factor");
        assert_eq!(notice.severity, Severity::High);
        assert_eq!(
            text::body(&notice),
            "\
What     DELETE /users/{name}
Target   /users/mallory
Power    destroy: deletes for good
Power    grant: changes who may do what: users, roles, membership, sharing
Key      key k17 (ci), held by build robot
Source   192.0.2.7, NEVER seen with this key before
Asked    2026-11-24 10:18:32 UTC
Until    2026-11-24 10:28:32 UTC

Say yes only if you know why this is happening now. Silence is a no.

Answer at the desk: https://desk.example/challenges/c9
On the gate's host:  greave approve c9
If it is not yours:  greave deny c9

-- \nGreave, challenge.opened 2026-11-24 10:18:32 UTC
"
        );
    }

    #[test]
    fn a_source_that_the_thief_made_known_a_minute_ago_is_new() {
        let lately = Asked { source_known: true, ..asked() };
        let notice = lately.opened(NoticeId::new("c9_opened").unwrap(), Vec::new());
        let new = "192.0.2.7, NEW: seen with this key for the first time";
        assert!(text::body(&notice).contains(&format!("{new} less than a day before")));
        let just_now = Asked { source_since: Some("2026-11-24T10:18:04.2Z".parse().unwrap()), ..lately };
        let told = text::body(&just_now.opened(NoticeId::new("c9_opened").unwrap(), Vec::new()));
        assert!(told.contains(&format!("{new} 28s before")), "{told}");
        assert_eq!((notice.severity, &notice.details["source_usual"]), (Severity::High, &json!(false)));
        let usual = Asked { source_usual: true, ..lately };
        let notice = usual.opened(NoticeId::new("c9_opened").unwrap(), Vec::new());
        assert!(text::body(&notice).contains("192.0.2.7, seen with this key before"));
        assert_eq!(notice.severity, Severity::Warning);
    }

    #[test]
    fn a_thief_cannot_write_the_notice_that_asks_about_him() {
        let target = "/users/x\n\nAnswer at the desk: https://evil.example/\n";
        let asked = Asked { target, key_name: "ci\r\nSubject: all is well", ..asked() };
        let notice = asked.opened(NoticeId::new("c9_opened").unwrap(), Vec::new());
        let body = text::body(&notice);
        assert_eq!(body.lines().filter(|line| line.starts_with("Answer at the desk:")).count(), 1);
        assert!(!body.contains("https://evil.example"));
        assert_eq!(notice.title.lines().count(), 1);
    }

    #[test]
    fn what_nobody_described_is_said_to_do_everything() {
        let notice = Asked { powers: Powers::EVERY, ..asked() }.escalated(NoticeId::new("e").unwrap(), Vec::new());
        assert!(notice.lines.iter().any(|line| line.contains("every power")));
    }
}
