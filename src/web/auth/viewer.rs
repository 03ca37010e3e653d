//! Who is looking at a page: the session, the language, and the secret that their forms carry.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponseBuilder, web};

use super::origin::origin;
use super::refused_access::remember;
use super::session::{KNOWN, LANGUAGE, SESSION, SignedIn, VISITOR, cookie, cookie_value};
use crate::app::App;
use crate::clock;
use crate::config::Site;
use crate::domain::organisation::ManageScope;
use crate::domain::origin::{Origin, TrustedProxies};
use crate::domain::person::{Person, extended_session_end};
use crate::domain::text::Language;
use crate::identity::secrets;
use crate::store::{log, organisations, sessions};
use crate::views::manage::Manager;
use crate::web::error::WebError;
use crate::web::page::{Page, Section, SignedInUser};

/// Someone who is looking at a page.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The signed-in person, unless their account is suspended.
    pub signed_in: Option<SignedIn>,
    /// The language of the page.
    pub language: Language,
    /// The client's address and user agent.
    pub origin: Origin,
    /// The requested path and query.
    pub path_and_query: String,
    form_token: String,
    new_visitor_secret: Option<String>,
    known_accounts: String,
    https: bool,
    log_size: u64,
    several_organisations: bool,
    site: Arc<Site>,
}

fn language(request: &HttpRequest, https: bool) -> Language {
    if let Some(chosen) = cookie_value(request, LANGUAGE, https).and_then(|tag| Language::from_tag(&tag)) {
        return chosen;
    }
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.map(preferred_language).unwrap_or_default()
}

/// The highest-weighted supported language of an `Accept-Language` list (RFC 9110 section 12.5.4).
fn preferred_language(list: &str) -> Language {
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

impl Viewer {
    /// An anonymous viewer, built from the request alone.
    pub fn anonymous(request: &HttpRequest) -> Self {
        let app = request.app_data::<web::Data<App>>();
        let https = app.is_some_and(|app| app.config.is_https());
        let no_proxies = TrustedProxies::default();
        let proxies = app.map_or(&no_proxies, |app| &app.config.proxies);
        let visitor = cookie_value(request, VISITOR, https);
        let secret = visitor.clone().unwrap_or_else(|| secrets::fresh().expose().to_owned());
        Self {
            signed_in: None,
            language: language(request, https),
            origin: origin(request.headers(), request.peer_addr().map(|peer| peer.ip()), proxies),
            path_and_query: request.uri().path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            form_token: secrets::form_token(&secret),
            new_visitor_secret: visitor.is_none().then_some(secret),
            known_accounts: cookie_value(request, KNOWN, https).unwrap_or_default(),
            https,
            log_size: 0,
            several_organisations: false,
            site: app.map(|app| app.config.site.clone()).unwrap_or_default(),
        }
    }

    async fn find(request: HttpRequest) -> Result<Self, WebError> {
        let mut viewer = Self::anonymous(&request);
        let Some(app) = request.app_data::<web::Data<App>>() else { return Ok(viewer) };
        let secret = cookie_value(&request, SESSION, viewer.https);
        let (hash, now) = (secret.as_deref().map(secrets::hash), clock::now());
        let look_up = move |conn: &mut _| {
            let signed_in = hash.map(|hash| SignedIn::find(conn, hash, now)).transpose()?.flatten();
            Ok((signed_in, log::size(conn)?, organisations::are_several(conn)?))
        };
        (viewer.signed_in, viewer.log_size, viewer.several_organisations) = app.reads.read(look_up).await?;
        if let Some(session) = viewer.signed_in.as_ref().map(|who| &who.session)
            && let Some(end) = extended_session_end(session.created_at, session.expires_at, now)
        {
            let (ledger, hash) = (app.ledger.clone(), session.token_hash);
            // Nobody waits for it, and where it fails the next page tries again.
            tokio::spawn(async move { ledger.run(move |tx| Ok(sessions::extend(tx.conn, hash, end)?)).await });
        }
        if let (Some(_), Some(secret)) = (&viewer.signed_in, secret) {
            viewer.form_token = secrets::form_token(&secret);
            viewer.new_visitor_secret = None;
        }
        if let Some(who) = &viewer.signed_in {
            remember(&request, &who.person, &viewer.origin);
        }
        Ok(viewer)
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// [`WebError::SignIn`] when nobody is.
    pub fn require_signed_in(&self) -> Result<&SignedIn, WebError> {
        self.signed_in.as_ref().ok_or_else(|| WebError::SignIn(self.path_and_query.clone()))
    }

    /// The signed-in person, with their roles in organisations.
    ///
    /// # Errors
    /// [`WebError::SignIn`] when nobody is.
    pub fn manager(&self) -> Result<Manager, WebError> {
        let who = self.require_signed_in()?;
        Ok(Manager { person: who.person.clone(), roles: who.roles.clone() })
    }

    /// The signed-in administrator. Everyone else gets 404.
    ///
    /// # Errors
    /// [`WebError::SignIn`] or [`WebError::NotFound`].
    pub fn require_administrator(&self) -> Result<&SignedIn, WebError> {
        Some(self.require_signed_in()?).filter(|who| who.person.may_administer()).ok_or(WebError::NotFound)
    }

    /// The signed-in person, who may read the mail that the gateway sends. Everyone else gets 404.
    ///
    /// # Errors
    /// [`WebError::SignIn`] or [`WebError::NotFound`].
    pub fn require_mail_reader(&self) -> Result<&SignedIn, WebError> {
        Some(self.require_signed_in()?).filter(|who| who.person.may_read_mail()).ok_or(WebError::NotFound)
    }

    /// The signed-in administrator or auditor. Everyone else gets 404.
    ///
    /// # Errors
    /// [`WebError::SignIn`] or [`WebError::NotFound`].
    pub fn require_overseer(&self) -> Result<&SignedIn, WebError> {
        Some(self.require_signed_in()?).filter(|who| who.person.may_oversee()).ok_or(WebError::NotFound)
    }

    /// The signed-in auditor. Everyone else gets 404.
    ///
    /// # Errors
    /// [`WebError::SignIn`] or [`WebError::NotFound`].
    pub fn require_auditor(&self) -> Result<&SignedIn, WebError> {
        Some(self.require_signed_in()?).filter(|who| who.person.may_audit()).ok_or(WebError::NotFound)
    }

    /// The signed-in person, and what they may see of what organisations hold. Everyone else gets 404.
    ///
    /// # Errors
    /// [`WebError::SignIn`] or [`WebError::NotFound`].
    pub fn require_manager(&self) -> Result<(&SignedIn, ManageScope), WebError> {
        let who = self.require_signed_in()?;
        Ok((who, who.manage_scope().ok_or(WebError::NotFound)?))
    }

    /// Who is asking, and from where.
    pub fn asking(&self) -> (Option<&Person>, &Origin) {
        (self.signed_in.as_ref().map(|who| &who.person), &self.origin)
    }

    /// Whether there are several organisations: where there is one, no page speaks of them.
    pub const fn several_organisations(&self) -> bool {
        self.several_organisations
    }

    /// Whether a posted form carries the right secret.
    pub fn verify_form_token(&self, token: &str) -> bool {
        // A visitor without a cookie was never given a form.
        self.new_visitor_secret.is_none() && secrets::same(&self.form_token, token)
    }

    /// What the layout of a page needs.
    pub fn page(&self, section: Section, title: &str) -> Page {
        Page {
            language: self.language,
            title: title.to_owned(),
            section,
            user: self.signed_in.as_ref().map(|who| SignedInUser {
                name: who.person.name.to_string(),
                reviewer: who.decides() || who.person.may_audit(),
                manager: who.manage_scope().is_some(),
                invited: who.is_invited,
                auditor: who.person.may_audit(),
                administrator: who.person.may_administer(),
                overseer: who.person.may_oversee(),
                verified: who.person.email_verified_at.is_some(),
            }),
            waiting: self.signed_in.as_ref().map_or(0, |who| who.waiting),
            form_token: self.form_token.clone(),
            path: self.path_and_query.clone(),
            query: String::new(),
            log_size: self.log_size,
            several_organisations: self.several_organisations,
            notice: None,
            site: self.site.clone(),
            public: None,
        }
    }

    /// The accounts that this browser has signed in to before, as [`super::known_browser`] writes them.
    pub(super) fn known_accounts(&self) -> impl Iterator<Item = &str> {
        self.known_accounts.split('.').filter(|tag| !tag.is_empty())
    }

    /// Sets the visitor cookie that protects forms, if it isn't set yet.
    pub fn set_visitor_cookie(&self, response: &mut HttpResponseBuilder) {
        if let Some(secret) = &self.new_visitor_secret {
            response.cookie(cookie(VISITOR, secret.clone(), self.https));
        }
    }
}

impl FromRequest for Viewer {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

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
            assert_eq!(preferred_language(list), wanted, "{list}");
        }
    }
}
