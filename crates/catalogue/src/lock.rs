//! `catalogue.lock`: the powers that were accepted, as a text to review.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    ops::Range,
};

use law::Powers;
use serde::Deserialize;

use crate::{
    By, Catalogue, Operation,
    classify::{CLASSIFIER_VERSION, Evidence},
};

/// The format's version.
const VERSION: u32 = 1;

/// The accepted powers of every operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// SHA-256 of the document that was accepted, in hexadecimal.
    pub document: String,
    /// The classifier that judged it.
    pub classifier: u32,
    /// By the operation's name, such as `DELETE /users/{name}`.
    pub operations: BTreeMap<String, Locked>,
}

/// What was accepted of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its powers. The empty set counts as every power.
    pub powers: Powers,
    /// Whether anybody may call it without a credential.
    #[serde(default)]
    pub open: bool,
    /// Who decided on the powers.
    #[serde(default)]
    pub by: By,
    /// The rules that spoke for them, each with what it found.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// A lock that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}; mend it, or accept the catalogue anew")]
pub struct LockError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

impl Lock {
    /// Accepts a catalogue as it is. `document` is the SHA-256 of its document, in hexadecimal.
    pub fn of(catalogue: &Catalogue, document: &str) -> Self {
        let operations = catalogue.operations().iter().map(|operation| (operation.name.to_string(), locked(operation)));
        Self { document: document.to_owned(), classifier: CLASSIFIER_VERSION, operations: operations.collect() }
    }

    /// The text: one line an operation, sorted by path.
    pub fn write(&self) -> String {
        let mut out = String::from(
            "# The powers that the gate obeys. Review changes here like code.\n\
             # An operation that is not listed has every power until it is accepted.\n",
        );
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "version = {VERSION}\ndocument = {}\nclassifier = {}",
            quoted(&self.document),
            self.classifier
        );
        out += "\n[operations]\n";
        let mut lines: Vec<(&String, &Locked)> = self.operations.iter().collect();
        lines.sort_by_key(|(name, _)| by_path(name));
        for (name, Locked { powers, open, by, evidence }) in lines {
            let words: Vec<String> = powers.iter().map(|power| quoted(power.word())).collect();
            let _ = write!(out, "{} = {{ powers = [{}]", quoted(name), words.join(", "));
            if *open {
                out += ", open = true";
            }
            if *by == By::Override {
                out += ", by = \"override\"";
            }
            if !evidence.is_empty() {
                let rules: Vec<String> = evidence.iter().map(|rule| quoted(rule)).collect();
                let _ = write!(out, ", evidence = [{}]", rules.join(", "));
            }
            out += " }\n";
        }
        out
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// Where the text is no lock of this version; nothing is guessed.
    pub fn read(text: &str) -> Result<Self, LockError> {
        let error = |error: &toml::de::Error| {
            let (line, column) = place(text, error.span());
            let what = error.message().lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
            LockError { line, column, what }
        };
        let wire: Wire = toml::from_str(text).map_err(|found| error(&found))?;
        let Wire { version, document, classifier, operations } = wire;
        if version != VERSION {
            let what = format!("version `{version}` is not known; this program reads {VERSION}");
            let (line, column) = place(text, text.find("version").map(|at| at..at));
            return Err(LockError { line, column, what });
        }
        Ok(Self { document, classifier, operations })
    }
}

/// The file as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    document: String,
    classifier: u32,
    #[serde(default)]
    operations: BTreeMap<String, Locked>,
}

impl<'de> Deserialize<'de> for By {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "override" => Ok(Self::Override),
            other => {
                Err(serde::de::Error::custom(format!("`{other}` decides nothing; write `override`, or leave it out")))
            }
        }
    }
}

/// What differs between what was accepted and what is described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Described, and not accepted yet.
    pub added: Vec<(String, Locked)>,
    /// Accepted, and not described any more.
    pub gone: Vec<(String, Locked)>,
    /// Accepted with something else.
    pub changed: Vec<Changed>,
    /// The classifiers, where another one judged: accepted, now.
    pub classifier: Option<(u32, u32)>,
}

/// One operation that was accepted with something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The operation.
    pub name: String,
    /// What was accepted.
    pub from: Locked,
    /// What is described.
    pub to: Locked,
}

impl Changed {
    /// Powers that accepting it would take from the operation: its guards would fall away.
    pub fn lost(&self) -> Powers {
        self.from.powers.difference(self.to.powers)
    }

    /// Powers that accepting it would add.
    pub fn gained(&self) -> Powers {
        self.to.powers.difference(self.from.powers)
    }

    /// Whether accepting it makes anything easier.
    pub fn weakens(&self) -> bool {
        !self.lost().is_empty() || self.to.open && !self.from.open || self.frees_upgrades()
    }

    /// Whether accepting it makes the operation's powers the operator's word, which holds also
    /// for a change of protocol: that has every power otherwise.
    pub fn frees_upgrades(&self) -> bool {
        self.to.by == By::Override && self.from.by == By::Classifier && self.to.powers != Powers::EVERY
    }
}

impl Drift {
    /// Compares a lock with a catalogue that does not obey it.
    pub fn between(lock: &Lock, catalogue: &Catalogue) -> Self {
        let now = Lock::of(catalogue, "");
        let mut drift = Self {
            classifier: (lock.classifier != now.classifier).then_some((lock.classifier, now.classifier)),
            ..Self::default()
        };
        for (name, to) in &now.operations {
            match lock.operations.get(name) {
                None => drift.added.push((name.clone(), to.clone())),
                // Other evidence for the same powers changes nothing. Whose word they are does: what
                // an operator has said holds also for an upgrade.
                Some(from) if from.powers == to.powers && from.open == to.open && from.by == to.by => {}
                Some(from) => {
                    drift.changed.push(Changed { name: name.clone(), from: from.clone(), to: to.clone() });
                }
            }
        }
        let gone = lock.operations.iter().filter(|(name, _)| !now.operations.contains_key(*name));
        drift.gone = gone.map(|(name, locked)| (name.clone(), locked.clone())).collect();
        drift
    }

    /// Whether what is described is what was accepted.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.gone.is_empty() && self.changed.is_empty()
    }
}

fn locked(operation: &Operation) -> Locked {
    let told = |(_, Evidence { rule, words }): &(_, Evidence)| format!("{rule}: {words}");
    let evidence: BTreeSet<String> = operation.evidence.iter().map(told).collect();
    Locked {
        powers: operation.powers,
        open: operation.open,
        by: operation.by,
        evidence: evidence.into_iter().collect(),
    }
}

/// Sorts by path before method.
fn by_path(name: &str) -> (&str, &str) {
    let (method, path) = name.split_once(' ').unwrap_or(("", name));
    (path, method)
}

/// A TOML string in which nothing is hidden from a reviewer: what does not show is spelt out.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            hidden if law::is_hidden(hidden) => {
                let _ = write!(out, "\\U{:08X}", u32::from(hidden));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn place(text: &str, span: Option<Range<usize>>) -> (usize, usize) {
    let at = span.map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use law::Power;
    use proptest::prelude::*;

    use super::*;
    use crate::{Found, Override, Settings};

    fn catalogue(paths: &str, powers: &[(&str, &[Power])]) -> Catalogue {
        let rule = |(operation, powers): &(&str, &[Power])| Override {
            operation: operation.parse().unwrap(),
            powers: powers.iter().copied().collect(),
        };
        let settings = Settings { overrides: powers.iter().map(rule).collect(), ..Settings::default() };
        Catalogue::read(format!("{{openapi: 3.0.0, paths: {paths}}}").as_bytes(), &settings).unwrap().catalogue
    }

    #[test]
    fn a_lock_is_one_line_an_operation() {
        let powers: &[(&str, &[Power])] =
            &[("* /b", &[Power::Mint, Power::Destroy]), ("* /a#**", &[Power::Read]), ("* /login", &[Power::Mint])];
        let catalogue =
            catalogue("{/b: {delete: {}, get: {}}, '/a?x=1': {get: {}}, /login: {post: {security: []}}}", powers);
        let lock = Lock::of(&catalogue, "00ff");
        assert_eq!(
            lock.write(),
            format!(
                "# The powers that the gate obeys. Review changes here like code.\n\
                 # An operation that is not listed has every power until it is accepted.\n\
                 version = 1\ndocument = \"00ff\"\nclassifier = {CLASSIFIER_VERSION}\n\n[operations]\n\
                 \"GET /a#x=1\" = {{ powers = [\"read\"], by = \"override\" }}\n\
                 \"DELETE /b\" = {{ powers = [\"destroy\", \"mint\"], by = \"override\" }}\n\
                 \"GET /b\" = {{ powers = [\"destroy\", \"mint\"], by = \"override\" }}\n\
                 \"POST /login\" = {{ powers = [\"mint\"], open = true, by = \"override\" }}\n"
            )
        );
        assert_eq!(Lock::read(&lock.write()).unwrap(), lock);
    }

    #[test]
    fn a_reviewer_sees_which_field_gave_a_power() {
        let paths = "{'/users/{name}': {patch: {requestBody: {content: {application/json: {schema: {type: object, \
                     properties: {nickname: {type: string}, role: {type: string}}}}}}}}}";
        let text = Lock::of(&catalogue(paths, &[]), "").write();
        assert!(text.contains("grant.field: sets `role`"), "{text}");
        assert_eq!(Lock::read(&text).unwrap().write(), text);
    }

    #[test]
    fn a_reviewer_sees_every_letter() {
        let text = quoted("GET /a\u{202e}b\u{200b}\n\"\\é");
        assert_eq!(text, "\"GET /a\\U0000202Eb\\U0000200B\\u000A\\\"\\\\é\"");
    }

    #[test]
    fn the_gate_obeys_the_lock_and_not_the_document() {
        let old = catalogue("{/a: {get: {}, post: {security: []}}}", &[("GET /a", &[Power::Export])]);
        let lock = Lock::read(&Lock::of(&old, "").write()).unwrap();
        let new = catalogue(
            "{/a: {get: {security: []}, post: {}}, /b: {get: {security: []}}}",
            &[("GET /a", &[Power::Read])],
        );
        let obeying = new.obeying(&lock);
        let of = |name: &str| obeying.named(name).unwrap().1;
        assert_eq!((of("GET /a").powers, of("GET /a").open), (Power::Export.into(), false));
        assert!(of("POST /a").open);
        assert_eq!((of("GET /b").powers, of("GET /b").open, of("GET /b").accepted), (Powers::EVERY, false, false));
        let Found::Described(found) = obeying.find("GET", &["b"]) else { panic!() };
        assert_eq!((found.powers, found.open), (Powers::EVERY, false));
    }

    #[test]
    fn an_override_counts_once_it_was_accepted() {
        let paths = "{/a: {get: {}}, /b: {get: {}}}";
        let old = catalogue(paths, &[("GET /b", &[Power::Read])]);
        let lock = Lock::of(&old, "");
        let new = catalogue(
            "{/a: {get: {}}, /b: {get: {}}, /c: {get: {}}}",
            &[("GET /a", &[Power::Read]), ("GET /c", &[Power::Read])],
        );
        let obeying = new.obeying(&lock);
        let by = |name: &str| obeying.named(name).unwrap().1.by;
        assert_eq!((by("GET /a"), by("GET /b"), by("GET /c")), (By::Classifier, By::Override, By::Classifier));
    }

    #[test]
    fn a_lock_that_was_emptied_takes_no_guard_away() {
        let catalogue = catalogue("{/a: {get: {}}}", &[]);
        let lock =
            Lock::read("version = 1\ndocument = ''\nclassifier = 1\n[operations]\n\"GET /a\" = { powers = [] }\n")
                .unwrap();
        assert_eq!(catalogue.obeying(&lock).operations()[0].powers, Powers::EVERY);
    }

    #[test]
    fn drift_says_what_accepting_would_change() {
        let paths =
            "{/same: {get: {}}, /weaker: {post: {}}, /stronger: {post: {}}, /gone: {get: {}}, /opened: {get: {}}}";
        let powers: &[(&str, &[Power])] = &[
            ("* /same", &[Power::Read]),
            ("* /weaker", &[Power::Write, Power::Mint]),
            ("* /stronger", &[Power::Write]),
            ("* /opened", &[Power::Read]),
        ];
        let mut lock = Lock::of(&catalogue(paths, powers), "");
        lock.classifier += 1;
        let paths = "{/same: {get: {}}, /weaker: {post: {}}, /stronger: {post: {}}, /new: {get: {}}, /opened: {get: {security: []}}}";
        let powers: &[(&str, &[Power])] = &[
            ("* /same", &[Power::Read]),
            ("* /weaker", &[Power::Write]),
            ("* /stronger", &[Power::Write, Power::Spend]),
            ("* /opened", &[Power::Read]),
        ];
        let new = catalogue(paths, powers);
        let drift = Drift::between(&lock, &new);
        let names = |list: &[(String, Locked)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&drift.added), names(&drift.gone)), (vec!["GET /new".into()], vec!["GET /gone".into()]));
        assert_eq!(drift.classifier, Some((CLASSIFIER_VERSION + 1, CLASSIFIER_VERSION)));
        let changed = |name: &str| drift.changed.iter().find(|changed| changed.name == name).unwrap();
        assert_eq!(drift.changed.len(), 3);
        assert_eq!((changed("POST /weaker").lost(), changed("POST /weaker").weakens()), (Power::Mint.into(), true));
        assert_eq!(
            (changed("POST /stronger").gained(), changed("POST /stronger").weakens()),
            (Power::Spend.into(), false)
        );
        assert!(changed("GET /opened").weakens());
        assert!(Drift::between(&Lock::of(&new, ""), &new).is_empty());
    }

    #[test]
    fn drift_shows_whose_word_the_powers_are_also_where_they_stay_the_same() {
        let read = catalogue("{/a: {get: {}}}", &[]);
        assert_eq!(read.operations()[0].powers, Power::Read.into());
        let said = catalogue("{/a: {get: {}}}", &[("GET /a", &[Power::Read])]);
        let drift = |from: &Catalogue, to: &Catalogue| Drift::between(&Lock::of(from, ""), to);
        let becomes = drift(&read, &said);
        let [changed] = becomes.changed.as_slice() else { panic!("{becomes:?}") };
        assert!(changed.weakens() && changed.frees_upgrades() && changed.lost().is_empty());
        let back = drift(&said, &read);
        assert!(matches!(back.changed.as_slice(), [changed] if !changed.weakens()), "{back:?}");
        assert!(drift(&said, &said).is_empty());
    }

    #[test]
    fn a_broken_lock_is_refused_with_its_place() {
        let head = "version = 1\ndocument = \"\"\nclassifier = 1\n[operations]\n";
        for (text, line) in [
            (format!("{head}\"GET /a\" = {{ powers = [\"admin\"] }}\n"), 5),
            (format!("{head}\"GET /a\" = {{ powers = [] }}\n\"GET /a\" = {{ powers = [] }}\n"), 6),
            (format!("{head}\"GET /a\" = {{ powers = [], opne = true }}\n"), 5),
            (format!("{head}\"GET /a\" = {{ }}\n"), 5),
            (format!("{head}\"GET /a\" = {{ powers = [], by = \"me\" }}\n"), 5),
            ("version = 2\ndocument = \"\"\nclassifier = 1\n".to_owned(), 1),
            (String::new(), 1),
        ] {
            let error = Lock::read(&text).unwrap_err();
            assert_eq!(error.line, line, "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_lock_reads_back_as_written(
            operations in prop::collection::btree_map(
                "\\PC{0,12}|[\\x00-\\x20\\u{200b}-\\u{2030}\"'#=\\[\\]]{0,6}",
                (0_u16..512, any::<bool>(), any::<bool>(), prop::collection::vec("\\PC{0,6}", 0..3)),
                0..8,
            ),
            document: String,
        ) {
            let locked = |(bits, open, by, evidence): (u16, bool, bool, Vec<String>)| Locked {
                powers: Power::ALL.into_iter().filter(|power| bits >> (*power as u16) & 1 == 1).collect(),
                open,
                by: if by { By::Override } else { By::Classifier },
                evidence,
            };
            let operations = operations.into_iter().map(|(name, parts)| (name, locked(parts))).collect();
            let lock = Lock { document, classifier: 7, operations };
            prop_assert_eq!(Lock::read(&lock.write()).unwrap(), lock);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,60}") {
            let _ = Lock::read(&text);
        }
    }
}
