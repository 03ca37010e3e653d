//! Events read back: the body of a stored event as the type it was recorded from.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::canonical::{EVENT_VERSION, is_canonical};
use super::verify::StoredEvent;
use crate::domain::Timestamp;
use crate::domain::event::{Actor, Event};
use crate::domain::ids::{EventId, PersonId};

/// An event as it was recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedEvent {
    /// Its id.
    pub id: EventId,
    /// When it was recorded.
    pub at: Timestamp,
    /// The event. Its personal part is empty if there was none or it was erased.
    pub event: Event,
}

/// The stored body is not a valid event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not an event")]
pub struct DamagedEvent;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    actor: ActorBody<'a>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    dataset: Option<String>,
    #[serde(default)]
    details: Map<String, Value>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    organisation: Option<String>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    /// The commitment to the personal part; verification compares it.
    #[serde(rename = "private")]
    _private: Option<String>,
    project: Option<String>,
    subject: Option<String>,
    v: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActorBody<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    role: Cow<'a, str>,
}

impl RecordedEvent {
    /// Reads a stored event.
    ///
    /// # Errors
    /// [`DamagedEvent`] when its body is not what [`super::canonical::seal`] writes.
    pub fn read(stored: &StoredEvent) -> Result<Self, DamagedEvent> {
        let mut recorded = Self::parse(&stored.body)?;
        if let Some(part) = &stored.private {
            recorded.event.private = part.data.clone().into_iter().collect();
        }
        Ok(recorded)
    }

    /// Reads the body of an event.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(body: &str) -> Result<Self, DamagedEvent> {
        let value: Value = serde_json::from_str(body).map_err(|_| DamagedEvent)?;
        if !is_canonical(body, &value) {
            return Err(DamagedEvent);
        }
        let body: Body<'_> = serde_json::from_str(body).map_err(|_| DamagedEvent)?;
        if body.v != EVENT_VERSION {
            return Err(DamagedEvent);
        }
        let person: Option<PersonId> = body.actor.id.as_deref().map(exact).transpose()?;
        let mut event = Event::new(exact(&body.action)?, Actor { person, role: exact(&body.actor.role)? });
        event.organisation = body.organisation.as_deref().map(exact).transpose()?;
        event.dataset = body.dataset.as_deref().map(exact).transpose()?;
        event.project = body.project.as_deref().map(exact).transpose()?;
        event.subject = body.subject;
        event.outcome = exact(&body.outcome)?;
        event.details = body.details.into_iter().collect();
        let at = Timestamp::parse(&body.at).filter(|at| at.to_string() == body.at).ok_or(DamagedEvent)?;
        Ok(Self { id: exact(&body.id)?, at, event })
    }
}

/// Reads text that is exactly as its type writes it.
fn exact<T: FromStr + Display>(text: &str) -> Result<T, DamagedEvent> {
    text.parse().ok().filter(|read: &T| read.to_string() == text).ok_or(DamagedEvent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::event::{Action, Outcome};
    use crate::domain::person::Role;
    use crate::log::canonical::seal;

    fn recorded() -> impl Strategy<Value = RecordedEvent> {
        let outcome = prop::sample::select(vec![Outcome::Done, Outcome::Refused, Outcome::Failed]);
        let person = prop::option::of(any::<u128>());
        let facts = prop::collection::btree_map("[a-z_]{1,8}", "\\PC{0,12}", 0..4);
        let id = any::<u128>();
        (
            prop::sample::select(Action::ALL.to_vec()),
            prop::sample::select(Role::ALL.to_vec()),
            (person, outcome, facts, id, 0..4_000_000_000_000_000_i64),
            prop::option::of("[a-z][a-z0-9-]{1,8}[a-z0-9]"),
            prop::option::of("\\PC{0,12}"),
        )
            .prop_map(|(action, role, (person, outcome, facts, id, at), dataset, subject)| {
                let person = person.map(|id| uuid::Uuid::from_u128(id).into());
                let mut event = Event::new(action, Actor { person, role }).outcome(outcome);
                event.dataset = dataset.and_then(|slug| slug.parse().ok());
                event.organisation = (id % 3 == 0).then(|| "thorax".parse().unwrap());
                event.subject = subject;
                event.project = (id % 2 == 0).then(|| uuid::Uuid::from_u128(id).into());
                event.details = facts.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
                RecordedEvent { id: uuid::Uuid::from_u128(id).into(), at: Timestamp(at), event }
            })
    }

    proptest! {
        #[test]
        fn what_was_recorded_is_read_back(recorded in recorded()) {
            let RecordedEvent { id, at, event } = &recorded;
            let sealed = seal(event, *id, (*at, &at.to_string()), [0; 16]);
            prop_assert_eq!(RecordedEvent::parse(&sealed.body), Ok(recorded));
        }

        /// Whatever one byte of it is changed to, it is damaged, or another event of the same form; it never breaks.
        #[test]
        fn a_changed_byte_never_reads_as_the_same_event(
            recorded in recorded(),
            place: prop::sample::Index,
            byte in 0x20_u8..0x7f,
        ) {
            let RecordedEvent { id, at, event } = &recorded;
            let body = seal(event, *id, (*at, &at.to_string()), [0; 16]).body;
            let mut bytes = body.clone().into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            if let Ok(changed) = String::from_utf8(bytes) && changed != body {
                prop_assert_ne!(RecordedEvent::parse(&changed), Ok(recorded));
            }
        }
    }

    #[test]
    fn what_is_no_event_is_damaged() {
        for body in ["", "{}", "null", "[1]", "{\"action\":\"x\"}", "not json"] {
            assert_eq!(RecordedEvent::parse(body), Err(DamagedEvent), "{body}");
        }
    }
}
