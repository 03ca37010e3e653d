//! Reading a table in Parquet: its description, and what its values say.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::Field;
use parquet::schema::types::{Type, TypePtr};

use super::Extent;
use crate::domain::path::FilePath;
use crate::domain::preview::{COLUMNS_MAX, ColumnKind, ColumnPreview, ColumnScan, ROWS_MAX, TablePreview, shortened};

/// What stands behind the description: its length, and the word that ends the file.
const TRAILER: usize = 8;
/// How many values are looked at. Of a table with more, the first rows are.
const VALUES_MAX: u64 = 20_000_000;

/// What is to be known of a table, of which at least the end is there.
pub(super) fn read(file: Vec<u8>, path: FilePath, extent: Extent) -> Option<TablePreview> {
    let metadata = ParquetMetaDataReader::decode_metadata(description(&file)?).ok()?;
    let rows = u64::try_from(metadata.file_metadata().num_rows()).ok()?;
    let fields = metadata.file_metadata().schema().get_fields();
    let mut table = TablePreview {
        path,
        rows,
        column_count: fields.len(),
        columns: fields.iter().take(COLUMNS_MAX).map(|field| described(field)).collect(),
        first_rows: Vec::new(),
    };
    // The library goes by the rows that each group says it has.
    let of_groups = metadata
        .row_groups()
        .iter()
        .try_fold(0u64, |sum, group| sum.checked_add(u64::try_from(group.num_rows()).ok()?));
    if extent == Extent::Values && of_groups == Some(rows) {
        read_values(file, &mut table, fields);
    }
    Some(table)
}

/// The description of a file.
fn description(file: &[u8]) -> Option<&[u8]> {
    let (rest, trailer) = file.split_last_chunk::<TRAILER>()?;
    let [a, b, c, d, word @ ..] = *trailer;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    if word != *b"PAR1" {
        return None;
    }
    rest.get(rest.len().checked_sub(length)?..)
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
    let rows = usize::try_from(table.rows).unwrap_or(usize::MAX);
    let wanted = if all { rows } else { rows.min(ROWS_MAX) };
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
    // Its older way of unpacking LZ4 goes on without regard to the size that a page says.
    let properties = ReaderProperties::builder().set_backward_compatible_lz4(false).build();
    let options = ReadOptionsBuilder::new().with_reader_properties(properties).build();
    let reader = SerializedFileReader::new_with_options(bytes::Bytes::from(file), options)?;
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

    fn scan(file: &[u8]) -> Option<TablePreview> {
        read(file.to_vec(), "x.parquet".parse().unwrap(), Extent::Values)
    }

    #[test]
    fn a_table_is_looked_into() {
        use ColumnKind::{Day, Decimal, Integer, Text};
        for packing in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW] {
            let file = people(40, packing);
            let table = scan(&file).unwrap();
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
        }
    }

    #[test]
    fn of_a_table_whose_values_cannot_be_read_the_description_is_shown() {
        // The bytes of the values are gone, as they are of a file that is too large to be kept.
        let mut file = people(40, Compression::SNAPPY);
        let footer =
            file.len() - TRAILER - u32::from_le_bytes(*file[file.len() - TRAILER..].first_chunk().unwrap()) as usize;
        file[4..footer].fill(0xff);
        let table = scan(&file).unwrap();
        assert_eq!((table.rows, table.columns[2].kind, table.first_rows.len()), (40, ColumnKind::Day, 0));
        assert!(table.columns.iter().all(|column| column.statistics.is_none()));
        let alone = read(people(40, Compression::SNAPPY), "x.parquet".parse().unwrap(), Extent::Description);
        assert_eq!(alone, Some(table));
    }

    #[test]
    fn what_is_no_table_has_no_preview() {
        assert_eq!(scan(b""), None);
        assert_eq!(scan(b"PAR1"), None);
        assert_eq!(scan(b"PAR1\xff\xff\xff\xffPAR1"), None);
        assert_eq!(scan(b"a,b\n1,2\n"), None);
        let whole = people(40, Compression::UNCOMPRESSED);
        assert_eq!(scan(&whole[..whole.len() - 1]), None, "cut off");
    }
}
