//! Sessions of browsers: the cookies, and whose session it is.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};

use crate::domain::Timestamp;
use crate::domain::ids::OrganisationId;
use crate::domain::organisation::{ManageScope, Officer, OrganisationRole, manage_scope};
use crate::domain::person::{Person, SESSION_LIFE, decide_sign_in};
use crate::domain::text::{Language, Sha256};
use crate::store::sessions::Session;
use crate::store::{self, AnyConnection, committees, organisation_members, request_lists, sessions};

/// Someone who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Their account.
    pub person: Person,
    /// Their session.
    pub session: Session,
    /// Whether they review any dataset.
    pub reviewer: bool,
    /// Requests that wait for their vote.
    pub waiting: u64,
    /// The organisations that they run, with their role in each.
    pub roles: Vec<(OrganisationId, OrganisationRole)>,
    /// Whether they are invited to run one.
    pub is_invited: bool,
}

impl SignedIn {
    /// Finds the person whose session has this secret's hash, unless it has ended or the account is suspended.
    pub(super) fn find(conn: &mut AnyConnection, secret: Sha256, now: Timestamp) -> store::Result<Option<Self>> {
        let Some((session, person)) = sessions::live(conn, secret, now)? else { return Ok(None) };
        if decide_sign_in(&person).is_err() {
            return Ok(None);
        }
        let reviewer = committees::is_reviewer(conn, person.id)?;
        let waiting = if reviewer { request_lists::count_waiting(conn, person.id)? } else { 0 };
        let roles = organisation_members::roles_of(conn, person.id)?;
        let is_invited = match person.proved_email() {
            Some(email) => organisation_members::is_invited(conn, email)?,
            None => false,
        };
        Ok(Some(Self { person, session, reviewer, waiting, roles, is_invited }))
    }

    /// Whether they review a dataset or own an organisation.
    pub fn decides(&self) -> bool {
        self.reviewer || self.roles.iter().any(|(_, role)| *role == OrganisationRole::Owner)
    }

    /// What they may see of what organisations hold.
    pub fn manage_scope(&self) -> Option<ManageScope> {
        manage_scope(&self.person, &self.roles)
    }

    /// Their role in an organisation.
    pub fn role_in(&self, organisation: OrganisationId) -> Option<OrganisationRole> {
        self.roles.iter().find(|(id, _)| *id == organisation).map(|(_, role)| *role)
    }

    /// Themselves, with their role in an organisation.
    pub fn officer(&self, organisation: OrganisationId) -> Officer<'_> {
        Officer { person: &self.person, role: self.role_in(organisation) }
    }
}

/// The cookie of a session's secret.
pub(super) const SESSION: &str = "session";
/// The cookie of a secret for the forms of visitors who are not signed in.
pub(super) const VISITOR: &str = "visitor";
/// The cookie that names the accounts a browser has signed in to before: a keyed hash for each.
pub(super) const KNOWN: &str = "known";
/// The cookie of the chosen language.
pub(super) const LANGUAGE: &str = "language";

fn cookie_name(name: &str, https: bool) -> String {
    // The prefix makes browsers refuse the cookie from anybody but this host over https (RFC 6265bis).
    if https { format!("__Host-{name}") } else { name.to_owned() }
}

pub(super) fn cookie(name: &str, value: String, https: bool) -> Cookie<'static> {
    Cookie::build(cookie_name(name, https), value)
        .path("/")
        .http_only(true)
        .secure(https)
        .same_site(SameSite::Lax)
        .finish()
}

/// The cookie for a new session.
pub fn session_cookie(secret: &str, https: bool) -> Cookie<'static> {
    let mut cookie = cookie(SESSION, secret.to_owned(), https);
    cookie.set_max_age(Duration::seconds(SESSION_LIFE.whole_seconds()));
    cookie
}

/// The cookie that makes a browser forget its session.
pub fn no_session_cookie(https: bool) -> Cookie<'static> {
    let mut cookie = cookie(SESSION, String::new(), https);
    cookie.make_removal();
    cookie
}

/// The cookie that remembers the chosen language.
pub fn language_cookie(language: Language, https: bool) -> Cookie<'static> {
    let mut cookie = cookie(LANGUAGE, language.tag().to_owned(), https);
    cookie.set_max_age(Duration::days(365));
    cookie
}

pub(super) fn cookie_value(request: &HttpRequest, name: &str, https: bool) -> Option<String> {
    let value = request.cookie(&cookie_name(name, https))?.value().to_owned();
    (!value.is_empty() && value.len() <= 200).then_some(value)
}
