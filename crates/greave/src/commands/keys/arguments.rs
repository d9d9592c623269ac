//! `greave keys` and all below it.

use std::path::PathBuf;

use clap::{
    ArgGroup, Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use console::api::KeySort;
use jiff::Timestamp;
use law::{KeyId, Power, RequestId, Span, Standing};

use super::page::standing;
use crate::cli::{Format, ProofArgs, example, moment, one_of};

#[derive(Debug, Args)]
pub(crate) struct KeysCommand {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Keys>,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// With a head, for spreadsheets.
    Csv,
    /// One object a line.
    Jsonl,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// Which keys, in which order, and how they are written.
#[derive(Debug, Default, Args)]
pub(crate) struct ListArgs {
    /// Only keys of this holder.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
    /// Only keys for which this person answers first.
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// Only keys that stand so.
    #[arg(long, value_parser = one_of(STANDINGS, standing))]
    pub(crate) standing: Option<Standing>,
    /// Only keys that work: active, not ended, and their holder has not left.
    #[arg(long)]
    pub(crate) working: bool,
    /// Only keys that reach this power.
    #[arg(long, value_parser = one_of(Power::ALL, Power::word))]
    pub(crate) power: Option<Power>,
    /// Only keys that reach it without a second factor; any sensitive power where none is named.
    #[arg(long)]
    pub(crate) without_factor: bool,
    /// Only working keys that were not used for so long, such as `30d`.
    #[arg(long, value_name = "TIME")]
    pub(crate) idle: Option<Span>,
    /// Only working keys that end within so long, such as `14d`.
    #[arg(long, value_name = "TIME")]
    pub(crate) ends_within: Option<Span>,
    /// Only working keys of which no end is known.
    #[arg(long)]
    pub(crate) no_end: bool,
    /// Only working keys that live longer than `keys.longest`, as far as is known.
    #[arg(long)]
    pub(crate) past_limit: bool,
    /// Only keys for which nobody answers.
    #[arg(long)]
    pub(crate) no_owner: bool,
    /// Only keys of holders who have left.
    #[arg(long)]
    pub(crate) leavers: bool,
    /// Only keys that mention this: in the id, the names, the place or the scopes.
    #[arg(long, value_name = "TEXT")]
    pub(crate) query: Option<String>,
    /// In the order of this; what is not known comes last.
    #[arg(long, value_name = "COLUMN", value_parser = PossibleValuesParser::new(SORTS).try_map(|word| sort(&word)))]
    pub(crate) sort: Option<KeySort>,
    /// Sort the other way round.
    #[arg(long)]
    pub(crate) reverse: bool,
    /// At most so many; a table shows 1000 where nothing is said, the other formats all.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// How it is written: table, csv, json or jsonl.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Every key that is known: who has it and answers for it, what it reaches and what of that
    /// without a second factor, when it ends, when and from where it was last used.
    #[command(after_help = example!("keys list", "keys list --power mint --without-factor", "keys list --idle 90d --sort last-used", "keys list --ends-within 14d --format csv", "keys list --leavers --format jsonl", "keys list --holder ann --json"))]
    List(ListArgs),
    /// Write everything of every key, for another program: no secret, and nothing that could
    /// recognise one.
    #[command(after_help = example!("keys export", "keys export --format jsonl"))]
    Export {
        /// How it is written: csv or jsonl.
        #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
        format: ExportFormat,
    },
    /// Let keys in that were known elsewhere, from CSV with a head or JSON lines, with a code.
    ///
    /// The columns are `secret` or `sha256` (in hexadecimal), and `name`, `holder`, `kind`,
    /// `owner`, `place`, `born`, `end`, `scopes`, as far as they are known. The whole file is
    /// looked at first: where a line is wrong, nothing comes in. What is known already stays as
    /// it is, so that a second import changes nothing. Secrets stay in this process; the gate
    /// gets their SHA-256.
    #[command(after_help = example!("keys import keys.csv --dry-run", "keys import keys.jsonl --as ann"))]
    Import {
        /// The file; it is read twice.
        file: PathBuf,
        /// Only say what would happen. Needs no code.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        proof: ProofArgs,
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
    /// Issue a key before this API: narrow, with an end, its secret shown once.
    #[command(after_help = example!("keys issue --name billing --holder billing --power read --for 30d --as ann", "keys issue --holder ops --power read --power spend --operation 'POST /v1/refunds' --limit 'spend calls 20/d' --from 192.0.2.0/24 --as ann", "keys issue --parent k7 --power read --as ann"))]
    Issue {
        #[command(flatten)]
        order: IssueArgs,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Say when a key ends, or call it otherwise.
    ///
    /// An earlier end needs no code. A later one is like issuing the key anew: it needs a code,
    /// and goes no further than `keys.longest` in the configuration, nor than its parent's end.
    #[command(group(ArgGroup::new("change").args(["end", "lifetime", "name"]).required(true).multiple(true)))]
    #[command(after_help = example!("keys change k17 --end 2027-03-01", "keys change k17 --for 30d", "keys change k17 --for 90d --name 'ci deploy' --as ann"))]
    Change {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        /// When it ends: a day, on which it does not work any more (UTC), or a moment such as
        /// `2027-03-01T09:00:00Z`.
        #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with = "lifetime")]
        end: Option<Timestamp>,
        /// How long it lasts from now on.
        #[arg(long = "for", value_name = "TIME")]
        lifetime: Option<Span>,
        /// What to call it.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Make a key that takes an issued one's place: same holder, scope and limits, a new secret.
    ///
    /// Both work until the new one is used for the first time; then the old one works on for its
    /// grace, and never again. One that is never used changes nothing. After a leak, `--grace 0`
    /// ends the old one at once.
    #[command(after_help = example!("keys retire k17 --as ann", "keys retire k17 --grace 30d --for 90d --as ann", "keys retire k17 --grace 0 --as ann"))]
    Retire {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        /// How long the old key works on after the new one's first use.
        #[arg(long, default_value = "7d", value_name = "TIME", value_parser = grace)]
        grace: Span,
        /// How long the new key lasts; as long as the old one was to where nothing is said.
        #[arg(long = "for", value_name = "TIME")]
        lifetime: Option<Span>,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// End a key for good: nothing passes with it again. Needs no code.
    #[command(after_help = example!("keys revoke k17", "keys revoke k17 --children --why 'it was in a public repository'"))]
    Revoke {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        /// The keys go, too, that were issued from it.
        #[arg(long)]
        children: bool,
        /// Why, for the ledger.
        #[arg(long, default_value = "revoked by an operator")]
        why: String,
    },
    /// Ask for a key. Somebody else says yes or no; whoever asks collects it.
    #[command(after_help = example!("keys request --holder ci --power read --for 30d --reason 'nightly report' --as ann"))]
    Request {
        #[command(flatten)]
        wish: WishArgs,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// The requests for keys; of one, what its key would reach, and what keys like it use.
    #[command(after_help = example!("keys requests", "keys requests r2"))]
    Requests {
        /// The request, such as `r2`.
        request: Option<RequestId>,
    },
    /// Say yes to a request, or yes to less, with a code. Nobody says yes to their own.
    #[command(after_help = example!("keys approve r2 --as bob", "keys approve r2 --power read --for 7d --as bob"))]
    Approve {
        /// The request, such as `r2`.
        request: RequestId,
        #[command(flatten)]
        less: LessArgs,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Say no to a request, or take it back. Needs no code.
    #[command(after_help = example!("keys deny r2 --why 'k17 can do that already'"))]
    Deny {
        /// The request, such as `r2`.
        request: RequestId,
        /// Why, for whoever asked.
        #[arg(long, default_value = "denied by an operator")]
        why: String,
    },
    /// Collect the key that you asked for: its secret is shown this once.
    #[command(after_help = example!("keys collect r2 --as ann"))]
    Collect {
        /// The request, such as `r2`.
        request: RequestId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Make a canary: a secret like an issued key's that works nowhere. Who sends it is told.
    ///
    /// Lay it where nobody should look: in a vault's forgotten corner, a wiki, an old backup. It
    /// is refused like any unknown key, so that a thief learns nothing; administrators are told
    /// at once from where it came. With `--end` one is watched no more.
    #[command(group(ArgGroup::new("which").args(["name", "end"]).required(true)))]
    #[command(after_help = example!("keys canary --name 'old backup' --holder ops --as ann", "keys canary --end k9 --as ann"))]
    Canary {
        /// What to call it.
        #[arg(long, requires = "holder")]
        name: Option<String>,
        /// At whose place it will lie: a known holder.
        #[arg(long, value_name = "NAME", requires = "name")]
        holder: Option<String>,
        /// Watch this one no more.
        #[arg(long, value_name = "CANARY")]
        end: Option<KeyId>,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// The canaries that are watched, and where they lie.
    #[command(after_help = example!("keys canaries"))]
    Canaries,
    /// Let a key work again.
    #[command(after_help = example!("keys enable k17 --as ann"))]
    Enable {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Know a key no more. Used again, it is a new one.
    ///
    /// A key that does not work is not forgotten, or it would come back as a new one. To stop a
    /// key, disable it. A key that Greave issued is revoked, not forgotten.
    #[command(after_help = example!("keys forget k17 --as ann"))]
    Forget {
        /// The key, such as `k17`; `greave keys list` shows them.
        key: KeyId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Say whose a key is, who answers for it, or what to call it.
    ///
    /// With an owner, the key is a program's: of the holder that is named, of the program that
    /// has it already, or of a new one that is called like the key. One code does it all.
    #[command(group(ArgGroup::new("said").args(["name", "holder", "owner", "upstream"]).required(true).multiple(true)))]
    #[command(after_help = example!("keys name k17 --name 'ci deploy' --owner ann --as ann", "keys name k18 --holder carol --as ann", "keys name k17 --upstream a1 --as ann"))]
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
        /// What the API calls it, by which it is revoked there; `greave reconcile` lists those
        /// that are not known.
        #[arg(long, value_name = "ID", conflicts_with_all = ["name", "holder", "owner"])]
        upstream: Option<String>,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

/// What a key may be used for, and how much.
#[derive(Debug, Args)]
pub(crate) struct BoundsArgs {
    /// A power; an operation passes where all of its powers are given.
    #[arg(long = "power", value_name = "POWER", required = true, value_parser = one_of(Power::ALL, Power::word))]
    pub(crate) powers: Vec<Power>,
    /// Only operations that this names, such as `GET /v1/customers/*`; may be given several times.
    #[arg(long = "operation", value_name = "PATTERN")]
    pub(crate) operations: Vec<catalogue::Pattern>,
    /// Only from this network, such as `192.0.2.0/24`; may be given several times.
    #[arg(long = "from", value_name = "NETWORK")]
    pub(crate) sources: Vec<ipnet::IpNet>,
    /// How much, such as `calls 60/m`, `spend calls 20/d`, `rows 10000/d`; may be given several times.
    #[arg(long = "limit", value_name = "LIMIT")]
    pub(crate) limits: Vec<authority::Limit>,
}

impl BoundsArgs {
    pub(crate) fn scope(&self) -> authority::Scope {
        authority::Scope {
            powers: self.powers.iter().copied().collect(),
            operations: self.operations.clone(),
            sources: self.sources.clone(),
        }
    }
}

/// What a key is asked for.
#[derive(Debug, Args)]
pub(crate) struct WishArgs {
    /// What to call it.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Who would have it: a holder that you answer for; you, where nothing is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
    #[command(flatten)]
    pub(crate) bounds: BoundsArgs,
    /// How long it would last; `keys.lifetime` in the configuration where nothing is said.
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) lifetime: Option<Span>,
    /// Why, for whoever answers.
    #[arg(long)]
    pub(crate) reason: String,
}

/// What is taken away from a request before it is granted. What is not said stays.
#[derive(Debug, Args)]
pub(crate) struct LessArgs {
    /// Only these powers.
    #[arg(long = "power", value_name = "POWER", value_parser = one_of(Power::ALL, Power::word))]
    pub(crate) powers: Vec<Power>,
    /// Only operations that this names; may be given several times.
    #[arg(long = "operation", value_name = "PATTERN")]
    pub(crate) operations: Vec<catalogue::Pattern>,
    /// Only from this network; may be given several times.
    #[arg(long = "from", value_name = "NETWORK")]
    pub(crate) sources: Vec<ipnet::IpNet>,
    /// One more limit, such as `calls 60/m`; may be given several times.
    #[arg(long = "limit", value_name = "LIMIT")]
    pub(crate) limits: Vec<authority::Limit>,
    /// For no longer than this.
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) lifetime: Option<Span>,
}

/// What an issued key is for.
#[derive(Debug, Args)]
pub(crate) struct IssueArgs {
    /// What to call it.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Who gets it: a known holder; for a child its parent's where nothing is said.
    #[arg(long, value_name = "NAME", required_unless_present = "parent")]
    pub(crate) holder: Option<String>,
    /// The issued key whose child it is: it reaches no further, and does not outlive it.
    #[arg(long, value_name = "KEY")]
    pub(crate) parent: Option<KeyId>,
    #[command(flatten)]
    pub(crate) bounds: BoundsArgs,
    /// How long it lasts; `keys.lifetime` in the configuration where nothing is said.
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) lifetime: Option<Span>,
}

/// A length of time; none is none, whatever its unit.
fn grace(text: &str) -> Result<Span, law::SpanError> {
    if text == "0" { Ok(Span::seconds(0)) } else { text.parse() }
}

const STANDINGS: [Standing; 5] =
    [Standing::Active, Standing::Retiring, Standing::Retired, Standing::Disabled, Standing::Revoked];

const SORTS: [&str; 11] =
    ["id", "name", "holder", "owner", "standing", "born", "end", "last-used", "calls", "reach", "without-factor"];

fn sort(text: &str) -> Result<KeySort, String> {
    serde_json::from_value(text.into()).map_err(|error| format!("nothing is sorted by `{text}`: {error}"))
}
