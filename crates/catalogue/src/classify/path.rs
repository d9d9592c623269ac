//! A path template taken apart: what is done, to what, inside what.

use super::{
    act::{Place, Said, is_part, whole},
    lexicon::grammar,
    sentence::{after_verbs, is_glue, verbs_of, without_verbs},
    verbs,
    words::{spelled, words},
};

/// A path taken apart.
pub(super) struct ReadPath {
    pub(super) verbs: Vec<Said>,
    pub(super) object: Option<Said>,
    /// From the outermost.
    pub(super) containers: Vec<Said>,
    /// Whether it ends with a parameter.
    pub(super) one: bool,
    /// The words of the parameter that it ends with.
    pub(super) parameter: Vec<String>,
}

impl ReadPath {
    pub(super) fn of(template: &str) -> Self {
        let Segments { mut literals, mut verbs, one } = Segments::of(template);
        let parameter =
            template.rsplit('/').next().filter(|last| one && last.ends_with('}')).map(words).unwrap_or_default();
        let alone = literals.len() == 1;
        if let Some(last) = literals.pop() {
            let found = last.verbs(one, alone);
            let object = if found.is_empty() { last.words.clone() } else { without_verbs(&last.words) };
            if !found.is_empty() && object.is_empty() && literals.len() > 1 {
                literals.pop_if(|before| matches!(before.words.as_slice(), [word] if is_before_verbs(word)));
            }
            verbs.extend(found);
            if !object.is_empty() {
                literals.push(Literal { words: object, ..last });
            }
        }
        let object = literals.pop().map(|last| last.joined(literals.last()));
        let mut containers: Vec<Vec<String>> = Vec::new();
        for Literal { words, after_parameter, .. } in literals {
            match containers.last_mut() {
                Some(before) if !after_parameter => before.extend(words),
                _ => containers.push(words),
            }
        }
        Self {
            verbs: verbs.into_iter().map(|verb| said(vec![verb])).collect(),
            object: object.map(said),
            containers: containers.into_iter().map(said).collect(),
            one,
            parameter,
        }
    }
}

fn said(words: Vec<String>) -> Said {
    Said::new(Place::Path, words)
}

/// What stands between the slashes.
struct Segments {
    literals: Vec<Literal>,
    /// Of custom methods, such as `…/{id}:cancel`.
    verbs: Vec<String>,
    /// Whether a parameter stands last.
    one: bool,
}

impl Segments {
    fn of(template: &str) -> Self {
        let (path, selector) = template.split_once('#').unwrap_or((template, ""));
        let path = path.split('?').next().unwrap_or_default();
        // What of a request selects the operation says most of it: `/#Action=CreateUser`.
        let mut values = selector.split('&').filter_map(|part| part.split_once('=')).map(|(_, value)| value);
        let named = values.find(|value| value.starts_with(|letter: char| letter.is_alphabetic()));
        let selected = named.or(selector.split('&').next()).unwrap_or_default();
        let selected = selected.rsplit('.').next().unwrap_or_default();
        let mut segments = Self { literals: Vec::new(), verbs: Vec::new(), one: false };
        for segment in path.split('/').chain([selected]).filter(|segment| !segment.is_empty()) {
            let segment = segment.strip_suffix(".json").or_else(|| segment.strip_suffix(".xml")).unwrap_or(segment);
            if segment.contains('{') {
                segments.push(segment);
            } else {
                // `admin.users.invite` is a path as well.
                segment.split('.').filter(|part| !part.is_empty()).for_each(|part| segments.push(part));
            }
        }
        segments
    }

    fn push(&mut self, segment: &str) {
        let (segment, custom) = match segment.rsplit_once(':') {
            Some((head, verb)) if !verb.contains(['{', '}']) && !head.is_empty() => (head, Some(words(verb))),
            _ => (segment, None),
        };
        let raw = without_parameters(segment);
        let literal = words(&raw);
        // `{name}`, `{id}.mp3`, `v{version}`.
        let ends = segment.rsplit_once('}').is_some_and(|(_, rest)| rest.starts_with('.') && segment.starts_with('{'));
        if ends || segment.contains('{') && literal.iter().all(|word| word.len() < 3) {
            self.one = true;
        } else if !says_nothing(&literal) {
            let after_parameter = std::mem::take(&mut self.one);
            self.literals.push(Literal { words: literal, raw, after_parameter });
        }
        if let Some(custom) = custom {
            let object = after_verbs(&custom);
            if !object.is_empty() && object.len() < custom.len() {
                self.literals.push(Literal { words: object.to_vec(), raw: String::new(), after_parameter: false });
            }
            self.verbs.extend(verbs_of(&custom));
        }
    }
}

/// A segment that is no parameter.
struct Literal {
    words: Vec<String>,
    /// As the template writes it.
    raw: String,
    /// Whether a parameter stands right before it.
    after_parameter: bool,
}

impl Literal {
    /// The verbs of the last literal: `…/rotate`, `…/reset_password`, `users.list`, `…/delete/{id}`.
    fn verbs(&self, one: bool, alone: bool) -> Vec<String> {
        let (Some(first), Some(last)) = (self.words.first(), self.words.last()) else { return Vec::new() };
        let spelled = spelled(&self.raw);
        // `exports`, `charges`, `buyOrders` and `builds-email` are nouns.
        let is_plural = |at: Option<&String>, word: &String| at.is_some_and(|at| at != word);
        let ends_plural = is_plural(spelled.last(), last);
        let noun = verbs::is_verb(first) && is_plural(spelled.first(), first)
            || ends_plural && (verbs::is_noun_too(first) || is_glue(first));
        let single = self.words.len() == 1;
        if noun || single && (alone || one && verbs::is_noun_too(first)) {
            return Vec::new();
        }
        // `modelBuilds`, `replicaCount` and `overdueCharge/{id}` end with a noun.
        let verb_at_end = !verbs::is_verb(first) && !is_glue(first);
        let counts = ["check", "count", "display", "view"].contains(&last.as_str());
        if verb_at_end && (ends_plural || counts || one && verbs::is_noun_too(last)) {
            Vec::new()
        } else {
            verbs_of(&self.words)
        }
    }

    /// `ssh/keys` is one thing; `firewalls/{id}/rules` are the firewall's rules.
    fn joined(self, before: Option<&Self>) -> Vec<String> {
        let is_part = whole(&self.words).iter().all(|word| is_part(word));
        match before {
            Some(before) if !self.after_parameter || is_part => {
                before.words.iter().cloned().chain(self.words).collect()
            }
            _ => self.words,
        }
    }
}

fn says_nothing(words: &[String]) -> bool {
    let is_version =
        |word: &str| word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match words {
        [] => true,
        [word] => grammar::EMPTY_SEGMENTS.contains(&word.as_str()) || is_version(word),
        _ => false,
    }
}

fn is_before_verbs(word: &str) -> bool {
    grammar::BEFORE_VERBS.contains(&word)
}

/// `item-{id}.json` is `item- .json`.
fn without_parameters(segment: &str) -> String {
    let mut depth = 0_u32;
    let outside = |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => return c,
            _ => {}
        }
        ' '
    };
    segment.chars().map(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(template: &str) -> (String, String) {
        let path = ReadPath::of(template);
        let verbs: Vec<String> = path.verbs.into_iter().flat_map(|said| said.words).collect();
        (verbs.join(" "), path.object.map(|said| said.words.join(" ")).unwrap_or_default())
    }

    #[test]
    fn the_last_word_is_the_object_or_a_verb_that_acts_on_the_one_before() {
        for (template, verb, object) in [
            ("/v1/users/{id}/posts", "", "post"),
            ("/users/{id}/tokens/{token}/rotate", "rotate", "token"),
            ("/users/{id}:resetPassword", "reset", "user password"),
            ("/users/{id}/reset_password", "reset", "password"),
            ("/users.list", "list", "user"),
            ("/user/delete/{id}", "delete", "user"),
            ("/firewalls/{id}/rules", "", "firewall rule"),
            ("/user/ssh/keys", "", "ssh key"),
            ("/servers/{id}/actions/reset", "reset", "server"),
            ("/#Action=DeleteAccessKey", "delete", "access key"),
            ("/#Version=2010-05-08&Action=DeleteAccessKey", "delete", "access key"),
            ("/#X-Target=Users_1.DeleteAccessKey", "delete", "access key"),
            ("/repos/{owner}/exports", "", "export"),
            ("/posts/{id}.json", "", "post"),
            ("/recordings/{id}.mp3", "", "recording"),
            ("/buyOrders", "", "buy order"),
        ] {
            assert_eq!(read(template), (verb.to_owned(), object.to_owned()), "{template}");
        }
    }

    #[test]
    fn odd_templates_are_read_without_falling() {
        for template in ["", "/", "//", "/{", "/}", "/{}{}", "/:", "/a:", ":b", "/{a}:{b}", "#", "/#", "/?", "/é/{é}"]
        {
            ReadPath::of(template);
        }
    }
}
