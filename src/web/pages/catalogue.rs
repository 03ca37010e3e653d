//! The catalogue: datasets with what they can be narrowed by, their covers, and how far the reader has come with each.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::NoticeQuery;
use crate::app::App;
use crate::clock;
use crate::domain::access_request::Standing;
use crate::domain::catalogue::{Facet, Order};
use crate::domain::dataset::AccessMode;
use crate::escape;
use crate::store::Cursor;
use crate::views::datasets::{self as views, Catalogue, Found};
use crate::web::auth::Viewer;
use crate::web::catalogue_query::CatalogueQuery;
use crate::web::error::WebError;
use crate::web::page::{Page, PublicFace, Section};
use crate::web::respond::show;

/// How many values of a facet are shown at once; further ones stand behind a line.
const VALUES_SHOWN: usize = 6;
/// How many are shown at all.
const VALUES_MAX: usize = 40;

/// A facet as the page shows it.
struct FacetRows {
    facet: Facet,
    legend: String,
    rows: Vec<FacetRow>,
    further: Vec<FacetRow>,
}

/// A value of a facet.
struct FacetRow {
    value: String,
    label: String,
    datasets: u64,
    on: bool,
}

/// Something that is chosen, and where it leads to take it off.
struct Chip {
    label: String,
    href: String,
}

#[derive(Template)]
#[template(path = "datasets/index.html")]
struct IndexPage {
    page: Page,
    found: Vec<Found>,
    total: u64,
    matching: u64,
    facets: Vec<FacetRows>,
    chips: Vec<Chip>,
    order: Order,
    query: CatalogueQuery,
    filtered: bool,
    later: Option<String>,
}

/// `GET /`
pub async fn index(
    app: web::Data<App>,
    viewer: Viewer,
    request: HttpRequest,
    params: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let query = CatalogueQuery::parse(request.query_string())?;
    let (search, after) = (query.search(), query.after.clone().unwrap_or(Cursor::first()));
    let reader = viewer.signed_in.as_ref().map(|who| who.person.id);
    let cache = app.catalogue.clone();
    let read = move |conn: &mut _| views::catalogue(conn, &cache, &search, (reader, &after), clock::now());
    let catalogue = app.reads.read(read).await?;
    let mut page = viewer.page(Section::Catalogue, "").with_notice(params.notice.as_deref());
    page.query.clone_from(&query.q);
    let face = PublicFace::new(format!("{}/", app.config.base()), &page.text("catalogue-lead"));
    let face = face.with_feed("/datasets.atom".to_owned());
    page = page.with_public_face(face);
    let several = viewer.several_organisations();
    let facets: Vec<FacetRows> = Facet::ALL
        .into_iter()
        .filter(|facet| several || *facet != Facet::Organisation)
        .filter_map(|facet| facet_rows(&page, &query, &catalogue, facet))
        .collect();
    let shown = IndexPage {
        chips: chips(&page, &query, &catalogue),
        facets,
        order: query.order,
        filtered: query.is_narrowed(),
        later: catalogue.next.as_ref().map(|next| query.address(Some(next))),
        page,
        found: catalogue.found,
        total: catalogue.total,
        matching: catalogue.matching,
        query,
    };
    show(&viewer, &shown)
}

/// A facet with its values; nothing where there is nothing to choose.
fn facet_rows(page: &Page, query: &CatalogueQuery, catalogue: &Catalogue, facet: Facet) -> Option<FacetRows> {
    let counts = catalogue.counts.get(&facet).map(Vec::as_slice).unwrap_or_default();
    let mut rows: Vec<FacetRow> = counts
        .iter()
        .map(|count| FacetRow {
            label: label(page, catalogue, facet, &count.value),
            on: query.choices.has(facet, &count.value),
            value: count.value.clone(),
            datasets: count.datasets,
        })
        .collect();
    // What is chosen and leaves nothing can still be taken off.
    for (_, value) in query.choices.iter().filter(|(own, _)| *own == facet) {
        if !rows.iter().any(|row| row.value == value) {
            let label = label(page, catalogue, facet, value);
            rows.push(FacetRow { value: value.to_owned(), label, datasets: 0, on: true });
        }
    }
    // What every dataset has narrows nothing.
    let says_nothing = rows.iter().all(|row| !row.on && row.datasets == catalogue.matching);
    if says_nothing {
        return None;
    }
    // What is chosen is always in sight.
    let (mut rows, mut further): (Vec<_>, Vec<_>) =
        rows.into_iter().enumerate().partition(|(place, row)| *place < VALUES_SHOWN || row.on);
    further.truncate(VALUES_MAX);
    let plain = |rows: &mut Vec<(usize, FacetRow)>| std::mem::take(rows).into_iter().map(|(_, row)| row).collect();
    let legend = page.text(format!("facet-{facet}"));
    Some(FacetRows { facet, legend, rows: plain(&mut rows), further: plain(&mut further) })
}

/// A value in the reader's words.
fn label(page: &Page, catalogue: &Catalogue, facet: Facet, value: &str) -> String {
    match facet {
        Facet::Mode => page.text(format!("filter-{value}")),
        Facet::Own | Facet::Size | Facet::Changed => page.text(format!("facet-{facet}-{value}")),
        Facet::Format => value.to_uppercase(),
        Facet::Organisation => catalogue.organisations.get(value).map_or(value, |name| page.localised(name)).to_owned(),
        Facet::Licence | Facet::Tag => value.to_owned(),
    }
}

fn chips(page: &Page, query: &CatalogueQuery, catalogue: &Catalogue) -> Vec<Chip> {
    let chip = |(facet, value): (Facet, &str)| {
        let rest = CatalogueQuery { choices: query.choices.without(facet, value), after: None, ..query.clone() };
        Chip { label: label(page, catalogue, facet, value), href: rest.address(None) }
    };
    query.choices.iter().map(chip).collect()
}

/// How far the reader has come with a dataset: the class of its mark, a sentence, and more about it.
struct OwnMark {
    class: &'static str,
    text: String,
    more: String,
}

impl IndexPage {
    /// What the list holds, in a sentence.
    fn verdict(&self) -> String {
        let page = &self.page;
        let counted = if self.matching == self.total {
            page.count_text("catalogue-count", self.total)
        } else {
            page.count_text_with("catalogue-count-of", self.matching, ("total", &page.number(self.total)))
        };
        if page.query.is_empty() {
            return escape::html(&counted);
        }
        format!("{} {}", escape::html(&counted), page.naming("catalogue-query", "query", &page.query))
    }

    /// What is chosen, for the form that searches for other words.
    fn chosen(&self) -> impl Iterator<Item = (Facet, &str)> {
        self.query.choices.iter()
    }

    /// The orders of the list: address, words, whether it is this one.
    fn orders(&self) -> Vec<(String, String, bool)> {
        let link = |order: Order| {
            let query = CatalogueQuery { order, after: None, ..self.query.clone() };
            (query.address(None), self.page.text(format!("sort-{order}")), order == self.order)
        };
        Order::ALL.map(link).into()
    }

    /// What the reader's column says of a dataset.
    fn own(&self, found: &Found) -> OwnMark {
        let page = &self.page;
        let (class, key, more) = match found.standing {
            Standing::Open => ("idle", "own-open", page.text("own-open-more")),
            Standing::Suspended => ("bad", "badge-suspended", String::new()),
            Standing::Retired => ("idle", "badge-retired", String::new()),
            Standing::Granted(_, until) | Standing::GrantedEarlier(_, until, _) => {
                ("good", "own-access", page.text_with("own-until", "date", page.day_text(&until)))
            }
            Standing::Waiting(_) => ("wait", "own-waiting", String::new()),
            Standing::Returned(_) => ("wait", "own-returned", page.text("own-returned-more")),
            Standing::Rejected(_) => ("bad", "own-rejected", String::new()),
            Standing::AccessSuspended(_) => ("bad", "own-suspended", String::new()),
            Standing::StoppedToSign(_) => ("next", "own-stopped", String::new()),
            Standing::Ended => ("idle", "own-ended", String::new()),
            Standing::ToSign { draft: true } => ("next", "own-draft", String::new()),
            Standing::Visitor | Standing::Unverified | Standing::ToSign { draft: false } => {
                let key = if found.dataset.mode == AccessMode::Agreement { "own-sign" } else { "own-ask" };
                ("idle", key, String::new())
            }
        };
        OwnMark { class, text: page.text(key), more }
    }

    /// A dataset's formats in a few words.
    fn formats(&self, found: &Found) -> String {
        const SHOWN: usize = 4;
        let formats: Vec<String> = found.formats.iter().take(SHOWN).map(|format| format.to_uppercase()).collect();
        formats.join(", ")
    }
}
