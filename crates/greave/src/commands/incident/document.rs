//! A report as blocks, written for a terminal or as Markdown. What a caller sent is foreign text:
//! it stays in its cell, and is never read as markup, as a link or as a command.

use crate::show::{self, BOLD, clean, lines, styled};

/// A part of a report.
pub(super) enum Block {
    Head(&'static str),
    Words(Vec<Text>),
    Table(Vec<&'static str>, Vec<Vec<Text>>),
    /// Commands to paste, each with what it does.
    Commands(Vec<(String, String)>),
}

/// A piece of text.
pub(super) enum Text {
    Own(String),
    /// From a caller, the API or a name that somebody chose.
    Foreign(String),
}

impl Text {
    #[expect(clippy::needless_pass_by_value, reason = "whoever has a text or a number gives it as it is")]
    pub(super) fn own(text: impl ToString) -> Self {
        Self::Own(text.to_string())
    }

    #[expect(clippy::needless_pass_by_value, reason = "whoever has a text or a number gives it as it is")]
    pub(super) fn foreign(text: impl ToString) -> Self {
        Self::Foreign(text.to_string())
    }

    fn plain(&self) -> String {
        match self {
            Self::Own(text) => text.clone(),
            Self::Foreign(text) => clean(text),
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Own(text) => text.clone(),
            Self::Foreign(text) => code(&clean(text)),
        }
    }
}

/// A code span that nothing within it ends. Nothing else is read in one: no HTML, link or mention.
fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = if longest > 0 { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

pub(super) fn terminal(blocks: &[Block], width: Option<u16>) -> String {
    let width = width.or_else(show::width);
    let mut page = Vec::new();
    for block in blocks {
        match block {
            Block::Head(head) => page.extend([String::new(), styled(BOLD, head)]),
            Block::Words(words) => {
                let line = words.iter().map(Text::plain).collect::<String>();
                page.push(show::wrapped(&line, 2, width));
            }
            Block::Table(heads, rows) => {
                let mut table = show::table::<0>([]);
                table.set_header(heads.clone());
                for row in rows {
                    table.add_row(row.iter().map(Text::plain));
                }
                show::spaced(&mut table);
                page.push(lines(&mut table, width));
            }
            Block::Commands(commands) => {
                let length = |text: &str| text.chars().count();
                let longest = commands.iter().map(|(command, _)| length(command)).max().unwrap_or(0);
                let reason = commands.iter().map(|(_, why)| length(why)).max().unwrap_or(0);
                let has_room = width.is_none_or(|width| longest + reason + 4 <= width.into());
                page.extend(commands.iter().map(|(command, why)| {
                    if longest <= 50 && has_room {
                        format!("  {command:longest$}  {why}")
                    } else {
                        format!("  {command}\n{}", show::fit(&format!("      {why}"), width))
                    }
                }));
            }
        }
    }
    page.join("\n").trim_start_matches('\n').to_owned()
}

pub(super) fn markdown(title: &Text, blocks: &[Block]) -> String {
    let mut page = vec![format!("# {}", title.markdown()), String::new()];
    for block in blocks {
        match block {
            Block::Head(head) => page.extend([format!("## {head}"), String::new()]),
            Block::Words(words) => page.extend([words.iter().map(Text::markdown).collect::<String>(), String::new()]),
            Block::Table(heads, rows) => {
                page.push(format!("| {} |", heads.join(" | ")));
                page.push(format!("|{}", " --- |".repeat(heads.len())));
                page.extend(rows.iter().map(|row| {
                    let cells: Vec<String> = row.iter().map(|text| text.markdown().replace('|', "\\|")).collect();
                    format!("| {} |", cells.join(" | "))
                }));
                page.push(String::new());
            }
            Block::Commands(commands) => {
                page.push("```sh".to_owned());
                page.extend(commands.iter().map(|(command, why)| format!("{command}    # {why}")));
                page.extend(["```".to_owned(), String::new()]);
            }
        }
    }
    page.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_caller_sent_stays_in_its_cell(text in any::<String>(), more in "[`|<>\\[\\]()!@#*_\u{1b}\r\n\\\\-]{0,12}") {
            let text = format!("{text}{more}");
            let cell = || vec![Text::foreign(&text), Text::own("end")];
            let page = markdown(&Text::own("title"), &[Block::Table(vec!["a", "b"], vec![cell()])]);
            let rows: Vec<&str> = page.lines().collect();
            prop_assert_eq!(rows.len(), 5, "{}", page);
            prop_assert!(!page.chars().any(|letter| letter.is_control() && letter != '\n'));
            // Within the span no run of backticks is as long as the one that ends it.
            let span = Text::foreign(&text).markdown();
            if !span.is_empty() {
                let fence = span.len() - span.trim_start_matches('`').len();
                let inner = &span[fence..span.len() - fence];
                prop_assert!(inner.split(|letter| letter != '`').all(|run| run.len() < fence));
            }
            let plain = terminal(&[Block::Table(vec!["a", "b"], vec![cell()])], None);
            let controls = |letter: char| letter.is_control() && letter != '\n';
            prop_assert!(!anstream::adapter::strip_str(&plain).to_string().chars().any(controls));
        }
    }
}
