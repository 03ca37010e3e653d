//! Starting and stopping the server.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request};
use actix_server::{GracefulShutdownSignal, Server, ServerHandle};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::{App as ActixApp, middleware, web};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::data::{Corridor, Peer};
use super::failure::{self, Failure};
use super::shelf::Shelf;
use super::tls::{self, Certificate};
use super::{App, headers, routes};
use crate::delivery::limits::Client;
use crate::delivery::outlet::{EncryptedWire, Road};
use crate::delivery::transfer;
use crate::delivery::wire::{Connection, Wire, keep_patience};
use crate::domain::Instant;
use crate::ledger::commands::admission::assess;
use crate::ledger::gate::GateState;
use crate::ledger::{self, Ledger};
use crate::mail::worker::Postman;
use crate::store::{self, ReadPool, log};

/// A server that is running.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    postman: JoinHandle<()>,
    background: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

/// Seconds that running transfers have to end when the server stops.
const SHUTDOWN_SECONDS: u64 = 20;
/// What of that is left for recording those that did not.
const SHUTDOWN_RESERVE: u64 = 2;
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes that a TLS connection may hold encrypted.
const TLS_BUFFER: usize = 256 * 1024;
/// Connections that the system accepts for us while we are busy.
const BACKLOG: i32 = 4_096;

/// How often the gate's version is looked at. Transfers are cut within a second of a revocation anywhere.
const GATE_EVERY: Duration = Duration::from_millis(300);

/// Starts answering on `listener`, and the mail worker.
///
/// # Errors
/// When the listener can't be used, or the certificate.
pub fn start(app: App, listener: TcpListener) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    // Asked again for what the standard library asks for 128 of.
    rustix::net::listen(&listener, BACKLOG)?;
    let (stop, stopped) = watch::channel(false);
    let postman = Postman {
        ledger: app.ledger.clone(),
        reads: app.reads.clone(),
        transport: app.transport.clone(),
        base: app.config.base().to_owned(),
    };
    let postman = tokio::spawn(postman.run(stopped.clone()));
    let mut background = vec![
        tokio::spawn(watch_gate(app.ledger.clone(), app.watch.clone())),
        tokio::spawn(keep_patience(app.config.patience)),
        tokio::spawn(transfer::keep_patience(app.config.patience.stalled)),
    ];
    let workers = match app.config.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    };
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(app.config.connections.div_ceil(workers))
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let shared = app.clone();
    let builder = match &app.config.tls {
        None => builder.listen("countersign", listener, move || plain(&shared, &stopping))?,
        Some(files) => {
            let certificate = Certificate::load(files).map_err(std::io::Error::other)?;
            background.push(tokio::spawn(certificate.clone().follow()));
            let config = tls::server_config(certificate).map_err(std::io::Error::other)?;
            let acceptor = TlsAcceptor::from(Arc::new(config));
            builder.listen("countersign", listener, move || encrypted(&shared, &stopping, &acceptor))?
        }
    };
    let server = builder.run();
    let handle = server.handle();
    Ok(Running { address, app, handle, server: tokio::spawn(server), postman, background, stop })
}

/// Connections without TLS: HTTP/1.1.
fn plain(
    app: &App,
    stopping: &GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<> {
    fn_service(|stream: TcpStream| async move {
        let wire = wire(stream);
        let peer = wire.connection().peer();
        Ok::<_, DispatchError>((wire, Protocol::Http1, peer))
    })
    .and_then(http(app, stopping, |wire: &Wire| {
        let connection = wire.connection().clone();
        (connection.clone(), Some(Road::Plain(connection)))
    }))
}

/// Connections with TLS: HTTP/2 or HTTP/1.1, as the client likes.
fn encrypted(
    app: &App,
    stopping: &GracefulShutdownSignal,
    acceptor: &TlsAcceptor,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<> {
    let acceptor = acceptor.clone();
    fn_service(move |stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            let wire = wire(stream);
            let peer = wire.connection().peer();
            let agreed = tokio::time::timeout(HANDSHAKE, acceptor.accept(wire)).await;
            let mut stream = agreed
                .unwrap_or_else(|late| Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late)))
                .map_err(DispatchError::Io)?;
            // What is encrypted at a time; the usual 64 KiB make many small writes.
            stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            Ok::<_, DispatchError>((EncryptedWire::new(stream), protocol, peer))
        }
    })
    .and_then(http(app, stopping, |wire: &EncryptedWire| (wire.connection(), wire.road())))
}

fn wire(stream: TcpStream) -> Wire {
    // Without it, small answers on kept-alive connections wait for delayed acknowledgements. One that refuses is slower.
    let _ = stream.set_nodelay(true);
    Wire::new(stream)
}

/// What speaks HTTP on connections of any kind. `below` finds what cuts one, and the way straight to it.
fn http<T: AsyncRead + AsyncWrite + Unpin + 'static>(
    app: &App,
    stopping: &GracefulShutdownSignal,
    below: fn(&T) -> (Rc<Connection>, Option<Road>),
) -> impl ServiceFactory<
    (T, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<T> {
    // Each worker thread its own.
    actix_web::rt::spawn(ledger::attend());
    let shelf = Rc::new(Shelf::default());
    let (budgets, stopping) = (app.budgets.clone(), stopping.clone());
    HttpService::build()
        .keep_alive(app.config.patience.idle)
        .client_request_timeout(app.config.patience.asking)
        .client_disconnect_timeout(Duration::from_secs(1))
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .on_connect_ext(move |io: &T, extensions| {
            let (connection, road) = below(io);
            let address = connection.peer().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
            extensions.insert(Peer::new(connection, road, budgets.of(Client::at(address))));
        })
        .finish(Corridor { inner: application(app, &shelf), app: app.clone(), shelf })
}

fn application(
    app: &App,
    shelf: &Rc<Shelf>,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = ServiceResponse<impl actix_web::body::MessageBody + use<>>,
    Error = actix_web::Error,
    InitError = (),
    Service: 'static,
    Future: 'static,
> + use<> {
    ActixApp::new()
        .app_data(web::Data::new(app.clone()))
        .app_data(
            web::QueryConfig::default().error_handler(|_, _| Failure::BadRequest("problem-bad-request-detail").into()),
        )
        .app_data(web::PathConfig::default().error_handler(|_, _| Failure::NotFound.into()))
        .app_data(shelf.clone())
        .wrap(middleware::from_fn(failure::show))
        .wrap(headers::security(app.config.is_https()))
        .configure(routes::configure)
        .into_factory()
}

/// Looks through running transfers after something was revoked, here or by another process: a replica, or a command.
async fn watch_gate(ledger: Ledger, reads: ReadPool) {
    let mut revoked = ledger.signals().revoked.subscribe();
    let mut seen = None;
    loop {
        // When the database can't be read, there is nothing to tell; admissions fail by themselves.
        let elsewhere = reads.read(log::gate_version).await.is_ok_and(|version| {
            let before = seen.replace(version);
            before.is_some_and(|before| before != version)
        });
        if elsewhere || revoked.has_changed().unwrap_or(false) {
            revoked.mark_unchanged();
            review(&reads).await;
        }
        tokio::select! {
            () = tokio::time::sleep(GATE_EVERY) => {}
            // The ledger outlives this task.
            _ = revoked.changed() => revoked.mark_changed(),
        }
    }
}

/// Cuts the transfers that would not be admitted any more.
async fn review(reads: &ReadPool) {
    const TRIES: u32 = 3;
    for attempt in 1..=TRIES {
        let wishes = transfer::wishes();
        if wishes.is_empty() {
            return;
        }
        let now = Instant::now();
        let look = move |conn: &mut _| {
            let mut gate = GateState::default();
            for wish in &wishes {
                if let Err(denial) = assess(conn, &mut gate, &wish.passage, now)?.decision {
                    wish.cut(denial.as_str());
                }
            }
            Ok(())
        };
        // Three tries together take less than the second that is promised.
        let looked = tokio::time::timeout(Duration::from_millis(250), reads.read(look)).await;
        match looked.unwrap_or_else(|_| Err(store::Error::Connection("no answer in time".into()))) {
            Ok(()) => return,
            Err(error) if attempt == TRIES => {
                // What can't be known counts as revoked.
                tracing::error!(%error, "running transfers can't be looked through; all are cut");
                transfer::cut_all("gate unavailable");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Running {
    /// Stops taking connections and admitting, lets what is running end, and waits for it.
    ///
    /// # Errors
    /// When the server ended by an error.
    pub async fn stop(self) -> std::io::Result<()> {
        self.app.close();
        let late = tokio::spawn(async {
            tokio::time::sleep(Duration::from_secs(SHUTDOWN_SECONDS - SHUTDOWN_RESERVE)).await;
            transfer::cut_all("server stopped");
        });
        self.handle.stop(true).await;
        late.abort();
        for task in self.background {
            task.abort();
        }
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
        if let Err(error) = self.app.ledger.run(|_| Ok(())).await {
            tracing::error!(%error, "the last notes could not be recorded");
        }
        ended
    }
}
