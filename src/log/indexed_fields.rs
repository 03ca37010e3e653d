//! Search keys of events: a block of events has a key for each person, dataset, subject and rare action in it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::domain::event::Action;

/// Actions that come with every download. They make up most of a log: looking for them needs no key, and nobody looks for
/// one by its subject, which is a transfer.
pub const COMMON_ACTIONS: [&str; 3] =
    [Action::DownloadAdmitted.as_str(), Action::DownloadFinished.as_str(), Action::ListingAdmitted.as_str()];

/// The fields of an event that it is listed and found by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IndexedFields {
    /// The time, as RFC 3339 text.
    pub at: String,
    /// The action.
    pub action: String,
    /// The account that acted.
    pub actor: Option<String>,
    /// The dataset that it is about.
    pub dataset: Option<String>,
    /// The id of the thing that it is about.
    pub subject: Option<String>,
    /// The person whose access it concerns, if that is not the subject.
    pub person: Option<String>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    actor: Actor<'a>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    dataset: Option<Cow<'a, str>>,
    #[serde(borrow)]
    details: Option<Details<'a>>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    person: Option<Cow<'a, str>>,
}

impl IndexedFields {
    /// Reads the fields of an event's body; `None` if it is not the body of an event.
    pub fn of(body: &str) -> Option<Self> {
        let body: Body<'_> = serde_json::from_str(body).ok()?;
        Some(Self {
            at: body.at.into_owned(),
            action: body.action.into_owned(),
            actor: body.actor.id.map(Cow::into_owned),
            dataset: body.dataset.map(Cow::into_owned),
            subject: body.subject.map(Cow::into_owned),
            person: body.details.and_then(|details| details.person).map(Cow::into_owned),
        })
    }

    /// Adds the keys that this event is found by.
    pub fn collect<'a>(&'a self, keys: &mut Keys<'a>) {
        for person in [&self.actor, &self.person].into_iter().flatten() {
            keys.0.insert(("person", person));
        }
        if let Some(dataset) = &self.dataset {
            keys.0.insert(("dataset", dataset));
        }
        if COMMON_ACTIONS.contains(&self.action.as_str()) {
            return;
        }
        keys.0.insert(("action", &self.action));
        if let Some(subject) = &self.subject {
            keys.0.insert(("subject", subject));
        }
    }
}

/// The search keys of a block of events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keys<'a>(BTreeSet<(&'static str, &'a str)>);

impl<'a> Keys<'a> {
    /// The keys of all these events.
    pub fn of(fields: impl IntoIterator<Item = &'a IndexedFields>) -> Self {
        let mut keys = Self::default();
        for each in fields {
            each.collect(&mut keys);
        }
        keys
    }

    /// The keys as they are stored, sorted as bytes.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(kind, value)| key(kind, value)).collect()
    }
}

/// A key as it is stored.
pub fn key(kind: &str, value: &str) -> String {
    format!("{kind}:{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_by_what_they_say() {
        let admitted = IndexedFields::of(
            r#"{"action":"download.admitted","actor":{"id":"p","role":"applicant"},"at":"t","dataset":"d","subject":"s"}"#,
        )
        .unwrap();
        let granted = IndexedFields::of(
            r#"{"action":"grant.created","actor":{"role":"system"},"at":"t","dataset":"d","details":{"person":"q"},"subject":"g"}"#,
        )
        .unwrap();
        assert_eq!(
            Keys::of([&granted, &admitted]).texts(),
            ["action:grant.created", "dataset:d", "person:p", "person:q", "subject:g"]
        );
        assert_eq!(IndexedFields::of("{}"), None);
    }
}
