//! What the command line does, one file a command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod calls;
pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod drains;
pub(crate) mod drill;
pub(crate) mod expiry;
pub(crate) mod explain;
pub(crate) mod guards;
pub(crate) mod holders;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod law;
pub(crate) mod ledger;
pub(crate) mod narrow;
pub(crate) mod questions;
pub(crate) mod reach;
pub(crate) mod reconcile;
pub(crate) mod record;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod sheet;
pub(crate) mod status;
pub(crate) mod tell;
#[cfg(test)]
mod testing;
pub(crate) mod upstream;
pub(crate) mod watch;

use std::{
    error::Error,
    io::{self, IsTerminal as _},
};

use console::api::{HealthView, Proof, RecordHealth};
use http::Method;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ask,
    cli::{Cli, ProofArgs},
    client::{Client, ClientError, address},
    house,
    show::{self, ALARM},
};

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing to look at: exit code 0.
    Clean,
    /// Something to look at: exit code 1.
    Findings,
    /// Nothing but that whoever is on this host can go around the gate: exit code 3.
    OnThisHost,
    /// Calls fail, or would: exit code 2.
    Failing,
}

impl Done {
    pub(crate) const fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Clean, Self::Clean) => Self::Clean,
            (Self::Failing, _) | (_, Self::Failing) => Self::Failing,
            (Self::Findings, _) | (_, Self::Findings) => Self::Findings,
            (Self::OnThisHost, _) | (_, Self::OnThisHost) => Self::OnThisHost,
        }
    }
}

/// How a command ended. An error is exit code 2.
pub(crate) type Outcome = Result<Done, Box<dyn std::error::Error>>;

/// What a command that speaks to the admin API works with.
pub(crate) struct Admin {
    client: Client,
    json: bool,
    now: Timestamp,
    /// Whether `now` is a moment of the past.
    past: bool,
}

impl Admin {
    /// Reads the configuration and finds the way: to the running gate, or to the state itself.
    pub(crate) async fn reach(cli: &Cli, now: Timestamp) -> Result<Self, Box<dyn std::error::Error>> {
        let client = house::client(&cli.config).await?;
        Ok(Self { client, json: cli.json, now, past: false })
    }

    /// The same as of a moment of the past; gone with the value beside it.
    pub(crate) async fn as_of(cli: &Cli, at: Timestamp) -> Result<(Self, impl Sized), Box<dyn std::error::Error>> {
        let (client, house::Grounds { entries, head }, scratch) = house::client_as_of(&cli.config, at).await?;
        show::aside(show::FAINT, format!("as of {} UTC, by entry {entries} of the ledger ({head})", show::moment(at)));
        Ok((Self { client, json: cli.json, now: at, past: true }, scratch))
    }

    /// Says beside the output what is not asked yet.
    async fn tell_observing(&self) -> Result<(), Box<dyn std::error::Error>> {
        let HealthView { observing, law_waits, record, ledger_unwritten_since, .. } =
            self.client.read(&address(&["health"])).await?;
        if observing.is_any() {
            show::aside(show::ALARM, format!("{observing}; `greave guards preview` says whom enforcing would ask"));
        }
        if let RecordHealth::Failing { reason, since, meaning } = record {
            show::aside(show::ALARM, format!("the record cannot be written since {since:.0}: {reason}; {meaning}"));
        }
        if let Some(since) = ledger_unwritten_since {
            let text =
                format!("the ledger cannot be written since {since:.0}: nobody can be asked, and no key changed");
            show::aside(show::ALARM, text);
        }
        if law_waits {
            show::aside(show::ALARM, "a weaker law waits for a code: `greave law show`, `greave law accept --as NAME`");
        }
        Ok(())
    }

    /// Does what may need a code. Whose it is was said in the arguments; it is asked for when
    /// everything else is known to be well. Without a name nothing is asked: what needs a code
    /// is declined then, and says so.
    async fn prove<W: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        address: &str,
        args: &ProofArgs,
        wanted: impl Fn(Proof) -> W,
    ) -> Result<T, Box<dyn std::error::Error>> {
        let without = Proof { person: args.person.clone(), code: None };
        match (self.client.send(method.clone(), address, &wanted(without)).await, &args.person) {
            (Err(ClientError::Refused(problem)), Some(person)) if problem.code == "code-needed" => {
                let once = async || {
                    let code = ask::line("Code:")?;
                    let proof = Proof { person: Some(person.clone()), code: Some(code.to_string().into()) };
                    Ok(self.client.send(method.clone(), address, &wanted(proof)).await?)
                };
                again(if io::stdin().is_terminal() { SLIPS } else { 0 }, once).await
            }
            (done, _) => Ok(done?),
        }
    }

    /// What was asked for: as JSON where a program reads it, else as people read it.
    fn answer(&self, value: &impl Serialize, words: impl FnOnce() -> String) -> Result<(), Box<dyn std::error::Error>> {
        if self.json { json(value) } else { Ok(show::say(words())?) }
    }
}

/// Who mistypes a code at a terminal is asked again so often; each counts as a wrong one.
const SLIPS: u8 = 2;

/// Tries once more where a code was wrong, without all that was shown before it.
async fn again<T>(slips: u8, once: impl AsyncFn() -> Result<T, Box<dyn Error>>) -> Result<T, Box<dyn Error>> {
    for _ in 0..slips {
        match once().await {
            Err(error) => match error.downcast_ref() {
                Some(ClientError::Refused(problem)) if problem.code == "wrong-code" => show::aside(ALARM, error),
                _ => return Err(error),
            },
            done => return done,
        }
    }
    once().await
}

/// Prints one value as JSON.
fn json(value: &impl Serialize) -> Result<(), Box<dyn std::error::Error>> {
    Ok(show::say(show::harmless_json(&serde_json::to_string_pretty(value)?))?)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use console::api::Problem;

    use super::*;

    #[tokio::test]
    async fn a_mistyped_code_is_asked_for_again_and_nothing_else_is() {
        let asked = Cell::new(0);
        let refused = |code: &str| {
            ClientError::Refused(Problem {
                kind: String::new(),
                title: String::new(),
                status: 403,
                code: code.to_owned(),
                detail: "no".to_owned(),
                retry_after: None,
            })
        };
        let after = async |slips: u8, wrong: u8, code: &str| {
            asked.set(0);
            let once = async || {
                asked.set(asked.get() + 1);
                if asked.get() > wrong { Ok(()) } else { Err(refused(code).into()) }
            };
            (again(slips, once).await.is_ok(), asked.get())
        };
        assert_eq!(after(SLIPS, 0, "wrong-code").await, (true, 1));
        assert_eq!(after(SLIPS, 2, "wrong-code").await, (true, 3));
        assert_eq!(after(SLIPS, 3, "wrong-code").await, (false, 3));
        assert_eq!(after(SLIPS, 1, "not-administrator").await, (false, 1));
        assert_eq!(after(0, 1, "wrong-code").await, (false, 1), "a script has typed what it has");
    }
}
