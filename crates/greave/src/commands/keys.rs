//! `greave keys`: who has them, where they were used, and stopping them.

mod arguments;
mod canary;
mod import;
mod list;
mod page;
mod request;

use console::api::{
    AbroadView, ChangeKey, DisableKey, IssueKey, IssuedKey, KeyDetails, KeyFilter, KeyView, NameKey, RetireKey,
    RevokeKey, SuccessionView,
};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Span, Standing};

pub(crate) use self::arguments::{Keys, KeysCommand};
use self::{
    arguments::IssueArgs,
    page::{details, end, standing, title},
};
use super::{Admin, Done, Outcome, json};
use crate::{
    cli::ProofArgs,
    client::address,
    show::{self, ALARM, FAINT},
};

pub(crate) async fn run(admin: &Admin, KeysCommand { list, command }: &KeysCommand) -> Outcome {
    let Some(command) = command else {
        list::run(admin, list).await?;
        return Ok(Done::Clean);
    };
    match command {
        Keys::List(list) => list::run(admin, list).await?,
        Keys::Export { format } => list::export(admin, KeyFilter::default(), None, (*format).into()).await?,
        Keys::Import { file, dry_run, proof } => import::run(admin, file, *dry_run, proof).await?,
        Keys::Show { key } => {
            let shown: KeyDetails = admin.client.read(&of(*key, None)).await?;
            admin.tell_observing().await?;
            admin.answer(&shown, || details(&shown, admin.now, None))?;
        }
        Keys::Disable { key, why } => {
            let wanted = DisableKey { why: why.clone(), ..DisableKey::default() };
            let stopped: KeyView = admin.client.change(&of(*key, Some("disable")), &wanted).await?;
            // It protects: that it was done is said also where no more can be read of it.
            let details: Option<KeyDetails> = admin.client.read(&of(*key, None)).await.ok();
            let succession = details.and_then(|details| details.successor);
            admin.answer(&stopped, || format!("{}{}", stands(&stopped), lives_on(succession)))?;
        }
        Keys::Issue { order, proof } => issue(admin, order, proof).await?,
        Keys::Change { key, end, lifetime, name, proof: args } => {
            let lasts = |lifetime: Span| admin.now.saturating_add(SignedDuration::from(lifetime));
            let end = match (end, lifetime) {
                (Some(end), _) => Some(*end),
                (None, lifetime) => lifetime.map(lasts).transpose()?,
            };
            let wanted = |proof| ChangeKey { name: name.clone(), end, proof };
            let key: KeyView = admin.prove(Method::PATCH, &of(*key, None), args, wanted).await?;
            admin.answer(&key, || ends(&key, admin.now))?;
        }
        Keys::Retire { key, grace, lifetime, proof: args } => {
            let wanted = |proof| RetireKey { grace: *grace, lifetime: *lifetime, proof };
            let made: IssuedKey = admin.prove(Method::POST, &of(*key, Some("retire")), args, wanted).await?;
            show_secret(admin, &made, &takes_place(*key, *grace))?;
        }
        Keys::Revoke { key, children, why } => {
            let wanted = RevokeKey { why: why.clone(), children: *children, ..RevokeKey::default() };
            let key: KeyView = admin.client.change(&of(*key, Some("revoke")), &wanted).await?;
            admin.answer(&key, || stands(&key))?;
        }
        Keys::Canary { name, holder, end, proof } => match (end, name, holder) {
            (Some(end), _, _) => canary::end(admin, *end, proof).await?,
            (None, Some(name), Some(holder)) => canary::issue(admin, name, holder, proof).await?,
            (None, _, _) => return Err("name it and say where it will lie: add `--name` and `--holder`".into()),
        },
        Keys::Request { wish, proof } => request::ask(admin, wish, proof).await?,
        Keys::Requests { request: None } => request::list(admin).await?,
        Keys::Requests { request: Some(request) } => request::show(admin, *request).await?,
        Keys::Approve { request, less, proof } => request::approve(admin, *request, less, proof).await?,
        Keys::Deny { request, why } => request::deny(admin, *request, why).await?,
        Keys::Collect { request, proof } => request::collect(admin, *request, proof).await?,
        Keys::Canaries => canary::list(admin).await?,
        Keys::Enable { key, proof: args } => {
            let key: KeyView = admin.prove(Method::POST, &of(*key, Some("enable")), args, |proof| proof).await?;
            admin.answer(&key, || stands(&key))?;
        }
        Keys::Forget { key, proof: args } => {
            let key: KeyView = admin.prove(Method::POST, &of(*key, Some("forget")), args, |proof| proof).await?;
            admin.answer(&key, || format!("{} is forgotten; used again, it is a new key", title(&key)))?;
        }
        Keys::Name { key, name, holder, owner, upstream, proof: args } => {
            let wanted = |proof| NameKey {
                name: name.clone(),
                holder: holder.clone(),
                owner: owner.clone(),
                upstream: upstream.clone(),
                proof,
            };
            let key: KeyView = admin.prove(Method::POST, &of(*key, Some("name")), args, wanted).await?;
            admin.answer(&key, || match upstream {
                Some(upstream) => format!("{} is `{}` at the API", title(&key), show::clean(upstream)),
                None => named(&key),
            })?;
        }
    }
    Ok(Done::Clean)
}

fn of(key: KeyId, act: Option<&str>) -> String {
    let id = key.to_string();
    let segments: Vec<&str> = ["keys", &id].into_iter().chain(act).collect();
    address(&segments)
}

/// The secret goes to standard output alone, so that it can be piped to where it belongs; what
/// is said of it goes beside.
async fn issue(admin: &Admin, order: &IssueArgs, args: &ProofArgs) -> Result<(), Box<dyn std::error::Error>> {
    let IssueArgs { name, holder, parent, bounds, lifetime } = order;
    let wanted = |proof| IssueKey {
        name: name.clone(),
        holder: holder.clone(),
        parent: *parent,
        scope: bounds.scope(),
        limits: bounds.limits.clone(),
        lifetime: *lifetime,
        proof,
    };
    let issued: IssuedKey = admin.prove(Method::POST, &address(&["keys"]), args, wanted).await?;
    show_secret(admin, &issued, "")
}

fn show_secret(admin: &Admin, made: &IssuedKey, more: &str) -> Result<(), Box<dyn std::error::Error>> {
    if admin.json {
        return json(made);
    }
    let end = made.key.end.map_or_else(String::new, |end| format!(", ends {}", show::ahead(end, admin.now)));
    show::aside(FAINT, format!("{}{end}{more}; its secret is shown this once:", title(&made.key)));
    show::say(made.secret.expose())?;
    if made.no_upstream_credential {
        let why = "nothing passes with it yet: the gate has no credential of its own for the API";
        show::aside(ALARM, format!("{why}; `greave upstream set-credential --as NAME` sets it"));
    }
    Ok(())
}

fn takes_place(of: KeyId, grace: Span) -> String {
    if grace.as_secs() == 0 {
        return format!(", takes the place of {of}, with which nothing passes any more");
    }
    format!(", takes the place of {of} from its first use on; {of} then works for {grace}")
}

fn stands(key: &KeyView) -> String {
    let (id, word) = (key.id, standing(key.standing));
    match key.standing {
        Standing::Active | Standing::Retiring => format!("{} is {word}", title(key)),
        Standing::Disabled => {
            format!("{} is {word}: nothing passes with it until `greave keys enable {id} --as NAME`", title(key))
        }
        Standing::Revoked => match &key.abroad {
            None => format!("{} is {word}: nothing will ever pass with it again", title(key)),
            Some(AbroadView { revoked: true, .. }) => {
                format!("{} is {word}, here and at the API: nothing will ever pass with it again", title(key))
            }
            Some(AbroadView { why, .. }) => {
                let why = why.as_deref().map_or_else(String::new, |why| format!(" ({})", show::clean(why)));
                format!("{} is {word} here, and alive at the API{why}; `greave reconcile` tries again", title(key))
            }
        },
        Standing::Retired => format!("{} is {word}: nothing will ever pass with it again", title(key)),
    }
}

/// Who has a key may have what was handed out to take its place.
fn lives_on(succession: Option<SuccessionView>) -> String {
    match succession {
        Some(SuccessionView { key, took_over: false, .. }) => format!(
            "\nits successor {key} waits for its first use and works: if that was handed out the same way, `greave keys disable {key}`"
        ),
        _ => String::new(),
    }
}

fn ends(key: &KeyView, now: Timestamp) -> String {
    format!("{}: ends {}", title(key), end(key, now))
}

fn named(key: &KeyView) -> String {
    match (&key.owner, key.answerers.is_empty()) {
        (Some(owner), true) if !key.owner_enrolled => {
            let (name, word) = (show::clean(owner), show::word(owner));
            format!("{}; {name} answers for it, once enrolled: `greave holders invite {word} --as NAME`", title(key))
        }
        (Some(owner), _) => format!("{}; {} answers for it", title(key), show::clean(owner)),
        (None, _) => format!("{}; nobody answers for it yet: `greave keys name {} --owner NAME`", title(key), key.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing;

    #[test]
    fn after_naming_a_key_who_answers_and_what_is_missing_is_said() {
        let key = testing::key(17);
        assert_eq!(named(&key), "k17 (ci deploy) of ci; ann answers for it");
        let unasked = KeyView { answerers: Vec::new(), owner_enrolled: false, ..key.clone() };
        assert!(named(&unasked).contains("once enrolled: `greave holders invite ann --as NAME`"));
        let nobodys = KeyView { owner: None, holder: None, answerers: Vec::new(), ..key };
        assert!(named(&nobodys).contains("`greave keys name k17 --owner NAME`"));
    }

    #[test]
    fn who_stops_a_key_learns_how_it_works_again() {
        let key = KeyView { standing: Standing::Disabled, ..testing::key(17) };
        assert!(stands(&key).contains("nothing passes with it until `greave keys enable k17 --as NAME`"));
    }
}
