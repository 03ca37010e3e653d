//! A request for data, as far as the gate must know it.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};

use crate::app::App;
use crate::delivery::connection::flush::ExclusiveConnection;
use crate::delivery::connection::stream::Connection;
use crate::delivery::limits::{Budget, Client};
use crate::domain::origin::Origin;
use crate::domain::transfer::ReadMethod;
use crate::web::auth::origin;

/// The connection that a request came over: stored when it begins, found with each of its requests.
pub struct Peer {
    /// The connection.
    pub connection: Rc<Connection>,
    /// The same, where one answer follows the other on it: it speaks HTTP/1.1.
    pub exclusive: Option<ExclusiveConnection>,
    /// Whether what is sent on it goes through TLS.
    pub encrypted: bool,
    /// What its address may still ask for.
    pub budget: Arc<Budget>,
    /// What its address may still ask for without a token or session.
    pub anonymous_budget: Arc<Budget>,
}

/// A request for data.
#[derive(Clone, Copy)]
pub struct DataRequest<'a> {
    /// GET or HEAD.
    pub method: ReadMethod,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The connection it came over.
    pub peer: Option<&'a Peer>,
}

impl<'a> DataRequest<'a> {
    /// The request that actix-web has parsed.
    pub fn of(request: &'a HttpRequest) -> Self {
        Self {
            method: if request.method() == Method::HEAD { ReadMethod::Head } else { ReadMethod::Get },
            headers: request.headers(),
            peer: request.conn_data::<Peer>(),
        }
    }

    /// A header as text.
    pub fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// From where it comes.
    pub fn origin(&self, app: &App) -> Origin {
        let peer = self.peer.and_then(|peer| peer.connection.peer()).map(|peer| peer.ip());
        origin(self.headers, peer, &app.config.proxies)
    }

    /// The budget of what comes from its address without a token or session.
    pub fn anonymous_budget(&self, app: &App, origin: &Origin) -> Option<Arc<Budget>> {
        if app.config.tls_proxy {
            return origin.network().map(|network| app.budgets.budget_for(Client::Anonymous(network)));
        }
        self.peer.map(|peer| peer.anonymous_budget.clone())
    }

    /// The budget of the address it comes from. Behind a proxy a connection has requests of many.
    pub fn address_budget(&self, app: &App, origin: &Origin) -> Option<Arc<Budget>> {
        if app.config.tls_proxy {
            return origin.network().map(|network| app.budgets.budget_for(Client::Network(network)));
        }
        self.peer.map(|peer| peer.budget.clone())
    }
}
