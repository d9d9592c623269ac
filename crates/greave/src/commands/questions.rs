//! `greave questions`, `approve` and `deny`: calls that wait for a person.

use console::api::{Approve, Proof, QuestionDetails, QuestionList, QuestionState, QuestionView};
use jiff::Timestamp;
use law::{ChallengeId, Power};

use super::{Admin, Done, Outcome, code_of, json};
use crate::{
    cli::{self, Deny},
    client::{ClientError, address},
    show::{self, ALARM, BOLD, FAINT, ago, ahead, clean, styled},
};

/// Lines of a body that are shown; the desk shows all that was kept.
const BODY_LINES: usize = 20;

pub(crate) async fn list(admin: &Admin) -> Outcome {
    let QuestionList { questions } = admin.client.read(&address(&["questions"])).await?;
    admin.tell_observing().await?;
    if admin.json {
        json(&questions)?;
        return Ok(Done::Clean);
    }
    if questions.is_empty() {
        show::say("nothing waits for an answer")?;
        return Ok(Done::Clean);
    }
    for question in &questions {
        // Between the list and this, it may have been answered.
        let details =
            details(admin, question.id).await.unwrap_or(QuestionDetails { question: question.clone(), exhibit: None });
        show::say(card(&details, admin.now))?;
    }
    show::aside(FAINT, next(&questions));
    Ok(Done::Clean)
}

pub(crate) async fn approve(admin: &Admin, command: &cli::Approve) -> Outcome {
    let cli::Approve { questions, proof } = command;
    let mut answerers: Option<Vec<String>> = None;
    // Nobody says yes to what they have not seen.
    for id in questions {
        let details = details(admin, *id).await?;
        anstream::eprintln!("{}", card(&details, admin.now));
        answerers = Some(match answerers {
            None => details.question.answerers,
            Some(before) => before.into_iter().filter(|name| details.question.answerers.contains(name)).collect(),
        });
    }
    let Some(person) = &proof.person else {
        return Err(whose_code(questions, &answerers.unwrap_or_default()).into());
    };
    let proof = code_of(person, "Code:")?;
    let wanted = Approve { questions: questions.clone(), proof };
    let QuestionList { questions } = admin.client.change(&address(&["approvals"]), &wanted).await?;
    if admin.json {
        json(&questions)?;
    } else {
        for question in &questions {
            show::say(answered(question))?;
        }
    }
    Ok(Done::Clean)
}

pub(crate) async fn deny(admin: &Admin, command: &Deny) -> Outcome {
    let Deny { question, not_me } = command;
    let act = if *not_me { "not-me" } else { "deny" };
    let of = address(&["questions", &question.to_string(), act]);
    let question: QuestionView = admin.client.change(&of, &Proof::default()).await?;
    admin.answer(&question, || {
        let key = question.key.id;
        let disabled = format!("; key {key} is disabled until `greave keys enable {key} --as NAME`");
        format!("{}{}", answered(&question), if *not_me { &disabled } else { "" })
    })?;
    Ok(Done::Clean)
}

async fn details(admin: &Admin, id: ChallengeId) -> Result<QuestionDetails, ClientError> {
    admin.client.read(&address(&["questions", &id.to_string()])).await
}

fn whose_code(questions: &[ChallengeId], answerers: &[String]) -> String {
    let ids: Vec<String> = questions.iter().map(ToString::to_string).collect();
    let can = match answerers {
        [] => "nobody can answer; the key needs an owner: `greave keys name KEY --owner NAME`".to_owned(),
        names => format!("{} can", clean(&names.join(", "))),
    };
    format!("a yes needs a person's code: `greave approve {} --as NAME`; {can}", ids.join(" "))
}

fn next(questions: &[QuestionView]) -> String {
    let (id, who) = match questions {
        [one] => (one.id.to_string(), one.answerers.first().map_or("NAME", String::as_str)),
        _ => ("QUESTION…".to_owned(), "NAME"),
    };
    let no = questions.first().map_or_else(String::new, |question| question.id.to_string());
    format!(
        "yes: `greave approve {id} --as {}`   no: `greave deny {no}`, with `--not-me` to stop the key, too",
        show::word(who)
    )
}

/// All that a person must know of a question.
fn card(details: &QuestionDetails, now: Timestamp) -> String {
    let QuestionDetails { question, exhibit } = details;
    let key = &question.key;
    let times = format!("asked {}, lapses {}", ago(question.asked, now), ahead(question.until, now));
    let mut card =
        vec![format!("{}  {}  {}", styled(BOLD, question.id), clean(&question.operation), styled(FAINT, times))];
    let mut line = |word: &str, text: String| card.push(format!("    {word:<9}{text}"));
    if let Some(exhibit) = exhibit {
        line("request", clean(&format!("{} {}", exhibit.method, exhibit.path)));
        exhibit.query.iter().flat_map(|query| query.lines()).for_each(|text| line("query", clean(text)));
        for (name, value) in &exhibit.headers {
            line("", clean(&format!("{name}: {value}")));
        }
        match &exhibit.body {
            Some(body) => body_lines(body).into_iter().for_each(|text| line("", text)),
            None if exhibit.body_bytes > 0 => {
                line("", format!("a body of {} bytes that is no text", exhibit.body_bytes))
            }
            None => {}
        }
    }
    for power in question.powers.iter() {
        line(power.word(), styled(if power.is_sensitive() { ALARM } else { BOLD }, Power::in_words(power)));
    }
    let whose = show::key(key.id, key.name.as_deref(), key.holder.as_deref());
    line("key", format!("{whose}, first seen {}", ago(key.born, now)));
    let from = question.source;
    let new = || styled(ALARM, format!("{from}, where this key has never come from"));
    line("from", if question.known_source { format!("{from}, where this key comes from") } else { new() });
    if let Some(agent) = exhibit.as_ref().and_then(|exhibit| exhibit.user_agent.as_ref()) {
        line("client", clean(agent));
    }
    line(
        "asked",
        match question.answerers.as_slice() {
            [] => styled(ALARM, "nobody who could answer"),
            names => clean(&names.join(", ")),
        },
    );
    if question.people > 1 {
        let yes = if question.yes.is_empty() { "nobody yet".to_owned() } else { clean(&question.yes.join(", ")) };
        line("needs", format!("{} people; yes from {yes}", question.people));
    }
    card.join("\n") + "\n"
}

fn body_lines(body: &str) -> Vec<String> {
    let mut lines: Vec<String> = body.lines().take(BODY_LINES).map(clean).collect();
    let more = body.lines().count().saturating_sub(BODY_LINES);
    if more > 0 {
        lines.push(format!("… and {more} more lines; the desk shows them"));
    }
    lines
}

fn answered(question: &QuestionView) -> String {
    let (id, operation) = (question.id, clean(&question.operation));
    match question.state {
        QuestionState::Approved | QuestionState::Spent => format!("{id}: approved, {operation} goes on"),
        QuestionState::Open => format!("{id}: your yes counts, {operation} waits for another person's"),
        QuestionState::Denied => format!("{id}: denied, {operation} does not pass"),
        QuestionState::Lapsed => format!("{id}: it has lapsed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn a_question_shows_what_the_yes_would_let_pass() {
        insta::assert_snapshot!("question", plain(&card(&testing::question(), NOW)));
    }

    #[test]
    fn a_request_cannot_repaint_the_screen_of_who_is_asked() {
        let mut question = testing::question();
        if let Some(exhibit) = &mut question.exhibit {
            exhibit.body = Some("\u{1b}[1A\u{1b}[2Kharmless\rGET /".to_owned());
            exhibit.path = "/users/\u{202e}nna".to_owned();
            exhibit.user_agent = Some("\u{1b}]0;x\u{7}".to_owned());
        }
        question.question.operation = "GET /\u{1b}[8m".to_owned();
        let text = plain(&card(&question, NOW));
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
        for spelt in
            ["\\u{1b}[1A\\u{1b}[2Kharmless\\rGET /", "/users/\\u{202e}nna", "\\u{1b}]0;x\\u{7}", "GET /\\u{1b}[8m"]
        {
            assert!(text.contains(spelt), "{spelt} in {text:?}");
        }
    }

    #[test]
    fn a_long_body_is_cut_and_says_so() {
        let lines = body_lines(&"x\n".repeat(BODY_LINES + 3));
        assert_eq!(
            (lines.len(), lines.last().map(String::as_str)),
            (BODY_LINES + 1, Some("… and 3 more lines; the desk shows them"))
        );
    }

    #[test]
    fn who_gave_no_name_learns_who_can_answer() {
        let told = whose_code(&[ChallengeId(9), ChallengeId(10)], &["ann".to_owned(), "bob".to_owned()]);
        assert_eq!(told, "a yes needs a person's code: `greave approve c9 c10 --as NAME`; ann, bob can");
        assert!(whose_code(&[ChallengeId(9)], &[]).contains("needs an owner"));
    }
}
