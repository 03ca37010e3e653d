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
    /// When it was recorded.
    pub at: Instant,
    /// Canonical JSON: what the leaf is the hash of.
    pub body: String,
    /// The personal part, if there is one.
    pub private: Option<SealedPrivate>,
}

/// The personal part of an event as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedPrivate {
    /// 16 random bytes in hex.
    pub salt: String,
    /// Canonical JSON.
    pub data: String,
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
    /// `None` if the salt is not 16 bytes of lower-case hex.
    pub fn commitment(&self) -> Option<Sha256> {
        let lower = !self.salt.bytes().any(|byte| byte.is_ascii_uppercase());
        let mut bytes = hex::decode(&self.salt).ok().filter(|salt| salt.len() == 16 && lower)?;
        bytes.extend_from_slice(canonical_map(&self.data).as_bytes());
        Some(Sha256::of(&bytes))
    }
}

/// JSON in the form of RFC 8785.
pub fn canonical<T: Serialize>(value: &T) -> String {
    serde_json_canonicalizer::to_string(value).expect("maps with text keys and finite numbers always serialise")
}

/// Whether text is JSON in the form of RFC 8785, given what it says.
pub fn is_canonical(text: &str, value: &Value) -> bool {
    if is_plain(value) {
        return serde_json::to_string(value).is_ok_and(|plain| plain == text);
    }
    canonical(value) == text
}

/// Whether plain serialising gives the canonical form: names sort alike byte by byte, and numbers are short integers.
fn is_plain(value: &Value) -> bool {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)).is_some_and(|size| size <= EXACT)
        }
        Value::Array(values) => values.iter().all(is_plain),
        Value::Object(map) => is_plain_map(map),
    }
}

fn is_plain_map(map: &Map<String, Value>) -> bool {
    map.iter().all(|(name, value)| name.is_ascii() && is_plain(value))
}

/// A map in canonical form: what [`canonical`] gives, without its detour where none is needed.
fn canonical_map(map: &Map<String, Value>) -> String {
    if is_plain_map(map)
        && let Ok(text) = serde_json::to_string(map)
    {
        return text;
    }
    canonical(map)
}

fn put(out: &mut String, name: &str, text: &str) {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(text);
}

fn put_text(out: &mut String, name: &str, text: &str) {
    let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        put(out, name, "\"");
        out.push_str(text);
        out.push('"');
    } else {
        put(out, name, &canonical(&text));
    }
}

/// Gives an event its id, time (also as text, which many share) and, for what is personal, a fresh salt, and puts it in canonical form.
pub fn seal(event: &Event, id: EventId, (at, at_text): (Instant, &str), salt: [u8; 16]) -> SealedEvent {
    let private = (!event.private.is_empty())
        .then(|| SealedPrivate { salt: hex::encode(salt), data: canonical_map(&event.private) });
    let mut actor = String::new();
    if let Some(person) = event.actor.person {
        put_text(&mut actor, "id", &person.to_string());
    }
    put_text(&mut actor, "role", event.actor.role.as_str());
    actor.push('}');
    // In the order of their names, as RFC 8785 has it.
    let mut body = String::with_capacity(512);
    put_text(&mut body, "action", event.action.as_str());
    put(&mut body, "actor", &actor);
    put_text(&mut body, "at", at_text);
    if let Some(dataset) = &event.dataset {
        put_text(&mut body, "dataset", dataset.as_str());
    }
    if !event.details.is_empty() {
        put(&mut body, "details", &canonical_map(&event.details));
    }
    put_text(&mut body, "id", &id.to_string());
    put_text(&mut body, "outcome", event.outcome.as_str());
    if let Some(private) = &private {
        let bytes = [salt.as_slice(), private.data.as_bytes()].concat();
        put_text(&mut body, "private", &Sha256::of(&bytes).to_string());
    }
    if let Some(subject) = &event.subject {
        put_text(&mut body, "subject", subject);
    }
    put(&mut body, "v", &EVENT_VERSION.to_string());
    body.push('}');
    SealedEvent { at, body, private }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        let sealed = seal(&event, id, (at, &at.to_string()), [7; 16]);
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

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1.0e9..1.0e9_f64).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// The short way gives what the library gives, for whatever an event may hold.
        #[test]
        fn sealed_events_are_canonical(
            details in prop::collection::btree_map(".{0,8}", value(), 0..5),
            private in prop::collection::btree_map("[a-z]{1,8}", value(), 0..5),
            subject in ".{0,20}",
        ) {
            let mut event = Event::new(Action::TokenIssued, Actor::SYSTEM).subject(&subject);
            event.details = details.into_iter().collect();
            event.private = private.into_iter().collect();
            let sealed = seal(&event, EventId(uuid::Uuid::nil()), (Instant(7), "1970"), [3; 16]);
            let read: Value = serde_json::from_str(&sealed.body).unwrap();
            prop_assert_eq!(canonical(&read), sealed.body);
            if let Some(part) = sealed.private {
                let data: Map<String, Value> = serde_json::from_str(&part.data).unwrap();
                let commitment = PrivatePart { salt: part.salt, data }.commitment().unwrap();
                prop_assert_eq!(read["private"].as_str().unwrap(), commitment.to_string());
            }
        }
    }
}
