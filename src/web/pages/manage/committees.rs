//! The committees of an organisation.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::committee::{CommitteeDescription, CommitteeError, Deadlines, DeadlinesError, NewCommittee};
use crate::domain::ids::OrganisationId;
use crate::domain::text::{Email, Sha256, Slug};
use crate::ledger;
use crate::ledger::commands::committees::set_up_as_owner;
use crate::views::organisations::{CommitteeRow, CommitteesView, committees};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::localised_fields as localised;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show, show_with};

#[derive(Template)]
#[template(path = "manage/committees.html")]
struct CommitteesPage {
    page: Page,
    view: CommitteesView,
}

async fn load(app: &App, viewer: &Viewer, slug: &Slug) -> Result<CommitteesView, WebError> {
    let (who, scope) = viewer.require_manager()?;
    let (person, slug) = (who.person.clone(), slug.clone());
    app.reads.read(move |conn| committees(conn, (&slug, &scope), &person)).await?.ok_or(WebError::NotFound)
}

/// `GET /manage/committees/{organisation}`
pub async fn list(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let view = load(&app, &viewer, &parse_id(&slug)?).await?;
    let page = viewer.page(Section::Manage, "").with_notice(query.notice.as_deref());
    let title = page.text("manage-committees");
    show(&viewer, &CommitteesPage { page: page.titled(&title), view })
}

#[derive(Template)]
#[template(path = "manage/committee.html")]
struct CommitteePage {
    page: Page,
    form: Form,
    /// Where the form is sent.
    action: String,
    is_new: bool,
}

fn render(
    viewer: &Viewer,
    (organisation, slug): (&Slug, Option<&Slug>),
    form: Form,
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "");
    let title = page.text(if slug.is_some() { "committee-edit" } else { "committee-new" });
    let action = match slug {
        Some(slug) => format!("/manage/committees/{organisation}/{slug}"),
        None => format!("/manage/new-committee/{organisation}"),
    };
    show_with(viewer, status, &CommitteePage { page: page.titled(&title), form, action, is_new: slug.is_none() })
}

/// The fields as they are now.
fn fields(row: &CommitteeRow) -> Vec<(String, String)> {
    let addresses: Vec<&str> = row.members.iter().map(|person| person.email.as_str()).collect();
    let mut fields = localised::fields("name", &row.committee.name);
    fields.push(("members".into(), addresses.join("\n")));
    fields.push(("quorum".into(), row.committee.quorum.to_string()));
    let deadlines = row.committee.deadlines;
    for (name, days) in [("remind_after", deadlines.remind_after()), ("decide_within", deadlines.decide_within())] {
        fields.push((name.into(), days.map(|days| days.to_string()).unwrap_or_default()));
    }
    fields
}

/// The owner who acts, and the organisation; everybody else is refused.
async fn owner_of(app: &App, viewer: &Viewer, slug: &Slug) -> Result<CommitteesView, WebError> {
    let view = load(app, viewer, slug).await?;
    if view.may_change { Ok(view) } else { Err(WebError::NotFound) }
}

/// `GET /manage/new-committee/{organisation}`
pub async fn new(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let organisation: Slug = parse_id(&slug)?;
    owner_of(&app, &viewer, &organisation).await?;
    render(&viewer, (&organisation, None), Form::filled([("quorum", "1")]), StatusCode::OK)
}

/// `GET /manage/committees/{organisation}/{committee}`
pub async fn edit(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (organisation, slug) = (parse_id::<Slug>(&path.0)?, parse_id::<Slug>(&path.1)?);
    let view = owner_of(&app, &viewer, &organisation).await?;
    let row = find(&view, &slug)?;
    let mut form = Form::filled(fields(row));
    form.set("seen", &row.committee.fingerprint().to_string());
    render(&viewer, (&organisation, Some(&slug)), form, StatusCode::OK)
}

fn find<'a>(view: &'a CommitteesView, slug: &Slug) -> Result<&'a CommitteeRow, WebError> {
    view.rows.iter().find(|row| row.committee.slug == *slug).ok_or(WebError::NotFound)
}

/// The numbers of days, if nothing is wrong with them; else the form says what is.
fn deadlines(page: &Page, form: &mut Form) -> Option<Deadlines> {
    let typed = |error: DeadlinesError| match form.get(error.field()).trim() {
        "" => Ok(None),
        days => days.parse().map(Some).map_err(|_| error),
    };
    let errors = match (typed(DeadlinesError::RemindAfter), typed(DeadlinesError::DecideWithin)) {
        (Ok(remind_after), Ok(decide_within)) => match Deadlines::parse(remind_after, decide_within) {
            Ok(deadlines) => return Some(deadlines),
            Err(error) => vec![error],
        },
        (remind_after, decide_within) => remind_after.err().into_iter().chain(decide_within.err()).collect(),
    };
    for error in errors {
        form.fail(error.field(), page.text(error.key()));
    }
    None
}

/// The addresses, one a line or with commas between them; else the form says which is none.
fn members(page: &Page, form: &mut Form) -> Option<Vec<Email>> {
    let mut members = Vec::new();
    for address in form.get("members").split([',', ';', '\n', '\r']).map(str::trim).filter(|text| !text.is_empty()) {
        let Ok(email) = address.parse::<Email>() else {
            let message = page.text_with("error-member-address", "address", address);
            form.fail("members", message);
            return None;
        };
        members.push(email);
    }
    Some(members)
}

/// What was typed, if nothing is wrong with it; else the form says what is.
fn checked(page: &Page, form: &mut Form, slug: Option<Slug>) -> Option<NewCommittee> {
    let slug = slug.or_else(|| {
        let typed = form.get("slug").trim().parse();
        form.check(page, "slug", typed)
    });
    let members = members(page, form);
    let quorum = form.get("quorum").trim().parse().ok();
    if quorum.is_none() {
        form.fail("quorum", page.text("error-quorum"));
    }
    let deadlines = deadlines(page, form);
    let name = localised::typed(form, "name");
    let description =
        CommitteeDescription { slug: slug?, name, members: members?, quorum: quorum?, deadlines: Some(deadlines?) };
    match NewCommittee::parse(description) {
        Ok(new) => Some(new),
        Err(error) => {
            match error {
                CommitteeError::Name(error) => localised::fail(page, form, "name", error),
                CommitteeError::NoQuorum => form.fail("quorum", page.text("error-quorum")),
                CommitteeError::TooFewMembers(_) => form.fail("quorum", page.text("error-quorum-members")),
                CommitteeError::MemberTwice(email) => {
                    form.fail("members", page.text_with("error-member-twice", "address", email));
                }
                CommitteeError::TooManyMembers => form.fail("members", page.text("refusal-too-many-members")),
            }
            None
        }
    }
}

/// `POST /manage/new-committee/{organisation}`
pub async fn post_new(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    save(&app, parse_id(&slug)?, None, posted).await
}

/// `POST /manage/committees/{organisation}/{committee}`
pub async fn post_edit(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    save(&app, parse_id(&path.0)?, Some(parse_id(&path.1)?), posted).await
}

async fn save(app: &App, organisation: Slug, slug: Option<Slug>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let page = viewer.page(Section::Manage, "");
    let id = owner_of(app, &viewer, &organisation).await?.organisation.id;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(new) = checked(&page, &mut form, slug.clone()) {
        match set_up(app, &viewer, (id, slug.is_some()), (&form, new.clone())).await {
            Ok(()) => return Ok(go(&format!("/manage/committees/{organisation}?notice=saved"))),
            Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
                status = StatusCode::CONFLICT;
                let view = owner_of(app, &viewer, &organisation).await?;
                let row = find(&view, new.slug())?;
                form.met_another_edit(&page, &Form::filled(fields(row)), |_, _| None);
                form.set("seen", &row.committee.fingerprint().to_string());
            }
            Err(ledger::Error::Refused(refusal)) => {
                let (field, message) = refused(&page, &new, refusal);
                form.fail(field, message);
            }
            Err(error) => return Err(error.into()),
        }
    }
    render(&viewer, (&organisation, slug.as_ref()), form, status)
}

async fn set_up(
    app: &App,
    viewer: &Viewer,
    (organisation, exists): (OrganisationId, bool),
    (form, new): (&Form, NewCommittee),
) -> Result<(), ledger::Error> {
    let by = viewer.signed_in.as_ref().map(|who| who.person.id).ok_or(ledger::Error::Refused(Refusal::NotFound))?;
    let seen: Option<Sha256> = form.get("seen").parse().ok().filter(|_| exists);
    app.ledger.run(move |tx| set_up_as_owner(tx, by, (organisation, seen), &new)).await.map(|_| ())
}

/// The field that a refusal is about, and what to say there.
fn refused(page: &Page, new: &NewCommittee, refusal: Refusal) -> (&'static str, String) {
    let member = |place: usize| new.members().get(place).map_or("", Email::as_str);
    match refusal {
        Refusal::ReviewerUnknown(place) => {
            ("members", page.text_with("error-member-unknown", "address", member(place)))
        }
        Refusal::ReviewerUnverified(place) => {
            ("members", page.text_with("error-member-unverified", "address", member(place)))
        }
        Refusal::NameTaken => ("slug", page.text(refusal.key())),
        other => ("", page.text(other.key())),
    }
}
