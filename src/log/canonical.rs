//! Events in canonical form (RFC 8785): the bytes that are stored, hashed and proved.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::Instant;
use crate::domain::event::Event;
use crate::domain::ids::EventId;
use crate::domain::text::Sha256;

/// The version of the event form.
pub const EVENT_VERSION: u32 = 1;

/// An event ready to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedEvent {
    /// Its id.
    pub id: EventId,
    /// When it was recorded.
    pub at: Instant,
    /// Canonical JSON: what the leaf is the hash of.
    pub body: String,
    /// The personal part, if there is one.
    pub private: Option<PrivatePart>,
}

/// The personal part of an event, kept beside it. Erasing it leaves the log verifiable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PrivatePart {
    /// 16 random bytes in hex, so that guessing the content proves nothing.
    pub salt: String,
    /// What is personal.
    pub data: Map<String, Value>,
}

impl PrivatePart {
    /// SHA-256 of the salt's bytes followed by the canonical JSON of the data: what the event commits to.
    /// `None` if the salt is not 16 bytes of hex.
    pub fn commitment(&self) -> Option<Sha256> {
        let mut bytes = hex::decode(&self.salt).ok().filter(|salt| salt.len() == 16)?;
        bytes.extend_from_slice(canonical(&self.data).as_bytes());
        Some(Sha256::of(&bytes))
    }
}

/// JSON in the form of RFC 8785.
pub fn canonical<T: Serialize>(value: &T) -> String {
    serde_json_canonicalizer::to_string(value).expect("maps with text keys and finite numbers always serialise")
}

/// Gives an event its id, time and, for what is personal, a fresh salt, and puts it in canonical form.
pub fn seal(event: Event, id: EventId, at: Instant, salt: [u8; 16]) -> SealedEvent {
    let private = (!event.private.is_empty()).then(|| PrivatePart { salt: hex::encode(salt), data: event.private });
    let mut actor = Map::new();
    if let Some(person) = event.actor.person {
        actor.insert("id".into(), person.to_string().into());
    }
    actor.insert("role".into(), event.actor.role.as_str().into());
    let mut body = Map::new();
    body.insert("v".into(), EVENT_VERSION.into());
    body.insert("id".into(), id.to_string().into());
    body.insert("at".into(), at.to_string().into());
    body.insert("action".into(), event.action.as_str().into());
    body.insert("actor".into(), actor.into());
    body.insert("outcome".into(), event.outcome.as_str().into());
    if let Some(dataset) = event.dataset {
        body.insert("dataset".into(), dataset.as_str().into());
    }
    if let Some(subject) = event.subject {
        body.insert("subject".into(), subject.into());
    }
    if !event.details.is_empty() {
        body.insert("details".into(), event.details.into());
    }
    if let Some(commitment) = private.as_ref().and_then(PrivatePart::commitment) {
        body.insert("private".into(), commitment.to_string().into());
    }
    SealedEvent { id, at, body: canonical(&body), private }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Action, Actor};

    #[test]
    fn the_form_is_fixed() {
        let id: EventId = "01931f1e-5a00-7000-8000-000000000001".parse().unwrap();
        let at = Instant::parse("2026-11-24T09:41:00Z").unwrap();
        let event = Event::new(Action::SessionStarted, Actor::ANONYMOUS)
            .subject("x")
            .with("z", 1)
            .with("a", "胸")
            .private("ip", "127.0.0.1");
        let sealed = seal(event, id, at, [7; 16]);
        assert_eq!(
            sealed.body,
            "{\"action\":\"session.started\",\"actor\":{\"role\":\"anonymous\"},\"at\":\"2026-11-24T09:41:00.000000Z\",\
             \"details\":{\"a\":\"胸\",\"z\":1},\"id\":\"01931f1e-5a00-7000-8000-000000000001\",\"outcome\":\"done\",\
             \"private\":\"66ee8a4a4f8eb0325be14cd87c4a54dcbc8c9fe46d6fa0b0d4b9e7ab8dbbf0a2\",\"subject\":\"x\",\"v\":1}"
                .replace("66ee8a4a4f8eb0325be14cd87c4a54dcbc8c9fe46d6fa0b0d4b9e7ab8dbbf0a2", &{
                    let mut bytes = vec![7; 16];
                    bytes.extend_from_slice(b"{\"ip\":\"127.0.0.1\"}");
                    Sha256::of(&bytes).to_string()
                })
        );
    }
}
