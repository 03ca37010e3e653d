//! Tables in Parquet. What they hold is described at their end, so that they are looked into once all of them has gone by.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::{Type, TypePtr};

use crate::domain::path::FilePath;
use crate::domain::preview::{COLUMNS_MAX, ColumnKind, ColumnPreview, ColumnScan, ROWS_MAX, TablePreview, shortened};

/// The largest file whose values are looked at, in bytes. Of a larger one only its description is.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;
/// The longest description, in bytes.
const FOOTER_MAX: usize = 512 * 1024;
/// What stands behind the description: its length, and the word that ends the file.
const TRAILER: usize = 8;
/// How many values are looked at. Of a table with more, the first rows are.
const VALUES_MAX: u64 = 20_000_000;
/// How much stack the library may use: it descends as deep as a description nests, which is as deep as its length allows. A
/// stack that overflows ends the process.
const STACK: usize = 1024 * 1024 * 1024;

/// A table that goes by in pieces.
pub(super) struct ParquetScan {
    path: FilePath,
    /// All that has gone by or, of a file that is too large, the end of it.
    kept: Vec<u8>,
    size: u64,
}

impl ParquetScan {
    /// A table whose bytes are to come.
    pub(super) const fn new(path: FilePath) -> Self {
        Self { path, kept: Vec::new(), size: 0 }
    }

    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.kept.extend_from_slice(piece);
        if self.size > WHOLE_MAX && self.kept.len() > 2 * (FOOTER_MAX + TRAILER) {
            self.kept.drain(..self.kept.len() - FOOTER_MAX - TRAILER);
            self.kept.shrink_to(4 * FOOTER_MAX);
        }
    }

    /// What is to be known of the table, once all of it has gone by; `None` where it is none.
    pub(super) fn finish(self) -> Option<TablePreview> {
        // A file that the library can't cope with costs its own preview, and nothing else.
        let reading = std::thread::Builder::new().name("parquet".into()).stack_size(STACK).spawn(move || self.read());
        reading.ok()?.join().ok().flatten()
    }

    fn read(self) -> Option<TablePreview> {
        let metadata = ParquetMetaDataReader::decode_metadata(self.footer()?).ok()?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).ok()?;
        let fields = metadata.file_metadata().schema().get_fields();
        let mut table = TablePreview {
            path: self.path,
            rows,
            column_count: fields.len(),
            columns: fields.iter().take(COLUMNS_MAX).map(|field| described(field)).collect(),
            first_rows: Vec::new(),
        };
        if self.kept.len() as u64 == self.size {
            read_values(self.kept, &mut table, fields);
        }
        Some(table)
    }

    /// The description of the file.
    fn footer(&self) -> Option<&[u8]> {
        let (rest, trailer) = self.kept.split_last_chunk::<TRAILER>()?;
        let [a, b, c, d, word @ ..] = *trailer;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
        if word != *b"PAR1" || length > FOOTER_MAX {
            return None;
        }
        rest.get(rest.len().checked_sub(length)?..)
    }
}

/// What is known of a column without its values.
fn described(field: &Type) -> ColumnPreview {
    let kind = if is_plain(field) { kind(field) } else { ColumnKind::Text };
    ColumnPreview { name: shortened(field.name()), kind, statistics: None }
}

/// Whether a column has one value in each row, or none.
fn is_plain(field: &Type) -> bool {
    let info = field.get_basic_info();
    field.is_primitive() && !(info.has_repetition() && info.repetition() == Repetition::REPEATED)
}

fn kind(field: &Type) -> ColumnKind {
    let info = field.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => return ColumnKind::Day,
        (Some(LogicalType::Decimal { .. }), _) | (_, ConvertedType::DECIMAL) => return ColumnKind::Decimal,
        (None | Some(LogicalType::Integer { .. }), _) => {}
        _ => return ColumnKind::Text,
    }
    match field.get_physical_type() {
        Physical::INT32 | Physical::INT64 => ColumnKind::Integer,
        Physical::FLOAT | Physical::DOUBLE => ColumnKind::Decimal,
        Physical::BOOLEAN | Physical::INT96 | Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => ColumnKind::Text,
    }
}

/// Fills in what the values say. Where they can't be read, as when they are packed in a way that is not known here, the
/// description stays alone.
fn read_values(file: Vec<u8>, table: &mut TablePreview, fields: &[TypePtr]) {
    let plain: Vec<usize> = (0..table.columns.len()).filter(|place| is_plain(&fields[*place])).collect();
    let all = table.rows.saturating_mul(plain.len() as u64) <= VALUES_MAX;
    let wanted = if all { usize::MAX } else { ROWS_MAX };
    let mut scans: Vec<ColumnScan> = plain.iter().map(|_| ColumnScan::default()).collect();
    let (mut first_rows, mut seen) = (Vec::new(), 0);
    let read = |row: Vec<(String, Field)>| {
        seen += 1;
        let mut cells = vec![String::new(); table.columns.len()];
        for ((place, scan), (_, value)) in plain.iter().zip(&mut scans).zip(&row) {
            let text = text(value);
            scan.take(&text);
            if first_rows.len() < ROWS_MAX {
                cells[*place] = shortened(&text);
            }
        }
        if first_rows.len() < ROWS_MAX {
            first_rows.push(cells);
        }
    };
    if !plain.is_empty() && each_row(file, &plain, fields, wanted, read).is_ok() {
        table.first_rows = first_rows;
        if all && seen == table.rows {
            for (place, scan) in plain.into_iter().zip(scans) {
                table.columns[place] = scan.finish(fields[place].name(), table.rows);
            }
        }
    }
}

/// Gives each of so many rows the values of some columns.
fn each_row(
    file: Vec<u8>,
    columns: &[usize],
    fields: &[TypePtr],
    wanted: usize,
    mut read: impl FnMut(Vec<(String, Field)>),
) -> parquet::errors::Result<()> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file))?;
    let columns = columns.iter().map(|place| fields[*place].clone()).collect();
    let root = reader.metadata().file_metadata().schema().name().to_owned();
    let asked = Type::group_type_builder(&root).with_fields(columns).build()?;
    for row in reader.get_row_iter(Some(asked))?.take(wanted) {
        read(row?.into_columns());
    }
    Ok(())
}

/// A value as a cell of a table in text would have it.
fn text(value: &Field) -> String {
    match value {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        // Older programs write texts without saying that they are.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("({} B)", bytes.len()),
        },
        Field::Float(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;

    use super::*;

    const PEOPLE: &str = "message people {
        REQUIRED INT32 age; OPTIONAL BYTE_ARRAY sex (UTF8); REQUIRED INT32 seen (DATE); REQUIRED DOUBLE score;
        REPEATED INT32 visits; REQUIRED BYTE_ARRAY raw; }";

    /// A table of so many rows, as other programs write one.
    fn people(rows: i32, packing: Compression) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(PEOPLE).unwrap());
        let properties = Arc::new(WriterProperties::builder().set_compression(packing).build());
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let once = vec![1; usize::try_from(rows).unwrap()];
        let from_the_left = vec![0; once.len()];
        let is_known = |n: i32| n % 5 != 0;
        let known: Vec<i16> = (0..rows).map(|n| i16::from(is_known(n))).collect();
        let bytes_of = |text: &[u8]| ByteArray::from(text.to_vec());
        let integers = |of: fn(i32) -> i32| (0..rows).map(of).collect::<Vec<_>>();
        let sexes: Vec<_> =
            (0..rows).filter(|n| is_known(*n)).map(|n| bytes_of(if n % 2 == 0 { b"F" } else { b"M" })).collect();
        let scores: Vec<_> = (0..rows).map(|n| f64::from(n) / 4.0).collect();
        let raw: Vec<_> = (0..rows).map(|n| bytes_of(if n == 0 { b"\xff\xfe" } else { "字".as_bytes() })).collect();
        macro_rules! column {
            ($type:ty, $values:expr, $defined:expr, $repeated:expr) => {
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<$type>().write_batch(&$values, $defined, $repeated).unwrap();
                column.close().unwrap();
            };
        }
        column!(Int32Type, integers(|n| 20 + n % 30), None, None);
        column!(ByteArrayType, sexes, Some(&known), None);
        column!(Int32Type, integers(|n| 20_000 + n), None, None);
        column!(DoubleType, scores, None, None);
        column!(Int32Type, integers(|n| n), Some(&once), Some(&from_the_left));
        column!(ByteArrayType, raw, None, None);
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    fn scan(pieces: &[&[u8]]) -> Option<TablePreview> {
        let mut scan = ParquetScan::new("x.parquet".parse().unwrap());
        for piece in pieces {
            scan.take(piece);
        }
        scan.finish()
    }

    #[test]
    fn a_table_is_looked_into() {
        use ColumnKind::{Day, Decimal, Integer, Text};
        for packing in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW] {
            let file = people(40, packing);
            let table = scan(&[&file]).unwrap();
            assert_eq!((table.rows, table.column_count), (40, 6));
            let columns: Vec<_> = table.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
            let kinds =
                [("age", Integer), ("sex", Text), ("seen", Day), ("score", Decimal), ("visits", Text), ("raw", Text)];
            assert_eq!(columns, kinds);
            assert_eq!(table.first_rows.len(), ROWS_MAX);
            assert_eq!(table.first_rows[0], ["20", "", "2024-10-04", "0", "", "(2 B)"]);
            assert_eq!(table.first_rows[1], ["21", "M", "2024-10-05", "0.25", "", "字"]);
            let of = |place: usize| table.columns[place].statistics.as_ref().unwrap();
            assert_eq!((of(0).range, of(1).missing), (Some((20.0, 49.0)), 8));
            assert_eq!(of(1).frequent, [("F".to_owned(), 16), ("M".to_owned(), 16)]);
            assert!(table.columns[4].statistics.is_none(), "several values in a row");
            let pieces: Vec<&[u8]> = file.chunks(7).collect();
            assert_eq!(scan(&pieces), Some(table));
        }
    }

    #[test]
    fn of_a_table_whose_values_cannot_be_read_the_description_is_shown() {
        // The bytes of the values are gone, as they are of a file that is too large to be kept.
        let mut file = people(40, Compression::SNAPPY);
        let footer =
            file.len() - TRAILER - u32::from_le_bytes(*file[file.len() - TRAILER..].first_chunk().unwrap()) as usize;
        file[4..footer].fill(0xff);
        let table = scan(&[&file]).unwrap();
        assert_eq!((table.rows, table.columns[2].kind, table.first_rows.len()), (40, ColumnKind::Day, 0));
        assert!(table.columns.iter().all(|column| column.statistics.is_none()));
        let mut large = ParquetScan::new("x.parquet".parse().unwrap());
        let filler = vec![0; FOOTER_MAX];
        for _ in 0..=WHOLE_MAX / FOOTER_MAX as u64 {
            large.take(&filler);
        }
        large.take(&file);
        assert!(large.kept.len() < 4 * FOOTER_MAX);
        assert_eq!(large.finish(), Some(table));
    }

    /// A description that nests as deep as may be, in Thrift's compact form.
    fn nested(depth: usize) -> Vec<u8> {
        // version: 1; schema: a list of structures, each with a name and one child.
        let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
        let mut length = depth;
        while length > 0x7f {
            footer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        footer.push(u8::try_from(length).unwrap());
        for n in 0..depth {
            // Of the outermost a name and a child; of the others also that they are required; of the innermost a type.
            footer.extend_from_slice(match n {
                0 => &[0x48, 0x00, 0x15, 0x02, 0x00],
                _ if n + 1 < depth => &[0x35, 0x00, 0x18, 0x00, 0x15, 0x02, 0x00],
                _ => &[0x15, 0x02, 0x25, 0x00, 0x18, 0x00, 0x00],
            });
        }
        // num_rows: 0; row_groups: none.
        footer.extend([0x16, 0x00, 0x19, 0x0c, 0x00]);
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        [b"PAR1".as_slice(), &footer, &length, b"PAR1"].concat()
    }

    #[test]
    fn a_description_that_nests_without_end_harms_nobody() {
        let few = scan(&[&nested(3)]).unwrap();
        assert_eq!((few.rows, few.column_count, few.columns[0].kind), (0, 1, ColumnKind::Text));
        let deep = nested(FOOTER_MAX / 7 - 10);
        assert!(deep.len() > FOOTER_MAX - 100 && deep.len() < FOOTER_MAX);
        assert!(scan(&[&deep]).is_some(), "it was descended into");
        assert_eq!(scan(&[&nested(FOOTER_MAX)]), None, "too long");
    }

    #[test]
    fn what_is_no_table_has_no_preview() {
        assert_eq!(scan(&[]), None);
        assert_eq!(scan(&[b"PAR1"]), None);
        assert_eq!(scan(&[b"PAR1\xff\xff\xff\xffPAR1"]), None);
        assert_eq!(scan(&[b"a,b\n1,2\n"]), None);
        let whole = people(40, Compression::UNCOMPRESSED);
        assert_eq!(scan(&[&whole[..whole.len() - 1]]), None, "cut off");
    }

    proptest! {
        #[test]
        fn changed_bytes_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut file = people(20, Compression::SNAPPY);
            for (place, byte) in changes {
                let place = place.index(file.len());
                file[place] = byte;
            }
            let _ = scan(&[&file]);
        }
    }
}
