//! My account: profile, password, sessions, and what the log says about me.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::identity::{LinkQuery, affiliation, fresh_link, new_password, with_cookie};
use super::{address, may_try, prove_password, titled};
use crate::app::App;
use crate::clock;
use crate::domain::person::{Person, check_password_length};
use crate::domain::text::{Email, Language};
use crate::identity::secrets;
use crate::identity::throttle::Attempt;
use crate::ledger;
use crate::ledger::commands::passwords::{self, Tokens};
use crate::ledger::commands::{emails, people as commands, sessions as session_commands};
use crate::store::Cursor;
use crate::store::mail_links::{self, LinkPurpose, LinkState};
use crate::store::sessions::Session;
use crate::views::account::{self, AccountView};
use crate::views::audit::DownloadEnd;
use crate::web::auth::{SignedIn, Viewer, known_browser_cookie, with_refusal};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show as show_page, show_with};

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    page: Page,
    person: Person,
    profile: Form,
    password: Form,
    email: Form,
    view: AccountView,
    present: Session,
    sessions_paged: bool,
    later_sessions: Option<String>,
    later_entries: Option<String>,
}

/// The forms of the page, as far as they were posted.
#[derive(Default)]
struct Forms {
    profile: Option<Form>,
    password: Option<Form>,
    email: Option<Form>,
}

/// Which part of the lists, and what was just done.
#[derive(Deserialize, Default)]
pub struct AccountQuery {
    /// Where the list of sessions begins.
    after: Option<Cursor>,
    /// The entry of the log before which the list of entries begins.
    before: Option<u64>,
    notice: Option<String>,
}

async fn render(
    app: &App,
    viewer: &Viewer,
    forms: Forms,
    query: &AccountQuery,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let SignedIn { person, session: present, .. } = viewer.require_signed_in()?.clone();
    let (id, archive, now) = (person.id, app.log_archive.clone(), clock::now());
    let (after, before) = (query.after.clone().unwrap_or(Cursor::newest()), query.before);
    let read = move |conn: &mut _| account::show(conn, &archive, id, (&after, before), now);
    let view = app.reads.read(read).await?;
    let later = |name: &str, at: String| address("/account", &[(name, &at)]);
    let shown = AccountPage {
        page: titled(viewer, Section::Account, "account-title", query.notice.as_deref()),
        profile: forms.profile.unwrap_or_else(|| profile_of(&person)),
        password: forms.password.unwrap_or_default(),
        email: forms.email.unwrap_or_default(),
        sessions_paged: query.after.is_some(),
        later_sessions: view.sessions.next.as_ref().map(|next| later("after", next.to_string())),
        later_entries: view.next_entries.map(|next| later("before", next.to_string())),
        person,
        view,
        present,
    };
    show_with(viewer, status, &shown)
}

fn profile_of(person: &Person) -> Form {
    Form::filled([
        ("name", person.name.as_str()),
        ("affiliation", person.affiliation.as_deref().unwrap_or("")),
        ("language", person.language.tag()),
    ])
}

/// `GET /account`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<AccountQuery>,
) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, Forms::default(), &query, StatusCode::OK).await
}

/// The page again, with what is wrong in the forms.
async fn again(app: &App, viewer: &Viewer, forms: Forms, status: StatusCode) -> Result<HttpResponse, WebError> {
    render(app, viewer, forms, &AccountQuery::default(), status).await
}

/// `POST /account`: the profile.
pub async fn profile(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let id = viewer.require_signed_in()?.person.id;
    let page = viewer.page(Section::Account, "");
    let name = form.person_name(&page);
    let affiliation = affiliation(&page, &mut form);
    let language = Language::from_tag(form.get("language")).unwrap_or(viewer.language);
    let (Some(name), false) = (name, form.is_wrong()) else {
        let forms = Forms { profile: Some(form), ..Forms::default() };
        return again(&app, &viewer, forms, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    app.ledger.run(move |tx| commands::update_profile(tx, id, name, affiliation, language)).await?;
    Ok(go("/account?notice=profile-saved"))
}

/// `POST /account/password`
pub async fn password(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let who = viewer.require_signed_in()?.clone();
    let page = viewer.page(Section::Account, "");
    let id = who.person.id;
    let length = check_password_length(form.get("password"));
    form.check(&page, "password", length);
    // The old one first: its tries are counted.
    let verified = prove_password(&app, &viewer, &page, (&mut form, "old_password"), id).await?;
    let about = [who.person.email.as_str(), who.person.name.as_str()];
    let new = if verified.is_some() && !form.is_wrong() {
        new_password(&app, &viewer, (&page, &mut form), &about).await?
    } else {
        form.forget("password");
        None
    };
    let (Some(new), Some(verified), false) = (new, verified, form.is_wrong()) else {
        let forms = Forms { password: Some(form), ..Forms::default() };
        return again(&app, &viewer, forms, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let hash = app.passwords.hash(viewer.origin.network(), new).await?;
    let tokens = if form.chose("revoke_tokens", "yes") { Tokens::Revoke } else { Tokens::Keep };
    let (keep, origin) = (who.session.token_hash, viewer.origin);
    app.ledger.run(move |tx| passwords::change(tx, id, &verified, &hash, (keep, tokens), &origin)).await?;
    Ok(go("/account?notice=password-changed"))
}

/// `POST /account/email`: mails a link to the address that is to become the account's. Says the same whether that has an
/// account or not.
pub async fn change_email(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let id = viewer.require_signed_in()?.person.id;
    let page = viewer.page(Section::Account, "");
    let new_email = form.get("new_email").parse::<Email>();
    let new_email = form.check(&page, "new_email", new_email);
    let verified = prove_password(&app, &viewer, &page, (&mut form, "email_password"), id).await?;
    if verified.is_some() && !form.is_wrong() {
        // Counted apart from the password, which is right: this mails whoever is named.
        may_try(&app, &viewer, &page, &mut form, Attempt::ChangeEmail(id));
    }
    let (Some(new_email), Some(verified), false) = (new_email, verified, form.is_wrong()) else {
        let forms = Forms { email: Some(form), ..Forms::default() };
        return again(&app, &viewer, forms, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let (link, origin) = (fresh_link("/account/email"), viewer.origin);
    app.ledger.run(move |tx| emails::request_change(tx, id, &verified, &new_email, &link, &origin)).await?;
    Ok(go("/account?notice=new-address-link-sent"))
}

#[derive(Template)]
#[template(path = "account/email.html")]
struct EmailPage {
    page: Page,
    form: Form,
    /// The address that is to become the account's, if the link works.
    new_email: String,
}

/// `GET /account/email`: asks for a click, so that programs that look into mail do not use the link up.
pub async fn confirm_email(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<LinkQuery>,
) -> Result<HttpResponse, WebError> {
    let person = viewer.require_signed_in()?.person.id;
    let page = titled(&viewer, Section::Account, "email-title", None);
    let link = query.into_inner().link.unwrap_or_default();
    let (hash, now) = (secrets::hash(&link), clock::now());
    let read = move |conn: &mut _| mail_links::look_up(conn, hash, LinkPurpose::ChangeEmail, now);
    let new_email = match app.reads.read(read).await? {
        LinkState::Live(link) if link.person == person => link.new_email,
        // What is wrong is said when it is sent.
        LinkState::Live(_) | LinkState::Used(_) | LinkState::Gone => None,
    };
    let new_email = new_email.map(String::from).unwrap_or_default();
    show_page(&viewer, &EmailPage { page, form: Form::filled([("link", link)]), new_email })
}

/// `POST /account/email/confirm`: makes the new address the account's.
pub async fn post_confirm_email(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let id = viewer.require_signed_in()?.person.id;
    let (link, origin) = (secrets::hash(form.get("link")), viewer.origin.clone());
    match app.ledger.run(move |tx| emails::confirm_change(tx, id, link, &origin)).await {
        Ok(email) => with_cookie(go("/account?notice=email-changed"), &known_browser_cookie(&app, &viewer, &email)),
        Err(ledger::Error::Refused(refusal)) => {
            let page = titled(&viewer, Section::Account, "email-title", None);
            form.fail("", page.text(refusal.key()));
            let again = EmailPage { page, form, new_email: String::new() };
            Ok(with_refusal(show_with(&viewer, StatusCode::CONFLICT, &again)?, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/sessions/end-others`
pub async fn end_others(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let who = posted.viewer.require_signed_in()?;
    let (person, keep) = (who.person.id, who.session.token_hash);
    app.ledger.run(move |tx| session_commands::end_others(tx, person, keep)).await?;
    Ok(go("/account?notice=sessions-ended"))
}
