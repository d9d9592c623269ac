//! What the audience sees: 80 columns, a calm pace, and a mark behind whatever was checked.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use tokio::time::sleep;

use super::caller::Answer;
use crate::show::{ALARM, BOLD, FAINT, WELL, styled};

/// The widest line, in columns.
const WIDTH: usize = 78;

/// How a request and its path are padded, in columns.
const REQUEST: usize = 33;

/// Who is speaking or asking, in a colour of their own.
const TITLE: Style = AnsiColor::Cyan.on_default().bold();

/// Whether something that happened is good for the company.
#[derive(Clone, Copy)]
pub(super) enum Mood {
    /// It is as it should be.
    Well,
    /// It is what nobody wants.
    Alarm,
    /// Neither.
    Plain,
}

impl Mood {
    const fn style(self) -> Style {
        match self {
            Self::Well => WELL,
            Self::Alarm => ALARM,
            Self::Plain => Style::new(),
        }
    }
}

/// The terminal, and what of the scene did not come out as told.
pub(super) struct Stage {
    calm: bool,
    untrue: Vec<String>,
}

/// The scene did not come out as told.
#[derive(Debug, thiserror::Error)]
#[error("the scene did not come out as told: {}", .0.join("; "))]
pub(super) struct Untrue(Vec<String>);

impl Stage {
    /// A calm stage gives people the time to read.
    pub(super) const fn new(calm: bool) -> Self {
        Self { calm, untrue: Vec::new() }
    }

    /// A line as it is.
    pub(super) fn line(&self, text: impl std::fmt::Display) {
        anstream::println!("{text}");
    }

    /// The title of an act.
    pub(super) async fn act(&self, title: &str) {
        self.rest(1_500).await;
        let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4));
        self.line(format!("\n{}", styled(TITLE, format!("── {title} {rule}"))));
        self.rest(500).await;
    }

    /// A paragraph, and the time to read it.
    pub(super) async fn say(&self, text: &str) {
        self.line("");
        for line in wrapped(text, WIDTH) {
            self.line(line);
        }
        self.rest(300 + 13 * text.len() as u64).await;
    }

    /// A command, as a person would type it.
    pub(super) async fn types(&self, command: &str) {
        self.line(format!("  {} {}", styled(FAINT, "$"), styled(BOLD, command)));
        self.rest(900).await;
    }

    /// A request and its answer, with what that means. `holds` is whether it does mean that.
    pub(super) async fn called(&mut self, answer: &Answer, holds: bool, mood: Mood, note: &str) {
        let Answer { request, status, .. } = answer;
        let (took, mark) = (shown(answer.took), if holds { note.to_owned() } else { format!("{note} ✗") });
        self.line(format!(
            "  {request:<REQUEST$}  {}  {}  {}",
            styled(mood.style(), status),
            styled(FAINT, format!("{took:>8}")),
            styled(if holds { mood.style() } else { ALARM }, mark)
        ));
        self.note(holds, &format!("`{request}` was answered {status}, not `{note}`"));
        self.rest(500).await;
    }

    /// Something that was checked.
    pub(super) async fn claim(&mut self, holds: bool, text: &str) {
        let (style, mark) = if holds { (WELL, "✓") } else { (ALARM, "✗") };
        for (nth, line) in wrapped(text, WIDTH - 4).into_iter().enumerate() {
            let mark = if nth == 0 { styled(style, mark) } else { " ".to_owned() };
            self.line(format!("  {mark} {line}"));
        }
        self.note(holds, text);
        self.rest(300 + 10 * text.len() as u64).await;
    }

    /// Remembers what does not hold.
    pub(super) fn note(&mut self, holds: bool, text: &str) {
        if !holds {
            self.untrue.push(text.to_owned());
        }
    }

    /// Time to read, in milliseconds.
    pub(super) async fn rest(&self, milliseconds: u64) {
        if self.calm {
            sleep(Duration::from_millis(milliseconds)).await;
        }
    }

    /// Whether everything was as told.
    pub(super) fn verdict(&self) -> Result<(), Untrue> {
        if self.untrue.is_empty() { Ok(()) } else { Err(Untrue(self.untrue.clone())) }
    }
}

/// A text in lines of at most so many columns, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A time that was measured.
pub(super) fn shown(took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1_000.0;
    if milliseconds < 1_000.0 { format!("{milliseconds:.1} ms") } else { format!("{:.1} s", took.as_secs_f64()) }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_too_wide_and_no_word_is_lost() {
        let text = "the wicks of a lighthouse are trimmed at dusk, and again at midnight";
        let lines = wrapped(text, 20);
        assert!(lines.iter().all(|line| line.chars().count() <= 20));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (4_127, "4,127"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[tokio::test]
    async fn what_does_not_hold_is_remembered() {
        let mut stage = Stage::new(false);
        stage.claim(true, "the lamp is lit").await;
        assert!(stage.verdict().is_ok());
        stage.claim(false, "the keeper is awake").await;
        let untrue = stage.verdict().unwrap_err().to_string();
        assert!(untrue.contains("keeper") && !untrue.contains("lamp"), "{untrue}");
    }
}
