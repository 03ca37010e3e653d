//! Downloads as the log tells of them: an admission, its client, and how its transfer ended.

use std::collections::HashMap;

use serde_json::Value;

use super::{Gateway, until};

/// A download that was admitted.
#[derive(Clone, Debug)]
pub struct Download {
    /// The event's place in the log.
    pub index: u64,
    /// The event.
    pub event: Value,
    /// The client's address, and the program it says it is; empty where the log has forgotten them.
    pub ip: String,
    pub user_agent: String,
    /// The bytes that were to be sent.
    pub bytes: u64,
    /// How it ended, if that is in the log.
    pub end: Option<End>,
}

/// How a transfer ended.
#[derive(Clone, Debug)]
pub struct End {
    /// The bytes that were sent.
    pub bytes: u64,
    /// Why it was cut short, if it was.
    pub reason: Option<String>,
    /// Who took the bytes, where that is not the client.
    pub taken_by: Option<String>,
}

impl Download {
    /// A detail of the event as text; empty if it has none.
    pub fn detail(&self, name: &str) -> &str {
        self.event["details"][name].as_str().unwrap_or_default()
    }

    /// Whether all was sent.
    pub fn is_complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.reason.is_none())
    }

    /// Whether it was cut short.
    pub fn is_interrupted(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.reason.is_some())
    }
}

/// The downloads in these lines of an export, in order.
pub fn downloads(lines: &[Value]) -> Vec<Download> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut clients: HashMap<u64, (String, String)> = HashMap::new();
    let mut found: Vec<Download> = Vec::new();
    for line in lines {
        let (index, event) = (line["index"].as_u64().unwrap(), &line["event"]);
        let details = &event["details"];
        let end_of = |download: &Download, bytes: Option<u64>| End {
            bytes: bytes.unwrap_or(download.bytes),
            reason: details["reason"].as_str().map(str::to_owned),
            taken_by: details["taken_by"].as_str().map(str::to_owned),
        };
        match event["action"].as_str().unwrap() {
            "client.seen" => {
                let data = &line["private"]["data"];
                clients.insert(index, (text(&data["ip"]), text(&data["user_agent"])));
            }
            "download.admitted" => {
                let named = details["client"].as_u64().unwrap();
                let (ip, user_agent) = clients.get(&named).unwrap_or_else(|| panic!("{line} names no client")).clone();
                let bytes = details["bytes"].as_u64().unwrap();
                found.push(Download { index, event: event.clone(), ip, user_agent, bytes, end: None });
            }
            "downloads.completed" => {
                let (mut number, mut bytes) = (0, 0);
                for range in details["transfers"].as_str().unwrap().split(',') {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    for index in first.parse::<u64>().unwrap()..=last.parse().unwrap() {
                        let download = admitted_at(&mut found, index);
                        assert!(download.end.is_none(), "{index} has ended twice");
                        assert_eq!(
                            (&download.event["actor"], &download.event["dataset"]),
                            (&event["actor"], &event["dataset"])
                        );
                        download.end = Some(end_of(download, None));
                        (number, bytes) = (number + 1, bytes + download.bytes);
                    }
                }
                if details["number"].is_u64() {
                    assert_eq!((details["number"].as_u64(), details["bytes"].as_u64()), (Some(number), Some(bytes)));
                }
            }
            "download.finished" | "download.interrupted" => {
                let index = details["transfer"].as_u64().unwrap();
                let download = admitted_at(&mut found, index);
                assert!(download.end.is_none(), "{index} has ended twice");
                download.end = Some(end_of(download, details["bytes"].as_u64()));
            }
            _ => {}
        }
    }
    found
}

/// The one whose admission has this index. They are in order.
fn admitted_at(found: &mut [Download], index: u64) -> &mut Download {
    let place = found.binary_search_by_key(&index, |download| download.index).unwrap();
    &mut found[place]
}

impl Gateway {
    /// The downloads that the log tells of.
    pub fn downloads(&self) -> Vec<Download> {
        downloads(&self.events())
    }

    /// Waits until the log says of each of them how it ended.
    pub async fn all_downloads_ended(&self) -> Vec<Download> {
        until("every transfer to end", || async {
            let all = self.downloads();
            all.iter().all(|download| download.end.is_some()).then_some(all)
        })
        .await
    }

    /// Those of them that were cut short.
    pub fn interrupted(&self) -> Vec<Download> {
        self.downloads().into_iter().filter(Download::is_interrupted).collect()
    }
}
