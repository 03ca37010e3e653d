//! ZIP archives of a dataset (PKWARE APPNOTE 6.3), stored and not compressed. Everything about one follows from the file
//! table, so it has a length and an entity tag before a byte is made, any part of it can be made alone, and two downloads
//! are the same to the byte.

use crate::domain::Timestamp;
use crate::domain::dataset::FileEntry;
use crate::domain::text::Sha256;

/// Sizes and offsets from here on take the 64-bit fields.
const MAX_32: u64 = 0xFFFF_FFFF;
/// Entries from this number on take the 64-bit end record.
const MAX_16: u64 = 0xFFFF;
/// Files from one mark to the next.
const MARK_EVERY: u64 = 1_024;
/// Names are UTF-8 (general purpose bit 11).
const UTF_8: u16 = 1 << 11;
/// Made on Unix, by version 4.5 of the specification.
const MADE_BY: u16 = 3 * 256 + 45;
/// A regular file that everybody may read, as Unix has it.
const MODE: u32 = 0o100_644 << 16;

/// A place in the file table, and what precedes it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// The path of the last file before.
    pub after: String,
    /// Where its successor's local header is.
    pub offset: u64,
    /// How much of the central directory precedes its successor's part.
    pub central: u64,
}

/// Where everything is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// How many files.
    pub files: u64,
    /// Where the central directory begins.
    pub directory: u64,
    /// How long it is.
    pub directory_length: u64,
    /// Bytes in all.
    pub length: u64,
    /// Stands for all of it.
    pub tag: Sha256,
    /// The newest file's time.
    pub modified_at: Timestamp,
    marks: Vec<Mark>,
}

impl Layout {
    /// The last mark whose local header is not after a position.
    pub fn mark_at(&self, position: u64) -> &Mark {
        let next = self.marks.partition_point(|mark| mark.offset <= position);
        &self.marks[next.saturating_sub(1)]
    }

    /// The last mark whose part of the central directory is not after a position in it.
    pub fn mark_in_directory(&self, position: u64) -> &Mark {
        let next = self.marks.partition_point(|mark| mark.central <= position);
        &self.marks[next.saturating_sub(1)]
    }
}

/// Takes the files of a dataset in the order of their paths.
pub struct Planner {
    files: u64,
    at: Mark,
    marks: Vec<Mark>,
    tag: aws_lc_rs::digest::Context,
    modified_at: Timestamp,
}

impl Default for Planner {
    fn default() -> Self {
        Self {
            files: 0,
            at: Mark::default(),
            marks: vec![Mark::default()],
            tag: aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256),
            modified_at: Timestamp(0),
        }
    }
}

impl Planner {
    /// The next file.
    pub fn push(&mut self, entry: &FileEntry) {
        if self.files > 0 && self.files.is_multiple_of(MARK_EVERY) {
            self.marks.push(self.at.clone());
        }
        self.files += 1;
        let local = local_header(entry).len() as u64;
        self.at.central += central_header(entry, self.at.offset).len() as u64;
        self.at.offset += local + entry.size;
        entry.path.as_str().clone_into(&mut self.at.after);
        self.modified_at = self.modified_at.max(entry.modified_at);
        for part in [
            entry.path.as_str().as_bytes(),
            &[0],
            &entry.size.to_be_bytes(),
            &entry.modified_at.0.to_be_bytes(),
            &entry.sha256.0,
        ] {
            self.tag.update(part);
        }
    }

    /// Everything is there.
    pub fn finish(self) -> Layout {
        let (directory, directory_length) = (self.at.offset, self.at.central);
        let end = end_records(self.files, directory, directory_length).len() as u64;
        Layout {
            files: self.files,
            directory,
            directory_length,
            length: directory + directory_length + end,
            tag: Sha256::finish(self.tag),
            modified_at: self.modified_at,
            marks: self.marks,
        }
    }
}

/// Date and time as MS-DOS has them: in steps of two seconds, from 1980 to 2107; here in UTC.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let civil = at.civil();
    let year = civil.year().clamp(1980, 2107);
    if year != civil.year() {
        // The first or the last that can be said.
        return if civil.year() < year { (0, (1 << 5) + 1) } else { (0xBF7D, 0xFF9F) };
    }
    let unsigned = |number: i8| u16::from(number.unsigned_abs());
    let time = unsigned(civil.hour()) * (1 << 11) + unsigned(civil.minute()) * (1 << 5) + unsigned(civil.second()) / 2;
    let date = (year.unsigned_abs() - 1980) * (1 << 9) + unsigned(civil.month()) * (1 << 5) + unsigned(civil.day());
    (time, date)
}

struct Record(Vec<u8>);

impl Record {
    fn new(signature: u32) -> Self {
        Self(signature.to_le_bytes().to_vec())
    }

    fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// What does not fit is said in a 64-bit field elsewhere.
    fn short(self, value: u64) -> Self {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Version, flags, method, time, checksum and sizes, which both headers of a file have.
    fn about(self, entry: &FileEntry, version: u16) -> Self {
        let (time, date) = dos_time(entry.modified_at);
        let stored = 0;
        self.u16(version)
            .u16(UTF_8)
            .u16(stored)
            .u16(time)
            .u16(date)
            .u32(entry.crc32)
            .short(entry.size)
            .short(entry.size)
    }
}

/// The extra field for what does not fit into 32 bits.
fn wide(values: &[u64]) -> Vec<u8> {
    if values.is_empty() {
        return Vec::new();
    }
    let length = u16::try_from(values.len() * 8).unwrap_or(u16::MAX);
    let mut field = [1_u16.to_le_bytes(), length.to_le_bytes()].concat();
    for value in values {
        field.extend_from_slice(&value.to_le_bytes());
    }
    field
}

const fn version(wide: bool) -> u16 {
    if wide { 45 } else { 20 }
}

fn name_length(entry: &FileEntry) -> u16 {
    // Paths have at most 1,024 bytes.
    u16::try_from(entry.path.as_str().len()).unwrap_or(u16::MAX)
}

/// What stands before a file's bytes.
pub fn local_header(entry: &FileEntry) -> Vec<u8> {
    let sizes = [entry.size, entry.size];
    let extra = wide(if entry.size >= MAX_32 { &sizes } else { &[] });
    Record::new(0x0403_4B50)
        .about(entry, version(!extra.is_empty()))
        .u16(name_length(entry))
        .u16(u16::try_from(extra.len()).unwrap_or(u16::MAX))
        .bytes(entry.path.as_str().as_bytes())
        .bytes(&extra)
        .0
}

/// A file's part of the central directory.
pub fn central_header(entry: &FileEntry, offset: u64) -> Vec<u8> {
    let mut values = Vec::new();
    if entry.size >= MAX_32 {
        values.extend([entry.size, entry.size]);
    }
    if offset >= MAX_32 {
        values.push(offset);
    }
    let extra = wide(&values);
    Record::new(0x0201_4B50)
        .u16(MADE_BY)
        .about(entry, version(!extra.is_empty()))
        .u16(name_length(entry))
        .u16(u16::try_from(extra.len()).unwrap_or(u16::MAX))
        // No comment, the first disk, no internal attributes.
        .u16(0)
        .u16(0)
        .u16(0)
        .u32(MODE)
        .short(offset)
        .bytes(entry.path.as_str().as_bytes())
        .bytes(&extra)
        .0
}

/// What ends an archive.
pub fn end_records(files: u64, directory: u64, length: u64) -> Vec<u8> {
    let mut end = Vec::new();
    if files >= MAX_16 || directory >= MAX_32 || length >= MAX_32 {
        let record = Record::new(0x0606_4B50)
            .u64(44)
            .u16(MADE_BY)
            .u16(45)
            .u32(0)
            .u32(0)
            .u64(files)
            .u64(files)
            .u64(length)
            .u64(directory);
        end.extend(record.0);
        end.extend(Record::new(0x0706_4B50).u32(0).u64(directory + length).u32(1).0);
    }
    let count = u16::try_from(files).unwrap_or(u16::MAX);
    end.extend(Record::new(0x0605_4B50).u16(0).u16(0).u16(count).u16(count).short(length).short(directory).u16(0).0);
    end
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn entry(path: &str, size: u64) -> FileEntry {
        FileEntry {
            path: path.parse().unwrap(),
            size,
            sha256: Sha256([7; 32]),
            crc32: 1,
            media_type: "text/plain".into(),
            modified_at: Timestamp::parse("2020-10-11T07:35:42Z").unwrap(),
            pinned_etag: None,
        }
    }

    #[test]
    fn times_as_dos_has_them() {
        let at = |text: &str| dos_time(Timestamp::parse(text).unwrap());
        assert_eq!(at("2020-10-11T07:35:42Z"), ((7 << 11) + (35 << 5) + 21, (40 << 9) + (10 << 5) + 11));
        assert_eq!(at("1970-01-01T00:00:00Z"), (0, (1 << 5) + 1));
        assert_eq!(at("2107-12-31T23:59:58Z"), at("2300-01-01T00:00:00Z"));
    }

    #[test]
    fn large_archives_say_so_in_64_bits() {
        let mut planner = Planner::default();
        for n in 0..70_000_u64 {
            planner.push(&entry(&format!("{n:08}.png"), 100_000));
        }
        planner.push(&entry("huge.bin", 5 << 30));
        let layout = planner.finish();
        assert_eq!(layout.files, 70_001);
        assert_eq!(layout.directory, 70_000 * (30 + 12 + 100_000) + 30 + 8 + 20 + (5 << 30));
        // The two long end records and the short one.
        assert_eq!(layout.length, layout.directory + layout.directory_length + 56 + 20 + 22);
        let mark = layout.mark_at(100_042 * 5_000);
        assert_eq!((mark.after.as_str(), mark.offset), ("00004095.png", 100_042 * 4_096));
        assert_eq!(layout.mark_at(0), &Mark::default());
        assert_eq!(layout.mark_in_directory(mark.central).after, mark.after);
    }

    #[test]
    fn the_tag_stands_for_every_file() {
        let tag = |entries: &[FileEntry]| {
            let mut planner = Planner::default();
            for entry in entries {
                planner.push(entry);
            }
            planner.finish().tag
        };
        let one = entry("a", 1);
        assert_eq!(tag(from_ref(&one)), tag(from_ref(&one)));
        let mut other = one.clone();
        other.sha256 = Sha256([8; 32]);
        assert_ne!(tag(from_ref(&one)), tag(&[other]));
        assert_ne!(tag(from_ref(&one)), tag(&[one.clone(), entry("b", 1)]));
    }
}
