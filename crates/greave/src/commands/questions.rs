//! `greave questions`, `approve` and `deny`: calls that wait for a person.

use clap::Args;
use console::{
    Excerpt, Size,
    api::{self, Notified, Proof, QuestionDetails, QuestionList, QuestionState, QuestionView},
};
use http::Method;
use jiff::Timestamp;
use law::{ChallengeId, Power};

use super::{Admin, Done, Outcome, json};
use crate::{
    cli::ProofArgs,
    client::{ClientError, address},
    show::{self, ALARM, BOLD, FAINT, ago, ahead, clean, moment, styled},
};

#[derive(Debug, Args)]
pub(crate) struct Questions {
    /// Only these, whatever became of them.
    pub(crate) questions: Vec<ChallengeId>,
    /// All of the request, however long it is. Credentials are masked.
    #[arg(long)]
    pub(crate) whole: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The questions, such as `c9`; `greave questions` lists them.
    #[arg(required = true)]
    pub(crate) questions: Vec<ChallengeId>,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Deny {
    /// The question, such as `c9`.
    pub(crate) question: ChallengeId,
    /// The call was not yours: the key is disabled, too.
    #[arg(long)]
    pub(crate) not_me: bool,
}

/// What is shown of the beginning and of the end of a long text.
const BEGIN: Size = Size { letters: 1500, lines: 24 };
const END: Size = Size { letters: 500, lines: 8 };
const ALL: Size = Size { letters: usize::MAX, lines: usize::MAX };

/// Where what is said begins, behind the word that says what it is.
const EDGE: usize = 13;

/// How much of a request is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Much {
    Ends,
    Whole,
}

pub(crate) async fn list(admin: &Admin, command: &Questions) -> Outcome {
    let Questions { questions: wanted, whole } = command;
    let much = if *whole { Much::Whole } else { Much::Ends };
    if !wanted.is_empty() {
        return these(admin, wanted, much).await;
    }
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
        say(&details, admin.now, much)?;
    }
    show::aside(FAINT, next(&questions));
    Ok(Done::Clean)
}

/// Those that were asked for, whatever became of them.
async fn these(admin: &Admin, wanted: &[ChallengeId], much: Much) -> Outcome {
    let mut found = Vec::new();
    for id in wanted {
        found.push(details(admin, *id).await?);
    }
    if admin.json {
        json(&found)?;
        return Ok(Done::Clean);
    }
    for details in &found {
        say(details, admin.now, much)?;
    }
    Ok(Done::Clean)
}

fn say(details: &QuestionDetails, now: Timestamp, much: Much) -> std::io::Result<()> {
    show::say(fitting(&card(details, now, much), show::width()) + "\n")
}

/// A card on a terminal of this width. Nothing of a request comes to stand at the left edge,
/// where the words are that say what it is.
fn fitting(card: &str, width: Option<u16>) -> String {
    card.lines().map(|line| show::wrapped(line, EDGE, width)).collect::<Vec<_>>().join("\n")
}

pub(crate) async fn approve(admin: &Admin, command: &Approve) -> Outcome {
    let Approve { questions, proof } = command;
    let mut answerers: Option<Vec<String>> = None;
    // Nobody says yes to what they have not seen.
    for id in questions {
        let details = details(admin, *id).await?;
        settled(&details.question)?;
        anstream::eprintln!("{}\n", fitting(&card(&details, admin.now, Much::Ends), show::width()));
        answerers = Some(match answerers {
            None => details.question.answerers,
            Some(before) => before.into_iter().filter(|name| details.question.answerers.contains(name)).collect(),
        });
    }
    if proof.person.is_none() {
        return Err(whose_code(questions, &answerers.unwrap_or_default()).into());
    }
    let wanted = |proof| api::Approve { questions: questions.clone(), proof };
    let QuestionList { questions } = admin.prove(Method::POST, &address(&["approvals"]), proof, wanted).await?;
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
    settled(&details(admin, *question).await?.question)?;
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

/// What became of a question that waits for no answer any more.
fn settled(question: &QuestionView) -> Result<(), String> {
    match question.state {
        QuestionState::Open => Ok(()),
        _ => Err(format!("there is no open question `{}`: {}", question.id, fate(question))),
    }
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
fn card(details: &QuestionDetails, now: Timestamp, much: Much) -> String {
    let QuestionDetails { question, exhibit } = details;
    let key = &question.key;
    let is_open = question.state == QuestionState::Open;
    let lapses = if is_open { format!(", lapses {}", ahead(question.until, now)) } else { String::new() };
    let times = format!("asked {}{lapses}", ago(question.asked, now));
    let mut card =
        vec![format!("{}  {}  {}", styled(BOLD, question.id), clean(&question.operation), styled(FAINT, times))];
    let mut line = |word: &str, text: String| card.push(format!("    {word:<9}{text}"));
    if !is_open {
        line("stands", styled(BOLD, fate(question)));
    }
    if let Some(exhibit) = exhibit {
        text(&mut line, "request", &format!("{} {}", exhibit.method, exhibit.path), question.id, much);
        exhibit.query.iter().for_each(|query| text(&mut line, "query", query, question.id, much));
        for (name, value) in &exhibit.headers {
            line("header", clean(&format!("{name}: {value}")));
        }
        match &exhibit.body {
            Some(body) => text(&mut line, "body", body, question.id, much),
            None if exhibit.body_bytes > 0 => line("body", "no text".to_owned()),
            None => {}
        }
        if exhibit.body_bytes > 0 {
            line("", styled(FAINT, format!("{} bytes", exhibit.body_bytes)));
            exhibit.body_digest.iter().for_each(|digest| line("sha-256", styled(FAINT, digest)));
        }
    }
    for power in question.powers.iter() {
        line(power.word(), styled(if power.is_sensitive() { ALARM } else { BOLD }, Power::in_words(power)));
    }
    if let Some(beyond) = question.beyond().filter(|_| is_open) {
        line("a yes", styled(ALARM, format!("lets pass as well {beyond}")));
    }
    let whose = show::key(key.id, key.name.as_deref(), key.holder.as_deref());
    line("key", format!("{whose}, first seen {}", ago(key.born, now)));
    let from = question.source;
    let from = match (question.usual_source, question.known_source) {
        (true, _) => format!("{from}, where this key comes from"),
        (false, true) => {
            let since = question.source_since.map_or_else(|| "less than a day ago".to_owned(), |at| ago(at, now));
            styled(ALARM, format!("{from}, NEW: this key came from there for the first time {since}"))
        }
        (false, false) => styled(ALARM, format!("{from}, where this key has never come from")),
    };
    line("from", from);
    if let Some(agent) = exhibit.as_ref().and_then(|exhibit| exhibit.user_agent.as_ref()) {
        line("client", clean(agent));
    }
    line(
        "answers",
        match question.answerers.as_slice() {
            [] => styled(ALARM, "nobody could; the key needs an owner: `greave keys name KEY --owner NAME`"),
            names => clean(&names.join(", ")),
        },
    );
    if is_open {
        let told: Vec<String> = question.told.iter().map(|told| notified(told, now)).collect();
        line("told", if told.is_empty() { styled(ALARM, "nobody by mail or webhook") } else { told.join("; ") });
        let waits = if question.waiting {
            "held open until the answer"
        } else {
            "nobody any more: after a yes it passes when the same request is sent again in time"
        };
        line("waits", waits.to_owned());
    }
    if question.people > 1 {
        let yes = if question.yes.is_empty() { "nobody yet".to_owned() } else { clean(&question.yes.join(", ")) };
        line("needs", format!("{} people; yes from {yes}", question.people));
    }
    card.join("\n")
}

/// A text of the request, or its beginning and its end. What is left out is said at the
/// left edge, where nothing of the request stands.
fn text(line: &mut impl FnMut(&str, String), word: &str, text: &str, id: ChallengeId, much: Much) {
    let (begin, end) = if much == Much::Whole { (ALL, ALL) } else { (BEGIN, END) };
    let excerpt = Excerpt::of(text, begin, end);
    let mut word = word;
    for text in excerpt.begin.lines() {
        line(std::mem::take(&mut word), clean(text));
    }
    if excerpt.omitted.is_none() {
        return;
    }
    let more = format!("{} letters; `greave questions {id} --whole` shows all", excerpt.letters());
    line("LEFT OUT", styled(ALARM, more));
    let (names, more) = excerpt.weighty();
    if !names.is_empty() {
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        line("among it", styled(ALARM, clean(&names.join(", ")) + &more));
    }
    for text in excerpt.end.lines() {
        line("", clean(text));
    }
}

fn notified(told: &Notified, now: Timestamp) -> String {
    let Notified { name, by, at, not_yet } = told;
    let who = name.as_ref().map_or_else(|| format!("a {by}"), |name| format!("{} by {by}", clean(name)));
    match not_yet {
        Some(why) => styled(ALARM, format!("{who} not yet ({})", clean(why))),
        None => format!("{who}, {}", ago(*at, now)),
    }
}

fn answered(question: &QuestionView) -> String {
    format!("{}: {}", question.id, fate(question))
}

/// How a question stands.
fn fate(question: &QuestionView) -> String {
    let (operation, until) = (clean(&question.operation), moment(question.until));
    match question.state {
        QuestionState::Approved | QuestionState::Spent if question.waiting => {
            format!("approved, {operation} goes on")
        }
        QuestionState::Spent => format!("approved, {operation} went on"),
        QuestionState::Approved => format!(
            "approved; nobody waits any more, {operation} passes when the same request is sent again until \
             {until} UTC"
        ),
        QuestionState::Open => format!("your yes counts, {operation} waits for another person's"),
        QuestionState::Denied => {
            format!("denied, {operation} does not pass; the same request is refused until {until} UTC")
        }
        QuestionState::Covered => format!("a yes to another call of this key covers it: {operation} passes"),
        QuestionState::Lapsed => "it has lapsed; a yes is asked for again when the request is sent again".to_owned(),
        QuestionState::KeyFell => "it fell with its key, which does not work any more".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn a_question_shows_what_the_yes_would_let_pass() {
        insta::assert_snapshot!("question", plain(&card(&testing::question(), NOW, Much::Ends)));
    }

    #[test]
    fn on_a_terminal_of_80_columns_nothing_of_a_request_stands_at_the_edge() {
        let mut question = testing::question();
        if let Some(exhibit) = &mut question.exhibit {
            let path = "/x".repeat(200);
            exhibit.path = path;
            exhibit.body = Some(format!("{}from     192.0.2.7, where this key comes from", "word ".repeat(13)));
        }
        let text = plain(&fitting(&card(&question, NOW, Much::Ends), Some(80)));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let at_edge = |line: &&str| line.get(4..8) == Some("from");
        assert_eq!(text.lines().filter(at_edge).count(), 1, "{text}");
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
        let text = plain(&card(&question, NOW, Much::Ends));
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
        for spelt in
            ["\\u{1b}[1A\\u{1b}[2Kharmless\\rGET /", "/users/\\u{202e}nna", "\\u{1b}]0;x\\u{7}", "GET /\\u{1b}[8m"]
        {
            assert!(text.contains(spelt), "{spelt} in {text:?}");
        }
    }

    #[test]
    fn a_long_body_shows_its_end_and_names_what_matters_between() {
        let mut question = testing::question();
        let filler = "- ".repeat(2000);
        let body =
            format!("{{\"note\": \"{filler}\", \"role\": \"owner\", \"x\": \"{filler}\", \"last\": \"the end\"}}");
        if let Some(exhibit) = &mut question.exhibit {
            exhibit.body = Some(body);
        }
        let text = plain(&card(&question, NOW, Much::Ends));
        assert!(text.contains("\"the end\"") && text.len() < 5000, "{text}");
        assert!(text.contains("LEFT OUT") && text.contains("`greave questions c9 --whole` shows all"), "{text}");
        assert!(text.contains("among it role"), "{text}");
        let whole = plain(&card(&question, NOW, Much::Whole));
        assert!(whole.contains("\"role\": \"owner\"") && !whole.contains("LEFT OUT"), "{whole}");
    }

    #[test]
    fn nothing_is_said_to_go_on_where_nobody_waits_and_how_long_a_no_stands_is() {
        let asked = testing::question().question;
        let said = |state, waiting| answered(&QuestionView { state, waiting, ..asked.clone() });
        assert_eq!(said(QuestionState::Approved, true), "c9: approved, DELETE /users/{name} goes on");
        let nobody = said(QuestionState::Approved, false);
        assert!(!nobody.contains("goes on") && nobody.contains("sent again until 2026-11-24 10:23:00 UTC"), "{nobody}");
        assert!(said(QuestionState::Denied, true).ends_with("refused until 2026-11-24 10:23:00 UTC"));
    }

    #[test]
    fn what_was_answered_is_not_shown_as_open_and_is_not_answered_again() {
        let asked = testing::question();
        let question = QuestionView { state: QuestionState::Denied, ..asked.question.clone() };
        let text = plain(&card(&QuestionDetails { question: question.clone(), ..asked.clone() }, NOW, Much::Ends));
        let told = "denied, DELETE /users/{name} does not pass; the same request is refused until 2026-11-24 10:23:00";
        assert!(text.contains(told) && !text.contains("lapses"), "{text}");
        assert!(settled(&question).unwrap_err().starts_with(&format!("there is no open question `c9`: {told}")));
        assert_eq!(settled(&asked.question), Ok(()));
    }

    #[test]
    fn who_gave_no_name_learns_who_can_answer() {
        let told = whose_code(&[ChallengeId(9), ChallengeId(10)], &["ann".to_owned(), "bob".to_owned()]);
        assert_eq!(told, "a yes needs a person's code: `greave approve c9 c10 --as NAME`; ann, bob can");
        assert!(whose_code(&[ChallengeId(9)], &[]).contains("needs an owner"));
    }
}
