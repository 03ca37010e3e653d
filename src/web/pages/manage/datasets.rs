//! The datasets that organisations hold.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{parse_id, titled};
use super::WrongForm;
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::dataset::{Dataset, DatasetOrder, DatasetSelection, DatasetState};
use crate::domain::organisation::{ManageScope, Organisation, OrganisationRole};
use crate::domain::text::{Language, Slug};
use crate::escape;
use crate::ledger;
use crate::ledger::commands::organisations::members::join as join_organisation;
use crate::ledger::commands::{datasets as commands, handover};
use crate::log::export::csv_row;
use crate::store::PageOf;
use crate::store::dataset_lists::{self, DatasetQuery};
use crate::views::manage::{ManagedDataset, OfferedDataset, listed, managed, offered};
use crate::views::organisations::invitations;
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::filtered_list::{BatchForm, ListLink, ListRequest, csv};
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

const PATH: &str = "/manage";
const COLUMNS: [&str; 9] =
    ["dataset", "title", "organisation", "access", "state", "release", "files", "bytes", "edited_at"];

type Query = ListRequest<DatasetSelection, DatasetOrder>;

#[derive(Template)]
#[template(path = "manage/datasets.html")]
struct DatasetsPage {
    page: Page,
    invitations: Vec<(Organisation, OrganisationRole)>,
    offered: Vec<OfferedDataset>,
    may_make: bool,
    /// The list of datasets, where the reader sees any.
    list: Option<DatasetRows>,
    query: Query,
    wrong: Option<WrongForm<Slug>>,
    batch: BatchForm<Slug>,
}

/// The list of datasets.
struct DatasetRows {
    rows: Vec<ManagedDataset>,
    selections: Vec<ListLink>,
    orders: Vec<ListLink>,
    export: String,
    later: Option<String>,
}

impl DatasetRows {
    /// Whether any can be suspended.
    fn may_suspend(&self) -> bool {
        self.rows.iter().any(|row| row.changes.suspend)
    }
}

impl DatasetsPage {
    /// The form of this dataset, if it was wrong.
    fn wrong_form(&self, dataset: &Dataset) -> Option<&Form> {
        self.wrong.as_ref().filter(|wrong| wrong.about == dataset.slug).map(|wrong| &wrong.form)
    }

    /// What is wrong with a field of the form of a dataset; empty when nothing is.
    fn error(&self, dataset: &Dataset, field: &str) -> &str {
        self.wrong_form(dataset).map_or("", |form| form.error(field))
    }

    /// Whether a committee was chosen for a dataset that is offered.
    fn chose(&self, dataset: &Dataset, committee: &Slug) -> bool {
        self.wrong_form(dataset).is_some_and(|form| form.chose("committee", committee.as_str()))
    }
}

/// What is looked for among the datasets of organisations.
fn wanted(query: &Query, scope: ManageScope) -> DatasetQuery {
    DatasetQuery { scope, text: query.words(), selection: query.selection(), order: query.order() }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: Query,
    (wrong, batch): (Option<WrongForm<Slug>>, BatchForm<Slug>),
) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let scope = who.manage_scope();
    if scope.is_none() && !who.is_invited {
        return Err(WebError::NotFound);
    }
    let (reader, after) = (viewer.manager()?, query.after.clone());
    let wanted = scope.map(|scope| wanted(&query, scope));
    let read = move |conn: &mut _| {
        let found = match &wanted {
            Some(wanted) => {
                Some((managed(conn, wanted, &reader, after.as_ref())?, dataset_lists::counts(conn, wanted)?))
            }
            None => None,
        };
        Ok((invitations(conn, &reader.person)?, offered(conn, &reader)?, found))
    };
    let (invitations, offered, found) = app.reads.read(read).await?;
    let page = titled(viewer, Section::Manage, "manage-datasets", query.notice.as_deref());
    let list = found.map(|(PageOf { rows, next }, counts)| DatasetRows {
        rows,
        selections: query.selections(&page, (PATH, "datasets"), &counts),
        orders: query.orders(&page, (PATH, "datasets"), &DatasetOrder::ALL),
        export: query.address("/manage/datasets.csv", &[]),
        later: query.later(PATH, next.as_ref()),
    });
    let is_wrong = wrong.is_some() || batch.is_wrong();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let may_make = !who.roles.is_empty();
    show_with(viewer, status, &DatasetsPage { page, invitations, offered, may_make, list, query, wrong, batch })
}

/// `GET /manage`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, query.into_inner(), (None, BatchForm::default())).await
}

/// `POST /manage`: suspends several at once.
pub async fn suspend_several(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_manager()?.0.person.id;
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Manage, ""));
    let Some((chosen, reason)) = BatchForm::read(&page, &mut form, "dataset")? else {
        return render(&app, &viewer, query, (None, BatchForm::of_wrong(form))).await;
    };
    let outcome = app.ledger.run(move |tx| commands::suspend_several(tx, by, &chosen, &reason)).await?;
    if outcome.refused.is_empty() {
        return Ok(go(&query.back(PATH, "datasets-suspended")));
    }
    let refusal = outcome.access_refusal();
    let again = render(&app, &viewer, query, (None, BatchForm::of_refused(&page, form, outcome))).await?;
    Ok(with_refusal(again, refusal.as_ref()))
}

/// `GET /manage/datasets.csv`: all that is found, as a table.
pub async fn export(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let (_, scope) = viewer.require_manager()?;
    let wanted = wanted(&query, scope);
    let read = move |conn: &mut _, after: Option<&_>| listed(conn, &wanted, after);
    Ok(csv(&app.reads, ("datasets", &COLUMNS), read, line))
}

fn line((dataset, organisation): &(Dataset, Slug)) -> String {
    csv_row(&[
        dataset.slug.as_str(),
        &escape::cell(dataset.title.text(Language::English)),
        organisation.as_str(),
        dataset.mode.as_str(),
        dataset.state().as_str(),
        &dataset.current_release.to_string(),
        &dataset.file_count.to_string(),
        &dataset.total_bytes.to_string(),
        &dataset.updated_at.to_string(),
    ])
}

/// `POST /manage/join/{organisation}`: takes up an invitation.
pub async fn join(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let (person, slug) = (posted.viewer.require_signed_in()?.person.id, parse_id::<Slug>(&slug)?);
    app.ledger.run(move |tx| join_organisation(tx, person, &slug)).await?;
    Ok(go("/manage?notice=joined"))
}

/// `POST /manage/datasets/{slug}/answer`: takes an offered dataset, declines it, or takes the offer back.
pub async fn answer(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { form, viewer } = posted;
    let by = viewer.require_signed_in()?.person.id;
    let slug: Slug = parse_id(&slug)?;
    match form.get("do") {
        "end" => {
            // It is taken back on the dataset's page, and declined on this one.
            let back =
                if form.get("at") == "dataset" { format!("/manage/datasets/{slug}") } else { "/manage".to_owned() };
            app.ledger.run(move |tx| handover::end_offer(tx, by, &slug)).await?;
            Ok(go(&format!("{back}?notice=offer-ended")))
        }
        "accept" => accept(&app, &viewer, slug, form).await,
        _ => Err(WebError::BadRequest("problem-not-a-form")),
    }
}

async fn accept(app: &App, viewer: &Viewer, slug: Slug, mut form: Form) -> Result<HttpResponse, WebError> {
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    if let Ok(committee) = form.chosen_or_none::<Slug>(&page, "committee") {
        let dataset = slug.clone();
        match app.ledger.run(move |tx| handover::accept(tx, by, (&dataset, committee.as_ref()))).await {
            Ok(()) => return Ok(go("/manage?notice=handed-over")),
            Err(ledger::Error::Refused(
                refusal @ (Refusal::CommitteeUnknown
                | Refusal::SharedTerms
                | Refusal::DatasetSuspended
                | Refusal::ImportRunning),
            )) => form.fail("committee", page.text(refusal.key())),
            Err(error) => return Err(error.into()),
        }
    }
    let query = Query::of_form(&form);
    render(app, viewer, query, (Some(WrongForm { about: slug, form }), BatchForm::default())).await
}
