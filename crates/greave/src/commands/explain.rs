//! `greave explain`: why a call would pass, be asked about, or be refused. Calls nothing.

use clap::Args;
use console::api::{ExplainFilter, ExplainedPower, Explanation};
use law::{KeyId, Power, Verdict};

use super::{Admin, Done, Outcome};
use crate::{
    client::{address, filtered},
    show::{self, ALARM, BOLD, FAINT, WELL, clean, styled},
};

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The method, such as `DELETE`.
    pub(crate) method: String,
    /// The path, such as `/users/ann`.
    pub(crate) path: String,
    /// As which key.
    #[arg(long)]
    pub(crate) key: Option<KeyId>,
    /// From which address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source: Option<std::net::IpAddr>,
}

pub(crate) async fn run(admin: &Admin, command: &Explain) -> Outcome {
    let Explain { method, path, key, source } = command;
    let asked = ExplainFilter { method: method.clone(), path: path.clone(), key: *key, source: *source };
    let explanation: Explanation = admin.client.read(&filtered(address(&["explain"]), &asked)).await?;
    admin.tell_observing().await?;
    admin.answer(&explanation, || page(&explanation))?;
    Ok(Done::Clean)
}

fn page(explanation: &Explanation) -> String {
    let Explanation { method, path, operation, summary, candidates, parameters, open, .. } = explanation;
    let mut page = vec![styled(BOLD, clean(&format!("{method} {path}")))];
    let mut line = |word: &str, text: String| page.push(format!("  {word:<10}{text}"));
    if let Some(operation) = operation {
        let summary = summary.as_ref().map_or_else(String::new, |summary| format!(": {summary}"));
        line("is", clean(&format!("{operation}{summary}")));
    }
    for candidate in candidates {
        line("may be", clean(candidate));
    }
    for (name, value) in parameters {
        line("with", clean(&format!("{name} = {value}")));
    }
    line("called by", caller(explanation));
    if *open {
        line("open", "anybody may call it, without a key".to_owned());
    }
    let undescribed = operation.is_none() && candidates.is_empty() && explanation.powers.len() == Power::ALL.len();
    if undescribed {
        line("is", "not described, so it has every power".to_owned());
        for (guard, powers) in by_guard(&explanation.powers) {
            line("requires", format!("{guard}, for {}", powers.join(", ")));
        }
        for (place, name) in explanation.nearest.iter().enumerate() {
            line(if place == 0 { "meant?" } else { "" }, clean(name));
        }
    } else {
        for power in &explanation.powers {
            page.push(String::new());
            page.extend(power_lines(power));
        }
    }
    page.push(String::new());
    page.push(styled(if passes(explanation.verdict) { WELL } else { ALARM }, sentence(&explanation.in_words)));
    page.extend(explanation.notes.iter().map(|note| styled(FAINT, format!("Note: {note}"))));
    page.join("\n")
}

fn caller(explanation: &Explanation) -> String {
    match &explanation.key {
        Some(key) => {
            let (whose, kind) = (show::key(key.id, key.name.as_deref(), key.holder.as_deref()), explanation.kind);
            format!("{whose}, judged as a {kind}'s; it could show {}", explanation.presentable)
        }
        None => "nobody: no credential; `--key KEY` explains it for a key".to_owned(),
    }
}

/// Every guard with the powers that it is asked for: what nobody described has all of them.
fn by_guard(powers: &[ExplainedPower]) -> Vec<(String, Vec<String>)> {
    let mut guards: Vec<(String, Vec<String>)> = Vec::new();
    for ExplainedPower { guard, holds, in_words: _, evidence: _ } in powers {
        let holds = if *holds { styled(WELL, "holds") } else { styled(ALARM, "does not hold") };
        let told = format!("{}: {holds} ({})", guard.guard, guard.mode);
        match guards.iter_mut().find(|(known, _)| *known == told) {
            Some((_, powers)) => powers.push(guard.power.to_string()),
            None => guards.push((told, vec![guard.power.to_string()])),
        }
    }
    guards
}

fn power_lines(power: &ExplainedPower) -> Vec<String> {
    let ExplainedPower { guard, in_words, evidence, holds } = power;
    let mut lines = vec![format!("  {}{in_words}", styled(BOLD, format!("{:<10}", guard.power)))];
    for evidence in evidence {
        let rule = styled(FAINT, format!("({})", evidence.rule));
        lines.push(format!("  {:<10}because   {} {rule}", "", clean(&evidence.words)));
    }
    let holds = if *holds { styled(WELL, "holds") } else { styled(ALARM, "does not hold") };
    lines.push(format!("  {:<10}requires  {}: {holds}", "", guard.guard));
    lines.push(format!("  {:<10}mode      {}", "", guard.mode));
    lines
}

const fn passes(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_))
}

/// What the admin API says in words, as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", clean(letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, plain};

    #[test]
    fn an_explanation_is_a_page_that_ends_with_the_decision() {
        insta::assert_snapshot!("explain", plain(&page(&testing::explanation())));
    }

    #[test]
    fn what_nobody_described_is_told_in_a_few_lines() {
        let whole = testing::explanation();
        let power = |power: Power| {
            let mut explained = whole.powers[usize::from(power.is_sensitive())].clone();
            explained.guard.power = power;
            explained.holds = !power.is_sensitive();
            explained
        };
        let explanation = Explanation {
            path: "/user/carol".to_owned(),
            operation: None,
            summary: None,
            parameters: Vec::new(),
            nearest: vec!["DELETE /users/{name}".to_owned(), "GET /users/{name}".to_owned()],
            powers: Power::ALL.into_iter().map(power).collect(),
            notes: vec!["the document does not describe it, so it has every power".to_owned()],
            ..whole
        };
        let told = plain(&page(&explanation));
        assert!(told.lines().count() <= 10, "{told}");
        insta::assert_snapshot!("explain_undescribed", told);
    }

    #[test]
    fn what_may_be_several_operations_is_explained_too() {
        let explanation = Explanation {
            operation: None,
            summary: None,
            parameters: Vec::new(),
            key: None,
            candidates: vec!["POST /graphql deleteUser".to_owned(), "POST /graphql viewer".to_owned()],
            notes: vec!["more than the path tells which operation it is".to_owned()],
            ..testing::explanation()
        };
        insta::assert_snapshot!("explain_unknown", plain(&page(&explanation)));
    }
}
