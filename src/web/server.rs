//! Starting and stopping the server.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App as ActixApp, HttpServer, middleware, web};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::failure::{self, Failure};
use super::shelf::Shelf;
use super::{App, headers, routes};
use crate::delivery::transfer;
use crate::ledger::Ledger;
use crate::mail::worker::Postman;
use crate::store::{ReadPool, log};

/// A server that is running.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    postman: JoinHandle<()>,
    stop: watch::Sender<bool>,
    ledger: Ledger,
}

/// Seconds that running transfers have to end when the server stops.
const SHUTDOWN_SECONDS: u64 = 20;

/// How often the gate's version is looked at. Transfers are cut within a second of a revocation anywhere.
const GATE_EVERY: Duration = Duration::from_millis(300);

/// Starts answering on `listener`, and the mail worker.
///
/// # Errors
/// When the listener can't be used.
pub fn start(app: App, listener: TcpListener) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let postman = Postman {
        ledger: app.ledger.clone(),
        reads: app.reads.clone(),
        transport: app.transport.clone(),
        base: app.config.base().to_owned(),
    };
    let postman = tokio::spawn(postman.run(stopped.clone()));
    tokio::spawn(watch_gate(app.ledger.clone(), app.reads.clone(), stopped));
    let workers = match app.config.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    };
    let ledger = app.ledger.clone();
    let https = app.config.is_https();
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(web::Data::new(app.clone()))
            .app_data(
                web::QueryConfig::default().error_handler(|_, _| Failure::BadRequest("problem-bad-request").into()),
            )
            .app_data(web::PathConfig::default().error_handler(|_, _| Failure::NotFound.into()))
            // Each worker thread its own.
            .app_data(Rc::new(Shelf::default()))
            .wrap(middleware::from_fn(failure::show))
            .wrap(headers::security(https))
            .configure(routes::configure)
    })
    .workers(workers)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    // Without it, small answers on kept-alive connections wait for delayed acknowledgements.
    .tcp_nodelay(true)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(Running { address, handle, server: tokio::spawn(server), postman, stop, ledger })
}

/// Tells running transfers when another process, a replica or a command, changed what the gate decides on.
async fn watch_gate(ledger: Ledger, reads: ReadPool, mut stop: watch::Receiver<bool>) {
    let mut seen = None;
    loop {
        // When the database can't be read, there is nothing to tell; admissions fail by themselves.
        if let Ok(version) = reads.read(log::gate_version).await
            && seen.replace(version).is_some_and(|before| before != version)
        {
            ledger.signals().revoked.send_modify(|count| *count += 1);
        }
        tokio::select! {
            () = tokio::time::sleep(GATE_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

impl Running {
    /// Stops taking connections, lets what is running end, and waits for it.
    ///
    /// # Errors
    /// When the server ended by an error.
    pub async fn stop(self) -> std::io::Result<()> {
        self.handle.stop(true).await;
        // The receiver may be gone already.
        let _ = self.stop.send(true);
        let _ = self.postman.await;
        let ended = self.server.await.unwrap_or(Ok(()));
        // Transfers that were cut are dropped by threads that end on their own.
        for _ in 0..200 {
            if transfer::running() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // After everything that was still to be noted.
        if let Err(error) = self.ledger.run(|_| Ok(())).await {
            tracing::error!(%error, "the last notes could not be recorded");
        }
        ended
    }
}
