//! `greave upstream`: the gate's own credential for the API.

use clap::Subcommand;
use console::api::{CredentialView, Secret, SetCredential};
use http::Method;

use super::{Admin, Done, Outcome};
use crate::{
    ask,
    cli::{ProofArgs, example},
    client::address,
};

#[derive(Debug, Subcommand)]
pub(crate) enum UpstreamCommand {
    /// Set the credential under which issued keys call the API. It is read from standard input,
    /// sealed, and never shown again.
    #[command(after_help = example!("upstream set-credential --as ann"))]
    SetCredential {
        #[command(flatten)]
        proof: ProofArgs,
    },
}

pub(crate) async fn run(admin: &Admin, command: &UpstreamCommand) -> Outcome {
    let UpstreamCommand::SetCredential { proof: args } = command;
    let credential: Secret = ask::secret("Credential:")?.to_string().into();
    let wanted = |proof| SetCredential { credential: credential.clone(), proof };
    let to = address(&["upstream", "credential"]);
    let set: CredentialView = admin.prove(Method::POST, &to, args, wanted).await?;
    admin.answer(&set, || "the credential is set, sealed; issued keys call under it from now on".to_owned())?;
    Ok(Done::Clean)
}
