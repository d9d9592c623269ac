//! `greave reconcile`: what the API itself says of its keys, held against what is known here.

use authority::Listed;
use console::api::{AliveView, GoneView, Reconciled};
use jiff::Timestamp;
use law::KeyId;
use serde_json::json;

use super::{Admin, Done, Outcome, json as print_json};
use crate::{
    client::address,
    show::{self, ALARM, FAINT, WELL, ago, aside, clean, styled},
};

pub(crate) async fn run(admin: &Admin) -> Outcome {
    let found: Reconciled = admin.client.change(&address(&["reconcile"]), &json!({})).await?;
    let Reconciled { not_compared, listed, unnamed, unknown, alive, gone } = &found;
    if admin.json {
        print_json(&found)?;
    } else {
        let mut table = show::table(["key", "", "what is true"]);
        for listed in unknown {
            table.add_row([
                String::new(),
                of_the_api(listed, admin.now),
                "alive at the API, and not known here".to_owned(),
            ]);
        }
        for AliveView { key, name, here, why, listed } in alive {
            let shown = listed.as_ref().map_or_else(|| of_ours(name.as_ref()), |listed| of_the_api(listed, admin.now));
            table.add_row([key.to_string(), shown, format!("{here} here, alive at the API: {}", clean(why))]);
        }
        for GoneView { key, name, upstream } in gone {
            let shown = format!("{}{}", of_ours(name.as_ref()), called(upstream));
            table.add_row([key.to_string(), shown, "works here, and is gone at the API".to_owned()]);
        }
        show::print(&table, "");
        match not_compared {
            None => aside(FAINT, format!("{} at the API", show::count(*listed, "key"))),
            Some(why) => aside(ALARM, format!("the API's list was not compared: {}", clean(why))),
        }
        if *unnamed > 0 {
            let text = format!(
                "{} here of which nobody knows what the API calls them: a key that is not known may be one of them",
                show::count(*unnamed, "key")
            );
            aside(FAINT, text);
        }
        for key in gone.iter().map(|gone| gone.key).take(3) {
            aside(FAINT, mend(key));
        }
    }
    if let Some(why) = not_compared {
        return Err(format!("nobody knows whether the API has other keys: {}", clean(why)).into());
    }
    if unknown.is_empty() && alive.is_empty() && gone.is_empty() {
        if !admin.json {
            show::say(styled(WELL, "the API and the gate agree"))?;
        }
        return Ok(Done::Clean);
    }
    Ok(Done::Findings)
}

fn mend(key: KeyId) -> String {
    format!("`greave keys revoke {key}` says here, too, that it is gone")
}

fn called(upstream: &str) -> String {
    format!(" `{}`", clean(upstream))
}

fn of_ours(name: Option<&String>) -> String {
    name.map_or_else(String::new, |name| clean(name))
}

/// A key as the API lists it, in a line.
fn of_the_api(listed: &Listed, now: Timestamp) -> String {
    let Listed { id, holder, name, shows, created, expires: _, last_used, revoked: _, hash: _ } = listed;
    let words = [
        Some(format!("`{}`", clean(id))),
        name.as_ref().map(|name| clean(name)),
        shows.as_ref().map(|shows| clean(shows)),
        holder.as_ref().map(|holder| format!("of {}", clean(holder))),
        created.map(|at| format!("made {}", ago(at, now))),
        last_used.map(|at| format!("used {}", ago(at, now))),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
