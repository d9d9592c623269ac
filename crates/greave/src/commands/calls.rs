//! `greave calls`: what was called, by whom, from where, and what was decided. Reads the
//! record's files, so that it works whether or not a gate runs.

mod counts;

use std::{collections::VecDeque, io, net::IpAddr, path::Path, thread, time::Duration};

use clap::{Args, builder::PossibleValuesParser};
use console::api::{HolderList, HolderView, KeyDetails};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use law::{Call, Ended, HolderId, KeyId, Outcome as CallOutcome, Span, Verdict, Who};
use record::{Entry, Filter, Joined, Joiner, Reader};
use serde::Serialize;

use self::counts::By;
use super::{Done, Outcome, json, sheet::Sheet};
use crate::{
    cli::{Cli, Format, one_of},
    client::{ClientError, address},
    config::{Config, ConfigError},
    drains, house,
    show::{self, ALARM, FAINT, aside, clean, count, moment, styled},
    state::{named_by, record_folder, running},
};

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
    #[arg(long, value_parser = one_of(law::Power::ALL, law::Power::word))]
    pub(crate) power: Option<law::Power>,
    /// Only from this address or network, such as `192.0.2.0/24`.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only decided so.
    #[arg(long, value_parser = PossibleValuesParser::new(record::VerdictKind::ALL.map(record::VerdictKind::word)))]
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

/// So far back the newest calls are looked for first, and so many times as far next.
const FIRST_BACK: SignedDuration = SignedDuration::from_mins(15);
const FURTHER_BACK: i32 = 16;

/// How often who follows looks for more.
const POLL: Duration = Duration::from_millis(200);

/// How far the end of a line is set in that is too long for a terminal.
const SET_IN: usize = 4;

pub(crate) async fn run(cli: &Cli, calls: &Calls, now: Timestamp) -> Outcome {
    let mut wanted = filter(calls, now)?;
    let named = named_by(&cli.config);
    let form = Form::of(cli, calls)?;
    let state = if running(&named).is_some() { named } else { Config::read(&cli.config)?.gate.state };
    if let Some(named) = &calls.holder {
        let HolderList { holders, .. } = house::client(&cli.config).await?.read(&address(&["holders"])).await?;
        wanted.holder = Some(holder(&holders, named)?);
    }
    let folder = record_folder(&state);
    let Some(reader) = open(&folder)? else {
        if calls.follow {
            return Err(format!("there is no record in `{}` yet; `greave serve` begins it", folder.display()).into());
        }
        return if let Form::Ocsf(_) = form {
            Ok(Done::Clean)
        } else if cli.json {
            json(&Vec::<Line<'_>>::new()).map(|()| Done::Clean)
        } else {
            nothing(cli, calls).await
        };
    };
    if !calls.by.is_empty() {
        let mut reading = Reading::of(reader, &wanted);
        reading.tell();
        let (done, found) = reading.count(&wanted, calls, cli.json, running(&state).is_none())?;
        return if found { Ok(done) } else { nothing(cli, calls).await };
    }
    drop(reader);
    let Newest { mut reading, calls: mut newest, mut found, is_all } = newest(&folder, &wanted, calls.last, now)?;
    reading.tell();
    if calls.follow {
        for joined in &newest {
            print(joined, &form)?;
        }
        // Somebody may begin to write at any time: what ends the book may yet become whole.
        return follow(&mut reading, &wanted, &form);
    }
    if running(&state).is_none() {
        reading.tell_torn();
    }
    let open: Vec<Joined> = reading.joiner.still_open().collect();
    for joined in open {
        keep(&mut newest, &mut found, joined, &wanted, calls.last);
    }
    let done = if reading.damaged { Done::Findings } else { Done::Clean };
    if let Form::Ocsf(_) = form {
        newest.iter().try_for_each(|joined| print(joined, &form))?;
        return Ok(done);
    }
    if let Some(mut sheet) = calls.format.map(|format| Sheet::begin(format, &HEADS)).transpose()?.flatten() {
        for joined in &newest {
            sheet.line(&Line::from(joined), || cells(joined))?;
        }
        sheet.end()?;
        return Ok(done);
    }
    if cli.json {
        json(&newest.iter().map(Line::from).collect::<Vec<_>>())?;
        return Ok(done);
    }
    if newest.is_empty() && !reading.damaged {
        return nothing(cli, calls).await;
    }
    for joined in &newest {
        show::say(show::wrapped(&line(joined), SET_IN, show::width()))?;
    }
    let shown = newest.len();
    if !is_all {
        let more = shown.saturating_mul(10);
        aside(FAINT, format!("the newest {shown}; `--last {more}` shows more, `--by hour` counts all"));
    } else if found > shown {
        aside(FAINT, format!("the newest {shown} of {found}; `--last {found}` shows all"));
    }
    Ok(done)
}

/// The newest calls that fit.
struct Newest {
    /// Where it may be gone on.
    reading: Reading,
    calls: VecDeque<Joined>,
    /// How many fit in what was read.
    found: usize,
    /// All of the time that was asked about was read.
    is_all: bool,
}

/// Reads back from the end, over ever longer times, until there are enough: who asks for the
/// newest of a busy month does not wait for the month.
fn newest(folder: &Path, wanted: &Filter, most: usize, now: Timestamp) -> Result<Newest, record::OpenError> {
    let end = wanted.until.map_or(now, |until| until.min(now));
    let mut back = FIRST_BACK;
    loop {
        let from = end.saturating_sub(back).unwrap_or(Timestamp::MIN);
        let is_all = wanted.since.is_none_or(|since| since >= from) || from == Timestamp::MIN;
        let part = Filter { since: if is_all { wanted.since } else { Some(from) }, ..wanted.clone() };
        let mut reading = Reading::of(Reader::open(folder)?, &part);
        let (mut calls, mut found) = (VecDeque::new(), 0);
        while let Some(joined) = reading.next() {
            keep(&mut calls, &mut found, joined, &part, most);
        }
        if is_all || found >= most {
            return Ok(Newest { reading, calls, found, is_all });
        }
        back = back.saturating_mul(FURTHER_BACK);
    }
}

/// How calls are printed.
enum Form {
    /// For people.
    Words,
    Json,
    /// As other systems are sent them.
    Ocsf(ocsf::Teller),
}

impl Form {
    fn of(cli: &Cli, calls: &Calls) -> Result<Self, ConfigError> {
        let is_json = cli.json || matches!(calls.format, Some(Format::Json | Format::Jsonl));
        Ok(match (calls.ocsf, is_json) {
            (true, _) => Self::Ocsf(drains::teller(&Config::read(&cli.config)?)),
            (false, true) => Self::Json,
            (false, false) => Self::Words,
        })
    }
}

fn filter(calls: &Calls, now: Timestamp) -> Result<Filter, Box<dyn std::error::Error>> {
    let Calls {
        key,
        holder: _,
        operation,
        power,
        source,
        decision,
        status,
        since,
        until,
        by: _,
        format: _,
        last: _,
        follow: _,
        ocsf: _,
    } = calls;
    let ago = |span: law::Span| now.saturating_sub(SignedDuration::from(span)).unwrap_or(Timestamp::MIN);
    Ok(Filter {
        key: *key,
        holder: None,
        who: None,
        operation: operation.clone(),
        power: *power,
        source: source.as_deref().map(network).transpose()?,
        verdict: decision.as_deref().map(str::parse).transpose()?,
        status: status.as_deref().map(str::parse).transpose()?,
        since: Some(ago(*since)),
        until: until.map(ago),
    })
}

/// The holder with this id or, where there is none, this name.
fn holder(holders: &[HolderView], named: &str) -> Result<HolderId, String> {
    let by_id = holders.iter().find(|holder| holder.id.to_string() == named);
    let found = by_id.or_else(|| holders.iter().find(|holder| holder.name.eq_ignore_ascii_case(named)));
    found
        .map(|holder| holder.id)
        .ok_or_else(|| format!("there is no holder `{}`; see `greave holders list`", clean(named)))
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse());
    network.map_err(|_| format!("`{text}` is no address and no network; write for example `192.0.2.0/24`"))
}

/// The record, where there is one yet.
fn open(folder: &Path) -> Result<Option<Reader>, record::OpenError> {
    if folder.exists() { Reader::open(folder).map(Some) } else { Ok(None) }
}

/// Says that there is no such call; and where the reason is that there is no such key, that.
async fn nothing(cli: &Cli, calls: &Calls) -> Outcome {
    if let Some(key) = calls.key
        && let Ok(client) = house::client(&cli.config).await
        && let Err(refused @ ClientError::Refused(_)) =
            client.read::<KeyDetails>(&address(&["keys", &key.to_string()])).await
    {
        return Err(refused.into());
    }
    show::say(format!("no call fits; `--since` looks further back than {}", calls.since))?;
    Ok(Done::Clean)
}

/// The record as it is read. What cannot be read, and what was never written, is told beside the output.
struct Reading {
    reader: Reader,
    joiner: Joiner,
    damaged: bool,
    /// What is still to be told; nothing is kept back where that is `None`.
    untold: Option<Vec<String>>,
}

impl Reading {
    /// What is found is told by [`tell`](Self::tell).
    fn of(reader: Reader, wanted: &Filter) -> Self {
        Self { reader: reader.wanting(wanted), joiner: Joiner::default(), damaged: false, untold: Some(Vec::new()) }
    }

    /// Tells what was found, and from now on at once.
    fn tell(&mut self) {
        self.untold.take().into_iter().flatten().for_each(|text| aside(ALARM, text));
    }

    fn damage(&mut self, text: impl std::fmt::Display) {
        self.damaged = true;
        match &mut self.untold {
            Some(untold) => untold.push(text.to_string()),
            None => aside(ALARM, text),
        }
    }

    /// Tells what ends the record and is no whole entry. Only for who knows that nobody writes it.
    fn tell_torn(&mut self) {
        if let Some(damage) = self.reader.torn() {
            self.damage(damage);
        }
    }

    /// The next call that has ended; nothing where the record ends for now.
    fn next(&mut self) -> Option<Joined> {
        loop {
            match self.reader.next()? {
                Ok(entry) => {
                    if let Some(text) = hole(&entry) {
                        self.damage(text);
                    }
                    if let Some(joined) = self.joiner.take(entry) {
                        return Some(joined);
                    }
                }
                Err(damage) => self.damage(damage),
            }
        }
    }
}

/// What is missing by the record's own word.
fn hole(entry: &Entry) -> Option<String> {
    let Entry::Gap(gap) = entry else { return None };
    let record::Gap { from, to, reason, calls, outcomes, refused } = gap;
    (calls + outcomes + refused > 0).then(|| {
        format!(
            "from {} to {} UTC {reason}: {calls} calls and {outcomes} outcomes were not written, {refused} calls were \
             turned away",
            moment(*from),
            moment(*to)
        )
    })
}

fn keep(newest: &mut VecDeque<Joined>, found: &mut usize, joined: Joined, wanted: &Filter, most: usize) {
    if !wanted.wants(&joined) {
        return;
    }
    *found += 1;
    newest.push_back(joined);
    if newest.len() > most {
        newest.pop_front();
    }
}

/// Goes on with what comes, until nobody reads any more.
fn follow(reading: &mut Reading, wanted: &Filter, form: &Form) -> Outcome {
    loop {
        match reading.next() {
            Some(joined) if wanted.wants(&joined) => print(&joined, form)?,
            Some(_) => {}
            None => thread::sleep(POLL),
        }
    }
}

/// Prints one call of many that are yet to come: as JSON, one object a line.
fn print(joined: &Joined, form: &Form) -> io::Result<()> {
    match form {
        Form::Json => show::say(show::harmless_json(&serde_json::to_string(&Line::from(joined))?)),
        Form::Words => show::say(show::wrapped(&line(joined), SET_IN, show::width())),
        Form::Ocsf(teller) => show::say(ocsf::call(teller, ocsf::Names::default(), joined, ocsf::Ending::Once).line()),
    }
}

const HEADS: [&str; 17] = [
    "at",
    "id",
    "who",
    "key",
    "holder",
    "operation",
    "powers",
    "source",
    "user_agent",
    "decision",
    "reason",
    "status",
    "micros",
    "bytes_in",
    "bytes_out",
    "rows",
    "minted",
];

/// The same as cells of a sheet.
fn cells(joined: &Joined) -> Vec<String> {
    let Joined { call, outcome } = joined;
    let of = |value: fn(&CallOutcome) -> Option<String>| outcome.as_ref().and_then(value).unwrap_or_default();
    let decision = record::VerdictKind::of(call.verdict).word();
    vec![
        call.at.to_string(),
        call.id.to_string(),
        call.who.word().to_owned(),
        call.key.map(|key| key.to_string()).unwrap_or_default(),
        call.holder.map(|holder| holder.to_string()).unwrap_or_default(),
        call.operation.to_string(),
        call.powers.to_string(),
        call.source.to_string(),
        call.user_agent.clone().unwrap_or_default(),
        decision.to_owned(),
        why(call).trim_start_matches(", ").to_owned(),
        of(|outcome| Some(outcome.status.to_string())),
        of(|outcome| Some(outcome.micros.to_string())),
        of(|outcome| Some(outcome.bytes_in.to_string())),
        of(|outcome| Some(outcome.bytes_out.to_string())),
        of(|outcome| outcome.rows.map(|rows| rows.to_string())),
        of(|outcome| outcome.minted.map(|key| key.to_string())),
    ]
}

/// A call and what became of it, as one object.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    call: &'a Call,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a CallOutcome>,
}

impl<'a> From<&'a Joined> for Line<'a> {
    fn from(joined: &'a Joined) -> Self {
        Self { call: &joined.call, outcome: joined.outcome.as_ref() }
    }
}

/// One line, the same columns for every call, so that it can be searched and cut; on a terminal
/// that is too narrow for it, its end goes below.
fn line(joined: &Joined) -> String {
    let Joined { call, outcome } = joined;
    let who = caller(call);
    let parameters = call.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
    let operation = clean(&parameters.fold(call.operation.to_string(), |text, more| text + &more));
    let status = outcome.as_ref().map_or_else(|| "…".to_owned(), |outcome| outcome.status.to_string());
    let verdict = record::VerdictKind::of(call.verdict).word();
    let (at, powers, source) = (moment(call.at), call.powers, call.source);
    let mut line =
        format!("{at}  {who:<8} {status:>3} {verdict:<12} {operation}  {powers}{}, from {source}", why(call));
    if let Some(outcome) = outcome {
        line += &became(outcome);
    }
    if let Some(challenge) = call.challenge {
        line += &format!(", question {challenge}");
    }
    if let Some(approval) = call.approval {
        line += &format!(", approval {approval}");
    }
    match call.verdict {
        Verdict::Challenge(_) | Verdict::Refuse(_) => styled(ALARM, line),
        Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => line,
    }
}

/// Who called, as the key's column has it. What a drill did is not to be taken for real.
fn caller(call: &Call) -> String {
    match (call.who, call.key) {
        (Who::Drill, Some(key)) => format!("drill {key}"),
        (_, Some(key)) => key.to_string(),
        (who, None) => who.word().to_owned(),
    }
}

/// What was missing, or what was wrong.
fn why(call: &Call) -> String {
    match call.verdict {
        Verdict::Permit => String::new(),
        Verdict::WouldAsk(missing) | Verdict::Challenge(missing) => format!(", asks for {missing}"),
        Verdict::WouldRefuse(refusal) | Verdict::Refuse(refusal) => format!(", {}", refusal.code()),
    }
}

fn became(outcome: &CallOutcome) -> String {
    let CallOutcome { call: _, at: _, status: _, bytes_in: _, bytes_out, rows, minted, learned, micros, ended } =
        outcome;
    let mut text = format!(", {} ms, {bytes_out} bytes", micros / 1000);
    if let Some(rows) = rows {
        text += &format!(", {}", count(*rows, "row"));
    }
    if let Some(minted) = minted {
        text += &format!(", minted {minted}");
    }
    if learned.is_some() {
        text += ", not known before";
    }
    text += match ended {
        Ended::Whole | Ended::Answered => "",
        Ended::ClientGone => ", the client went away",
        Ended::UpstreamGone => ", the API broke off",
        Ended::Cut => ", cut off",
        Ended::LimitReached => ", cut off at a limit",
    };
    text
}

#[cfg(test)]
mod tests {
    use law::{Factor, Power, Refusal};

    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    fn calls() -> Vec<Joined> {
        let asked = Verdict::Challenge(Factor::Person.into());
        let mut waited = testing::call(3, "DELETE /users/{name}", asked, 401);
        waited.call.powers = Power::Grant.into();
        waited.call.challenge = Some(law::ChallengeId(9));
        let mut minted = testing::call(4, "POST /users/{name}/tokens", Verdict::Permit, 201);
        minted.call.approval = Some(law::ApprovalId(4));
        if let Some(outcome) = &mut minted.outcome {
            (outcome.minted, outcome.rows) = (Some(law::KeyId(21)), Some(1));
        }
        let mut open = testing::call(5, "GET /export", Verdict::WouldAsk(Factor::Person.into()), 0);
        open.outcome = None;
        let mut unknown = testing::call(6, "GET *", Verdict::Refuse(Refusal::UnknownKey), 401);
        (unknown.call.key, unknown.call.who) = (None, Who::Unknown);
        unknown.call.parameters = vec![("path".into(), "/\u{1b}[2J".to_owned())];
        vec![testing::call(2, "GET /users/{name}", Verdict::Permit, 200), waited, minted, open, unknown]
    }

    #[test]
    fn a_call_is_a_line() {
        let text = calls().iter().map(line).map(|line| plain(&line) + "\n").collect::<String>();
        insta::assert_snapshot!("calls", text);
    }

    #[test]
    fn on_a_terminal_of_80_columns_a_call_fits() {
        let text = calls().iter().map(|call| show::wrapped(&line(call), SET_IN, Some(80)) + "\n").collect::<String>();
        let text = plain(&text);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!("calls_80", text);
    }

    #[test]
    fn a_holder_is_found_by_id_before_name() {
        let mut holders = testing::holders();
        holders[1].name = "h1".to_owned();
        assert_eq!(holder(&holders, "h1"), Ok(HolderId(1)), "nobody hides behind another's id");
        assert_eq!(holder(&holders, "ANN"), Ok(HolderId(1)));
        assert!(holder(&holders, "nobody").is_err_and(|mend| mend.contains("`greave holders list`")));
    }

    #[test]
    fn as_json_a_call_is_one_object_with_its_id_and_its_outcome() {
        let calls = calls();
        let whole = serde_json::to_value(Line::from(&calls[0])).unwrap();
        assert_eq!(whole["id"], calls[0].call.id.to_string());
        assert_eq!((&whole["operation"], &whole["outcome"]["status"]), (&"GET /users/{name}".into(), &200.into()));
        let open = serde_json::to_value(Line::from(&calls[3])).unwrap();
        assert!(open.get("outcome").is_none());
        assert!(open["verdict"].to_string().contains("would-ask"));
    }

    #[test]
    fn only_the_newest_are_kept_and_all_that_fit_are_counted() {
        let (mut newest, mut found) = (VecDeque::new(), 0);
        for joined in calls() {
            keep(&mut newest, &mut found, joined, &Filter::default(), 2);
        }
        assert_eq!((newest.len(), found), (2, 5));
        assert_eq!(newest, &calls()[3..]);
        let mut none = VecDeque::new();
        keep(&mut none, &mut found, calls().remove(0), &Filter::default(), 0);
        assert_eq!((none.len(), found), (0, 6));
    }

    #[test]
    fn what_cannot_be_searched_for_is_said() {
        let calls = Calls {
            key: None,
            holder: None,
            operation: None,
            power: None,
            source: None,
            decision: None,
            status: None,
            since: law::Span::days(1),
            until: None,
            by: Vec::new(),
            format: None,
            last: 50,
            follow: false,
            ocsf: false,
        };
        let wrong = [
            Calls { source: Some("192.0.2.0/33".to_owned()), ..calls.clone() },
            Calls { decision: Some("allow".to_owned()), ..calls.clone() },
            Calls { status: Some("4x".to_owned()), ..calls.clone() },
        ];
        for (wrong, word) in wrong.into_iter().zip(["192.0.2.0/33", "allow", "4x"]) {
            let error = filter(&wrong, NOW).unwrap_err().to_string();
            assert!(error.contains(&format!("`{word}`")), "{error}");
        }
        let one = filter(&Calls { source: Some("192.0.2.7".to_owned()), ..calls }, NOW).unwrap();
        assert_eq!(one.source, Some("192.0.2.7/32".parse().unwrap()));
    }
}
