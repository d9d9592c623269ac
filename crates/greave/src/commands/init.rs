//! `greave init`: a configuration, a state folder with its secrets, and the first person.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use authority::{Authority, Command, Description, NotEnrolled, Offer, OnLeaving, Warrant};
use clap::Args;
use factor::{recovery, totp::Seed};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use law::{HolderKind, Span};
use wire::IssuedForm;

use crate::{
    ask,
    commands::{Done, Outcome},
    config::{Config, ConfigError, template},
    document::{Document, replace},
    secrets::Vault,
    show,
    state::StateFolder,
};

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

/// What was skipped is told so often; `greave check` tells all of it.
const MOST_TROUBLES: usize = 20;

/// How often a wrong code may be typed before it is over.
const TRIES: usize = 5;

pub(crate) async fn run(init: &Init, now: Timestamp) -> Outcome {
    let path = init.dir.join("greave.toml");
    if path.exists() {
        return Err(format!("`{}` is there already; remove it, or name another `--dir`", path.display()).into());
    }
    let (document, copy) = (absolute(&init.document)?, copy(init)?);
    let text = template::file(&template::Given {
        listen: &init.listen,
        upstream: &init.upstream,
        document: &copy.as_ref().map_or_else(|| document.to_string_lossy(), |(name, _)| name.to_string_lossy()),
        prefix: &prefix(&init.document).to_string(),
        enforce_from: first_day(now, init)?,
    });
    // Whatever is wrong shows before anything is written.
    let mut config = Config::parse(&path, &text).map_err(as_typed)?;
    config.api.document = document;
    fs::create_dir_all(&init.dir)
        .map_err(|cause| format!("`{}` cannot be made: {cause}; name another `--dir`", init.dir.display()))?;
    let accepted = Document::to_accept(&config)?;
    if accepted.catalogue.operations().is_empty() {
        let document = init.document.display();
        return Err(
            format!("`{document}` describes no operation; `--document` names the API's OpenAPI document").into()
        );
    }
    let state = StateFolder::make(&config.gate.state)?;
    Vault::of(&config.gate.state).furnish()?;

    let authority = state.authority(now).await?;
    authority.load(&Offer::of_law(config.guard.law()), now).await?;
    if authority.view(authority::State::is_founded) {
        let state = config.gate.state.display();
        show::say(format!("An administrator is enrolled in `{state}` already; it stays as it is.\n"))?;
    } else {
        enrol_first(&authority, init, now).await?;
    }
    // The files come last: without them, what was begun can be begun again.
    if let Some((_, copy)) = &copy {
        fs::write(copy, Document::bytes(&config)?)
            .map_err(|cause| format!("`{}` cannot be written: {cause}; name another `--dir`", copy.display()))?;
    }
    accepted.write(&config)?;
    replace(&path, &text).map_err(|cause| {
        format!("`{}` cannot be written: {cause}; mend that, and run the same command again", path.display())
    })?;

    show::document(&accepted.catalogue, &accepted.troubles, MOST_TROUBLES);
    let file = path.display();
    show::say(format!("\nWritten: {file}, {}, {}", config.api.lock.display(), config.gate.state.display()))?;
    if let Some((_, copy)) = &copy {
        let copy = copy.display();
        show::say(format!(
            "Copied:  the document, to {copy}, where the gate can read it: a new version of it goes there"
        ))?;
    }
    println!("Next:    greave check --config {file}\n         greave serve --config {file}");
    Ok(Done::Clean)
}

/// Where the document goes that lies elsewhere: what a person can read, the user of the gate need
/// not (a home, a folder of one's own). Its name, and the path.
fn copy(init: &Init) -> Result<Option<(PathBuf, PathBuf)>, String> {
    // One that is not there is told when it is read.
    let Ok(document) = fs::canonicalize(&init.document) else { return Ok(None) };
    if fs::canonicalize(&init.dir).is_ok_and(|dir| document.starts_with(dir)) {
        return Ok(None);
    }
    let Some(name) = document.file_name().map(PathBuf::from) else { return Ok(None) };
    let copy = init.dir.join(&name);
    let is_other = match (fs::read(&copy), fs::read(&document)) {
        (Ok(there), Ok(document)) => there != document,
        (there, _) => there.is_ok() || copy.exists(),
    };
    if is_other {
        let copy = copy.display();
        return Err(format!(
            "`{copy}` is there already, and is another document; remove it, or name it as `--document`"
        ));
    }
    Ok(Some((name, copy)))
}

/// The file does not exist yet: what is wrong with it was said on the command line.
fn as_typed(error: ConfigError) -> String {
    match error {
        ConfigError::Unfit { what: "gate.upstream", why, .. } => format!("`--upstream`: {why}"),
        ConfigError::Unfit { what: "desk.listen", .. } => {
            "`--listen` is the desk's own address, 127.0.0.1:8081; choose another port".to_owned()
        }
        ConfigError::Broken { cause, .. } => format!("`--listen`: {}", cause.message()),
        error => error.to_string(),
    }
}

/// What issued keys begin with: as the API calls itself, or else as its document's file is called.
fn prefix(document: &Path) -> IssuedForm {
    let text = fs::read_to_string(document).unwrap_or_default();
    // `title` is the first member of that name in all but odd documents; it is a proposal only.
    let title = text.lines().find_map(|line| line.trim().trim_start_matches('"').strip_prefix("title"));
    let title = title.map(|title| title.trim_matches(|letter: char| !letter.is_alphanumeric()));
    let file = document.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    IssuedForm::proposed(title.filter(|title| !title.is_empty() && title.len() <= 64).unwrap_or(&file))
}

/// The guards bind from the day after the observing is over, counted in whole days.
fn first_day(now: Timestamp, init: &Init) -> Result<jiff::civil::Date, String> {
    let later =
        now.checked_add(SignedDuration::from(init.observe)).map_err(|_| "`--observe` is too long".to_owned())?;
    Ok(later.to_zoned(TimeZone::UTC).date())
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|cause| format!("`--document {}` is no path: {cause}", path.display()))
}

async fn enrol_first(authority: &Authority, init: &Init, now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
    let name = &init.person;
    drop_begun(authority, name, now).await?;
    if authority.view(|state| state.holder_named(name).is_none()) {
        let person = Command::AddHolder(Description {
            name: name.clone(),
            kind: HolderKind::Person,
            owner: None,
            deputies: Vec::new(),
            mail: init.mail.clone(),
            administrator: true,
        });
        authority.perform(&person, Warrant::Operator, now).await?;
    }
    let person = authority.view(|state| state.holder_named(name).map(|holder| holder.id));
    let person = person.ok_or("the person is gone")?;
    let link = authority.invite(person, Warrant::Operator, now).await?;
    let seed = authority.new_seed()?;
    show_seed(&seed, name);
    for _ in 0..TRIES {
        let typed = ask::line("Code:")?;
        // The person took their time: the code is held against the present.
        match authority.enrol(&link, &seed, &typed, Timestamp::now()).await {
            Ok(codes) => return Ok(show_codes(&codes)?),
            Err(NotEnrolled::WrongCode) => eprintln!("{}", NotEnrolled::WrongCode),
            Err(error) => return Err(error.into()),
        }
    }
    Err("no code was right, and nobody is enrolled; run the same command again".into())
}

/// Whoever an earlier try has named administrator, and who never enrolled, is none any more.
async fn drop_begun(authority: &Authority, but: &str, now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
    let begun = authority.view(|state| {
        let begun = state.holders().filter(|holder| holder.administrator && holder.authenticator.is_none());
        begun.map(|holder| (holder.id, holder.name.clone(), holder.left)).collect::<Vec<_>>()
    });
    for (id, name, left) in begun {
        match (name == but, left) {
            (true, true) => authority.perform(&Command::Return(id), Warrant::Operator, now).await?,
            (false, false) => {
                authority.perform(&Command::Leave(id, OnLeaving::Disable), Warrant::Operator, now).await?;
                let name = show::clean(&name);
                show::say(format!(
                    "`{name}` was begun before and never enrolled: that name has left, and is nobody's."
                ))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn show_seed(seed: &Seed, name: &str) {
    println!("{name}, add this to an authenticator app, then type the code that it shows.\n");
    anstream::println!("{}", show::qr(&seed.uri("Greave", name)));
    println!("Secret: {}\n", seed.base32());
}

fn show_codes(codes: &[recovery::Code]) -> io::Result<()> {
    let text = "Recovery codes, each good once. Keep them where the authenticator is not; they are not shown again.";
    show::say(format!("\n{text}\n"))?;
    for pair in codes.chunks(2) {
        let shown: Vec<_> = pair.iter().map(recovery::Code::show).collect();
        println!("  {}", shown.iter().map(|code| code.as_str()).collect::<Vec<_>>().join("   "));
    }
    println!();
    io::Write::flush(&mut io::stdout())
}
