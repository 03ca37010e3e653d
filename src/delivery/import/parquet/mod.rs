//! Tables in Parquet. What they hold is described at their end, so that they are looked into once all of them has gone by.
//!
//! The library that reads them believes what a file says of itself: how deep its description nests, how large a page is, how
//! many values there are. So a process of its own reads each, the same program under another command, which may take so much
//! memory and so much time; its end ends nothing else.

mod reader;

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::domain::path::FilePath;
use crate::domain::preview::TablePreview;
use crate::domain::words::words;

/// The command that reads a table; nobody types it.
pub const COMMAND: &str = "read-parquet";
/// This program, whatever has become of its file.
const PROGRAM: &str = "/proc/self/exe";
/// The largest file whose values are looked at, in bytes. Of a larger one only its description is.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;
/// How much of the end of a file holds its description, in bytes; of a longer one nothing is shown.
const END_MAX: usize = 1024 * 1024;
/// How much memory a reading process may map, in bytes.
const MEMORY_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// How many seconds it may compute.
const SECONDS_MAX: u64 = 20;

/// How much of a table is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Its values, too.
    Values,
    /// Its description alone.
    Description,
}

words! {
    Extent {
        Values = "values",
        Description = "description",
    }
}

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
        if self.size > WHOLE_MAX && self.kept.len() > 2 * END_MAX {
            self.kept.drain(..self.kept.len() - END_MAX);
            self.kept.shrink_to(4 * END_MAX);
        }
    }

    /// What is to be known of the table, once all of it has gone by; `None` where it is none. The lock is held while it is
    /// read, so that one at a time takes memory.
    pub(super) fn finish(self, reading: &Mutex<()>) -> Option<TablePreview> {
        let _held = reading.lock().unwrap_or_else(PoisonError::into_inner);
        let is_whole = self.kept.len() as u64 == self.size;
        let with_values = if is_whole { self.read_apart(Extent::Values) } else { None };
        with_values.or_else(|| self.read_apart(Extent::Description))
    }

    /// Has another process read it.
    fn read_apart(&self, extent: Extent) -> Option<TablePreview> {
        let sent = match extent {
            Extent::Values => &self.kept[..],
            Extent::Description => &self.kept[self.kept.len().saturating_sub(END_MAX)..],
        };
        let mut child = Command::new(PROGRAM)
            .args([COMMAND, extent.as_str(), "--", self.path.as_str()])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        // One that has ended already reads no more, which its status says.
        let _ = child.stdin.take()?.write_all(sent);
        let output = child.wait_with_output().ok()?;
        if output.status.success() { serde_json::from_slice(&output.stdout).ok() } else { None }
    }
}

/// What the other process does: reads a table from standard input, within its limits, and gives what is to be known of it as
/// JSON; `None` where it is none.
///
/// # Errors
/// When the limits can't be set, or the input not be read.
pub fn read_within_limits(extent: Extent, path: FilePath) -> std::io::Result<Option<String>> {
    for (resource, most) in [(Resource::As, MEMORY_MAX), (Resource::Cpu, SECONDS_MAX), (Resource::Core, 0)] {
        // Who started it may have set less.
        let most = Some(getrlimit(resource).maximum.map_or(most, |allowed| allowed.min(most)));
        setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(WHOLE_MAX).read_to_end(&mut bytes)?;
    Ok(reader::read(bytes, path, extent).and_then(|table| serde_json::to_string(&table).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_large_file_the_end_is_kept() {
        let mut large = ParquetScan::new("x.parquet".parse().unwrap());
        let filler = vec![0; END_MAX];
        for _ in 0..=WHOLE_MAX / END_MAX as u64 {
            large.take(&filler);
        }
        large.take(b"the end");
        assert!(large.kept.len() < 4 * END_MAX && large.kept.ends_with(b"the end"));
        assert_eq!(large.size, WHOLE_MAX + END_MAX as u64 + 7);
    }
}
