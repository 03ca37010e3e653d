//! Whether a dataset is delivered and offered, and by whom: suspending it, retiring it, offering it to another organisation.

use actix_web::{HttpResponse, web};

use super::super::parse_id;
use super::dataset::{DeskForms, load, render_desk};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::dataset::{RetirementChange, SuspensionChange};
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::{datasets as commands, handover};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::Section;
use crate::web::respond::go;

/// The dataset's page again, with what is wrong in a form on it.
async fn again(app: &App, viewer: &Viewer, slug: &Slug, form: Form) -> Result<HttpResponse, WebError> {
    let desk = load(app, viewer, slug).await?;
    render_desk(app, viewer, desk, (None, DeskForms { state: Some(form), release: None })).await
}

/// `POST /manage/datasets/{slug}/suspension`: suspends or restores.
pub async fn suspension(
    app: web::Data<App>,
    slug: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_signed_in()?.person.id;
    let slug: Slug = parse_id(&slug)?;
    let (change, notice) = match form.get("do") {
        "suspend" => {
            let page = viewer.page(Section::Manage, "");
            let Some(reason) = form.reason(&page) else { return again(&app, &viewer, &slug, form).await };
            (SuspensionChange::Suspend(reason), "dataset-suspended")
        }
        "restore" => (SuspensionChange::Restore, "dataset-restored"),
        _ => return Err(WebError::BadRequest("problem-not-a-form")),
    };
    let dataset = slug.clone();
    app.ledger.run(move |tx| commands::change_suspension(tx, by, &dataset, &change)).await?;
    Ok(go(&format!("/manage/datasets/{slug}?notice={notice}")))
}

/// `POST /manage/datasets/{slug}/retirement`: retires a dataset, or offers it again.
pub async fn retirement(
    app: web::Data<App>,
    slug: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_signed_in()?.person.id;
    let slug: Slug = parse_id(&slug)?;
    let (change, notice) = match form.get("do") {
        "retire" => {
            let page = viewer.page(Section::Manage, "");
            let typed = Reason::parse(form.get("retirement"));
            let Some(reason) = form.check(&page, "retirement", typed) else {
                return again(&app, &viewer, &slug, form).await;
            };
            (RetirementChange::Retire(reason), "dataset-retired")
        }
        "reinstate" => (RetirementChange::Reinstate, "dataset-reinstated"),
        _ => return Err(WebError::BadRequest("problem-not-a-form")),
    };
    let dataset = slug.clone();
    app.ledger.run(move |tx| commands::change_retirement(tx, by, &dataset, &change)).await?;
    Ok(go(&format!("/manage/datasets/{slug}?notice={notice}")))
}

/// `POST /manage/datasets/{slug}/offer`: offers a dataset to another organisation.
pub async fn offer(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let slug: Slug = parse_id(&slug)?;
    let to = form.get("to").trim().parse();
    if let Some(to) = form.check::<Slug>(&page, "to", to) {
        let dataset = slug.clone();
        match app.ledger.run(move |tx| handover::offer(tx, by, (&dataset, &to))).await {
            Ok(()) => return Ok(go(&format!("/manage/datasets/{slug}?notice=offered"))),
            Err(ledger::Error::Refused(
                refusal @ (Refusal::OrganisationUnknown
                | Refusal::SameOrganisation
                | Refusal::SharedTerms
                | Refusal::DatasetSuspended),
            )) => {
                form.fail("to", page.text(refusal.key()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    again(&app, &viewer, &slug, form).await
}
