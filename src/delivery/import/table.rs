//! Tables: looked into while they are hashed, so that their bytes are read once.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::domain::path::FilePath;
use crate::domain::preview::{COLUMNS_MAX, ColumnPreview, ColumnScan, ROWS_MAX, TablePreview, is_header, shortened};

/// The longest first line, in bytes: what is longer is no table.
const FIRST_LINE_MAX: usize = 64 * 1024;
/// The longest row, in bytes, and how many cells it may have.
const ROW_MAX: usize = 1024 * 1024;
const CELLS_MAX: usize = 16 * 1024;
/// What stands at the beginning of a file to say that it is UTF-8, and is no part of it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Comma-separated values in UTF-8 (RFC 4180), also with semicolons or tabs, that go by in pieces.
pub(super) struct TableScan {
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
    header: Option<Vec<String>>,
    columns: Vec<ColumnScan>,
    column_count: usize,
    rows: u64,
    first_rows: Vec<Vec<String>>,
}

/// What can't be read as a table.
struct NoTable;

impl TableScan {
    pub(super) const fn new() -> Self {
        Self { state: State::FirstLine(Vec::new()) }
    }

    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        match &mut self.state {
            State::FirstLine(line) => {
                line.extend_from_slice(piece);
                if line.contains(&b'\n') {
                    self.begin();
                } else if line.len() > FIRST_LINE_MAX {
                    self.state = State::Broken;
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
        let mut rows = Box::new(TableReader::new(delimiter(text)));
        if rows.take(text).is_ok() {
            self.state = State::Table(rows);
        }
    }

    /// What is to be known of the table, once all of it has gone by; `None` where it is none.
    pub(super) fn finish(mut self, path: FilePath) -> Option<TablePreview> {
        if matches!(self.state, State::FirstLine(_)) {
            self.begin();
        }
        match self.state {
            State::Table(mut rows) => {
                // The last line may have no end.
                rows.take(b"").ok()?;
                rows.finish(path)
            }
            State::FirstLine(_) | State::Broken => None,
        }
    }
}

/// What stands between cells: the one of these that the first line has most of.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let cells = |delimiter: u8| line.split(|byte| *byte == delimiter).count();
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
            header: None,
            columns: Vec::new(),
            column_count: 0,
            rows: 0,
            first_rows: Vec::new(),
        }
    }

    /// Takes in a piece; an empty one ends the table.
    fn take(&mut self, mut piece: &[u8]) -> Result<(), NoTable> {
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
        if self.header.is_none() {
            self.column_count = ends;
            self.columns.resize_with(row.len(), ColumnScan::default);
            let header = row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
            if is_header(&header) {
                self.header = Some(header);
                return Ok(());
            }
            self.header = Some(vec![String::new(); row.len()]);
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

    fn finish(self, path: FilePath) -> Option<TablePreview> {
        let Self { header, columns, rows, column_count, first_rows, .. } = self;
        let columns: Vec<ColumnPreview> =
            columns.into_iter().zip(header?).map(|(column, name)| column.finish(&name)).collect();
        Some(TablePreview { path, rows, column_count, columns, first_rows })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::preview::ColumnKind;

    fn scan(pieces: &[&[u8]]) -> Option<TablePreview> {
        let mut scan = TableScan::new();
        for piece in pieces {
            scan.take(piece);
        }
        scan.finish("x.csv".parse().unwrap())
    }

    #[test]
    fn tables_as_people_write_them() {
        let found = scan(&["\u{feff}Image,Age,Label\r\na.png,57,\"Hernia, large\"\r\nb.png,58,\"x\"\"y\"".as_bytes()]);
        let found = found.unwrap();
        let names: Vec<_> = found.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        assert_eq!(names, [("Image", ColumnKind::Text), ("Age", ColumnKind::Integer), ("Label", ColumnKind::Text)]);
        assert_eq!(found.first_rows, [["a.png", "57", "Hernia, large"], ["b.png", "58", "x\"y"]]);
        assert_eq!((found.rows, found.column_count), (2, 3));
        // Semicolons and tabs; rows that lack cells, or have too many; no header.
        let others = scan(&["地區;人數\n臺北;3,5\n臺中\n高雄;7;8\n".as_bytes()]).unwrap();
        assert_eq!((others.rows, others.columns[1].statistics.as_ref().unwrap().missing), (3, 1));
        let plain = scan(&[b"1\t2\n3\t4\n"]).unwrap();
        assert_eq!((plain.rows, plain.columns[0].name.as_str()), (2, ""));
        assert_eq!(scan(&[b"only,a,header"]).unwrap().rows, 0);
    }

    #[test]
    fn what_is_no_table_has_no_preview() {
        assert_eq!(scan(&[b"a,b\n\xff\xfe,1\n"]), None, "not UTF-8");
        assert_eq!(scan(&[]), None, "empty");
        assert_eq!(scan(&[&vec![b'x'; 2 * FIRST_LINE_MAX]]), None, "no lines");
        let endless = [b"a,b\n\"".to_vec(), vec![b'x'; 2 * ROW_MAX]].concat();
        assert_eq!(scan(&[&endless]), None, "a quote that never ends");
        let wide = ",".repeat(2 * CELLS_MAX) + "\n";
        assert_eq!(scan(&[wide.as_bytes()]), None, "more cells than anybody reads");
        let many = (0..200).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",") + "\n";
        let cut = scan(&[many.as_bytes()]).unwrap();
        assert_eq!((cut.column_count, cut.columns.len()), (200, COLUMNS_MAX));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "(h,i\n)?([a-c0-9;,\"\t]{0,12}\r?\n){0,20}[a-c,\"]{0,5}", cut in 1usize..20) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            prop_assert_eq!(scan(&pieces), scan(&[text.as_bytes()]));
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            scan(&[&bytes]);
        }
    }
}
