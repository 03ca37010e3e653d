//! Starting and stopping the server.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request};
use actix_server::{GracefulShutdownSignal, Server, ServerHandle};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::{App as ActixApp, middleware, web};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::auth::TokenCache;
use super::data::{LookupCache, Peer};
use super::error::WebError;
use super::page_turns::PageTurns;
use super::{old_clients, page_turns, problem, routes, security_headers};
use crate::app::App;
use crate::delivery::connection::flush::ExclusiveConnection;
use crate::delivery::connection::http2_guard::Http2Guard;
use crate::delivery::connection::stream::{ClientStream, Connection};
use crate::delivery::connection::tls::{self, Certificate};
use crate::delivery::limits::Client;
use crate::domain::origin::Network;
use crate::domain::transfer::Interruption;

/// A server that is running.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
}

/// Seconds that active transfers have to end when the server stops.
const SHUTDOWN_SECONDS: u64 = 20;
/// What of that is left for recording those that did not.
const SHUTDOWN_RESERVE: u64 = 2;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes that a TLS connection may hold encrypted. The usual 64 KiB make many small writes.
const TLS_BUFFER: usize = 256 * 1024;
/// Connections that the kernel accepts while all workers are busy.
const BACKLOG: i32 = 4_096;

/// Starts answering on `listener`, on at most `connections` connections at a time. The certificate is given where TLS ends
/// here.
///
/// # Errors
/// When the listener can't be used.
pub fn start(
    app: App,
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    connections: usize,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    // The standard library listens with a backlog of 128.
    rustix::net::listen(&listener, BACKLOG)?;
    let workers = match app.config.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    };
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(connections.div_ceil(workers))
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let shared = app.clone();
    let builder = match certificate {
        None => builder.listen("countersign", listener, move || plain(&shared, &stopping))?,
        Some(certificate) => {
            let config = tls::server_config(certificate).map_err(std::io::Error::other)?;
            let acceptor = TlsAcceptor::from(Arc::new(config));
            builder.listen("countersign", listener, move || encrypted(&shared, &stopping, &acceptor))?
        }
    };
    let server = builder.run();
    let handle = server.handle();
    Ok(Running { address, app, handle, server: tokio::spawn(server) })
}

/// Connections without TLS: HTTP/1.1.
fn plain(
    app: &App,
    stopping: &GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<> {
    let own = app.clone();
    fn_service(move |stream: TcpStream| {
        let stream = accept(&own, stream);
        async move {
            let stream = stream?;
            let peer = stream.connection().peer();
            Ok::<_, DispatchError>((stream, Protocol::Http1, peer))
        }
    })
    .and_then(http(app, stopping, |stream: &ClientStream| {
        let connection = stream.connection().clone();
        PeerConnection { connection, protocol: Protocol::Http1, encrypted: false }
    }))
}

/// Connections with TLS: HTTP/2 or HTTP/1.1, as agreed by ALPN.
fn encrypted(
    app: &App,
    stopping: &GracefulShutdownSignal,
    acceptor: &TlsAcceptor,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<> {
    let (acceptor, own, idle) = (acceptor.clone(), app.clone(), app.config.timeouts.idle);
    fn_service(move |stream: TcpStream| {
        let (acceptor, stream) = (acceptor.clone(), accept(&own, stream));
        async move {
            let stream = stream?;
            let peer = stream.connection().peer();
            let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
            let mut stream = handshake
                .unwrap_or_else(|late| Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late)))
                .map_err(DispatchError::Io)?;
            stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
            let protocol = negotiated(&stream);
            let stream = match protocol {
                Protocol::Http2 => Http2Guard::http2(stream, idle),
                _ => Http2Guard::other(stream),
            };
            Ok::<_, DispatchError>((stream, protocol, peer))
        }
    })
    .and_then(http(app, stopping, |stream: &Http2Guard<TlsStream<ClientStream>>| {
        let stream = stream.get_ref();
        let (connection, protocol) = (stream.get_ref().0.connection().clone(), negotiated(stream));
        PeerConnection { connection, protocol, encrypted: true }
    }))
}

/// The version of HTTP that was agreed by ALPN.
fn negotiated(stream: &TlsStream<ClientStream>) -> Protocol {
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    }
}

/// What is known of a connection when it begins.
struct PeerConnection {
    connection: Rc<Connection>,
    protocol: Protocol,
    encrypted: bool,
}

/// Takes a connection, unless its network has as many as it may. Behind a proxy all come from one address.
fn accept(app: &App, stream: TcpStream) -> Result<ClientStream, DispatchError> {
    let network = stream.peer_addr().ok().map(|peer| Network::of(peer.ip())).filter(|_| !app.config.tls_proxy);
    let slot = match network {
        Some(network) => Some(app.connection_counts.take(network).ok_or_else(too_many_connections)?),
        None => None,
    };
    // Without it, small answers on kept-alive connections wait for delayed acknowledgements. A socket that refuses it is
    // only slower.
    let _ = stream.set_nodelay(true);
    Ok(ClientStream::new(stream, &app.connections, slot))
}

fn too_many_connections() -> DispatchError {
    DispatchError::Io(std::io::Error::new(
        std::io::ErrorKind::ConnectionRefused,
        "too many connections from one network",
    ))
}

/// HTTP on streams of any kind. `connection_of` finds the connection under one.
fn http<T: AsyncRead + AsyncWrite + Unpin + 'static>(
    app: &App,
    stopping: &GracefulShutdownSignal,
    connection_of: fn(&T) -> PeerConnection,
) -> impl ServiceFactory<
    (T, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<T> {
    let (budgets, stopping) = (app.budgets.clone(), stopping.clone());
    HttpService::build()
        .keep_alive(app.config.timeouts.idle)
        .client_request_timeout(app.config.timeouts.request)
        .client_disconnect_timeout(Duration::from_secs(1))
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .on_connect_ext(move |stream: &T, extensions| {
            let PeerConnection { connection, protocol, encrypted } = connection_of(stream);
            let exclusive = (protocol == Protocol::Http1).then(|| ExclusiveConnection::new(connection.clone()));
            let network = Network::of(connection.peer().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip()));
            extensions.insert(Peer {
                connection,
                exclusive,
                encrypted,
                budget: budgets.budget_for(Client::Network(network)),
                anonymous_budget: budgets.budget_for(Client::Anonymous(network)),
            });
        })
        .finish(map_config(application(app), |()| AppConfig::default()))
}

/// The application of one worker thread, with the caches that are its own.
fn application(
    app: &App,
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
            web::QueryConfig::default().error_handler(|_, _| WebError::BadRequest("problem-bad-request-detail").into()),
        )
        .app_data(web::PathConfig::default().error_handler(|_, _| WebError::NotFound.into()))
        .app_data(Rc::new(LookupCache::default()))
        .app_data(Rc::new(TokenCache::default()))
        .app_data(Rc::new(PageTurns::default()))
        .wrap(middleware::from_fn(problem::show))
        .wrap(middleware::from_fn(old_clients::without_chunks))
        .wrap(security_headers::security(app.config.is_https()))
        .wrap(middleware::from_fn(page_turns::take_turn))
        .configure(routes::configure)
        .into_factory()
}

impl Running {
    /// Stops accepting connections and admitting, lets what is active end, and waits for it.
    ///
    /// # Errors
    /// When the server ended by an error.
    pub async fn stop(self) -> std::io::Result<()> {
        self.app.stop_admitting();
        let transfers = self.app.transfers.clone();
        let late = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(SHUTDOWN_SECONDS - SHUTDOWN_RESERVE)).await;
            transfers.abort_all(Interruption::ServerStopped);
        });
        self.handle.stop(true).await;
        late.abort();
        let ended = self.server.await.unwrap_or(Ok(()));
        // Transfers that were aborted are dropped by threads that end on their own.
        for _ in 0..200 {
            if self.app.transfers.unrecorded_ends() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ended
    }
}
