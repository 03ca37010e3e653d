//! The agreements of an organisation: publishing them, and new versions of them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::agreement::{
    self, AgreementDescription, AgreementError, AgreementKind, AgreementVersion, NewAgreementVersion,
};
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::text::{Language, Slug};
use crate::ledger;
use crate::ledger::commands::agreements::publish_as_steward;
use crate::store::agreements;
use crate::views::organisations::seen;
use crate::web::auth::Viewer;
use crate::web::error::{Fault, WebError};
use crate::web::forms::{Form, Posted, fault_text};
use crate::web::localised_fields as localised;
use crate::web::markdown;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show, show_with};

#[derive(Template)]
#[template(path = "manage/agreements.html")]
struct ListPage {
    page: Page,
    organisation: Organisation,
    rows: Vec<(Slug, Localised)>,
    may_change: bool,
}

async fn organisation(app: &App, viewer: &Viewer, slug: &Slug) -> Result<(Organisation, bool), WebError> {
    let (who, scope) = viewer.require_manager()?;
    let slug = slug.clone();
    let found = app.reads.read(move |conn| seen(conn, &slug, &scope)).await?.ok_or(WebError::NotFound)?;
    let may_change = who.officer(found.id).may_steward();
    Ok((found, may_change))
}

/// `GET /manage/agreements/{organisation}`
pub async fn list(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let (organisation, may_change) = organisation(&app, &viewer, &parse_id(&slug)?).await?;
    let id = organisation.id;
    let rows = app.reads.read(move |conn| agreements::of_organisation(conn, id)).await?;
    let page = viewer.page(Section::Manage, "").with_notice(query.notice.as_deref());
    let title = page.text("manage-agreements");
    show(&viewer, &ListPage { page: page.titled(&title), organisation, rows, may_change })
}

#[derive(Template)]
#[template(path = "manage/agreement.html")]
struct AgreementPage {
    page: Page,
    form: Form,
    /// Where the form is sent.
    action: String,
    is_new: bool,
    /// The texts as they will look, where that was asked for.
    preview: Vec<(&'static str, String)>,
}

fn render(
    viewer: &Viewer,
    (organisation, slug): (&Slug, Option<&Slug>),
    form: Form,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "");
    let title = page.text(if slug.is_some() { "agreement-new-version" } else { "agreement-new" });
    let action = match slug {
        Some(slug) => format!("/manage/agreements/{organisation}/{slug}"),
        None => format!("/manage/new-agreement/{organisation}"),
    };
    let preview = if form.get("do") == "preview" { preview(&form) } else { Vec::new() };
    let shown = AgreementPage { page: page.titled(&title), form, action, is_new: slug.is_none(), preview };
    show_with(viewer, status, &shown)
}

fn preview(form: &Form) -> Vec<(&'static str, String)> {
    let texts = localised::typed(form, "texts");
    texts.0.iter().map(|(language, text)| (language.tag(), markdown::to_document(text, *language, 1).html)).collect()
}

/// The fields of a version.
fn fields(version: &AgreementVersion) -> Vec<(String, String)> {
    let texts = Localised(version.texts.iter().map(|text| (text.language, text.body.clone())).collect());
    let all = [
        ("title", &version.title),
        ("statement", &version.statement),
        ("consent", &version.consent),
        ("texts", &texts),
    ];
    let mut fields: Vec<_> = all.into_iter().flat_map(|(name, text)| localised::fields(name, text)).collect();
    fields.push(("kind".into(), version.kind.to_string()));
    fields.push(("binding".into(), version.binding.tag().into()));
    fields
}

/// What readers know the value of a field by, where that is another word.
fn said(page: &Page, field: &str, value: &str) -> Option<String> {
    match field {
        "kind" => Some(page.text(format!("agreement-kind-{value}"))),
        "binding" => Language::from_tag(value).map(|language| language.own_name().to_owned()),
        _ => None,
    }
}

/// A version of an agreement of the organisation.
async fn in_force(app: &App, organisation: &Organisation, slug: &Slug) -> Result<AgreementVersion, WebError> {
    let (id, slug) = (organisation.id, slug.clone());
    let read = move |conn: &mut _| match agreements::owned_by(conn, &slug)? {
        Some((agreement, owner)) if owner == id => agreements::in_force(conn, agreement),
        _ => Ok(None),
    };
    app.reads.read(read).await?.ok_or(WebError::NotFound)
}

async fn stewarded(app: &App, viewer: &Viewer, slug: &Slug) -> Result<Organisation, WebError> {
    let (organisation, may_change) = organisation(app, viewer, slug).await?;
    if may_change { Ok(organisation) } else { Err(WebError::NotFound) }
}

/// `GET /manage/new-agreement/{organisation}`
pub async fn new(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let organisation = stewarded(&app, &viewer, &parse_id(&slug)?).await?;
    let mut form = Form::filled([("kind", AgreementKind::default().as_str()), ("binding", Language::default().tag())]);
    // The usual words, to begin with.
    for language in Language::ALL {
        for name in ["statement", "consent"] {
            let words = crate::l10n::say(language, &format!("agreement-usual-{name}"), &[]);
            form.set(&localised::field(name, language), &words);
        }
    }
    render(&viewer, (&organisation.slug, None), form, StatusCode::OK)
}

/// `GET /manage/agreements/{organisation}/{agreement}`
pub async fn edit(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let organisation = stewarded(&app, &viewer, &parse_id(&path.0)?).await?;
    let slug: Slug = parse_id(&path.1)?;
    let version = in_force(&app, &organisation, &slug).await?;
    let mut form = Form::filled(fields(&version));
    form.set("seen", &version.number.to_string());
    render(&viewer, (&organisation.slug, Some(&slug)), form, StatusCode::OK)
}

/// What was typed, if nothing is wrong with it; else the form says what is.
fn checked(page: &Page, form: &mut Form, slug: Option<Slug>) -> Option<NewAgreementVersion> {
    let slug = slug.or_else(|| {
        let typed = form.get("slug").trim().parse();
        form.check(page, "slug", typed)
    });
    let title = localised::checked(page, form, "title", agreement::parse_title);
    let statement = localised::checked(page, form, "statement", agreement::parse_words);
    let consent = localised::checked(page, form, "consent", agreement::parse_words);
    let kind = form.chosen(page, "kind");
    let texts = localised::typed(form, "texts").0;
    let binding = Language::from_tag(form.get("binding")).map(Some);
    if binding.is_none() {
        form.fail("binding", page.text("error-choose"));
    }
    let description = AgreementDescription {
        organisation: None,
        slug: slug?,
        title: title?,
        statement: statement?,
        consent: consent?,
        kind: kind?,
        binding: binding?,
        texts,
    };
    match NewAgreementVersion::parse(description) {
        Ok(new) => Some(new),
        Err(error) => {
            let (field, fault) = place_of_agreement_error(&error);
            form.fail(&field, fault_text(page, "texts", fault));
            None
        }
    }
}

/// The field that an error is about, and what is wrong with it.
pub fn place_of_agreement_error(error: &AgreementError) -> (String, Fault) {
    match error {
        AgreementError::NoText => (localised::first("texts"), Fault::Message("error-no-text")),
        AgreementError::EmptyText(language) => (localised::field("texts", *language), Fault::Message("error-no-text")),
        AgreementError::Text { field, language, error } => (localised::field(field, *language), Fault::Text(*error)),
        AgreementError::MissingLanguage { field, language } => {
            (localised::field(field, *language), Fault::Message("error-missing-language"))
        }
        AgreementError::Binding(_) => ("binding".to_owned(), Fault::Message("error-binding")),
    }
}

/// `POST /manage/new-agreement/{organisation}`
pub async fn post_new(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    publish(&app, &parse_id(&slug)?, None, posted).await
}

/// `POST /manage/agreements/{organisation}/{agreement}`
pub async fn post_edit(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    publish(&app, &parse_id(&path.0)?, Some(parse_id(&path.1)?), posted).await
}

async fn publish(app: &App, organisation: &Slug, slug: Option<Slug>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let organisation = stewarded(app, &viewer, organisation).await?;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if form.get("do") != "publish" {
        // A preview, or the Enter key in a field: nothing is published by the way.
        status = StatusCode::OK;
    } else if let Some(new) = checked(&page, &mut form, slug.clone()) {
        let (id, seen) = (organisation.id, slug.as_ref().map(|_| form.get("seen").parse().unwrap_or(0)));
        match app.ledger.run(move |tx| publish_as_steward(tx, by, (id, seen), new)).await {
            Ok(_) => return Ok(go(&format!("/manage/agreements/{}?notice=version-published", organisation.slug))),
            Err(ledger::Error::Refused(Refusal::NameTaken)) => form.fail("slug", page.text(Refusal::NameTaken.key())),
            Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
                status = StatusCode::CONFLICT;
                let slug = slug.as_ref().ok_or(WebError::NotFound)?;
                let now = in_force(app, &organisation, slug).await?;
                form.met_another_edit(&page, &Form::filled(fields(&now)), |field, value| said(&page, field, value));
                form.set("seen", &now.number.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    render(&viewer, (&organisation.slug, slug.as_ref()), form, status)
}
