//! One dataset as its stewards see it: describing it, publishing it, its releases and imports.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id, titled};
use super::WrongForm;
use super::dataset_form::{checked, filled, fresh, info_field, info_lines, said};
use crate::app::App;
use crate::clock;
use crate::domain::dataset::{AccessMode, Later};
use crate::domain::ids::{ImportId, OrganisationId};
use crate::domain::import_job::{ImportOutcome, ImportState};
use crate::domain::preview::PreviewLevel;
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::ledger;
use crate::ledger::commands::datasets::{EditBasis, edit as edit_dataset, publish_draft};
use crate::ledger::commands::import_jobs;
use crate::ledger::commands::releases::{ReleaseChange, change_as_steward};
use crate::views::changed_files::{ChangedFile, since_last_import};
use crate::views::manage::{Choices, DatasetDesk, Named, choices, desk, named};
use crate::views::organisations::seen;
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::markdown;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "manage/dataset.html")]
struct DatasetPage {
    page: Page,
    desk: DatasetDesk,
    /// Files that are no longer what was imported, as far as that was noticed.
    changed_files: Vec<ChangedFile>,
    may_import: bool,
    now: Timestamp,
    wrong: DeskForms,
}

/// The forms of the page that were wrong.
#[derive(Default)]
pub(super) struct DeskForms {
    /// One that changes whether it is delivered or offered.
    pub(super) state: Option<Form>,
    /// One about a release.
    pub(super) release: Option<WrongForm<u32>>,
}

impl DatasetPage {
    /// What is wrong with a field of the form of a release; empty when nothing is.
    fn error(&self, number: &u32, field: &str) -> &str {
        self.form_of(*number).map_or("", |form| form.error(field))
    }

    /// What was typed in a field of the form of a release, as HTML.
    fn typed(&self, number: &u32, field: &str) -> String {
        self.form_of(*number).map_or_else(String::new, |form| form.html(field))
    }

    fn form_of(&self, number: u32) -> Option<&Form> {
        self.wrong.release.as_ref().filter(|wrong| wrong.about == number).map(|wrong| &wrong.form)
    }

    /// What is wrong with a field of the forms that change its state; empty when nothing is.
    fn state_error(&self, field: &str) -> &str {
        self.wrong.state.as_ref().map_or("", |form| form.error(field))
    }

    /// What was typed there, as HTML.
    fn state_typed(&self, field: &str) -> String {
        self.wrong.state.as_ref().map_or_else(String::new, |form| form.html(field))
    }

    /// Whether nothing on the page was wrong: then it may show itself anew while an import goes on.
    fn is_right(&self) -> bool {
        self.wrong.state.is_none() && self.wrong.release.is_none()
    }
}

/// A dataset that the reader may see.
pub(super) async fn load(app: &App, viewer: &Viewer, slug: &Slug) -> Result<DatasetDesk, WebError> {
    let (_, scope) = viewer.require_manager()?;
    let (reader, slug) = (viewer.manager()?, slug.clone());
    app.reads.read(move |conn| desk(conn, (&slug, &scope), &reader)).await?.ok_or(WebError::NotFound)
}

/// `GET /manage/datasets/{slug}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let desk = load(&app, &viewer, &parse_id(&slug)?).await?;
    render_desk(&app, &viewer, desk, (query.notice.as_deref(), DeskForms::default())).await
}

pub(super) async fn render_desk(
    app: &App,
    viewer: &Viewer,
    desk: DatasetDesk,
    (notice, wrong): (Option<&str>, DeskForms),
) -> Result<HttpResponse, WebError> {
    let (dataset, archive) = (desk.managed.dataset.clone(), app.log_archive.clone());
    let changed_files = app.reads.read(move |conn| since_last_import(conn, &archive, &dataset)).await?;
    let title = desk.managed.dataset.title.text(viewer.language).to_owned();
    let page = viewer.page(Section::Manage, &title).with_notice(notice);
    let may_import = desk.may_change && desk.open_import().is_none();
    let shown = DatasetPage { page, desk, changed_files, may_import, now: clock::now(), wrong };
    let status = if shown.is_right() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    show_with(viewer, status, &shown)
}

/// `POST /manage/datasets/{slug}/releases/{number}`: withdraws a release, or changes its embargo.
pub async fn change_release(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let (slug, number) = (parse_id::<Slug>(&path.0)?, parse_id::<u32>(&path.1)?);
    if !load(&app, &viewer, &slug).await?.may_change {
        return Err(WebError::NotFound);
    }
    let (field, change) = match form.get("do") {
        "withdraw" => ("reason", form.reason(&page).map(ReleaseChange::Withdraw)),
        "embargo" => {
            let until = Timestamp::parse(form.get("until").trim());
            if until.is_none() {
                form.fail("until", page.text("error-embargo"));
            }
            ("until", until.map(ReleaseChange::Embargo))
        }
        "end" => ("until", Some(ReleaseChange::EndEmbargo)),
        _ => return Err(WebError::BadRequest("problem-not-a-form")),
    };
    if let Some(change) = change {
        let named = slug.clone();
        match app.ledger.run(move |tx| change_as_steward(tx, by, (&named, number), &change)).await {
            Ok(()) => return Ok(go(&format!("/manage/datasets/{slug}?notice=saved#files"))),
            Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound => {
                form.fail(field, page.text(refusal.key()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let desk = load(&app, &viewer, &slug).await?;
    let wrong = DeskForms { release: Some(WrongForm { about: number, form }), state: None };
    render_desk(&app, &viewer, desk, (None, wrong)).await
}

#[derive(Template)]
#[template(path = "manage/dataset_form.html")]
struct FormPage {
    page: Page,
    form: Form,
    choices: Choices,
    /// Where the form is sent.
    action: String,
    is_new: bool,
    /// The description as it will look, where that was asked for.
    preview: Vec<(&'static str, String)>,
}

impl FormPage {
    /// The lines of *Additional info*: those that are filled in, and two more.
    fn info_lines(&self) -> std::ops::Range<usize> {
        0..info_lines(&self.form) + 2
    }

    fn info_id(&self, line: &usize, what: &str) -> String {
        info_field(*line, what)
    }

    /// The agreements that are chosen, and one more place.
    fn agreement_places(&self) -> Vec<String> {
        self.form.all("agreement").filter(|slug| !slug.is_empty()).map(str::to_owned).chain([String::new()]).collect()
    }
}

/// What is described: a new dataset of an organisation, or one that is there.
enum Described {
    New { organisation: OrganisationId, slug: Slug },
    Present(Box<DatasetDesk>, Named),
}

impl Described {
    const fn organisation(&self) -> OrganisationId {
        match self {
            Self::New { organisation, .. } => *organisation,
            Self::Present(desk, _) => desk.managed.dataset.organisation,
        }
    }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    described: &Described,
    (form, status): (Form, StatusCode),
) -> Result<HttpResponse, WebError> {
    let organisation = described.organisation();
    let choices = app.reads.read(move |conn| choices(conn, organisation)).await?;
    let (key, action) = match described {
        Described::New { slug, .. } => ("dataset-new", format!("/manage/new-dataset/{slug}")),
        Described::Present(desk, _) => ("dataset-edit", format!("/manage/datasets/{}/edit", desk.managed.dataset.slug)),
    };
    let preview = if form.get("do") == "preview" { preview(&form) } else { Vec::new() };
    let page = titled(viewer, Section::Manage, key, None);
    let is_new = matches!(described, Described::New { .. });
    show_with(viewer, status, &FormPage { page, form, choices, action, is_new, preview })
}

/// The description in each language that has one.
fn preview(form: &Form) -> Vec<(&'static str, String)> {
    let texts = crate::web::localised_fields::typed(form, "description");
    texts.0.iter().map(|(language, text)| (language.tag(), markdown::to_html(text, *language))).collect()
}

async fn new_in(app: &App, viewer: &Viewer, slug: &Slug) -> Result<Described, WebError> {
    let (who, scope) = viewer.require_manager()?;
    let named = slug.clone();
    let found = app.reads.read(move |conn| seen(conn, &named, &scope)).await?.ok_or(WebError::NotFound)?;
    if !who.officer(found.id).may_steward() {
        return Err(WebError::NotFound);
    }
    Ok(Described::New { organisation: found.id, slug: slug.clone() })
}

async fn present(app: &App, viewer: &Viewer, slug: &Slug) -> Result<Described, WebError> {
    let desk = load(app, viewer, slug).await?;
    if !desk.may_change {
        return Err(WebError::NotFound);
    }
    let dataset = desk.managed.dataset.clone();
    let named = app.reads.read(move |conn| named(conn, &dataset)).await?;
    Ok(Described::Present(Box::new(desk), named))
}

/// `GET /manage/new-dataset/{organisation}`
pub async fn new(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let described = new_in(&app, &viewer, &parse_id(&slug)?).await?;
    render(&app, &viewer, &described, (fresh(), StatusCode::OK)).await
}

/// `GET /manage/datasets/{slug}/edit`
pub async fn edit(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let described = present(&app, &viewer, &parse_id(&slug)?).await?;
    let Described::Present(desk, named) = &described else { return Err(WebError::NotFound) };
    let form = filled(&desk.managed.dataset, named);
    render(&app, &viewer, &described, (form, StatusCode::OK)).await
}

/// `POST /manage/new-dataset/{organisation}`
pub async fn post_new(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let described = new_in(&app, &posted.viewer, &parse_id(&slug)?).await?;
    save(&app, described, posted).await
}

/// `POST /manage/datasets/{slug}/edit`
pub async fn post_edit(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let described = present(&app, &posted.viewer, &parse_id(&slug)?).await?;
    save(&app, described, posted).await
}

async fn save(app: &App, described: Described, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    if form.get("do") != "save" {
        return render(app, &viewer, &described, (form, StatusCode::OK)).await;
    }
    let (slug, is_published) = match &described {
        Described::New { .. } => (None, false),
        Described::Present(desk, _) => (Some(desk.managed.dataset.slug.clone()), desk.managed.dataset.is_published()),
    };
    let Some(new) = checked(&page, &mut form, (slug, is_published)) else {
        return render(app, &viewer, &described, (form, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    let basis = match &described {
        Described::New { organisation, .. } => EditBasis::New(*organisation),
        Described::Present(..) => EditBasis::Since(Timestamp::parse(form.get("seen")).unwrap_or_default()),
    };
    let slug = new.slug().clone();
    match app.ledger.run(move |tx| edit_dataset(tx, by, basis, &new)).await {
        Ok(_) => Ok(go(&format!("/manage/datasets/{slug}?notice=saved"))),
        Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
            let now = present(app, &viewer, &slug).await?;
            if let Described::Present(desk, named) = &now {
                let dataset = &desk.managed.dataset;
                form.met_another_edit(&page, &filled(dataset, named), |field, value| said(&page, field, value));
                form.set("seen", &dataset.updated_at.to_string());
            }
            render(app, &viewer, &now, (form, StatusCode::CONFLICT)).await
        }
        Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound => {
            let field = match refusal {
                Refusal::NameTaken => "slug",
                Refusal::AgreementUnknown(_) => "agreement",
                Refusal::FormUnknown => "form",
                Refusal::CommitteeUnknown => "committee",
                _ => "",
            };
            form.fail(field, page.text(refusal.key()));
            let again = render(app, &viewer, &described, (form, StatusCode::UNPROCESSABLE_ENTITY)).await?;
            Ok(with_refusal(again, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /manage/datasets/{slug}/publish`: makes a draft public.
pub async fn publish(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let (by, slug) = (posted.viewer.require_signed_in()?.person.id, parse_id::<Slug>(&slug)?);
    let named = slug.clone();
    app.ledger.run(move |tx| publish_draft(tx, by, &named)).await?;
    Ok(go(&format!("/manage/datasets/{slug}?notice=dataset-published")))
}

/// `POST /manage/datasets/{slug}/imports/{id}/cancel`: stops an import.
pub async fn cancel(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let by = posted.viewer.require_signed_in()?.person.id;
    let (slug, id) = (parse_id::<Slug>(&path.0)?, parse_id::<ImportId>(&path.1)?);
    let named = slug.clone();
    app.ledger.run(move |tx| import_jobs::cancel(tx, by, &named, id)).await?;
    Ok(go(&format!("/manage/datasets/{slug}?notice=import-cancelled")))
}
