//! Making previews of some files while they are hashed, so that their bytes are read once.

use std::sync::Mutex;

use super::picture::PictureScan;
use super::table::TableScan;
use crate::domain::path::FilePath;
use crate::domain::preview::{PicturePreview, TablePreview, pictures_to_preview, tables_to_preview};

/// The preview of a file.
pub(super) enum FilePreview {
    Table(TablePreview),
    Picture(PicturePreview),
}

/// The files of which previews are made.
pub(super) struct PreviewPlan {
    tables: Vec<FilePath>,
    pictures: Vec<FilePath>,
    /// Held while a picture is made small, so that one at a time is in memory with all its pixels.
    decoding: Mutex<()>,
}

/// A file whose bytes go by, with what its preview needs of them.
pub(super) enum FileScan {
    Table(Box<TableScan>),
    Picture(PictureScan),
    NoPreview,
}

impl PreviewPlan {
    /// Chooses among files, of which each has a path and a size.
    pub(super) fn new(files: &[(&FilePath, u64)]) -> Self {
        let (tables, pictures) = (tables_to_preview(files), pictures_to_preview(files));
        Self { tables, pictures, decoding: Mutex::default() }
    }

    /// Begins with a file.
    pub(super) fn begin(&self, path: &FilePath) -> FileScan {
        if self.tables.contains(path) {
            FileScan::Table(Box::new(TableScan::new(path.clone())))
        } else if self.pictures.contains(path) {
            FileScan::Picture(PictureScan::new(path.clone()))
        } else {
            FileScan::NoPreview
        }
    }

    /// The preview of a file whose bytes have all gone by; none where it is not what its name says.
    pub(super) fn finish(&self, scan: FileScan) -> Option<FilePreview> {
        match scan {
            FileScan::Table(scan) => scan.finish().map(FilePreview::Table),
            FileScan::Picture(scan) => scan.finish(&self.decoding).map(FilePreview::Picture),
            FileScan::NoPreview => None,
        }
    }
}

impl FileScan {
    /// Takes in the next piece of the file.
    pub(super) fn take(&mut self, piece: &[u8]) {
        match self {
            Self::Table(scan) => scan.take(piece),
            Self::Picture(scan) => scan.take(piece),
            Self::NoPreview => {}
        }
    }
}
