//! Opening the gateway's parts for a command: folders, tables, keys, and the log's first entry.

use super::{CliError, make_folder};
use crate::config::Config;
use crate::domain::event::{Action, Actor, Event};
use crate::identity::keys::{KeyRing, Opened};
use crate::ledger::Ledger;
use crate::ledger::commands::mail::note;
use crate::mail::Transport;
use crate::store::log;
use crate::store::{Database, ReadPool};
use crate::web::App;

/// Where keys are.
pub fn key_folder(config: &Config) -> std::path::PathBuf {
    config.data_dir.join("keys")
}

/// Everything open, with new keys recorded.
pub fn open(config: Config) -> Result<App, CliError> {
    make_folder(&config.data_dir)?;
    if let Database::Sqlite(path) = &config.database
        && let Some(parent) = std::path::Path::new(path).parent()
    {
        make_folder(parent)?;
    }
    config.database.migrate()?;
    let log_is_empty = log::size(&mut config.database.open()?)? == 0;
    let Opened { ring, made } = KeyRing::open(&key_folder(&config), &config.log_name, log_is_empty)?;
    let transport = Transport::new(&config.mail)?;
    let app = App::new(config, ring, transport)?;
    begin_log(&app.ledger, &app.reads, app.keys.log.verifier().to_string(), made)?;
    Ok(app)
}

/// Records the beginning of the log, and keys that were just made.
fn begin_log(ledger: &Ledger, reads: &ReadPool, log_key: String, made: Vec<String>) -> Result<(), CliError> {
    let empty = reads.read_blocking(log::size)? == 0;
    if !empty && made.is_empty() {
        return Ok(());
    }
    ledger.run_blocking(move |tx| {
        if empty {
            note(tx, Event::new(Action::LogStarted, Actor::OPERATOR).with("log_key", log_key))?;
        }
        for key in made {
            note(tx, Event::new(Action::KeyCreated, Actor::OPERATOR).with("key", key))?;
        }
        Ok(())
    })?;
    Ok(())
}
