//! The short way for what most requests are: a file that is known here, asked for with a token that is known here. They
//! pass the same gate as all others, without the routing and wrapping that pages need; everything else, and everything
//! that has to be put into words, goes on to the application.

use std::rc::Rc;

use actix_http::body::{EitherBody, MessageBody};
use actix_http::header::AUTHORIZATION;
use actix_http::{HttpMessage, Request, Response};
use actix_service::{Service, ServiceFactory};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::Method;
use futures_util::future::LocalBoxFuture;

use super::answer::DataBody;
use super::asked::{Asked, Peer};
use super::gate::{Gate, Turned};
use super::{Failure, PREFIX};
use crate::domain::Instant;
use crate::ledger::commands::admission::Bearer;
use crate::web::headers;
use crate::web::shelf::Shelf;
use crate::web::state::App;

/// Makes, for each worker thread, the service that has the short way before the application.
pub struct Corridor<A> {
    /// The application's factory.
    pub inner: A,
    /// For the gate.
    pub app: App,
    /// What this thread knows.
    pub shelf: Rc<Shelf>,
}

impl<A, B> ServiceFactory<Request> for Corridor<A>
where
    A: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        >,
    A::Future: 'static,
    A::Service: 'static,
    <A::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<EitherBody<B, DataBody>>;
    type Error = actix_web::Error;
    type Config = ();
    type Service = CorridorService<A::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let inner = self.inner.new_service(AppConfig::default());
        let (app, shelf) = (self.app.clone(), self.shelf.clone());
        Box::pin(async move {
            let inner = Rc::new(inner.await?);
            Ok(CorridorService { inner, known: Rc::new(Rooms { app, shelf }) })
        })
    }
}

/// The service of one worker thread.
pub struct CorridorService<S> {
    inner: Rc<S>,
    known: Rc<Rooms>,
}

struct Rooms {
    app: App,
    shelf: Rc<Shelf>,
}

impl<S, B> Service<Request> for CorridorService<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<EitherBody<B, DataBody>>;
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: Request) -> Self::Future {
        let (inner, rooms) = (self.inner.clone(), self.known.clone());
        Box::pin(async move {
            if request.path().starts_with(PREFIX) {
                match rooms.serve(&request).await {
                    Some(Ok(mut response)) => {
                        headers::complete(response.headers_mut(), rooms.app.config.is_https());
                        return Ok(response.map_body(|_, body| EitherBody::right(body)));
                    }
                    Some(Err(failure)) => {
                        request.extensions_mut().insert(failure);
                    }
                    None => {}
                }
            }
            let response: Response<B> = inner.call(request).await?.into();
            Ok(response.map_body(|_, body| EitherBody::left(body)))
        })
    }
}

impl Rooms {
    /// Answers, if this is a request for the short way. What is turned away for good was recorded.
    async fn serve(&self, request: &Request) -> Option<Result<Response<DataBody>, Failure>> {
        if request.uri().query().is_some() || !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let address = request.path().strip_prefix(PREFIX)?;
        let file = self.shelf.file(address)?;
        let peer = request.conn_data::<Peer>()?;
        let token = peer.token(&self.shelf, request.headers().get(AUTHORIZATION)?, Instant::now())?;
        let asked =
            Asked { method: request.method(), address: request.path(), headers: request.headers(), peer: Some(peer) };
        let bearer = Bearer::Token(token.verified.id);
        let gate = Gate { app: &self.app, asked, bearer, credential: Some(token.budget) };
        match gate.deliver(&file).await {
            Ok(response) => Some(Ok(response)),
            Err(Turned::Away(failure)) => Some(Err(failure)),
            Err(Turned::Stale) => {
                self.shelf.forget_files();
                None
            }
        }
    }
}
