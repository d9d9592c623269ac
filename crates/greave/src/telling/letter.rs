//! One thing to be told, in words and for programs.

use jiff::Timestamp;
use law::Severity;
use serde_json::{Map, Value, json};
use tell::{Kind, Notice, NoticeId, Recipient};

/// Letters of a line, beside its indent.
const LONGEST: usize = 160;
const INDENT: &str = "         ";

/// One thing to be told; a notice, once it has a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    pub(super) kind: Kind,
    /// The first part of the notice's name.
    pub(super) id: String,
    pub(super) severity: Severity,
    /// Short enough for the subject of a mail; the lines say the rest.
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// The same for programs.
    pub(super) details: Map<String, Value>,
    pub(super) to: Vec<Recipient>,
}

impl Letter {
    pub(super) fn new(kind: Kind, id: impl Into<String>, severity: Severity, title: impl Into<String>) -> Self {
        let title = title.into();
        let details = Map::from_iter([("title".to_owned(), json!(title))]);
        Self { kind, id: id.into(), severity, title, lines: Vec::new(), details, to: Vec::new() }
    }

    pub(super) fn to(mut self, to: Vec<Recipient>) -> Self {
        self.to = to;
        self
    }

    /// One more line, and the same as a field of this name.
    pub(super) fn fact(self, field: &str, label: &str, value: &str) -> Self {
        self.line(format!("{label:<9}{value}")).field(field, json!(value))
    }

    /// One more line; a long one goes on in the next, for notices cut lines.
    pub(super) fn line(mut self, line: impl Into<String>) -> Self {
        let (mut rest, mut indent) = (line.into(), "");
        while let Some((long, _)) = rest.char_indices().nth(LONGEST) {
            let (whole, _) = rest.split_at(long);
            let at = whole
                .rfind(' ')
                .filter(|at| !whole.get(..*at).is_none_or(|start| start.trim().is_empty()))
                .unwrap_or(long);
            let (first, more) = rest.split_at(at);
            self.lines.push(format!("{indent}{first}"));
            (rest, indent) = (more.trim_start().to_owned(), INDENT);
        }
        self.lines.push(format!("{indent}{rest}"));
        self
    }

    /// What to do, after an empty line.
    pub(super) fn advice(self, lines: impl IntoIterator<Item = String>) -> Self {
        lines.into_iter().fold(self.line(""), Self::line)
    }

    /// A field for programs alone.
    pub(super) fn field(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    /// The notice of now, with where to look.
    pub(super) fn notice(self, link: String) -> Option<Notice> {
        self.notice_of(Timestamp::now(), link)
    }

    /// The same of another moment: the same letter of it is the same notice.
    pub(super) fn notice_of(self, at: Timestamp, link: String) -> Option<Notice> {
        let Self { kind, id, severity, title, lines, details, to } = self;
        let id = NoticeId::new(format!("{id}_{}", at.as_millisecond())).ok()?;
        let link = Some(link);
        Some(Notice {
            kind,
            id,
            at,
            title,
            lines,
            link,
            challenge: None,
            severity,
            to,
            details,
            life: None,
            receipt: None,
        })
    }
}
