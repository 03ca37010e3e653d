//! Counting downloads: how many were admitted on each day, and how many bytes were sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::overview::DownloadCount;

/// Downloads by dataset and day, the day in whole days since 1970 (UTC). Bytes count on the day on which their transfer ended.
pub type DownloadCounts = BTreeMap<(String, i64), DownloadCount>;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    dataset: Option<Cow<'a, str>>,
    #[serde(default)]
    details: DetailsBody,
}

#[derive(Deserialize, Default)]
struct DetailsBody {
    bytes: Option<u64>,
}

/// Counts what an event says; one that is damaged says nothing.
pub fn count(counts: &mut DownloadCounts, body: &str) {
    // Most events are told by a glance.
    if !body.contains("\"action\":\"download") {
        return;
    }
    let Ok(body) = serde_json::from_str::<Body<'_>>(body) else { return };
    let (Some(dataset), Some(at)) = (body.dataset, Timestamp::parse(&body.at)) else { return };
    let bytes = body.details.bytes.unwrap_or_default();
    let counted = match body.action.parse() {
        // Nothing was to be sent where somebody only asked about a file.
        Ok(Action::DownloadAdmitted) if bytes > 0 => DownloadCount { admitted: 1, bytes: 0 },
        Ok(Action::DownloadsCompleted | Action::DownloadFinished | Action::DownloadInterrupted) => {
            DownloadCount { admitted: 0, bytes }
        }
        _ => return,
    };
    *counts.entry((dataset.into_owned(), at.days_since_1970())).or_default() += counted;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(action: &str, dataset: &str, at: &str, bytes: u64) -> String {
        format!(
            "{{\"action\":\"{action}\",\"actor\":{{}},\"at\":\"{at}\",\"dataset\":\"{dataset}\",\
             \"details\":{{\"bytes\":{bytes},\"transfer\":1}},\"outcome\":\"done\"}}"
        )
    }

    #[test]
    fn admissions_and_bytes_are_counted_by_dataset_and_day() {
        let mut counts = DownloadCounts::new();
        for (action, dataset, at, bytes) in [
            ("download.admitted", "a", "1970-01-02T23:59:59.999999Z", 7),
            ("download.finished", "a", "1970-01-03T00:00:00Z", 7),
            ("download.interrupted", "a", "1970-01-03T10:00:00Z", 2),
            ("downloads.completed", "b", "1970-01-03T10:00:00Z", 9),
            ("download.admitted", "b", "1970-01-03T10:00:00Z", 0),
            ("download.denied", "a", "1970-01-03T10:00:00Z", 5),
            ("request.approved", "a", "1970-01-03T10:00:00Z", 5),
        ] {
            count(&mut counts, &body(action, dataset, at, bytes));
        }
        let found: Vec<_> =
            counts.iter().map(|((dataset, day), count)| (&**dataset, *day, count.admitted, count.bytes)).collect();
        assert_eq!(found, [("a", 1, 1, 0), ("a", 2, 0, 9), ("b", 2, 0, 9)]);
    }

    #[test]
    fn nothing_else_counts() {
        for action in Action::ALL {
            let mut counts = DownloadCounts::new();
            count(&mut counts, &body(action.as_str(), "a", "1970-01-03T10:00:00Z", 5));
            let is_of_downloads = matches!(
                action,
                Action::DownloadAdmitted
                    | Action::DownloadsCompleted
                    | Action::DownloadFinished
                    | Action::DownloadInterrupted
            );
            assert_eq!(!counts.is_empty(), is_of_downloads, "{action}");
        }
    }

    proptest! {
        #[test]
        fn what_is_damaged_counts_nothing(rest in ".{0,80}") {
            let mut counts = DownloadCounts::new();
            count(&mut counts, &rest);
            count(&mut counts, &format!("{{\"action\":\"download.admitted\",{rest}"));
            prop_assert!(counts.is_empty());
        }
    }
}
