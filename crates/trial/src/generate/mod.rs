//! Traffic from a seed: honest fleets, look-alikes, and attacks at random moments.
//!
//! Two makers that share no numbers: [`published`] has the attacks and look-alikes that were
//! written down before the watch was built; [`foreign`] has other APIs, other fleets and other
//! attacks, to see whether the watch only fits what it was built on.

mod api;
mod attack;
mod fleet;
mod foreign;
mod home;
mod honest;
mod world;

use crate::scenario::{Scenario, ScenarioError};

/// The files of a scenario folder.
#[derive(Debug)]
pub struct Files {
    /// `api.json`.
    pub api: String,
    /// `traffic.jsonl`.
    pub traffic: Vec<u8>,
    /// `events.jsonl`.
    pub events: Vec<u8>,
    /// `labels.json`.
    pub labels: String,
}

/// Generated traffic.
#[derive(Debug)]
pub struct Generated(world::World);

impl Generated {
    /// As it is played.
    ///
    /// # Errors
    /// Where the generator is wrong: its own files must be readable.
    pub fn scenario(self) -> Result<Scenario, ScenarioError> {
        let events = self.0.events_file();
        Scenario::of_lines(self.0.api.as_bytes(), &self.0.lines, &events, self.0.labels)
    }

    /// As files.
    ///
    /// # Errors
    /// What cannot be written as JSON.
    pub fn files(self) -> Result<Files, serde_json::Error> {
        let events = self.0.events_file();
        let mut traffic = Vec::new();
        for line in &self.0.lines {
            serde_json::to_writer(&mut traffic, line)?;
            traffic.push(b'\n');
        }
        let labels = serde_json::to_string_pretty(&self.0.labels)?;
        Ok(Files { api: self.0.api, traffic, events, labels })
    }
}

/// The published attacks and look-alikes.
pub fn published(seed: u64) -> Generated {
    let mut world = world::World::new("published", seed, api::shop());
    let mut fleet = fleet::make(&mut world);
    honest::add(&mut world, &mut fleet);
    attack::add(&mut world, &mut fleet);
    home::add(&mut world, &mut fleet);
    Generated(world.sorted())
}

/// Other APIs, fleets, look-alikes and attacks.
pub fn foreign(seed: u64) -> Generated {
    Generated(foreign::make(seed).sorted())
}
