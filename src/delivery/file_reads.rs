//! Reading files of this machine: at once what is in the page cache, and the rest on threads that may wait for the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::domain::transfer::Interruption;

/// A piece of a file.
pub enum Piece {
    /// It was in the page cache.
    Cached(Bytes),
    /// A blocking thread reads it.
    Reading(JoinHandle<io::Result<Bytes>>),
}

impl Piece {
    /// Reads so many bytes of a file from an offset on.
    ///
    /// # Errors
    /// When the file system says so. A file that is too short is noticed by the read that reaches its end.
    pub fn read(file: &Arc<File>, offset: u64, length: usize) -> io::Result<Self> {
        let mut buffer = vec![0; length];
        let done = read_cached(file, &mut buffer, offset)?;
        if done == length {
            return Ok(Self::Cached(buffer.into()));
        }
        let file = file.clone();
        Ok(Self::Reading(tokio::task::spawn_blocking(move || {
            file.read_exact_at(&mut buffer[done..], offset + done as u64).map(|()| buffer.into())
        })))
    }
}

/// Why a read failed: the file is shorter than it was, or the storage fails.
pub fn interruption(error: &io::Error) -> Interruption {
    if error.kind() == io::ErrorKind::UnexpectedEof { Interruption::FileChanged } else { Interruption::Storage }
}

/// Reads what is in the page cache, without waiting for the disk (`preadv2` with `RWF_NOWAIT`); says how much that was.
fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut parts = [io::IoSliceMut::new(buffer)];
    match rustix::io::preadv2(file, &mut parts, offset, rustix::io::ReadWriteFlags::NOWAIT) {
        Ok(read) => Ok(read),
        // Nothing is cached, or the file system can't tell.
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Whether a part of a file, not empty, is in the page cache: samples a byte wherever the kernel would stop reading ahead.
pub fn is_cached(file: &File, offset: u64, length: u64) -> bool {
    const STEP: usize = 512 * 1024;
    let mut byte = [0];
    let last = offset + length - 1;
    // That the file has ended is noticed when it is sent.
    (offset..last).step_by(STEP).chain([last]).all(|at| read_cached(file, &mut byte, at).is_ok_and(|read| read == 1))
}

/// Brings a part of a file into the page cache. Blocks.
pub fn read_ahead(file: &File, offset: u64, length: u64) {
    let mut buffer = vec![0; 128 * 1024];
    let mut done = 0;
    while done < length {
        match file.read_at(&mut buffer, offset + done) {
            // Sending meets the same error, and reports it.
            Ok(0) | Err(_) => return,
            Ok(read) => done += read as u64,
        }
    }
}
