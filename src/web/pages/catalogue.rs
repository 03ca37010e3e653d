//! The catalogue, a dataset, its agreement.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::domain::Instant;
use crate::domain::access_request::Stage;
use crate::domain::agreement::{AgreementText, AgreementVersion};
use crate::domain::dataset::{AccessMode, Dataset, FileEntry, FolderEntry};
use crate::domain::grant::GrantState;
use crate::domain::ids::RequestId;
use crate::domain::path::FilePath;
use crate::domain::text::{Language, Slug};
use crate::store::{agreements, datasets, files, grants, requests};
use crate::web::failure::Failure;
use crate::web::markdown;
use crate::web::page::{Here, Page, show};
use crate::web::state::App;
use crate::web::viewer::Viewer;

use super::cut;

const DATASETS_A_PAGE: i64 = 20;
const TAGS_SHOWN: i64 = 12;
const FILES_SHOWN: usize = 50;
/// One more, to know whether there is more.
const FILES_READ: i64 = 51;
const FOLDERS_SHOWN: usize = 12;

/// What the catalogue is asked for.
#[derive(Deserialize, Default)]
pub struct Query {
    q: Option<String>,
    mode: Option<String>,
    tag: Option<String>,
    page: Option<i64>,
    said: Option<String>,
}

/// A filter as a link: its words, where it leads, whether it is on.
struct Filter {
    label: String,
    href: String,
    on: bool,
}

#[derive(Template)]
#[template(path = "catalogue/index.html")]
struct IndexPage {
    page: Page,
    found: Vec<Dataset>,
    total: u64,
    modes: Vec<Filter>,
    tags: Vec<Filter>,
    filtered: bool,
    earlier: Option<String>,
    later: Option<String>,
}

fn address(q: &str, mode: &str, tag: &str, page: i64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", q), ("mode", mode), ("tag", tag)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    let query = query.finish();
    if query.is_empty() { "/".into() } else { format!("/?{query}") }
}

/// `GET /`
pub async fn index(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, Failure> {
    let Query { q, mode, tag, page: number, said } = query.into_inner();
    let tidy = |text: Option<String>| -> String {
        text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim().to_owned()
    };
    let (q, tag) = (tidy(q), tidy(tag));
    let mode: Option<AccessMode> = mode.and_then(|mode| mode.parse().ok());
    let number = number.unwrap_or(1).clamp(1, 100_000);
    let search = datasets::Search {
        words: q.split_whitespace().take(10).map(str::to_owned).collect(),
        mode,
        tag: (!tag.is_empty()).then(|| tag.clone()),
        offset: (number - 1) * DATASETS_A_PAGE,
        limit: DATASETS_A_PAGE,
    };
    let ((found, total), known_tags) =
        app.reads.read(move |conn| Ok((datasets::search(conn, &search)?, datasets::tags(conn, TAGS_SHOWN)?))).await?;
    let title = if number > 1 { format!("{number}") } else { String::new() };
    let mut page = viewer.page(Here::Catalogue, &title).saying(said.as_deref());
    page.query.clone_from(&q);
    let mode_word = mode.map_or("", AccessMode::as_str);
    let mut modes = vec![Filter { label: page.t("filter-all"), href: address(&q, "", &tag, 1), on: mode.is_none() }];
    modes.extend(AccessMode::ALL.map(|each| Filter {
        label: page.t(format!("filter-{each}")),
        href: address(&q, each.as_str(), &tag, 1),
        on: mode == Some(each),
    }));
    let tags = known_tags
        .into_iter()
        .map(|(each, _)| {
            let on = each == tag;
            Filter { href: address(&q, mode_word, if on { "" } else { &each }, 1), label: each, on }
        })
        .collect();
    let more = u64::try_from(number * DATASETS_A_PAGE).unwrap_or(u64::MAX) < total;
    let to = |number| address(&q, mode_word, &tag, number);
    let shown = IndexPage {
        filtered: !q.is_empty() || !tag.is_empty() || mode.is_some(),
        earlier: (number > 1).then(|| to(number - 1)),
        later: more.then(|| to(number + 1)),
        page,
        found,
        total,
        modes,
        tags,
    };
    show(&viewer, &shown)
}

/// Where the viewer stands with a dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anyone may download.
    Open,
    /// Nothing is delivered now.
    Suspended,
    /// Not signed in.
    Visitor,
    /// The address is not verified.
    Unverified,
    /// The agreement is to be signed; whether a draft is there.
    ToSign(bool),
    /// A reviewer asked for changes.
    Returned(RequestId),
    /// Waiting for reviewers since then.
    Waiting(RequestId, Instant),
    /// May download until then.
    Granted(RequestId, Instant),
    /// The last request was rejected.
    Rejected(RequestId),
    /// The last grant is over.
    Ended,
}

/// One of the four steps of the access card.
struct Step {
    class: &'static str,
    number: usize,
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "catalogue/dataset.html")]
struct DatasetPage {
    page: Page,
    dataset: Dataset,
    description: String,
    info: Vec<(String, String)>,
    folder: FilePath,
    folders: Vec<FolderEntry>,
    folders_left: u64,
    files: Vec<FileEntry>,
    more_files: Option<String>,
    related: Vec<Dataset>,
    access: Access,
    steps: Vec<Step>,
    next: Option<(String, String)>,
    can_browse: bool,
}

/// What of a dataset's files is looked at.
#[derive(Deserialize, Default)]
pub struct FileQuery {
    folder: Option<String>,
    after: Option<String>,
    said: Option<String>,
}

/// `GET /datasets/{slug}`
pub async fn dataset(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<FileQuery>,
) -> Result<HttpResponse, Failure> {
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let FileQuery { folder, after, said } = query.into_inner();
    let folder: FilePath = folder.unwrap_or_default().parse().map_err(|_| Failure::NotFound)?;
    let after = after.filter(|after| !after.contains('\0')).unwrap_or_default();
    let person = viewer.signed_in.as_ref().map(|who| who.person.clone());
    let looked = folder.clone();
    let found = app
        .reads
        .read(move |conn| {
            let Some(dataset) = datasets::by_slug(conn, &slug)? else { return Ok(None) };
            let Some(_) = files::find_folder(conn, dataset.id, &looked)? else { return Ok(None) };
            let folders =
                if after.is_empty() { files::folders_in(conn, dataset.id, &looked, "", 1000)? } else { Vec::new() };
            let files = files::files_in(conn, dataset.id, &looked, &after, FILES_READ)?;
            let related = datasets::related(conn, &dataset, 4)?;
            let (request, grant) = match &person {
                Some(person) => {
                    (requests::latest(conn, person.id, dataset.id)?, grants::latest(conn, person.id, dataset.id)?)
                }
                None => (None, None),
            };
            Ok(Some((dataset, folders, files, related, request, grant)))
        })
        .await?;
    let (dataset, mut folders, mut files, related, request, grant) = found.ok_or(Failure::NotFound)?;
    let access = access(&viewer, &dataset, request.as_ref(), grant.as_ref());
    let page = viewer.page(Here::Catalogue, dataset.title.text(viewer.language)).saying(said.as_deref());
    let more = cut(&mut files, FILES_SHOWN);
    let more_files = files.last().filter(|_| more).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("folder", folder.as_str())
            .append_pair("after", last.path.as_str())
            .finish();
        format!("/datasets/{}?{query}#files", dataset.slug)
    });
    let all_folders = folders.len();
    if folder.is_root() {
        cut(&mut folders, FOLDERS_SHOWN);
    }
    let info = dataset
        .info
        .iter()
        .map(|field| {
            let key = format!("info-{}", field.name.replace('_', "-"));
            let name = if crate::words::has(page.language, &key) { page.t(&key) } else { field.name.clone() };
            (name, field.value.text(page.language).to_owned())
        })
        .collect();
    let shown = DatasetPage {
        description: markdown::to_html(dataset.description.text(viewer.language)),
        folders_left: (all_folders - folders.len()) as u64,
        steps: steps(&page, &dataset, &access),
        next: next(&page, &dataset, &access),
        can_browse: matches!(access, Access::Open | Access::Granted(..)),
        page,
        dataset,
        info,
        folder,
        folders,
        files,
        more_files,
        related,
        access,
    };
    show(&viewer, &shown)
}

fn access(
    viewer: &Viewer,
    dataset: &Dataset,
    request: Option<&requests::StoredRequest>,
    grant: Option<&crate::domain::grant::Grant>,
) -> Access {
    if dataset.suspended_at.is_some() {
        return Access::Suspended;
    }
    if dataset.mode == AccessMode::Open {
        return Access::Open;
    }
    let Some(who) = &viewer.signed_in else { return Access::Visitor };
    let state = grant.map(|grant| grant.state(Instant::now()));
    if let (Some(grant), Some(GrantState::Active), Some(stored)) = (grant, state, request) {
        return Access::Granted(stored.request.id, grant.ends_at);
    }
    let stage = request.map(|stored| (stored.request.id, stored.request.stage, stored.submitted_at));
    match stage {
        Some((id, Stage::Submitted, at)) => Access::Waiting(id, at.unwrap_or_else(Instant::now)),
        Some((id, Stage::Returned, _)) => Access::Returned(id),
        _ if who.person.email_verified_at.is_none() => Access::Unverified,
        Some((_, Stage::Draft, _)) => Access::ToSign(true),
        Some((id, Stage::Rejected, _)) => Access::Rejected(id),
        Some((_, Stage::Approved, _)) => Access::Ended,
        Some((_, Stage::Withdrawn, _)) | None => Access::ToSign(false),
    }
}

fn steps(page: &Page, dataset: &Dataset, access: &Access) -> Vec<Step> {
    if matches!(access, Access::Open | Access::Suspended) {
        return Vec::new();
    }
    let now = match access {
        Access::Visitor | Access::Unverified => 1,
        Access::ToSign(_) | Access::Returned(_) | Access::Rejected(_) | Access::Ended => 2,
        Access::Waiting(..) => 3,
        _ => 4,
    };
    let review = dataset.mode == AccessMode::Approval;
    let mut steps = Vec::new();
    for (place, key) in [(1, "sign-in"), (2, "sign"), (3, "review"), (4, "download")] {
        if key == "review" && !review {
            continue;
        }
        let class = match place {
            place if place < now => "done",
            place if place == now => "now",
            _ => "later",
        };
        let text = match (key, class, &page.badge, access) {
            ("sign-in", _, Some(badge), _) => page.tx("step-signed-in-text", "name", &badge.name),
            ("sign", "done", ..) => page.t("step-signed-text"),
            ("review", "done", ..) => page.t("step-reviewed-text"),
            ("review", ..) => page.tn("step-review-text", u64::from(dataset.quorum)),
            ("download", _, _, Access::Granted(_, until)) => page.tx("step-granted-text", "date", page.date(until)),
            _ => page.t(format!("step-{key}-text")),
        };
        let title = match (key, class) {
            ("sign-in", "done") => page.t("step-signed-in"),
            ("sign", "done") => page.t("step-signed"),
            ("review", "done") => page.t("step-reviewed"),
            _ => page.t(format!("step-{key}")),
        };
        steps.push(Step { class, number: steps.len() + 1, title, text });
    }
    steps
}

/// The one next step: where, and in which words.
fn next(page: &Page, dataset: &Dataset, access: &Access) -> Option<(String, String)> {
    let slug = &dataset.slug;
    let sign = format!("/datasets/{slug}/request");
    let (to, key) = match access {
        Access::Suspended => return None,
        Access::Open => (format!("/data/{slug}/"), "next-download"),
        Access::Visitor => (format!("/login?next=/datasets/{slug}"), "next-sign-in"),
        Access::Unverified => ("/account".to_owned(), "next-verify"),
        Access::ToSign(false) => (sign, "next-sign"),
        Access::ToSign(true) => (sign, "next-draft"),
        Access::Returned(_) => (sign, "next-answer"),
        Access::Rejected(_) | Access::Ended => (sign, "next-again"),
        Access::Waiting(id, _) => (format!("/requests/{id}"), "next-follow"),
        Access::Granted(..) => (format!("/data/{slug}/"), "next-download"),
    };
    Some((to, page.t(key)))
}

#[derive(Template)]
#[template(path = "catalogue/agreement.html")]
struct AgreementPage {
    page: Page,
    dataset: Dataset,
    version: AgreementVersion,
    text: AgreementText,
    body: String,
}

/// In which language to read.
#[derive(Deserialize)]
pub struct LanguageQuery {
    language: Option<String>,
}

/// `GET /datasets/{slug}/agreement`
pub async fn agreement(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<LanguageQuery>,
) -> Result<HttpResponse, Failure> {
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let (dataset, version) = with_agreement(&app, slug).await?;
    let wanted = query.language.as_deref().and_then(Language::from_tag).unwrap_or(viewer.language);
    let text = version.text(wanted).cloned().ok_or(Failure::NotFound)?;
    let page = viewer.page(Here::Catalogue, version.title.text(viewer.language));
    let body = markdown::to_html(&text.body);
    show(&viewer, &AgreementPage { page, dataset, version, text, body })
}

/// A dataset that has an agreement, and the version in force.
pub(super) async fn with_agreement(app: &App, slug: Slug) -> Result<(Dataset, AgreementVersion), Failure> {
    let found = app
        .reads
        .read(move |conn| {
            let Some(dataset) = datasets::by_slug(conn, &slug)? else { return Ok(None) };
            let Some(agreement) = dataset.agreement.filter(|_| dataset.mode.needs_agreement()) else {
                return Ok(None);
            };
            Ok(agreements::in_force(conn, agreement)?.map(|version| (dataset, version)))
        })
        .await?;
    found.ok_or(Failure::NotFound)
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    page: Page,
    log_key: String,
    parts: Vec<(String, String)>,
}

/// `GET /help`: what is recorded, and who sees it.
pub async fn help(app: web::Data<App>, viewer: Viewer) -> Result<HttpResponse, Failure> {
    let page = viewer.page(Here::Nowhere, "");
    let title = page.t("help-title");
    let page = page.titled(&title);
    let part = |n: u8| (page.t(format!("help-{n}-heading")), page.t(format!("help-{n}-text")));
    let parts = (1..=5).map(part).collect();
    show(&viewer, &HelpPage { parts, log_key: app.keys.log.verifier().to_string(), page })
}
