//! Who is looking: the session, the language, and the secret that their forms carry.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, HttpResponseBuilder, web};

use super::failure::Failure;
use super::page::{Badge, Here, Page};
use super::state::App;
use crate::domain::Instant;
use crate::domain::person::Person;
use crate::domain::text::Language;
use crate::identity::secrets;
use crate::ledger::commands::accounts::Origin;
use crate::store::sessions::Session;
use crate::store::{datasets, log, requests, sessions};

/// Someone who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Their account.
    pub person: Person,
    /// Their session.
    pub session: Session,
    /// Whether they review any dataset.
    pub reviewer: bool,
}

/// Someone who is looking at a page.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Who, if they are signed in and their account is not suspended.
    pub signed_in: Option<SignedIn>,
    /// In which language.
    pub language: Language,
    /// From where.
    pub origin: Origin,
    /// The path and query they asked for.
    pub path: String,
    form_token: String,
    new_visitor: Option<String>,
    https: bool,
    waiting: u64,
    log_size: u64,
}

const SESSION: &str = "session";
const VISITOR: &str = "visitor";
const LANGUAGE: &str = "language";

fn cookie_name(name: &str, https: bool) -> String {
    // The prefix makes browsers refuse the cookie from anybody but this host over https (RFC 6265bis).
    if https { format!("__Host-{name}") } else { name.to_owned() }
}

fn cookie(name: &str, value: String, https: bool) -> Cookie<'static> {
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
    cookie.set_max_age(Duration::seconds(crate::domain::person::SESSION_LIFE.whole_seconds()));
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

fn cookie_value(request: &HttpRequest, name: &str, https: bool) -> Option<String> {
    let value = request.cookie(&cookie_name(name, https))?.value().to_owned();
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

fn language(request: &HttpRequest, https: bool) -> Language {
    if let Some(chosen) = cookie_value(request, LANGUAGE, https).and_then(|tag| Language::from_tag(&tag)) {
        return chosen;
    }
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.map(preferred).unwrap_or_default()
}

/// The first language of an `Accept-Language` list, by weight, that there is (RFC 9110 section 12.5.4).
fn preferred(list: &str) -> Language {
    let mut wanted: Vec<(f32, Language)> = list
        .split(',')
        .filter_map(|item| {
            let (tag, weight) = item.split_once(";q=").unwrap_or((item, "1"));
            let weight: f32 = weight.trim().parse().ok()?;
            (weight > 0.0).then_some((weight, Language::from_tag(tag.trim())?))
        })
        .collect();
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    wanted.first().map_or_else(Language::default, |(_, language)| *language)
}

/// From where a request comes. Behind a proxy it is what the proxy, the last to write, says.
pub fn origin(headers: &HeaderMap, peer: Option<IpAddr>, behind_proxy: bool) -> Origin {
    // A proxy may add a line of its own below the client's.
    let forwarded = headers.get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let said = forwarded.filter(|_| behind_proxy).and_then(|list| list.rsplit(',').next()).map(str::trim);
    let ip = said.and_then(|text| text.parse::<IpAddr>().ok()).or(peer).map(|ip| ip.to_string()).unwrap_or_default();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    Origin { ip, user_agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() }
}

impl Viewer {
    /// A viewer of whom nothing is known, for when the database does not answer.
    pub fn nobody(request: &HttpRequest) -> Self {
        let app = request.app_data::<web::Data<App>>();
        let https = app.is_some_and(|app| app.config.is_https());
        let behind_proxy = app.is_some_and(|app| app.config.tls_proxy);
        let visitor = cookie_value(request, VISITOR, https);
        let secret = visitor.clone().unwrap_or_else(|| secrets::fresh().expose().to_owned());
        Self {
            signed_in: None,
            language: language(request, https),
            origin: origin(request.headers(), request.peer_addr().map(|peer| peer.ip()), behind_proxy),
            path: request.uri().path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            form_token: secrets::form_token(&secret),
            new_visitor: visitor.is_none().then_some(secret),
            https,
            waiting: 0,
            log_size: 0,
        }
    }

    async fn find(request: HttpRequest) -> Result<Self, Failure> {
        let mut viewer = Self::nobody(&request);
        let Some(app) = request.app_data::<web::Data<App>>() else { return Ok(viewer) };
        let secret = cookie_value(&request, SESSION, viewer.https);
        let hash = secret.as_deref().map(secrets::hash);
        let now = Instant::now();
        let (found, log_size) = app
            .reads
            .read(move |conn| {
                let log_size = log::size(conn)?;
                let Some(hash) = hash else { return Ok((None, log_size)) };
                let Some((session, person)) = sessions::live(conn, hash, now)? else { return Ok((None, log_size)) };
                if person.suspended_at.is_some() {
                    return Ok((None, log_size));
                }
                let reviewer = datasets::is_reviewer(conn, person.id)?;
                let waiting = if reviewer { requests::count_waiting(conn, person.id)? } else { 0 };
                Ok((Some((SignedIn { person, session, reviewer }, waiting)), log_size))
            })
            .await?;
        viewer.log_size = log_size;
        if let (Some((signed_in, waiting)), Some(secret)) = (found, secret) {
            viewer.form_token = secrets::form_token(&secret);
            viewer.new_visitor = None;
            viewer.waiting = waiting;
            viewer.signed_in = Some(signed_in);
        }
        Ok(viewer)
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// [`Failure::SignIn`] when nobody is.
    pub fn required(&self) -> Result<&SignedIn, Failure> {
        self.signed_in.as_ref().ok_or_else(|| Failure::SignIn(self.path.clone()))
    }

    /// The administrator who is signed in. To anyone else there is nothing there.
    ///
    /// # Errors
    /// [`Failure::SignIn`] or [`Failure::NotFound`].
    pub fn administrator(&self) -> Result<&SignedIn, Failure> {
        Some(self.required()?).filter(|who| who.person.administrator).ok_or(Failure::NotFound)
    }

    /// The administrator or auditor who is signed in. To anyone else there is nothing there.
    ///
    /// # Errors
    /// [`Failure::SignIn`] or [`Failure::NotFound`].
    pub fn overseer(&self) -> Result<&SignedIn, Failure> {
        let oversees = |who: &&SignedIn| who.person.administrator || who.person.auditor;
        Some(self.required()?).filter(oversees).ok_or(Failure::NotFound)
    }

    /// Whether a posted form carries the right secret.
    pub fn owns_form(&self, token: &str) -> bool {
        // A visitor without a cookie was never given a form.
        self.new_visitor.is_none() && secrets::same(&self.form_token, token)
    }

    /// What the layout of a page needs.
    pub fn page(&self, here: Here, title: &str) -> Page {
        Page {
            language: self.language,
            title: title.to_owned(),
            here,
            badge: self.signed_in.as_ref().map(|who| Badge {
                name: who.person.name.to_string(),
                reviewer: who.reviewer,
                administrator: who.person.administrator,
                overseer: who.person.administrator || who.person.auditor,
                verified: who.person.email_verified_at.is_some(),
            }),
            waiting: self.waiting,
            form_token: self.form_token.clone(),
            path: self.path.clone(),
            query: String::new(),
            log_size: self.log_size,
            said: None,
        }
    }

    /// Adds the cookie that forms of visitors need, if they have none.
    pub fn keep(&self, response: &mut HttpResponseBuilder) {
        if let Some(secret) = &self.new_visitor {
            response.cookie(cookie(VISITOR, secret.clone(), self.https));
        }
    }
}

impl FromRequest for Viewer {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::find(request.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_by_weight() {
        for (list, wanted) in [
            ("zh-TW,zh;q=0.9,en;q=0.8", Language::TraditionalChinese),
            ("en-GB,zh-TW;q=0.5", Language::English),
            ("fr, zh-Hant;q=0.3", Language::TraditionalChinese),
            ("zh;q=0, en", Language::English),
            ("fr", Language::English),
            ("", Language::English),
            (";;;q=,,", Language::English),
        ] {
            assert_eq!(preferred(list), wanted, "{list}");
        }
    }
}
