//! One column of a table: its values go by once, and little of them is kept.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::values::Cell;
use super::{CELL_MAX, ColumnPreview, ColumnStatistics};
use crate::domain::words::words;

/// How many different values are counted.
const DISTINCT_MAX: usize = 1_000;
/// How many numbers stand for all of them in a histogram, where there are too many different ones to count.
const SAMPLE_MAX: usize = 2_048;
/// How many bars a histogram has.
const BINS: u32 = 12;
/// How many different texts make a list that is worth counting one by one.
const LIST_MAX: usize = 20;
/// How many of them are named.
const FREQUENT_MAX: usize = 3;
/// What fewer rows have might tell who they are about: such a value is not named or counted, nor is anything said of how the
/// values of a column are distributed in which so few have one.
const SMALLEST_GROUP: u64 = 10;

/// What kind of values a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// None.
    Empty,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Decimal,
    /// Days, such as `2020-10-11`.
    Day,
    /// Texts, or values of several kinds.
    Text,
}

words! {
    ColumnKind {
        Empty = "empty",
        Integer = "integer",
        Decimal = "decimal",
        Day = "day",
        Text = "text",
    }
}

impl ColumnKind {
    /// The kind of a column of this kind once it holds this, too.
    const fn with(self, cell: Cell) -> Self {
        match (self, cell) {
            (kind, Cell::Missing) => kind,
            (Self::Empty | Self::Integer, Cell::Integer(_)) => Self::Integer,
            (Self::Empty | Self::Integer | Self::Decimal, Cell::Decimal(_)) | (Self::Decimal, Cell::Integer(_)) => {
                Self::Decimal
            }
            (Self::Empty | Self::Day, Cell::Day) => Self::Day,
            _ => Self::Text,
        }
    }
}

/// A column whose values go by.
#[derive(Debug)]
pub struct ColumnScan {
    kind: ColumnKind,
    missing: u64,
    /// How many rows have each value, by the value's hash; none once there are too many different ones.
    counts: Option<HashMap<u64, Counted>>,
    /// The values themselves; none once there are too many for a list.
    list: Option<HashMap<u64, String>>,
    range: Option<(f64, f64)>,
    days: Option<(String, String)>,
    /// Numbers of which each had the same chance to be kept (Vitter's algorithm R), and how many have gone by.
    sample: (Vec<f64>, u64),
    /// The state of a generator that is the same each time: the same file has the same preview.
    random: u64,
}

/// A value that was counted.
#[derive(Clone, Copy, Debug)]
struct Counted {
    number: Option<f64>,
    rows: u64,
}

impl Default for ColumnScan {
    fn default() -> Self {
        Self {
            kind: ColumnKind::Empty,
            missing: 0,
            counts: Some(HashMap::new()),
            list: Some(HashMap::new()),
            range: None,
            days: None,
            sample: (Vec::new(), 0),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl ColumnScan {
    /// Takes in a value; a row that lacks the column has `""`.
    pub fn take(&mut self, text: &str) {
        let text = text.trim();
        let cell = Cell::of(text);
        self.kind = self.kind.with(cell);
        if cell == Cell::Missing {
            self.missing += 1;
            return;
        }
        self.count(text, cell.number());
        if let Some(number) = cell.number() {
            let (low, high) = self.range.unwrap_or((number, number));
            self.range = Some((low.min(number), high.max(number)));
            self.keep(number);
        }
        if cell == Cell::Day {
            match &mut self.days {
                Some((first, _)) if text < first.as_str() => text.clone_into(first),
                Some((_, last)) if text > last.as_str() => text.clone_into(last),
                Some(_) => {}
                None => self.days = Some((text.to_owned(), text.to_owned())),
            }
        }
    }

    fn count(&mut self, text: &str, number: Option<f64>) {
        let Some(counts) = &mut self.counts else { return };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(counted) = counts.get_mut(&hash) {
            counted.rows += 1;
            return;
        }
        if counts.len() == DISTINCT_MAX {
            self.counts = None;
            return;
        }
        counts.insert(hash, Counted { number, rows: 1 });
        if counts.len() > LIST_MAX {
            self.list = None;
        } else if let Some(list) = &mut self.list {
            list.insert(hash, shortened(text));
        }
    }

    fn keep(&mut self, number: f64) {
        let (sample, seen) = &mut self.sample;
        *seen += 1;
        if sample.len() < SAMPLE_MAX {
            sample.push(number);
            return;
        }
        // Xorshift: nothing depends on how good it is.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if let Some(place) = usize::try_from(self.random % *seen).ok().and_then(|place| sample.get_mut(place)) {
            *place = number;
        }
    }

    /// What kind of values it holds so far.
    pub const fn kind(&self) -> ColumnKind {
        self.kind
    }

    /// What is to be known of the column, of a table with so many rows.
    pub fn finish(self, name: &str, rows: u64) -> ColumnPreview {
        let (name, kind) = (shortened(name), self.kind);
        let distinct = self.counts.as_ref().map(|counts| counts.len() as u64);
        let mut statistics = ColumnStatistics { missing: self.missing, distinct, ..ColumnStatistics::default() };
        if rows.saturating_sub(self.missing) >= SMALLEST_GROUP {
            self.distribution(&mut statistics);
        }
        ColumnPreview { name, kind, statistics: Some(statistics) }
    }

    /// Fills in how the values are distributed.
    fn distribution(self, statistics: &mut ColumnStatistics) {
        match (self.kind, self.range) {
            (ColumnKind::Integer | ColumnKind::Decimal, Some(range)) => {
                let counted = self.counts.as_ref().map(counted_numbers);
                let sample = || self.sample.0.iter().map(|number| (*number, 1)).collect();
                statistics.range = Some(range);
                statistics.median = counted.as_deref().and_then(median);
                statistics.bins = bins(&counted.unwrap_or_else(sample), range, self.kind);
            }
            (ColumnKind::Day, _) => statistics.days = self.days,
            (ColumnKind::Text, _) => {
                let (Some(counts), Some(list)) = (self.counts, self.list) else { return };
                let value = |(hash, text): (u64, String)| Some((text, counts.get(&hash)?.rows));
                let mut listed: Vec<_> = list.into_iter().filter_map(value).collect();
                listed.sort_by(|(a, a_rows), (b, b_rows)| b_rows.cmp(a_rows).then_with(|| a.cmp(b)));
                listed.retain(|(_, rows)| *rows >= SMALLEST_GROUP);
                statistics.bins = listed.iter().map(|(_, rows)| *rows).collect();
                statistics.frequent = listed.into_iter().take(FREQUENT_MAX).collect();
            }
            _ => {}
        }
    }
}

/// A text as it is kept: on one line, and no longer than a cell.
pub fn shortened(text: &str) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(CELL_MAX + 1).collect();
    match line.char_indices().nth(CELL_MAX) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Whether a first row names the columns, of which these are the kinds without it. It does where none of its cells is a number
/// or a day, and in some column all others are: nothing less shows that it isn't about somebody.
pub fn is_header<T: AsRef<str>>(cells: &[T], kinds: &[ColumnKind]) -> bool {
    let cell = |text: &T| Cell::of(text.as_ref().trim());
    let are_names = cells.iter().all(|text| matches!(cell(text), Cell::Text | Cell::Missing));
    let is_other = |(text, kind): (&T, &ColumnKind)| {
        cell(text) == Cell::Text && matches!(kind, ColumnKind::Integer | ColumnKind::Decimal | ColumnKind::Day)
    };
    are_names && cells.iter().zip(kinds).any(is_other)
}

/// Numbers in their order, each with how many rows have it.
fn counted_numbers(counts: &HashMap<u64, Counted>) -> Vec<(f64, u64)> {
    let mut numbers: Vec<_> = counts.values().filter_map(|counted| Some((counted.number?, counted.rows))).collect();
    numbers.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    numbers
}

/// The number in the middle; of two, the smaller.
fn median(numbers: &[(f64, u64)]) -> Option<f64> {
    let all: u64 = numbers.iter().map(|(_, count)| count).sum();
    let mut before = 0;
    for (number, count) in numbers {
        before += count;
        if before * 2 >= all {
            return Some(*number);
        }
    }
    None
}

/// A small number that is not negative, without its fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the number of bars")]
const fn index(number: f64) -> usize {
    number as usize
}

/// How many numbers lie in each part of a range: twelve parts or, of a few whole numbers, one for each. Parts in which few lie are left empty.
fn bins(numbers: &[(f64, u64)], (low, high): (f64, f64), kind: ColumnKind) -> Vec<u64> {
    let width = high - low;
    if !(width > 0.0 && width.is_finite()) {
        return vec![numbers.iter().map(|(_, count)| count).sum()];
    }
    let one_each = kind == ColumnKind::Integer && width < f64::from(BINS);
    let parts = if one_each { width + 1.0 } else { f64::from(BINS) };
    let mut bins = vec![0; index(parts)];
    let last = bins.len() - 1;
    for (number, count) in numbers {
        let part = if one_each { number - low } else { (number - low) / width * parts };
        bins[index(part).min(last)] += count;
    }
    for count in &mut bins {
        *count = if *count < SMALLEST_GROUP { 0 } else { *count };
    }
    bins
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn column<'a>(values: impl IntoIterator<Item = &'a str>) -> ColumnPreview {
        let (mut scan, mut rows) = (ColumnScan::default(), 0);
        for value in values {
            scan.take(value);
            rows += 1;
        }
        scan.finish("x", rows)
    }

    /// Values, each as often as enough rows need to have it.
    fn often<'a>(values: &[&'a str]) -> Vec<&'a str> {
        values.repeat(10)
    }

    #[test]
    fn numbers_have_a_range_a_median_and_bars() {
        let ages = column(often(&["57", "58", " 58 ", "80", "", "NA", "74"]));
        let statistics = ages.statistics.unwrap();
        assert_eq!((ages.kind, statistics.missing, statistics.distinct), (ColumnKind::Integer, 20, Some(4)));
        assert_eq!((statistics.range, statistics.median), (Some((57.0, 80.0)), Some(58.0)));
        assert_eq!((statistics.bins.len(), statistics.bins.iter().sum::<u64>()), (12, 50));
        assert_eq!(column(often(&["1", "2", "2", "3"])).statistics.unwrap().bins, [10, 20, 10]);
        assert_eq!(column(["1", "2.5"]).kind, ColumnKind::Decimal);
        let mixed = column(often(&["1", "2", "M"]));
        assert_eq!((mixed.kind, mixed.statistics.unwrap().range), (ColumnKind::Text, None));
    }

    #[test]
    fn what_few_rows_have_is_not_told() {
        let texts = std::iter::repeat_n("M", 12).chain(std::iter::repeat_n("F", 30)).chain(["Lin Mei-hua"]);
        let statistics = column(texts).statistics.unwrap();
        assert_eq!(statistics.frequent, [("F".to_owned(), 30), ("M".to_owned(), 12)]);
        assert_eq!(statistics.bins, [30, 12]);
        let coded = column(often(&["0", "0", "1"]).into_iter().chain(["5"])).statistics.unwrap();
        assert_eq!(coded.bins, [20, 10, 0, 0, 0, 0], "one row has a 5");
        // A table about nine people says nothing about them.
        for nine in [["57"; 9], ["2020-10-11"; 9], ["HIV"; 9]] {
            let statistics = column(nine).statistics.unwrap();
            let told = (statistics.range, statistics.median, statistics.days);
            assert_eq!((told, statistics.bins.len() + statistics.frequent.len()), ((None, None, None), 0), "{nine:?}");
        }
    }

    #[test]
    fn many_values_and_long_ones_are_counted() {
        let names: Vec<String> = (0..2_000).map(|n| format!("name {n}")).collect();
        let many = column(names.iter().map(String::as_str)).statistics.unwrap();
        assert!(many.distinct.is_none() && many.frequent.is_empty() && many.bins.is_empty());
        let abstracts = ["很".repeat(500), "長".repeat(500)];
        let long = column(abstracts.iter().cycle().take(20).map(String::as_str)).statistics.unwrap();
        assert_eq!((long.distinct, long.frequent.len()), (Some(2), 2));
    }

    #[test]
    fn a_first_row_of_names_is_a_header() {
        use ColumnKind::{Decimal, Empty, Integer, Text};
        let boxes = ["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]", "", "", ""];
        assert!(is_header(&boxes, &[Text, Text, Decimal, Decimal, Decimal, Decimal, Empty, Empty, Empty]));
        assert!(is_header(&["id", "score", "note", "note"], &[Integer, Integer, Text, Text]));
        // A row about somebody is none, however it looks.
        assert!(!is_header(&["A123456789", "王小明", "0912345678", "HIV+"], &[Text; 4]));
        for row in [&["a.png", "57", "M"][..], &["2020-01-01", "x"], &["", ""], &[]] {
            assert!(!is_header(row, &[Integer; 3]), "{row:?}");
        }
    }

    #[test]
    fn days_and_nothing() {
        let days = column(often(&["2020-10-11", "2018-05-24", "", "2026-11-30"]));
        let ends = ("2018-05-24".to_owned(), "2026-11-30".to_owned());
        assert_eq!((days.kind, days.statistics.unwrap().days), (ColumnKind::Day, Some(ends)));
        assert_eq!(column(["", "NA"]).kind, ColumnKind::Empty);
    }

    #[test]
    fn long_cells_are_cut() {
        assert_eq!(shortened(&"字".repeat(CELL_MAX)), "字".repeat(CELL_MAX));
        assert_eq!(shortened(&"字".repeat(CELL_MAX + 1)), format!("{}…", "字".repeat(CELL_MAX)));
        assert_eq!(shortened(" a\nb\u{0} "), "a b ");
    }

    proptest! {
        #[test]
        fn bars_and_medians_are_of_the_values(values in prop::collection::vec(-1e12..1e12f64, 1..300), whole: bool) {
            let texts: Vec<String> =
                values.iter().map(|value| if whole { format!("{value:.0}") } else { value.to_string() }).collect();
            let seen = column(texts.iter().map(String::as_str));
            let statistics = seen.statistics.unwrap();
            prop_assert!(statistics.bins.iter().sum::<u64>() <= values.len() as u64);
            prop_assert!(statistics.bins.iter().all(|count| *count == 0 || *count >= SMALLEST_GROUP));
            if let Some((low, high)) = statistics.range {
                let median = statistics.median.unwrap();
                prop_assert!(low <= median && median <= high && seen.kind != ColumnKind::Text);
            }
        }

        #[test]
        fn any_text_does_no_harm(values in prop::collection::vec(any::<String>(), 0..50)) {
            column(values.iter().map(String::as_str));
        }
    }
}
