//! Names and sentences as plain words: lower case, singular, whatever the spelling.

/// The words of a name or a sentence: `accessTokens`, `access-tokens` and `Access tokens` are all `access token`.
pub(super) fn words(text: &str) -> Vec<String> {
    spelled(text).iter().map(|word| singular(word)).collect()
}

/// Like [`words`], but plurals stay plurals.
pub(crate) fn spelled(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .flat_map(humps)
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Whether the phrase ends with the term, which may be written in one (`apikey` for `api key`).
pub(super) fn ends_with(phrase: &[String], term: &str) -> bool {
    let [before @ .., last] = phrase else { return false };
    match term.strip_suffix(last.as_str()) {
        Some("") => true,
        Some(rest) => rest.strip_suffix(' ').is_some_and(|rest| ends_open(before, rest)) || is_closed(last, term),
        None => is_closed(last, term),
    }
}

/// Whether the phrase ends with the term, word by word.
fn ends_open(phrase: &[String], term: &str) -> bool {
    let [before @ .., last] = phrase else { return false };
    match term.strip_suffix(last.as_str()) {
        Some("") => true,
        Some(rest) => rest.strip_suffix(' ').is_some_and(|rest| ends_open(before, rest)),
        None => false,
    }
}

/// Whether the phrase ends with one of the terms.
pub(super) fn ends_with_any(phrase: &[String], terms: &[&str]) -> bool {
    terms.iter().any(|term| ends_with(phrase, term))
}

/// Whether the term stands anywhere in the phrase.
pub(super) fn contains(phrase: &[String], term: &str) -> bool {
    (0..phrase.len()).any(|at| phrase.get(..=at).is_some_and(|phrase| ends_with(phrase, term)))
}

/// Whether the phrase is one of the terms.
pub(super) fn is_any(phrase: &[String], terms: &[&str]) -> bool {
    terms.iter().any(|term| is(phrase, term))
}

/// Whether the phrase is the term and nothing else.
pub(super) fn is(phrase: &[String], term: &str) -> bool {
    match phrase {
        [one] => one == term || is_closed(one, term),
        [first, ..] => term.starts_with(first.as_str()) && phrase.iter().map(String::as_str).eq(term.split(' ')),
        [] => false,
    }
}

/// Whether the word is the term without its spaces. Nearly every word differs in the first letter, hence the order.
fn is_closed(word: &str, term: &str) -> bool {
    word.len() < term.len() && word.as_bytes().first() == term.as_bytes().first() && {
        word.bytes().eq(term.bytes().filter(|byte| *byte != b' '))
    }
}

/// Cuts `userAPIKey` into `user`, `API`, `Key`, and drops a possessive.
fn humps(text: &str) -> Vec<&str> {
    let text = text.split(['\'', '’']).next().unwrap_or_default();
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut cuts = Vec::new();
    for window in chars.windows(3) {
        if let [(_, a), (at, b), (_, c)] = window {
            let after_small = !a.is_uppercase() && b.is_uppercase();
            let after_capitals = a.is_uppercase() && b.is_uppercase() && c.is_lowercase();
            // `IDs` and `OAuth` are one word each.
            let plural = after_capitals && text.get(*at..).is_some_and(is_plural_ending);
            let oauth = *a == 'O' && text.get(*at..).is_some_and(|rest| rest.starts_with("Auth"));
            if (after_small || after_capitals) && !plural && !oauth {
                cuts.push(*at);
            }
        }
    }
    if let [.., (_, a), (at, b)] = chars.as_slice()
        && !a.is_uppercase()
        && b.is_uppercase()
    {
        cuts.push(*at);
    }
    cuts.push(text.len());
    let mut from = 0;
    cuts.into_iter().filter_map(|to| text.get(std::mem::replace(&mut from, to)..to)).collect()
}

/// Whether the text goes on as `Ds` or `DsOf…`: the last capital of an acronym and its plural.
fn is_plural_ending(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('s') && chars.next().is_none_or(|c| !c.is_lowercase())
}

fn singular(word: &str) -> String {
    const AS_IT_IS: &[&str] = &[
        "access",
        "alias",
        "always",
        "analysis",
        "as",
        "atlas",
        "aws",
        "bonus",
        "bus",
        "campus",
        "canvas",
        "cors",
        "ddos",
        "dns",
        "gps",
        "hsts",
        "has",
        "https",
        "is",
        "its",
        "kubernetes",
        "news",
        "os",
        "process",
        "redis",
        "saas",
        "sales",
        "sas",
        "series",
        "sms",
        "sns",
        "status",
        "this",
        "tls",
        "us",
        "was",
    ];
    const IRREGULAR: &[(&str, &str)] = &[
        ("aliases", "alias"),
        ("caches", "cache"),
        ("children", "child"),
        ("cookies", "cookie"),
        ("indices", "index"),
        ("movies", "movie"),
        ("people", "person"),
        ("ips", "ip"),
        ("statuses", "status"),
    ];
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    const SHORT: &[&str] = &["dbs", "ids", "ips", "pcs", "vms"];
    if AS_IT_IS.contains(&word) || word.len() < 4 && !SHORT.contains(&word) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zzes"] {
        if word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_gives_the_same_words() {
        for text in ["accessTokens", "access-tokens", "access_tokens", "AccessToken", "Access tokens"] {
            assert_eq!(words(text), ["access", "token"], "{text}");
        }
        assert_eq!(words("userAPIKeys"), ["user", "api", "key"]);
        assert_eq!(words("createOAuth2Client"), ["create", "oauth2", "client"]);
        assert_eq!(words("readCoreV1NamespacedPod"), ["read", "core", "v1", "namespaced", "pod"]);
        assert_eq!(words("allIDs"), ["all", "id"]);
        assert_eq!(words("Reset a user's password"), ["reset", "a", "user", "password"]);
    }

    #[test]
    fn singular_keeps_words_that_only_look_plural() {
        for (many, one) in [
            ("policies", "policy"),
            ("branches", "branch"),
            ("addresses", "address"),
            ("access", "access"),
            ("status", "status"),
            ("databases", "database"),
            ("people", "person"),
            ("sms", "sms"),
        ] {
            assert_eq!(words(many), [one]);
        }
    }

    #[test]
    fn a_term_is_found_at_the_end_only() {
        let phrase = words("user_api_keys");
        assert!(ends_with(&phrase, "api key"));
        assert!(ends_with(&phrase, "key"));
        assert!(!ends_with(&phrase, "user"));
        assert!(ends_with(&words("apikeys"), "api key"));
        assert!(!ends_with(&words("monkeys"), "key"));
        assert!(is(&words("apikey"), "api key"));
        assert!(!is(&phrase, "api key"));
    }
}
