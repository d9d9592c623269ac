//! What the record looks for in queries and answers: paging, and new credentials.

use super::schema::Seen;
use crate::{
    operation::{Answered, Kind},
    read::text::step,
};

/// Query parameters that page through a list. Compared without case and without anything but letters.
const PAGING: &[&str] = &[
    "after",
    "before",
    "continuation",
    "continuationtoken",
    "count",
    "cursor",
    "endingbefore",
    "exclusivestartkey",
    "first",
    "from",
    "last",
    "lastid",
    "lastkey",
    "limit",
    "marker",
    "maxid",
    "maxitems",
    "maxkeys",
    "maxrecords",
    "maxresults",
    "next",
    "nextcursor",
    "nexttoken",
    "offset",
    "page",
    "pagecount",
    "pagecursor",
    "pagelimit",
    "pageno",
    "pagenumber",
    "pageoffset",
    "pagesize",
    "pagetoken",
    "perpage",
    "sinceid",
    "size",
    "skip",
    "skiptoken",
    "start",
    "startafter",
    "startat",
    "startingafter",
    "startindex",
    "take",
    "top",
];

/// Names of new credentials, the surest first.
const CREDENTIALS: &[&str] = &[
    "token",
    "accesstoken",
    "apitoken",
    "authtoken",
    "bearertoken",
    "apikey",
    "secretkey",
    "secretaccesskey",
    "clientsecret",
    "plaintexttoken",
    "plaintextkey",
    "plaintext",
    "rawkey",
    "privatekey",
    "secret",
    "key",
    "refreshtoken",
    "password",
    "secretvalue",
    "tokenvalue",
    "keyvalue",
];

/// Names that end like a credential and are none.
const NO_CREDENTIALS: &[&str] = &[
    "continuationtoken",
    "csrftoken",
    "foreignkey",
    "idempotencykey",
    "nextpagetoken",
    "nexttoken",
    "pagetoken",
    "partitionkey",
    "previoustoken",
    "primarykey",
    "publickey",
    "routingkey",
    "skiptoken",
    "sortkey",
    "sshkey",
    "synctoken",
    "xsrftoken",
];

/// Names that a document's new credential is not looked for under, and that an answer must not
/// show beside the one that is known.
const BESIDE: &[&str] =
    &["accesskey", "authkey", "connectionstring", "encryptionkey", "jwt", "passphrase", "sessionkey", "signingkey"];

/// Whether a query parameter of this name pages through a list.
pub(crate) fn pages(name: &str) -> bool {
    PAGING.contains(&letters(name).as_str())
}

/// The JSON pointer to the field of an answer that most looks like a new credential.
pub(crate) fn minted(fields: &[Seen]) -> Option<String> {
    fields
        .iter()
        // Inside an array there is no pointer to it.
        .filter(|seen| !seen.in_list && matches!(seen.field.kind.as_str(), "string" | ""))
        .filter_map(|seen| {
            let name = letters(seen.field.path.last()?);
            Some(((credential(&name)?, seen.field.path.len()), seen))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, seen)| seen.field.path.iter().map(|name| step(name)).collect())
}

/// So many members of an answer are kept, and so deep.
const MEMBERS: usize = 16;
const LEVELS: usize = 2;

/// What is kept of a successful answer, so that one can be made up in its place.
pub(crate) fn answered(media: &[String], fields: &[Seen], list: Option<&str>) -> Answered {
    let mut answered = Answered { media: media.first().cloned(), ..Answered::default() };
    for Seen { field, in_list } in fields {
        let kind = match field.kind.as_str() {
            "string" | "" => Kind::Text,
            "integer" | "number" => Kind::Number,
            "boolean" => Kind::Flag,
            _ => continue,
        };
        let pointer: String = field.path.iter().map(|name| step(name)).collect();
        // What stands in a list that is not the one is left out: nobody counts it.
        let (into, pointer) = if *in_list {
            let Some(item) = list.and_then(|list| pointer.strip_prefix(list)).filter(|item| !item.is_empty()) else {
                continue;
            };
            (&mut answered.items, item.to_owned())
        } else {
            (&mut answered.members, pointer)
        };
        let levels = pointer.matches('/').count();
        if into.len() < MEMBERS && levels <= LEVELS {
            into.push((pointer, kind));
        }
    }
    answered
}

/// How sure a name is of being a credential: the lower the surer.
fn credential(name: &str) -> Option<usize> {
    let exact = CREDENTIALS.iter().position(|credential| *credential == name);
    let ends = || ["token", "secret", "apikey", "privatekey", "password"].iter().any(|end| name.ends_with(end));
    exact.or_else(|| (ends() && !NO_CREDENTIALS.contains(&name)).then_some(CREDENTIALS.len()))
}

/// Whether something of this name may be a credential, or several of them.
pub fn names_credential(name: &str) -> bool {
    let letters = letters(name);
    // A header that is an invention says so.
    let name = if name.starts_with("x-") { letters.strip_prefix('x').unwrap_or(&letters) } else { &letters };
    let is_one = |name: &str| credential(name).is_some() || BESIDE.contains(&name);
    is_one(name) || name.strip_suffix('s').is_some_and(is_one)
}

fn letters(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_alphabetic()).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    fn seen(path: &str, in_list: bool) -> Seen {
        let path = path.split('.').map(str::to_owned).collect();
        Seen { field: Field { path, kind: "string".to_owned(), ..Field::default() }, in_list }
    }

    #[test]
    fn paging_is_known_in_every_spelling() {
        for name in ["page", "per_page", "perPage", "page[size]", "$skip", "starting_after", "NextToken", "cursor"] {
            assert!(pages(name), "{name}");
        }
        for name in ["q", "homepage", "landing_page", "token", "sort", ""] {
            assert!(!pages(name), "{name}");
        }
    }

    #[test]
    fn the_surest_and_shallowest_credential_is_pointed_to() {
        let minted = |fields: &[Seen]| minted(fields).unwrap_or_default();
        assert_eq!(minted(&[seen("id", false), seen("key", false), seen("token", false)]), "/token");
        assert_eq!(minted(&[seen("data.token", false), seen("token", true)]), "/data/token");
        assert_eq!(minted(&[seen("deep.token", false), seen("token", false)]), "/token");
        assert_eq!(minted(&[seen("a/b.X-Auth-Token", false)]), "/a~1b/X-Auth-Token");
        for none in ["next_token", "public_key", "token_type", "key_id", "page_token", "monkey"] {
            assert_eq!(minted(&[seen(none, false)]), "", "{none}");
        }
        assert_eq!(minted(&[seen("token", true)]), "");
    }

    #[test]
    fn of_an_answer_its_members_and_those_of_an_item_are_kept() {
        let of = |path: &str, kind: &str, in_list| {
            let mut seen = seen(path, in_list);
            kind.clone_into(&mut seen.field.kind);
            seen
        };
        let fields = [
            of("total", "integer", false),
            of("data", "array", false),
            of("data.id", "string", true),
            of("data.owner.name", "", true),
            of("data.owner.a.b", "string", true),
            of("links.next", "string", false),
            of("other.id", "string", true),
            of("done", "boolean", false),
        ];
        let kept = answered(&["text/csv".to_owned(), "application/json".to_owned()], &fields, Some("/data"));
        let owned = |kept: &[(&str, Kind)]| kept.iter().map(|(at, kind)| ((*at).to_owned(), *kind)).collect::<Vec<_>>();
        assert_eq!(kept.media.as_deref(), Some("text/csv"));
        assert_eq!(
            kept.members,
            owned(&[("/total", Kind::Number), ("/links/next", Kind::Text), ("/done", Kind::Flag)])
        );
        assert_eq!(kept.items, owned(&[("/id", Kind::Text), ("/owner/name", Kind::Text)]));
        assert_eq!(answered(&[], &fields, None).items, [], "where nothing is counted, no item is known");
        let many: Vec<Seen> = (0..100).map(|number| seen(&format!("m{number}"), false)).collect();
        assert_eq!(answered(&[], &many, None).members.len(), MEMBERS);
    }

    #[test]
    fn what_may_be_a_credential_is_known_by_its_name() {
        for name in
            ["token", "refresh_token", "Passwords", "x-subject-token", "apiKeys", "signing_key", "client-secret"]
        {
            assert!(names_credential(name), "{name}");
        }
        for name in ["id", "token_type", "x-csrf-token", "next_page_token", "publicKey", "etag", "keyboard", ""] {
            assert!(!names_credential(name), "{name}");
        }
    }
}
