//! Questions to people, as the admin API and the pages show them.

use authority::{Asked, Declined, Progress, State};
use jiff::Timestamp;
use law::{ChallengeId, HolderId, Power};

use crate::{
    Desk,
    api::{KeyRef, QuestionState, QuestionView, Window},
    inventory::{key_ref, names},
};

/// The open questions, newest first: all, or those that this person answers for.
pub(crate) fn open(desk: &Desk, of: Option<HolderId>) -> Vec<QuestionView> {
    let now = desk.now();
    desk.authority.view(|state| {
        let open = state.questions().filter(|asked| asked.progress(now) == Progress::Open);
        let mine = open.filter(|asked| of.is_none_or(|person| answers(state, asked, person)));
        let mut questions: Vec<QuestionView> = mine.map(|asked| question(desk, state, asked, now)).collect();
        questions.sort_unstable_by_key(|question| std::cmp::Reverse((question.asked, question.id)));
        questions
    })
}

/// One question, in whatever state it is.
pub(crate) fn one(desk: &Desk, id: ChallengeId) -> Result<QuestionView, Declined> {
    desk.authority.view(|state| {
        let asked = state.question(id).ok_or(Declined::NoQuestion(id))?;
        Ok(question(desk, state, asked, desk.now()))
    })
}

/// Whether this person answers for the key that the question is about.
pub(crate) fn answers(state: &State, asked: &Asked, person: HolderId) -> bool {
    let holder = state.key(asked.question.key).and_then(|key| key.holder());
    holder.is_some_and(|holder| state.answerers(holder).contains(&person))
}

fn question(desk: &Desk, state: &State, asked: &Asked, now: Timestamp) -> QuestionView {
    let question = &asked.question;
    let key = state.key(question.key);
    let unknown = || KeyRef {
        id: question.key,
        name: None,
        holder: None,
        place: String::new(),
        born: asked.at,
        end: None,
        past_limit: false,
    };
    let answerers = key.and_then(|key| key.holder()).map_or_else(Vec::new, |holder| state.answerers(holder));
    // By the law in force, as the next call will be judged.
    let windows = state.windows(asked, &desk.authority.law().law);
    QuestionView {
        id: asked.id,
        key: key.map_or_else(unknown, |key| key_ref(state, key, now)),
        operation: question.operation.clone(),
        powers: question.powers,
        in_words: question.powers.iter().map(|power| Power::in_words(power).to_owned()).collect(),
        missing: question.missing,
        source: question.source,
        known_source: question.known_source,
        usual_source: question.usual_source,
        source_since: question.source_since,
        asked: asked.at,
        until: question.until,
        state: match asked.progress(now) {
            Progress::Open => QuestionState::Open,
            Progress::Approved(_) => QuestionState::Approved,
            Progress::Denied => QuestionState::Denied,
            Progress::Spent => QuestionState::Spent,
            Progress::Covered => QuestionState::Covered,
            Progress::Lapsed => QuestionState::Lapsed,
            Progress::KeyFell(_) => QuestionState::KeyFell,
        },
        people: question.people(),
        yes: names(state.people(), asked.yes.iter().map(|yes| yes.by)),
        answerers: names(state.people(), answerers),
        waiting: desk.authority.waits(asked.id),
        told: desk.told.of(asked.id),
        windows: windows.into_iter().map(|(lasts, powers)| Window { powers, lasts }).collect(),
    }
}
