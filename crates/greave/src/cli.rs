//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use law::{ChallengeId, HolderKind, KeyId, Span};

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
    Demo(Demo),
    /// Write a configuration, a state folder and its secrets, and enrol the first person.
    Init(Init),
    /// Read configuration and document, and say what is wrong and what would change.
    Check(Check),
    /// Run the gate and the desk.
    Serve,
    /// What can be done with the API, and what of it without a second factor.
    Reach(Reach),
    /// Why a call would pass, be asked about, or be refused. Calls nothing.
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
    Questions,
    /// Say yes to calls that wait, with one code for all of them.
    Approve(Approve),
    /// Say no to a call that waits.
    Deny(Deny),
    /// The record: what was called, by whom, from where, and what was decided.
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
    /// The keys and calls that enforcing would have asked about.
    Preview {
        /// How far back to look.
        #[arg(long, default_value = "7d", value_name = "TIME")]
        since: Span,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LawCommand {
    /// The law as a page.
    Show,
    /// Put the law that waits into force.
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
    List {
        /// Only keys of this holder.
        #[arg(long, value_name = "NAME")]
        holder: Option<String>,
    },
    /// All about one key.
    Show { key: KeyId },
    /// Stop a key, until it is enabled again. Needs no code.
    Disable {
        key: KeyId,
        /// Why, for the ledger.
        #[arg(long, default_value = "disabled by an operator")]
        why: String,
    },
    /// Let a key work again.
    Enable {
        key: KeyId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Say whose a key is, who answers for it, or what to call it.
    Name {
        key: KeyId,
        /// What to call it.
        #[arg(long)]
        name: Option<String>,
        /// Who has it: a holder that is known.
        #[arg(long, value_name = "NAME")]
        holder: Option<String>,
        /// Who answers for it: makes a workload of that name with this owner, where the
        /// holder is not known yet.
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Holders {
    /// Everybody who has or had keys.
    List,
    /// Make a holder known.
    Add {
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
    Change {
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
    Invite {
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// A holder is gone: their keys stop, and they answer nothing more.
    Left { name: String },
    /// A holder is back.
    Return {
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Answers {
    /// The person who answers for a workload's or vendor's keys.
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// A person who answers where the owner does not; may be given several times.
    #[arg(long = "deputy", value_name = "NAME")]
    pub(crate) deputies: Vec<String>,
    /// Where notices go.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// May do what needs a code beyond their own keys.
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

#[derive(Debug, Args)]
pub(crate) struct Calls {
    /// Only this key's.
    #[arg(long)]
    pub(crate) key: Option<KeyId>,
    /// Only operations that contain this, or match it where it has a `*`.
    #[arg(long)]
    pub(crate) operation: Option<String>,
    /// Only operations with this power.
    #[arg(long)]
    pub(crate) power: Option<law::Power>,
    /// Only from this address or network.
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
    /// Go on with what comes.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Read the whole ledger again and hold it against its chain and its checkpoints.
    Verify,
    /// The newest entries.
    Show {
        #[arg(long, default_value_t = 30)]
        last: u32,
    },
    /// The newest checkpoint, for a witness to keep.
    Checkpoint,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Catalogue {
    /// How the document differs from catalogue.lock.
    Drift,
    /// Write catalogue.lock anew from the document. Review it, then reload the gate.
    Accept,
}

fn kind(text: &str) -> Result<HolderKind, String> {
    let known = HolderKind::ALL.into_iter().find(|kind| kind.word() == text);
    known.ok_or_else(|| format!("`{text}` is no kind of holder; the kinds are person, workload, vendor"))
}
