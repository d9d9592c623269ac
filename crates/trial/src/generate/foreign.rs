//! Another maker: other APIs, fleets, look-alikes and attacks. It was written without looking at
//! what the watch makes of it, and the watch was not fitted to it.

mod attacks;
mod habits;
mod twins;

use std::fmt::Write as _;

use super::{
    api::document,
    world::{Client, Moment, Network, World},
};
use crate::dice::Dice;

const NOUNS: [&str; 24] = [
    "pipelines",
    "datasets",
    "tables",
    "boards",
    "cards",
    "assets",
    "devices",
    "sensors",
    "tenants",
    "campaigns",
    "contacts",
    "deals",
    "patients",
    "visits",
    "claims",
    "policies",
    "vehicles",
    "routes",
    "courses",
    "grades",
    "tracks",
    "playlists",
    "clusters",
    "volumes",
];

/// What the API is called and how its addresses look.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    base: String,
    nouns: Vec<&'static str>,
}

impl Shape {
    fn new(dice: &mut Dice) -> Self {
        let base = dice.word(&["/api/2", "/rest", "", "/v3/projects/main"]).to_owned();
        let mut nouns = NOUNS.to_vec();
        let many = usize::try_from(dice.between(4, 14)).unwrap_or(4);
        while nouns.len() > many {
            let place = usize::try_from(dice.below(nouns.len() as u64)).unwrap_or(0);
            nouns.swap_remove(place.min(nouns.len() - 1));
        }
        Self { base, nouns }
    }

    fn document(&self) -> String {
        let base = &self.base;
        let mut lines = String::new();
        for noun in &self.nouns {
            let one = noun.trim_end_matches('s');
            let _ = writeln!(
                lines,
                "GET {base}/{noun} | List {noun} | list\n\
                 POST {base}/{noun} | Create a {one} | thing\n\
                 GET {base}/{noun}/{{{one}}} | Get one {one} | thing\n\
                 PUT {base}/{noun}/{{{one}}} | Update a {one} | thing\n\
                 DELETE {base}/{noun}/{{{one}}} | Delete a {one} | none\n\
                 GET {base}/{noun}/{{{one}}}/comments | List comments of a {one} | list\n\
                 POST {base}/{noun}/download | Download all {noun} in bulk as an archive | file"
            );
        }
        let _ = write!(
            lines,
            "GET {base}/me | Who am I | thing\n\
             GET {base}/usage | Usage and limits | thing\n\
             GET {base}/members | List members | list\n\
             POST {base}/members | Invite a member | thing\n\
             PUT {base}/members/{{member}}/permissions | Set the permissions of a member | thing\n\
             GET {base}/access-tokens | List access tokens | list\n\
             POST {base}/access-tokens | Create an access token | credential\n\
             PUT {base}/settings/sso | Change or disable single sign-on | thing\n\
             DELETE {base}/settings/mfa | Disable multi-factor authentication | none\n\
             GET {base}/audit-log | Read the audit log | list\n\
             POST {base}/payouts | Create a payout to a bank account | thing\n\
             POST {base}/runs | Run a job on a machine | thing\n"
        );
        document("Foreign", &lines)
    }

    fn noun(&self, place: u64) -> &'static str {
        let place = usize::try_from(place).unwrap_or(0) % self.nouns.len().max(1);
        self.nouns.get(place).copied().unwrap_or("things")
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.base)
    }
}

/// One key, how it is used, and where.
#[derive(Clone, Debug)]
pub(super) struct Member {
    client: Client,
    habit: habits::Habit,
    network: Network,
    noun: &'static str,
}

/// All that is known while making.
pub(super) struct Making {
    world: World,
    shape: Shape,
    members: Vec<Member>,
    days: Moment,
    used: Vec<usize>,
}

impl Making {
    fn take(&mut self, habits: &[habits::Habit]) -> Option<Member> {
        let free: Vec<usize> = (0..self.members.len())
            .filter(|place| !self.used.contains(place))
            .filter(|place| self.members.get(*place).is_some_and(|member| habits.contains(&member.habit)))
            .collect();
        let place = *self.world.dice.pick(&free)?;
        self.used.push(place);
        self.members.get(place).cloned()
    }
}

pub(super) fn make(seed: u64) -> World {
    let mut dice = Dice::new(seed ^ 0x5f0e_16e5);
    let shape = Shape::new(&mut dice);
    let mut world = World::new("foreign", seed, shape.document());
    world.dice = dice;
    let days = world.dice.between(22, 40).cast_signed();
    let mut making = Making { world, shape, members: Vec::new(), days, used: Vec::new() };
    habits::settle(&mut making);
    twins::add(&mut making);
    attacks::add(&mut making);
    making.world
}
