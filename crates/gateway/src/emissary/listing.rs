//! Reading the API's list of keys, page by page.

use std::collections::{BTreeSet, HashSet};

use authority::{Authority, Listed, Listing, SecretDigest, is_name_abroad};
use http::{HeaderMap, Method, StatusCode, Uri, header::LINK};
use jiff::Timestamp;
use serde_json::Value;

use super::{Act, Emissary, Unmeasured};
use crate::rows::Pointer;

/// Pages that are followed of one list.
const PAGES: usize = 1000;

/// Keys that are read altogether.
const KEYS: usize = 500_000;

/// Holders whose lists are asked for one by one.
const HOLDERS: usize = 10_000;

/// Where a list has what, as JSON pointers; those of a key begin at its item.
#[derive(Clone, Debug, Default)]
pub struct ListFields {
    /// The list in the answer; the answer itself where there is none.
    pub items: Option<Pointer>,
    /// What the API calls the key.
    pub id: Option<Pointer>,
    /// Whose it is.
    pub holder: Option<Pointer>,
    /// What people call it.
    pub name: Option<Pointer>,
    /// What of it is shown.
    pub shows: Option<Pointer>,
    /// SHA-256 of its secret, in hexadecimal.
    pub hash: Option<Pointer>,
    /// When it was made.
    pub created: Option<Pointer>,
    /// When it ends.
    pub expires: Option<Pointer>,
    /// When it was used last.
    pub last_used: Option<Pointer>,
    /// Whether, or when, it was revoked.
    pub revoked: Option<Pointer>,
    /// The address of the next page; a `Link` header is followed by itself.
    pub next: Option<Pointer>,
}

impl Emissary {
    pub(super) async fn list(&self, authority: &Authority) -> Result<Listing, Unmeasured> {
        let (act, fields) = self.settings.list.as_ref().ok_or(Unmeasured::NoList)?;
        let mut keys = Vec::new();
        if !act.is_by_holder() {
            self.pages(authority, (act, fields), None, &mut keys).await?;
            return Ok(Listing { keys, of: None });
        }
        let holders: BTreeSet<String> = authority.view(|state| {
            let of_the_api = state.keys().filter(|key| key.is_of_the_api()).filter_map(|key| key.holder());
            of_the_api.filter_map(|id| Some(state.holder(id)?.name.clone())).take(HOLDERS).collect()
        });
        let mut of = BTreeSet::new();
        for holder in holders {
            if self.pages(authority, (act, fields), Some(&holder), &mut keys).await? {
                of.insert(holder);
            }
        }
        Ok(Listing { keys, of: Some(of) })
    }

    /// Whether there is such a list: that of a holder whom the API does not know under this name
    /// says nothing of their keys.
    async fn pages(
        &self,
        authority: &Authority,
        (act, fields): (&Act, &ListFields),
        holder: Option<&str>,
        keys: &mut Vec<Listed>,
    ) -> Result<bool, Unmeasured> {
        let unreadable = |why: &str| Unmeasured::Unreadable(format!("{} {}", act.method, act.path), why.to_owned());
        let mut next = act.filled(&self.settings.base, "", holder.unwrap_or_default());
        let mut seen = HashSet::new();
        while let Some(target) = next {
            if seen.len() >= PAGES || !seen.insert(target.clone()) {
                return Err(unreadable("its pages do not come to an end"));
            }
            let (status, headers, body) = self.ask(authority, &Method::GET, &target).await?;
            if status == StatusCode::NOT_FOUND && holder.is_some() {
                return Ok(false);
            }
            if !status.is_success() {
                return Err(Unmeasured::Status(format!("{} {}", act.method, act.path), status));
            }
            let page: Value = serde_json::from_slice(&body).map_err(|_| unreadable("its answer is no JSON"))?;
            let items = at(&page, fields.items.as_ref()).and_then(Value::as_array);
            let items = items.ok_or_else(|| unreadable("there is no list at `api.credentials.items`"))?;
            for item in items {
                let listed = listed(item, fields, holder);
                keys.push(listed.ok_or_else(|| unreadable("a key has nothing at `api.credentials.id`"))?);
            }
            if keys.len() > KEYS {
                return Err(unreadable("it has more keys than are read"));
            }
            let link = linked(&headers)
                .or_else(|| Some(fields.next.as_ref().and_then(|to| page.pointer(to.text()))?.as_str()?.to_owned()));
            next = match link.filter(|link| !link.is_empty()) {
                Some(link) => {
                    Some(self.onward(&target, &link).ok_or_else(|| unreadable("its next page is elsewhere"))?)
                }
                None => None,
            };
        }
        Ok(true)
    }

    /// The next page's path and query: on the same API only, for the credential goes along.
    fn onward(&self, from: &str, link: &str) -> Option<String> {
        if link.starts_with('?') {
            return Some(format!("{}{link}", from.split('?').next().unwrap_or_default()));
        }
        // That is another host, too.
        if link.starts_with("//") {
            return None;
        }
        let uri: Uri = link.parse().ok()?;
        if uri.authority().is_some_and(|host| host.as_str() != self.upstream.authority()) {
            return None;
        }
        let target = uri.path_and_query()?.as_str();
        target.starts_with('/').then(|| target.to_owned())
    }
}

fn at<'a>(value: &'a Value, pointer: Option<&Pointer>) -> Option<&'a Value> {
    pointer.map_or(Some(value), |pointer| value.pointer(pointer.text()))
}

/// The address in a `Link` header whose relation is `next` (RFC 8288).
fn linked(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(",")).find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').split(' ').any(|rel| rel == "next")
        };
        parameters.split(';').any(is_next).then(|| address.to_owned())
    })
}

/// A key of the list; nothing where it has no name of its own.
fn listed(item: &Value, fields: &ListFields, holder: Option<&str>) -> Option<Listed> {
    let ListFields { items: _, id, holder: of, name, shows, hash, created, expires, last_used, revoked, next: _ } =
        fields;
    let text = |pointer: &Option<Pointer>| at(item, Some(pointer.as_ref()?)).and_then(word);
    let time = |pointer: &Option<Pointer>| at(item, Some(pointer.as_ref()?)).and_then(moment);
    Some(Listed {
        id: text(id).filter(|id| is_name_abroad(id))?,
        holder: text(of).or_else(|| holder.map(str::to_owned)),
        name: text(name),
        shows: text(shows),
        created: time(created),
        expires: time(expires),
        last_used: time(last_used),
        revoked: revoked.as_ref().and_then(|pointer| at(item, Some(pointer))).is_some_and(says_so),
        hash: text(hash).as_deref().and_then(SecretDigest::from_hex),
    })
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A time as APIs write it: RFC 3339, or seconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => Timestamp::from_second(number.as_i64()?).ok(),
        _ => None,
    }
}

/// Whether a flag, or a time, says that it is so.
fn says_so(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(so) => *so,
        Value::String(text) => !["", "false", "active"].contains(&text.as_str()),
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_from_where_the_configuration_says() {
        let pointer = |text| Pointer::parse(text);
        let fields = ListFields {
            id: pointer("/id"),
            name: pointer("/meta/note"),
            expires: pointer("/expires_at"),
            created: pointer("/created"),
            revoked: pointer("/revoked_at"),
            hash: pointer("/sha"),
            ..ListFields::default()
        };
        let item = json!({"id": 17, "meta": {"note": "ci"}, "expires_at": null, "created": 1_800_000_000, "revoked_at": "2026-01-01T00:00:00Z",
            "sha": "00".repeat(32)});
        let key = listed(&item, &fields, Some("ann")).unwrap();
        assert_eq!((key.id.as_str(), key.name.as_deref(), key.holder.as_deref()), ("17", Some("ci"), Some("ann")));
        assert_eq!((key.expires, key.created.unwrap().as_second()), (None, 1_800_000_000));
        assert!(key.revoked && key.hash.is_some());
        assert!(listed(&json!({"name": "x"}), &fields, None).is_none());
    }

    #[test]
    fn the_next_page_is_the_one_that_the_header_says() {
        let links = |text: &'static str| linked(&[(LINK, HeaderValue::from_static(text))].into_iter().collect());
        assert_eq!(links(r#"</a?page=1>; rel="prev", </a?page=3>; rel="next last""#).as_deref(), Some("/a?page=3"));
        assert_eq!(links("</a>; rel=nexte"), None);
        assert_eq!(links("a; rel=next"), None);
    }
}
