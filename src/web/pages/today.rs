//! *Today*: what waits for whoever is signed in, what of theirs ends soon, and what they last did.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{NoticeQuery, titled};
use crate::app::App;
use crate::clock;
use crate::store::request_lists::RequestLine;
use crate::views::audit::{AuditEntry, DownloadEnd};
use crate::views::today::{Task, Today, last_done, today};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "today/show.html")]
struct TodayPage {
    page: Page,
    view: Today,
    entries: Vec<AuditEntry>,
}

/// `GET /today`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let (reader, reviews) = (viewer.manager()?, who.waiting);
    let archive = app.log_archive.clone();
    let read =
        move |conn: &mut _| Ok((today(conn, &reader, reviews, clock::now())?, last_done(conn, &archive, &reader)?));
    let (view, entries) = app.reads.read(read).await?;
    let page = titled(&viewer, Section::Today, "nav-today", query.notice.as_deref());
    show_page(&viewer, &TodayPage { page, view, entries })
}

impl TodayPage {
    /// What a task is about, in the reader's words.
    fn about(&self, task: &Task) -> String {
        match task {
            Task::ProveEmail => self.page.text("today-account"),
            Task::JoinProject(project) => project.description.title.clone(),
            Task::RunOrganisation(organisation, _) => self.page.localised(&organisation.name).to_owned(),
            Task::TakeDataset(offer) => self.page.localised(&offer.dataset.title).to_owned(),
            Task::SignNewVersions(line) => self.page.localised(&line.title).to_owned(),
            // A reviewer's requests are mostly for the same few datasets.
            Task::Review(RequestLine { project: Some((_, title)), .. }) => title.clone(),
            Task::SignAsMember(line) | Task::Answer(line) | Task::FinishDraft(line) | Task::Review(line) => {
                self.page.localised(&line.title).to_owned()
            }
        }
    }

    /// The language of that, where it is a text in one.
    fn tag(&self, task: &Task) -> Option<&'static str> {
        match task {
            Task::RunOrganisation(organisation, _) => Some(self.page.tag(&organisation.name)),
            Task::TakeDataset(offer) => Some(self.page.tag(&offer.dataset.title)),
            Task::SignNewVersions(line) => Some(self.page.tag(&line.title)),
            Task::Review(RequestLine { project: Some(_), .. }) => None,
            _ => task.request().map(|line| self.page.tag(&line.title)),
        }
    }

    /// Who asks, for what, and since when, each with its language where it is a text in one.
    fn more(&self, task: &Task) -> Vec<(String, Option<&'static str>)> {
        let page = &self.page;
        let mut parts = Vec::new();
        if let Task::Review(line) = task {
            parts.push((line.applicant.name.to_string(), None));
            parts.push((page.localised(&line.title).to_owned(), Some(page.tag(&line.title))));
        } else if let Task::SignNewVersions(line) = task {
            parts.extend(line.project_title.clone().map(|title| (title, None)));
            let by = page.last_day_text(&line.grant.stops_at());
            parts.push((page.text_with("today-sign-by", "date", by), None));
        } else {
            let project = task.request().and_then(|line| line.project.as_ref());
            parts.extend(project.map(|(_, title)| (title.clone(), None)));
        }
        parts.extend(task.since().map(|at| (page.text_with("today-since", "time", page.since(&at)), None)));
        parts
    }
}
