//! The forms of an organisation: writing them, and new versions of them, without code.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use super::form_draft::{FormDraft, Rearrange, question_field, section_field};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::form::{FormVersion, KindName};
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::forms::publish_as_steward;
use crate::store::forms;
use crate::views::organisations::seen;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show, show_with};

#[derive(Template)]
#[template(path = "manage/forms.html")]
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

async fn stewarded(app: &App, viewer: &Viewer, slug: &Slug) -> Result<Organisation, WebError> {
    let (organisation, may_change) = organisation(app, viewer, slug).await?;
    if may_change { Ok(organisation) } else { Err(WebError::NotFound) }
}

/// `GET /manage/forms/{organisation}`
pub async fn list(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let (organisation, may_change) = organisation(&app, &viewer, &parse_id(&slug)?).await?;
    let id = organisation.id;
    let rows = app.reads.read(move |conn| forms::of_organisation(conn, id)).await?;
    let page = viewer.page(Section::Manage, "").with_notice(query.notice.as_deref());
    let title = page.text("manage-forms");
    show(&viewer, &ListPage { page: page.titled(&title), organisation, rows, may_change })
}

#[derive(Template)]
#[template(path = "manage/form.html")]
struct FormPage {
    page: Page,
    form: Form,
    sections: usize,
    questions: usize,
    /// Where the form is sent.
    action: String,
    is_new: bool,
    /// The form as it will look, where that was asked for.
    preview: Option<FormVersion>,
    empty: Form,
}

impl FormPage {
    fn q(&self, place: &usize, what: &str) -> String {
        question_field(*place, what)
    }

    fn s(&self, place: &usize, what: &str) -> String {
        section_field(*place, what)
    }

    fn kind(&self, place: &usize) -> &str {
        self.form.get(&question_field(*place, "kind"))
    }

    /// Whether a question has something in the part that is folded.
    fn has_more(&self, place: &usize) -> bool {
        let folded = ["options", "min_length", "min", "max", "types", "max_size", "if", "is"];
        let can_be_wrong = folded.iter().chain(&["id", "section"]);
        let is_filled = |what: &&str| !self.form.get(&question_field(*place, what)).is_empty();
        let is_wrong = |what: &&str| !self.form.error(&question_field(*place, what)).is_empty();
        let needs = matches!(self.kind(place), "choice" | "several" | "file");
        needs || folded.iter().any(is_filled) || can_be_wrong.into_iter().any(is_wrong)
    }

    /// Whether a question is in a section.
    fn is_in(&self, place: &usize, section: &usize) -> bool {
        self.form.get(&question_field(*place, "section")) == section.to_string()
            || *section == 0 && self.form.get(&question_field(*place, "section")).is_empty()
    }
}

fn render(
    viewer: &Viewer,
    (organisation, slug): (&Slug, Option<&Slug>),
    (draft, form): (&FormDraft, Form),
    (preview, status): (Option<FormVersion>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "");
    let title = page.text(if slug.is_some() { "agreement-new-version" } else { "form-new" });
    let action = match slug {
        Some(slug) => format!("/manage/forms/{organisation}/{slug}"),
        None => format!("/manage/new-form/{organisation}"),
    };
    let (sections, questions) = draft.size();
    let is_new = slug.is_none();
    let page = page.titled(&title);
    let shown = FormPage { page, form, sections, questions, action, is_new, preview, empty: Form::default() };
    show_with(viewer, status, &shown)
}

/// What readers know the value of a field by, where that is another word.
fn said(page: &Page, field: &str, value: &str) -> Option<String> {
    matches!(field.split_once('.'), Some((_, "kind"))).then(|| page.text(format!("question-kind-{value}")))
}

/// The version in force of a form of the organisation.
async fn in_force(app: &App, organisation: &Organisation, slug: &Slug) -> Result<FormVersion, WebError> {
    let (id, slug) = (organisation.id, slug.clone());
    let read = move |conn: &mut _| match forms::owned_by(conn, &slug)? {
        Some((form, owner)) if owner == id => forms::in_force(conn, form),
        _ => Ok(None),
    };
    app.reads.read(read).await?.ok_or(WebError::NotFound)
}

/// `GET /manage/new-form/{organisation}`
pub async fn new(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let organisation = stewarded(&app, &viewer, &parse_id(&slug)?).await?;
    let draft = FormDraft::fresh();
    let form = Form::filled(draft.fields());
    render(&viewer, (&organisation.slug, None), (&draft, form), (None, StatusCode::OK))
}

/// `GET /manage/forms/{organisation}/{form}`
pub async fn edit(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let organisation = stewarded(&app, &viewer, &parse_id(&path.0)?).await?;
    let slug: Slug = parse_id(&path.1)?;
    let version = in_force(&app, &organisation, &slug).await?;
    let draft = FormDraft::of_version(&version);
    let mut form = Form::filled(draft.fields());
    form.set("seen", &version.number.to_string());
    render(&viewer, (&organisation.slug, Some(&slug)), (&draft, form), (None, StatusCode::OK))
}

/// `POST /manage/new-form/{organisation}`
pub async fn post_new(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    publish(&app, &parse_id(&slug)?, None, posted).await
}

/// `POST /manage/forms/{organisation}/{form}`
pub async fn post_edit(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    publish(&app, &parse_id(&path.0)?, Some(parse_id(&path.1)?), posted).await
}

async fn publish(app: &App, organisation: &Slug, slug: Option<Slug>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { form: typed, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let organisation = stewarded(app, &viewer, organisation).await?;
    let mut draft = FormDraft::of_page(&typed);
    let button = typed.get("do").to_owned();
    if let Some(how) = Rearrange::parse(&button) {
        draft.rearrange(how);
    }
    let mut form = Form::filled(draft.fields());
    form.set("seen", typed.get("seen"));
    form.set("slug", typed.get("slug"));
    let place = (&organisation.slug, slug.as_ref());
    if !matches!(button.as_str(), "preview" | "publish") {
        return render(&viewer, place, (&draft, form), (None, StatusCode::OK));
    }
    let name = slug.clone().or_else(|| {
        let typed = form.get("slug").trim().parse();
        form.check(&page, "slug", typed)
    });
    let new = name.and_then(|name| draft.checked(&page, &mut form, name));
    let mut answer = (None, StatusCode::UNPROCESSABLE_ENTITY);
    match new {
        Some(new) if button == "preview" => {
            let nobody = uuid::Uuid::nil();
            answer = (Some(new.publish(nobody.into(), nobody.into(), None, clock::now())), StatusCode::OK);
        }
        Some(new) => {
            let (id, seen) = (organisation.id, slug.as_ref().map(|_| form.get("seen").parse().unwrap_or(0)));
            match app.ledger.run(move |tx| publish_as_steward(tx, by, (id, seen), new)).await {
                Ok(_) => return Ok(go(&format!("/manage/forms/{}?notice=version-published", organisation.slug))),
                Err(ledger::Error::Refused(Refusal::NameTaken)) => {
                    form.fail("slug", page.text(Refusal::NameTaken.key()));
                }
                Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
                    answer.1 = StatusCode::CONFLICT;
                    let now = in_force(app, &organisation, slug.as_ref().ok_or(WebError::NotFound)?).await?;
                    let now_fields = Form::filled(FormDraft::of_version(&now).fields());
                    form.met_another_edit(&page, &now_fields, |field, value| said(&page, field, value));
                    form.set("seen", &now.number.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        None => {}
    }
    render(&viewer, place, (&draft, form), answer)
}
