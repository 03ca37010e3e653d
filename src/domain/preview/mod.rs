//! Previews: what a dataset's page shows of its files to people who have no access: tables, pictures, the README. They are
//! made when the files are imported, and shown as far as the publisher allows.

mod column;
mod readme;
mod values;

use serde::{Deserialize, Serialize};

pub use column::{ColumnKind, ColumnScan, is_header, shortened};
pub use readme::{README_BYTES_MAX, Readme, readme_for, readmes_to_preview};

use super::path::FilePath;
use super::words::words;

/// How many tables of a release are previewed.
pub const TABLES_MAX: usize = 6;
/// How many columns of a table are described.
pub const COLUMNS_MAX: usize = 60;
/// How many pictures of a release are previewed.
pub const PICTURES_MAX: usize = 12;
/// The largest file of a picture that is, in bytes.
pub const PICTURE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How many rows are kept.
pub const ROWS_MAX: usize = 8;
/// The longest cell that is kept, in characters.
pub const CELL_MAX: usize = 80;

/// How much of its tables and pictures, and whether its README, a dataset shows to everybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreviewLevel {
    /// Nothing.
    #[default]
    Nothing,
    /// The names of the tables' columns, and what kind of values these hold; and the README.
    Schema,
    /// Also how the values are distributed: ranges, counts, frequent values.
    Statistics,
    /// Also their first rows, and some pictures, small.
    Rows,
}

words! {
    PreviewLevel {
        Nothing = "nothing",
        Schema = "schema",
        Statistics = "statistics",
        Rows = "rows",
    }
}

/// A table of a release, in short.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TablePreview {
    /// The file.
    pub path: FilePath,
    /// How many rows it has, its header left out.
    pub rows: u64,
    /// How many columns it has.
    pub column_count: usize,
    /// Its first columns.
    pub columns: Vec<ColumnPreview>,
    /// What stands in them in the first rows.
    pub first_rows: Vec<Vec<String>>,
}

/// A column of a table, in short.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ColumnPreview {
    /// Its name; empty where the table has no header.
    pub name: String,
    /// What kind of values it holds.
    pub kind: ColumnKind,
    /// How its values are distributed.
    pub statistics: Option<ColumnStatistics>,
}

/// How the values of a column are distributed.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// How many rows have no value: nothing, `NA`, `N/A`, `NaN`, `null`.
    pub missing: u64,
    /// How many different values there are; none where there are more than were counted.
    pub distinct: Option<u64>,
    /// The smallest and the largest, of numbers.
    pub range: Option<(f64, f64)>,
    /// The one in the middle, of numbers whose different values were all counted.
    pub median: Option<f64>,
    /// The earliest and the latest, of days.
    pub days: Option<(String, String)>,
    /// The most frequent values of a short list of texts, and how many rows have them. What few rows have is not named.
    pub frequent: Vec<(String, u64)>,
    /// How many values lie in each part of the range or, of a short list of texts, are each of them.
    pub bins: Vec<u64>,
}

/// A picture of a release, small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PicturePreview {
    /// The file.
    pub path: FilePath,
    /// The small picture, as a JPEG.
    pub jpeg: Vec<u8>,
}

/// What is kept as text of a file that is previewed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PreviewKind {
    /// A [`TablePreview`].
    Table,
    /// A [`Readme`].
    Readme,
}

words! {
    PreviewKind {
        Table = "table",
        Readme = "readme",
    }
}

/// What everybody may be shown of a release.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Previews {
    /// Its largest tables, in short, the largest first.
    pub tables: Vec<TablePreview>,
    /// Some of its pictures, small.
    pub pictures: Vec<PicturePreview>,
    /// What its publisher says about it.
    pub readmes: Vec<Readme>,
}

impl PreviewLevel {
    /// Whether the README is shown.
    pub fn shows_readme(self) -> bool {
        self >= Self::Schema
    }

    /// Whether pictures are shown.
    pub fn shows_pictures(self) -> bool {
        self >= Self::Rows
    }
}

impl TablePreview {
    /// As much of it as may be shown; `None` where that is nothing.
    pub fn shown(mut self, level: PreviewLevel) -> Option<Self> {
        if level == PreviewLevel::Nothing {
            return None;
        }
        if level < PreviewLevel::Statistics {
            self.columns.iter_mut().for_each(|column| column.statistics = None);
        }
        if level < PreviewLevel::Rows {
            self.first_rows.clear();
        }
        Some(self)
    }
}

fn ending(path: &FilePath) -> Option<String> {
    path.name().rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableForm {
    /// Rows of text (RFC 4180), also with tabs.
    Text,
    /// Apache Parquet.
    Parquet,
}

impl TableForm {
    /// The form that a file's name says; `None` where that is no table.
    pub fn of(path: &FilePath) -> Option<Self> {
        match ending(path)?.as_str() {
            "csv" | "tsv" | "tab" => Some(Self::Text),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The files whose tables are previewed: the largest.
pub fn tables_to_preview(files: &[(&FilePath, u64)]) -> Vec<FilePath> {
    let mut tables: Vec<_> = files.iter().filter(|(path, _)| TableForm::of(path).is_some()).collect();
    tables.sort_by(|(a, a_size), (b, b_size)| b_size.cmp(a_size).then_with(|| a.cmp(b)));
    tables.truncate(TABLES_MAX);
    tables.into_iter().map(|(path, _)| (*path).clone()).collect()
}

/// The files whose pictures are previewed: some from everywhere in the list.
pub fn pictures_to_preview(files: &[(&FilePath, u64)]) -> Vec<FilePath> {
    let is_picture = |path: &FilePath| matches!(ending(path).as_deref(), Some("png" | "jpg" | "jpeg"));
    let pictures = files.iter().filter(|(path, size)| is_picture(path) && *size <= PICTURE_BYTES_MAX);
    let pictures: Vec<&FilePath> = pictures.map(|(path, _)| *path).collect();
    let count = pictures.len().min(PICTURES_MAX);
    (0..count).map(|place| pictures[place * pictures.len() / count].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TablePreview {
        let statistics = ColumnStatistics { missing: 1, ..ColumnStatistics::default() };
        let column = ColumnPreview { name: "Age".into(), kind: ColumnKind::Integer, statistics: Some(statistics) };
        let path = "labels.csv".parse().unwrap();
        TablePreview { path, rows: 3, column_count: 1, columns: vec![column], first_rows: vec![vec!["57".into()]] }
    }

    #[test]
    fn no_more_is_shown_than_is_allowed() {
        assert_eq!(table().shown(PreviewLevel::Nothing), None);
        let schema = table().shown(PreviewLevel::Schema).unwrap();
        assert!(schema.columns[0].statistics.is_none() && schema.first_rows.is_empty() && schema.rows == 3);
        let statistics = table().shown(PreviewLevel::Statistics).unwrap();
        assert!(statistics.columns[0].statistics.is_some() && statistics.first_rows.is_empty());
        assert_eq!(table().shown(PreviewLevel::Rows), Some(table()));
    }

    fn of_size(paths: &[FilePath], size: u64) -> Vec<(&FilePath, u64)> {
        paths.iter().map(|path| (path, size)).collect()
    }

    #[test]
    fn the_largest_tables_are_previewed() {
        let path = |name: &str| -> FilePath { name.parse().unwrap() };
        let files = [("a.csv", 5), ("b.png", 900), ("c/d.TSV", 70), ("e", 80), ("b.csv", 5)].map(|(n, s)| (path(n), s));
        let found = tables_to_preview(&files.iter().map(|(path, size)| (path, *size)).collect::<Vec<_>>());
        assert_eq!(found.iter().map(FilePath::as_str).collect::<Vec<_>>(), ["c/d.TSV", "a.csv", "b.csv"]);
        let many: Vec<_> = (0..20).map(|n| path(&format!("{n}.csv"))).collect();
        assert_eq!(tables_to_preview(&of_size(&many, 1)).len(), TABLES_MAX);
    }

    #[test]
    fn pictures_from_everywhere_are_previewed() {
        let many: Vec<FilePath> = (0..100).map(|n| format!("{n:03}.PNG").parse().unwrap()).collect();
        let found = pictures_to_preview(&of_size(&many, 5));
        assert_eq!((found.len(), found[0].as_str(), found[11].as_str()), (PICTURES_MAX, "000.PNG", "091.PNG"));
        let few: Vec<FilePath> = ["a.jpg", "b.csv", "c.jpeg", "d.tiff"].map(|path| path.parse().unwrap()).to_vec();
        assert_eq!(pictures_to_preview(&of_size(&few, 5)).len(), 2);
        assert!(pictures_to_preview(&of_size(&few, PICTURE_BYTES_MAX + 1)).is_empty());
        assert!(PreviewLevel::Schema.shows_readme() && !PreviewLevel::Nothing.shows_readme());
        assert!(!PreviewLevel::Statistics.shows_pictures() && PreviewLevel::Rows.shows_pictures());
    }
}
