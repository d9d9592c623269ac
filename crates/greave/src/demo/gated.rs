//! The gate before the company: set up as `greave init` does it, and started as `greave
//! serve` does, in a folder that is gone afterwards.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use authority::{Authority, Command, Description, Warrant};
use aws_lc_rs::rand;
use factor::totp::{Seed, Step};
use jiff::Timestamp;
use law::HolderKind;
use zeroize::Zeroizing;

use super::company;
use crate::{
    client::Client,
    commands::serve::Serving,
    config::Config,
    document::Document,
    handed::Handed,
    secrets::Vault,
    state::{StateFolder, socket},
};

/// A temporary folder that nobody else can enter. It goes when this value goes.
pub(super) struct Folder(PathBuf);

/// The gate, and the ways to it.
pub(super) struct Gated {
    pub(super) serving: Serving,
    /// The command line's way to it.
    pub(super) client: Client,
    /// The configuration file.
    pub(super) file: PathBuf,
    /// The desk's origin.
    pub(super) desk: String,
}

type Failure = Box<dyn std::error::Error>;

impl Folder {
    pub(super) fn make() -> Result<Self, Failure> {
        let mut chance = [0; 8];
        rand::fill(&mut chance).map_err(|_| "the system gives no random numbers")?;
        let path = std::env::temp_dir().join(format!("greave-demo-{:016x}", u64::from_be_bytes(chance)));
        // A folder that is there already is somebody else's.
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|cause| format!("`{}` cannot be made: {cause}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in a folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Gated {
    /// Writes configuration, document and state, starts the gate, and enrols these people:
    /// name, authenticator, and whether they are administrators.
    pub(super) async fn start(
        folder: &Folder,
        upstream: SocketAddr,
        people: [(&str, &Seed, bool); 2],
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let file = folder.path().join("greave.toml");
        fs::write(folder.path().join("openapi.yaml"), company::DOCUMENT)?;
        fs::write(&file, configuration(upstream, free_addresses()?))?;
        let config = Config::read(&file)?;
        Document::to_accept(&config)?.write(&config)?;
        let state = StateFolder::make(&config.gate.state)?;
        Vault::of(&config.gate.state).furnish()?;
        drop(state.authority(now).await?);
        drop(state);

        let serving = Serving::start(&file, Handed::none(), now).await?;
        // An enrolled administrator is asked for codes: until there is one, the operator invites.
        let mut links = Vec::new();
        for (name, seed, administrator) in people {
            links.push((invite(serving.authority(), name, administrator, now).await?, seed));
        }
        for (link, seed) in links {
            // With the code before the present one: the present one is still good when it is needed.
            let code = seed.code(Step(Step::at(now).0.saturating_sub(1)));
            // The recovery codes are for those who lose what the demo prints.
            serving.authority().enrol(&link, seed, &code, now).await?;
        }
        let client = Client::Running(socket(&config.gate.state));
        Ok(Self { serving, client, file, desk: config.desk() })
    }
}

/// Addresses that nobody listens on, for the gate and the desk.
fn free_addresses() -> std::io::Result<[SocketAddr; 2]> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
    Ok([one.local_addr()?, other.local_addr()?])
}

/// The guards stand as `greave init` would write them, and bind at once.
fn configuration(upstream: SocketAddr, [gate, desk]: [SocketAddr; 2]) -> String {
    format!(
        r#"# Made by `greave demo`, and gone when it ends.

[gate]
listen = "{gate}"
upstream = "http://{upstream}"
trusted_proxies = ["127.0.0.1/32"]     # the demo plays the load balancer, too
stop_timeout = "1s"

[api]
document = "openapi.yaml"
sessions = ["cookie:wickersby_session"]

[api.identify]
path = "/v1/me"
holder = "/id"
two_factor = "/two_factor"
scopes = "/scopes"

[guard]
read    = "secret"
write   = "secret"
export  = "possession | person within 8h"
run     = "possession | person within 15m"
destroy = "possession + mandate | person within 15m"
spend   = "possession + mandate | person"
grant   = "person"
mint    = "person"
disarm  = "person"

# The scene is the law's alone.
[watch]
mode = "off"

[desk]
listen = "{desk}"
"#
    )
}

/// Makes a person known, and a one-time link with which they enrol.
async fn invite(
    authority: &Authority,
    name: &str,
    administrator: bool,
    now: Timestamp,
) -> Result<Zeroizing<String>, Failure> {
    let description = Description {
        name: name.to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: None,
        administrator,
    };
    authority.perform(&Command::AddHolder(description), Warrant::Operator, now).await?;
    let person = authority.view(|state| state.holder_named(name).map(|holder| holder.id));
    let person = person.ok_or_else(|| format!("`{name}` is gone"))?;
    Ok(authority.invite(person, Warrant::Operator, now).await?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folder_is_closed_to_others_and_goes() {
        let folder = Folder::make().unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(path.join("secret"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn the_guards_are_the_usual_ones_and_bind() {
        let [gate, desk] = free_addresses().unwrap();
        let api = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let config = Config::parse(Path::new("greave.toml"), &configuration(api, [gate, desk])).unwrap();
        for (power, cell) in config.guard.law().person.iter() {
            assert_eq!(cell.guard, law::Law::default_guard(power));
            assert_eq!(cell.mode, law::Mode::Enforce);
        }
    }
}
