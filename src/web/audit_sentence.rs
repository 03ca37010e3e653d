//! Entries of the audit log in sentences.

use serde_json::Value;

use super::page::Page;
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::person::Role;
use crate::domain::text::Language;
use crate::l10n::{self, Arg};
use crate::store::erasure::NOBODY;
use crate::views::audit::RecordedAs;

/// What a sentence may say that stands among an event's details, beside who and what the event is about.
const DETAILS: [&str; 28] = [
    "address",
    "agreement",
    "allowed",
    "attempt",
    "bytes",
    "committee",
    "embargoed_until",
    "ends_at",
    "events",
    "expires_at",
    "files",
    "form",
    "format",
    "kind",
    "limit",
    "method",
    "path",
    "quorum",
    "reason",
    "release",
    "role",
    "round",
    "sign_by",
    "size",
    "to",
    "unrecorded",
    "verdict",
    "version",
];

/// The message of an entry's sentence.
fn sentence_key(recorded: &RecordedAs) -> String {
    // One that stands for several that were counted names no file.
    let is_of_several = recorded.action == Action::DownloadDenied && recorded.detail("path").is_none();
    let is_day_removed = recorded.action == Action::AgreementSignByChanged && recorded.detail("sign_by").is_none();
    let more = if is_of_several {
        "-more"
    } else if is_day_removed {
        "-removed"
    } else {
        ""
    };
    format!("said-{}{more}", recorded.action.message_part())
}

impl Page {
    /// What an entry says happened.
    pub fn audit_sentence(&self, recorded: &RecordedAs) -> String {
        sentence(self.language, recorded)
    }

    /// Who acted.
    pub fn audit_actor(&self, recorded: &RecordedAs) -> String {
        actor(self.language, recorded)
    }
}

fn text(language: Language, key: &str) -> String {
    l10n::say(language, key, &[])
}

fn sentence(language: Language, recorded: &RecordedAs) -> String {
    let nothing = text(language, "said-nothing");
    let or_nothing = |text: &str| if text.is_empty() { nothing.clone() } else { text.to_owned() };
    let somebody = |own: &str| if own.is_empty() { text(language, "said-somebody") } else { name(language, own) };
    let mut values = vec![
        ("who", actor(language, recorded)),
        ("person", somebody(&recorded.about)),
        ("subject", somebody(&recorded.subject)),
        ("project", or_nothing(&recorded.project)),
        ("dataset", or_nothing(&recorded.dataset)),
        ("organisation", or_nothing(&recorded.organisation)),
    ];
    for name in DETAILS {
        let said = recorded.detail(name).and_then(|value| detail(language, name, value));
        values.push((name, said.unwrap_or_else(|| nothing.clone())));
    }
    let args: Vec<_> = values.iter().map(|(name, text)| (*name, Arg::Text(text))).collect();
    l10n::say(language, &sentence_key(recorded), &args)
}

fn actor(language: Language, recorded: &RecordedAs) -> String {
    match (&recorded.person, recorded.role) {
        (Some((_, own)), _) => name(language, own),
        (None, Role::System) => text(language, "said-system"),
        (None, Role::Operator) => text(language, "said-operator"),
        (None, _) => text(language, "said-anonymous"),
    }
}

fn name(language: Language, own: &str) -> String {
    if own.is_empty() || own == NOBODY { text(language, "said-erased") } else { own.to_owned() }
}

/// A detail as people read it; `None` when it is nothing that a sentence says.
fn detail(language: Language, name: &str, value: &Value) -> Option<String> {
    let words = |keys: &[&str], word: &str| {
        let key = keys.iter().map(|start| format!("{start}-{word}")).find(|key| l10n::has(language, key));
        key.map_or_else(|| word.to_owned(), |key| text(language, &key))
    };
    Some(match (name, value) {
        ("bytes" | "size", Value::Number(number)) => l10n::size(number.as_u64()?),
        ("kind", Value::String(word)) => words(&["mail-kind"], word),
        ("role", Value::String(word)) => words(&["role"], word),
        ("verdict", Value::String(word)) => words(&["said-verdict"], word),
        ("reason" | "attempt" | "limit", Value::String(word)) => words(&["said-word", "interrupted"], word),
        ("sign_by" | "ends_at", Value::String(time)) => l10n::last_day(language, Timestamp::parse(time)?),
        ("embargoed_until" | "expires_at", Value::String(time)) => l10n::date(language, Timestamp::parse(time)?),
        (_, Value::String(text)) if !text.is_empty() => text.clone(),
        (_, Value::Number(number)) => l10n::separated(number.as_u64()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Actor, Details};

    fn recorded(action: Action, details: &[(&'static str, Value)]) -> RecordedAs {
        RecordedAs {
            at: Timestamp(0),
            action,
            person: None,
            role: Actor::SYSTEM.role,
            dataset: String::new(),
            organisation: String::new(),
            about: String::new(),
            subject: String::new(),
            project: String::new(),
            details: details.iter().cloned().collect::<Details>(),
            done: true,
        }
    }

    #[test]
    fn every_event_is_a_sentence_in_both_languages_whatever_it_lacks() {
        for language in Language::ALL {
            for action in Action::ALL {
                let sentence = sentence(language, &recorded(action, &[]));
                assert!(sentence.ends_with(['.', '。']), "{action:?}: {sentence}");
                assert!(!sentence.contains(['{', '$']), "{action:?}: {sentence}");
            }
        }
    }

    #[test]
    fn details_are_said_as_people_say_them() {
        let signed = Value::from_iter([("slug", Value::from("terms")), ("version", Value::from(2))]);
        for (action, details, says) in [
            (Action::AgreementSigned, vec![("agreement", signed)], "version 2 of terms"),
            (Action::RequestReviewed, vec![("verdict", "return".into())], "voted to return the request of somebody"),
            (Action::DownloadFinished, vec![("bytes", 7_861_727.into())], "7.9 MB"),
            (Action::GrantCreated, vec![("ends_at", "2027-11-30T07:34:27Z".into())], "until 30 November 2027"),
            (Action::MailSent, vec![("kind", "grant-ending".into())], "Access ends soon"),
            (
                Action::DownloadDenied,
                vec![("path", "a".into()), ("reason", "grant-revoked".into())],
                ": access was revoked",
            ),
            (Action::DownloadDenied, vec![("unrecorded", 12.into())], "was denied 12 more"),
            (Action::SessionRefused, vec![("reason", "something-new".into())], "something-new"),
        ] {
            let sentence = sentence(Language::English, &recorded(action, &details));
            assert!(sentence.contains(says), "{sentence}");
        }
    }
}
