//! Who was sent what of a dataset, from the log alone: admissions and how their transfers ended, added up for each person,
//! grant, release and file.

mod coverage;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use self::coverage::Coverage;
use super::download_fact::{AdmittedDownload, DownloadFact};
use crate::domain::Timestamp;
use crate::domain::ids::{GrantId, PersonId, ProjectId, SignatureId};
use crate::domain::path::{FilePath, PathPattern};
use crate::domain::signature::SignedText;
use crate::domain::words::words;

/// What to add up.
#[derive(Clone, Debug, Default)]
pub struct HoldingsFilter {
    /// Only this release.
    pub release: Option<u32>,
    /// Only these files. Archives, which hold them too, count as well.
    pub path: Option<PathPattern>,
    /// Only this account.
    pub person: Option<PersonId>,
}

impl HoldingsFilter {
    fn finds(&self, admitted: &AdmittedDownload) -> bool {
        let covers = |pattern: &PathPattern| admitted.path.as_ref().is_none_or(|path| pattern.covers(path));
        self.release.is_none_or(|release| release == admitted.release)
            && self.path.as_ref().is_none_or(covers)
            && (self.person.is_none() || self.person == admitted.person)
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

words! {
    Received {
        Whole = "whole",
        Part = "part",
        Unknown = "unknown",
    }
}

/// What one person was sent of one file of one release under one grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    /// The account; `None` for strangers, to whom open datasets are sent too.
    pub person: Option<PersonId>,
    /// The grant, where one was needed.
    pub grant: Option<GrantId>,
    /// The project that the grant is for.
    pub project: Option<ProjectId>,
    /// What was signed for it: all versions under which there were transfers, in the order in which they were signed.
    pub agreements: Vec<Arc<SignedText>>,
    /// The release.
    pub release: u32,
    /// The file; `None` for the archive of the whole release.
    pub path: Option<FilePath>,
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

/// Values that come again and again, by number.
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

/// Whose row: person, grant, release, and the number of the file.
type RowKey = (Option<PersonId>, Option<GrantId>, u32, u32);

#[derive(Debug)]
struct Row {
    transfers: u64,
    bytes: u64,
    at_most: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    is_whole: bool,
    /// What was received of it while it is not whole.
    coverage: Coverage,
    /// The length of the whole.
    size: u64,
    /// Transfers whose end is not known.
    open: u64,
    /// What was signed for the grant when they were admitted: numbers of [`Holdings::terms`], each once.
    terms: Vec<u32>,
}

impl Row {
    fn new(at: Timestamp) -> Self {
        Self {
            transfers: 0,
            bytes: 0,
            at_most: 0,
            first_at: at,
            last_at: at,
            is_whole: false,
            coverage: Coverage::default(),
            size: 0,
            open: 0,
            terms: Vec::new(),
        }
    }

    fn received(&self) -> Received {
        if self.is_whole {
            Received::Whole
        } else if self.open > 0 {
            Received::Unknown
        } else {
            Received::Part
        }
    }

    /// Notes which bytes a transfer has brought: all that it was for, or of them the first so many.
    fn receive(&mut self, ranges: Option<&[(u64, u64)]>, interrupted_after: Option<u64>) {
        match (ranges, interrupted_after) {
            (None, None) => self.is_whole = true,
            (None, Some(sent)) => self.coverage.add(0, sent),
            (Some(parts), None) => {
                for (first, last) in parts {
                    self.coverage.add(*first, last.saturating_add(1));
                }
            }
            (Some([(first, _)]), Some(sent)) => self.coverage.add(*first, first.saturating_add(sent)),
            // Between several parts stands what is no part of the file, so it is not known how far it came.
            (Some(_), Some(_)) => {}
        }
        self.is_whole |= self.coverage.is_whole(self.size);
    }
}

/// A transfer that was admitted.
#[derive(Debug)]
struct Transfer {
    index: u64,
    row: u32,
    bytes: u64,
    /// First and last byte of its parts; `None` for the whole.
    ranges: Option<Box<[(u64, u64)]>>,
    has_ended: bool,
}

/// Adds up facts, which must come in the log's order.
#[derive(Debug, Default)]
pub struct Holdings {
    filter: HoldingsFilter,
    signed: HashMap<SignatureId, Arc<SignedText>>,
    /// The project that each grant is for, and the number of what was signed for it.
    granted: HashMap<GrantId, (Option<ProjectId>, u32)>,
    /// What was signed for grants: one signature for each agreement.
    terms: Numbered<Vec<SignatureId>>,
    paths: Numbered<Option<FilePath>>,
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
    pub fn add(&mut self, fact: DownloadFact) {
        match fact {
            DownloadFact::Signed { signature, agreement } => {
                self.signed.insert(signature, agreement.into());
            }
            DownloadFact::Granted { grant, project, signatures } => {
                let terms = self.terms.number(signatures);
                self.granted.insert(grant, (project, terms));
            }
            DownloadFact::SignedAnew { grant, signatures } => {
                let Some((project, terms)) = self.granted.get(&grant).copied() else { return };
                let slug = |id: &SignatureId| self.signed.get(id).map(|text| &text.slug);
                let renewed: Vec<_> = signatures.iter().filter_map(slug).collect();
                let kept = self.terms.all[terms as usize].iter().copied();
                let kept = kept.filter(|id| !slug(id).is_some_and(|own| renewed.contains(&own)));
                let terms = kept.chain(signatures.iter().copied()).collect();
                let terms = self.terms.number(terms);
                self.granted.insert(grant, (project, terms));
            }
            DownloadFact::Admitted(admitted) => {
                if self.filter.finds(&admitted) {
                    self.admit(*admitted);
                }
            }
            DownloadFact::Completed(ranges) => {
                for (first, last) in ranges {
                    let from = self.transfers.partition_point(|transfer| transfer.index < first);
                    let to = self.transfers.partition_point(|transfer| transfer.index <= last);
                    (from..to).for_each(|place| self.end(place, None));
                }
            }
            DownloadFact::Interrupted { transfer, bytes, .. } => {
                if let Ok(place) = self.transfers.binary_search_by_key(&transfer, |transfer| transfer.index) {
                    self.end(place, Some(bytes));
                }
            }
        }
    }

    fn admit(&mut self, admitted: AdmittedDownload) {
        let AdmittedDownload { index, at, person, grant, release, path, bytes, ranges } = admitted;
        let row = self.rows.number((person, grant, release, self.paths.number(path)));
        if row as usize == self.sums.len() {
            self.sums.push(Row::new(at));
        }
        let sum = &mut self.sums[row as usize];
        sum.transfers += 1;
        sum.open += 1;
        sum.at_most += bytes;
        sum.last_at = at;
        let terms = grant.and_then(|grant| self.granted.get(&grant)).map(|(_, terms)| *terms);
        if let Some(terms) = terms.filter(|terms| !sum.terms.contains(terms)) {
            sum.terms.push(terms);
        }
        sum.size = ranges.as_ref().map_or(bytes, |ranges| ranges.size);
        let ranges = ranges.map(|ranges| ranges.parts.into());
        self.transfers.push(Transfer { index, row, bytes, ranges, has_ended: false });
    }

    /// A transfer has ended: after so many bytes, or whole.
    fn end(&mut self, place: usize, interrupted_after: Option<u64>) {
        let transfer = &mut self.transfers[place];
        if std::mem::replace(&mut transfer.has_ended, true) {
            return;
        }
        let row = &mut self.sums[transfer.row as usize];
        let interrupted_after = interrupted_after.map(|sent| sent.min(transfer.bytes));
        let sent = interrupted_after.unwrap_or(transfer.bytes);
        row.open -= 1;
        row.bytes += sent;
        row.at_most -= transfer.bytes - sent;
        let ranges = transfer.ranges.take();
        if !row.is_whole {
            row.receive(ranges.as_deref(), interrupted_after);
        }
    }

    /// All of it, by person, release and file, as the log first names them.
    pub fn finish(self) -> Vec<Holding> {
        let holding = |(key, row): (&RowKey, Row)| {
            let (person, grant, release, path) = *key;
            let granted = grant.and_then(|grant| self.granted.get(&grant));
            let mut signatures: Vec<SignatureId> = Vec::new();
            for id in row.terms.iter().flat_map(|terms| &self.terms.all[*terms as usize]) {
                if !signatures.contains(id) {
                    signatures.push(*id);
                }
            }
            Holding {
                person,
                grant,
                project: granted.and_then(|(project, _)| *project),
                agreements: signatures.iter().filter_map(|signature| self.signed.get(signature)).cloned().collect(),
                release,
                path: self.paths.all[path as usize].clone(),
                received: row.received(),
                transfers: row.transfers,
                bytes: row.bytes,
                at_most: row.at_most,
                first_at: row.first_at,
                last_at: row.last_at,
            }
        };
        self.rows.all.iter().zip(self.sums).map(holding).collect()
    }
}
