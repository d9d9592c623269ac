//! The API as it is: a key does without a code what its person could not.

use serde_json::json;

use super::{Failure, Scene, THIEF};
use crate::demo::{
    caller::Caller,
    company::cast::Login,
    stage::{Mood, Stage, grouped, shown},
};

pub(super) async fn play(scene: &Scene<'_>, stage: &mut Stage) -> Result<(), Failure> {
    stage.act("BEFORE: the API as it is").await;
    people(scene, stage).await?;
    thief(scene, stage).await
}

async fn people(scene: &Scene<'_>, stage: &mut Stage) -> Result<(), Failure> {
    stage.say("Odile Wickersby, administrator, logs in. A password alone is not enough:").await;
    let odile = &scene.cast.odile;
    let refused = password_alone(&scene.api, odile).await?;
    stage.called(&refused, refused.word("/error") == "code_required", Mood::Well, "password: a code is needed").await;
    let let_in = scene.api.post("/login", &login_with_code(scene)?).await?;
    stage.called(&let_in, let_in.status == 200, Mood::Well, "password and code: welcome").await;
    Ok(())
}

async fn thief(scene: &Scene<'_>, stage: &mut Stage) -> Result<(), Failure> {
    stage
        .say(
            "Her script `month-end` exports the invoices with an API key of hers. A copy of that key \
             has leaked. Whoever found it has no code, and needs none:",
        )
        .await;
    let thief = scene.api.called(THIEF).with_key(&scene.cast.month_end);

    let disarmed = thief.delete("/v1/users/odile/two-factor").await?;
    stage.called(&disarmed, disarmed.word("/two_factor") == "false", Mood::Alarm, "her 2FA is off").await;
    let minted = thief.post("/v1/keys", &json!({ "name": "backup" })).await?;
    stage.called(&minted, minted.status == 201, Mood::Alarm, "a key of the thief's own").await;
    let exported = thief.get("/v1/invoices/export").await?;
    let note = format!("{} rows, {} kB", grouped(exported.rows() as u64), exported.body.len() / 1_000);
    stage.called(&exported, exported.status == 200 && exported.rows() > 1_000, Mood::Alarm, &note).await;

    let took = disarmed.took + minted.took + exported.took;
    stage.say(&format!("Three requests, {}, and nobody was asked. What is left behind:", shown(took))).await;
    let alone = password_alone(&scene.api, &scene.cast.odile).await?;
    stage.called(&alone, alone.status == 200, Mood::Alarm, "the password alone: welcome").await;
    let own = scene.api.called(THIEF).with_key(&minted.word("/secret"));
    let me = own.get("/v1/me").await?;
    let note = format!("the new key is {}'s, too", me.word("/id"));
    stage.called(&me, me.word("/id") == "odile", Mood::Alarm, &note).await;
    Ok(())
}

async fn password_alone(api: &Caller, login: &Login) -> Result<crate::demo::caller::Answer, Failure> {
    Ok(api.post("/login", &json!({ "email": login.email, "password": login.password })).await?)
}

/// What Odile types to log in at the company.
pub(super) fn login_with_code(scene: &Scene<'_>) -> Result<serde_json::Value, Failure> {
    let Login { email, password, .. } = &scene.cast.odile;
    let code = scene.seed_of_odile()?.code(factor::totp::Step::at(jiff::Timestamp::now()));
    Ok(json!({ "email": email, "password": password, "code": code }))
}
