//! The command line: one file a command.

mod admin;
mod agreement;
mod audit;
mod committee;
mod dataset;
mod demo;
mod form;
mod keys;
mod organisation;
mod process;
mod read_parquet;
mod receipt;
mod serve;
mod token;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{App, OpenError};
use crate::config::{Config, ConfigError};
use crate::delivery::connection::tls::TlsError;
use crate::delivery::import::{ImportError, parquet};
use crate::domain::Refusal;
use crate::domain::ids::PersonId;
use crate::identity::keys::KeyError;
use crate::log::verify::Mismatch;
use crate::store::people;
use crate::{l10n, ledger, mail, store};

/// A data-use agreement gateway: sign, be countersigned, pass the gate.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// The configuration file (TOML). Every key but `[[source]]` can also be given as an environment variable, `COUNTERSIGN_…`.
    #[arg(long, short, global = true, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder, whatever the configuration says. Without `--config`, its `countersign.toml` is the configuration
    /// file. `demo` makes the folder and writes that file; it is `countersign-demo` unless said otherwise.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything embedded, with a demo catalogue and demo accounts.
    Demo(demo::Args),
    /// Run the gateway.
    Serve(serve::Args),
    /// Make accounts for people who run the gateway.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Make organisations, and name those who run them.
    #[command(subcommand)]
    Organisation(organisation::Command),
    /// Set up committees.
    #[command(subcommand)]
    Committee(committee::Command),
    /// Publish agreements.
    #[command(subcommand)]
    Agreement(agreement::Command),
    /// Publish forms.
    #[command(subcommand)]
    Form(form::Command),
    /// Publish datasets and import their files.
    #[command(subcommand)]
    Dataset(dataset::Command),
    /// Issue tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Verify and export the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Verify receipts, offline.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// Change keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Look into a table on standard input. The program runs this itself, so that a hostile file harms nothing else.
    #[command(name = parquet::COMMAND, hide = true)]
    ReadParquet(read_parquet::Args),
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(ledger::Error),
    /// A key is missing or wrong.
    #[error("key {0}")]
    Key(#[from] KeyError),
    /// Mail can't be sent as configured.
    #[error("mail: {0}")]
    Mail(#[from] mail::TransportError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The gateway can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Files can't be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file can't be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A file says something that can't be used.
    #[error("{0}: {1}")]
    Description(PathBuf, String),
    /// The network said no.
    #[error("can't listen on {0}: {1}")]
    Listen(std::net::SocketAddr, std::io::Error),
    /// The server ended by an error.
    #[error("the server stopped: {0}")]
    Server(std::io::Error),
    /// The log does not verify.
    #[error("the audit log does not verify: {0}")]
    Log(Mismatch),
    /// An argument can't be used.
    #[error("{0}")]
    Usage(String),
}

impl From<ledger::Error> for CliError {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::Refused(refusal) => Self::Usage(refused(refusal)),
            error => Self::Ledger(error),
        }
    }
}

/// A refusal as operators read it.
fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::NoGrant => "this person has no active grant on that dataset".to_owned(),
        Refusal::LastOwner => "an organisation would have no owner left; appoint another one first".to_owned(),
        Refusal::EmailTaken => "there is an account with this address already".to_owned(),
        other => other.to_string(),
    }
}

/// The configuration file in a data folder.
const CONFIG_FILE: &str = "countersign.toml";

type CliResult = Result<(), CliError>;

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    process::use_small_pages();
    process::keep_files_private();
    process::end_quietly_without_reader();
    let Cli { config, data_dir, command } = Cli::parse();
    log_to_stderr(&command);
    let config = &ConfigSource { file: config, data_dir };
    let outcome = match command {
        Command::Demo(args) => demo::run(config.data_dir.as_deref(), &args),
        Command::Serve(args) => serve::run(config, &args),
        Command::Admin(command) => admin::run(config, command),
        Command::Organisation(command) => organisation::run(config, command),
        Command::Committee(command) => committee::run(config, command),
        Command::Agreement(command) => agreement::run(config, command),
        Command::Form(command) => form::run(config, command),
        Command::Dataset(command) => dataset::run(config, command),
        Command::Token(command) => token::run(config, command),
        Command::Audit(command) => audit::run(config, command),
        Command::Receipt(command) => receipt::run(command),
        Command::Keys(command) => keys::run(config, command),
        Command::ReadParquet(args) => read_parquet::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::File(_, error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::from(process::READER_GONE)
        }
        Err(error) => {
            eprintln!("countersign: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the program's own log to standard error. `RUST_LOG` sets the levels, such as `info` or `warn,countersign=debug`.
fn log_to_stderr(command: &Command) {
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    // A client that goes away before the end is no error here; the log says how far it came.
    let usual = if matches!(command, Command::Serve(_)) { tracing::Level::INFO } else { tracing::Level::WARN };
    let default = Targets::new()
        .with_default(usual)
        .with_target("actix_http::h1::dispatcher", tracing::level_filters::LevelFilter::OFF);
    let chosen = std::env::var("RUST_LOG").ok().and_then(|levels| levels.parse::<Targets>().ok());
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(chosen.unwrap_or(default)).init();
}

/// Where the settings come from, as the command line says.
struct ConfigSource {
    file: Option<PathBuf>,
    data_dir: Option<PathBuf>,
}

fn load(config: &ConfigSource) -> Result<Config, CliError> {
    let ConfigSource { file, data_dir } = config;
    let own_file = || data_dir.as_ref().map(|folder| folder.join(CONFIG_FILE)).filter(|file| file.exists());
    Ok(Config::load(file.clone().or_else(own_file).as_deref(), data_dir.as_deref())?)
}

/// A number of things, such as `1 file` and `1,000 files`.
fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", l10n::separated(number))
}

/// The account that `--person` names, by its address or its number in the log.
fn account(app: &App, text: &str) -> Result<PersonId, CliError> {
    let found = app.reads.read_blocking(|conn| people::by_id_or_email(conn, text))?;
    found.ok_or_else(|| CliError::Usage(format!("--person {text} has no account")))
}

fn read(file: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(file).map_err(|error| CliError::File(file.to_owned(), error))
}

/// Writes a description to a file, or to standard output.
fn write_out(file: Option<&Path>, text: &str) -> CliResult {
    use std::io::Write;
    match file {
        Some(file) => write(file, text.as_bytes()),
        None => std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|error| CliError::File(PathBuf::from("standard output"), error)),
    }
}

fn write(file: &Path, bytes: &[u8]) -> CliResult {
    std::fs::write(file, bytes).map_err(|error| CliError::File(file.to_owned(), error))
}

/// Makes a folder for this user alone: it will hold keys, password hashes and mail.
fn make_folder(folder: &Path) -> CliResult {
    crate::private_files::create_private_dir(folder).map_err(|error| CliError::File(folder.to_owned(), error))
}
