//! `export`: data out in bulk, or sensitive content.

use super::{
    ANSWERS, LOOKS, Rule,
    act::{Act, Hit, Place},
    lexicon::export as lexicon,
    verbs::Effect,
    words,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "export.form", when: ANSWERS, judge: form },
    Rule { id: "export.media", when: ANSWERS, judge: media },
    Rule { id: "export.watched", when: LOOKS, judge: watched },
    Rule { id: "export.private", when: LOOKS, judge: private },
    Rule { id: "export.file", when: LOOKS, judge: file },
];

/// A bulk form: its job, or its result.
fn form(act: &Act<'_>) -> Option<String> {
    if let Some(hit) = act.does(&["dump", "export"]) {
        return Some(format!("does {hit}"));
    }
    let hit = match act.effect {
        // A list of exports is only their names.
        Effect::Look => act
            .object_itself(lexicon::BULK)
            .filter(|_| act.one || !act.facts.answer.list && act.does(&["describe", "list"]).is_none()),
        _ => act.makes(lexicon::BULK).or_else(|| act.makes(&["log drain"])),
    }?;
    Some(format!("takes out {hit}"))
}

/// Nothing but a bulk form or a file comes back.
fn media(act: &Act<'_>) -> Option<String> {
    let is_bulk = |media: &String| {
        let media = media.to_ascii_lowercase();
        lexicon::MEDIA.iter().any(|bulk| media.starts_with(bulk))
    };
    let answers = &act.facts.answer.media;
    // Frameworks say `application/octet-stream` of an answer that they know nothing of.
    if act.effect != Effect::Look && answers.iter().all(|media| media.starts_with("application/octet-stream")) {
        return None;
    }
    // A file comes back as another one.
    if act.effect != Effect::Look
        && (act.asks(&["document", "file", "html", "image", "url"]).is_some()
            || act.facts.request.media.iter().any(|media| media.starts_with("multipart/")))
    {
        return None;
    }
    let bulk = answers.iter().find(|media| is_bulk(media))?;
    answers.iter().all(|media| is_bulk(media) || media == "*/*").then(|| format!("answers with `{bulk}`"))
}

/// What people did, and what programs wrote about it.
fn watched(act: &Act<'_>) -> Option<String> {
    if act.any_object(lexicon::SETTINGS) {
        return None;
    }
    let log = || act.object_itself(&["log"]).filter(|hit| hit.place == Place::Path);
    let entries =
        || act.under(lexicon::WATCHED).filter(|_| act.object_itself(&["entry", "event", "item", "record"]).is_some());
    // Events that say from where and who are no appointments.
    let traced = || {
        act.object_itself(&["activity", "event"])
            .filter(|_| act.answers.iter().any(|named| words::is_any(&named.words, lexicon::TRACES)))
    };
    act.object(lexicon::WATCHED).or_else(entries).or_else(log).or_else(traced).map(|hit| format!("reads {hit}"))
}

/// What people said to each other.
fn private(act: &Act<'_>) -> Option<String> {
    // Messages of machines are none.
    if act.container().is_some_and(|said| words::ends_with_any(&said.words, lexicon::MACHINES)) {
        return None;
    }
    act.object_itself(lexicon::PRIVATE).filter(|hit| hit.is_in_a_name()).map(|hit| format!("reads {hit}"))
}

/// What stored files hold.
fn file(act: &Act<'_>) -> Option<String> {
    if let Some(hit) = act.does(&["download"]) {
        return Some(format!("does {hit}"));
    }
    let mut own = act.answers.iter().filter(|named| named.level == 1);
    let holds = |name: &str| own.clone().any(|named| words::is(&named.words, name));
    let names_only = act.facts.answer.list && !act.one;
    if holds("content") && holds("encoding") && !names_only {
        return Some("answers with a file's `content`".to_owned());
    }
    if let Some(link) = own.find(|named| words::is_any(&named.words, lexicon::LINKS)) {
        return Some(format!("answers with `{}`", link.name));
    }
    if act.facts.method != "GET" {
        return None;
    }
    // An archive without fields is the archive itself.
    let bare = act.answers.is_empty() && act.facts.answer.media.iter().all(|media| !media.contains("json"));
    let archive = || {
        act.object_itself(&["archive", "attachment", "document", "file"])
            .filter(|_| bare && act.verbs.iter().all(|verb| verb.place != Place::Path))
    };
    let stored = |hit: &Hit| hit.term != "content" || !names_only && bare || !names_only && act.is_in(lexicon::STORED);
    let content = act.object_itself(lexicon::CONTENT).filter(stored).or_else(archive);
    content.filter(|hit| hit.place == Place::Path).map(|hit| format!("reads {hit}"))
}
