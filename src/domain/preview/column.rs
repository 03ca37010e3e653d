//! One column of a table: its values go by once, and little of them is kept.

use std::collections::HashMap;

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
/// A value that fewer rows have might tell who they are about: it is not named.
const NAMED_FROM: u64 = 10;

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
    /// How many rows have each value; none once there are too many different ones.
    counts: Option<HashMap<String, u64>>,
    range: Option<(f64, f64)>,
    days: Option<(String, String)>,
    /// Numbers of which each had the same chance to be kept (Vitter's algorithm R), and how many have gone by.
    sample: (Vec<f64>, u64),
    /// The state of a generator that is the same each time: the same file has the same preview.
    random: u64,
}

impl Default for ColumnScan {
    fn default() -> Self {
        Self {
            kind: ColumnKind::Empty,
            missing: 0,
            counts: Some(HashMap::new()),
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
        self.count(text);
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

    fn count(&mut self, text: &str) {
        let Some(counts) = &mut self.counts else { return };
        if let Some(count) = counts.get_mut(text) {
            *count += 1;
        } else if counts.len() < DISTINCT_MAX && text.len() <= 4 * CELL_MAX {
            counts.insert(text.to_owned(), 1);
        } else {
            self.counts = None;
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

    /// What is to be known of the column.
    pub fn finish(self, name: &str) -> ColumnPreview {
        let kind = self.kind;
        let is_number = matches!(kind, ColumnKind::Integer | ColumnKind::Decimal);
        let mut statistics = ColumnStatistics {
            missing: self.missing,
            distinct: self.counts.as_ref().map(|counts| counts.len() as u64),
            range: self.range.filter(|_| is_number),
            days: self.days.filter(|_| kind == ColumnKind::Day),
            ..ColumnStatistics::default()
        };
        if let Some((low, high)) = statistics.range {
            let counted = self.counts.as_ref().map(counted_numbers);
            statistics.median = counted.as_deref().and_then(median);
            let sample = || self.sample.0.iter().map(|number| (*number, 1)).collect();
            statistics.bins = bins(&counted.unwrap_or_else(sample), (low, high), kind);
        } else if kind == ColumnKind::Text
            && let Some(counts) = self.counts.filter(|counts| counts.len() <= LIST_MAX)
        {
            let mut listed: Vec<_> = counts.into_iter().collect();
            listed.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
            statistics.bins = listed.iter().map(|(_, count)| *count).collect();
            let named = listed.into_iter().filter(|(_, count)| *count >= NAMED_FROM).take(FREQUENT_MAX);
            statistics.frequent = named.map(|(value, count)| (shortened(&value), count)).collect();
        }
        ColumnPreview { name: shortened(name), kind, statistics: Some(statistics) }
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

/// Whether a first row names the columns: most of its cells say something, each something else, and none is a number or a day.
pub fn is_header<T: AsRef<str>>(cells: &[T]) -> bool {
    let mut names: Vec<&str> = cells.iter().map(|cell| cell.as_ref().trim()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let are_different = names.windows(2).all(|pair| pair[0] != pair[1]);
    2 * names.len() > cells.len() && are_different && names.iter().all(|name| Cell::of(name) == Cell::Text)
}

/// Numbers in their order, each with how many rows have it.
fn counted_numbers(counts: &HashMap<String, u64>) -> Vec<(f64, u64)> {
    let parsed = counts.iter().filter_map(|(text, count)| Some((Cell::of(text).number()?, *count)));
    let mut numbers: Vec<_> = parsed.collect();
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

/// How many numbers lie in each part of a range: twelve parts or, of a few whole numbers, one for each.
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
    bins
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn column<'a>(values: impl IntoIterator<Item = &'a str>) -> ColumnPreview {
        let mut scan = ColumnScan::default();
        for value in values {
            scan.take(value);
        }
        scan.finish("x")
    }

    #[test]
    fn numbers_have_a_range_a_median_and_bars() {
        let ages = column(["57", "58", " 58 ", "80", "", "NA", "74"]);
        let statistics = ages.statistics.unwrap();
        assert_eq!((ages.kind, statistics.missing, statistics.distinct), (ColumnKind::Integer, 2, Some(4)));
        assert_eq!((statistics.range, statistics.median), (Some((57.0, 80.0)), Some(58.0)));
        assert_eq!((statistics.bins.len(), statistics.bins.iter().sum::<u64>()), (12, 5));
        assert_eq!(column(["1", "2", "2", "3"]).statistics.unwrap().bins, [1, 2, 1]);
        assert_eq!(column(["1", "2.5"]).kind, ColumnKind::Decimal);
        let mixed = column(["1", "2", "M"]);
        assert_eq!((mixed.kind, mixed.statistics.unwrap().range), (ColumnKind::Text, None));
    }

    #[test]
    fn what_few_rows_have_is_not_named() {
        let texts = std::iter::repeat_n("M", 12).chain(std::iter::repeat_n("F", 30)).chain(["Lin Mei-hua"]);
        let statistics = column(texts).statistics.unwrap();
        assert_eq!(statistics.frequent, [("F".to_owned(), 30), ("M".to_owned(), 12)]);
        assert_eq!(statistics.bins, [30, 12, 1]);
        let names: Vec<String> = (0..2_000).map(|n| format!("name {n}")).collect();
        let many = column(names.iter().map(String::as_str)).statistics.unwrap();
        assert!(many.distinct.is_none() && many.frequent.is_empty() && many.bins.is_empty());
    }

    #[test]
    fn a_first_row_of_names_is_a_header() {
        assert!(is_header(&["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]", "", "", ""]));
        for row in [&["a.png", "57", "M"][..], &["x", "x"], &["", "x"], &["2020-01-01", "x"], &[]] {
            assert!(!is_header(row), "{row:?}");
        }
    }

    #[test]
    fn days_and_nothing() {
        let days = column(["2020-10-11", "2018-05-24", "", "2026-11-30"]);
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
        fn every_value_is_in_a_bar(values in prop::collection::vec(-1e12..1e12f64, 1..300), whole: bool) {
            let texts: Vec<String> =
                values.iter().map(|value| if whole { format!("{value:.0}") } else { value.to_string() }).collect();
            let seen = column(texts.iter().map(String::as_str));
            let statistics = seen.statistics.unwrap();
            prop_assert_eq!(statistics.bins.iter().sum::<u64>() + statistics.missing, values.len() as u64);
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
