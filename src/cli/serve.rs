//! `serve`: runs the gateway until it is told to stop.

use std::net::TcpListener;
use std::path::Path;

use super::{CliError, CliResult, ConfigSource, load};
use crate::app::App;
use crate::background;
use crate::config::Config;
use crate::delivery::connection::tls::Certificate;
use crate::mail::Transport;
use crate::store::Database;
use crate::web;

/// `countersign serve`
#[derive(clap::Args)]
pub struct Args {
    /// Only say whether the configuration can be used.
    #[arg(long)]
    check: bool,
}

pub fn run(config: &ConfigSource, args: &Args) -> CliResult {
    let config = load(config)?;
    config.check_plain_http()?;
    if args.check {
        return check(&config);
    }
    let listener = listen(config.listen)?;
    config.database.check_sessions()?;
    super::process::warn_of_network_file_system(&config.database);
    let app = App::open_or_make(config)?;
    until_stopped(app, listener, |app, address| {
        tracing::info!(%address, url = app.config.base(), "listening");
    })
}

fn check(config: &Config) -> CliResult {
    match &config.database {
        // The first start makes it; until then there is nothing to open.
        Database::Sqlite(path) if !Path::new(path).exists() => {}
        database => {
            drop(database.open()?);
            database.check_sessions()?;
        }
    }
    Transport::new(&config.mail)?;
    if let Some(files) = &config.tls {
        Certificate::load(files)?;
    }
    println!("The configuration can be used.");
    println!("  listens on  {}", config.listen);
    println!("  address     {}", config.base());
    println!("  database    {:?}", config.database);
    println!("  data        {}", config.data_dir.display());
    Ok(())
}

pub fn listen(address: std::net::SocketAddr) -> Result<TcpListener, CliError> {
    let failed = |error| CliError::Listen(address, error);
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Serves until SIGINT or SIGTERM; `started` is told once the gateway answers.
pub fn until_stopped(app: App, listener: TcpListener, started: impl FnOnce(&App, std::net::SocketAddr)) -> CliResult {
    let connections = super::process::connections_within_limit(app.config.connections);
    let certificate = app.config.tls.as_ref().map(Certificate::load).transpose()?;
    let system = actix_web::rt::System::new();
    system.block_on(async move {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(CliError::Server)?;
        let running = web::start(app.clone(), listener, certificate.clone(), connections).map_err(CliError::Server)?;
        let tasks = background::start(&app, certificate);
        started(&app, running.address);
        tokio::select! {
            result = tokio::signal::ctrl_c() => result.map_err(CliError::Server)?,
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: running downloads may finish");
        let stopped = running.stop().await.map_err(CliError::Server);
        tasks.stop().await;
        // What was handed over to be recorded later is recorded before this, in order.
        if let Err(error) = app.ledger.run(|_| Ok(())).await {
            tracing::error!(%error, "the last records could not be written");
        }
        app.ledger.settle();
        // What still holds a part of the app must not keep the threads that hash passwords beyond the end of `main`.
        app.passwords.close();
        stopped
    })
}
