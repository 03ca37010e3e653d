//! The catalogue's facets: what readers narrow it by, how many datasets each choice would leave, and the orders of the list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::dataset::AccessMode;
use super::ids::DatasetId;
use super::search::{Query, rank};
use super::words::words;
use super::{TimeSpan, Timestamp};

/// What datasets are narrowed by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Facet {
    /// How people get access.
    Mode,
    /// How far the reader has come towards access.
    Own,
    /// The organisation that holds it.
    Organisation,
    /// The endings of its files' names.
    Format,
    /// How large it is.
    Size,
    /// How long ago its current release was published.
    Changed,
    /// The licence.
    Licence,
    /// A tag.
    Tag,
}

words! {
    Facet {
        Mode = "mode",
        Own = "own",
        Organisation = "organisation",
        Format = "format",
        Size = "size",
        Changed = "changed",
        Licence = "licence",
        Tag = "tag",
    }
}

impl Facet {
    /// Whether a dataset may have this value in it.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Mode => value.parse::<AccessMode>().is_ok(),
            Self::Own => value.parse::<OwnState>().is_ok(),
            Self::Size => value.parse::<SizeClass>().is_ok(),
            Self::Changed => value.parse::<Recency>().is_ok(),
            Self::Organisation | Self::Format | Self::Licence | Self::Tag => true,
        }
    }
}

/// How far a reader has come, as far as the catalogue can be narrowed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnState {
    /// They may download.
    Access,
    /// Their request waits for a decision, or came back to them.
    Waiting,
}

words! {
    OwnState {
        Access = "access",
        Waiting = "waiting",
    }
}

/// How large a dataset is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SizeClass {
    /// Less than 10 MB.
    Small,
    /// Less than 1 GB.
    Medium,
    /// Less than 100 GB.
    Large,
    /// More than that.
    Huge,
}

words! {
    SizeClass {
        Small = "under-10-mb",
        Medium = "10-mb-to-1-gb",
        Large = "1-to-100-gb",
        Huge = "over-100-gb",
    }
}

impl SizeClass {
    /// The class of a number of bytes.
    pub const fn of(bytes: u64) -> Self {
        match bytes {
            0..10_000_000 => Self::Small,
            10_000_000..1_000_000_000 => Self::Medium,
            1_000_000_000..100_000_000_000 => Self::Large,
            _ => Self::Huge,
        }
    }
}

/// How long ago a dataset changed. Each takes in those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recency {
    /// Within 30 days.
    Month,
    /// Within 365 days.
    Year,
    /// Within 1,825 days.
    FiveYears,
}

words! {
    Recency {
        Month = "month",
        Year = "year",
        FiveYears = "five-years",
    }
}

impl Recency {
    const fn span(self) -> TimeSpan {
        match self {
            Self::Month => TimeSpan::days(30),
            Self::Year => TimeSpan::days(365),
            Self::FiveYears => TimeSpan::days(5 * 365),
        }
    }
}

/// The order of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// What fits the words best; without words, as the operator placed them.
    #[default]
    Best,
    /// What changed last.
    Changed,
    /// By title.
    Name,
    /// The largest.
    Size,
}

words! {
    Order {
        Best = "best",
        Changed = "changed",
        Name = "name",
        Size = "size",
    }
}

/// A dataset, as far as the list is narrowed and ordered by it.
#[derive(Clone, Debug)]
pub struct CatalogueEntry {
    /// The dataset.
    pub id: DatasetId,
    /// How people get access.
    pub mode: AccessMode,
    /// The name of its organisation in addresses.
    pub organisation: String,
    /// The licence.
    pub licence: String,
    /// The endings of its files' names.
    pub formats: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The bytes of its current release.
    pub total_bytes: u64,
    /// When that was published; nothing without one.
    pub changed_at: Option<Timestamp>,
    /// Its titles, tags and name, folded.
    pub title: String,
}

impl CatalogueEntry {
    /// Its values in a facet, for a reader who has come so far.
    fn values(&self, facet: Facet, own: Option<OwnState>, now: Timestamp) -> Vec<&str> {
        let some = |text: &str| !text.is_empty();
        match facet {
            Facet::Mode => vec![self.mode.as_str()],
            // An open one is everybody's.
            Facet::Own => own.filter(|_| self.mode != AccessMode::Open).map(OwnState::as_str).into_iter().collect(),
            Facet::Organisation => vec![self.organisation.as_str()],
            Facet::Format => self.formats.iter().map(String::as_str).collect(),
            Facet::Size => vec![SizeClass::of(self.total_bytes).as_str()],
            Facet::Changed => self.changed_at.map_or_else(Vec::new, |at| {
                Recency::ALL.into_iter().filter(|recency| at + recency.span() >= now).map(Recency::as_str).collect()
            }),
            Facet::Licence => Some(self.licence.as_str()).filter(|text| some(text)).into_iter().collect(),
            Facet::Tag => self.tags.iter().map(String::as_str).collect(),
        }
    }
}

/// The choices of a reader: a dataset has to have one of the values in every facet in which some were chosen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FacetChoices(BTreeMap<Facet, BTreeSet<String>>);

/// How many values can be chosen; more are left out.
const CHOICES_MAX: usize = 100;

impl FacetChoices {
    /// Adds a value.
    pub fn add(&mut self, facet: Facet, value: &str) {
        if !value.is_empty() && self.iter().count() < CHOICES_MAX {
            self.0.entry(facet).or_default().insert(value.to_owned());
        }
    }

    /// The same with one value less.
    #[must_use]
    pub fn without(&self, facet: Facet, value: &str) -> Self {
        let mut rest = self.clone();
        if let Some(values) = rest.0.get_mut(&facet) {
            values.remove(value);
        }
        rest.0.retain(|_, values| !values.is_empty());
        rest
    }

    /// Whether a value is chosen.
    pub fn has(&self, facet: Facet, value: &str) -> bool {
        self.0.get(&facet).is_some_and(|values| values.contains(value))
    }

    /// Every facet and value that is chosen.
    pub fn iter(&self) -> impl Iterator<Item = (Facet, &str)> {
        self.0.iter().flat_map(|(facet, values)| values.iter().map(|value| (*facet, value.as_str())))
    }

    /// Whether nothing is chosen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a dataset may be shown as far as one facet goes.
    fn allow(&self, facet: Facet, values: &[&str]) -> bool {
        self.0.get(&facet).is_none_or(|chosen| values.iter().any(|value| chosen.contains(*value)))
    }
}

/// A value of a facet, with how many datasets would be left if it alone were chosen there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many.
    pub datasets: u64,
}

/// The datasets that are left, in order, and the counts of each facet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arranged {
    /// The datasets.
    pub ids: Vec<DatasetId>,
    /// How many there were before they were narrowed.
    pub total: u64,
    /// The values of each facet that can be chosen, the commonest first; those of a fixed list in its order.
    pub counts: BTreeMap<Facet, Vec<FacetCount>>,
}

/// Narrows entries to what was chosen, counts what each choice would leave, and puts them in order. Entries come in the
/// catalogue's own order.
pub fn arrange<'a>(
    entries: impl Iterator<Item = &'a CatalogueEntry>,
    own: impl Fn(DatasetId) -> Option<OwnState>,
    choices: &FacetChoices,
    (query, order): (&Query, Order),
    now: Timestamp,
) -> Arranged {
    let mut counts: BTreeMap<Facet, HashMap<&str, u64>> = BTreeMap::new();
    let mut left: Vec<&CatalogueEntry> = Vec::new();
    let mut total = 0;
    for entry in entries {
        total += 1;
        let own = own(entry.id);
        let values = Facet::ALL.map(|facet| (facet, entry.values(facet, own, now)));
        let mut failed = values.iter().filter(|(facet, values)| !choices.allow(*facet, values));
        let (first, second) = (failed.next(), failed.next());
        if second.is_some() {
            continue;
        }
        // What fails in one facet alone is what another choice there would bring.
        let only = first.map(|(facet, _)| *facet);
        if only.is_none() {
            left.push(entry);
        }
        for (facet, values) in values.iter().filter(|(facet, _)| only.is_none_or(|only| only == *facet)) {
            for value in values {
                *counts.entry(*facet).or_default().entry(value).or_default() += 1;
            }
        }
    }
    sort(&mut left, query, order);
    let counts = counts.into_iter().map(|(facet, counts)| (facet, in_order(facet, counts))).collect();
    Arranged { ids: left.into_iter().map(|entry| entry.id).collect(), total, counts }
}

fn sort(entries: &mut [&CatalogueEntry], query: &Query, order: Order) {
    use std::cmp::Reverse;
    match order {
        Order::Best if query.pieces().is_empty() => {}
        Order::Best => entries.sort_by_cached_key(|entry| Reverse(rank(&entry.title, query.words()))),
        Order::Changed => entries.sort_by_key(|entry| Reverse(entry.changed_at)),
        Order::Name => entries.sort_by(|a, b| a.title.cmp(&b.title)),
        Order::Size => entries.sort_by_key(|entry| Reverse(entry.total_bytes)),
    }
}

fn in_order(facet: Facet, counts: HashMap<&str, u64>) -> Vec<FacetCount> {
    fn places<const N: usize>(all: [&'static str; N]) -> Vec<&'static str> {
        all.into()
    }
    let fixed = match facet {
        Facet::Mode => places(AccessMode::ALL.map(AccessMode::as_str)),
        Facet::Own => places(OwnState::ALL.map(OwnState::as_str)),
        Facet::Size => places(SizeClass::ALL.map(SizeClass::as_str)),
        Facet::Changed => places(Recency::ALL.map(Recency::as_str)),
        Facet::Organisation | Facet::Format | Facet::Licence | Facet::Tag => Vec::new(),
    };
    let mut counts: Vec<FacetCount> =
        counts.into_iter().map(|(value, datasets)| FacetCount { value: value.to_owned(), datasets }).collect();
    let place = |value: &str| fixed.iter().position(|word| *word == value);
    counts.sort_by(|a, b| {
        let fixed = place(&a.value).cmp(&place(&b.value));
        fixed.then(b.datasets.cmp(&a.datasets)).then_with(|| a.value.cmp(&b.value))
    });
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(TimeSpan::days(10_000).0);

    fn id(n: usize) -> DatasetId {
        DatasetId(uuid::Uuid::from_u128(n as u128))
    }

    fn entry(n: usize, mode: AccessMode, tags: &[&str], bytes: u64, days_ago: i64) -> CatalogueEntry {
        CatalogueEntry {
            id: id(n),
            mode,
            organisation: "main".into(),
            licence: "CC0".into(),
            formats: vec!["csv".into()],
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            total_bytes: bytes,
            changed_at: Some(NOW - TimeSpan::days(days_ago)),
            title: format!("{} data", ['c', 'a', 'b'][n % 3]),
        }
    }

    fn some() -> Vec<CatalogueEntry> {
        vec![
            entry(0, AccessMode::Open, &["water"], 5, 10),
            entry(1, AccessMode::Approval, &["water", "health"], 50_000_000, 100),
            entry(2, AccessMode::Approval, &["health"], 200_000_000_000, 4_000),
        ]
    }

    fn chosen(values: &[(Facet, &str)]) -> FacetChoices {
        let mut choices = FacetChoices::default();
        for (facet, value) in values {
            choices.add(*facet, value);
        }
        choices
    }

    fn arranged(choices: &FacetChoices, order: Order) -> (Vec<usize>, BTreeMap<Facet, Vec<FacetCount>>) {
        let Arranged { ids, counts, .. } = arrange(some().iter(), |_| None, choices, (&Query::default(), order), NOW);
        (
            (0..3)
                .map(|place| ids.get(place).and_then(|found| (0..3).find(|n| id(*n) == *found)))
                .map_while(|n| n)
                .collect(),
            counts,
        )
    }

    fn of(counts: &BTreeMap<Facet, Vec<FacetCount>>, facet: Facet) -> Vec<(&str, u64)> {
        counts[&facet].iter().map(|count| (count.value.as_str(), count.datasets)).collect()
    }

    #[test]
    fn a_count_is_what_choosing_it_would_leave() {
        let (ids, counts) = arranged(&chosen(&[(Facet::Tag, "water")]), Order::Best);
        assert_eq!(ids, [0, 1]);
        assert_eq!(of(&counts, Facet::Mode), [("open", 1), ("approval", 1)]);
        assert_eq!(of(&counts, Facet::Tag), [("health", 2), ("water", 2)], "tags beside the chosen one stay in sight");
        assert_eq!(of(&counts, Facet::Size), [("under-10-mb", 1), ("10-mb-to-1-gb", 1)]);
        assert_eq!(of(&counts, Facet::Changed), [("month", 1), ("year", 2), ("five-years", 2)]);
        let both = chosen(&[(Facet::Tag, "water"), (Facet::Mode, "approval")]);
        assert_eq!(arranged(&both, Order::Best).0, [1]);
        assert_eq!(arranged(&both.without(Facet::Tag, "water"), Order::Best).0, [1, 2]);
        assert!(arranged(&chosen(&[(Facet::Mode, "nonsense")]), Order::Best).0.is_empty());
    }

    #[test]
    fn the_list_has_orders() {
        let nothing = FacetChoices::default();
        assert_eq!(arranged(&nothing, Order::Name).0, [1, 2, 0]);
        assert_eq!(arranged(&nothing, Order::Size).0, [2, 1, 0]);
        assert_eq!(arranged(&nothing, Order::Changed).0, [0, 1, 2]);
    }

    proptest! {
        #[test]
        fn what_is_counted_is_what_is_found(
            kinds in prop::collection::vec((0_usize..3, 0_usize..3, 0_usize..3, prop::collection::vec(0_usize..3, 0..3)), 0..12),
            picks in prop::collection::vec((0_usize..4, 0_usize..3), 0..4),
        ) {
            let tags = ["a", "b", "c"];
            let entries: Vec<CatalogueEntry> = kinds.iter().enumerate().map(|(n, (mode, size, age, own))| {
                let own: BTreeSet<&str> = own.iter().map(|tag| tags[*tag]).collect();
                let own: Vec<&str> = own.into_iter().collect();
                entry(n, AccessMode::ALL[*mode], &own, [1, 20_000_000, 2_000_000_000][*size], [1, 60, 900][*age])
            }).collect();
            let value = |facet: usize, n: usize| match facet {
                0 => (Facet::Mode, AccessMode::ALL[n].as_str()),
                1 => (Facet::Tag, tags[n]),
                2 => (Facet::Size, SizeClass::ALL[n].as_str()),
                _ => (Facet::Changed, Recency::ALL[n].as_str()),
            };
            let choices = chosen(&picks.iter().map(|(facet, n)| value(*facet, *n)).collect::<Vec<_>>());
            let found = |choices: &FacetChoices| arrange(entries.iter(), |_| None, choices, (&Query::default(), Order::Best), NOW);
            for (facet, counts) in &found(&choices).counts {
                for FacetCount { value, datasets } in counts {
                    let mut alone = FacetChoices(choices.0.clone());
                    alone.0.remove(facet);
                    alone.add(*facet, value);
                    prop_assert_eq!(found(&alone).ids.len() as u64, *datasets);
                }
            }
        }
    }
}
