//! Notices in words: a subject, a text part and an HTML part, in the reader's language.

use askama::Template;

use crate::domain::notice::{AboutDataset, Notice};
use crate::domain::text::Language;
use crate::escape;
use crate::l10n::{self, Arg};

/// A message ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// What keeps messages about one matter together, if they are about one.
    pub thread: Option<String>,
}

/// The HTML part of a message.
#[derive(Template)]
#[template(path = "mail/message.html")]
struct Html<'a> {
    language: Language,
    subject: &'a str,
    greeting: &'a str,
    paragraphs: &'a [String],
    quote: &'a str,
    button: &'a str,
    url: &'a str,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "mail/message.txt")]
struct Text<'a> {
    greeting: &'a str,
    paragraphs: &'a [String],
    quote: &'a str,
    button: &'a str,
    url: &'a str,
    footer: &'a str,
}

/// A notice's parts before they are set.
struct Parts<'a> {
    name: &'a str,
    path: &'a str,
    dataset: Option<&'a AboutDataset>,
    other: &'a str,
    /// The title of a project.
    title: &'a str,
    quote: &'a str,
}

fn parts(notice: &Notice) -> Parts<'_> {
    match notice {
        Notice::VerifyEmail { name, path } | Notice::ResetPassword { name, path } => Parts::plain(name, path),
        Notice::AlreadyRegistered { name } => Parts::plain(name, "/password/forgot"),
        Notice::VerifyNewEmail { path } => Parts::plain("", path),
        Notice::EmailChanged { name, new_email } => Parts { other: new_email, ..Parts::plain(name, "/help") },
        Notice::ProjectInvitation { lead, path } => Parts { other: lead, ..Parts::plain("", path) },
        Notice::OrganisationInvitation { inviter, path, .. } => Parts { other: inviter, ..Parts::plain("", path) },
        Notice::DatasetOffered { about, .. } => Parts::about(about, ""),
        Notice::NewVersionToSign { name, path, .. } => Parts::plain(name, path),
        Notice::OrganisationLeft { name, .. } => Parts::plain(name, "/"),
        Notice::MemberJoined { name, member, title, path } => {
            Parts { other: member, title, ..Parts::plain(name, path) }
        }
        Notice::MemberRemoved { name, title, reason } => {
            Parts { title, quote: reason, ..Parts::plain(name, "/projects") }
        }
        Notice::RequestReceived(about) | Notice::GrantResumed(about) | Notice::GrantEnding { about, .. } => {
            Parts::about(about, "")
        }
        Notice::ReviewWaiting { applicant, about }
        | Notice::MemberToSign { applicant, about }
        | Notice::StillWaiting { applicant, about, .. }
        | Notice::OneApprovalMissing { applicant, about }
        | Notice::QuorumOutOfReach { applicant, about }
        | Notice::RequestSettled { applicant, about, .. } => Parts { other: applicant, ..Parts::about(about, "") },
        Notice::Approved { about, comment, .. }
        | Notice::Rejected { about, comment }
        | Notice::Returned { about, comment } => Parts::about(about, comment),
        Notice::GrantSuspended { about, reason }
        | Notice::GrantRevoked { about, reason }
        | Notice::GrantEndChanged { about, reason, .. } => Parts::about(about, reason),
    }
}

impl<'a> Parts<'a> {
    const fn plain(name: &'a str, path: &'a str) -> Self {
        Parts { name, path, dataset: None, other: "", title: "", quote: "" }
    }

    fn about(about: &'a AboutDataset, quote: &'a str) -> Self {
        Parts { name: &about.name, path: &about.path, dataset: Some(about), other: "", title: "", quote }
    }
}

/// The thread of a message by where it leads: the pages of one request, its applicant's and its reviewers', are one matter.
fn thread_of(path: &str) -> Option<String> {
    let id = path.strip_prefix("/requests/").or_else(|| path.strip_prefix("/review/"))?;
    Some(format!("request-{id}"))
}

/// Puts a notice into words. `base` is the public address without a slash at the end.
///
/// # Errors
/// When a template fails.
pub fn compose(notice: &Notice, language: Language, base: &str, site: Option<&str>) -> Result<Message, askama::Error> {
    let parts = parts(notice);
    let dataset = parts.dataset.map_or("", |about| about.dataset.text(language));
    let date = match notice {
        Notice::Approved { ends_at, .. } | Notice::GrantEnding { ends_at, .. } => l10n::date_time(language, *ends_at),
        // The last day, not the midnight after it.
        Notice::NewVersionToSign { sign_by: end, .. } | Notice::GrantEndChanged { ends_at: end, .. } => {
            l10n::last_day(language, *end)
        }
        Notice::StillWaiting { sent, .. } => l10n::date(language, *sent),
        _ => String::new(),
    };
    let stage = match notice {
        Notice::RequestSettled { stage, .. } => l10n::say(language, &format!("mail-stage-{stage}"), &[]),
        Notice::OrganisationInvitation { role, .. } => l10n::say(language, &format!("role-{role}"), &[]),
        _ => String::new(),
    };
    let title = match notice {
        Notice::OrganisationInvitation { organisation, .. }
        | Notice::DatasetOffered { organisation, .. }
        | Notice::OrganisationLeft { organisation, .. } => organisation.text(language),
        Notice::NewVersionToSign { agreement, .. } => agreement.text(language),
        _ => parts.title,
    };
    let args = [
        ("stage", Arg::Text(&stage)),
        ("name", Arg::Text(parts.name)),
        ("dataset", Arg::Text(dataset)),
        ("other", Arg::Text(parts.other)),
        ("title", Arg::Text(title)),
        ("date", Arg::Text(&date)),
    ];
    let key = |part: &str| format!("mail-{}-{part}", notice.kind());
    let say = |part: &str| escape::plain(&l10n::say(language, &key(part), &args));
    let paragraphs: Vec<String> = say("body").split("\n\n").map(|text| text.replace('\n', " ")).collect();
    let (subject, button) = (say("subject"), say("button"));
    let greeting =
        l10n::say(language, if parts.name.is_empty() { "mail-greeting-unnamed" } else { "mail-greeting" }, &args);
    let footer = match site {
        Some(name) => l10n::say(language, "mail-footer-of", &[("address", Arg::Text(base)), ("name", Arg::Text(name))]),
        None => l10n::say(language, "mail-footer", &[("address", Arg::Text(base))]),
    };
    let url = format!("{base}{}", parts.path);
    let quote = escape::plain(parts.quote);
    let text = Text {
        greeting: &greeting,
        paragraphs: &paragraphs,
        quote: &quote,
        button: &button,
        url: &url,
        footer: &footer,
    };
    let html = Html {
        language,
        subject: &subject,
        greeting: &greeting,
        paragraphs: &paragraphs,
        quote: &quote,
        button: &button,
        url: &url,
        footer: &footer,
    };
    let thread = thread_of(parts.path);
    Ok(Message { text: text.render()?, html: html.render()?, subject: subject.clone(), thread })
}
