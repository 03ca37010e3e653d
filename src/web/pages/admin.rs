//! Administration: how things stand.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{NoticeQuery, titled};
use crate::app::App;
use crate::clock;
use crate::delivery::connection::tls;
use crate::domain::Timestamp;
use crate::domain::gateway_state::{CertificateState, Condition, GatewayState, Part};
use crate::store::log;
use crate::views::gateway_state::{ProcessState, gateway_state};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show;

#[derive(Template)]
#[template(path = "admin/index.html")]
struct IndexPage {
    page: Page,
    state: GatewayState,
    parts: Vec<(Part, Condition)>,
    now: Timestamp,
    checkpoint: String,
    log_key: String,
    database: &'static str,
    may_read_mail: bool,
    may_administer: bool,
}

/// `GET /admin`: how things stand.
pub async fn index(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let reader = &viewer.require_overseer()?.person;
    let (may_read_mail, may_administer) = (reader.may_read_mail(), reader.may_administer());
    let (here, now) = (app.clone(), clock::now());
    let read = move |conn: &mut _| {
        let state = gateway_state(conn, &here.log_archive, process_state(&here), now)?;
        Ok((log::stored_head(conn)?, state))
    };
    let (head, state) = app.reads.read(read).await?;
    let shown = IndexPage {
        page: titled(&viewer, Section::Admin, "admin-title", query.notice.as_deref()),
        parts: state.conditions(now),
        state,
        now,
        checkpoint: head.map(|head| head.checkpoint).unwrap_or_default(),
        log_key: app.keys.log.verifier().to_string(),
        database: app.config.database.kind(),
        may_read_mail,
        may_administer,
    };
    show(&viewer, &shown)
}

/// What the process knows of itself. Reads files.
fn process_state(app: &App) -> ProcessState {
    ProcessState {
        records: app.ledger.failure().is_none(),
        free: app.config.database.free_bytes(),
        disk_is_low: !app.has_room(),
        certificate: app.config.tls.as_ref().map_or(CertificateState::Elsewhere, tls::state_of),
    }
}

impl IndexPage {
    /// How it is as a whole: as its worst part.
    fn verdict(&self) -> &'static str {
        match self.parts.iter().map(|(_, condition)| *condition).max() {
            None | Some(Condition::Good) => "state-all-good",
            Some(Condition::NeedsAttention) => "state-needs-attention",
            Some(Condition::Broken) => "state-broken",
        }
    }

    /// What a part is called.
    const fn name(part: Part) -> &'static str {
        match part {
            Part::Recording => "state-recording",
            Part::Disk => "state-disk",
            Part::Mail => "state-mail",
            Part::Files => "state-files",
            Part::Counting => "state-counting",
            Part::Certificate => "state-certificate",
        }
    }

    /// What is to be said about a part.
    fn said(&self, part: Part) -> String {
        let (page, state) = (&self.page, &self.state);
        match part {
            Part::Recording if !state.records => page.text("state-recording-broken"),
            Part::Recording => page.text_with("state-recording-good", "database", self.database),
            Part::Disk => {
                let text = if state.disk_is_low { "state-disk-low" } else { "state-disk-free" };
                page.text_with(text, "size", page.size(state.free.unwrap_or_default()))
            }
            Part::Mail => self.said_about_mail(),
            Part::Files => page.count_text("state-files-changed", state.changed_files),
            Part::Counting => page.count_text("state-uncounted", state.uncounted()),
            Part::Certificate => match state.certificate {
                CertificateState::ValidUntil(end) if end <= self.now => {
                    page.text_with("state-certificate-over", "day", page.day_text(&end))
                }
                CertificateState::ValidUntil(end) => {
                    page.text_with("state-certificate-until", "day", page.day_text(&end))
                }
                CertificateState::Unusable | CertificateState::Elsewhere => page.text("state-certificate-unusable"),
            },
        }
    }

    fn said_about_mail(&self) -> String {
        let (page, mail) = (&self.page, self.state.mail);
        let waiting = match mail.since {
            Some(since) => page.count_text_with("state-mail-waiting", mail.waiting, ("time", &page.since(&since))),
            None => page.text("state-mail-sent"),
        };
        if mail.failed == 0 {
            return waiting;
        }
        let failed = page.count_text("state-mail-failed", mail.failed);
        page.text_with_two("state-mail-both", "waiting", waiting, "failed", failed)
    }
}
