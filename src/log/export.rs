//! Events in the two forms in which they leave: JSON lines, which anyone can check against the tree, and CSV for tables.

use std::str::FromStr;

use serde_json::{Value, json};

use super::verify::StoredEvent;

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One JSON object a line: `{"index":…,"event":{…},"private":{…}|null}`. The canonical form of `event` (RFC 8785),
    /// hashed, is the leaf `index`.
    Jsonl,
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
}

impl Format {
    /// The word for it, which is also the end of a file's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    /// The text before the first event.
    pub fn header(self) -> String {
        match self {
            Self::Jsonl => String::new(),
            Self::Csv => csv_head(&COLUMNS),
        }
    }

    /// One event, with its line end.
    pub fn event(self, event: &StoredEvent) -> String {
        match self {
            Self::Jsonl => jsonl(event),
            Self::Csv => csv(event),
        }
    }
}

/// The word does not name a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not jsonl or csv")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        [Self::Jsonl, Self::Csv].into_iter().find(|format| format.as_str() == text).ok_or(UnknownFormat)
    }
}

const COLUMNS: [&str; 10] =
    ["index", "at", "action", "actor", "role", "dataset", "subject", "outcome", "details", "private"];

fn jsonl(event: &StoredEvent) -> String {
    // The body is canonical already: it goes out byte for byte.
    let private = serde_json::to_value(&event.private).unwrap_or(Value::Null);
    format!("{{\"index\":{},\"event\":{},\"private\":{private}}}\n", event.index, event.body)
}

fn csv(event: &StoredEvent) -> String {
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    let fields = &event.fields;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = body.get("details").filter(|details| !details.is_null()).map(ToString::to_string);
    let private = event.private.as_ref().map(|part| json!(part.data).to_string());
    csv_row(&[
        &event.index.to_string(),
        &fields.at,
        &fields.action,
        fields.actor.as_deref().unwrap_or(""),
        &text(&body["actor"]["role"]),
        fields.dataset.as_deref().unwrap_or(""),
        fields.subject.as_deref().unwrap_or(""),
        &text(&body["outcome"]),
        &details.unwrap_or_default(),
        &private.unwrap_or_default(),
    ])
}

/// The first line of a table, after the mark by which spreadsheets know UTF-8.
pub fn csv_head(columns: &[&str]) -> String {
    format!("\u{feff}{}", csv_row(columns))
}

/// A line of a table (RFC 4180).
pub fn csv_row(fields: &[&str]) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory fails for no reason but a lack of it.
    let written = writer.write_record(fields).map_err(|error| error.to_string());
    let bytes = written.and_then(|()| writer.into_inner().map_err(|error| error.to_string())).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::indexed_fields::IndexedFields;

    #[test]
    fn both_forms_hold_the_event() {
        let body = r#"{"action":"grant.created","actor":{"id":null,"role":"system"},"details":{"a":"x, \"y\""},"outcome":"done"}"#;
        let event = StoredEvent {
            index: 7,
            fields: IndexedFields {
                at: "2026-11-24T00:00:00.000000Z".into(),
                action: "grant.created".into(),
                actor: None,
                dataset: Some("d".into()),
                subject: None,
                ..IndexedFields::default()
            },
            body: body.into(),
            private: None,
            position_hash: None,
        };
        assert_eq!(Format::Jsonl.event(&event), format!("{{\"index\":7,\"event\":{body},\"private\":null}}\n"));
        let text = Format::Csv.header() + &Format::Csv.event(&event);
        let text = text.strip_prefix('\u{feff}').expect("Excel needs the mark");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!((&record[0], &record[4], &record[8]), ("7", "system", r#"{"a":"x, \"y\""}"#));
        assert_eq!("xml".parse::<Format>(), Err(UnknownFormat));
    }
}
