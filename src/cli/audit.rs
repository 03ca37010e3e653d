//! `audit verify` and `audit export`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{CliError, Outcome, gateway, load, read};
use crate::domain::Instant;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::text::Email;
use crate::identity::keys::KeyRing;
use crate::ledger::commands::audit::erase_person;
use crate::ledger::commands::mail::note;
use crate::log::VerifierKey;
use crate::log::export::Format;
use crate::log::verify::SavedCheckpoint;
use crate::store::log::{Filter, Walk, select};
use crate::store::{people, verification};
use crate::web::App;
use crate::words::separated;

/// `countersign audit`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Recompute everything from the stored events and compare; names the first event that does not fit.
    Verify {
        /// A checkpoint kept from earlier; may be given more than once.
        #[arg(long)]
        checkpoint: Vec<PathBuf>,
        /// The log's key, `name+hash+key`; without it the one in the data folder is taken.
        #[arg(long)]
        key: Option<String>,
    },
    /// Write events to standard output.
    Export(ExportArgs),
    /// Delete what is personal (names, addresses, IP addresses, answers) from all events by or about somebody. The log
    /// still verifies, and says so. It can't be undone.
    Erase {
        /// Whose: the account's address or its number in the log.
        #[arg(long)]
        person: String,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

/// What to export.
#[derive(clap::Args)]
pub struct ExportArgs {
    /// jsonl or csv.
    #[arg(long, default_value = "jsonl")]
    format: String,
    /// Not before this time (RFC 3339, or a date).
    #[arg(long)]
    since: Option<String>,
    /// Before this time.
    #[arg(long)]
    until: Option<String>,
    /// Only about this dataset.
    #[arg(long)]
    dataset: Option<String>,
    /// Only by or about this account: its address or its number in the log.
    #[arg(long)]
    person: Option<String>,
    /// Only this action, or all of a kind such as `request.`.
    #[arg(long)]
    action: Option<String>,
}

pub fn run(config: Option<&Path>, command: Command) -> Outcome {
    match command {
        Command::Verify { checkpoint, key } => verify(config, &checkpoint, key.as_deref()),
        Command::Export(args) => export(config, &args),
        Command::Erase { person, yes } => erase(config, &person, yes),
    }
}

fn verify(config: Option<&Path>, checkpoints: &[PathBuf], key: Option<&str>) -> Outcome {
    let config = load(config)?;
    let key: VerifierKey = match key {
        Some(text) => text.parse().map_err(|error| CliError::Usage(format!("--key {error}")))?,
        None => KeyRing::log_verifier(&gateway::key_folder(&config))?,
    };
    let saved = checkpoints
        .iter()
        .map(|file| Ok(SavedCheckpoint { name: file.display().to_string(), note: read(file)? }))
        .collect::<Result<Vec<_>, CliError>>()?;
    let reads = config.database.read_pool(1)?;
    let outcome = reads.read_blocking(|conn| verification::verify(conn, key, &saved))?;
    let report = outcome.map_err(CliError::Log)?;
    println!("The audit log verifies: {} events, root {}", separated(report.events), report.root);
    println!("  checkpoints compared   {}", separated(report.checkpoints as u64));
    if report.erased > 0 {
        println!("  personal parts erased  {}", separated(report.erased));
    }
    Ok(())
}

fn filter(app: &App, args: &ExportArgs) -> Result<Filter, CliError> {
    let time = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Instant::parse(text)
            .map(Some)
            .ok_or_else(|| CliError::Usage(format!("--{name} {text:?} is neither a date nor an RFC 3339 time"))),
    };
    let person = args.person.as_deref().map(|text| person(app, text)).transpose()?.map(|id| id.to_string());
    Ok(Filter {
        person,
        dataset: args.dataset.clone(),
        action: args.action.clone(),
        subject: None,
        since: time("since", &args.since)?,
        until: time("until", &args.until)?,
    })
}

/// The account that `--person` names.
fn person(app: &App, text: &str) -> Result<PersonId, CliError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let email: Email = text.parse().map_err(|error| CliError::Usage(format!("--person {error}")))?;
    let wanted = email.clone();
    let found = app.reads.read_blocking(move |conn| people::by_email(conn, &wanted))?;
    let (person, _) = found.ok_or_else(|| CliError::Usage(format!("--person {email} has no account")))?;
    Ok(person.id)
}

fn erase(config: Option<&Path>, text: &str, yes: bool) -> Outcome {
    let app = gateway::open(load(config)?)?;
    let id = person(&app, text)?;
    if !yes {
        return Err(CliError::Usage(format!(
            "what is personal in the log's events about {text} ({id}) would be deleted for ever; say --yes to do it"
        )));
    }
    let parts = app.ledger.run_blocking(move |tx| erase_person(tx, id))?;
    println!("{id}: {} personal parts erased", separated(parts as u64));
    Ok(())
}

fn export(config: Option<&Path>, args: &ExportArgs) -> Outcome {
    const BATCH: usize = 5_000;
    let format: Format = args.format.parse().map_err(|error| CliError::Usage(format!("--format {error}")))?;
    let app = gateway::open(load(config)?)?;
    let filter = filter(&app, args)?;
    let event = Event::new(Action::AuditExported, Actor::OPERATOR).with("format", format.as_str());
    // That the log was taken is in the log before any of it leaves.
    let end = app.ledger.run_blocking(move |tx| note(tx, event))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let failed = |error| CliError::File("standard output".into(), error);
    out.write_all(format.header().as_bytes()).map_err(failed)?;
    let mut from = 0;
    loop {
        let wanted = filter.clone();
        let events = app.reads.read_blocking(move |conn| select(conn, &wanted, Walk::From(from), BATCH))?;
        let Some(last) = events.last() else { break };
        from = last.index + 1;
        for event in events.iter().filter(|event| event.index < end) {
            out.write_all(format.event(event).as_bytes()).map_err(failed)?;
        }
    }
    out.flush().map_err(failed)
}
