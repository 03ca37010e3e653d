//! A dataset's page.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{address, parse_id};
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::access_request::{NextStep, Standing};
use crate::domain::dataset::{AccessMode, Dataset, Later};
use crate::domain::expectations::Expectations;
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::path::FilePath;
use crate::domain::preview::Readme;
use crate::domain::text::{Language, Sha256, Slug};
use crate::l10n::{self, Arg};
use crate::views::datasets::{self as views, Access, DatasetView, FolderContents, Place};
use crate::views::previews::{self, PreviewOnPage};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::markdown;
use crate::web::page::{Page, PublicFace, Section};
use crate::web::respond::show;
use crate::web::table_preview::TableShown;

/// How many columns of a table a dataset's page shows.
const COLUMNS_SHOWN: usize = 12;

/// One of the four steps of the access card.
struct AccessStep {
    class: &'static str,
    number: usize,
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "datasets/show.html")]
struct DatasetPage {
    page: Page,
    dataset: Dataset,
    organisation: Option<Organisation>,
    description: String,
    info: Vec<(String, String)>,
    contents: FolderContents,
    more_folders: Option<String>,
    more_files: Option<String>,
    agreements: Vec<(Slug, Localised)>,
    related: Vec<Dataset>,
    cover: Option<Sha256>,
    coming: Option<(u32, Timestamp)>,
    /// The largest of its tables, and how many are shown.
    table: Option<TableShown>,
    tables: u64,
    /// Its small pictures: their places and paths.
    pictures: Vec<(u32, FilePath)>,
    readme: Option<ReadmeShown>,
    access: Access,
    steps: Vec<AccessStep>,
    /// How the last decisions went, in a sentence or two, for somebody who may apply.
    expected: Option<String>,
    next: Option<(String, String)>,
    can_browse: bool,
}

/// A README as the page shows it.
struct ReadmeShown {
    path: FilePath,
    /// Its HTML, where it is Markdown; else its text.
    html: Option<String>,
    text: String,
    tag: &'static str,
    is_cut: bool,
}

impl ReadmeShown {
    fn new(readme: Readme, reader: Language) -> Self {
        let language = readme.language();
        // Where its name says no language, nobody knows which one it is in.
        let tag = language.map_or("", Language::tag);
        let html = readme.is_markdown().then(|| markdown::readme_html(&readme.text, language.unwrap_or(reader)));
        let Readme { path, text, is_cut } = readme;
        Self { path, html, text, tag, is_cut }
    }
}

/// What of a dataset's files is looked at.
#[derive(Deserialize, Default)]
pub struct FileQuery {
    folder: Option<String>,
    after_folder: Option<String>,
    after: Option<String>,
    notice: Option<String>,
}

impl FileQuery {
    fn folder(&self) -> Result<FilePath, WebError> {
        self.folder.as_deref().map_or(Ok(FilePath::root()), parse_id)
    }

    fn place(&self) -> Result<Place, WebError> {
        Ok(match (&self.after_folder, &self.after) {
            (Some(path), _) => Place::Folders(parse_id(path)?),
            (None, Some(path)) => Place::Files(parse_id(path)?),
            (None, None) => Place::Beginning,
        })
    }
}

/// `GET /datasets/{slug}`
pub async fn dataset(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<FileQuery>,
) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(&slug)?;
    let person = viewer.signed_in.as_ref().map(|who| who.person.id);
    let (folder, place, now, language) = (query.folder()?, query.place()?, clock::now(), viewer.language);
    let read = move |conn: &mut _| {
        let Some(view) = views::show(conn, &slug, person, (&folder, &place), now)? else { return Ok(None) };
        let release = view.release.as_ref();
        let preview =
            release.map(|release| previews::on_page(conn, &view.dataset, release, language, now)).transpose()?;
        Ok(Some((view, preview)))
    };
    let (view, preview) = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    let title = view.dataset.title.text(viewer.language);
    let page = viewer.page(Section::Catalogue, title).with_notice(query.notice.as_deref());
    let page = page.with_public_face(public_face(app.config.base(), viewer.language, &view.dataset));
    show(&viewer, &dataset_page(page, view, preview))
}

/// The dataset as search engines take it: `schema.org/Dataset`.
fn public_face(base: &str, language: Language, dataset: &Dataset) -> PublicFace {
    let (address, summary) = (format!("{base}/datasets/{}", dataset.slug), dataset.summary.text(language));
    let data = serde_json::json!({
        "@context": "https://schema.org",
        "@type": "Dataset",
        "@id": address,
        "url": address,
        "name": dataset.title.text(language),
        "description": summary,
        "license": dataset.licence,
        "keywords": dataset.tags,
        "isAccessibleForFree": true,
        "conditionsOfAccess": dataset.mode.as_str(),
        "dateModified": dataset.updated_at.to_string(),
        "creator": { "@type": "Organization", "name": dataset.publisher.text(language) },
        "includedInDataCatalog": { "@type": "DataCatalog", "url": format!("{base}/") },
        "distribution": {
            "@type": "DataDownload",
            "contentUrl": format!("{base}/data/{}.zip", dataset.slug),
            "encodingFormat": "application/zip",
        },
    });
    let feed = format!("/datasets/{}/releases.atom", dataset.slug);
    PublicFace::new(address, summary).describing(&data).with_feed(feed)
}

fn dataset_page(page: Page, view: DatasetView, preview: Option<PreviewOnPage>) -> DatasetPage {
    let (table, pictures, readme) =
        preview.map_or_else(Default::default, |preview| (preview.table, preview.pictures, preview.readme));
    let DatasetView {
        dataset,
        organisation,
        access,
        contents,
        agreements,
        related,
        release,
        coming,
        expectations,
        decide_within,
    } = view;
    let more = |field: &str, after: &Option<FilePath>| {
        let path = format!("/datasets/{}", dataset.slug);
        let after = after.as_ref()?;
        Some(format!("{}#files", address(&path, &[("folder", contents.folder.as_str()), (field, after.as_str())])))
    };
    DatasetPage {
        description: markdown::to_html(dataset.description.text(page.language), page.language),
        info: info(&page, &dataset),
        more_folders: more("after_folder", &contents.next_folders),
        more_files: more("after", &contents.next_files),
        steps: access_steps(&page, &dataset, &access),
        expected: expected(&page, &dataset, &access, (expectations, decide_within)),
        next: access.next.map(|step| next_link(&page, &dataset.slug, &access, step)),
        can_browse: access.standing.may_download(),
        tables: table.as_ref().map_or(0, |(_, count)| *count),
        pictures,
        readme: readme.map(|readme| ReadmeShown::new(readme, page.language)),
        table: table.map(|(table, _)| TableShown::new(&page, &table, COLUMNS_SHOWN)),
        page,
        dataset,
        organisation,
        contents,
        agreements,
        related,
        cover: release.map(|release| release.sums_sha256),
        coming,
        access,
    }
}

impl DatasetPage {
    /// What is said of a dataset that was retired: an open one has nobody who could lose access.
    const fn retired_key(&self) -> &'static str {
        if self.dataset.mode.needs_agreement() { "dataset-retired" } else { "dataset-retired-open" }
    }

    /// How much of the dataset's bytes some are, in percent: what is there is never nothing.
    fn share(&self, bytes: &u64) -> String {
        let tenths = u128::from(*bytes) * 1_000 / u128::from(self.dataset.total_bytes.max(1));
        let tenths = if *bytes > 0 { tenths.max(5) } else { 0 };
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    fn form_address(&self) -> String {
        form_address(&self.dataset.slug, &self.access)
    }

    /// What the *Additional info* of a related dataset says under a name.
    fn said(&self, other: &Dataset, name: &str) -> String {
        let field = other.info.iter().find(|field| field.name == name);
        field.map_or_else(String::new, |field| field.value.text(self.page.language).to_owned())
    }

    /// The localisation key of such a name.
    fn key(&self, name: &str) -> String {
        info_key(name)
    }

    /// Whether any related dataset says something under one of the names that the list shows.
    fn says_terms(&self) -> bool {
        self.related.iter().flat_map(|other| &other.info).any(|field| TERMS.contains(&field.name.as_str()))
    }
}

/// What the list of related datasets shows of their *Additional info*.
const TERMS: [&str; 2] = ["payment_instrument", "update_frequency"];

/// The localisation key of a name in *Additional info*.
fn info_key(name: &str) -> String {
    format!("info-{}", name.replace('_', "-"))
}

fn info(page: &Page, dataset: &Dataset) -> Vec<(String, String)> {
    let named = |name: &str| {
        let key = info_key(name);
        if l10n::has(page.language, &key) { page.text(&key) } else { name.to_owned() }
    };
    dataset.info.iter().map(|field| (named(&field.name), field.value.text(page.language).to_owned())).collect()
}

/// What somebody may expect who has not been decided about.
fn expected(
    page: &Page,
    dataset: &Dataset,
    access: &Access,
    (known, decide_within): (Option<Expectations>, Option<u32>),
) -> Option<String> {
    let is_settled = matches!(
        access.standing,
        Standing::Suspended
            | Standing::Retired
            | Standing::Granted(..)
            | Standing::StoppedToSign(_)
            | Standing::AccessSuspended(_)
    );
    if dataset.mode != AccessMode::Approval || is_settled {
        return None;
    }
    let promised = decide_within.map(|days| page.count_text("expect-promised", days));
    let seen = match known {
        None => page.text("expect-unknown"),
        Some(known) => {
            let counts = [("approved", Arg::Number(known.approved)), ("decisions", Arg::Number(known.decisions))];
            let approved = l10n::say(page.language, "expect-approved", &counts);
            let [half, most] = [known.half_within, known.most_within].map(|days| page.count_text("expect-days", days));
            format!("{approved} {}", page.text_with_two("expect-within", "half", half, "most", most))
        }
    };
    Some([promised, Some(seen)].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn access_steps(page: &Page, dataset: &Dataset, access: &Access) -> Vec<AccessStep> {
    let now = match access.standing {
        Standing::Open | Standing::Suspended | Standing::Retired | Standing::AccessSuspended(_) => return Vec::new(),
        Standing::Visitor | Standing::Unverified => 1,
        Standing::ToSign { .. }
        | Standing::Returned(_)
        | Standing::Rejected(_)
        | Standing::Ended
        | Standing::StoppedToSign(_)
        | Standing::GrantedEarlier(..) => 2,
        Standing::Waiting(..) => 3,
        Standing::Granted(..) => 4,
    };
    let reviewed = dataset.mode.is_reviewed();
    let keys = [(1, "sign-in"), (2, "sign"), (3, "review"), (4, "download")];
    let shown = keys.into_iter().filter(|(_, key)| reviewed || *key != "review");
    let step = |(n, (place, key)): (usize, (i32, &str))| {
        let class = match place.cmp(&now) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "later",
        };
        let (title, text) = (step_title(page, key, class), step_text(page, dataset, access, (key, class)));
        AccessStep { class, number: n + 1, title, text }
    };
    shown.enumerate().map(step).collect()
}

fn step_title(page: &Page, key: &str, class: &str) -> String {
    match (key, class) {
        ("sign-in", "done") => page.text("step-signed-in"),
        ("sign", "done") => page.text("step-signed"),
        ("review", "done") => page.text("step-reviewed"),
        _ => page.text(format!("step-{key}")),
    }
}

fn step_text(page: &Page, dataset: &Dataset, access: &Access, (key, class): (&str, &str)) -> String {
    match (key, class, &page.user, access.standing) {
        ("sign-in", _, Some(user), _) => page.text_with("step-signed-in-text", "name", &user.name),
        ("sign", "done", ..) => page.text("step-signed-text"),
        ("review", "done", ..) => page.text("step-reviewed-text"),
        ("review", ..) => page.count_text("step-review-text", dataset.quorum),
        ("download", _, _, Standing::Granted(_, until)) => {
            page.text_with("step-granted-text", "date", page.time_text(&until))
        }
        _ => page.text(format!("step-{key}-text")),
    }
}

/// Where the form is, for the project that somebody's access is about.
fn form_address(slug: &Slug, access: &Access) -> String {
    let project = access.project.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default();
    address(&format!("/datasets/{slug}/request"), &[("project", &project)])
}

/// The next step: where, and in which words.
fn next_link(page: &Page, slug: &Slug, access: &Access, step: NextStep) -> (String, String) {
    let sign = form_address(slug, access);
    let (to, key) = match step {
        NextStep::Download => (format!("/data/{slug}/"), "next-download"),
        // To where they want to go: the form that they will sign.
        NextStep::SignIn => (format!("/login?next=/datasets/{slug}/request"), "next-sign-in"),
        NextStep::VerifyEmail => ("/account".to_owned(), "next-verify"),
        NextStep::Sign => (sign, "next-sign"),
        NextStep::ContinueDraft => (sign, "next-draft"),
        NextStep::Answer => (sign, "next-answer"),
        NextStep::SignAgain => (sign, "next-again"),
        NextStep::RequestNewer => (sign, "next-newer"),
        NextStep::SignNewVersions(id) => (format!("/requests/{id}/new-versions"), "next-new-versions"),
        NextStep::FollowRequest(id) => (format!("/requests/{id}"), "next-follow"),
    };
    (to, page.text(key))
}
