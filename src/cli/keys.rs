//! `keys rotate`: a new key for tokens.

use super::{CliResult, ConfigSource, load};
use crate::app::{App, key_folder};
use crate::domain::event::{Action, Actor, Event};
use crate::identity::keys::KeyRing;

/// `countersign keys`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a new key for tokens. Tokens signed with the old ones live out.
    Rotate,
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let Command::Rotate = command;
    let app = App::open(load(config)?)?;
    let kid = KeyRing::rotate(&key_folder(&app.config))?;
    let key = kid.clone();
    app.ledger
        .run_blocking(move |tx| Ok(tx.record(Event::new(Action::KeyCreated, Actor::OPERATOR).with("key", key))))?;
    println!("New tokens are signed with the key {kid}; running gateways take it up within seconds.");
    Ok(())
}
