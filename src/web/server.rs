//! Starting and stopping the server.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

use actix_web::dev::ServerHandle;
use actix_web::{App as ActixApp, HttpServer, middleware, web};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::shelf::Shelf;
use super::{App, failure, headers, routes};
use crate::ledger::Ledger;
use crate::mail::worker::Postman;

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
    let postman = tokio::spawn(postman.run(stopped));
    let workers = match app.config.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    };
    let ledger = app.ledger.clone();
    let https = app.config.is_https();
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(web::Data::new(app.clone()))
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
        // After everything that was still to be noted.
        if let Err(error) = self.ledger.run(|_| Ok(())).await {
            tracing::error!(%error, "the last notes could not be recorded");
        }
        ended
    }
}
