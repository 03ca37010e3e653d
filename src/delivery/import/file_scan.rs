//! Making previews of some files while they are hashed, so that their bytes are read once.

use std::sync::Mutex;

use super::parquet::ParquetScan;
use super::picture::PictureScan;
use super::table::TableScan;
use crate::domain::path::FilePath;
use crate::domain::preview::{
    PicturePreview, README_BYTES_MAX, Readme, TableForm, TablePreview, pictures_to_preview, readmes_to_preview,
    tables_to_preview,
};

/// The preview of a file.
pub(super) enum FilePreview {
    Table(TablePreview),
    Picture(PicturePreview),
    Readme(Readme),
}

/// The files of which previews are made.
pub(super) struct PreviewPlan {
    tables: Vec<FilePath>,
    pictures: Vec<FilePath>,
    readmes: Vec<FilePath>,
    /// Held while a picture is made small or a Parquet table read, so that one at a time is in memory with all it holds.
    decoding: Mutex<()>,
}

/// A README whose bytes go by.
pub(super) struct ReadmeScan {
    path: FilePath,
    beginning: Vec<u8>,
    size: u64,
}

impl ReadmeScan {
    fn take(&mut self, piece: &[u8]) {
        let room = README_BYTES_MAX - self.beginning.len();
        self.beginning.extend_from_slice(&piece[..piece.len().min(room)]);
        self.size += piece.len() as u64;
    }

    fn finish(self) -> Option<Readme> {
        Readme::read(self.path, &self.beginning, self.size)
    }
}

/// A file whose bytes go by, with what its preview needs of them.
pub(super) enum FileScan {
    Table(Box<TableScan>),
    Parquet(ParquetScan),
    Picture(PictureScan),
    Readme(ReadmeScan),
    NoPreview,
}

impl PreviewPlan {
    /// Chooses among files, of which each has a path and a size.
    pub(super) fn new(files: &[(&FilePath, u64)]) -> Self {
        Self {
            tables: tables_to_preview(files),
            pictures: pictures_to_preview(files),
            readmes: readmes_to_preview(files),
            decoding: Mutex::default(),
        }
    }

    /// Begins with a file.
    pub(super) fn begin(&self, path: &FilePath) -> FileScan {
        if self.tables.contains(path) {
            match TableForm::of(path) {
                Some(TableForm::Parquet) => FileScan::Parquet(ParquetScan::new(path.clone())),
                _ => FileScan::Table(Box::new(TableScan::new(path.clone()))),
            }
        } else if self.pictures.contains(path) {
            FileScan::Picture(PictureScan::new(path.clone()))
        } else if self.readmes.contains(path) {
            FileScan::Readme(ReadmeScan { path: path.clone(), beginning: Vec::new(), size: 0 })
        } else {
            FileScan::NoPreview
        }
    }

    /// The preview of a file whose bytes have all gone by; none where it is not what its name says.
    pub(super) fn finish(&self, scan: FileScan, is_cancelled: &dyn Fn() -> bool) -> Option<FilePreview> {
        match scan {
            FileScan::Table(scan) => scan.finish().map(FilePreview::Table),
            FileScan::Parquet(scan) => scan.finish(&self.decoding, is_cancelled).map(FilePreview::Table),
            FileScan::Picture(scan) => scan.finish(&self.decoding).map(FilePreview::Picture),
            FileScan::Readme(scan) => scan.finish().map(FilePreview::Readme),
            FileScan::NoPreview => None,
        }
    }
}

impl FileScan {
    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        match self {
            Self::Table(scan) => scan.take(piece),
            Self::Parquet(scan) => scan.take(piece),
            Self::Picture(scan) => scan.take(piece),
            Self::Readme(scan) => scan.take(piece),
            Self::NoPreview => {}
        }
    }
}
