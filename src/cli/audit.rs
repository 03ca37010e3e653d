//! `audit verify`, `audit export`, `audit archive` and `audit erase`.

mod holdings;

use std::io::Write;
use std::path::PathBuf;

use super::{CliError, CliResult, ConfigSource, account, counted, load, read};
use crate::app::{App, kept_head_file, key_folder};
use crate::clock;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::identity::keys::KeyRing;
use crate::l10n::{separated, size};
use crate::ledger::commands::audit::{
    ExportCriteria, archive as archive_events, erase_person, record_accepted_clock, record_accepted_head, record_export,
};
use crate::ledger::{ClockPolicy, kept_head};
use crate::log::VerifierKey;
use crate::log::export::Format;
use crate::log::verify::SavedCheckpoint;
use crate::mail::MailTransport;
use crate::private_files::write_private_file;
use crate::store::log::{ArchiveMove, Erasure, Filter, LogArchive, last_at, signed_head, sweep};
use crate::store::{Priority, verification};
use crate::views::audit::Export;

/// `countersign audit`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Recompute everything from the stored events and compare; names the first event that does not match.
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
    /// Say who was sent what of a dataset: files, whole or in part, when, and under which version of an agreement.
    Holdings(holdings::HoldingsArgs),
    /// Move old events into compressed files in the data folder, which verify together with the rest. Pages, exports and
    /// receipts show them as before.
    Archive {
        /// Events before this time (RFC 3339, or a date).
        #[arg(long)]
        before: String,
    },
    /// Go on from a log that does not continue the one that was signed here, such as a backup that was put back. It must be
    /// signed by the log's key. Stop the gateway first; that it was done is recorded.
    AcceptHead {
        /// Confirm that it is to be done.
        #[arg(long)]
        yes: bool,
    },
    /// Go on recording though the log's last event is later than the present time, because the clock had run ahead. That it
    /// was done is recorded.
    AcceptClock {
        /// Confirm that it is to be done.
        #[arg(long)]
        yes: bool,
    },
    /// Delete what is personal (names, addresses, IP addresses, answers) about somebody: in the account, which can't be used
    /// any more, in what they wrote and signed, in mail, and in all events by or about them. The log still verifies, and
    /// says so. It can't be undone.
    Erase {
        /// The account: its address or its number in the log.
        #[arg(long)]
        person: String,
        /// Confirm that it is to be done.
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
    /// Before this time; a date includes its whole day.
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

impl ExportArgs {
    /// The options that narrow the export, as they were typed.
    fn criteria(&self) -> ExportCriteria {
        let options = [
            ("person", &self.person),
            ("dataset", &self.dataset),
            ("action", &self.action),
            ("since", &self.since),
            ("until", &self.until),
        ];
        options.into_iter().map(|(name, value)| (name, value.clone().unwrap_or_default())).collect()
    }
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    match command {
        Command::Verify { checkpoint, key } => verify(config, &checkpoint, key.as_deref()),
        Command::Export(args) => export(config, &args),
        Command::Holdings(args) => holdings::run(config, &args),
        Command::Archive { before } => archive(config, &before),
        Command::AcceptHead { yes } => accept_head(config, yes),
        Command::AcceptClock { yes } => accept_clock(config, yes),
        Command::Erase { person, yes } => erase(config, &person, yes),
    }
}

fn verify(config: &ConfigSource, checkpoints: &[PathBuf], key: Option<&str>) -> CliResult {
    let config = load(config)?;
    config.database.check_exists()?;
    let key: VerifierKey = match key {
        Some(text) => text.parse().map_err(|error| CliError::Usage(format!("--key {error}")))?,
        None => KeyRing::log_verifier(&key_folder(&config))?,
    };
    // Read before the log: what is kept is never newer than it.
    let kept_file = kept_head_file(&config);
    let kept = kept_file.exists().then(|| read(&kept_file)).transpose()?;
    let kept = kept.map(|note| SavedCheckpoint { name: kept_file.display().to_string(), note });
    let saved = checkpoints
        .iter()
        .map(|file| Ok(SavedCheckpoint { name: file.display().to_string(), note: read(file)? }))
        .chain(kept.map(Ok))
        .collect::<Result<Vec<_>, CliError>>()?;
    let (reads, archive) = (config.database.read_pool(1, Priority::Usual)?, config.log_archive());
    let _held = archive.hold(say_waiting).map_err(|error| CliError::File(archive.folder().to_owned(), error))?;
    let outcome = reads.read_blocking(|conn| verification::verify(conn, &archive, key, &saved))?;
    let report = outcome.map_err(CliError::Log)?;
    println!("The audit log verifies: {}, root {}", counted(report.events, "event"), report.root);
    println!("  checkpoints compared   {}", separated(report.checkpoints as u64));
    if report.erased > 0 {
        println!("  personal parts erased  {}", separated(report.erased));
    }
    Ok(())
}

fn filter(app: &App, args: &ExportArgs) -> Result<Filter, CliError> {
    let since = args.since.as_deref().map(|text| time("since", text, Timestamp::parse)).transpose()?;
    let until = args.until.as_deref().map(|text| time("until", text, Timestamp::parse_end)).transpose()?;
    let person = args.person.as_deref().map(|text| account(app, text)).transpose()?;
    let (dataset, action) = (args.dataset.clone(), args.action.clone());
    Ok(Filter { person, dataset, action, subject: None, since, until })
}

/// The time that an option says.
fn time(option: &str, text: &str, parse: fn(&str) -> Option<Timestamp>) -> Result<Timestamp, CliError> {
    parse(text).ok_or_else(|| CliError::Usage(format!("--{option} {text:?} is neither a date nor an RFC 3339 time")))
}

fn erase(config: &ConfigSource, text: &str, yes: bool) -> CliResult {
    let app = App::open(load(config)?)?;
    let id = account(&app, text)?;
    if !yes {
        return Err(CliError::Usage(format!(
            "the account {text} ({id}), what it wrote and signed, and what is personal in the log's events about it would be \
             deleted for ever; say --yes to do it"
        )));
    }
    let archive = app.log_archive.clone();
    let _lock = lock(&archive)?;
    let erasure = app.reads.read_blocking(|conn| Erasure::prepare(conn, &archive, id))?;
    let (parts, rows) = app.ledger.run_blocking(move |tx| erase_person(tx, id, &erasure))?;
    // The erased data is gone only once the old files are removed.
    app.reads.read_blocking(|conn| sweep(conn, &archive))?;
    println!("{id}: {} erased from the log", counted(parts as u64, "personal part"));
    if let Some(rows) = rows {
        println!(
            "Erased beside it: the account; the answers of {}; {}; the signer of {}; {}; {}; the names of {}",
            counted(rows.requests as u64, "request"),
            counted(rows.files as u64, "file"),
            counted(rows.signatures as u64, "signature"),
            counted(rows.comments as u64, "comment"),
            counted(rows.messages as u64, "message"),
            counted(rows.tokens as u64, "token")
        );
    }
    println!(
        "Stays, so that the record keeps its meaning: the number {id}; which text was signed for which dataset and when; what \
         was granted and downloaded, without addresses. Stays, because others hold it: receipts, exports, backups, and mail \
         that was delivered{}",
        mail_folder(&app.config)
    );
    if !app.config.database.open()?.truncate_wal()? {
        println!("The database is busy: some of it is overwritten in the database's file a little later");
    }
    Ok(())
}

fn archive(config: &ConfigSource, before: &str) -> CliResult {
    // Events recorded while this runs are archived next time.
    let before = time("before", before, Timestamp::parse)?.min(clock::now());
    let app = App::open(load(config)?)?;
    let archive = app.log_archive.clone();
    let _lock = lock(&archive)?;
    app.reads.read_blocking(|conn| sweep(conn, &archive))?;
    let mut total = 0;
    while let Some(moved) = app.reads.read_blocking(|conn| ArchiveMove::prepare(conn, &archive, before))? {
        let (written, events) = (*moved.written(), moved.events());
        // Somebody may have been erased meanwhile: then it is written again, without what is personal.
        if app.ledger.run_blocking(move |tx| archive_events(tx, &moved))? {
            total += events;
            println!("{}  {}, {}", archive.path(written.file).display(), counted(events, "event"), size(written.bytes));
        }
    }
    app.reads.read_blocking(|conn| sweep(conn, &archive))?;
    if total == 0 {
        println!(
            "Nothing to archive: fewer than 256 events before then are complete in the hash tree and not archived"
        );
    }
    Ok(())
}

fn accept_head(config: &ConfigSource, yes: bool) -> CliResult {
    let config = load(config)?;
    let (file, key) = (kept_head_file(&config), KeyRing::log_verifier(&key_folder(&config))?);
    let kept = kept_head::read(&file, &key).unwrap_or(None);
    let head = config.database.read_pool(1, Priority::Usual)?.read_blocking(|conn| signed_head(conn, &key))?;
    let kept_events = kept.as_ref().map_or_else(|| "no head".to_owned(), |kept| counted(kept.size, "event"));
    if !yes {
        return Err(CliError::Usage(format!(
            "{} keeps {kept_events}, and the log has {}: events that are missing are lost for ever. Say --yes to go on from it",
            file.display(),
            separated(head.size())
        )));
    }
    write_private_file(&file, head.checkpoint.as_bytes()).map_err(|error| CliError::File(file.clone(), error))?;
    let app = App::open(config)?;
    app.ledger.run_blocking(move |tx| record_accepted_head(tx, kept.as_ref(), head.size()))?;
    println!("The log goes on from its present head");
    Ok(())
}

/// Where delivered mail lies, if it is in a folder.
fn mail_folder(config: &Config) -> String {
    match &config.mail.transport {
        MailTransport::Folder(folder) => format!(" (in {}: delete what is to or about them)", folder.display()),
        MailTransport::Smtp(_) => String::new(),
    }
}

fn accept_clock(config: &ConfigSource, yes: bool) -> CliResult {
    let config = load(config)?;
    let last = config.database.read_pool(1, Priority::Usual)?.read_blocking(last_at)?;
    let (last, now) = (last.unwrap_or(clock::now()), clock::now());
    if last <= now {
        println!("The clock is not behind the log: its last event is of {last}");
        return Ok(());
    }
    if !yes {
        return Err(CliError::Usage(format!(
            "the last event is of {last}, and it is {now} now. If the clock is right now, say --yes: events go on from here, \
             and the log records it"
        )));
    }
    let app = App::open_with_clock(config, ClockPolicy::AcceptPresent)?;
    app.ledger.run_blocking(move |tx| {
        record_accepted_clock(tx, last);
        Ok(())
    })?;
    println!("The log goes on from the present time");
    Ok(())
}

fn say_waiting() {
    eprintln!("Waiting for another command that is at work on the log's archive");
}

fn lock(archive: &LogArchive) -> Result<std::fs::File, CliError> {
    archive.lock(say_waiting).map_err(|error| CliError::File(archive.folder().to_owned(), error))
}

fn export(config: &ConfigSource, args: &ExportArgs) -> CliResult {
    let format: Format = args.format.parse().map_err(|error| CliError::Usage(format!("--format {error}")))?;
    let app = App::open(load(config)?)?;
    let (filter, criteria) = (filter(&app, args)?, args.criteria());
    let person = filter.person;
    // That the log was taken is in the log before any of it leaves.
    let end = app.ledger.run_blocking(move |tx| record_export(tx, None, format.into(), (&criteria, person)))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let failed = |error| CliError::File("standard output".into(), error);
    out.write_all(format.header().as_bytes()).map_err(failed)?;
    let mut export = Export::new(filter, end);
    while let Some(events) = app.reads.read_blocking(|conn| export.next_batch(conn, &app.log_archive))? {
        for event in &events {
            out.write_all(format.event(event).as_bytes()).map_err(failed)?;
        }
    }
    out.flush().map_err(failed)
}
