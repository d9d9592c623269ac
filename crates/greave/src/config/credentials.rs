//! `[api.credentials]`: the API's own operations about the keys that it makes, and where their
//! answers say what.

use catalogue::Pattern;
use gateway::{Act, ListFields, Pointer};
use serde::Deserialize;

use super::Bears;

/// How the API is asked about its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The name of the credential to ask with: a file in `secrets/` of the state folder. The
    /// gate's own where there is none.
    pub(crate) secret: Option<String>,
    /// Where the API takes it; where the gate's own goes, where nothing is said.
    pub(crate) place: Option<String>,
    /// Where an answer that makes a key says what the API calls it: a JSON pointer.
    pub(crate) made_id: Option<String>,
    /// The operations whose answers say so. Where none is named, the one that adds to the list.
    pub(crate) made_by: Vec<String>,
    /// The operation that revokes, such as `DELETE /users/{holder}/tokens/{id}`.
    pub(crate) revoke: Option<String>,
    /// The operation that lists, such as `GET /users/{holder}/tokens`.
    pub(crate) list: Option<String>,
    /// What follows are JSON pointers into the list's answer, then into each of its items.
    pub(crate) items: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) holder: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) shows: Option<String>,
    pub(crate) hash: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) last_used: Option<String>,
    pub(crate) revoked: Option<String>,
    /// What the API calls keys that are known to be elsewhere, such as the gate's own.
    pub(crate) ignore: Vec<String>,
}

/// What is wrong with them.
type Wrong = (&'static str, String);

impl Credentials {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let revoke = self.revoke()?;
        if revoke.is_some_and(|act| !act.names_key()) {
            let mend = "it does not say which key; put `{id}` where the API wants its name";
            return Err(("api.credentials.revoke", mend.to_owned()));
        }
        let list = self.list()?;
        if list.as_ref().is_some_and(|(act, _)| act.names_key() || !act.is_read()) {
            return Err((
                "api.credentials.list",
                "it lists no keys; write `GET` and its path, without `{id}`".to_owned(),
            ));
        }
        self.place()?;
        pointer("api.credentials.made_id", self.made_id.as_ref())?;
        self.made_by()?;
        Ok(())
    }

    pub(crate) fn place(&self) -> Result<Option<wire::Place>, Wrong> {
        let place = self.place.as_ref().map(|place| Bears::try_from(place.clone())).transpose();
        place.map(|place| place.map(|Bears(place)| place)).map_err(|why| ("api.credentials.place", why))
    }

    pub(crate) fn made_id(&self) -> Option<Pointer> {
        self.made_id.as_deref().and_then(Pointer::parse)
    }

    /// The operations that make what is listed and revoked here.
    pub(crate) fn made_by(&self) -> Result<Vec<Pattern>, Wrong> {
        let wrong = |error: catalogue::PatternError| ("api.credentials.made_by", error.to_string());
        if !self.made_by.is_empty() {
            return self.made_by.iter().map(|text| text.parse().map_err(wrong)).collect();
        }
        let path = |text: &String| text.split_once(' ').and_then(|(_, path)| path.split('?').next().map(str::to_owned));
        let revoked = self.revoke.as_ref().and_then(path);
        let places =
            [self.list.as_ref().and_then(path), revoked.and_then(|path| path.strip_suffix("/{id}").map(str::to_owned))];
        let adds = |path: String| format!("POST {}", path.replace("{holder}", "*").replace("{id}", "*"));
        places.into_iter().flatten().map(|path| adds(path).parse().map_err(wrong)).collect()
    }

    pub(crate) fn revoke(&self) -> Result<Option<Act>, Wrong> {
        act("api.credentials.revoke", self.revoke.as_ref())
    }

    pub(crate) fn list(&self) -> Result<Option<(Act, ListFields)>, Wrong> {
        let Some(act) = act("api.credentials.list", self.list.as_ref())? else { return Ok(None) };
        let fields = ListFields {
            items: pointer("api.credentials.items", self.items.as_ref())?,
            next: pointer("api.credentials.next", self.next.as_ref())?,
            id: pointer("api.credentials.id", self.id.as_ref())?.or_else(|| Pointer::parse("/id")),
            holder: pointer("api.credentials.holder", self.holder.as_ref())?,
            name: pointer("api.credentials.name", self.name.as_ref())?,
            shows: pointer("api.credentials.shows", self.shows.as_ref())?,
            hash: pointer("api.credentials.hash", self.hash.as_ref())?,
            created: pointer("api.credentials.created", self.created.as_ref())?,
            expires: pointer("api.credentials.expires", self.expires.as_ref())?,
            last_used: pointer("api.credentials.last_used", self.last_used.as_ref())?,
            revoked: pointer("api.credentials.revoked", self.revoked.as_ref())?,
        };
        Ok(Some((act, fields)))
    }
}

fn act(what: &'static str, text: Option<&String>) -> Result<Option<Act>, Wrong> {
    text.map(|text| text.parse()).transpose().map_err(|error: gateway::NoAct| (what, error.to_string()))
}

fn pointer(what: &'static str, text: Option<&String>) -> Result<Option<Pointer>, Wrong> {
    let parsed = |text: &String| {
        Pointer::parse(text).ok_or_else(|| (what, format!("`{text}` is no JSON pointer; write `/{text}`")))
    };
    text.map(parsed).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_adds_to_the_list_makes_what_is_listed_unless_something_else_is_named() {
        let how = Credentials {
            list: Some("GET /users/{holder}/tokens?all=1".to_owned()),
            revoke: Some("DELETE /tokens/{id}".to_owned()),
            ..Credentials::default()
        };
        let makes = |how: &Credentials, operation: &str| how.made_by().unwrap().iter().any(|by| by.matches(operation));
        for operation in ["POST /users/{name}/tokens", "POST /tokens"] {
            assert!(makes(&how, operation), "{operation}");
        }
        for operation in ["POST /users/{name}/keys", "PUT /tokens", "POST /users/{name}/tokens/{id}", "POST /users"] {
            assert!(!makes(&how, operation), "{operation}");
        }
        let named = Credentials { made_by: vec!["POST /login".to_owned()], ..how };
        assert!(makes(&named, "POST /login") && !makes(&named, "POST /tokens"));
        assert!(Credentials { made_by: vec!["tokens".to_owned()], ..named }.check().is_err());
        assert!(Credentials::default().made_by().unwrap().is_empty());
    }
}
