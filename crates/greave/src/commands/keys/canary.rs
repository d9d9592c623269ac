//! `greave keys canary`: secrets that work nowhere.

use comfy_table::Table;
use console::api::{CanaryList, CanaryView, IssueCanary, IssuedCanary};
use http::Method;
use jiff::Timestamp;
use law::KeyId;

use crate::{
    cli::ProofArgs,
    client::address,
    commands::{Admin, json},
    show::{self, FAINT, ago, clean},
};

/// The secret goes to standard output alone, as an issued key's does.
pub(super) async fn issue(
    admin: &Admin,
    name: &str,
    holder: &str,
    args: &ProofArgs,
) -> Result<(), Box<dyn std::error::Error>> {
    let wanted = |proof| IssueCanary { name: name.to_owned(), holder: holder.to_owned(), proof };
    let issued: IssuedCanary = admin.prove(Method::POST, &address(&["canaries"]), args, wanted).await?;
    if admin.json {
        return json(&issued);
    }
    let text = format!("{}, a canary; it works nowhere, and its secret is shown this once:", title(&issued.canary));
    show::aside(FAINT, text);
    show::say(issued.secret.expose())?;
    Ok(())
}

pub(super) async fn end(admin: &Admin, canary: KeyId, args: &ProofArgs) -> Result<(), Box<dyn std::error::Error>> {
    let address = address(&["canaries", &canary.to_string(), "end"]);
    let canary: CanaryView = admin.prove(Method::POST, &address, args, |proof| proof).await?;
    admin.answer(&canary, || format!("{} is watched no more", title(&canary)))
}

pub(super) async fn list(admin: &Admin) -> Result<(), Box<dyn std::error::Error>> {
    let CanaryList { canaries } = admin.client.read(&address(&["canaries"])).await?;
    if admin.json {
        return json(&canaries);
    }
    show::print(&table(&canaries, admin.now), "no canary is watched; `greave keys canary` makes one");
    Ok(())
}

fn title(canary: &CanaryView) -> String {
    show::key(canary.id, Some(&canary.name), Some(&canary.holder))
}

fn table(canaries: &[CanaryView], now: Timestamp) -> Table {
    let mut table = show::table(["canary", "name", "lies at", "since"]);
    for CanaryView { id, name, holder, since } in canaries {
        table.add_row([id.to_string(), clean(name), clean(holder), ago(*since, now)]);
    }
    table
}
