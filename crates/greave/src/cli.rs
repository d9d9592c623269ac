//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use law::{ChallengeId, HolderKind, KeyId, Span};

/// Commands to learn from, for the end of a help text; a test tries whether each can be read.
macro_rules! example {
    ($($line:literal),+ $(,)?) => {
        concat!("Examples:" $(, "\n  greave ", $line)+)
    };
}

/// Closes the API back door behind 2FA: a key cannot do without a second factor what its
/// person could not do without one.
///
/// New here? `greave demo` shows it in two minutes and needs nothing else. Before your own
/// API: `greave init`, `greave check`, `greave serve`.
#[derive(Debug, Parser)]
#[command(name = "greave", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// The configuration file.
    #[arg(long, global = true, default_value = "greave.toml", env = "GREAVE_CONFIG", value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print JSON instead of tables and sentences.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a stolen key does, and what is left of it behind the gate.
    #[command(after_help = example!("demo", "demo --no-wait"))]
    Demo(Demo),
    /// Write a configuration, a state folder and its secrets, and enrol the first person.
    #[command(after_help = example!("init --upstream http://127.0.0.1:8000 --document openapi.yaml --person ann"))]
    Init(Init),
    /// Read configuration and document, and say what is wrong and what would change.
    #[command(after_help = example!("check", "check --direct http://127.0.0.1:8000"))]
    Check(Check),
    /// Run the gate and the desk.
    #[command(after_help = example!("serve", "serve --config /etc/greave/greave.toml"))]
    Serve,
    /// What can be done with the API, and what of it without a second factor.
    #[command(after_help = example!("reach", "reach k17", "reach --all --json"))]
    Reach(Reach),
    /// Why a call would pass, be asked about, or be refused. Calls nothing.
    #[command(after_help = example!("explain DELETE /users/ann --key k17", "explain GET '/export?all=1' --key k17 --source 192.0.2.7"))]
    Explain(Explain),
    /// The guards: whom would enforcing ask?
    #[command(subcommand)]
    Guards(Guards),
    /// The law in force, and one that waits for a code.
    #[command(subcommand)]
    Law(LawCommand),
    /// Keys: who has them, where they were used, and stopping them.
    #[command(subcommand)]
    Keys(Keys),
    /// People, workloads and vendors: who has keys, and who answers for them.
    #[command(subcommand)]
    Holders(Holders),
    /// The questions that wait for an answer.
    #[command(after_help = example!("questions", "questions --json"))]
    Questions,
    /// Say yes to calls that wait, with one code for all of them.
    #[command(after_help = example!("approve c9 --as ann", "approve c9 c10 c11 --as ann"))]
    Approve(Approve),
    /// Say no to a call that waits.
    #[command(after_help = example!("deny c9", "deny c9 --not-me"))]
    Deny(Deny),
    /// The record: what was called, by whom, from where, and what was decided.
    #[command(after_help = example!("calls", "calls --key k17 --decision challenge --since 7d", "calls --operation 'DELETE *' --source 192.0.2.0/24 --status 4xx", "calls --follow"))]
    Calls(Calls),
    /// The ledger: every change of keys, holders and law.
    #[command(subcommand)]
    Ledger(Ledger),
    /// The catalogue: accept what the document says now.
    #[command(subcommand)]
    Catalogue(Catalogue),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End when the scene is over, instead of staying up.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to put it all.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The API behind the gate, such as `http://127.0.0.1:8000`.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// The API's OpenAPI document, 2.0, 3.0 or 3.1, JSON or YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) document: PathBuf,
    /// Where clients connect.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) listen: String,
    /// The first person, an administrator: their account's name at the API, so that their
    /// own keys are theirs here, too.
    #[arg(long, value_name = "NAME")]
    pub(crate) person: String,
    /// Their mail address, for notices.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// Observe for so long before the guards bind.
    #[arg(long, default_value = "30d", value_name = "TIME")]
    pub(crate) observe: Span,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Try whether the API answers there without the gate; it should not.
    #[arg(long, value_name = "URL")]
    pub(crate) direct: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// Only what this key reaches, and what it uses.
    pub(crate) key: Option<KeyId>,
    /// Every operation, not only the sensitive ones.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The method, such as `DELETE`.
    pub(crate) method: String,
    /// The path, such as `/users/ann`.
    pub(crate) path: String,
    /// As which key.
    #[arg(long)]
    pub(crate) key: Option<KeyId>,
    /// From which address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source: Option<std::net::IpAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Guards {
    /// The keys and calls that enforcing would have asked about. Ends with 1 where there are any.
    #[command(after_help = example!("guards preview", "guards preview --since 30d --json"))]
    Preview {
        /// How far back to look.
        #[arg(long, default_value = "7d", value_name = "TIME")]
        since: Span,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LawCommand {
    /// The law as a page, with what only observes and what waits for a code.
    #[command(after_help = example!("law show"))]
    Show,
    /// Put the law that waits into force, with an administrator's code.
    #[command(after_help = example!("law accept --as ann"))]
    Accept {
        #[command(flatten)]
        proof: ProofArgs,
    },
}

/// Who acts. The code is asked for, or read from standard input where that is no terminal.
#[derive(Debug, Args)]
pub(crate) struct ProofArgs {
    /// The person whose code is given.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) person: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Every key that is known.
    #[command(after_help = example!("keys list", "keys list --holder ann", "keys list --json"))]
    List {
        /// Only keys of this holder.
        #[arg(long, value_name = "NAME")]
        holder: Option<String>,
    },
    /// All about one key: what it reaches, and where it was used from.
    #[command(after_help = example!("keys show k17"))]
    Show {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
    },
    /// Stop a key, until it is enabled again. Needs no code.
    #[command(after_help = example!("keys disable k17", "keys disable k17 --why 'it was in a public repository'"))]
    Disable {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        /// Why, for the ledger.
        #[arg(long, default_value = "disabled by an operator")]
        why: String,
    },
    /// Let a key work again.
    #[command(after_help = example!("keys enable k17 --as ann"))]
    Enable {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Say whose a key is, who answers for it, or what to call it.
    ///
    /// With an owner, the key is a program's: of the holder that is named, of the program that
    /// has it already, or of a new one that is called like the key. One code does it all.
    #[command(group(ArgGroup::new("said").args(["name", "holder", "owner"]).required(true).multiple(true)))]
    #[command(after_help = example!("keys name k17 --name 'ci deploy' --owner ann --as ann", "keys name k18 --holder carol --as ann"))]
    Name {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        /// What to call it.
        #[arg(long)]
        name: Option<String>,
        /// Who has it: a holder that is known; with `--owner` also a program that is not yet.
        #[arg(long, value_name = "NAME")]
        holder: Option<String>,
        /// The person who answers for the program that has it.
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Holders {
    /// Everybody who has or had keys.
    #[command(after_help = example!("holders list"))]
    List,
    /// Make a holder known.
    #[command(after_help = example!("holders add bob --mail bob@example.com --as ann", "holders add ci --kind workload --owner ann --deputy bob --as ann"))]
    Add {
        /// A name that nobody else has; for a person, their account's name at the API.
        name: String,
        /// person, workload or vendor
        #[arg(long, default_value = "person", value_parser = kind)]
        kind: HolderKind,
        #[command(flatten)]
        answers: Answers,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Describe a holder anew: what is not said stays.
    #[command(after_help = example!("holders change ci --owner bob --as ann", "holders change bob --administrator --as ann"))]
    Change {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        /// person, workload or vendor
        #[arg(long, value_parser = kind)]
        kind: Option<HolderKind>,
        #[command(flatten)]
        answers: Answers,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// A one-time link with which a person enrols their authenticator.
    #[command(after_help = example!("holders invite bob --as ann"))]
    Invite {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// A holder is gone: their keys stop, and they answer nothing more.
    #[command(after_help = example!("holders left carol"))]
    Left {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
    },
    /// A holder is back.
    #[command(after_help = example!("holders return carol --as ann"))]
    Return {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Answers {
    /// The person who answers for a workload's or vendor's keys.
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// A person who answers where the owner does not; may be given several times. Those who
    /// are given replace all who were before.
    #[arg(long = "deputy", value_name = "NAME")]
    pub(crate) deputies: Vec<String>,
    /// Where notices go.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// Makes them an administrator: they may do what needs a code beyond their own keys.
    #[arg(long)]
    pub(crate) administrator: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The questions, such as `c9`; `greave questions` lists them.
    #[arg(required = true)]
    pub(crate) questions: Vec<ChallengeId>,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Deny {
    /// The question, such as `c9`.
    pub(crate) question: ChallengeId,
    /// The call was not yours: the key is disabled, too.
    #[arg(long)]
    pub(crate) not_me: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Calls {
    /// Only this key's.
    #[arg(long)]
    pub(crate) key: Option<KeyId>,
    /// Only operations that contain this, such as `/users`, or match it where it has a `*`.
    #[arg(long)]
    pub(crate) operation: Option<String>,
    /// Only operations with this power.
    #[arg(long)]
    pub(crate) power: Option<law::Power>,
    /// Only from this address or network, such as `192.0.2.0/24`.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only decided so: permit, would-ask, would-refuse, challenge, refuse.
    #[arg(long)]
    pub(crate) decision: Option<String>,
    /// Only with this status, such as `403` or `4xx`.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// How far back to look.
    #[arg(long, default_value = "1d", value_name = "TIME")]
    pub(crate) since: Span,
    /// At most so many, the newest.
    #[arg(long, default_value_t = 50)]
    pub(crate) last: usize,
    /// Go on with what comes; with `--json` one object a line.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Read the whole ledger again and hold it against its chain and its checkpoints. Ends
    /// with 1 where it does not hold together.
    #[command(after_help = example!("ledger verify"))]
    Verify,
    /// The newest entries.
    #[command(after_help = example!("ledger show", "ledger show --last 200 --json"))]
    Show {
        /// At most so many.
        #[arg(long, default_value_t = 30)]
        last: u32,
    },
    /// The newest checkpoint, for a witness to keep.
    #[command(after_help = example!("ledger checkpoint"))]
    Checkpoint,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Catalogue {
    /// How the document differs from catalogue.lock. Ends with 1 where it does.
    #[command(after_help = example!("catalogue drift"))]
    Drift,
    /// Write catalogue.lock anew from the document, and say what becomes easier. Review it,
    /// then reload the gate.
    #[command(after_help = example!("catalogue accept"))]
    Accept,
}

fn kind(text: &str) -> Result<HolderKind, String> {
    let known = HolderKind::ALL.into_iter().find(|kind| kind.word() == text);
    known.ok_or_else(|| format!("`{text}` is no kind of holder; the kinds are person, workload, vendor"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Every command that does something, with its words.
    fn leaves(command: &clap::Command, before: &str, found: &mut Vec<(String, clap::Command)>) {
        let words = format!("{before}{}", command.get_name());
        if !command.has_subcommands() {
            found.push((words.clone(), command.clone()));
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            leaves(sub, &format!("{words} "), found);
        }
    }

    /// Splits as a shell would, as far as the examples need it.
    fn shell(line: &str) -> Vec<String> {
        let parts = line.split('\'').enumerate();
        parts
            .flat_map(|(place, part)| match place % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
                _ => vec![part.to_owned()],
            })
            .collect()
    }

    #[test]
    fn every_command_teaches_with_examples_that_can_be_read() {
        let mut commands = Vec::new();
        leaves(&Cli::command(), "", &mut commands);
        assert!(commands.len() > 25, "{}", commands.len());
        for (words, command) in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = help.lines().skip(1).map(str::trim).collect();
            assert!(!examples.is_empty(), "{words} has no example");
            for example in examples {
                assert!(example.starts_with(&words), "{example} is no {words}");
                Cli::try_parse_from(shell(example)).unwrap_or_else(|error| panic!("{example}: {error}"));
            }
        }
    }

    #[test]
    fn every_argument_is_explained() {
        let mut commands = Vec::new();
        leaves(&Cli::command(), "", &mut commands);
        for (words, command) in commands {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{words}: {}", argument.get_id());
            }
        }
    }

    #[test]
    fn naming_a_key_needs_something_to_say() {
        assert!(Cli::try_parse_from(["greave", "keys", "name", "k17", "--as", "ann"]).is_err());
        assert!(Cli::try_parse_from(["greave", "keys", "name", "k17", "--name", "x", "--owner", "ann"]).is_ok());
    }
}
