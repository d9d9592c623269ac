//! Names and texts as sentences: a verb and its object.

use super::{
    act::{Place, Said},
    lexicon::grammar,
    verbs,
    words::{spelled, words},
};

/// What is done, and to what.
pub(super) struct Sentence {
    pub(super) verbs: Vec<Said>,
    pub(super) object: Option<Said>,
}

impl Sentence {
    /// Reads `createUserKey`, `users_create`, `keys/delete-for-user`.
    pub(super) fn of_name(name: &str, place: Place) -> Self {
        let name = without_method(name);
        let all = words(name);
        let Some((before, rest)) = verb_at(name).and_then(|at| all.split_at_checked(at)) else {
            return Self { verbs: Vec::new(), object: object(&all, place) };
        };
        let mut verbs = verbs_of(rest);
        // `PostTopupCancel`: the method, and the verb at the end.
        if let [first, _, .., last] = rest
            && ["patch", "post", "put"].contains(&first.as_str())
            && verbs::is_verb(last)
        {
            verbs.push(last.clone());
        }
        Self { verbs: said(verbs, place), object: object(after_verbs(rest), place).or_else(|| object(before, place)) }
    }

    /// Reads `Creates a key for a user. It …`.
    pub(super) fn of_text(text: &str, place: Place) -> Self {
        let text = without_tags(text).replace(" / ", " or ");
        let text = text.trim_start_matches(['#', '*', ' ', '\n']);
        let first = text.split(['.', ';', ':', '(', '\n', ',']).next().unwrap_or_default();
        let all = words(first);
        // "This endpoint": what it does follows.
        let leads = all.first().is_some_and(|word| is_one_of(word, grammar::DETERMINERS));
        let all: Vec<String> = all.into_iter().skip_while(|word| leads && is_one_of(word, grammar::LEADS)).collect();
        let (verbs, rest) = spoken_verbs(allowed(&all).unwrap_or(&all));
        // "Service transfer create": the verb stands last.
        if verbs.is_empty()
            && let [before @ .., last] = rest
            && let Some(verb) = verbs::infinitive(last).filter(|verb| verbs::effect(verb).is_some())
        {
            return Self { verbs: said(vec![verb], place), object: object(before, place) };
        }
        Self { verbs: said(verbs, place), object: object(held(rest), place) }
    }
}

/// The verbs of a name: those at its start, or the one at its end.
pub(super) fn verbs_of(name: &[String]) -> Vec<String> {
    let at_start = name.len() - after_verbs(name).len();
    let found: Vec<String> = name.iter().take(at_start).filter(|word| !is_glue(word)).cloned().collect();
    if found.is_empty() {
        name.last().filter(|word| verbs::is_verb(word)).cloned().into_iter().collect()
    } else {
        found
    }
}

/// What follows the verbs at the start; a second verb counts after `and` and `or` only, as in `create-or-update`.
pub(super) fn after_verbs(name: &[String]) -> &[String] {
    let [first, tail @ ..] = after(name, is_glue) else { return name };
    if !verbs::is_verb(first) {
        return name;
    }
    let mut rest = tail;
    while let [glue, verb, tail @ ..] = rest
        && is_glue(glue)
        && verbs::is_verb(verb)
    {
        rest = tail;
    }
    after(rest, is_glue)
}

/// A name's object, whether its verb stands first or last.
pub(super) fn without_verbs(name: &[String]) -> Vec<String> {
    match after_verbs(name) {
        [rest @ .., last] if rest.len() + 1 == name.len() && verbs::is_verb(last) => rest.to_vec(),
        rest => until_preposition(rest).to_vec(),
    }
}

/// Whether the word joins verbs, or says how many things at once.
pub(super) fn is_glue(word: &str) -> bool {
    is_one_of(word, grammar::GLUE)
}

/// `POST_DeleteUser`: the method says nothing, the verb behind it does.
fn without_method(name: &str) -> &str {
    let says_more = |rest: &str| spelled(rest).first().is_some_and(|word| is_strong(word));
    match name.split_once(['_', '-', '.', '/']) {
        Some((first, rest)) if is_one_of(&first.to_lowercase(), grammar::METHODS) && says_more(rest) => rest,
        _ => name,
    }
}

/// The place of the word that is the name's verb. Plurals are none: `ordersUpdate` updates orders.
fn verb_at(name: &str) -> Option<usize> {
    let mut at = 0;
    let mut starts = Vec::new();
    for part in name.split(['/', '.', '#', '_', '-', ' ', ':']) {
        let part = spelled(part);
        starts.extend(part.first().map(|word| (at, word.clone())));
        at += part.len();
    }
    let start = |fits: fn(usize, &str) -> bool| starts.iter().find(|(at, word)| fits(*at, word)).map(|(at, _)| *at);
    let all = spelled(name);
    // Parts of a name start with a verb, or the name ends with one, or one stands anywhere.
    start(|_, word| is_strong(word))
        .or_else(|| start(|at, word| at == 0 && verbs::is_verb(word)))
        .or_else(|| start(|_, word| verbs::effect(word).is_some()))
        .or_else(|| all.len().checked_sub(1).filter(|_| all.last().is_some_and(|word| verbs::is_verb(word))))
        .or_else(|| all.iter().position(|word| verbs::effect(word).is_some()))
}

fn is_strong(word: &str) -> bool {
    verbs::effect(word).is_some() && !verbs::is_noun_too(word)
}

/// "Allows an administrator to delete users": what follows `to` is done.
fn allowed(text: &[String]) -> Option<&[String]> {
    let [first, rest @ ..] = text else { return None };
    if !is_one_of(first, &["allow", "enable", "let", "permit", "use"]) {
        return None;
    }
    match after(rest, |word| is_one_of(word, grammar::CALLERS) || is_glue(word)) {
        [to, done @ ..] if to == "to" && done.first().and_then(|word| verbs::infinitive(word)).is_some() => Some(done),
        _ => None,
    }
}

/// The verbs at the start of a text, and what follows.
fn spoken_verbs(text: &[String]) -> (Vec<String>, &[String]) {
    let mut verbs = Vec::new();
    let mut expects = true;
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let goes_on = || verbs.is_empty() || tail.first().is_some_and(|next| verbs::infinitive(next).is_some());
        if let Some(verb) = verbs::infinitive(first).filter(|_| expects) {
            verbs.push(verb);
            expects = false;
        } else if is_glue(first) && goes_on() {
            expects = true;
        } else {
            break;
        }
        rest = tail;
    }
    (verbs, rest)
}

/// "A list of users": the list is the users.
fn held(text: &[String]) -> &[String] {
    match after(text, |word| is_one_of(word, grammar::FILLERS)) {
        [holder, of, tail @ ..] if of == "of" && is_one_of(holder, grammar::HOLDERS) => held(tail),
        rest => rest,
    }
}

fn object(words: &[String], place: Place) -> Option<Said> {
    if words.first().is_some_and(|word| is_one_of(word, grammar::PREPOSITIONS)) {
        return None;
    }
    let says = |word: &&String| !is_one_of(word, grammar::FILLERS);
    let phrase: Vec<String> = until_preposition(words).iter().filter(says).cloned().collect();
    (!phrase.is_empty()).then(|| Said::new(place, phrase))
}

fn until_preposition(words: &[String]) -> &[String] {
    // To sign in and to opt in are one word each.
    let ends = |pair: &[String]| match pair {
        [before, word] => {
            is_one_of(word, grammar::PREPOSITIONS) && !(word == "in" && is_one_of(before, grammar::BEFORE_IN))
        }
        _ => false,
    };
    let end = words.windows(2).position(ends);
    end.and_then(|end| words.get(..=end)).unwrap_or(words)
}

fn after(words: &[String], skips: impl Fn(&str) -> bool) -> &[String] {
    let mut rest = words;
    while let [first, tail @ ..] = rest
        && skips(first)
    {
        rest = tail;
    }
    rest
}

fn said(verbs: Vec<String>, place: Place) -> Vec<Said> {
    verbs.into_iter().map(|verb| Said::new(place, vec![verb])).collect()
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.contains(&word)
}

/// A text without its HTML tags.
pub(super) fn without_tags(text: &str) -> String {
    let mut inside = false;
    let outside = |c: char| {
        let was = inside;
        inside = c == '<' || inside && c != '>';
        if was || inside { ' ' } else { c }
    };
    text.chars().map(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sentence: Sentence) -> (String, String) {
        let verbs: Vec<String> = sentence.verbs.into_iter().flat_map(|said| said.words).collect();
        (verbs.join(" "), sentence.object.map(|said| said.words.join(" ")).unwrap_or_default())
    }

    #[test]
    fn a_name_gives_its_verb_and_its_object() {
        for (name, verb, object) in [
            ("createUserKey", "create", "user key"),
            ("users_list", "list", "user"),
            ("Users.Delete", "delete", "user"),
            ("keys/delete-for-user", "delete", "key"),
            ("secrets/create-or-update-org-secret", "create update", "org secret"),
            ("BCCEmailArchive_GetBCCEmailArchiveList", "get", "bcc email archive list"),
            ("POST_DeleteUserGroup", "delete", "user group"),
            ("PostTopupsTopupCancel", "post cancel", "topup topup cancel"),
            ("ordersUpdate", "update", "order"),
            ("DELETE_Refund", "delete", "refund"),
            ("purchase-ship", "purchase", "ship"),
        ] {
            assert_eq!(
                read(Sentence::of_name(name, Place::OperationId)),
                (verb.to_owned(), object.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_text_gives_its_verb_and_its_object() {
        for (text, verb, object) in [
            ("Creates a new API key for a user.", "create", "api key"),
            ("Add or remove members", "add remove", "member"),
            ("Get a list of users", "get", "user"),
            ("<p>Resets a user's password</p>", "reset", "user password"),
            ("This endpoint allows you to delete an alert", "delete", "alert"),
            ("Service Transfer Create", "create", "service transfer"),
            ("Enable a deploy key for a project", "enable", "deploy key"),
            ("Opens for all messages", "open", ""),
            ("**This method** creates a team", "create", "team"),
        ] {
            assert_eq!(read(Sentence::of_text(text, Place::Summary)), (verb.to_owned(), object.to_owned()), "{text}");
        }
    }

    #[test]
    fn odd_texts_are_read_without_falling() {
        for text in ["", " ", ".", "<", "><", "or", "and and", "to", "allow to", "é", "'s", "create", "of"] {
            Sentence::of_text(text, Place::Summary);
            Sentence::of_name(text, Place::OperationId);
        }
    }
}
