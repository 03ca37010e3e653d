//! How requests, decisions, grants and downloads go: figures, charts, and a table beside each.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::titled;
use crate::app::App;
use crate::clock;
use crate::domain::localised::Localised;
use crate::domain::overview::{AGES, DownloadCount, Overview, weeks};
use crate::domain::text::Slug;
use crate::domain::{TimeSpan, Timestamp};
use crate::views::overview::{OverviewOfScope, of_scope};
use crate::web::auth::Viewer;
use crate::web::chart::{Bar, Bars, points};
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;

/// The box of the charts of weeks, and its middle, where bars stand and hang.
const WEEKS: Bars = Bars { width: 336.0, height: 64.0, gap: 6.0 };
const MIDDLE: f64 = 70.0;
/// The box of the lines.
const LINES: (f64, f64) = (336.0, 120.0);

#[derive(Template)]
#[template(path = "manage/overview.html")]
struct OverviewPage {
    page: Page,
    view: Overview,
    now: Timestamp,
    sent: Vec<Bar>,
    decided: Vec<Bar>,
    /// The largest number of requests in a week.
    busiest: u64,
    /// Within what time half and nine tenths of each week were decided, as points.
    half: Vec<(String, String)>,
    most: Vec<(String, String)>,
    /// The top of the lines' box.
    longest: Option<TimeSpan>,
    endings: Vec<Bar>,
    downloads: Vec<Bar>,
    /// The largest number of downloads in a week.
    most_in_a_week: u64,
    most_downloaded: Vec<(Slug, Localised, u64)>,
}

/// `GET /manage/overview`
pub async fn show(app: web::Data<App>, viewer: Viewer) -> Result<HttpResponse, WebError> {
    let (_, scope) = viewer.require_manager()?;
    let now = clock::now();
    let view = app.reads.read(move |conn| of_scope(conn, &scope, now)).await?;
    let page = titled(&viewer, Section::Manage, "overview-title", None);
    show_page(&viewer, &overview_page(page, view, now))
}

fn overview_page(page: Page, view: OverviewOfScope, now: Timestamp) -> OverviewPage {
    let OverviewOfScope { figures: view, most_downloaded } = view;
    let past = &view.weeks;
    let sent: Vec<u64> = past.iter().map(|week| week.sent).collect();
    let decided: Vec<u64> = past.iter().map(|week| week.decided).collect();
    let busiest = sent.iter().chain(&decided).copied().max().unwrap_or_default();
    let seconds = |span: Option<TimeSpan>| span.map(|span| u64::try_from(span.whole_seconds()).unwrap_or(0));
    let half_within: Vec<_> = past.iter().map(|week| seconds(week.half_within)).collect();
    let most_within: Vec<_> = past.iter().map(|week| seconds(week.most_within)).collect();
    let longest = most_within.iter().flatten().copied().max().unwrap_or_default();
    let downloads: Vec<u64> = past.iter().map(|week| week.downloads.admitted).collect();
    let most_in_a_week = downloads.iter().copied().max().unwrap_or_default();
    let ending = view.endings.iter().copied().max().unwrap_or_default();
    OverviewPage {
        sent: WEEKS.up(&sent, busiest, MIDDLE - 1.0),
        decided: WEEKS.down(&decided, busiest, MIDDLE + 1.0),
        busiest,
        longest: past.iter().filter_map(|week| week.most_within).max(),
        half: points(&half_within, longest, LINES),
        most: points(&most_within, longest, LINES),
        endings: WEEKS.up(&view.endings, ending, MIDDLE),
        downloads: WEEKS.up(&downloads, most_in_a_week, MIDDLE),
        most_in_a_week,
        most_downloaded,
        page,
        view,
        now,
    }
}

impl OverviewPage {
    /// A length of time in days; a dash for none.
    fn days(&self, span: Option<TimeSpan>) -> String {
        let Some(span) = span else { return "–".to_owned() };
        let tenths = span.whole_seconds() * 10 / TimeSpan::days(1).whole_seconds();
        self.page.text_with("overview-days", "days", format!("{}.{}", tenths / 10, tenths % 10))
    }

    /// An age of requests that wait: from so many days to before the next one.
    fn age(&self, class: usize) -> String {
        let from = AGES[class];
        match AGES.get(class + 1) {
            Some(next) => self.page.text_with_two("overview-age", "from", from, "to", next - 1),
            None => self.page.text_with("overview-age-more", "from", from),
        }
    }

    /// The share of the requests that wait, in percent.
    fn share(&self, count: u64) -> u64 {
        count * 100 / self.view.waiting.iter().sum::<u64>().max(1)
    }

    /// The day on which a week of endings begins.
    fn week_ahead(&self, week: usize) -> String {
        self.page.day_text(&(self.now + weeks(u32::try_from(week).unwrap_or(0))))
    }

    /// How many downloads there were in all, and how much was sent.
    fn downloaded(&self) -> String {
        let DownloadCount { admitted, bytes } = self.view.downloads();
        let (number, size) = (self.page.number(admitted), self.page.size(bytes));
        self.page.text_with_two("overview-downloaded", "count", number, "size", size)
    }

    /// How many grants end in all.
    fn ending(&self) -> u64 {
        self.view.endings.iter().sum()
    }
}
