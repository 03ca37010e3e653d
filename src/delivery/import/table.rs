//! Tables: looked into while they are hashed, so that their bytes are read once.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::domain::path::FilePath;
use crate::domain::preview::{
    COLUMNS_MAX, ColumnKind, ColumnPreview, ColumnScan, ROWS_MAX, TablePreview, is_header, shortened,
};

/// The longest first line, in bytes: what is longer is no table.
const FIRST_LINE_MAX: usize = 64 * 1024;
/// The longest row, in bytes, and how many cells it may have.
const ROW_MAX: usize = 1024 * 1024;
const CELLS_MAX: usize = 16 * 1024;
/// What stands at the beginning of a file to say that it is UTF-8, and is no part of it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Comma-separated values in UTF-8 (RFC 4180), also with semicolons or tabs, that go by in pieces.
pub(super) struct TableScan {
    path: FilePath,
    state: State,
}

enum State {
    /// The first line is not all there: it says what stands between cells.
    FirstLine(Vec<u8>),
    Table(Box<TableReader>),
    /// It is no table.
    Broken,
}

struct TableReader {
    reader: Reader,
    /// The cells of a row, one after another, and where each ends.
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// How much of both is filled.
    filled: (usize, usize),
    /// The first row, which names the columns or is one like the others: the others say which.
    first: Option<Vec<String>>,
    columns: Vec<ColumnScan>,
    column_count: usize,
    rows: u64,
    first_rows: Vec<Vec<String>>,
}

/// What can't be read as a table.
struct NoTable;

impl TableScan {
    /// A table whose bytes are to come.
    pub(super) const fn new(path: FilePath) -> Self {
        Self { path, state: State::FirstLine(Vec::new()) }
    }

    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        match &mut self.state {
            State::FirstLine(line) => {
                line.extend_from_slice(piece);
                match line.iter().position(|byte| *byte == b'\n') {
                    Some(end) if end <= FIRST_LINE_MAX => self.begin(),
                    None if line.len() <= FIRST_LINE_MAX => {}
                    _ => self.state = State::Broken,
                }
            }
            State::Table(rows) => {
                if rows.take(piece).is_err() {
                    self.state = State::Broken;
                }
            }
            State::Broken => {}
        }
    }

    fn begin(&mut self) {
        let State::FirstLine(text) = std::mem::replace(&mut self.state, State::Broken) else { return };
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
        let mut rows = Box::new(TableReader::new(delimiter(text, &self.path)));
        if rows.take(text).is_ok() {
            self.state = State::Table(rows);
        }
    }

    /// What is to be known of the table, once all of it has gone by; `None` where it is none.
    pub(super) fn finish(mut self) -> Option<TablePreview> {
        if matches!(self.state, State::FirstLine(_)) {
            self.begin();
        }
        match self.state {
            State::Table(mut rows) => {
                rows.end().ok()?;
                rows.finish(self.path)
            }
            State::FirstLine(_) | State::Broken => None,
        }
    }
}

/// What stands between cells: a tab, if the file's name says so, or else the one of these that the first line has most of.
fn delimiter(text: &[u8], path: &FilePath) -> u8 {
    if !path.as_str().to_ascii_lowercase().ends_with(".csv") {
        return b'\t';
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // What stands in quotes stands between no cells.
    let outside = || line.split(|byte| *byte == b'"').step_by(2);
    let cells = |delimiter: u8| outside().map(|part| part.split(|byte| *byte == delimiter).count() - 1).sum::<usize>();
    // Of equals the last, which is the comma.
    [b';', b'\t', b','].into_iter().max_by_key(|delimiter| cells(*delimiter)).unwrap_or(b',')
}

impl TableReader {
    fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            cells: vec![0; 4 * 1024],
            ends: vec![0; 64],
            filled: (0, 0),
            first: None,
            columns: Vec::new(),
            column_count: 0,
            rows: 0,
            first_rows: Vec::new(),
        }
    }

    /// Takes in a piece.
    fn take(&mut self, piece: &[u8]) -> Result<(), NoTable> {
        // To the parser nothing is the end.
        if piece.is_empty() { Ok(()) } else { self.read(piece) }
    }

    /// Takes in the end: the last line may lack its own.
    fn end(&mut self) -> Result<(), NoTable> {
        self.read(b"")
    }

    fn read(&mut self, mut piece: &[u8]) -> Result<(), NoTable> {
        loop {
            let (cells, ends) = self.filled;
            let (result, read, wrote, ended) =
                self.reader.read_record(piece, &mut self.cells[cells..], &mut self.ends[ends..]);
            piece = &piece[read..];
            self.filled = (cells + wrote, ends + ended);
            match result {
                ReadRecordResult::InputEmpty if piece.is_empty() => return Ok(()),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.cells.len() < ROW_MAX => {
                    self.cells.resize(2 * self.cells.len(), 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < CELLS_MAX => {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return Err(NoTable),
                ReadRecordResult::Record => self.row()?,
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    /// Takes in the row that was read.
    fn row(&mut self) -> Result<(), NoTable> {
        let (cells, ends) = std::mem::take(&mut self.filled);
        let text = std::str::from_utf8(&self.cells[..cells]).map_err(|_| NoTable)?;
        let mut start = 0;
        let mut row = Vec::with_capacity(ends.min(COLUMNS_MAX));
        for end in self.ends[..ends].iter().take(COLUMNS_MAX) {
            row.push(text.get(start..*end).ok_or(NoTable)?);
            start = *end;
        }
        if self.first.is_none() {
            self.column_count = ends;
            self.columns.resize_with(row.len(), ColumnScan::default);
            self.first = Some(row.into_iter().map(str::to_owned).collect());
            return Ok(());
        }
        self.rows += 1;
        for (place, column) in self.columns.iter_mut().enumerate() {
            column.take(row.get(place).copied().unwrap_or_default());
        }
        if self.first_rows.len() < ROWS_MAX {
            let shortened = |place: usize| shortened(row.get(place).copied().unwrap_or_default());
            self.first_rows.push((0..self.columns.len()).map(shortened).collect());
        }
        Ok(())
    }

    /// What is to be known of the table; `None` of one without a row.
    fn finish(mut self, path: FilePath) -> Option<TablePreview> {
        let mut names = self.first.take()?;
        let kinds: Vec<ColumnKind> = self.columns.iter().map(ColumnScan::kind).collect();
        if !is_header(&names, &kinds) {
            for (column, cell) in self.columns.iter_mut().zip(&names) {
                column.take(cell);
            }
            self.rows += 1;
            self.first_rows.insert(0, names.iter().map(|cell| shortened(cell)).collect());
            self.first_rows.truncate(ROWS_MAX);
            names = vec![String::new(); names.len()];
        }
        let Self { columns, rows, column_count, first_rows, .. } = self;
        let columns: Vec<ColumnPreview> =
            columns.into_iter().zip(&names).map(|(column, name)| column.finish(name, rows)).collect();
        Some(TablePreview { path, rows, column_count, columns, first_rows })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan_of(name: &str, pieces: &[&[u8]]) -> Option<TablePreview> {
        let mut scan = TableScan::new(name.parse().unwrap());
        for piece in pieces {
            scan.take(piece);
        }
        scan.finish()
    }

    fn scan(pieces: &[&[u8]]) -> Option<TablePreview> {
        scan_of("x.csv", pieces)
    }

    fn names(table: &TablePreview) -> Vec<(&str, ColumnKind)> {
        table.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect()
    }

    #[test]
    fn tables_as_people_write_them() {
        use ColumnKind::{Integer, Text};
        let found = scan(&["\u{feff}Image,Age,Label\r\na.png,57,\"Hernia, large\"\r\nb.png,58,\"x\"\"y\"".as_bytes()]);
        let found = found.unwrap();
        assert_eq!(names(&found), [("Image", Text), ("Age", Integer), ("Label", Text)]);
        assert_eq!(found.first_rows, [["a.png", "57", "Hernia, large"], ["b.png", "58", "x\"y"]]);
        assert_eq!((found.rows, found.column_count), (2, 3));
        // Semicolons and tabs; rows that lack cells, or have too many.
        let others = scan(&["地區;人數\n臺北;3\n臺中\n高雄;7;8\n".as_bytes()]).unwrap();
        assert_eq!((others.rows, others.columns[1].statistics.as_ref().unwrap().missing), (3, 1));
        let quoted = scan(&[b"\"Surname, given, middle\";Age\n\"Lin, Mei-hua, A\";57\n"]).unwrap();
        assert_eq!(names(&quoted), [("Surname, given, middle", Text), ("Age", Integer)]);
        let tabs = scan_of("x.TSV", &[b"Name\tAddress, street, no.\tAge\nA\tB, C, 1\t5\n"]).unwrap();
        assert_eq!(names(&tabs)[1], ("Address, street, no.", Text));
    }

    #[test]
    fn a_first_row_that_may_be_about_somebody_is_a_row() {
        let plain = scan_of("x.tab", &[b"1\t2\n3\t4\n"]).unwrap();
        assert_eq!((plain.rows, plain.columns[0].name.as_str()), (2, ""));
        let person = scan(&["A123456789,王小明,HIV+\nB123456789,李大同,HIV-\n".as_bytes()]).unwrap();
        assert_eq!((person.rows, person.columns.iter().all(|column| column.name.is_empty())), (2, true));
        assert_eq!(person.first_rows[0][1], "王小明");
        let only = scan(&[b"only,a,row"]).unwrap();
        assert_eq!((only.rows, only.first_rows.len()), (1, 1));
        let long = "x,1\n".repeat(100);
        assert_eq!(scan(&[long.as_bytes()]).unwrap().first_rows.len(), ROWS_MAX);
    }

    #[test]
    fn what_is_no_table_has_no_preview() {
        assert_eq!(scan(&[b"a,b\n\xff\xfe,1\n"]), None, "not UTF-8");
        assert_eq!(scan(&[&vec![b'x'; 2 * FIRST_LINE_MAX]]), None, "no lines");
        let endless = [b"a,b\n\"".to_vec(), vec![b'x'; 2 * ROW_MAX]].concat();
        assert_eq!(scan(&[&endless]), None, "a quote that never ends");
        let wide = ",".repeat(2 * CELLS_MAX) + "\n";
        assert_eq!(scan(&[wide.as_bytes()]), None, "more cells than anybody reads");
        let late = "x".repeat(2 * FIRST_LINE_MAX) + "\n";
        assert_eq!(scan(&[late.as_bytes()]), None, "however it comes");
        assert_eq!(scan(&late.as_bytes().chunks(1_000).collect::<Vec<_>>()), None);
        let many = (0..200).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",") + "\n";
        let cut = scan(&[many.as_bytes()]).unwrap();
        assert_eq!((cut.column_count, cut.columns.len()), (200, COLUMNS_MAX));
        assert_eq!(scan(&[]).map(|table| (table.rows, table.column_count)), None, "nothing");
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "(h,i\n)?([a-c0-9;,\"\t]{0,12}\r?\n){0,20}[a-c,\"]{0,5}", cut in 1usize..20) {
            let mut pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            pieces.insert(pieces.len() / 2, b"");
            prop_assert_eq!(scan(&pieces), scan(&[text.as_bytes()]));
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            scan(&[&bytes]);
        }
    }
}
