//! The questions that wait for an answer.

use std::sync::Arc;

use authority::Command;
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use law::ChallengeId;

use super::{
    Admin,
    doors::Caller,
    json::{Body, id},
};
use crate::{
    api::{Approve, Problem, Proof, QuestionDetails, QuestionList, QuestionView},
    questions,
};

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Json<QuestionList> {
    let questions = questions::open(&admin.desk, None);
    Json(QuestionList { questions })
}

pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Path(question): Path<String>,
) -> Result<Json<QuestionDetails>, Problem> {
    let (id, desk) = (id(&question)?, &admin.desk);
    let question = questions::one(desk, id)?;
    Ok(Json(QuestionDetails { question, exhibit: desk.authority.exhibit(id).await? }))
}

pub(super) async fn approve(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(Approve { questions, proof }): Body<Approve>,
) -> Result<Json<QuestionList>, Problem> {
    if questions.is_empty() {
        return Err(Problem::unfit("name at least one question"));
    }
    // Whoever waits is gone a moment after the yes.
    let waits: Vec<bool> = questions.iter().map(|id| admin.desk.authority.waits(*id)).collect();
    admin.perform(&Command::Approve(questions.clone()), &caller, &proof).await?;
    let approved = questions.into_iter().zip(waits).map(|(id, waiting)| {
        let question = questions::one(&admin.desk, id)?;
        Ok::<_, Problem>(QuestionView { waiting, ..question })
    });
    Ok(Json(QuestionList { questions: approved.collect::<Result<_, _>>()? }))
}

pub(super) async fn deny(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(question): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<QuestionView>, Problem> {
    let id = id(&question)?;
    answer(&admin, id, &Command::Deny(id), &caller, &proof).await
}

pub(super) async fn not_me(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(question): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<QuestionView>, Problem> {
    let id = id(&question)?;
    answer(&admin, id, &Command::NotMe(id), &caller, &proof).await
}

async fn answer(
    admin: &Admin,
    id: ChallengeId,
    command: &Command,
    caller: &Extension<Caller>,
    proof: &Proof,
) -> Result<Json<QuestionView>, Problem> {
    admin.perform(command, caller, proof).await?;
    Ok(Json(questions::one(&admin.desk, id)?))
}
