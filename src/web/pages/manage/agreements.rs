//! The agreements of an organisation: publishing them, and new versions of them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::agreement::{
    self, AgreementDescription, AgreementError, AgreementKind, AgreementVersion, NewAgreementVersion,
};
use crate::domain::day::Day;
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::text::{Language, Slug, TextError};
use crate::l10n::{self, Arg};
use crate::ledger;
use crate::ledger::commands::agreements::{publish_as_steward, set_last_day};
use crate::store::agreements;
use crate::store::new_versions::Concerned;
use crate::views::agreements::{self as views, InForce};
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
    /// The version in force; none of a new agreement.
    in_force: Option<InForce>,
    /// The form in which the day by which that is to be signed is changed.
    day: Form,
    /// The texts as they will look, where that was asked for.
    preview: Vec<(&'static str, String)>,
}

fn render(
    viewer: &Viewer,
    (organisation, slug): (&Slug, Option<&Slug>),
    (form, in_force, day): (Form, Option<InForce>, Option<Form>),
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "").with_notice(notice);
    let title = page.text(if slug.is_some() { "agreement-new-version" } else { "agreement-new" });
    let action = match slug {
        Some(slug) => format!("/manage/agreements/{organisation}/{slug}"),
        None => format!("/manage/new-agreement/{organisation}"),
    };
    let preview = if form.get("do") == "preview" { preview(&form) } else { Vec::new() };
    let day = day.or_else(|| in_force.as_ref().map(|shown| day_form(&shown.version))).unwrap_or_default();
    let shown = AgreementPage { page: page.titled(&title), form, action, in_force, day, preview };
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

/// The day by which a version is to be signed, to be changed.
fn day_form(version: &AgreementVersion) -> Form {
    let day = version.last_day().map(|day| day.to_string()).unwrap_or_default();
    Form::filled([("last_day", day), ("seen", version.number.to_string())])
}

/// A day that was typed, or none; else the form says what is wrong with it.
fn day(page: &Page, form: &mut Form, field: &str) -> Result<Option<Day>, TextError> {
    let typed = form.get(field).trim().to_owned();
    let day = Some(typed).filter(|text| !text.is_empty()).map(|text| text.parse()).transpose();
    if day.is_err() {
        form.fail(field, page.text("error-answer-date"));
    }
    day
}

/// Whether a refusal is said beside the day.
const fn is_about_day(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::SignByPast | Refusal::SignByTooLate | Refusal::NoEarlierVersion)
}

impl Page {
    /// How many people, projects and grants something is about.
    fn concerned_text(&self, key: &str, concerned: &Concerned) -> String {
        let Concerned { people, projects, grants } = *concerned;
        let values = [("people", people), ("projects", projects), ("grants", grants)];
        l10n::say(self.language, key, &values.map(|(name, number)| (name, Arg::Number(number))))
    }
}

/// What readers know the value of a field by, where that is another word.
fn said(page: &Page, field: &str, value: &str) -> Option<String> {
    match field {
        "kind" => Some(page.text(format!("agreement-kind-{value}"))),
        "binding" => Language::from_tag(value).map(|language| language.own_name().to_owned()),
        _ => None,
    }
}

/// The version in force of an agreement of the organisation.
async fn in_force(app: &App, organisation: &Organisation, slug: &Slug) -> Result<InForce, WebError> {
    let (id, slug, now) = (organisation.id, slug.clone(), clock::now());
    app.reads.read(move |conn| views::in_force(conn, id, &slug, now)).await?.ok_or(WebError::NotFound)
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
            let words = l10n::say(language, &format!("agreement-usual-{name}"), &[]);
            form.set(&localised::field(name, language), &words);
        }
    }
    render(&viewer, (&organisation.slug, None), (form, None, None), (None, StatusCode::OK))
}

/// `GET /manage/agreements/{organisation}/{agreement}`
pub async fn edit(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let organisation = stewarded(&app, &viewer, &parse_id(&path.0)?).await?;
    let slug: Slug = parse_id(&path.1)?;
    let shown = in_force(&app, &organisation, &slug).await?;
    let (form, notice) = (begun(&shown.version), query.notice.as_deref());
    render(&viewer, (&organisation.slug, Some(&slug)), (form, Some(shown), None), (notice, StatusCode::OK))
}

/// The form of the version after one.
fn begun(version: &AgreementVersion) -> Form {
    let mut form = Form::filled(fields(version));
    form.set("seen", &version.number.to_string());
    form
}

/// `POST /manage/agreements/{organisation}/{agreement}/sign-by`: by when those have to sign the version in force who signed an
/// earlier one.
pub async fn set_day(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let organisation = stewarded(&app, &viewer, &parse_id(&path.0)?).await?;
    let slug: Slug = parse_id(&path.1)?;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Ok(day) = day(&page, &mut form, "last_day") {
        let (id, seen, named) = (organisation.id, form.get("seen").parse().unwrap_or(0), slug.clone());
        match app.ledger.run(move |tx| set_last_day(tx, by, id, (&named, seen), day)).await {
            Ok(()) => {
                let notice = if day.is_some() { "sign-by-set" } else { "sign-by-removed" };
                return Ok(go(&format!("/manage/agreements/{}/{slug}?notice={notice}", organisation.slug)));
            }
            Err(ledger::Error::Refused(refusal @ Refusal::EditedMeanwhile)) => {
                status = StatusCode::CONFLICT;
                form.fail("", page.text(refusal.key()));
            }
            Err(ledger::Error::Refused(refusal)) if is_about_day(&refusal) => {
                form.fail("last_day", page.text(refusal.key()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let shown = in_force(&app, &organisation, &slug).await?;
    form.set("seen", &shown.version.number.to_string());
    let forms = (begun(&shown.version), Some(shown), Some(form));
    render(&viewer, (&organisation.slug, Some(&slug)), forms, (None, status))
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
    let sign_by = day(page, form, "sign_by");
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
        sign_by: sign_by.ok()?,
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
            Err(ledger::Error::Refused(refusal)) if is_about_day(&refusal) => {
                form.fail("sign_by", page.text(refusal.key()));
            }
            Err(ledger::Error::Refused(Refusal::NameTaken)) => form.fail("slug", page.text(Refusal::NameTaken.key())),
            Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
                status = StatusCode::CONFLICT;
                let slug = slug.as_ref().ok_or(WebError::NotFound)?;
                let now = in_force(app, &organisation, slug).await?.version;
                form.met_another_edit(&page, &Form::filled(fields(&now)), |field, value| said(&page, field, value));
                form.set("seen", &now.number.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let shown = match &slug {
        Some(slug) => Some(in_force(app, &organisation, slug).await?),
        None => None,
    };
    render(&viewer, (&organisation.slug, slug.as_ref()), (form, shown, None), (None, status))
}
