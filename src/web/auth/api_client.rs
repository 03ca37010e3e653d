//! Who asks over the JSON API: the owner of a token with scopes, or of a browser's session.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};

use super::bearer::{authorization, bearer, token_in_query};
use super::refused_access::remember;
use super::viewer::Viewer;
use crate::app::App;
use crate::clock;
use crate::domain::api_token::Scope;
use crate::domain::ids::TokenId;
use crate::domain::organisation::{ManageScope, Officer, OrganisationRole, manage_scope};
use crate::domain::origin::Origin;
use crate::domain::person::{Person, decide_sign_in};
use crate::domain::text::Sha256;
use crate::domain::token::TokenRecord;
use crate::domain::{TimeSpan, Timestamp};
use crate::identity::tokens::{self as jwt, TokenError};
use crate::store::{AnyConnection, Result, committees, organisation_members, people, sessions, tokens};
use crate::views::manage::Manager;
use crate::web::error::WebError;

/// The header that carries the secret of a session's forms.
pub const FORM_TOKEN_HEADER: &str = "x-form-token";
/// How often the last use of a token is noted.
const NOTED_EVERY: TimeSpan = TimeSpan::seconds(60);

/// Somebody who asks over the API.
#[derive(Clone, Debug)]
pub struct ApiClient {
    /// The account, with its roles in organisations.
    pub reader: Manager,
    /// Whether they are on a committee.
    pub is_reviewer: bool,
    /// The client's address and user agent.
    pub origin: Origin,
    /// What the token may be used for; a session may be used for everything.
    scopes: Option<Vec<Scope>>,
    /// When the owner of the session proved who they are; not with a token.
    pub proved_at: Option<Timestamp>,
    /// What says who it is.
    pub credential: ApiCredential,
    /// When the token ends.
    pub ends_at: Option<Timestamp>,
}

/// What says who a client is.
#[derive(Clone, Copy, Debug)]
pub enum ApiCredential {
    /// A token.
    Token(TokenId),
    /// A session, by the hash of its secret.
    Session(Sha256),
}

impl ApiCredential {
    /// Whether it still works.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_live(self, conn: &mut AnyConnection, now: Timestamp) -> Result<bool> {
        match self {
            Self::Token(id) => Ok(live_token(conn, id, now)?.is_some()),
            Self::Session(hash) => {
                Ok(sessions::live(conn, hash, now)?.is_some_and(|(_, person)| decide_sign_in(&person).is_ok()))
            }
        }
    }
}

impl ApiClient {
    /// The account.
    pub const fn person(&self) -> &Person {
        &self.reader.person
    }

    /// Whether this may be used for something.
    ///
    /// # Errors
    /// [`WebError::Scope`].
    pub fn require(&self, scope: Scope) -> std::result::Result<(), WebError> {
        let has = self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope));
        if has { Ok(()) } else { Err(WebError::Scope(scope)) }
    }

    /// Whether they are on a committee or own an organisation.
    pub fn decides(&self) -> bool {
        self.is_reviewer || self.reader.roles.iter().any(|(_, role)| *role == OrganisationRole::Owner)
    }

    /// What they may see of what organisations hold.
    ///
    /// # Errors
    /// [`WebError::NotFound`] for everybody else.
    pub fn manage_scope(&self) -> std::result::Result<ManageScope, WebError> {
        manage_scope(&self.reader.person, &self.reader.roles).ok_or(WebError::NotFound)
    }

    /// Themselves, with their role in an organisation.
    pub fn officer(&self, organisation: crate::domain::ids::OrganisationId) -> Officer<'_> {
        self.reader.officer(organisation)
    }
}

/// A scope as a type, for what takes clients with that scope alone.
pub trait NeedsScope {
    /// The scope.
    const SCOPE: Scope;
}

/// The scopes as types.
pub mod scope {
    use super::{NeedsScope, Scope};

    macro_rules! scopes {
        ($($name:ident),*) => {$(
            #[doc = concat!("[`Scope::", stringify!($name), "`].")]
            #[derive(Debug)]
            pub enum $name {}

            impl NeedsScope for $name {
                const SCOPE: Scope = Scope::$name;
            }
        )*};
    }
    scopes!(Read, Apply, Review, Steward, Audit);
}

/// Somebody whose token is good for a scope. Where one is extracted, nobody else comes.
pub struct ScopedClient<S>(ApiClient, PhantomData<S>);

impl<S> Deref for ScopedClient<S> {
    type Target = ApiClient;

    fn deref(&self) -> &ApiClient {
        &self.0
    }
}

impl<S: NeedsScope + 'static> FromRequest for ScopedClient<S> {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let client = find(&request).await?.ok_or_else(|| WebError::SignIn(request.path().to_owned()))?;
            client.require(S::SCOPE)?;
            Ok(Self(client, PhantomData))
        })
    }
}

/// Anybody who asks over the API, known or not.
pub struct ApiVisitor(pub Option<ApiClient>);

impl FromRequest for ApiVisitor {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(find(&request).await?)) })
    }
}

async fn find(request: &HttpRequest) -> std::result::Result<Option<ApiClient>, WebError> {
    if token_in_query(request.query_string()) {
        return Err(WebError::TokenInUrl);
    }
    match authorization(request.headers())? {
        Some(header) => by_token(request, header).await.map(Some),
        None => by_session(request).await,
    }
}

async fn by_session(request: &HttpRequest) -> std::result::Result<Option<ApiClient>, WebError> {
    let viewer = Viewer::extract(request).await?;
    let Some(who) = &viewer.signed_in else { return Ok(None) };
    // What changes something must come from somebody who can read our pages: no other site can.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let token = request.headers().get(FORM_TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !viewer.verify_form_token(token) {
            return Err(WebError::FormExpired(None));
        }
    }
    Ok(Some(ApiClient {
        reader: Manager { person: who.person.clone(), roles: who.roles.clone() },
        is_reviewer: who.reviewer,
        origin: viewer.origin.clone(),
        scopes: None,
        proved_at: Some(who.session.proved_at),
        credential: ApiCredential::Session(who.session.token_hash),
        ends_at: None,
    }))
}

async fn by_token(request: &HttpRequest, header: &str) -> std::result::Result<ApiClient, WebError> {
    let app = request.app_data::<web::Data<App>>().ok_or(WebError::InvalidToken)?;
    let (token, now) = (bearer(header).ok_or(WebError::InvalidToken)?, clock::now());
    let id = match jwt::verify(&app.keys, app.config.base(), &token, now) {
        Ok(verified) => verified.id,
        Err(TokenError::CutOff) => return Err(WebError::TokenCutOff),
        Err(TokenError::Expired(_) | TokenError::Invalid) => return Err(WebError::InvalidToken),
    };
    let owner = app.reads.read(move |conn| owner(conn, id, now)).await?.ok_or(WebError::InvalidToken)?;
    let viewer = Viewer::anonymous(request);
    remember(request, &owner.reader.person, &viewer.origin);
    if owner.scopes.is_empty() {
        // It downloads, and nothing else.
        return Err(WebError::Scope(Scope::Read));
    }
    if owner.last_used_at.is_none_or(|last| last + NOTED_EVERY <= now) {
        let ledger = app.ledger.clone();
        // Nobody waits for it, and where it fails the next request tries again.
        tokio::spawn(async move { ledger.run(move |tx| Ok(tokens::touch(tx.conn, id, tx.now)?)).await });
    }
    Ok(ApiClient {
        reader: owner.reader,
        is_reviewer: owner.is_reviewer,
        origin: viewer.origin,
        scopes: Some(owner.scopes),
        proved_at: None,
        credential: ApiCredential::Token(id),
        ends_at: Some(owner.ends_at),
    })
}

/// Whose a token is, and what it may be used for.
struct Owner {
    reader: Manager,
    is_reviewer: bool,
    scopes: Vec<Scope>,
    last_used_at: Option<Timestamp>,
    ends_at: Timestamp,
}

/// A token that works, with its owner; `None` when it was revoked or has ended, or the account is suspended.
fn live_token(conn: &mut AnyConnection, id: TokenId, now: Timestamp) -> Result<Option<(TokenRecord, Person)>> {
    let Some(record) = tokens::by_id(conn, id)?.filter(|record| record.is_live(now)) else { return Ok(None) };
    let owner = people::by_id(conn, record.person)?.filter(|person| decide_sign_in(person).is_ok());
    Ok(owner.map(|person| (record, person)))
}

/// What the owner of a token that works may do.
fn owner(conn: &mut AnyConnection, id: TokenId, now: Timestamp) -> Result<Option<Owner>> {
    let Some((record, mut person)) = live_token(conn, id, now)? else { return Ok(None) };
    // What only auditors see, only tokens for auditing see.
    person.auditor &= record.scopes.contains(&Scope::Audit);
    let roles = organisation_members::roles_of(conn, person.id)?;
    let is_reviewer = committees::is_reviewer(conn, person.id)?;
    let reader = Manager { person, roles };
    let TokenRecord { scopes, last_used_at, expires_at: ends_at, .. } = record;
    Ok(Some(Owner { reader, is_reviewer, scopes, last_used_at, ends_at }))
}
