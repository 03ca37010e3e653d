//! Tables that are shown before access: what stands over each column, and its bars.

use crate::domain::preview::{ColumnKind, ColumnPreview, ColumnStatistics, TablePreview};
use crate::l10n::{self, Arg};
use crate::web::chart::{Bar, Bars};
use crate::web::page::Page;

/// The bars of a column.
const SPARK: Bars = Bars { width: 40.0, height: 16.0, gap: 0.8 };

/// A table, in a reader's words.
pub struct TableShown {
    /// The file's path.
    pub path: String,
    /// How many rows and columns it has, in a sentence.
    pub extent: String,
    /// Its columns.
    pub columns: Vec<ColumnShown>,
    /// Its first rows.
    pub rows: Vec<Vec<String>>,
    /// How many columns are not shown.
    pub more_columns: usize,
}

/// A column, in a reader's words.
pub struct ColumnShown {
    /// Its name.
    pub name: String,
    /// What kind of values it has.
    pub kind: String,
    /// How they are distributed, in a line; may be empty.
    pub values: String,
    /// How many rows have none, in a line; may be empty.
    pub missing: String,
    /// A bar for each part of its values.
    pub bars: Vec<Bar>,
    /// Whether its values have an order, so that the bars are a histogram.
    pub is_ordered: bool,
}

impl TableShown {
    /// A table with its first columns.
    pub fn new(page: &Page, table: &TablePreview, columns: usize) -> Self {
        let shown = table.columns.iter().enumerate().take(columns);
        let values = [("rows", table.rows), ("columns", table.column_count as u64)];
        Self {
            path: table.path.to_string(),
            extent: l10n::say(page.language, "look-extent", &values.map(|(name, value)| (name, Arg::Number(value)))),
            columns: shown.map(|(place, column)| column_shown(page, place, column, table.rows)).collect(),
            rows: table.first_rows.iter().map(|row| row.iter().take(columns).cloned().collect()).collect(),
            more_columns: table.column_count.saturating_sub(columns.min(table.columns.len())),
        }
    }
}

fn column_shown(page: &Page, place: usize, column: &ColumnPreview, rows: u64) -> ColumnShown {
    let name =
        if column.name.is_empty() { page.text_with("look-column", "number", place + 1) } else { column.name.clone() };
    let kind = page.text(format!("column-kind-{}", column.kind));
    let is_ordered = column.kind != ColumnKind::Text;
    let Some(statistics) = &column.statistics else {
        let (values, missing) = (String::new(), String::new());
        return ColumnShown { name, kind, values, missing, bars: Vec::new(), is_ordered };
    };
    let missing = page.text_with("look-missing", "share", percent(statistics.missing, rows));
    let values = values(page, statistics, rows.saturating_sub(statistics.missing));
    let largest = statistics.bins.iter().copied().max().unwrap_or_default();
    ColumnShown { name, kind, values, missing, bars: SPARK.up(&statistics.bins, largest, SPARK.height), is_ordered }
}

/// How the values of a column are distributed, in a line.
fn values(page: &Page, statistics: &ColumnStatistics, rows: u64) -> String {
    if let Some((low, high)) = statistics.range {
        let (low, high) = (decimal(low), decimal(high));
        return match statistics.median.map(decimal) {
            _ if low == high => low,
            None => page.text_with_two("look-range", "low", low, "high", high),
            Some(median) => {
                let values = [("low", &low), ("high", &high), ("median", &median)];
                l10n::say(page.language, "look-range-median", &values.map(|(name, value)| (name, Arg::Text(value))))
            }
        };
    }
    if let Some((first, last)) = &statistics.days {
        return page.text_with_two("look-range", "low", first, "high", last);
    }
    if let Some((value, count)) = statistics.frequent.first() {
        let share = percent(*count, rows);
        return page.text_with_two("look-frequent", "value", value, "share", share);
    }
    match statistics.distinct {
        Some(0) => String::new(),
        Some(count) => page.count_text("look-distinct", count),
        None => page.text("look-distinct-many"),
    }
}

/// A share in percent: 56, 4.2, 0.1; as little as there is of something is no 0, and all but a little no 100.
fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0".to_owned();
    }
    let thousandths = (u128::from(part) * 1_000 / u128::from(whole)).clamp(1, 1_000);
    if thousandths >= 100 {
        (thousandths / 10).to_string()
    } else {
        format!("{}.{}", thousandths / 10, thousandths % 10)
    }
}

/// A number with separators, and no more digits than say something.
fn decimal(number: f64) -> String {
    let size = number.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{number:.3e}");
    }
    // Four digits that say something, at most six behind the point.
    let digits =
        if size >= 1_000.0 { 0 } else { (0..=6).find(|digits| size * 10_f64.powi(*digits) >= 1_000.0).unwrap_or(6) };
    let text = format!("{size:.*}", usize::try_from(digits).unwrap_or(0));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    // A year is no count: four digits are read without a separator.
    let separated = |number: u64| if number < 10_000 { number.to_string() } else { l10n::separated(number) };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), separated);
    let sign = if number < 0.0 { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_no_more_than_they_know() {
        let said =
            [0.0, 57.0, -3.0, 0.143, 2048.0, 112_120.0, 0.171_234_9, 1e18, 2.5e-7, 1_234.56, 12.345].map(decimal);
        let right = ["0", "57", "−3", "0.143", "2048", "112,120", "0.1712", "1.000e18", "2.500e-7", "1235", "12.35"];
        assert_eq!(said, right.map(str::to_owned));
    }

    #[test]
    fn shares_are_neither_nothing_nor_all_unless_they_are() {
        let said =
            [(0, 10), (1, 112_120), (9_999, 10_000), (56, 100), (10, 10), (4, 97), (1, 0)].map(|(a, b)| percent(a, b));
        assert_eq!(said, ["0", "0.1", "99", "56", "100", "4.1", "0"].map(str::to_owned));
    }
}
