//! The datasets that organisations hold.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{ListQuery, next_page, parse_id, tidy, titled};
use super::WrongForm;
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::dataset::Dataset;
use crate::domain::organisation::{Organisation, OrganisationRole};
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::handover;
use crate::ledger::commands::organisations::members::join as join_organisation;
use crate::store::{Cursor, PageOf};
use crate::views::manage::{ManagedDataset, OfferedDataset, managed, offered};
use crate::views::organisations::invitations;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "manage/datasets.html")]
struct DatasetsPage {
    page: Page,
    invitations: Vec<(Organisation, OrganisationRole)>,
    offered: Vec<OfferedDataset>,
    may_make: bool,
    /// Whether the reader sees any datasets here.
    has_scope: bool,
    search: String,
    rows: Vec<ManagedDataset>,
    /// Where this page begins.
    after: String,
    later: Option<String>,
    wrong: Option<WrongForm<Slug>>,
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

/// The page from which a form was sent.
fn page_of(form: &Form) -> ListQuery {
    ListQuery { q: Some(form.get("q").to_owned()), after: form.get("after").parse().ok(), ..ListQuery::default() }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    wrong: Option<WrongForm<Slug>>,
) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let scope = who.manage_scope();
    if scope.is_none() && !who.is_invited {
        return Err(WebError::NotFound);
    }
    let after = query.after.clone().unwrap_or(Cursor::first());
    let search = tidy(query.q.as_deref());
    let words = search.clone();
    let reader = viewer.manager()?;
    let read = move |conn: &mut _| {
        let rows = match &scope {
            Some(scope) => managed(conn, scope, &reader, (&words, &after))?,
            None => PageOf { rows: Vec::new(), next: None },
        };
        Ok((invitations(conn, &reader.person)?, offered(conn, &reader)?, rows))
    };
    let (invitations, offered, PageOf { rows, next }) = app.reads.read(read).await?;
    let shown = DatasetsPage {
        page: titled(viewer, Section::Manage, "manage-datasets", query.notice.as_deref()),
        invitations,
        offered,
        may_make: !who.roles.is_empty(),
        has_scope: who.manage_scope().is_some(),
        rows,
        after: query.after.as_ref().map(ToString::to_string).unwrap_or_default(),
        later: next_page("/manage", &search, next),
        search,
        wrong,
    };
    let status = if shown.wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    show_with(viewer, status, &shown)
}

/// `GET /manage`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, &query, None).await
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
    let query = page_of(&form);
    render(app, viewer, &query, Some(WrongForm { about: slug, form })).await
}
