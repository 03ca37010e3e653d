//! The demo's invented people, with projects and requests in many stages. They have no passwords.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::app::App;
use crate::cli::{CliError, CliResult};
use crate::clock;
use crate::domain::access_request::Verdict;
use crate::domain::access_request::signing::{CompleteForm, SigningForm};
use crate::domain::comment::{Comment, Reason};
use crate::domain::day::Day;
use crate::domain::form::{Answers, FileAnswer, FileName, FileReader};
use crate::domain::ids::{PersonId, ProjectId, RequestId};
use crate::domain::origin::Origin;
use crate::domain::person::{Affiliation, AuthMethod, Person, Roles};
use crate::domain::project::{ProjectField, ProjectForm, WantedProject};
use crate::domain::text::{Email, Language, PersonName, Secret, Slug};
use crate::domain::{Refusal, TimeSpan};
use crate::ledger::Tx;
use crate::ledger::commands::access_requests::{Decision, OwnSignature, Submission};
use crate::ledger::commands::people::{NewAccount, create};
use crate::ledger::commands::projects::{ending, members};
use crate::ledger::commands::{access_requests, grants, uploads};
use crate::store;
use crate::views::signing::{self, SigningContext};

/// Who they are and what they do.
const STORY: &str = include_str!("../../../demo/people.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    people: Vec<Invented>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invented {
    email: String,
    name: String,
    institution: String,
    #[serde(default = "english")]
    language: Language,
}

const fn english() -> Language {
    Language::English
}

/// Something that one of them does. A project is named by a word of the story's own.
#[derive(Deserialize)]
struct Step {
    by: Option<String>,
    project: String,
    #[serde(flatten)]
    deed: Deed,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Deed {
    /// Signs, and asks for a dataset.
    Ask(Box<Asked>),
    /// Invites somebody to the project.
    Invite { email: String },
    /// Takes up an invitation.
    Join,
    /// Signs as another member of the project.
    Sign,
    /// Decides on the request.
    Decide { verdict: String, comment: String },
    /// Takes the request back.
    Withdraw,
    /// Revokes the grant.
    Revoke { reason: String },
    /// Ends the project.
    End,
}

#[derive(Deserialize)]
struct Asked {
    dataset: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    lay_summary: String,
    /// How many days the project goes on.
    days: Option<i64>,
    #[serde(default = "english")]
    language: Language,
    #[serde(default)]
    answers: Answers,
    /// The files that are answers, by the id of the question.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// A project of the story, once something was asked for it.
#[derive(Clone)]
struct Begun {
    lead: String,
    project: Option<ProjectId>,
    request: RequestId,
}

/// Tells the story, unless it was told; says whether it did.
pub fn tell(app: &App) -> Result<bool, CliError> {
    let Story { people, steps } = toml::from_str(STORY).map_err(|error| wrong(&error))?;
    let first: Option<Email> = people.first().and_then(|person| person.email.parse().ok());
    let Some(first) = first else { return Ok(false) };
    if app.reads.read_blocking(move |conn| store::people::by_email(conn, &first))?.is_some() {
        return Ok(false);
    }
    for person in &people {
        make_account(app, person)?;
    }
    let mut begun = BTreeMap::new();
    for Step { by, project, deed } in steps {
        take(app, &mut begun, (by.as_deref(), project), deed)?;
    }
    Ok(true)
}

fn wrong(why: &dyn std::fmt::Display) -> CliError {
    CliError::Description("demo/people.toml".into(), why.to_string())
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, CliError> {
    text.parse().map_err(|_| wrong(&format!("{text:?} can't be used")))
}

fn make_account(app: &App, invented: &Invented) -> CliResult {
    let account = NewAccount {
        email: parse(&invented.email)?,
        name: parse::<PersonName>(&invented.name)?,
        affiliation: Affiliation::parse(&invented.institution).map_err(|_| wrong(&invented.institution))?,
        language: invented.language,
        // No password has this hash.
        password_hash: Secret::new(""),
    };
    app.ledger.run_blocking(move |tx| create(tx, &account, Roles::default()))?;
    Ok(())
}

fn account(app: &App, email: &str) -> Result<Person, CliError> {
    let wanted = parse::<Email>(email)?;
    let found = app.reads.read_blocking(move |conn| store::people::by_email(conn, &wanted))?;
    Ok(found.ok_or_else(|| wrong(&format!("nobody is {email}")))?.0)
}

fn take(app: &App, begun: &mut BTreeMap<String, Begun>, (by, name): (Option<&str>, String), deed: Deed) -> CliResult {
    let there = begun.get(&name).cloned();
    let by = by.map(str::to_owned).or_else(|| there.as_ref().map(|begun| begun.lead.clone()));
    let by = account(app, &by.unwrap_or_default())?;
    if let Deed::Ask(asked) = &deed {
        let lead = by.email.to_string();
        let (project, request) = ask(app, &by, asked, there.and_then(|begun| begun.project))?;
        begun.insert(name, Begun { lead, project, request });
        return Ok(());
    }
    let missing = || wrong(&format!("{name} has not begun"));
    let Begun { project, request, lead } = there.ok_or_else(missing)?;
    let (id, project) = (by.id, project.ok_or_else(missing)?);
    match deed {
        Deed::Ask(_) => {}
        Deed::Sign => sign_as_member(app, &by, request)?,
        Deed::Decide { verdict, comment } => {
            let (verdict, comment): (Verdict, _) = (parse(&verdict)?, Comment::parse(&comment));
            let comment = comment.map_err(|error| wrong(&error))?;
            app.ledger.run_blocking(move |tx| {
                let stored = store::access_requests::by_id(tx.conn, request)?.ok_or(Refusal::NotFound)?;
                let round = stored.request.round;
                access_requests::vote(tx, &Decision { by: id, request, verdict, comment, round })
            })?;
        }
        Deed::Invite { email } => {
            let email = parse(&email)?;
            app.ledger.run_blocking(move |tx| members::invite(tx, id, project, &email))?;
        }
        Deed::Join => app.ledger.run_blocking(move |tx| members::join(tx, id, project))?,
        Deed::Withdraw => app.ledger.run_blocking(move |tx| access_requests::withdraw(tx, id, request))?,
        Deed::Revoke { reason } => {
            let (reason, holder) = (Reason::parse(&reason).map_err(|error| wrong(&error))?, account(app, &lead)?.id);
            app.ledger.run_blocking(move |tx| {
                let grant = store::grants::of_request(tx.conn, request, holder)?.ok_or(Refusal::NotFound)?;
                grants::revoke(tx, id, grant.id, &reason)
            })?;
        }
        Deed::End => app.ledger.run_blocking(move |tx| ending::end(tx, id, project))?,
    }
    Ok(())
}

/// Signs and asks; gives the project and the request.
fn ask(
    app: &App,
    by: &Person,
    asked: &Asked,
    project: Option<ProjectId>,
) -> Result<(Option<ProjectId>, RequestId), CliError> {
    let dataset: Slug = parse(&asked.dataset)?;
    let wanted = match project {
        Some(id) => WantedProject::Of(id),
        None if asked.title.is_empty() => WantedProject::Latest,
        None => WantedProject::New(None),
    };
    let (archive, slug, person, now) = (app.log_archive.clone(), dataset.clone(), by.id, clock::now());
    let context = move |conn: &mut _| signing::context(conn, &archive, &slug, person, (wanted, now));
    let context = app.reads.read_blocking(context)?.ok_or_else(|| wrong(&asked.dataset))?;
    let until = asked.days.map(|days| Day::of(now + TimeSpan::days(days)).to_string());
    let typed: ProjectForm = [
        (ProjectField::Title, asked.title.clone()),
        (ProjectField::Purpose, asked.purpose.clone()),
        (ProjectField::LaySummary, asked.lay_summary.clone()),
        (ProjectField::Institution, by.affiliation.clone().unwrap_or_default()),
        (ProjectField::Until, until.unwrap_or_default()),
    ]
    .into();
    let mut answers = asked.answers.clone();
    for (question, name) in &asked.files {
        answers.insert(question.clone(), hand_in(app, person, name)?.to_string());
    }
    let form = signed(&context, by, (&typed, &answers), asked.language)?;
    let submission = Submission {
        person,
        dataset,
        project: wanted,
        form,
        auth_method: AuthMethod::Password,
        proved_at: now,
        origin: origin(),
    };
    app.ledger
        .run_blocking(move |tx| {
            let submitted = access_requests::submit(tx, &submission)?;
            let stored = store::access_requests::by_id(tx.conn, submitted.request)?.ok_or(Refusal::NotFound)?;
            Ok((stored.request.project, submitted.request))
        })
        .map_err(CliError::from)
}

/// The files that people hand in.
const FILES: [(&str, &[u8]); 1] = [("ethics-approval.pdf", include_bytes!("../../../demo/ethics-approval.pdf"))];

fn hand_in(app: &App, owner: PersonId, name: &str) -> Result<FileAnswer, CliError> {
    let found = FILES.into_iter().find(|(own, _)| *own == name);
    let (_, bytes) = found.ok_or_else(|| wrong(&format!("there is no {name}")))?;
    let name = parse::<FileName>(name)?;
    let hand_in = move |tx: &mut Tx<'_>| {
        let id = uploads::begin(tx, owner, &name)?;
        uploads::add_part(tx, owner, (id, 0), bytes)?;
        let mut reader = FileReader::default();
        reader.feed(bytes);
        let file = reader.finish(id, name).ok_or(Refusal::NoSuchFile)?;
        uploads::complete(tx, owner, &file)?;
        Ok(file)
    };
    Ok(app.ledger.run_blocking(hand_in)?)
}

fn sign_as_member(app: &App, by: &Person, request: RequestId) -> CliResult {
    let (person, now) = (by.id, clock::now());
    let context = move |conn: &mut _| signing::member_context(conn, request, person, now);
    let context = app.reads.read_blocking(context)?.ok_or_else(|| wrong(&by.email))?;
    let form = signed(&context, by, (&ProjectForm::new(), &Answers::new()), by.language)?;
    let (auth_method, proved_at, origin) = (AuthMethod::Password, now, origin());
    let submission = OwnSignature { person, request, form, auth_method, proved_at, origin };
    Ok(app.ledger.run_blocking(move |tx| access_requests::sign_as_member(tx, &submission))?)
}

/// The form with every box ticked.
fn signed(
    context: &SigningContext,
    by: &Person,
    (project, answers): (&ProjectForm, &Answers),
    language: Language,
) -> Result<CompleteForm, CliError> {
    let versions = context.terms.versions();
    let form = SigningForm {
        shown: &versions,
        language,
        form_version: context.terms.form_version(),
        answers,
        project,
        accepted: &versions,
        consented: &versions,
        typed_name: by.name.as_str(),
        account_name: by.name.as_str(),
        name_confirmed: false,
    };
    CompleteForm::parse(&context.terms, &form).map_err(|errors| wrong(&format!("{}: {errors:?}", by.email)))
}

/// A client that says in the log what it was.
fn origin() -> Origin {
    Origin { user_agent: "invented for this demo".into(), ..Origin::default() }
}
