//! Who was sent what of a dataset, from the log alone: admissions and how their transfers ended, added up for each person,
//! grant, release and file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

use serde::Deserialize;

use super::index_ranges;
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::path::{FilePath, PathPattern};
use crate::domain::transfer::SentRanges;

/// What to add up.
#[derive(Clone, Debug, Default)]
pub struct HoldingsFilter {
    /// Only this release.
    pub release: Option<u32>,
    /// Only these files. Archives, which hold them too, count as well.
    pub path: Option<PathPattern>,
    /// Only this account.
    pub person: Option<String>,
}

/// What one event says about downloads of a dataset.
#[derive(Debug)]
pub enum Fact {
    /// A signature binds its signer to a version of an agreement.
    Signed {
        /// The signature's id.
        signature: String,
        /// What was signed.
        agreement: SignedVersion,
    },
    /// A grant rests on a signature.
    Granted {
        /// The grant's id.
        grant: String,
        /// The signature's id.
        signature: String,
    },
    /// A download was admitted.
    Admitted(Box<Admitted>),
    /// Transfers were sent whole: ranges of the indexes of their admissions.
    Completed(Vec<(u64, u64)>),
    /// A transfer was cut short.
    Interrupted {
        /// The index of its admission.
        transfer: u64,
        /// The bytes that were sent.
        bytes: u64,
    },
}

/// An admission of which bytes were to be sent.
#[derive(Debug)]
pub struct Admitted {
    index: u64,
    at: Timestamp,
    person: Option<String>,
    grant: Option<String>,
    release: u32,
    /// `None` for the archive of the whole release.
    path: Option<String>,
    bytes: u64,
    ranges: Option<SentRanges>,
}

/// A version of an agreement, as it was signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedVersion {
    /// The agreement's slug.
    pub slug: String,
    /// The version's number.
    pub version: u32,
    /// The SHA-256 hash of the text that was shown, in hex.
    pub text_sha256: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    actor: ActorBody<'a>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow, default)]
    details: DetailsBody<'a>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ActorBody<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
struct DetailsBody<'a> {
    #[serde(borrow)]
    agreement: Option<AgreementBody<'a>>,
    #[serde(borrow)]
    archive: Option<Cow<'a, str>>,
    bytes: Option<u64>,
    #[serde(borrow)]
    grant: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ranges: Option<Cow<'a, str>>,
    release: Option<u32>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    transfer: Option<u64>,
    #[serde(borrow)]
    transfers: Option<Cow<'a, str>>,
}

/// An agreement is an object where it was signed; another kind of event may say it in a word.
#[derive(Deserialize)]
#[serde(untagged)]
enum AgreementBody<'a> {
    Signed {
        #[serde(borrow)]
        slug: Cow<'a, str>,
        version: u32,
        #[serde(borrow)]
        text_sha256: Cow<'a, str>,
    },
    Other(serde::de::IgnoredAny),
}

impl Fact {
    /// What the event at `index` says; `None` if it says nothing about downloads, or is damaged.
    pub fn of(index: u64, body: &str) -> Option<Self> {
        let Body { action, actor, at, details, subject } = serde_json::from_str(body).ok()?;
        let is = |wanted: Action| action == wanted.as_str();
        if is(Action::DownloadAdmitted) {
            let bytes = details.bytes.filter(|bytes| *bytes > 0)?;
            return Some(Self::Admitted(Box::new(Admitted {
                index,
                at: Timestamp::parse(&at)?,
                person: actor.id.map(Cow::into_owned),
                grant: details.grant.map(Cow::into_owned),
                release: details.release?,
                path: if details.archive.is_some() { None } else { Some(details.path?.into_owned()) },
                bytes,
                ranges: details.ranges.map(|text| text.parse()).transpose().ok()?,
            })));
        }
        if is(Action::DownloadsCompleted) {
            return Some(Self::Completed(index_ranges::parse(&details.transfers?).collect()));
        }
        if is(Action::DownloadFinished) {
            return details.transfer.map(|index| Self::Completed(vec![(index, index)]));
        }
        if is(Action::DownloadInterrupted) {
            return Some(Self::Interrupted { transfer: details.transfer?, bytes: details.bytes? });
        }
        if is(Action::GrantCreated) {
            let (grant, signature) = (subject?.into_owned(), details.signature?.into_owned());
            return Some(Self::Granted { grant, signature });
        }
        if is(Action::AgreementSigned)
            && let Some(AgreementBody::Signed { slug, version, text_sha256 }) = details.agreement
        {
            let (slug, text_sha256) = (slug.into_owned(), text_sha256.into_owned());
            let agreement = SignedVersion { slug, version, text_sha256 };
            return Some(Self::Signed { signature: subject?.into_owned(), agreement });
        }
        None
    }
}

/// How much of a file was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// All of it: in one transfer, or in parts that make the whole.
    Whole,
    /// Some of it.
    Part,
    /// Perhaps all of it: it was admitted, and how the transfer ended is not in the log.
    Unknown,
}

impl Received {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
            Self::Unknown => "unknown",
        }
    }
}

/// What one person was sent of one file of one release under one grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    /// The account; `None` for strangers, to whom open datasets are sent too.
    pub person: Option<String>,
    /// The grant, where one was needed.
    pub grant: Option<String>,
    /// What was signed for it.
    pub agreement: Option<SignedVersion>,
    /// The release.
    pub release: u32,
    /// The file; `None` for the archive of the whole release.
    pub path: Option<String>,
    /// How much of it was received.
    pub received: Received,
    /// How many transfers there were.
    pub transfers: u64,
    /// The bytes that were sent, in all transfers together.
    pub bytes: u64,
    /// The bytes that were sent at most: with those of transfers whose end is not in the log.
    pub at_most: u64,
    /// The time of the first admission.
    pub first_at: Timestamp,
    /// The time of the last.
    pub last_at: Timestamp,
}

/// Texts that come again and again, by number.
#[derive(Debug)]
struct Numbered<T> {
    numbers: HashMap<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), all: Vec::new() }
    }
}

impl<T: Hash + Eq + Clone> Numbered<T> {
    fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(value.clone());
        self.numbers.insert(value, number);
        number
    }
}

/// Person, grant, release, file.
type RowKey = (u32, u32, u32, u32);

#[derive(Debug)]
struct Row {
    transfers: u64,
    bytes: u64,
    at_most: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    is_whole: bool,
    /// What was received of it, first and last byte, while it is not whole.
    parts: Vec<(u64, u64)>,
    /// The length of the whole.
    size: u64,
}

#[derive(Debug)]
struct Transfer {
    index: u64,
    row: u32,
    bytes: u64,
    /// First and last byte of its parts; `None` for the whole.
    ranges: Option<Vec<(u64, u64)>>,
    has_ended: bool,
}

/// Adds up facts, which must come in the log's order.
#[derive(Debug, Default)]
pub struct Holdings {
    filter: HoldingsFilter,
    signed: HashMap<String, SignedVersion>,
    granted: HashMap<String, String>,
    persons: Numbered<Option<String>>,
    grants: Numbered<Option<String>>,
    paths: Numbered<Option<String>>,
    rows: Numbered<RowKey>,
    sums: Vec<Row>,
    /// In the order of their indexes.
    transfers: Vec<Transfer>,
}

impl Holdings {
    /// Nothing yet.
    pub fn new(filter: HoldingsFilter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// Adds a fact.
    pub fn add(&mut self, fact: Fact) {
        match fact {
            Fact::Signed { signature, agreement } => {
                self.signed.insert(signature, agreement);
            }
            Fact::Granted { grant, signature } => {
                self.granted.insert(grant, signature);
            }
            Fact::Admitted(admitted) if self.is_wanted(&admitted) => self.admit(*admitted),
            Fact::Admitted(_) => {}
            Fact::Completed(ranges) => {
                for (first, last) in ranges {
                    let from = self.transfers.partition_point(|transfer| transfer.index < first);
                    let to = self.transfers.partition_point(|transfer| transfer.index <= last);
                    for place in from..to.max(from) {
                        self.end(place, None);
                    }
                }
            }
            Fact::Interrupted { transfer, bytes } => {
                if let Ok(place) = self.transfers.binary_search_by_key(&transfer, |transfer| transfer.index) {
                    self.end(place, Some(bytes));
                }
            }
        }
    }

    fn is_wanted(&self, admitted: &Admitted) -> bool {
        let HoldingsFilter { release, path, person } = &self.filter;
        let covers = |pattern: &PathPattern| match &admitted.path {
            None => true,
            Some(path) => path.parse::<FilePath>().is_ok_and(|path| pattern.covers(&path)),
        };
        release.is_none_or(|wanted| wanted == admitted.release)
            && path.as_ref().is_none_or(covers)
            && (person.is_none() || *person == admitted.person)
    }

    fn admit(&mut self, Admitted { index, at, person, grant, release, path, bytes, ranges }: Admitted) {
        let key = (self.persons.number(person), self.grants.number(grant), release, self.paths.number(path));
        let row = self.rows.number(key);
        if row as usize == self.sums.len() {
            self.sums.push(Row {
                transfers: 0,
                bytes: 0,
                at_most: 0,
                first_at: at,
                last_at: at,
                is_whole: false,
                parts: Vec::new(),
                size: 0,
            });
        }
        let sum = &mut self.sums[row as usize];
        sum.transfers += 1;
        sum.at_most += bytes;
        sum.last_at = at;
        sum.size = ranges.as_ref().map_or(bytes, |ranges| ranges.size);
        let ranges = ranges.map(|ranges| ranges.parts);
        self.transfers.push(Transfer { index, row, bytes, ranges, has_ended: false });
    }

    /// A transfer has ended: after so many bytes, or whole.
    fn end(&mut self, place: usize, interrupted_after: Option<u64>) {
        let transfer = &mut self.transfers[place];
        let row = &mut self.sums[transfer.row as usize];
        if std::mem::replace(&mut transfer.has_ended, true) {
            return;
        }
        let sent = interrupted_after.unwrap_or(transfer.bytes).min(transfer.bytes);
        row.bytes += sent;
        row.at_most -= transfer.bytes - sent;
        let ranges = transfer.ranges.take();
        if row.is_whole {
            return;
        }
        match ranges {
            None if interrupted_after.is_none() => row.is_whole = true,
            None => row.receive([(0, sent)]),
            Some(parts) if interrupted_after.is_none() => {
                row.receive(parts.into_iter().map(|(first, last)| (first, last.saturating_add(1))));
            }
            // Between several parts stands what is no part of the file, so only of one is it known how far it came.
            Some(parts) => {
                if let [(first, _)] = parts[..] {
                    row.receive([(first, first.saturating_add(sent))]);
                }
            }
        }
    }

    /// All of it, by person, release and file, as the log first names them.
    pub fn finish(self) -> Vec<Holding> {
        let mut open = vec![false; self.sums.len()];
        for transfer in self.transfers.iter().filter(|transfer| !transfer.has_ended) {
            open[transfer.row as usize] = true;
        }
        let holding = |((key, row), is_open): ((&RowKey, Row), bool)| {
            let (person, grant, release, path) = *key;
            let grant = self.grants.all[grant as usize].clone();
            let signature = grant.as_ref().and_then(|grant| self.granted.get(grant));
            Holding {
                person: self.persons.all[person as usize].clone(),
                agreement: signature.and_then(|signature| self.signed.get(signature)).cloned(),
                grant,
                release,
                path: self.paths.all[path as usize].clone(),
                received: match (row.is_whole, is_open) {
                    (true, _) => Received::Whole,
                    (false, true) => Received::Unknown,
                    (false, false) => Received::Part,
                },
                transfers: row.transfers,
                bytes: row.bytes,
                at_most: row.at_most,
                first_at: row.first_at,
                last_at: row.last_at,
            }
        };
        self.rows.all.iter().zip(self.sums).zip(open).map(holding).collect()
    }
}

impl Row {
    /// Adds parts, from one byte to before another, and joins what touches.
    fn receive(&mut self, parts: impl IntoIterator<Item = (u64, u64)>) {
        self.parts.extend(parts.into_iter().filter(|(from, to)| from < to));
        self.parts.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(self.parts.len());
        for (from, to) in self.parts.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => joined.push((from, to)),
            }
        }
        self.is_whole = matches!(joined[..], [(0, end)] if end >= self.size);
        self.parts = joined;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SIZE: u64 = 12;

    /// A transfer of one of two files by one of two people: of some part or the whole; ended so, if at all.
    #[derive(Clone, Debug)]
    struct Made {
        person: usize,
        file: usize,
        part: Option<(u64, u64)>,
        end: End,
    }

    #[derive(Clone, Copy, Debug)]
    enum End {
        Complete,
        InterruptedAfter(u64),
        Unrecorded,
    }

    fn made() -> impl Strategy<Value = Made> {
        let part = prop::option::of((0..SIZE, 0..SIZE).prop_map(|(a, b)| (a.min(b), a.max(b))));
        let end = prop_oneof![Just(End::Complete), (0..=SIZE).prop_map(End::InterruptedAfter), Just(End::Unrecorded)];
        (0..2_usize, 0..2_usize, part, end).prop_map(|(person, file, part, end)| Made { person, file, part, end })
    }

    fn event(index: usize, made: &Made) -> String {
        let bytes = made.part.map_or(SIZE, |(first, last)| last - first + 1);
        let ranges =
            made.part.map_or_else(String::new, |(first, last)| format!("\"ranges\":\"{first}-{last}/{SIZE}\","));
        let (person, file) = (made.person, made.file);
        format!(
            "{{\"action\":\"download.admitted\",\"actor\":{{\"id\":\"p{person}\"}},\"at\":\"2026-11-24T09:41:0{}Z\",\
             \"dataset\":\"d\",\"details\":{{\"bytes\":{bytes},\"path\":\"f{file}\",{ranges}\"release\":1}}}}",
            index % 10
        )
    }

    proptest! {
        /// Beside a model that marks every byte that came.
        #[test]
        fn what_is_added_up_is_what_was_sent(all in prop::collection::vec(made(), 0..30)) {
            let mut holdings = Holdings::new(HoldingsFilter::default());
            for (index, made) in all.iter().enumerate() {
                holdings.add(Fact::of(index as u64, &event(index, made)).unwrap());
            }
            let (mut came, mut sums) = (HashMap::<_, BTreeSet<u64>>::new(), HashMap::<_, (u64, u64, bool)>::new());
            for (index, made) in all.iter().enumerate() {
                let key = (made.person, made.file);
                let (first, last) = made.part.unwrap_or((0, SIZE - 1));
                let promised = last - first + 1;
                let sent = match made.end {
                    End::Complete => Some(promised),
                    End::InterruptedAfter(bytes) => Some(bytes.min(promised)),
                    End::Unrecorded => None,
                };
                let (bytes, at_most, is_open) = sums.entry(key).or_default();
                *bytes += sent.unwrap_or(0);
                *at_most += sent.unwrap_or(promised);
                *is_open |= sent.is_none();
                came.entry(key).or_default().extend(first..first + sent.unwrap_or(0));
                match made.end {
                    End::Unrecorded => {}
                    End::Complete => holdings.add(Fact::Completed(vec![(index as u64, index as u64)])),
                    End::InterruptedAfter(bytes) => holdings.add(Fact::Interrupted { transfer: index as u64, bytes }),
                }
            }
            let found = holdings.finish();
            prop_assert_eq!(found.len(), sums.len());
            for ((person, file), (bytes, at_most, is_open)) in sums {
                let is_it = |holding: &&Holding| {
                    holding.person == Some(format!("p{person}")) && holding.path == Some(format!("f{file}"))
                };
                let holding = found.iter().find(is_it).unwrap();
                prop_assert_eq!((holding.bytes, holding.at_most), (bytes, at_most));
                let is_whole = came.get(&(person, file)).is_some_and(|bytes| bytes.len() as u64 == SIZE);
                let expected = match (is_whole, is_open) {
                    (true, _) => Received::Whole,
                    (false, true) => Received::Unknown,
                    (false, false) => Received::Part,
                };
                prop_assert_eq!(holding.received, expected);
            }
        }

        #[test]
        fn anything_else_says_nothing(body in ".{0,80}", first: u64, last: u64) {
            prop_assert!(Fact::of(0, &body).is_none());
            let mut holdings = Holdings::new(HoldingsFilter::default());
            holdings.add(Fact::Completed(vec![(first, last)]));
            prop_assert!(holdings.finish().is_empty());
        }
    }
}
