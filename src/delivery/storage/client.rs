//! The client for other servers: HTTP/1.1 over connections that are kept, one set of them for each worker thread, so that
//! nothing that arrives has to change threads.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};

use rustls::ClientConfig;
use thread_local::ThreadLocal;

use crate::delivery::memory::TransferMemory;
use crate::trusted_roots::TrustedRoots;

/// How long another server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take from a request to the head of its answer. All tries together are over before a client's connection
/// is given up.
pub(super) const HEAD: Duration = Duration::from_secs(8);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(20);
/// What a connection reads at a time.
const LARGE_BODIES: usize = 256 * 1024;
/// The same while many transfers hold much.
const SMALL_BODIES: usize = 32 * 1024;

pub(super) type HttpClient = Client<HttpsConnector<HttpConnector>, HttpRequestBody>;

/// The clients of one gateway, a pair for each thread that asks: for bodies read in large and in small pieces.
#[derive(Debug)]
pub struct HttpClients {
    per_thread: ThreadLocal<(HttpClient, HttpClient)>,
    memory: Arc<TransferMemory>,
    tls: ClientConfig,
}

impl HttpClients {
    /// None yet; `memory` says when bodies must be read in small pieces.
    pub fn new(memory: Arc<TransferMemory>, roots: &TrustedRoots) -> Arc<Self> {
        Arc::new(Self { per_thread: ThreadLocal::new(), memory, tls: roots.client_config() })
    }

    /// This thread's client.
    pub(super) fn current(&self) -> HttpClient {
        let (large, small) =
            self.per_thread.get_or(|| (client(LARGE_BODIES, &self.tls), client(SMALL_BODIES, &self.tls)));
        if self.memory.is_scarce() { small.clone() } else { large.clone() }
    }
}

fn client(buffer: usize, tls: &ClientConfig) -> HttpClient {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(64)
        .http1_read_buf_exact_size(buffer)
        .build(connector)
}

/// What lies under an error: a refused connection, a certificate that is not trusted.
pub(super) fn root_cause(error: &dyn std::error::Error) -> &dyn std::error::Error {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

/// The same for the library that speaks to buckets.
#[derive(Debug)]
pub(super) struct Connector(pub Arc<HttpClients>);

impl object_store::client::HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<object_store::client::HttpClient> {
        Ok(object_store::client::HttpClient::new(Service(self.0.clone())))
    }
}

#[derive(Debug)]
struct Service(Arc<HttpClients>);

#[async_trait::async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let client = self.0.current();
        let answer = tokio::time::timeout(HEAD, client.request(request)).await;
        let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            // The library shows only the outermost words of an error.
            HttpError::new(kind, std::io::Error::other(root_cause(&error).to_string()))
        })?;
        let read = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(read))))
    }
}
