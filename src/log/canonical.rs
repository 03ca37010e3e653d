//! Events in canonical form (RFC 8785): the bytes that are stored, hashed and proved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::Timestamp;
use crate::domain::event::{Details, Event};
use crate::domain::ids::EventId;
use crate::domain::text::Sha256;

/// The version of the event form.
pub const EVENT_VERSION: u32 = 1;

/// An event ready to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedEvent {
    /// When it was recorded.
    pub at: Timestamp,
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
    /// The personal fields.
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

/// A map in canonical form. Gives the same as [`canonical`], faster in the common case.
fn canonical_map(map: &Map<String, Value>) -> String {
    if is_plain_map(map)
        && let Ok(text) = serde_json::to_string(map)
    {
        return text;
    }
    canonical(map)
}

/// Fields in canonical form. Gives the same as [`canonical`], faster in the common case.
fn canonical_details(details: &Details) -> String {
    if !details.iter().all(|(name, _)| name.is_ascii() && is_bare(name)) {
        return canonical(&details.iter().collect::<BTreeMap<_, _>>());
    }
    let mut object = Object::with_capacity(128);
    for (name, value) in details.iter() {
        match value {
            Value::String(text) => object.text(name, text),
            Value::Number(_) if is_plain(value) => object.raw(name, &value.to_string()),
            _ => object.raw(name, &canonical(value)),
        }
    }
    object.finish()
}

/// Whether a string is written as it is, between quotes (RFC 8785 section 3.2.2.2).
fn is_bare(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
}

/// A JSON object that is being written, its names in order.
struct Object(String);

impl Object {
    fn with_capacity(bytes: usize) -> Self {
        let mut out = String::with_capacity(bytes);
        out.push('{');
        Self(out)
    }

    /// A name that needs no escapes, and what comes before its value.
    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        if is_bare(text) {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
        } else {
            self.0.push_str(&canonical(&text));
        }
    }

    fn id(&mut self, name: &str, id: Uuid) {
        self.text(name, id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Bytes in hex.
fn in_hex<'a>(bytes: &[u8], out: &'a mut [u8; 64]) -> &'a str {
    let out = &mut out[..bytes.len() * 2];
    hex::encode_to_slice(bytes, out).expect("there is room for 32 bytes");
    std::str::from_utf8(out).expect("hex is ASCII")
}

/// Gives an event its id, time (also as text, which many share) and, for what is personal, a fresh salt, and puts it in canonical form.
pub fn seal(event: &Event, id: EventId, (at, at_text): (Timestamp, &str), salt: [u8; 16]) -> SealedEvent {
    let mut hex = [0; 64];
    let private = (!event.private.is_empty())
        .then(|| SealedPrivate { salt: in_hex(&salt, &mut hex).to_owned(), data: canonical_details(&event.private) });
    let mut actor = Object::with_capacity(96);
    if let Some(person) = event.actor.person {
        actor.id("id", person.0);
    }
    actor.text("role", event.actor.role.as_str());
    // RFC 8785 sorts fields by name.
    let mut body = Object::with_capacity(640);
    body.text("action", event.action.as_str());
    body.raw("actor", &actor.finish());
    body.text("at", at_text);
    if let Some(dataset) = &event.dataset {
        body.text("dataset", dataset.as_str());
    }
    if !event.details.is_empty() {
        body.raw("details", &canonical_details(&event.details));
    }
    body.id("id", id.0);
    if let Some(organisation) = &event.organisation {
        body.text("organisation", organisation.as_str());
    }
    body.text("outcome", event.outcome.as_str());
    if let Some(private) = &private {
        let hash = Sha256::of(&[salt.as_slice(), private.data.as_bytes()].concat());
        body.text("private", in_hex(&hash.0, &mut hex));
    }
    if let Some(project) = event.project {
        body.id("project", project.0);
    }
    if let Some(subject) = &event.subject {
        body.text("subject", subject);
    }
    body.raw("v", &EVENT_VERSION.to_string());
    SealedEvent { at, body: body.finish(), private }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::event::{Action, Actor};

    #[test]
    fn the_form_is_fixed() {
        let id: EventId = "01931f1e-5a00-7000-8000-000000000001".parse().unwrap();
        let at = Timestamp::parse("2026-11-24T09:41:00Z").unwrap();
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
            let sealed = seal(&event, EventId(uuid::Uuid::nil()), (Timestamp(7), "1970"), [3; 16]);
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
