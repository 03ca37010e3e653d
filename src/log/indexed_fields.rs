//! Search keys of events: a block of events has a key for each person, dataset, subject and rare action in it, and for
//! admissions whose transfers have ended in it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use super::index_ranges;
use crate::domain::event::{Action, Details};

/// Actions that come with every download. They make up most of a log: looking for them needs no key, and nobody looks for
/// one by its subject, which is a transfer.
pub const COMMON_ACTIONS: [&str; 4] = [
    Action::DownloadAdmitted.as_str(),
    Action::DownloadsCompleted.as_str(),
    Action::DownloadFinished.as_str(),
    Action::ListingAdmitted.as_str(),
];

/// Admissions that stand together under one key for their ends, by index.
const ADMISSIONS_A_KEY: u64 = 64;
/// Keys for ends that one range makes at most: no honest one makes more than a few.
const KEYS_A_RANGE: usize = 64;

/// The fields of an event that it is listed and found by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IndexedFields {
    /// The time, as RFC 3339 text.
    pub at: String,
    /// The action.
    pub action: String,
    /// The account that acted.
    pub actor: Option<String>,
    /// The organisation that it is about.
    pub organisation: Option<String>,
    /// The dataset that it is about.
    pub dataset: Option<String>,
    /// The project that it is about.
    pub project: Option<String>,
    /// The id of the thing that it is about.
    pub subject: Option<String>,
    /// The person whose access it concerns, if that is not the subject.
    pub person: Option<String>,
    /// The index of the event that describes the client.
    pub client: Option<u64>,
    /// The admissions whose transfers it says the end of: ranges of their indexes.
    pub ended: Vec<(u64, u64)>,
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
    details: Option<BodyDetails<'a>>,
    #[serde(borrow)]
    organisation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    project: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct BodyDetails<'a> {
    #[serde(borrow)]
    person: Option<Cow<'a, str>>,
    client: Option<u64>,
    transfer: Option<u64>,
    #[serde(borrow)]
    transfers: Option<Cow<'a, str>>,
}

/// The admissions that an event's details name as ended: one, or ranges of them.
fn ended(transfer: Option<u64>, transfers: Option<&str>) -> Vec<(u64, u64)> {
    let one = transfer.map(|index| (index, index));
    one.into_iter().chain(transfers.into_iter().flat_map(index_ranges::parse)).collect()
}

impl IndexedFields {
    /// Reads the fields of an event's body; `None` if it is not the body of an event.
    pub fn of(body: &str) -> Option<Self> {
        let body: Body<'_> = serde_json::from_str(body).ok()?;
        Some(Self {
            at: body.at.into_owned(),
            action: body.action.into_owned(),
            actor: body.actor.id.map(Cow::into_owned),
            organisation: body.organisation.map(Cow::into_owned),
            dataset: body.dataset.map(Cow::into_owned),
            project: body.project.map(Cow::into_owned),
            subject: body.subject.map(Cow::into_owned),
            client: body.details.as_ref().and_then(|details| details.client),
            ended: body.details.as_ref().map_or_else(Vec::new, |own| ended(own.transfer, own.transfers.as_deref())),
            person: body.details.and_then(|details| details.person).map(Cow::into_owned),
        })
    }

    /// The fields that an event's details have.
    #[must_use]
    pub fn with_details(self, details: &Details) -> Self {
        let text = |name| details.get(name).and_then(|value| value.as_str());
        let index = |name| details.get(name).and_then(serde_json::Value::as_u64);
        Self {
            person: text("person").map(str::to_owned),
            client: index("client"),
            ended: ended(index("transfer"), text("transfers")),
            ..self
        }
    }

    /// Adds the keys that this event is found by.
    pub fn collect<'a>(&'a self, keys: &mut Keys<'a>) {
        for person in [&self.actor, &self.person].into_iter().flatten() {
            keys.0.insert(("person", person.into()));
        }
        if let Some(dataset) = &self.dataset {
            keys.0.insert(("dataset", dataset.into()));
        }
        if let Some(organisation) = &self.organisation {
            keys.0.insert(("organisation", organisation.into()));
        }
        if let Some(project) = &self.project {
            keys.0.insert(("project", project.into()));
        }
        for (first, last) in &self.ended {
            let numbers = first / ADMISSIONS_A_KEY..=last / ADMISSIONS_A_KEY;
            keys.0.extend(numbers.take(KEYS_A_RANGE).map(|number| ("ended", number.to_string().into())));
        }
        if COMMON_ACTIONS.contains(&self.action.as_str()) {
            return;
        }
        keys.0.insert(("action", self.action.as_str().into()));
        if let Some(subject) = &self.subject {
            keys.0.insert(("subject", subject.into()));
        }
    }
}

/// The search keys of a block of events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keys<'a>(BTreeSet<(&'static str, Cow<'a, str>)>);

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

/// The key under which the end of the transfer is found that was admitted at this index.
pub fn key_of_end(admitted: u64) -> String {
    key("ended", &(admitted / ADMISSIONS_A_KEY).to_string())
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
        let completed = IndexedFields::of(
            r#"{"action":"downloads.completed","actor":{"role":"anonymous"},"at":"t","details":{"transfers":"3-5,9,700"}}"#,
        )
        .unwrap();
        assert_eq!(Keys::of([&completed]).texts(), ["ended:0", "ended:10"]);
        assert_eq!(key_of_end(9), "ended:0");
        assert_eq!(IndexedFields::of("{}"), None);
    }

    #[test]
    fn a_range_without_an_end_makes_few_keys() {
        let body = r#"{"action":"downloads.completed","actor":{"role":"anonymous"},"at":"t","details":{"transfers":"0-18446744073709551615"}}"#;
        assert_eq!(Keys::of([&IndexedFields::of(body).unwrap()]).texts().len(), KEYS_A_RANGE);
    }
}
