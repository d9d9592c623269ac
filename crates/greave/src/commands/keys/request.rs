//! `greave keys request`, and what comes of it.

use authority::Scope;
use comfy_table::Table;
use console::api::{
    Asked, CollectedKey, DenyRequest, GrantRequest, Outlook, OutlookPower, RequestDetails, RequestKey, RequestList,
    RequestStanding, RequestView,
};
use http::Method;
use jiff::Timestamp;
use law::RequestId;

use super::{
    arguments::{LessArgs, WishArgs},
    title as key_title,
};
use crate::{
    cli::ProofArgs,
    client::address,
    commands::{Admin, json},
    show::{self, FAINT, ago, ahead, clean, count, word},
};

type Done = Result<(), Box<dyn std::error::Error>>;

/// So many operations are named in a line.
const NAMED: usize = 8;

pub(super) async fn ask(admin: &Admin, wish: &WishArgs, args: &ProofArgs) -> Done {
    let WishArgs { name, holder, bounds, lifetime, reason } = wish;
    let wanted = |proof| RequestKey {
        name: name.clone(),
        holder: holder.clone(),
        scope: bounds.scope(),
        limits: bounds.limits.clone(),
        lifetime: *lifetime,
        reason: reason.clone(),
        proof,
    };
    let request: RequestView = admin.prove(Method::POST, &address(&["requests"]), args, wanted).await?;
    admin.answer(&request, || {
        let who = match request.approvers.as_slice() {
            [] => "nobody may say yes to it yet: `keys.approvers` in the configuration names people".to_owned(),
            people => format!("{} may say yes", list_of(people)),
        };
        format!("{} waits, lapses {}; {who}", title(&request), ahead(request.until, admin.now))
    })
}

pub(super) async fn list(admin: &Admin) -> Done {
    let RequestList { requests } = admin.client.read(&address(&["requests"])).await?;
    if admin.json {
        return json(&requests);
    }
    show::print(&table(&requests, admin.now), "nobody has asked for a key; `greave keys request` does");
    Ok(())
}

pub(super) async fn show(admin: &Admin, request: RequestId) -> Done {
    let details: RequestDetails = admin.client.read(&of(request, None)).await?;
    admin.answer(&details, || in_words(&details, admin.now))
}

pub(super) async fn approve(admin: &Admin, request: RequestId, less: &LessArgs, args: &ProofArgs) -> Done {
    let LessArgs { powers, operations, sources, limits, lifetime } = less;
    let scope = if powers.is_empty() && operations.is_empty() && sources.is_empty() {
        None
    } else {
        let details: RequestDetails = admin.client.read(&of(request, None)).await?;
        let Scope { powers: asked, operations: of_all, sources: from_all } = details.request.asked.scope;
        Some(Scope {
            powers: if powers.is_empty() { asked } else { powers.iter().copied().collect() },
            operations: if operations.is_empty() { of_all } else { operations.clone() },
            sources: if sources.is_empty() { from_all } else { sources.clone() },
        })
    };
    let wanted = |proof| GrantRequest { scope: scope.clone(), limits: limits.clone(), lifetime: *lifetime, proof };
    let request: RequestView = admin.prove(Method::POST, &of(request, Some("grant")), args, wanted).await?;
    admin.answer(&request, || {
        let (by, word, id) = (clean(&request.by), word(&request.by), request.id);
        let end = ahead(request.until, admin.now);
        let command = format!("greave keys collect {id} --as {word}");
        format!("{} is granted; {by} collects the key with `{command}`, which lapses {end}", title(&request))
    })
}

pub(super) async fn deny(admin: &Admin, request: RequestId, why: &str) -> Done {
    let wanted = DenyRequest { why: why.to_owned(), ..DenyRequest::default() };
    let request: RequestView = admin.client.change(&of(request, Some("deny")), &wanted).await?;
    admin.answer(&request, || format!("{} is denied", title(&request)))
}

/// The secret goes to standard output alone, as an issued key's does.
pub(super) async fn collect(admin: &Admin, request: RequestId, args: &ProofArgs) -> Done {
    let collected: CollectedKey = admin.prove(Method::POST, &of(request, Some("collect")), args, |proof| proof).await?;
    if admin.json {
        return json(&collected);
    }
    let end = collected.key.end.map_or_else(String::new, |end| format!(", ends {}", ahead(end, admin.now)));
    show::aside(FAINT, format!("{}{end}; its secret is shown this once:", key_title(&collected.key)));
    show::say(collected.secret.expose())?;
    Ok(())
}

fn of(request: RequestId, act: Option<&str>) -> String {
    let id = request.to_string();
    let segments: Vec<&str> = ["requests", &id].into_iter().chain(act).collect();
    address(&segments)
}

fn list_of(people: &[String]) -> String {
    people.iter().map(|name| clean(name)).collect::<Vec<_>>().join(", ")
}

fn title(request: &RequestView) -> String {
    let name = request.name.as_ref().map_or_else(String::new, |name| format!(" ({})", clean(name)));
    format!("{}{name}, for {}", request.id, clean(&request.holder))
}

fn table(requests: &[RequestView], now: Timestamp) -> Table {
    let mut table = show::table(["request", "by", "for", "powers", "asked", "", "why"]);
    for request in requests {
        let RequestView { id, by, holder, asked, reason, at, standing: state, .. } = request;
        let (powers, state) = (asked.scope.powers.to_string(), state.word().to_owned());
        table.add_row([id.to_string(), clean(by), clean(holder), powers, ago(*at, now), state, clean(reason)]);
    }
    table
}

fn asked_in_words(Asked { scope, limits, lifetime }: &Asked) -> String {
    let mut words = vec![format!("{} for {lifetime}", scope.powers)];
    words.extend(scope.operations.iter().map(ToString::to_string));
    words.extend(scope.sources.iter().map(|network| format!("from {network}")));
    words.extend(limits.iter().map(ToString::to_string));
    clean(&words.join(", "))
}

fn in_words(RequestDetails { request, outlook }: &RequestDetails, now: Timestamp) -> String {
    let RequestView { by, asked, reason, standing: state, granted, granted_by, why, approvers, .. } = request;
    let mut lines = vec![format!("{}: {}", title(request), state.word())];
    lines.push(format!("  {} asked {}: {}", clean(by), ago(request.at, now), clean(reason)));
    lines.push(format!("  {}", asked_in_words(asked)));
    if let (Some(granted), Some(by)) = (granted, granted_by) {
        lines.push(format!("  {} said yes to {}", clean(by), asked_in_words(granted)));
    }
    if let Some(why) = why {
        lines.push(format!("  no: {}", clean(why)));
    }
    if *state == RequestStanding::Open {
        let people = if approvers.is_empty() { "nobody".to_owned() } else { list_of(approvers) };
        lines.push(format!("  may say yes: {people}"));
    }
    lines.push(String::new());
    lines.extend(outlook_in_words(outlook));
    lines.join("\n")
}

fn outlook_in_words(outlook: &Outlook) -> Vec<String> {
    let Outlook { operations, without_second_factor, powers, new, news, similar_keys, same_holder, used, .. } = outlook;
    let asking = operations.saturating_sub(*without_second_factor);
    let all = count(*operations, "operation");
    let mut lines = vec![format!("It would reach {all}; {asking} of them ask for a second factor.")];
    for OutlookPower { power, operations, ask, used } in powers {
        lines.push(format!("  {:<9}{operations:>5}, {ask} ask, {used} used by keys like it", power.to_string()));
    }
    let whose = if *same_holder { "of the same holder" } else { "of the same kind of holder" };
    lines.push(match similar_keys {
        0 => "There is no key like it.".to_owned(),
        keys => {
            let which = if used.is_empty() { ".".to_owned() } else { format!(": {}", named(used, used.len())) };
            format!("Of the {all} asked for, {} {whose} used {} in 30 days{which}", count(*keys, "key"), used.len())
        }
    });
    if *news > 0 && *same_holder {
        lines.push(format!("New for this holder: {}", named(new, *news)));
    }
    if outlook.damaged {
        lines.push("Part of the record could not be read.".to_owned());
    }
    lines
}

fn named(operations: &[String], all: usize) -> String {
    let names: Vec<String> = operations.iter().take(NAMED).map(|name| clean(name)).collect();
    let more = all.saturating_sub(names.len());
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}
